"""The pictures of a clip as arrays of numbers, as a player shows them: for whoever measures them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ClipError, one_line
from . import playing

if TYPE_CHECKING:
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
    import av

    path, trouble, any_yet = Path(path), "", False
    try:
        playing.check_claims(path)
        with av.open(str(path), "r", options=playing.DECODER_LIMITS) as reader:
            stream = playing.limited(reader)
            stream.thread_type = "AUTO"
            look: playing.Look | None = None
            next_at, begin = 0.0, None
            frames = itertools.chain.from_iterable(playing.decoded(packet) for packet in reader.demux(stream))
            for frame in itertools.islice(frames, playing.MOST_PICTURES):
                look = look or playing.look_of(path, stream, frame)
                begin = float(frame.time or 0.0) if begin is None else begin
                now = float(frame.time or 0.0) - begin
                if any_yet and now < next_at - 1e-6:
                    continue
                next_at, any_yet = now + every, True
                yield now, _array(look, frame, side, colour=colour)
    except FileNotFoundError:
        trouble = "its file is gone; job.download_again() brings it back"
    except (av.FFmpegError, IndexError, StopIteration, ValueError, MemoryError) as error:
        trouble = f"it cannot be decoded ({one_line(error, 120)})"
    if trouble or not any_yet:
        raise ClipError(f"{one_line(path.name, 80)}: {trouble or 'there is no picture in it'}")


def _array(look: playing.Look, frame: Any, side: int | None, *, colour: bool) -> np.ndarray[Any, Any]:
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
