"""Honest intervals: how often the 95 % intervals of a ranking hold the strengths that the votes were simulated from.

500 studies a design. The last columns: how often a winner is claimed at all, and how often a wrong one is.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from seedance_nb.grids.votes import rank
from seedance_nb.jobs.vote import Choice, Vote

STUDIES = 500
DESIGNS: tuple[tuple[Sequence[float], int, float], ...] = (
    ((0, 0), 20, 0.3),
    ((0, 0.6), 60, 0.4),
    ((-1, 0, 1), 24, 0.5),
    ((0, 0, 0), 60, 0.2),
    ((-1, 0, 1), 60, 0.5),
    ((-0.5, 0, 0.2, 0.3), 120, 0.3),
    ((-2, 0, 1, 2), 120, 1.3),
    ([n / 4 - 1 for n in range(9)], 200, 0.3),
    ([n / 2 - 2 for n in range(9)], 200, 1.3),
)


def run() -> Iterator[str]:
    yield f"{'items':>5}{'votes':>7}{'spread':>8}{'ties':>7}{'held':>9}{'budget':>10}{'winner':>9}{'wrong':>8}"
    for truth, votes, tie in DESIGNS:
        yield _line(truth, votes, tie)


def _line(truth: Sequence[float], votes: int, tie: float) -> str:
    generator = random.Random(1952)
    middle = sum(truth) / len(truth)
    known = {f"i{n}": value - middle for n, value in enumerate(truth)}
    held, ties, winners, wrong = [], 0, 0, 0
    for _ in range(STUDIES):
        cast = [_vote(generator, number, known, tie) for number in range(votes)]
        ranking = rank(cast, {name: name for name in known}, resamples=399)
        held += [item.low <= known[item.label] <= item.high for item in ranking.items if ranking.is_enough]
        ties += sum(vote.choice is Choice.TIE for vote in cast)
        winners += ranking.winner is not None
        wrong += ranking.winner is not None and not all(
            known[ranking.winner] > value for name, value in known.items() if name != ranking.winner
        )
    spread = max(truth) - min(truth)
    return (
        f"{len(truth):>5}{votes:>7}{spread:>8.1f}{100 * ties / votes / STUDIES:>5.0f} %{100 * sum(held) / len(held):>7.1f} %"
        f"{'93-97 %':>10}{100 * winners / STUDIES:>7.1f} %{100 * wrong / STUDIES:>6.1f} %"
    )


def _vote(generator: random.Random, number: int, known: dict[str, float], tie: float) -> Vote:
    left, right = generator.sample(sorted(known), 2)
    half = (known[left] - known[right]) / 2
    weights = [math.exp(half), math.exp(-half), tie]
    choice = generator.choices([Choice.LEFT, Choice.RIGHT, Choice.TIE], weights)[0]
    return Vote(f"v{number}", "a rater", "overall", left, right, choice, float(number))
