import dataclasses
import json
import math
import os
import sqlite3
import stat
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tracking.doubles import SERVICE, record

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.errors import BudgetExceeded, ConfigurationError
from seedance_nb.tracking.ledger.contract import Spending
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.ledger_file import LedgerFile
from seedance_nb.tracking.ledger.migrations import MIGRATIONS
from seedance_nb.tracking.ledger.record import FREE_AGAIN, Record

HOLDS_ITS_PLACE = [status for status in Status if status not in FREE_AGAIN]
VERDICTS = ["succeeded", "failed", "cancelled"]
PATH_IN_CLIPS = {"file": "j1.mp4", "poster": None, "size": 5, "width": 2, "height": 2, "fps": 24.0, "seconds": 1.0}
DONE = {"status": Status.SUCCEEDED, "clip": PATH_IN_CLIPS, "accepted_at": 1000.0, "finished_at": 1010.0}


def allow():
    pass


def claim(ledger, row, fresh=False):
    return ledger.claim(row, fresh, allow)


# Claim -----------------------------------------------------------------------------------------------


def test_a_claim_of_something_new_is_in_the_file_when_it_returns(ledger):
    row = record()
    assert claim(ledger, row) == (row, True)
    again = Ledger(ledger.place)
    assert again.find(row.key) == row
    again.close()


@pytest.mark.parametrize("status", HOLDS_ITS_PLACE)
def test_a_second_claim_gets_the_row_that_holds_the_place(ledger, status):
    first = record(status=status)
    claim(ledger, first)
    assert claim(ledger, record()) == (first, False)


@pytest.mark.parametrize("status", FREE_AGAIN)
def test_what_ended_without_a_video_is_tried_anew(ledger, status):
    claim(ledger, record(status=Status(status)))
    second = record()
    assert claim(ledger, second) == (second, True)


@pytest.mark.parametrize(
    "other",
    [{"prompt": "a plane"}, {"take": 2}, {"account": "another", "base_url": "https://b.example"}],
    ids=["another prompt", "another take", "another account"],
)
def test_another_intention_has_its_own_place(ledger, other):
    claim(ledger, record())
    assert claim(ledger, record(**other))[1] is True


def test_another_webhook_is_the_same_intention(ledger):
    requests = [VideoRequest(prompt="a boat", webhook_url=url) for url in ("https://a", "https://b")]
    assert [claim(ledger, record(request=request))[1] for request in requests] == [True, False]


@pytest.mark.parametrize(
    ("held", "asked", "taken"),
    [([], 1, 1), ([1], 1, 2), ([1, 2], 1, 3), ([1, 5], 1, 6), ([1], 4, 4), ([3], 2, 4)],
)
def test_fresh_takes_the_next_free_take(ledger, held, asked, taken):
    for take in held:
        claim(ledger, record(take=take))
    row, is_new = claim(ledger, record(take=asked), fresh=True)
    assert (row.take, is_new) == (taken, True)


def test_fresh_passes_over_takes_that_ended_without_a_video(ledger):
    claim(ledger, record(take=1, status=Status.FAILED))
    assert claim(ledger, record(), fresh=True)[0].take == 1


def test_a_refusal_before_the_insert_leaves_no_row(ledger):
    def refuse():
        raise BudgetExceeded("too dear")

    with pytest.raises(BudgetExceeded):
        ledger.claim(record(), False, refuse)
    assert ledger.jobs() == []


def test_nobody_is_asked_for_leave_to_reuse_a_row(ledger):
    asked = []
    claim(ledger, record())
    ledger.claim(record(), False, lambda: asked.append(1))
    assert asked == []


@pytest.mark.parametrize("status", HOLDS_ITS_PLACE)
def test_the_file_itself_refuses_a_second_row_that_may_have_been_paid_for(ledger, status):
    claim(ledger, record())
    db = sqlite3.connect(ledger.path)
    columns = [column[1] for column in db.execute("PRAGMA table_info(jobs)")]
    copied = ", ".join({"key": "'other'", "status": f"'{status}'"}.get(name, name) for name in columns)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        db.execute(f"INSERT INTO jobs SELECT {copied} FROM jobs")
    db.close()


def test_the_file_itself_refuses_to_bring_a_free_row_back_beside_a_new_one(ledger):
    old, new = record(status=Status.REJECTED), record()
    claim(ledger, old)
    claim(ledger, new)
    with pytest.raises(ConfigurationError, match=r"(?i)unique"):
        ledger.save(old.key, {"status": Status.QUEUED})
    assert ledger.find(old.key).status is Status.REJECTED


