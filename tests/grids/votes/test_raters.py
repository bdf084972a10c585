"""Raters as people: what is odd about whom, calibrated, and how far they agree, held against an independent implementation."""

import dataclasses
import itertools
import math

import krippendorff
import numpy as np
import pytest
from grids.studies import answer, seeded, vote

import seedance_nb
from seedance_nb.grids.rankings.verdicts import evidence_of, levels_of
from seedance_nb.grids.votes import votes as blind_votes
from seedance_nb.grids.votes.agreement import measure_agreement
from seedance_nb.grids.votes.likelihoods import by_others
from seedance_nb.tracking.ledger.vote import Choice

LEVELS = {"a": 1.2, "b": 0.0, "c": -1.2}
CLIPS = {f"{name}/{take}": {"prompt": name, "take": take} for name in LEVELS for take in range(3)}
GROUPS = {key: labels["prompt"] for key, labels in CLIPS.items()}
LEFT, RIGHT, TIE = Choice.LEFT, Choice.RIGHT, Choice.TIE


def voted(rng, count, raters=("Ann", "Bob", "Cy", "Dora"), turn=()):
    """Honest votes; whoever is in `turn` means the opposite."""
    made = []
    for number in range(count):
        left, right = rng.sample(sorted(GROUPS), 2)
        rater = raters[number % len(raters)]
        difference = LEVELS[GROUPS[left]] - LEVELS[GROUPS[right]]
        made.append(vote(number, left, right, answer(rng, -difference if rater in turn else difference), rater=rater))
    return made


def rated(votes, **options):
    return blind_votes.rank(votes, GROUPS, with_likelihoods=True, resamples=0, **options).raters


# By everybody else's votes ----------------------------------------------------------------------------


def test_who_means_the_opposite_is_flagged_by_everybody_elses_fit():
    raters = rated(voted(seeded(2), 320, turn=("Dora",)))
    dora = raters[3]
    assert dora.unlikely < 0.01
    assert dora.likelihood < dora.expected_likelihood
    assert "votes unlike everybody else" in raters.flags["Dora"][0]
    assert "Dora votes unlike everybody else" in str(raters)


def test_honest_raters_are_flagged_about_as_rarely_as_promised():
    """Of 60 honest raters 0.6 should come out below 0.01 and 12 below 0.2."""
    rng = seeded(4)
    found = [report.unlikely for _ in range(15) for report in rated(voted(rng, 120))]
    assert sum(p < 0.01 for p in found) <= 3
    assert 4 <= sum(p < 0.2 for p in found) <= 22


def test_a_rater_is_held_against_the_others_alone():
    """However often their own answers are counted, the chance that the others give to each of them stays to the last digit."""
    votes = voted(seeded(6), 200)
    answers = [blind_votes._answer(ballot) for ballot in blind_votes._ballots(votes)]
    evidence = evidence_of(answers, GROUPS, {}, sorted(LEVELS))
    levels = levels_of(evidence, raters_are_draws=True)
    louder = dataclasses.replace(evidence, counts=evidence.counts * np.where(evidence.rater == 0, 3.0, 1.0)[:, None])
    before, after = (by_others(one, levels, 0) for one in (evidence, louder))
    assert after[0].found == pytest.approx(before[0].found, rel=1e-12)
    assert after[1].found != pytest.approx(before[1].found, rel=1e-6)


def test_too_few_votes_of_others_say_nothing():
    raters = rated(voted(seeded(1), 40, raters=("Ann",)))
    assert math.isnan(raters[0].likelihood)
    assert raters.flags == {}
    assert "Nobody is flagged" in str(raters)


def test_the_same_votes_in_another_order_say_the_same():
    votes = voted(seeded(3), 120)
    assert repr(rated(votes)) == repr(rated(votes[::-1]))


# Gold pairs, seconds, repeats -------------------------------------------------------------------------


def test_gold_pairs_and_seconds_of_a_table_are_told_and_never_ranked():
    rows = [dataclasses.asdict(v) | {"seconds": 1.0 if v.rater == "Bob" else 6.0} for v in voted(seeded(5), 120)]
    gold = [
        {"rater": rater, "left": "a/0", "right": "a/0-damaged", "choice": choice, "kind": "gold", "id": f"{rater}{n}"}
        for n in range(6)
        for rater, choice in (("Ann", "left"), ("Cy", "right" if n else "left"))
    ]
    ranking = seedance_nb.rank([*rows, *gold], CLIPS)
    ann, bob, cy, _ = ranking.raters
    assert ranking.votes + ranking.doubled == 120
    assert [(r.gold, r.gold_right) for r in (ann, bob, cy)] == [(6, 6), (0, 0), (6, 1)]
    assert [r.seconds for r in (ann, bob)] == [6.0, 1.0]
    assert list(ranking.raters.flags["Bob"]) == ["took 1.0 s a vote (median)"]
    assert "1 of 6 gold pairs" in ranking.raters.flags["Cy"][0]
    assert "Ann" not in ranking.raters.flags
    assert not math.isnan(ann.likelihood)
    frame = ranking.raters.to_pandas()
    assert list(frame.rater) == ["Ann", "Bob", "Cy", "Dora"]
    assert frame.set_index("rater").flagged["Bob"] == "took 1.0 s a vote (median)"


