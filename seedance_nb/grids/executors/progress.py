"""How far a measuring is, or the making of clips. Whoever runs the cell shows it: a notebook has registered how (`notebook/board`), a terminal gets a line."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

STEP_SECONDS = 0.25


class Progress:
    """So many clips of so many are done: measured, or made, as `what` says; `listener` is called, in the thread that does it, when that changes."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total = what, total
        self.done = self.failed = 0
        self.listener: Callable[[], object] | None = None
        self._begun = time.monotonic()
        self._told = 0.0

    def add(self, *, failed: bool) -> None:
        """One clip more."""
        self.done += 1
        self.failed += failed
        if self.done == self.total or time.monotonic() > self._told + STEP_SECONDS:
            self.tell()

    def tell(self) -> None:
        """Tell whoever shows it; what goes wrong there stops no measuring."""
        self._told = time.monotonic()
        if self.listener is not None:
            with contextlib.suppress(Exception):
                self.listener()

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        lasted = time.monotonic() - self._begun
        left = (
            f", about {lasted / self.done * (self.total - self.done):.0f} s left" if 0 < self.done < self.total else ""
        )
        return f"{self.what}: {self.done} of {self.total} clips{failed}{left}"


def show(progress: Progress) -> None:
    """Show it below the running cell, on a terminal, or nowhere."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    with contextlib.suppress(Exception):  # no notebook, or none that is loaded: a measuring needs no spectators
        shell.display_formatter.ipython_display_formatter.lookup_by_type(Progress)(progress)
        return
    if sys.stderr is not None and sys.stderr.isatty():

        def line() -> None:
            end = "\n" if progress.done == progress.total else ""
            sys.stderr.write(f"\r{progress}\x1b[K{end}")
            sys.stderr.flush()

        progress.listener = line
        progress.tell()
