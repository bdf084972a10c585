"""The ledger's table of registrations: texts that are kept for good, in the order in which they came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence

from .ledger_file import LedgerFile

_VOTES = (
    "WITH clips(key) AS MATERIALIZED (SELECT key FROM jobs WHERE request_hash IN (SELECT value FROM json_each(?)))"
    " SELECT COUNT(*) FROM votes WHERE left_key IN (SELECT key FROM clips) AND +right_key IN (SELECT key FROM clips)"
    " AND kind = 'vote'"
)
_TEXTS = "SELECT text FROM registrations ORDER BY number"


class Registrations:
    """Texts by their SHA-256. No row is ever changed or deleted: the file itself refuses it."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def add(self, requests: Collection[str], write: Callable[[Sequence[str], int], str]) -> str:
        """See `contract.Registrations`."""
        with self._file.transaction() as db:
            texts = [row[0] for row in db.execute(_TEXTS)]
            votes = int(db.execute(_VOTES, (json.dumps(list(requests)),)).fetchone()[0])
            text = write(texts, votes)
            if text not in texts:
                db.execute(
                    "INSERT INTO registrations (sha256, text) VALUES (?, ?)",
                    (hashlib.sha256(text.encode("utf-8")).hexdigest(), text),
                )
            return text

    def texts(self) -> list[str]:
        """All that were ever registered, oldest first."""
        return [str(row[0]) for row in self._file.read(_TEXTS)]
