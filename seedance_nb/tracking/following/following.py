"""From a request id to a verified clip: look, wait, look again; then fetch. Only the service's own verdict ends a job that was paid for.

A paid file is fetched for as long as its job lives, each time from a fresh address. What passes by itself (no name, no line, a busy
host, a full disk) is waited out with growing pauses, however long it takes. What the host answers wrongly (no such file, another file,
a file that breaks off at the same place) is tried a few times, then told.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from ...api.addresses import PassingTrouble
from ...api.models import Generation, Status
from ...clips.clip import Clip
from ...clips.playing import TooLarge
from ...clips.shared import NotShared
from ...clips.store import FRESH_ADDRESS_HELPS, AddressExpired, Arriving, receive, unwritten
from ...errors import (
    ApiError,
    AuthenticationError,
    ClipError,
    GenerationCancelled,
    GenerationFailed,
    RateLimited,
    SeedanceError,
    ServerError,
    shortened,
)
from ...snapshot import LOOKED_ON, between_looks, news_in, roughly_lived
from ..background import log
from .bells import RING_SECONDS
from .followed import Followed, Tools
from .listening import hear_the_end
from .pace import Kind
from .polling import Outlook, look_after_trouble, next_look, pause_after_refusal

TOGETHER_SECONDS = 0.5
"""Beside a computing cell the ledger is written at most so often."""
LOOKS_FOR_A_FILE = 12
"""`succeeded` without an address is looked at so often before the job is left without a clip."""
PAUSE_FOR_KEY = 60.0
CEILING_AFTER_CANCEL = 2.0
CEILING_WHEN_WATCHED = 15.0
"""A person wants to see that there still is contact."""
WATCHED_QUEUE_SHARE = 0.25
"""… and when the making begins: while it is queued, the next look comes after this share of the time waited."""

DOWNLOAD_TRIES = 6
"""Wrong answers in a row, before the job is left without its clip."""
PROGRESS_SHARE = 0.01
"""A try that broke off, but brought so much more of the file than any before it, is no wrong answer."""
FIRST_PAUSE = 0.5
UPLOAD_LOOKS, UPLOAD_PAUSE, UPLOAD_SECONDS = 10, 2.0, 300.0
"""A clip that a colleague has had for less than these seconds may be on its way to the bucket: so often, so far apart, it is looked for there."""
PROGRESS_SECONDS = 0.25
"""Progress is told at most this often."""


async def learn(followed: Followed) -> None:
    """Find out how long such jobs took before, and tell it."""
    kind = await followed.tools.kind_of(followed.snapshot.request)
    followed.outlook = kind.outlook(followed.tools.clock.monotonic())
    followed.tell(expected_seconds=followed.outlook.remaining(0.0))


async def follow(followed: Followed) -> None:
    """Look until the service says how it ended, then fetch the file. An error that nobody foresaw is trouble, and no end of it."""
    failed = 0
    while True:
        try:
            return await _follow(followed)
        except Exception as error:
            if followed.snapshot.is_settled:
                raise
            log.exception("following %s failed", followed.key)
            failed += 1
            followed.tell(trouble=f"an error of ours ({shortened(repr(error))}); it is tried again", note=None)
        await followed.pause(look_after_trouble(failed, floor=followed.tools.limits.poll_floor))


async def _follow(followed: Followed) -> None:
    if await hear_the_end(followed):
        return
    if followed.snapshot.status is Status.SUCCEEDED:  # only its file is missing
        await _bring_home(followed, None)
        return
    kind, bells = await followed.tools.kind_of(followed.snapshot.request), followed.tools.bells
    if followed.bell is None:
        followed.bell = await bells.hang_again(followed.key, followed.wake)
    try:
        with kind.living(followed.wake, _accepted(followed), followed.outlook.known):
            generation = await _until_it_ended(followed, kind)
            _hear_of_the_end(followed)
    finally:
        followed.tools.pace.leaves(followed)
    if generation.status is Status.SUCCEEDED:
        await _succeed(followed, generation, kind)
    else:
        kind.ended(None, followed.tools.clock.monotonic())
        await _end_without_file(followed, generation)


def _hear_of_the_end(followed: Followed) -> None:
    """Its token is gone with it; whether it was rung for says whether the next ones may be relied on."""
    bell, bells, clock = followed.bell, followed.tools.bells, followed.tools.clock
    if bell is None:
        return
    followed.bell = None
    if bell.announced_the_end:
        followed.seen_unfinished_at = max(followed.seen_unfinished_at or 0.0, clock.time() - RING_SECONDS)
    if bell.announced_the_end or not followed.snapshot.cancel_requested:  # nobody says that a cancel is rung for
        bells.ended(bell)
    bells.take_down(bell)


def _accepted(followed: Followed) -> float | None:
    """When it was accepted, on the clock that nobody sets."""
    at, clock = followed.snapshot.accepted_at, followed.tools.clock
    return None if at is None else clock.monotonic() - max(0.0, clock.time() - at)


async def _until_it_ended(followed: Followed, kind: Kind) -> Generation:
    """The service's verdict, after as many looks as it takes."""
    looks_for_file = failed = 0
    asked_for: float | None = None
    at_once = followed.snapshot.status is Status.SUCCEEDED or followed.snapshot.last_contact_at is None
    bell, clock = followed.bell, followed.tools.clock
    while True:
        if not at_once:
            await _wait_for_next_look(followed, kind, failed, asked_for)
            if (turn := followed.tools.pace.turn()) > 0:
                await followed.pause(turn)
        at_once = False
        if not followed.tools.pace.is_busy:
            await followed.flush()
        if followed.cancel_waits or _is_due(followed.tools, followed.cancel_again_at):
            await _send_cancel(followed)
        await _wait_where_nobody_may_look(followed)
        if bell is not None:
            bell.looks()
        outcome = await look(followed)
        if isinstance(outcome, SeedanceError):
            failed += 1
            asked_for = outcome.retry_after if isinstance(outcome, RateLimited | ServerError) else None
            at_once = await _missed(followed, outcome, failed)
            continue
        failed, asked_for = 0, None
        if outcome.status is Status.SUCCEEDED:
            if outcome.output_url is None and looks_for_file < LOOKS_FOR_A_FILE:
                looks_for_file += 1
                failed = min(looks_for_file, 4)
                followed.tell(note="made; waiting for the address of its file")
                continue
            return outcome
        if outcome.status in (Status.FAILED, Status.CANCELLED):
            return outcome
        if bell is not None and bell.brought_look:
            bell.found_nothing(clock.monotonic())