def test_of_many_connections_that_claim_at_once_one_gets_the_place(tmp_path):
    answers = []

    def race():
        mine = Ledger(tmp_path / "ledger.sqlite3")
        start.wait()
        answers.append(claim(mine, record()))
        mine.close()

    start = threading.Barrier(6)
    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(is_new for _, is_new in answers) == [False] * 5 + [True]
    assert len({row.key for row, _ in answers}) == 1


def test_two_connections_see_each_others_writes(ledger):
    other = Ledger(ledger.place)
    row = record()
    claim(ledger, row)
    other.save(row.key, {"status": Status.QUEUED, "request_id": "req_1"})
    assert ledger.find("req_1").status is Status.QUEUED
    other.close()


# Adopt -----------------------------------------------------------------------------------------------


def foreign(request_id="req_9", **changes):
    """A generation known by its id alone, as the service repeats it: without resolution."""
    request = VideoRequest(prompt="a boat", aspect_ratio="16:9", duration=5)
    return record(**{"request": request, "status": Status.PROCESSING, "request_id": request_id, **changes})


def test_adopting_an_id_that_is_known_gives_its_row(ledger):
    row = record(request_id="req_9")
    claim(ledger, row)
    assert ledger.adopt(foreign()) == row


def test_adopting_an_unknown_id_makes_a_row(ledger):
    adopted = ledger.adopt(foreign())
    assert ledger.find("req_9") == adopted
    assert ledger.jobs() == [adopted]


def test_adopting_never_takes_the_place_of_another_take(ledger):
    row = foreign("req_1")
    claim(ledger, row)
    assert ledger.adopt(foreign("req_2")).take == 2


def lost(**changes):
    return record(
        **{"status": Status.UNKNOWN, "error": "lost", "error_kind": "OutcomeUnknown", "sent_at": 7.0, **changes}
    )


def test_an_adopted_id_heals_the_create_whose_answer_was_lost(ledger):
    row = lost()
    claim(ledger, row)
    healed = ledger.adopt(foreign())
    assert (healed.key, healed.request_id, healed.status) == (row.key, "req_9", Status.PROCESSING)
    assert (healed.error, healed.error_kind, healed.accepted_at) == (None, None, 7.0)
    assert ledger.jobs() == [healed]


@pytest.mark.parametrize(
    "prompt",
    ["a boat\nunder a bridge", "a boat  under\ta bridge", "a boat\r\n\r\nunder a bridge"],
    ids=["two lines", "wide spaces", "a paragraph"],
)
def test_a_lost_create_is_found_although_the_repeated_prompt_was_folded_to_one_line(ledger, prompt):
    row = lost(prompt=prompt)
    claim(ledger, row)
    repeated = VideoRequest(prompt="a boat under a bridge", aspect_ratio="16:9", duration=5)
    assert ledger.adopt(foreign(request=repeated)).key == row.key


def test_the_newest_of_several_lost_creates_is_healed(ledger):
    older, newer = lost(), lost(take=2)
    claim(ledger, older)
    claim(ledger, newer)
    assert ledger.adopt(foreign()).key == newer.key


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"account": "another"}, id="of another account"),
        pytest.param({"prompt": "a plane"}, id="with another prompt"),
        pytest.param(
            {"request": VideoRequest(prompt="a boat", aspect_ratio="16:9", duration=10)}, id="of another length"
        ),
        pytest.param({"request": VideoRequest(prompt="a boat", aspect_ratio="1:1", duration=5)}, id="of another shape"),
        pytest.param({"request_id": "req_1"}, id="that has an id already"),
        pytest.param({"status": Status.SUBMITTING}, id="that is still being sent"),
    ],
)
def test_a_row_that_asked_for_something_else_is_not_healed(ledger, other):
    row = lost(**other)
    claim(ledger, row)
    assert ledger.adopt(foreign()).key != row.key
    assert ledger.find(row.key) == row


# Save ------------------------------------------------------------------------------------------------


def test_saved_columns_are_read_back(ledger):
    row = record()
    claim(ledger, row)
    changes = {"status": Status.QUEUED, "status_text": "queued", "request_id": "req_1", "credits": 40.0, "sent_at": 2.5}
    ledger.save(row.key, changes)
    assert ledger.find(row.key) == dataclasses.replace(row, **changes)


