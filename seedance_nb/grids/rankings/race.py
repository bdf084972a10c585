"""A race: takes are bought round by round, and what is surely behind gets no more of them. When to drop, and when to end. Pure, numpy.

Who looks after every round and believes each time what one look may believe is wrong far too often: with error / items, a winner is
named of two equals in 16 of 100 races, of the two best of four in 10. So `threshold` is what one look may believe so that in at most `error`
of races all looks together name a winner of two equals, found by simulating those (`CALIBRATING` of them). That is the worst there is:
whatever runs beside two equals, and more than two of them, makes a wrong winner no likelier (simulated up to 50 items). The
threshold is looser in later rounds: as takes^-0.1 in standard errors, with which simulated races ended cheapest (the family of S. K. Wang and
A. A. Tsiatis, Biometrics 43, 1987, with a shape of 0.4).

What races cost and how often they are wrong: `benchmarks/race.py`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from .mixed_model import normal_below
from .strengths import Array

FIRST_TAKES = 2
"""With one there is no telling luck from the prompt."""
MOST_TAKES = 38
"""More are not bought: what so many do not tell apart is apart by little. The thresholds hold up to here."""
GROWTH = 1.25
SHAPE = 0.4
CALIBRATING = 100_000


class Known(Protocol):
    """What is known of levels: (rows,) how likely each linear combination (rows, items) of them is above a bound."""

    def above(self, contrasts: Array, bound: float) -> Array:
        """See the class."""


@dataclasses.dataclass(frozen=True)
class Look:
    """What one look at the standing says. `behind` is how likely each of the others is above the leader, `dropped` who is out now.

    `end` is "winner" (the leader is), "tie" (all who are left are surely within the margin of each other) or None.
    """

    leader: str
    behind: Mapping[str, float]
    dropped: tuple[str, ...]
    end: str | None = None


def takes_of_rounds() -> tuple[int, ...]:
    """How many takes whoever is left has after each round: a quarter more each time, whole ones."""
    takes = [FIRST_TAKES]
    while (more := math.ceil(takes[-1] * GROWTH)) <= MOST_TAKES:
        takes.append(more)
    return tuple(takes)


def look(known: Known, labels: Sequence[str], alive: Sequence[str], *, threshold: float, margin: float | None) -> Look:
    """Who leads of those still racing, who is surely behind, and whether that ends the race.

    `labels` name the items of `known` in order; `margin`, in its unit, is what counts as a tie (None: nothing does).
    """
    place = {label: number for number, label in enumerate(labels)}
    leader = _leader(known, place, alive)
    others = [label for label in alive if label != leader]
    chances = known.above(_contrasts([(place[label], place[leader]) for label in others], len(labels)), 0.0)
    behind = {label: float(chance) for label, chance in zip(others, chances, strict=True)}
    dropped = tuple(label for label in others if behind[label] < threshold)
    left = [label for label in alive if label not in dropped]
    if len(left) == 1:
        return Look(leader, behind, dropped, "winner")
    if margin is not None:
        pairs = [(place[a], place[b]) for a in left for b in left if a != b]
        if bool((known.above(_contrasts(pairs, len(labels)), margin) < threshold / 2).all()):
            return Look(leader, behind, dropped, "tie")
    return Look(leader, behind, dropped)


def threshold(error: float, takes: int) -> float:
    """How unlikely it must be that an item is above the leader, for it to be dropped when those who are left have so many takes each."""
    return float(normal_below(np.array(-_height(error) * _shape(takes))))


# Inside --------------------------------------------------------------------------------------------------


def _shape(takes: float) -> float:
    return float((takes / MOST_TAKES) ** (SHAPE - 0.5))


@functools.lru_cache(maxsize=16)
def _height(error: float) -> float:
    """Standard errors at the last look: what only `error` of the races of two equals ever pass."""
    rng = np.random.default_rng(1987)
    gap, farthest, before = np.zeros(CALIBRATING), np.zeros(CALIBRATING), 0
    for takes in takes_of_rounds():
        gap += math.sqrt(2 * (takes - before)) * rng.standard_normal(CALIBRATING)
        farthest = np.maximum(farthest, np.abs(gap) / math.sqrt(2 * takes) / _shape(takes))
        before = takes
    return float(np.quantile(farthest, 1 - error))


def _leader(known: Known, place: Mapping[str, int], alive: Sequence[str]) -> str:
    """Who is more likely than not above each of the others; of equals the first."""
    leader = alive[0]
    for label in alive[1:]:
        if float(known.above(_contrasts([(place[label], place[leader])], len(place)), 0.0)[0]) > 0.5:
            leader = label
    return leader


def _contrasts(pairs: Sequence[tuple[int, int]], items: int) -> Array:
    rows = np.zeros((len(pairs), items))
    for row, (one, other) in enumerate(pairs):
        rows[row, one], rows[row, other] = 1.0, -1.0
    return rows
