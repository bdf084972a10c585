"""What light and colour of a clip do: how bright, how wide, how steady. Light is 0 to 100 % of what a screen can show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...clips.pictures import pictures
from .shots import block_means, cut_steps

PERCENT = 100 / 255
BLOCK = 16
"""Pixels of a block of the small picture, which is 160 pixels long."""
DARKEST, BRIGHTEST = 3, 252
"""Light that is as good as black or white: packing into H.264 moves it by a level or two."""
LONGEST_SWING, SHORTEST_SWING = 2.0, 0.125
"""Seconds of one swing of a pulse; what is quicker is flicker."""


def exposure(path: Path) -> float:
    """How bright the clip is: the mean light of all pictures, 0 (black) to 100 (white) %.

    Plain mean of BT.709 luma. Moved by everything that makes a picture lighter or darker: also what is shown, not only how.
    """
    return float(_mean(picture.mean() for _, picture in pictures(path)) * PERCENT)


def contrast(path: Path) -> float:
    """How far light strays within a picture: its standard deviation, mean over all pictures, 0 to 50 % of light.

    Root-mean-square contrast (Peli, *Contrast in complex images*, 1990). Lowered a little by blur, raised by noise; black bars raise it.
    """
    return float(_mean(picture.std() for _, picture in pictures(path)) * PERCENT)


def clipping(path: Path) -> float:
    """How much of the picture has lost its shades: the share of pixels that are black or white, 0 to 100 %.

    Pixels of light up to 3 or from 252 of 255, four pictures a second at full size. A black night and black bars count too.
    """
    return 100 * float(
        _mean(((light <= DARKEST) | (light >= BRIGHTEST)).mean() for _, light in pictures(path, None, every=0.25))
    )


def colourfulness(path: Path) -> float:
    """How colourful the clip is: 0 (grey) to about 110 (extremely colourful), mean over four pictures a second.

    Metric M3 of Hasler and Süsstrunk, *Measuring colourfulness in natural images*, 2003. Raised by contrast and brightness too.
    """
    import numpy as np

    found = []
    for _, picture in pictures(path, colour=True, every=0.25):
        red, green, blue = np.moveaxis(picture.astype(np.float64), 2, 0)
        one, other = red - green, (red + green) / 2 - blue
        found.append(np.hypot(one.std(), other.std()) + 0.3 * np.hypot(one.mean(), other.mean()))
    return float(np.mean(found))


def flicker(path: Path) -> float:
    """How far light jumps to and fro from picture to picture: 0 to 100 % of light.

    Second difference over time of the light of blocks (a tenth of the picture's length), a quarter of it, so that light that goes A up
    and A down in turn gives A; median over blocks, mean over time without the wildest tenth. What rises or falls evenly gives 0, and
    steps at cuts are left out. Moved wrongly by quick or jerky motion and by held pictures; hardly by noise. Needs 3 pictures.
    """
    import numpy as np

    seen = [picture for _, picture in pictures(path)]
    if len(seen) < 3:
        raise ValueError(f"flicker needs 3 pictures or more, and the clip has {len(seen)}")
    blocks = np.array([block_means(picture, BLOCK).ravel() for picture in seen])
    jumps = np.median(np.abs(np.diff(blocks, 2, axis=0)), axis=1) / 4
    cut = cut_steps(seen)
    jumps = np.delete(jumps, [i for at in cut for i in (at - 2, at - 1) if 0 <= i < len(jumps)])
    if not len(jumps):
        raise ValueError("the clip is cut so often that nothing can be said of its flicker")
    calm = np.sort(jumps)[: max(1, int(np.ceil(0.9 * len(jumps))))]
    return float(calm.mean() * PERCENT)


def pulse(path: Path) -> float:
    """How strongly light swells and ebbs in one rhythm: the amplitude of the strongest one, 0 to 50 % of light.

    Least-squares sines (Lomb-Scargle) through the mean light of each picture, less a parabola and a step at each cut; swings of 0.125 to 2 s. Moved wrongly
    by whatever moves in a rhythm (steps, waves) and, in short clips, by flicker. Needs 0.8 s and 12 pictures.
    """
    import numpy as np

    read = list(pictures(path))
    at, light = np.array([seconds for seconds, _ in read]), np.array([picture.mean() for _, picture in read])
    lasts = at[-1] - at[0]
    if len(at) < 12 or lasts < 0.75:
        raise ValueError(f"pulse needs 12 pictures over 0.8 s or more, and the clip has {len(at)} over {lasts:.2g} s")
    steady = np.polynomial.polynomial.polyvander((at - at[0]) / lasts * 2 - 1, 2)
    shots = [np.arange(len(at)) >= cut for cut in cut_steps([picture for _, picture in read])]
    steady = np.column_stack([steady, *shots])  # another shot is as bright as it is
    light = light - steady @ np.linalg.lstsq(steady, light, rcond=None)[0]
    fastest = min(1 / SHORTEST_SWING, 0.45 * (len(at) - 1) / lasts)
    strongest = 0.0
    for rate in np.arange(max(1 / LONGEST_SWING, 1.5 / lasts), fastest, 0.1 / lasts):
        swing = np.column_stack([np.cos(2 * np.pi * rate * at), np.sin(2 * np.pi * rate * at)])
        swing -= steady @ np.linalg.lstsq(steady, swing, rcond=None)[0]
        parts = np.linalg.lstsq(swing, light, rcond=None)[0]
        # What a parabola has taken away from a slow swing must not be made up for: no more than is there.
        strongest = max(strongest, min(float(np.hypot(*parts)), float(np.sqrt(2) * (swing @ parts).std())))
    return strongest * PERCENT


def _mean(values: Any) -> Any:
    import numpy as np

    return np.mean(list(values))
