"""Looking around in the ledger: a page of jobs, what there is to filter by, prompts used before, what was spent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from ...api.models import VideoRequest
from .contract import Facets, Spending, Wanted
from .ledger_file import LedgerFile
from .record import FREE_AGAIN, Record, record_of

FACETS = 200
"""At most so many values of each kind are offered to filter by."""
HASHES_AT_ONCE = 500
"""Older builds of SQLite take at most 999 parameters in a query."""
_PROMPT = "json_extract(request, '$.prompt')"
_NOW = "CAST(strftime('%s', 'now') AS INTEGER)"
_DAY = (  # of a job that a wrong clock put into the future: the day of the next one that it did not
    f"date(CASE WHEN created_at <= {_NOW} + 86400 THEN created_at ELSE COALESCE((SELECT later.created_at FROM jobs AS later"
    f" WHERE later.number > jobs.number AND later.created_at <= {_NOW} + 86400 ORDER BY later.number LIMIT 1), {_NOW}) END,"
    " 'unixepoch', 'localtime')"
)


class Browsing:
    """What the file answers to someone who looks around. All of it reads."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def page(self, wanted: Wanted, limit: int, offset: int = 0) -> list[Record]:
        """At most `limit` of the wanted jobs, newest first, after leaving out the first `offset`."""
        where, values = _where(wanted, self._file.found_by)
        query = f"SELECT * FROM jobs {where} ORDER BY number DESC LIMIT ? OFFSET ?"
        return self._records(query, (*values, limit, offset))

    def facets(self) -> Facets:
        """What the jobs can be filtered by."""
        return Facets(
            models=self._column("SELECT model FROM jobs GROUP BY model ORDER BY COUNT(*) DESC LIMIT ?", FACETS),
            days=self._column(f"SELECT {_DAY} AS day FROM jobs GROUP BY day ORDER BY MAX(number) DESC LIMIT ?", FACETS),
            notebooks=self._column(
                "SELECT notebook FROM jobs WHERE notebook IS NOT NULL GROUP BY notebook ORDER BY MAX(number) DESC LIMIT ?",
                FACETS,
            ),
        )

    def prompts(self, text: str = "", limit: int = 50) -> tuple[str, ...]:
        """Prompts used before that hold `text`, each once, newest first."""
        where, values = _where(Wanted(text=text), self._file.found_by)
        query = f"SELECT {_PROMPT} AS prompt FROM jobs {where} GROUP BY prompt ORDER BY MAX(number) DESC LIMIT ?"
        return self._column(query, *values, limit)

    def highest_take(self, account: str, request: VideoRequest) -> int:
        """The highest take of this request, whatever became of it; 0 when none is known."""
        query = "SELECT COALESCE(MAX(take), 0) AS take FROM jobs WHERE account = ? AND request_hash = ?"
        [found] = self._column(query, account, request.canonical_hash())
        return int(found)

    def newest_of(self, account: str, hashes: Iterable[str]) -> dict[tuple[str, int], Record]:
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
                rows = self._records(query, (account, *some))
                found |= {(row.request.canonical_hash(), row.take): row for row in rows}
        return found

    def last_reference(self, account: str, addresses: Iterable[str]) -> str | None:
        """Which of these references was the newest to be sent, or to be about to; None where none of them ever was."""
        newest: tuple[int, str] | None = None
        for address in dict.fromkeys(addresses):
            query = "SELECT MAX(number) FROM jobs WHERE account = ? AND instr(request, ?) > 0"
            [number] = self._column(query, account, json.dumps(address))
            if number is not None and (newest is None or number > newest[0]):
                newest = (number, address)
        return None if newest is None else newest[1]

    def with_keys(self, keys: Iterable[str]) -> dict[str, Record]:
        """The rows with these keys, by key."""
        wanted, found = list(dict.fromkeys(keys)), dict[str, Record]()
        for start in range(0, len(wanted), HASHES_AT_ONCE):
            some = wanted[start : start + HASHES_AT_ONCE]
            rows = self._records(f"SELECT * FROM jobs WHERE key IN ({', '.join('?' * len(some))})", tuple(some))
            found |= {row.key: row for row in rows}
        return found

    def others_with_file(self, key: str, name: str) -> bool:
        """Whether another job than this has the file of this name, and has not been forgotten."""
        query = (
            "SELECT 1 FROM jobs WHERE key != ? AND clip IS NOT NULL AND json_extract(clip, '$.file') = ?"
            " AND json_extract(clip, '$.forgotten') IS NULL LIMIT 1"
        )
        return bool(self._column(query, key, name))

    def credits_since(self, moment: float, simulated: bool) -> float:
        """Credits charged for jobs begun at or after `moment` (epoch seconds), simulated ones or real ones."""
        query = "SELECT COALESCE(SUM(credits), 0) FROM jobs WHERE created_at >= ? AND simulated = ?"
        [found] = self._column(query, moment, int(simulated))
        return float(found)

    def spending(self) -> list[Spending]:
        """Credits charged and saved, by day (local time), model, notebook, person and project; newest day first."""
        query = f"""
            SELECT day, model, notebook, simulated, SUM(jobs), SUM(credits), SUM(saved), person, project FROM (
                SELECT {_DAY} AS day, model, notebook, simulated,
                       1 AS jobs, COALESCE(credits, 0) AS credits, 0 AS saved, person, project
                FROM jobs WHERE request_id IS NOT NULL
                UNION ALL
                SELECT date(min(r.at, {_NOW}), 'unixepoch', 'localtime'), j.model, r.notebook, j.simulated,
                       0, 0, COALESCE(r.credits_saved, 0), r.person, r.project
                FROM reuses r JOIN jobs j ON j.key = r.key
            ) AS spent GROUP BY day, model, notebook, simulated, person, project
            ORDER BY day DESC, model, notebook, simulated, person, project"""
        rows = self._file.read(query)
        return [Spending(r[0], r[1], r[2], bool(r[3]), r[4], r[5], r[6], r[7], r[8]) for r in rows]

    def _records(self, query: str, values: tuple[Any, ...]) -> list[Record]:
        return [record_of(row) for row in self._file.read(query, values)]

    def _column(self, query: str, *values: Any) -> tuple[Any, ...]:
        return tuple(row[0] for row in self._file.read(query, values))


def _where(wanted: Wanted, found_by: Callable[[str], tuple[str, tuple[str, ...]]]) -> tuple[str, tuple[Any, ...]]:
    conditions, values = [], []
    for column, value in (
        ("model", wanted.model),
        ("status", wanted.status),
        (_DAY, wanted.day),
        ("notebook", wanted.notebook),
    ):
        if value:
            conditions.append(f"{column} = ?")
            values.append(value)
    if wanted.text.strip():
        condition, of_it = found_by(wanted.text.strip())
        conditions.append(condition)
        values += of_it
    if wanted.starred is not None:
        conditions.append("starred = ?")
        values.append(str(int(wanted.starred)))
    if wanted.is_noted is not None:
        conditions.append(f"noted IS {'NOT ' if wanted.is_noted else ''}NULL")
    return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), tuple(values)
