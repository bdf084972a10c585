"""Levels of what was measured, clip by clip, instead of voted on: as Gosset did it. Pure, numpy.

A clip's value is its item's level plus its luck, with one spread for all clips. Where items have clips in several blocks (the prompt, where
models are compared), a block's own height is left out, and how an item suits a block counts as luck.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from .strengths import Array


@dataclasses.dataclass(frozen=True)
class Measured:
    """`means` (items,) with `errors` (items,): standard errors by a spread that is known with `freedom` degrees of freedom."""

    means: Array
    errors: Array
    freedom: int

    def above(self, contrasts: Array, bound: float) -> Array:
        """(rows,) how likely each linear combination of the levels is above `bound`, a priori all levels being as likely."""
        errors = np.sqrt(contrasts**2 @ self.errors**2)
        gaps = contrasts @ self.means - bound
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(errors > 0, gaps / errors, np.where(gaps == 0, 0.0, np.copysign(np.inf, gaps)))
        return np.array([student_below(float(t), self.freedom) for t in ratios])


def measured_levels(
    values: Mapping[str, float], item_of: Mapping[str, str], block_of: Mapping[str, str], labels: Sequence[str]
) -> Measured | None:
    """What the values of clips say of their items' levels; None where no spread can be seen in them.

    Blocks that an item has no clip in count for nobody.
    """
    cells: dict[tuple[str, str], list[float]] = {}
    for clip, value in values.items():
        if math.isfinite(value):
            cells.setdefault((item_of[clip], block_of.get(clip, "")), []).append(value)
    blocks = sorted({block for _, block in cells if all((label, block) in cells for label in labels)})
    if not blocks:
        return None
    means = np.array([[np.mean(cells[label, block]) for block in blocks] for label in labels])
    if len(blocks) > 1:
        freedom = (len(labels) - 1) * (len(blocks) - 1)
        strays = means - means.mean(axis=1, keepdims=True) - means.mean(axis=0) + means.mean()
        errors = np.full(len(labels), math.sqrt((strays**2).sum() / freedom / len(blocks)))
        return Measured(means.mean(axis=1), errors, freedom)
    inside = [np.array(cells[label, blocks[0]]) for label in labels]
    freedom = sum(len(found) - 1 for found in inside)
    if freedom < 1:
        return None
    variance = sum(float(((found - found.mean()) ** 2).sum()) for found in inside) / freedom
    return Measured(means[:, 0], np.array([math.sqrt(variance / len(found)) for found in inside]), freedom)


def student_below(t: float, freedom: int) -> float:
    """The share of Student's t below `t`, exactly: the finite sums for whole degrees of freedom (M. Abramowitz, I. A. Stegun, 26.7.3 and .4)."""
    if math.isinf(t):
        return 1.0 if t > 0 else 0.0
    angle = math.atan2(t, math.sqrt(freedom))
    cosine, odd = math.cos(angle), freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for step in range(freedom // 2):
        total += term
        term *= cosine**2 * (2 * step + 1 + odd) / (2 * step + 2 + odd)
    inside = (2 / math.pi) * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
    return (1 + inside) / 2
