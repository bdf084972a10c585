"""Whether a measure goes with the votes, by prompt: an interval that holds, and nothing said that the points cannot carry."""

import math

import numpy as np
import pytest
from grids.stage import small
from grids.studies import answer, seeded, vote

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.measures.correlation import pearson

ANIMALS = ["cat", "dog", "owl", "fox", "hen", "cow", "ape", "eel"]


@pytest.mark.parametrize("true", [0.0, 0.7])
@pytest.mark.parametrize("points", [4, 6, 10])
def test_the_interval_holds_in_95_of_100_draws_of_prompts(points, true):
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(2000):
        x, noise = rng.normal(size=(2, points))
        _, low, high = pearson(list(zip(x, true * x + math.sqrt(1 - true**2) * noise, strict=True)))
        held += low <= true <= high

    assert 0.93 <= held / 2000 <= 0.97


def test_r_is_that_of_numpy_and_what_does_not_vary_or_is_too_little_has_none():
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=(2, 9))

    assert pearson(list(zip(x, y, strict=True)))[0] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert all(map(math.isnan, pearson([(1.0, 2.0), (2.0, 3.0), (3.0, 1.0)])))
    assert all(map(math.isnan, pearson([(0.1, float(i)) for i in range(9)])))


@pytest.fixture
def judged(session):
    """Eight animals, two takes each; the longer the list goes on, the better is what one gets, for three raters."""
    grid = small(session, "a {animal}", animal=ANIMALS, takes=2).submit()
    grid.result(60)
    keys = [job.key for job in grid.jobs]
    rng, votes = seeded(4), []
    for number in range(600):
        left, right = rng.sample(range(len(keys)), 2)
        choice = answer(rng, 0.9 * (left // 2 - right // 2))
        votes.append(vote(number, keys[left], keys[right], choice, rater="ABC"[number % 3]))
    grid.session.ask_ledger(lambda ledger: ledger.votes.add(votes))
    return grid


def test_a_measure_that_goes_with_the_votes_by_prompt_is_told_with_its_way(judged):
    up = correlation(judged, lambda animal, take: animal + 0.1 * take)
    down = correlation(judged, lambda animal, take: -animal)

    assert up.r > 0.9
    assert up.low > 0.5
    assert up.told
    assert up.items == 8
    assert [row["clips"] for row in up.table] == [2] * 8
    assert str(up).startswith("More told goes with being preferred: r = ")
    assert "95 % interval" in str(up)
    assert down.high < -0.5
    assert "less preferred" in str(down)


def correlation(grid, number_of):
    from seedance_nb.grids.measures.correlation import correlation_of

    values = {job.key: number_of(i // 2, i % 2) for i, job in enumerate(grid.jobs)}
    return correlation_of("told", values, grid.groups("animal"), grid.ranking(by="animal"))


def test_by_an_axis_there_is_not_or_without_votes_it_says_so(session):
    grid = small(session, "a {animal}", animal=ANIMALS[:2], takes=2).submit()
    grid.result(60)
    found = grid.measure("exposure")

    with pytest.raises(InvalidRequest, match="'animl' is no axis of this grid; did you mean 'animal'"):
        found.correlation(by="animl")
    nothing = found.correlation(by="animal")
    assert not nothing.told
    assert math.isnan(nothing.r)
    assert "cannot be told" in str(nothing)
    assert "more are wanted" in str(nothing)


def test_by_prompt_is_the_finished_prompt(judged):
    found = judged.measure("exposure").correlation(by="prompt")

    assert found.by == "prompt"
    assert found.items == 8


def test_too_few_prompts_or_no_relation_is_not_told_and_says_what_would(judged):
    none = correlation(judged, lambda animal, take: (animal * 3) % 8 + take)
    flat = correlation(judged, lambda animal, take: 1.0)

    assert not none.told
    assert "cannot be told: r = " in str(none)
    assert "tell it" in str(none)
    assert "the same for every animal" in str(flat)


def test_a_correlation_shows_its_words_and_a_row_a_level(judged):
    found = judged.measure("flicker").correlation(by="animal")
    page = found._repr_html_()
    assert found.words[0] in repr(found)
    assert page.count("<tr>") == 1 + len(ANIMALS)
    for text in ("mean flicker", "strength in the votes", "ape"):
        assert text in page
