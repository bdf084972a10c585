"""Single frames of a clip, as a player shows them: as pictures (PIL) and as numbers (numpy)."""

from __future__ import annotations

import collections
import math
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ClipError, one_line
from .pictures import array, decoded
from .playing import Look

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

MOST_BYTES = 4_000_000_000
"""Of one array: a minute of 720p at 24 frames a second."""
MOST_FPS = 1000.0
KEPT_FRAMES = 8
"""So many of the last ones are kept while the end is looked for; what lies farther from it is counted first."""
SAME_MOMENT = 1e-6


def frame(path: Path, at: float) -> Image.Image:
    """The frame that is on the screen `at` seconds, or the `at`-th from the end where that is negative: -1 is the last.

    Raises ClipError for a moment that the film does not have, and as `pictures.decoded`.
    """
    moment = _number(at, "a frame is named by its second (2.5), or from the end (-1 is the last)")
    if moment < 0:
        return _from_the_end(path, moment)
    found, shown_from, before = None, 0.0, 0.0
    for now, look, shown in decoded(path):
        if now > moment + SAME_MOMENT and found is not None:
            return _picture(*found)
        before, shown_from, found = shown_from, now, (look, shown)
    assert found is not None  # else `decoded` has raised
    # The last one stays for about as long as the one before it did.
    end = shown_from + max(shown_from - before, 0.05)
    if moment > end + SAME_MOMENT:
        raise ClipError(
            f"{_named(path)} has no second {moment:g}: it ends after {end:.2f} s; its last frame is frame(-1)"
        )
    return _picture(*found)


def _from_the_end(path: Path, moment: float) -> Image.Image:
    if moment != int(moment):
        raise ClipError(f"frames are counted from the end by whole numbers, such as -1 for the last, not {moment:g}")
    number = int(-moment)
    if number > KEPT_FRAMES:
        number, total = 0, sum(1 for _ in decoded(path))
        wanted = total + int(moment)
        if wanted < 0:
            raise ClipError(f"{_named(path)} has {total} frames, and no {-int(moment)}th from the end")
        for index, (_, look, shown) in enumerate(decoded(path)):
            if index == wanted:
                return _picture(look, shown)
    last = collections.deque(((look, shown) for _, look, shown in decoded(path)), number)
    if len(last) < number:
        raise ClipError(f"{_named(path)} has {len(last)} frames, and no {number}th from the end")
    look, shown = last[0]
    return _picture(look, shown)


def frames(path: Path, fps: float | None = None) -> Iterator[Image.Image]:
    """Every frame, or those on the screen at 0, 1 / fps, 2 / fps … seconds; one at a time, when it is asked for.

    Raises ClipError for a rate that is none, at once, and as `pictures.decoded`.
    """
    rate = _rate(fps)
    return (_picture(look, shown) for look, shown in _chosen(path, rate))


def frame_array(path: Path, fps: float | None, side: int | None, expected: int) -> np.ndarray[Any, Any]:
    """All of `frames` as one array: frames x height x width x 3, uint8; `side` as for `pictures`, `expected` about how many there are.

    Raises ClipError where that is more than MOST_BYTES, before it is all read, and as `frames`.
    """
    import numpy as np

    rate = _rate(fps)
    if side is not None:
        side = int(_number(side, "the longer side is named in pixels, such as 320"))
        if side < 1:
            raise ClipError(f"the longer side is named in pixels, such as 320, not {side}")
    gathered: np.ndarray[Any, Any] | None = None
    count = 0
    for look, shown in _chosen(path, rate):
        pixels = array(look, shown, side, colour=True)
        if gathered is None:
            room = max(1, expected)
            _bound(path, room * pixels.nbytes)
            gathered = np.empty((room, *pixels.shape), np.uint8)
        if count == len(gathered):
            room = count + max(8, count // 4)
            _bound(path, room * pixels.nbytes)
            gathered = np.concatenate([gathered, np.empty((room - count, *pixels.shape), np.uint8)])
        gathered[count] = pixels
        count += 1
    assert gathered is not None  # else `decoded` has raised
    return gathered[:count]


def _bound(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise ClipError(
            f"all frames of {_named(path)} take {size / 1e9:.1f} GB: ask for fewer (fps=4), for smaller ones (side=320), or for one at a time:"
            " clip.frames()"
        )


def _chosen(path: Path, rate: float | None) -> Iterator[tuple[Look, Any]]:
    """The frames on the screen at each tick of `rate`; the one before is shown until the next one comes."""
    tick, before, shown_at, length = 0, None, 0.0, 0.0
    for now, look, shown in decoded(path):
        if rate is None:
            yield look, shown
            continue
        while before is not None and tick / rate < now - SAME_MOMENT:
            yield before
            tick += 1
        before, length, shown_at = (look, shown), now - shown_at, now
    while before is not None and rate is not None and tick / rate < shown_at + length - SAME_MOMENT:
        yield before
        tick += 1
    if rate is not None and tick == 0 and before is not None:  # a film of one frame
        yield before


def _rate(fps: float | None) -> float | None:
    if fps is None:
        return None
    rate = _number(fps, "fps is frames a second, such as 4")
    if not 0 < rate <= MOST_FPS:
        raise ClipError(f"fps is frames a second, such as 4, up to {MOST_FPS:g}, not {rate:g}")
    return rate


def _number(value: object, what: str) -> float:
    try:
        if isinstance(value, bool | str | bytes):
            raise TypeError
        number = float(operator.index(value)) if hasattr(value, "__index__") else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ClipError(f"{what}, not {one_line(value, 40)!r}")
    return number


def _named(path: Path) -> str:
    return one_line(path.name, 80)


def _picture(look: Look, shown: Any) -> Image.Image:
    """By way of `array`, so that both have the same colours: not every film names its own."""
    from PIL import Image

    return Image.fromarray(array(look, shown, None, colour=True))
