"""What this process knows of the rows it wrote or was given, and how they are written again where the file has lost them.

An id that was paid for outlives its file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from ...api.models import VideoRequest
from .ledger_file import Connection
from .record import FREE_AGAIN, Record, knows_as_much, record_of
from .rows import OCCUPYING, PERHAPS_PAID, clear_place, highest_take, insert, row_of


class Memory:
    """Rows as this process knows them last. What a transaction says is remembered once it is on disk."""

    def __init__(self) -> None:
        self._rows: dict[str, Record] = {}
        self._keys: dict[tuple[str, str], list[str]] = {}
        """Their keys by account and request hash."""
        self._learned: dict[str, Record] = {}
        """Those of the transaction under way; what is rolled back is not remembered."""
        self._written_again: dict[str, Record] = {}
        """Rows the file had lost and nobody was told of yet, by key."""

    @property
    def is_empty(self) -> bool:
        """Whether it knows of no row at all."""
        return not self._rows

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def known(self, key: str) -> Record | None:
        """The row with this key, with what the transaction under way says of it."""
        return self._learned.get(key) or self._rows.get(key)

    def known_of(self, account: str, request: VideoRequest) -> list[Record]:
        """All rows of this request."""
        return self._all_known(self._keys.get((account, request.canonical_hash()), ()))

    def learn(self, record: Record) -> Record:
        """To be remembered once the transaction under way is on disk."""
        self._learned[record.key] = record
        return record

    def learn_anew(self, record: Record) -> None:
        """The same of a row that became another than whoever follows it knows: `written_again` tells of it."""
        self._written_again[record.key] = self.learn(record)

    def remember(self, record: Record) -> None:
        """From now on: it was read from the file."""
        if record.key not in self._rows:
            self._keys.setdefault((record.account, record.request.canonical_hash()), []).append(record.key)
        self._rows[record.key] = record

    def written_again(self, key: str) -> Record | None:
        """The row as it was written again, if it was and nobody was told of it yet."""
        return self.known(key) if self._written_again.pop(key, None) else None

    def account_changed(self, old: str, new: str) -> None:
        """What is remembered of an account is another one's from now on."""
        for key, record in list(self._rows.items()):
            if record.account == old:
                del self._rows[key]
                self.remember(dataclasses.replace(record, account=new))

    # As the witness of a file ------------------------------------------------------------------------

    def begin(self) -> None:
        """A transaction begins."""
        self._learned.clear()

    def commit(self) -> None:
        """The transaction is on disk."""
        learned, self._learned = self._learned, {}
        for record in learned.values():
            self.remember(record)

    def put_back(self, db: Connection, rows: Iterable[Record | None]) -> None:
        """Write those of these rows that the file has lost, or has in an older version."""
        for record in rows:
            if record is None:
                continue
            known, row = record, row_of(db, record.key)
            if row is not None and knows_as_much(row, known):
                continue
            if known.status not in FREE_AGAIN:
                if known.sent_at is not None or known.request_id:
                    clear_place(db, known)
                place = (known.account, known.request.canonical_hash(), known.take)
                if any(other["key"] != known.key for other in db.execute(OCCUPYING, place)):
                    if known.sent_at is None and not known.request_id:
                        continue  # nothing was paid for: the other one has the place now
                    known = dataclasses.replace(known, take=highest_take(db, known) + 1)
            insert(db, known, anew=True)
            self.learn_anew(known)

    def put_all_back(self, lost: Connection, db: Connection) -> None:
        """Everything that the lost file had or this process knows, of jobs as of all else."""
        tables = [row[0] for row in lost.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if "jobs" in tables:
            there_were = lost.execute(f"SELECT * FROM jobs WHERE {PERHAPS_PAID} ORDER BY created_at")
            self.put_back(db, map(record_of, there_were))
        self.put_back(db, list(self._rows.values()))
        for table in tables:
            if table != "jobs" and not table.startswith("sqlite_"):
                there = {tuple(row) for row in db.execute(f"SELECT * FROM {table}")}
                for row in lost.execute(f"SELECT * FROM {table}"):
                    if tuple(row) not in there:
                        marks = ", ".join("?" * len(row))
                        db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", tuple(row))

    def _all_known(self, keys: Iterable[str]) -> list[Record]:
        return [known for key in keys if (known := self.known(key)) is not None]
