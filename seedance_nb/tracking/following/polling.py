"""When to look again, and how long is left: pure functions of what is known of such jobs.

A look costs a request; not looking costs lateness. Following the theory of optimal inspection (Barlow, Hunter and Proschan, "Optimum
checking procedures", SIAM J. 11, 1963), the next look is put where the lateness to be expected from waiting that long,
∫ P(ended by u | not ended yet) du, has grown to what one look is worth. Where the end is unlikely that is far away, around the usual
time it is near. For jobs that are known to take T seconds give or take a third it needs half the looks of a fixed interval for the
same lateness.

What such jobs take is learned: the logarithms of the newest lives of the same model, length and resolution, their mean and spread with
the uncertainty that few of them leave, and a small share of surprise (a broad tail), so that a service that became three times slower
or faster is still followed sensibly, and is caught up with after two or three jobs. A job without any earlier one is looked at evenly.
Of many such jobs at once, none of which has ended yet, each is a scout for the others: `n` of them need only √n times the looks of one
(what one look costs weighs against how late the first end of n is known), and the first end that is seen sets all of them right.
"""

from __future__ import annotations

import dataclasses
import math
import random
import statistics
from collections.abc import Sequence

LOOK_WORTH = 0.13
"""Seconds of expected lateness that one look is worth."""
EVEN_SECONDS = 1.5
"""Between looks while nothing is known: no unequal spacing does better against any life one might meet."""
EVEN_SHARE = 0.01
"""… but not closer than this share of the time already waited, or a job of an hour would be asked about 1,800 times."""
USUAL_SPREAD = 0.4
"""Spread of log-lives that is assumed before it is seen, with the weight of USUAL_SPREAD_WEIGHT observations: one earlier job must
not make us sure (with 0.25, a thousand jobs of 5 to 30 s after one of 29 s were noticed 3.4 s late, with 0.4 it is 1.9 s)."""
USUAL_SPREAD_WEIGHT = 1.0
SURPRISE = 0.02
SURPRISE_SPREAD = 1.2
SAME_TIMES = 0.8
"""Lives whose logarithm is farther than this from the newest ones' are of another time, when the service was faster or slower."""
TROUBLE_GROWTH = 1.7
LONGEST_AFTER_TROUBLE = 60.0
LONGEST_ASKED_FOR = 300.0
"""A Retry-After beyond this is not believed: a job that was paid for is not left alone for an hour."""
LONGEST_OWN_PAUSE = 30.0
"""Pauses after refusals grow no longer than this by themselves: a place may become free at any time."""
REMAINING_ACCURACY = 0.002
"""Of the time left that is told: it is computed at every look."""
STEP_GROWTH = 0.2
"""Where lateness is added up, each step is so much of the wait so far."""


@dataclasses.dataclass(frozen=True)
class Outlook:
    """How long such jobs take: log-lives are normal with `middle` and `spread` but for the share of surprise.

    `known` is the number of lives it was learned from; with 0 it knows nothing and everything is even.
    """

    known: int = 0
    middle: float = 0.0
    spread: float = USUAL_SPREAD

    @classmethod
    def learn(cls, lives: Sequence[float]) -> Outlook:
        """From the lives of earlier jobs in seconds, newest first."""
        logs = [math.log(max(life, 0.01)) for life in lives]
        if not logs:
            return cls()
        newest = statistics.median(logs[:3])
        logs = [x for x in logs if abs(x - newest) < SAME_TIMES] or [newest]
        n, middle = len(logs), statistics.fmean(logs)
        squares = sum((x - middle) ** 2 for x in logs) + USUAL_SPREAD_WEIGHT * USUAL_SPREAD**2
        variance = squares / (USUAL_SPREAD_WEIGHT + n - 1)
        return cls(n, middle, math.sqrt(variance * (1 + 1 / n)))  # the mean of few is itself uncertain

    def alive(self, age: float) -> float:
        """Probability that a job lives longer than `age` seconds."""
        if age <= 0:
            return 1.0
        z = math.log(age) - self.middle
        return (1 - SURPRISE) * _beyond(z / self.spread) + SURPRISE * _beyond(z / SURPRISE_SPREAD)

    def remaining(self, age: float, share: float = 0.5) -> float | None:
        """Seconds until this `share` of the jobs that got as old as `age` will have ended; None when nothing is known."""
        if not self.known:
            return None
        goal = self.alive(age) * (1 - share)
        low, high = age, max(age, math.exp(self.middle)) * 64
        while high - low > REMAINING_ACCURACY * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.alive(middle) > goal else (low, middle)
        return high - age


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
    if alive < 1e-9:
        return max(EVEN_SECONDS, EVEN_SHARE * age)

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


def _beyond(z: float) -> float:
    """Probability that a standard normal number is larger than `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2))
