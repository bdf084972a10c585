"""How likely a study tells what is there, before it is paid for. Against studies of real votes: `benchmarks/power.py`."""

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.power import cast
from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.rankings import power
from seedance_nb.grids.rankings.forecast import forecast, least_gap, odds, plan_line
from seedance_nb.grids.rankings.mixed_model import NEGLIGIBLE, fit_levels
from seedance_nb.grids.rankings.power import chances
from seedance_nb.grids.rankings.study import Study

USUAL = Study(3, 6, 300, 10, 1.2)


def with_(**changes):
    return dataclasses.replace(USUAL, **changes)


def normal(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


@pytest.mark.parametrize("gap", [0.2, 0.35, 0.5])
def test_where_all_spreads_are_as_good_as_known_it_is_the_formula(gap):
    """2 items, 80 takes, 80 raters: SE^2 = 2 luck^2 / takes + 2 taste^2 / raters + 4 / (votes (1 - ties))."""
    study = Study(2, 80, 20_000, 80, gap, luck=0.47, taste=0.47, ties=0.3)  # spreads that the lattice has
    error = math.sqrt(4 * 0.47**2 / 80 + 4 / (20_000 * 0.7))
    assert chances(study, draws=8000).one == pytest.approx(normal(gap / error - 1.96), abs=0.04)


def test_of_many_pairs_any_wrong_one_is_rare():
    found = chances(Study(4, 8, 800, 20, 1e-9), draws=8000)
    assert found.one < 0.03
    assert found.all < 0.01


@pytest.mark.parametrize("less", [{"takes": 1}, {"raters": 1}, {"items": 1}])
def test_where_nothing_can_be_told_the_chance_is_0(less):
    assert chances(with_(gap=5.0, **less)) == chances(with_(gap=5.0, votes=0)) == type(chances(USUAL))(0.0, 0.0)


def test_one_take_tells_where_there_are_blocks():
    assert chances(with_(takes=1, blocks=8, gap=3.0)).one > 0.5


@pytest.mark.parametrize(
    "more", [{"takes": 12}, {"raters": 40}, {"votes": 1500}, {"gap": 1.8}, {"luck": 0.2}, {"taste": 0.1}, {"ties": 0.0}]
)
def test_more_of_it_tells_more(more):
    usual = with_(ties=0.4)
    assert chances(dataclasses.replace(usual, **more), draws=4000).one > chances(usual, draws=4000).one


def test_of_one_take_in_each_block_luck_and_what_suits_are_one_spread():
    blocks = with_(takes=1, blocks=8, gap=2.0)
    one = chances(dataclasses.replace(blocks, luck=0.4, suits=0.9))
    other = chances(dataclasses.replace(blocks, luck=0.9, suits=0.4))
    assert one.one == pytest.approx(other.one, abs=1e-9)
    assert one.one < chances(dataclasses.replace(blocks, luck=0.0, suits=0.9)).one < 0.99


def test_between_blocks_the_luck_of_clips_is_learned_beside_what_suits():
    """Of 60 studies of votes that `benchmarks/power.py` casts and fits, 30 told the two; were luck known by itself, 73 % would be foretold."""
    study = Study(2, 2, 2000, 12, 1.2, luck=1.0, taste=0.1, blocks=6, suits=0.05)
    assert chances(study).one == pytest.approx(30 / 60, abs=0.13)  # twice the standard error of 60


def test_what_the_fit_leaves_out_as_too_unlikely_no_drawn_study_believes(monkeypatch):
    study = Study(3, 2, 240, 6, 2.5, 0.3, 0.3, 0.1)
    levels = fit_levels(cast(study, np.random.default_rng(0)))
    assert levels.weights.min() / levels.weights.max() > math.exp(-NEGLIGIBLE)
    known = chances(study, draws=4000).one
    monkeypatch.setattr(power, "NEGLIGIBLE", math.inf)
    assert chances(study, draws=4000).one < known - 0.01, "large spreads that no study rules out make it unsurer"


def test_of_what_votes_leave_open_the_levels_shrink(monkeypatch):
    study = Study(2, 2, 60, 4, 2.5, 0.5, 0.3, 0.3)
    known = chances(study, draws=4000).one
    monkeypatch.setattr(power, "FLATTENED", 0.0)
    assert chances(study, draws=4000).one > known + 0.02


def test_to_win_is_harder_than_to_beat_one():
    found = chances(with_(items=6, votes=600))
    assert found.all < found.one - 0.1
    of_two = chances(with_(items=2))
    assert of_two.one == of_two.all


def test_the_same_study_has_the_same_power():
    assert chances(USUAL) == chances(USUAL)


def test_a_forecast_names_the_cheapest_split_and_what_is_still_to_be_paid():
    power = forecast(Study(2, 3, 150, 12, 1.5), by="prompt", price=36.0, bought=4)

    assert (power.planned.takes, power.planned.votes, power.planned.clips, power.planned.credits) == (3, 150, 6, 72.0)
    assert power.cheapest_pair.pair >= 0.8
    assert all(row.pair < 0.8 for row in power.rows if row.credits < power.cheapest_pair.credits)
    assert power.planned.pair < 0.8
    assert "more takes would help most" in str(power)
    assert f"the cheapest is {power.cheapest_pair.takes} takes of each" in str(power)
    assert list(power.to_pandas().columns) == ["takes", "votes", "clips", "credits", "pair", "best"]


def test_without_a_price_fewer_clips_are_cheaper():
    power = forecast(Study(2, 3, 150, 12, 1.5), by="prompt", price=None, bought=0)
    assert power.planned.credits is None
    assert all(row.pair < 0.8 for row in power.rows if row.clips < power.cheapest_pair.clips)
    assert "credits" not in str(power)


def test_a_plan_says_what_it_would_find():
    study = Study(3, 8, 400, 20, 1.0)
    gap = least_gap(study)
    assert chances(dataclasses.replace(study, gap=gap), draws=4000).one == pytest.approx(0.8, abs=0.05)
    assert f"4 times in 5 if one is preferred {odds(gap)} or more" in plan_line(study, "prompt")
    assert "two takes at least" in plan_line(dataclasses.replace(study, takes=1), "prompt")
    assert "hardly" in plan_line(Study(3, 2, 20, 2, 1.0), "prompt")


def test_odds_are_those_of_the_logistic_curve():
    assert [odds(gap) for gap in (0.0, 1.0, 1.8)] == ["50 : 50", "73 : 27", "86 : 14"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"items": 1}, "nothing to compare"),
        ({"items": 40}, "more than 12"),
        ({"votes": 0}, "votes must be a whole number"),
        ({"votes": 12.5}, "votes must be a whole number"),
        ({"raters": True}, "raters must be a whole number"),
        ({"luck": -1}, "luck is a standard deviation"),
        ({"luck": "pilots"}, "luck is a standard deviation"),
        ({"taste": math.nan}, "taste is a standard deviation"),
        ({"gap": 0}, "gap is in log-odds"),
        ({"gap": math.inf}, "gap is in log-odds"),
        ({"ties": 1.0}, "ties is the share"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(wrong, words):
    with pytest.raises(InvalidRequest, match=words) as caught:
        forecast(with_(**wrong), by="prompt", price=1.0, bought=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wanted", [0.2, 1.0, "much", math.nan])
def test_a_power_is_a_chance(wanted):
    with pytest.raises(InvalidRequest, match="power is a chance"):
        forecast(USUAL, by="prompt", price=1.0, bought=0, wanted=wanted)
