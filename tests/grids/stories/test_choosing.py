"""Which take of a shot the next one goes on from, as a decision alone."""

import pytest

from seedance_nb.grids.stories.choosing import Choice, TakeState, choose

COMING, PENDING = TakeState("coming"), TakeState("pending")


def have(frame="a"):
    return TakeState("have it", last_frame=frame)


def lost(why="it failed"):
    return TakeState("lost", why)


@pytest.mark.parametrize(
    ("takes", "take"),
    [
        ([have()], 1),
        ([PENDING], None),
        ([COMING], None),
        ([have("a"), have("b")], 1),
        ([lost(), have("b")], 2),
        ([PENDING, have("b")], None),  # take 1 may still come
        ([have("a"), PENDING], 1),
        ([have("a"), COMING], None),  # it was made before, and may be the one that was gone on from
        ([lost(), lost(), have("c")], 3),
    ],
)
def test_it_is_the_first_take_that_was_made_once_no_earlier_one_can_be(takes, take):
    assert choose(2, takes, None, None) == Choice(take)


def test_the_take_that_was_gone_on_from_before_stays_it():
    assert choose(1, [have("a"), have("b")], None, "b") == Choice(2)
    assert choose(1, [PENDING, have("b")], None, "b") == Choice(2)
    assert choose(1, [have("a"), have("b")], None, "gone") == Choice(1)


def test_what_was_picked_counts_before_all_else_and_is_waited_for():
    assert choose(1, [have("a"), have("b")], 1, "b") == Choice(1)
    assert choose(1, [have("a"), PENDING], 2, "a") == Choice(None)
    assert choose(3, [have("a"), lost("no")], 2, None) == Choice(
        trouble="take 2 of shot 3 was picked and has no video (no)"
    )


def test_where_no_take_was_made_it_says_so():
    assert choose(2, [lost("no")], None, None) == Choice(trouble="shot 2 has no video (no)")
    assert choose(2, [lost("no"), lost()], None, None) == Choice(trouble="every take of shot 2 has no video (no)")
