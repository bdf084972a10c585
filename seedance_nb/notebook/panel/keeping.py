"""What stays in the notebook of a panel: below it, one output for each video, plain HTML.

A callback cannot create outputs: it may run on a subshell long after its cell has ended, and the page then has nowhere to put
them. It can change outputs that the cell itself has made. So the panel's cell makes a number of empty ones, and each finished video
takes the next. While the panel is alive its page hides them (the gallery shows the same clips); without a kernel they are what is
left. A widget's output shows "Error displaying widget" then, and nothing saved beside it is looked at where the notebook is
trusted: so the first output of all is a line that says how the panel comes back.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...pages.job_page import final_html
from ...pages.words import plain
from ...tracking.job import Job
from .context import Context

if TYPE_CHECKING:
    from ...snapshot import Snapshot

SLOTS = 16
KEEP_SECONDS = 2.0
"""The page comes first: the outputs for the saved notebook are megabytes that nobody waits for."""
KEPT = "seedance-kept"
"""The class by which a live panel finds these outputs to hide them."""
_WAY_BACK = (
    "This was a panel for making videos; it needs a running kernel. It comes back when this cell is run again: nothing is "
    "submitted by that, and the videos made with it are below."
)


def way_back() -> dict[str, str]:
    """The line that stands in for a panel without a kernel."""
    return {"text/html": f'<p class="{KEPT}">{_WAY_BACK}</p>', "text/plain": _WAY_BACK}


class Keeper:
    """The outputs below one panel."""

    def __init__(self, context: Context) -> None:
        self._context, self._screen = context, context.screen
        self._waiting: dict[str, Job] = {}
        self._free: list[str] = []
        self._kept: set[str] = set()
        self._lock = threading.Lock()

    def open(self, made: Sequence[Job] = ()) -> None:
        """Make the outputs, in the panel's cell only, and put in what is made already."""
        if self._screen is None:
            return
        self._screen.publish(way_back(), uuid.uuid4().hex, update=False)
        for _ in range(SLOTS + len(made)):
            self._free.append(uuid.uuid4().hex)
            self._screen.publish({}, self._free[-1], update=False)
        for job in made:
            self.keep(job)

    def keep_soon(self, job: Job) -> None:
        """Keep a video once the page shows it (`keep_waiting`), or a little later if it never does."""
        self._waiting[job.key] = job
        job.call_later(KEEP_SECONDS, lambda: self._context.in_worker(lambda: self.keep_waiting(job.key)))

    def keep_waiting(self, key: str) -> None:
        """Keep a video if it waits for that; from any thread but the runner's loop."""
        job = self._waiting.pop(key, None)
        if job is not None and not self.keep(job):
            self._context.say(
                "the notebook has no room left below this panel: run its cell again to keep this video too"
            )

    def keep(self, job: Job) -> bool:
        """Put a finished video into the next output; from any thread but the runner's loop. False when all outputs are taken."""
        snapshot = job.snapshot
        if self._screen is None or snapshot.clip is None:
            return True
        with self._lock:
            if snapshot.key in self._kept:
                return True
            if not self._free:
                return False
            self._kept.add(snapshot.key)
            slot = self._free.pop(0)
        self._screen.publish(_bundle(snapshot, job.limits.embed_limit), slot, update=True)
        return True


def _bundle(snapshot: Snapshot, embed_limit: int) -> dict[str, str]:
    html = f'<div class="{KEPT}">{final_html(snapshot, embed_limit)}</div>'
    return {"text/html": html, "text/plain": plain(snapshot)}
