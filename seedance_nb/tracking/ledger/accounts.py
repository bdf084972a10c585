"""Whose is what the ledger has: what was said of accounts, and the question that is asked before something is bought again."""

from __future__ import annotations

from collections.abc import Iterable

from ...settings import SIMULATOR
from .contract import NAMED, Account, AccountNotKnown, shown
from .ledger_file import Connection, LedgerFile
from .memory import Memory

_TAKEN = "status NOT IN ('failed', 'cancelled', 'rejected')"
_UNFINISHED = "status IN ('submitting', 'queued', 'processing')"
_SAY = (
    "INSERT INTO accounts VALUES (?, ?, ?)"
    " ON CONFLICT (account) DO UPDATE SET same_as = excluded.same_as, at = excluded.at"
)
_HAND_OVER = (
    f"UPDATE jobs SET account = ? WHERE account = ? AND (NOT ({_TAKEN}) OR NOT EXISTS (SELECT 1 FROM jobs AS other"
    " WHERE other.account = ? AND other.request_hash = jobs.request_hash AND other.take = jobs.take"
    f" AND other.{_TAKEN}))"
)

_HAND_PACE_OVER = (
    "INSERT INTO account_pace (account, calls_a_minute, creates_at_once)"
    " SELECT ?, calls_a_minute, creates_at_once FROM account_pace WHERE account = ?"
    " ON CONFLICT (account) DO UPDATE SET calls_a_minute = COALESCE(account_pace.calls_a_minute, excluded.calls_a_minute),"
    " creates_at_once = COALESCE(account_pace.creates_at_once, excluded.creates_at_once)"
)


class Accounts:
    """The file's table of what was said, and its jobs by account. `memory` hears of rows that get another account."""

    def __init__(self, file: LedgerFile, memory: Memory) -> None:
        self._file, self._memory = file, memory

    def account_of(self, fingerprint: str) -> str:
        """The account that this fingerprint was said to be; itself where nothing was said."""
        with self._file.transaction(write=False) as db:
            return now(db, fingerprint)

    def at(self, base_url: str) -> list[Account]:
        """Every account the ledger has jobs of at this host, the one used last first."""
        query = (
            "SELECT account, COUNT(*), COALESCE(SUM(credits), 0), MAX(created_at) FROM jobs WHERE base_url = ?"
            " GROUP BY account ORDER BY MAX(number) DESC"
        )
        return [Account(*row) for row in self._file.read(query, (base_url,))]

    def check_known(self, base_url: str, account: str, wanted: Iterable[tuple[str, int]]) -> None:
        """Raises AccountNotKnown if one of these (hash, take) would be bought again by an account nobody has said anything about."""
        with self._file.transaction(write=False) as db:
            for request_hash, take in wanted:
                refuse_unknown(db, base_url, account, request_hash, take)

    def check_unfinished(self, base_url: str, account: str) -> None:
        """Raises AccountNotKnown if another account at this host has unfinished jobs that may be this one's."""
        query = (
            f"SELECT account, COUNT(*) FROM jobs WHERE base_url = ? AND account <> ? AND {_UNFINISHED} GROUP BY account"
        )
        with self._file.transaction(write=False) as db:
            for other, count in db.execute(query, (base_url, account)).fetchall():
                if _is_open(db, base_url, account, other):
                    jobs = f"{count} unfinished job{'s' if count != 1 else ''}"
                    raise AccountNotKnown(
                        f"{jobs} of another key at {base_url} may be yours, and are not followed; {_cure(other)}"
                    )

    def answer(self, account: str, same_as: str, at: float) -> None:
        """Keep what was said of `account`: that it is `same_as`, which then has all its jobs and its pace, or that it is one of its own."""
        with self._file.transaction() as db:
            target = now(db, same_as) if same_as != account else account
            db.execute(_SAY, (account, target, at))
            if target != account:
                db.execute("UPDATE accounts SET same_as = ? WHERE same_as = ?", (target, account))
                # What both have stays with both: a row that was paid for is never dropped.
                db.execute(_HAND_OVER, (target, account, target))
                db.execute(_HAND_PACE_OVER, (target, account))
                self._memory.account_changed(account, target)


# Inside a transaction ----------------------------------------------------------------------------


def now(db: Connection, fingerprint: str) -> str:
    """The account that this fingerprint was said to be; itself where nothing was said."""
    row = db.execute("SELECT same_as FROM accounts WHERE account = ?", (fingerprint,)).fetchone()
    return fingerprint if row is None else str(row[0])


def refuse_unknown(db: Connection, base_url: str, account: str, request_hash: str, take: int) -> None:
    """Raises AccountNotKnown if another account at this host has this very video, and may be the same."""
    query = (
        f"SELECT account FROM jobs WHERE request_hash = ? AND take = ? AND base_url = ? AND account <> ? AND {_TAKEN}"
    )
    for (other,) in db.execute(query, (request_hash, take, base_url, account)).fetchall():
        if _is_open(db, base_url, account, other):
            raise AccountNotKnown(
                f"the ledger has this video under another key of {base_url}, and nobody has said whether that is the same account;"
                f" {_cure(other)}"
            )


def _is_open(db: Connection, base_url: str, account: str, other: str) -> bool:
    """Whether these two may be one, and nobody has said anything. Two names that differ say it; and who came first is not asked."""
    if base_url == SIMULATOR or (account.startswith(NAMED) and other.startswith(NAMED)):
        return False
    if db.execute("SELECT 1 FROM accounts WHERE account = ?", (account,)).fetchone() is not None:
        return False
    first = "SELECT MIN(number) FROM jobs WHERE base_url = ? AND account = ?"
    own, others = (db.execute(first, (base_url, each)).fetchone()[0] for each in (account, other))
    return own is None or others is None or own > others


def _cure(other: str) -> str:
    return (
        f"nothing was submitted: %seedance account same ({shown(other)}) or %seedance account new says it, once;"
        ' in Python sd.account("same") or sd.account("new")'
    )
