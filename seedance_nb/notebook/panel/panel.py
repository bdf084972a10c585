"""The panel: compose, see the price, watch, look back, and leave with the cell that repeats it.

It decides nothing about money or jobs: a press becomes calls of `Session.submit`, and the ledger sees to it that the same
intention is bought once, from however many panels, pages and cells it comes. Callbacks may run on a subshell's thread while a cell
runs: they ask the ledger, post to the runner and change widgets that exist, and never touch an asyncio loop or the network.

Opened by `%seedance` alone, `%seedance panel` and `seedance_nb.panel()`.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ipywidgets as w

from ...api.catalog import Catalog
from ...clips.clip import Clip
from ...clips.saving import ENDINGS
from ...clips.tags import read_tags
from ...clips.trace import Trace, read_trace
from ...errors import ClipError, SeedanceError, one_line
from ...pages.words import clamp
from ...snapshot import Snapshot
from ...tracking import session as sessions
from ...tracking.background import log
from ...tracking.host import find_host, marimo_notebook
from ...tracking.job import Job
from ...tracking.session import Session
from ..display import attach
from ..heartbeat import heartbeat
from ..interactive import interactive
from ..screen import Screen
from .compose import Compose, History
from .context import Context
from .file_drop import FileDrop, Offer
from .form import Form
from .frame import PanelFrame
from .gallery import Gallery
from .keeping import Keeper
from .orders import Orders
from .single_widget import SingleWidget
from .watch import Tally, Watch

_ATTRIBUTE = "_seedance_panels"
MOST_PANELS = 4
"""Panels alive at once in a kernel; the oldest stops following when another opens."""


class Panel:
    """One panel on one session: its parts, and what one tells the other. Construction submits nothing; `root` is the widget to show.

    `mine` are jobs that an earlier panel of the same cell has submitted: their videos belong below this one now. Where there is a screen, or
    with `single`, where it is drawn as one widget, it goes with the kernel to another session.
    """

    def __init__(
        self, session: Session, screen: Screen | None = None, mine: Iterable[Job] = (), *, single: bool = False
    ) -> None:
        self.frame = PanelFrame(self._pressed, self._page_opened)
        self.context = Context(session, screen, self.frame.say, single=single)
        self.orders = Orders(self.context, mine, self._ended, self._priced_anew)
        self.form = Form(self.context, self.frame, self.orders)
        self.drop = FileDrop(self._keep_file, in_worker=self.context.in_worker, in_cell=self.context.in_cell)
        self.history = History(self._find_prompts, self.form.use_prompt)
        self.watch = Watch(self.context, self.orders, self._status_changed, self._ended)
        self.keeper = Keeper(self.context)
        self.gallery = Gallery(
            self.context,
            self.orders,
            edit=self.form.edit,
            show_code=self.form.show_code,
            on_shown=self.keeper.keep_waiting,
            refer=self._refer,
        )
        self.tally = Tally(self.context, self.watch, self.frame)
        self.root = self._arrange()
        self.context.start(self.watch.add, self.gallery.changed)
        heartbeat.start(self.frame, self.context.in_cell)
        self.form.refresh()
        self.tally.refresh()

    @property
    def session(self) -> Session:
        """The session it works on now."""
        return self.context.session

    @property
    def compose(self) -> Compose:
        """The fields of the form."""
        return self.form.fields

    def open(self) -> None:
        """Show the panel, in the cell that asks for it."""
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.root.model_id}
        display({"application/vnd.jupyter.widget-view+json": view, "text/plain": "seedance panel"}, raw=True)
        self.keeper.open([job for job in self.orders.mine if job.clip is not None])
        self.learn_models()

    def learn_models(self) -> None:
        """Ask `/models` in the background, and resume what is unfinished; both cost nothing and neither is waited for."""
        session = self.session
        try:
            if session.has_unfinished():
                session.resume()
            if not session.catalog.answered:
                session.models_soon(lambda catalog: self.context.in_cell(self._learn, catalog))
        except SeedanceError as error:  # no key yet: the panel opens all the same
            self.frame.complain(str(error))

    def stop(self) -> None:
        """Follow no longer; what is on a page stays as it is."""
        self.context.stop()
        self.watch.stop()
        heartbeat.stop(self.frame)

    def close(self) -> None:
        """Stop, and take the widgets off every page."""
        self.stop()
        _close(self.root)

    def _arrange(self) -> Any:
        form = self.compose
        choices = w.Box([f.box for f in (form.model, form.aspect_ratio, form.duration, form.resolution, form.takes)])
        choices.add_class("seedance-choices")
        media = w.VBox([self.drop, form.media.box, form.thumbnails, form.swap])
        service = w.VBox([form.metadata.box, form.extra.box, form.webhook.box])
        used_before = _fold("Used before", self.history.box, self.history.refresh)
        folds = w.VBox(
            [_fold("Reference media", media), used_before, _fold("Metadata, other fields, webhook", service)]
        )
        folds.add_class("seedance-folds")
        root = w.VBox([form.prompt.box, choices, folds, self.frame, self.watch.box, self.gallery])
        return root.add_class("seedance-panel")

    def _keep_file(self, content: bytes, name: str) -> str | tuple[str, Offer]:
        address = self.session.shelf.keep(content, name)
        self.context.in_cell(functools.partial(self.compose.add_reference, address, name))
        said = f"{name} is a reference now; it is uploaded when you press Generate"
        trace = trace_of(self.session.shelf.path(address))
        if trace is None:
            return said
        return said, Offer("Give its cell", lambda: self._give_cell(trace, name))

    def _give_cell(self, trace: Trace, name: str) -> str:
        self.form.edit(trace.request)
        self.form.show_code(trace.request, trace.take)
        return f"the form holds what made {name} (take {trace.take}), in place of what was in it; its cell is below the button"

    def _refer(self, what: object, name: str) -> str:
        """A frame of a clip is a first frame; a clip is a reference behind others."""
        address, is_clip = self.session.shelf.address(what), isinstance(what, Clip)
        self.context.in_cell(functools.partial(self.compose.add_reference, address, name, first=not is_clip))
        return f"{name} is {'a reference' if is_clip else 'the first reference'} of the form now"

    def _pressed(self, token: str, price: float | None) -> None:
        self.form.press(token, price)

    def _priced_anew(self) -> None:
        self.form.refresh()

    def _page_opened(self, *, first: bool, reloaded: bool) -> None:
        if first:
            self.frame.focus_prompt()
        elif reloaded and self.orders.mine and self.context.screen is not None:
            self.context.say("the page was reloaded: run this cell again so that the notebook keeps new videos")

    def _find_prompts(self, text: str, limit: int) -> tuple[str, ...]:
        return self.session.ask_ledger(lambda ledger: ledger.browsing.prompts(text, limit))

    def _learn(self, catalog: Catalog) -> None:
        try:
            self.compose.learn(catalog)
        except Exception:
            log.exception("the answer of /models could not be shown")

    # In the background thread ------------------------------------------------------------------------

    def _status_changed(self, snapshot: Snapshot, words: str) -> None:
        cause = f": {snapshot.error}" if snapshot.error is not None and snapshot.clip is None else ""
        self.context.say(f"{clamp(one_line(snapshot.request.prompt), 60)}: {words}{cause}")
        self.context.in_worker(self._look_again)

    def _ended(self, job: Job) -> None:
        """The gallery shows it, and if it was submitted here the notebook keeps it."""
        self.context.in_worker(functools.partial(self._settle, job, keep=self.orders.is_mine(job)))

    # In a worker -------------------------------------------------------------------------------------

    def _settle(self, job: Job, *, keep: bool) -> None:
        keep = keep and job.clip is not None
        self.context.in_cell(self.gallery.changed, job.key if keep else None)
        self._look_again()
        if keep:
            self.keeper.keep_soon(job)

    def _look_again(self) -> None:
        self.context.in_cell(functools.partial(self.form.refresh, with_code=False))
        self.tally.refresh()


def trace_of(file: Path) -> Trace | None:
    """What made the film in this file, where it was saved by us and says so."""
    try:
        return read_trace(read_tags(file)) if file.suffix.lower() in ENDINGS else None
    except ClipError:
        return None


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


# Opening one ---------------------------------------------------------------------------------------------


def panel() -> Any:
    """Open the panel below this cell; in marimo, what shows it, for a cell to end with. Nothing is submitted by that."""
    from IPython.core.getipython import get_ipython

    marimo = marimo_notebook()
    if marimo is not None:
        return open_in_marimo(marimo)
    shell = get_ipython()
    if shell is None:
        raise SeedanceError("the panel needs a notebook; in a script use seedance_nb.submit")
    open_panel(shell)
    return None


def open_panel(shell: Any) -> Panel | None:
    """Open the panel in this shell; a terminal is told what to type instead."""
    screen = attach(shell)
    if not screen.in_kernel:
        _greet()
        return None
    opened = _opened(shell, _running_cell(shell), lambda mine: Panel(sessions.default(), screen, mine))
    opened.open()
    return opened


def open_in_marimo(marimo: Any) -> SingleWidget:
    """A panel as the one widget that marimo can draw."""
    opened = _opened(find_host(), _marimo_cell(marimo), lambda mine: Panel(sessions.default(), None, mine, single=True))
    shown = SingleWidget(opened.root)
    opened.learn_models()
    return shown


def _opened(host: Any, cell: str, make: Callable[[list[Job]], Panel]) -> Panel:
    panels = _panels_of(host)
    before = panels.pop(cell, None)
    opened = panels[cell] = make(before.orders.mine if before else [])
    if before is not None:  # its output has just been cleared
        before.close()
    while len(panels) > MOST_PANELS:
        panels.pop(next(iter(panels))).stop()
    return opened


def _marimo_cell(marimo: Any) -> str:
    """The cell that runs, and the notebook's session: several may share this process."""
    with contextlib.suppress(Exception):
        context = marimo._runtime.context.get_context()
        if context.cell_id:
            return f"{id(context)} {context.cell_id}"
    return f"call {time.monotonic_ns()}"


def _panels_of(shell: Any) -> dict[str, Panel]:
    # On the shell, because %autoreload clears module globals.
    if not hasattr(shell, _ATTRIBUTE):
        setattr(shell, _ATTRIBUTE, {})
    found: dict[str, Panel] = getattr(shell, _ATTRIBUTE)
    return found


def _running_cell(shell: Any) -> str:
    """Jupyter's id of the cell that runs, where the page tells it; else something of this call alone."""
    with contextlib.suppress(Exception):
        cell = shell.kernel.get_parent("shell").get("metadata", {}).get("cellId")
        if cell:
            return str(cell)
    return f"call {time.monotonic_ns()}"


def _greet() -> None:
    """The first steps, where no panel can be drawn."""
    print("%seedance a paper boat on a rainy street      makes a video\n")
    print("%seedance -h for options, %seedance jobs for what you have, %seedance demo to try it without a key")
