import dataclasses
import functools
import itertools
import math
import sys

import numpy as np
import pytest
from grids.studies import each_its_own, seeded, study, takes, vote
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.rankings import verdicts
from seedance_nb.grids.rankings.rows import chance
from seedance_nb.grids.votes import votes as blind_votes
from seedance_nb.tracking.ledger.vote import Choice

rank = functools.partial(blind_votes.rank, of="clips")  # what is asked of levels: test_votes_levels.py

LEFT, TIE, BOTH_BAD = Choice.LEFT, Choice.TIE, Choice.BOTH_BAD
CLEAR = {"a": -1.5, "b": 0.0, "c": 1.5}
SAME = dict.fromkeys("abc", 0.0)


def ranked(strengths, votes, seed=0, **more):
    return rank(study(strengths, votes, rng=seeded(seed)), each_its_own(strengths), **more)


def winner_of(votes):
    """What `rank` names, without what else it says: many studies are judged in the time of one in five."""
    answers = [
        verdicts.Answer(v.left, v.right, v.rater, tuple(float(v.choice == said) for said in ("left", "right", "tie")))
        for v in votes
    ]
    keys = each_its_own({v.left for v in votes})
    return verdicts.of_clips(
        answers, keys, verdicts.order_of(answers, keys, sorted(keys)), resamples=199, seed=0
    ).winner


def test_the_verdict_of_many_studies_is_that_of_the_ranking():
    for seed in range(5):
        votes = study({"a": 0.0, "b": 0.5, "c": 1.0}, 90, rng=seeded(seed))
        assert winner_of(votes) == rank(votes, each_its_own("abc"), resamples=199).winner


def test_a_clear_study_has_a_winner_and_an_order():
    ranking = ranked(CLEAR, 200, by="prompt")
    assert [item.label for item in ranking.table] == ["c", "b", "a"]
    assert (ranking.is_enough, ranking.winner, ranking.more_to_tell) == (True, "c", 0)
    assert ranking.words[0].startswith("This clip of “c” is preferred to that of “b”, the next, in about ")
    assert "One clip of each says nothing of the prompts." in ranking.words[0]


def test_strengths_add_up_to_nothing_and_differences_are_theirs():
    ranking = ranked(CLEAR, 200)
    assert sum(item.strength for item in ranking.table) == pytest.approx(0, abs=1e-9)
    first, second = ranking.table[:2]
    assert ranking.pairs[0].size == pytest.approx(first.strength - second.strength)


def test_the_same_votes_and_seed_give_the_same_ranking_whatever_their_order():
    votes = study(CLEAR, 100, rng=seeded(0))
    keys = each_its_own("abc")
    assert rank(votes, keys, seed=4) == rank(votes, keys, seed=4)
    one, other = rank(votes, keys), rank(votes[::-1], keys)
    assert [item.strength for item in one.table] == pytest.approx([item.strength for item in other.table], abs=1e-6)


def test_equal_items_have_no_winner_in_all_but_a_few_studies():
    rng = seeded(8)
    claims = [winner_of(study(SAME, 90, rng=rng)) for _ in range(200)]
    assert sum(winner is not None for winner in claims) <= 10


def test_no_winner_says_how_many_votes_would_tell():
    ranking = ranked({"a": 0.0, "b": 0.9}, 30, seed=2)
    assert (ranking.winner, ranking.is_enough) == (None, True)
    assert ranking.more_to_tell > 0
    assert "more votes would probably (4 times in 5) tell the first two apart" in str(ranking)


def test_what_looks_alike_so_far_has_a_number_that_is_as_likely_as_not():
    near = split(60, 58)
    assert near.more_to_tell is None
    assert 0.5 < near.told_at_most < 0.8
    assert f"4 times in 5; about {near.more_as_likely_as_not:,} more would as likely as not." in str(near)
    assert near.more_as_likely_as_not < 2500
    assert split(24, 9).more_as_likely_as_not is None


def test_that_many_votes_tell_about_four_times_in_five():
    gap = 0.6
    known = {"a": gap / 2, "b": -gap / 2}
    rng, keys = seeded(2), each_its_own("ab")
    needed = [rank(study(known, 4000, rng=rng), keys, resamples=0)]
    high = needed[0].pairs[0].high
    error = (math.log(high / (1 - high)) - needed[0].pairs[0].size) / 1.96
    enough = round(4000 * (2.8 * error / gap) ** 2)

    told = [winner_of(study(known, enough, rng=rng)) == "a" for _ in range(200)]

    assert 0.7 <= sum(told) / len(told) <= 0.9


