"""What only a terminal's IPython needs: a line on what ended while somebody typed, and Ctrl-C in an `await` in one line."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterable
from types import FrameType

from ..errors import one_line
from ..pages import words
from ..terminal.stills import show_still
from ..tracking.job import Job, is_awaited_in

MOST_LINES = 3
"""Of more jobs only the number is told."""


class AtThePrompt:
    """Made by a Screen, told by it when a cell begins and has ended."""

    def __init__(self) -> None:
        self._open: dict[Job, int] = {}
        self._has_handler = False

    def cell_begins(self) -> None:
        """Let Ctrl-C end an await of this cell as a notebook's stop button does: by cancelling the cell's task.

        The KeyboardInterrupt that Python would raise comes out of the loop instead: a page of its insides, and what stands behind the
        await would still run at the next one.
        """
        try:
            loop, cell = asyncio.get_running_loop(), asyncio.current_task()
        except RuntimeError:
            return  # a cell without await
        is_free = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if cell is None or not is_free or threading.current_thread() is not threading.main_thread():
            return

        def on_interrupt(number: int, frame: FrameType | None) -> None:
            if asyncio.current_task(loop) is None and is_awaited_in(loop):
                loop.call_soon_threadsafe(cell.cancel)
            else:  # code of the cell runs, or it awaits something else
                signal.default_int_handler(number, frame)

        signal.signal(signal.SIGINT, on_interrupt)
        self._has_handler = True

    def shown(self, job: Job) -> None:
        """A receipt of this job was printed: its end is told even if it comes before the cell's."""
        self._open[job] = job.times_waited_for

    def cell_ended(self, open_jobs: Iterable[Job]) -> None:
        """Say what has ended since the last prompt, but for what somebody waited for, who has seen it."""
        if self._has_handler:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._has_handler = False
        before, self._open = self._open, {job: job.times_waited_for for job in open_jobs}
        self._open |= {job: times for job, times in before.items() if not job.done()}
        tell([job for job, times in before.items() if job.done() and job.times_waited_for == times])


def tell(ended: list[Job]) -> None:
    """A line for each job that has ended, or one for all of many."""
    if len(ended) > MOST_LINES:
        lost = sum(1 for job in ended if job.clip is None)
        without = f", {lost} without a video" if lost else ""
        print(f"seedance: {len(ended) - lost} of {len(ended)} videos are done{without}; %seedance jobs lists them")
        return
    for job in ended:
        what = one_line(job.request.prompt, 40)
        if job.clip is None:
            print(f"seedance: {words.status_words(job.snapshot)}: {what} · {job.error}")
        else:
            print(
                f"seedance: {words.facts_line(f'done: {what}', words.credits_words(job.snapshot), str(job.clip.path))}"
            )
            show_still(job.clip)
