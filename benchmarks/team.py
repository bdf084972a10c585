"""From one kernel to ten thousand on one account, over the real rules in virtual time: no server and no network.

All kernels show the same jobs; each job is looked at by one of them, by the rules of `polling`, `pace` and `listening`, with what the
ledger knew of ten earlier ones; all others read the ledger as often as `ear` does. Late is how long after a job's end its kernel knew it:
of those that look, and of those that only listen. Killed: a tenth of the kernels that look die in the middle, and a listener takes over.
Statements are those of all kernels together while the jobs live; what one costs is measured, in a ledger file of ten thousand jobs. Told is
how many messages there would be if each change of a job were pushed to each kernel that shows it (NOTIFY), instead of being read.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import heapq
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import require
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.tracking.following.account_turns import READ_SECONDS
from seedance_nb.tracking.following.ear import LISTEN_SECONDS, SECONDS_A_JOB
from seedance_nb.tracking.following.pace import Kind, Pace
from seedance_nb.tracking.following.polling import next_look
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.record import Record

from .polling_rules import CEILING, FLOOR, TEN_LIVES

KERNELS = (1, 10, 100, 1_000, 10_000)
JOBS = 400
LIVES = (5.0, 30.0)
BEGIN_SECONDS = 10.0
"""Over so long the jobs are begun."""
EARS = 50
"""Listeners a job whose lateness is looked at."""
KILLED_SHARE = 0.1
WRITES = 6
"""Of a job: claimed, sent, accepted, being made, ended, its clip."""
CHANGES = 4
"""Of a job, that who listens is told of: accepted, being made, ended, its clip."""
MOST_REQUESTS = 1.2
LEDGER_JOBS = 10_000
SECONDS = 1.0
FEW = 10
"""Jobs that a kernel shows usually."""
FULL_SHARE = 0.5
"""A file that is read for this share of all time keeps those who write waiting."""


@dataclasses.dataclass
class Told:
    """What came of one size."""

    requests: float
    late: list[float]
    heard_late: list[float]
    span: float
    looking: int


class Kernel:
    """A notebook with its own pace and its own experience; it begins with what the ledger knows."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.pace, self.kind = Pace(now, main_seconds=lambda: 0.0), Kind(TEN_LIVES)
        self.outlook = self.kind.outlook(0.0)


def run() -> Iterator[str]:
    yield f"{'kernels':<10}{'requests':>10}{'of one':>8}{'late, s':>9}{'95 %':>7}{'listening':>11}{'95 %':>7}{'reads/s':>9}{'writes/s':>10}{'told':>12}"
    one = 0.0
    for kernels in KERNELS:
        told = follow(kernels, random.Random(1))
        one = one or told.requests
        require(
            told.requests <= MOST_REQUESTS * one,
            f"{kernels} kernels: {told.requests:.1f} requests a job, one kernel {one:.1f}",
        )
        yield _row(f"{kernels:,}", told, one, kernels)
        if kernels > 1:
            yield _row("  killed", follow(kernels, random.Random(1), killed=KILLED_SHARE), one, kernels)
    yield ""
    yield from _database()


def _row(name: str, told: Told, one: float, kernels: int) -> str:
    reads = _reads(kernels, told)
    ears = (
        f"{statistics.fmean(told.heard_late):>11.2f}{_high(told.heard_late):>7.1f}" if told.heard_late else f"{'':>18}"
    )
    return (
        f"{name:<10}{told.requests:>10.2f}{told.requests / one:>8.2f}{statistics.fmean(told.late):>9.2f}{_high(told.late):>7.1f}{ears}"
        f"{reads:>9,.0f}{WRITES * JOBS / told.span:>10,.0f}{CHANGES * JOBS * (kernels - 1):>12,}"
    )


