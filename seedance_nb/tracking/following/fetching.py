"""From the address of a result to a verified clip: a paid file is fetched for as long as its job lives, each time from a fresh address.

What passes by itself (no name, no line, a busy host, a full disk) is waited out with growing pauses, however long it takes. What the
host answers wrongly (no such file, another file, a file that breaks off at the same place) is tried a few times, then told.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from ...api.addresses import PassingTrouble
from ...api.models import Generation, Status
from ...clips.clip import Clip
from ...clips.playing import TooLarge
from ...clips.store import FRESH_ADDRESS_HELPS, AddressExpired, Arriving, receive, unwritten
from ...errors import ApiError, ClipError, SeedanceError, shortened
from .followed import Followed
from .polling import look_after_trouble

DOWNLOAD_TRIES = 6
"""Wrong answers in a row, before the job is left without its clip."""
PROGRESS_SHARE = 0.01
"""A try that broke off, but brought so much more of the file than any before it, is no wrong answer."""
FIRST_PAUSE = 0.5
PROGRESS_SECONDS = 0.25
"""Progress is told at most this often."""
Look = Callable[[Followed], Awaitable[Generation | SeedanceError]]


async def fetch(followed: Followed, url: str | None, look: Look) -> Clip | ClipError:
    """The clip, or why there will be none. `url` is an address told just now; each new try looks for another. None sends a create."""
    tools = followed.tools
    arriving: Arriving | None = None
    failed = wrong = most = 0
    kept = await tools.background.in_worker(tools.clips.admit_kept, followed.key)
    if kept is not None:
        return kept if isinstance(kept, Clip) else _refused(kept)
    try:
        while True:
            try:
                if failed or url is None:
                    url = await _fresh_address(followed, look, url)
                if arriving is None:
                    arriving = tools.clips.arriving(followed.key)
                    tools.background.start(tools.background.in_worker(tools.clips.prepare))
                return await _once(followed, url, arriving)
            except TooLarge as trouble:
                return _refused(trouble)
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
            await _pause(followed, error, failed)
    finally:
        if arriving is not None:
            arriving.part.unlink(missing_ok=True)
    return ClipError(
        f"the video was made but could not be downloaded ({shortened(error)}); it is paid for and kept: "
        f"%seedance attach {followed.snapshot.request_id} or job.download_again() fetches it, without a new create"
    )


async def _fresh_address(followed: Followed, look: Look, known: str | None) -> str:
    """Where the file is by the service's newest word, else where it was; raises ClipError if neither is known."""
    trouble = followed.snapshot.trouble
    outcome = await look(followed)
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


async def _once(followed: Followed, url: str, arriving: Arriving) -> Clip:
    tools = followed.tools
    async with tools.downloads:
        await _turn(followed)
        await receive(tools.api(), url, arriving, _progress(followed))
        followed.tell(note="checking the file")
        return await tools.background.in_worker(tools.clips.admit, followed.key, arriving.part)


async def _pause(followed: Followed, error: ClipError, failed: int) -> None:
    """Wait before the next try, and say when it comes."""
    asked_for = error.retry_after if isinstance(error, PassingTrouble) else None
    longest = followed.tools.limits.longest_pause
    seconds = min(longest, look_after_trouble(failed, floor=FIRST_PAUSE, asked_for=asked_for, longest=longest))
    at = time.strftime("%H:%M:%S", time.localtime(followed.tools.clock.time() + seconds))
    trouble = f"the video is made and paid for, but not fetched yet: {shortened(error)}"
    followed.tell(trouble=trouble, note=f"the file is fetched again at {at}")
    await followed.pause(seconds)


def _refused(error: TooLarge) -> ClipError:
    return ClipError(
        f"the video was made and downloaded, but cannot be shown: {shortened(error)}; nothing more is charged"
    )


async def _turn(followed: Followed) -> None:
    """Wait until the notebook leaves time for a download and its verification."""
    pace = followed.tools.pace
    if (seconds := pace.file_turn()) > 0:
        followed.tell(note="made; its file is fetched as soon as the notebook computes less")
        while seconds > 0:
            await followed.pause(seconds)
            seconds = pace.file_turn()


def _progress(followed: Followed) -> Callable[[int, int | None], None]:
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
