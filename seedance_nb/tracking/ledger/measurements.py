"""The ledger's table of measurements: what a measure said of a file, so that nobody measures the same file with the same measure again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping

from .ledger_file import LedgerFile

_KNOWN = (
    "SELECT subject, found FROM measurements WHERE name = ? AND version = ? AND source = ?"
    " AND subject IN (SELECT value FROM json_each(?))"
)
_KEEP = (
    "INSERT INTO measurements (subject, name, version, source, found, at) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (name, version, source, subject) DO UPDATE SET found = excluded.found, at = excluded.at"
)


class Measurements:
    """By name, version and source hash of a measure, and the sha256 of the file. Failures are not kept: they are tried again."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def known(self, name: str, version: str, source: str, subjects: Iterable[str]) -> dict[str, dict[str, float]]:
        """What this measure said of those of these files that it has measured: numbers by key, "" for a plain number."""
        rows = self._file.read(_KNOWN, (name, version, source, json.dumps(list(subjects))))
        return {row[0]: json.loads(row[1]) for row in rows}

    def keep(self, name: str, version: str, source: str, found: Mapping[str, Mapping[str, float]]) -> None:
        """Remember what it said of these files, all or none."""
        now = time.time()
        rows = [(subject, name, version, source, json.dumps(dict(values)), now) for subject, values in found.items()]
        with self._file.transaction() as db:
            db.executemany(_KEEP, rows)