def _is_due(tools: Tools, at: float | None) -> bool:
    return at is not None and tools.clock.monotonic() >= at


async def _wait_where_nobody_may_look(followed: Followed) -> None:
    """A 429 to one look of the account is a 429 to all."""
    tools = followed.tools
    while (left := tools.no_look_until - tools.clock.monotonic()) > 0 and not followed.cancel_waits:
        await followed.pause(left + random.uniform(0.0, 0.3))


async def look(followed: Followed) -> Generation | SeedanceError:
    """One look; what it says of the job is told and recorded."""
    tools, request_id = followed.tools, followed.snapshot.request_id
    assert request_id is not None
    try:
        async with tools.calls:
            generation = await tools.api().get(request_id)
    except SeedanceError as error:
        if isinstance(error, RateLimited) and error.retry_after is not None:
            pause = min(error.retry_after, tools.limits.longest_pause)
            tools.refused(pause, is_create=False)
        return error
    except Exception as error:  # nobody foresaw it; the next look may fare better
        log.exception("a look at %s failed", followed.key)
        return SeedanceError(f"no look was possible ({shortened(repr(error))})")
    now = tools.clock.time()
    old = followed.snapshot
    told: dict[str, Any] = {"last_contact_at": now, "failed_checks": 0, "trouble": None}
    if old.note and not old.cancel_requested:
        told["note"] = None
    if news := news_in(generation, old):
        told |= news
        followed.keep(news)  # the service would tell it again, so it can go with the next write
    if old.credits is None and generation.credits_charged is not None:
        told["credits"] = generation.credits_charged
        followed.settle(generation.credits_charged)
        await followed.save({"credits": generation.credits_charged})
    if generation.status is Status.PROCESSING and old.status in (Status.QUEUED, Status.UNKNOWN, Status.SUBMITTING):
        queued_at = followed.seen_unfinished_at if old.status is Status.QUEUED else None
        changes: dict[str, Any] = {
            "status": Status.PROCESSING,
            "processing_at": between_looks(queued_at, now, old.accepted_at),
        }
        told |= changes
        changes["status_text"] = generation.status_text
        if tools.pace.is_busy:
            followed.keep(changes)  # the service would tell it again, so it can go with the next write
        else:
            await followed.save(changes)
    followed.has_succeeded |= generation.status is Status.SUCCEEDED
    if not generation.status.is_final:
        followed.seen_unfinished_at = now
        age = now - (old.accepted_at or old.created_at)
        left = followed.outlook.remaining(age)
        told["expected_seconds"] = None if left is None else age + left
    # A status that goes backwards is a server with a short memory; the card has a longer one.
    is_backwards = generation.status is Status.QUEUED and old.status is not Status.QUEUED
    if not is_backwards and (generation.status.is_final or not old.status.is_final):
        told["status_text"] = generation.status_text
    followed.tell(**told)
    return generation


