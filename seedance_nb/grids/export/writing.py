"""A grid as a file, by its ending: .html .csv .json here, .png and .mp4 by `films`. Written whole or not at all."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...api.fields import FIELDS, TABLE, TAKE
from ...api.signed_addresses import without_signatures
from ...errors import InvalidRequest, SeedanceError, one_line
from ..axes import Combination, value_key
from ..picture import GridPicture, Tile
from ..screens import needed
from .manifest import iso, manifest_of
from .table import COUNTS, NUMBERS, TIMES, Table, table_of

if TYPE_CHECKING:
    from ..grid import Grid, Where

page_writer: Callable[..., Path] | None = None
"""`(picture, path, *, rows, columns, pages, embed)`: writes the wall as a page. Set by the notebook room."""

BYTE_ORDER_MARK = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection."""

_NESTED = tuple(field.name for field in TABLE if field.kind in ("texts", "pairs"))

SUFFIXES = {
    ".html": "a page with the wall",
    ".csv": "a table",
    ".json": "a manifest that rebuilds the grid",
    ".png": "a contact sheet",
    ".mp4": "all clips side by side",
}


def write(
    grid: Grid,
    path: Path,
    *,
    rows: str | None = None,
    columns: str | None = None,
    pages: str | None = None,
    where: Where | None = None,
    embed: bool | None = None,
    sound: Any = None,
) -> Path:
    """Write the grid to `path` in the form that its ending names; see `Grid.export`."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(f"{name} ({what})" for name, what in SUFFIXES.items())
        raise InvalidRequest(f"{one_line(path.name, 60)!r} has no ending that says what to write; use one of {known}")
    path = path.expanduser()
    if not path.parent.is_dir():
        raise InvalidRequest(
            f"there is no folder {one_line(path.parent, 80)!r} to write {path.name} into; make it first"
        )
    if sound is not None and suffix != ".mp4":
        raise InvalidRequest(f"sound= is for a film (.mp4); {suffix} has none to choose")
    picture = chosen(grid.picture(), where)
    if suffix == ".csv":
        return write_whole(path, csv_of(table_of(grid, picture)))
    if suffix == ".json":
        return write_whole(path, json.dumps(manifest_of(grid, picture), ensure_ascii=False, indent=1) + "\n")
    if suffix == ".html":
        write_page = needed(page_writer, "a page")
        return Path(write_page(picture, path, rows=rows, columns=columns, pages=pages, embed=embed))
    from ..films import films

    if pages is not None:
        raise InvalidRequest(f"{suffix} has no pages; choose one value with where={{{pages!r}: …}}")
    if suffix == ".png":
        return films.contact_sheet(picture, path, rows=rows, columns=columns)
    return films.side_by_side(picture, path, rows=rows, columns=columns, sound=sound)


def chosen(picture: GridPicture, where: Where | None) -> GridPicture:
    """The picture with only the cells that `where` lets through. Raises InvalidRequest if none is left."""
    if where is None:
        return picture
    if isinstance(where, Mapping):
        wanted = {name: _accepted(without_signatures(value)) for name, value in where.items()}
        for name in wanted:
            _check_name(name, picture)
        tiles = [t for t in picture.tiles if all(value_key(_combined(t)[n]) in keys for n, keys in wanted.items())]
    else:
        tiles = [tile for tile in picture.tiles if where(_combined(tile))]
    if not tiles:
        raise InvalidRequest("where= leaves no cell; nothing was written")
    return dataclasses.replace(picture, tiles=tuple(tiles))


def csv_of(table: Table) -> str:
    """The table as CSV: a line a cell, times as ISO 8601 in UTC, lists and dicts as JSON, nothing where nothing is known.

    It begins with a byte order mark, without which a Korean Excel reads UTF-8 as something else. A text that a spreadsheet would take
    for a formula gets an apostrophe before it (OWASP); `read_csv` takes it away again.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([guarded(name) for name in table.columns])
    for row in table.rows:
        writer.writerow([_time(row, name) if name in TIMES else _field(row.get(name)) for name in table.columns])
    return BYTE_ORDER_MARK + text.getvalue()


def read_csv(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The rows of a table that `grid.export("….csv")` wrote: texts as they were, numbers as numbers, None for what is empty.

    Times are epoch seconds, to the millisecond. Raises InvalidRequest for a file that cannot be read.
    """
    trouble = "it is no table"
    try:
        with Path(path).expanduser().open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, strict=True))
        if lines:
            names = [unguarded(name) for name in lines[0]]
            return [{n: _value(n, text) for n, text in zip(names, line, strict=True)} for line in lines[1:]]
    except OSError as error:
        trouble = error.strerror or str(error)
    except (ValueError, csv.Error) as error:
        trouble = one_line(error, 80)
    raise InvalidRequest(f"{one_line(Path(path).name, 80)} cannot be read ({trouble}); grid.export('….csv') writes one")


def guarded(text: str) -> str:
    """The text as a spreadsheet shows it and never computes it."""
    return f"'{text}" if text.lstrip(" '\u3000").startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text


def write_whole(path: Path, content: str | bytes) -> Path:
    """Put the content at `path`, at once: a reader sees the old file or the new one. Raises SeedanceError."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns():x}.part")
    try:
        try:
            part.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise SeedanceError(f"{path.name} could not be written ({error.strerror or error}); check its folder") from None
    return path


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


def _check_name(name: object, picture: GridPicture) -> None:
    from ..grid import check_axis

    if name not in (*FIELDS, TAKE):
        check_axis(name, picture.names)


def _time(row: Mapping[str, Any], name: str) -> Any:
    return iso(row[name]) if isinstance(row[name], int | float) else _field(row[name])


def _field(value: Any) -> Any:
    """A cell: numbers stay numbers (a -5 is none to guard), all else is text."""
    if value is None or isinstance(value, bool | int | float):
        return "" if value is None else value
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return guarded(str(value))


def _value(name: str, text: str) -> Any:
    if text == "":
        return None
    if name in TIMES:
        return dt.datetime.fromisoformat(text).timestamp()
    if name in NUMBERS:
        return float(text)
    if name in COUNTS and text.lstrip("-").isdecimal():
        return int(text)
    if name == "reused":
        return text == "True"
    if name in _NESTED and text[:1] in "[{":
        found = json.loads(text)
        return tuple(found) if isinstance(found, list) else found
    return unguarded(text)