# When to stop -----------------------------------------------------------------------------------------------


def split(wins, losses, **more):
    """Votes for a and for b, sides in turn."""
    pairs = [("a", "b", LEFT)] * wins + [("b", "a", LEFT)] * losses
    return rank([vote(n, *pair) for n, pair in enumerate(pairs)], each_its_own("ab"), **more)


@pytest.mark.parametrize(
    ("registered", "winner", "said"),
    [
        (None, "a", "Provisional while votes come in, and no reason to stop"),
        (33, "a", None),
        (31, "a", None),  # a few more than were registered
        (100, None, "Provisional: 100 votes were registered and 33 are so far"),
        (20, None, "Provisional: 20 votes were registered and 33 are now"),
    ],
)
def test_what_one_look_may_say_is_not_said_on_the_way(registered, winner, said):
    ranking = split(24, 9, registered=registered)

    assert (ranking.winner, ranking.is_settled, ranking.is_early) == (winner, False, winner is None)
    assert ranking.pairs[0].told == (winner is not None)
    found = [words for words in ranking.words if "rovisional" in words]
    assert len(found) == (said is not None)
    assert said is None or found[0].startswith(said)
    assert "enough to stop" not in str(ranking)


@pytest.mark.parametrize("registered", [None, 33, 100])
def test_what_holds_however_often_one_looks_is_enough_to_stop(registered):
    ranking = split(30, 3, registered=registered)

    assert (ranking.winner, ranking.is_settled) == ("a", True)
    assert "This is enough to stop: it holds however often one has looked." in ranking.words
    assert "no reason to stop" not in str(ranking)


def test_a_look_on_the_way_foretells_by_what_it_asks_for_itself():
    assert split(24, 9, registered=100).more_to_tell > 0
    assert split(24, 9).more_to_tell == 0


def test_of_two_equals_one_in_twenty_ever_seems_settled_in_thousands_of_votes():
    """Votes as steps of a random walk: what more looks cannot make likelier."""
    rng, studies = np.random.default_rng(1987), 10_000
    wanted = float(norm.isf(verdicts.LOOKED / 2))
    walk, passed, votes = np.zeros(studies), np.zeros(studies, dtype=bool), 20
    walk += math.sqrt(votes) * rng.normal(size=studies)
    while votes < 5000:
        passed |= np.abs(walk) > wanted * math.sqrt(votes)
        walk += math.sqrt(5) * rng.normal(size=studies)
        votes += 5
    assert 0.03 < passed.mean() < 0.055


def test_many_votes_for_two_equals_make_a_practical_tie():
    votes = [vote(n, *pair, LEFT) for n, pair in enumerate([("a", "b"), ("b", "a")] * 600)]
    ranking = rank(votes, each_its_own("ab"))
    assert ranking.pairs[0].is_practical_tie
    assert "tie for practical purposes" in ranking.words[0]
    assert "more votes" not in ranking.words[1]


# Ties and both bad ------------------------------------------------------------------------------------------


def test_both_bad_counts_as_a_tie_and_is_reported_apart():
    votes = study(CLEAR, 90, rng=seeded(1))
    bad = [dataclasses.replace(v, choice=BOTH_BAD) if v.choice is TIE else v for v in votes]
    as_tie, as_bad = (rank(v, each_its_own("abc")) for v in (votes, bad))
    assert [i.strength for i in as_bad.table] == [i.strength for i in as_tie.table]
    assert as_tie.both_bad == 0
    assert as_bad.both_bad == sum(v.choice is BOTH_BAD for v in bad) > 0
    assert sum(item.both_bad for item in as_bad.table) == 2 * as_bad.both_bad
    assert "Both clips were called bad" in str(as_bad)


def test_only_ties_rank_nobody_first():
    votes = [vote(n, "a", "b", TIE) for n in range(40)]
    ranking = rank(votes, each_its_own("ab"))
    assert [item.strength for item in ranking.table] == pytest.approx([0, 0])
    assert ranking.winner is None


