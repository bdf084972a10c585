"""A ledger that a team shares: the same tables in a schema of a PostgreSQL database (the only import of psycopg, when one is opened).

Stands where `LedgerFile` stands, so all statements of the ledger are written once, for SQLite; what PostgreSQL spells otherwise is put
into its words here. A transaction that writes holds one lock of the schema from its first statement on, as SQLite's does of the file:
of all machines one decides at a time, and each sees what the one before has committed.

A connection that breaks is never used again: the call raises, and the next one connects anew. Where it broke while committing nobody
knows whether it was written; no create is sent on that, and a claim that is done again finds its own row.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import ConfigurationError, one_line
from ...ledger_address import LedgerAddress
from ..forks import FORKS
from .contract import LedgerAway
from .ledger_file import DatabaseError, IntegrityError, LedgerError, OperationalError, Witness, as_searched
from .migrations import MIGRATIONS

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
LOCK_SECONDS = 5
BEAT = (
    'INSERT INTO "{}".seedance_leases AS kept (owner, seen) VALUES (%s, clock_timestamp())'
    " ON CONFLICT (owner) DO UPDATE SET seen = excluded.seen"
)
"""Somebody lives, by the database's clock."""
_CONNECTING = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "15000",
    "application_name": "seedance_nb",
}
_SESSION = {
    "synchronous_commit": "on",  # what it says happened, happened
    "default_transaction_isolation": "read committed",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": "20s",  # a machine that hangs or vanishes does not hold the others up for ever
    "tcp_user_timeout": "15s",
    "standard_conforming_strings": "on",
}


