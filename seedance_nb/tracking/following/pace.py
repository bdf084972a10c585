"""How many looks a second all jobs of a runner may take together, and what is known of jobs like each.

A look costs 2 to 3 ms of the interpreter, which a notebook that computes needs for itself: then the budget shrinks. It is spent
where news is likeliest, because it changes what a look has to be worth (see `polling`), not who may look.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from .polling import LOOK_WORTH, Outlook

IDLE_LOOKS = 400.0
"""Looks a second while nothing else wants the interpreter: a tenth to a sixth of what one thread can do."""
DEAR_LOOKS = 200.0
"""The more looks are wanted, the dearer each is, for the service's sake too: at so many a second it has to be worth twice as much."""
BUSY_LOOKS = 46.0
"""Looks a second beside a cell that computes: 2 ms each make 10 % of its time."""
BUNCH = 16
"""Beside a cell that computes, looks are made so many at a time: each hand-over of the interpreter costs both sides, and what has just
run runs faster again."""
BUSY_FILES = 2.0
"""Files a second that are fetched and verified beside a cell that computes, 8 ms each; that it is made is known before that."""
BUSY_SHARE = 0.5
"""The notebook is busy when its own thread uses this share of a core."""
SAMPLE_SECONDS = 0.25
LONGEST_QUEUE = 5.0
LIVES_KEPT = 40
NEWS_SECONDS = 4.0
"""Siblings that ended so long ago still say how likely an end is just now."""


class Kind:
    """Jobs of one model, length and resolution: what they took before, and how they are ending now."""

    def __init__(self, lives: Sequence[float]) -> None:
        self.lives = collections.deque(lives, LIVES_KEPT)
        self.has_ended = bool(lives)
        """Whether any of them is known to have ended: until then those that live are scouts for each other."""
        self._wakes: set[asyncio.Event] = set()
        self._ends: collections.deque[float] = collections.deque(maxlen=256)

    @property
    def alive(self) -> int:
        """How many of them are being followed."""
        return len(self._wakes)

    @property
    def scouts(self) -> int:
        """How many of them find out for all others when the first one ends; 1 where that is known."""
        return 1 if self.has_ended else max(1, self.alive)

    @contextlib.contextmanager
    def living(self, wake: asyncio.Event) -> Iterator[None]:
        """One of them is being followed; `wake` is set when it should think again about its next look."""
        self._wakes.add(wake)
        try:
            yield
        finally:
            self._wakes.discard(wake)

    def outlook(self) -> Outlook:
        """What to expect of the next one."""
        return Outlook.learn(self.lives)

    def ended(self, life: float | None, now: float) -> None:
        """One of them ended; `life` is its seconds from acceptance to end, None where nobody knows."""
        self._ends.append(now)
        if life is not None:
            self.lives.appendleft(life)
        if not self.has_ended:
            self.has_ended = True
            for wake in self._wakes:
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
    ) -> None:
        self._monotonic, self._main_seconds = monotonic, main_seconds or seconds_of_main_thread
        self._demand: dict[object, float] = {}
        self._wanted = 0.0
        self._stretch = 1.0
        self._next_slot = self._next_file = 0.0
        self._sampled_at, self._used = monotonic(), self._main_seconds()
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
        """Seconds until the caller's turn: looks are given out one after the other, first come first served; in bunches when busy."""
        now = self._monotonic()
        self._sample(now)
        slot = min(max(now, self._next_slot), now + LONGEST_QUEUE)
        self._next_slot = slot + 1 / self.limit
        if self.is_busy:
            bunch = BUNCH / self.limit
            slot = math.ceil(slot / bunch) * bunch
        return slot - now

    def create_goes_out(self) -> None:
        """A create costs the interpreter about what a look does: it waits for nobody, but takes a look's place."""
        self._next_slot = max(self._monotonic(), self._next_slot) + 1 / self.limit

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
        self.limit = BUSY_LOOKS if share > BUSY_SHARE else IDLE_LOOKS
        self._stretch = self._price()


def seconds_of_main_thread() -> float:
    """CPU seconds the main thread has used, where cells run; 0 where the system does not tell (then nothing ever is busy)."""
    clock = getattr(time, "pthread_getcpuclockid", None)
    ident = threading.main_thread().ident
    if clock is None or ident is None:
        return 0.0
    try:
        return float(time.clock_gettime(clock(ident)))
    except (OSError, ValueError):
        return 0.0
