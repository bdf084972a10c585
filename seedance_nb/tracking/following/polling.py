"""When to look again, and how long is left: pure functions of what is known of such jobs.

A look costs a request; not looking costs lateness. Following the theory of optimal inspection (Barlow, Hunter and Proschan, "Optimum
checking procedures", SIAM J. 11, 1963), the next look is put where the lateness to be expected from waiting that long,
∫ P(ended by u | not ended yet) du, has grown to what one look is worth. Where the end is unlikely that is far away, around the usual
time it is near. For jobs that are known to take T seconds give or take a third it needs half the looks of a fixed interval for the
same lateness.

What such jobs take is learned without a belief about the shape of it. Each known life is a bell around itself on the scale of
logarithms (a kernel estimate: Silverman, "Density estimation", 1986), so that two humps stay two humps. Beside them stands a doubt
that counts as one life or more: that nothing is known but about how long such jobs take. Then they end at any moment alike, and since the
rate of that is a guess too, the share that lives on falls as (1 + t / 4m)^-4 (Lomax, 1954). The doubt makes sure that what was learned
does not make it worse: before the shortest known life and after the longest one a job is looked at almost evenly. It weighs more where
the known lives differ much, and less the more of them there are. When the service became slower or faster, what was before is forgotten
(a change point found by ranks: Pettitt, Applied Statistics 28, 1979). A job without any earlier one is looked at evenly.
Of many such jobs at once, none of which has ended yet, each is a scout for the others: `n` of them need only √n times the looks of one
(what one look costs weighs against how late the first end of n is known), and the first end that is seen sets all of them right. That
holds too where a few earlier lives are known: thirty jobs that live now tell each other more than one that lived before (see `pace.CROWD`).
"""

from __future__ import annotations

import bisect
import dataclasses
import math
import random
import statistics
from collections.abc import Sequence
from typing import NamedTuple

LOOK_WORTH = 0.13
"""Seconds of expected lateness that one look is worth."""
EVEN_SECONDS = 1.5
"""Between looks while nothing is known: no unequal spacing does better against any life one might meet."""
EVEN_SHARE = 0.01
"""… but not closer than this share of the time already waited, or a job of an hour would be asked about 1,800 times."""
USUAL_SPREAD = 0.45
"""Spread of log-lives that is assumed before it is seen, with the weight of one life: one earlier job must not make us sure."""
USUAL_SECONDS = 60.0
"""What a video takes before one of its kind is known, with the weight of USUAL_SECONDS_WEIGHT lives; only the doubt asks for it."""
USUAL_SECONDS_WEIGHT = 2.0
BELL = 0.8
"""Width of the bells as a share of the spread of log-lives, for one of them; of n it is n^0.2 times narrower (Silverman)."""
NARROWEST_BELL = 0.06
LOGISTIC = 1.75
"""A logistic bell is this much steeper than a normal one of the same width."""
DOUBT, DOUBT_BY_VARIANCE = 0.5, 2.0
"""Weight of the doubt, in lives: the first, and the second times the variance of log-lives."""
DOUBT_SHAPE = 4.0
DOUBT_OF_TIME_LEFT = 0.1
"""Its weight where the time left is told: a person is told what such jobs took, and not what is asked of a careful plan."""
CHANGED = 2.7
"""Standard deviations of the sum of ranks from which the newest lives are of another time than those before them …"""
FEWEST_OF_A_NEW_TIME = 3
"""… and how many of them have to say so."""
TROUBLE_GROWTH = 1.7
LONGEST_AFTER_TROUBLE = 60.0
LONGEST_ASKED_FOR = 300.0
"""A Retry-After beyond this is not believed: a job that was paid for is not left alone for an hour."""
LONGEST_OWN_PAUSE = 30.0
"""Pauses after refusals grow no longer than this by themselves: a place may become free at any time."""
REMAINING_ACCURACY = 0.002
"""Of the time left that is told."""
STEP_GROWTH = 0.2
"""Where lateness is added up, each step is so much of the wait so far."""
AGE_STEP = 0.05
"""The shares that live on are computed at ages of which each is so much (on the scale of logarithms) above the one before, and kept."""


class _Share(NamedTuple):
    """What lives longer than some age: of the known lives (a number of lives), and by the doubt (a probability)."""

    lives: float
    doubt: float


