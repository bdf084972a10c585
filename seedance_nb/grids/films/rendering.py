"""The slow part of a sheet or film, clip by clip: here in turn, or wherever an executor has its workers. Functions that travel raise nothing."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...clips.clip import Clip
from ...errors import ClipError, InvalidRequest, SeedanceError, one_line
from ...tracking.job import WaitInterrupted
from ..executors.chosen import on_files
from ..executors.processes import WorkerDiedError
from ..executors.progress import Progress, show
from .frames import shrink, stills
from .page import Place

CLIP_SECONDS = 600.0
"""How long one clip may take at a cluster before its worker's process is ended."""
SLICE_SECONDS = 0.1
"""How long the stop button may have to wait."""


def still_pictures(clip: Clip, places: tuple[Place, ...]) -> Any:
    """As `stills`; what is wrong with the clip is returned."""
    try:
        return stills(clip, places)
    except ClipError as error:
        return str(error)


def small_film(clip: Clip, place: Place, rate: Fraction) -> Any:
    """The bytes of what `shrink` writes; what is wrong with the clip is returned, as text."""
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder:
        try:
            return shrink(clip, place, rate, Path(folder) / "small.mp4").read_bytes()
        except ClipError as error:
            return str(error)


def rendered(
    calls: Mapping[int, tuple[Any, ...]], function: Callable[..., Any], executor: Any, what: str
) -> Iterator[tuple[int, Any]]:
    """By number, what the function returns for each clip and the arguments behind it, as it is made; a text is why there is nothing.

    Raises InvalidRequest for an executor that takes no calls, WaitInterrupted where the stop button ends it.
    """
    if executor is None:
        for number, arguments in calls.items():
            yield number, function(*arguments)
        return
    workers, is_ours = on_files(executor, CLIP_SECONDS)
    progress = Progress(what, len(calls))
    pending: dict[Future[Any], int] = {}
    try:
        for number, (clip, *others) in calls.items():
            if clip.is_lost:
                yield number, str(clip.loss())
                continue
            try:
                # Its poster need not travel.
                pending[workers.submit(function, dataclasses.replace(clip, poster=None), *others)] = number
            except SeedanceError:
                raise
            except Exception as error:
                raise InvalidRequest(
                    f"the executor takes no calls ({one_line(error, 100)}); give one that is open, or leave executor= away"
                ) from None
        show(progress)
        while pending:
            done, _ = wait(pending, SLICE_SECONDS, FIRST_COMPLETED)
            for future in done:
                found = _found(future)
                progress.add(failed=isinstance(found, str))
                yield pending.pop(future), found
    except KeyboardInterrupt:
        raise WaitInterrupted(f"stopped {what}; nothing was written") from None
    finally:
        for future in pending:
            future.cancel()
        if is_ours:
            workers.shutdown(wait=False, cancel_futures=True)


def _found(future: Future[Any]) -> Any:
    error = CancelledError() if future.cancelled() else future.exception()
    if error is None:
        return future.result()
    if isinstance(error, InvalidRequest):
        raise error
    return str(error) if isinstance(error, WorkerDiedError) else f"{type(error).__name__}: {one_line(error, 160)}"
