"""What the tests of the promises share: a small request, quick limits, and how to wait."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from seedance_nb.errors import SeedanceError
from seedance_nb.simulator import Pace
from seedance_nb.tracking.session import Session

SMALL = {"model": "seedance-2.0-fast", "duration": 4, "resolution": "480p", "aspect_ratio": "1:1"}
QUICK = {
    "poll_floor": 0.02,
    "poll_ceiling": 0.2,
    "connect_timeout": 1,
    "read_timeout": 3,
    "create_timeout": 5,
    "stall_timeout": 3,
    "pause_after_trouble": 0.02,
    "longest_pause": 0.5,
}
PACE = Pace(0, 0.05, 0)
PATIENCE = 30.0
"""Seconds after which a test gives up; far more than anything here takes, so that a busy machine fails nothing."""

KERNELS = []
"""Every process started; what a failed test leaves of them is ended after it."""


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


def start_kernel(simulator, home, intentions, moment="-", number=signal.SIGKILL, **limits):
    """A process that is going to submit these intentions (see kernel.py) once `begin` is called."""
    script = Path(__file__).with_name("kernel.py")
    how = [str(int(number)), moment, json.dumps(limits)]
    arguments = [sys.executable, script, simulator.base_url, home, *how, *intentions]
    kernel = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    KERNELS.append(kernel)
    return kernel


def begin(kernel):
    """Let it submit."""
    kernel.stdin.write("\n")
    kernel.stdin.flush()


def end_of(kernel, seconds=PATIENCE):
    """What it printed after `ready`, once it has ended; its streams are closed."""
    with kernel:
        return kernel.communicate(timeout=seconds)[0].splitlines()
