"""A thousand forged calls of the page that a service rings at: what they cost the Jupyter server, and whom they wake."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks import require
from seedance_nb.simulator import Pace, Simulator
from seedance_nb.waking.addresses import SERVER_IN_ENV

CALLS = 1000
START_SECONDS = 120.0
MOST_CPU_SECONDS = 1.0


@contextmanager
def jupyter_server() -> Iterator[tuple[int, Path]]:
    """A Jupyter server as it is, of nobody else: (its process, the file that describes it)."""
    with tempfile.TemporaryDirectory() as folder:
        places = {f"JUPYTER_{name}_DIR": f"{folder}/{name.lower()}" for name in ("CONFIG", "DATA", "RUNTIME")}
        words = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", "--ServerApp.port=0"]
        with subprocess.Popen(
            [*words, f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=bench"],
            env=os.environ | places | {"HOME": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            description = Path(places["JUPYTER_RUNTIME_DIR"]) / "seedance-wake" / f"server-{process.pid}.json"
            try:
                _await_answer(description)
                yield process.pid, description
            finally:
                process.terminate()


def _await_answer(description: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            local = json.loads(description.read_text())["local"]
            with urllib.request.urlopen(f"{local}api/status?token=bench", timeout=5):
                return
        except (OSError, ValueError):
            require(time.monotonic() < end, "the server did not start")
            time.sleep(0.1)


def run() -> Iterator[str]:
    from seedance_nb.tracking.session import Session

    with (
        jupyter_server() as (pid, description),
        Simulator(pace=Pace(0.1, 3600.0, 0)) as simulator,
        tempfile.TemporaryDirectory() as home,
    ):
        os.environ[SERVER_IN_ENV] = str(description)
        try:
            with Session(
                api_key="sd2_bench",
                base_url=simulator.base_url,
                home=home,
                webhook_url="auto",
                poll_floor=3600,
                poll_ceiling=3600,
            ) as session:
                job = session.submit("waits")
                while job.request_id is None:
                    time.sleep(0.02)
                local, server = json.loads(description.read_text())["local"], psutil.Process(pid)
                for new_line in (False, True):
                    used, answers = _flood(local, server, new_line=new_line)
                    how = "each on a line of its own" if new_line else "on one line"
                    yield (
                        f"{CALLS} forged calls, {how}: {used:.2f} s of the server's processor time"
                        f" ({used / CALLS * 1000:.2f} ms each), {simulator.calls['get']} requests to the API"
                    )
                    require(answers <= {204, 429}, f"answered {answers}")
                    require(simulator.calls["get"] == 0, f"{simulator.calls['get']} looks")
                    require(CALLS < 1000 or used < MOST_CPU_SECONDS, f"{used:.2f} s")
        finally:
            del os.environ[SERVER_IN_ENV]


def _flood(local: str, server: psutil.Process, *, new_line: bool) -> tuple[float, set[int]]:
    """(CPU seconds of the server, what it answered)."""
    host, answers = urlsplit(local).netloc, set[int]()
    line = http.client.HTTPConnection(host)
    before = server.cpu_times()
    for _ in range(CALLS):
        if new_line:
            line.close()
        line.request(
            "POST", f"/seedance/wake/{secrets.token_urlsafe(16)}", b'{"requestId": "req_1", "status": "succeeded"}'
        )
        with line.getresponse() as answer:
            answer.read()
            answers.add(answer.status)
    line.close()
    after = server.cpu_times()
    return after.user + after.system - before.user - before.system, answers
