"""Where a clip is cut, for those who count cuts and those who must not be misled by them. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

CUT, CUT_RATIO, NEIGHBOURS = 0.35, 2.5, 4
"""A cut changes more than this share of what an unrelated picture would, and so many times more than the steps around it."""
COARSE = 5
"""Pixels of the small picture (160 long) that are one here."""


def cut_steps(pictures: Sequence[np.ndarray[Any, Any]]) -> list[int]:
    """The numbers of the pictures with which a new shot begins; each picture is freed of its brightness and contrast first."""
    import numpy as np

    looks = []
    for picture in pictures:
        light = block_means(picture, COARSE)
        looks.append((light - light.mean()) / max(light.std(), 2.0))
    # Of two unrelated pictures of mean 0 and deviation 1 the mean square difference is 2.
    steps = np.sqrt(np.array([((b - a) ** 2).mean() for a, b in itertools.pairwise(looks)]) / 2)
    found = []
    for i, step in enumerate(steps):
        around = np.delete(steps[max(0, i - NEIGHBOURS) : i + NEIGHBOURS + 1], min(i, NEIGHBOURS))
        if step > CUT and step > CUT_RATIO * (np.median(around) if len(around) else 0.0):
            found.append(i + 1)
    return found


def block_means(picture: np.ndarray[Any, Any], block: int) -> np.ndarray[Any, Any]:
    """The mean of each whole block; of a picture smaller than a block, that of the picture."""
    import numpy as np

    down, across = picture.shape[0] // block, picture.shape[1] // block
    if not (down and across):
        return np.array([[picture.mean()]])
    cut = picture[: down * block, : across * block].astype(np.float64)
    means: np.ndarray[Any, Any] = cut.reshape(down, block, across, block).mean(axis=(1, 3))
    return means
