import functools
import random
import statistics
import time

from grids.studies import answer, seeded, vote
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_nb.grids.votes import votes as blind_votes
from seedance_nb.grids.votes.pairs import REPEAT_AFTER, Pair, next_pair
from seedance_nb.tracking.ledger.vote import Choice

rank = functools.partial(blind_votes.rank, of="clips")  # what is asked of levels: test_votes_levels.py

LEFT, RIGHT = Choice.LEFT, Choice.RIGHT


def clips(groups, count):
    return {f"{group}/{take}": group for group in groups for take in range(count)}


def session(groups, number, *, seed=0, strengths=None, raters=("Ann",), **more):
    """(pairs shown, votes given) of raters who take turns."""
    rng, votes, pairs = seeded(seed), [], []
    for place in range(number):
        rater = raters[place % len(raters)]
        pair = next_pair(list(groups), groups, votes, rater=rater, rng=rng, **more)
        level = strengths or dict.fromkeys(groups.values(), 0.0)
        said = answer(rng, level[groups[pair.left]] - level[groups[pair.right]])
        votes.append(vote(place, pair.left, pair.right, said, rater=rater, repeats=pair.repeats))
        pairs.append(pair)
    return pairs, votes


def same(pair):
    return frozenset((pair.left, pair.right))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 10_000), st.integers(0, 25))
def test_two_different_clips_of_those_given_or_none(groups, count, seed, length):
    there = clips("abcd"[:groups], count)
    if len(there) < 2:
        assert next_pair(list(there), there, [], rater="Ann", rng=random.Random(seed)) is None
        return
    for pair in session(there, length, seed=seed)[0]:
        assert pair.left != pair.right
        assert {pair.left, pair.right} <= set(there)


def test_the_same_state_of_chance_gives_the_same_pair():
    there = clips("abc", 3)
    assert session(there, 40, seed=3) == session(there, 40, seed=3)
    assert session(there, 40, seed=3) != session(there, 40, seed=4)


def test_sides_fall_by_coin():
    pairs, _ = session(clips("ab", 20), 400)
    left = sum(pair.left < pair.right for pair in pairs)
    assert 160 <= left <= 240


def test_about_a_tenth_are_earlier_pairs_swapped_and_not_at_once():
    pairs, votes = session(clips("abcd", 5), 180)
    repeats = [(place, pair) for place, pair in enumerate(pairs) if pair.repeats is not None]
    assert 8 <= len(repeats) <= 32
    by_id = {v.id: (place, v) for place, v in enumerate(votes)}
    for place, pair in repeats:
        before, first = by_id[pair.repeats]
        assert (pair.left, pair.right) == (first.right, first.left)
        assert place - before > REPEAT_AFTER
    assert len({pair.repeats for _, pair in repeats}) == len(repeats)


def test_a_rater_sees_no_pair_twice_but_as_a_repeat():
    pairs, _ = session(clips("abc", 3), 36)
    fresh = [same(pair) for pair in pairs if pair.repeats is None]
    assert len(set(fresh)) == len(fresh)


def test_who_has_seen_all_pairs_gets_repeats_and_is_told():
    pairs, _ = session(clips("abc", 1), 10, repeat_share=0.0)
    assert [pair.exhausted for pair in pairs] == [False] * 3 + [True] * 7
    assert all(pair.repeats for pair in pairs[3:])


def test_a_second_rater_is_shown_some_pairs_of_the_first():
    _pairs, votes = session(clips("abcd", 10), 200, raters=("Ann", "Bob"))
    seen = {rater: {same(v) for v in votes if v.rater == rater} for rater in ("Ann", "Bob")}
    assert len(seen["Ann"] & seen["Bob"]) >= 15


def test_most_pairs_are_between_groups_and_some_within():
    groups = clips("abc", 6)
    pairs, _ = session(groups, 100, repeat_share=0.0)
    within = sum(groups[pair.left] == groups[pair.right] for pair in pairs)
    assert 3 <= within <= 25


def test_close_items_are_asked_about_more_than_clear_ones():
    groups = clips(["best", "second", "worst"], 8)
    strengths = {"best": 2.0, "second": 1.8, "worst": -4.0}
    pairs, _ = session(groups, 180, strengths=strengths)
    count = {frozenset(p): 0 for p in (("best", "second"), ("best", "worst"), ("second", "worst"))}
    for pair in pairs:
        if groups[pair.left] != groups[pair.right]:
            count[frozenset((groups[pair.left], groups[pair.right]))] += 1
    assert count[frozenset(("best", "second"))] > count[frozenset(("best", "worst"))]


def test_clips_of_one_item_are_shown_about_equally_often():
    groups = clips("abcd", 4)
    pairs, _ = session(groups, 120)
    shown = [sum(key in (p.left, p.right) for p in pairs) for key in groups]
    assert max(shown) <= 2.5 * min(shown)


def test_models_are_compared_on_the_same_prompt_first():
    groups = {f"{model} {prompt}": model for model in ("x", "y") for prompt in range(10)}
    block_of = {key: key.split()[1] for key in groups}
    pairs, _ = session(groups, 10, repeat_share=0.0, block_of=block_of)
    across = [pair for pair in pairs if groups[pair.left] != groups[pair.right]]
    assert across
    assert all(block_of[pair.left] == block_of[pair.right] for pair in across)


def test_votes_chosen_by_what_tells_most_still_have_honest_intervals():
    strengths = {"a": -0.8, "b": -0.1, "c": 0.2, "d": 0.7}
    held = []
    for seed in range(30):
        groups = clips("abcd", 5)
        _, votes = session(groups, 90, seed=seed, strengths=strengths)
        ranking = rank(votes, groups, resamples=199)
        held += [item.low <= strengths[item.label] <= item.high for item in ranking.table]
    assert 0.9 <= sum(held) / len(held) <= 0.99


def test_fast_enough_for_a_click():
    groups = clips([f"g{n}" for n in range(30)], 4)
    rng = seeded(0)
    votes = [vote(n, *rng.sample(list(groups), 2), rng.choice([LEFT, RIGHT])) for n in range(500)]
    times = []
    for _ in range(9):
        began = time.process_time()
        assert isinstance(next_pair(list(groups), groups, votes, rater="Bob", rng=rng), Pair)
        times.append(time.process_time() - began)
    assert statistics.median(times) < 0.5  # 10 ms here; a bound that only a wrong algorithm breaks
