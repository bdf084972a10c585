"""Chosen clips side by side: a grid whose axes are what differs among them, and the code that asks for the same grid. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..api.fields import DEFAULTS, FIELDS, TAKE
from ..errors import InvalidRequest, SeedanceError
from ..pages.code import as_python
from ..snapshot import Snapshot
from .axes import Cell, lay_out, value_key
from .picture import GridPicture, Tile

MOST = 24
"""Clips compared at once: a wall embeds them all."""


def compared(snapshots: Sequence[Snapshot]) -> GridPicture:
    """The picture of these clips, its axes the fields in which they differ. Raises InvalidRequest for less than two clips."""
    unique = list({(s.request.canonical_hash(), s.take): s for s in snapshots if s.clip is not None}.values())
    if not 2 <= len(unique) <= MOST:
        raise InvalidRequest(f"choose 2 to {MOST} different clips to compare, not {len(unique)}")
    unique.sort(key=lambda snapshot: snapshot.take)  # takes in their order, all else as it was chosen
    every = [_values(snapshot) for snapshot in unique]
    names = tuple(name for name in every[0] if len({value_key(values[name]) for values in every}) > 1)
    tiles = [
        Tile(Cell(i, {name: values[name] for name in names}, snapshot.request, snapshot.take), snapshot)
        for i, (snapshot, values) in enumerate(zip(unique, every, strict=True))
    ]
    charged = sum(snapshot.credits or 0.0 for snapshot in unique)
    return GridPicture(names, tuple(tiles), submitted=True, credits=charged)


def grid_code(picture: GridPicture) -> str:
    """The call of `grid` that shows these clips in a cell of the notebook, for nothing while the ledger has them."""
    every = [_values(tile.snapshot) for tile in picture.tiles if tile.snapshot is not None]
    names = picture.names
    same = {name: value for name, value in every[0].items() if name not in names}
    # Left out, those with a default would mean that.
    constants = {name: value for name, value in same.items() if value is not None or name in DEFAULTS}
    if constants.pop(TAKE, 1) != 1:
        return _calls(picture)
    rows = [{name: values[name] for name in names} for values in every]
    prompt = constants.pop("prompt", None)
    if not _asks_for(picture, prompt, rows, constants):
        return _calls(picture)
    template = "" if prompt is None else f"    {prompt!r},\n"
    listed = "".join(f"        {row!r},\n" for row in rows)
    options = "".join(f"    {name}={value!r},\n" for name, value in constants.items())
    return (
        f"import seedance_nb\n\nseedance_nb.grid(\n{template}    [\n{listed}    ],\n{options}    raw=True,\n).submit()"
    )


def _values(snapshot: Snapshot) -> dict[str, Any]:
    return {**{name: getattr(snapshot.request, name) for name in FIELDS}, TAKE: snapshot.take}


def _asks_for(picture: GridPicture, prompt: str | None, rows: list[dict[str, Any]], constants: dict[str, Any]) -> bool:
    """Whether the call means exactly these videos: code that would buy others must not be offered."""
    try:
        cells = lay_out(*([rows] if prompt is None else [prompt, rows]), raw=True, **constants).cells()
    except SeedanceError:
        return False
    return [cell.identity for cell in cells] == [tile.cell.identity for tile in picture.tiles]


def _calls(picture: GridPicture) -> str:
    """One call for each, where a grid has no words for what they have in common."""
    calls = [as_python(tile.cell.request, tile.cell.take) for tile in picture.tiles if tile.cell.request is not None]
    first, *rest = calls
    return "\n\n".join([first, *(call.partition("\n\n")[2] for call in rest)])