# The order of naming ----------------------------------------------------------------------------------------


ALPHABET = "abcdefghijklmn"


def cast(*pairs, times=1):
    """Votes from (left, right, choice), each so many times."""
    return [vote(n, *pair) for n, pair in enumerate(list(pairs) * times)]


def every_way(votes, names):
    """The words of the ranking, the clips named in every order; one text where the order does not show."""
    orders = itertools.permutations(names) if len(names) < 5 else [names[n:] + names[:n] for n in range(len(names))]
    return {str(rank(votes, each_its_own(order), resamples=60)) for order in orders}


def around(names):
    """Each is preferred to the next, the last to the first."""
    return [(one, other, LEFT) for one, other in zip(names, names[1:] + names[0], strict=True)]


ALL_ALIKE = {
    "ties of three": ("abc", cast(*[(a, b, TIE) for a, b in itertools.combinations("abc", 2)], times=20)),
    "ties of two": ("ab", cast(("a", "b", TIE), times=60)),
    "as many wins each way": ("ab", cast(("a", "b", LEFT), ("b", "a", LEFT), times=15)),
    "a ring": ("abc", cast(*around("abc"), times=20)),
    "a ring of five": ("abcde", cast(*around("abcde"), times=20)),
    "only both bad": ("ab", cast(("a", "b", BOTH_BAD), times=30)),
    "fourteen that tie": (ALPHABET, cast(*[(a, b, TIE) for a, b in itertools.combinations(ALPHABET, 2)], times=2)),
}


@pytest.mark.parametrize("kind", ALL_ALIKE)
def test_where_nothing_tells_them_apart_all_are_alike_and_nobody_is_ahead(kind):
    names, votes = ALL_ALIKE[kind]
    (said,) = every_way(votes, names)
    assert "all alike so far" in said
    assert "ahead" not in said
    assert "thousands of votes" not in said
    found = rank(votes, each_its_own(names), resamples=60)
    assert (found.winner, found.leaders) == (None, tuple(names))
    assert {item.strength for item in found.table} == {0.0}
    assert {difference.size for difference in found.pairs} == {0.0}


def test_votes_that_prefer_nobody_are_not_told_as_half_of_those_that_decide():
    (said,) = every_way(cast(("a", "b", TIE), times=60), "ab")
    assert said.startswith("No winner, all alike so far: no vote prefers any of “a” and “b”.\n")
    assert "of 100 votes" not in said


def test_two_that_share_the_first_place_are_named_together():
    votes = cast(("a", "b", TIE), *[(good, "c", side) for good in "ab" for side in (LEFT, LEFT, TIE)], times=9)
    (said,) = every_way(votes, "abc")
    assert said.startswith("No winner: “a” and “b” are level in front, told from the others.")
    assert rank(votes, each_its_own("cba")).leaders == ("a", "b")


def test_equals_are_equal_to_the_last_bit():
    """Three that tie with each other and beat the fourth eleven times: floating point alone would tell them apart."""
    votes = cast(
        *[(*pair, TIE) for pair in itertools.combinations("abc", 2)] * 3, *[(one, "d", LEFT) for one in "abc"] * 11
    )
    ranking = rank(votes, each_its_own("abcd"), resamples=60)
    assert len({item.strength for item in ranking.table[:3]}) == 1
    assert [d.size for d in ranking.pairs if d.b != "d"] == [0.0, 0.0, 0.0]


def test_shares_add_up_alike_in_any_order():
    from seedance_nb.grids.rankings.strengths import tally_of

    shares = [(0, 1, share, 0.0, 0.0) for share in (0.1, 0.2, 0.3, 0.7)]
    sums = {tally_of(order, 2)[0].counts.tobytes() for order in itertools.permutations(shares)}
    assert len(sums) == 1


def test_who_voted_first_moves_no_number():
    votes = study(CLEAR, 100, rng=seeded(0))
    turned = [dataclasses.replace(v, at=-v.at) for v in votes]
    assert rank(votes, each_its_own("abc"), resamples=60) == rank(turned, each_its_own("abc"), resamples=60)


