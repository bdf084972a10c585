"""Strengths from pairwise votes: the Bradley-Terry model with Davidson's ties, fitted to many resamples at once. Pure, numpy.

Items i and j have strengths s (log-odds), x = s_i - s_j, and v is the tie parameter:

    P(i preferred) = e^(x/2) / D,   P(j preferred) = e^(-x/2) / D,   P(tie) = v / D,   D = e^(x/2) + e^(-x/2) + v

R. A. Bradley and M. E. Terry, "Rank analysis of incomplete block designs", Biometrika 39 (1952); R. R. Davidson, "On extending
the Bradley-Terry model to accommodate ties in paired comparison experiments", J. Am. Stat. Assoc. 65 (1970). The likelihood is
concave in the strengths and log v, so Newton's method finds its one maximum. An item that won every vote has no finite
estimate: a wide normal prior on each strength (and on log v) gives it one, and hardly moves what has votes enough.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
NO_TIES = -40.0
"""log v where v is 0 for every practical purpose."""
LEVEL = 1e-6
"""Log-odds: strengths nearer to each other are equal. Newton's steps end below that, and one vote more moves far more than that."""
_MOST_STEPS = 60
_LONGEST_STEP = 2.0
_CHUNK_BYTES = 32e6


@dataclasses.dataclass(frozen=True)
class Prior:
    """Standard deviations of the normal priors: of a strength around 0, and of log v around log `tie`."""

    strength: float = 2.5
    tie: float = 0.5
    log_tie: float = 2.0


@dataclasses.dataclass(frozen=True)
class Tally:
    """Votes added up over pairs of items. `first` and `second` are the item numbers of the P pairs, each pair once; `counts`
    is (R, P, 3): first preferred, second preferred, tie, for each of R resamples. `items` is how many items there are.
    """

    items: int
    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]
    counts: Array

    def differences(self, strengths: Array) -> Array:
        """(R, P) of strengths (R, items): the first's less the second's."""
        return np.asarray(strengths[:, self.first] - strengths[:, self.second])

    def between(self, values: Array) -> Array:
        """(R, items, items) of the values (R, P) of pairs: in the first's row and the second's column, 0 elsewhere."""
        table = np.zeros((len(values), self.items, self.items))
        table[:, self.first, self.second] = values
        return table

    def to_items(self, values: Array) -> Array:
        """(R, items) what each has of the values (R, P) of pairs: those in which it is the first, less those in which it is the second."""
        table = self.between(values)
        return np.asarray(table.sum(axis=2) - table.sum(axis=1))


def tally_of(
    outcomes: Sequence[tuple[int, int, float, float, float]], items: int
) -> tuple[Tally, npt.NDArray[np.intp]]:
    """One tally of (item, item, share for the first, share for the second, share for a tie), and how many outcomes a pair has.

    Pairs stand in the order of their numbers and shares add up without rounding errors, so that the order of outcomes does not show.
    """
    asked = sorted({(min(one, other), max(one, other)) for one, other, *_ in outcomes})
    places = {pair: place for place, pair in enumerate(asked)}
    counts, drawn = np.zeros((1, len(places), 3)), np.zeros(len(places), dtype=np.intp)
    for one, other, for_one, for_other, tie in outcomes:
        place = places[min(one, other), max(one, other)]
        counts[0, place] += (for_one, for_other, tie) if one < other else (for_other, for_one, tie)
        drawn[place] += 1
    pairs = np.array(list(places), dtype=np.intp).reshape(-1, 2)
    return Tally(items, pairs[:, 0], pairs[:, 1], counts.round(9)), drawn


def without_noise(strengths: Array) -> Array:
    """The same (R, items), with one value for those that nothing but rounding errors tells apart."""
    made = strengths.copy()
    for row in made:
        order = np.argsort(row)
        for group in np.split(order, np.flatnonzero(np.diff(row[order]) > LEVEL) + 1):
            row[group] = row[group].mean()
    return np.asarray(made.round(12) + 0.0)  # + 0.0: no "-0 %"


@dataclasses.dataclass(frozen=True)
class Fit:
    """Of R resamples: `strengths` (R, items) with sum 0, `log_tie` (R,), and `covariance` (R, items, items) of the strengths."""

    strengths: Array
    log_tie: Array
    covariance: Array


