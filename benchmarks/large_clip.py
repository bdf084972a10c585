"""A film of 50 MB: memory and speed of its download against curl, and how long the kernel stands still meanwhile.

Memory is the growth of the peak in a fresh process, seen from outside: once from before its first job ever (then with every library
that is loaded on the way), once from after a small clip has gone the same way. The kernel is a real one; a task in its main loop
ticks every 5 ms, and the longest gap between two ticks is what a person feels.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import require
from benchmarks.tiny_service import Service
from benchmarks.watching import Watch

MEGABYTES = 50
RUNS = 5
KERNELS = 3
EMBEDDED_BYTES = 12_000_000
"""The largest that is embedded whole unless one asks for more."""
TARGET_MB, TARGET_SHARE = 12.0, 0.6
LIFE_SECONDS = 0.5
TICKS = """
import asyncio, time
gaps = [0.0]
async def _tick():
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0.005)
        now = time.perf_counter()
        gaps[0], last = max(gaps[0], now - last - 0.005), now
_ticking = asyncio.get_running_loop().create_task(_tick())
"""


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, _service() as url:
        if shutil.which("curl") is None:
            require(False, "curl is not installed: nothing to compare with")
        rounds = []
        for number in range(RUNS):  # in turns, so that a noisy minute hits both
            curl = _curl(url, Path(folder) / "curl.mp4")
            rounds.append(
                (curl, *(_download(url, Path(folder) / f"{kind}{number}", kind) for kind in ("cold", "warm")))
            )
        yield f"{'':<44}{'median':>8}{'min':>8}{'max':>8}{'target':>8}"
        for name, column in (("from before its first job", 1), ("from after a small clip", 2)):
            yield _line(f"memory, {name}, MB", [row[column]["memory_mb"] for row in rounds], f"{TARGET_MB:.0f}")
        yield _line("memory, with helper processes, MB", [row[2]["family_mb"] for row in rounds])
        yield _line("curl, MB a second", [MEGABYTES / row[0] for row in rounds])
        yield _line(
            "ours to the last byte, share of curl", [r[0] / r[2]["downloaded"] for r in rounds], f"{TARGET_SHARE}"
        )
        yield _line("ours to the verified clip, share of curl", [row[0] / row[2]["verified"] for row in rounds])
        cases = (
            ("preview embedded", url, None),
            ("12 MB, embedded", f"{url}/embedded", None),
            ("50 MB, embedded", url, 100_000_000),
        )
        for name, base_url, limit in cases:
            yield _line(f"longest stall, ms, {name}", [_stall(base_url, limit) * 1000 for _ in range(KERNELS)])
        yield _line("longest stall, ms, an idle kernel", [_stall(None, None) * 1000 for _ in range(KERNELS)])


def _line(name: str, values: list[float], target: str = "") -> str:
    digits = 2 if max(values) < 10 else 1
    shown = "".join(f"{value:>8.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{name:<44}{shown}{target:>8}"


# The service ---------------------------------------------------------------------------------------------


class LargeService(Service):
    """Every job's film is the large one, but for those below the base URLs of `others`, such as `/small`."""

    others: dict[str, bytes]

    def answer(self, method: str, path: str) -> tuple[str, bytes]:
        kind, body = super().answer(method, path)
        name = path.split("/")[1]
        if name in self.others:
            body = body.replace(f":{self.port}/req".encode(), f":{self.port}/{name}/req".encode())
            body = self.others[name] if path.endswith(".mp4") else body
        return kind, body


def padded(film: bytes, size: int) -> bytes:
    """The film with a `free` box at its end (ISO 14496-12, 8.1.2), `size` bytes in all: as valid as before."""
    return film + struct.pack(">I4s", size - len(film), b"free") + bytes(size - len(film) - 8)


async def _serve() -> None:
    from seedance_nb.simulator.film import render

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        facts = {"prompt": "bench", "model": "seedance-2.0", "take": 1, "request_id": "req_0"}
        render(path, **facts, aspect_ratio="16:9", resolution="720p", seconds=4)
        film = path.read_bytes()
    service = LargeService({"uniform": [LIFE_SECONDS, LIFE_SECONDS]}, padded(film, MEGABYTES * 1_000_000))
    service.others = {"small": film, "embedded": padded(film, EMBEDDED_BYTES)}
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    print(service.port, flush=True)
    await server.serve_forever()