def _end_of(followed: Followed) -> dict[str, float]:
    """When it ended and when a look last saw it unfinished; if that was long ago, when the end was noticed, and 0."""
    now, seen = followed.tools.clock.time(), followed.seen_unfinished_at
    if seen is None or not 0 <= now - seen <= LOOKED_ON:
        return {"finished_at": now, "checked_at": 0.0}
    return {"finished_at": (seen + now) / 2, "checked_at": seen}


async def _save_with_others(followed: Followed, changes: dict[str, Any]) -> None:
    """Record what the service would tell again. Beside a computing cell such writes go together: a commit costs more than what is in it."""
    if followed.tools.pace.is_busy:
        await asyncio.sleep(TOGETHER_SECONDS - followed.tools.clock.monotonic() % TOGETHER_SECONDS)
    await followed.save(changes)


class _Overruled(Exception):  # noqa: N818 - it says what is the case
    """While the file of a video that succeeded was looked for, the service said that it did not."""

    def __init__(self, generation: Generation) -> None:
        super().__init__(generation.status_text)
        self.generation = generation


async def _look_for_file(followed: Followed) -> Generation | SeedanceError:
    """A look while the file is missing: until it is here, the service's newest verdict counts."""
    outcome = await look(followed)
    if isinstance(outcome, Generation) and outcome.status in (Status.FAILED, Status.CANCELLED):
        raise _Overruled(outcome)
    return outcome


async def _end_without_file(followed: Followed, generation: Generation) -> None:
    """End with the service's newest verdict, unless another notebook has the file: then the first one stands."""
    tools = followed.tools
    row = await tools.try_ledger(tools.ledger.find, followed.key)
    if row is not None and row.clip is not None:
        clip = tools.clips.load(row.clip)
        if clip is not None:
            first = {"status": row.status, "status_text": row.status_text, "finished_at": row.finished_at}
            followed.tell(**first, clip=clip, error=None, note=None, trouble=None)
            return
        await followed.save({"clip": None})  # the file is gone, so that its word stands no longer
    moments = None if followed.snapshot.finished_at is not None else _end_of(followed)
    await followed.end(generation.status, verdict(followed, generation), text=generation.status_text, moments=moments)


def verdict(followed: Followed, generation: Generation) -> SeedanceError:
    """Why there is no video, whether credits were charged, and what to do."""
    charged = followed.snapshot.credits
    money = "credits may have been charged" if charged is None else f"{charged:g} credits were charged"
    money += ", and whether they come back is not documented"
    if followed.snapshot.simulated:
        money = "no real credits were charged"
    if generation.status is Status.CANCELLED:
        first = "the service said that this video succeeded, and before its file was here that it was "
        said = f"{first if followed.has_succeeded else ''}cancelled"
        return GenerationCancelled(f"{said}; {money}; run it again for a new try")
    reason = shortened(generation.error or "it gave no reason")
    if followed.has_succeeded:
        return GenerationFailed(
            f"the service said that this video succeeded, and before its file was here that it failed ({reason}); {money};"
            " change the prompt or run it again"
        )
    return GenerationFailed(
        f"the service could not make this video ({reason}); {money}; change the prompt or run it again"
    )


