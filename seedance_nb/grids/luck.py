"""Prompt or luck: do items differ by more than the clips of one item do? Pure, numpy.

A clip's strength is its item's, normal around 0 with spread `between`, plus its own luck, normal with spread `within`. For a net
of values of the two spreads the clips' strengths are fitted and the evidence for the spreads computed by Laplace's approximation
(the generalised linear mixed model of N. E. Breslow and D. G. Clayton, J. Am. Stat. Assoc. 88, 1993); half-normal priors keep two
items and two takes from claiming anything. Strengths are then drawn from all of it together, so that what we do not know of
the spreads counts as well. Votes between clips of one item tell of luck too, and are used here.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .ranking import Luck
from .strengths import Array, Prior, Tally, climb, log_likelihood

SPREADS = np.array([0.03, 0.1, 0.18, 0.27, 0.37, 0.5, 0.65, 0.82, 1.02, 1.25, 1.55, 1.9, 2.35, 2.9])
PRIOR_SPREAD = 1.5
"""Log-odds: the scale of the half-normal priors. Two clips 1.5 apart: one is preferred 82 times in 100."""
DRAWS = 4000
LEAST_VOTES_PER_CLIP = 5.0
MOST_CLIPS = 200
"""More would take minutes."""
BLOCK_SPREAD = 2.0
"""Log-odds: how far blocks may lie apart. Wide on purpose: votes within a block say nothing of it."""


def judge_luck(
    tally: Tally, item_of: Sequence[int], items: int, *, block_of: Sequence[int] | None = None, seed: int
) -> Luck:
    """What the votes between clips (one tally, its "items" being clips) say; `item_of` is the item number of each clip.

    `block_of` is the number of what clips of different items have in common: the prompt, where models are compared. What a
    block does to all its clips is then neither the item's doing nor luck.
    """
    clips = len(item_of)
    belongs = _indicators(item_of, items)
    blank = Luck("no takes", clips=clips, clips_per_item=clips / max(1, items))
    if items < 2 or belongs.sum(axis=0).max(initial=0) < 2:
        return blank
    if clips > MOST_CLIPS:
        return replace(blank, verdict="too many clips")
    if 2 * tally.counts.sum() / clips < LEAST_VOTES_PER_CLIP:
        return replace(blank, verdict="too few votes")
    common = np.zeros((clips, clips))
    if block_of is not None and len(set(block_of)) > 1:
        blocks = _indicators(block_of, max(block_of) + 1)
        common = BLOCK_SPREAD**2 * blocks @ blocks.T
    levels, within = _draw(tally, belongs, common, np.random.default_rng(seed))
    between = levels.std(axis=1, ddof=1)
    ratio_low, ratio, ratio_high = np.quantile(between / within, [0.025, 0.5, 0.975])
    p_value = _least_doubt(levels)
    return replace(
        blank,
        verdict="told" if p_value < 0.05 else "not told",
        between=float(np.median(between)),
        within=float(np.median(within)),
        ratio=float(ratio),
        ratio_low=float(ratio_low),
        ratio_high=float(ratio_high),
        p_value=p_value,
    )


def _indicators(group_of: Sequence[int], groups: int) -> Array:
    matrix = np.zeros((len(group_of), groups))
    matrix[np.arange(len(group_of)), list(group_of)] = 1.0
    return matrix


def _draw(tally: Tally, belongs: Array, common: Array, generator: np.random.Generator) -> tuple[Array, Array]:
    """Draws from the posterior: the items' levels (DRAWS, items), and the spread within (DRAWS,)."""
    between, within = (spread.ravel() for spread in np.meshgrid(SPREADS, SPREADS, indexing="ij"))
    clips, items = belongs.shape
    variances = between[:, None, None] ** 2 * (belongs @ belongs.T) + within[:, None, None] ** 2 * np.eye(clips)
    variances += common
    precision = np.linalg.inv(variances)
    prior = Prior()
    strengths, log_tie, hessian = climb(tally, precision, prior)
    evidence = log_likelihood(tally, strengths, log_tie)
    evidence -= np.einsum("ri,rij,rj->r", strengths, precision, strengths) / 2
    evidence -= (log_tie - np.log(prior.tie)) ** 2 / prior.log_tie**2 / 2
    evidence -= (np.linalg.slogdet(variances)[1] + np.linalg.slogdet(hessian)[1]) / 2
    share = np.gradient(SPREADS) * np.exp(-((SPREADS / PRIOR_SPREAD) ** 2) / 2)
    evidence += np.log(np.multiply.outer(share, share)).ravel()
    weight = np.exp(evidence - evidence.max())
    levels, spreads = [], []
    for place, times in enumerate(generator.multinomial(DRAWS, weight / weight.sum())):
        if times:
            clips_drawn = _normal(generator, strengths[place], np.linalg.inv(hessian[place])[:-1, :-1], times)
            back = between[place] ** 2 * belongs.T @ precision[place]
            rest = between[place] ** 2 * (np.eye(items) - back @ belongs)
            levels.append(clips_drawn @ back.T + _normal(generator, np.zeros(items), rest, times))
            spreads.append(np.full(times, within[place]))
    return np.concatenate(levels), np.concatenate(spreads)


def _normal(generator: np.random.Generator, mean: Array, covariance: Array, times: int) -> Array:
    """Draws of a normal vector whose covariance may be singular, or a rounding error away from it."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    noise: Array = generator.normal(size=(times, len(mean))) * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(mean + noise @ vectors.T)


def _least_doubt(levels: Array) -> float:
    """The two-sided tail probability of the pair of items that is told best."""
    order = np.argsort(-levels.mean(axis=0))[[0, -1]]
    pairs = list(itertools.combinations(range(levels.shape[1]), 2)) if levels.shape[1] <= 12 else [tuple(order)]
    wrong = [float(np.mean(levels[:, one] < levels[:, other])) for one, other in pairs]
    return max(1 / len(levels), min(2 * min(share, 1 - share) for share in wrong))
