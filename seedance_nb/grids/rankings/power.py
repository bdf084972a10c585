"""Before a credit is spent: how likely a study of some size is to tell what is there. Pure, numpy.

A study is drawn some thousand times, not vote by vote but by what its votes would add up to. Where items are shown equally often, the
estimate of a difference of two levels strays around the truth with the variance

    2 luck^2 / takes + 2 taste^2 / raters + what the votes leave open

the last of which comes from the information of one vote on a log-odds (R. R. Davidson, J. Am. Stat. Assoc. 65, 1970: for equals a
quarter of the share that are no ties; about 4 (items - 1) / (votes (1 - ties)) in all). How far clips of one item and raters stray, the study learns
from its own clips and raters, with as many degrees of freedom as it has of them. Each drawn study is then judged as
`verdicts.of_levels` judges real votes: the same spreads that may be, the same priors, the same correction for many pairs.

How near that comes to studies of real votes: `benchmarks/power.py`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import numpy.typing as npt

from .mixed_model import COARSE, LATTICE, LEVEL_SPREAD, NEGLIGIBLE, PRIOR_SPREAD, normal_below
from .strengths import Array
from .study import Study
from .verdicts import WRONG

DRAWS = 2000
FLATTENED = 0.5 * (16 * math.sqrt(3) / (15 * math.pi)) ** 2
"""What the votes leave open of luck and tastes flattens the curve they are fitted with, and so shrinks the levels (S. L. Zeger, K.-Y. Liang,
P. S. Albert, Biometrics 44, 1988, for effects of which nothing is known); half of it is what 21 simulated designs show."""


@dataclasses.dataclass(frozen=True)
class Chances:
    """How likely the best is told from `one` other that was chosen beforehand, and from `all` others, so that it wins."""

    one: float
    all: float


@dataclasses.dataclass(frozen=True)
class _Spread:
    """One of the spreads that a study has to learn: what it truly is, over how many of its numbers a level averages, the variance
    with which votes blur each of them, and with how many degrees of freedom it is learned. `clips`: each of its numbers is seen through
    the luck of so many clips, which has to be learned too (0: through none).
    """

    true: float
    averaged: int
    blur: float
    freedom: int
    clips: int = 0


def chances(study: Study, *, draws: int = DRAWS, seed: int = 0) -> Chances:
    """How likely this study tells what is there. Both are 0 where it can tell nothing: one item, one rater, one clip of each item."""
    if study.items < 2 or study.takes * study.blocks < 2 or study.raters < 2 or study.votes < 1:
        return Chances(0.0, 0.0)
    rng = np.random.default_rng(seed)
    open_by_votes, worth = _left_open(study)
    spreads = _spreads(study, worth)

    # Draw what the studies find.
    strays = sum(spread.true**2 / spread.averaged for spread in spreads)
    blurs = [spread.blur + (study.luck**2 / spread.clips if spread.clips else 0.0) for spread in spreads]
    unresolved = 2 * sum(
        spread.true**2 * blur / (spread.true**2 + blur) for spread, blur in zip(spreads, blurs, strict=True)
    )
    levels = np.zeros(study.items)
    levels[0] = study.gap
    root = np.linalg.cholesky(open_by_votes + (strays + 1e-12) * np.eye(study.items))
    seen = (levels + rng.normal(size=(draws, study.items)) @ root.T) / math.sqrt(1 + FLATTENED * unresolved)

    # What each of them then believes of its spreads.
    lattice = LATTICE if len(spreads) < 2 else COARSE
    log_shares = np.log(np.gradient(lattice)) - (lattice / PRIOR_SPREAD) ** 2 / 2
    points = np.array(list(itertools.product(range(len(lattice)), repeat=len(spreads))))
    logs, strays_tried = np.zeros((draws, len(points))), np.zeros(len(points))
    for place, spread in enumerate(spreads):
        tried = lattice[points[:, place]] ** 2
        found = (spread.true**2 + blurs[place]) * rng.chisquare(spread.freedom, draws) / spread.freedom
        # Whoever believes in much luck believes in little else: the two are learned from the same clips.
        expected = tried + spread.blur + (lattice[points[:, place + 1]] ** 2 / spread.clips if spread.clips else 0.0)
        logs += log_shares[points[:, place]] - spread.freedom * (np.log(expected) + found[:, None] / expected) / 2
        strays_tried += tried / spread.averaged
    logs -= logs.max(axis=1, keepdims=True)
    weights = np.where(logs > -NEGLIGIBLE, np.exp(logs), 0.0)  # what the fit leaves out, no study believes
    weights /= weights.sum(axis=1, keepdims=True)

    # And what it tells.
    pairs = list(itertools.combinations(range(study.items), 2))
    doubts = np.empty((draws, len(pairs)))
    for column, (one, other) in enumerate(pairs):
        variances = 2 * strays_tried + (
            open_by_votes[one, one] + open_by_votes[other, other] - 2 * open_by_votes[one, other]
        )
        shrunk = 2 * LEVEL_SPREAD**2 / (2 * LEVEL_SPREAD**2 + variances)
        z = np.abs(seen[:, one] - seen[:, other])[:, None] * np.sqrt(shrunk / variances)
        doubts[:, column] = np.minimum(1.0, 2 * (weights * normal_below(-z)).sum(axis=1))
    of_best = told_by(doubts)[:, : study.items - 1] & (seen[:, :1] > seen[:, 1:])
    return Chances(float(of_best[:, 0].mean()), float(of_best.all(axis=1).mean()))


def error_parts(study: Study) -> dict[str, float]:
    """Of the variance of the best's difference from another, what comes from "luck", "taste", "votes" and (between blocks) "suits"."""
    open_by_votes, _ = _left_open(study)
    parts = {
        "luck": 2 * study.luck**2 / (study.takes * study.blocks),
        "taste": 2 * study.taste**2 / study.raters,
        "votes": float(open_by_votes[0, 0] + open_by_votes[1, 1] - 2 * open_by_votes[0, 1]),
    }
    return parts | ({"suits": 2 * study.suits**2 / study.blocks} if study.blocks > 1 else {})


