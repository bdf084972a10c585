"""Waiting for a story: in a cell that blocks, and in a coroutine. Between two shots there may be no job to wait for, for a moment."""

from __future__ import annotations

import asyncio
import time

from ...api.deadlines import LivedTime
from ...errors import SeedanceError, WaitTimeout
from ...tracking.job import Job, WaitInterrupted
from .running import Running

STEP_SECONDS = 1.0
BETWEEN_SHOTS = 0.02


def wait_for_all(running: Running, timeout: float | None) -> None:
    """Block until nothing more comes, at most `timeout` seconds. Raises WaitTimeout and WaitInterrupted, after which the story goes on."""
    lived = LivedTime(2 * STEP_SECONDS)
    running.begun()
    while not running.is_done():
        left = None if timeout is None else timeout - lived()
        if left is not None and left <= 0:
            _let_go(running)
            raise WaitTimeout(f"the story is not done within {timeout:g} s; {_goes_on(running)}")
        try:
            waits = _unfinished(running)
            if waits:
                waits[0].result(STEP_SECONDS if left is None else min(STEP_SECONDS, left))
            else:
                time.sleep(BETWEEN_SHOTS)
        except KeyboardInterrupt:  # WaitInterrupted too
            _let_go(running)
            raise WaitInterrupted(f"stopped waiting; {_goes_on(running)}") from None
        except SeedanceError:  # it is the job's, and stays with it; or only this step is over
            continue
    _let_go(running)


async def all_done(running: Running) -> None:
    """The same in a coroutine, without a limit; cancelling it cancels the wait and nothing else."""
    running.begun()
    try:
        while not running.is_done():
            waits = _unfinished(running)
            if waits:
                waits[0].follow()
                await waits[0].waiter(asyncio.get_running_loop(), STEP_SECONDS)
            else:
                await asyncio.sleep(BETWEEN_SHOTS)
    except asyncio.CancelledError as stop:
        text = f"stopped waiting: {_goes_on(running)}"  # dressed as in Job.__await__
        stop.args = (text,)
        vars(stop)["_render_traceback_"] = lambda: [text]
        raise
    _let_go(running)


def _unfinished(running: Running) -> list[Job]:
    return [job for job in running.begun() if not job.done()]


def _let_go(running: Running) -> None:
    for job in running.begun():
        job.is_awaited = False


def _goes_on(running: Running) -> str:
    count = len(_unfinished(running))
    jobs = f" ({count} job{'s' if count != 1 else ''} under way)" if count else ""
    return f"the story goes on in the background{jobs}: story.result() waits again, story.cancel() stops it"
