"""Block a cell on a job, keep the notebook's own asyncio tasks alive meanwhile, and obey the stop button.

Cells run inside the kernel's asyncio loop, so code that blocks in one starves every task of the user. Here the loop is run nested
instead, which is what nest-asyncio is for. The package of that name is archived, and on ipykernel 7.1 and later it loses the cells
queued behind a nested wait; its maintained continuation nest-asyncio2 (from 1.7.3 on) does not. It patches asyncio, so it is applied
at the first nested wait and never before.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from typing import Any

from ..tracking.job import Job


def wait(job: Job, seconds: float | None) -> bool:
    """Wait until the job is done, at most `seconds`; True once it is. The job's `WaitInterrupted` when the stop button is used."""
    job.times_waited_for += 1
    loop = _nestable_loop()
    return job.wait_in_slices(seconds) if loop is None else _wait_nested(job, loop, seconds)


def _nestable_loop() -> asyncio.AbstractEventLoop | None:
    """The running loop of this thread if it can be run nested here and now, else None: then the wait just blocks."""
    if threading.current_thread() is not threading.main_thread():
        return None  # a subshell
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None  # a terminal or a script
    return loop if _make_nestable(loop) else None


def _make_nestable(loop: asyncio.AbstractEventLoop) -> bool:
    if not isinstance(loop, asyncio.BaseEventLoop):
        return False  # uvloop and its like cannot be patched
    ipykernel: Any = sys.modules.get("ipykernel")
    shares_context = ipykernel is not None and tuple(ipykernel.version_info[:2]) >= (7, 1)
    if getattr(loop, "_nest_patched", False) and not hasattr(loop, "_nest_asyncio2"):
        # The user has applied the old nest_asyncio: nesting with it here would lose queued cells.
        return not shares_context
    try:
        import nest_asyncio2

        nest_asyncio2.apply(loop)
    except (ImportError, ValueError):
        return False
    return True


def _wait_nested(job: Job, loop: asyncio.AbstractEventLoop, seconds: float | None) -> bool:
    done = job.waiter(loop, seconds)

    def wake() -> None:
        if not done.done():
            done.set_result(None)

    interrupted = False

    def on_interrupt(*_: object) -> None:
        # Python would raise KeyboardInterrupt inside whichever task of the user is stepping just now, and kill it.
        nonlocal interrupted
        interrupted = True
        loop.call_soon_threadsafe(wake)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        loop.run_until_complete(done)
    except RuntimeError:  # the kernel shuts down and has stopped its loop
        if done.done():
            raise
        interrupted = True
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise job.interrupted()
    return job.done()
