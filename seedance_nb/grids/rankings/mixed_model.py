"""Levels of what is compared, when clips and raters are draws: a Bradley-Terry-Davidson model with random effects. Pure, numpy.

A prompt is not a clip: the service throws dice for each take, a prompt may suit one model and not another, and raters have
tastes. A vote of rater r between clips a and b, of items i and j, therefore has

    x = level[i] - level[j] + take[a] - take[b] + product[i, block of a] - product[j, block of b] + taste[r, i] - taste[r, j]

in the model of `strengths`. Levels have a wide normal prior. The other effects are normal around 0 with spreads of their own, which
have half-normal priors. For a lattice of spreads the votes are fitted and the evidence is computed by Laplace's approximation (the
generalised linear mixed model of N. E. Breslow and D. G. Clayton, J. Am. Stat. Assoc. 88, 1993), from the best point outwards as
long as it counts (as H. Rue, S. Martino and N. Chopin do, J. R. Stat. Soc. B 71, 2009). What is said
of the levels is the mixture of all of it, so that not knowing a spread makes intervals wider. Where no vote tells a spread (one take, one rater) its prior speaks, and
intervals are very wide: one throw tells nothing of the dice.

How often the intervals hold: `benchmarks/vote_coverage.py`; why they are no narrower: `benchmarks/few_draws.py`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .strengths import Array, Prior, chances, without_noise

Whole = npt.NDArray[np.intp]
LATTICE = np.array([0.05, 0.12, 0.22, 0.33, 0.47, 0.65, 0.88, 1.15, 1.5, 2.0, 2.7])
"""Log-odds: the spreads that are tried. Where more than one is looked for, every second one: finer ones held no better and take seconds."""
COARSE = LATTICE[::2]
PRIOR_SPREAD = 1.5
"""Log-odds: the scale of the half-normal priors. Two clips 1.5 apart: one is preferred 82 times in 100."""
LEVEL_SPREAD = 5.0
"""Log-odds: of the levels' own prior. With 2.5, as for single clips, islands 6 apart that six votes join were drawn together."""
BLOCK_SPREAD = 2.0
"""Log-odds: how far blocks may lie apart. Wide on purpose: it only matters for votes across blocks."""
MOST_UNKNOWNS = 700
"""More would take minutes."""
NEGLIGIBLE = 4.0
"""Log evidence below the best: e^-4 is 2 %."""
_MOST_STEPS = 50
_LONGEST_STEP = 2.0
_SHORTEST_STEP = 1e-4
"""The next one would be about its square, far below what is told."""
_TOGETHER = 500_000
"""Numbers of all matrices of points that are fitted at once, 4 MB: small ones gain by it, as each step is one call for all of them."""
_ERFC = (
    0.17087277,
    -0.82215223,
    1.48851587,
    -1.13520398,
    0.27886807,
    -0.18628806,
    0.09678418,
    0.37409196,
    1.00002368,
    -1.26551223,
)


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Votes added up over rater and pair of clips: `counts` (n, 3) for the first, for the second, for neither.

    `first`, `second`, `rater` are (n,) numbers of clips and raters. `item_of` and `block_of` are (clips,) numbers of items and blocks; a
    block is what clips of different items have in common (the prompt, where models are compared).
    """

    first: Whole
    second: Whole
    rater: Whole
    counts: Array
    item_of: Whole
    block_of: Whole
    items: int


@dataclasses.dataclass(frozen=True)
class Effect:
    """Numbers with one spread: in each row `plus` counts for the first clip and `minus` for the second.

    `spread` None: it has to be found. `is_told`: some of its numbers can be compared with each other, all else being equal.
    """

    name: str
    plus: Whole
    minus: Whole
    spread: float | None = None
    is_told: bool = True

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return 1 + int(max(self.plus.max(initial=-1), self.minus.max(initial=-1)))


@dataclasses.dataclass(frozen=True)
class Levels:
    """What is known of the levels: a mixture of normals, one for each choice of spreads that counts. No draw of ours is in it.

    `weights` (n,) add up to 1; `means` (n, items); `covariances` (n, items, items); `spreads`, each (n,), by name: "take", "product",
    "rater". `told` names the spreads that votes say something of, `tie` is Davidson's parameter. With `together` above 1 so many raters
    were fitted as one (`crowds.in_groups`): "rater" is then the spread of the mean of so many.
    """

    weights: Array
    means: Array
    covariances: Array
    spreads: Mapping[str, Array]
    told: frozenset[str]
    tie: float
    model: Model
    best: Fitted
    together: float = 1.0

    @property
    def strengths(self) -> Array:
        """(items,) the expected levels, adding up to 0; equal where only rounding tells them apart."""
        mean = self.weights @ self.means
        return np.asarray(without_noise((mean - mean.mean())[None])[0])

    def intervals(self, contrasts: Array) -> tuple[Array, Array]:
        """(low, high), each (rows,): 95 % intervals of linear combinations (rows, items) of the levels."""
        means, errors = self._along(contrasts)
        ends = _quantiles(self.weights, means, errors, (0.025, 0.975))
        return ends[0], ends[1]

    def of_random_clips(self, contrasts: Array, names: Iterable[str]) -> tuple[Array, Array, Array]:
        """(middle, low, high), each (rows,), of how often a random clip of one side is preferred, with these spreads within each side.

        What a clip and a rater add on both sides is a normal, over which the logistic curve is averaged: as a curve flatter by
        sqrt(1 + pi / 8 variance) (D. J. C. MacKay, Neural Computation 4, 1992). Each choice of spreads has a flatness of its own.
        """
        flatter = 1 / np.sqrt(1 + math.pi / 8 * 2 * self.spread(names) ** 2)
        means, errors = (values * flatter[:, None] for values in self._along(contrasts))
        ends = _quantiles(self.weights, means, errors, (0.025, 0.975))
        middle, low, high = (1 / (1 + np.exp(-odds)) for odds in (self.weights @ means, *ends))
        return middle, low, high

    def doubts(self, contrasts: Array) -> Array:
        """(rows,) two-sided: how likely each combination has the other sign than it seems, twice."""
        means, errors = self._along(contrasts)
        below = np.einsum("n,nr->r", self.weights, normal_below(-means / errors))
        return np.asarray(np.minimum(1.0, 2 * np.minimum(below, 1 - below)))

    def farthest(self, contrasts: Array, share: float) -> Array:
        """(rows,) how far combinations of equal levels may seem to stray at most, but for that share of studies (two-sided)."""
        errors = self._along(contrasts)[1]
        return np.asarray(-_quantiles(self.weights, np.zeros_like(errors), errors, (share / 2,))[0])

    def above(self, contrasts: Array, bound: float) -> Array:
        """(rows,) how likely each combination is above `bound`."""
        means, errors = self._along(contrasts)
        return np.asarray(self.weights @ normal_below((means - bound) / errors))

    def spread(self, names: Iterable[str]) -> Array:
        """(n,) the spread that these effects have together."""
        squares = (self.spreads[n] ** 2 * self._fitted_as_one(n) for n in names if n in self.spreads)
        return np.asarray(np.sqrt(sum(squares, np.zeros(len(self.weights)))))

    def spread_around(self, name: str, chosen: Whole, generator: np.random.Generator) -> Array:
        """(draws,) the spread of an effect for these choices: anywhere between the middles to its neighbours on the lattice, as it stands for all of that."""
        if name not in self.spreads:
            return np.zeros(len(chosen))
        lattice = self.model.lattice
        middles = (lattice[1:] + lattice[:-1]) / 2
        ends = np.concatenate([[0.0], middles, [2 * lattice[-1] - middles[-1]]])
        place = np.searchsorted(lattice, self.spreads[name] - 1e-9)[chosen]
        return np.asarray(generator.uniform(ends[place], ends[place + 1]) * math.sqrt(self._fitted_as_one(name)))

    def error(self, one: int, other: int, growth: float) -> float:
        """Standard error of the difference of two levels with `growth` times the votes, by these raters on these clips."""
        return self.model.error(self.best, one, other, growth)

    def draws(self, count: int, generator: np.random.Generator) -> tuple[Array, Whole]:
        """(count, items) draws of the levels, and (count,) which choice of spreads each was drawn for."""
        chosen = np.repeat(np.arange(len(self.weights)), generator.multinomial(count, self.weights))
        noise = generator.normal(size=(count, self.means.shape[1]))
        roots = np.linalg.cholesky(self.covariances + 1e-10 * np.eye(self.means.shape[1]))
        return self.means[chosen] + np.einsum("dij,dj->di", roots[chosen], noise), chosen

    def _fitted_as_one(self, name: str) -> float:
        return self.together if name == "rater" else 1.0

    def _along(self, contrasts: Array) -> tuple[Array, Array]:
        variances = np.einsum("ri,nij,rj->nr", contrasts, self.covariances, contrasts, optimize=True)
        return self.means @ contrasts.T, np.sqrt(np.maximum(variances, 1e-18))


def fit_levels(evidence: Evidence, *, raters_are_draws: bool = True) -> Levels:
    """What the votes say of the levels."""
    model = Model(evidence, effects_of(evidence, raters_are_draws=raters_are_draws))
    explored = model.explore()
    logs = np.array([fitted.log_evidence for fitted in explored])
    weights = np.exp(logs - logs.max())
    best = explored[int(logs.argmax())]
    return Levels(
        weights=weights / weights.sum(),
        means=np.array([fitted.levels for fitted in explored]),
        covariances=np.array([fitted.covariance for fitted in explored]),
        spreads={
            effect.name: np.array([model.lattice[fitted.point[place]] for fitted in explored])
            for place, effect in enumerate(model.searched)
        },
        told=frozenset(effect.name for effect in model.searched if effect.is_told),
        tie=float(np.exp(best.log_tie)),
        model=model,
        best=best,
    )


def normal_below(z: Array) -> Array:
    """The share of a standard normal below z, to 1e-7 of itself: erfc by W. H. Press et al., "Numerical Recipes in C", 1992, 6.2."""
    size = np.abs(z) / math.sqrt(2)
    t = 1 / (1 + size / 2)
    power = np.full_like(t, _ERFC[0])
    for factor in _ERFC[1:]:
        power *= t
        power += factor
    tail = t * np.exp(power - size**2) / 2
    return np.asarray(np.where(z < 0, tail, 1 - tail))


def _quantiles(weights: Array, means: Array, errors: Array, shares: Sequence[float]) -> Array:
    """(shares, rows) quantiles of mixtures of normals (n, rows), by halving."""
    wanted = np.array(shares)[:, None]
    low, high = (
        np.repeat(ends[None], len(shares), axis=0)
        for ends in ((means - 9 * errors).min(axis=0), (means + 9 * errors).max(axis=0))
    )
    for _ in range(40):
        middle = (low + high) / 2
        is_above = np.einsum("n,snr->sr", weights, normal_below((middle[:, None] - means) / errors)) > wanted
        low, high = np.where(is_above, low, middle), np.where(is_above, middle, high)
    return np.asarray((low + high) / 2)


def effects_of(evidence: Evidence, *, raters_are_draws: bool) -> list[Effect]:
    """The levels first, then what else may have moved a vote in this design."""
    first, second, item, block = evidence.first, evidence.second, evidence.item_of, evidence.block_of
    made = [Effect("level", item[first], item[second], LEVEL_SPREAD)]
    cell = _numbered(item * (int(block.max(initial=0)) + 1) + block)
    has_blocks = len(np.unique(block)) > 1
    if has_blocks:
        if (block[first] != block[second]).any():
            made.append(Effect("block", block[first], block[second], BLOCK_SPREAD))
        cells_of_item = [len(np.unique(cell[item == number])) for number in range(evidence.items)]
        made.append(Effect("product", cell[first], cell[second], is_told=max(cells_of_item) > 1))
    has_takes = bool(np.bincount(cell).max(initial=0) > 1)
    if (
        has_takes or not has_blocks
    ):  # else a clip is all there is of its item in its block, and its luck is part of the product
        made.append(Effect("take", first, second, is_told=has_takes))
    if raters_are_draws:
        tastes = _numbered(np.concatenate([evidence.rater * evidence.items + item[side] for side in (first, second)]))
        is_told = len(np.unique(evidence.rater)) > 1
        made.append(Effect("rater", tastes[: len(first)], tastes[len(first) :], is_told=is_told))
    return made


def _numbered(names: Whole) -> Whole:
    """The same with the numbers 0, 1, 2, … for what is the same."""
    return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.intp).reshape(-1)


@dataclasses.dataclass(frozen=True)
class Fitted:
    """The top of likelihood times prior for one choice of spreads, by their places on the lattice."""

    point: tuple[int, ...]
    log_evidence: float
    effects: Array
    log_tie: float
    levels: Array
    covariance: Array
    """(items, items) of the levels."""


@dataclasses.dataclass(frozen=True)
class Drawn:
    """(draws, rows) of the differences that a fit believes in, and its tie parameter."""

    differences: Array
    log_tie: float


class Model:
    """All effects side by side: a column each, and in every row one +1 and one -1 an effect."""

    def __init__(self, evidence: Evidence, effects: Sequence[Effect]) -> None:
        self.searched = [effect for effect in effects if effect.spread is None]
        self.unknowns = sum(effect.size for effect in effects)
        self._effects, self._items = effects, evidence.items
        starts = list(itertools.accumulate([effect.size for effect in effects], initial=0))[:-1]
        plus = np.stack([effect.plus + start for effect, start in zip(effects, starts, strict=True)], axis=1)
        minus = np.stack([effect.minus + start for effect, start in zip(effects, starts, strict=True)], axis=1)
        self._columns = np.concatenate([plus, minus], axis=1)
        self._signs = np.repeat([1.0, -1.0], plus.shape[1])
        one, other = np.triu_indices(len(self._signs))
        self._entries = (self._columns[:, one] * self.unknowns + self._columns[:, other]).ravel()
        self._entry_signs = (
            self._signs[one] * self._signs[other] * np.where(one == other, 0.5, 1.0)
        )  # half of it: it is symmetric
        self._design: Array | None = None
        if len(plus) * self.unknowns <= _TOGETHER:
            self._design, rows = np.zeros((len(plus), self.unknowns)), np.arange(len(plus))[:, None]
            np.add.at(self._design, (rows, self._columns), self._signs)
        self._counts, self._votes = evidence.counts, evidence.counts.sum(axis=1)
        self._balance = (evidence.counts[:, 0] - evidence.counts[:, 1]) / 2
        self.lattice = LATTICE if len(self.searched) < 2 else COARSE
        self._log_shares = np.log(np.gradient(self.lattice)) - (self.lattice / PRIOR_SPREAD) ** 2 / 2

    def explore(self) -> list[Fitted]:
        """The points of the lattice that count: uphill to the best one, then its neighbours and theirs."""
        (here,) = self._fits({(len(self.lattice) // 2,) * len(self.searched): None})
        found = {here.point: here}

        def look_around(centres: Iterable[Fitted]) -> None:
            starts = dict[tuple[int, ...], Fitted | None]()
            for centre in centres:
                for point in self._neighbours(centre.point):
                    if point not in found:
                        starts.setdefault(point, centre)
            found.update((fitted.point, fitted) for fitted in self._fits(starts))

        while True:
            look_around([here])
            best = max(found.values(), key=lambda fitted: fitted.log_evidence)
            if best is here:
                break
            here = best
        seen = set[tuple[int, ...]]()
        while True:
            counts = [at for at in found.values() if at.log_evidence > here.log_evidence - NEGLIGIBLE]
            new = [at for at in counts if at.point not in seen and self._is_beside(at.point, seen, here.point)]
            if not new:
                return [found[point] for point in sorted(seen)]
            seen |= {at.point for at in new}
            look_around(new)

    def fit(self, point: tuple[int, ...]) -> Fitted:
        """Newton's method to the top, and the evidence there."""
        return self._fits({point: None})[0]

    def _fits(self, starts: Mapping[tuple[int, ...], Fitted | None]) -> list[Fitted]:
        """The same for several points, each from where another was found; so many at once as have room in a processor's cache."""
        together = max(1, _TOGETHER // (self.unknowns + 1) ** 2)
        points = list(starts)
        return [
            fitted
            for first in range(0, len(points), together)
            for fitted in self._fits_at_once({point: starts[point] for point in points[first : first + together]})
        ]

    def _fits_at_once(self, starts: Mapping[tuple[int, ...], Fitted | None]) -> list[Fitted]:
        prior, size = Prior(), self.unknowns
        points, weight = list(starts), np.array([self._weights(point) for point in starts])
        effects = np.array([np.zeros(size) if at is None else at.effects for at in starts.values()])
        log_tie = np.array([np.log(prior.tie) if at is None else at.log_tie for at in starts.values()])
        curvature = np.empty((len(points), size + 1, size + 1))
        covariance = np.empty((len(points), self._items, self._items))
        left = np.arange(len(points))
        for _ in range(_MOST_STEPS):
            p, q, t = chances(self._differences(effects[left]), log_tie[left, None])
            slopes = np.empty((len(left), size + 1))
            slopes[:, :-1] = self._back(self._balance - self._votes * (p - q) / 2) - weight[left] * effects[left]
            slopes[:, -1] = self._counts[:, 2].sum() - t @ self._votes
            slopes[:, -1] -= (log_tie[left] - np.log(prior.tie)) / prior.log_tie**2
            curved = self._curvature(p, q, t, weight[left])
            # The levels' covariances, and beside them the step: one decomposition for both.
            wanted = np.zeros((len(left), size + 1, self._items + 1))
            wanted[:, range(self._items), range(self._items)] = 1.0
            wanted[:, :, -1] = slopes
            solved = np.linalg.solve(curved, wanted)
            step = solved[:, :, -1]
            longest = np.abs(step).max(axis=1)
            step *= np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, 1e-12))[:, None]
            effects[left] += step[:, :-1]
            log_tie[left] += step[:, -1]
            curvature[left], covariance[left] = curved, solved[:, : self._items, : self._items]
            left = left[longest >= _SHORTEST_STEP]
            if not len(left):
                break
        logs = np.log(np.maximum(np.stack(chances(self._differences(effects), log_tie[:, None]), axis=2), 1e-300))
        evidence = (self._counts * logs).sum(axis=(1, 2)) - (weight * effects**2).sum(axis=1) / 2
        evidence -= (log_tie - np.log(prior.tie)) ** 2 / prior.log_tie**2 / 2
        roots = np.diagonal(np.linalg.cholesky(curvature), axis1=1, axis2=2)
        evidence += np.log(weight).sum(axis=1) / 2 - np.log(roots).sum(axis=1)
        evidence += [sum(self._log_shares[place] for place in point) for point in points]
        return [
            Fitted(
                point,
                float(evidence[row]),
                effects[row],
                float(log_tie[row]),
                effects[row, : self._items].copy(),
                covariance[row],
            )
            for row, point in enumerate(points)
        ]

    def drawn(self, count: int, generator: np.random.Generator) -> Drawn:
        """The differences of all rows, drawn from what is believed where all spreads are given."""
        fitted = self.fit(())
        p, q, t = chances(self._differences(fitted.effects[None]), fitted.log_tie)
        curvature = self._curvature(p, q, t, self._weights(())[None])[0, :-1, :-1]
        noise = np.linalg.solve(np.linalg.cholesky(curvature).T, generator.normal(size=(self.unknowns, count)))
        effects = fitted.effects[:, None] + noise
        return Drawn(np.einsum("rcd,c->dr", effects[self._columns], self._signs), fitted.log_tie)

    def error(self, fitted: Fitted, one: int, other: int, growth: float) -> float:
        """See `Levels.error`."""
        p, q, t = chances(self._differences(fitted.effects[None]), fitted.log_tie)
        curvature = self._curvature(p, q, t, self._weights(fitted.point)[None] / growth)[0] * growth
        contrast = np.zeros(self.unknowns + 1)
        contrast[one], contrast[other] = 1.0, -1.0
        return float(np.sqrt(contrast @ np.linalg.solve(curvature, contrast)))

    def _weights(self, point: tuple[int, ...]) -> Array:
        """(unknowns,) the inverse variances of the priors."""
        places = iter(point)
        spreads = [self.lattice[next(places)] if effect.spread is None else effect.spread for effect in self._effects]
        return np.repeat(np.array(spreads) ** -2.0, [effect.size for effect in self._effects])

    def _differences(self, effects: Array) -> Array:
        """(points, rows) of effects (points, unknowns)."""
        return np.asarray(effects[:, self._columns] @ self._signs if self._design is None else effects @ self._design.T)

    def _back(self, rows: Array) -> Array:
        """(points, unknowns) what every unknown gets of the values (points, rows) of its rows."""
        if self._design is not None:
            return np.asarray(rows @ self._design)
        columns = self._columns.ravel()
        return np.array([np.bincount(columns, np.outer(row, self._signs).ravel(), self.unknowns) for row in rows])

    def _curvature(self, p: Array, q: Array, t: Array, weight: Array) -> Array:
        """Minus the second derivatives, (points, unknowns + 1, unknowns + 1), log v last; of chances (points, rows) and weights (points, unknowns)."""
        size, every = self.unknowns, range(self.unknowns)
        made = np.empty((len(p), size + 1, size + 1))
        for point, rows in enumerate(self._votes * (p + q - (p - q) ** 2) / 4):
            flat = np.bincount(self._entries, (rows[:, None] * self._entry_signs).ravel(), size * size)
            half = flat.reshape(size, size)
            np.add(half, half.T, out=made[point, :size, :size])
        made[:, every, every] += weight
        made[:, size, :size] = made[:, :size, size] = self._back(-self._votes * t * (p - q) / 2)
        made[:, size, size] = (t * (1 - t)) @ self._votes + Prior().log_tie ** -2
        return made

    def _is_beside(self, point: tuple[int, ...], seen: Collection[tuple[int, ...]], best: tuple[int, ...]) -> bool:
        """Whether the way from the best point leads over what counts."""
        return point == best or any(other in seen for other in self._neighbours(point))

    def _neighbours(self, point: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for place, step in itertools.product(range(len(point)), (-1, 1)):
            moved = point[place] + step
            if 0 <= moved < len(self.lattice):
                yield (*point[:place], moved, *point[place + 1 :])
