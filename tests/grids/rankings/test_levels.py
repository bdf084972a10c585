"""What a prompt is worth, clips and raters being draws. How often intervals hold: `python -m benchmarks vote_coverage`."""

import itertools
import math

import numpy as np
import pytest
from grids.studies import answer, seeded, study, takes, vote

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.rankings import mixed_model
from seedance_nb.grids.rankings.islands import islands
from seedance_nb.grids.rankings.item_spread import chance_to_tell, item_spread
from seedance_nb.grids.rankings.verdicts import Answer, evidence_of
from seedance_nb.grids.rankings.verdicts import _enough as enough
from seedance_nb.grids.votes.vote_table import rank as rank_table
from seedance_nb.grids.votes.votes import rank
from seedance_nb.tracking.ledger.vote import Choice

MANY = tuple(f"rater {n}" for n in range(8))


def tasting(levels, count, *, luck, taste, votes, raters, seed):
    """(votes, group of each clip): clips stray by `luck` around their level, raters by `taste`."""
    rng = seeded(seed)
    strengths, groups = takes(levels, count, luck, rng)
    tastes = {(rater, name): rng.gauss(0, taste) for rater in raters for name in levels}
    made = []
    while len(made) < votes:
        left, right = rng.sample(sorted(strengths), 2)
        rater = raters[len(made) % len(raters)]
        x = strengths[left] + tastes[rater, groups[left]] - strengths[right] - tastes[rater, groups[right]]
        made.append(vote(len(made), left, right, answer(rng, x), rater=rater))
    return made, groups


def shares_of(vote):
    return tuple(float(vote.choice is choice) for choice in (Choice.LEFT, Choice.RIGHT, Choice.TIE))


def test_a_lucky_clip_makes_no_winning_prompt():
    claims = [
        rank(*tasting(dict.fromkeys("abc", 0.0), 2, luck=0.8, taste=0.0, votes=120, raters=MANY, seed=seed)).winner
        for seed in range(40)
    ]
    assert sum(winner is not None for winner in claims) <= 4, "one throw of the dice is taken for the dice"


def test_a_prompt_that_is_better_in_all_its_takes_and_for_all_raters_wins():
    votes, groups = tasting({"a": 0.0, "b": 1.8}, 8, luck=0.5, taste=0.3, votes=240, raters=MANY, seed=3)
    ranking = rank(votes, groups, by="prompt")
    assert ranking.winner == "b"
    assert ranking.words[0].startswith("“b” wins")
    assert "prompts themselves and raters like these" in ranking.words[-1]
    assert "the difference tends to seem larger than it is" in ranking.words[-1]
    assert (ranking.pairs[0].a, ranking.pairs[0].told, ranking.more_to_tell) == ("b", True, 0)
    pair = ranking.pairs[0]
    assert 0.5 < pair.random_clip < pair.probability
    assert pair.random_low < pair.random_clip < pair.random_high
    assert pair.random_high - pair.random_low < pair.high - pair.low, (
        "clips and tastes flatten the ends as they do the middle"
    )


def test_with_one_take_it_says_this_clip_and_never_wins():
    votes, groups = tasting({"a": 0.0, "b": 3.0}, 1, luck=0.0, taste=0.0, votes=80, raters=MANY, seed=0)
    ranking = rank(votes, groups, by="prompt")
    assert (ranking.winner, ranking.lacks) == (None, ("takes",))
    assert not any(pair.told for pair in ranking.pairs)
    assert "larger than it is" not in str(ranking)
    assert "Cannot tell which prompt is better" in str(ranking)
    assert "this clip of “b” is preferred to every other" in str(ranking)
    assert "grid.extend(takes=5)" in str(ranking)
    assert " wins" not in str(ranking)
    assert rank(votes, groups, by="prompt", of="clips").winner == "b"


def test_one_rater_is_no_people():
    votes, groups = tasting({"a": 0.0, "b": 3.0}, 6, luck=0.3, taste=0.0, votes=120, raters=("Ann",), seed=0)
    of_people, of_ann = rank(votes, groups), rank(votes, groups, of="raters")
    assert (of_people.winner, of_people.lacks) == (None, ("raters",))
    assert "there is one rater only" in str(of_people)
    assert (of_ann.winner, of_ann.lacks) == ("b", ())
    assert of_people.pairs[0].low < of_ann.pairs[0].low