def test_of_two_answers_with_one_id_the_later_counts_wherever_it_stands():
    votes = cast(("a", "b", LEFT), times=30)
    changed = [dataclasses.replace(v, choice=Choice.RIGHT, at=v.at + 100) for v in votes]
    assert {rank(given, each_its_own("ab")).winner for given in ([*votes, *changed], [*changed, *votes])} == {"b"}


def test_two_that_share_the_second_place_are_named_together():
    (said,) = every_way(cast(*[("c", other, side) for other in "ab" for side in (LEFT, LEFT, TIE)], times=9), "abc")
    assert said.startswith("This clip of “c” is preferred to those of “a” and “b”, the next, in about ")


def test_a_difference_that_rounds_to_nothing_is_not_ahead():
    votes = cast(*[("a", "b", LEFT)] * 301, *[("b", "a", LEFT)] * 300)
    (said,) = every_way(votes, "ab")
    assert "all alike so far" in said
    assert "ahead" not in said


def test_rounding_errors_rank_nobody():
    import numpy as np

    from seedance_nb.grids.rankings.strengths import without_noise

    made = without_noise(np.array([[1e-9, 0.5 - 1e-9, -1e-9, 0.5 + 1e-9, 0.51, -1.0]]))
    assert made.tolist() == [[0.0, 0.5, 0.0, 0.5, 0.51, -1.0]]


def test_who_was_never_shown_is_said_and_ranked_nowhere():
    (said,) = every_way(cast(("a", "b", LEFT), times=40), "abc")
    assert "No votes yet on “c”: nothing is known of it." in said
    assert "No winner: “a” is ahead of those that can be ranked together." in said


def test_one_vote_claims_nothing():
    (said,) = every_way(cast(("b", "a", LEFT)), "abc")
    assert "1 vote between them so far" in said
    assert "“b”" not in said.splitlines()[0]


def test_clips_that_are_called_bad_equally_often_are_named_together_or_not_at_all():
    bad = [("a", "b", BOTH_BAD), ("b", "c", LEFT), ("c", "a", LEFT)]
    (said,) = every_way(cast(*bad, times=10), "abc")
    assert "; “b” and “a” most often, in 50 % of their votes." in said
    (said,) = every_way(cast(("a", "b", BOTH_BAD), ("a", "b", LEFT), times=10), "ab")
    assert "most often" not in said


@st.composite
def studies(draw):
    """(votes, group of each clip): up to five items of up to three clips, ties and repeats among the votes."""
    clips = [f"{item}{take}" for item in "ABCDE"[: draw(st.integers(2, 5))] for take in range(draw(st.integers(1, 3)))]
    votes = []
    for n in range(draw(st.integers(0, 90))):
        left, right = draw(st.permutations(clips))[:2]
        again = draw(st.sampled_from([None, None, None, *range(n)])) if n else None
        if again is not None:
            left, right = votes[again].right, votes[again].left
        rater, repeats = draw(st.sampled_from("xy")), None if again is None else votes[again].id
        votes.append(vote(n, left, right, draw(st.sampled_from(list(Choice))), rater=rater, repeats=repeats))
    return votes, {clip: clip[0] for clip in clips}


@settings(max_examples=60, deadline=None)
@given(studies(), st.randoms(use_true_random=False))
def test_no_order_of_naming_or_of_votes_shows_in_any_word_or_number(study_made, rng):
    votes, groups = study_made
    named, cast_so = list(groups), list(votes)
    rng.shuffle(named)
    rng.shuffle(cast_so)
    blocks = {clip: clip[1] for clip in groups}

    as_it_is = rank(votes, groups, resamples=20, block_of=blocks)
    shuffled = rank(
        cast_so, {clip: groups[clip] for clip in named}, resamples=20, block_of=dict(reversed(blocks.items()))
    )

    assert repr(as_it_is) == repr(shuffled)


@pytest.mark.parametrize("names", ["bca", "cab", "acb", "cba"])
def test_other_names_for_the_same_move_no_number(names):
    rng, other = seeded(5), dict(zip("abc", names, strict=True))
    strengths, groups = takes({"a": -0.5, "b": 0.0, "c": 0.5}, 2, 0.4, rng)
    votes = study(strengths, 150, rng=rng)

    as_it_is = rank(votes, groups)
    renamed = rank(votes, {clip: other[group] for clip, group in groups.items()})

    assert [dataclasses.replace(item, label=other[item.label]) for item in as_it_is.table] == list(renamed.table)
    assert as_it_is.luck == renamed.luck