def test_saving_one_row_leaves_the_others_alone(ledger):
    one, other = record(), record("a plane")
    claim(ledger, one)
    claim(ledger, other)
    ledger.save(one.key, {"status": Status.FAILED})
    assert ledger.find(other.key) == other


@pytest.mark.parametrize("clip", [None, PATH_IN_CLIPS], ids=["no file", "a file"])
@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("later", list(Status))
def test_a_verdict_is_taken_back_by_a_later_one_until_there_is_a_file_and_by_nothing_else(ledger, verdict, later, clip):
    row = record(status=Status(verdict), error="why", finished_at=9.0, clip=clip)
    claim(ledger, row)
    ledger.save(row.key, {"status": later, "status_text": "later", "error": "other", "finished_at": 99.0})
    if later in VERDICTS and clip is None:
        assert ledger.find(row.key).status is later
    else:
        assert ledger.find(row.key).status == verdict
    if later != verdict and (clip is not None or later not in VERDICTS):
        assert ledger.find(row.key) == row


def test_the_clip_and_the_price_of_a_succeeded_job_may_come_after_its_verdict(ledger):
    row = record(status=Status.SUCCEEDED)
    claim(ledger, row)
    late = {"clip": PATH_IN_CLIPS, "credits": 40.0, "request_id": "req_1", "accepted_at": 7.0}
    ledger.save(row.key, {"status": Status.PROCESSING, **late})
    after = ledger.find(row.key)
    assert (after.status, after.clip, after.credits, after.request_id) == ("succeeded", PATH_IN_CLIPS, 40.0, "req_1")
    assert after.accepted_at == 7.0


@pytest.mark.parametrize("name", ["key", "account", "request", "take", "created_at", "nonsense"])
def test_what_makes_a_row_that_row_cannot_be_changed(ledger, name):
    with pytest.raises(AssertionError):
        ledger.save("j1", {name: 1})


# Questions -------------------------------------------------------------------------------------------


def test_a_row_is_found_by_its_key_and_by_its_request_id(ledger):
    row = record(request_id="req_1")
    claim(ledger, row)
    assert [ledger.find(name) for name in (row.key, "req_1", "req_2", "")] == [row, row, None, None]


def test_of_several_rows_with_one_request_id_the_newest_is_found(ledger):
    for take in (1, 2):
        claim(ledger, record(take=take, request_id="req_1"))
    assert ledger.find("req_1").take == 2


@pytest.mark.parametrize("status", list(Status))
def test_occupying_names_the_row_that_would_be_reused(ledger, status):
    row = record(status=status)
    claim(ledger, row)
    found = ledger.occupying(row.account, row.request, 1)
    assert found == (row if status in HOLDS_ITS_PLACE else None)
    assert ledger.occupying(row.account, row.request, 2) is None
    assert ledger.occupying("another", row.request, 1) is None


@pytest.mark.parametrize(
    ("columns", "is_unfinished"),
    [
        pytest.param({"status": Status.SUBMITTING}, True, id="submitting"),
        pytest.param({"status": Status.QUEUED}, True, id="queued"),
        pytest.param({"status": Status.PROCESSING}, True, id="processing"),
        pytest.param({"status": Status.SUCCEEDED}, True, id="succeeded without its clip"),
        pytest.param(DONE, False, id="succeeded with its clip"),
        pytest.param({"status": Status.FAILED}, False, id="failed"),
        pytest.param({"status": Status.CANCELLED}, False, id="cancelled"),
        pytest.param({"status": Status.REJECTED}, False, id="rejected"),
        pytest.param({"status": Status.UNKNOWN}, False, id="unknown"),
    ],
)
def test_unfinished_is_what_still_needs_following_or_fetching(ledger, columns, is_unfinished):
    row = record(**columns)
    claim(ledger, row)
    assert ledger.unfinished(row.account) == ([row] if is_unfinished else [])
    assert ledger.unfinished("another") == []
    assert ledger.has_unfinished() is is_unfinished


def test_unfinished_rows_come_oldest_first(ledger):
    rows = [record(take=take) for take in (1, 2, 3)]
    for row in reversed(rows):
        claim(ledger, row)
    assert ledger.unfinished("mine") == rows[::-1]


def test_jobs_come_newest_first_and_no_more_than_asked_for(ledger):
    rows = [record(take=take) for take in (1, 2, 3)]
    for row in rows:
        claim(ledger, row)
    assert ledger.jobs(limit=2) == [rows[2], rows[1]]


