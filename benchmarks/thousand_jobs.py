"""A thousand jobs of 5 to 30 s at once: all finish, how late, with how many looks, and what a computing cell feels.

Four times: the kernel idles; the same where the service calls a webhook at each end (`sd.serve_webhooks`); a cell computes while all of
them wait; a cell computes from the moment they are submitted, so that their creates go out beside it too.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil

from benchmarks import require, require_clips

JOBS = 1000
LIVES = (5.0, 30.0)
ALONE_SECONDS = 2.0


@contextmanager
def tiny_service(**spec: Sequence[float]) -> Iterator[str]:
    """The base URL of a tiny service in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.tiny_service", json.dumps(spec)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def run() -> Iterator[str]:
    for busy, at_once, webhooks in (
        (False, False, False),
        (False, False, True),
        (True, False, False),
        (True, True, False),
    ):
        with tiny_service(uniform=LIVES) as base_url:
            yield from _measure(base_url, busy=busy, at_once=at_once, webhooks=webhooks)


def _measure(base_url: str, *, busy: bool, at_once: bool, webhooks: bool = False) -> Iterator[str]:
    from seedance_nb.tracking.session import Session

    process = psutil.Process(os.getpid())
    with tempfile.TemporaryDirectory() as home, Session(api_key="sd2_bench", base_url=base_url, home=home) as session:
        before_all = process.memory_info().rss
        if webhooks:
            session.serve_webhooks()
        session.submit("the first", aspect_ratio="1:1", resolution="480p").result()  # imports what any job needs
        alone = _compute(ALONE_SECONDS)
        threads, memory = threading.active_count(), process.memory_info().rss
        began = time.time()
        jobs = [session.submit(f"prompt {i}", aspect_ratio="1:1", resolution="480p") for i in range(JOBS)]
        submitted = time.time() - began
        while busy and not at_once and not all(job.request_id for job in jobs):  # the cell begins when all of them wait
            time.sleep(0.1)
        most_threads, most_memory, rounds = threads, memory, list[float]()
        while not all(job.done() for job in jobs) and time.time() - began < 400:
            # The cell computes until it is known of all that they are made; their files come when it has ended.
            if busy and not all(job.status.is_final for job in jobs):
                rounds.append(_compute(0.3))
            else:
                time.sleep(0.3)
            most_threads = max(most_threads, threading.active_count())
            most_memory = max(most_memory, process.memory_info().rss)
        ended = time.time()
        figures = json.load(urllib.request.urlopen(base_url + "/figures"))
        require_clips(jobs)
    require(figures["noticed"] == JOBS + 1, f"{figures['noticed']} ends noticed")  # the first one beside them
    require(not busy or rounds, "the cell never computed")
    name = "beside a cell that computes at once" if at_once else "beside a computing cell" if busy else "kernel idle"
    name += ", with webhooks" if webhooks else ""
    yield f"{name}: {JOBS} of {JOBS} clips"
    yield f"  submitted in {submitted / JOBS * 1000:.1f} ms each; wall {(ended - began) / (figures['last_end'] - began):.2f} of ideal"
    yield f"  looks a job {figures['looks'] / JOBS:.1f}, late {figures['late_mean']:.2f} s on average, 95 % within {figures['late_95']:.1f} s"
    grown, first = (most_memory - memory) / 1e6, (memory - before_all) / 1e6
    yield f"  connections {figures['most_open']}, threads +{most_threads - threads}, memory +{grown:.0f} MB (and {first:.0f} MB for the very first job)"
    if busy:
        # Not by loops counted before and during: the machine changes its speed when its other core is used.
        took = statistics.fmean(rounds)
        yield f"  the cell takes {took:.2f} times the processor time it needs, {alone:.2f} alone, over {len(rounds) * 0.3:.0f} s"


def _compute(seconds: float) -> float:
    """Compute for so long; how many times longer that took than this thread had the processor."""
    end, ran = time.perf_counter() + seconds, time.thread_time()
    while time.perf_counter() < end:
        sum(range(50))
    return seconds / (time.thread_time() - ran)
