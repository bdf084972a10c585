"""The manifest of a grid: everything that was asked and what came of it, as JSON, enough to rebuild the grid. No key, no paths.

Rebuilding it sends nothing and costs nothing: with the same ledger every video is found there.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..._version import __version__
from ...api.fields import FIELDS, TAKE
from ...errors import InvalidRequest, one_line
from ...snapshot import EXPORTED
from ...tracking.ledger.vote import Vote
from ...tracking.session import Session
from ..axes import AS_WRITTEN, MOST_CELLS, Axes, value_key
from ..included import Included
from ..judging import registrations_of, votes_on
from ..picture import GridPicture, Origin
from ..registering.deviations import summary
from ..values import check_takes
from .table import TIMES, UNMEASURED, distinct, iso, table_of

FORMAT, VERSION = "seedance_nb grid", 1
_SHA256 = re.compile("[0-9a-f]{64}")
_JOB = ("status", "reused", "request_id", "job", "credits", "credits_now", *(n for n in EXPORTED if n not in TIMES))
_CLIP = {
    "clip": "file",
    "sha256": "sha256",
    "width": "width",
    "height": "height",
    "fps": "fps",
    "clip_seconds": "seconds",
}


def manifest_of(picture: GridPicture, session: Session) -> dict[str, Any]:
    """The manifest of these cells, made of plain JSON values."""
    table = table_of(picture, session)
    rows = table.rows
    own = distinct(rows)
    own_names = [name for name in picture.names if name not in picture.added]
    cells = []
    for tile, row in zip(picture.tiles, rows, strict=True):
        request = tile.cell.request
        cells.append(
            {
                "values": {name: _plain(tile.cell.values.get(name)) for name in picture.names},
                "request": None if request is None else {name: _plain(getattr(request, name)) for name in FIELDS},
                TAKE: row[TAKE],
                "invalid": tile.cell.invalid,
                **{name: row[name] for name in _JOB},
                **{name: iso(row[name]) for name in TIMES},
                "epoch": {name: row[name] for name in TIMES},
                **{name: row[name] for name in ("waited_seconds", "queued_seconds", "render_seconds")},
                "clip": {to: row[name] for name, to in _CLIP.items()} | {"bytes": row["bytes"]}
                if row["clip"]
                else None,
                "error": row["error"],
                **({"measures": _measured(row, table.measured)} if table.measured else {}),
                **({"made_elsewhere": _plain(dataclasses.asdict(tile.origin))} if tile.origin is not None else {}),
            }
        )
    counts = dataclasses.asdict(picture.counts)
    return {
        "format": FORMAT,
        "version": VERSION,
        "package": f"seedance_nb {__version__}",
        "exported_at": iso(dt.datetime.now(dt.UTC).timestamp()),
        "service": session.settings.base_url,
        "axes": [{"name": name, "values": [_plain(v) for v in picture.levels(name)]} for name in own_names],
        "counts": counts | {"videos": len(own)},
        "credits": sum(row["credits"] or 0.0 for row in own),
        "credits_now": picture.credits,
        "votes": summary_of(votes_on(picture, session)),
        **({"measures": {column.name: column.measure for column in picture.columns}} if picture.columns else {}),
        "registrations": summary(registrations_of(picture, session)),
        "cells": cells,
    }


def _measured(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What was measured, None where there is no number (JSON knows no NaN), and what failed."""
    found = {name: row[name] if math.isfinite(row[name]) else None for name in names}
    return {"values": found, UNMEASURED: row[UNMEASURED]}


def read_manifest(path: Path) -> tuple[Axes, tuple[Included, ...]]:
    """The axes of the grid that a manifest describes, and the clips made elsewhere that stood on it, without their files. Raises
    InvalidRequest for a file that is none.
    """
    trouble = ""
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            trouble = "it is no manifest of a grid"
        elif found.get("version") != VERSION:
            trouble = "a newer version of seedance_nb wrote it: upgrade seedance_nb"
        elif not found["cells"] or len(found["cells"]) > MOST_CELLS:
            trouble = f"it holds no cells, or more than {MOST_CELLS:,}"
        else:
            names = tuple(str(axis["name"]) for axis in found["axes"])
            own = [cell for cell in found["cells"] if not cell.get("made_elsewhere")]
            included = tuple(_included(cell) for cell in found["cells"] if cell.get("made_elsewhere"))
            if own:
                return _axes_of([_row(cell) for cell in own], names), included
            trouble = "all its clips were made elsewhere, and a grid needs a cell of its own"
    except OSError as error:
        trouble = error.strerror or str(error)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        trouble = "it is damaged, or no manifest of a grid"
    raise InvalidRequest(f"{one_line(path.name, 80)} cannot be read ({trouble}); grid.export('….json') writes one")


def summary_of(votes: Sequence[Vote]) -> dict[str, Any] | None:
    """How many votes by how many raters on which aspects; None without any."""
    if not votes:
        return None
    return {
        "votes": len(votes),
        "raters": len({vote.rater for vote in votes}),
        "aspects": dict(Counter(vote.aspect for vote in votes)),
        "choices": dict(Counter(vote.choice.value for vote in votes)),
        "repeats": sum(vote.repeats is not None for vote in votes),
        "first_at": iso(min(vote.at for vote in votes)),
        "last_at": iso(max(vote.at for vote in votes)),
    }


def _row(cell: Mapping[str, Any]) -> dict[str, Any]:
    values = {str(name): _tuples(value) for name, value in cell["values"].items()}
    row = {name: value for name, value in values.items() if name not in FIELDS}
    if "prompt" in values:
        row[AS_WRITTEN] = values["prompt"]
    request = cell["request"]
    # A cell that made no request stays one that makes none, whatever defaults might make of its values.
    row |= (
        {"prompt": None}
        if request is None
        else {name: _tuples(request[name]) for name in FIELDS if name != "extra"}
        | ({"extra": request["extra"]} if request.get("extra") else {})
    )
    row[TAKE] = int(cell[TAKE])
    return row


def _included(cell: Mapping[str, Any]) -> Included:
    told = cell["made_elsewhere"]
    values = {str(name): _tuples(value) for name, value in cell["values"].items() if name != TAKE}
    sha256, prompt = told["sha256"], cell["request"]["prompt"]
    if not isinstance(prompt, str) or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ValueError("a clip made elsewhere has no sha256, or no prompt")
    return Included(
        Origin(sha256, one_line(told["name"], 200), {str(name): value for name, value in told["labels"].items()}),
        values=values,
        prompt=prompt,
        take=check_takes(cell[TAKE]),
        clip=None,
    )


def _axes_of(rows: Sequence[dict[str, Any]], names: tuple[str, ...]) -> Axes:
    """Rows that have takes 1 to n each, in order, become n takes of fewer rows: they can be extended like any other grid."""
    groups: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for row in rows:
        rest = {name: value for name, value in row.items() if name != TAKE}
        groups.setdefault(value_key(rest), (rest, []))[1].append(row[TAKE])
    takes = max(len(found) for _, found in groups.values())
    made = tuple(rest for rest, _ in groups.values())
    folded = [{**rest, TAKE: take} for rest in made for take in range(1, takes + 1)]
    if folded == list(rows):
        return Axes(rows=made, takes=takes, raw=True, shown=names)
    return Axes(rows=tuple(rows), raw=True, shown=names)


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """The value as JSON has it; what JSON has no word for as text."""
    return json.loads(json.dumps(value, default=str, ensure_ascii=False))
