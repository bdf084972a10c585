"""How a clip moves: how fast, where it stands still, where it is cut, how it meets its own beginning, how far another take is from it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...clips.pictures import pictures
from .light import BLOCK, PERCENT
from .shots import block_means, cut_steps

if TYPE_CHECKING:
    import numpy as np

ORDINARY = 45.0
"""Levels of 255 by which the light of an ordinary picture strays; all are brought to that before blocks are looked for."""
TEXTURED = 3.0
"""Levels of 255 by which the light of a block must stray for its motion to be seen."""
STANDS_STILL = 0.9
"""A block moves only if it is found elsewhere with less than this share of the difference it has where it was: noise finds itself anywhere."""
HELD = 1.0
"""Levels of 255 by which no block's light may change, pixel by pixel, in a picture that is held."""
MOMENTS = 24
"""At so many moments of their length two takes are compared."""


def motion(path: Path) -> float:
    """How fast things move: mean speed of what has texture, in % of the picture's diagonal a second (0 to about 300).

    Vectors of 16 x 16 blocks of the picture at 160 pixels, found by block matching in three sizes from coarse to fine (Bierling 1988),
    with half a bias for standing still. Camera and things alike. Lowered by blur, by held pictures and by what moves farther than a sixth of the
    picture between two pictures; strong noise disturbs it. Steps at cuts are left out.
    """
    import numpy as np

    seen = list(pictures(path))
    cut = set(cut_steps([picture for _, picture in seen]))
    speeds = []
    for number, ((then, before), (now, after)) in enumerate(itertools.pairwise(seen), 1):
        if number not in cut and now > then:
            steps = _vectors(_level(before), _level(after))
            if len(steps):
                speeds.append(steps.mean() / math.hypot(*before.shape) / (now - then))
    return 100 * float(np.mean(speeds)) if speeds else 0.0


def freeze(path: Path) -> float:
    """How much of the time the picture stands still: steps from one picture to the next in which nothing changes, 0 to 100 % of them.

    Nothing changes where no 16 x 16 block of the picture at 160 pixels changes by 1 of 255 levels (mean of its pixels). Held pictures
    (12 drawn a second shown at 24) count; so does a scene in which nothing happens. Noise hides a freeze unless it freezes too.
    """
    import numpy as np

    held, before = [], None
    for _, picture in pictures(path):
        light = picture.astype(np.float32)
        if before is not None:
            held.append(bool(block_means(np.abs(light - before), BLOCK).max() < HELD))
        before = light
    return 100 * float(np.mean(held)) if held else 0.0


def cuts(path: Path) -> float:
    """How many hard cuts there are, 0 upwards.

    A cut is a step after which the picture (32 pixels long, freed of its brightness and contrast) differs from the one before by more than
    0.35 of what unrelated pictures differ, and 2.5 times more than the steps around it do, as in PySceneDetect's adaptive detector.
    Fades are no cuts. A flash of noise or a whip of the camera may count; a cut between much alike scenes may not.
    """
    return float(len(cut_steps([picture for _, picture in pictures(path)])))


def seam(path: Path) -> float:
    """How far the clip jumps where it begins again in a loop: 0 (no more than any other step) to 100 % of light.

    Mean difference of light between the last picture and the first, at 160 pixels, less that of an ordinary step (the median). Raised by
    anything that makes first and last picture differ, a fade too; noise is in both terms and cancels.
    """
    import numpy as np

    steps, first, before = [], None, None
    for _, picture in pictures(path):
        light = picture.astype(np.float32)
        if before is not None:
            steps.append(np.abs(light - before).mean())
        first, before = (light if first is None else first), light
    if not steps:
        raise ValueError("a seam needs 2 pictures or more, and the clip has one")
    assert first is not None
    assert before is not None
    return max(0.0, float(np.abs(before - first).mean() - np.median(steps))) * PERCENT


def difference(path: Path, others: Sequence[Path]) -> float:
    """How far a take is from the other takes of the same request: 0 (the same pictures) to 100 % of red, green and blue.

    Mean difference of pixels at 32 pixels of length, at 24 moments of the clips' lengths, mean over the other takes. Sees light, colour and
    place of things, not what they are; speed, light and colour of one take alone move it too. Needs a second take.
    """
    import numpy as np

    if not others:
        raise ValueError("there is no other take to compare with: grid.extend(takes=2) makes one")
    own = _moments(path)
    found = []
    for other in others:
        theirs = _moments(other)
        if theirs.shape != own.shape:
            raise ValueError(
                f"the takes have different shapes: {own.shape[2]} x {own.shape[1]} and {theirs.shape[2]} x {theirs.shape[1]}"
            )
        found.append(np.abs(own - theirs).mean())
    return float(np.mean(found)) * PERCENT


