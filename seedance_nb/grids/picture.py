"""What everybody but the grid itself sees of it: an immutable picture of one moment, for boards, walls and exports. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..api.models import Status
from ..clips.clip import Clip
from ..snapshot import Snapshot
from .axes import Cell, Identity, levels
from .cells import Cells


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """Where a clip comes from that was made elsewhere: its content, what its file was called, the labels that somebody gave it."""

    sha256: str
    name: str
    labels: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """One cell with what is known of its job; `snapshot` is None until it was submitted."""

    cell: Cell
    snapshot: Snapshot | None = None
    origin: Origin | None = None
    """Of a clip made elsewhere, where from: no job of this grid has made it, and none ever will."""

    @property
    def clip(self) -> Clip | None:
        """Its verified MP4, once it is on disk."""
        return self.snapshot.clip if self.snapshot is not None else None


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """How many cells stand where. Cells that share one video count each."""

    cells: int = 0
    done: int = 0
    running: int = 0
    failed: int = 0
    """Failed, cancelled, refused, or made but not downloaded: what `retry` takes up."""
    unknown: int = 0
    invalid: int = 0
    waiting: int = 0
    """Not submitted yet."""


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """What a measure said of the clips, by the keys of their jobs: numbers, and one line of why not for those that it failed on."""

    name: str
    values: Mapping[str, float]
    failures: Mapping[str, str] = dataclasses.field(default_factory=dict)
    measure: str = ""
    """What measured, with its version, for who reports it: "flicker of seedance_nb 0.1.0"."""


@dataclasses.dataclass(frozen=True, slots=True)
class GridPicture:
    """A grid at one moment. `names` are its axes in order, `tiles` its cells in the order of the plan."""

    names: tuple[str, ...]
    tiles: tuple[Tile, ...]
    submitted: bool = False
    credits: float = 0.0
    """Credits charged to this grid so far; what was reused counts 0."""
    expected_seconds: float | None = None
    """How long until all is done, learned from the ledger; None: no idea."""
    columns: tuple[Column, ...] = ()
    """What was measured, in the order of asking."""
    called: str = "grid"
    """What people call it, and its usual variable."""
    remark: str = ""
    """A sentence to be read below the wall."""
    added: tuple[str, ...] = ()
    """Those of `names` that are no axes of the grid: clips made elsewhere have brought them."""

    def levels(self, name: str) -> tuple[Any, ...]:
        """The different values on an axis, in the order of the cells."""
        return levels((tile.cell for tile in self.tiles), name)

    def measured(self, tile: Tile) -> str:
        """What measures said of this cell's clip, or why they did not: "flicker 0.12 · faces not measured: returned None"."""
        job = "" if tile.snapshot is None else tile.snapshot.key
        told = []
        for column in self.columns:
            if job in column.values:
                told.append(f"{column.name} {column.values[job]:,.4g}")
            elif job in column.failures:
                told.append(f"{column.name} not measured: {column.failures[job]}")
        return " · ".join(told)

    @property
    def keys(self) -> list[str]:
        """The keys of all jobs, each once."""
        return list(dict.fromkeys(tile.snapshot.key for tile in self.tiles if tile.snapshot is not None))

    @property
    def lost(self) -> int:
        """How many clips made elsewhere have no file on this machine; they count as failed, and no retry brings them back."""
        return sum(tile.origin is not None and tile.clip is None for tile in self.tiles)

    @property
    def counts(self) -> Counts:
        """How many cells stand where."""
        found = [_standing(tile) for tile in self.tiles]
        return Counts(len(found), **{name: found.count(name) for name in set(found)})

    @property
    def is_settled(self) -> bool:
        """Whether nothing more comes by itself."""
        counts = self.counts
        return self.submitted and not counts.running and not counts.waiting

    def __str__(self) -> str:
        sizes = [f"{name} {len(self.levels(name))}" for name in self.names]
        of = f" ({' × '.join(sizes)})" if sizes else ""
        cells = f"{len(self.tiles)} cell{'s' if len(self.tiles) != 1 else ''}"
        return f"{cells}{of}: {_in_words(self)}"


def picture_of(
    laid: Cells,
    snapshots: Mapping[Identity, Snapshot],
    past: Iterable[Snapshot],
    *,
    is_submitted: bool,
    expected_seconds: float | None,
    columns: tuple[Column, ...] = (),
    called: str = "grid",
    remark: str = "",
) -> GridPicture:
    """The picture of these cells; `past` are earlier tries, which may have cost something."""
    identities = zip(laid.cells, laid.identities, strict=True)
    return GridPicture(
        names=laid.axes.names,
        tiles=tuple(Tile(cell, None if identity is None else snapshots.get(identity)) for cell, identity in identities),
        submitted=is_submitted,
        credits=sum(snapshot.credits or 0.0 for snapshot in [*snapshots.values(), *past]),
        expected_seconds=expected_seconds,
        columns=columns,
        called=called,
        remark=remark,
    )


def _in_words(picture: GridPicture) -> str:
    counts = picture.counts
    if not picture.submitted:
        return f"not submitted, {counts.invalid} invalid" if counts.invalid else "not submitted"
    parts = ((name, getattr(counts, name)) for name in ("done", "running", "failed", "unknown", "invalid", "waiting"))
    said = ", ".join(f"{count} {name}" for name, count in parts if count) or "nothing to do"
    return f"{said}, {picture.credits:,.6g} credits"


def _standing(tile: Tile) -> str:
    snapshot = tile.snapshot
    if tile.cell.invalid is not None:
        return "invalid"
    if snapshot is None:
        return "waiting"
    if not snapshot.is_settled:
        return "running"
    if snapshot.clip is not None:
        return "done"
    return "unknown" if snapshot.status is Status.UNKNOWN else "failed"


def column_names(columns: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """What the columns of measures are called in a table that has other columns: one that would hide another is named `measure_…`."""
    names, used = {}, set(taken)
    for column in columns:
        name = column
        while name in used:
            name = f"measure_{name}"
        used.add(name)
        names[column] = name
    return names


def guess_layout(names: Sequence[str], sizes: dict[str, int]) -> tuple[str | None, str | None]:
    """(rows, columns) for a first look: of the axes that vary, the first goes down and the last goes across."""
    varied = [name for name in names if sizes.get(name, 1) > 1]
    if not varied:
        return None, None
    if len(varied) == 1:
        return None, varied[0]
    return varied[0], varied[-1]
