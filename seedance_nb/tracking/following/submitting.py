"""From an intention to a request id: claimed in the ledger, sent once, or attached to what is known already.

The order is the promise. The intention is committed before anything is sent; the moment of sending is committed before the first
byte; the id is committed before anybody is told. A process that dies in between leaves a row that says how far it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

import msgspec

from ...api.addresses import way_out_trouble
from ...api.deadlines import LivedTime
from ...api.models import Generation, Status, VideoRequest
from ...errors import (
    BudgetExceeded,
    ConfigurationError,
    ConnectionFailed,
    GenerationCancelled,
    InvalidRequest,
    OutcomeUnknown,
    RateLimited,
    SeedanceError,
    one_line,
)
from ...settings import AUTO
from ...snapshot import kept_of, news_in
from ..background import log
from ..budget import Budget
from ..ledger.contract import AccountNotKnown, LedgerAway
from ..ledger.record import Record
from ..references.references import own_files
from .followed import LEDGER_RETRY_SECONDS, Followed, Tools
from .polling import pause_after_refusal

PATIENCE_WHILE_OTHERS_RUN = 5
"""While the service is making other videos of ours a place will become free: then a create that is refused with 429 is sent again so
many times as often before it is given up."""
OTHERS_SEND = "other sessions of this account are sending; nothing submitted yet"
WAIT_FOR_OTHERS = 0.5
"""Between two tries to be one of the few creates that an account has in the air at once."""
LOOK_AT_OTHER_PROCESS = 0.3
LONGEST_STEP = 1.0
"""Between two looks at another process no more than this counts as waited."""
_STILL_OURS = {
    "status": Status.SUBMITTING,
    "status_text": Status.SUBMITTING.value,
    "error": None,
    "error_kind": None,
    "finished_at": None,
}
_WHAT_NOW = (
    "it is not sent again by itself: look at your dashboard, then attach its id, or buy another take with --fresh"
)


async def claim(
    followed: Followed,
    request: VideoRequest,
    *,
    fresh: bool,
    price: float | None,
    most: float | None,
    max_credits: float | Budget | None,
) -> tuple[Record, bool] | None:
    """(the ledger's row for this intention, whether it is new); None when the job ended here, which is told.

    `request` is what would be sent; the row holds the same without signatures. `price` is set aside for a new one, and `most` is what
    the ledger's limits are held against; None: nobody knows it, and under a limit it is refused.
    """
    tools, snapshot = followed.tools, followed.snapshot
    record = Record(
        **kept_of(snapshot),
        account=tools.account,
        base_url=tools.service,
        owner=tools.owner,
        notebook=tools.notebook,
        reserved=most,
    )
    gives_back = True

    def may_be_sent() -> None:
        if request.unsigned_address is not None:
            raise InvalidRequest(
                f"{one_line(request.unsigned_address, 80)} has lost its signature, so the service could not fetch it: give the"
                " address freshly signed; nothing was sent"
            )
        tools.references.check(request)
        if (trouble := way_out_trouble(tools.base_url)) is not None:
            raise ConfigurationError(": ".join(trouble))
        if followed.set_aside is None:  # the ledger may do a call again
            tools.budget.reserve(price, limit_of_call=max_credits)
            followed.set_aside = price or 0.0

    while True:
        try:
            # Done again with the same key: a claim whose answer was lost finds its own row, and only then is anything sent.
            row, is_new = await followed.in_ledger_again(
                "nothing submitted yet", tools.ledger.claim, record, fresh, may_be_sent
            )
            if is_new:
                followed.is_claimed = True
                tools.say_version()
                followed.tell(take=row.take)
                return row, True
            followed.settle(0.0)
            if row.status is Status.SUBMITTING and tools.ledger.presence.is_alive(row.owner) is False:
                row = await bury(tools, row)
                if row.status is Status.REJECTED:
                    continue  # it surely never left, so the place is free again
            await tools.try_ledger(tools.ledger.note_reuse, row.key, tools.clock.time(), row.credits, *tools.whose)
            return row, False
        except BudgetExceeded as error:
            refused: SeedanceError = error
            if gives_back and await _give_back(tools):
                gives_back = False
                continue
        except (InvalidRequest, AccountNotKnown) as error:
            refused = error
        except LedgerAway as error:
            refused = ConfigurationError(f"{error}; nothing was submitted")
            tools.background.start(_release(tools, record.key))
        except ConfigurationError as error:
            said = str(error)
            refused = error if "nothing was submitted" in said else ConfigurationError(f"{said}; nothing was submitted")
        followed.settle(0.0)
        for job in followed.jobs:
            job.is_recorded = False
        await followed.end(Status.REJECTED, refused, nothing_charged=True, in_ledger=False)
        return None


async def _release(tools: Tools, key: str) -> None:
    """Nobody knows whether a claim that was given up is in the ledger: if it is, its place becomes free again once that is back."""
    told = "the ledger was away for too long; nothing was submitted"
    free = {
        "status": Status.REJECTED,
        "status_text": Status.REJECTED.value,
        "error": told,
        "error_kind": "ConfigurationError",
    }

    def decide(row: Record) -> dict[str, Any]:
        return free if row.status is Status.SUBMITTING and row.sent_at is None else {}

    while True:
        try:
            if await tools.in_ledger(tools.ledger.find, key) is not None:
                await tools.in_ledger(tools.ledger.revise, key, decide)
        except LedgerAway:
            await asyncio.sleep(LEDGER_RETRY_SECONDS)
        except ConfigurationError as error:
            log.debug("ledger: %s", error)
            return
        else:
            return


async def _give_back(tools: Tools) -> bool:
    """Whether limits of the ledger have more room now: what was claimed and surely never sent, by processes that are dead, counts no more."""
    has_room = False
    for row in await tools.try_ledger(tools.ledger.limits.never_sent) or ():
        if tools.ledger.presence.is_alive(row.owner) is False:
            with contextlib.suppress(ConfigurationError):
                has_room |= (await bury(tools, row)).status is Status.REJECTED
    return has_room


async def bury(tools: Tools, record: Record) -> Record:
    """A create whose process died: never sent is `rejected`, perhaps sent is `unknown`. Raises ConfigurationError.

    Decided on the row as it is at that moment: if its owner lives after all and has written to it, it stays as it is.
    """
    now = tools.clock.time()

    def decide(row: Record) -> dict[str, Any]:
        if row.status is not Status.SUBMITTING or row.request_id is not None:
            return {}
        error: SeedanceError
        if row.sent_at is None:
            status = Status.REJECTED
            error = ConnectionFailed("the process that wanted to send this ended before it did; nothing was charged")
        else:
            status = Status.UNKNOWN
            why = "the process that sent it died before the answer came"
            error = OutcomeUnknown(f"this may have been accepted and charged ({why}); {_WHAT_NOW}")
        told = {"error": str(error), "error_kind": type(error).__name__, "finished_at": now}
        return {"status": status, "status_text": status.value, **told}

    return await tools.in_ledger(tools.ledger.revise, record.key, decide)


async def await_other_process(followed: Followed) -> Record:
    """The row of a create that another process has in the air, once it has an answer or its process is dead. Hands off until then."""
    tools = followed.tools
    followed.tell(note="another notebook is sending this")
    waited = LivedTime(LONGEST_STEP, tools.clock.monotonic)
    while True:
        record = await tools.try_ledger(tools.ledger.find, followed.key)
        if record is not None and record.status is Status.SUBMITTING:
            alive = tools.ledger.presence.is_alive(record.owner)
            # Of a process on another machine we only know that a create cannot be in the air for ever; it may have been stopped
            # together with this one.
            if alive is False or (alive is None and waited() > 2 * tools.limits.create_timeout):
                try:
                    record = await bury(tools, record)
                except ConfigurationError:
                    record = None
        if record is not None and record.status is not Status.SUBMITTING:
            return record
        await followed.pause(LOOK_AT_OTHER_PROCESS)


async def publish(followed: Followed, request: VideoRequest) -> bool:
    """Bring the person's own files among the references to where the service can fetch them. False when the job ended here, told.

    The intention is claimed and nothing of it has left: who dies in between leaves a row that is free again, and what was uploaded.
    """
    tools = followed.tools
    if notes := tools.references.notes(request):
        followed.tell(warnings=(*followed.snapshot.warnings, *notes))
    if not own_files(request):
        return True
    loop = asyncio.get_running_loop()

    def progress(number: int, done: int, whole: int) -> None:
        share = f"{done / whole:.0%}" if whole else ""
        loop.call_soon_threadsafe(lambda: followed.tell(note=f"uploading reference {number} · {share}"))

    try:
        async with asyncio.timeout(tools.limits.download_timeout):
            said = await tools.background.in_own_thread(lambda: tools.references.publish(request, progress))
    except TimeoutError:
        error: SeedanceError = ConfigurationError(
            f"the references were not uploaded within {tools.limits.download_timeout:g} s (download_timeout); nothing was submitted and nothing"
            " charged; run it again"
        )
    except SeedanceError as trouble:
        error = trouble
    except Exception as trouble:
        log.exception("uploading for %s failed", followed.key)
        error = ConfigurationError(
            f"the references could not be uploaded ({one_line(repr(trouble), 120)}); nothing was submitted"
        )
    else:
        followed.tell(note=None, remarks=(*followed.snapshot.remarks, *said))
        return True
    await followed.end(Status.REJECTED, error, nothing_charged=True)
    return False


async def send(followed: Followed, request: VideoRequest) -> bool:
    """Send the create of a claimed intention, once. True when there is an id to follow."""
    tools = followed.tools
    unreachable = refused = alone = (
        0  # not got there; refused for now; refused while nothing else of ours was under way
    )
    most = tools.limits.tries_after_trouble
    while True:
        await tools.turns.fresh()  # another session of the account may have been refused
        while (left := tools.busy_until - tools.clock.monotonic()) > 0 and not followed.snapshot.cancel_requested:
            # A little apart, so that not all come back at the same instant.
            await followed.count_down(left + random.uniform(0.0, 0.3), "the service is busy; nothing submitted yet")
        if followed.snapshot.cancel_requested:
            error = GenerationCancelled("cancelled before it was sent; nothing was charged")
            await followed.end(Status.CANCELLED, error, nothing_charged=True)
            return False
        async with tools.gate, tools.calls:
            if tools.busy_until > tools.clock.monotonic() or followed.snapshot.cancel_requested:
                continue  # that became so while this one waited for its turn
            seen = tools.gate.refusals
            outcome = await _send_once(followed, request) if await _takes_off(followed) else None
            if isinstance(outcome, RateLimited):
                tools.gate.refused(seen)
            elif isinstance(outcome, Generation):
                tools.gate.accepted()
        if outcome is None:
            await followed.count_down(WAIT_FOR_OTHERS, OTHERS_SEND)
            continue
        if isinstance(outcome, Generation):
            await _accept(followed, outcome)
            return True
        if isinstance(outcome, OutcomeUnknown):
            await followed.end(Status.UNKNOWN, outcome)
            return False
        followed.may_have_left = False
        if isinstance(outcome, ConnectionFailed) and unreachable + 1 < most:
            unreachable += 1
            await tools.try_ledger(tools.ledger.save, followed.key, {"sent_at": None})
            await followed.count_down(_pause(tools, unreachable), str(outcome))
        elif isinstance(outcome, RateLimited) and _may_go_on(tools, refused + 1, alone + 1):
            refused += 1
            alone += not tools.under_way
            await tools.try_ledger(tools.ledger.save, followed.key, {"sent_at": None})
            # It is the account that is busy, so it is the refusals of all jobs in a row that make the pauses longer.
            pause = _pause(tools, tools.gate.refusals, outcome.retry_after)
            if outcome.retry_after is not None:
                tools.refused(pause, is_create=True)
            else:
                tools.busy_until = max(tools.busy_until, tools.clock.monotonic() + pause)
            followed.tell(trouble=str(outcome))
        else:
            if isinstance(outcome, ConnectionFailed | RateLimited):  # until now it was tried again by itself
                outcome.args = (f"{outcome}; run it again later",)
            await followed.end(Status.REJECTED, outcome, nothing_charged=True)
            return False


async def _takes_off(followed: Followed) -> bool:
    """Whether one more create of the account may be in the air, where that is limited: then it is marked as sent."""
    tools = followed.tools
    if tools.turns.allowance.creates_at_once is None:
        return True
    longest = 2 * tools.limits.create_timeout
    took = await tools.try_ledger(tools.ledger.pace.take_off, followed.key, tools.account, tools.clock.time(), longest)
    return took is not False


def _may_go_on(tools: Tools, refused: int, alone: int) -> bool:
    """Whether a create that was refused so many times, `alone` of them while nothing of ours was under way, is sent once more."""
    most = tools.limits.tries_after_trouble
    return refused < PATIENCE_WHILE_OTHERS_RUN * most and (alone < most or tools.under_way > 0)


def _pause(tools: Tools, times: int, asked_for: float | None = None) -> float:
    limits = tools.limits
    return pause_after_refusal(
        times, first=limits.pause_after_trouble, longest=limits.longest_pause, asked_for=asked_for
    )


async def _send_once(followed: Followed, request: VideoRequest) -> Generation | SeedanceError:
    tools = followed.tools
    try:
        api = tools.api()
    except Exception as error:  # nothing has left that was never made
        log.exception("no connection can be made")
        why = one_line(repr(error), 120)
        return ConfigurationError(f"the connection to the service cannot be made ({why}); nothing was submitted")
    request = await _with_webhook(followed, request)
    try:
        # Addresses are signed for each try: they may have run out while it waited.
        if own_files(request):
            async with asyncio.timeout(tools.limits.create_timeout):
                request = await tools.background.in_own_thread(lambda: tools.references.addressed(request))
    except TimeoutError:
        return ConfigurationError(
            f"uploads: the address of a reference was not there within {tools.limits.create_timeout:g} s (create_timeout): mend the function that"
            " gives it, or run it again; nothing was submitted and nothing charged"
        )
    except SeedanceError as error:
        return error
    try:
        # The last stop before money: from here on a crash means "perhaps sent". Whoever thought us dead meanwhile (another
        # machine cannot know) has written our row off, and may have claimed the intention anew: then this write fails.
        changes = {**_STILL_OURS, "sent_at": tools.clock.time()}
        await followed.in_ledger_again("nothing submitted yet", tools.ledger.save, followed.key, changes)
    except BudgetExceeded as error:  # written off, and what it would have cost was spent by others meanwhile
        return error
    except ConfigurationError as error:
        row = await tools.try_ledger(tools.ledger.find, followed.key)
        if row is not None and row.status is not Status.SUBMITTING:
            return SeedanceError("another notebook took this over while it waited here; run it again to see its video")
        return ConfigurationError(f"{error}; nothing was submitted")
    followed.may_have_left = True
    tools.creates_in_the_air += 1
    tools.pace.create_goes_out()
    try:
        return await api.create(request)
    except SeedanceError as error:
        return error
    except Exception as error:  # nobody foresaw it, so nobody can say whether anything left
        log.exception("sending %s failed", followed.key)
        return OutcomeUnknown(f"this may have been accepted and charged ({one_line(repr(error), 120)}); {_WHAT_NOW}")
    except asyncio.CancelledError:
        # The runner is closed with a create in the air. The process may live on, so the ledger must be told now.
        lost = OutcomeUnknown(f"this may have been accepted and charged (stopped while it was being sent); {_WHAT_NOW}")
        await followed.end(Status.UNKNOWN, lost)
        raise
    finally:
        tools.creates_in_the_air -= 1


async def _with_webhook(followed: Followed, request: VideoRequest) -> VideoRequest:
    """The request as it goes out: with an address to ring at, made for this job alone, where one is wanted and can be had.

    It is no part of what was asked for, and stands neither in the ledger nor on the screen. Without one the job goes on all the same.
    """
    bells = followed.tools.bells
    wanted = request.webhook_url or bells.webhook_url
    if wanted != AUTO:
        return request if wanted == request.webhook_url else msgspec.structs.replace(request, webhook_url=wanted)
    if followed.bell is None:
        try:
            followed.bell, why = await bells.hang(followed.key, followed.wake)
        except Exception as error:  # whatever it is, it is polled
            log.exception("no webhook for %s", followed.key)
            why = f"webhook_url auto has no effect ({one_line(repr(error), 120)}); it is polled as usual"
        if why is not None and why not in followed.snapshot.warnings:
            followed.tell(warnings=(*followed.snapshot.warnings, why))
    address = None if followed.bell is None else followed.bell.address
    return msgspec.structs.replace(request, webhook_url=address)


async def _accept(followed: Followed, generation: Generation) -> None:
    """Commit the id, then tell of it; if it cannot be committed, tell of it all the same: it is paid for."""
    tools = followed.tools
    now = tools.clock.time()
    if generation.credits_charged is not None:
        followed.settle(generation.credits_charged)
    if followed.bell is not None:
        followed.bell.address = None  # the service has it now, and nobody here needs it
    status = Status.PROCESSING if generation.status is Status.PROCESSING else Status.QUEUED
    followed.seen_unfinished_at = now
    changes = {
        "request_id": generation.request_id,
        "status": status,
        "status_text": generation.status_text,
        "credits": generation.credits_charged,
        "accepted_at": now,
        "processing_at": now if status is Status.PROCESSING else None,
        **news_in(generation, followed.snapshot),
    }
    not_saved = await followed.save(changes | {"checked_at": now, "follower": tools.owner})
    trouble = f"accepted as {generation.request_id}, but {not_saved}" if not_saved else generation.oddity
    followed.tell(**changes, last_contact_at=now, failed_checks=0, trouble=trouble, note=None)
