"""One shell's side of what jobs and grids show: where an output is sent, when a cell waits, whose turn it is to draw.

Rules learned from kernels: outputs are created in the cell and only changed from the background; changes go through the publisher that
was there at load (a user's `%%capture` swaps the current one), in the context of the latest cell (on ipykernel 7.0 a bare thread has
none); nbclient keeps only what is sent under the cell being executed, so headless everything is sent once more from the main thread.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Protocol

from ..terminal.live_line import live_line, plain_lines
from ..tracking import session as sessions
from ..tracking.job import Job, failure_of
from . import waiting
from .at_the_prompt import AtThePrompt

UNTIL_ID_SECONDS = 5.0
"""A cell that waits for nothing still waits so long for the service's answer with the id, if only a program is there to see it."""
BETWEEN_SHOTS = 0.02
DRAWS_A_SECOND = 20
"""All cards together."""


class View(Protocol):
    """What a screen keeps of a job or a grid whose outputs still change."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes by itself."""

    def stop(self) -> None:
        """Follow no longer."""

    def refresh(self) -> None:
        """Bring the receipt up to date, from this thread."""

    def close(self, *, again: bool = False) -> None:
        """Put in place what stays. `again` sends it once more, from this thread."""


class Screen:
    """What one IPython shell shows. Made by `display.attach`, kept on the shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.views: list[View] = []
        self._publisher = shell.display_pub
        self._context = contextvars.copy_context()
        self._next_draw = 0.0
        self.prompt = AtThePrompt()
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
        if not self.in_kernel or self.is_application:
            return False
        try:
            parent = self.shell.kernel.get_parent("shell")
        except Exception:  # kernels differ here; a wrong guess only costs a wait
            return False
        return parent.get("content", {}).get("allow_stdin", True) is False

    @property
    def is_application(self) -> bool:
        """Whether Voila shows this notebook: widgets live there, but an output is as it was when its cell ended."""
        return os.environ.get("SERVER_SOFTWARE", "").startswith("voila")

    @property
    def is_watched(self) -> bool:
        """Whether what changes after the cell has ended can be seen, now or by the next page."""
        return not self.is_headless or os.environ.get("SEEDANCE_WAIT", "").lower() == "never"

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

    def take_away(self, display_id: str) -> None:
        """Leave nothing of an output, on the page and in the notebook; from any thread.

        The classic notebook puts nothing in the place of what it shows when it gets an empty bundle (the card would stay, and bring
        the video a second time), so its place is taken by an empty text before.
        """
        for bundle in ({"text/html": ""}, {}):
            self.publish(bundle, display_id, update=True)

    def show_widget(self, widget: Any, display_id: str) -> None:
        """Show an anywidget in the cell that asks for it, under an id by which it can be taken away: ipywidgets 7, displayed by its own
        hook, would forget the id, and its view would stay in the notebook for good.
        """
        bundle, metadata = widget._repr_mimebundle_()
        self.shell.display_pub.publish(bundle, metadata, transient={"display_id": display_id}, update=False)

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
        if not self.in_kernel:
            self.prompt.cell_begins()

    def _after_cell(self, result: Any = None, *_: object) -> None:
        session = sessions.existing()
        if session is not None:
            if self.waits or self.is_headless:
                self._settle(session, result)
            session.cell_ended()
        if not self.in_kernel:
            self.prompt.cell_ended([] if session is None else session.open_jobs())

    def _settle(self, session: sessions.Session, result: Any) -> None:
        jobs = session.awaited_jobs()
        if not self.waits or isinstance(getattr(result, "error_in_exec", None), KeyboardInterrupt):
            self.leave(jobs)  # stop means stop waiting, in this cell and in later ones
        else:
            try:
                with self.telling(jobs):
                    for job in jobs:
                        waiting.wait(job, None)
                while session.expects_more():  # a story: its next shot is sent when the one before is there
                    jobs = session.awaited_jobs()
                    for job in [job for job in jobs if not job.done()]:
                        waiting.wait(job, None)
                    time.sleep(BETWEEN_SHOTS)
                jobs = session.awaited_jobs()
            except KeyboardInterrupt:
                self.leave(list({job.key: job for job in [*jobs, *session.awaited_jobs()]}.values()))
        if self.is_headless:  # what comes after the cell is lost there
            for view in self.views:
                view.refresh()
        self.finish()
        failure = failure_of([job for job in jobs if job.is_awaited])
        for job in jobs:
            job.is_awaited = False
        if failure is not None and getattr(result, "success", False):
            # The runner has nothing else to tell by: as if the cell itself had raised it.
            result.error_in_exec = failure
            self.shell.showtraceback((type(failure), failure, None))

    def telling(self, jobs: Sequence[Job], *, quiet: bool = False) -> contextlib.AbstractContextManager[None]:
        """While it is open somebody waits for these: a live line in a terminal, plain ones where a program runs the notebook."""
        open_ones = [job for job in jobs if not job.done()]
        if quiet or not open_ones:
            return contextlib.nullcontext()
        if self.is_headless:
            return plain_lines(open_ones)
        return contextlib.nullcontext() if self.in_kernel else live_line(open_ones)

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
