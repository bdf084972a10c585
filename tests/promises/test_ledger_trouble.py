"""A ledger that cannot be written: nothing is sent before it can, and what was accepted meanwhile is not lost."""

import contextlib
import os
import sqlite3
import stat
from collections import Counter

import pytest
from promises.stage import PACE, SMALL, accepted, session_at, settled, submit, until

from seedance_nb.api.models import Status
from seedance_nb.errors import ConfigurationError
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.tracking.ledger import ledger_file
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.migrations import MIGRATIONS

LONG = "a very long paper boat " * 500  # more than fits into the pages a small ledger has


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    monkeypatch.setattr(ledger_file, "BUSY_TIMEOUT_SECONDS", 0.2)


def prepare(home):
    ledger = Ledger(home / "ledger.sqlite3")
    ledger.jobs()
    ledger.close()


@contextlib.contextmanager
def locked(home):
    """Another program holds the file."""
    prepare(home)
    holder = sqlite3.connect(home / "ledger.sqlite3", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        holder.close()


@contextlib.contextmanager
def a_folder_in_its_place(home):
    (home / "ledger.sqlite3").mkdir()
    yield
    (home / "ledger.sqlite3").rmdir()


@contextlib.contextmanager
def a_file_in_the_folders_place(home):
    home.rmdir()
    home.write_text("not a folder")
    yield
    home.unlink()


@contextlib.contextmanager
def damaged(home):
    (home / "ledger.sqlite3").write_bytes(b"this is no database at all " * 100)
    yield
    (home / "ledger.sqlite3").unlink()


@contextlib.contextmanager
def from_the_future(home):
    prepare(home)
    with contextlib.closing(sqlite3.connect(home / "ledger.sqlite3")) as db:
        db.execute("PRAGMA user_version = 99")
    yield
    with contextlib.closing(sqlite3.connect(home / "ledger.sqlite3")) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


@contextlib.contextmanager
def connecting(change):
    """Every connection the ledger opens is changed by `change(path, options)`."""
    connect = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_file.sqlite3, "connect", lambda path, **options: change(connect, path, options))
        yield


@contextlib.contextmanager
def read_only(home):
    prepare(home)
    with connecting(lambda connect, path, options: connect(f"file:{path}?mode=ro", uri=True, **options)):
        yield


def without_room(connect, path, options):
    db = connect(path, **options)
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    return db


@contextlib.contextmanager
def on_a_full_disk(home):
    prepare(home)
    with connecting(without_room):
        yield