@dataclasses.dataclass(frozen=True)
class Outlook:
    """How long such jobs take, learned from lives: logarithm and weight of each. Without any it knows nothing and everything is even."""

    log_lives: tuple[tuple[float, float], ...] = ()
    bell: float = USUAL_SPREAD
    usual: float = USUAL_SECONDS
    doubt: float = DOUBT
    unended: float = 0.0
    """Weight of the jobs that have outlived all known lives: from there on they are as much in doubt as any."""
    _shares: dict[int, _Share] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    _remaining: dict[tuple[int, float], float] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    @property
    def known(self) -> int:
        """From how many lives it was learned."""
        return len(self.log_lives)

    @classmethod
    def learn(cls, lives: Sequence[float], living: Sequence[float] = ()) -> Outlook:
        """From the lives of earlier jobs in seconds, the newest job first, and the ages of those that were accepted since and live."""
        logs = [math.log(max(life, 0.01)) for life in lives]
        if not logs:
            return cls()
        logs = logs[: _of_this_time(logs)]
        n, middle = len(logs), statistics.fmean(logs)
        variance = (sum((x - middle) ** 2 for x in logs) + USUAL_SPREAD**2) / n
        pull = USUAL_SECONDS_WEIGHT * math.log(USUAL_SECONDS)
        log_lives, unended = _weighed(logs, [math.log(max(age, 0.01)) for age in living])
        return cls(
            log_lives=log_lives,
            bell=max(NARROWEST_BELL, BELL * math.sqrt(variance) * n**-0.2),
            usual=math.exp((n * middle + pull) / (n + USUAL_SECONDS_WEIGHT)),
            doubt=DOUBT + DOUBT_BY_VARIANCE * variance,
            unended=unended,
        )

    def alive(self, age: float, doubt: float | None = None) -> float:
        """Probability that a job lives longer than `age` seconds; `doubt` is the weight of the doubt where it is not the usual one."""
        if age <= 0 or not self.log_lives:
            return 1.0
        doubt = self.doubt if doubt is None else doubt
        place = math.log(age) / AGE_STEP
        index = math.floor(place)
        below, above, part = self._share(index), self._share(index + 1), place - index
        lives = below.lives + (above.lives - below.lives) * part
        doubted = below.doubt + (above.doubt - below.doubt) * part
        unended = self.unended * min(1.0, doubted / self._doubted(self.log_lives[-1][0])) if self.unended else 0.0
        return (lives + unended + doubt * doubted) / (self.known + doubt)

    def _doubted(self, log_age: float) -> float:
        return math.pow(1 + math.exp(log_age) / (DOUBT_SHAPE * self.usual), -DOUBT_SHAPE)

    def _share(self, index: int) -> _Share:
        found = self._shares.get(index)
        if found is None:
            log_age, steep = index * AGE_STEP, LOGISTIC / self.bell
            found = self._shares[index] = _Share(
                sum(
                    weight / (1 + math.exp(min(500.0, steep * (log_age - log_life))))
                    for log_life, weight in self.log_lives
                ),
                self._doubted(log_age),
            )
        return found

    def remaining(self, age: float, share: float = 0.5) -> float | None:
        """Seconds until this `share` of the jobs that got as old as `age` will have ended; None when nothing is known."""
        if not self.known:
            return None
        # Told at every look, to anybody: so it is computed at the ages of the grid, and what lies between is read off.
        place = math.log(max(age, 0.01)) / AGE_STEP
        index = math.floor(place)
        below, above = self._remaining_at(index, share), self._remaining_at(index + 1, share)
        return below + (above - below) * (place - index)

    def _remaining_at(self, index: int, share: float) -> float:
        known = self._remaining.get((index, share))
        if known is None:
            known = self._remaining[index, share] = self._find_remaining(math.exp(index * AGE_STEP), share)
        return known

    def _find_remaining(self, age: float, share: float) -> float:
        goal = self.alive(age, DOUBT_OF_TIME_LEFT) * (1 - share)
        low, high = age, max(age, math.exp(self.log_lives[-1][0])) * 64
        while high - low > REMAINING_ACCURACY * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.alive(middle, DOUBT_OF_TIME_LEFT) > goal else (low, middle)
        return high - age


def _of_this_time(newest_first: Sequence[float]) -> int:
    """How many of the newest are of the time of the newest: all, or those after the likeliest moment of a change (Pettitt, 1979)."""
    n, in_order = len(newest_first), sorted(newest_first)
    larger, most, found = 0, CHANGED, n
    for k, x in enumerate(newest_first[:-1], 1):
        # How often they are larger than others, less how often they are smaller.
        larger += bisect.bisect_left(in_order, x) + bisect.bisect_right(in_order, x) - n
        deviations = abs(larger) / math.sqrt(k * (n - k) * (n + 1) / 3)
        if k >= FEWEST_OF_A_NEW_TIME and deviations > most:
            most, found = deviations, k
    return found


