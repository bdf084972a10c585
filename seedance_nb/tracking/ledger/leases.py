"""Who is alive, where machines share a ledger: each runner says so again and again, and how long ago that was the database's clock tells.

The clocks of the machines are never compared. What is known is from the last reading, which each beat brings: asking costs nothing, and
may be done in any thread. Whoever is taken for dead too early has lost nothing: what it had not sent it does not send any more, if
another one has its place, and what it has sent is not sent again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from .. import owner as owners
from .ledger_server import BEAT, LedgerServer, ServerConnection

BEAT_SECONDS = 1.0
AT_WORK_SECONDS = 4.0
"""Without a beat for so long, others look at the service for themselves: that costs requests and nothing else."""
DEAD_SECONDS = 30.0
"""… and for so long, its creates are written off: more than a network that stumbles, and than a restart of the server."""
SILENT_SECONDS = 20.0
"""A statement that has had no answer for so long gets none: no lock is waited for as long."""
KEPT = "7 days"

_AGES = (  # nobody could beat while the server was down
    "SELECT owner, EXTRACT(EPOCH FROM clock_timestamp() - GREATEST(seen, pg_postmaster_start_time()))"
    ' FROM "{}".seedance_leases WHERE owner = ANY(%s)'
)


class Leases:
    """The table of leases. Fulfils `contract.Presence`; `beat` and `leave` belong to the ledger's thread."""

    beat_seconds: float | None = BEAT_SECONDS

    def __init__(self, server: LedgerServer, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._server, self._monotonic = server, monotonic
        self._asked: dict[str, float] = {}
        """Owners that somebody asks about, and when that was last."""
        self._ages: dict[str, float | None] = {}
        """Seconds since their last beat as of the last reading; None: they have no lease."""
        self._read_at: float | None = None
        self._unbroken_since = -math.inf
        """Since when each reading came in time: what was silent before that may have been cut off together with us."""

    def beat(self, owner: str) -> None:
        """Say that this one is alive, and read of all that were asked about when they last said so. Raises ConfigurationError."""
        begun = self._monotonic()
        for name, at in list(self._asked.items()):
            if begun - at > 2 * DEAD_SECONDS:
                self._asked.pop(name, None)
        asked = list(self._asked)

        def said(db: ServerConnection) -> list[tuple[str, float]]:
            db.run(BEAT.format(db.schema), (owner,))
            return [(row[0], float(row[1])) for row in db.run(_AGES.format(db.schema), (asked,))] if asked else []

        found = dict(self._server.alone(said))
        now = self._monotonic()
        was_cut_off = self._read_at is not None and now - self._read_at > AT_WORK_SECONDS
        if was_cut_off:
            self._unbroken_since = now
        self._ages = {name: found.get(name) for name in asked}
        self._read_at = begun

    def hang_up_if_silent(self) -> None:
        """Break a call that has had no answer for long; from any thread."""
        self._server.hang_up_if_silent(SILENT_SECONDS)

    def leave(self, owner: str) -> None:
        """This one ends, and has nothing in the air any more. Raises ConfigurationError."""

        def said(db: ServerConnection) -> None:
            db.run(
                f'DELETE FROM "{db.schema}".seedance_leases WHERE owner = %s OR seen < clock_timestamp() - CAST(%s AS interval)',
                (owner, KEPT),
            )

        self._server.alone(said)

    def is_alive(self, owner: str | None) -> bool | None:
        """Whether the owner's create may still be in the air; None where nobody can tell yet."""
        if owner is None:
            return None
        if owners.is_of_this_boot(owner):  # the system knows at once what a lease says after a while
            return owners.is_alive(owner)
        age = self._age(owner)
        return None if age is None else age < DEAD_SECONDS

    def is_at_work(self, owner: str | None) -> bool:
        """Whether the owner surely goes on."""
        if owner is None:
            return False
        if owners.is_of_this_boot(owner):
            return owners.is_at_work(owner)
        age = self._age(owner)
        return age is not None and age < AT_WORK_SECONDS

    def _age(self, owner: str) -> float | None:
        """Seconds since its last beat; None where that is not known yet, endless where it has left."""
        now = self._monotonic()
        self._asked[owner] = now
        if self._read_at is None or owner not in self._ages or now - self._read_at > AT_WORK_SECONDS:
            return None
        age = self._ages[owner]
        if age is None:
            return math.inf
        return min(age + now - self._read_at, now - self._unbroken_since)