TROUBLES = {
    locked: ("locked", "another program holds it"),
    a_folder_in_its_place: ("Is a directory", "SEEDANCE_HOME"),
    a_file_in_the_folders_place: ("ledger.sqlite3 cannot be used", "SEEDANCE_HOME"),
    damaged: ("not a database", "restore a backup"),
    from_the_future: ("newer version", "upgrade"),
    read_only: ("readonly", "make its folder writable"),
    on_a_full_disk: ("full", "free some disk space"),
}


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_without_a_ledger_nothing_is_sent_and_one_line_says_so(trouble, simulator, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    with trouble(home), session_at(simulator.base_url, home) as session:
        outcome = submit(session, LONG)
        error = outcome if isinstance(outcome, Exception) else settled(outcome).error

        assert isinstance(error, ConfigurationError)
        assert "nothing was submitted" in str(error)
        assert [words for words in TROUBLES[trouble] if words not in str(error)] == []
        assert str(error).isprintable()
        assert simulator.calls["create"] == 0

    with session_at(simulator.base_url, home) as session:
        assert submit(session, LONG).result(20)
    assert accepted(simulator) == 1


def test_a_ledger_that_fails_between_claim_and_sending_stops_the_create(simulator, tmp_path, monkeypatch):
    save = Ledger.save

    def no_sending(ledger, key, changes):
        if changes.get("sent_at"):
            raise ConfigurationError("the ledger cannot be used (disk I/O error)")
        save(ledger, key, changes)

    monkeypatch.setattr(Ledger, "save", no_sending)
    with session_at(simulator.base_url, tmp_path) as session:
        job = submit(session)
        error = job if isinstance(job, Exception) else settled(job).error

        assert "nothing was submitted" in str(error)
        assert simulator.calls["create"] == 0


@pytest.fixture
def late_simulator():
    """A service that takes its time to answer a create."""
    with Simulator(pace=PACE, faults=[Fault("create", "delay", None, seconds=0.4)]) as running:
        yield running


def test_what_was_accepted_but_not_recorded_is_shown_goes_on_and_is_recorded_later(late_simulator, tmp_path):
    with session_at(late_simulator.base_url, tmp_path) as session:
        job = submit(session)
        until(lambda: late_simulator.calls["create"])
        with locked(tmp_path):
            until(lambda: job.request_id)
            until(lambda: f"accepted as {job.request_id}, but the ledger" in (job.snapshot.trouble or ""))
            assert job.result(20).path.exists()
            assert "the ledger" in job.snapshot.trouble
        until(lambda: session.jobs()[0].clip is not None)

        row = session.preview(job.request)
        assert (row.request_id, row.status) == (job.request_id, Status.SUCCEEDED)
        assert (row.credits, row.accepted_at is not None) == (job.credits, True)
        until(lambda: job.snapshot.trouble is None)
        assert submit(session).clip == job.clip
        assert late_simulator.calls["create"] == 1


@pytest.mark.slow
def test_ids_that_wait_for_the_ledger_are_written_although_the_session_closes(
    late_simulator, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(ledger_file, "BUSY_TIMEOUT_SECONDS", 10)
    session = session_at(late_simulator.base_url, tmp_path)
    jobs = [submit(session, f"boat {n}") for n in range(3)]
    until(lambda: late_simulator.calls["create"] == 3)
    with locked(tmp_path):
        until(lambda: not session.engine.runner._tools.creates_in_the_air)
        session.close()
    said = capsys.readouterr().err
    assert [entry.request_id for entry in late_simulator.scenario.accepted if entry.request_id not in said] == []
    assert "the ledger cannot be written" in said

    with session_at(late_simulator.base_url, tmp_path) as next_session:
        until(lambda: all(next_session.preview(job.request).request_id for job in jobs))
        assert all(submit(next_session, f"boat {n}").result(20) for n in range(3))
    assert late_simulator.calls["create"] == 3


MOST = {"AccountTurns._freshen": 1, "Followed._save_later": 2}


def test_a_long_lock_leaves_no_crowd_of_writers_behind(late_simulator, tmp_path):
    with session_at(late_simulator.base_url, tmp_path) as session:
        job = submit(session, "[stuck]")
        until(lambda: late_simulator.calls["create"])
        with locked(tmp_path):
            until(lambda: late_simulator.calls["get"] > 10)
            tasks = list(session.engine.runner.background._tasks)
        crowd = Counter(task.get_coro().__qualname__ for task in tasks)
        # Who follows the job, who reads how fast the account may be asked, a writer, and one that waits for its turn: not one for each look.
        assert crowd == {"Runner._guard": 1} | {n: min(crowd[n], most) for n, most in MOST.items() if n in crowd}
        until(lambda: session.preview(job.request).request_id)


@pytest.mark.parametrize("loss", ["gone", "cut"])
def test_a_clip_that_vanished_from_disk_is_fetched_again_without_a_create(loss, simulator, tmp_path):
    with session_at(simulator.base_url, tmp_path) as session:
        clip = submit(session).result(20)
    whole = clip.bytes()
    clip.path.unlink() if loss == "gone" else os.truncate(clip.path, 1000)

    with session_at(simulator.base_url, tmp_path) as session:
        assert submit(session).result(20).bytes() == whole
    assert (accepted(simulator), simulator.calls["create"], simulator.calls["download"]) == (1, 1, 2)


def test_everything_made_is_private_whatever_the_umask(simulator, tmp_path):
    from seedance_nb.clips.store import Clips

    home = tmp_path / "new" / "home"
    before = os.umask(0)
    try:
        with session_at(simulator.base_url, home) as session:
            clip = session.submit("a boat", **SMALL).result(20)
        Clips(home / "clips").preview(clip)
    finally:
        os.umask(before)

    modes = {path.relative_to(home).suffix: stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*.*")}
    assert modes == dict.fromkeys([".sqlite3", ".mp4", ".jpg"], 0o600)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (home, home / "clips")] == [0o700, 0o700]