class LedgerServer:
    """The schema at `address`. Not thread-safe, and used as a `LedgerFile` is.

    `prepare` is called with every new connection, and brings the schema up to date. Where the server has answered once and cannot be
    reached later, calls raise LedgerAway: what became of one that was under way is known when it is done again, and not before.
    """

    lacks_what_was_lost = False
    """Nothing of what was committed is lost with a connection."""
    is_lost = False

    def __init__(self, address: LedgerAddress, prepare: Callable[[ServerConnection], object], witness: Witness) -> None:
        self.path = address.check()
        """For messages: it shows no password."""
        self.schema = address.schema
        self._prepare, self._witness = prepare, witness
        self._connection: ServerConnection | None = None
        self._pid = 0
        self._group: ServerConnection | None = None
        self._is_group_whole = True
        self._has_answered = False

    def exists(self) -> bool:
        """Whether there is something to read: a server that is named is there, or says why not when it is asked."""
        return True

    def check(self) -> str:
        """`ok`, once the server has answered."""
        self.read("SELECT COUNT(*) FROM jobs")
        return "ok"

    def about(self) -> str:
        """What it is, and whether this role may write."""
        asked = "SELECT current_setting('server_version'), has_table_privilege('jobs', 'INSERT') AND NOT pg_is_in_recovery()"
        version, may_write = self.read(asked)[0]
        return f"PostgreSQL {str(version).partition(' ')[0]}" + ("" if may_write else ", may be read only")

    def hang_up_if_silent(self, seconds: float) -> None:
        """Break the line, from any thread, if a statement has had no answer for so long: it then raises LedgerAway."""
        db = self._connection
        if db is not None and self._pid == os.getpid():
            db.hang_up_if_silent(seconds)

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        db, self._connection = self._connection, None
        if db is not None and self._pid == os.getpid():
            with contextlib.suppress(Exception):
                db.close()

    def read(self, query: str, values: tuple[Any, ...] = ()) -> list[_Row]:
        """All rows of one query, in a transaction of its own."""
        with self.transaction(write=False) as db:
            return list(db.execute(query, values).fetchall())

    def alone(self, statement: Callable[[ServerConnection], T]) -> T:
        """What `statement` makes of a connection, outside of all transactions: for what names its schema and may be done twice."""
        trouble: LedgerError | OSError
        with FORKS.kept_out():
            for is_last in (False, True):
                was_open = self._connection is not None
                try:
                    return statement(self.open())
                except (LedgerError, OSError) as error:
                    trouble = error
                is_broken = self._connection is None or self._connection.is_broken
                if is_last or not was_open or not is_broken:
                    break
        raise self._cannot_be_used(trouble)

    def note_owner(self, db: ServerConnection, owner: str | None) -> None:
        """A row of this one is about to be written: it gets its lease with it, so that nobody sees the one without the other."""
        if owner is not None:
            db.run(BEAT.format(db.schema), (owner,))

    def found_by(self, text: str) -> tuple[str, tuple[str, ...]]:
        """(a condition that the rows in which `text` is found fulfil, its values). Compared here: not every server knows all letters."""
        wanted = as_searched(text) or ""
        rows = self.read("SELECT key, json_extract(request, '$.prompt'), noted, request_id FROM jobs")
        found = [row[0] for row in rows if text in (row[0], row[3])]
        found += [row[0] for row in rows if any(wanted in (as_searched(words) or "") for words in row[1:3] if words)]
        return "key IN (SELECT value FROM json_each(?))", (json.dumps(found),)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """All calls inside are one transaction. If leaving it raises, none of them happened."""
        with self.transaction() as db:
            self._group, self._is_group_whole = db, True
            try:
                yield
            finally:
                self._group = None
            if not self._is_group_whole:
                raise OperationalError("the transaction was lost")

    @contextlib.contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[ServerConnection]:
        """A connection in a transaction, which is committed at the end, or rolled back where anything is raised."""
        if self._group is not None:
            with self._part_of_group(self._group) as db:
                yield db
            return
        with FORKS.kept_out(), self._own_transaction(write) as db:
            yield db

    @contextlib.contextmanager
    def _own_transaction(self, write: bool) -> Iterator[ServerConnection]:
        trouble: LedgerError | OSError
        try:
            db = self._begin(write)
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            db.commit()
            self._witness.commit()
            return
        except (LedgerError, OSError) as error:
            trouble = error
        raise self._cannot_be_used(trouble)

    def _begin(self, write: bool) -> ServerConnection:
        """A transaction that is open. A line that broke while nothing was under way is replaced: nothing can have been lost with it."""
        for is_last in (False, True):
            was_open = self._connection is not None
            db = self.open()
            self._witness.begin()
            try:
                db.begin(write)
            except LedgerError:
                if is_last or not was_open or not db.is_broken:
                    db.rollback()
                    raise
                self.close()
            else:
                return db
        raise AssertionError

    @contextlib.contextmanager
    def _part_of_group(self, db: ServerConnection) -> Iterator[ServerConnection]:
        """A call inside a group. What it had half done when it failed ends the group, whose calls are then done one by one."""
        before = db.total_changes
        trouble: LedgerError
        try:
            yield db
            return
        except LedgerError as error:
            trouble = error
        except BaseException:
            self._is_group_whole = self._is_group_whole and db.total_changes == before
            raise
        self._is_group_whole = False
        raise self._cannot_be_used(trouble)

    def open(self) -> ServerConnection:
        """The connection. Raises LedgerError, the one kind of trouble that the parts of a ledger know."""
        if self._connection is not None and self._pid == os.getpid() and not self._connection.is_broken:
            return self._connection
        self.close()
        self._connection, self._pid = db, _ = _connect(self.path), os.getpid()
        try:
            self._prepare(db)
        except BaseException:
            self.close()
            raise
        self._has_answered = True
        return db

    def _cannot_be_used(self, trouble: LedgerError | OSError) -> ConfigurationError:
        """The error for this trouble; a connection that had any is used no more."""
        if self._group is None:
            self.close()
        told = one_line(trouble, 160)
        kind = LedgerAway if self._has_answered and isinstance(trouble, Away) else ConfigurationError
        return kind(f"the ledger {self.path} cannot be used ({told}); {_cure(told)}")


