"""Two hundred jobs at once against the simulator: creates, looks, threads, memory, and how free the main thread stays."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

import psutil

from benchmarks import require, require_clips

JOBS = 200


def run() -> Iterator[str]:
    # The simulator renders 200 films: in a process of its own, so that its memory and work are not counted as ours.
    command = [
        sys.executable,
        "-m",
        "seedance_nb.simulator",
        "--port",
        "0",
        "--queue-seconds",
        "1",
        "--render-seconds",
        "4",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            base_url = next(word for word in line.replace("=", " ").split() if word.startswith("http"))
            yield from _measure(base_url)
        finally:
            server.terminate()


def _measure(base_url: str) -> Iterator[str]:
    import json
    import urllib.request

    from seedance_nb.tracking.session import Session

    process = psutil.Process(os.getpid())
    idle = _loops(1.0)
    with tempfile.TemporaryDirectory() as home, Session(api_key="sd2_bench", base_url=base_url, home=home) as session:
        first = session.submit("warm up", duration=4, resolution="480p", aspect_ratio="1:1", model="seedance-2.0-fast")
        first.result(60)
        threads, memory = threading.active_count(), process.memory_info().rss
        began = time.perf_counter()
        jobs = [
            session.submit(f"prompt {i}", duration=4, resolution="480p", aspect_ratio="1:1", model="seedance-2.0-fast")
            for i in range(JOBS)
        ]
        submitted = time.perf_counter() - began
        most_threads, most_memory, busy = threads, memory, []
        while not all(job.done() for job in jobs):
            busy.append(_loops(0.5) * 2)
            most_threads = max(most_threads, threading.active_count())
            most_memory = max(most_memory, process.memory_info().rss)
            time.sleep(0.2)
        wall = time.perf_counter() - began
        journal = json.load(urllib.request.urlopen(base_url + "/simulator/journal"))
        require_clips(jobs)
    require(len(journal["accepted"]) == JOBS + 1, f"{len(journal['accepted'])} creates accepted")
    yield f"{JOBS} of {JOBS} clips in {wall:.1f} s; submitted in {submitted / JOBS * 1000:.1f} ms each"
    yield f"creates accepted: {len(journal['accepted']) - 1} for {JOBS} intentions"
    yield f"looks a job: {journal['calls']['get'] / (JOBS + 1):.1f}"
    yield f"threads: {threads} idle, {most_threads} at most"
    yield f"memory: +{(most_memory - memory) / 1e6:.0f} MB at most"
    yield f"a CPU-bound loop beside them and the simulator, which lives in the same process here: {idle / (sum(busy) / len(busy)):.2f} times its idle time"


def _loops(seconds: float) -> float:
    end = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < end:
        count += sum(range(50)) > 0
    return float(count)
