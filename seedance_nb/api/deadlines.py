"""Deadlines in lived time: what passes while the process is stopped does not count, and what came meanwhile is read first.

A process that is stopped (`docker pause`, SIGSTOP, a debugger, a cell that holds the interpreter) finds two things when it goes on:
the answer in its socket, and a clock that says the deadline is over. A plain timer wins that race, and an answer that was paid for is
thrown away. So time is counted in small ticks: one that comes late tells that nobody lived in between, and the end is only judged
after everything that lay in the sockets had its turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

TICK = 0.25
"""Seconds counted at a time."""
LATE = 0.25
"""A tick that comes so many seconds after its time was not waited for: the process stood still."""
DRAIN = 0.02
"""When the time is over, the loop goes round for so long before it counts."""
MOST_LATE = 20
"""After so many late ticks the end is judged all the same: a loop that hardly ever gets its turn still has to end a wait."""


class Deadline:
    """`async with Deadline(seconds) as deadline:` raises TimeoutError when so many lived seconds are over."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._timeout = asyncio.timeout(None)
        self._is_draining = False
        self._late = 0

    def renew(self, seconds: float) -> None:
        """So many seconds from now on."""
        self._left, self._counted = seconds, self._loop.time()
        self._is_draining = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._timeout.__aenter__()
        self._counted = self._loop.time()
        self._wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _wait(self) -> None:
        pause = DRAIN if self._is_draining else max(0.0, min(TICK, self._left))
        self._timer = self._loop.call_later(pause, self._tick)

    def _tick(self) -> None:
        now = self._loop.time()
        is_late = now - self._timer.when() > LATE
        self._left -= min(now - self._counted, TICK) if is_late else now - self._counted
        self._counted = now
        if self._left > 0:
            self._is_draining = False
        elif self._is_draining and (not is_late or self._late >= MOST_LATE):
            self._timeout.reschedule(now)
            return
        else:
            self._is_draining = True
            self._late += is_late
        self._wait()


class LivedTime:
    """Seconds lived since it was made, for who looks at it often: between two looks no more than `longest_step` is believed."""

    def __init__(self, longest_step: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._longest_step, self._monotonic = longest_step, monotonic
        self._seconds, self._looked_at = 0.0, monotonic()

    def __call__(self) -> float:
        now = self._monotonic()
        self._seconds += min(now - self._looked_at, self._longest_step)
        self._looked_at = now
        return self._seconds