def test_three_raters_whose_tastes_differ_make_no_winner():
    claims = [
        rank(*tasting(dict.fromkeys("abc", 0.0), 3, luck=0.2, taste=1.0, votes=120, raters=MANY[:3], seed=seed)).winner
        for seed in range(25)
    ]
    assert sum(winner is not None for winner in claims) <= 3


def test_what_a_prompt_does_to_one_model_is_a_draw_too():
    """Two models, one of which has luck with a few prompts: the clips of a prompt are no independent evidence."""
    wrong = 0
    for seed in range(25):
        rng = seeded(seed)
        product = {(model, prompt): rng.gauss(0, 0.8) for model in "mn" for prompt in "pqrs"}
        strengths = {f"{m}{p}{t}": product[m, p] for m in "mn" for p in "pqrs" for t in range(6)}
        groups, blocks = {key: key[0] for key in strengths}, {key: key[1] for key in strengths}
        votes = study(strengths, 500, rng=rng, raters=MANY)
        votes = [v for v in votes if blocks[v.left] == blocks[v.right]]
        wrong += rank(votes, groups, block_of=blocks).luck.verdict == "told"
    assert wrong <= 3


def test_what_makes_votes_differ_adds_up():
    votes, groups = tasting({"a": -1.0, "b": 0.0, "c": 1.0}, 4, luck=0.8, taste=0.5, votes=300, raters=MANY, seed=2)
    shares = rank(votes, groups).luck.shares
    assert set(shares) == {"items", "takes", "raters"}
    assert all(0 <= low <= middle <= high <= 1 for middle, low, high in shares.values())


def test_neither_names_nor_order_move_a_number():
    votes, groups = tasting({"a": 0.0, "b": 0.7, "c": 1.0}, 3, luck=0.5, taste=0.3, votes=150, raters=MANY, seed=5)
    other = {"a": "z", "b": "y", "c": "x"}
    one = rank(votes, groups)
    renamed = rank(votes[::-1], {key: other[group] for key, group in sorted(groups.items(), reverse=True)})
    assert [other[row.label] for row in one.table] == [row.label for row in renamed.table]
    for name in ("strength", "low", "high"):
        assert [row[name] for row in one.table] == pytest.approx([row[name] for row in renamed.table], abs=1e-5)


def test_the_mixture_is_what_sampling_finds():
    """An independent way to the same posterior: a Metropolis walk over levels, takes, log v and the spread, without Laplace."""
    strengths = {"a1": 0.9, "a2": 0.1, "a3": 0.4, "b1": -0.6, "b2": 0.2, "b3": -0.3}
    votes = study(strengths, 150, rng=seeded(4))
    groups = {key: key[0] for key in strengths}
    answers = [
        mixed_answer(v.left, v.right, [v.choice is c for c in (Choice.LEFT, Choice.RIGHT, Choice.TIE)]) for v in votes
    ]
    evidence = evidence_of(answers, groups, {}, ["a", "b"])
    levels = mixed_model.fit_levels(evidence, raters_are_draws=False)
    contrast = np.array([[1.0, -1.0]])

    walked = _walk(evidence, steps=60_000, rng=np.random.default_rng(0))

    low, high = levels.intervals(contrast)
    assert float(levels.strengths[0] - levels.strengths[1]) == pytest.approx(walked.mean(), abs=0.12)
    assert float(high[0] - low[0]) == pytest.approx(np.quantile(walked, 0.975) - np.quantile(walked, 0.025), rel=0.15)


def mixed_answer(left, right, shares):
    from seedance_nb.grids.rankings.verdicts import Answer

    return Answer(left, right, "Ann", tuple(float(share) for share in shares))


def _walk(evidence, *, steps, rng):
    first, second, item, counts = evidence.first, evidence.second, evidence.item_of, evidence.counts
    clips = len(item)

    def log_density(state):
        level, take, log_tie, log_spread = state[:2], state[2 : 2 + clips], state[-2], state[-1]
        spread = math.exp(log_spread)
        if not 0.05 <= spread <= 2.7:
            return -math.inf
        worth = level[item] + spread * take
        x = worth[first] - worth[second]
        total = np.logaddexp(np.logaddexp(x / 2, -x / 2), log_tie)
        told = (counts * np.stack([x / 2 - total, -x / 2 - total, log_tie - total], axis=1)).sum()
        prior = (level**2).sum() / mixed_model.LEVEL_SPREAD**2 + (take**2).sum() + (log_tie - math.log(0.5)) ** 2 / 4
        return told - prior / 2 - (spread / mixed_model.PRIOR_SPREAD) ** 2 / 2 + log_spread

    state = np.zeros(clips + 4)
    here, found = log_density(state), []
    for step in range(steps):
        tried = state + rng.normal(size=len(state)) * 0.16
        there = log_density(tried)
        if math.log(rng.random()) < there - here:
            state, here = tried, there
        if step > steps // 6:
            found.append(state[0] - state[1])
    return np.array(found)


