"""The ledger's table of votes: rows <-> `Vote`, and the few queries over them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .ledger_file import LedgerFile
from .vote import Choice, Vote

_COLUMNS = "id, rater, aspect, left_key, right_key, choice, at, repeats, source"
_INSERT = f"INSERT INTO votes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
_AMONG = (  # the + keeps SQLite from trying every left key with every right key
    f"SELECT {_COLUMNS} FROM votes WHERE left_key IN (SELECT value FROM json_each(?1))"
    " AND +right_key IN (SELECT value FROM json_each(?1)) AND withdrawn = 0 ORDER BY at, id"
)


class BallotBox:
    """Votes in the file. One taken back stays as a row, or adding its ballot file once more would bring it back."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def add(self, votes: Iterable[Vote]) -> int:
        """Keep those whose id is new, all or none; how many that were."""
        with self._file.transaction() as db:
            return sum(db.execute(_INSERT, _row(vote)).rowcount for vote in votes)

    def withdraw(self, vote_id: str) -> bool:
        """Take one back for good; False where there is none with this id that counts."""
        with self._file.transaction() as db:
            return db.execute("UPDATE votes SET withdrawn = 1 WHERE id = ? AND withdrawn = 0", (vote_id,)).rowcount == 1

    def among(self, keys: Iterable[str]) -> list[Vote]:
        """Those that compare two of these jobs and count, oldest first."""
        return [_vote(row) for row in self._file.read(_AMONG, (json.dumps(list(keys)),))]


def _row(vote: Vote) -> tuple[Any, ...]:
    pair = (vote.left, vote.right, Choice(vote.choice).value, float(vote.at))
    return (vote.id, _storable(vote.rater), _storable(vote.aspect), *pair, vote.repeats, _storable(vote.source))


def _storable(text: str) -> str:
    """A name typed by a person may hold half a character, which UTF-8 and so SQLite refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _vote(row: Any) -> Vote:
    return Vote(row[0], row[1], row[2], row[3], row[4], Choice(row[5]), row[6], row[7], row[8])
