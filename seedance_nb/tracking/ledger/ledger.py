"""The SQLite file that remembers every intention, its request id, its credits and its clip (the only import of sqlite3).

Written before a create is sent and before an id is shown, with full sync: what it says happened, happened. A partial unique
index keeps the central promise even against our own mistakes: one row that may have been paid for per account, request and
take. Rollback journal, not WAL: a job needs three small writes, several kernels share the file, and WAL neither works on network
homes nor is safe with two connections before SQLite 3.51.3.

The file may be deleted, exchanged or put back from a backup while a process works with it. The old one stays readable for whoever
has it open: so a Ledger that notices writes again what is missing or older in the new one, also from its own memory of the rows it
wrote or was given, and refuses new intentions where it cannot. An id that was paid for outlives its file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import MsgspecError

from ...api.canonical_text import canonical_text
from ...api.models import Status, VideoRequest
from ...errors import ConfigurationError, one_line
from ...settings import same_service
from ...snapshot import CLOSE, LOOKED_ON
from .. import accounts
from ..grouping import groupable
from . import ballot_box
from .vote import Vote

FREE_AGAIN = ("failed", "cancelled", "rejected")
"""Statuses after which the same request and take may be tried anew; all others hold their place."""
_VERDICTS = ("succeeded", "failed", "cancelled")
"""What the service has said of the end of a generation."""
_PERHAPS_PAID = "status <> 'submitting' OR sent_at IS NOT NULL"
_UNFINISHED = "status IN ('submitting', 'queued', 'processing') OR (status = 'succeeded' AND clip IS NULL)"
BUSY_TIMEOUT_SECONDS = 5.0

Step = str | Callable[[sqlite3.Connection], object]
"""A statement, or what takes more than SQL."""
_ONE_PER_INTENTION = (
    f"CREATE UNIQUE INDEX one_per_intention ON jobs (account, request_hash, take) WHERE status NOT IN {FREE_AGAIN}"
)


def _identify_anew(db: sqlite3.Connection) -> None:
    """Rows written before the same words in other bytes, signatures and metadata stopped to count are found by what counts now.

    Signatures go from the rows too. Of rows that were different requests and are one now, the best keeps its place and the others
    become further takes of it: each is a video of its own, paid for, and stays one.
    """
    changed = {}
    for key, text, known in db.execute("SELECT key, request, request_hash FROM jobs"):
        try:
            request = VideoRequest.from_wire(json.loads(text)).without_signatures()
            cells = (_cell(request), request.canonical_hash())
        except (
            MsgspecError,
            ValueError,
            TypeError,
            RecursionError,
        ):  # a row that nobody could read before stays as it is
            continue
        if cells[1] != known or request.unsigned_address is not None:
            changed[key] = cells
    if not changed:
        return
    db.execute("DROP INDEX one_per_intention")
    db.executemany(
        "UPDATE jobs SET request = ?, request_hash = ? WHERE key = ?", [(*cells, key) for key, cells in changed.items()]
    )
    _make_room(db)
    db.execute(_ONE_PER_INTENTION)


def _make_room(db: sqlite3.Connection) -> None:
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


MIGRATIONS: tuple[tuple[Step, ...], ...] = (
    (  # m001_initial
        """CREATE TABLE jobs (
            key TEXT PRIMARY KEY,
            account TEXT NOT NULL,
            base_url TEXT NOT NULL,
            simulated INTEGER NOT NULL DEFAULT 0,
            request TEXT NOT NULL,
            request_hash TEXT NOT NULL,
            model TEXT NOT NULL,
            duration INTEGER,
            resolution TEXT,
            take INTEGER NOT NULL,
            status TEXT NOT NULL,
            status_text TEXT NOT NULL,
            request_id TEXT,
            credits REAL,
            estimate REAL,
            estimate_source TEXT,
            error TEXT,
            error_kind TEXT,
            owner TEXT,
            notebook TEXT,
            created_at REAL NOT NULL,
            sent_at REAL,
            accepted_at REAL,
            processing_at REAL,
            finished_at REAL,
            checked_at REAL,
            clip TEXT
        ) STRICT""",
        _ONE_PER_INTENTION,
        "CREATE INDEX by_request_id ON jobs (request_id)",
        "CREATE INDEX by_time ON jobs (created_at)",
        "CREATE INDEX by_kind ON jobs (base_url, model, duration, resolution, finished_at)",
        "CREATE INDEX by_price ON jobs (base_url, model, resolution, created_at) WHERE credits > 0",
        f"CREATE INDEX unfinished ON jobs (account, created_at) WHERE {_UNFINISHED}",
        """CREATE TABLE reuses (
            key TEXT NOT NULL REFERENCES jobs (key),
            at REAL NOT NULL,
            credits_saved REAL,
            notebook TEXT
        ) STRICT""",
    ),
    ballot_box.CREATE_VOTES,  # m002_votes
    (  # m003_no_invented_moments: until here a making that no look saw begin was put at the acceptance, and the acceptance of what
        # was sent from elsewhere at its attaching. A true beginning at once looks the same; unknown is the smaller error.
        "UPDATE jobs SET processing_at = NULL WHERE processing_at = accepted_at",
        "UPDATE jobs SET accepted_at = NULL WHERE accepted_at = created_at",
    ),
    (_identify_anew,),  # m004_identity
    (  # m005_order: the order of jobs is a counter of its own, because a clock can be wrong
        "ALTER TABLE jobs ADD COLUMN number INTEGER",
        "UPDATE jobs SET number = rowid",
        "CREATE INDEX by_number ON jobs (number)",
        "DROP INDEX by_time",
        "DROP INDEX by_price",
        "CREATE INDEX by_price ON jobs (base_url, model, resolution, number) WHERE credits > 0",
    ),
    accounts.CREATE_ACCOUNTS,  # m006_accounts
)


@dataclasses.dataclass(frozen=True)
class Record:
    """One row of `jobs`. Times are epoch seconds; `clip` holds the facts of a Clip with paths relative to the clips folder."""

    key: str
    account: str
    base_url: str
    request: VideoRequest
    take: int
    status: Status
    status_text: str
    created_at: float
    simulated: bool = False
    request_id: str | None = None
    credits: float | None = None
    estimate: float | None = None
    estimate_source: str | None = None
    error: str | None = None
    error_kind: str | None = None
    owner: str | None = None
    notebook: str | None = None
    sent_at: float | None = None
    accepted_at: float | None = None
    processing_at: float | None = None
    finished_at: float | None = None
    checked_at: float | None = None
    clip: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True)
class Spending:
    """Credits of one day, model and notebook; `saved` is what reuse did not cost. Simulated credits are counted apart."""

    day: str
    model: str
    notebook: str | None
    simulated: bool
    jobs: int
    credits: float
    saved: float


_NOW = "CAST(strftime('%s', 'now') AS INTEGER)"
DAY = (  # of a job that a wrong clock put into the future: the day of the next one that it did not
    f"date(CASE WHEN created_at <= {_NOW} + 86400 THEN created_at ELSE COALESCE((SELECT later.created_at FROM jobs AS later"
    f" WHERE later.number > jobs.number AND later.created_at <= {_NOW} + 86400 ORDER BY later.number LIMIT 1), {_NOW}) END,"
    " 'unixepoch', 'localtime')"
)
_OCCUPYING = f"SELECT * FROM jobs WHERE account = ? AND request_hash = ? AND take = ? AND status NOT IN {FREE_AGAIN}"
_MINE_OR_OCCUPYING = f"SELECT * FROM jobs WHERE key = ? UNION ALL {_OCCUPYING}"
_SPELLINGS = (  # each once, without walking all rows: SQLite has no other way to jump in an index
    "WITH RECURSIVE found(name) AS (SELECT MIN(base_url) FROM jobs UNION ALL"
    " SELECT (SELECT MIN(base_url) FROM jobs WHERE base_url > name) FROM found WHERE name IS NOT NULL)"
    " SELECT name FROM found WHERE name IS NOT NULL"
)
_ROW_THERE = "SELECT 1 FROM jobs WHERE base_url = ? AND account = ? LIMIT 1"
_LOST = (  # `get` repeats neither resolution nor metadata, so those cannot be compared
    "SELECT * FROM jobs WHERE account = ? AND status = 'unknown' AND request_id IS NULL AND model = ? AND duration IS ?"
    " AND json_extract(request, '$.aspectRatio') IS ? ORDER BY number DESC"
)
_PROMPT_READ = 20_000
"""Characters of a repeated prompt that `api.models` reads."""
_COLUMNS = tuple(f.name for f in dataclasses.fields(Record))
_BESIDE_A_VERDICT = ("clip", "checked_at", "credits", "request_id", "accepted_at")
_CHANGEABLE = frozenset(_COLUMNS) - {"key", "account", "request", "take", "created_at"}


_PROGRESS: Mapping[str, int] = {
    "submitting": 0, "unknown": 1, "rejected": 1, "queued": 2, "processing": 3, "failed": 4, "cancelled": 4, "succeeded": 5,
}  # fmt: skip
"""How much each status knows: of two versions of a row, the one that knows more is the newer one."""


class Ledger:
    """The file at `path`, opened at first use. Not thread-safe: one thread owns it (the runner gives it one).

    Every method raises ConfigurationError, in one line with the cure, when the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._group: sqlite3.Connection | None = None
        self._is_group_whole = True
        self._identity: tuple[int, int] | None = None
        """Which file the connection is open on."""
        self._rows: dict[str, Record] = {}
        """Rows this process wrote or was given, as it knows them last, by key."""
        self._keys: dict[tuple[str, str], list[str]] = {}
        """Their keys by account and request hash."""
        self._learned: dict[str, Record] = {}
        """The same of the transaction under way; what is rolled back is not remembered."""
        self._written_again: dict[str, Record] = {}
        """Rows the file had lost and nobody was told of yet, by key."""
        self._may_be_another = False
        self._rescued: bytes | None = None
        """The file that was open before it was deleted or exchanged."""
        self._lost: tuple[int, int] | None = None
        """Which file is gone with what it alone knew."""

    @property
    def is_lost(self) -> bool:
        """Whether the file that was open is gone or exchanged. Costs one look at the folder; may be asked from any thread."""
        try:
            return self._identity is not None and _identity(self.path) != self._identity
        except OSError:
            return False

    def mend(self) -> None:
        """Write again what this process knows, if the file is gone or exchanged; else nothing."""
        if self.is_lost:
            with self._transaction():
                pass

    def __reduce__(self) -> tuple[Any, ...]:
        return Ledger, (self.path,)  # its connection stays where it is

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @groupable
    def claim(self, record: Record, fresh: bool, before_insert: Callable[[], None]) -> tuple[Record, bool]:
        """(the row that stands for this intention, whether it is new), decided and committed in one transaction.

        `fresh` takes the next free take instead of the one asked for. `before_insert` may raise to refuse a new row.
        """
        with self._transaction() as db:
            # Another notebook may have said meanwhile that this is the account of earlier jobs.
            record = dataclasses.replace(record, account=accounts.now(db, record.account))
            self._put_back(db, self._known_rows(self._keys.get((record.account, record.request.canonical_hash()), ())))
            take = max(record.take, _highest_take(db, record) + 1) if fresh else record.take
            place = (record.account, record.request.canonical_hash(), take)
            found = {row["key"]: row for row in db.execute(_MINE_OR_OCCUPYING, (record.key, *place))}
            if record.key in found:  # a commit that reported trouble had happened all the same: the call is done again
                return self._learn(_record(found[record.key])), True
            if found:
                return self._learn(_record(next(iter(found.values())))), False
            record = dataclasses.replace(record, take=take) if fresh else record
            if self._lost is not None:
                raise ConfigurationError(
                    f"the ledger {self.path} was deleted or exchanged, and with it what it knew of earlier videos, so this might buy"
                    " one again: put it back, or restart the kernel to begin a new one"
                )
            if not fresh:  # who buys another one on purpose is not asked
                accounts.refuse_unknown(db, record.base_url, record.account, place[1], take)
            before_insert()
            _insert(db, record)
            return self._learn(record), True

    def adopt(self, record: Record) -> Record:
        """The row for a generation known only by its request id (`attach` of an id from elsewhere).

        That is the row with this id, else an `unknown` row that asked for the same, else a new one.
        """
        with self._transaction() as db:
            row = db.execute("SELECT * FROM jobs WHERE request_id = ?", (record.request_id,)).fetchone()
            if row is not None:
                return self._learn(_record(row))
            lost = _lost_twin(db, record)
            # The create whose answer was lost: now it has its id, and running its cell is free again.
            if lost is not None:
                changes: dict[str, Any] = {
                    "request_id": record.request_id,
                    "status": record.status,
                    "status_text": record.status_text,
                }
                changes |= {"accepted_at": lost["sent_at"] or record.created_at, "error": None, "error_kind": None}
                self._update(db, lost["key"], changes)
                return self._learn(_record(_row_of(db, lost["key"])))
            record = dataclasses.replace(record, take=_highest_take(db, record) + 1)
            _insert(db, record)
            return self._learn(record)

    @groupable
    def save(self, key: str, changes: Mapping[str, Any]) -> Record | None:
        """Write some columns of one row. A verdict of the service (succeeded, failed, cancelled) is never taken
        back; a later one replaces it until there is a clip.

        If the file has lost the row it is written whole, from what this process knows of it, and returned. Raises
        ConfigurationError where nothing is known of it, or where its place was taken before anything was paid.
        """
        assert set(changes) <= _CHANGEABLE, set(changes) - _CHANGEABLE
        with self._transaction() as db:
            if changes and not self._save(db, key, changes):
                self._save_lost(db, key, changes)
        return self._known(key) if self._written_again.pop(key, None) else None

    def _save_lost(self, db: sqlite3.Connection, key: str, changes: Mapping[str, Any]) -> None:
        """Write the whole row, and the changes with it."""
        known = self._known(key)
        if known is None:
            raise ConfigurationError(f"the ledger {self.path} has no job {one_line(key, 40)}")
        self._put_back(db, (known,))
        if self._save(db, key, changes):
            return
        # Another one has its place, and nothing had been paid for this one when we last heard.
        if not (changes.get("request_id") or changes.get("status") in FREE_AGAIN):
            raise ConfigurationError(f"the ledger {self.path} lost this job, and another one took its place")
        self._put_back(db, (dataclasses.replace(known, **_not_taken_back(known, changes)),))

    def _save(self, db: sqlite3.Connection, key: str, changes: Mapping[str, Any]) -> bool:
        """Whether there was such a row."""
        paid = bool(changes.get("request_id")) or ((known := self._known(key)) is not None and bool(known.request_id))
        try:
            was_written = self._write(db, key, changes)
        except sqlite3.IntegrityError:  # an id that was paid for is kept, whoever took its place meanwhile
            row = _row_of(db, key)
            if row is None or not paid:
                raise
            _clear_place(db, _record(row))
            try:
                self._write(db, key, changes)
            except sqlite3.IntegrityError:
                db.execute("UPDATE jobs SET take = ? WHERE key = ?", (_highest_take(db, _record(row)) + 1, key))
                self._write(db, key, changes)
            self._written_again[key] = self._learn(_record(_row_of(db, key)))
            return True
        if was_written and (known := self._known(key)) is not None:
            self._learn(dataclasses.replace(known, **changes))
            return True
        row = _row_of(db, key)
        if row is None:
            return False
        self._learn(_record(row))
        return True

    def _write(self, db: sqlite3.Connection, key: str, changes: Mapping[str, Any]) -> bool:
        """Whether all of it was written: a row was there, and its verdict did not stand against it."""
        if "status" not in changes:
            return self._update(db, key, changes)
        # Until its file is here the service's newest verdict counts; then the first one stands. No other word takes a verdict back.
        newest = " OR clip IS NULL" if changes["status"] in _VERDICTS else ""
        if self._update(db, key, changes, f"status NOT IN {_VERDICTS} OR status = ?{newest}", changes["status"]):
            return True
        self._update(db, key, {k: v for k, v in changes.items() if k in _BESIDE_A_VERDICT})
        return False

    @staticmethod
    def _update(db: sqlite3.Connection, key: str, changes: Mapping[str, Any], only_if: str = "1", *values: Any) -> bool:
        """Whether there was such a row. One statement: beside a computing cell each waits for its turn with the interpreter."""
        if not changes:
            return False
        sets = ", ".join(f"{name} = ?" for name in changes)
        cells = tuple(map(_cell, (*changes.values(), key, *values)))
        return db.execute(f"UPDATE jobs SET {sets} WHERE key = ? AND ({only_if})", cells).rowcount > 0

    @groupable
    def revise(self, key: str, decide: Callable[[Record], Mapping[str, Any]]) -> Record:
        """The row after `decide(row)` changed it, read and written in one transaction: nobody writes in between."""
        with self._transaction() as db:
            if _row_of(db, key) is None:
                self._put_back(db, self._known_rows((key,)))
            row = _row_of(db, key)
            if row is None:
                raise ConfigurationError(f"the ledger {self.path} has no job {one_line(key, 40)}")
            changes = decide(_record(row))
            if changes:
                self._update(db, key, changes)
            return self._learn(_record(_row_of(db, key)))

    @groupable
    def note_reuse(self, key: str, at: float, credits_saved: float | None, notebook: str | None) -> None:
        """Remember that a run of a cell cost nothing because of this row."""
        with self._transaction() as db:
            db.execute("INSERT INTO reuses VALUES (?, ?, ?, ?)", (key, at, credits_saved, notebook))

    @groupable
    def find(self, key_or_request_id: str) -> Record | None:
        """The row with this key or request id, the newest if several."""
        query = "SELECT * FROM jobs WHERE key = ? OR request_id = ? ORDER BY number DESC LIMIT 1"
        found = next(iter(self._read(query, (key_or_request_id, key_or_request_id))), None)
        if found is None and key_or_request_id in self._rows:
            with self._transaction() as db:
                self._put_back(db, self._known_rows((key_or_request_id,)))
            found = next(iter(self._read(query, (key_or_request_id, key_or_request_id))), None)
        if found is not None:
            self._remember(found)
        return found

    @groupable
    def occupying(self, account: str, request: VideoRequest, take: int) -> Record | None:
        """The row that would be reused for this request and take, if there is one."""
        return next(iter(self._read(_OCCUPYING, (account, request.canonical_hash(), take))), None)

    def unite_spellings(self, base_url: str, account: str, account_at: Callable[[str], str]) -> int:
        """Take over what older versions wrote for the same service under another spelling of its address; how many rows.

        `account_at(spelling)` is what this account was called there. Rows of other accounts stay as they are until their key is used.
        """
        if not self.path.exists():
            return 0
        with self._transaction(write=False) as db:
            found = []
            for (spelling,) in db.execute(_SPELLINGS).fetchall():
                if spelling != base_url and same_service(spelling, base_url):
                    names = {account_at(spelling), account}
                    found += [(spelling, n) for n in names if db.execute(_ROW_THERE, (spelling, n)).fetchone()]
        if not found:
            return 0
        with self._transaction() as db:
            db.execute("DROP INDEX one_per_intention")
            rows = 0
            for place in found:
                update = "UPDATE jobs SET base_url = ?, account = ? WHERE base_url = ? AND account = ?"
                rows += db.execute(update, (base_url, account, *place)).rowcount
            _make_room(db)
            db.execute(_ONE_PER_INTENTION)
            return rows

    def unfinished(self, account: str) -> list[Record]:
        """Rows that still need following or fetching, oldest first."""
        query = f"SELECT * FROM jobs WHERE account = ? AND ({_UNFINISHED}) ORDER BY number"
        found = self._read(query, (account,))
        for record in found:
            self._remember(record)
        return found

    def has_unfinished(self) -> bool:
        """Whether any account has rows that still need following or fetching."""
        query = f"SELECT 1 FROM jobs WHERE {_UNFINISHED} LIMIT 1"
        with self._transaction(write=False) as db:
            return db.execute(query).fetchone() is not None

    def jobs(self, status: str | None = None, limit: int = 50) -> list[Record]:
        """The newest rows first, at most `limit`, perhaps of one status only."""
        where, values = ("WHERE status = ?", (status,)) if status else ("", ())
        return self._read(f"SELECT * FROM jobs {where} ORDER BY number DESC LIMIT ?", (*values, limit))

    @groupable
    def lives(self, base_url: str, request: VideoRequest, limit: int = 40) -> list[float]:
        """Seconds from acceptance to end of the newest finished jobs of the same model, duration and resolution.

        Only of those that were looked at until they ended (see `durations`): what a closed notebook slept through is no life.
        """
        query = (
            "SELECT finished_at - accepted_at FROM jobs WHERE base_url = ? AND model = ? AND duration IS ?"
            " AND resolution IS ? AND status = 'succeeded' AND finished_at >= accepted_at"
            f" AND (checked_at IS NULL OR 2 * (finished_at - checked_at) <= min({LOOKED_ON}, max({CLOSE}, checked_at - accepted_at)))"
            " ORDER BY finished_at DESC LIMIT ?"
        )
        values = (base_url, request.model, request.duration, request.resolution, limit)
        with self._transaction(write=False) as db:
            return [life for (life,) in db.execute(query, values)]

    @groupable
    def rate(self, base_url: str, request: VideoRequest) -> float | None:
        """Credits a second that such requests (model, resolution, with or without media) were charged last, or None."""
        # The + keeps SQLite from walking an index by duration instead of taking the newest row of by_price.
        query = (
            "SELECT credits, duration FROM jobs WHERE base_url = ? AND model = ? AND resolution IS ? AND credits > 0"
            " AND +duration > 0 AND (json_extract(request, '$.mediaUrls') IS NULL) = ? ORDER BY number DESC LIMIT 1"
        )
        with self._transaction(write=False) as db:
            row = db.execute(
                query, (base_url, request.model, request.resolution, request.media_urls is None)
            ).fetchone()
        return None if row is None else row[0] / row[1]

    def spending(self) -> list[Spending]:
        """Credits charged and saved, by day (local time), model and notebook; newest day first."""
        query = f"""
            SELECT day, model, notebook, simulated, SUM(jobs), SUM(credits), SUM(saved) FROM (
                SELECT {DAY} AS day, model, notebook, simulated,
                       1 AS jobs, COALESCE(credits, 0) AS credits, 0 AS saved
                FROM jobs WHERE request_id IS NOT NULL
                UNION ALL
                SELECT date(min(r.at, {_NOW}), 'unixepoch', 'localtime'), j.model, r.notebook, j.simulated,
                       0, 0, COALESCE(r.credits_saved, 0)
                FROM reuses r JOIN jobs j ON j.key = r.key
            ) GROUP BY day, model, notebook, simulated ORDER BY day DESC, model, notebook"""
        with self._transaction(write=False) as db:
            rows = db.execute(query).fetchall()
        return [Spending(r[0], r[1], r[2], bool(r[3]), r[4], r[5], r[6]) for r in rows]

    def add_votes(self, votes: Iterable[Vote]) -> int:
        """Keep these votes, all or none; how many were new. An id that is known, or was taken back, changes nothing."""
        with self._transaction() as db:
            return ballot_box.insert(db, votes)

    def withdraw_vote(self, vote_id: str) -> bool:
        """Take a vote back for good; False where no vote with this id counts."""
        with self._transaction() as db:
            return ballot_box.withdraw(db, vote_id)

    def votes_among(self, keys: Iterable[str]) -> list[Vote]:
        """The votes that compare two of the jobs with these keys, oldest first, without those taken back."""
        with self._transaction(write=False) as db:
            return ballot_box.among(db, keys)

    def check(self) -> str:
        """`ok`, or what SQLite finds wrong with the file."""
        with self._transaction(write=False) as db:
            return str(db.execute("PRAGMA quick_check(1)").fetchone()[0])

    # What this process knows, against what the file says ------------------------------------------

    def _known(self, key: str) -> Record | None:
        return self._learned.get(key) or self._rows.get(key)

    def _learn(self, record: Record) -> Record:
        """To be remembered once the transaction under way is on disk."""
        self._learned[record.key] = record
        return record

    def account_changed(self, old: str, new: str) -> None:
        """What this process remembers of an account is another one's from now on."""
        for key, record in list(self._rows.items()):
            if record.account == old:
                del self._rows[key]
                self._remember(dataclasses.replace(record, account=new))

    def _remember(self, record: Record) -> None:
        if record.key not in self._rows:
            self._keys.setdefault((record.account, record.request.canonical_hash()), []).append(record.key)
        self._rows[record.key] = record

    def _known_rows(self, keys: Iterable[str]) -> list[Record]:
        return [known for key in keys if (known := self._known(key)) is not None]

    def _put_back(self, db: sqlite3.Connection, rows: Iterable[Record]) -> None:
        """Write those of these rows that the file has lost, or has in an older version."""
        for record in rows:
            known, row = record, _row_of(db, record.key)
            if row is not None and _knows_as_much(row, known):
                continue
            if known.status not in FREE_AGAIN:
                if known.sent_at is not None or known.request_id:
                    _clear_place(db, known)
                place = (known.account, known.request.canonical_hash(), known.take)
                if any(other["key"] != known.key for other in db.execute(_OCCUPYING, place)):
                    if known.sent_at is None and not known.request_id:
                        continue  # nothing was paid for: the other one has the place now
                    known = dataclasses.replace(known, take=_highest_take(db, known) + 1)
            _insert(db, known, anew=True)
            self._written_again[known.key] = self._learn(known)

    def _put_all_back(self, db: sqlite3.Connection) -> None:
        """After the file was opened anew, for it may be another one: the old one deleted, exchanged, put back from a backup."""
        with contextlib.closing(sqlite3.connect(":memory:")) as old:
            old.row_factory = sqlite3.Row
            if self._rescued is not None:
                old.deserialize(self._rescued)
            self._put_all_back_from(old, db)
        self._may_be_another, self._rescued = False, None

    def _put_all_back_from(self, old: sqlite3.Connection, db: sqlite3.Connection) -> None:
        tables = [row[0] for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        db.execute("BEGIN IMMEDIATE")
        try:
            if "jobs" in tables:
                there_were = old.execute(f"SELECT * FROM jobs WHERE {_PERHAPS_PAID} ORDER BY created_at")
                self._put_back(db, map(_record, there_were))
            self._put_back(db, list(self._rows.values()))
            for table in tables:
                if table != "jobs" and not table.startswith("sqlite_"):
                    there = {tuple(row) for row in db.execute(f"SELECT * FROM {table}")}
                    for row in old.execute(f"SELECT * FROM {table}"):
                        if tuple(row) not in there:
                            marks = ", ".join("?" * len(row))
                            db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", tuple(row))
            db.commit()
        except BaseException:
            db.rollback()
            raise
        self._commit_memory()

    def _rescue(self) -> bytes | None:
        """All of the file that is open, though it is gone from its place; None if it cannot be read whole."""
        if self._connection is None or self._connection.in_transaction:
            return None
        # SQLite would take a journal at the old place, another process's perhaps, for one of this file.
        if self.path.with_name(f"{self.path.name}-journal").exists():
            return None
        try:
            return self._connection.serialize()
        except sqlite3.Error:
            return None

    def _commit_memory(self) -> None:
        learned, self._learned = self._learned, {}
        for record in learned.values():
            self._remember(record)

    def _read(self, query: str, values: tuple[Any, ...]) -> list[Record]:
        with self._transaction(write=False) as db:
            return [_record(row) for row in db.execute(query, values)]

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """All calls inside are one transaction and one sync. If leaving it raises, none of them happened."""
        with self._transaction() as db:
            self._group, self._is_group_whole = db, True
            try:
                yield
            finally:
                self._group = None
            if not (db.in_transaction and self._is_group_whole):
                raise sqlite3.OperationalError("the transaction was lost")

    @contextlib.contextmanager
    def _part_of_group(self, db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """A call inside a group. What it had half done when it failed ends the group, whose calls are then done one by one.

        No savepoint: two more statements a call would be half of what a call costs beside a computing cell.
        """
        trouble = "the transaction was lost"  # a full disk ends all of it: nothing may run outside of it
        if db.in_transaction:
            before = db.total_changes
            try:
                yield db
                return
            except sqlite3.Error as error:
                trouble = _in_words(error)
            except BaseException:
                self._is_group_whole = self._is_group_whole and db.total_changes == before
                raise
        self._is_group_whole = False
        raise ConfigurationError(f"the ledger {self.path} cannot be used ({trouble}); {_cure(trouble)}")

    @contextlib.contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        if self._group is not None:
            with self._part_of_group(self._group) as db:
                yield db
            return
        trouble = ""
        try:
            db = self._open()
            self._learned.clear()
            if self._may_be_another:
                with contextlib.nullcontext() if write else contextlib.suppress(sqlite3.Error):
                    self._put_all_back(db)
            db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            db.commit()
            if write and _identity(self.path) != self._identity:
                raise sqlite3.OperationalError("the file was deleted or exchanged while it was written")
            self._commit_memory()
            return
        except sqlite3.Error as error:
            trouble = _in_words(error)
        except OSError as error:
            trouble = error.strerror or str(error)
        self._drop_broken()
        raise ConfigurationError(f"the ledger {self.path} cannot be used ({trouble}); {_cure(trouble)}")

    def _drop_broken(self) -> None:
        """A connection that failed may hold a lock or a stale view; the next call opens a new one."""
        with contextlib.suppress(OSError):
            if _identity(self.path) != self._identity:
                self._rescued = self._rescue() or self._rescued
        with contextlib.suppress(sqlite3.Error):
            self.close()
        self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            if _identity(self.path) == self._identity:
                return self._connection
            self._drop_broken()
        if self._identity not in (None, _identity(self.path)):
            self._lost = (self._lost or self._identity) if self._rescued is None else None
        make_private_folder(self.path.parent)
        # Made by us so that it is private from its first byte; SQLite gives the journal the same mode.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        identity = _identity(self.path)
        db = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            migrate(db)
            if _identity(self.path) != identity:
                raise sqlite3.OperationalError("the file was exchanged while it was opened")
        except BaseException:
            db.close()
            raise
        self._connection, self._identity = db, identity
        self._lost = None if self._lost == identity else self._lost
        self._may_be_another = bool(self._rows or self._rescued)
        return db


def migrate(db: sqlite3.Connection) -> None:
    """Bring the schema to the newest version, one transaction a step; raises sqlite3.DatabaseError for a newer file."""
    newest = len(MIGRATIONS)
    if db.execute("PRAGMA user_version").fetchone()[0] == newest:
        return
    db.execute("BEGIN IMMEDIATE")  # a second kernel starting now waits here, then finds nothing left to do
    try:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > newest:
            raise sqlite3.DatabaseError(f"it was written by a newer version of seedance_nb: format {found}")
        for number, statements in enumerate(MIGRATIONS[found:], found + 1):
            for step in statements:
                if callable(step):
                    step(db)
                else:
                    db.execute(step)
            db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def make_private_folder(folder: Path) -> None:
    """The folder, readable by its owner only if it is we who make it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _lost_twin(db: sqlite3.Connection, record: Record) -> sqlite3.Row | None:
    """The newest `unknown` row that asked for the same. Prompts are compared folded: that is how a `get` is read."""
    request = record.request
    rows = db.execute(_LOST, (record.account, request.model, request.duration, request.aspect_ratio))
    wanted = _folded(request.prompt)
    same = (row for row in rows if _folded(json.loads(row["request"])["prompt"]) == wanted)
    found: sqlite3.Row | None = next(same, None)
    return found


def _folded(prompt: str) -> str:
    return one_line(canonical_text(prompt), _PROMPT_READ)


def _clear_place(db: sqlite3.Connection, paid: Record) -> None:
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


def _highest_take(db: sqlite3.Connection, record: Record) -> int:
    query = f"SELECT MAX(take) FROM jobs WHERE account = ? AND request_hash = ? AND status NOT IN {FREE_AGAIN}"
    return db.execute(query, (record.account, record.request.canonical_hash())).fetchone()[0] or 0


def _insert(db: sqlite3.Connection, record: Record, *, anew: bool = False) -> None:
    """`anew` overwrites the row with this key."""
    values = _row(record)
    marks = ", ".join("?" * len(values))
    sets = ", ".join(f"{name} = excluded.{name}" for name in values)
    again = f" ON CONFLICT (key) DO UPDATE SET {sets}" if anew else ""
    number = "(SELECT COALESCE(MAX(number), 0) + 1 FROM jobs)"
    db.execute(
        f"INSERT INTO jobs ({', '.join(values)}, number) VALUES ({marks}, {number}){again}", tuple(values.values())
    )


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there, None if none does: another one of the same name has another identity."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _row_of(db: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute("SELECT * FROM jobs WHERE key = ?", (key,)).fetchone()
    return row


def _knows_as_much(row: sqlite3.Row, known: Record) -> bool:
    """Whether the file's version of a row is at least as new as ours. Another process may have written more than we know."""
    if row["status"] in _VERDICTS and known.status in _VERDICTS and known.clip is None:
        return True  # which of two verdicts is the newer one the file knows
    has, knows = _PROGRESS[row["status"]], _PROGRESS[known.status]
    has_all = (row["clip"] is not None or known.clip is None) and (row["sent_at"] is not None or known.sent_at is None)
    return has > knows or (has == knows and has_all)


def _not_taken_back(known: Record, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The changes, or what may still be said beside a verdict of the service."""
    said = changes.get("status", known.status)
    if known.status not in _VERDICTS or said == known.status or (said in _VERDICTS and known.clip is None):
        return changes
    return {name: value for name, value in changes.items() if name in _BESIDE_A_VERDICT}


def _row(record: Record) -> dict[str, Any]:
    row = {name: _cell(getattr(record, name)) for name in _COLUMNS}
    request = record.request
    return row | {
        "request_hash": request.canonical_hash(),
        "model": request.model,
        "duration": request.duration,
        "resolution": request.resolution,
    }


def _cell(value: Any) -> Any:
    if isinstance(value, VideoRequest):
        return json.dumps(value.to_wire(), ensure_ascii=False, sort_keys=True)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, Status):
        return value.value
    return int(value) if isinstance(value, bool) else value


def _record(row: sqlite3.Row | None) -> Record:
    assert row is not None
    facts = {name: row[name] for name in _COLUMNS}
    facts["request"] = VideoRequest.from_wire(json.loads(row["request"]))
    facts["status"] = Status(row["status"])
    facts["simulated"] = bool(row["simulated"])
    facts["clip"] = json.loads(row["clip"]) if row["clip"] else None
    return Record(**facts)


def _in_words(error: sqlite3.Error) -> str:
    return one_line(error, 160)


def _cure(trouble: str) -> str:
    text = trouble.lower()
    if "locked" in text or "busy" in text:
        return "another program holds it: wait for it, then run this again"
    if "full" in text or "space" in text:
        return "free some disk space, then run this again"
    if "newer version" in text:
        return "upgrade seedance_nb"
    if "readonly" in text or "read-only" in text or "permission" in text or "unable to open" in text:
        return "make its folder writable, or set SEEDANCE_HOME to one that is"
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return "the file is damaged: restore a backup, or move it away to begin a new one"
    return "check its folder, or set SEEDANCE_HOME to another"