async def _wait_for_next_look(followed: Followed, kind: Kind, failed: int, asked_for: float | None) -> None:
    """Wait as long as the next look should. A scout that hears of the first end among its siblings thinks again, and so does a job
    whose webhook rings, or can be relied on no longer.
    """
    clock, bells, bell = followed.tools.clock, followed.tools.bells, followed.bell
    was_scout, is_relied_on = kind.scouts(followed.outlook.known) > 1, bells.relies_on(bell)
    due = clock.monotonic() + _until_next_look(followed, kind, failed, asked_for)
    while True:
        # A service that asks for a pause has it, whoever rings.
        ring_at = None if bell is None or asked_for is not None else bell.look_at
        at = due if ring_at is None else min(due, ring_at)
        await followed.pause(max(0.0, at - clock.monotonic()))
        if clock.monotonic() >= at or followed.cancel_waits:
            break
        if bells.relies_on(bell) != is_relied_on:
            is_relied_on = not is_relied_on
            due = clock.monotonic() + _until_next_look(followed, kind, failed, asked_for)
        elif (bell is None or bell.look_at == ring_at) and (failed or not is_relied_on):
            break  # something else woke it: another key, the end of a sibling, which say nothing where one will be rung
    left = due - clock.monotonic()
    if bell is not None and bell.look_at is not None:
        return
    if was_scout and kind.has_ended and not failed and left > 0 and not followed.cancel_waits:
        # Spread over the time they have now: all scouts hear of it at once.
        await followed.pause(min(left, random.random() * _until_next_look(followed, kind, failed, asked_for)))


def _until_next_look(followed: Followed, kind: Kind, failed: int, asked_for: float | None) -> float:
    limits, snapshot, pace = followed.tools.limits, followed.snapshot, followed.tools.pace
    if failed:
        return look_after_trouble(failed, floor=limits.poll_floor, asked_for=asked_for, longest=limits.longest_pause)
    age = max(0.0, followed.tools.clock.time() - (snapshot.accepted_at or snapshot.created_at))
    delay = next_look(
        age,
        Outlook() if kind.is_crowd(followed.outlook.known) else followed.outlook,
        floor=limits.poll_floor,
        ceiling=CEILING_AFTER_CANCEL if snapshot.cancel_requested else limits.poll_ceiling,
        worth=pace.worth,
        news=kind.news(followed.tools.clock.monotonic()),
        scouts=kind.scouts(followed.outlook.known),
    )
    if is_rare := followed.tools.bells.relies_on(followed.bell) and not snapshot.cancel_requested:
        delay = max(limits.poll_floor, limits.poll_ceiling)
    pace.wants(followed, delay)
    if followed.is_watched and not is_rare:
        queued = snapshot.status is Status.QUEUED
        watched = max(1.0, WATCHED_QUEUE_SHARE * age) if queued else CEILING_WHEN_WATCHED
        delay = min(delay, max(limits.poll_floor, watched * pace.stretch))
    return delay


async def _missed(followed: Followed, error: SeedanceError, failed: int) -> bool:
    """A look that brought nothing: told, never fatal. True when the wait for the next look is over already."""
    if not isinstance(error, AuthenticationError):
        followed.tell(failed_checks=failed, trouble=shortened(error, 300))
        return False
    cure = "set a good one with %seedance login or sd.configure(api_key=…)"
    text = f"the key was refused; the job is kept and goes on with a good key: {cure}"
    followed.wake.clear()
    followed.tell(failed_checks=failed, trouble=text)
    await followed.save({"follower": None})  # whoever has a good one looks
    await followed.tools.clock.wait(followed.wake, PAUSE_FOR_KEY)
    return True


async def _send_cancel(followed: Followed) -> None:
    """Ask; whether it worked is for the next look to say. What is refused for now is asked again, a few times."""
    tools, request_id = followed.tools, followed.snapshot.request_id
    assert request_id is not None
    followed.cancel_sent, followed.cancel_again_at = True, None
    note = "cancel asked for; waiting for the service to confirm"
    try:
        async with tools.calls:
            await tools.api().cancel(request_id)
    except ApiError as error:
        note = f"cancel not confirmed ({shortened(error.message)}); still following"
        asked_for = error.retry_after if isinstance(error, RateLimited | ServerError) else None
        is_busy = isinstance(error, RateLimited) or asked_for is not None
        if is_busy and followed.cancel_refusals + 1 < tools.limits.tries_after_trouble:
            followed.cancel_refusals += 1
            pause = pause_after_refusal(
                followed.cancel_refusals,
                first=tools.limits.pause_after_trouble,
                longest=tools.limits.longest_pause,
                asked_for=asked_for,
            )
            followed.cancel_again_at = tools.clock.monotonic() + pause
            note = f"the service is busy ({shortened(error.message)}): cancel is asked for again in {max(1, round(pause))} s"
    except SeedanceError as error:
        note = f"cancel not confirmed ({shortened(error)}); still following"
    except Exception as error:
        log.exception("cancelling %s failed", followed.key)
        note = f"cancel not confirmed ({shortened(repr(error))}); still following"
    followed.tell(note=note)


