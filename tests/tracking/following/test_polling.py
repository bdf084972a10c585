import asyncio
import contextlib
import math
import random
import statistics
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_nb.snapshot import roughly_lived
from seedance_nb.tracking.following.pace import BUSY_LOOKS, CROWD, IDLE_LOOKS, Kind, Pace
from seedance_nb.tracking.following.polling import (
    EVEN_SECONDS,
    LONGEST_AFTER_TROUBLE,
    LONGEST_ASKED_FOR,
    Outlook,
    look_after_trouble,
    next_look,
    pause_after_refusal,
)
from seedance_nb.tracking.wake_ups import seconds_of_main_thread

seconds = st.floats(0, 1e7)
pace = st.floats(0.01, 600)
share = st.floats(0, 1)
lives = st.lists(st.floats(0.01, 1e5), max_size=12)


def delay(age, earlier=(), **options):
    return next_look(age, Outlook.learn(earlier), **{"floor": 0.3, "ceiling": 60, "jitter": 0.5} | options)


def follow(life, outlook, dice):
    """(looks, lateness) of one job of this life."""
    age = looks = 0
    while age < life:
        age += next_look(age, outlook, floor=0.3, ceiling=60, jitter=dice.random())
        looks += 1
    return looks, age - life


def against_even_spacing(spread, earlier, *, usual=94.0, jobs=400):
    """Looks x lateness of many jobs, as a share of what evenly spaced looks cost (half the mean life)."""
    dice = random.Random(7)

    def life():
        return usual * math.exp(dice.gauss(0, spread))

    results = []
    for _ in range(jobs):
        outlook = Outlook.learn([life() for _ in range(earlier)])
        own = life()
        results.append((*follow(own, outlook, dice), own))
    looks, late, own = (statistics.fmean(column) for column in zip(*results, strict=True))
    return looks * late / (own / 2)


@pytest.mark.parametrize(
    ("spread", "earlier", "most"),
    [
        pytest.param(0.3, 10, 0.65, id="lives that vary by a third, ten known"),
        pytest.param(0.15, 10, 0.45, id="lives that vary by a sixth, ten known"),
        pytest.param(0.3, 3, 0.75, id="lives that vary by a third, three known"),
        pytest.param(0.3, 0, 1.1, id="the first job ever"),
    ],
)
def test_looks_times_lateness_is_a_fraction_of_that_of_a_fixed_interval(spread, earlier, most):
    assert against_even_spacing(spread, earlier) <= most


def lognormal(middle, sigma):
    return lambda dice: middle * math.exp(dice.gauss(0, sigma))


def two_humps(dice):
    return lognormal(30 if dice.random() < 0.5 else 120, 0.1)(dice)


def heavy_tailed(dice):
    return 20 * dice.paretovariate(1.5)


def mixed(dice):
    return lognormal(40, 0.2)(dice) if dice.random() < 0.8 else 40 * dice.paretovariate(1.5)


SHAPES = {
    "even": lambda dice: dice.uniform(5, 30),
    "even and long": lambda dice: dice.uniform(20, 200),
    "two humps": two_humps,
    "heavy-tailed": heavy_tailed,
    "a tail beside a hump": mixed,
}


@pytest.mark.parametrize("known", [3, 40])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_was_learned_makes_it_no_worse_than_a_fixed_interval_whatever_the_shape(shape, known):
    dice, results = random.Random(3), []
    for _ in range(200):
        outlook, own = Outlook.learn([shape(dice) for _ in range(known)]), shape(dice)
        results.append((*follow(own, outlook, dice), own))
    looks, late, own = (statistics.fmean(column) for column in zip(*results, strict=True))
    assert looks * late / (own / 2) <= (0.9 if known == 40 else 1.05)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_as_many_jobs_end_before_the_time_left_that_is_told_as_after_it(shape):
    dice, before = random.Random(5), 0
    for _ in range(400):
        before += shape(dice) < Outlook.learn([shape(dice) for _ in range(10)]).remaining(0.0)
    assert 0.4 < before / 400 < 0.6


def test_after_one_job_the_next_is_expected_to_take_as_long():
    assert Outlook.learn([10.0]).remaining(0.0) == pytest.approx(10, rel=0.1)


def lives_used(lives):
    return Outlook.learn(lives).known


def test_three_jobs_at_another_speed_make_what_was_before_forgotten():
    before = [90.0 + 7 * i % 20 for i in range(20)]
    assert lives_used([300.0, 280.0, *before]) == 22
    assert lives_used([300.0, 280.0, 320.0, *before]) == 3
    assert lives_used([30.0, 28.0, 32.0, *before]) < 6


