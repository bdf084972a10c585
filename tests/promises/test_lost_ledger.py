"""A ledger that disappears or is exchanged under a running process: what was paid for is written again, and never bought again.

A sync program, `rm`, a restored backup: each loss hits a real file while a real create is in the air.
"""

import contextlib
import os
import shutil
import sqlite3

import pytest
from promises.stage import PACE, accepted, begin, end_of, session_at, settled, start_kernel, submit, until
from promises.test_crashes import is_whole

from seedance_nb.api.models import Status
from seedance_nb.errors import ConfigurationError
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.ledger_file import LedgerFile
from seedance_nb.tracking.ledger.vote import Vote

LATE = Fault("create", "delay", None, seconds=0.5)


def remove(home, older):
    (home / "ledger.sqlite3").unlink()


def move_away(home, older):
    (home / "ledger.sqlite3").rename(home / "ledger (conflicted copy).sqlite3")


def replace_by_an_empty_one(home, older):
    (home / "empty").touch()
    (home / "empty").replace(home / "ledger.sqlite3")


def replace_by_an_older_copy(home, older):
    shutil.copy(older, home / "copy")
    (home / "copy").replace(home / "ledger.sqlite3")


def copy_an_older_one_over_it(home, older):
    (home / "ledger.sqlite3").write_bytes(older.read_bytes())


def cut_to_nothing(home, older):
    os.truncate(home / "ledger.sqlite3", 0)


def remove_the_folder(home, older):
    shutil.rmtree(home)


def move_the_folder(home, older):
    home.rename(home.with_name("moved"))


LOSSES = [
    remove,
    move_away,
    replace_by_an_empty_one,
    replace_by_an_older_copy,
    copy_an_older_one_over_it,
    cut_to_nothing,
    remove_the_folder,
    move_the_folder,
]


@pytest.fixture(autouse=True)
def careless_disk(monkeypatch):
    """Commits that do not wait for the disk: no power fails here."""
    opened = LedgerFile.open

    def quick(file):
        db = opened(file)
        db.execute("PRAGMA synchronous = OFF")
        return db

    monkeypatch.setattr(LedgerFile, "open", quick)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def older(tmp_path, home):
    """A copy of the ledger from before anything happened."""
    ledger = Ledger(home / "ledger.sqlite3")
    ledger.jobs()
    ledger.close()
    return shutil.copy(home / "ledger.sqlite3", tmp_path / "older.sqlite3")


def row_of(home, prompt="a paper boat"):
    """The newest row as another process finds it, or None."""
    with contextlib.closing(Ledger(home / "ledger.sqlite3")) as ledger, contextlib.suppress(ConfigurationError):
        return next((row for row in ledger.jobs() if row.request.prompt == prompt), None)


@pytest.mark.parametrize("lose", LOSSES)
def test_a_row_lost_while_the_create_is_in_the_air_is_written_whole_and_the_card_says_so(lose, home, older, told):
    with Simulator(pace=PACE, faults=[LATE]) as simulator, session_at(simulator.base_url, home) as session:
        job = submit(session)
        until(lambda: simulator.calls["create"])
        lose(home, older)

        clip = job.result(60)

        row = until(lambda: (row := row_of(home)) and row.clip and row)
        assert (row.key, row.request_id, row.status) == (job.key, job.request_id, Status.SUCCEEDED)
        assert (row.credits, row.take, row.request) == (simulator.scenario.accepted[0].credits, 1, job.request)
        assert row.sent_at is not None
        assert row.accepted_at is not None
        assert any("deleted or exchanged" in warning for warning in job.snapshot.warnings)
        assert any("row was written again" in (snapshot.trouble or "") for snapshot in told)
        assert submit(session).result(60) == clip
    with session_at(simulator.base_url, home) as another_kernel:
        assert submit(another_kernel).result(60) == clip
    assert simulator.calls["create"] == 1


