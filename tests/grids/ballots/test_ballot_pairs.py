"""Who is compared with whom, and the fixed schedule of a page."""

import itertools
import random
from collections import Counter
from pathlib import Path

import pytest

from seedance_nb.api.models import Status
from seedance_nb.clips.clip import Clip
from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.axes import lay_out
from seedance_nb.grids.ballots.ballot_pairs import asks_for_prompt, entries, schedule
from seedance_nb.grids.picture import GridPicture, Tile
from seedance_nb.snapshot import Snapshot
from seedance_nb.tracking.ledger.vote import Choice, Vote

CLIP = Clip(Path("x.mp4"), None, 1000, 854, 480, 24.0, 4.0, "ab" * 32)


def picture_of(prompt, *, without=(), **axes):
    """A grid whose cells are all done but those at `without`."""
    laid = lay_out(prompt, **axes)
    tiles = []
    for cell in laid.cells():
        clip = None if cell.index in without else CLIP
        status = Status.SUCCEEDED if clip else Status.FAILED
        tiles.append(Tile(cell, Snapshot(f"j{cell.index}", cell.request, cell.take, status, status.value, clip=clip)))
    return GridPicture(laid.names, tuple(tiles), submitted=True)


def study(**changes):
    """2 animals, 2 models, 3 takes."""
    axes = {"animal": ["cat", "dog"], "model": ["seedance-2.0", "seedance-2.0-fast"], "takes": 3}
    return picture_of("a {animal} jumps", **{**axes, **changes})


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        (None, {"cat · seedance-2.0", "cat · seedance-2.0-fast", "dog · seedance-2.0", "dog · seedance-2.0-fast"}),
        ("model", {"seedance-2.0", "seedance-2.0-fast"}),
        ("animal", {"cat", "dog"}),
        ("take", {"take 1", "take 2", "take 3"}),
        (("animal", "take"), {f"{animal} · take {n}" for animal in ("cat", "dog") for n in (1, 2, 3)}),
    ],
)
def test_what_is_ranked_are_the_values_of_the_axes_named(by, groups):
    assert set(entries(study(), by).group_of.values()) == groups


def test_prompts_of_one_template_can_be_ranked():
    entered = entries(study(), "prompt")

    assert len(set(entered.group_of.values())) == 2
    assert len(set(entered.block_of.values())) == 2


def test_only_finished_clips_take_part():
    assert entries(study(without=(0, 5)), "model").keys == [f"j{i}" for i in range(12) if i not in (0, 5)]


def test_after_the_vote_a_clip_is_told_by_what_varies():
    assert entries(study(), "model").name_of["j1"] == "cat · seedance-2.0 · take 2"


@pytest.mark.parametrize(
    ("by", "changes", "text"),
    [
        ("modle", {}, "did you mean 'model'"),
        ("duration", {}, "rank by one that varies: animal, model, take"),
        (None, {"without": range(1, 12)}, "1 finished clips"),
        ("model", {"without": range(3, 6), "animal": "cat"}, "nothing to compare"),
    ],
)
def test_where_there_is_nothing_to_compare_the_cure_is_named(by, changes, text):
    with pytest.raises(InvalidRequest, match=text):
        entries(study(**changes), by)


def test_models_are_compared_on_the_same_prompt():
    entered = entries(study(), "model")

    planned = schedule(entered, rng=random.Random(1))

    assert all(entered.prompt_of[pair.left] == entered.prompt_of[pair.right] for pair in planned)
    assert all(entered.group_of[pair.left] != entered.group_of[pair.right] for pair in planned)


def test_rows_that_share_nothing_are_compared_all_the_same():
    rows = [{"prompt": "a cat", "duration": 4}, {"prompt": "a dog", "duration": 5}]

    planned = schedule(entries(picture_of(rows), "prompt"), rng=random.Random(1))

    assert [{pair.left, pair.right} for pair in planned] == [{"j0", "j1"}]


