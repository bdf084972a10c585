"""Whose create is in the air? Names a process so that another one can tell whether it still lives."""

from __future__ import annotations

import os
import platform
import uuid
from pathlib import Path

LIVE_HERE: set[str] = set()
"""The runners that are open in this process."""
_START_TOLERANCE = 0.05
"""Starts are written with two decimals."""


def new_owner() -> str:
    """A name for a runner of this process: host, pid, process start, and a part of its own, with the boot of its machine."""
    return f"{_machine()}|{os.getpid()}|{_started(os.getpid()) or 0:.2f}|{uuid.uuid4().hex[:12]}-{_boot()}"


def is_of_this_boot(owner: str | None) -> bool:
    """Whether the owner surely ran where process numbers mean what they mean here: many machines of a team may have one name."""
    parts = (owner or "").split("|")
    boot = _boot()
    return len(parts) == 4 and parts[0] == _machine() and bool(boot) and parts[3].endswith(f"-{boot}")


def is_alive(owner: str | None) -> bool | None:
    """Whether the owner's create may still be in the air; None where nobody here can tell (another machine)."""
    host, _, rest = (owner or "").partition("|")
    parts = rest.split("|")
    if len(parts) != 3 or host != _machine():
        return None
    if parts[0] == str(os.getpid()):
        return owner in LIVE_HERE
    try:
        started = _started(int(parts[0]))
        return started is not None and abs(started - float(parts[1])) < _START_TOLERANCE
    except ValueError:
        return None


def is_at_work(owner: str | None) -> bool:
    """Whether the owner surely goes on: it lives on this machine, and nobody has stopped its process. Where nobody can tell, it does not."""
    if not is_alive(owner):
        return False
    pid = int((owner or "").split("|")[1])
    if pid == os.getpid():
        return True
    import psutil

    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False


def _machine() -> str:
    """Where process numbers mean the same: a host, and on Linux one of its containers."""
    try:
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - what it says is no path
    except OSError:
        return platform.node()


def _boot() -> str:
    """What no other machine has, nor this one after it was started again; "" where nobody says."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
    except (OSError, ValueError):
        return ""


def _started(pid: int) -> float | None:
    """When a living process began, as a number that no correction of the clock moves."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        # Linux knows the ticks since boot, to which psutil adds the time of boot: that moves whenever the clock is set.
        return float(process.create_time() - (psutil.boot_time() if psutil.LINUX else 0.0))
    except psutil.Error:
        return None
