"""The SQLite file itself: opened at first use, one transaction at a time, and noticed when it is gone (the only import of sqlite3).

Every commit is synced: what the ledger says happened, happened. Rollback journal, not WAL: a job needs three small writes, several
kernels share the file, and WAL neither works on network homes nor is safe with two connections before SQLite 3.51.3.

The file may be deleted, exchanged or put back from a backup while a process works with it. The old one stays readable for whoever
has it open: what it had is carried over by a `Witness` when another one is opened in its place.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from ...api.canonical_text import canonical_text
from ...errors import ConfigurationError, one_line
from ..forks import FORKS

BUSY_TIMEOUT_SECONDS = 5.0

Connection = sqlite3.Connection
Row = sqlite3.Row
LedgerError = sqlite3.Error
DatabaseError = sqlite3.DatabaseError
OperationalError = sqlite3.OperationalError
IntegrityError = sqlite3.IntegrityError
_FOUND = (  # instr, not LIKE: what a user types may hold % and _
    "(instr(searched(json_extract(request, '$.prompt')), searched(?)) > 0 OR instr(searched(noted), searched(?)) > 0"
    " OR key = ? OR request_id = ?)"
)


class Witness(Protocol):
    """Who remembers what was read and written, and writes it again where another file has taken the place of the one it was in."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that another file could lack."""

    def begin(self) -> None:
        """A transaction begins: what the one before has not committed is forgotten."""

    def commit(self) -> None:
        """The transaction is on disk: what it said is remembered."""

    def put_all_back(self, lost: Connection, db: Connection) -> None:
        """Write into `db` what it lacks or has in an older version. `lost` holds what the file before had, or no table at all."""


class LedgerFile:
    """The file at `path`. Not thread-safe. Every way into it raises ConfigurationError, in one line with the cure, when it cannot be used.

    `prepare` is called with every new connection, and brings the schema up to date.
    """

    def __init__(self, path: Path, prepare: Callable[[Connection], object], witness: Witness) -> None:
        self.path = path
        self._prepare = prepare
        self._witness = witness
        self._connection: Connection | None = None
        self._group: Connection | None = None
        self._is_group_whole = True
        self._identity: tuple[int, int] | None = None
        """Which file the connection is open on."""
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

    @property
    def lacks_what_was_lost(self) -> bool:
        """Whether a file that was open is gone with what it alone knew: then nobody can say what was bought already."""
        return self._lost is not None

    def exists(self) -> bool:
        """Whether there is a file yet."""
        return self.path.exists()

    def check(self) -> str:
        """`ok`, or what SQLite finds wrong with the file."""
        return str(self.read("PRAGMA quick_check(1)")[0][0])

    def about(self) -> str:
        """What is to be said of it beside where it lies: nothing."""
        return ""

    def note_owner(self, db: Connection, owner: str | None) -> None:
        """A row of this one is about to be written: nothing to do, the system knows who lives."""

    def found_by(self, text: str) -> tuple[str, tuple[str, ...]]:
        """(a condition that the rows in which `text` is found fulfil, its values)."""
        return _FOUND, (text, text, text, text)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        if self._connection is not None:
            with FORKS.kept_out():
                self._connection.close()
            self._connection = None

    def read(self, query: str, values: tuple[Any, ...] = ()) -> list[Row]:
        """All rows of one query, in a transaction of its own."""
        with self.transaction(write=False) as db:
            return db.execute(query, values).fetchall()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """All calls inside are one transaction and one sync. If leaving it raises, none of them happened."""
        with self.transaction() as db:
            self._group, self._is_group_whole = db, True
            try:
                yield
            finally:
                self._group = None
            if not (db.in_transaction and self._is_group_whole):
                raise sqlite3.OperationalError("the transaction was lost")

    @contextlib.contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[Connection]:
        """A connection in a transaction, which is committed and synced at the end, or rolled back where anything is raised."""
        if self._group is not None:
            with self._part_of_group(self._group) as db:
                yield db
            return
        with FORKS.kept_out(), self._own_transaction(write) as db:
            yield db

    @contextlib.contextmanager
    def _own_transaction(self, write: bool) -> Iterator[Connection]:
        trouble = ""
        try:
            db = self.open()
            self._witness.begin()
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
            self._witness.commit()
            return
        except sqlite3.Error as error:
            trouble = _in_words(error)
        except OSError as error:
            trouble = error.strerror or str(error)
        self._drop_broken()
        raise self._cannot_be_used(trouble)

    @contextlib.contextmanager
    def _part_of_group(self, db: Connection) -> Iterator[Connection]:
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
        raise self._cannot_be_used(trouble)

    def _cannot_be_used(self, trouble: str) -> ConfigurationError:
        return ConfigurationError(f"the ledger {self.path} cannot be used ({trouble}); {_cure(trouble)}")

    def open(self) -> Connection:
        """The connection, on the file that lies there now. Raises sqlite3.Error or OSError."""
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
            db.create_function("searched", 1, as_searched, deterministic=True)
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA secure_delete = ON")  # a vote that was withdrawn is not left in a free page of the file
            self._prepare(db)
            if _identity(self.path) != identity:
                raise sqlite3.OperationalError("the file was exchanged while it was opened")
        except BaseException:
            db.close()
            raise
        self._connection, self._identity = db, identity
        self._lost = None if self._lost == identity else self._lost
        self._may_be_another = bool(self._rescued) or not self._witness.is_empty
        return db

    def _drop_broken(self) -> None:
        """A connection that failed may hold a lock or a stale view; the next call opens a new one."""
        with contextlib.suppress(OSError):
            if _identity(self.path) != self._identity:
                self._rescued = self._rescue() or self._rescued
        with contextlib.suppress(sqlite3.Error):
            self.close()
        self._connection = None

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

    def _put_all_back(self, db: Connection) -> None:
        """After the file was opened anew, for it may be another one: the old one deleted, exchanged, put back from a backup."""
        with contextlib.closing(sqlite3.connect(":memory:")) as lost:
            lost.row_factory = sqlite3.Row
            if self._rescued is not None:
                lost.deserialize(self._rescued)
            db.execute("BEGIN IMMEDIATE")
            try:
                self._witness.put_all_back(lost, db)
                db.commit()
            except BaseException:
                db.rollback()
                raise
        self._witness.commit()
        self._may_be_another, self._rescued = False, None


def as_searched(text: str | None) -> str | None:
    """The text as it is compared with what somebody looks for. SQLite's own `lower` knows the letters of English alone."""
    return None if text is None else canonical_text(canonical_text(text).casefold())


def make_private_folder(folder: Path) -> None:
    """The folder, readable by its owner only if it is we who make it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there, None if none does: another one of the same name has another identity."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


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
