"""One client on one set of jobs, measured: its emulator and the client in processes of their own."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.watching import Watch

from .drive import NOT_INSTALLED

ROOT = Path(__file__).resolve().parents[2]
SERVICES = {name: name for name in ("fal", "replicate", "openai", "runway")}
GRACE_SECONDS = 20.0


@dataclasses.dataclass(frozen=True)
class Figures:
    """What came of it; everything but the counts is None where nothing was noticed."""

    version: str
    jobs: int
    noticed: int
    requests: float
    late_mean: float | None
    late_95: float | None
    wall: float | None
    """Wall time as a share of the longest life; of jobs one by one, of the sum of lives. None if it did not finish."""
    seconds: float
    cpu_ms: float
    memory_mb: float
    family_mb: float
    """… with its child processes."""
    threads: int
    connections: int
    life_mean: float
    submitted: float | None
    """Seconds until all were submitted, where the client says it."""
    noticed_wall: float | None
    """Like `wall`, but until the last end was noticed: of ours the film has still to be fetched then."""
    trouble: str = ""


def measure(
    client: str, jobs: int, lives: tuple[float, float], *, together: bool, limit: float, **options: Any
) -> Figures | str:
    """The figures of a client, or why there are none."""
    with emulator(SERVICES.get(client, "seedance"), lives) as url, tempfile.TemporaryDirectory() as home:
        wanted = {"jobs": jobs, "together": together, "limit": limit, "home": home} | options
        command = [python_of(client), "-m", "benchmarks.rivals.drive", client, url, json.dumps(wanted)]
        quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, cwd=ROOT, **quiet) as process:
            try:
                if process.stdout.readline().strip() != "ready":
                    process.wait(10)
                    trouble = (process.stderr.read().strip().splitlines() or ["no word"])[-1]
                    return "not installed" if process.returncode == NOT_INSTALLED else f"did not start: {trouble[:100]}"
                threading.Thread(target=process.stderr.read, daemon=True).start()  # warnings must not fill the pipe
                watch = Watch(process.pid)
                watch.start()
                deadline = threading.Timer(limit + GRACE_SECONDS, process.kill)
                deadline.start()
                process.stdin.write("go\n")
                process.stdin.flush()
                told = process.stdout.readline()
                watch.stop()
                deadline.cancel()
                served = json.load(urllib.request.urlopen(url + "/figures", timeout=60))
            finally:
                process.kill()
        if not told:
            return f"no answer within {limit + GRACE_SECONDS:g} s"
        return _figures(json.loads(told), served, watch, jobs, together=together)


def _figures(told: dict[str, Any], served: dict[str, Any], watch: Watch, jobs: int, *, together: bool) -> Figures:
    ends = {name: job["ends"] for name, job in served["jobs"].items()}
    lives = [job["ends"] - job["began"] for job in served["jobs"].values()] or [0.0]
    late = sorted(at - ends[name] for name, at in told["noticed"].items() if name in ends)
    seconds = told["ended"] - told["began"]
    longest, whole = max(lives) if together else sum(lives), len(late) == jobs
    return Figures(
        version=told["version"],
        jobs=jobs,
        noticed=len(late),
        requests=served["requests"] / jobs,
        late_mean=statistics.fmean(late) if late else None,
        late_95=late[min(len(late) - 1, int(len(late) * 0.95))] if late else None,
        wall=seconds / longest if whole else None,
        seconds=seconds,
        cpu_ms=watch.cpu_seconds / jobs * 1000,
        memory_mb=watch.memory_mb,
        family_mb=watch.family_mb,
        threads=watch.threads,
        connections=served["most_open"],
        life_mean=statistics.fmean(lives),
        submitted=told.get("submitted"),
        noticed_wall=(max(told["noticed"].values()) - told["began"]) / longest if whole else None,
        trouble=next(iter(told["troubles"]), ""),
    )


@contextmanager
def emulator(service: str, lives: tuple[float, float]) -> Iterator[str]:
    """The URL of an emulator with jobs of such lives."""
    command = [sys.executable, "-m", "benchmarks.rivals.emulators", service, json.dumps({"uniform": lives})]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def python_of(client: str) -> str:
    """The interpreter that has this client: rivals live in the venv that `make bench` makes, if it did."""
    if client in SERVICES:
        found = os.environ.get("SEEDANCE_BENCH_PYTHON") or str(ROOT / "build" / "bench-venv" / "bin" / "python")
        if Path(found).exists():
            return found
    return sys.executable