# What the priors say where votes say nothing ---------------------------------------------------------------------------


def width_of_a_level(fixed, votes=(40_000.0, 40_000.0, 20_000.0), **design):
    """(width of the 95 % interval of the difference of two levels, the same by quadrature), for votes that know only that x is 0.

    By hand: x = D + B + T, with D of spread 5, B of spread `fixed`, and T of a spread that is half-normal with scale 1.5 and
    that nothing is told of. Each is a difference of two such numbers, hence the 2.
    """
    evidence = mixed_model.Evidence(
        *(np.array([number]) for number in (0, 1, 0)),
        counts=np.array([votes]),
        item_of=np.array([0, 1]),
        block_of=np.array(design.get("block_of", [0, 0])),
        items=2,
    )
    low, high = mixed_model.fit_levels(evidence, raters_are_draws=False).intervals(np.array([[1.0, -1.0]]))

    spread = np.linspace(0.005, 3, 600)
    others = fixed**2 + spread**2
    share = np.exp(-((spread / 1.5) ** 2) / 2) / np.sqrt(5.0**2 + others)
    error = np.sqrt(2 / (1 / 5.0**2 + 1 / others))
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=400_000) * rng.choice(error, 400_000, p=share / share.sum())
    bottom, top = np.quantile(drawn, [0.025, 0.975])
    return float(high[0] - low[0]), float(top - bottom)


def test_with_one_take_the_prior_of_luck_alone_says_how_wide_a_level_is():
    width, by_hand = width_of_a_level(0.0)

    assert width == pytest.approx(by_hand, rel=0.05)


@pytest.mark.parametrize("room", [0, 10**9], ids=["one by one", "all at once"])
def test_many_choices_of_spreads_are_fitted_as_each_alone(room, monkeypatch):
    """However many at once, wherever each starts, and whether comparisons are a matrix or lists."""
    votes, groups = tasting({"a": 0.0, "b": 1.0, "c": 0.3}, 3, luck=0.6, taste=0.5, votes=150, raters=MANY, seed=2)
    answers = [Answer(v.left, v.right, v.rater, shares_of(v)) for v in votes if groups[v.left] != groups[v.right]]
    evidence = evidence_of(answers, groups, {}, list("abc"))
    monkeypatch.setattr(mixed_model, "_TOGETHER", room)
    model = mixed_model.Model(evidence, mixed_model.effects_of(evidence, raters_are_draws=True))
    explored = model.explore()

    best = max(fitted.log_evidence for fitted in explored)
    points = {fitted.point for fitted in explored}
    assert len(points) > 5
    for fitted in explored:
        alone = model.fit(fitted.point)
        np.testing.assert_allclose(fitted.effects, alone.effects, atol=1e-6)
        np.testing.assert_allclose(fitted.covariance, alone.covariance, rtol=1e-3)
        assert fitted.log_evidence == pytest.approx(alone.log_evidence, abs=1e-3)
    for point in itertools.product(range(len(model.lattice)), repeat=2):
        if point not in points:
            assert model.fit(point).log_evidence <= best - mixed_model.NEGLIGIBLE + 1e-3


def test_across_blocks_the_priors_of_levels_and_blocks_say_how_wide_a_level_is():
    width, by_hand = width_of_a_level(2.0, block_of=[0, 1])

    assert width == pytest.approx(by_hand, rel=0.05)


def test_the_normal_distribution_is_that_of_scipy():
    from scipy.stats import norm

    z = np.linspace(-8, 8, 321)
    assert mixed_model.normal_below(z) == pytest.approx(norm.cdf(z), rel=2e-7, abs=1e-20)


# Islands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("across", "parts"), [(1, (("a", "b"), ("c", "d"))), (4, (("a", "b"), ("c", "d"))), (5, (("a", "b", "c", "d"),))]
)
def test_fewer_than_five_votes_across_make_two_islands(across, parts):
    votes = {frozenset("ab"): 9.0, frozenset("cd"): 9.0, frozenset("bc"): float(across)}
    assert islands("abcd", votes) == parts