class ServerConnection:
    """A connection as the parts of a ledger use one of sqlite3: their statements, rows by name and number, its kinds of error."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str, zone: str = "UTC") -> None:
        self._connection, self.schema, self._zone = connection, schema, zone
        self.total_changes = 0
        self._waits_since: float | None = None

    @property
    def is_broken(self) -> bool:
        """Whether it can be used no more."""
        return self._connection.closed

    @property
    def _in_transaction(self) -> bool:
        return bool(self._connection.info.transaction_status)  # 0: idle

    def execute(self, query: str, values: Iterable[Any] = ()) -> Any:
        """One statement, in SQLite's words. One that breaks a rule of the schema leaves the transaction as it was before."""
        text, is_numbered = in_its_words(query)
        given: Any = tuple(map(_storable, values))
        if is_numbered:
            given = {f"p{number}": value for number, value in enumerate(given, 1)}
        # After these alone a broken rule is not the end.
        is_guarded = query.startswith("UPDATE jobs SET") and self._in_transaction
        if is_guarded:
            self._said(b"SAVEPOINT before_it")
        try:
            cursor = self._said(text, given)
        except LedgerError:
            if is_guarded and not self.is_broken:
                self._said(b"ROLLBACK TO SAVEPOINT before_it")
            raise
        if is_guarded:
            self._said(b"RELEASE SAVEPOINT before_it")
        if not query.lstrip().startswith(("SELECT", "WITH")):
            self.total_changes += max(cursor.rowcount, 0)
        return cursor

    def _said(self, statement: bytes, values: Any = None) -> Any:
        """The only way a statement leaves."""
        self._waits_since = time.monotonic()
        try:
            with _as_sqlite_says_it():
                return self._connection.execute(statement, values)
        finally:
            self._waits_since = None

    def executemany(self, query: str, rows: Iterable[Iterable[Any]]) -> None:
        """The statement for each of these."""
        for row in rows:
            self.execute(query, row)

    def begin(self, write: bool) -> None:
        """Begin; to write is to be the only one who does, in this schema, and in the version of it that this package knows."""
        # One way there and back. Said each time: a pooler may give every transaction another connection, which somebody else has used.
        here = f"SET LOCAL search_path TO \"{self.schema}\"; SET LOCAL TIME ZONE '{self._zone}'; SET LOCAL synchronous_commit = on"
        how = "" if write else " ISOLATION LEVEL REPEATABLE READ READ ONLY"
        locked = f'LOCK TABLE "{self.schema}".seedance_ledger IN EXCLUSIVE MODE; ' if write else ""
        asked = f'BEGIN{how}; {here}; {locked}SELECT version FROM "{self.schema}".seedance_ledger'
        found = self._said(asked.encode())
        while found.nextset():
            pass
        refuse_newer(next(iter(found))[0])

    def run(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """A statement in PostgreSQL's own words; its rows."""
        cursor = self._said(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def commit(self) -> None:
        """Commit. Where it raises, the outcome is unknown until the row is read again."""
        done = self._said(b"COMMIT")
        if done.statusmessage != "COMMIT":
            raise OperationalError("the transaction was lost")

    def rollback(self) -> None:
        """Undo; a line that is gone has undone it by itself."""
        with contextlib.suppress(LedgerError):
            self._said(b"ROLLBACK")

    def hang_up_if_silent(self, seconds: float) -> None:
        """Break its line, from any thread, if a statement has had no answer for so long."""
        since = self._waits_since
        if since is None or time.monotonic() - since < seconds:
            return
        with contextlib.suppress(Exception), socket.socket(fileno=os.dup(self._connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def _storable(value: Any) -> Any:
    """A cell as SQLite would keep it: no number is none, and a text has no character that cannot be one."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, str) and not value.isprintable():
        return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
    return value


class _Row(tuple[Any, ...]):  # noqa: SLOT001 - it has its names beside its cells
    """A row whose cells are asked for by name or by number."""

    names: dict[str, int]

    def __getitem__(self, which: Any) -> Any:
        return super().__getitem__(self.names[which] if isinstance(which, str) else which)


def _rows(cursor: Any) -> Callable[[Iterable[Any]], _Row]:
    names = {column.name: place for place, column in enumerate(cursor.description or ())}

    def row(cells: Iterable[Any]) -> _Row:
        made = _Row(cells)
        made.names = names
        return made

    return row


# Connecting --------------------------------------------------------------------------------------


def _connect(address: LedgerAddress) -> ServerConnection:
    try:
        import psycopg
    except ImportError:
        raise ConfigurationError(
            'a ledger on PostgreSQL needs psycopg: pip install "seedance_nb[team]"; nothing was submitted'
        ) from None
    connection, trouble = _connected(address)
    if connection is None:
        raise trouble or AssertionError()
    try:
        with _as_sqlite_says_it():
            for name, value in _SESSION.items():
                with contextlib.suppress(psycopg.errors.UndefinedObject):
                    connection.execute("SELECT set_config(%s, %s, false)", (name, value))
            zone = _time_zone()
            try:
                connection.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
            except psycopg.errors.InvalidParameterValue:  # the server does not know it by this name
                zone = "UTC"
    except BaseException:
        connection.close()
        raise
    return ServerConnection(connection, address.schema, zone)


def _connected(address: LedgerAddress) -> tuple[psycopg.Connection[Any] | None, LedgerError | None]:
    """(the connection, why there is none). Raises nothing of its own: the frames of such an error hold the password."""
    import psycopg

    try:
        # Prepared statements stay with a server that a pooler may exchange behind our back.
        return psycopg.connect(
            address.conninfo(_CONNECTING), autocommit=True, row_factory=_rows, prepare_threshold=None
        ), None
    except psycopg.Error as error:
        text = address.scrubbed(_message(error))
    refused = any(sign in text.lower() for sign in _REFUSALS)
    return None, OperationalError(text) if refused else Away(text)


_REFUSALS = (
    "authentication",
    "password",
    "does not exist",
    "pg_hba",
    "permission",
    "invalid",
    "certificate",
    "translate host",
)
"""What is said to a connection that waiting does not make."""


def _time_zone() -> str:
    """Whose days are meant: this machine's, by its name where it has one."""
    named = os.environ.get("TZ", "").lstrip(":")
    if not named or named.startswith("/"):
        named = ""
        with contextlib.suppress(OSError):
            named = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    return named if re.fullmatch(r"[A-Za-z0-9_+/-]+", named) else "UTC"


# Errors ------------------------------------------------------------------------------------------


class Away(OperationalError):  # noqa: N818 - a state more than an error
    """The server is gone, or busy for longer than one waits: what was under way is uncertain until it is asked again."""


_AWAY = ("08", "57P", "53", "55P03", "25P0", "40")
"""How the codes of such trouble begin: connections, shutdowns, no more room, locks, idle transactions, deadlocks."""


@contextlib.contextmanager
def _as_sqlite_says_it() -> Iterator[None]:
    """The server's errors as the parts of a ledger know them."""
    import psycopg

    found: LedgerError
    try:
        yield
        return
    except psycopg.IntegrityError as error:
        found = IntegrityError(_message(error))
    except psycopg.Error as error:
        code = error.sqlstate or ""
        is_away = code.startswith(_AWAY) if code else isinstance(error, psycopg.OperationalError)
        found = (Away if is_away else OperationalError)(_message(error))
    raise found


def refuse_newer(version: int) -> None:
    """Raises LedgerError for a schema that a newer version of the package has written: its rules may be others."""
    if version > len(MIGRATIONS):
        raise DatabaseError(f"it was written by a newer version of seedance_nb: format {version}")


def _message(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error)
    return one_line(re.sub(r"postgres(ql)?://\S+", "postgresql://…", text), 150)


def _cure(trouble: str) -> str:
    text = trouble.lower()
    cures = (
        ("newer version", "upgrade seedance_nb"),
        ("not ours", "name another schema in its address: ?schema=name"),
        ("lock timeout", "another member holds it: run this again"),
        ("password", "correct user and password in SEEDANCE_LEDGER"),
        ("authentication", "correct user and password in SEEDANCE_LEDGER"),
        ("must be owner", "its owner has to open it once with this version: ask for that"),
        ("recovery", "this server may only be read: name the one that may be written"),
        ("read-only", "this role or server may only be read: ask for one that may spend"),
        ("permission denied", "this role may not spend: ask its owner for one that may"),
        ("does not exist", "correct the names in SEEDANCE_LEDGER, or have them made"),
        ("space", "the server's disk is full: have some freed, then run this again"),
        ("full", "the server's disk is full: have some freed, then run this again"),
    )
    return next(
        (cure for sign, cure in cures if sign in text),
        "see that the server runs and can be reached, then run this again",
    )


# Words -------------------------------------------------------------------------------------------

_NO_NUL = r"replace(\1, '\\u0000', '\\ufffd')"
"""No text of PostgreSQL holds one, not even one that is written like this."""
_SPELLED: tuple[tuple[str, str], ...] = (
    (r"%", "%%"),
    (r"\bIS \?", "IS NOT DISTINCT FROM ?"),
    (r"\+(right_key|duration)\b", r"\1"),
    (r"json_each\((\?\d*)\)", r"jsonb_array_elements_text(CAST(\1 AS jsonb)) AS listed(value)"),
    (r"json_extract\((\w+), '\$\.(\w+)'\)", rf"(CAST({_NO_NUL} AS json) ->> '\2')"),
    (r"json_array_length\((\w+), '\$\.(\w+)'\)", rf"json_array_length(CAST({_NO_NUL} AS json) -> '\2')"),
    (r"CAST\(strftime\('%%s', 'now'\) AS INTEGER\)", "CAST(EXTRACT(EPOCH FROM now()) AS BIGINT)"),
    (r"\binstr\(", "strpos("),
    (r"MAX\(answers, excluded\.answers\)", "GREATEST(left_out.answers, excluded.answers)"),
    (r"\bmin\(r\.at,", "LEAST(r.at,"),
    (r",\s*'unixepoch', 'localtime'\)", ")"),
    (r"\bdate\((CASE|LEAST)", r"seedance_day(\1"),
    (r"\bREAL\b", "DOUBLE PRECISION"),
    (r"\) STRICT(, WITHOUT ROWID)?", ")"),
    (r"\bnumber INTEGER PRIMARY KEY", "number INTEGER GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
    (
        r"CREATE TABLE studies \(key TEXT PRIMARY KEY, study TEXT NOT NULL\)",
        "CREATE TABLE studies (key TEXT PRIMARY KEY, study TEXT NOT NULL, rowid BIGINT GENERATED ALWAYS AS IDENTITY)",
    ),
    (r"UPDATE jobs SET number = rowid", "SELECT 1"),
    (
        r"CREATE TRIGGER (\w+) BEFORE (UPDATE|DELETE) ON (\w+)\s+BEGIN SELECT RAISE\(ABORT, ('[^']*')\); END",
        r"CREATE TRIGGER \1 BEFORE \2 ON \3 FOR EACH ROW EXECUTE FUNCTION seedance_refuse(\4)",
    ),
)


@functools.lru_cache(maxsize=512)
def in_its_words(query: str) -> tuple[bytes, bool]:
    """(a statement of the ledger as PostgreSQL and psycopg read it, whether its values go by number)."""
    text = query
    for theirs, its in _SPELLED:
        text = re.sub(theirs, its, text)
    text = re.sub(r"json_remove\(([^\s,]+), ('[^()]*')\)", _without_fields, text)
    if "INSERT OR IGNORE INTO" in text:
        text = text.replace("INSERT OR IGNORE INTO", "INSERT INTO") + " ON CONFLICT DO NOTHING"
    text, numbered = re.subn(r"\?(\d+)", r"%(p\1)s", text)
    return text.replace("?", "%s").encode(), bool(numbered)


def _without_fields(found: re.Match[str]) -> str:
    names = found[2].replace("'$.", "'")
    text = _NO_NUL.replace("\\1", found[1]).replace("\\\\", "\\")
    return f"CAST(CAST({text} AS jsonb) - ARRAY[{names}] AS text)"
