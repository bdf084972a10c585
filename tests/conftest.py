"""Every test runs as if nobody had ever configured anything on this machine."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["postgres_fixture"]

# A shell that runs the tests in the background lets SIGINT be ignored, and every process of ours would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Matrices here are small: on a machine with much else to do, threads of the linear algebra wait for each other many times longer than they compute.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Examples are the same ones every time, and a loaded machine may take as long as it needs for each.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

SLOW = ("test_soak", "tests/promises/", "tests/notebook/")


def pytest_xdist_auto_num_workers(config):
    """Half again as many processes as there are cores: most of what tests do is waiting."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


def pytest_collection_modifyitems(items):
    """What takes longest comes first, so that nobody waits for it alone in the end."""
    items.sort(key=lambda item: next((place for place, name in enumerate(SLOW) if name in item.nodeid), len(SLOW)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """In CI no test that keeps a cell of the table of hosts is skipped, but where `.ci/run` has said that the host cannot be had."""
    report = yield
    rows = [mark.args[0] for mark in item.iter_markers("host")]
    cannot_be_had = any(os.environ.get(f"WITHOUT_{row.upper()}") for row in rows)
    if report.skipped and rows and os.environ.get("CI") and not cannot_be_had:
        report.outcome, report.longrepr = "failed", f"keeps {rows} in README.md and was skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def nobody_home(monkeypatch, tmp_path):
    """No key, no base URL, no limits of the developer's; a ledger and clips folder of the test's own."""
    for name in [name for name in os.environ if name.startswith("SEEDANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SEEDANCE_HOME", str(tmp_path))
    # A key in the developer's keyring is real money: no test may find it.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture(autouse=True)
def files_are_looked_into_here(monkeypatch):
    """A process for that at every session would be a third of the time of the whole; kernels and `clips/test_inspector.py` have it."""
    monkeypatch.setattr("seedance_nb.clips.inspector.Inspector", lambda: None)


def render(path, **changes):
    usual = {
        "prompt": "a cat jumps",
        "model": "seedance-2.0",
        "take": 1,
        "request_id": "req_1234567890",
        "aspect_ratio": "16:9",
        "resolution": "480p",
        "seconds": 0.25,
    }
    from seedance_nb.simulator import film

    film.render(path, **{**usual, **changes})
    return path


@pytest.fixture(scope="session")
def small_film(tmp_path_factory):
    """A quarter of a second of H.264, 854 x 480 at 24 frames a second."""
    return render(tmp_path_factory.mktemp("films") / "small.mp4")


@pytest.fixture(scope="session")
def large_film(tmp_path_factory):
    """The same at 1920 x 1080."""
    return render(tmp_path_factory.mktemp("films") / "large.mp4", resolution="1080p")
