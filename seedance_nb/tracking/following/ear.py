"""Reads what other runners write of the jobs that are shown here too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from ..ledger.record import Record

LISTEN_SECONDS = 0.5
"""Between two readings of the ledger …"""
SECONDS_A_JOB = 0.002
"""… and so much more for each job that is read, so that a thousand of them cost the notebook no more than a few."""


class Ear:
    """Reads the rows of all jobs of a runner that another one looks at, in one go. Inside the loop only."""

    def __init__(
        self,
        read: Callable[[list[str]], Awaitable[Mapping[str, Record]]],
        sleep: Callable[[float], Awaitable[object]],
        start: Callable[[Coroutine[Any, Any, None]], object],
        is_at_work: Callable[[str | None], bool],
    ) -> None:
        self._asks = is_at_work
        self._read_rows, self._sleep, self._start = read, sleep, start
        self._waiting: dict[str, asyncio.Future[Record | None]] = {}
        self._at_work: dict[str | None, bool] = {}
        self._is_reading = False

    def next(self, key: str) -> asyncio.Future[Record | None]:
        """The row as it stands a moment from now; None where it cannot be read."""
        found = self._waiting.get(key)
        if found is None or found.done():
            found = self._waiting[key] = asyncio.get_running_loop().create_future()
        if not self._is_reading:
            self._is_reading = True
            self._start(self._read())
        return found

    def is_at_work(self, owner: str | None) -> bool:
        """Whether this runner goes on, as of the last reading: asking the machine costs more than reading a row."""
        if owner not in self._at_work:
            self._at_work[owner] = self._asks(owner)
        return self._at_work[owner]

    async def _read(self) -> None:
        """As long as anybody listens: also to those who begin to while a reading is under way."""
        try:
            while self._waiting:
                await self._sleep(LISTEN_SECONDS + SECONDS_A_JOB * len(self._waiting))
                waiting, self._waiting = self._waiting, {}
                self._at_work.clear()
                rows: Mapping[str, Record] = {}
                try:
                    rows = await self._read_rows(list(waiting))
                finally:
                    for key, found in waiting.items():
                        if not found.done():
                            found.set_result(rows.get(key))
        finally:
            self._is_reading = False
