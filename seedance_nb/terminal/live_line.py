"""What is said while a wait lasts: in a terminal one live line, in a notebook that a program runs now and then a plain one."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TextIO

from ..errors import one_line
from ..pages import words
from ..snapshot import Snapshot
from ..tracking.job import Job

TICK_SECONDS = 0.5
FIRST_LINE_SECONDS = 10.0
"""A shorter wait says nothing in a program's log; from then on each pause is as long as all before it, so that hours fit on a screen."""
LONGEST_PAUSE = 900.0


@contextlib.contextmanager
def live_line(jobs: Sequence[Job], stream: TextIO | None = None) -> Iterator[None]:
    """Keep a line on `stream` (None: stderr) true while the block runs, and take it away after. Nothing if it is no terminal."""
    stream = stream or sys.stderr
    if not jobs or not _is_terminal(stream):
        yield
        return
    from tqdm import tqdm  # knows how wide a line and its letters are

    over = threading.Event()
    bar = tqdm(total=0, file=stream, bar_format="{desc}", dynamic_ncols=True, leave=False)

    def tick() -> None:
        while not over.wait(TICK_SECONDS):
            bar.set_description_str(line_of([job.snapshot for job in jobs], time.time()))

    bar.set_description_str(line_of([job.snapshot for job in jobs], time.time()))
    ticking = threading.Thread(target=tick, name="seedance-live-line", daemon=True)
    ticking.start()
    try:
        yield
    finally:
        over.set()
        ticking.join()
        bar.close()


@contextlib.contextmanager
def plain_lines(jobs: Sequence[Job]) -> Iterator[None]:
    """Print where they stand while the block runs, ever more seldom: for logs, which keep every line."""
    if not jobs:
        yield
        return
    over = threading.Event()

    def tick() -> None:
        pause = FIRST_LINE_SECONDS
        while not over.wait(pause):
            print(f"seedance: {line_of([job.snapshot for job in jobs], time.time())}", flush=True)
            pause = min(2 * pause, LONGEST_PAUSE)

    ticking = threading.Thread(target=tick, name="seedance-plain-lines", daemon=True)
    ticking.start()
    try:
        yield
    finally:
        over.set()
        ticking.join()


def line_of(snapshots: Sequence[Snapshot], now: float) -> str:
    """One job: all that is worth knowing; of several how many are where. Times are seconds since the epoch."""
    open_ones = [snapshot for snapshot in snapshots if not snapshot.is_settled]
    left = [seconds for seconds in (snapshot.remaining(now) for snapshot in open_ones) if seconds is not None]
    time_left = f"about {words.duration_words(max(left))} left" if left and max(left) >= 1 else None
    if len(snapshots) > 1:
        done = sum(1 for snapshot in snapshots if snapshot.clip is not None)
        lost = len(snapshots) - done - len(open_ones)
        return words.facts_line(
            f"{done} of {len(snapshots)} videos", f"{lost} without a video" if lost else None, time_left
        )
    (snapshot,) = snapshots
    trouble = snapshot.trouble or snapshot.note
    return words.facts_line(
        # The rest first, as a narrow terminal cuts the end.
        words.status_words(snapshot),
        words.duration_words(snapshot.elapsed(now)),
        time_left,
        words.credits_words(snapshot),
        one_line(trouble, 80) if trouble else None,
        one_line(snapshot.request.prompt, 60),
    )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # a closed one, or something that only writes
        return False
