"""Whose create is in the air? Names a process so that another one can tell whether it still lives."""

from __future__ import annotations

import os
import platform
import uuid

LIVE_HERE: set[str] = set()
"""The runners that are open in this process."""
_START_TOLERANCE = 2.0
"""psutil computes the start of a process from the boot time, which clock corrections can move a little."""


def new_owner() -> str:
    """A name for a runner of this process: host, pid, process start, and a part of its own."""
    return f"{platform.node()}|{os.getpid()}|{_started(os.getpid()) or 0:.2f}|{uuid.uuid4().hex[:12]}"


def is_alive(owner: str | None) -> bool | None:
    """Whether the owner's create may still be in the air; None where nobody here can tell (another machine)."""
    host, _, rest = (owner or "").partition("|")
    parts = rest.split("|")
    if len(parts) != 3 or host != platform.node():
        return None
    if parts[0] == str(os.getpid()):
        return owner in LIVE_HERE
    try:
        started = _started(int(parts[0]))
        return started is not None and abs(started - float(parts[1])) < _START_TOLERANCE
    except ValueError:
        return None


def _started(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None
