"""What a panel asks the session for. What is bought, and what is not bought again, the session decides."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import msgspec

from ...api.models import Status, VideoRequest
from ...errors import InvalidRequest, SeedanceError, one_line
from ...pages.words import clamp
from ...tracking.job import Job
from ...tracking.ledger.record import FREE_AGAIN
from .context import Context


class Orders:
    """The jobs submitted here. `on_end(job)` is called with one that the ledger has already, `on_change()` after every press."""

    def __init__(
        self, context: Context, mine: Iterable[Job], on_end: Callable[[Job], object], on_change: Callable[[], object]
    ) -> None:
        self.mine = list(mine)
        self._context, self._on_end, self._on_change = context, on_end, on_change

    def submit(self, request: VideoRequest, takes: Iterable[int]) -> None:
        """Submit these takes; what the ledger has is not bought again. Raises SeedanceError."""
        try:
            for take in takes:
                self._submit(request, take)
        finally:
            self._on_change()

    def retry(self, request: VideoRequest, take: int, status: Status) -> None:
        """Submit again what has ended with this status. Raises InvalidRequest where that may have been charged, SeedanceError."""
        if not self.may_retry(status):
            raise InvalidRequest("only what surely failed is sent again; this may have been charged")
        self.submit(request, [take])

    def may_retry(self, status: Status) -> bool:
        """Whether it is certain that this costs nothing: of an unknown outcome nobody knows."""
        return status.value in FREE_AGAIN

    def next_take(self, request: VideoRequest) -> int:
        """The take after the last that the ledger knows."""
        session = self._context.session
        with contextlib.suppress(SeedanceError):
            account = session.account
            return session.ask_ledger(lambda ledger: ledger.browsing.highest_take(account, request)) + 1
        return 1

    def is_free(self, request: VideoRequest, take: int) -> bool:
        """Whether nothing stands in the place of this take."""
        return self._context.session.preview(request, take) is None

    def is_mine(self, job: Job) -> bool:
        """Whether this panel has submitted it: the notebook keeps its video below the panel."""
        return any(other.key == job.key for other in self.mine)

    def _submit(self, request: VideoRequest, take: int) -> None:
        job = self._context.session.submit(**msgspec.structs.asdict(request), take=take)
        self.mine.append(job)
        if job.clip is not None:
            self._context.say(f"{clamp(one_line(request.prompt), 60)}: you have it already, 0 credits")
            self._on_end(job)
