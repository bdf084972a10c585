"""How many looks a second all jobs of a runner may take together, and what is known of jobs like each.

A look costs time of the interpreter, which a notebook that computes needs for itself: then the budget is a share of that time, and the
looks that it buys are counted from what they have cost of late: on a slow machine fewer than on a fast one. It is spent where news is likeliest, because it changes what a look has to be worth (see `polling`), not who may look.
"""

from __future__ import annotations

import asyncio
import bisect
import collections
import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence

from ..wake_ups import BUSY_SHARE, seconds_of_main_thread
from .polling import LOOK_WORTH, Outlook

IDLE_LOOKS = 400.0
"""Looks a second while nothing else wants the interpreter: a tenth to a sixth of what one thread can do."""
DEAR_LOOKS = 200.0
"""The more looks are wanted, the dearer each is, for the service's sake too: at so many a second it has to be worth twice as much."""
BUSY_LOOKS = 300.0
"""Looks a second beside a cell that computes, at most …"""
FEWEST_BUSY_LOOKS = 140.0
"""… and at least: with fewer, a thousand ends would be noticed when they are old …"""
BUSY_TIME = 0.14
"""… and between the two, as many as make this share of a second. The cell loses more to what is not counted here: to hand-overs of the
interpreter (see `wake_ups`) and to the threads that write the ledger and verify files."""
COST_KEPT = 0.95
"""What looks cost is an average over the samples, in which each counts so much of the one after it: over five seconds, for a few files that
come together would else halve the looks and their end double them."""
BUSY_FILES = 2.0
"""Files a second that are fetched and verified beside a cell that computes, 8 ms each; that it is made is known before that."""
SAMPLE_SECONDS = 0.25
LONGEST_QUEUE = 5.0
LIVES_KEPT = 40
CROWD = 30
"""So many that live at once tell each other more, by how they end, than one earlier life tells them (measured: `benchmarks/polling_rules`,
"a thousand at once", and with 10 to 1,000 jobs and 1 to 10 known lives of four shapes)."""
NEWS_SECONDS = 4.0
"""Siblings that ended so long ago still say how likely an end is just now."""


class Kind:
    """Jobs of one model, length and resolution: what they took before, and how they are ending now."""

    def __init__(self, lives: Sequence[float]) -> None:
        # When it was accepted, and its life; the newest first.
        self._lives = [(-math.inf, life) for life in lives[:LIVES_KEPT]]
        self._outlook: Outlook | None = None
        self.has_ended = False
        """Whether any has ended of those that live together: until then they are scouts for each other."""
        self._most_together = 0
        """The most that lived at once since none did."""
        self._wakes: dict[asyncio.Event, int] = {}  # with the number of earlier lives it knew when it began
        self._accepted: dict[asyncio.Event, float] = {}
        self._ends: collections.deque[float] = collections.deque(maxlen=256)

    @property
    def lives(self) -> list[float]:
        """In seconds, of the jobs that were accepted last: by their ends, the last of many at once would be the longest of them."""
        return [life for _, life in self._lives]

    @property
    def alive(self) -> int:
        """How many of them are being followed."""
        return len(self._wakes)

    def is_crowd(self, known: int) -> bool:
        """Whether those that live together tell each other more than `known` earlier lives do."""
        return self._most_together > CROWD * known

    def scouts(self, known: int) -> int:
        """How many of them find out for all others when the first one ends; 1 where that is known, from so many earlier lives or by now."""
        return max(1, self.alive) if self.is_crowd(known) and not self.has_ended else 1

    @contextlib.contextmanager
    def living(self, wake: asyncio.Event, accepted: float | None = None, known: int = 0) -> Iterator[None]:
        """One of them is being followed; `wake` is set when it should think again about its next look. `accepted` is on the same clock
        as the other moments here, None where nobody knows; `known` is how many earlier lives it goes by.
        """
        if not self._wakes:
            self.has_ended, self._most_together = False, 0
        self._wakes[wake] = known
        self._most_together = max(self._most_together, self.alive)
        if accepted is not None:
            self._accepted[wake] = accepted
        try:
            yield
        finally:
            self._wakes.pop(wake, None)
            self._accepted.pop(wake, None)

    def outlook(self, now: float) -> Outlook:
        """What to expect of the next one: from those that ended, and from those accepted no earlier that still live."""
        if self._outlook is None and self._lives:
            since = self._lives[-1][0]
            ages = [now - at for at in self._accepted.values() if since <= at <= now]
            self._outlook = Outlook.learn(self.lives, ages)
        return self._outlook or Outlook()

    def ended(self, life: float | None, now: float) -> None:
        """One of them ended; `life` is its seconds from acceptance to end, None where nobody knows."""
        self._ends.append(now)
        if life is not None:
            bisect.insort(self._lives, (now - life, life), key=lambda known: -known[0])
            del self._lives[LIVES_KEPT:]
            self._outlook = None
        if not self.has_ended:
            self.has_ended = True
            for wake, known in self._wakes.items():
                if self.is_crowd(known):  # whoever goes by earlier lives has learned nothing new
                    wake.set()

    def news(self, now: float) -> float:
        """Ends a second and living sibling, of late; 0 while fewer than three say so."""
        while self._ends and now - self._ends[0] > NEWS_SECONDS:
            self._ends.popleft()
        return len(self._ends) / NEWS_SECONDS / max(1, self.alive) if len(self._ends) >= 3 else 0.0


