"""When to look again, and how long is left: pure functions of what is known of such jobs.

The chance of news rises around the time that earlier jobs of the same model, length and resolution took; before that, looks are
rare, around it they are dense, after it they thin out again.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence

GROWTH = 0.15
"""With no history, the next look comes after this share of the time already waited: constant relative lateness."""
TROUBLE_GROWTH = 1.7
LONGEST_AFTER_TROUBLE = 60.0
LONGEST_ASKED_FOR = 300.0
"""A Retry-After beyond this is not believed: a job that was paid for is not left alone for an hour."""


def expected_life(lives: Sequence[tuple[float, float]]) -> float | None:
    """Median seconds from acceptance to success of earlier jobs, given as (queued, rendering); None without any."""
    return statistics.median(queued + rendering for queued, rendering in lives) if lives else None


def next_look(
    age: float, *, expected: float | None, floor: float, ceiling: float, jitter: float | None = None
) -> float:
    """Seconds until the next look at a job accepted `age` seconds ago.

    `jitter` in [0, 1] is drawn if not given; it spreads jobs of one moment over ten per cent.
    """
    delay = age * GROWTH
    if expected is not None:
        early = 0.6 * expected
        # Nothing ends long before its time: step towards the early end of the usual, then look at a tenth of it.
        delay = (early - age) / 2 if age < early * 0.8 else max(expected * 0.08, (age - expected) * GROWTH)
    chosen = max(floor, min(ceiling, delay))  # where the two contradict each other, fewer looks are the politer error
    spread = random.random() if jitter is None else jitter
    return chosen * (0.95 + 0.1 * spread)


def look_after_trouble(failed_checks: int, *, floor: float, asked_for: float | None = None) -> float:
    """Seconds until the next look after `failed_checks` failures in a row; a Retry-After is obeyed up to five minutes."""
    backoff = min(max(floor, LONGEST_AFTER_TROUBLE), max(floor, 0.5) * TROUBLE_GROWTH ** min(failed_checks, 12))
    return max(backoff, min(asked_for, LONGEST_ASKED_FOR)) if asked_for is not None else backoff
