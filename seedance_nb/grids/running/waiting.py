"""Waiting for all jobs of a grid: in a cell that blocks, and in a coroutine. What goes wrong with a job stays with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ...api.deadlines import LivedTime
from ...errors import SeedanceError, WaitTimeout
from ...tracking.job import Job, WaitInterrupted
from .sending import Sending

STEP_SECONDS = 1.0
"""A wait for a grid is made of such steps, so that its time-out counts only what this process lived."""


def wait_for_all(sending: Sending, timeout: float | None) -> None:
    """Block until all of them are done, at most `timeout` seconds; those that are added meanwhile are waited for too.

    Raises WaitTimeout and WaitInterrupted; the jobs go on. Raises SeedanceError where nothing was submitted.
    """
    lived = LivedTime(2 * STEP_SECONDS)
    _are_waited_for(sending.begun())
    while waits := _unfinished(sending.begun()):
        try:
            waits[0].result(None if timeout is None else max(0.0, min(STEP_SECONDS, timeout - lived())))
        except WaitTimeout:
            if waits[0].done() or (timeout is not None and lived() < timeout):
                continue
            _let_go(sending.begun())
            raise WaitTimeout(f"the grid is not done within {timeout:g} s; {_go_on(len(_unfinished(waits)))}") from None
        except WaitInterrupted:
            _let_go(sending.begun())
            raise WaitInterrupted(f"stopped waiting; {_go_on(len(waits))}") from None
        except SeedanceError:  # it is the job's, and stays with it
            continue
    _let_go(sending.begun())  # who has asked is told by what is there, and what is not


async def all_done(sending: Sending) -> None:
    """The same in a coroutine, without a limit; cancelling it cancels the wait and no job."""
    _are_waited_for(sending.begun())
    while waits := _unfinished(sending.begun()):
        waits[0].follow()
        try:
            await waits[0].waiter(asyncio.get_running_loop())
        except asyncio.CancelledError as stop:
            text = f"stopped waiting: {_go_on(len(waits))}"  # dressed as in Job.__await__
            stop.args = (text,)
            vars(stop)["_render_traceback_"] = lambda text=text: [text]
            raise
    _let_go(sending.begun())


def _are_waited_for(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.times_waited_for += 1


def _unfinished(jobs: Sequence[Job]) -> list[Job]:
    return [job for job in jobs if not job.done()]


def _let_go(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.is_awaited = False


def _go_on(jobs: int) -> str:
    which = "1 job goes" if jobs == 1 else f"{jobs} jobs go"
    return f"{which} on in the background: grid.result() waits again, grid.cancel() cancels"
