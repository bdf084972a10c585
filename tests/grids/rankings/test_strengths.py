import functools

import choix
import numpy as np
import pytest
from grids.studies import answer, each_its_own, seeded, study, vote
from scipy import optimize

from seedance_nb.grids.rankings.intervals import POINT, bootstrap
from seedance_nb.grids.rankings.strengths import Prior, chances, fit, log_likelihood, tally_of
from seedance_nb.grids.votes import votes as blind_votes

rank = functools.partial(blind_votes.rank, of="clips")  # what is asked of levels: test_votes_levels.py

TRUTH = {"a": -1.0, "b": -0.2, "c": 0.3, "d": 0.9}
STUDIES = 200


def outcomes(votes, names):
    return [
        (
            names.index(v.left),
            names.index(v.right),
            float(v.choice == "left"),
            float(v.choice == "right"),
            float(v.choice == "tie"),
        )
        for v in votes
    ]


@pytest.mark.parametrize("seed", range(5))
def test_without_prior_and_ties_it_is_choix(seed):
    names = list(TRUTH)
    votes = study(TRUTH, 200, rng=seeded(seed), tie=0)
    won = [
        (names.index(v.left), names.index(v.right))
        if v.choice == "left"
        else (names.index(v.right), names.index(v.left))
        for v in votes
    ]

    reference = choix.opt_pairwise(len(names), won, alpha=1e-10, tol=1e-10)

    fitted = fit(tally_of(outcomes(votes, names), len(names))[0], None)
    np.testing.assert_allclose(fitted.strengths[0], reference - reference.mean(), atol=1e-4)


