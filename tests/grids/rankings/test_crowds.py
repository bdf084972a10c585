"""Hundreds of raters: several are fitted as one, and what is said of the levels stays what it was."""

import numpy as np
import pytest

from seedance_nb.grids.rankings import mixed_model
from seedance_nb.grids.rankings.crowds import in_groups
from seedance_nb.grids.rankings.mixed_model import Evidence, fit_levels
from seedance_nb.grids.rankings.verdicts import levels_of
from seedance_nb.grids.votes.vote_table import rank

ITEMS, TAKES = 3, 4
CONTRAST = np.array([[1.0, -1.0, 0.0]])


def crowd(raters, votes, *, gap, taste, seed):
    rng = np.random.default_rng(seed)
    item = np.repeat(np.arange(ITEMS), TAKES)
    clips = gap * (item == 0) + rng.normal(0, 0.3, len(item))
    tastes = rng.normal(0, taste, (raters, ITEMS))
    one, other = rng.integers(0, ITEMS, votes), rng.integers(1, ITEMS, votes)
    other = (one + other) % ITEMS
    first, second = (i * TAKES + rng.integers(0, TAKES, votes) for i in (one, other))
    rater = np.arange(votes) % raters
    x = clips[first] + tastes[rater, one] - clips[second] - tastes[rater, other]
    is_first = rng.random(votes) < 1 / (1 + np.exp(-x))
    counts = np.stack([is_first, ~is_first, np.zeros(votes)], axis=1).astype(float)
    return Evidence(first, second, rater, counts, item, np.zeros_like(item), ITEMS)


def test_votes_stay_and_groups_are_even():
    evidence = crowd(400, 1000, gap=0.5, taste=0.5, seed=1)
    grouped, together = in_groups(evidence, 40)
    assert together == 10
    assert grouped.counts.sum() == 1000
    assert len(np.unique(grouped.rater)) == 40
    assert sum(grouped.counts[grouped.first == 0].sum(axis=0)) == sum(evidence.counts[evidence.first == 0].sum(axis=0))


def test_names_have_no_say_in_who_comes_together():
    evidence = crowd(300, 900, gap=0.5, taste=0.5, seed=2)
    names = np.random.default_rng(0).permutation(300)
    other = Evidence(**{**vars(evidence), "rater": names[evidence.rater]})
    order = np.lexsort((names[evidence.rater],))
    other = Evidence(**{**vars(other), **{n: getattr(other, n)[order] for n in ("first", "second", "rater", "counts")}})
    fits = [fit_levels(in_groups(found, 30)[0]) for found in (evidence, other)]
    assert fits[0].strengths == pytest.approx(fits[1].strengths, abs=1e-8)


def test_levels_and_how_sure_they_are_stay_what_they_are_without_groups():
    evidence = crowd(60, 900, gap=0.8, taste=0.8, seed=3)
    each, grouped = fit_levels(evidence), fit_levels(in_groups(evidence, 30)[0])
    assert grouped.strengths == pytest.approx(each.strengths, abs=0.15)
    widths = [float(np.subtract(*levels.intervals(CONTRAST))[0]) for levels in (each, grouped)]
    assert widths[1] == pytest.approx(widths[0], rel=0.25)


def test_the_taste_of_one_is_read_from_that_of_groups():
    evidence = crowd(600, 3000, gap=0.0, taste=1.0, seed=4)
    levels = levels_of(evidence, raters_are_draws=True)
    assert levels.together == 15
    assert levels.weights @ levels.spread(["rater"]) == pytest.approx(1.0, abs=0.35)


def test_a_crowd_is_no_reason_to_tell_nothing():
    assert 400 * ITEMS > mixed_model.MOST_UNKNOWNS
    evidence = crowd(400, 1200, gap=2.0, taste=0.5, seed=5)
    votes = [
        {"rater": f"r{rater}", "left": f"c{one}", "right": f"c{other}", "choice": "left" if counts[0] else "right"}
        for one, other, rater, counts in zip(
            evidence.first, evidence.second, evidence.rater, evidence.counts, strict=True
        )
    ]
    clips = {f"c{clip}": {"prompt": f"p{item}"} for clip, item in enumerate(evidence.item_of)}
    found = rank(votes, clips)
    assert (found.winner, found.lacks) == ("p0", ())
    assert len(found.raters) == 400


def test_among_equals_a_crowd_tells_a_pair_rarely():
    from seedance_nb.grids.rankings.power import told_by

    pairs = np.array([[1.0, -1.0, 0.0], [1.0, 0.0, -1.0], [0.0, 1.0, -1.0]])
    told = [
        told_by(
            levels_of(crowd(400, 800, gap=0.0, taste=1.0, seed=seed), raters_are_draws=True).doubts(pairs)[None]
        ).any()
        for seed in range(100, 104)
    ]
    assert sum(told) <= 1