@contextmanager
def _service() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.large_clip", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


# Downloads -----------------------------------------------------------------------------------------------


def _curl(url: str, path: Path) -> float:
    """Seconds curl needs for the file."""
    began = time.perf_counter()
    subprocess.run(["curl", "--silent", "--fail", "--output", str(path), f"{url}/req_x.mp4"], check=True)
    took = time.perf_counter() - began
    require(path.stat().st_size == MEGABYTES * 1_000_000, f"curl brought {path.stat().st_size} bytes")
    return took


def _download(url: str, home: Path, kind: str) -> dict[str, float]:
    """Seconds and growth of memory of one download through the package, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.large_clip", "download", url, str(home), kind]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the process that downloads did not start")
        watch = Watch(process.pid, every=0.005)
        watch.start()
        print("go", file=process.stdin, flush=True)
        times: dict[str, float] = json.loads(process.stdout.readline())
        watch.stop()
        print(file=process.stdin, flush=True)
    return times | {"memory_mb": watch.memory_mb, "family_mb": watch.family_mb}


def _downloading(url: str, home: str, kind: str) -> None:
    from seedance_nb.tracking.session import Session

    wanted: dict[str, Any] = {"aspect_ratio": "16:9", "resolution": "720p"}
    if kind == "warm":
        with Session(api_key="sd2_bench", base_url=url + "/small", home=home) as session:
            session.submit("a small clip", **wanted).result(60)
    with Session(api_key="sd2_bench", base_url=url, home=home) as session:
        session.engine.runner  # noqa: B018 - the threads are there before anybody counts
        print("ready", flush=True)
        sys.stdin.readline()
        moments: dict[str, float] = {}
        job = session.submit("a large clip", **wanted)
        job.subscribe(lambda snapshot: moments.setdefault(snapshot.note or "", time.perf_counter()))
        clip = job.result(120)
        verified = time.perf_counter()
        require(clip.size == MEGABYTES * 1_000_000, f"a clip of {clip.size} bytes")
        began = moments["downloading"]
        times = {"downloaded": moments["checking the file"] - began, "verified": verified - began}
        print(json.dumps(times), flush=True)
        sys.stdin.readline()


# The kernel ----------------------------------------------------------------------------------------------


def _stall(url: str | None, embed_limit: int | None) -> float:
    """Seconds the main loop of a kernel stood still at most, while a film was downloaded and embedded; or while it idled."""
    import os

    from jupyter_client.manager import start_new_kernel

    with tempfile.TemporaryDirectory() as home:
        env = dict(os.environ, SEEDANCE_BASE_URL=url or "simulator", SEEDANCE_API_KEY="sd2_bench", SEEDANCE_HOME=home)
        manager, client = start_new_kernel(env=env, kernel_name="python3", stderr=subprocess.DEVNULL)

        def execute(code: str) -> None:
            reply = client.execute_interactive(code, output_hook=lambda _: None, allow_stdin=True, timeout=120)
            if reply["content"]["status"] != "ok":
                raise RuntimeError(str(reply["content"].get("evalue")))

        def ask(expression: str) -> str:
            options: dict[str, Any] = {"silent": True, "store_history": False, "output_hook": lambda _: None}
            reply = client.execute_interactive("", user_expressions={"x": expression}, timeout=120, **options)
            return str(reply["content"]["user_expressions"]["x"]["data"]["text/plain"])

        try:
            limit = "" if embed_limit is None else f"; sd.configure(embed_limit={embed_limit})"
            execute(f"%load_ext seedance_nb\nimport seedance_nb as sd{limit}")
            if url:
                execute("%seedance a large clip -d 4 -r 720p")
            execute(TICKS)
            for _ in range(600):
                time.sleep(0.1)
                if not url or ask("all(j.done() for j in sd.jobs())") == "True":
                    break
            time.sleep(2.0)  # the end is drawn after the clip is there
            stall = float(ask("gaps[0]"))
            require(not url or ask("[j.clip is not None for j in sd.jobs()]") == "[True]", "no clip came")
            require(stall > 0, "the kernel's loop never ticked")
            return stall
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(_serve())
    else:
        _downloading(*sys.argv[2:])
