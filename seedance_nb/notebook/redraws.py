"""How often something on the page is drawn anew: after every change, but never more often than it can be followed. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable


class Redraws:
    """Calls `draw()` after changes: at most every `seconds`, once for all changes until then, and never without the last one.

    `call_later(seconds, function)` is the background thread's; `work(function)` runs `draw` beside it where it is slow (here and now
    if it is None). `turn(moment)` is for those who share a budget: the seconds to wait until it is their turn, not before that
    moment of the monotonic clock.
    """

    def __init__(
        self,
        draw: Callable[[], object],
        seconds: float,
        call_later: Callable[[float, Callable[[], object]], object],
        *,
        work: Callable[[Callable[[], object]], object] | None = None,
        turn: Callable[[float], float] | None = None,
    ) -> None:
        self._draw = draw
        self._seconds = seconds
        self._call_later = call_later
        self._work = work
        self._turn = turn or _own_turn
        self._drawn_at = 0.0
        self._is_asked = False

    def ask(self, *, at_once: bool = False) -> None:
        """Something has changed; from any thread. `at_once`, for what everybody waits for, does not wait for its turn."""
        if self._is_asked and not at_once:
            return
        self._is_asked = True
        self._call_later(0.0 if at_once else self._turn(self._drawn_at + self._seconds), self._begin)

    def _begin(self) -> None:
        self._drawn_at = time.monotonic()
        if self._work is None:
            self._finish()
        else:
            self._work(self._finish)

    def _finish(self) -> None:
        self._is_asked = False  # before it is drawn: what changes meanwhile is drawn after
        self._draw()


def _own_turn(moment: float) -> float:
    return max(0.0, moment - time.monotonic())
