"""A grid as a table: one row a cell, everything that is known of it, for CSV, manifests, DataFrames and methods sections."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...api.fields import FIELDS, TABLE, TAKE
from ...errors import ConfigurationError, one_line
from ...pages.words import MADE_ELSEWHERE
from ...snapshot import EXPORTED, Durations, durations
from ...tracking.ledger.record import Record
from ...tracking.session import Session
from ..axes import Cell
from ..picture import GridPicture, Tile, column_names


def _exported(kind: str) -> tuple[str, ...]:
    """What a job's own fields add to the columns of this type, moments aside."""
    return tuple(name for name, of in EXPORTED.items() if of.split()[0] == kind and not name.endswith("_at"))


_OWN_TIMES = ("created_at", "accepted_at", "processing_at", "finished_at", "noticed_at")
TIMES = (*_OWN_TIMES, *(name for name in EXPORTED if name.endswith("_at")))
"""Epoch seconds. `finished_at` is empty where nobody looked on when it ended; `noticed_at` is when that was seen then."""
NUMBERS = (
    *("credits", "credits_now"),
    *_exported("float"),
    *("waited_seconds", "queued_seconds", "render_seconds", "clip_seconds", "fps"),
)
BOOLEANS = ("reused", "made_elsewhere", *_exported("bool"))
COUNTS = ("cell", *(f.name for f in TABLE if f.kind == "number"), TAKE, "width", "height", "bytes", *_exported("int"))
TEXTS = (
    *(f.name for f in TABLE if f.kind in ("prompt", "word")),
    "status",
    "request_id",
    "job",
    "clip",
    "sha256",
    "error",
    *_exported("str"),
)
UNMEASURED = "unmeasured"
"""The column that says what a measure failed on; it is there where anything was measured, and the last one."""


@dataclasses.dataclass(frozen=True)
class Table:
    """`rows` are dicts with the same keys: the axes first, then the request, the job, the clip. None where nothing is known.

    `credits` is what a video cost when it was made, `credits_now` what this grid was charged (0 for what the ledger had).
    Times are epoch seconds; `waited_seconds` is from the intention to the end, `queued_seconds` from the acceptance to the beginning
    of the making, `render_seconds` from there to the end (see `snapshot.durations`). What no look saw is None. A column of an axis that would hide another is
    named `axis_…`.
    """

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    measured: tuple[str, ...] = ()
    """The columns that measures have added at the end; NaN where there is no number, and `UNMEASURED` says why where one failed."""


def table_of(picture: GridPicture, session: Session) -> Table:
    """Everything known of the cells of a picture."""
    known = session.settings
    folder = known.ledger.parent if isinstance(known.ledger, Path) else known.home
    return make_table(picture, paid_for(picture, session), known.home, folder, known.clips)


def paid_for(picture: GridPicture, session: Session) -> dict[str, Record]:
    """The ledger's rows of what was reused, by key: what it cost then is not in its snapshot."""
    keys = [tile.snapshot.key for tile in picture.tiles if tile.snapshot is not None and tile.snapshot.reused]
    return session.ask_ledger(lambda ledger: ledger.browsing.with_keys(keys)) if keys else {}


def make_table(picture: GridPicture, paid: Mapping[str, Record], *places: Path) -> Table:
    """The table of a picture. `places` are cut out of error texts: no path of this machine leaves it. Pure."""
    hidden = tuple(map(str, places))
    facts = [_facts(tile, paid, hidden) for tile in picture.tiles]
    own = tuple(_facts(Tile(Cell(0, {}, None, 1)), {}, ()))
    hides = {*own, UNMEASURED} if picture.columns else set(own)
    # The value on the axis is that of the request, but for prompts: the axis has the template, the request the finished text.
    same = {name for name in (*FIELDS, TAKE) if name != "prompt"}
    names = {name: name if name in same or name not in hides else f"axis_{name}" for name in picture.names}
    rows = []
    for tile, fact in zip(picture.tiles, facts, strict=True):
        axes = {names[name]: tile.cell.values.get(name) for name in picture.names}
        rows.append({**axes, **({**fact, **axes} if tile.cell.request is None else fact)})
    columns = tuple(dict.fromkeys([*names.values(), *own]))
    if not picture.columns:
        return Table(columns, tuple(rows))
    added = column_names([column.name for column in picture.columns], [*columns, UNMEASURED])
    for tile, row in zip(picture.tiles, rows, strict=True):
        job = "" if tile.snapshot is None else tile.snapshot.key
        row |= {added[column.name]: column.values.get(job, math.nan) for column in picture.columns}
        failed = {column.name: column.failures[job] for column in picture.columns if job in column.failures}
        told = "; ".join(f"{name}: {why}" for name, why in failed.items())
        row[UNMEASURED] = _without(told, hidden) or None
    return Table((*columns, *added.values(), UNMEASURED), tuple(rows), tuple(added.values()))


