"""Who works with this ledger, and with which version of the package."""

from __future__ import annotations

from .contract import Member
from .ledger_file import LedgerFile

_NOW = "CAST(strftime('%s', 'now') AS INTEGER)"
_SEEN = (
    f"INSERT INTO members (person, version, at) VALUES (?, ?, {_NOW})"
    " ON CONFLICT (person) DO UPDATE SET version = excluded.version, at = excluded.at"
)


class Members:
    """The file's table of members."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def seen(self, person: str, version: str) -> None:
        """This person has worked with this version just now."""
        with self._file.transaction() as db:
            db.execute(_SEEN, (person, version))

    def all(self) -> list[Member]:
        """Everybody who has, the newest first."""
        rows = self._file.read("SELECT person, version, at FROM members ORDER BY at DESC, person")
        return [Member(row[0], row[1], float(row[2])) for row in rows]
