import dataclasses
import functools
import itertools

import pytest
from grids.studies import answer, each_its_own, seeded, study, vote
from scipy import stats

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.votes import votes as blind_votes
from seedance_nb.grids.votes.agreement import fair_coin, measure_agreement, originals, report_raters, wilson
from seedance_nb.tracking.ledger.vote import Choice

rank = functools.partial(blind_votes.rank, of="clips")  # what is asked of levels: test_votes_levels.py

TRUTH = {"a": -0.5, "b": 0.0, "c": 0.5}
KEYS = each_its_own(TRUTH)
LEFT, RIGHT, TIE, BOTH_BAD = Choice.LEFT, Choice.RIGHT, Choice.TIE, Choice.BOTH_BAD


def test_a_rater_who_always_clicks_left_is_flagged_and_a_fair_one_is_not():
    votes = study(TRUTH, 80, rng=seeded(1), raters=("Ann", "Bob"))
    votes = [dataclasses.replace(v, choice=LEFT) if v.rater == "Bob" else v for v in votes]

    ranking = rank(votes, KEYS)

    assert {report.rater: report.has_side_bias for report in ranking.raters} == {"Ann": False, "Bob": True}
    assert "Bob chose the left clip in 40 of 40" in str(ranking)
    assert "Ann chose" not in str(ranking)


def test_fair_raters_are_flagged_about_once_in_a_hundred():
    rng = seeded(3)
    flagged = sum(report_raters(study(TRUTH, 60, rng=rng))[0].has_side_bias for _ in range(500))
    assert flagged <= 12


@pytest.mark.parametrize(("heads", "throws"), [(0, 8), (3, 20), (50, 100), (17, 17), (400, 1000)])
def test_the_coin_and_its_interval_are_scipys(heads, throws):
    reference = stats.binomtest(heads, throws)
    assert fair_coin(heads, throws) == pytest.approx(reference.pvalue, rel=1e-9)
    interval = reference.proportion_ci(method="wilson")
    assert wilson(heads, throws) == pytest.approx((interval.low, interval.high), abs=1e-6)


def test_agreement_counts_pairs_of_answers_on_the_same_pair_whichever_side():
    votes = [
        vote(1, "a", "b", LEFT, rater="Ann"),
        vote(2, "b", "a", RIGHT, rater="Bob"),
        vote(3, "a", "c", LEFT, rater="Ann"),
        vote(4, "a", "c", TIE, rater="Bob"),
        vote(5, "b", "c", LEFT, rater="Ann"),
    ]
    found = measure_agreement(votes)
    assert (found.pairs, found.comparisons, found.equal) == (2, 2, 0.5)


def test_alpha_is_krippendorffs_with_every_pair_named_both_ways():
    rng = seeded(5)
    pairs = list(itertools.combinations("abcdefg", 2))
    votes = [
        vote(10 * n + r, one, other, answer(rng, 0.8), rater=f"r{r}")
        for n, (one, other) in enumerate(pairs)
        for r in range(rng.choice([1, 2, 3]))
    ]
    said = {"left": "first", "right": "second", "tie": "neither"}
    units = [[said[v.choice] for v in votes if v.left == one and v.right == other] for one, other in pairs]
    units = [unit for unit in units if len(unit) > 1]
    values = [value for unit in units for value in unit]
    observed = sum(sum(x != y for x, y in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in units) / len(
        values
    )
    neither = values.count("neither")
    each = (len(values) - neither) / 2
    expected = (len(values) ** 2 - neither**2 - 2 * each**2) / (len(values) * (len(values) - 1))

    assert measure_agreement(votes).alpha == pytest.approx(1 - observed / expected)


def test_alpha_of_raters_of_one_mind_is_one():
    votes = [
        vote(10 * n + r, one, other, LEFT, rater=f"r{r}")
        for n, (one, other) in enumerate(itertools.combinations("abcd", 2))
        for r in range(3)
    ]
    assert measure_agreement(votes).alpha == 1


def test_raters_who_share_no_pair_have_no_agreement():
    assert measure_agreement([vote(1, "a", "b", LEFT), vote(2, "a", "c", LEFT, rater="Bob")]).equal is None


def test_consistency_is_the_share_of_repeats_with_the_same_answer():
    votes = [
        vote(1, "a", "b", LEFT),
        vote(2, "b", "a", RIGHT, repeats="v1"),
        vote(3, "a", "c", LEFT),
        vote(4, "c", "a", LEFT, repeats="v3"),
        vote(5, "b", "c", BOTH_BAD),
        vote(6, "c", "b", TIE, repeats="v5"),
    ]
    report = rank(votes, KEYS).raters[0]
    assert (report.repeats, report.same) == (3, 2)


def test_a_repeat_shares_the_vote_it_repeats():
    votes = [vote(1, "a", "b", LEFT), vote(2, "b", "a", LEFT, repeats="v1"), vote(3, "b", "a", RIGHT, repeats="v1")]
    ranking = rank(votes, each_its_own("ab"))
    a = next(item for item in ranking.table if item.label == "a")
    assert (ranking.used, ranking.repeats) == (1, 2)
    assert (a.votes, a.wins, a.losses) == pytest.approx((1, 2 / 3, 1 / 3))


def test_repeats_make_no_interval_narrower():
    votes = study(TRUTH, 60, rng=seeded(4))
    again = [
        dataclasses.replace(v, id=f"{v.id}r", left=v.right, right=v.left, repeats=v.id, at=v.at + 100,
                            choice={LEFT: RIGHT, RIGHT: LEFT}.get(v.choice, v.choice))
        for v in votes
    ]  # fmt: skip
    assert rank(votes + again, KEYS).table == rank(votes, KEYS).table


def test_a_repeat_on_another_aspect_finds_its_own_first_vote():
    votes = [
        vote(1, "a", "b", LEFT),
        vote(2, "a", "b", LEFT, aspect="motion"),
        vote(3, "b", "a", LEFT, repeats="v1", aspect="motion"),
    ]
    assert {key: first.id for key, first in originals(votes).items()} == {"v3": "v2"}


def test_a_repeat_whose_vote_was_taken_back_is_a_vote():
    ranking = rank([vote(2, "b", "a", LEFT, repeats="v1")], each_its_own("ab"))
    assert (ranking.used, ranking.repeats) == (1, 0)


def test_votes_of_chosen_raters_only():
    votes = study(TRUTH, 60, rng=seeded(1), raters=("Ann", "Bob"))
    assert rank(votes, KEYS, raters=["Bob"]).votes == 30


def test_a_rater_who_is_not_there_is_an_error_that_names_those_who_are():
    with pytest.raises(InvalidRequest, match="no votes by 'Eve'; there are votes by Ann"):
        rank(study(TRUTH, 5, rng=seeded(1)), KEYS, raters=["Eve"])
