import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_nb.jobs.polling import (
    LONGEST_AFTER_TROUBLE,
    LONGEST_ASKED_FOR,
    expected_life,
    look_after_trouble,
    next_look,
)

FLOOR, CEILING = 1.0, 15.0
seconds = st.floats(0, 1e7)
pace = st.floats(0.01, 600)
share = st.floats(0, 1)


def delay(age, expected=None):
    return next_look(age, expected=expected, floor=FLOOR, ceiling=CEILING, jitter=0.5)


@pytest.mark.parametrize(
    ("age", "expected", "wait"),
    [
        pytest.param(0, None, 1.0, id="a new job is looked at after the floor"),
        pytest.param(20, None, 3.0, id="without history the wait is a share of the age"),
        pytest.param(1000, None, 15.0, id="an old job is looked at every ceiling"),
        pytest.param(0, 40, 12.0, id="with history the first look is half way to the early end"),
        pytest.param(16, 40, 4.0, id="and the next half of what is left of that"),
        pytest.param(24, 40, 3.2, id="around the usual end a look comes every eight per cent of it"),
        pytest.param(40, 40, 3.2, id="also at the very end"),
        pytest.param(80, 40, 6.0, id="what is late is looked at ever less often"),
        pytest.param(1000, 40, 15.0, id="and then every ceiling"),
        pytest.param(0, 4, 1.2, id="short jobs too"),
        pytest.param(0, 0, 1.0, id="a job that takes no time is looked at after the floor"),
    ],
)
def test_the_next_look_follows_what_is_known(age, expected, wait):
    assert delay(age, expected) == pytest.approx(wait)


@given(seconds, st.none() | seconds, pace, pace, st.none() | share)
def test_every_wait_is_between_floor_and_ceiling(age, expected, one, other, jitter):
    floor, ceiling = sorted((one, other))
    wait = next_look(age, expected=expected, floor=floor, ceiling=ceiling, jitter=jitter)
    assert floor * 0.9 <= wait <= ceiling * 1.1


@given(seconds, st.none() | seconds, share)
def test_a_ceiling_below_the_floor_never_makes_looks_denser_than_the_floor(age, expected, jitter):
    assert next_look(age, expected=expected, floor=5, ceiling=2, jitter=jitter) >= 5 * 0.9


@given(seconds, st.floats(0.1, 1e5))
def test_jobs_of_one_moment_are_spread_over_ten_per_cent(age, expected):
    early, late = (next_look(age, expected=expected, floor=1, ceiling=15, jitter=j) for j in (0.0, 1.0))
    assert late / early == pytest.approx(1.05 / 0.95)


def test_the_spread_is_drawn_anew_for_every_look():
    assert len({next_look(0, expected=None, floor=1, ceiling=15) for _ in range(20)}) > 10


@given(st.floats(3, 1000))
def test_the_usual_end_is_found_within_a_tenth_of_the_life(life):
    age = 0.0
    while age < life:
        last = next_look(age, expected=life, floor=0.1, ceiling=1000, jitter=1.0)
        age += last
    assert age - life <= max(0.1, 0.1 * life)


@given(st.integers(0, 10**6), st.floats(0.01, 100), st.none() | st.floats(0, 1e9))
def test_a_wait_after_trouble_is_never_endless_and_never_none(failed, floor, asked_for):
    wait = look_after_trouble(failed, floor=floor, asked_for=asked_for)
    assert math.isfinite(wait)
    assert 0 < wait <= max(floor, LONGEST_AFTER_TROUBLE, min(asked_for or 0, LONGEST_ASKED_FOR))


@given(st.integers(0, 50), st.floats(0.01, 100))
def test_waits_grow_with_trouble(failed, floor):
    assert look_after_trouble(failed + 1, floor=floor) >= look_after_trouble(failed, floor=floor)


def test_a_second_failure_is_waited_for_longer_than_the_first():
    assert look_after_trouble(2, floor=1) > look_after_trouble(1, floor=1) > 1


@pytest.mark.parametrize(
    ("failed", "asked_for", "wait"),
    [
        pytest.param(1, None, 1.7, id="nothing asked for"),
        pytest.param(1, 30, 30, id="a wait asked for is obeyed"),
        pytest.param(1, 0.1, 1.7, id="but never makes looks denser"),
        pytest.param(50, None, 60, id="a minute at most by itself"),
        pytest.param(1, 299, 299, id="up to five minutes if asked for"),
        pytest.param(1, 86_400, 300, id="a day is not believed"),
    ],
)
def test_a_retry_after_is_obeyed_up_to_its_cap(failed, asked_for, wait):
    assert look_after_trouble(failed, floor=1, asked_for=asked_for) == pytest.approx(wait)


def test_trouble_never_makes_looks_denser_than_the_floor():
    assert look_after_trouble(1, floor=90) >= 90


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        pytest.param([], None, id="no history, no idea"),
        pytest.param([(2, 5)], 7, id="queueing counts"),
        pytest.param([(0, 10), (0, 1), (0, 500)], 10, id="one odd life changes little"),
        pytest.param([(1, 1), (2, 2)], 3, id="two lives are averaged"),
    ],
)
def test_the_expected_life_is_the_median_of_earlier_ones(lives, expected):
    assert expected_life(lives) == expected