def test_jobs_of_one_status_are_only_those(ledger):
    failed = record(status=Status.FAILED)
    claim(ledger, failed)
    claim(ledger, record())
    assert ledger.jobs("failed") == [failed]


def life(queued, rendering, number=1, **changes):
    at = 1000.0 * number
    times = {"accepted_at": at, "processing_at": at + queued, "finished_at": at + queued + rendering}
    return record(**{"take": number, "status": Status.SUCCEEDED, "clip": PATH_IN_CLIPS, **times, **changes})


def test_lives_are_the_seconds_from_acceptance_to_end_of_the_newest_jobs(ledger):
    for number, (queued, rendering) in enumerate([(1, 10), (2, 20), (3, 30)], 1):
        claim(ledger, life(queued, rendering, number))
    assert ledger.lives(SERVICE, record().request, limit=2) == [33, 22]


def test_of_jobs_begun_at_once_the_newest_begun_are_learned_from_and_not_the_last_to_end(ledger):
    for number, rendering in enumerate([30, 5, 20, 10], 1):
        claim(
            ledger, life(0, rendering, number, accepted_at=1000.0, processing_at=None, finished_at=1000.0 + rendering)
        )
    assert ledger.lives(SERVICE, record().request, limit=2) == [10, 20]


def test_a_life_whose_start_of_rendering_nobody_saw_counts_all_the_same(ledger):
    claim(ledger, life(5, 10, processing_at=None))
    assert ledger.lives(SERVICE, record().request) == [15]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"base_url": "simulator"}, id="at another service"),
        pytest.param({"status": Status.FAILED}, id="that failed"),
        pytest.param({"accepted_at": None}, id="without a beginning"),
        pytest.param({"finished_at": None}, id="without an end"),
        pytest.param({"accepted_at": 9000.0}, id="that ended before it began"),
        pytest.param({"request": VideoRequest(prompt="a", duration=10, resolution="720p")}, id="of another length"),
        pytest.param({"request": VideoRequest(prompt="a", duration=5, resolution="480p")}, id="of another resolution"),
        pytest.param(
            {"request": VideoRequest(prompt="a", model="x", duration=5, resolution="720p")}, id="of another model"
        ),
    ],
)
def test_a_job_that_teaches_nothing_is_not_a_life(ledger, other):
    claim(ledger, life(1, 2, **other))
    assert ledger.lives(SERVICE, record().request) == []


def test_another_prompt_teaches_how_long_such_jobs_take(ledger):
    claim(ledger, life(1, 2, prompt="a plane"))
    assert ledger.lives(SERVICE, record().request) == [3]


def priced(credits_, seconds=5, media=None, **changes):
    request = VideoRequest(prompt="a", duration=seconds, resolution="720p", media_urls=media)
    return record(request=request, credits=credits_, **changes)


def test_the_rate_is_what_the_newest_such_job_was_charged_a_second(ledger):
    for take, row in enumerate([priced(40), priced(90, 10)], 1):
        claim(ledger, dataclasses.replace(row, take=take))
    assert ledger.rate(SERVICE, priced(None).request) == 9.0


def test_requests_with_media_have_a_rate_of_their_own(ledger):
    media = ("https://a/1.png",)
    claim(ledger, priced(64, media=media))
    claim(ledger, priced(40))
    assert [ledger.rate(SERVICE, priced(None, media=m).request) for m in (None, media)] == [8.0, 12.8]


@pytest.mark.parametrize(
    "row",
    [priced(None), priced(0), priced(40, None), priced(40, base_url="simulator")],
    ids=["price unknown", "free", "length unknown", "another service"],
)
def test_a_job_that_says_nothing_about_prices_gives_no_rate(ledger, row):
    claim(ledger, row)
    assert ledger.rate(SERVICE, priced(None).request) is None


DAY = 86_400.0