def _weighed(lives: Sequence[float], living: Sequence[float]) -> tuple[tuple[tuple[float, float], ...], float]:
    """Each life with its weight, and the weight of what outlived them all: those that live count as what outlived their age
    (Kaplan and Meier, J. Am. Stat. Assoc. 53, 1958). Without them, the short ones of many jobs begun at once would seem to be all.
    """
    weighed, left, at_risk = [], float(len(lives)), len(lives) + len(living)
    for seconds, is_over in sorted([*((x, True) for x in lives), *((x, False) for x in living)]):
        if is_over:
            weighed.append((seconds, left / at_risk))
            left -= left / at_risk
        at_risk -= 1
    return tuple(weighed), max(0.0, left)


def next_look(
    age: float,
    outlook: Outlook,
    *,
    floor: float,
    ceiling: float,
    worth: float = LOOK_WORTH,
    news: float = 0.0,
    scouts: int = 1,
    jitter: float | None = None,
) -> float:
    """Seconds until the next look at a job that is `age` seconds old.

    `worth` is the expected lateness one look is worth, in seconds; `news` the rate at which its siblings are ending just now, a
    second and sibling. `scouts` is how many there are of a kind that nothing is known of and none of which has ended yet.
    `jitter` in [0, 1] is drawn if not given; it spreads jobs of one moment over ten per cent, scouts over all the time they have.
    """
    spread = random.random() if jitter is None else jitter
    if outlook.known:
        chosen = _where_lateness_is(worth, age, outlook, news, floor, ceiling)
    else:
        chosen = max(EVEN_SECONDS * math.sqrt(worth / LOOK_WORTH), EVEN_SHARE * age)
        chosen = min(chosen, math.sqrt(2 * worth / news)) if news > 0 else chosen
        chosen *= 1 + (math.sqrt(max(1, scouts)) - 1) * 2 * spread
    # Where floor and ceiling contradict each other, fewer looks are the politer error.
    return max(floor, min(ceiling, chosen)) * (0.95 + 0.1 * spread)


def _where_lateness_is(worth: float, age: float, outlook: Outlook, news: float, floor: float, ceiling: float) -> float:
    alive = outlook.alive(age)
    # Steps that grow with what they are added to: a tenth of the wait is as exact as a look can be placed.
    high = max(floor, ceiling)
    wait = late = ended = 0.0
    step = min(floor, high) / 2
    while wait < high:
        further = min(wait + step, high)
        ended_then = 1 - outlook.alive(age + further) / alive * math.exp(-news * further)
        gain = (ended + ended_then) / 2 * (further - wait)
        if late + gain >= worth:
            return max(floor, wait + (further - wait) * (worth - late) / gain)
        wait, late, ended = further, late + gain, ended_then
        step = max(step, wait * STEP_GROWTH)
    return high


def look_after_trouble(
    failed_checks: int,
    *,
    floor: float,
    asked_for: float | None = None,
    longest: float = LONGEST_ASKED_FOR,
    jitter: float | None = None,
) -> float:
    """Seconds until the next look after `failed_checks` failures in a row: ours, or the Retry-After where that is longer, up to `longest`.

    `jitter` in [0, 1] is drawn if not given: what fails for all at once is not asked by all at once again.
    """
    backoff = min(max(floor, LONGEST_AFTER_TROUBLE), max(floor, 0.5) * TROUBLE_GROWTH ** min(failed_checks, 12))
    return max(floor, _spread(backoff, jitter), min(asked_for or 0.0, longest))


def pause_after_refusal(
    times: int, *, first: float, longest: float, asked_for: float | None = None, jitter: float | None = None
) -> float:
    """Seconds before a call that was refused for now `times` times in a row is made again.

    Ours grow from `first` and are the floor of what the service asks for; both end at `longest`. A service that says 0, or a date
    long past, is asked no more often than one that says nothing.
    """
    ours = min(first * 2.0 ** min(times - 1, 30), max(first, LONGEST_OWN_PAUSE))
    return min(max(_spread(ours, jitter), asked_for or 0.0), longest)


def _spread(seconds: float, jitter: float | None) -> float:
    return seconds * (0.75 + 0.5 * (random.random() if jitter is None else jitter))