def _moments(path: Path) -> np.ndarray[Any, Any]:
    import numpy as np

    every = [picture for _, picture in pictures(path, 32, colour=True)]
    chosen = np.linspace(0, len(every) - 1, MOMENTS).round().astype(int)
    return np.array([every[i] for i in chosen], dtype=np.float32)


# Block vectors ------------------------------------------------------------------------------------


def _level(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Freed of its brightness and contrast, so that light that flickers moves nothing."""
    import numpy as np

    light = picture.astype(np.float32)
    level: np.ndarray[Any, Any] = (light - light.mean()) * (ORDINARY / max(float(light.std()), 4.0))
    return level


def _vectors(before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """How far each textured block went, in pixels."""
    import numpy as np

    down, across = before.shape[0] // BLOCK, before.shape[1] // BLOCK
    if not (down and across):
        return np.zeros(0)
    before, after = before[: down * BLOCK, : across * BLOCK], after[: down * BLOCK, : across * BLOCK]
    steps = np.zeros((down, across, 2), int)
    # Quarter size: everywhere within a sixth of the length. Windows of 3 x 3 blocks, for a block has 4 x 4 pixels there.
    for shrink, reach, spread in ((4, 6, 1), (2, 2, 1), (1, 2, 0)):
        small, next_small = _shrunk(before, shrink), _shrunk(after, shrink)
        steps = _refined(small, next_small, 2 * steps if shrink < 4 else steps, BLOCK // shrink, reach, spread)
    own = _blocks(before, BLOCK)
    stayed, went = (
        np.abs(_patches(after, where, BLOCK, 0) - own).mean(axis=(2, 3)) for where in (np.zeros_like(steps), steps)
    )
    lengths = np.where(went < STANDS_STILL * stayed, np.hypot(steps[..., 0], steps[..., 1]), 0.0)
    textured = own.std(axis=(2, 3)) > TEXTURED
    found: np.ndarray[Any, Any] = lengths[textured]
    return found


def _refined(before: Any, after: Any, steps: Any, block: int, reach: int, spread: int) -> Any:
    """The best step of each block within `reach` pixels of the one it has; `spread` has the blocks around it speak too."""
    import numpy as np

    own, around = _blocks(before, block), _patches(after, steps, block, reach)
    best = np.full(steps.shape[:2], np.inf)
    chosen = steps.copy()
    reached = range(-reach, reach + 1)
    for y, x in sorted(((y, x) for y in reached for x in reached), key=lambda step: math.hypot(*step)):
        found = around[..., reach + y : reach + y + block, reach + x : reach + x + block]
        worth = np.abs(found - own).mean(axis=(2, 3))
        if spread:
            padded = np.pad(worth, 1, mode="edge")
            worth = sum(padded[i : i + worth.shape[0], j : j + worth.shape[1]] for i in range(3) for j in range(3)) / 9
        better = worth < best - 1e-6  # of equals the shortest step
        best[better], chosen[better] = worth[better], steps[better] + (y, x)
    return chosen


def _blocks(picture: Any, block: int) -> Any:
    """Down x across x block x block."""
    down, across = picture.shape[0] // block, picture.shape[1] // block
    return picture.reshape(down, block, across, block).swapaxes(1, 2)


def _patches(picture: Any, steps: Any, block: int, more: int) -> Any:
    """What lies its step away from each block, and `more` pixels around it; what is outside of the picture is its edge."""
    import numpy as np

    down, across = steps.shape[:2]
    inside = np.arange(-more, block + more)
    rows = inside + block * np.arange(down)[:, None, None] + steps[..., 0, None]
    columns = inside + block * np.arange(across)[None, :, None] + steps[..., 1, None]
    rows, columns = rows.clip(0, picture.shape[0] - 1), columns.clip(0, picture.shape[1] - 1)
    return picture[rows[..., :, None], columns[..., None, :]]


def _shrunk(picture: Any, by: int) -> Any:
    return (
        picture
        if by == 1
        else picture.reshape(picture.shape[0] // by, by, picture.shape[1] // by, by).mean(axis=(1, 3))
    )
