"""When a race drops and when it ends: looking after every round must not make it wrong more often. Pure; seeded."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from seedance_nb.grids.rankings.measured import Measured, measured_levels, student_below
from seedance_nb.grids.rankings.mixed_model import normal_below
from seedance_nb.grids.rankings.race import look, takes_of_rounds, threshold

ERROR = 0.05


class Normal:
    """Levels whose standard errors are known."""

    def __init__(self, means, error):
        self.means, self.error = means, error

    def above(self, contrasts, bound):
        return normal_below((contrasts @ self.means - bound) / (self.error * np.sqrt((contrasts**2).sum(axis=1))))


def share_named(levels, limit, races, seed=5):
    """In which share of races somebody wins, where each take of each item strays by 1 and that is known."""
    rng = np.random.default_rng(seed)
    names = [str(item) for item in range(len(levels))]
    won = 0
    for _ in range(races):
        sums, alive, before = np.zeros(len(levels)), names, 0
        for takes in takes_of_rounds():
            sums += (takes - before) * np.array(levels) + math.sqrt(takes - before) * rng.normal(size=len(levels))
            before = takes
            found = look(Normal(sums / takes, 1 / math.sqrt(takes)), names, alive, threshold=limit(takes), margin=None)
            alive = [name for name in alive if name not in found.dropped]
            if found.end:
                break
        won += found.end == "winner"
    return won / races


def test_who_is_left_gets_a_quarter_more_takes_each_round():
    takes = takes_of_rounds()
    assert takes == (2, 3, 4, 5, 7, 9, 12, 15, 19, 24, 30, 38)
    assert all(more == math.ceil(1.25 * less) for less, more in itertools.pairwise(takes))


@pytest.mark.parametrize("levels", [(0, 0), (0, 0, -1.4, -1.4)])
def test_all_looks_together_name_one_of_two_equals_in_at_most_error(levels):
    """1,000 races from one seed: 5 % is seen as 4 to 6 %."""
    assert 0.03 < share_named(levels, lambda takes: threshold(ERROR, takes), races=1000) < 0.06


def test_one_look_believed_each_time_is_wrong_far_too_often():
    """What the threshold is for: with error / items, which is right for one look, more than one race in ten is wrong."""
    assert share_named((0, 0), lambda _: ERROR / 2, races=300) > 0.1


@pytest.mark.parametrize("error", [0.01, 0.2])
def test_a_smaller_error_believes_less(error):
    assert threshold(error, 9) < threshold(2 * error, 9)
    assert threshold(error, 2) < threshold(error, 38) < error


def test_who_is_surely_behind_drops_out_and_the_last_one_wins():
    known = Measured(np.array([2.0, 0.0, 1.9]), np.full(3, 0.2), 100)
    found = look(known, ["a", "b", "c"], ["a", "b", "c"], threshold=0.01, margin=None)
    assert (found.leader, found.dropped, found.end) == ("a", ("b",), None)
    assert found.behind["b"] < 1e-6 < found.behind["c"] < 0.5
    last = look(known, ["a", "b", "c"], ["a", "b"], threshold=0.01, margin=None)
    assert (last.leader, last.end) == ("a", "winner")


def test_those_who_are_surely_within_the_margin_tie():
    known = Measured(np.array([0.0, 0.05, -3.0]), np.full(3, 0.05), 100)
    assert look(known, ["a", "b", "c"], ["a", "b"], threshold=0.01, margin=0.5).end == "tie"
    assert look(known, ["a", "b", "c"], ["a", "b"], threshold=0.01, margin=0.1).end is None
    assert look(known, ["a", "b", "c"], ["a", "b"], threshold=0.01, margin=None).end is None
    # What drops out at this look stands in no tie's way.
    found = look(known, ["a", "b", "c"], ["a", "b", "c"], threshold=0.01, margin=0.5)
    assert (found.dropped, found.end) == (("c",), "tie")


def test_the_order_of_naming_shows_nowhere():
    means = {"a": 0.3, "b": 1.0, "c": -0.4, "d": 0.9}
    seen = set()
    for names in (["a", "b", "c", "d"], ["d", "c", "b", "a"], ["c", "a", "d", "b"]):
        known = Measured(np.array([means[name] for name in names]), np.full(4, 0.3), 30)
        found = look(known, names, names, threshold=0.02, margin=0.4)
        seen.add((found.leader, frozenset(found.dropped), found.end, round(found.behind["c"], 12)))
    assert len(seen) == 1


# Measured ---------------------------------------------------------------------------------------------


def test_students_t_is_that_of_scipy():
    for freedom in (1, 2, 3, 4, 7, 10, 31, 120):
        for t in (-8.0, -2.5, -0.3, 0.0, 1.0, 4.0):
            assert student_below(t, freedom) == pytest.approx(stats.t.cdf(t, freedom), abs=1e-13)


def test_two_measured_items_are_as_gossets_test_says():
    rng = np.random.default_rng(3)
    one, other = rng.normal(1.0, 0.5, 5), rng.normal(0.2, 0.5, 4)
    values = {f"a{n}": v for n, v in enumerate(one)} | {f"b{n}": v for n, v in enumerate(other)}
    known = measured_levels(values, {key: key[0] for key in values}, {}, ["a", "b"])
    assert known.above(np.array([[-1.0, 1.0]]), 0.0)[0] == pytest.approx(
        stats.ttest_ind(other, one, alternative="less").pvalue, rel=1e-9
    )


def test_blocks_are_compared_within_as_a_paired_test_does():
    rng = np.random.default_rng(4)
    blocks = rng.normal(0, 5, 6)
    values = {
        f"{item}{b}": blocks[b] + shift + rng.normal(0, 0.3)
        for item, shift in (("a", 0.4), ("b", 0.0))
        for b in range(6)
    }
    known = measured_levels(values, {key: key[0] for key in values}, {key: key[1] for key in values}, ["a", "b"])
    a, b = ([values[f"{item}{n}"] for n in range(6)] for item in "ab")
    assert known.freedom == 5
    assert known.above(np.array([[-1.0, 1.0]]), 0.0)[0] == pytest.approx(
        stats.ttest_rel(b, a, alternative="less").pvalue, rel=1e-9
    )


def test_what_shows_no_spread_says_nothing():
    assert measured_levels({"a": 1.0, "b": 2.0}, {"a": "a", "b": "b"}, {}, ["a", "b"]) is None
    assert measured_levels({"a": 1.0, "c": math.nan}, {"a": "a", "c": "b"}, {}, ["a", "b"]) is None
