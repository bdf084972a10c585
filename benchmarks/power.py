"""Power, foretold and seen: 21 designs, each with 250 studies of simulated votes that the real ranking judges.

"One" is the chance to tell the best from one other that was named beforehand, "all" to tell it from all others. A share of 250 studies
is known to within 3 points (one standard error); the budget is 5 points, so a line or two may miss it by chance.

    python -m benchmarks power
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from benchmarks.vote_coverage import Design, Truth
from seedance_nb.grids.rankings.power import chances
from seedance_nb.grids.rankings.study import Study
from seedance_nb.grids.rankings.verdicts import Verdict, of_levels
from seedance_nb.grids.votes.votes import levels_of

STUDIES = 250
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


def run() -> Iterator[str]:
    yield f"{'items x takes x blocks, votes by raters, gap, luck, taste, ties':<66}{'one: foretold, seen':>22}{'all: foretold, seen':>22}"
    missed: list[float] = []
    for study in DESIGNS:
        foretold, (one, every) = chances(study, draws=8000), seen(study, STUDIES)
        missed += [abs(foretold.one - one), abs(foretold.all - every)]
        name = (
            f"{study.items} x {study.takes} x {study.blocks}, {study.votes} by {study.raters}, gap {study.gap}, "
            f"{study.luck}, {study.taste}, {study.ties:.0%}"
        )
        yield f"{name:<66}{_pair(foretold.one, one):>22}{_pair(foretold.all, every):>22}"
    root = math.sqrt(sum(miss**2 for miss in missed) / len(missed))
    yield f"missed by {100 * root:.1f} points (root of mean square), {100 * max(missed):.1f} at most"


def seen(study: Study, studies: int) -> tuple[float, float]:
    """The shares of so many studies of votes in which the best was told from one other, and from all others."""
    design = Design(
        "",
        [study.gap, *[0.0] * (study.items - 1)],
        takes=study.takes,
        blocks=study.blocks,
        raters=study.raters,
        votes=study.votes,
        take=study.luck,
        product=study.suits if study.blocks > 1 else 0.0,
        taste=study.taste,
        ties=2 * study.ties / (1 - study.ties),
    )
    generator = random.Random(1952)
    verdicts = [_verdict(Truth(design, design.levels, generator)) for _ in range(studies)]
    one = sum(any(pair.told and (pair.a, pair.b) == ("a", "b") for pair in verdict.pairs) for verdict in verdicts)
    return one / studies, sum(verdict.winner == "a" for verdict in verdicts) / studies


def _verdict(truth: Truth) -> Verdict:
    """What `rank` says of who is better, without all else that it says."""
    truth.cast(truth.design.votes)
    blocks = truth.block_of if truth.design.blocks > 1 else {}
    labels, levels = levels_of(truth.votes, truth.group_of, blocks, aspect="overall", of="levels")
    assert levels is not None, "so few clips are always judged"
    return of_levels(levels, labels, len(truth.votes), raters_are_draws=True)


def _pair(foretold: float, was_seen: float) -> str:
    return f"{100 * foretold:.0f}, {100 * was_seen:.0f} %"
