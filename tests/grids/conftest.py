"""What the tests of grids run against: the simulator with films made beforehand, sessions on one ledger, small grids."""

import contextlib
import functools
import shutil

import pytest
from grids.stage import PROCESSES, session_at

from seedance_nb.simulator import Pace, Simulator, film
from seedance_nb.tracking import session as sessions
from seedance_nb.tracking.following import followed
from seedance_nb.tracking.ledger.ledger_file import LedgerFile


@pytest.fixture(scope="session")
def one_film(tmp_path_factory):
    """A quarter of a second of H.264, 480 x 480 at 24 frames a second."""
    path = tmp_path_factory.mktemp("films") / "one.mp4"
    about = {"prompt": "a cat", "model": "seedance-2.0", "take": 1, "request_id": "req_1234567890"}
    film.render(path, **about, aspect_ratio="1:1", resolution="480p", seconds=0.25)
    return path


@pytest.fixture
def quick_films(one_film, monkeypatch):
    """The simulator hands out one film that was made before: real, but at once."""

    def copy(path, **about):
        shutil.copyfile(one_film, path.with_suffix(".copying"))
        path.with_suffix(".copying").replace(path)

    monkeypatch.setattr(film, "render", copy)


@pytest.fixture
def careless_disk(monkeypatch):
    """Commits that do not wait for the disk: a busy machine would spend most of the time of this folder on that."""
    opened = LedgerFile.open

    @functools.wraps(opened)
    def quick(file):
        db = opened(file)
        db.execute("PRAGMA synchronous = OFF")
        return db

    monkeypatch.setattr(LedgerFile, "open", quick)


@pytest.fixture
def patience(monkeypatch):
    """Pauses of a fraction of a second; the ledger's word is waited for as long as it takes."""
    monkeypatch.setattr(followed, "LEDGER_RETRY_SECONDS", 0.1)
    monkeypatch.setattr(sessions, "CLAIM_SECONDS", 10.0)


@pytest.fixture
def simulator(quick_films, careless_disk, patience):
    with Simulator(pace=Pace(0, 0.05, 0)) as running:
        yield running


@pytest.fixture
def session_of(tmp_path):
    """Makes sessions on one ledger, for any simulator; closes them at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda simulator, **options: stack.enter_context(session_at(simulator.base_url, tmp_path, **options))


@pytest.fixture
def session(simulator, session_of):
    return session_of(simulator)


@pytest.fixture
def no_process_left():
    """Whatever happens in a test, its processes end with it."""
    yield
    while PROCESSES:
        with PROCESSES.pop() as process:
            process.kill()
