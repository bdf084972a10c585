"""Learned polling against a fixed interval at equal requests, simulated over the real rules: no server, no clock.

A fixed interval costs requests x lateness of half the mean life, whatever the interval; the ratio is of the rules' product to that.
(And half a request for the look that finds the end: "fixed" is the ratio of a fixed interval with the lateness of ten known, 1 + lateness
/ mean life. What was learned does no harm where the ratio is no more than that.)
The shapes have lives of 5 to 30 s spread evenly, of two humps, with heavy tails, and those whose scale changes by three somewhere among
the known ones; the figures are the ratio with so many of the newest known (of the lives alone: with all of the shape known exactly, no
rule could do better than the last column). Late 95 % is with ten known.
The last lines are a thousand jobs at once, lives of 5 to 30 s, with the create counted: what a fixed interval needs for the same
lateness is the create, a look at the end, and half the mean life over the lateness.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks import require
from seedance_nb.tracking.following.pace import Kind, Pace
from seedance_nb.tracking.following.polling import Outlook, next_look

JOBS = 3000
SHIFTED_JOBS = 600
USUAL_SECONDS = 94.0
FLOOR, CEILING = 0.5, 60.0  # the defaults of Limits
SHIFT = 3.0
CAUGHT_UP = 1.15
"""A shift is caught up with when the product is within so much of what it is without a shift."""
BURST_JOBS, BURSTS = 1000, 3
BURST_LIVES, BURST_CREATES_A_SECOND = (5.0, 30.0), 400.0
TEN_LIVES = tuple(5 + 25 * (i + 0.5) / 10 for i in (3, 8, 1, 6, 9, 0, 4, 7, 2, 5))
LEARNED = tuple(
    (f"{count} drawn at random, {number}", tuple(itertools.starmap(dice.uniform, [BURST_LIVES] * count)))
    for count in (3, 10, 40)
    for number, dice in ((1, random.Random(1)), (2, random.Random(2)))
)
# (name, spread of log-lives, earlier jobs, target, best known: theory of the same knowledge, as a share of a fixed interval's 47 s)
CASES = (
    ("sigma 0.3, 10 earlier jobs", 0.3, 10, 0.65, 28 / 47),
    ("sigma 0.15, 10 earlier jobs", 0.15, 10, 0.45, 17 / 47),
    ("sigma 0.3, 3 earlier jobs", 0.3, 3, None, None),
    ("first job ever, sigma 0.3", 0.3, 0, 1.1, 1.0),
)
SHAPE_SETS, SHAPE_LIVES = 200, 2000
KNOWN = (3, 10, 40)
Life = Callable[[random.Random], float]


def _lognormal(middle: float, sigma: float) -> Life:
    return lambda dice: middle * math.exp(dice.gauss(0, sigma))


def _pareto(least: float, alpha: float) -> Life:
    return lambda dice: least * (1 - dice.random()) ** (-1 / alpha)


def _either(share: float, one: Life, other: Life) -> Life:
    return lambda dice: (one if dice.random() < share else other)(dice)


# What no rule can beat is (∫ √(f S) dt)² / mean life, of the density f and the share S that lives on: it follows from looks as dense
# as √(f / S), which is best by Cauchy and Schwarz.
SHAPES: tuple[tuple[str, Life, float], ...] = (
    ("even, 5 to 30 s", lambda dice: dice.uniform(5, 30), 0.63),
    ("even, 20 to 200 s", lambda dice: dice.uniform(20, 200), 0.73),
    ("two humps, 30 and 120 s", _either(0.5, _lognormal(30, 0.1), _lognormal(120, 0.1)), 0.32),
    ("two humps, 40 s and 10 % 200 s", _either(0.9, _lognormal(40, 0.1), _lognormal(200, 0.1)), 0.24),
    ("Pareto 1.5 from 20 s", _pareto(20, 1.5), 0.53),
    ("log-normal 40 s, a fifth Pareto", _either(0.8, _lognormal(40, 0.2), _pareto(40, 1.5)), 0.47),
    ("log-normal, sigma 1", _lognormal(60, 1.0), 0.96),
    ("exponential", lambda dice: dice.expovariate(1 / 60), 1.00),
    ("Weibull 1.5", lambda dice: dice.weibullvariate(60, 1.5), 0.94),
    ("triangle, 20 to 200 s", lambda dice: dice.triangular(20, 200, 60), 0.67),
    ("always 60 s, 5 % five times it", _either(0.95, lambda _: 60.0, lambda _: 300.0), 0.0),
    ("log-normal, sigma 0.3", _lognormal(USUAL_SECONDS, 0.3), 0.52),
    ("log-normal, sigma 0.15", _lognormal(USUAL_SECONDS, 0.15), 0.29),
)


def run() -> Iterator[str]:
    yield f"{'lives':<30}{'requests':>10}{'late, s':>9}{'ratio':>8}{'target':>8}{'theory':>8}"
    for name, spread, earlier, target, theory in CASES:
        looks, late, ratio = cost(spread, earlier, dice=random.Random(7))
        beside = "".join(f"{'' if x is None else f'{x:.2f}':>8}" for x in (target, theory))
        yield f"{name:<30}{looks:>10.1f}{late:>9.2f}{ratio:>8.2f}{beside}"
    yield f"{'speed shifts, sigma 0.3':<30}{'jobs until caught up':>27}{'target':>8}"
    for name, factor in ((f"{SHIFT:g} times slower", SHIFT), (f"{SHIFT:g} times faster", 1 / SHIFT)):
        yield f"{name:<30}{jobs_until_caught_up(factor):>27}{10:>8}"
    yield f"{'ratio, with so many known':<34}{''.join(f'{n:>7}' for n in KNOWN)}{'fixed':>8}{'late 95 %':>11}{'no better':>11}"
    shapes = [(name, shape, 1.0, bound) for name, shape, bound in SHAPES]
    steady = _lognormal(USUAL_SECONDS, 0.3)
    shapes += [(f"a scale that changes, x {factor:.2g}", steady, factor, 0.52) for factor in (SHIFT, 1 / SHIFT)]
    for name, shape, factor, bound in shapes:
        ratios, late_95, fixed = zip(*(shape_cost(shape, known, factor) for known in KNOWN), strict=True)
        yield f"{name:<34}{''.join(f'{x:>7.2f}' for x in ratios)}{fixed[1]:>8.2f}{late_95[1]:>11.1f}{bound:>11.2f}"
    yield f"{'a thousand at once':<30}{'requests':>10}{'late, s':>9}{'fixed':>8}{'targets: 7 and 1.3 s':>24}"
    for name, known in (("nothing known", ()), ("one earlier job", (17.5,)), ("ten earlier jobs", TEN_LIVES), *LEARNED):
        requests, late = (
            statistics.fmean(x) for x in zip(*(burst(known, seed) for seed in range(BURSTS)), strict=True)
        )
        yield f"{name:<30}{requests:>10.1f}{late:>9.2f}{1.5 + 17.5 / 2 / late:>8.1f}"


def cost(spread: float, earlier: int, *, dice: random.Random) -> tuple[float, float, float]:
    """(requests a job, mean lateness, their product as a share of a fixed interval's) over JOBS jobs."""
    results = []
    for _ in range(JOBS):
        outlook = Outlook.learn([life(dice, spread) for _ in range(earlier)])
        own = life(dice, spread)
        results.append((*follow(own, outlook, dice), own))
    return _against_fixed_interval(results)


def shape_cost(shape: Life, known: int, factor: float) -> tuple[float, float, float]:
    """(ratio, lateness of 95 %, ratio of a fixed interval of the same lateness) of jobs with so many `known`, of which only the newest,
    any number of them, are of the job's own scale. What SHAPE_SETS sets of known lives make of SHAPE_LIVES lives each.
    """
    dice, own = random.Random(13), _sorted_lives(shape, factor)
    looks, late = [], []
    for _ in range(SHAPE_SETS):
        new = known if factor == 1 else dice.randrange(known + 1)
        outlook = Outlook.learn([shape(dice) * (factor if i < new else 1) for i in range(known)])
        age, ages = 0.0, list[float]()
        while age < own[-1]:
            age += next_look(age, outlook, floor=FLOOR, ceiling=CEILING, jitter=dice.random())
            ages.append(age)
        found_by = np.searchsorted(ages, own)
        looks.append(found_by + 1)
        late.append(np.asarray(ages)[found_by] - own)
    mean_late, mean_life = float(np.mean(late)), float(own.mean())
    ratio = float(np.mean(looks)) * mean_late / (mean_life / 2)
    return ratio, float(np.quantile(late, 0.95)), 1 + mean_late / mean_life


def _sorted_lives(shape: Life, factor: float) -> np.ndarray:
    dice = random.Random(5)
    return np.sort([shape(dice) * factor for _ in range(SHAPE_LIVES)])


def jobs_until_caught_up(factor: float, most: int = 20) -> str:
    """How many jobs at the new speed must have ended before the next one is followed as well as ever."""
    usual = _after_shift(factor, most)
    for known in range(most):
        if _after_shift(factor, known) <= usual * CAUGHT_UP:
            return str(known)
    return f"more than {most}"


def _after_shift(factor: float, known: int) -> float:
    """The ratio of a job after `known` ones at the new speed, which came after 20 at the old one."""
    dice, results = random.Random(11), []
    for _ in range(SHIFTED_JOBS):
        old = [life(dice, 0.3) for _ in range(20)]
        new = [life(dice, 0.3) * factor for _ in range(known + 1)]
        results.append((*follow(new[0], Outlook.learn(new[1:] + old), dice), new[0]))
    return _against_fixed_interval(results)[2]


def _against_fixed_interval(results: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    looks, late, own = (statistics.fmean(column) for column in zip(*results, strict=True))
    return looks, late, looks * late / (own / 2)


def burst(earlier: Sequence[float], seed: int) -> tuple[float, float]:
    """(requests a job, mean lateness) of many jobs of one kind at once, all with the shared budget of an idle notebook."""
    dice, now = random.Random(seed), [0.0]
    pace, kind = Pace(lambda: now[0], main_seconds=lambda: 0.0), Kind(earlier)
    outlook = kind.outlook(0.0)
    born = [i / BURST_CREATES_A_SECOND for i in range(BURST_JOBS)]
    ends = [at + dice.uniform(*BURST_LIVES) for at in born]
    alive: dict[
        int, tuple[contextlib.ExitStack, float, int]
    ] = {}  # who follows it, when it is due, which plan that was
    late: list[float] = []
    looks = 0
    events = [(at, "born", i, 0) for i, at in enumerate(born)]

    def plan(i: int, share: float = 1.0) -> None:
        follower, due, number = alive[i]
        delay = next_look(
            now[0] - born[i],
            Outlook() if kind.is_crowd(outlook.known) else outlook,
            floor=FLOOR,
            ceiling=CEILING,
            worth=pace.worth,
            news=kind.news(now[0]),
            scouts=kind.scouts(outlook.known),
            jitter=dice.random(),
        )
        pace.wants(i, delay)
        at = now[0] + delay if share == 1.0 else min(due, now[0] + delay * share)
        alive[i] = (follower, at, number + 1)
        heapq.heappush(events, (at, "due", i, number + 1))

    while events:
        now[0], what, i, number = heapq.heappop(events)
        if what == "born":
            follower = contextlib.ExitStack()
            follower.enter_context(kind.living(asyncio.Event()))
            alive[i] = (follower, 0.0, 0)
            plan(i)
        elif number != alive.get(i, (None, 0.0, -1))[2]:
            continue  # it has thought again since
        elif what == "due":
            heapq.heappush(events, (now[0] + pace.turn(), "look", i, number))
        else:
            looks += 1
            if now[0] < ends[i]:
                plan(i)
                continue
            late.append(now[0] - ends[i])
            alive.pop(i)[0].close()
            pace.leaves(i)
            were_scouts = kind.scouts(outlook.known) > 1
            kind.ended(now[0] - born[i], now[0])
            for sibling in list(alive) if were_scouts else ():
                plan(sibling, dice.random())
    require(len(late) == BURST_JOBS, f"{len(late)} ends noticed")
    return looks / BURST_JOBS + 1, statistics.fmean(late)


def life(dice: random.Random, spread: float) -> float:
    return USUAL_SECONDS * math.exp(dice.gauss(0, spread))


def follow(own: float, outlook: Outlook, dice: random.Random) -> tuple[float, float]:
    """(requests, lateness) of one job that lives `own` seconds."""
    age, looks = 0.0, 0
    while age < own:
        age += next_look(age, outlook, floor=FLOOR, ceiling=CEILING, jitter=dice.random())
        looks += 1
    return looks, age - own