def test_the_lightest_cut_may_run_between_any_two_groups():
    """A ring of four with two votes on each edge: every single item hangs on four votes."""
    ring = {frozenset(pair): 2.0 for pair in ("ab", "bc", "cd", "da")}
    assert islands("abcd", ring) == (("a",), ("b",), ("c",), ("d",))
    assert islands("abcd", dict.fromkeys(ring, 2.5)) == (("a", "b", "c", "d"),)


def test_three_that_beat_each_other_in_turn_are_said():
    trio = [("a", "b"), ("b", "c"), ("c", "a")] * 20
    votes = [vote(n, *pair, Choice.LEFT, rater=MANY[n % 8]) for n, pair in enumerate(trio)]
    ranking = rank(votes, {key: key for key in "abc"}, of="clips")
    assert ranking.ring == ("a", "b", "c")
    assert "go round in a ring" in str(ranking)


# Tables -----------------------------------------------------------------------------------------------------


CLIPS = {f"{p}{n}": {"prompt": p, "model": "m", "take": n, "file": f"{p}{n}.mp4"} for p in "ab" for n in (1, 2, 3)}


def rows(count=60, **more):
    rng = seeded(1)
    made = []
    for number in range(count):
        left, right = rng.choice(["a1", "a2", "a3"]), rng.choice(["b1", "b2", "b3"])
        choice = rng.choices(["left", "right", "tie", "both bad"], [6, 1, 1, 1])[0]
        made.append({"rater": f"r{number % 6}", "left": left, "right": right, "choice": choice, "seconds": 3.0, **more})
    return made


def test_a_table_of_votes_from_anywhere_is_ranked():
    ranking = rank_table(rows(), CLIPS, by="prompt")
    assert [row["label"] for row in ranking.table] == ["a", "b"]
    assert ranking.winner == "a"
    assert {"label", "strength", "low", "high"} <= set(ranking.table[0].keys())
    assert {"a", "b", "probability", "low", "high", "told"} <= set(ranking.pairs[0].keys())
    assert ranking.both_bad > 0


def test_frames_lists_and_mappings_say_the_same():
    import pandas as pd

    listed = [{"id": key, **labels} for key, labels in CLIPS.items()]
    frame = pd.DataFrame(listed)
    found = [
        rank_table(rows(), CLIPS),
        rank_table(pd.DataFrame(rows()), frame),
        rank_table(rows(), frame.set_index("id")),
    ]
    assert found[0].table == found[1].table == found[2].table == rank_table(rows(), listed).table


def test_a_label_of_one_item_alone_or_of_one_clip_alone_is_no_block():
    from seedance_nb.grids.votes.vote_table import blocks_by

    clips = {key: {**labels, "model": "mn"[labels["take"] % 2]} for key, labels in CLIPS.items()}
    blocks = blocks_by(clips, {key: clips[key]["prompt"] for key in clips}, ["prompt"])
    assert set(blocks.values()) == {"m", "n"}


@pytest.mark.parametrize(
    ("votes", "clips", "said"),
    [
        ([{"rater": "r", "left": "a1", "right": "b1"}], CLIPS, "row 1 of the votes has no 'choice'"),
        (rows(2, choice="A"), CLIPS, "row 1 of the votes has the choice 'A'; it must be left, right, tie, both bad"),
        (rows(3, left="zz"), CLIPS, "the votes name the clip 'zz', which is not in the table of clips"),
        (rows(), {"a1": {"model": "m"}}, "the clip 'a1' has no label 'prompt'; it has model"),
        (rows(), [{"prompt": "p"}], "row 1 of the clips has no 'id'"),
        (rows(), [{"id": 1, "prompt": "p"}, {"id": 1, "prompt": "q"}], "the clip '1' stands twice"),
        (5, CLIPS, "the votes must be a list of dicts, a dict of columns or a DataFrame"),
        ("nowhere.csv", CLIPS, "nowhere.csv cannot be read"),
    ],
)
def test_a_table_that_cannot_be_read_says_where_and_why(votes, clips, said):
    with pytest.raises(InvalidRequest, match=said.replace("(", r"\(")):
        rank_table(votes, clips)


def test_an_unknown_question_is_refused():
    with pytest.raises(InvalidRequest, match="of must be one of 'levels', 'raters', 'clips'"):
        rank_table(rows(), CLIPS, of="takes")