@pytest.mark.parametrize(
    "lives",
    [
        pytest.param([94.0] * 40, id="all alike"),
        pytest.param([30.0, 120.0] * 20, id="two humps in turn"),
        pytest.param([60.0] * 12 + [600.0] + [60.0] * 12, id="one that took long"),
    ],
)
def test_nothing_is_forgotten_where_nothing_changed(lives):
    assert lives_used(lives) == len(lives)


def test_jobs_that_still_live_say_that_lives_are_longer_than_those_that_ended():
    lives = [5.0, 6.0, 7.0, 8.0]
    alone, beside = Outlook.learn(lives), Outlook.learn(lives, [8.5] * 36)
    assert alone.alive(8.5) < 0.5
    assert beside.alive(8.5) > 0.8
    assert beside.known == 4


def test_jobs_that_live_but_are_younger_than_all_lives_say_nothing():
    lives = [5.0, 6.0, 7.0, 8.0]
    assert Outlook.learn(lives, [1.0] * 36).alive(6.5) == pytest.approx(Outlook.learn(lives).alive(6.5))


@pytest.mark.parametrize("factor", [3, 1 / 3], ids=["slower", "faster"])
def test_a_service_that_changed_its_speed_is_caught_up_with_within_ten_jobs(factor):
    dice = random.Random(7)
    costs = []
    for _ in range(300):
        old = [94 * math.exp(dice.gauss(0, 0.3)) for _ in range(20)]
        new = [94 * factor * math.exp(dice.gauss(0, 0.3)) for _ in range(11)]
        costs.append((*follow(new[0], Outlook.learn(new[1:] + old), dice), new[0]))
    looks, late, own = (statistics.fmean(column) for column in zip(*costs, strict=True))
    assert looks * late / (own / 2) <= 0.75


@pytest.mark.parametrize(
    ("age", "earlier", "least", "most"),
    [
        pytest.param(0, [], EVEN_SECONDS, EVEN_SECONDS, id="a job nobody knows is looked at evenly"),
        pytest.param(90, [], EVEN_SECONDS, EVEN_SECONDS, id="for as long as most take"),
        pytest.param(3600, [], 30, 40, id="and rarely when it takes an hour"),
        pytest.param(0, [94] * 10, 15, 60, id="a job of a minute and a half is left alone at first"),
        pytest.param(94, [94] * 10, 1, 4, id="and looked at often around its usual end"),
        pytest.param(900, [94] * 10, 5, 60, id="and rarely when it is long overdue"),
        pytest.param(0, [1.0] * 10, 0.3, 1.5, id="a quick one is looked at soon"),
    ],
)
def test_the_next_look_follows_what_is_known(age, earlier, least, most):
    assert least <= delay(age, earlier) <= most


@given(seconds, lives, pace, pace, share, st.floats(0.01, 1e6), st.floats(0, 10))
def test_every_wait_is_between_floor_and_ceiling(age, earlier, one, other, jitter, worth, news):
    floor, ceiling = sorted((one, other))
    wait = next_look(age, Outlook.learn(earlier), floor=floor, ceiling=ceiling, jitter=jitter, worth=worth, news=news)
    assert floor * 0.9 <= wait <= ceiling * 1.1


@given(seconds, lives, share)
def test_a_ceiling_below_the_floor_never_makes_looks_denser_than_the_floor(age, earlier, jitter):
    assert next_look(age, Outlook.learn(earlier), floor=5, ceiling=2, jitter=jitter) >= 5 * 0.9


def test_jobs_of_one_moment_are_spread_over_ten_per_cent():
    early, late = (delay(50, [94] * 5, jitter=j) for j in (0.0, 1.0))
    assert late / early == pytest.approx(1.05 / 0.95)


@pytest.mark.parametrize("earlier", [[], [94.0] * 5], ids=["unknown", "known"])
def test_siblings_that_are_ending_now_bring_the_next_look_forward(earlier):
    assert delay(20, earlier, news=0.5) < delay(20, earlier)


@pytest.mark.parametrize("earlier", [[], [94.0] * 5], ids=["unknown", "known"])
def test_dear_looks_come_later(earlier):
    assert delay(20, earlier, worth=20) > delay(20, earlier)


def test_the_time_left_shrinks_with_age_and_grows_again_when_a_job_is_overdue():
    outlook = Outlook.learn([90, 100, 95, 92])
    left = [outlook.remaining(age) for age in (0, 50, 90, 300)]
    assert left[0] == pytest.approx(94, rel=0.1)
    assert left[0] > left[1] > left[2] > 0
    assert left[3] > left[2]


def test_of_a_job_nobody_knows_the_time_left_is_not_made_up():
    assert Outlook.learn([]).remaining(10) is None