async def _succeed(followed: Followed, generation: Generation, kind: Kind) -> None:
    tools, old = followed.tools, followed.snapshot
    changes: dict[str, Any] = {"status": Status.SUCCEEDED, "status_text": generation.status_text}
    if old.finished_at is None:  # else it is known from before, and only its file is fetched
        end = _end_of(followed)
        kind.ended(roughly_lived(old.accepted_at, end["checked_at"], end["finished_at"]), tools.clock.monotonic())
        changes |= end
    await _save_with_others(followed, changes | {"error": None, "error_kind": None})
    followed.tell(**changes, note="downloading", trouble=None)
    await _bring_home(followed, generation.output_url)


async def _bring_home(followed: Followed, url: str | None) -> None:
    """Fetch the file and record it."""
    if url is None and await _bring_from_bucket(followed):
        return
    try:
        clip = await fetch(followed, url)
    except _Overruled as later:
        await _end_without_file(followed, later.generation)
        return
    if isinstance(clip, SeedanceError):
        await followed.end(Status.SUCCEEDED, clip, text=followed.snapshot.status_text)
        return
    # With the word that goes with it: another notebook may have heard a later one, which counted while there was no file.
    tools = followed.tools
    word = {"status": Status.SUCCEEDED, "status_text": followed.snapshot.status_text}
    facts = tools.clips.facts(clip)
    not_saved = await followed.save({**word, "clip": facts, "error": None, "error_kind": None, "follower": None})
    followed.tell(clip=clip, note=None, trouble=not_saved, error=None, failed_checks=0)
    if tools.clips.shared is not None:  # nobody waits for it, and the file stays here until the bucket has it
        tools.clips.shared.keep(
            clip.path.name, lambda trouble: tools.background.post(_tell_of_upload, followed, trouble)
        )


def _tell_of_upload(followed: Followed, trouble: str | None) -> None:
    """The clip is here and shown; that colleagues do not have it yet is said beside it."""
    if followed.snapshot.clip is not None:
        followed.tell(trouble=trouble)


async def _bring_from_bucket(followed: Followed) -> bool:
    """Have the clip that the ledger describes from the bucket of the team, where there is one: the service is not asked."""
    tools = followed.tools
    if tools.clips.shared is None:
        return False
    row = await tools.try_ledger(tools.ledger.find, followed.key)
    if row is None or not row.clip:
        return False
    shown = tools.clips.shared.place.shown
    followed.tell(note=f"reading the clip from {shown}")
    for left in range(UPLOAD_LOOKS, -1, -1):
        try:
            clip = await tools.background.in_worker(tools.clips.fetch_shared, row.clip)
            break
        except NotShared:
            if not left or tools.clock.time() - (row.finished_at or 0.0) > UPLOAD_SECONDS:
                return False
            followed.tell(note=f"made by a colleague; it is read from {shown} as soon as it is there")
            await followed.pause(UPLOAD_PAUSE)
        except (SeedanceError, OSError) as error:
            log.info("%s; the service is asked for it", error)
            followed.tell(trouble=f"{shortened(error)}; the service is asked for it, for nothing")
            return False
    log.info("%s came from %s", clip.path.name, shown)
    if row.clip.get("forgotten"):
        await followed.save({"clip": tools.clips.facts(clip)})
    followed.tell(clip=clip, note=None, trouble=None, error=None, failed_checks=0)
    return True


# The file -------------------------------------------------------------------------------------------


