"""What the tests of this room run against."""

import functools
import shutil

import pytest
from tracking.doubles import Service, TimeMachine, make_runner

from seedance_nb.simulator import Pace, Simulator, film
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.ledger_file import LedgerFile
from seedance_nb.tracking.session import Session, forget


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(tmp_path / "ledger.sqlite3")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
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
def clock():
    return TimeMachine()


@pytest.fixture
def service(clock, small_film):
    return Service(clock, film=small_film.read_bytes())


@pytest.fixture
def runner(tmp_path, service, clock):
    running = make_runner(tmp_path, service, clock)
    yield running
    service.gate.set()
    running.close()


@pytest.fixture
def quick_films(small_film, monkeypatch):
    """The simulator hands out one film that was made before: real, but at once."""

    def copy(path, **about):
        shutil.copy(small_film, path.with_suffix(".copying"))
        path.with_suffix(".copying").replace(path)

    monkeypatch.setattr(film, "render", copy)


@pytest.fixture
def simulator(quick_films):
    with Simulator(pace=Pace(0.02, 0.02, 0)) as running:
        yield running


@pytest.fixture
def make_session(simulator, tmp_path):
    """Sessions at the simulator, closed at the end."""
    made = []

    def make(**changes):
        usual = {
            "api_key": "k",
            "base_url": simulator.base_url,
            "home": tmp_path,
            "poll_floor": 0.02,
            "poll_ceiling": 0.1,
        }
        made.append(Session(**{**usual, **changes}))
        return made[-1]

    yield make
    for session in made:
        session.close()


@pytest.fixture
def session(make_session):
    return make_session()


@pytest.fixture
def no_kernel_session():
    """Nobody's module-level session is left over, before or after."""
    forget()
    yield
    forget()
