"""How many creates are in the air at once."""

from __future__ import annotations

import asyncio
import collections
import contextlib


class Gate:
    """Lets in as many as `most`; after a refusal (429) one, and twice as many again with every one that is accepted.

    A service that takes five videos at a time would refuse most of a hundred at every try, and most would run out of tries. Who
    waits is let in first come first served. Used inside the loop only.
    """

    def __init__(self, most: int) -> None:
        self.most = self.width = most
        self.refusals = 0
        """Refusals in a row, whoever was refused; those of one wave count as one."""
        self._inside = 0
        self._waiting: collections.deque[asyncio.Future[None]] = collections.deque()

    async def __aenter__(self) -> None:
        if self._inside < self.width and not self._waiting:
            self._inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            else:  # let in at the same moment: the place goes to the next
                self._leave()
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._leave()

    def refused(self, seen: int | None = None) -> None:
        """The service is busy. `seen` is what `refusals` was when the refused one went out."""
        self.width = 1
        self.refusals += seen is None or seen == self.refusals

    def accepted(self) -> None:
        """The service has taken one."""
        self.width = min(self.most, 2 * self.width)
        self.refusals = 0
        self._let_in()

    def allow(self, most: int) -> None:
        """Another `most` from now on."""
        self.most = self.width = most
        self._let_in()

    def _leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._inside < self.width:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)
