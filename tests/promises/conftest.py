"""One film for all simulators, short pauses, and everything a job ever told."""

import contextlib

import pytest
from promises.stage import KERNELS, PACE, copy_film, session_at

from seedance_nb.simulator import Simulator, film
from seedance_nb.tracking.following import followed, polling, submitting
from seedance_nb.tracking.job import Job


@pytest.fixture(scope="session")
def one_film(tmp_path_factory):
    """A real MP4 of some 200 kB, rendered once."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    facts = {"prompt": "a paper boat", "model": "seedance-2.0-fast", "take": 1, "request_id": "req_1"}
    film.render(path, **facts, aspect_ratio="1:1", resolution="720p", seconds=4)
    return path


@pytest.fixture(autouse=True)
def quick(monkeypatch, one_film):
    """Pauses of a fraction of a second, films at once."""
    monkeypatch.setattr(film, "render", copy_film(one_film))
    monkeypatch.setattr(submitting, "LOOK_AT_OTHER_PROCESS", 0.05)
    monkeypatch.setattr(polling, "TROUBLE_GROWTH", 0.1)
    monkeypatch.setattr(followed, "LEDGER_RETRY_SECONDS", 0.1)


@pytest.fixture(autouse=True)
def no_kernel_left():
    """Whatever happens in a test, its processes end with it."""
    yield
    while KERNELS:
        with KERNELS.pop() as kernel:
            kernel.kill()


@pytest.fixture(params=["file", "server"])
def any_store(request, monkeypatch):
    """The ledger of all sessions and processes of a test is its own file, or its own schema on a server that a team shares."""
    if request.param == "server":
        monkeypatch.setenv("SEEDANCE_LEDGER", request.getfixturevalue("server").new_schema())


@pytest.fixture
def told(monkeypatch):
    """Every snapshot any job was given, in order."""
    snapshots = []
    deliver = Job.deliver

    def listen(job, snapshot):
        snapshots.append(snapshot)
        deliver(job, snapshot)

    monkeypatch.setattr(Job, "deliver", listen)
    return snapshots


@pytest.fixture
def simulator():
    with Simulator(pace=PACE) as running:
        yield running


@pytest.fixture
def session(simulator, tmp_path):
    with session_at(simulator.base_url, tmp_path) as one:
        yield one


@pytest.fixture
def session_of(tmp_path):
    """Makes sessions on one ledger, for any simulator; closes them at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda simulator, **options: stack.enter_context(session_at(simulator.base_url, tmp_path, **options))