def _high(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


def _reads(kernels: int, told: Told) -> float:
    """Statements a second: every kernel but a lone one listens, and those that look read what the account may do."""
    listening = kernels / (LISTEN_SECONDS + SECONDS_A_JOB * JOBS) if kernels > 1 else 0.0
    return listening + told.looking / READ_SECONDS


def follow(kernels: int, dice: random.Random, killed: float = 0.0) -> Told:
    """All jobs to their end. The kernels that have them share them evenly; of more kernels than jobs the others only listen."""
    now = [0.0]
    born = sorted(dice.uniform(0, BEGIN_SECONDS) for _ in range(JOBS))
    ends = [at + dice.uniform(*LIVES) for at in born]
    houses = [Kernel(lambda: now[0]) for _ in range(min(kernels, JOBS))]
    home = [houses[i % len(houses)] for i in range(JOBS)]
    interval = LISTEN_SECONDS + SECONDS_A_JOB * JOBS
    alive: dict[int, tuple[contextlib.ExitStack, int]] = {}  # who follows it, and which plan of a look counts
    events: list[tuple[float, str, int, int]] = [(at, "born", i, 0) for i, at in enumerate(born)]
    plans = itertools.count(1)
    late, heard, looks = list[float](), list[float](), 0
    if killed:
        for house in dice.sample(houses, max(1, round(killed * len(houses)))):
            heapq.heappush(events, (dice.uniform(*LIVES), "killed", houses.index(house), 0))
    heapq.heapify(events)

    def enter(i: int, kernel: Kernel) -> None:
        follower = contextlib.ExitStack()
        follower.enter_context(kernel.kind.living(asyncio.Event(), born[i], kernel.outlook.known))
        home[i], alive[i] = kernel, (follower, 0)

    def leave(i: int) -> None:
        alive.pop(i)[0].close()
        home[i].pace.leaves(i)

    def due(i: int, at: float, what: str = "due") -> None:
        plan = next(plans)
        alive[i] = (alive[i][0], plan)
        heapq.heappush(events, (at, what, i, plan))

    while events:
        now[0], what, i, plan = heapq.heappop(events)
        if what == "born":
            enter(i, home[i])
        elif what == "killed":
            orphans = [job for job in alive if home[job] is houses[i]]
            for job in orphans:  # the first of all listeners to read finds that its process is gone, and looks at once
                leave(job)
                other = dice.choice([house for house in houses if house is not houses[i]] or [Kernel(lambda: now[0])])
                enter(job, other)
                found = min(dice.random() for _ in range(min(kernels - 1, EARS))) * interval
                due(job, now[0] + found, "look")
            continue
        elif i not in alive or alive[i][1] != plan:
            continue  # another one looks since
        elif what == "due":
            due(i, now[0] + home[i].pace.turn(), "look")
            continue
        else:
            looks += 1
            if now[0] >= ends[i]:
                late.append(now[0] - ends[i])
                heard += [late[-1] + dice.random() * interval for _ in range(min(kernels - 1, EARS))]
                kernel = home[i]
                leave(i)
                kernel.kind.ended(now[0] - born[i], now[0])
                continue
        kernel = home[i]
        delay = next_look(
            now[0] - born[i],
            kernel.outlook,
            floor=FLOOR,
            ceiling=CEILING,
            worth=kernel.pace.worth,
            news=kernel.kind.news(now[0]),
            scouts=kernel.kind.scouts(kernel.outlook.known),
            jitter=dice.random(),
        )
        kernel.pace.wants(i, delay)
        due(i, now[0] + delay)
    require(len(late) == JOBS, f"{len(late)} ends noticed")
    return Told(looks / JOBS + 1, late, heard, now[0], len(houses))


def _database() -> Iterator[str]:
    """What a statement costs a file, and how many kernels that is enough for."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite3")
        request = VideoRequest(prompt="a paper boat", duration=5)
        facts = {"account": "mine", "base_url": "https://example.org", "request": request, "status_text": "processing"}
        keys = [f"j{n:011x}" for n in range(LEDGER_JOBS)]
        with ledger.together():
            for n, key in enumerate(keys, 1):
                record = Record(key=key, take=n, status=Status.PROCESSING, created_at=float(n), **facts)
                ledger.claim(record, False, lambda: None)
        shown = keys[-JOBS:]
        marks = ", ".join("?" * len(shown))
        held = _seconds(lambda: ledger.file.read(f"SELECT * FROM jobs WHERE key IN ({marks})", tuple(shown)))
        read = _seconds(lambda: ledger.browsing.with_keys(shown))
        paced = _seconds(lambda: ledger.pace.of("mine", "one"))
        asked = _seconds(lambda: ledger.find(shown[0]))
        numbers = itertools.count()
        written = _seconds(lambda: ledger.save(shown[0], {"checked_at": float(next(numbers))}), time.perf_counter)
        ledger.close()
    interval = LISTEN_SECONDS + SECONDS_A_JOB * JOBS
    yield f"a file of {LEDGER_JOBS:,} jobs, processor time: {1e3 * read:.1f} ms to read the {JOBS} that a kernel shows, for {1e3 * held:.1f} of which it holds"
    yield f"the file; {1e3 * paced:.2f} for what its account may do; {1e3 * asked:.2f} to ask who looks at one; {1e3 * written:.1f} on the clock to write one and sync it"
    yield f"who listens to {JOBS} jobs gives that {read / interval:.1%} of a processor; {FULL_SHARE * interval / held:,.0f} kernels that listen hold a file for half of all time"
    yield f"(of {FEW} jobs: {FULL_SHARE * (LISTEN_SECONDS + SECONDS_A_JOB * FEW) / (held * FEW / JOBS):,.0f}); {1 / (WRITES * written):,.0f} jobs a second fill it with writes"
    storm = ", ".join(f"{asked * JOBS * kernels:,.1f} s" for kernels in KERNELS[1:])
    yield f"a study of {JOBS} jobs opened in {', '.join(f'{k:,}' for k in KERNELS[1:])} kernels at once: asking who looks is {storm} of processor time, of all together"


def _seconds(call: Callable[[], object], clock: Callable[[], float] = time.thread_time) -> float:
    """Of one call, by this clock, the median of as many as fit into SECONDS."""
    taken, end = list[float](), time.perf_counter() + SECONDS
    while not taken or time.perf_counter() < end:
        began = clock()
        call()
        taken.append(clock() - began)
    return statistics.median(taken)