@pytest.fixture
def utc(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def bill(number, **changes):
    columns = {
        "take": number,
        "request_id": f"req_{number}",
        "credits": 40.0,
        "notebook": "a.ipynb",
        "created_at": 10 * DAY,
    }
    return record(**{**columns, **changes})


def test_spending_adds_up_by_day_model_notebook_and_reality(ledger, utc):
    rows = [
        bill(1),
        bill(2, credits=24.0),
        bill(3, created_at=11 * DAY),
        bill(4, notebook="b.ipynb"),
        bill(5, simulated=True),
        bill(6, credits=None),
        bill(7, request_id=None),
    ]
    for row in rows:
        claim(ledger, row)
    assert ledger.spending() == [
        Spending("1970-01-12", "seedance-2.0", "a.ipynb", simulated=False, jobs=1, credits=40, saved=0),
        Spending("1970-01-11", "seedance-2.0", "a.ipynb", simulated=False, jobs=3, credits=64, saved=0),
        Spending("1970-01-11", "seedance-2.0", "a.ipynb", simulated=True, jobs=1, credits=40, saved=0),
        Spending("1970-01-11", "seedance-2.0", "b.ipynb", simulated=False, jobs=1, credits=40, saved=0),
    ]


def test_what_reuse_saved_is_counted_where_and_when_it_was_saved(ledger, utc):
    row = bill(1)
    claim(ledger, row)
    ledger.note_reuse(row.key, 12 * DAY, 40.0, "b.ipynb")
    ledger.note_reuse(row.key, 12 * DAY, None, "b.ipynb")
    assert ledger.spending()[0] == Spending("1970-01-13", row.request.model, "b.ipynb", False, 0, 0, 40)


def test_a_reuse_of_nothing_is_refused(ledger):
    with pytest.raises(ConfigurationError, match=r"(?i)foreign key"):
        ledger.note_reuse("nobody", 1.0, 1.0, None)


# The file --------------------------------------------------------------------------------------------


def test_a_sound_file_is_ok(ledger):
    claim(ledger, record())
    assert ledger.check() == "ok"


def test_a_damaged_file_is_not_ok(ledger):
    claim(ledger, record())
    ledger.close()
    data = bytearray(ledger.path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    ledger.path.write_bytes(data)
    try:
        said = ledger.check()
    except ConfigurationError as error:
        said = str(error)
    assert said != "ok"


def test_a_ledger_touches_no_file_until_it_is_asked(tmp_path):
    Ledger(tmp_path / "deep" / "ledger.sqlite3").close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="no modes there")
def test_file_and_folder_are_private(tmp_path):
    ledger = Ledger(tmp_path / "home" / "ledger.sqlite3")
    ledger.jobs()
    ledger.close()
    assert [stat.S_IMODE(p.stat().st_mode) for p in (ledger.path.parent, ledger.path)] == [0o700, 0o600]


def test_a_closed_ledger_opens_itself_again(ledger):
    row = record()
    claim(ledger, row)
    ledger.close()
    ledger.close()
    assert ledger.find(row.key) == row


def test_commits_are_synced_and_keep_no_second_file(ledger):
    db = LedgerFile.open.__wrapped__(ledger.file)  # as it is outside of these tests
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
    claim(ledger, record())
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert [path.name for path in ledger.path.parent.iterdir()] == ["ledger.sqlite3"]


def test_a_write_waits_for_another_process_that_is_just_writing(ledger):
    ledger.jobs()
    holder = sqlite3.connect(ledger.path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.5, holder.close)
    release.start()
    row = record()
    claim(ledger, row)  # well before the lock is given up on
    release.join()
    assert ledger.find(row.key) == row


def test_a_lock_is_waited_for_as_long_as_is_said(ledger, monkeypatch):
    monkeypatch.setattr("seedance_nb.tracking.ledger.ledger_file.BUSY_TIMEOUT_SECONDS", 1.25)
    db = LedgerFile.open.__wrapped__(ledger.file)
    assert db.execute("PRAGMA busy_timeout").fetchone()[0] == 1250


# Every format there ever was -------------------------------------------------------------------------

COMMON = {
    "key": "j00000000abc",
    "account": "mine",
    "base_url": SERVICE,
    "simulated": 0,
    "request": json.dumps(VideoRequest(prompt="a boat", duration=5, resolution="720p").to_wire()),
    "request_hash": VideoRequest(prompt="a boat", duration=5, resolution="720p").canonical_hash(),
    "model": "seedance-2.0",
    "duration": 5,
    "resolution": "720p",
    "take": 1,
    "status": "queued",
    "status_text": "queued",
    "request_id": "req_1",
    "credits": 40.0,
    "created_at": 5.0,
}
ROWS = {1: COMMON}
"""What a row looked like in each format; a format that is missing here looked like the one before it."""


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_row_of_every_format_there_ever_was_survives(tmp_path, version):
    path = tmp_path / "ledger.sqlite3"
    old = ROWS[max(known for known in ROWS if known <= version)]
    db = sqlite3.connect(path, isolation_level=None)
    for step in (step for steps in MIGRATIONS[:version] for step in steps):
        step(db) if callable(step) else db.execute(step)
    db.execute(f"INSERT INTO jobs ({', '.join(old)}) VALUES ({', '.join('?' * len(old))})", tuple(old.values()))
    db.execute(f"PRAGMA user_version = {version}")
    db.close()
    ledger = Ledger(path)
    found = ledger.find("req_1")
    assert (found.key, found.request.prompt, found.credits, found.status) == ("j00000000abc", "a boat", 40.0, "queued")
    assert ledger.claim(record(request=found.request), False, allow) == (found, False)
    assert ledger.file.open().execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    ledger.close()


@pytest.mark.parametrize("content", [None, b""], ids=["no file", "an empty file"])
def test_nothing_becomes_a_file_of_the_newest_format(tmp_path, content):
    path = tmp_path / "ledger.sqlite3"
    if content is not None:
        path.write_bytes(content)
    ledger = Ledger(path)
    assert ledger.jobs() == []
    assert ledger.file.open().execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    ledger.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "seedance_nb.tracking.ledger.migrations.MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE t (a)", "nonsense"))
    )
    path = tmp_path / "ledger.sqlite3"
    with pytest.raises(ConfigurationError, match="syntax error"):
        Ledger(path).jobs()
    monkeypatch.undo()
    ledger = Ledger(path)
    assert ledger.jobs() == []
    ledger.close()


