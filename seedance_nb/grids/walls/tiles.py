"""What a wall says: of each cell its label, its prompt cut into words that vary, its receipt or its state. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ...api.fields import TAKE
from ...errors import InvalidRequest
from ...pages import words
from ...snapshot import Snapshot, durations
from .. import wording
from ..axes import check_axis, value_key
from ..picture import GridPicture, Tile, guess_layout
from ..wording import Piece

FIXED_LENGTH = 48
"""Characters shown of a part of a prompt that does not vary; what is longer is cut in its middle."""


@dataclasses.dataclass(frozen=True, slots=True)
class Axis:
    """One axis of the wall: its name, the name people read, and the labels of its values."""

    name: str
    title: str
    labels: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """One cell of the wall. `at` has its value on every axis, as an index into the labels of that axis."""

    number: int
    tile: Tile
    at: tuple[int, ...]
    label: str
    """All its labels: "cat · 5 s · take 2"."""
    prompt: str
    pieces: tuple[Piece, ...]
    """The prompt cut so that what varies stands alone; `alike` holds numbers of cells. Empty where all prompts are equal."""
    measured: str = ""
    """What measures said of its clip: "flicker 0.12 · faces not measured: returned None"."""


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Which axes go down, across and onto pages (indices of axes); the others share a cell."""

    rows: int | None
    columns: int | None
    pages: int | None


def axes_of(picture: GridPicture) -> tuple[Axis, ...]:
    """The axes that a wall shows: all that vary."""
    found = []
    for name in picture.names:
        levels = picture.levels(name)
        if len(levels) > 1:
            found.append(Axis(name, wording.axis_title(name), wording.labels(name, levels)))
    return tuple(found)


def places_of(picture: GridPicture, axes: Sequence[Axis]) -> tuple[Place, ...]:
    """Every cell, in the order of the plan."""
    index = {a.name: {value_key(value): i for i, value in enumerate(picture.levels(a.name))} for a in axes}
    prompts = [tile.cell.request.prompt if tile.cell.request is not None else "" for tile in picture.tiles]
    told = [i for i, prompt in enumerate(prompts) if prompt]
    vary = len({prompts[i] for i in told}) > 1
    cut = dict(zip(told, wording.pieces([prompts[i] for i in told]), strict=True)) if vary else {}
    places = []
    for number, tile in enumerate(picture.tiles):
        at = tuple(index[a.name][value_key(tile.cell.values.get(a.name))] for a in axes)
        label = " · ".join(a.labels[i] for a, i in zip(axes, at, strict=True)) or f"cell {number + 1}"
        pieces = tuple(
            dataclasses.replace(piece, alike=tuple(told[i] for i in piece.alike)) if piece.alike is not None else piece
            for piece in cut.get(number, ())
        )
        places.append(Place(number, tile, at, label, prompts[number], pieces, picture.measured(tile)))
    return tuple(places)


def choose_layout(
    picture: GridPicture, axes: Sequence[Axis], rows: str | None, columns: str | None, pages: str | None
) -> Layout:
    """The layout that was asked for, or a guess; raises InvalidRequest for names that are no axes."""
    index = {axis.name: i for i, axis in enumerate(axes)}
    chosen = [name for name in (rows, columns, pages) if name is not None]
    for name in chosen:
        check_axis(name, picture.names)
    if len(set(chosen)) < len(chosen):
        raise InvalidRequest("rows, columns and pages are three places: name each axis once")
    if rows is None and columns is None:
        sizes = {axis.name: len(axis.labels) for axis in axes if axis.name != pages}
        rows, columns = guess_layout([name for name in picture.names if name != pages], sizes)
        if rows is not None and columns is not None and _is_sparse(picture, rows, columns):
            rows = columns = None
    # An axis that does not vary is no axis of the wall.
    return Layout(*(index.get(name) if name is not None else None for name in (rows, columns, pages)))


def heading(picture: GridPicture, axes: Sequence[Axis]) -> str:
    """The axes and where the cells stand: "3 animals × 2 takes · 6 cells: 5 clips, 1 failed · 200 credits"."""
    counts = picture.counts
    across = " × ".join(f"{len(axis.labels)} {_plural(axis)}" for axis in axes)
    states = [
        _count(counts.done, "clip", "clips"),
        _count(counts.running, "running"),
        _count(counts.failed, "failed"),
        _count(counts.unknown, "outcome unknown", "outcomes unknown"),
        _count(counts.invalid, "not possible"),
        _count(counts.waiting, "not submitted"),
    ]
    told = ", ".join(state for state in states if state) or "empty"
    cells = _count(counts.cells, "cell", "cells") or "no cells"
    foreign = sum(tile.origin is not None for tile in picture.tiles)
    if foreign:
        cells += f", {foreign:,} made elsewhere"
    paid = _count_of(picture.credits, "credit") if picture.submitted else ""
    return " · ".join(part for part in (across, f"{cells}: {told}", paid) if part)


def receipt(snapshot: Snapshot) -> str:
    """What a clip cost and how long it took: "40 credits · waited 42 s · rendered in 38 s · take 1 · sha256 ab12…"."""
    clip = snapshot.clip
    took = durations(snapshot)
    facts = [
        words.MADE_ELSEWHERE if snapshot.made_elsewhere else "",
        words.credits_words(snapshot),
        words.took(snapshot, "waited") or "",
        f"rendered in {words.duration_words(took.rendered)}" if took.rendered is not None else "",
        f"take {snapshot.take}",
        "simulated" if snapshot.simulated and snapshot.reused else "",  # otherwise the credits say so
        f"sha256 {clip.sha256[:12]}" if clip is not None else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def state(tile: Tile) -> str:
    """Why a cell has no clip, in words."""
    if tile.cell.invalid is not None:
        return f"Not possible: {tile.cell.invalid}"
    snapshot = tile.snapshot
    if snapshot is None:
        return "Not submitted"
    stands = words.status_words(snapshot)
    stands = f"{stands[:1].upper()}{stands[1:]}"
    if snapshot.error is not None:
        return f"{stands}: {snapshot.error}"
    return " · ".join(part for part in (stands, snapshot.trouble or snapshot.note or "") if part)


def shortened(piece: Piece) -> str:
    """A part of a prompt as a tile shows it: what varies whole, what does not with its middle cut out."""
    text = piece.text
    if piece.alike is not None or len(text) <= FIXED_LENGTH:
        return text
    half = FIXED_LENGTH // 2 - 2
    return f"{text[:half].rstrip()} … {text[-half:].lstrip()}{' ' if text[-1:].isspace() else ''}"


def _is_sparse(picture: GridPicture, rows: str, columns: str) -> bool:
    """Whether most places of the matrix would stay empty, as where axes go side by side."""
    down, across = picture.levels(rows), picture.levels(columns)
    pairs = {(value_key(t.cell.values.get(rows)), value_key(t.cell.values.get(columns))) for t in picture.tiles}
    return 2 * len(pairs) <= len(down) * len(across) and len(pairs) > 1


def _plural(axis: Axis) -> str:
    title = axis.title
    if title.endswith("s") or axis.name == TAKE:
        return "takes" if axis.name == TAKE else title
    return f"{title[:-1]}ies" if title.endswith("y") and title[-2:-1] not in "aeiou" else f"{title}s"


def _count(amount: int, one: str, several: str | None = None) -> str:
    return "" if not amount else f"{amount:,} {one if amount == 1 or several is None else several}"


def _count_of(amount: float, unit: str) -> str:
    return f"{amount:,.10g} {unit if amount == 1 else unit + 's'}"
