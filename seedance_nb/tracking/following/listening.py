"""One asks the service, the others listen: of all runners that show a job one looks, and the ledger tells the others what it saw.

Who looks stands in the job's row (`follower`). It is written with what is written anyway, and taken over in one transaction from a
runner that is not at work any more: closed, killed, stopped. Two that look at once cost requests and nothing else, so wherever it is
not certain that another one looks, this one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ...api.models import Status
from ..ledger.record import Record
from .followed import Followed
from .picture import facts_of, snapshot_of

SILENT_SECONDS = 600.0
"""After so long without any news one looks for oneself: nobody can see whether another process, though it lives, has got stuck."""
LISTENS = "another notebook asks the service; what it hears comes here"


async def hear_the_end(followed: Followed) -> bool:
    """True when another runner looked until the end, which is told; False when this one has to look, and says so in the ledger."""
    tools = followed.tools
    row = await _take_over(followed)
    if row is None or row.follower == tools.owner:
        return False
    silent_since = tools.clock.monotonic()
    known: dict[str, Any] = {}
    while not followed.cancel_waits:  # a cancel is asked for by the one who wants it
        facts = facts_of(snapshot_of(row, tools.clips))
        if row.clip is not None and facts["clip"] is None:  # its file is not here, or not any more
            followed.has_succeeded = True
            followed.tell(**{**facts, "error": None})
            break
        if facts != known:
            known, silent_since = facts, tools.clock.monotonic()
            is_over = row.status.is_final and row.status is not Status.SUCCEEDED
            followed.has_succeeded |= row.status is Status.SUCCEEDED
            followed.tell(**facts, note=None if is_over or facts["clip"] is not None else LISTENS)
        if followed.snapshot.is_settled:
            return True
        if tools.clock.monotonic() - silent_since > SILENT_SECONDS:
            break
        if not tools.ear.is_at_work(row.follower):
            taken = await _take_over(followed)
            if taken is None or taken.follower == tools.owner:
                break
        heard = await _next(followed, tools.ear.next(followed.key))
        if heard is None:  # woken by something else
            heard = await tools.try_ledger(tools.ledger.find, followed.key)
        if heard is None:
            break
        row = heard
    followed.tell(note=None)
    return False


async def _next(followed: Followed, row: asyncio.Future[Record | None]) -> Record | None:
    """The row, or None when the job is woken first."""
    followed.wake.clear()
    if followed.cancel_waits:
        return None
    woken = asyncio.ensure_future(followed.wake.wait())
    try:
        await asyncio.wait((row, woken), return_when=asyncio.FIRST_COMPLETED)
    finally:
        woken.cancel()
    return row.result() if row.done() else None


async def _take_over(followed: Followed) -> Record | None:
    """The row after this runner has become the one who looks, if nobody else is. None where the ledger cannot be used."""
    tools = followed.tools

    def decide(row: Record) -> Mapping[str, Any]:
        if row.follower == tools.owner or (row.follower is not None and tools.ledger.presence.is_at_work(row.follower)):
            return {}
        return {"follower": tools.owner}

    row = await tools.try_ledger(tools.ledger.find, followed.key)
    if row is None or not decide(row):
        return row  # only read: where a thousand open the same study, none of them waits for the others to write
    return await tools.try_ledger(tools.ledger.revise, followed.key, decide)