@pytest.mark.parametrize("lose", LOSSES)
def test_killed_after_the_row_was_written_again_the_next_kernel_goes_on_with_it(lose, home, older, one_film):
    with Simulator(pace=Pace(0, 1.0, 0), faults=[LATE]) as simulator:
        kernel = start_kernel(simulator, home, ["a paper boat"])
        begin(kernel)
        until(lambda: simulator.calls["create"])
        lose(home, older)
        until(lambda: (home / "ledger.sqlite3").exists() and (row := row_of(home)) and row.request_id)
        kernel.kill()
        end_of(kernel)

        with session_at(simulator.base_url, home) as session:
            job = settled(submit(session))
            assert is_whole(job.clip, one_film)
            assert job.reused
        assert (accepted(simulator), simulator.calls["create"]) == (1, 1)


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("stage", ["running", "finished"])
def test_the_same_cell_after_a_loss_buys_nothing_in_the_kernel_that_knows(stage, lose, home, older):
    with Simulator(pace=Pace(0, 0.3, 0)) as simulator, session_at(simulator.base_url, home) as session:
        job = submit(session)
        until(lambda: job.request_id)
        if stage == "finished":
            job.result(60)
            until(lambda: row_of(home).clip)
        lose(home, older)

        again = submit(session)

        assert again.result(60).path.exists()
        assert (again.request_id, again.reused) == (job.request_id, True)
        assert row_of(home).request_id == job.request_id
        assert simulator.calls["create"] == 1


@pytest.mark.parametrize("lose", [remove, replace_by_an_older_copy, remove_the_folder])
def test_a_loss_is_noticed_while_a_job_is_only_looked_at(lose, home, older):
    with Simulator(pace=PACE) as simulator, session_at(simulator.base_url, home) as session:
        job = submit(session, "[stuck]")
        until(lambda: job.status is Status.PROCESSING)
        until(lambda: row_of(home, "[stuck]").status is Status.PROCESSING)
        lose(home, older)

        until(lambda: (home / "ledger.sqlite3").exists() and (row := row_of(home, "[stuck]")) and row.request_id)

        until(lambda: job.snapshot.warnings)


def test_a_ledger_moved_away_and_back_knows_the_end_that_came_meanwhile(home, tmp_path):
    with Simulator(pace=PACE, faults=[LATE]) as simulator, session_at(simulator.base_url, home) as session:
        job = submit(session)
        until(lambda: simulator.calls["create"])
        (home / "ledger.sqlite3").rename(tmp_path / "away")
        clip = job.result(60)
        until(lambda: row_of(home).clip)
        (tmp_path / "away").replace(home / "ledger.sqlite3")

        assert submit(session).result(60) == clip

        assert row_of(home).request_id == job.request_id
    assert simulator.calls["create"] == 1
    with session_at(simulator.base_url, home) as another_kernel:
        assert submit(another_kernel).result(60) == clip


def test_two_that_paid_for_one_place_without_knowing_of_each_other_are_both_kept(home):
    with Simulator(pace=PACE, faults=[LATE]) as simulator:
        with session_at(simulator.base_url, home) as session, session_at(simulator.base_url, home) as other:
            job = submit(session)
            until(lambda: simulator.calls["create"] == 1)
            remove(home, None)
            stranger = submit(other)  # its ledger is empty: nobody could know
            assert stranger.result(60)
            assert job.result(60)
            until(lambda: job.snapshot.warnings)
            assert (job.take, stranger.take) == (2, 1)
            assert "as take 2" in job.snapshot.warnings[-1]

        with session_at(simulator.base_url, home) as next_kernel:
            assert settled(submit(next_kernel)).request_id == stranger.request_id
            assert submit(next_kernel, take=2).result(60).path == job.clip.path
    assert simulator.calls["create"] == 2


def test_a_place_that_was_taken_before_anything_was_sent_is_left_to_the_other(home, monkeypatch):
    save = Ledger.save
    with Simulator(pace=PACE) as simulator, contextlib.ExitStack() as stack:
        session, other = (stack.enter_context(session_at(simulator.base_url, home)) for _ in range(2))
        stranger = []

        def exchanged_at_the_last_moment(ledger, key, changes):
            if changes.get("sent_at") and not stranger:
                stranger.append(None)
                remove(home, None)
                stranger[0] = submit(other)
                until(lambda: stranger[0].request_id)
            return save(ledger, key, changes)

        monkeypatch.setattr(Ledger, "save", exchanged_at_the_last_moment)
        job = submit(session)
        error = job if isinstance(job, Exception) else settled(job).error
        assert "another one took its place" in str(error)
        assert "nothing was submitted" in str(error)
        assert stranger[0].result(60)
    assert simulator.calls["create"] == 1


def test_a_file_exchanged_in_the_middle_of_a_write_counts_as_not_written(home):
    from tracking.doubles import record

    ledger = Ledger(home / "ledger.sqlite3")
    row, _ = ledger.claim(record(), False, lambda: None)

    def write_and_lose_it():
        with ledger.together():
            ledger.save(row.key, {"status": Status.QUEUED, "request_id": "req_1"})
            remove(home, None)

    with pytest.raises(ConfigurationError, match="deleted or exchanged while it was written"):
        write_and_lose_it()
    assert ledger.save(row.key, {"status": Status.QUEUED, "request_id": "req_1"}).request_id == "req_1"

    assert row_of(home, row.request.prompt).request_id == "req_1"
    assert ledger.save(row.key, {"credits": 4.0}) is None
    ledger.close()


