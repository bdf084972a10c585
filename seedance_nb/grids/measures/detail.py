"""How sharp and how clean the pictures of a clip are, looked at in full size, four a second."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...clips.pictures import pictures
from .shots import block_means

if TYPE_CHECKING:
    import numpy as np

SMEAR = 9
"""Pixels that are smeared together to see how much sharpness there was to lose."""
BLOCK = 16
EVERY = 0.25
QUIETEST = 0.2
"""Noise is read where the picture has the least texture: at this quantile of its blocks."""


def blur(path: Path) -> float:
    """How blurred the pictures are: 0 (sharp) to 1 (blurred), mean over pictures.

    Crété-Roffet et al., *The blur effect*, 2007: how little a picture changes when it is smeared once more, the worse of across and down.
    Depends on the size in pixels: compare clips of one resolution. Lowered wrongly by noise (it looks sharp), and raised by quick motion
    and by flat scenes without edges.
    """
    return _mean(max(_smeared(light, 0), _smeared(light, 1)) for light in _full(path))


def noise(path: Path) -> float:
    """How noisy the pictures are: the standard deviation of the noise, in levels of 255, mean over pictures.

    Immerkær, *Fast noise variance estimation*, 1996, a block of 16 x 16 pixels at a time; of the blocks, the one a fifth of the way from
    the quietest, so that texture hardly counts. H.264 packs weak noise away, and then it is not there. Lowered by blur and clipping, raised by a
    picture that is fine texture everywhere and by contrast.
    """
    import numpy as np

    found = []
    for light in _full(path):
        if min(light.shape) < 3:
            raise ValueError("noise needs pictures of 3 x 3 pixels or more")
        across = light[:, :-2] - 2 * light[:, 1:-1] + light[:, 2:]
        both = across[:-2] - 2 * across[1:-1] + across[2:]
        deviations = block_means(np.abs(both), BLOCK) * (math.sqrt(math.pi / 2) / 6)
        lightness = block_means(light[1:-1, 1:-1], BLOCK)
        shaded = deviations[(lightness > 8) & (lightness < 247)]  # what is clipped has no noise to see
        found.append(float(np.quantile(shaded, QUIETEST)) if len(shaded) else 0.0)
    return float(np.mean(found))


def _smeared(light: np.ndarray[Any, Any], axis: int) -> float:
    import numpy as np

    if light.shape[axis] <= SMEAR:
        raise ValueError(f"blur needs pictures of more than {SMEAR} x {SMEAR} pixels")
    light = light if axis == 0 else light.T
    sums = np.cumsum(np.insert(light, 0, 0, axis=0), axis=0)
    smeared = (sums[SMEAR:] - sums[:-SMEAR]) / SMEAR
    sharp = np.abs(np.diff(light, axis=0))[SMEAR // 2 : -(SMEAR // 2)]
    lost = np.maximum(0, sharp - np.abs(np.diff(smeared, axis=0)))
    there = float(sharp.sum())
    return (there - float(lost.sum())) / there if there else 1.0


def _full(path: Path) -> Any:
    import numpy as np

    return (light.astype(np.float64) for _, light in pictures(path, None, every=EVERY))


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)
