"""Which cells of a grid are exported. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...api.fields import FIELDS, TAKE
from ...api.signed_addresses import without_signatures
from ...errors import InvalidRequest
from ..axes import Combination, Where, check_axis, value_key
from ..picture import GridPicture, Tile


def chosen(picture: GridPicture, where: Where | None) -> GridPicture:
    """The picture with only the cells that `where` lets through. Raises InvalidRequest if none is left."""
    if where is None:
        return picture
    if isinstance(where, Mapping):
        wanted = {name: _accepted(without_signatures(value)) for name, value in where.items()}
        for name in wanted:
            if name not in (*FIELDS, TAKE):
                check_axis(name, picture.names)
        tiles = [t for t in picture.tiles if all(value_key(_combined(t)[n]) in keys for n, keys in wanted.items())]
    else:
        tiles = [tile for tile in picture.tiles if where(_combined(tile))]
    if not tiles:
        raise InvalidRequest("where= leaves no cell; nothing was written")
    return dataclasses.replace(picture, tiles=tuple(tiles))


def _combined(tile: Tile) -> Combination:
    request = tile.cell.request
    fields = {name: getattr(request, name, None) for name in FIELDS}
    values = dict(tile.cell.values)
    if request is not None:
        values.pop("prompt", None)  # `where` sees the finished text, as everywhere
    return Combination({**fields, **values, TAKE: tile.cell.take})


def _accepted(value: Any) -> set[str]:
    several = value if isinstance(value, list | set | frozenset | range) else [value]
    return {value_key(one) for one in several}