class Pace:
    """The shared budget: `worth` says what the next look has to be worth, `turn` when it may be made."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        main_seconds: Callable[[], float] | None = None,
        own_seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        self._monotonic, self._main_seconds = monotonic, main_seconds or seconds_of_main_thread
        self._own_seconds = own_seconds
        self._demand: dict[object, float] = {}
        self._wanted = 0.0
        self._stretch = 1.0
        self._next_slot = self._next_file = 0.0
        self._sampled_at, self._used = monotonic(), self._main_seconds()
        self._own: float | None = None  # unknown until the first turn: another thread may have made this one
        self._spent = self._looks = 0.0
        self.limit = IDLE_LOOKS

    @property
    def worth(self) -> float:
        """Expected lateness, in seconds, that a look has to be worth now."""
        return LOOK_WORTH * self._stretch**2

    @property
    def stretch(self) -> float:
        """How many times longer than wanted all have to wait; 1 while few want anything."""
        return self._stretch

    def _price(self) -> float:
        return max(math.sqrt(1 + self._wanted / DEAR_LOOKS), self._wanted / self.limit)

    def wants(self, who: object, delay: float) -> None:
        """A job is going to look again after `delay` seconds, at today's prices."""
        looks = self._stretch / delay  # what it would take if looks were not dear
        self._wanted += looks - self._demand.get(who, 0.0)
        self._demand[who] = looks
        self._stretch = self._price()

    def leaves(self, who: object) -> None:
        """A job needs no more looks."""
        self._wanted = max(0.0, self._wanted - self._demand.pop(who, 0.0))
        self._stretch = self._price()

    def turn(self) -> float:
        """Seconds until the caller's turn: looks are given out one after the other, first come first served."""
        now = self._monotonic()
        self._sample(now)
        slot = min(max(now, self._next_slot), now + LONGEST_QUEUE)
        self._next_slot = slot + 1 / self.limit
        self._looks += 1
        return slot - now

    def create_goes_out(self) -> None:
        """A create costs the interpreter about what a look does: it waits for nobody, but takes a look's place."""
        self._next_slot = max(self._monotonic(), self._next_slot) + 1 / self.limit
        self._looks += 1

    @property
    def is_busy(self) -> bool:
        """Whether the notebook computes."""
        return self.limit < IDLE_LOOKS

    def file_turn(self) -> float:
        """0 when a file may be fetched now, else the seconds after which to ask again: those that are made can wait for a pause."""
        now = self._monotonic()
        self._sample(now)
        if not self.is_busy or now >= self._next_file:
            self._next_file = now + 1 / BUSY_FILES
            return 0.0
        return min(self._next_file - now, SAMPLE_SECONDS)

    def _sample(self, now: float) -> None:
        passed = now - self._sampled_at
        if passed < SAMPLE_SECONDS:
            return
        used = self._main_seconds()
        share = (used - self._used) / passed
        self._sampled_at, self._used = now, used
        own = self._own_seconds()
        if self._own is None:
            self._own, self._looks = own, 0.0
        self._spent += own - self._own
        self._own = own
        affordable = BUSY_TIME * self._looks / self._spent if self._spent > 0 else BUSY_LOOKS
        self._spent, self._looks = self._spent * COST_KEPT, self._looks * COST_KEPT
        self.limit = max(FEWEST_BUSY_LOOKS, min(BUSY_LOOKS, affordable)) if share > BUSY_SHARE else IDLE_LOOKS
        self._stretch = self._price()