def _left_open(study: Study) -> tuple[Array, float]:
    """(covariances (items, items) of the levels that the votes alone leave open, the mean information of one vote)."""
    of_pair = study.votes / (study.items * (study.items - 1) / 2)
    told_of_best, told_of_others = _information(study, study.gap), _information(study, 0.0)
    network = np.zeros((study.items, study.items))
    for one, other in itertools.combinations(range(study.items), 2):
        told = of_pair * (told_of_best if one == 0 else told_of_others)
        network[[one, other], [one, other]] += told
        network[[one, other], [other, one]] -= told
    return np.asarray(np.linalg.pinv(network), dtype=np.float64), float(np.trace(network)) / (2 * study.votes)


def _information(study: Study, gap: float) -> float:
    """What one vote tells of a log-odds, on average over the clips and raters that meet, for items this far apart: 0 to 0.25."""
    tie = 2 * study.ties / (1 - study.ties)
    suits = study.suits if study.blocks > 1 else 0.0
    points, shares = np.polynomial.hermite_e.hermegauss(21)
    x = gap + math.sqrt(2 * (study.luck**2 + study.taste**2 + suits**2)) * points
    p, q = np.exp(x / 2), np.exp(-x / 2)
    total = p + q + tie
    told = ((p + q) / total - ((p - q) / total) ** 2) / 4
    return float(told @ shares / shares.sum())


def _spreads(study: Study, worth: float) -> list[_Spread]:
    """The spreads this study has to learn, where a vote is `worth` so much information."""
    of_item = 2 * study.votes / study.items * worth
    found = []
    if study.blocks > 1:
        # Of one take its luck is part of how an item suits a block. `chances` counts on luck coming next.
        true, clips = (study.suits, study.takes) if study.takes > 1 else (math.hypot(study.suits, study.luck), 0)
        freedom = (study.items - 1) * (study.blocks - 1)
        found.append(_Spread(true, study.blocks, study.blocks / of_item, freedom, clips))
    if study.takes > 1:
        clips = study.blocks * study.takes
        found.append(_Spread(study.luck, clips, clips / of_item, study.items * study.blocks * (study.takes - 1)))
    blur = (study.items - 1) / study.items * study.raters / of_item
    found.append(_Spread(study.taste, study.raters, blur, (study.items - 1) * (study.raters - 1)))
    return found


def told_by(doubts: Array) -> npt.NDArray[np.bool_]:
    """(draws, pairs): which pairs each drawn study tells, any wrong one being as rare as WRONG (Holm, as in `verdicts`)."""
    tests = doubts.shape[1]
    order = np.argsort(doubts, axis=1, kind="stable")
    passed = np.take_along_axis(doubts, order, axis=1) * (tests - np.arange(tests)) <= WRONG
    told = np.zeros(doubts.shape, dtype=bool)
    np.put_along_axis(told, order, np.logical_and.accumulate(passed, axis=1), axis=1)
    return told
