"""The jobs of this kernel that run or went wrong, as cards, whoever submitted them."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from ...api.models import Status
from ...errors import SeedanceError
from ...pages.words import status_words
from ...snapshot import Snapshot
from ...tracking.background import log
from ...tracking.job import Job
from ...tracking.ledger.record import FREE_AGAIN
from ..card.job_card import JobCard, card_view, reference_tiles
from ..heartbeat import heartbeat
from ..interactive import drawn_by, interactive
from ..redraws import Redraws
from .compose import Field
from .context import Context
from .frame import PanelFrame
from .orders import Orders
from .price import short_price

CARD_SECONDS = 0.25
"""A card is redrawn at most this often."""
MOST_CARDS = 24
"""More than these nobody can watch; the tally counts them all."""


class Watch:
    """`box` holds a card for each job, newest first. Callbacks come from any thread.

    `on_status(snapshot, words)` is called when a job's status has changed, `on_end(job)` when it has its end.
    """

    def __init__(
        self,
        context: Context,
        orders: Orders,
        on_status: Callable[[Snapshot, str], object],
        on_end: Callable[[Job], object],
    ) -> None:
        self.context, self.orders = context, orders
        self.on_status, self.on_end = on_status, on_end
        self.box = w.VBox([])
        self.box.add_class("seedance-watch")
        self.done = self.failed = 0
        self._watched: dict[str, WatchedJob] = {}
        self._lock = threading.RLock()

    @property
    def running(self) -> int:
        """How many have not ended yet."""
        return sum(1 for watched in list(self._watched.values()) if not watched.job.snapshot.is_settled)

    def add(self, job: Job) -> None:
        """Watch a job; one that is watched already, or that had ended before, is passed over."""
        with self._lock:
            known = self._watched.get(job.key)
            if known is not None and not known.job.snapshot.is_settled:
                return
            if job.snapshot.is_settled and job.status not in (*FREE_AGAIN, Status.UNKNOWN):
                return
            if known is not None:
                known.stop()
            watched = self._watched[job.key] = WatchedJob(self, job)
            self.arrange()
        watched.start()

    def remove(self, watched: WatchedJob) -> None:
        """Take a card away."""
        with self._lock:
            watched.stop()
            self._watched = {key: other for key, other in self._watched.items() if other is not watched}
            self.arrange()

    def is_doubled(self, watched: WatchedJob) -> bool:
        """Whether another card shows the same job: a submit learns only later that the ledger had its row."""
        with self._lock:
            key = watched.job.key
            other = self._watched.get(key)
            if other is None:
                self._watched = {(key if v is watched else k): v for k, v in self._watched.items()}
            return other is not None and other is not watched

    def arrange(self) -> None:
        """Show what is watched, newest first."""
        newest = sorted(self._watched.values(), key=lambda watched: -watched.job.snapshot.created_at)
        cards = tuple(watched.box for watched in newest[:MOST_CARDS])
        if cards != self.box.children:
            self.context.in_cell(functools.partial(setattr, self.box, "children", cards))

    def stop(self) -> None:
        """Follow no longer."""
        for watched in list(self._watched.values()):
            watched.stop()


class WatchedJob:
    """One card, with Retry and Dismiss once the job has ended without a video."""

    def __init__(self, watch: Watch, job: Job) -> None:
        self.job = job
        self._watch = watch
        self._redraws = Redraws(self._redraw, CARD_SECONDS, job.call_later)
        self._settled = False
        self._words = ""
        self._lock = threading.RLock()
        self._unsubscribe: Callable[[], None] = lambda: None
        self.card = JobCard(
            card_view(job.snapshot, time.time(), heading=True),
            references=reference_tiles(job.request, job.thumbnails()),
            on_cancel=job.cancel,
            clip_bytes=lambda: None,  # the gallery plays it
            is_part=watch.context.single,
        )
        self.retry = w.Button(description="Retry", tooltip="submit the same request again", layout={"display": "none"})
        self.dismiss = w.Button(description="Dismiss", tooltip="take this card away", layout={"display": "none"})
        self.actions = Field("retry", w.HBox([self.retry, self.dismiss]))
        self.box = w.VBox([self.card, self.actions.box])
        self.retry.on_click(lambda _: self._try_again())
        self.dismiss.on_click(lambda _: watch.remove(self))
        interactive(self.retry, self.dismiss)

    def start(self) -> None:
        """Follow the job from now on."""
        heartbeat.start(self.card, self._watch.context.in_cell)
        self._unsubscribe = self.job.subscribe(self._changed)
        self._changed(self.job.snapshot)

    def stop(self) -> None:
        """Follow no longer."""
        heartbeat.stop(self.card)
        self._unsubscribe()

    def _try_again(self) -> None:
        self.retry.disabled = True  # before anything else: a second press finds it so
        with drawn_by(self.actions.say):
            if not self._watch.orders.may_retry(self.job.status):
                return
            self._watch.orders.retry(self.job.request, self.job.take, self.job.status)
            self._watch.remove(self)
        self.retry.disabled = False

    # In the background thread ------------------------------------------------------------------------

    def _changed(self, _: Snapshot) -> None:
        if not self._settled:
            self._redraws.ask()

    def _redraw(self) -> None:
        try:
            with self._lock:
                if self._watch.is_doubled(self):
                    self._watch.remove(self)
                    return
                snapshot = self.job.snapshot
                self._watch.context.in_cell(functools.partial(self._draw, snapshot))
        except Exception:  # a page that went away must not stop the job
            log.exception("drawing %s in the panel failed", self.job.key)

    def _draw(self, snapshot: Snapshot) -> None:
        self.card.show(snapshot)
        words = status_words(snapshot)
        if words != self._words:
            self._words = words
            self._watch.on_status(snapshot, words)
        if snapshot.is_settled and not self._settled:
            self._settled = True
            self._end(snapshot)

    def _end(self, snapshot: Snapshot) -> None:
        if snapshot.clip is not None:
            self._watch.done += 1
            self._watch.remove(self)
        else:
            self._watch.failed += 1
            self.dismiss.layout.display = ""
            if self._watch.orders.may_retry(snapshot.status):
                self._watch.context.in_worker(functools.partial(self._offer_retry, snapshot))
        self._watch.on_end(self.job)

    def _offer_retry(self, snapshot: Snapshot) -> None:
        price = short_price(self._watch.context.session.estimate(snapshot.request), simulated=snapshot.simulated)
        self._watch.context.in_cell(self._show_retry, f"Retry · {price}")

    def _show_retry(self, label: str) -> None:
        self.retry.description = label
        self.retry.layout.display = ""


class Tally:
    """The line that counts: jobs of this panel's session, and credits of today and of the session."""

    def __init__(self, context: Context, watch: Watch, frame: PanelFrame) -> None:
        self._context, self._watch, self._frame = context, watch, frame

    def refresh(self) -> None:
        """Count again; it reads the ledger. Without one the line stays as it is."""
        session, watch = self._context.session, self._watch
        midnight = time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
        with contextlib.suppress(SeedanceError):
            paid, simulated = session.ask_ledger(
                lambda ledger: [ledger.browsing.credits_since(midnight, kind) for kind in (False, True)]
            )
            unit = "simulated credits" if simulated and not paid else "credits"
            spent = f"{_amount(paid or simulated)} {unit} today", f"{_amount(session.spent)} this session"
            self._context.in_cell(self._show, words_for(watch.done, watch.running, watch.failed, *spent))

    def _show(self, words: str) -> None:
        self._frame.tally = words


def words_for(done: int, running: int, failed: int, *credits_words: str) -> str:
    """The tally: "1 running · 2 done · 40 credits today · 40 this session"."""
    counts = [
        f"{running} running" if running else "",
        f"{done} done" if done else "",
        f"{failed} failed" if failed else "",
    ]
    return " · ".join(part for part in (*counts, *credits_words) if part)


def _amount(value: Any) -> str:
    """A number of credits as people write it."""
    return f"{float(value):.10g}"
