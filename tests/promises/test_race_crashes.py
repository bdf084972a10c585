"""kill -9 in a race: the next kernel goes on with the same round, buys no take twice, none of who dropped out, and never over the limit."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from promises.race_kernel import LEVELS, PROMPTS
from promises.stage import KERNELS, PATIENCE, SMALL, session_at

from seedance_nb.grids.opening import open_grid

MAX_CREDITS = 200.0
"""of a race of a few rounds."""
KILLS = ("submit", "vote", "step", "submit")
"""After which line of the process, one a life, it is killed."""


def start(simulator, home):
    script = Path(__file__).with_name("race_kernel.py")
    kernel = subprocess.Popen(
        [sys.executable, script, simulator.base_url, home, str(MAX_CREDITS)], stdout=subprocess.PIPE, text=True
    )
    KERNELS.append(kernel)
    return kernel


def test_a_race_that_is_killed_again_and_again_buys_every_take_once_and_ends(simulator, tmp_path):
    dice = random.Random(9)
    for moment in KILLS:
        kernel = start(simulator, tmp_path)
        with kernel:
            for line in kernel.stdout:
                if line.split()[0] in (moment, "end"):
                    break
            time.sleep(dice.random() * 0.2)
            kernel.kill()
    last = start(simulator, tmp_path)
    with last:
        said = last.communicate(timeout=4 * PATIENCE)[0].split("\n")
    assert said[-2].startswith("end "), said
    paid = Counter(entry.body["prompt"] for entry in simulator.scenario.accepted)
    with session_at(simulator.base_url, tmp_path) as session:
        race = open_grid(session, PROMPTS, **SMALL).race(by="prompt", max_credits=MAX_CREDITS)
        reached = dict.fromkeys(LEVELS, 0)
        for decided in race.rounds:
            reached |= dict.fromkeys(decided.racing, decided.takes)
        # A create that was in the air at a kill is never sent again, whether it was accepted or not.
        unknown = sum(job.status == "unknown" for job in session.jobs(limit=200))
        assert len(reached) == len(paid) == 3
        for label, takes in reached.items():
            assert takes - unknown <= paid[f"a {label[2:]}"] <= takes
        for decided in race.rounds[:-1]:
            assert all(reached[gone] == decided.takes < max(reached.values()) for gone in decided.dropped)
        assert sum(entry.credits for entry in simulator.scenario.accepted) <= MAX_CREDITS
        race.submit()
        assert sum(paid.values()) == len(simulator.scenario.accepted)
