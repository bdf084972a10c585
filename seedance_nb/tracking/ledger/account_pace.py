"""How fast the service may be asked in the name of an account, by all sessions on this ledger together: a token bucket, and 429s.

Times are whole seconds of the ledger's clock. An account that nobody has set anything for, and that was never refused, has no row.
"""

from __future__ import annotations

from ..grouping import groupable
from .contract import Allowance
from .ledger_file import Connection, LedgerFile

_NOW = "CAST(strftime('%s', 'now') AS INTEGER)"
BUCKET_SECONDS = 2.0
"""What the bucket holds: a pause lets so many seconds' calls go out at once afterwards."""
_OF = (
    "SELECT calls_a_minute, creates_at_once,"
    f" CASE WHEN no_create_by = ? THEN 0 ELSE no_create_until - {_NOW} END,"
    f" CASE WHEN no_look_by = ? THEN 0 ELSE no_look_until - {_NOW} END"
    " FROM account_pace WHERE account = ?"
)
_HAVE = "INSERT INTO account_pace (account) VALUES (?) ON CONFLICT (account) DO NOTHING"
_IN_THE_AIR = "SELECT COUNT(*) FROM jobs WHERE account = ? AND status = 'submitting' AND request_id IS NULL AND sent_at > ? AND key <> ?"


class AccountPace:
    """The file's table of accounts that are paced."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    @groupable
    def of(self, account: str, owner: str) -> Allowance:
        """What is allowed just now, without the pauses that this owner was asked for itself."""
        rows = self._file.read(_OF, (owner, owner, account))
        if not rows:
            return Allowance()
        calls, creates, no_create, no_look = rows[0]
        return Allowance(calls, creates, max(0.0, float(no_create)), max(0.0, float(no_look)))

    def allow_calls(self, account: str, calls_a_minute: float | None) -> None:
        """At most so many calls a minute from now on; None: as many as you like."""
        with self._file.transaction() as db:
            db.execute(_HAVE, (account,))
            db.execute("UPDATE account_pace SET calls_a_minute = ? WHERE account = ?", (calls_a_minute, account))

    def allow_creates(self, account: str, creates_at_once: int | None) -> None:
        """At most so many creates in the air at once from now on; None: as many as you like."""
        with self._file.transaction() as db:
            db.execute(_HAVE, (account,))
            db.execute("UPDATE account_pace SET creates_at_once = ? WHERE account = ?", (creates_at_once, account))

    @groupable
    def refused(self, account: str, owner: str, seconds: float, is_create: bool) -> None:
        """The service has asked this owner for a pause of so many seconds."""
        column, by = ("no_create_until", "no_create_by") if is_create else ("no_look_until", "no_look_by")
        with self._file.transaction() as db:
            db.execute(_HAVE, (account,))
            until = _now(db) + 1.0 + seconds  # the clock may be near its next second
            query = f"UPDATE account_pace SET {column} = ?, {by} = ? WHERE account = ? AND {column} < ?"
            db.execute(query, (until, owner, account, until))

    @groupable
    def take(self, account: str, wanted: int) -> tuple[int, float]:
        """(how many calls may go out now, at most `wanted`; else 0, and in how many seconds the next one may)."""
        with self._file.transaction() as db:
            query = "SELECT calls_a_minute, tokens, tokens_at FROM account_pace WHERE account = ?"
            row = db.execute(query, (account,)).fetchone()
            if row is None or row[0] is None:
                return wanted, 0.0
            rate, now = row[0] / 60, float(_now(db))
            tokens = min(max(1.0, rate * BUCKET_SECONDS), row[1] + rate * max(0.0, now - row[2]))
            granted = min(wanted, int(tokens))
            db.execute(
                "UPDATE account_pace SET tokens = ?, tokens_at = ? WHERE account = ?", (tokens - granted, now, account)
            )
            return granted, 0.0 if granted else (1 - tokens) / rate

    @groupable
    def take_off(self, key: str, account: str, at: float, longest: float) -> bool:
        """Mark this job as sent at `at`, if so few others of the account are in the air that one more may be.

        A create that has been there for `longest` seconds was lost with its process.
        """
        with self._file.transaction() as db:
            row = db.execute("SELECT creates_at_once FROM account_pace WHERE account = ?", (account,)).fetchone()
            if row is not None and row[0] is not None:
                others = db.execute(_IN_THE_AIR, (account, at - longest, key)).fetchone()[0]
                if others >= row[0]:
                    return False
                db.execute(
                    "UPDATE jobs SET sent_at = ? WHERE key = ? AND status = 'submitting' AND request_id IS NULL",
                    (at, key),
                )
            return True


def _now(db: Connection) -> int:
    return int(db.execute(f"SELECT {_NOW}").fetchone()[0])
