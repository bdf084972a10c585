"""The panel: compose, see the price, watch, look back, and leave with the cell that repeats it.

It decides nothing about money or jobs: a press becomes calls of `Session.submit`, and the ledger sees to it that the same
intention is bought once, from however many panels, pages and cells it comes. Callbacks may run on a subshell's thread while a cell
runs: they ask the ledger, post to the runner and change widgets that exist, and never touch an asyncio loop or the network.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as w
import msgspec

from ...api.catalog import Catalog
from ...api.models import Status, VideoRequest
from ...errors import InvalidRequest, SeedanceError, one_line, shortened
from ...pages.words import clamp
from ...snapshot import Snapshot
from ...tracking import session as sessions
from ...tracking.background import log
from ...tracking.job import Job
from ...tracking.session import Session
from ..display import Screen
from ..interactive import interactive
from ..magic.arguments import as_magic, as_python
from .compose import Compose
from .errors import drawn_by
from .frame import PanelFrame
from .gallery import Gallery
from .history import History
from .keeping import Keeper
from .price import Tag, price_tag
from .watch import Watch, amount, words_for

KEEP_SECONDS = 2.0
"""The page comes first: the outputs for the saved notebook are megabytes that nobody waits for."""


class Panel:
    """One panel on one session. Construction submits nothing; `root` is the widget to show.

    `mine` are jobs that an earlier panel of the same cell has submitted: their videos belong below this one now.
    """

    def __init__(self, session: Session, screen: Screen | None = None, mine: Iterable[Job] = ()) -> None:
        self.session = session
        self._screen = screen
        self._lock = threading.RLock()
        self.mine = list(mine)
        self._to_keep: dict[str, Job] = {}
        self._token = ""
        self._tag: Tag | None = None
        self.frame = PanelFrame(self._generate, self._page_opened)
        self.compose = Compose(session.catalog, self.refresh)
        self.history = History(self._find_prompts, self._use_prompt)
        self.watch = Watch(self)
        self.gallery = Gallery(self)
        self.keeper = Keeper(screen)
        self.root = self._arrange()
        self._stop = session.on_job(self.watch.add)
        for job in session.open_jobs():
            self.watch.add(job)
        self.refresh()
        self._count()

    def _arrange(self) -> Any:
        form = self.compose
        choices = w.Box([f.box for f in (form.model, form.aspect_ratio, form.duration, form.resolution, form.takes)])
        choices.add_class("seedance-choices")
        media = w.VBox([form.media.box, form.thumbnails, form.swap])
        service = w.VBox([form.metadata.box, form.webhook.box])
        used_before = _fold("Used before", self.history.box, self.history.refresh)
        folds = w.VBox([_fold("Reference media", media), used_before, _fold("Metadata and webhook", service)])
        folds.add_class("seedance-folds")
        root = w.VBox([form.prompt.box, choices, folds, self.frame, self.watch.box, self.gallery])
        return root.add_class("seedance-panel")

    # Price and code -----------------------------------------------------------------------------------

    def refresh(self, *, with_code: bool = True) -> None:
        """Price and code of what stands in the form now; without the code when the form is not what has changed."""
        with self._lock, drawn_by(self.frame.complain):
            self._follow_session()
            request, refusal, notes = None, "", ""
            try:
                request = self.compose.request()
                self._tag = self._price(request)
                if not self.compose.prompt_is_empty:
                    notes = "".join(f"Note: {note}. " for note in self.session.catalog.check(request)).rstrip()
            except InvalidRequest as error:
                refusal = str(error)
                self._tag = price_tag([None], None, refusal=refusal)
            self._token = f"{request.canonical_hash() if request else ''}/{self.compose.count}"
            self.frame.action = {
                "label": self._tag.label,
                "why": self._tag.why,
                "enabled": self._tag.enabled,
                "price": self._tag.price,
                "problem": self._tag.problem or notes,
                "token": self._token,
                "form": self.compose.as_seen(),
            }
            if not with_code:
                return
            if request is None or self.compose.prompt_is_empty:
                self.frame.code = {"subject": "the form", "magic": "", "python": ""}
            else:
                self._show_code(request, range(1, self.compose.count + 1), "the form")

    def _follow_session(self) -> None:
        """`sd.configure` and `%seedance demo` may have begun another session since: the panel goes with the kernel."""
        if self._screen is None or (current := sessions.default()) is self.session:
            return
        self._stop()
        self.session = current
        self._stop = current.on_job(self.watch.add)
        self.gallery.changed()

    def _price(self, request: VideoRequest) -> Tag:
        session = self.session
        known: list[Status | None] = [None] * self.compose.count
        if not self.compose.prompt_is_empty:
            records = [session.preview(request, take) for take in range(1, self.compose.count + 1)]
            known = [record.status if record is not None else None for record in records]
        limit = session.limits.max_credits
        return price_tag(
            known,
            session.estimate(request),
            left=None if limit is None else limit - session.spent,
            simulated=session.settings.uses_simulator,
            prompt_is_empty=self.compose.prompt_is_empty,
        )

    def show_code(self, request: VideoRequest, take: int) -> None:
        """Offer the code of a clip instead of the form's."""
        self._show_code(request, range(take, take + 1), f"take {take} of “{clamp(one_line(request.prompt), 60)}”")

    def _show_code(self, request: VideoRequest, takes: range, subject: str) -> None:
        python = "\n\n".join(as_python(request, take) for take in takes)
        magic = as_magic(request, takes[0]) if len(takes) == 1 else python  # a magic asks for one take
        self.frame.code = {"subject": subject, "magic": magic, "python": python}

    # Submitting ---------------------------------------------------------------------------------------

    def _generate(self, token: str, price: float | None) -> None:
        with self._lock:
            self.refresh()
            tag = self._tag
            if tag is None or not tag.enabled:
                return
            dearer = tag.price is not None and (price is None or tag.price > price)
            if token != self._token or dearer:
                raise InvalidRequest(
                    "the form or its price had changed meanwhile; nothing was sent: look, then press again"
                )
            # Not enabled until priced anew, below: a second press that is on its way already finds it so.
            self.frame.action = {**self.frame.action, "enabled": False, "token": ""}
            request, takes = self.compose.request(), self.compose.count
        try:
            for take in range(1, takes + 1):
                self._submit(request, take)
        finally:
            self.refresh()

    def resubmit(self, request: VideoRequest, take: int) -> None:
        """Submit a request made before; what the ledger has is not bought again. Raises SeedanceError."""
        try:
            self._submit(request, take)
        finally:
            self.refresh()

    def _submit(self, request: VideoRequest, take: int) -> None:
        job = self.session.submit(**msgspec.structs.asdict(request), take=take)
        self.mine.append(job)
        if job.clip is not None:
            self.say(f"{clamp(one_line(request.prompt), 60)}: you have it already, 0 credits")
            self.ended(job)

    def edit(self, request: VideoRequest) -> None:
        """Put a request into the form."""
        self.compose.load(request)
        self.frame.focus_prompt()

    def next_take(self, request: VideoRequest) -> int:
        """The take after the last that the ledger knows."""
        with contextlib.suppress(SeedanceError):
            account = self.session.account
            return self.session.ask_ledger(lambda ledger: ledger.browsing.highest_take(account, request)) + 1
        return 1

    def is_free(self, request: VideoRequest, take: int) -> bool:
        """Whether nothing stands in the place of this take."""
        return self.session.preview(request, take) is None

    # Telling ------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Write the status line."""
        self.frame.says = shortened(text, 400)

    def tell(self, snapshot: Snapshot, words: str) -> None:
        """A job's status has changed; in the background thread."""
        cause = f": {snapshot.error}" if snapshot.error is not None and snapshot.clip is None else ""
        self.say(f"{clamp(one_line(snapshot.request.prompt), 60)}: {words}{cause}")
        self.in_worker(self._look_again)

    def ended(self, job: Job) -> None:
        """A job has its end: the gallery shows it, and if it was submitted here the notebook keeps it."""
        mine = any(other.key == job.key for other in self.mine)
        self.in_worker(functools.partial(self._settle, job, mine=mine))

    def _settle(self, job: Job, *, mine: bool) -> None:
        self.in_context(self.gallery.changed, job.key if mine and job.clip is not None else None)
        self._look_again()
        if mine and job.clip is not None:
            self._to_keep[job.key] = job
            job.call_later(KEEP_SECONDS, lambda: self.in_worker(lambda: self.keep(job.key)))

    def keep(self, key: str) -> None:
        """Store a video in the notebook if it waits for that: once the page shows it, or a little later if it never does."""
        job = self._to_keep.pop(key, None)
        if job is not None and not self.keeper.keep(job):
            self.say("the notebook has no room left below this panel: run its cell again to keep this video too")

    def _look_again(self) -> None:
        self.in_context(functools.partial(self.refresh, with_code=False))
        self._count()

    def _count(self) -> None:
        midnight = time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
        with contextlib.suppress(SeedanceError):
            today = self.session.ask_ledger(
                lambda ledger: [ledger.browsing.credits_since(midnight, simulated) for simulated in (False, True)]
            )
            unit = "simulated credits" if today[1] and not today[0] else "credits"
            spent = f"{amount(today[0] or today[1])} {unit} today", f"{amount(self.session.spent)} this session"
            self.in_context(self._show_tally, words_for(self.watch.done, self.watch.running, self.watch.failed, *spent))

    def _show_tally(self, words: str) -> None:
        self.frame.tally = words

    # Living -------------------------------------------------------------------------------------------

    def _page_opened(self, *, first: bool, reloaded: bool) -> None:
        if first:
            self.frame.focus_prompt()
        elif reloaded and self.mine:
            self.say("the page was reloaded: run this cell again so that the notebook keeps new videos")

    def _find_prompts(self, text: str, limit: int) -> tuple[str, ...]:
        return self.session.ask_ledger(lambda ledger: ledger.browsing.prompts(text, limit))

    def _use_prompt(self, prompt: str) -> None:
        self.compose.prompt.control.value = prompt
        self.frame.focus_prompt()

    def learn_models(self) -> None:
        """Ask `/models` in the background, and resume what is unfinished; both cost nothing and neither is waited for."""
        try:
            if self.session.has_unfinished():
                self.session.resume()
            if not self.session.catalog.answered:
                self.session.models_soon(lambda catalog: self.in_context(self._learn, catalog))
        except SeedanceError as error:  # no key yet: the panel opens all the same
            self.frame.complain(str(error))

    def _learn(self, catalog: Catalog) -> None:
        try:
            self.compose.learn(catalog)
        except Exception:
            log.exception("the answer of /models could not be shown")

    def in_context(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run what sends messages to the page, from any thread."""
        return function(*args) if self._screen is None else self._screen.in_cell_context(function, *args)

    def in_worker(self, function: Callable[[], object]) -> None:
        """Run what reads files or the ledger beside the runner's loop, soon; here and now where nothing runs."""
        self.session.work(function)

    def open(self) -> None:
        """Show the panel, in the cell that asks for it."""
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.root.model_id}
        display({"application/vnd.jupyter.widget-view+json": view, "text/plain": "seedance panel"}, raw=True)
        self.keeper.open([job for job in self.mine if job.clip is not None])
        self.learn_models()

    def stop(self) -> None:
        """Follow no longer; what is on a page stays as it is."""
        self._stop()
        self.watch.stop()

    def close(self) -> None:
        """Stop, and take the widgets off every page."""
        self.stop()
        _close(self.root)


def _fold(title: str, box: Any, on_click: Callable[[], object] = lambda: None) -> Any:
    # Not an Accordion: the keyboard cannot reach its titles. The page opens and closes it, see panel.js.
    button = w.Button(description=title)
    button.add_class("seedance-fold-button")
    button.on_click(lambda _: on_click())
    interactive(button)
    return w.VBox([button, box]).add_class("seedance-fold")


def _close(widget: Any) -> None:
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()
