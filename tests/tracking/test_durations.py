"""How long a job took: what no look saw stays unknown, and one duration means one thing wherever it is shown."""

import asyncio
import csv
import dataclasses
import io
import sqlite3

import msgspec
import pytest
from tracking.doubles import SERVICE, insert_as_then, make_runner, record, submit, until

from seedance_nb.api.models import Status
from seedance_nb.clips.clip import Clip
from seedance_nb.grids.plans.timing import seconds_left
from seedance_nb.snapshot import Durations, Snapshot, between_looks, durations, lived
from seedance_nb.tracking.following.pace import Kind
from seedance_nb.tracking.following.picture import snapshot_of
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.migrations import MIGRATIONS

ASKED = record().request
HOUR = 3600.0


def ended(**times):
    usual = {
        "created_at": 100.0,
        "accepted_at": 101.0,
        "processing_at": 103.0,
        "checked_at": 139.0,
        "finished_at": 141.0,
    }
    return Snapshot("j1", ASKED, 1, Status.SUCCEEDED, "succeeded", request_id="req_1", **{**usual, **times})


# What is known ---------------------------------------------------------------------------------------


def test_every_duration_is_from_one_moment_to_another():
    assert durations(ended()) == Durations(waited=41.0, queued=2.0, rendered=38.0, noticed=41.0, ended_at=141.0)


@pytest.mark.parametrize(
    ("times", "unknown"),
    [
        pytest.param({"processing_at": None}, {"queued", "rendered"}, id="no look saw the making begin"),
        pytest.param({"checked_at": 0.0}, {"waited", "rendered", "ended_at"}, id="nobody looked on when it ended"),
        pytest.param({"finished_at": 140.0 + HOUR}, {"waited", "rendered", "ended_at"}, id="the laptop slept in between"),
        pytest.param({"checked_at": 110.0}, {"rendered"}, id="the looks beside the end were far apart for such a job"),
        pytest.param({"accepted_at": None, "processing_at": None}, {"waited", "queued", "rendered", "noticed"}, id="sent from elsewhere"),
        pytest.param({"finished_at": None}, {"waited", "rendered", "noticed", "ended_at"}, id="not over yet"),
        pytest.param({"accepted_at": 104.0}, {"queued"}, id="the clock was set back"),
    ],
)  # fmt: skip
def test_what_nobody_saw_is_unknown_and_the_rest_is_kept(times, unknown):
    found = dataclasses.asdict(durations(ended(**times)))
    assert {name for name, value in found.items() if value is None} == unknown


@pytest.mark.parametrize(
    ("before", "after", "moment"),
    [
        (1.5, 7.0, None),  # a true 2.5 would come out as 4.25
        (1.5, 3.0, 2.25),
        (0.0, 2.0, 1.0),
        (0.0, 2.1, None),
        (15.0, 30.0, 22.5),
        (15.0, 30.1, None),
        (600.0, 690.0, 645.0),
        (600.0, 690.1, None),
        (5.0, 4.0, None),
        (None, 4.0, None),
    ],
)
def test_a_moment_is_known_between_two_looks_that_are_close(before, after, moment):
    assert between_looks(before, after, 0.0) == moment


def test_an_end_without_recorded_looks_is_taken_as_it_is():
    assert lived(10.0, None, 52.0) == 42.0


# What is recorded ------------------------------------------------------------------------------------


def test_a_making_that_no_look_saw_is_not_invented(runner, service):
    service.queue, service.render = (
        2.0,
        0.5,
    )  # looks come after 1.5 s and 3 s: the first says queued, the second succeeded
    job = submit(runner)
    job.result(20)
    took = durations(job.snapshot)
    assert job.snapshot.processing_at is None
    assert (took.queued, took.rendered) == (None, None)
    assert abs(took.waited - 2.5) < 0.5


def test_a_making_that_looks_saw_begin_and_end_is_known_as_closely_as_they_lay(runner, service):
    service.queue, service.render = 10.0, 20.0
    job = submit(runner)
    job.result(20)
    took = durations(job.snapshot)
    assert abs(took.queued - 10) < 0.9
    assert abs(took.rendered - 20) < 1.7


def test_a_beginning_far_from_any_look_before_it_is_not_known(runner, service, ledger):
    """Where such jobs take a minute, nobody looks for half of that: what happened meanwhile is not put at the first look."""
    for take in range(1, 4):
        row = record("other", take=take, status=Status.SUCCEEDED, accepted_at=1000.0, finished_at=1060.0)
        ledger.claim(row, False, lambda: None)
    service.queue, service.render = 2.0, 58.0
    job = submit(runner)
    job.result(20)
    assert service.looks["req_0"][0] - job.snapshot.accepted_at > 5
    took = durations(job.snapshot)
    assert (took.queued, took.rendered) == (None, None)
    assert abs(took.waited - 60) < 5


