"""Races: when one began, what each of its looks decided, and what it has been charged. A decision that is written stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .ledger_file import LedgerFile
from .record import FREE_AGAIN


@dataclass(frozen=True, slots=True)
class Charge:
    """What one job of a race cost. `credits` None: it may have been accepted, and nobody has said for how much."""

    request_hash: str
    take: int
    credits: float | None


class Races:
    """The tables of races in the file. `race` is what one is known by: made of all that defines it."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def begin(self, race: str, design: Mapping[str, Any], at: float) -> int:
        """The number of the newest job there was when this race began: all later ones are its own. The first beginning counts."""
        with self._file.transaction() as db:
            db.execute(
                "INSERT INTO races SELECT ?, ?, COALESCE(MAX(number), 0), ? FROM jobs WHERE true ON CONFLICT (id) DO NOTHING",
                (race, json.dumps(design, ensure_ascii=True), at),
            )
            return int(db.execute("SELECT after FROM races WHERE id = ?", (race,)).fetchone()[0])

    def design(self, race: str) -> dict[str, Any]:
        """What it was begun with; empty before that."""
        rows = self._file.read("SELECT design FROM races WHERE id = ?", (race,))
        return json.loads(rows[0][0]) if rows else {}

    def decide(self, race: str, number: int, found: Mapping[str, Any], at: float) -> dict[str, Any]:
        """What round `number` (from 1) has decided: this, or what was written before."""
        with self._file.transaction() as db:
            db.execute(
                "INSERT INTO race_rounds VALUES (?, ?, ?, ?) ON CONFLICT (race, number) DO NOTHING",
                (race, number, json.dumps(found, ensure_ascii=True), at),
            )
            query = "SELECT found FROM race_rounds WHERE race = ? AND number = ?"
            written: dict[str, Any] = json.loads(db.execute(query, (race, number)).fetchone()[0])
            return written

    def rounds(self, race: str) -> list[dict[str, Any]]:
        """What its rounds have decided, in order."""
        rows = self._file.read("SELECT found FROM race_rounds WHERE race = ? ORDER BY number", (race,))
        return [json.loads(row[0]) for row in rows]

    def charges(self, race: str, account: str, hashes: Iterable[str]) -> list[Charge]:
        """Every job of these requests since the race began, all tries: what it cost. Empty before it has begun."""
        query = (
            "SELECT request_hash, take, credits, status FROM jobs WHERE account = ?1"
            " AND number > (SELECT after FROM races WHERE id = ?2) AND request_hash IN (SELECT value FROM json_each(?3))"
        )
        found = self._file.read(query, (account, race, json.dumps(list(hashes))))
        return [Charge(row[0], row[1], 0.0 if row[2] is None and row[3] in FREE_AGAIN else row[2]) for row in found]
