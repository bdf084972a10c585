"""The ledger's table of votes: rows <-> `Vote`, and the few queries over them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .ledger_file import Connection, LedgerFile
from .vote import Choice, Kind, Vote, damaged

_COLUMNS = (
    "id, rater, aspect, left_key, right_key, choice, at, repeats, source, seconds, plays, kind, ballot"  # as in `Vote`
)
_INSERT = (
    f"INSERT INTO votes ({_COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13"
    " WHERE NOT EXISTS (SELECT 1 FROM withdrawn WHERE id IN (?1, ?13)) ON CONFLICT (id) DO NOTHING"
)
_BETWEEN = (  # the + keeps SQLite from trying every left key with every right key
    "left_key IN (SELECT value FROM json_each(?1)) AND +right_key IN (SELECT value FROM json_each(?1))"
)
_AMONG = f"SELECT {_COLUMNS} FROM votes WHERE {_BETWEEN} AND kind = 'vote' ORDER BY at, id"
_CONTROLS = f"SELECT {_COLUMNS} FROM votes WHERE {_BETWEEN} AND kind != 'vote' ORDER BY at, id"
_OF_RATER = f"SELECT id, ballot FROM votes WHERE {_BETWEEN} AND rater = ?2"


class BallotBox:
    """Votes in the file. Of one taken back nothing stays but its id, or adding its ballot file once more would bring it back."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def add(self, votes: Iterable[Vote]) -> int:
        """Keep those whose id is new, all or none; how many that were."""
        with self._file.transaction() as db:
            return sum(db.execute(_INSERT, _row(vote)).rowcount for vote in votes)

    def withdraw(self, vote_id: str) -> bool:
        """Delete one for good; False where there is none with this id."""
        with self._file.transaction() as db:
            return _delete(db, [vote_id]) == 1

    def withdraw_rater(self, rater: str, keys: Iterable[str]) -> int:
        """Delete for good all that this rater said of these jobs' clips, training and gold pairs too; how many answers that were.

        The pages they were given on are closed: what comes back from them later is not taken in.
        """
        with self._file.transaction() as db:
            found = db.execute(_OF_RATER, (_with_damaged(keys), _storable(rater))).fetchall()
            for ballot in {row["ballot"] for row in found} - {None}:
                db.execute("INSERT OR IGNORE INTO withdrawn VALUES (?)", (ballot,))
                db.execute("DELETE FROM ballots WHERE id = ?", (ballot,))
            return _delete(db, [row["id"] for row in found])

    def among(self, keys: Iterable[str]) -> list[Vote]:
        """Those that compare two of these jobs and may count, oldest first."""
        return [_vote(row) for row in self._file.read(_AMONG, (json.dumps(list(keys)),))]

    def controls(self, keys: Iterable[str]) -> list[Vote]:
        """The answers to training and gold pairs of these jobs' clips, oldest first."""
        return [_vote(row) for row in self._file.read(_CONTROLS, (_with_damaged(keys),))]

    def of_ballot(self, ballot: str) -> list[Vote]:
        """All that came back from this page, oldest first."""
        query = f"SELECT {_COLUMNS} FROM votes WHERE ballot = ? ORDER BY at, id"
        return [_vote(row) for row in self._file.read(query, (ballot,))]


def _delete(db: Connection, ids: Iterable[str]) -> int:
    deleted = 0
    for vote_id in ids:
        if db.execute("DELETE FROM votes WHERE id = ?", (vote_id,)).rowcount:
            db.execute("INSERT OR IGNORE INTO withdrawn VALUES (?)", (vote_id,))
            deleted += 1
    return deleted


def _with_damaged(keys: Iterable[str]) -> str:
    return json.dumps([name for key in keys for name in (key, damaged(key))])


def _row(vote: Vote) -> tuple[Any, ...]:
    pair = (vote.left, vote.right, Choice(vote.choice).value, float(vote.at))
    who = (vote.id, _storable(vote.rater), _storable(vote.aspect))
    return (
        *who,
        *pair,
        vote.repeats,
        _storable(vote.source),
        vote.seconds,
        vote.plays,
        Kind(vote.kind).value,
        vote.ballot,
    )


def _storable(text: str) -> str:
    """A name typed by a person may hold half a character, which UTF-8 and so SQLite refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _vote(row: Any) -> Vote:
    at, repeats, source, seconds, plays = row[6:11]
    pair = (row[3], row[4], Choice(row[5]))
    return Vote(row[0], row[1], row[2], *pair, at, repeats, source, seconds, plays, Kind(row[11]), row[12])