def test_labels_are_numbered_by_what_they_stand_for_and_not_by_who_came_first():
    from seedance_nb.grids.wording import labels

    texts = ["a cat", "a  cat", "a\tcat"]
    for name in ("prompt", "style"):
        found = {
            tuple(dict(zip(order, labels(name, order), strict=True))[t] for t in texts)
            for order in itertools.permutations(texts)
        }
        assert len(found) == 1


# Too little to say ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("votes", [0, 1, 7, 19])
def test_too_few_votes_claim_no_order_and_say_how_many_are_missing(votes):
    ranking = ranked({"a": -3.0, "b": 3.0}, votes, by="model")
    assert (ranking.is_enough, ranking.missing, ranking.winner) == (False, 20 - votes, None)
    assert [item.label for item in ranking.table] == ["a", "b"]
    assert all(item.strength != item.strength for item in ranking.table)
    assert "Too few votes to rank 2 models" in str(ranking)
    assert f"at least {20 - votes} more" in str(ranking)


def test_an_item_with_too_few_votes_is_ranked_nowhere_and_named():
    votes = [*study({"a": -2.0, "b": 2.0}, 60, rng=seeded(0)), vote(99, "b", "c", LEFT)]
    ranking = rank(votes, each_its_own("abc"))
    assert (ranking.is_enough, ranking.missing) == (True, 5)
    assert [(row.label, row.strength == row.strength) for row in ranking.table] == [
        ("b", True),
        ("a", True),
        ("c", False),
    ]
    assert ranking.winner is None, "nothing is known of c, so nothing wins"
    assert "Fewer than 10 votes: “c” (1)" in str(ranking)


def test_islands_that_no_vote_connects_are_not_ranked_together():
    votes = study({"a": 0.0, "b": 1.0}, 40, rng=seeded(0))
    votes += [dataclasses.replace(v, id=f"x{v.id}") for v in study({"c": 0.0, "d": 1.0}, 40, rng=seeded(1))]
    ranking = rank(votes, each_its_own("abcd"))
    assert (ranking.winner, ranking.islands) == (None, (("a", "b"), ("c", "d")))
    assert "Fewer than five votes join “a” and “b”; with “c” and “d”" in str(ranking)
    assert {frozenset((pair.a, pair.b)) for pair in ranking.pairs} == {frozenset("ab"), frozenset("cd")}


def test_one_item_is_nothing_to_compare():
    ranking = rank([], {"a": "x", "b": "x"}, by="prompt")
    assert not ranking.is_enough
    assert ranking.words == ("There is one prompt only: nothing to compare.",)


def test_nothing_at_all_is_an_error_that_names_the_cure():
    with pytest.raises(InvalidRequest, match="run it, then vote"):
        rank([], {})


def test_an_aspect_nobody_voted_on_names_those_there_are():
    votes = [dataclasses.replace(v, aspect="motion") for v in study(CLEAR, 60, rng=seeded(0))]
    assert "No votes on “overall” yet; there are votes on “motion”." in str(rank(votes, each_its_own("abc")))


def test_votes_on_clips_of_other_grids_do_not_count():
    assert rank([vote(1, "a", "elsewhere", LEFT)], each_its_own("ab")).votes == 0


def test_votes_between_clips_of_one_group_do_not_move_the_groups():
    groups = {"a1": "a", "a2": "a", "b1": "b", "b2": "b"}
    across = study({"a1": 0.4, "b1": 0.0}, 40, rng=seeded(0))
    inside = [vote(100 + n, "a1", "a2", LEFT) for n in range(30)]
    with_them, without = rank(across + inside, groups), rank(across, groups)
    assert [i.strength for i in with_them.table] == [i.strength for i in without.table]
    assert (with_them.used, with_them.within) == (40, 30)


# Prompt or luck ---------------------------------------------------------------------------------------------


def lucky_study(levels, count, spread, votes, seed):
    rng = seeded(seed)
    strengths, groups = takes(levels, count, spread, rng)
    return rank(study(strengths, votes, rng=rng), groups, by="prompt", resamples=0)


