"""The turns of an account that several sessions share: how many calls a minute, and what the service has refused to another one of them.

What the ledger says is read at most once a second, beside the calls: a look costs no statement of its own. Where calls a minute are
budgeted, they are taken from the ledger's bucket a few at a time.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from ..ledger.contract import Allowance

READ_SECONDS = 1.0
LOT_SECONDS = 0.5
"""So many seconds' calls are taken at once."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
"""Between two tries to get a call from an empty bucket."""
GOOD_SECONDS = 2.0
"""What was taken and not used by then is given up: another session had none of it."""


class Reader(Protocol):
    """How the ledger is asked; None where it cannot be."""

    def __call__(self) -> Awaitable[Allowance | None]:
        """What it allows just now."""


class AccountTurns:
    """Used inside the loop only. `heard` is told of every pause that the service has asked any session for, in seconds: creates, looks."""

    def __init__(
        self,
        *,
        read: Reader,
        take: Callable[[int], Awaitable[tuple[int, float] | None]],
        heard: Callable[[float, float], object],
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
        start: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._read, self._take, self._heard = read, take, heard
        self._monotonic, self._sleep, self._start = monotonic, sleep, start
        self.allowance = Allowance()
        self._read_at = -math.inf
        self._reading = asyncio.Lock()
        self._is_asked = False
        self._left, self._good_until = 0, 0.0
        self._waiting = 0
        self._taking = asyncio.Lock()

    async def fresh(self) -> Allowance:
        """What is allowed, by what the ledger said within the last second; who asks while it is being read waits for that."""
        async with self._reading:
            if self._is_old():
                await self._ask()
        return self.allowance

    async def call(self) -> None:
        """Wait for the turn of one call; at once where nothing is budgeted."""
        if self._is_old() and not self._is_asked:
            self._is_asked = True
            self._start(self._freshen())
        if self.allowance.calls_a_minute is None:
            return
        self._waiting += 1
        try:
            while not await self._has_turn():
                pass
        finally:
            self._waiting -= 1

    async def _has_turn(self) -> bool:
        async with self._taking:
            rate = self.allowance.calls_a_minute
            if rate is None:
                return True
            if not self._left or self._monotonic() > self._good_until:
                lot = min(max(1, round(rate / 60 * LOT_SECONDS)), self._waiting)
                taken = await self._take(lot)
                if taken is None:  # it is a courtesy: whoever waits for a video hears of it all the same
                    return True
                self._left, pause = taken
                self._good_until = self._monotonic() + GOOD_SECONDS
                if not self._left:
                    await self._sleep(min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE) * random.uniform(1.0, 1.2))
                    return False
            self._left -= 1
            return True

    def _is_old(self) -> bool:
        return self._monotonic() - self._read_at >= READ_SECONDS

    async def _freshen(self) -> None:
        try:
            await self.fresh()
        finally:
            self._is_asked = False

    async def _ask(self) -> None:
        began = self._monotonic()
        found = await self._read()
        self._read_at = began  # not before: a reading that was cancelled has told nobody anything
        if found is not None:
            self.allowance = found
            if found.no_create_for or found.no_look_for:
                self._heard(found.no_create_for, found.no_look_for)


class Calls:
    """What every call to the service is made in: at most so many at once here, each in its turn of the account."""

    def __init__(self, most: int, turns: AccountTurns) -> None:
        self._at_once, self._turns = asyncio.Semaphore(most), turns

    async def __aenter__(self) -> None:
        await self._at_once.acquire()
        try:
            await self._turns.call()
        except BaseException:
            self._at_once.release()
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._at_once.release()
