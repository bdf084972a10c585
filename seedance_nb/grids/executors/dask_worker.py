"""What a worker of a Dask cluster does: files come to it by content, and the call itself runs in a process of its own beside the worker.

So a call that hangs or ends its process is ended and named as it is on one machine, and the worker lives on; a Dask worker cannot end a
thread.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import pickle
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..._version import __version__
from ...errors import one_line
from .processes import Processes

IDLE_SECONDS = 900.0
"""Processes of a notebook that went away without a word are ended when another one comes, and these have had nothing to do for so long."""
_started: dict[str, tuple[Processes, float]] = {}
"""By run: its processes on this worker, and when they were last asked for something."""
_starting = threading.Lock()


def packed(call: tuple[Any, ...]) -> tuple[bytes, list[Path]]:
    """A call for a machine that has other folders: its bytes, and the files that it names, which travel by themselves."""
    files: list[Path] = []
    out = io.BytesIO()

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing: Any) -> int | None:
            if not isinstance(thing, Path):
                return None
            if thing not in files:
                files.append(thing)
            return files.index(thing)

    Pickler(out).dump(call)
    return out.getvalue(), files


def work(run: str, most: int, seconds: float, call: bytes, names: Sequence[str], *contents: bytes) -> tuple[bool, Any]:
    """What the call returns, or the error that ended it. Raises only what the disk of the worker does."""
    folder = Path(tempfile.mkdtemp(prefix="seedance-", dir=_disk()))
    try:
        files = []
        for number, (name, content) in enumerate(zip(names, contents, strict=True)):
            file = folder / str(number) / name
            file.parent.mkdir()
            file.write_bytes(content)
            files.append(file)

        class Unpickler(pickle.Unpickler):
            def persistent_load(self, pid: Any) -> Path:
                return files[int(pid)]

        function, args, options = Unpickler(io.BytesIO(call)).load()
        try:
            return True, _processes(run, most, seconds).submit(function, *args, **options).result()
        except BaseException as error:
            return False, error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def unfit(run: str, most: int, seconds: float) -> str:
    """Why this worker can do nothing for a notebook; empty where it can."""
    import asyncio

    return await asyncio.to_thread(_unfit, run, most, seconds)


def _unfit(run: str, most: int, seconds: float) -> str:
    try:
        return str(_processes(run, most, seconds).submit(lacking).result())
    except BaseException as error:
        return one_line(error, 120)


def lacking() -> str:
    """What this process has not got of what looks into clips; empty where nothing is missing."""
    for name in ("av", "numpy", "PIL.Image"):
        try:
            importlib.import_module(name)
        except Exception as error:
            return f"it cannot import {name} ({one_line(error, 80)})"
    return ""


def version() -> str:
    """Which version of the package is here."""
    return __version__


def release(run: str) -> None:
    """End the processes of a run, whatever they do."""
    with _starting:
        found = _started.pop(run, None)
    if found is not None:
        found[0].shutdown(wait=False, cancel_futures=True)


def _processes(run: str, most: int, seconds: float) -> Processes:
    with _starting:
        now = time.monotonic()
        for other, (processes, used) in list(_started.items()):
            if other != run and now - used > max(IDLE_SECONDS, 2 * seconds):
                del _started[other]
                processes.shutdown(wait=False, cancel_futures=True)
        processes = _started[run][0] if run in _started else Processes(most, seconds)
        _started[run] = processes, now
        return processes


def _disk() -> str | None:
    """The worker's own folder, which Dask clears after it."""
    with contextlib.suppress(Exception):
        from distributed import get_worker

        folder = Path(get_worker().local_directory)
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)
    return None
