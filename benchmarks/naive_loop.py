"""The loop one writes in ten minutes, the same with a gate, and fixed intervals with our own client, against ours.

The loop has a task a job and one httpx.AsyncClient as it comes, and looks every 1 to 2 s; gated, at most 32 calls are under way. The
fixed interval is the one that needs as many requests as ours did in this run.
"""

from __future__ import annotations

from collections.abc import Iterator

JOBS = 1000
LIVES = (5.0, 30.0)


def run() -> Iterator[str]:
    from .rivals.table import compare

    clients = ("ours", "fixed", "gated_loop", "loop")
    yield from compare(clients, JOBS, LIVES, together=True)
