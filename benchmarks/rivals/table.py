"""A table of several clients on the same jobs, ours first, the others as ratios to it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import benchmarks.rivals as sizes
from benchmarks import require

from .measure import Figures, measure

TARGETS = {"wall": 1.08, "late_mean": 1.3, "requests": 7.0, "connections": 40, "threads": 4, "memory_mb": 25.0}
"""Of ours with 1,000 jobs at once."""
TARGETS_FOR = 1000


def compare(clients: Sequence[str], jobs: int, lives: tuple[float, float], *, together: bool) -> Iterator[str]:
    """The lines of the table; `fixed` polls at the interval that needs as many requests as ours did."""
    yield f"{jobs:,} jobs of {lives[0]:g} to {lives[1]:g} s, {'all at once' if together else 'one by one'}:"
    yield (
        f"  {'client':<26}{'late, s':>9}{'ratio':>7}{'95 %':>7}{'requests':>10}{'ratio':>7}{'late x req.':>13}{'wall':>7}"
        f"{'CPU ms':>8}{'MB':>6}{'threads':>9}{'conn.':>7}"
    )
    ours: Figures | None = None
    for client in clients:
        options: dict[str, Any] = {}
        name, _, known = client.partition(", ")
        if known:
            options["earlier"] = evenly(*lives, int(known.split()[0]))
        if name == "fixed" and ours is not None:
            options["interval"] = ours.life_mean / max(0.5, ours.requests - 1)  # one request is the create
        found = measure(name, jobs, lives, together=together, limit=sizes.LIMIT_SECONDS, **options)
        if name not in sizes.RIVALS:  # theirs may be missing or slow: what came of them is told
            require(isinstance(found, Figures), f"{client}: {found}")
        if name == "ours":
            require(found.noticed == jobs, f"{found.noticed} of {jobs} noticed; first trouble: {found.trouble}")
        if isinstance(found, str):
            yield f"  {client:<26}{found}"
            continue
        ours = ours or found
        label = f"{client} {found.version}" if name in sizes.RIVALS else client
        yield f"  {label:<26}{_row(found, ours)}"
        if found.submitted is not None and together and found.noticed_wall is not None:
            yield (
                f"  {'':<26}submitted in {found.submitted / jobs * 1000:.1f} ms each; last end noticed at {found.noticed_wall:.2f}"
                f" of the longest life; with child processes {found.family_mb:+.0f} MB"
            )
        if found.noticed < jobs:
            words = f"{found.noticed:,} of {jobs:,} in {found.seconds:.0f} s"
            yield f"  {'':<26}{words}{'; first trouble: ' + found.trouble if found.trouble else ''}"
    if jobs == TARGETS_FOR and together:
        yield (
            f"  {'target for ours':<26}{TARGETS['late_mean']:>9.2f}{'':>14}{TARGETS['requests']:>10.1f}{'':>20}"
            f"{TARGETS['wall']:>7.2f}{'':>8}{TARGETS['memory_mb']:>6.0f}{TARGETS['threads']:>9}{TARGETS['connections']:>7}"
        )


def evenly(shortest: float, longest: float, count: int) -> list[float]:
    """So many lives that are neither lucky nor unlucky, in an order of chance."""
    lives = [shortest + (longest - shortest) * (i + 0.5) / count for i in range(count)]
    random.Random(5).shuffle(lives)
    return lives


def _row(found: Figures, ours: Figures) -> str:
    late = found.late_mean
    return (
        f"{_number(late):>9}{_ratio(late, ours.late_mean):>7}{_number(found.late_95, 1):>7}"
        f"{found.requests:>10.1f}{_ratio(found.requests, ours.requests):>7}"
        f"{_number(None if late is None else late * found.requests, 1):>13}{_number(found.wall):>7}"
        f"{found.cpu_ms:>8.1f}{found.memory_mb:>6.0f}{found.threads:>9}{found.connections:>7}"
    )


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _ratio(value: float | None, base: float | None) -> str:
    return "-" if value is None or not base else f"{value / base:.1f}"