@pytest.mark.parametrize("seed", range(20))
def test_all_clips_and_both_sides_are_shown_about_as_often(seed):
    entered = entries(study(), "model")

    planned = [pair for pair in schedule(entered, pairs=12, rng=random.Random(seed)) if pair.repeats is None]

    shown = Counter(key for pair in planned for key in (pair.left, pair.right))
    left = Counter(pair.left for pair in planned)
    assert set(shown.values()) <= {1, 2, 3}
    assert len(shown) == 12
    assert all(abs(2 * left[key] - shown[key]) <= 2 for key in shown)
    assert len({frozenset((pair.left, pair.right)) for pair in planned}) == 12


def test_the_sides_are_a_coin_and_not_the_order_of_the_grid():
    entered = entries(picture_of("a {animal}", animal=["cat", "dog"]))

    first = Counter(schedule(entered, rng=random.Random(seed))[0].left for seed in range(200))

    assert 60 < first["j0"] < 140


@pytest.mark.parametrize("seed", range(20))
def test_a_tenth_is_shown_again_later_with_its_sides_swapped(seed):
    planned = schedule(entries(study()), pairs=40, rng=random.Random(seed))

    again = [(index, pair) for index, pair in enumerate(planned) if pair.repeats is not None]
    assert len(again) == 4
    for index, pair in again:
        earlier = planned[pair.repeats]
        assert (earlier.left, earlier.right, earlier.repeats) == (pair.right, pair.left, None)
        assert index - pair.repeats > 3


def test_no_more_pairs_than_there_are():
    planned = schedule(entries(picture_of("a {animal}", animal=["cat", "dog", "hen"])), pairs=50, rng=random.Random(1))

    assert len(planned) == 3


@pytest.mark.parametrize("pairs", [0, -1, 1001, 2.5, True, "ten"])
def test_a_number_of_pairs_that_cannot_be_meant_is_refused(pairs):
    with pytest.raises(InvalidRequest, match="pairs must be a whole number"):
        schedule(entries(study()), pairs=pairs, rng=random.Random(1))


def test_a_hundred_and_twenty_cells_are_scheduled():
    entered = entries(picture_of("a {animal}", animal=[f"animal {i}" for i in range(120)]))

    assert len(schedule(entered, rng=random.Random(1))) == 44


def test_only_questions_about_the_prompt_need_it():
    assert asks_for_prompt(("overall", "Prompt match"))
    assert not asks_for_prompt(("overall", "motion"))


def vote(number, left, right, rater="Ann"):
    return Vote(f"v{number}", rater, "overall", left, right, Choice.LEFT, float(number))


def test_a_rater_is_not_asked_again_what_they_have_judged():
    entered = entries(study(), "animal")
    first = schedule(entered, pairs=9, rng=random.Random(1))
    before = [vote(number, pair.right, pair.left) for number, pair in enumerate(first)]
    judged = {frozenset((pair.left, pair.right)) for pair in first}
    again = {frozenset((p.left, p.right)) for p in schedule(entered, rng=random.Random(2), before=before, rater="Ann")}
    assert not again & judged
    others = {frozenset((p.left, p.right)) for p in schedule(entered, rng=random.Random(2), before=before, rater="Bob")}
    assert others & judged
    every = [vote(n, one, other) for n, (one, other) in enumerate(itertools.permutations(entered.keys, 2))]
    with pytest.raises(InvalidRequest, match="Ann has judged every pair of these clips"):
        schedule(entered, rng=random.Random(3), before=every, rater="Ann")


def test_what_was_shown_least_so_far_comes_first():
    entered = entries(study(model=["seedance-2.0"]), "animal")
    old, new = [[f"j{i}" for i in places] for places in ((0, 1, 3, 4), (2, 5))]
    before = [vote(n, one, other, "Bob") for n, (one, other) in enumerate(itertools.product(old[:2], old[2:]))]
    planned = schedule(entered, pairs=1, rng=random.Random(1), before=before)
    assert {planned[0].left, planned[0].right} == set(new)
