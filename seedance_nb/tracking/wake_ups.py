"""How often the background thread wakes up beside a cell that computes: seldom, and then for everything at once.

Each time it wakes it waits for the interpreter, and then the cell does: some tenths of a millisecond for both, whatever is done
meanwhile. So beside a computing cell the loop leaves what comes, answers and timers alike, until a few hundredths of a second are over.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable

GATHER_SECONDS = 0.04
"""What comes in this time is done at once."""
BUSY_SHARE = 0.5
"""The notebook is busy when its own thread uses this share of a core …"""
SAMPLE_SECONDS = 0.1
"""… over so long at least."""


class Gathering(selectors.DefaultSelector):
    """Waits for what comes like any other selector, but does not look before GATHER_SECONDS are over while the main thread computes."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        main_seconds: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self._monotonic, self._sleep, self._main_seconds = monotonic, sleep, main_seconds or seconds_of_main_thread
        self._sampled_at, self._used = monotonic(), self._main_seconds()
        self._is_busy = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As of any selector. What lies there already is not waited for with `timeout` 0: the loop has other work then."""
        if timeout is None or timeout > 0:
            self._sample()
            if self._is_busy:
                pause = GATHER_SECONDS if timeout is None else min(timeout, GATHER_SECONDS)
                self._sleep(pause)
                timeout = None if timeout is None else timeout - pause
        return super().select(timeout)

    def _sample(self) -> None:
        now = self._monotonic()
        if now - self._sampled_at >= SAMPLE_SECONDS:
            used = self._main_seconds()
            self._is_busy = used - self._used > BUSY_SHARE * (now - self._sampled_at)
            self._sampled_at, self._used = now, used


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop that gathers, where the system tells what the main thread uses; else one as asyncio makes it."""
    if hasattr(time, "pthread_getcpuclockid"):
        return asyncio.SelectorEventLoop(Gathering())
    return asyncio.new_event_loop()


def seconds_of_main_thread() -> float:
    """CPU seconds the main thread has used, where cells run; 0 where the system does not tell (then nothing ever is busy)."""
    clock = getattr(time, "pthread_getcpuclockid", None)
    ident = threading.main_thread().ident
    if clock is None or ident is None:
        return 0.0
    try:
        return float(time.clock_gettime(clock(ident)))
    except (OSError, ValueError):
        return 0.0
