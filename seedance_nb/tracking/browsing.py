"""Questions of someone who looks around in the ledger: a page of jobs, what there is to filter by, prompts used before.

Each is a function of a Ledger, for `Session.ask_ledger`. All of them read; none needs a key, a runner or a network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from ..api.models import VideoRequest
from .ledger.ledger import DAY, FREE_AGAIN, Ledger, Record

FACETS = 200
"""At most so many values of each kind are offered to filter by."""
HASHES_AT_ONCE = 500
"""Older builds of SQLite take at most 999 parameters in a query."""
_PROMPT = "json_extract(request, '$.prompt')"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Which jobs: all that match every field that is set. `text` is looked for in the prompt and the ids, `day` is local."""

    text: str = ""
    model: str | None = None
    status: str | None = None
    day: str | None = None
    notebook: str | None = None


@dataclasses.dataclass(frozen=True)
class Facets:
    """The values that occur, newest or most used first."""

    models: tuple[str, ...]
    days: tuple[str, ...]
    notebooks: tuple[str, ...]


def page(ledger: Ledger, wanted: Wanted, limit: int, offset: int = 0) -> list[Record]:
    """At most `limit` of the wanted jobs, newest first, after leaving out the first `offset`."""
    where, values = _where(wanted)
    query = f"SELECT * FROM jobs {where} ORDER BY number DESC LIMIT ? OFFSET ?"
    return ledger._read(query, (*values, limit, offset))


def facets(ledger: Ledger) -> Facets:
    """What the jobs can be filtered by."""
    return Facets(
        models=_column(ledger, "SELECT model FROM jobs GROUP BY model ORDER BY COUNT(*) DESC LIMIT ?", FACETS),
        days=_column(ledger, f"SELECT {DAY} AS day FROM jobs GROUP BY day ORDER BY MAX(number) DESC LIMIT ?", FACETS),
        notebooks=_column(
            ledger,
            "SELECT notebook FROM jobs WHERE notebook IS NOT NULL GROUP BY notebook ORDER BY MAX(number) DESC LIMIT ?",
            FACETS,
        ),
    )


def prompts(ledger: Ledger, text: str = "", limit: int = 50) -> tuple[str, ...]:
    """Prompts used before that hold `text`, each once, newest first."""
    where, values = _where(Wanted(text=text))
    query = f"SELECT {_PROMPT} AS prompt FROM jobs {where} GROUP BY prompt ORDER BY MAX(number) DESC LIMIT ?"
    return _column(ledger, query, *values, limit)


def highest_take(ledger: Ledger, account: str, request: VideoRequest) -> int:
    """The highest take of this request that the ledger knows, whatever became of it; 0 when it knows none."""
    query = "SELECT COALESCE(MAX(take), 0) AS take FROM jobs WHERE account = ? AND request_hash = ?"
    [found] = _column(ledger, query, account, request.canonical_hash())
    return int(found)


def newest_of(ledger: Ledger, account: str, hashes: Iterable[str]) -> dict[tuple[str, int], Record]:
    """By (canonical hash, take): the row that stands for it, else the newest that ended without a video. For many at once."""
    wanted, found = list(dict.fromkeys(hashes)), dict[tuple[str, int], Record]()
    for start in range(0, len(wanted), HASHES_AT_ONCE):
        some = wanted[start : start + HASHES_AT_ONCE]
        marks = ", ".join("?" * len(some))
        # The free ones first and each part oldest first, so that what comes last stands. The second part walks the index.
        for which in ("IN", "NOT IN"):
            query = (
                f"SELECT * FROM jobs WHERE account = ? AND request_hash IN ({marks}) AND status {which} {FREE_AGAIN}"
                " ORDER BY number"
            )
            rows = ledger._read(query, (account, *some))
            found |= {(row.request.canonical_hash(), row.take): row for row in rows}
    return found


def rates_of(ledger: Ledger, base_url: str, requests: Iterable[VideoRequest]) -> list[float | None]:
    """`Ledger.rate` of each."""
    return [ledger.rate(base_url, request) for request in requests]


def lives_of(ledger: Ledger, base_url: str, requests: Iterable[VideoRequest]) -> list[list[float]]:
    """For each, the seconds from acceptance to end of the newest finished jobs like it."""
    return [ledger.lives(base_url, request) for request in requests]


def with_keys(ledger: Ledger, keys: Iterable[str]) -> dict[str, Record]:
    """The rows with these keys, by key."""
    wanted, found = list(dict.fromkeys(keys)), dict[str, Record]()
    for start in range(0, len(wanted), HASHES_AT_ONCE):
        some = wanted[start : start + HASHES_AT_ONCE]
        rows = ledger._read(f"SELECT * FROM jobs WHERE key IN ({', '.join('?' * len(some))})", tuple(some))
        found |= {row.key: row for row in rows}
    return found


def credits_since(ledger: Ledger, moment: float, simulated: bool) -> float:
    """Credits charged for jobs begun at or after `moment` (epoch seconds), simulated ones or real ones."""
    query = "SELECT COALESCE(SUM(credits), 0) FROM jobs WHERE created_at >= ? AND simulated = ?"
    [found] = _column(ledger, query, moment, int(simulated))
    return float(found)


def _column(ledger: Ledger, query: str, *values: Any) -> tuple[Any, ...]:
    with ledger._transaction(write=False) as db:
        return tuple(row[0] for row in db.execute(query, values))


def _where(wanted: Wanted) -> tuple[str, tuple[Any, ...]]:
    conditions, values = [], []
    for column, value in (
        ("model", wanted.model),
        ("status", wanted.status),
        (DAY, wanted.day),
        ("notebook", wanted.notebook),
    ):
        if value:
            conditions.append(f"{column} = ?")
            values.append(value)
    if wanted.text.strip():
        # instr, not LIKE: what a user types may hold % and _.
        conditions.append(f"(instr(lower({_PROMPT}), lower(?)) OR key = ? OR request_id = ?)")
        values += [wanted.text.strip()] * 3
    return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), tuple(values)