@pytest.mark.parametrize("registered", [100, None])
def test_levels_too_are_told_on_the_way_only_where_that_holds_however_often_one_looks(registered):
    told = {False: 0, True: 0}
    for seed in range(6):
        votes, groups = tasting({"a": 0.0, "b": 2.0}, 6, luck=0.3, taste=0.2, votes=120, raters=MANY, seed=seed)
        ranking = rank(votes, groups, registered=registered)
        told[ranking.is_settled] += ranking.winner is not None
        assert ranking.is_early == (registered is not None)
    assert told[True]
    assert bool(told[False]) == (registered is None)


def test_the_share_of_what_is_all_there_is_reaches_the_whole():
    """Equal items and raters without tastes: all that differs is clips. Between two quantiles neither nothing nor everything ever lies."""
    held = []
    for seed in range(8):
        votes, groups = tasting(dict.fromkeys("abc", 0.0), 4, luck=0.8, taste=0.0, votes=160, raters=MANY, seed=seed)
        shares = rank(votes, groups).luck.shares
        held += [shares["takes"][2] == 1.0, shares["items"][1] < 0.005, shares["raters"][1] < 0.005]
    assert sum(held) >= 20


# How far items lie apart, and votes to come -----------------------------------------------------------


def test_items_that_are_alike_may_have_no_share_at_all():
    """What is believed of each strays too: without that the share of equal prompts never came near nothing."""
    low = []
    for seed in range(8):
        votes, groups = tasting(dict.fromkeys("abc", 0.0), 5, luck=0.8, taste=0.3, votes=200, raters=MANY, seed=seed)
        low.append(rank(votes, groups).luck.shares["items"][1])
    assert sum(share < 0.005 for share in low) >= 6


def test_items_that_are_far_apart_have_most_of_the_spread():
    votes, groups = tasting({"a": -2.0, "b": 0.0, "c": 2.0}, 5, luck=0.3, taste=0.1, votes=300, raters=MANY, seed=1)
    middle, low, high = rank(votes, groups).luck.shares["items"]
    assert low < 4 / (4 + 0.3**2 + 0.1**2) < high + 0.01
    assert middle > 0.8


@pytest.mark.parametrize("truth", [0.4, 0.8, 1.5])
def test_forecasts_of_four_times_in_five_come_true_about_as_often(truth):
    """Over truths that nobody told them: two items, errors as of some 40 votes, and as many more votes as are foretold to be enough."""
    rng = np.random.default_rng(3)
    error, wanted, used, kept = 0.45, 1.96, 100, []
    for _ in range(600):
        difference = truth * rng.normal(0, np.sqrt(2))
        seen = difference + error * rng.normal()
        if abs(seen) > wanted * error:
            continue
        spread = item_spread(np.array([seen, -seen]) / 2, np.eye(2) * error**2 / 2, are_apart=True)

        def told(votes, spread=spread, seen=seen):
            later = error / math.sqrt(1 + votes / used)
            return chance_to_tell(spread, abs(seen), now=error, later=later, fixed=0.0, wanted=wanted)

        more, _, _ = enough(told)
        if more is not None:
            fresh = difference + error * math.sqrt(used / more) * rng.normal()
            later = (used * seen + more * fresh) / (used + more)
            kept.append(abs(later) > wanted * error / math.sqrt(1 + more / used))
    assert len(kept) >= 50
    assert 0.68 <= np.mean(kept) <= 0.94


@pytest.mark.parametrize(("most", "found"), [(0.9, (240, None)), (0.7, (None, 140)), (0.4, (None, None))])
def test_where_no_number_is_sure_the_one_that_is_as_likely_as_not_is_named(most, found):
    def told(votes):
        return most * (1 - math.exp(-votes / 105))

    assert enough(told)[:2] == found


def test_votes_that_leave_the_luck_of_clips_tell_no_more():
    spread = item_spread(np.array([0.3, -0.3]), np.eye(2) * 0.2, are_apart=True)
    chances = [
        chance_to_tell(spread, 0.6, now=0.6, later=math.sqrt(fixed**2 + 1e-4), fixed=fixed, wanted=1.96)
        for fixed in (0.0, 0.3, 0.59)
    ]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.9
    assert chances[-1] < 0.3
    assert chance_to_tell(spread, 0.6, now=0.6, later=0.6, fixed=0.6, wanted=1.96) == 0.0
