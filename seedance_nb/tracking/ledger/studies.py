"""What a study keeps beside its votes: the pages that were given out, what signs them, what hides its raters, what was left out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .ledger_file import Connection, LedgerFile

_SIGNING = "ballots"
_NOTE = (  # a file that is added again says no more than it did
    "INSERT INTO left_out VALUES (?, ?, ?, ?) ON CONFLICT (ballot, reason) DO UPDATE SET answers = MAX(answers, excluded.answers)"
)
_KEYS = "(SELECT value FROM json_each(?1))"


@dataclass(frozen=True, slots=True)
class Issued:
    """A page that was given out."""

    rater: str
    """The pseudonym that it proposes."""
    clips: Mapping[str, str]
    """What its clips are, by the names they go by in the page: keys of jobs, as in a `Vote`."""


class Studies:
    """Secrets and pages in the file."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def signing_secret(self) -> bytes:
        """What signs the pages of this ledger; made at the first call, and never written anywhere else."""
        with self._file.transaction() as db:
            return _secret(db, _SIGNING)

    def salt(self, keys: Iterable[str]) -> bytes:
        """What hides the raters of the study that these jobs belong to. More clips of a study get the salt that it has."""
        listed = json.dumps(list(keys))
        with self._file.transaction() as db:
            found = db.execute(
                f"SELECT study FROM studies WHERE key IN {_KEYS} ORDER BY rowid LIMIT 1", (listed,)
            ).fetchone()
            study = found[0] if found is not None else secrets.token_hex(16)
            db.execute("INSERT OR IGNORE INTO studies SELECT value, ?2 FROM json_each(?1)", (listed, study))
            return _secret(db, f"study {study}")

    def issue(self, ballot: str, issued: Issued, at: float) -> None:
        """Remember a page that is given out."""
        row = (ballot, issued.rater, json.dumps(dict(issued.clips)), at)
        with self._file.transaction() as db:
            db.execute("INSERT INTO ballots (id, rater, clips, at) VALUES (?, ?, ?, ?)", row)

    def issued(self, ballot: str) -> Issued | None:
        """The page with this id; None where this ledger has given out no such page, or its rater has withdrawn."""
        rows = self._file.read("SELECT rater, clips FROM ballots WHERE id = ?", (ballot,))
        return Issued(rows[0][0], json.loads(rows[0][1])) if rows else None

    def is_withdrawn(self, ballot: str) -> bool:
        """Whether the rater of this page has withdrawn."""
        return bool(self._file.read("SELECT 1 FROM withdrawn WHERE id = ?", (ballot,)))

    def raters(self) -> set[str]:
        """All names that votes or pages have, so that no two people get the same."""
        return {row[0] for row in self._file.read("SELECT rater FROM votes UNION SELECT rater FROM ballots")}

    def note_left_out(self, ballot: str, key: str, answers: Mapping[str, int]) -> None:
        """Remember how many answers of a page were left out, by reason, if it is more than was noted before. `key` is one of its jobs."""
        with self._file.transaction() as db:
            db.executemany(_NOTE, [(ballot, key, *item) for item in answers.items()])

    def left_out(self, keys: Iterable[str]) -> dict[str, int]:
        """How many answers on these jobs' clips were left out, by reason."""
        query = f"SELECT reason, SUM(answers) FROM left_out WHERE key IN {_KEYS} GROUP BY reason ORDER BY reason"
        return {row[0]: row[1] for row in self._file.read(query, (json.dumps(list(keys)),))}


def _secret(db: Connection, name: str) -> bytes:
    db.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", (name, secrets.token_hex(32)))
    return bytes.fromhex(db.execute("SELECT secret FROM secrets WHERE name = ?", (name,)).fetchone()[0])