@pytest.mark.parametrize("tie", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("prior", [None, Prior()])
def test_with_ties_it_is_the_maximum_that_scipy_finds(tie, prior):
    names = list(TRUTH)
    tally = tally_of(outcomes(study(TRUTH, 250, rng=seeded(3), tie=tie), names), len(names))[0]

    def loss(parameters):
        strengths, log_tie = np.append(parameters[:-1], -parameters[:-1].sum()), parameters[-1]
        wins, losses, ties = (np.log(p) for p in chances(tally.differences(strengths[None])[0], log_tie))
        logs = tally.counts[0, :, 0] @ wins + tally.counts[0, :, 1] @ losses + tally.counts[0, :, 2] @ ties
        if prior is not None:
            logs -= (strengths @ strengths) / prior.strength**2 / 2
            logs -= (log_tie - np.log(prior.tie)) ** 2 / prior.log_tie**2 / 2
        return -logs

    found = optimize.minimize(loss, np.zeros(len(names)), method="BFGS", options={"gtol": 1e-7})

    fitted = fit(tally, prior)
    np.testing.assert_allclose(fitted.strengths[0][:-1], found.x[:-1], atol=1e-4)
    np.testing.assert_allclose(fitted.log_tie[0], found.x[-1], atol=1e-4)


def test_the_chances_are_davidsons():
    win, lose, tie = (float(p) for p in chances(np.array(1.2), np.log(0.7)))
    strong, weak = np.exp(0.6), np.exp(-0.6)
    whole = strong + weak + 0.7 * np.sqrt(strong * weak)
    assert (win, lose, tie) == pytest.approx((strong / whole, weak / whole, 0.7 / whole))


def test_many_resamples_are_fitted_as_each_alone():
    names = list(TRUTH)
    tallies = [tally_of(outcomes(study(TRUTH, 300, rng=seeded(s)), names), 4)[0] for s in range(3)]
    order = [sorted(zip(t.first, t.second, strict=True)) for t in tallies]
    assert order[0] == order[1] == order[2]
    lined_up = [t.counts[0][np.lexsort((t.second, t.first))] for t in tallies]
    first = np.lexsort((tallies[0].second, tallies[0].first))
    whole = type(tallies[0])(4, tallies[0].first[first], tallies[0].second[first], np.stack(lined_up))

    together = fit(whole).strengths

    np.testing.assert_allclose(together, [fit(t).strengths[0] for t in tallies], atol=1e-7)


def test_the_covariance_is_the_inverse_of_the_curvature():
    names = list(TRUTH)
    tally = tally_of(outcomes(study(TRUTH, 250, rng=seeded(1)), names), 4)[0]
    fitted = fit(tally, None)
    basis = np.linalg.svd(np.ones((1, 4)))[2][1:]  # directions in which the strengths still add up to 0

    def logs(parameters):
        strengths = fitted.strengths[0] + parameters[:3] @ basis
        return log_likelihood(tally, strengths[None], fitted.log_tie + parameters[3])[0]

    step = 1e-3
    curvature = np.empty((4, 4))
    for i in range(4):
        for j in range(4):
            ways = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
            curvature[i, j] = sum(sign * logs(step * (a * np.eye(4)[i] + b * np.eye(4)[j])) for a, b, sign in ways) / (
                4 * step**2
            )

    expected = basis.T @ np.linalg.inv(-curvature)[:3, :3] @ basis
    np.testing.assert_allclose(fitted.covariance[0], expected, rtol=1e-3, atol=1e-6)


def test_an_item_that_wins_every_vote_has_a_finite_strength():
    votes = study({"a": 60.0, "b": 0.0, "c": 0.0}, 60, rng=seeded(0))
    first = rank(votes, each_its_own("abc")).table[0]
    assert first.label == "a"
    assert 1 < first.low < first.strength < first.high < 15


@pytest.mark.slow
@pytest.mark.parametrize(
    ("truth", "votes", "tie"),
    [
        ([0, 0.6], 60, 0.4),
        ([-1, 0, 1], 60, 0.5),
        ([-0.5, 0, 0.2, 0.3], 120, 0.3),
        ([-1.5, -0.5, 0, 0.5, 1.5], 150, 1.0),
    ],
    ids=["2 items, 60 votes", "3 items, 60 votes", "4 items, 120 votes", "5 items, 150 votes, many ties"],
)
def test_the_95_percent_intervals_hold_the_truth_in_93_to_97_percent_of_studies(truth, votes, tie):
    names = [f"i{n}" for n in range(len(truth))]
    known = {name: value - sum(truth) / len(truth) for name, value in zip(names, truth, strict=True)}
    rng = seeded(20)
    held = [
        item.low <= known[item.label] <= item.high
        for _ in range(STUDIES)
        for item in rank(study(known, votes, rng=rng, tie=tie), each_its_own(names), resamples=299).table
    ]
    assert 0.93 <= sum(held) / len(held) <= 0.97


def test_sums_over_pairs_are_those_of_the_matrix_of_comparisons():
    names = list(TRUTH)
    tally = tally_of(outcomes(study(TRUTH, 12, rng=seeded(5)), names), 4)[0]
    matrix = np.zeros((len(tally.first), 4))
    matrix[range(len(matrix)), tally.first], matrix[range(len(matrix)), tally.second] = 1.0, -1.0
    strengths, values = np.random.default_rng(0).normal(size=(3, 4)), np.arange(3.0 * len(matrix)).reshape(3, -1)

    np.testing.assert_allclose(tally.differences(strengths), strengths @ matrix.T, atol=1e-12)
    np.testing.assert_allclose(tally.to_items(values), values @ matrix, atol=1e-12)
    network = np.einsum("pi,rp,pj->rij", np.abs(matrix), values, np.abs(matrix))
    network[:, range(4), range(4)] = 0.0
    both = tally.between(values) + tally.between(values).transpose(0, 2, 1)
    np.testing.assert_allclose(both, network, atol=1e-12)


def test_intervals_of_differences_are_those_of_their_linear_combinations():
    """The long way: a matrix of contrasts through every covariance."""
    names = list(TRUTH)
    found = bootstrap(*tally_of(outcomes(study(TRUTH, 120, rng=seeded(6)), names), 4), resamples=50, seed=1)
    chosen = [(3, 0), (3, 2), (1, 0)]

    def half(matrix):
        errors = [
            np.sqrt(np.einsum("ri,kij,rj->kr", matrix, fitted.covariance, matrix))
            for fitted in (found.fit, found.resampled)
        ]
        away = np.abs((found.resampled.strengths - found.strengths) @ matrix.T)
        return errors[0][0], np.quantile(away / errors[1], POINT, axis=0) * errors[0][0]

    matrix = np.array([np.eye(4)[one] - np.eye(4)[other] for one, other in chosen])
    sizes, errors, halves = found.contrasts(chosen)
    np.testing.assert_allclose(sizes, matrix @ found.strengths, atol=1e-9)
    np.testing.assert_allclose((errors, halves), half(matrix), atol=1e-9)
    np.testing.assert_allclose(found.half_widths(), half(np.eye(4))[1], atol=1e-9)


def test_every_item_has_the_votes_it_was_in_and_a_vote_with_its_repeats_counts_once():
    rng = seeded(7)
    votes = study(TRUTH, 60, rng=rng, raters=("Ann", "Bo"))
    votes += [
        vote(60 + n, v.right, v.left, answer(rng, 0.0), rater=v.rater, repeats=v.id) for n, v in enumerate(votes[:20])
    ]
    table = {row.label: row for row in rank(votes, each_its_own(TRUTH), resamples=0).table}
    for label, row in table.items():
        there = [v for v in votes if label in (v.left, v.right)]
        share = {v.id: 0.5 if any(w.repeats == (v.repeats or v.id) for w in votes) else 1.0 for v in there}
        liked = {v.id: {"left": v.left, "right": v.right}.get(v.choice, "") for v in there}
        assert row.votes == pytest.approx(sum(share.values()))
        assert row.wins == pytest.approx(sum(share[v.id] for v in there if liked[v.id] == label))
        assert row.ties == pytest.approx(sum(share[v.id] for v in there if not liked[v.id]))
        assert row.losses == pytest.approx(row.votes - row.wins - row.ties)