def test_a_file_of_a_newer_format_is_refused_with_the_cure(ledger):
    claim(ledger, record())
    ledger.file.open().execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    ledger.close()
    before = ledger.path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"newer version.*; upgrade seedance_nb$"):
        ledger.jobs()
    assert ledger.path.read_bytes() == before


def test_two_kernels_that_make_the_file_at_once_both_succeed(tmp_path):
    trouble = []

    def begin():
        mine = Ledger(tmp_path / "ledger.sqlite3")
        start.wait()
        try:
            mine.jobs()
        except ConfigurationError as error:
            trouble.append(error)
        mine.close()

    start = threading.Barrier(4)
    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []


# Rows and records ------------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
number = st.floats(0, 1e12, allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
requests = st.builds(
    VideoRequest,
    prompt=text,
    model=text,
    aspect_ratio=st.none() | text,
    duration=st.none() | st.integers(1, 3600),
    resolution=st.none() | text,
    media_urls=st.none() | st.lists(text, max_size=3).map(tuple),
    webhook_url=st.none() | text,
    metadata=st.none() | st.dictionaries(text, values, max_size=3),
)
records = st.builds(
    Record,
    key=st.uuids().map(lambda u: u.hex),
    account=text,
    base_url=text,
    request=requests,
    take=st.integers(1, 10**6),
    status=st.sampled_from(Status),
    status_text=text,
    created_at=number,
    simulated=st.booleans(),
    request_id=st.none() | text,
    credits=st.none() | number,
    estimate=st.none() | number,
    estimate_source=st.none() | text,
    error=st.none() | text,
    error_kind=st.none() | text,
    owner=st.none() | text,
    notebook=st.none() | text,
    sent_at=st.none() | number,
    accepted_at=st.none() | number,
    processing_at=st.none() | number,
    finished_at=st.none() | number,
    checked_at=st.none() | number,
    clip=st.none() | st.dictionaries(text, values, min_size=1, max_size=3),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records)
def test_every_record_comes_back_as_it_went_in(ledger, row):
    ledger = Ledger(ledger.place)  # which remembers nothing of the example before
    kept, is_new = claim(ledger, row)
    if is_new:
        row = dataclasses.replace(row, day=kept.day)  # which the ledger says
        assert ledger.find(row.key) == row
        assert kept == row
    ledger.file.open().execute("DELETE FROM jobs")
    ledger.close()


# How rows are found ----------------------------------------------------------------------------------


def save_what_is_not_there(ledger):
    with pytest.raises(ConfigurationError, match="has no job j1"):
        ledger.save("j1", {"status": Status.QUEUED})


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda ledger: claim(ledger, record("another")), id="claim"),
        pytest.param(lambda ledger: claim(ledger, record(), fresh=True), id="claim fresh"),
        pytest.param(lambda ledger: ledger.adopt(foreign("req_77")), id="adopt"),
        pytest.param(lambda ledger: ledger.save(claim(ledger, record())[0].key, {"status": Status.QUEUED}), id="save"),
        pytest.param(save_what_is_not_there, id="save nothing"),
        pytest.param(lambda ledger: ledger.find("req_5"), id="find"),
        pytest.param(lambda ledger: ledger.occupying("mine", record().request, 1), id="occupying"),
        pytest.param(lambda ledger: ledger.unfinished("mine"), id="unfinished"),
        pytest.param(lambda ledger: ledger.has_unfinished(), id="has_unfinished"),
        pytest.param(lambda ledger: ledger.jobs(), id="jobs"),
        pytest.param(lambda ledger: ledger.jobs("failed"), id="jobs of one status"),
        pytest.param(lambda ledger: ledger.lives(SERVICE, record().request), id="lives"),
        pytest.param(lambda ledger: ledger.rate(SERVICE, record().request), id="rate"),
    ],
)
def test_no_question_reads_the_whole_table(ledger, ask):
    statements = []
    db = ledger.file.open()
    db.set_trace_callback(statements.append)
    ask(ledger)
    db.set_trace_callback(None)
    asked = [statement for statement in statements if statement.lstrip().startswith(("SELECT", "UPDATE"))]
    plans = [step[3] for statement in asked for step in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    visits = [step for step in plans if step.startswith(("SCAN", "SEARCH"))]
    assert visits
    assert [step for step in visits if "INDEX" not in step and step != "SCAN CONSTANT ROW"] == []


@pytest.mark.parametrize(
    ("trouble", "cure"),
    [
        pytest.param(b"x" * 5000, "the file is damaged", id="not a database"),
        pytest.param("folder", "make its folder writable|check its folder", id="a folder in its place"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_with_a_cure(ledger, trouble, cure):
    ledger.path.parent.mkdir(exist_ok=True)
    if trouble == "folder":
        ledger.path.mkdir()
    else:
        ledger.path.write_bytes(trouble)
    with pytest.raises(ConfigurationError, match=cure) as caught:
        ledger.jobs()
    assert str(ledger.path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_times_keep_their_microseconds(ledger):
    row = record(created_at=1_763_000_000.123456)
    claim(ledger, row)
    assert math.isclose(ledger.find(row.key).created_at, 1_763_000_000.123456, abs_tol=1e-7)


# A place that was taken while the file was away -------------------------------------------------------


def exchange(ledger, rows):
    """Another file in the ledger's place, which holds these rows alone."""
    other = Ledger(ledger.path.with_name("other.sqlite3"))
    for row in rows:
        claim(other, row)
    other.close()
    other.path.replace(ledger.path)


@pytest.mark.parametrize("answered", [False, True], ids=["sent", "with its id"])
def test_who_has_the_place_of_a_paid_video_and_has_sent_nothing_gives_it_up(ledger, answered):
    """Else a kernel that comes later takes the dead one's place, sends, and pays for the same twice."""
    paid, never_sent = record(), record()
    claim(ledger, paid)
    ledger.save(paid.key, {"sent_at": 5.0})
    if answered:
        ledger.save(paid.key, {"request_id": "req_1", "status": Status.QUEUED, "status_text": "queued"})
    exchange(ledger, [never_sent])

    ledger.save(paid.key, {"request_id": "req_1", "status": Status.QUEUED, "status_text": "queued"})

    later = Ledger(ledger.place)
    assert (later.find("req_1").take, later.find(never_sent.key).status) == (1, Status.REJECTED)
    row, is_new = claim(later, record())
    assert (row.request_id, is_new) == ("req_1", False)
    with pytest.raises(ConfigurationError):  # its owner lives after all: the last write before sending fails
        later.save(never_sent.key, {"status": Status.SUBMITTING, "status_text": "submitting", "sent_at": 9.0})
    later.close()


def test_who_may_have_sent_keeps_the_place_and_the_paid_video_the_next_take(ledger):
    paid, sent = record(), record(sent_at=4.0)
    claim(ledger, paid)
    ledger.save(paid.key, {"sent_at": 5.0})
    exchange(ledger, [sent])

    ledger.save(paid.key, {"request_id": "req_1", "status": Status.QUEUED, "status_text": "queued"})

    assert (ledger.find("req_1").take, ledger.find(sent.key).take) == (2, 1)
