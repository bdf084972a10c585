"""What the tests of grids share: sessions with quick limits, small requests, what the service accepted."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from seedance_nb.grids.opening import open_grid
from seedance_nb.tracking.session import Session

SMALL = {"duration": 4, "resolution": "480p", "aspect_ratio": "1:1"}
QUICK = {
    "poll_floor": 0.02,
    "poll_ceiling": 0.2,
    "read_timeout": 5,
    "create_timeout": 10,
    "pause_after_trouble": 0.02,
}
PATIENCE = 60.0
"""Seconds after which a test gives up; far more than anything here takes, so that a busy machine fails nothing."""
PROCESSES = []


def session_at(base_url, home, **options):
    return Session(**{"api_key": "a-key", "base_url": base_url, "home": home, **QUICK, **options})


def small(session, prompt, rows=None, **options):
    """A grid of small requests; what is named here or stands in the rows is not made small."""
    named = {key for row in rows or [] for key in row}
    usual = {name: value for name, value in SMALL.items() if name not in named}
    return open_grid(session, prompt, rows, **{**usual, **options})


def bodies(simulator):
    """Every accepted create: the truth about money."""
    return [entry.body for entry in simulator.scenario.accepted]


def accepted(simulator, prompt=None):
    return sum(prompt in (None, body["prompt"]) for body in bodies(simulator))


def most_of_one(simulator):
    """How often the most frequent request was accepted; takes of one request look alike to the service."""
    counts = Counter(repr(sorted(body.items(), key=str)) for body in bodies(simulator))
    return max(counts.values(), default=0)


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)
    return found


def start_process(simulator, home, takes):
    """A kernel of its own that submits the grid of kernel.py and says how far it is, a number a line."""
    script = Path(__file__).with_name("kernel.py")
    process = subprocess.Popen(
        [sys.executable, script, simulator.base_url, home, str(takes)], stdout=subprocess.PIPE, text=True
    )
    PROCESSES.append(process)
    return process
