"""Where jobs meet the notebook: two outputs a job, a live card while it runs, plain HTML for good.

Rules learned from kernels: outputs are created in the cell and only changed from the background; changes go through the publisher that
was there at load (a user's `%%capture` swaps the current one), in the context of the latest cell (on ipykernel 7.0 a bare thread has
none); nbclient keeps only what is sent under the cell being executed, so headless everything is sent once more from the main thread.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..clips.clip import Clip
from ..clips.store import shown_file
from ..pages import html, words
from ..pages.job_page import final_html, sources_of
from ..settings import Limits
from ..snapshot import Snapshot
from ..tracking import session as sessions
from ..tracking.background import log
from ..tracking.job import Job
from ..tracking.session import JobList
from . import waiting
from .board import grid_formatters

if TYPE_CHECKING:
    from .board.grid_display import GridOutputs
    from .card.job_card import JobCard

_ATTRIBUTE = "_seedance_screen"
CARD_SECONDS = 0.25
"""A card is redrawn at most this often."""
UNTIL_ID_SECONDS = 5.0
"""A cell that waits for nothing still waits so long for the service's answer with the id, if only a program is there to see it."""
DRAWS_A_SECOND = 20
"""All cards together."""


class Screen:
    """What one IPython shell shows. Made by `attach`, kept on the shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.views: list[JobView | GridOutputs] = []
        self._publisher = shell.display_pub
        self._context = contextvars.copy_context()
        self._next_draw = 0.0
        self._events = (("pre_run_cell", self._before_cell), ("post_run_cell", self._after_cell))
        for name, function in self._events:
            shell.events.register(name, function)

    def detach(self) -> None:
        """Take the hooks back; cards stay as they are."""
        for name, function in self._events:
            with contextlib.suppress(ValueError):
                self.shell.events.unregister(name, function)
        for view in self.views:
            view.stop()
        self.views.clear()

    @property
    def in_kernel(self) -> bool:
        """Whether a Jupyter front end may be listening (not a terminal)."""
        return getattr(self.shell, "kernel", None) is not None

    @property
    def waits(self) -> bool:
        """Whether a cell that submits has to wait for its video: SEEDANCE_WAIT, else whether nobody is there to see it come."""
        choice = os.environ.get("SEEDANCE_WAIT", "auto").strip().lower()
        return choice == "always" or (choice != "never" and self.is_headless)

    @property
    def is_headless(self) -> bool:
        """Whether the running cell was sent by a program that cannot answer questions: nbclient, nbconvert, papermill."""
        if not self.in_kernel or os.environ.get("SERVER_SOFTWARE", "").startswith("voila"):
            return False
        try:
            parent = self.shell.kernel.get_parent("shell")
        except Exception:  # kernels differ here; a wrong guess only costs a wait
            return False
        return parent.get("content", {}).get("allow_stdin", True) is False

    @property
    def is_watched(self) -> bool:
        """Whether what changes after the cell has ended can be seen, now or by the next page."""
        return not self.is_headless or os.environ.get("SEEDANCE_WAIT", "").lower() == "never"

    def show(self, job: Job) -> None:
        """Show a job: its video if it is there, else a receipt and a card that lives until it is."""
        if not self.in_kernel:
            print(words.plain(job.snapshot))
            return
        view = JobView(self, job)
        view.open(with_card=self.is_watched)
        if not view.is_final:
            self.views.append(view)

    def finish(self) -> None:
        """Send the final outputs of finished jobs and grids from the main thread, where nbclient listens."""
        for view in list(self.views):
            if view.is_over:
                view.close(again=True)

    def turn(self, not_before: float) -> float:
        """Seconds until the caller may draw: its turn among all, and not before that moment (monotonic); in the background."""
        now = time.monotonic()
        slot = max(now, not_before, self._next_draw)
        self._next_draw = max(now, self._next_draw) + 1 / DRAWS_A_SECOND
        return slot - now

    def publish(self, bundle: dict[str, str], display_id: str, *, update: bool) -> None:
        """Send one output, in the cell that asks for it; or change it, from any thread."""
        transient = {"display_id": display_id}
        if not update:  # where it is asked for: a cell, interact's own output, %%capture
            self.shell.display_pub.publish(bundle, {}, transient=transient, update=False)
            return
        self._context.copy().run(self._publisher.publish, bundle, {}, transient=transient, update=update)

    @property
    def is_captured(self) -> bool:
        """Whether what is displayed now goes into an Output widget (`with out:`, interact): no later change reaches it there."""
        widgets = getattr(
            sys.modules.get("ipywidgets.widgets.widget"), "_instances", {}
        )  # ipywidgets has no other list
        capturing = {
            getattr(w, "msg_id", "") for w in list(widgets.values()) if getattr(w, "_model_name", "") == "OutputModel"
        }
        try:
            parent = self.shell.kernel.get_parent("shell")
        except Exception:  # kernels differ here; the card then hides the receipt itself
            return False
        return bool(parent) and parent.get("header", {}).get("msg_id") in capturing

    def in_cell_context(self, function: Any, *args: Any) -> Any:
        """Run something that sends a message to the page (a widget's trait), from any thread."""
        return self._context.copy().run(function, *args)

    def _before_cell(self, *_: object) -> None:
        self._context = contextvars.copy_context()

    def _after_cell(self, result: Any = None, *_: object) -> None:
        session = sessions.existing()
        if session is None or not (self.waits or self.is_headless):
            return
        jobs = session.awaited_jobs()
        if not self.waits or isinstance(getattr(result, "error_in_exec", None), KeyboardInterrupt):
            self.leave(jobs)  # stop means stop waiting, in this cell and in later ones
        else:
            try:
                for job in jobs:
                    waiting.wait(job, None)
            except KeyboardInterrupt:
                self.leave(jobs)
        if self.is_headless:  # what comes after the cell is lost there
            for view in self.views:
                view.refresh()
        self.finish()

    def leave(self, jobs: Sequence[Job]) -> None:
        """Wait for them no longer, now and after later cells. Where a program runs the notebook, the cell says what becomes of them."""
        for job in jobs:
            job.is_awaited = False
        if not self.is_headless or not jobs:
            return
        # Changes that come after the cell are lost there, and without its id nobody finds a job at the service.
        until = time.monotonic() + UNTIL_ID_SECONDS
        while time.monotonic() < until and any(not job.request_id and not job.done() for job in jobs):
            time.sleep(0.02)
        names = [job.request_id or job.key for job in jobs if not job.done()]
        if names:
            one = len(names) == 1
            print(
                f"not waited for: {'this job goes' if one else f'{len(names)} jobs go'} on at the service, "
                f"and %seedance attach {names[0] if one else 'all'} brings {'it' if one else 'them'} here when run again"
            )


class JobView:
    """The two outputs of one job in one place: the receipt, which becomes the video, and the card, which goes away."""

    def __init__(self, screen: Screen, job: Job) -> None:
        self.job = job
        self.is_final = False
        self._screen = screen
        self._receipt_id, self._card_id = uuid.uuid4().hex, uuid.uuid4().hex
        self._card: JobCard | None = None
        self._lock = threading.RLock()
        self._drawn_at = 0.0
        self._scheduled = False
        self._receipt_told: object = None
        self._is_captured = False  # then the card is all there is: it turns into the video itself
        self._unsubscribe = lambda: None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes by itself."""
        return self.job.done()

    def open(self, *, with_card: bool) -> None:
        """Create the outputs, in the cell that asked for them."""
        snapshot = self.job.snapshot
        if snapshot.is_settled:
            self.is_final = True
            self._screen.publish(final_bundle(snapshot, self._embed_limit()), self._receipt_id, update=False)
            return
        self._is_captured = with_card and self._screen.is_captured
        self._publish_receipt(snapshot, update=False)
        if with_card:
            self._open_card(snapshot)
            self._unsubscribe = self.job.subscribe(self._changed)
            self._changed(self.job.snapshot)

    def stop(self) -> None:
        """Follow no longer."""
        self._unsubscribe()

    def refresh(self) -> None:
        """Bring the receipt up to date, from this thread."""
        with self._lock:
            if not self.is_final:
                self._publish_receipt(self.job.snapshot, update=True)

    def close(self, *, again: bool = False) -> None:
        """Replace the receipt by what stays, and the card by nothing. `again` sends it once more, from this thread."""
        with self._lock:
            if self.is_final and not again:
                return
            self.is_final = True
            self.stop()
            with contextlib.suppress(ValueError):
                self._screen.views.remove(self)
            snapshot = self.job.snapshot
            if not self._is_captured:
                self._screen.publish(final_bundle(snapshot, self._embed_limit()), self._receipt_id, update=True)
            if self._card is not None:
                if not self._is_captured:
                    self._screen.publish({}, self._card_id, update=True)
                self._screen.in_cell_context(functools.partial(self._card.show, snapshot, done=True))

    def _open_card(self, snapshot: Snapshot) -> None:
        from IPython.display import display

        from .card.job_card import JobCard, card_view

        job = self.job
        self._card = JobCard(
            card_view(snapshot, time.time()),
            receipt=self._receipt_id,
            on_cancel=job.cancel,
            clip_bytes=lambda: _bytes(job),
            on_in_view=lambda: job.call_later(0.0, lambda: self._changed(job.snapshot)),
        )
        display(self._card, display_id=self._card_id)

    # In the background thread ------------------------------------------------------------------------

    def _changed(self, snapshot: Snapshot) -> None:
        if self.is_final or (self._scheduled and not snapshot.is_settled):
            return
        self._scheduled = True
        # The end does not wait for its turn: it is drawn once, and it is what everybody waits for.
        wait = 0.0 if snapshot.is_settled else self._screen.turn(self._drawn_at + CARD_SECONDS)
        self.job.call_later(wait, self._redraw)

    def _redraw(self) -> None:
        self._scheduled = False
        self._drawn_at = time.monotonic()
        if self.is_final:
            return
        try:
            if self.job.snapshot.is_settled:
                # Base64 of many megabytes does not belong on the loop that polls.
                self.job.work(self.close)
                return
            with self._lock:
                snapshot = self.job.snapshot
                if self._card is not None and self._card.is_in_view:
                    self._screen.in_cell_context(self._card.show, snapshot)
                self._publish_receipt(snapshot, update=True)
        except Exception:  # a page that went away must not stop the job
            log.exception("drawing %s failed", self.job.key)

    def _publish_receipt(self, snapshot: Snapshot, *, update: bool) -> None:
        # The receipt is for the saved notebook: it changes when there is something to find the job by, not at every tick.
        told = (snapshot.request_id, snapshot.take, snapshot.status)
        if self._is_captured or (update and told == self._receipt_told):
            return
        self._receipt_told = told
        marked = f'<div class="seedance-receipt-{self._receipt_id}">{html.receipt(snapshot)}</div>'
        bundle = {"text/html": marked, "text/plain": words.plain(snapshot)}
        self._screen.publish(bundle, self._receipt_id, update=update)

    def _embed_limit(self) -> int:
        return self.job.limits.embed_limit


def final_bundle(snapshot: Snapshot, embed_limit: int) -> dict[str, str]:
    """What stays in the notebook for good: text/html and text/plain, nothing else. Reads the clip from disk."""
    return {"text/html": final_html(snapshot, embed_limit), "text/plain": words.plain(snapshot)}


def _bytes(job: Job) -> bytes | None:
    return shown_file(job.clip).read_bytes() if job.clip is not None else None


# Attaching to a shell ------------------------------------------------------------------------------------


def screen_of(shell: Any) -> Screen | None:
    """The screen of this shell, if something is attached to it."""
    found: Screen | None = getattr(shell, _ATTRIBUTE, None)
    return found


def attach(shell: Any) -> Screen:
    """Let jobs, clips and lists of jobs show themselves in this shell, and let waits keep its loop alive. Idempotent."""
    screen = screen_of(shell)
    if screen is not None:
        return screen
    screen = Screen(shell)
    setattr(shell, _ATTRIBUTE, screen)
    sessions.set_wait_strategy(waiting.wait)
    formatters = shell.display_formatter
    grid_formatters.register(screen, formatters)
    if screen.in_kernel:
        formatters.ipython_display_formatter.for_type(Job, screen.show)
        formatters.formatters["text/html"].for_type(Clip, _clip_html)
        formatters.formatters["text/html"].for_type(JobList, jobs_html)
    return screen


def detach(shell: Any) -> None:
    """Undo `attach`."""
    screen = screen_of(shell)
    if screen is None:
        return
    screen.detach()
    setattr(shell, _ATTRIBUTE, None)
    formatters = shell.display_formatter
    for formatter, kind in (
        (formatters.ipython_display_formatter, Job),
        (formatters.formatters["text/html"], Clip),
        (formatters.formatters["text/html"], JobList),
    ):
        formatter.pop(kind, None)
    grid_formatters.unregister(formatters)


def _clip_html(clip: Clip) -> str:
    session = sessions.existing()
    video, poster, more = sources_of(clip, (session.limits if session else Limits()).embed_limit)
    return html.clip_figure(clip, video, poster, **more)


def jobs_html(jobs: JobList) -> str:
    """How `sd.jobs()` shows itself."""
    return html.table(*job_table(jobs))


def job_table(jobs: JobList) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Headers and rows of the table of `%seedance jobs`."""
    if not jobs:
        return ("Jobs",), [("none yet; %seedance a paper boat on a rainy street makes one",)]
    rows = []
    for job in jobs:
        snapshot = job.snapshot
        rows.append(
            (
                time.strftime("%d %b %H:%M", time.localtime(snapshot.created_at)),
                snapshot.request_id or snapshot.key,
                words.status_words(snapshot),
                snapshot.request.prompt,
                words.settings_line(snapshot.request),
                str(snapshot.take),
                words.credits_words(snapshot),
            )
        )
    return ("Began", "Id", "Status", "Prompt", "Settings", "Take", "Credits"), rows