def test_what_the_answer_of_the_create_says_was_seen(runner, service, monkeypatch):
    create = service.create

    async def at_once(request):
        return msgspec.structs.replace(await create(request), status=Status.PROCESSING, status_text="processing")

    monkeypatch.setattr(service, "create", at_once)
    service.queue = 0.0
    job = submit(runner)
    job.result(20)
    assert durations(job.snapshot).queued == 0.0
    assert abs(durations(job.snapshot).rendered - 4) < 0.9


@pytest.mark.parametrize("prompt", ["a boat", "a boat [fail]"])
def test_who_comes_back_after_hours_has_noticed_the_end_and_not_seen_it(tmp_path, service, clock, ledger, prompt):
    service.queue, service.render = 2.0, 4.0
    old = record(prompt, status=Status.QUEUED, request_id="req_0", created_at=clock.time(), accepted_at=clock.time())
    service.accepted.append(("req_0", old.request, clock.time()))
    ledger.claim(old, False, lambda: None)
    clock.now += 3 * HOUR
    runner = make_runner(tmp_path, service, clock)
    job = runner.job_of(ledger.find(old.key))
    runner.follow(job)
    assert until(job.done)
    row = ledger.find(old.key)
    for snapshot in (
        job.snapshot,
        dataclasses.replace(job.snapshot, checked_at=row.checked_at, finished_at=row.finished_at),
    ):
        took = durations(snapshot)
        assert (took.waited, took.queued, took.rendered, took.ended_at) == (None, None, None, None)
        assert took.noticed >= 3 * HOUR
    assert ledger.lives(SERVICE, old.request) == []
    runner.close()


def test_what_ended_while_the_laptop_slept_is_noticed_too(runner, service, clock, monkeypatch):
    service.script, look = ["processing", "succeeded"], service.get

    async def after_a_nap(request_id):
        if len(service.looks.get(request_id, ())) == 1:
            clock.now += 3 * HOUR
        return await look(request_id)

    monkeypatch.setattr(service, "get", after_a_nap)
    job = submit(runner)
    job.result(20)
    assert durations(job.snapshot).waited is None
    assert durations(job.snapshot).noticed >= 3 * HOUR


def test_the_answer_of_the_create_counts_as_a_look(runner, service):
    service.queue, service.render = 0.0, 0.5
    job = submit(runner)
    job.result(20)
    assert len(service.looks["req_0"]) == 1
    assert 0 < durations(job.snapshot).waited < 1


def test_a_job_read_from_the_ledger_knows_what_the_living_one_knew(runner, ledger):
    job = submit(runner)
    job.result(20)
    assert durations(snapshot_of(ledger.find(job.key), runner._tools.clips)) == durations(job.snapshot)
    ledger.save(job.key, {"checked_at": 0.0})
    assert durations(snapshot_of(ledger.find(job.key), runner._tools.clips)).waited is None


def test_the_time_a_grid_has_left_is_not_told_from_ends_that_nobody_saw(tmp_path):
    clip = Clip(tmp_path / "c.mp4", None, 1, 480, 480, 24.0, 5.0, "0" * 64)
    running = Snapshot("j2", ASKED, 1, Status.PROCESSING, "processing", created_at=100.0, accepted_at=101.0)
    seen = ended(clip=clip)
    slept = ended(clip=clip, checked_at=0.0, finished_at=101.0 + HOUR)
    assert seconds_left([running, seen], {}, 102.0) == pytest.approx(39, rel=0.1)
    assert seconds_left([running, slept], {}, 102.0) is None


def test_a_file_fetched_later_does_not_move_the_end(runner, service, ledger):
    job = submit(runner)
    job.result(20)
    before = ledger.find(job.key)
    job.clip.path.unlink()
    job.download_again()
    assert until(lambda: job.clip is not None and job.clip.path.exists())
    after = ledger.find(job.key)
    assert (after.checked_at, after.finished_at) == (before.checked_at, before.finished_at)
    assert before.checked_at > 0


# What is learned -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checked_at", "lives"),
    [
        pytest.param(None, [60.0], id="looks not recorded"),
        pytest.param(1055.0, [60.0], id="looked on"),
        pytest.param(0.0, [], id="slept through"),
        pytest.param(1020.0, [60.0], id="looks far apart for such a job, but looked on"),
        pytest.param(1010.0, [], id="looks so far apart that nobody looked on"),
    ],
)
def test_lives_that_nobody_saw_end_teach_nothing(ledger, checked_at, lives):
    row = record(status=Status.SUCCEEDED, accepted_at=1000.0, finished_at=1060.0, checked_at=checked_at)
    ledger.claim(row, False, lambda: None)
    assert ledger.lives(SERVICE, row.request) == lives


def test_the_life_of_what_was_sent_from_elsewhere_is_not_learned(runner, service, ledger):
    service.accepted.append(("req_0", ASKED, 0.0))
    service.script = ["processing", "processing", "processing", "succeeded"]
    adopted = asyncio.run_coroutine_threadsafe(runner.adopt("req_0"), runner.background.loop).result(20)
    job = runner.job_of(adopted, wanted=True)
    job.result(20)
    row = ledger.find("req_0")
    assert row.accepted_at is None
    assert ledger.lives(SERVICE, row.request) == []
    assert durations(job.snapshot).waited is None


