"""What is claimed holds: a few designs of `benchmarks/vote_coverage.py`, small and seeded, judged by the fit and the rule for pairs alone."""

import itertools

import numpy as np
import pytest

from seedance_nb.grids.rankings.mixed_model import Evidence, fit_levels
from seedance_nb.grids.rankings.power import told_by

STUDIES = 20


def votes_on(levels, takes, raters, votes, luck, taste, rng):
    items = len(levels)
    item = np.repeat(np.arange(items), takes)
    clips = np.array(levels)[item] + rng.normal(0, luck, len(item))
    tastes = rng.normal(0, taste, (raters, items))
    one = rng.integers(0, items, votes)
    other = (one + rng.integers(1, items, votes)) % items
    first, second = (side * takes + rng.integers(0, takes, votes) for side in (one, other))
    rater = np.arange(votes) % raters
    x = clips[first] + tastes[rater, one] - clips[second] - tastes[rater, other]
    weights = np.stack([np.exp(x / 2), np.exp(-x / 2), np.full(votes, 0.5)])
    answer = (rng.random(votes) * weights.sum(axis=0) > np.cumsum(weights, axis=0)[:2]).sum(axis=0)
    return Evidence(first, second, rater, np.eye(3)[answer], item, np.zeros_like(item), items)


def judged(levels, takes, raters, votes, luck, taste):
    """(share of intervals of levels that hold, shares of studies that tell any pair, tell one wrongly, and tell the first from all)."""
    pairs = list(itertools.combinations(range(len(levels)), 2))
    contrasts = np.array([np.eye(len(levels))[a] - np.eye(len(levels))[b] for a, b in pairs])
    centred = np.eye(len(levels)) - 1 / len(levels)
    rng, found = np.random.default_rng(1952), []
    for _ in range(STUDIES):
        known = fit_levels(votes_on(levels, takes, raters, votes, luck, taste, rng))
        told = told_by(known.doubts(contrasts)[None])[0]
        seen, true = contrasts @ known.strengths, contrasts @ np.array(levels)
        low, high = known.intervals(centred)
        middle = centred @ np.array(levels)
        is_best = all(told[place] and seen[place] > 0 for place, (a, _) in enumerate(pairs) if a == 0)
        found.append(
            (np.mean((low <= middle) & (middle <= high)), told.any(), (told & (seen * true <= 0)).any(), is_best)
        )
    return np.array(found, dtype=float).mean(axis=0)


@pytest.mark.parametrize(
    ("takes", "raters", "luck", "taste"), [(3, 6, 0.8, 0.0), (5, 6, 0.8, 0.5)], ids=["3 takes", "5 takes and tastes"]
)
def test_among_equals_intervals_hold_and_a_pair_is_rarely_told(takes, raters, luck, taste):
    held, _, wrong, _ = judged((0.0, 0.0, 0.0), takes, raters, 120, luck, taste)
    assert held >= 0.88
    assert wrong <= 0.15  # of 20: 5 % is 1, and 3 are rare


def test_where_intervals_hold_more_than_they_need_hardly_anything_is_told():
    held, told, _, _ = judged((0.0, 0.0, 0.0), 2, 6, 120, 0.0, 0.0)
    assert held >= 0.97
    assert told <= 0.05


def test_a_gap_of_1_8_over_8_takes_and_12_raters_is_found():
    held, _, wrong, found = judged((1.8, 0.0), 8, 12, 240, 0.8, 0.5)
    assert found >= 0.7  # of 20: 90 % is 18, and 14 are rare
    assert held >= 0.85
    assert wrong == 0