def test_prompts_that_differ_more_than_their_takes_are_told_from_luck():
    ranking = lucky_study({"a": -1.5, "b": -0.5, "c": 0.5, "d": 1.5}, 4, 0.3, 400, seed=1)
    assert ranking.luck.verdict == "told"
    assert 1.5 < ranking.luck.ratio < 15
    assert "is more than the luck of single clips" in str(ranking)


def test_prompts_that_differ_by_their_takes_alone_are_rarely_told_from_luck():
    verdicts = [lucky_study(SAME, 3, 0.8, 200, seed).luck.verdict for seed in range(40)]
    assert verdicts.count("told") <= 4


def test_a_winner_by_one_lucky_clip_is_called_luck():
    strengths = {"a/1": 2.5, "a/2": -0.3, "b/1": 0.0, "b/2": 0.3}
    groups = {key: key[0] for key in strengths}
    ranking = rank(study(strengths, 300, rng=seeded(0)), groups, by="prompt")
    assert ranking.winner == "a"
    assert ranking.luck.verdict == "not told"
    assert "cannot be told apart from luck" in str(ranking)


def test_one_clip_a_prompt_says_that_takes_are_wanted():
    ranking = ranked(CLEAR, 100, by="prompt")
    assert ranking.luck.verdict == "no takes"
    assert "with takes=2 or more, luck can be measured" in str(ranking)


def test_few_votes_a_clip_say_nothing_of_luck():
    ranking = lucky_study({"a": 0.0, "b": 1.0}, 12, 0.5, 50, seed=0)
    assert ranking.luck.verdict == "too few votes"


def test_what_a_prompt_does_to_both_models_is_no_luck_of_the_models():
    rng = seeded(6)
    prompts = {f"p{n}": rng.gauss(0, 2) for n in range(8)}
    models = {"fast": -0.8, "good": 0.8}
    strengths = {f"{p} {m}": prompts[p] + models[m] for p in prompts for m in models}
    groups = {key: key.split()[1] for key in strengths}
    blocks = {key: key.split()[0] for key in strengths}
    votes = [v for v in study(strengths, 4000, rng=rng) if blocks[v.left] == blocks[v.right]]

    blind, aware = (rank(votes, groups, resamples=0, block_of=given).luck for given in (None, blocks))

    assert aware.verdict == "told"
    assert aware.within <= blind.within


# Shape ------------------------------------------------------------------------------------------------------


def test_a_ranking_is_its_words_and_a_table():
    ranking = ranked(CLEAR, 100, by="prompt")
    assert str(ranking) == "\n".join(ranking.words)
    frame = ranking.to_pandas()
    assert list(frame["prompt"]) == [item.label for item in ranking.table]
    assert list(frame["preferred"]) == [chance(item.strength) for item in ranking.table]


def test_votes_can_be_read_without_numpy_until_somebody_ranks():
    import subprocess

    code = "import sys, seedance_nb.grids.votes.votes; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# Scales and random clips ------------------------------------------------------------------------------


def test_a_jod_is_a_clip_that_is_preferred_three_times_in_four():
    """As in pwcmp: strengths over ln 3; chances, order and words stay."""
    votes = study(CLEAR, 200, rng=seeded(0))
    plain, jod = (
        rank(votes, each_its_own(CLEAR), by="prompt", resamples=99, scale=scale) for scale in ("log-odds", "jod")
    )
    for one, other in zip(plain.table, jod.table, strict=True):
        assert [other.strength, other.low, other.high] == pytest.approx(
            [value / math.log(3) for value in (one.strength, one.low, one.high)]
        )
        assert other.preferred == pytest.approx(one.preferred)
    assert [pair.size * math.log(3) for pair in jod.pairs] == pytest.approx([pair.size for pair in plain.pairs])
    assert [pair.probability for pair in jod.pairs] == [pair.probability for pair in plain.pairs]
    assert (jod.words, jod.winner, jod.leaders) == (plain.words, plain.winner, plain.leaders)
    assert chance(math.log(3) * 1.0) == pytest.approx(0.75)
    assert jod.in_scale("log-odds").table[0].strength == pytest.approx(plain.table[0].strength)
    with pytest.raises(InvalidRequest, match="'log-odds', 'jod', not 'jods'"):
        rank(votes, each_its_own(CLEAR), scale="jods")
