"""Where a job meets the notebook: two outputs in one place, a live card while it runs, plain HTML for good."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import uuid
from typing import TYPE_CHECKING

from ...clips.store import shown_file
from ...pages import html, words
from ...pages.job_page import final_html
from ...snapshot import Snapshot
from ...terminal.stills import show_still
from ...tracking import session as sessions
from ...tracking.background import log
from ...tracking.job import Job
from ...tracking.notifying import is_browser_told
from ..heartbeat import heartbeat
from ..redraws import Redraws
from ..screen import Screen

if TYPE_CHECKING:
    from .job_card import JobCard

CARD_SECONDS = 0.25
"""A card is redrawn at most this often."""


def show_job(screen: Screen, job: Job, *, notify: bool = False) -> None:
    """Show a job in this cell: its video if it is there, else a receipt and a card that lives until it is; in a terminal, words."""
    if not screen.in_kernel:
        snapshot = job.snapshot
        print(words.plain(snapshot))
        if snapshot.is_settled:
            show_still(snapshot.clip)
        else:
            screen.prompt.shown(job)
        return
    view = JobView(screen, job, notify=notify)
    view.open(with_card=screen.is_watched)
    if not view.is_final:
        screen.views.append(view)


class JobView:
    """The two outputs of one job in one place: the receipt, which becomes the video, and the card, which goes away."""

    def __init__(self, screen: Screen, job: Job, *, notify: bool = False) -> None:
        self.job = job
        self._notify = notify or is_browser_told(sessions.existing())
        self.is_final = False
        self._screen = screen
        self._receipt_id, self._card_id = uuid.uuid4().hex, uuid.uuid4().hex
        self._card: JobCard | None = None
        self._lock = threading.RLock()
        self._redraws = Redraws(self._redraw, CARD_SECONDS, job.call_later, turn=screen.turn)
        self._receipt_shows: object = None
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
        if self._card is not None:
            heartbeat.stop(self._card)

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
            if self._card is not None and self._notify:  # the page tells of the end before the card goes
                self._screen.in_cell_context(self._card.show, self.job.snapshot)
            self.is_final = True
            self.stop()
            with contextlib.suppress(ValueError):
                self._screen.views.remove(self)
            snapshot = self.job.snapshot
            if not self._is_captured:
                self._screen.publish(final_bundle(snapshot, self._embed_limit()), self._receipt_id, update=True)
            if self._card is not None:
                if not self._is_captured:
                    self._screen.take_away(self._card_id)
                self._screen.in_cell_context(functools.partial(self._card.show, snapshot, done=True))

    def _open_card(self, snapshot: Snapshot) -> None:
        from .job_card import JobCard, card_view, reference_tiles

        job = self.job
        self._card = JobCard(
            card_view(snapshot, time.time()),
            receipt=self._receipt_id,
            references=reference_tiles(job.request, job.thumbnails()),
            on_cancel=job.cancel,
            clip_bytes=lambda: clip_bytes(job),
            on_in_view=lambda: job.call_later(0.0, lambda: self._changed(job.snapshot)),
            notify=self._notify,
        )
        self._screen.show_widget(self._card, self._card_id)
        heartbeat.start(self._card, self._screen.in_cell_context)

    # In the background thread ------------------------------------------------------------------------

    def _changed(self, snapshot: Snapshot) -> None:
        if not self.is_final:
            # The end does not wait for its turn: it is drawn once, and it is what everybody waits for.
            self._redraws.ask(at_once=snapshot.is_settled)

    def _redraw(self) -> None:
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
        shows = (snapshot.request_id, snapshot.take, snapshot.status)
        if self._is_captured or (update and shows == self._receipt_shows):
            return
        self._receipt_shows = shows
        marked = f'<div class="seedance-receipt-{self._receipt_id}">{html.receipt(snapshot)}</div>'
        bundle = {"text/html": marked, "text/plain": words.plain(snapshot)}
        self._screen.publish(bundle, self._receipt_id, update=update)

    def _embed_limit(self) -> int:
        return self.job.limits.embed_limit


def final_bundle(snapshot: Snapshot, embed_limit: int) -> dict[str, str]:
    """What stays in the notebook for good: text/html and text/plain, nothing else. Reads the clip from disk.

    A picture of its own (image/jpeg) would be shown in VS Code, where nobody trusts the notebook, in place of the words with the id, and
    is seen nowhere that shows HTML. Stills for GitHub and for paper come from the poster inside the HTML: see `slimming` and `stills`.
    """
    return {"text/html": final_html(snapshot, embed_limit), "text/plain": words.plain(snapshot)}


def clip_bytes(job: Job) -> bytes | None:
    """The MP4 to put before a browser, or None while there is none. Raises OSError, ClipError."""
    return shown_file(job.clip).read_bytes() if job.clip is not None else None
