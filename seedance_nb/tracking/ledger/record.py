"""A row of the ledger's table of jobs, as the program has it, and as cells of a table. Pure; every store of the ledger can use it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from ...api.models import Status, VideoRequest
from ...snapshot import Kept

FREE_AGAIN = ("failed", "cancelled", "rejected")
"""Statuses after which the same request and take may be tried anew; all others hold their place."""
VERDICTS = ("succeeded", "failed", "cancelled")
"""What the service has said of the end of a generation."""
_PROGRESS: Mapping[str, int] = {
    "submitting": 0, "unknown": 1, "rejected": 1, "queued": 2, "processing": 3, "failed": 4, "cancelled": 4, "succeeded": 5,
}  # fmt: skip
"""How much each status knows: of two versions of a row, the one that knows more is the newer one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record(Kept):
    """One row of `jobs`: what the picture of a job has too (see `Kept`), and what only the ledger knows.

    `clip` holds the facts of a Clip with paths relative to the clips folder, `error` the text of one.
    """

    account: str
    base_url: str
    error: str | None = None
    error_kind: str | None = None
    owner: str | None = None
    """Whose create it was."""
    follower: str | None = None
    """Who asks the service how it is; None where nobody does, or it has ended."""
    notebook: str | None = None
    sent_at: float | None = None
    day: str | None = None
    """On which day (UTC, by the ledger's clock) it was claimed: what it costs counts there against limits. None where it was sent from elsewhere."""
    reserved: float | None = None
    """Credits it may cost at most, where a limit held when it was claimed."""
    clip: Mapping[str, Any] | None = None


COLUMNS = tuple(f.name for f in dataclasses.fields(Record))
CHANGEABLE = frozenset(COLUMNS) - {"key", "account", "request", "take", "created_at"}
BESIDE_A_VERDICT = (
    "clip",
    "checked_at",
    "credits",
    "request_id",
    "accepted_at",
    "answer_extra",
    "starred",
    "noted",
    "follower",
)
"""What may still be written when the service has said how a generation ended."""


def knows_as_much(row: Any, known: Record) -> bool:
    """Whether the file's version of a row (its cells by column) is at least as new as ours: another process may have written more."""
    if row["status"] in VERDICTS and known.status in VERDICTS and known.clip is None:
        return True  # which of two verdicts is the newer one the file knows
    has, knows = _PROGRESS[row["status"]], _PROGRESS[known.status]
    has_all = (row["clip"] is not None or known.clip is None) and (row["sent_at"] is not None or known.sent_at is None)
    return has > knows or (has == knows and has_all)


def not_taken_back(known: Record, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The changes, or what may still be said beside a verdict of the service."""
    said = changes.get("status", known.status)
    if known.status not in VERDICTS or said == known.status or (said in VERDICTS and known.clip is None):
        return changes
    return {name: value for name, value in changes.items() if name in BESIDE_A_VERDICT}


# As cells ----------------------------------------------------------------------------------------


def cells_of(record: Record) -> dict[str, Any]:
    """By column; those that are only searched by stand at the end."""
    row = {name: cell_of(getattr(record, name)) for name in COLUMNS}
    request = record.request
    return row | {
        "request_hash": request.canonical_hash(),
        "model": request.model,
        "duration": request.duration,
        "resolution": request.resolution,
    }


def cell_of(value: Any) -> Any:
    """One value of a Record as a table can hold it: a number, a text, or None."""
    if isinstance(value, VideoRequest):
        return json.dumps(value.to_wire(), ensure_ascii=False, sort_keys=True)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, Status):
        return value.value
    return int(value) if isinstance(value, bool) else value


_READ: Mapping[str, Callable[[Any], Any]] = {
    "request": lambda cell: VideoRequest.from_wire(json.loads(cell)),
    "status": Status,
    **{
        f.name: lambda cell: json.loads(cell) if cell else None
        for f in dataclasses.fields(Record)
        if f.type.startswith("Mapping")
    },
    **{f.name: bool for f in dataclasses.fields(Record) if f.type == "bool"},
}
"""How a cell becomes the value it was made of; all others are that value."""


def record_of(row: Any) -> Record:
    """The Record of a row that has its cells by column."""
    facts = {name: row[name] for name in COLUMNS}
    for name, read in _READ.items():
        facts[name] = read(facts[name])
    return Record(**facts)