@given(lives.filter(bool), st.floats(0, 1e6))
def test_the_time_left_is_never_negative_nor_endless(earlier, age):
    assert 0 <= Outlook.learn(earlier).remaining(age) < math.inf


@pytest.mark.parametrize(
    ("failed", "asked", "wait"),
    [
        pytest.param(1, None, 1.7, id="one failure"),
        pytest.param(3, None, 1.7**3, id="three failures"),
        pytest.param(12, None, LONGEST_AFTER_TROUBLE, id="many failures"),
        pytest.param(1, 30, 30, id="what the service asks for"),
        pytest.param(1, 0.1, 1.7, id="but no less than our own patience"),
        pytest.param(1, 86_400, LONGEST_ASKED_FOR, id="and no more than is believable"),
    ],
)
def test_after_trouble_looks_thin_out(failed, asked, wait):
    assert look_after_trouble(failed, floor=1.0, asked_for=asked, jitter=0.5) == pytest.approx(wait)


@given(st.integers(0, 10_000), pace, st.none() | seconds)
def test_trouble_never_makes_looks_denser_than_the_floor(failed, floor, asked):
    assert look_after_trouble(failed, floor=floor, asked_for=asked) >= floor * 0.99


@given(st.integers(0, 10_000), pace, st.none() | seconds, share)
def test_a_jittered_look_after_trouble_keeps_floor_and_ceiling(failed, floor, asked, jitter):
    wait = look_after_trouble(failed, floor=floor, asked_for=asked, longest=200, jitter=jitter)

    assert floor <= wait <= max(200, 1.25 * floor, 1.25 * LONGEST_AFTER_TROUBLE)


def test_pauses_after_refusals_grow_and_end():
    pauses = [pause_after_refusal(times, first=1, longest=300, jitter=0.5) for times in range(1, 9)]

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(None, 4), (0, 4), (0.001, 4), (7, 7), (1e9, 300)],
    ids=["nothing", "0", "almost 0", "7", "for ever"],
)
def test_what_the_service_asks_for_counts_above_our_own_pause_and_below_the_longest(asked, wait):
    assert pause_after_refusal(3, first=1, longest=300, asked_for=asked, jitter=0.5) == wait


def test_who_was_refused_at_the_same_time_does_not_come_back_at_the_same_time():
    assert len({pause_after_refusal(3, first=1, longest=300) for _ in range(20)}) > 10


# What is shared ------------------------------------------------------------------------------------------


class Cpu:
    """Wall seconds, and CPU seconds of the main thread, moved by hand."""

    def __init__(self):
        self.now = self.main = 0.0

    def pace(self):
        return Pace(lambda: self.now, main_seconds=lambda: self.main, own_seconds=lambda: 0.0)


def test_a_few_jobs_are_not_slowed_by_the_shared_budget():
    pace = Cpu().pace()
    for job in range(20):
        pace.wants(job, 1.0)
    assert pace.stretch == pytest.approx(1, abs=0.06)


def test_a_thousand_jobs_share_the_budget():
    pace = Cpu().pace()
    for job in range(1000):
        pace.wants(job, 1.0 * pace.stretch)
    assert pace.stretch == pytest.approx(1000 / IDLE_LOOKS, rel=0.3)


def test_jobs_that_left_want_nothing_any_more():
    pace = Cpu().pace()
    for job in range(1000):
        pace.wants(job, 1.0)
    for job in range(1000):
        pace.leaves(job)
    pace.wants("last", 1.0)
    alone = Cpu().pace()
    alone.wants("last", 1.0)
    assert pace.stretch == pytest.approx(alone.stretch)


def test_beside_a_cell_that_computes_the_budget_shrinks_and_grows_back():
    cpu = Cpu()
    pace = cpu.pace()
    limits = []
    for busy in (0.0, 1.0, 0.0):
        cpu.now += 1
        cpu.main += busy
        pace.turn()
        limits.append(pace.limit)
    assert limits == [IDLE_LOOKS, BUSY_LOOKS, IDLE_LOOKS]


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="this system does not tell a thread's CPU time")
def test_what_other_threads_compute_is_not_the_notebooks_work():
    def burn(seconds):
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    before = seconds_of_main_thread()
    thread = threading.Thread(target=burn, args=(0.2,))
    thread.start()
    thread.join()
    between = seconds_of_main_thread()
    burn(0.2)
    assert between - before < 0.1
    assert seconds_of_main_thread() - between > 0.1


def test_looks_of_one_moment_are_given_out_one_after_the_other():
    pace = Cpu().pace()
    turns = [pace.turn() for _ in range(4)]
    assert turns == pytest.approx([i / IDLE_LOOKS for i in range(4)])


def test_a_look_that_comes_alone_does_not_wait():
    cpu = Cpu()
    pace = cpu.pace()
    pace.turn()
    cpu.now = 1.0
    assert pace.turn() == 0


