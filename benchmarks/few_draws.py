"""With few takes and raters: what other intervals of a level would hold, how wide they would be, and how often they would tell.

Two items, normal errors, the vote's own chance known (no votes are cast): what is found of the difference strays with luck and tastes that the study
has to learn from 2 (takes - 1) and raters - 1 degrees of freedom. "t" estimates both and takes Student's t with Satterthwaite's degrees of freedom
(F. E. Satterthwaite, Biometrics Bull. 2, 1946), which knows nothing beforehand; the others are mixtures as the fit makes them, with half-normal
priors of these scales on both spreads: 1.5 is the one in use. "Held": the share of 95 % intervals that hold a difference of 2; "of told": of those that
exclude nothing at all; "told": how often a difference of 2 is told; "wrong": how often one of 0 is. Widths are means.

    python -m benchmarks few_draws
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from seedance_nb.grids.rankings.mixed_model import COARSE, normal_below

STUDIES = 4000
SCALES = (0.5, 1.0, 1.5)
GAP = 2.0
DESIGNS = tuple(itertools.product((2, 3, 5), (2, 4, 8), (0.3, 0.8, 1.5), (0.3, 0.7)))
"""Takes, raters, luck, taste."""
VOTES_A_CLIP = 20.0
"""Each tells a quarter of its share without ties; 20 in 100 are ties."""


def run() -> Iterator[str]:
    names = ("t", *(f"{scale:g}" for scale in SCALES))
    head = "".join(f"{f'{name}: held':>11}{'of told':>9}{'width':>7}{'told':>6}{'wrong':>7}" for name in names)
    yield f"{'takes, raters, luck, taste':<28}{head}"
    rows = [_judged(*design, np.random.default_rng([1987, place])) for place, design in enumerate(DESIGNS)]
    for (takes, raters, luck, taste), row in zip(DESIGNS, rows, strict=True):
        yield f"{f'{takes}, {raters}, {luck}, {taste}':<28}{_line(row)}"
    table = np.array(rows)
    for name, found in (
        ("least", np.nanmin(table, axis=0)),
        ("mean", np.nanmean(table, axis=0)),
        ("most", np.nanmax(table, axis=0)),
    ):
        yield f"{name:<28}{_line(found)}"


def _line(row: np.ndarray) -> str:
    return "".join(
        f"{100 * held:>9.1f} %{100 * of_told:>7.0f} %{width:>7.1f}{100 * told:>4.0f} %{100 * wrong:>5.1f} %"
        for held, of_told, width, told, wrong in row
    )


def _judged(takes: int, raters: int, luck: float, taste: float, rng: np.random.Generator) -> np.ndarray:
    """(intervals, 5): held, held of told, width, told, wrong."""
    information = VOTES_A_CLIP * 0.8 / 4
    blurs = 1 / information, raters / (2 * takes * information)
    open_by_votes = 2 / (takes * information)
    freedom = np.array([2 * (takes - 1), raters - 1])
    averaged = np.array([takes, raters])
    trues = np.array([luck, taste]) ** 2
    error = np.sqrt(2 * (trues / averaged).sum() + open_by_votes) * rng.standard_normal(STUDIES)
    found = (trues + blurs) * rng.chisquare(freedom, (STUDIES, 2)) / freedom
    halves = [_by_t(found, freedom, averaged, open_by_votes, blurs)]
    halves += [_by_mixture(found, freedom, averaged, open_by_votes, blurs, scale) for scale in SCALES]
    made = []
    for half in halves:
        held, told = np.abs(error) <= half, np.abs(GAP + error) > half
        made.append(
            (
                held.mean(),
                held[told].mean() if told.any() else np.nan,
                2 * half.mean(),
                told.mean(),
                (np.abs(error) > half).mean(),
            )
        )
    return np.array(made)


def _by_t(
    found: np.ndarray, freedom: np.ndarray, averaged: np.ndarray, open_by_votes: float, blurs: tuple[float, float]
) -> np.ndarray:
    from scipy.stats import t

    parts = 2 * found / averaged
    # What votes leave open is in both; it is counted once.
    whole = np.maximum(parts.sum(axis=1) - 2 * blurs[1] / averaged[1], open_by_votes)
    of_freedom = parts.sum(axis=1) ** 2 / (parts**2 / freedom).sum(axis=1)
    return np.asarray(t.ppf(0.975, of_freedom) * np.sqrt(whole))


def _by_mixture(
    found: np.ndarray,
    freedom: np.ndarray,
    averaged: np.ndarray,
    open_by_votes: float,
    blurs: tuple[float, float],
    scale: float,
) -> np.ndarray:
    points = np.array(list(itertools.product(range(len(COARSE)), repeat=2)))
    log_shares = np.log(np.gradient(COARSE)) - (COARSE / scale) ** 2 / 2
    tried = COARSE[points] ** 2
    expected = tried + blurs
    logs = log_shares[points].sum(axis=1) - (freedom * (np.log(expected) + found[:, None] / expected)).sum(axis=2) / 2
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    errors = np.sqrt(2 * (tried / averaged).sum(axis=1) + open_by_votes)
    low, high = np.zeros(len(found)), np.full(len(found), 60.0)
    for _ in range(40):
        middle = (low + high) / 2
        is_inside = 2 * (weights * normal_below(-middle[:, None] / errors)).sum(axis=1) > 0.05
        low, high = np.where(is_inside, middle, low), np.where(is_inside, high, middle)
    return high