def fit(tally: Tally, prior: Prior | None = Prior(), *, start: Fit | None = None) -> Fit:
    """The most probable strengths of each resample; with `prior` None the maximum of the likelihood, where it has one.

    `start` (of one resample) shortens the way. Without a prior, a tally without ties has v = 0: plain Bradley-Terry.
    """
    resamples = len(tally.counts)
    size = max(1, int(_CHUNK_BYTES / (8 * max(1, (tally.items + 1) ** 2 + 6 * len(tally.first)))))
    parts = [
        _fit(dataclasses.replace(tally, counts=tally.counts[i : i + size]), prior, start)
        for i in range(0, resamples, size)
    ]
    return Fit(*(np.concatenate([getattr(part, name) for part in parts]) for name in Fit.__dataclass_fields__))


def chances(x: Array, log_tie: Any) -> tuple[Array, Array, Array]:
    """(first preferred, second preferred, tie) for differences `x` in strength."""
    top = np.maximum(np.abs(x) / 2, log_tie)
    first, second, tie = np.exp(x / 2 - top), np.exp(-x / 2 - top), np.exp(log_tie - top)
    total = first + second + tie
    return first / total, second / total, tie / total


def _fit(tally: Tally, prior: Prior | None, start: Fit | None) -> Fit:
    size = tally.items
    precision = np.zeros((1, size, size)) if prior is None else np.eye(size)[None] / prior.strength**2
    # The constant stands for the direction in which all strengths grow alike, of which votes say nothing.
    strengths, log_tie, hessian = climb(tally, precision + 1.0, prior, start)
    covariance: Array = np.asarray(np.linalg.inv(hessian)[:, :size, :size], dtype=np.float64)
    covariance -= covariance.mean(axis=1, keepdims=True)
    covariance -= covariance.mean(axis=2, keepdims=True)
    return Fit(strengths - strengths.mean(axis=1, keepdims=True), log_tie, covariance)


def climb(tally: Tally, precision: Array, prior: Prior | None, start: Fit | None = None) -> tuple[Array, Array, Array]:
    """Newton's method to the top of likelihood times prior: (strengths, log v, minus the second derivatives there).

    `precision` (R or 1, items, items) is the inverse covariance of the strengths' normal prior around 0; it must make up for
    what votes do not say. The second derivatives are (R, items + 1, items + 1), log v last.
    """
    resamples, k = max(len(tally.counts), len(precision)), tally.items
    votes = tally.counts.sum(axis=2)
    balance = (tally.counts[:, :, 0] - tally.counts[:, :, 1]) / 2
    ties = tally.counts[:, :, 2].sum(axis=1)
    strengths = np.zeros((resamples, k)) if start is None else np.repeat(start.strengths, resamples, axis=0)
    log_tie = np.full(resamples, np.log(0.5)) if start is None else np.repeat(start.log_tie, resamples)
    free = np.broadcast_to(True if prior is not None else ties > 0, (resamples,))
    log_tie[~free] = NO_TIES
    tie_weight, tie_mean = (0.0, 0.0) if prior is None else (prior.log_tie**-2, np.log(prior.tie))
    hessian = np.empty((resamples, k + 1, k + 1))
    for _ in range(_MOST_STEPS):
        p, q, t = chances(tally.differences(strengths), log_tie[:, None])
        slope = np.empty((resamples, k + 1))
        slope[:, :k] = tally.to_items(balance - votes * (p - q) / 2) - (precision @ strengths[:, :, None])[:, :, 0]
        slope[:, k] = np.where(free, ties - (votes * t).sum(axis=1) - tie_weight * (log_tie - tie_mean), 0.0)
        curve = votes * (p + q - (p - q) ** 2) / 4
        both = tally.between(curve)
        both += both.transpose(0, 2, 1).copy()
        hessian[:, :k, :k] = precision - both
        hessian[:, range(k), range(k)] += both.sum(axis=2)
        cross = tally.to_items(-votes * t * (p - q) / 2)
        hessian[:, :k, k] = hessian[:, k, :k] = np.where(free[:, None], cross, 0.0)
        hessian[:, k, k] = np.where(free, (votes * t * (1 - t)).sum(axis=1) + tie_weight, 1.0)
        step = np.linalg.solve(hessian, slope[:, :, None])[:, :, 0]
        longest = np.abs(step).max(axis=1, initial=0.0)
        step *= np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, 1e-12))[:, None]
        strengths += step[:, :k]
        log_tie += step[:, k]
        if longest.max(initial=0.0) < 1e-7:
            break
    return strengths, log_tie, hessian


def log_likelihood(tally: Tally, strengths: Array, log_tie: Array) -> Array:
    """(R,) the log-probability of the votes, without the part that does not depend on the parameters."""
    logs = [np.log(np.maximum(p, 1e-300)) for p in chances(tally.differences(strengths), log_tie[:, None])]
    return np.asarray(sum((tally.counts[:, :, i] * logs[i]).sum(axis=1) for i in range(3)))
