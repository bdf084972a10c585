"""Listeners of a grid: called when one of its jobs changes, or jobs come."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable

from ...tracking.background import log
from ...tracking.job import Job
from ...tracking.session import Session

Listener = Callable[[], object]


class Watch:
    """Listens to the jobs of one grid for as long as somebody listens to the grid."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        self._jobs: set[Job] = set()
        self._stops: dict[Job, Callable[[], None]] = {}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener()` in the background thread whenever one of the jobs changes; returns the way to stop it."""
        with self._lock:
            self._listeners.append(listener)
            self._listen()

        def stop() -> None:
            with self._lock:
                with contextlib.suppress(ValueError):
                    self._listeners.remove(listener)
                if not self._listeners:  # a job that nobody looks at is asked about less often
                    while self._stops:
                        self._stops.popitem()[1]()

        return stop

    def follow(self, jobs: Iterable[Job]) -> None:
        """These are the jobs of the grid from now on: if somebody listens, listen to them, and say that something changed."""
        with self._lock:
            self._jobs = set(jobs)
            if self._listeners:
                self._listen()
                self._session.call_later(0.0, self._tell)

    def tell(self) -> None:
        """Something is known of the grid that no job says."""
        self._session.call_later(0.0, self._tell)

    def _listen(self) -> None:
        for job in set(self._stops) - self._jobs:
            self._stops.pop(job)()
        for job in self._jobs - set(self._stops):
            self._stops[job] = job.subscribe(lambda _: self._tell())

    def _tell(self) -> None:
        for listener in list(self._listeners):
            try:
                listener()
            except Exception:  # who watches must not be able to stop who else watches
                log.exception("a listener of a grid failed")
