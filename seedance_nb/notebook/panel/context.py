"""Where a panel lives: the session it works on, the page it is drawn on, and the thread for what takes a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import shortened
from ...tracking import session as sessions
from ...tracking.job import Job
from ...tracking.session import Session
from ..screen import Screen


class Context:
    """The session and the screen of one panel; without a screen messages are sent as they are. `say(text)` draws the status line.
    `single`: the panel is drawn as one widget, and what it is made of has no page of its own.
    """

    def __init__(
        self, session: Session, screen: Screen | None, say: Callable[[str], object], *, single: bool = False
    ) -> None:
        self.session = session
        self.screen = screen
        self._say = say
        self.single = single
        self._on_job: Callable[[Job], object] = lambda _: None
        self._on_other_session: Callable[[], object] = lambda: None
        self._stop: Callable[[], object] = lambda: None

    def start(self, on_job: Callable[[Job], object], on_other_session: Callable[[], object]) -> None:
        """Call `on_job` with every job of the session from now on, those first that are open already."""
        self._on_job, self._on_other_session = on_job, on_other_session
        self._stop = self.session.on_job(on_job)
        for job in self.session.open_jobs():
            on_job(job)

    def stop(self) -> None:
        """Hear of no more jobs."""
        self._stop()

    def follow_kernel(self) -> None:
        """Go with the kernel where `sd.configure` or `%seedance demo` have begun another session since."""
        if (self.screen is None and not self.single) or (current := sessions.default()) is self.session:
            return
        self._stop()
        self.session = current
        self._stop = current.on_job(self._on_job)
        self._on_other_session()

    def say(self, text: str) -> None:
        """Write the status line."""
        self._say(shortened(text, 400))

    def in_cell(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run what sends messages to the page, from any thread."""
        return function(*args) if self.screen is None else self.screen.in_cell_context(function, *args)

    def in_worker(self, function: Callable[[], object]) -> None:
        """Run what reads files or the ledger beside the runner's loop, soon; here and now where nothing runs."""
        self.session.work(function)
