"""One ledger copied into another: a file into a server that a team shares, or back. Nothing is taken away from where it was.

It may be broken off and done again, also long after: what is there stays, what is missing or has gone on is written. Rows are never merged: what both
ledgers have bought of one intention stays two jobs, the one that was moved as the next take, as where a lost ledger comes back.
"""

from __future__ import annotations

import collections
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigurationError
from .ledger import Ledger
from .ledger_file import Connection
from .memory import Memory
from .record import Record, cells_of, knows_as_much, record_of
from .rows import row_of

AT_ONCE = 200
"""Rows in one transaction: others who use the ledger come in between."""
TABLES = {
    "withdrawn": "id",
    "accounts": "account, same_as, at",
    "reuses": "key, at, credits_saved, notebook, person, project",
    "votes": "id, rater, aspect, left_key, right_key, choice, at, repeats, source, seconds, plays, kind, ballot",
    "ballots": "id, rater, clips, at",
    "secrets": "name, secret",
    "studies": "key, study",
    "left_out": "ballot, key, reason, answers",
    "measurements": "subject, name, version, source, found, at",
    "registrations": "sha256, text",
    "races": "id, design, after, at",
    "race_rounds": "race, number, found, at",
    "spending_limits": "per, person, project, credits, at",
    "members": "person, version, at",
    "account_pace": "account, calls_a_minute, creates_at_once",
}
"""What is copied beside jobs. The pauses that the service asked an account for are of the moment, and stay."""
_IN_ORDER = {"studies": "rowid", "registrations": "number", "race_rounds": "race, number"}

_OF_RATERS = {"votes": (0, 12), "ballots": (0,)}
"""Which cells of a row may have been withdrawn."""


@dataclass(frozen=True)
class Moved:
    """What is in the second ledger now, verified: counts by table, and one hash over every job as it stands in both."""

    counts: dict[str, int]
    sha256: str
    other_takes: int
    """Jobs whose place another one had: they are kept as later takes."""
    never_sent: int
    """Intentions that were never sent, whose place another job has: they stay behind."""
    kept: dict[str, int]
    """Rows that the second ledger has in words of its own, by table: these were left as they are."""

    def in_words(self) -> list[str]:
        """A line for each thing that is to be said."""
        said = [", ".join(f"{count} {table}" for table, count in self.counts.items() if count) or "nothing to move"]
        said.append(f"verified: every job is there as it was or further on, sha256 {self.sha256[:16]}")
        if self.other_takes:
            said.append(f"{self.other_takes} jobs were bought in both ledgers: they are kept as later takes")
        if self.never_sent:
            said.append(f"{self.never_sent} intentions that were never sent stay behind: the other ledger has them")
        said += [f"{count} {table} stay as the other ledger has them" for table, count in self.kept.items()]
        return said


def move(source: Ledger, target: Ledger, tell: Callable[[str], object] = lambda _: None) -> Moved:
    """Copy all of `source` into `target`. Raises ConfigurationError: while somebody works with `source`, or where they do not agree."""
    _refuse_in_use(source)
    jobs = [record_of(row) for row in source.file.read("SELECT * FROM jobs ORDER BY number")]
    for start in range(0, len(jobs), AT_ONCE):
        memory = Memory()
        with target.file.transaction() as db:
            memory.put_back(db, jobs[start : start + AT_ONCE])
        tell(f"jobs: {min(start + AT_ONCE, len(jobs))} of {len(jobs)}")
    counts, kept = {"jobs": len(jobs)}, {}
    for table, columns in TABLES.items():
        rows = _rows(source, table, columns)
        if table == "races":
            rows = [_with_its_number(source, target, row) for row in rows]
        lacking = collections.Counter(rows) - collections.Counter(_rows(target, table, columns))
        in_order = (
            [row for row in dict.fromkeys(rows) if row in lacking] if table in _IN_ORDER else list(lacking.elements())
        )
        for start in range(0, len(in_order), AT_ONCE):
            with target.file.transaction() as db:
                _add(db, table, columns, in_order[start : start + AT_ONCE])
        left = (collections.Counter(rows) - collections.Counter(_rows(target, table, columns))).total()
        counts[table] = len(rows) - left
        if left:
            kept[table] = left
        tell(f"{table}: {len(rows)}")
    return _verified(jobs, target, counts, kept)


