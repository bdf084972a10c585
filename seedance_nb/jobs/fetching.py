"""From the address of a result to a verified clip: resumed, retried, with fresh addresses, within reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..api.models import Generation, Status
from ..errors import ClipError, SeedanceError, shortened
from .clips import AddressExpired, Arriving, receive
from .followed import Followed
from .playing import TooLarge
from .polling import look_after_trouble
from .snapshot import Clip

DOWNLOAD_TRIES = 6
FIRST_PAUSE = 0.5
PROGRESS_SECONDS = 0.25
"""Progress is told at most this often."""


async def fetch(
    followed: Followed,
    url: str | None,
    look: Callable[[Followed], Awaitable[Generation | SeedanceError]],
) -> Clip | ClipError:
    """The clip, or why there is none after all tries. Each new try looks for a fresh address first; none sends a create."""
    tools = followed.tools
    arriving: Arriving | None = None
    error = ClipError("the service gave no address of the video")
    kept = await tools.background.in_worker(tools.clips.admit_kept, followed.key)
    if kept is not None:
        return kept if isinstance(kept, Clip) else _refused(kept)
    try:
        for attempt in range(1, DOWNLOAD_TRIES + 1):
            if url is not None:
                try:
                    async with tools.downloads:
                        await _turn(followed)
                        if arriving is None:
                            arriving = tools.clips.arriving(followed.key)
                            tools.background.start(tools.background.in_worker(tools.clips.prepare))
                        await receive(tools.api(), url, arriving, _progress(followed))
                        followed.tell(note="checking the file")
                        return await tools.background.in_worker(tools.clips.admit, followed.key, arriving.part)
                except TooLarge as trouble:
                    return _refused(trouble)
                except ClipError as trouble:
                    error = trouble
                    whole = arriving is not None and arriving.received == arriving.total
                    if arriving is not None and (whole or isinstance(trouble, AddressExpired)):
                        arriving.forget()  # what is there is not what was wanted
                except OSError as trouble:
                    error = ClipError(f"the clip could not be written ({trouble.strerror or trouble}); check the disk")
            if attempt == DOWNLOAD_TRIES:
                break
            followed.tell(trouble=shortened(error, 300), note=f"download try {attempt + 1} of {DOWNLOAD_TRIES} follows")
            await followed.pause(look_after_trouble(attempt, floor=FIRST_PAUSE))
            outcome = await look(followed)
            if isinstance(outcome, Generation) and outcome.status is Status.SUCCEEDED:
                url = outcome.output_url or url
    finally:
        if arriving is not None:
            arriving.part.unlink(missing_ok=True)
    return ClipError(
        f"the video was made but could not be downloaded ({shortened(error)}); it is paid for and kept: "
        f"%seedance attach {followed.snapshot.request_id} or job.download_again() fetches it, without a new create"
    )


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