def test_a_job_that_is_followed_tells_its_siblings_since_when_it_lives(runner, clock, monkeypatch):
    told, living = [], Kind.living
    monkeypatch.setattr(
        Kind, "living", lambda kind, wake, at=None, known=0: told.append(at) or living(kind, wake, at, known)
    )
    job = submit(runner)
    job.result(20)
    assert told == [pytest.approx(clock.monotonic() - (clock.time() - job.snapshot.accepted_at), abs=0.5)]


def test_moments_that_older_versions_invented_become_unknown(tmp_path, monkeypatch):
    path = tmp_path / "old.sqlite3"
    with monkeypatch.context() as before:
        before.setattr("seedance_nb.tracking.ledger.migrations.MIGRATIONS", MIGRATIONS[:2])
        old = Ledger(path)
        rows = [
            record(
                "invented", status=Status.SUCCEEDED, created_at=1.0, accepted_at=2.0, processing_at=2.0, finished_at=9.0
            ),
            record(
                "seen", status=Status.SUCCEEDED, created_at=1.0, accepted_at=2.0, processing_at=4.0, finished_at=9.0
            ),
            record("attached", status=Status.SUCCEEDED, created_at=5.0, accepted_at=5.0, finished_at=9.0),
        ]
        with old.file.transaction() as db:  # as the version of then wrote it
            for row in rows:
                insert_as_then(db, row)
        old.close()
    ledger = Ledger(path)
    found = [ledger.find(row.key) for row in rows]
    assert [(row.accepted_at, row.processing_at) for row in found] == [(2.0, None), (2.0, 4.0), (None, None)]
    ledger.close()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone()[0] >= 3


# What is shown ---------------------------------------------------------------------------------------


def shown_everywhere(snapshot, tmp_path):
    """The same duration as wall, table, caption, panel and card have it."""
    from seedance_nb.grids.axes import Cell
    from seedance_nb.grids.export.table import make_table
    from seedance_nb.grids.picture import GridPicture, Tile
    from seedance_nb.grids.walls import tiles as wall_tiles
    from seedance_nb.notebook.card.job_card import card_view
    from seedance_nb.notebook.panel import gallery as panel_gallery
    from seedance_nb.pages import words

    picture = GridPicture(("x",), (Tile(Cell(0, {"x": 1}, ASKED, 1), snapshot),), submitted=True, credits=0.0)
    (row,) = make_table(picture, {}, tmp_path).rows
    return {
        "table": row["waited_seconds"],
        "wall": wall_tiles.receipt(snapshot),
        "caption": words.took(snapshot, "made in"),
        "panel": dict(panel_gallery._facts(snapshot)).get("Made in"),
        "card": card_view(snapshot, 1e9)["elapsed"],
    }


def test_waited_is_the_same_on_wall_table_caption_panel_and_card(tmp_path):
    shown = shown_everywhere(ended(), tmp_path)
    assert (shown["table"], shown["card"]) == (41.0, 41.0)
    assert "waited 41 s · rendered in 38 s" in shown["wall"]
    assert (shown["caption"], shown["panel"]) == ("made in 41 s", "41 s")


def test_an_end_that_nobody_saw_is_said_to_be_noticed_wherever_a_duration_would_stand(tmp_path):
    shown = shown_everywhere(ended(checked_at=0.0, finished_at=100.0 + 3 * HOUR), tmp_path)
    assert (shown["table"], shown["card"]) == (None, None)
    assert "noticed after 3 h" in shown["wall"]
    assert "waited" not in shown["wall"]
    assert "rendered" not in shown["wall"]
    assert shown["caption"].startswith("noticed after 3 h")
    assert shown["panel"].startswith("noticed after 3 h")


def test_a_beginning_that_nobody_saw_is_an_empty_cell_in_the_csv(tmp_path):
    from seedance_nb.grids.axes import Cell
    from seedance_nb.grids.export.csv_table import csv_of
    from seedance_nb.grids.export.table import frame_of, make_table
    from seedance_nb.grids.picture import GridPicture, Tile

    tiles = [
        Tile(Cell(n, {"x": n}, ASKED, 1), snapshot)
        for n, snapshot in enumerate([ended(processing_at=None), ended(checked_at=0.0)])
    ]
    table = make_table(GridPicture(("x",), tuple(tiles), submitted=True, credits=0.0), {}, tmp_path)
    frame = frame_of(table)
    assert frame["queued_seconds"].isna().tolist() == [True, False]
    assert frame["render_seconds"].isna().tolist() == [True, True]
    assert frame["waited_seconds"].isna().tolist() == [False, True]
    assert frame["finished_at"].isna().tolist() == [False, True]
    assert frame["noticed_at"].isna().tolist() == [True, False]
    lines = list(csv.DictReader(io.StringIO(csv_of(table))))
    assert [line["queued_seconds"] for line in lines] == ["", "2.0"]
    assert [line["finished_at"] == "" for line in lines] == [False, True]
