import dataclasses
import sys

import pytest
from grids.studies import each_its_own, seeded, study, takes, vote

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.ranking import chance
from seedance_nb.grids.votes import rank
from seedance_nb.jobs.vote import Choice

LEFT, TIE, BOTH_BAD = Choice.LEFT, Choice.TIE, Choice.BOTH_BAD
CLEAR = {"a": -1.5, "b": 0.0, "c": 1.5}
SAME = dict.fromkeys("abc", 0.0)


def ranked(strengths, votes, seed=0, **more):
    return rank(study(strengths, votes, rng=seeded(seed)), each_its_own(strengths), **more)


def test_a_clear_study_has_a_winner_and_an_order():
    ranking = ranked(CLEAR, 200, by="prompt")
    assert [item.label for item in ranking.items] == ["c", "b", "a"]
    assert (ranking.is_enough, ranking.winner, ranking.more_to_tell) == (True, "c", 0)
    assert ranking.words[0].startswith("“c” wins: it is preferred to “b”, the next, in about ")


def test_strengths_add_up_to_nothing_and_differences_are_theirs():
    ranking = ranked(CLEAR, 200)
    assert sum(item.strength for item in ranking.items) == pytest.approx(0, abs=1e-9)
    first, second = ranking.items[:2]
    assert ranking.differences[0].size == pytest.approx(first.strength - second.strength)


def test_the_same_votes_and_seed_give_the_same_ranking_whatever_their_order():
    votes = study(CLEAR, 100, rng=seeded(0))
    keys = each_its_own("abc")
    assert rank(votes, keys, seed=4) == rank(votes, keys, seed=4)
    one, other = rank(votes, keys), rank(votes[::-1], keys)
    assert [item.strength for item in one.items] == pytest.approx([item.strength for item in other.items], abs=1e-6)


def test_equal_items_have_no_winner_in_all_but_a_few_studies():
    rng = seeded(8)
    claims = [rank(study(SAME, 90, rng=rng), each_its_own("abc"), resamples=199).winner for _ in range(200)]
    assert sum(winner is not None for winner in claims) <= 10


def test_no_winner_says_how_many_votes_would_tell():
    ranking = ranked({"a": 0.0, "b": 0.5}, 30, seed=1)
    assert (ranking.winner, ranking.is_enough) == (None, True)
    assert ranking.more_to_tell > 0
    assert "more votes would probably (4 times in 5) tell the first two apart" in str(ranking)


def test_that_many_votes_tell_about_four_times_in_five():
    gap = 0.6
    known = {"a": gap / 2, "b": -gap / 2}
    rng, keys = seeded(2), each_its_own("ab")
    needed = [rank(study(known, 4000, rng=rng), keys, resamples=0)]
    error = (needed[0].differences[0].high - needed[0].differences[0].size) / 1.96
    enough = round(4000 * (2.8 * error / gap) ** 2)

    told = [rank(study(known, enough, rng=rng), keys, resamples=199).winner == "a" for _ in range(200)]

    assert 0.7 <= sum(told) / len(told) <= 0.9


def test_many_votes_for_two_equals_make_a_practical_tie():
    votes = [vote(n, *pair, LEFT) for n, pair in enumerate([("a", "b"), ("b", "a")] * 600)]
    ranking = rank(votes, each_its_own("ab"))
    assert ranking.differences[0].is_practical_tie
    assert "tie for practical purposes" in ranking.words[0]
    assert "more votes" not in ranking.words[1]


# Ties and both bad ------------------------------------------------------------------------------------------


def test_both_bad_counts_as_a_tie_and_is_reported_apart():
    votes = study(CLEAR, 90, rng=seeded(1))
    bad = [dataclasses.replace(v, choice=BOTH_BAD) if v.choice is TIE else v for v in votes]
    as_tie, as_bad = (rank(v, each_its_own("abc")) for v in (votes, bad))
    assert [i.strength for i in as_bad.items] == [i.strength for i in as_tie.items]
    assert as_tie.both_bad == 0
    assert as_bad.both_bad == sum(v.choice is BOTH_BAD for v in bad) > 0
    assert sum(item.both_bad for item in as_bad.items) == 2 * as_bad.both_bad
    assert "Both clips were called bad" in str(as_bad)


def test_only_ties_rank_nobody_first():
    votes = [vote(n, "a", "b", TIE) for n in range(40)]
    ranking = rank(votes, each_its_own("ab"))
    assert [item.strength for item in ranking.items] == pytest.approx([0, 0])
    assert ranking.winner is None


# Too little to say ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("votes", [0, 1, 7, 19])
def test_too_few_votes_claim_no_order_and_say_how_many_are_missing(votes):
    ranking = ranked({"a": -3.0, "b": 3.0}, votes, by="model")
    assert (ranking.is_enough, ranking.missing, ranking.winner) == (False, 20 - votes, None)
    assert [item.label for item in ranking.items] == ["a", "b"]
    assert all(item.strength != item.strength for item in ranking.items)
    assert "Too few votes to rank 2 models" in str(ranking)
    assert f"at least {20 - votes} more" in str(ranking)


def test_an_item_with_too_few_votes_holds_the_ranking_back_and_is_named():
    votes = [*study({"a": 0.0, "b": 0.0}, 60, rng=seeded(0)), vote(99, "b", "c", LEFT)]
    ranking = rank(votes, each_its_own("abc"))
    assert (ranking.is_enough, ranking.missing) == (False, 5)
    assert "Fewer than 10 votes: “c” (1)" in str(ranking)


def test_islands_that_no_vote_connects_are_not_ranked_together():
    votes = study({"a": 0.0, "b": 1.0}, 40, rng=seeded(0))
    votes += [dataclasses.replace(v, id=f"x{v.id}") for v in study({"c": 0.0, "d": 1.0}, 40, rng=seeded(1))]
    ranking = rank(votes, each_its_own("abcd"))
    assert (ranking.is_enough, ranking.islands) == (False, (("a", "b"), ("c", "d")))
    assert "No votes connect “a” and “b”; with “c” and “d”" in str(ranking)


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
    assert [i.strength for i in with_them.items] == [i.strength for i in without.items]
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
    verdicts = [lucky_study(SAME, 3, 0.8, 200, seed).luck.verdict for seed in range(60)]
    assert verdicts.count("told") <= 5


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
    assert list(frame["prompt"]) == [item.label for item in ranking.items]
    assert list(frame["preferred"]) == [chance(item.strength) for item in ranking.items]


def test_votes_can_be_read_without_numpy_until_somebody_ranks():
    import subprocess

    code = "import sys, seedance_nb.grids.votes; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