@pytest.mark.parametrize("column", ["seconds", "kind"])
def test_tables_without_a_column_or_with_gaps_are_taken(column):
    rows = [dataclasses.asdict(v) for v in voted(seeded(5), 60)]
    for place, row in enumerate(rows):
        row[column] = math.nan if place % 2 else None
    assert math.isnan(seedance_nb.rank(rows, CLIPS).raters[0].seconds)


def test_an_unknown_kind_names_its_row():
    rows = [dataclasses.asdict(v) for v in voted(seeded(5), 3)]
    rows[1]["kind"] = "golden"
    with pytest.raises(seedance_nb.InvalidRequest, match=r"row 2 .* 'golden'"):
        seedance_nb.rank(rows, CLIPS)


def test_inconsistent_answers_are_flagged_where_they_surely_are():
    votes = voted(seeded(8), 60, raters=("Ann",))
    again = [
        dataclasses.replace(
            v,
            id=f"r{v.id}",
            left=v.right,
            right=v.left,
            choice=v.choice if n % 4 else LEFT,
            at=v.at + 100,
            repeats=v.id,
        )
        for n, v in enumerate(votes[:20])
    ]
    report = rated([*votes, *again])[0]
    assert report.repeats == 20
    assert report.same_high < 0.7
    assert f"answered {report.same} of 20 repeated pairs as before" in report.flags
    few = rated([*votes, *again[:3]])[0]
    assert few.flags == ()


# Agreement --------------------------------------------------------------------------------------------


def shared(rng, difference=0.9, pairs=12):
    """Answers of two to four raters to pairs, each pair once more with everything mirrored."""
    made, units = [], []
    for n in range(pairs):
        given = [answer(rng, difference * rng.choice([-1, 1])) for _ in range(rng.choice([2, 3, 4]))]
        for mirror in (False, True):
            turned = {LEFT: RIGHT, RIGHT: LEFT}
            said = [turned.get(choice, choice) if mirror else choice for choice in given]
            units.append([{LEFT: 1, TIE: 2, RIGHT: 3}[choice] for choice in said])
            made += [
                vote(100 * n + 10 * mirror + r, f"x{n}{mirror}", f"y{n}{mirror}", choice, rater=f"r{r}")
                for r, choice in enumerate(said)
            ]
    widest = max(map(len, units))
    table = np.array([[*unit, *[np.nan] * (widest - len(unit))] for unit in units]).T
    return made, table


@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_that_of_an_independent_implementation(seed):
    """Over units that are there both ways round, so that what chance gives is the same by both."""
    votes, table = shared(seeded(seed))
    found = measure_agreement(votes)
    assert found.alpha == pytest.approx(
        krippendorff.alpha(reliability_data=table, level_of_measurement="nominal"), abs=1e-12
    )
    assert found.ordinal == pytest.approx(
        krippendorff.alpha(reliability_data=table, level_of_measurement="ordinal"), abs=1e-12
    )
    assert found.low <= found.alpha <= found.high
    assert found.ordinal_low <= found.ordinal <= found.ordinal_high


def test_the_interval_of_alpha_holds_the_alpha_of_many_pairs():
    """About 95 of 100; with 40 pairs a bootstrap is a little narrow."""
    rng = seeded(11)

    def answers(count):
        levels = {n: rng.gauss(0, 1.5) for n in range(count)}
        return [
            vote(10 * n + r, f"x{n}", f"y{n}", answer(rng, levels[n]), rater=f"r{r}")
            for n in range(count)
            for r in range(3)
        ]

    truth = measure_agreement(answers(6000)).alpha
    found = [measure_agreement(answers(40)) for _ in range(100)]
    assert sum(one.low <= truth <= one.high for one in found) >= 86


def test_few_pairs_have_an_alpha_and_no_interval():
    votes = [
        vote(10 * n + r, x, y, LEFT if r else TIE, rater=f"r{r}")
        for n, (x, y) in enumerate(itertools.combinations("abc", 2))
        for r in range(2)
    ]
    found = measure_agreement(votes)
    assert found.alpha is not None
    assert math.isnan(found.low)
    assert math.isnan(found.ordinal_high)
