"""kill -9 at any instant loses nothing and repeats nothing.

A kernel in a process of its own is killed; the simulator's journal, in this process, is the truth about what was paid for; this
process then does what a new kernel does: resume, and run the same cells again. SEEDANCE_CRASH_RUNS sets the number of random instants.
"""

import hashlib
import os
import random
import signal
import time
from collections import Counter

import pytest
from promises.kernel import MOMENTS
from promises.stage import accepted, begin, end_of, session_at, settled, start_kernel, submit

from seedance_nb.api.models import Status
from seedance_nb.settings import resolve
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.ledger.ledger import Ledger

pytestmark = pytest.mark.usefixtures("any_store")
RUNS = int(os.environ.get("SEEDANCE_CRASH_RUNS", "25"))
INTENTIONS = [f"intention {n}" for n in range(4)]
# Everything takes a while, so that every step is long enough to be hit.
UNHURRIED = Pace(0.05, 0.15, 0.25)
SLOWLY = (
    Fault("create", "delay", None, seconds=0.15),
    Fault("get", "delay", None, seconds=0.03),
    Fault("download", "drip", None, bytes=12_000, seconds=0.03),
)
NEVER_SENT = {"before the claim", "after the claim", "before sending is marked"}
MAY_BE_LOST = {
    "after sending is marked",
    "before the first byte",
    "after the last byte",
    "when the answer is there",
    "before the id is recorded",
}


def rows_left(home):
    """prompt -> newest row, as a crash left the ledger."""
    ledger = Ledger(resolve(home=home).ledger)
    try:
        assert ledger.check() == "ok"
        return {record.request.prompt: record for record in reversed(ledger.jobs(limit=1000))}
    finally:
        ledger.close()


def run_again(simulator, home, intentions):
    """What a new kernel does: follow what is unfinished, then the same cells; prompt -> its job."""
    with session_at(simulator.base_url, home) as session:
        resumed = [settled(job) for job in session.resume()]
        assert all(job.clip is not None or not job.request_id for job in resumed)
        jobs = {prompt: submit(session, prompt) for prompt in intentions}
        return {prompt: settled(job) for prompt, job in jobs.items()}


def is_whole(clip, film):
    assert clip.path.suffix == ".mp4"
    return hashlib.sha256(clip.bytes()).hexdigest() == clip.sha256 == hashlib.sha256(film.read_bytes()).hexdigest()


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_this_moment_it_is_paid_once_and_never_lost(moment, tmp_path, one_film):
    with Simulator(pace=Pace(0, 0.05, 0)) as simulator:
        kernel = start_kernel(simulator, tmp_path, ["a boat"], moment)
        begin(kernel)
        end_of(kernel)
        assert kernel.returncode == -signal.SIGKILL
        time.sleep(0.2)  # what was on the wire arrives at the service even though its sender is dead
        paid_before = accepted(simulator)

        job = run_again(simulator, tmp_path, ["a boat"])["a boat"]

        if moment in MAY_BE_LOST:
            assert job.status is Status.UNKNOWN
            assert "not sent again by itself" in str(job.error)
            assert accepted(simulator) == paid_before
        else:
            assert is_whole(job.clip, one_film)
            assert accepted(simulator) == 1
            assert paid_before == (0 if moment in NEVER_SENT else 1)
        assert rows_left(tmp_path)["a boat"].status is job.status


@pytest.mark.slow
def test_at_random_instants_nothing_is_paid_twice_and_nothing_accepted_with_an_id_is_lost(tmp_path, one_film):
    figures = Counter({"doubled": 0, "an id lost": 0})
    with Simulator(pace=UNHURRIED, faults=SLOWLY) as simulator:
        life = length_of_a_life(simulator, tmp_path / "whole")
        dice = random.Random(20)
        for run in range(RUNS):
            home = tmp_path / str(run)
            intentions = [f"{prompt} of run {run}" for prompt in INTENTIONS]
            # Evenly over the whole life, from the interpreter's start to the last clip, and a little beyond.
            kill_after(life * 1.05 * (run + dice.random()) / RUNS, simulator, home, intentions)
            figures.update(what_became_of_them(simulator, home, intentions, one_film))
    print(f"\n{RUNS} kernels killed, {RUNS * len(INTENTIONS)} intentions: {dict(sorted(figures.items()))}")

    assert figures["doubled"] == 0
    assert figures["an id lost"] == 0
    assert figures["a clip after all"] > 0


def length_of_a_life(simulator, home):
    began = time.monotonic()
    kernel = start_kernel(simulator, home, INTENTIONS)
    begin(kernel)
    assert len(end_of(kernel)) == 1 + len(INTENTIONS)
    return time.monotonic() - began


def kill_after(seconds, simulator, home, intentions):
    kernel = start_kernel(simulator, home, intentions)
    begin(kernel)
    time.sleep(seconds)
    kernel.kill()
    end_of(kernel)


def what_became_of_them(simulator, home, intentions, film):
    time.sleep(0.2)  # what was on the wire arrives at the service even though its sender is dead
    left = rows_left(home)
    paid = {prompt: accepted(simulator, prompt) for prompt in intentions}
    jobs = run_again(simulator, home, intentions)
    figures = Counter()
    for prompt, job in jobs.items():
        row = left.get(prompt)
        figures["doubled"] += accepted(simulator, prompt) > 1
        if row is not None and row.request_id:
            figures["an id lost"] += job.clip is None or job.request_id != row.request_id
            figures["followed by the next kernel"] += row.clip is None
        elif row is not None and row.sent_at is not None:
            assert job.status is Status.UNKNOWN
            assert accepted(simulator, prompt) == paid[prompt]
            figures[f"unknown, accepted {paid[prompt]}"] += 1
        else:
            assert paid[prompt] == 0
            figures["never sent, sent now"] += 1
        if job.clip is not None:
            assert is_whole(job.clip, film)
            figures["a clip after all"] += 1
    assert all(row.clip is not None or row.status is Status.UNKNOWN for row in rows_left(home).values())
    return figures
