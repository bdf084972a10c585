"""What the tests of the promises share: a small request, quick limits, and how to wait."""

import shutil
import time
from pathlib import Path

from seedance_nb.errors import SeedanceError
from seedance_nb.jobs.session import Session
from seedance_nb.simulator import Pace

SMALL = {"model": "seedance-2.0-fast", "duration": 4, "resolution": "480p", "aspect_ratio": "1:1"}
QUICK = {
    "poll_floor": 0.05,
    "poll_ceiling": 0.2,
    "connect_timeout": 1,
    "read_timeout": 1,
    "create_timeout": 2,
    "stall_timeout": 1,
}
PACE = Pace(0, 0.05, 0)
PATIENCE = 30.0
"""Seconds after which a test gives up; far more than anything here takes, so that a busy machine fails nothing."""


def session_at(base_url, home, key="a-key", **options):
    """A session with quick limits."""
    return Session(api_key=key, base_url=base_url, home=home, **{**QUICK, **options})


def submit(session, prompt="a paper boat", **options):
    """The job of a small request; a refusal that is raised comes back as the error itself."""
    try:
        return session.submit(prompt, **{**SMALL, **options})
    except SeedanceError as error:
        return error


def until(condition, seconds=PATIENCE):
    """Wait until `condition()` is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)
    return found


def settled(job):
    """The job, once nothing more will come by itself."""
    until(lambda: job.snapshot.is_settled)
    return job


def accepted(simulator, prompt=None):
    """How many creates the service accepted, perhaps for one prompt only: the truth about money."""
    return sum(prompt in (None, entry.body["prompt"]) for entry in simulator.scenario.accepted)


def parts_in(home):
    """Half files in the folder of clips."""
    return sorted(path.name for path in Path(home, "clips").glob("*") if path.name.endswith(".part"))


def copy_film(film):
    """A stand-in for the simulator's renderer: one real MP4 for every request, at once."""

    def render(path, **_):
        half = path.with_suffix(".half")
        shutil.copyfile(film, half)
        half.replace(path)

    return render
