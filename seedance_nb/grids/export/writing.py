"""A grid as a file, by its ending. Written whole or not at all."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ...errors import InvalidRequest, SeedanceError, one_line
from ...tracking.session import Session
from ..axes import Where
from ..picture import GridPicture
from .choosing import chosen
from .csv_table import csv_of
from .manifest import manifest_of
from .table import table_of
from .votes_csv import is_of_votes, votes_csv

SUFFIXES = {
    ".html": "a page with the wall",
    ".csv": "a table; of the votes, if its name has that word",
    ".json": "a manifest that rebuilds the grid",
    ".png": "a contact sheet",
    ".mp4": "all clips side by side",
}


def write(
    picture: GridPicture,
    session: Session,
    path: Path,
    *,
    rows: str | None = None,
    columns: str | None = None,
    pages: str | None = None,
    where: Where | None = None,
    embed: bool | None = None,
    sound: Any = None,
    executor: Any = None,
) -> Path:
    """Write the picture of a grid to `path` in the form that its ending names; see `Grid.export`."""
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
    if executor is not None and suffix not in (".png", ".mp4"):
        raise InvalidRequest(f"executor= is for pictures and films (.png, .mp4); {suffix} is written at once")
    picture = chosen(picture, where)
    if suffix == ".csv" and is_of_votes(path):
        return write_whole(path, votes_csv(picture, session))
    if suffix == ".csv":
        return write_whole(path, csv_of(table_of(picture, session)))
    if suffix == ".json":
        return write_whole(path, json.dumps(manifest_of(picture, session), ensure_ascii=False, indent=1) + "\n")
    if suffix == ".html":
        from ..walls.page import write_page

        return write_page(picture, path, rows=rows, columns=columns, pages=pages, embed=embed)
    from ..films import films

    if pages is not None:
        raise InvalidRequest(f"{suffix} has no pages; choose one value with where={{{pages!r}: …}}")
    if suffix == ".png":
        return films.contact_sheet(picture, path, rows=rows, columns=columns, executor=executor)
    return films.side_by_side(picture, path, rows=rows, columns=columns, sound=sound, executor=executor)


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