async def fetch(followed: Followed, url: str | None) -> Clip | ClipError:
    """The clip, or why there will be none. `url` is an address told just now; each new try looks for another. None sends a create."""
    tools = followed.tools
    arriving: Arriving | None = None
    failed = wrong = most = 0
    if tools.clips.has_kept(followed.key):
        kept = await tools.background.in_worker(tools.clips.admit_kept, followed.key)
        if kept is not None:
            return kept if isinstance(kept, Clip) else _cannot_be_shown(kept)
    try:
        while True:
            try:
                if failed or url is None:
                    url = await _fresh_address(followed, url)
                async with tools.downloads:
                    await _turn_for_a_file(followed)
                    if arriving is None:
                        arriving = tools.clips.arriving(followed.key)
                        tools.background.start(tools.background.in_worker(tools.clips.prepare))
                    return await _fetch_once(followed, url, arriving)
            except TooLarge as trouble:
                return _cannot_be_shown(trouble)
            except ClipError as trouble:
                error = trouble
            except OSError as trouble:
                error = unwritten(trouble)
            if arriving is not None:
                if arriving.received == arriving.total or isinstance(error, AddressExpired):
                    arriving.forget()  # what is there is not what was wanted
                if arriving.received > most + PROGRESS_SHARE * max(most, arriving.total or 0):
                    most, failed, wrong = arriving.received, 0, 0
            failed += 1
            wrong += not isinstance(error, PassingTrouble)
            if wrong == DOWNLOAD_TRIES:
                break
            await pause_before_next_try(followed, error, failed)
    finally:
        if arriving is not None:
            arriving.part.unlink(missing_ok=True)
    return ClipError(
        f"the video was made but could not be downloaded ({shortened(error)}); it is paid for and kept: "
        f"%seedance attach {followed.snapshot.request_id} or job.download_again() fetches it, without a new create"
    )


async def _fresh_address(followed: Followed, known: str | None) -> str:
    """Where the file is by the service's newest word, else where it was; raises ClipError if neither is known."""
    trouble = followed.snapshot.trouble
    outcome = await _look_for_file(followed)
    # A look that went well forgets the trouble, which is not over yet.
    followed.tell(trouble=trouble, note="asking for the address of the file")
    if isinstance(outcome, Generation) and outcome.status is Status.SUCCEEDED and outcome.output_url:
        return outcome.output_url
    if known is not None:
        return known
    if isinstance(outcome, Generation):
        said = (
            "gave no address of the video" if outcome.status is Status.SUCCEEDED else f"says {outcome.status_text} now"
        )
        raise ClipError(f"the service {said}")
    if isinstance(outcome, ApiError) and outcome.http_status in FRESH_ADDRESS_HELPS and outcome.http_status != 403:
        raise ClipError(f"the service does not have it any more: {outcome}")
    passing = PassingTrouble(str(outcome))
    passing.retry_after = getattr(outcome, "retry_after", None)
    raise passing


async def _fetch_once(followed: Followed, url: str, arriving: Arriving) -> Clip:
    tools = followed.tools
    await receive(tools.api(), url, arriving, _progress_of(followed))
    followed.tell(note="checking the file")
    return await tools.background.in_worker(tools.clips.admit, followed.key, arriving.part)


async def pause_before_next_try(followed: Followed, error: ClipError, failed: int) -> None:
    """Wait before the next try, and say when it comes."""
    asked_for = error.retry_after if isinstance(error, PassingTrouble) else None
    longest = followed.tools.limits.longest_pause
    seconds = min(longest, look_after_trouble(failed, floor=FIRST_PAUSE, asked_for=asked_for, longest=longest))
    at = time.strftime("%H:%M:%S", time.localtime(followed.tools.clock.time() + seconds))
    trouble = f"the video is made and paid for, but not fetched yet: {shortened(error)}"
    followed.tell(trouble=trouble, note=f"the file is fetched again at {at}")
    await followed.pause(seconds)


def _cannot_be_shown(error: TooLarge) -> ClipError:
    return ClipError(
        f"the video was made and downloaded, but cannot be shown: {shortened(error)}; nothing more is charged"
    )


async def _turn_for_a_file(followed: Followed) -> None:
    """Wait until the notebook leaves time for a download and its verification."""
    pace = followed.tools.pace
    if (seconds := pace.file_turn()) > 0:
        followed.tell(note="made; its file is fetched as soon as the notebook computes less")
        while seconds > 0:
            await followed.pause(seconds)
            seconds = pace.file_turn()


def _progress_of(followed: Followed) -> Callable[[int, int | None], None]:
    clock = followed.tools.clock
    last = clock.monotonic()

    def tell(received: int, total: int | None) -> None:
        nonlocal last
        now = clock.monotonic()
        if now - last >= PROGRESS_SECONDS:
            last = now
            of = f" of {total / 1e6:.1f}" if total else ""
            followed.tell(note=f"downloading {received / 1e6:.1f}{of} MB")

    return tell
