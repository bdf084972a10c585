"""The table of jobs in SQL: statements that more than one subject of the ledger uses. They are handed a connection and open none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .ledger_file import Connection, Row
from .record import FREE_AGAIN, Record, cell_of, cells_of

PERHAPS_PAID = "status <> 'submitting' OR sent_at IS NOT NULL"
UNFINISHED = "status IN ('submitting', 'queued', 'processing') OR (status = 'succeeded' AND clip IS NULL)"
OCCUPYING = f"SELECT * FROM jobs WHERE account = ? AND request_hash = ? AND take = ? AND status NOT IN {FREE_AGAIN}"
ONE_PER_INTENTION = (
    f"CREATE UNIQUE INDEX one_per_intention ON jobs (account, request_hash, take) WHERE status NOT IN {FREE_AGAIN}"
)
"""The promise, kept by the file itself: one row that may have been paid for per account, request and take."""


def row_of(db: Connection, key: str) -> Row | None:
    """The row with this key."""
    row: Row | None = db.execute("SELECT * FROM jobs WHERE key = ?", (key,)).fetchone()
    return row


def insert(db: Connection, record: Record, *, anew: bool = False) -> None:
    """`anew` overwrites the row with this key."""
    values = cells_of(record)
    marks = ", ".join("?" * len(values))
    sets = ", ".join(f"{name} = excluded.{name}" for name in values)
    again = f" ON CONFLICT (key) DO UPDATE SET {sets}" if anew else ""
    number = "(SELECT COALESCE(MAX(number), 0) + 1 FROM jobs)"
    db.execute(
        f"INSERT INTO jobs ({', '.join(values)}, number) VALUES ({marks}, {number}){again}", tuple(values.values())
    )


def update(db: Connection, key: str, changes: Mapping[str, Any], only_if: str = "true", *values: Any) -> bool:
    """Whether there was such a row. One statement: beside a computing cell each waits for its turn with the interpreter."""
    if not changes:
        return False
    sets = ", ".join(f"{name} = ?" for name in changes)
    cells = tuple(map(cell_of, (*changes.values(), key, *values)))
    return db.execute(f"UPDATE jobs SET {sets} WHERE key = ? AND ({only_if})", cells).rowcount > 0


def highest_take(db: Connection, record: Record) -> int:
    """Of those that hold a place for the same request; 0 when none does."""
    query = f"SELECT MAX(take) FROM jobs WHERE account = ? AND request_hash = ? AND status NOT IN {FREE_AGAIN}"
    return db.execute(query, (record.account, record.request.canonical_hash())).fetchone()[0] or 0


def clear_place(db: Connection, paid: Record) -> None:
    """Whoever has the place of this row and has sent nothing yet gives it up: else that one would buy what is paid for already.

    Should its owner live after all, its last write before sending fails on the place, and it sends nothing.
    """
    told = "another notebook had sent this already; nothing was charged for this one, run it again to see its video"
    db.execute(
        "UPDATE jobs SET status = 'rejected', status_text = 'rejected', error = ?, error_kind = 'SeedanceError', finished_at = created_at"
        " WHERE account = ? AND request_hash = ? AND take = ? AND key != ?"
        " AND status = 'submitting' AND sent_at IS NULL AND request_id IS NULL",
        (told, paid.account, paid.request.canonical_hash(), paid.take, paid.key),
    )


def make_room(db: Connection) -> None:
    """Give rows that stand in one place takes of their own: the video at hand stays, then what is being made, then the newest."""
    query = (
        f"SELECT key, account, request_hash, take FROM jobs WHERE status NOT IN {FREE_AGAIN} AND (account, request_hash) IN"
        f" (SELECT account, request_hash FROM jobs WHERE status NOT IN {FREE_AGAIN}"
        " GROUP BY account, request_hash, take HAVING COUNT(*) > 1)"
        " ORDER BY status = 'succeeded' DESC, status != 'unknown' DESC, created_at DESC"
    )
    taken: dict[tuple[str, str], set[int]] = {}
    late = []
    for key, account, request_hash, take in db.execute(query).fetchall():
        takes = taken.setdefault((account, request_hash), set())
        if take in takes:
            late.append((key, takes))
        takes.add(take)
    for key, takes in late:
        takes.add(max(takes) + 1)
        db.execute("UPDATE jobs SET take = ? WHERE key = ?", (max(takes), key))
