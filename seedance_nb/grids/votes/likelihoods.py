"""How likely each rater's votes are by everybody else's: the others are fitted without them. Pure; numpy.

Everybody else's votes give each answer of a rater a chance: over what they leave open of levels, clips and blocks, and over a taste of
one's own as far from the others as raters' tastes are from each other. The sum of the logarithms of these chances is compared with that
of simulated raters who are like the others and see the same pairs; so honest disagreement about near-equal clips counts for little.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..rankings.mixed_model import Evidence, Levels, Model, effects_of
from ..rankings.strengths import Array, chances

LEAST_OF_OTHERS, LEAST_OWN = 20, 5
"""With fewer votes nothing is said."""
DRAWS = 999


@dataclasses.dataclass(frozen=True)
class Likelihood:
    """Geometric means of the chance of an answer, as given and as raters like the others would give on average; and how rarely they
    would come out as low.
    """

    found: float
    expected: float
    rarity: float


def by_others(evidence: Evidence, levels: Levels, seed: int) -> list[Likelihood | None]:
    """Of each rater by their number in the evidence; None where too few voted. `levels` is what all of them together say."""
    spreads = {name: float(levels.weights @ found) for name, found in levels.spreads.items()}
    effects = [
        dataclasses.replace(effect, spread=spreads.get(effect.name, effect.spread))
        for effect in effects_of(evidence, raters_are_draws=False)
    ]
    if any(effect.spread is None for effect in effects):
        return []
    taste = spreads["rater"] if "rater" in levels.told else 0.0
    of_all = float(evidence.counts.sum())
    found: list[Likelihood | None] = []
    for rater in range(int(evidence.rater.max(initial=-1)) + 1):
        own = evidence.rater == rater
        votes = float(evidence.counts[own].sum())
        if votes < LEAST_OWN or of_all - votes < LEAST_OF_OTHERS:
            found.append(None)
            continue
        others = dataclasses.replace(evidence, counts=np.where(own[:, None], 0.0, evidence.counts))
        rng = np.random.default_rng([seed, rater])
        drawn = Model(others, effects).drawn(DRAWS, rng)
        sides = evidence.item_of[evidence.first[own]], evidence.item_of[evidence.second[own]]
        tastes = taste * rng.normal(size=(DRAWS, evidence.items))
        differences = drawn.differences[:, own] + tastes[:, sides[0]] - tastes[:, sides[1]]
        found.append(_compared(differences, drawn.log_tie, evidence.counts[own], rng))
    return found


def _compared(differences: Array, log_tie: float, counts: Array, rng: np.random.Generator) -> Likelihood:
    """`differences` (draws, rows) are what raters like the others would go by, `counts` (rows, 3) what this one answered."""
    likely = np.stack(chances(differences, log_tie), axis=2)
    logs = np.log(np.maximum(likely.mean(axis=0), 1e-12))
    votes = counts.sum()
    given = float((counts * logs).sum())
    asked = np.maximum(1, counts.sum(axis=1).round().astype(int))
    answers = rng.multinomial(np.broadcast_to(asked, likely.shape[:2]), likely / likely.sum(axis=2, keepdims=True))
    simulated = (answers * logs).sum(axis=(1, 2)) * (votes / asked.sum())
    rarity = (1 + int((simulated <= given + 1e-9).sum())) / (len(simulated) + 1)
    return Likelihood(float(np.exp(given / votes)), float(np.exp(simulated.mean() / votes)), rarity)


def names_of(raters: Sequence[str], found: Sequence[Likelihood | None]) -> dict[str, Likelihood]:
    """By name, of those that are known; raters stand in the evidence in the order of their names."""
    return {name: known for name, known in zip(sorted(set(raters)), found, strict=False) if known is not None}