def _refuse_in_use(source: Ledger) -> None:
    """Raises ConfigurationError where a kernel has something of it in hand: it would go on in a ledger that nobody looks into any more."""
    busy = "status IN ('submitting', 'queued', 'processing') OR (status = 'succeeded' AND clip IS NULL)"
    rows = source.file.read(f"SELECT DISTINCT owner, follower FROM jobs WHERE {busy}")
    names = {name for row in rows for name in (row["owner"], row["follower"]) if name}
    own, presence = f"moving|0|0|{uuid.uuid4().hex}", source.presence
    if not names:
        return
    if presence.beat_seconds is not None:  # who is asked about is read with the next beat
        for name in names:
            presence.is_alive(name)
        presence.beat(own)
        presence.leave(own)
    at_work = [name for name in names if presence.is_alive(name)]
    if at_work:
        raise ConfigurationError(
            f"{len(at_work)} notebooks or programs still work with the ledger {source.path}: close them, then run this again; nothing was moved"
        )


def _rows(ledger: Ledger, table: str, columns: str) -> list[tuple[Any, ...]]:
    order = f" ORDER BY {_IN_ORDER[table]}" if table in _IN_ORDER else ""
    return [tuple(map(_plain, row)) for row in ledger.file.read(f"SELECT {columns} FROM {table}{order}")]


def _plain(cell: Any) -> Any:
    """As every store can hold it."""
    return cell.replace("\0", "\ufffd") if isinstance(cell, str) else cell


def _add(db: Connection, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    if table in _OF_RATERS:  # who has withdrawn in either ledger has withdrawn for good
        gone = {row[0] for row in db.execute("SELECT id FROM withdrawn").fetchall()}
        rows = [row for row in rows if not gone & {row[at] for at in _OF_RATERS[table]}]
    marks = ", ".join("?" * len(columns.split(",")))
    db.executemany(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", rows)
    if table == "withdrawn":
        db.execute("DELETE FROM votes WHERE id IN (SELECT id FROM withdrawn) OR ballot IN (SELECT id FROM withdrawn)")
        db.execute("DELETE FROM ballots WHERE id IN (SELECT id FROM withdrawn)")


def _with_its_number(source: Ledger, target: Ledger, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A race's row with the number that the newest job before it has in the other ledger."""
    race, design, after, at = row
    last = source.file.read("SELECT key FROM jobs WHERE number <= ? ORDER BY number DESC LIMIT 1", (after,))
    found = target.file.read("SELECT number FROM jobs WHERE key = ?", (last[0][0],)) if last else []
    return race, design, found[0][0] if found else 0, at


def _verified(jobs: Sequence[Record], target: Ledger, counts: dict[str, int], kept: dict[str, int]) -> Moved:
    """Raises ConfigurationError unless every job is there, as it was or further on."""
    whole, other_takes, never_sent, wrong = hashlib.sha256(), 0, 0, []
    with target.file.transaction(write=False) as db:
        for job in jobs:
            row = row_of(db, job.key)
            if row is None:
                never_sent += 1
                if job.sent_at is not None or job.request_id is not None:
                    wrong.append(job.key)
                continue
            there = record_of(row)
            other_takes += there.take != job.take
            if not knows_as_much(row, job) or (there.request_id, there.request) != (job.request_id, job.request):
                wrong.append(job.key)
            whole.update(_spelled(there))
    if wrong:
        raise ConfigurationError(
            f"{len(wrong)} jobs are not in {target.path} as they were, the first is {wrong[0]}: run this again; the ledger they come from is as it was"
        )
    return Moved(counts | {"jobs": len(jobs) - never_sent}, whole.hexdigest(), other_takes, never_sent, kept)


def _spelled(job: Record) -> bytes:
    cells = {name: _plain(cell) for name, cell in cells_of(job).items() if name not in ("take", "day")}
    return json.dumps(cells, sort_keys=True, ensure_ascii=True).encode()
