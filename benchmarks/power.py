"""Power, foretold and seen: studies of simulated votes that are fitted and judged as the real ranking does it.

"One" is the chance to tell the best from one other that was named beforehand, "all" to tell it from all others; ± is the standard error of
what was seen; the budget is 5 points. The designs below the line were chosen after the forecast had its last change, which they had no part in.

`SEEDANCE_STUDIES=500` plays so many studies a design (1,000 otherwise). With `SEEDANCE_STUDIES_FILE=studies.jsonl` what was played is kept there,
and whoever starts it again goes on.

    python -m benchmarks power
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator

import numpy as np

from benchmarks.kept import Kept
from seedance_nb.grids.rankings.mixed_model import Evidence, fit_levels
from seedance_nb.grids.rankings.power import chances, told_by
from seedance_nb.grids.rankings.study import Study

STUDIES = int(os.environ.get("SEEDANCE_STUDIES", "1000"))
TOGETHER = 25
"""So many studies of one design, then of the next: whenever it is stopped, all designs have been played about as often."""
BUDGET = 0.05
DESIGNS = (
    Study(2, 8, 240, 12, 1.8, 0.8, 0.5, 0.2),
    Study(2, 2, 60, 4, 2.5, 0.5, 0.3, 0.3),
    Study(2, 3, 120, 6, 2.0, 0.7, 0.5, 0.2),
    Study(2, 4, 100, 6, 1.5, 0.7, 0.0, 0.2),
    Study(2, 6, 160, 20, 1.2, 0.4, 0.3, 0.0),
    Study(2, 10, 400, 10, 1.0, 0.7, 0.3, 0.3),
    Study(2, 5, 80, 3, 2.0, 0.5, 0.3, 0.5),
    Study(3, 3, 120, 6, 2.5, 0.7, 0.5, 0.2),
    Study(3, 6, 300, 10, 1.0, 0.5, 0.3, 0.4),
    Study(3, 4, 200, 8, 1.8, 0.7, 0.5, 0.2),
    Study(3, 8, 300, 12, 1.4, 0.7, 0.5, 0.6),
    Study(3, 2, 240, 6, 2.5, 0.3, 0.3, 0.1),
    Study(4, 4, 240, 8, 1.8, 0.7, 0.5, 0.2),
    Study(4, 6, 400, 12, 1.4, 0.5, 0.5, 0.2),
    Study(4, 3, 160, 5, 2.5, 0.5, 0.3, 0.0),
    Study(6, 4, 400, 8, 2.2, 0.7, 0.5, 0.1),
    Study(6, 6, 600, 10, 1.6, 0.5, 0.3, 0.2),
    Study(8, 4, 500, 10, 2.0, 0.5, 0.3, 0.2),
    Study(2, 3, 300, 8, 1.5, 0.5, 0.3, 0.2, blocks=6, suits=0.5),
    Study(2, 2, 300, 8, 1.5, 0.5, 0.3, 0.2, blocks=8, suits=0.5),
    Study(3, 1, 360, 8, 1.8, 0.5, 0.3, 0.2, blocks=8, suits=0.3),
)
NEW = (
    Study(2, 4, 150, 8, 1.6, 0.6, 0.4, 0.1),
    Study(2, 2, 200, 6, 2.0, 0.4, 0.5, 0.4),
    Study(3, 5, 180, 6, 2.2, 0.8, 0.4, 0.2),
    Study(4, 8, 500, 16, 1.2, 0.6, 0.4, 0.3),
    Study(5, 3, 300, 6, 2.4, 0.6, 0.3, 0.2),
    Study(5, 6, 450, 12, 1.6, 0.7, 0.4, 0.1),
    Study(7, 5, 600, 9, 1.9, 0.6, 0.4, 0.3),
    Study(10, 4, 900, 12, 1.8, 0.4, 0.4, 0.2),
    Study(2, 2, 240, 6, 1.8, 0.5, 0.4, 0.2, blocks=5, suits=0.4),
    Study(4, 1, 480, 10, 1.6, 0.5, 0.3, 0.1, blocks=6, suits=0.4),
)
"""Nobody looked at these before."""


def run() -> Iterator[str]:
    kept = Kept(os.environ.get("SEEDANCE_STUDIES_FILE"))
    for first in range(0, STUDIES, TOGETHER):
        for study in (*DESIGNS, *NEW):
            for number in range(first, min(first + TOGETHER, STUDIES)):
                kept.once((repr(study), number), tells, study, number)
    yield f"{'items x takes x blocks, votes by raters, gap, luck, taste, ties':<66}{'one: foretold, seen':>24}{'all: foretold, seen':>24}"
    missed = list[float]()
    for place, study in enumerate((*DESIGNS, *NEW)):
        if place == len(DESIGNS):
            yield "-" * 110
        found = np.array([kept[repr(study), number] for number in range(STUDIES)])
        (one, every), known = found.mean(axis=0), chances(study, draws=8000)
        missed.append(max(abs(known.one - one), abs(known.all - every)))
        name = (
            f"{study.items} x {study.takes} x {study.blocks}, {study.votes} by {study.raters}, gap {study.gap}, "
            f"{study.luck}, {study.taste}, {study.ties:.0%}"
        )
        yield f"{name:<66}{_pair(known.one, one):>24}{_pair(known.all, every):>24}"
    for name, some in (("these", missed[: len(DESIGNS)]), ("new ones", missed[len(DESIGNS) :])):
        root = math.sqrt(sum(miss**2 for miss in some) / len(some))
        within = sum(round(miss, 3) <= BUDGET for miss in some)
        yield (
            f"within {100 * BUDGET:.0f} points in {within} of {len(some)} of {name}; missed by {100 * root:.1f} "
            f"(root of mean square of the farther one), {100 * max(some):.1f} at most"
        )
    yield f"{STUDIES} studies a design"


def tells(study: Study, number: int) -> tuple[bool, bool]:
    """Whether study number so and so tells the best from one other, and from all others."""
    place = (*DESIGNS, *NEW).index(study)
    one, every = _tells(study, np.random.default_rng([77, place, number]))
    return bool(one), bool(every)


def _tells(study: Study, rng: np.random.Generator) -> tuple[bool, bool]:
    levels = fit_levels(cast(study, rng))
    contrasts = np.array(list(_differences(study.items)))
    told = told_by(levels.doubts(contrasts)[None])[0][: study.items - 1]
    is_above = (contrasts @ levels.strengths)[: study.items - 1] > 0
    return bool((told & is_above)[0]), bool((told & is_above).all())


def cast(study: Study, rng: np.random.Generator) -> Evidence:
    """The votes of one such study: random pairs within a block, raters in turn."""
    items, blocks, takes, raters = study.items, study.blocks, study.takes, study.raters
    item_of, block_of = np.repeat(np.arange(items), blocks * takes), np.tile(np.repeat(np.arange(blocks), takes), items)
    levels = np.zeros(items)
    levels[0] = study.gap
    suits = rng.normal(0, study.suits if blocks > 1 else 0.0, (items, blocks))
    clips = levels[item_of] + suits[item_of, block_of] + rng.normal(0, study.luck, len(item_of))
    tastes = rng.normal(0, study.taste, (raters, items))
    one = rng.integers(0, items, study.votes)
    other = (one + rng.integers(1, items, study.votes)) % items
    block = rng.integers(0, blocks, study.votes)
    left, right = ((item * blocks + block) * takes + rng.integers(0, takes, study.votes) for item in (one, other))
    rater = np.arange(study.votes) % raters
    x = clips[left] + tastes[rater, one] - clips[right] - tastes[rater, other]
    weights = np.stack([np.exp(x / 2), np.exp(-x / 2), np.full(study.votes, 2 * study.ties / (1 - study.ties))])
    draw = rng.random(study.votes) * weights.sum(axis=0)
    answer = (draw[None] >= np.cumsum(weights, axis=0)[:2]).sum(axis=0)
    is_turned = left > right
    first, second = np.where(is_turned, right, left), np.where(is_turned, left, right)
    answer = np.where(is_turned & (answer < 2), 1 - answer, answer)
    rows, place = np.unique((first * len(item_of) + second) * raters + rater, return_inverse=True)
    counts = np.zeros((len(rows), 3))
    np.add.at(counts, (place, answer), 1.0)
    pair = rows // raters
    return Evidence(pair // len(item_of), pair % len(item_of), rows % raters, counts, item_of, block_of, items)


def _differences(items: int) -> Iterator[np.ndarray]:
    """The best against each other first."""
    for one, other in itertools.combinations(range(items), 2):
        row = np.zeros(items)
        row[one], row[other] = 1.0, -1.0
        yield row


def _pair(foretold: float, was_seen: float) -> str:
    error = math.sqrt(was_seen * (1 - was_seen) / STUDIES)
    return f"{100 * foretold:.0f}, {100 * was_seen:.0f} ± {100 * error:.1f} %"