def test_news_needs_three_ends_and_fades():
    kind = Kind([])
    for _ in range(2):
        kind.ended(5.0, 100.0)
    assert kind.news(100.0) == 0
    kind.ended(5.0, 100.0)
    assert kind.news(100.0) > 0
    assert kind.news(200.0) == 0


def test_scouts_share_their_looks_and_spread_them():
    waits = [next_look(10.0, Outlook(), floor=0.5, ceiling=60, scouts=100, jitter=i / 99) for i in range(100)]

    looks_a_second = 100 / (sum(waits) / 100)
    alone = next_look(10.0, Outlook(), floor=0.5, ceiling=60, jitter=0.5)
    assert looks_a_second == pytest.approx(math.sqrt(100) / alone, rel=0.05)
    assert min(waits) == pytest.approx(alone, rel=0.06)
    assert len({round(wait) for wait in waits}) > 15


def test_the_first_end_wakes_all_scouts_and_the_second_nobody():
    kind, wakes = Kind([]), [asyncio.Event() for _ in range(3)]
    with kind.living(wakes[0]), kind.living(wakes[1]), kind.living(wakes[2]):
        assert kind.scouts(0) == 3
        kind.ended(None, 1.0)
        assert [wake.is_set() for wake in wakes] == [True] * 3
        assert kind.scouts(0) == 1
        wakes[0].clear()
        kind.ended(5.0, 2.0)
        assert not wakes[0].is_set()
    assert kind.alive == 0


def test_where_lives_are_known_nobody_is_a_scout():
    kind = Kind([10.0])
    with kind.living(asyncio.Event()), kind.living(asyncio.Event()):
        assert (kind.alive, kind.scouts(1), kind.is_crowd(1)) == (2, 1, False)


def test_many_that_live_at_once_are_scouts_for_each_other_although_a_few_lives_are_known():
    kind = Kind([10.0])
    with contextlib.ExitStack() as crowd:
        for _ in range(CROWD + 1):
            crowd.enter_context(kind.living(asyncio.Event()))
        assert (kind.scouts(1), kind.scouts(2)) == (CROWD + 1, 1)
        kind.ended(9.0, 1.0)
        assert kind.is_crowd(1)  # how they end says more, also when few of them are left
        assert kind.scouts(1) == 1
    assert kind.alive == 0
    with kind.living(asyncio.Event()):  # another day, another crowd
        assert (kind.is_crowd(1), kind.has_ended) == (False, False)


def test_a_kind_learns_from_lives_and_not_from_failures():
    kind = Kind([10.0])
    kind.ended(None, 1.0)
    kind.ended(20.0, 2.0)
    assert list(kind.lives) == [20.0, 10.0]


def test_of_many_begun_at_once_the_newest_are_not_the_longest():
    """They end in the order of their lives: forty of them by their ends would be the forty longest."""
    dice, kind = random.Random(4), Kind([])
    lives = [dice.uniform(5, 30) for _ in range(200)]
    for number, life in sorted(enumerate(lives), key=lambda known: known[0] / 100 + known[1]):
        kind.ended(life, number / 100 + life)
    assert kind.lives == pytest.approx(lives[:-41:-1])


def test_those_accepted_since_that_still_live_are_part_of_what_is_expected():
    kind, wakes = Kind([]), [asyncio.Event() for _ in range(12)]
    with contextlib.ExitStack() as followed:
        for wake in wakes[:9]:
            followed.enter_context(kind.living(wake, 2.0))
        followed.enter_context(kind.living(wakes[9], 0.5))  # older than all that is known
        followed.enter_context(kind.living(wakes[10]))  # nobody knows how old
        for at in (1.0, 2.0, 3.0):
            kind.ended(5.0, at + 5.0)
        assert kind.outlook(12.0) == Outlook.learn([5.0] * 3, [10.0] * 9)
        assert kind.outlook(12.0) is kind.outlook(13.0)
        kind.ended(6.0, 14.0)
        assert kind.outlook(14.0).known == 4


def test_a_service_that_became_ten_times_faster_is_not_looked_at_too_late_for_ever():
    """Its jobs end before the first look; what is known of them is only that."""
    dice, kind, late = random.Random(1), Kind([94.0] * 40), []
    for number in range(12):
        born, seen, age = 1000.0 * number, 0.0, 0.0
        while age < 9.0:
            seen, age = age, age + next_look(age, kind.outlook(born), floor=0.5, ceiling=60, jitter=dice.random())
        late.append(age - 9.0)
        kind.ended(roughly_lived(born, born + seen, born + (seen + age) / 2), born + age)
    assert late[0] > 10
    assert max(late[8:]) < 4
