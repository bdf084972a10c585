"""The pictures of a clip as arrays of numbers, as a player shows them: for whoever measures them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ClipError, one_line
from . import playing

if TYPE_CHECKING:
    import av
    import numpy as np

LONG_SIDE = 160
"""Pixels; what is looked at in small has its longer side so long."""


def pictures(
    path: Path | str, side: int | None = LONG_SIDE, *, colour: bool = False, every: float = 0.0
) -> Iterator[tuple[float, np.ndarray[Any, Any]]]:
    """Each picture with its time in seconds: light (height x width), or red, green and blue with `colour`; 0 to 255, uint8.

    `side` is the length of the longer side in pixels (None: as large as a player shows it; never larger); `every` leaves out what comes
    sooner than so many seconds after the last. Raises ClipError for a file that is gone, cannot be decoded, or is larger than we decode.
    """
    next_at = -math.inf
    for now, look, frame in decoded(path):
        if now >= next_at - 1e-6:
            next_at = now + every
            yield now, array(look, frame, side, colour=colour)


def decoded(path: Path | str) -> Iterator[tuple[float, playing.Look, av.VideoFrame]]:
    """Each frame of the file in the order in which it is shown, with its time in seconds from the first, and how a player shows it.

    One at a time, so that memory holds a few of them, however long the film is. Raises ClipError as `pictures` does.
    """
    import av

    path, trouble = Path(path), ""
    look: playing.Look | None = None
    try:
        playing.check_claims(path)
        with av.open(str(path), "r", options=playing.DECODER_LIMITS) as reader:
            stream = playing.limited(reader)
            stream.thread_type = "AUTO"
            begin = 0.0
            frames = itertools.chain.from_iterable(playing.decoded(packet) for packet in reader.demux(stream))
            for frame in itertools.islice(frames, playing.MOST_PICTURES):
                if look is None:
                    look, begin = playing.look_of(path, stream, frame), float(frame.time or 0.0)
                yield float(frame.time or 0.0) - begin, look, frame
    except FileNotFoundError:
        trouble = "its file is gone; job.download_again() brings it back"
    except (av.FFmpegError, IndexError, StopIteration, ValueError, MemoryError) as error:
        trouble = f"it cannot be decoded ({one_line(error, 120)})"
    if trouble or look is None:
        raise ClipError(f"{one_line(path.name, 80)}: {trouble or 'there is no picture in it'}")


def array(look: playing.Look, frame: Any, side: int | None, *, colour: bool) -> np.ndarray[Any, Any]:
    """The frame as a player shows it, its longer side at most `side` pixels long: red, green and blue, or else light."""
    import numpy as np

    width, height = look.size(frame.width, frame.height)
    small = min(1.0, side / max(width, height)) if side is not None else 1.0
    size = max(1, round(width * small)), max(1, round(height * small))
    unnamed: dict[str, Any] = (
        {"src_colorspace": "ITU709"} if frame.colorspace == 2 else {}
    )  # as players take what is not named
    shown: np.ndarray[Any, Any] = look.apply(frame, *size, "rgb24", interpolation="AREA", **unnamed).to_ndarray()
    if colour:
        return shown
    # BT.709 light, in whole numbers of 1/256: a float for every pixel of a large picture would take three times as long.
    light = shown @ np.array([54, 183, 19], np.uint16)
    return (light >> 8).astype(np.uint8)
