"""What a fork must not come into the middle of. A child has a copy of every lock, but not the thread that would open it.

- SQLite remembers in the process what it has locked. A child made in the middle of a transaction finds the file locked for good.
- The same holds for a module that a background thread is importing: whoever imports it in the child waits for ever.

So a fork (`os.fork`, `multiprocessing`) waits until both have ended, at most `PATIENCE_SECONDS`. Starting a program is no such fork.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from types import FrameType

PATIENCE_SECONDS = 10.0
"""More than the ledger waits for another program, so that a fork goes ahead only where something hangs."""
IMPORTING = "<frozen importlib._bootstrap>"
OUR_THREADS = "seedance"


class Forks:
    """Keeps forks out of what `kept_out` encloses, in any thread of this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: Counter[int] = Counter()

    @contextlib.contextmanager
    def kept_out(self) -> Iterator[None]:
        """No fork of another thread happens in here. May be nested."""
        thread = threading.get_ident()
        with self._changed:
            self._inside[thread] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[thread] -= 1
                self._inside += Counter()  # forgets those that are out
                self._changed.notify_all()

    def before(self) -> None:
        """Wait until no other thread is inside, and let none in."""
        end = time.monotonic() + PATIENCE_SECONDS
        self._changed.acquire()
        while time.monotonic() < end:
            if self._others_inside():
                self._changed.wait(end - time.monotonic())
            elif _others_importing():
                self._changed.wait(0.001)
            else:
                return

    def after_in_parent(self) -> None:
        """Let them in again."""
        self._changed.release()

    def after_in_child(self) -> None:
        """Of all threads only this one is left."""
        thread = threading.get_ident()
        self._changed = threading.Condition()
        self._inside = Counter({thread: self._inside[thread]}) + Counter()

    def _others_inside(self) -> bool:
        return any(thread != threading.get_ident() for thread in self._inside)


def _others_importing() -> bool:
    """Whether another thread of ours is importing. Only ours: a program may run as a whole inside an import."""
    frames = sys._current_frames()
    ours = [thread.ident for thread in threading.enumerate() if thread.name.startswith(OUR_THREADS)]
    return any(_is_importing(frames[ident]) for ident in ours if ident in frames and ident != threading.get_ident())


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == IMPORTING:
            return True
        frame = frame.f_back
    return False


FORKS = Forks()
"""The one of this process."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=FORKS.before, after_in_parent=FORKS.after_in_parent, after_in_child=FORKS.after_in_child)