def frame_of(table: Table) -> Any:
    """The table as a pandas DataFrame: nullable numbers, times as UTC timestamps. Raises ConfigurationError without pandas."""
    try:
        import pandas as pd  # type: ignore[import-untyped]
    except ImportError:
        raise ConfigurationError("pandas is not installed: pip install 'seedance_nb[pandas]' brings it") from None
    made = {}
    for name in table.columns:
        values = [row.get(name) for row in table.rows]
        if name in table.measured:
            made[name] = pd.Series(values, dtype="float64")
        elif name in TIMES:
            made[name] = pd.to_datetime(pd.Series(values, dtype="Float64"), unit="s", utc=True)
        elif name in BOOLEANS:
            made[name] = pd.Series(values, dtype="boolean")
        elif name in NUMBERS:
            made[name] = pd.Series(values, dtype="Float64")
        elif name in COUNTS and all(value is None or type(value) is int for value in values):
            made[name] = pd.Series(values, dtype="Int64")
        elif name in (*TEXTS, UNMEASURED) and all(value is None or isinstance(value, str) for value in values):
            made[name] = pd.Series(values, dtype="string")
        else:
            made[name] = pd.Series(values, dtype=object).infer_objects()
    return pd.DataFrame(made, columns=list(table.columns))


def standing_of(tile: Tile) -> str:
    """The status of a cell in a word: that of its job, or "invalid", or "not submitted"."""
    if tile.cell.invalid is not None:
        return "invalid"
    if tile.origin is not None:
        return MADE_ELSEWHERE
    return "not submitted" if tile.snapshot is None else tile.snapshot.status.value


def _without(text: str, hidden: tuple[str, ...]) -> str:
    for place in sorted(hidden, key=len, reverse=True):
        text = text.replace(place, "…")
    return text


def _facts(tile: Tile, paid: Mapping[str, Record], hidden: tuple[str, ...]) -> dict[str, Any]:
    request, snapshot, clip = tile.cell.request, tile.snapshot, tile.clip
    said = tile.cell.invalid or (snapshot.error if snapshot is not None else None)
    fields = {name: getattr(request, name, None) for name in FIELDS}
    took = Durations() if snapshot is None else durations(snapshot)
    times = {name: getattr(snapshot, name, None) for name in TIMES}
    times |= {"finished_at": took.ended_at, "noticed_at": None if took.ended_at else times["finished_at"]}
    row = paid.get(snapshot.key) if snapshot is not None and snapshot.reused else None
    now = None if snapshot is None else snapshot.credits
    return {
        "cell": tile.cell.index + 1,
        **fields,
        TAKE: tile.cell.take if snapshot is None else snapshot.take,
        "status": standing_of(tile),
        "reused": None if snapshot is None else snapshot.reused,
        "made_elsewhere": tile.origin is not None,
        "request_id": None if snapshot is None else snapshot.request_id,
        "job": None if snapshot is None else snapshot.key,
        "credits": now if row is None else row.credits,
        "credits_now": now,
        **{name: getattr(snapshot, name, None) for name in EXPORTED},
        **times,
        "waited_seconds": _rounded(took.waited),
        "queued_seconds": _rounded(took.queued),
        "render_seconds": _rounded(took.rendered),
        "clip": None if clip is None else clip.path.name,
        "sha256": None if clip is None else clip.sha256,
        "width": None if clip is None else clip.width,
        "height": None if clip is None else clip.height,
        "fps": None if clip is None else clip.fps,
        "clip_seconds": None if clip is None else clip.seconds,
        "bytes": None if clip is None else clip.size,
        "error": None if said is None else _without(one_line(said), hidden),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def distinct(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows that stand for a video of their own: cells that share one job are counted once, those without a job not."""
    return list({row["job"]: row for row in reversed(rows) if row["job"] is not None}.values())[::-1]


def iso(seconds: float | None) -> str | None:
    """Epoch seconds as UTC in ISO 8601, to the millisecond."""
    if not seconds:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