def test_what_another_process_wrote_since_is_newer_than_what_we_remember(home):
    from tracking.doubles import record

    ledger, other = Ledger(home / "ledger.sqlite3"), Ledger(home / "ledger.sqlite3")
    row, _ = ledger.claim(record(), False, lambda: None)
    other.save(row.key, {"status": Status.FAILED, "request_id": "req_1"})
    shutil.copy(home / "ledger.sqlite3", home / "copy")
    (home / "copy").replace(home / "ledger.sqlite3")

    _, is_new = ledger.claim(record(), False, lambda: None)

    assert is_new
    assert ledger.find("req_1").status is Status.FAILED
    ledger.close()
    other.close()


def test_a_restored_copy_keeps_what_only_it_knows(home, older):
    with contextlib.closing(sqlite3.connect(older)) as db:
        columns = "key, account, base_url, request, request_hash, model, take, status, status_text, created_at"
        db.execute(
            f"INSERT INTO jobs ({columns}) VALUES ('jold', 'a', 'b', '{{\"model\": \"m\", \"prompt\": \"old\"}}',"
            " 'h', 'm', 1, 'failed', 'failed', 1.0)"
        )
        db.commit()
    with Simulator(pace=PACE) as simulator, session_at(simulator.base_url, home) as session:
        submit(session).result(60)
        until(lambda: row_of(home).clip)
        replace_by_an_older_copy(home, older)
        submit(session).result(60)
        assert {job.request.prompt for job in session.jobs()} == {"a paper boat", "old"}
    assert simulator.calls["create"] == 1


def test_a_copy_from_before_the_sending_is_told_that_it_was_sent(home, tmp_path):
    """Else a kill in the air would look like a create that never left."""
    hangs = [Fault("create", "hang")]
    with Simulator(pace=PACE, faults=hangs) as simulator, session_at(simulator.base_url, home) as session:
        job = submit(session)
        until(lambda: simulator.calls["create"])
        shutil.copy(home / "ledger.sqlite3", home / "copy")
        with contextlib.closing(sqlite3.connect(home / "copy")) as db:
            db.execute("UPDATE jobs SET sent_at = NULL")
            db.commit()
        (home / "copy").replace(home / "ledger.sqlite3")
        submit(session, "[stuck]")
        until(lambda: row_of(home).sent_at is not None)
        assert row_of(home).status is Status.SUBMITTING
        assert job.request_id is None


@pytest.mark.parametrize("lose", [remove, move_away, replace_by_an_older_copy, remove_the_folder])
def test_what_only_the_lost_file_knew_is_written_again_too(lose, home, older):
    """Rows of earlier kernels, and all else that was in it: the file stays readable for whoever has it open."""
    with Simulator(pace=PACE) as simulator:
        with session_at(simulator.base_url, home) as an_earlier_kernel:
            clip = submit(an_earlier_kernel, "of another day").result(60)
            vote = Vote("v1", "me", "look", "j1", "j2", "left", 1.0, None, "here")
            an_earlier_kernel.ask_ledger(Ledger.add_votes, [vote])
        with session_at(simulator.base_url, home) as session:
            submit(session).result(60)
            lose(home, older)

            again = submit(session, "of another day")

            assert again.request_id or settled(again).request_id
            assert again.reused
            assert session.ask_ledger(Ledger.votes_among, ["j1", "j2"]) == [vote]
            assert again.result(60).sha256 == clip.sha256
    assert simulator.calls["create"] == 2


def test_where_nothing_can_be_read_of_the_lost_file_nothing_new_is_sent_until_it_is_back(home, tmp_path):
    with Simulator(pace=PACE) as simulator, session_at(simulator.base_url, home) as session:
        job = submit(session)
        job.result(60)
        session.ask_ledger(Ledger.close)  # as after an error: nobody holds the old file any more
        (home / "ledger.sqlite3").rename(tmp_path / "away")

        refused = submit(session, "perhaps bought before")

        error = refused if isinstance(refused, Exception) else settled(refused).error
        assert "put it back, or restart the kernel to begin a new one" in str(error)
        assert "nothing was submitted" in str(error)
        assert submit(session).result(60).path == job.clip.path
        (tmp_path / "away").replace(home / "ledger.sqlite3")
        assert submit(session, "perhaps bought before").result(60)
    assert simulator.calls["create"] == 2
