"""The ledger: every intention, its request id, its credits and its clip, in a SQLite file.

Written before a create is sent and before an id is shown: what it says happened, happened. A unique index keeps the central promise
even against our own mistakes: one row that may have been paid for per account, request and take.

Put together of the file, what this process remembers of it, and one part for each kind of question (see `contract`). What stands here
is what a runner writes and reads while a job lives.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...api.canonical_text import canonical_text
from ...api.models import Status, VideoRequest
from ...errors import ConfigurationError, one_line
from ...ledger_address import LedgerAddress, hidden
from ...settings import same_service
from ..grouping import groupable
from .account_pace import AccountPace
from .accounts import Accounts, now, refuse_unknown
from .ballot_box import BallotBox
from .browsing import Browsing
from .contract import Presence, Spending, Store, Wanted
from .experience import Experience
from .ledger_file import Connection, IntegrityError, LedgerFile, Row
from .measurements import Measurements
from .members import Members
from .memory import Memory
from .migrations import migrate
from .presence import LocalPresence
from .races import Races
from .record import BESIDE_A_VERDICT, CHANGEABLE, FREE_AGAIN, VERDICTS, Record, not_taken_back, record_of
from .registrations import Registrations
from .rows import (
    OCCUPYING,
    ONE_PER_INTENTION,
    UNFINISHED,
    clear_place,
    highest_take,
    insert,
    make_room,
    row_of,
    update,
)
from .spending_limits import SpendingLimits, refuse_over
from .studies import Studies
from .vote import Vote

_MINE_OR_OCCUPYING = f"SELECT * FROM jobs WHERE key = ? UNION ALL {OCCUPYING}"
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


class Ledger:
    """The file at `path`, or the schema at an address `postgresql://…`, opened at first use.

    Not thread-safe: one thread owns it (the runner gives it one).
    Every method raises ConfigurationError, in one line with the cure, when the file cannot be read or written.
    """

    def __init__(self, path: Path | LedgerAddress | str) -> None:
        self._memory = Memory()
        self.place: Path | LedgerAddress = _place(path)
        """Another Ledger of the same has the same rows."""
        del path  # it may hold a password
        self.file: LedgerFile
        self.presence: Presence
        if isinstance(self.place, LedgerAddress):
            self.file, self.presence = _shared(self.place, self._memory)
        else:
            self.file, self.presence = LedgerFile(self.place, migrate, self._memory), LocalPresence()
        self.browsing = Browsing(self.file)
        self.experience = Experience(self.file)
        self.accounts = Accounts(self.file, self._memory)
        self.limits = SpendingLimits(self.file)
        self.pace = AccountPace(self.file)
        self.members = Members(self.file)
        self.votes = BallotBox(self.file)
        self.studies = Studies(self.file)
        self.measurements = Measurements(self.file)
        self.registrations = Registrations(self.file)
        self.races = Races(self.file)

    @property
    def path(self) -> Path:
        """Where the file lies; of a server its address, which is for messages alone."""
        return self.file.path

    @property
    def is_lost(self) -> bool:
        """Whether the file that was open is gone or exchanged. Costs one look at the folder; may be asked from any thread."""
        return self.file.is_lost

    def mend(self) -> None:
        """Write again what this process knows, if the file is gone or exchanged; else nothing."""
        if self.is_lost:
            with self.file.transaction():
                pass

    def __reduce__(self) -> tuple[Any, ...]:
        return Ledger, (self.place,)  # its connection stays where it is

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self.file.close()

    def together(self) -> AbstractContextManager[None]:
        """All calls inside are one transaction and one sync. If leaving it raises, none of them happened."""
        return self.file.together()

    def check(self) -> str:
        """`ok`, or what SQLite finds wrong with the file."""
        return self.file.check()

    def about(self) -> str:
        """Of a server, what it is and whether this role may write there; nothing of a file."""
        return self.file.about()

    # What a runner writes and reads --------------------------------------------------------------

    @groupable
    def claim(self, record: Record, fresh: bool, before_insert: Callable[[], None]) -> tuple[Record, bool]:
        """(the row that stands for this intention, whether it is new), decided and committed in one transaction.

        `fresh` takes the next free take instead of the one asked for. `before_insert` may raise to refuse a new row. Raises
        BudgetExceeded where it could bring a limit of the ledger above what it allows.
        """
        with self.file.transaction() as db:
            # Another notebook may have said meanwhile that this is the account of earlier jobs.
            record = dataclasses.replace(record, account=now(db, record.account))
            self._memory.put_back(db, self._memory.known_of(record.account, record.request))
            take = max(record.take, highest_take(db, record) + 1) if fresh else record.take
            place = (record.account, record.request.canonical_hash(), take)
            found = {row["key"]: row for row in db.execute(_MINE_OR_OCCUPYING, (record.key, *place))}
            if record.key in found:  # a commit that reported trouble had happened all the same: the call is done again
                return self._memory.learn(record_of(found[record.key])), True
            if found:
                return self._memory.learn(record_of(next(iter(found.values())))), False
            record = dataclasses.replace(record, take=take) if fresh else record
            if self.file.lacks_what_was_lost:
                raise ConfigurationError(
                    f"the ledger {self.path} was deleted or exchanged, and with it what it knew of earlier videos, so this might buy"
                    " one again: put it back, or restart the kernel to begin a new one"
                )
            if not fresh:  # who buys another one on purpose is not asked
                refuse_unknown(db, record.base_url, record.account, place[1], take)
            record = dataclasses.replace(record, day=refuse_over(db, record))
            before_insert()
            self.file.note_owner(db, record.owner)
            insert(db, record)
            return self._memory.learn(record), True

    def adopt(self, record: Record) -> Record:
        """The row for a generation known only by its request id (`attach` of an id from elsewhere).

        That is the row with this id, else an `unknown` row that asked for the same, else a new one.
        """
        with self.file.transaction() as db:
            row = db.execute("SELECT * FROM jobs WHERE request_id = ?", (record.request_id,)).fetchone()
            if row is not None:
                return self._memory.learn(record_of(row))
            lost = _lost_twin(db, record)
            # The create whose answer was lost: now it has its id, and running its cell is free again.
            if lost is not None:
                changes: dict[str, Any] = {
                    "request_id": record.request_id,
                    "status": record.status,
                    "status_text": record.status_text,
                }
                changes |= {"accepted_at": lost["sent_at"] or record.created_at, "error": None, "error_kind": None}
                update(db, lost["key"], changes)
                return self._memory.learn(record_of(row_of(db, lost["key"])))
            record = dataclasses.replace(record, take=highest_take(db, record) + 1)
            insert(db, record)
            return self._memory.learn(record)

    @groupable
    def save(self, key: str, changes: Mapping[str, Any]) -> Record | None:
        """Write some columns of one row. A verdict of the service (succeeded, failed, cancelled) is never taken
        back; a later one replaces it until there is a clip.

        If the file has lost the row it is written whole, from what this process knows of it, and returned. Raises
        ConfigurationError where nothing is known of it, or where its place was taken before anything was paid.
        """
        assert set(changes) <= CHANGEABLE, set(changes) - CHANGEABLE
        with self.file.transaction() as db:
            if changes.get("status") is Status.SUBMITTING:
                changes = self._taken_up_again(db, key, changes)
            if changes and not self._save(db, key, changes):
                self._save_lost(db, key, changes)
        return self._memory.written_again(key)

    def _taken_up_again(self, db: Connection, key: str, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """The changes, with the day: what another process had written off is free for others, so it has to fit under the limits anew."""
        row = row_of(db, key)
        known = self._memory.known(key) if row is None else record_of(row)
        if known is None or (row is not None and known.status.value not in FREE_AGAIN):
            return changes
        return {**changes, "day": refuse_over(db, known)}

    def _save_lost(self, db: Connection, key: str, changes: Mapping[str, Any]) -> None:
        """Write the whole row, and the changes with it."""
        known = self._memory.known(key)
        if known is None:
            raise ConfigurationError(f"the ledger {self.path} has no job {one_line(key, 40)}")
        self._memory.put_back(db, (known,))
        if self._save(db, key, changes):
            return
        # Another one has its place, and nothing had been paid for this one when we last heard.
        if not (changes.get("request_id") or changes.get("status") in FREE_AGAIN):
            raise ConfigurationError(f"the ledger {self.path} lost this job, and another one took its place")
        self._memory.put_back(db, (dataclasses.replace(known, **not_taken_back(known, changes)),))

    def _save(self, db: Connection, key: str, changes: Mapping[str, Any]) -> bool:
        """Whether there was such a row."""
        paid = bool(changes.get("request_id")) or (
            (known := self._memory.known(key)) is not None and bool(known.request_id)
        )
        try:
            was_written = self._write(db, key, changes)
        except IntegrityError:  # an id that was paid for is kept, whoever took its place meanwhile
            row = row_of(db, key)
            if row is None or not paid:
                raise
            clear_place(db, record_of(row))
            try:
                self._write(db, key, changes)
            except IntegrityError:
                db.execute("UPDATE jobs SET take = ? WHERE key = ?", (highest_take(db, record_of(row)) + 1, key))
                self._write(db, key, changes)
            self._memory.learn_anew(record_of(row_of(db, key)))
            return True
        if was_written and (known := self._memory.known(key)) is not None:
            self._memory.learn(dataclasses.replace(known, **changes))
            return True
        row = row_of(db, key)
        if row is None:
            return False
        self._memory.learn(record_of(row))
        return True

    def _write(self, db: Connection, key: str, changes: Mapping[str, Any]) -> bool:
        """Whether all of it was written: a row was there, and its verdict did not stand against it."""
        if "status" not in changes:
            return update(db, key, changes)
        # Until its file is here the service's newest verdict counts; then the first one stands. No other word takes a verdict back.
        newest = " OR clip IS NULL" if changes["status"] in VERDICTS else ""
        if update(db, key, changes, f"status NOT IN {VERDICTS} OR status = ?{newest}", changes["status"]):
            return True
        update(db, key, {k: v for k, v in changes.items() if k in BESIDE_A_VERDICT})
        return False

    @groupable
    def revise(self, key: str, decide: Callable[[Record], Mapping[str, Any]]) -> Record:
        """The row after `decide(row)` changed it, read and written in one transaction: nobody writes in between."""
        with self.file.transaction() as db:
            if row_of(db, key) is None:
                self._memory.put_back(db, (self._memory.known(key),))
            row = row_of(db, key)
            if row is None:
                raise ConfigurationError(f"the ledger {self.path} has no job {one_line(key, 40)}")
            changes = decide(record_of(row))
            if changes:
                update(db, key, changes)
            return self._memory.learn(record_of(row_of(db, key)))

    @groupable
    def note_reuse(
        self,
        key: str,
        at: float,
        credits_saved: float | None,
        notebook: str | None,
        person: str | None = None,
        project: str | None = None,
    ) -> None:
        """Remember that a run of a cell, by this person for this project, cost nothing because of this row."""
        with self.file.transaction() as db:
            db.execute(
                "INSERT INTO reuses (key, at, credits_saved, notebook, person, project) VALUES (?, ?, ?, ?, ?, ?)",
                (key, at, credits_saved, notebook, person, project),
            )

    @groupable
    def find(self, key_or_request_id: str) -> Record | None:
        """The row with this key or request id, the newest if several."""
        query = "SELECT * FROM jobs WHERE key = ? OR request_id = ? ORDER BY number DESC LIMIT 1"
        found = next(iter(self._read(query, (key_or_request_id, key_or_request_id))), None)
        if found is None and key_or_request_id in self._memory:
            with self.file.transaction() as db:
                self._memory.put_back(db, (self._memory.known(key_or_request_id),))
            found = next(iter(self._read(query, (key_or_request_id, key_or_request_id))), None)
        if found is not None:
            self._memory.remember(found)
        return found

    @groupable
    def occupying(self, account: str, request: VideoRequest, take: int) -> Record | None:
        """The row that would be reused for this request and take, if there is one."""
        return next(iter(self._read(OCCUPYING, (account, request.canonical_hash(), take))), None)

    def unite_spellings(self, base_url: str, account: str, account_at: Callable[[str], str]) -> int:
        """Take over what older versions wrote for the same service under another spelling of its address; how many rows.

        `account_at(spelling)` is what this account was called there. Rows of other accounts stay as they are until their key is used.
        """
        if not self.file.exists():
            return 0
        with self.file.transaction(write=False) as db:
            found = []
            for (spelling,) in db.execute(_SPELLINGS).fetchall():
                if spelling != base_url and same_service(spelling, base_url):
                    names = {account_at(spelling), account}
                    found += [(spelling, n) for n in names if db.execute(_ROW_THERE, (spelling, n)).fetchone()]
        if not found:
            return 0
        with self.file.transaction() as db:
            db.execute("DROP INDEX one_per_intention")
            rows = 0
            for place in found:
                moving = "UPDATE jobs SET base_url = ?, account = ? WHERE base_url = ? AND account = ?"
                rows += db.execute(moving, (base_url, account, *place)).rowcount
            make_room(db)
            db.execute(ONE_PER_INTENTION)
            return rows

    def unfinished(self, account: str) -> list[Record]:
        """Rows that still need following or fetching, oldest first."""
        query = f"SELECT * FROM jobs WHERE account = ? AND ({UNFINISHED}) ORDER BY number"
        found = self._read(query, (account,))
        for record in found:
            self._memory.remember(record)
        return found

    def has_unfinished(self) -> bool:
        """Whether any account has rows that still need following or fetching."""
        return bool(self.file.read(f"SELECT 1 FROM jobs WHERE {UNFINISHED} LIMIT 1"))

    def _read(self, query: str, values: tuple[Any, ...]) -> list[Record]:
        return [record_of(row) for row in self.file.read(query, values)]

    # What its parts answer -----------------------------------------------------------------------

    def jobs(self, status: str | None = None, limit: int = 50) -> list[Record]:
        """The newest rows first, at most `limit`, perhaps of one status only."""
        return self.browsing.page(Wanted(status=status), limit)

    def spending(self) -> list[Spending]:
        """Credits charged and saved, by day (local time), model, notebook, person and project; newest day first."""
        return self.browsing.spending()

    @groupable
    def lives(self, base_url: str, request: VideoRequest, limit: int = 40) -> list[float]:
        """Seconds from acceptance to end of the newest finished jobs of the same model, duration and resolution.

        Only of those that were looked at until they ended (see `durations`): what a closed notebook slept through is no life.
        """
        return self.experience.lives(base_url, [request], limit)[0]

    @groupable
    def rate(self, base_url: str, request: VideoRequest) -> float | None:
        """Credits a second that such requests (model, resolution, with or without media) were charged last, or None."""
        return self.experience.rates(base_url, [request])[0]

    def add_votes(self, votes: Iterable[Vote]) -> int:
        """Keep these votes, all or none; how many were new. An id that is known, or was taken back, changes nothing."""
        return self.votes.add(votes)

    def withdraw_vote(self, vote_id: str) -> bool:
        """Take a vote back for good; False where no vote with this id counts."""
        return self.votes.withdraw(vote_id)

    def votes_among(self, keys: Iterable[str]) -> list[Vote]:
        """The votes that compare two of the jobs with these keys, oldest first, without those taken back."""
        return self.votes.among(keys)


def _place(place: Path | LedgerAddress | str) -> Path | LedgerAddress:
    found = hidden(place)
    return found if isinstance(found, LedgerAddress) else Path(found)


def _shared(address: LedgerAddress, memory: Memory) -> tuple[LedgerFile, Presence]:
    """What a team shares. It stands where a file stands, and is imported only where there is one."""
    from .leases import Leases
    from .ledger_server import LedgerServer
    from .server_migrations import migrate_server

    server = LedgerServer(address, migrate_server, memory)
    return cast("LedgerFile", server), Leases(server)


def _lost_twin(db: Connection, record: Record) -> Row | None:
    """The newest `unknown` row that asked for the same. Prompts are compared folded: that is how a `get` is read."""
    request = record.request
    rows = db.execute(_LOST, (record.account, request.model, request.duration, request.aspect_ratio))
    wanted = _folded(request.prompt)
    same = (row for row in rows if _folded(json.loads(row["request"])["prompt"]) == wanted)
    found: Row | None = next(same, None)
    return found


def _folded(prompt: str) -> str:
    return one_line(canonical_text(prompt), _PROMPT_READ)


if TYPE_CHECKING:
    _fulfils_the_contract: Callable[[Path], Store] = Ledger
