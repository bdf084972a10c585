"""The same jobs through seedance_nb and through the clients of four other services, each speaking its own protocol to its own emulator.

What is measured, in all of them from outside: how late the client knew of an end, requests to the API a job, wall time as a share of the
longest life, CPU, growth of memory and threads since it had done one job, open connections. Ours does more in that time: it keeps a
ledger, downloads the film, verifies it and makes a poster; the others only wait.
"""

from __future__ import annotations

from collections.abc import Iterator

RIVALS = ("fal", "replicate", "openai", "runway")
ONE_BY_ONE = 6
TOGETHER = (100, 1000)
SHORT_LIFE = (2.5, 3.5)
LIVES = (5.0, 30.0)
LIMIT_SECONDS = 120.0
"""… after which what is not noticed yet counts as not noticed."""


def run() -> Iterator[str]:
    from .table import compare

    clients = ["ours", "ours, 10 known", *RIVALS]
    yield from compare(clients, ONE_BY_ONE, SHORT_LIFE, together=False)
    for jobs in TOGETHER:
        yield from compare(clients, jobs, LIVES, together=True)
