"""The clips of a grid as a folder, with a table beside them: as Hugging Face `videofolder` reads it, or under the names of VBench."""

from __future__ import annotations

import collections
import dataclasses
import os
import re
from pathlib import Path
from typing import Any, Literal

from ...clips.naming import within
from ...clips.saving import ENDINGS, make_folder
from ...errors import ClipError, InvalidRequest, one_line
from ...tracking.session import Session
from ..picture import GridPicture, Tile
from .csv_table import BYTE_ORDER_MARK, csv_of
from .table import table_of
from .writing import SUFFIXES, write_whole

Layout = Literal["videofolder", "vbench"]
NAMES = {"videofolder": "{cell:03}-{prompt:.40}.mp4", "vbench": "{prompt}-{index}.mp4"}
"""How clips are named where nobody says otherwise."""
TABLE_NAME = "metadata.csv"
_SPLIT = re.compile(
    r"(?<![^-._ 0-9])(train|training|validation|valid|dev|val|test|testing|eval|evaluation)(?![^-._ 0-9])"
)
FILE_NAME = "file_name"
"""The column that `datasets` looks for."""


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether this is plainly meant as a folder: text that ends like one, or one that is there and looks like no other export."""
    if str(path).endswith(("/", os.sep)):
        return True
    try:
        place = Path(path).expanduser()
        return place.suffix.lower() not in SUFFIXES and place.is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def write_folder(
    picture: GridPicture, session: Session, folder: Path, names: str | None = None, layout: str = "videofolder"
) -> Path:
    """Copy every clip that is there into a folder, and write `metadata.csv`: `file_name`, the axes, and all that is known of each.

    Nothing is written before all names are known to be good: none leads out of the folder, none is that of two clips. Raises
    InvalidRequest, ClipError where another file has a name already, ConfigurationError for a folder that cannot be written.
    """
    if layout not in NAMES:
        raise InvalidRequest(f"layout must be one of {', '.join(NAMES)}, not {one_line(repr(layout), 40)}")
    if names is not None and (not isinstance(names, str) or not names.strip()):
        raise InvalidRequest(f"names= must be a pattern such as {NAMES['videofolder']!r}")
    tiles = [tile for tile in picture.tiles if tile.clip is not None]
    if not tiles:
        raise InvalidRequest("none of these cells has a clip yet; nothing was written")
    called = _names(tiles, names or NAMES[layout])
    if layout == "videofolder" and not any(
        map(_SPLIT.search, (names or "").split("/"))
    ):  # who writes it into the pattern means it
        called = [Path(*map(_no_split, name.parts)) for name in called]
    table = table_of(dataclasses.replace(picture, tiles=tuple(tiles)), session)
    folder = make_folder(folder)
    for tile, name in zip(tiles, called, strict=True):
        assert tile.snapshot is not None
        clip = tile.snapshot.traced_clip
        assert clip is not None
        clip.save_to(folder / name)
    rows = tuple({**row, FILE_NAME: name.as_posix()} for row, name in zip(table.rows, called, strict=True))
    columns = (FILE_NAME, *(column for column in table.columns if column != FILE_NAME))
    text = csv_of(dataclasses.replace(table, columns=columns, rows=rows))
    write_whole(folder / TABLE_NAME, text.removeprefix(BYTE_ORDER_MARK))
    return folder.absolute()


def _no_split(part: str) -> str:
    """The name with a capital where `datasets` would take a word of it for a split: of "a test drive.mp4" it makes a split of its own, and
    leaves out all files that are in none.
    """
    return _SPLIT.sub(lambda found: found[0].capitalize(), part)


def _names(tiles: list[Tile], pattern: str) -> list[Path]:
    """The name of each clip in the folder; the same video has one name, two videos never share one."""
    videos: dict[str, dict[str, int]] = collections.defaultdict(dict)
    taken: dict[str, str] = {}
    made = []
    for tile in tiles:
        snapshot = tile.snapshot
        assert snapshot is not None
        of_prompt = videos[snapshot.request.prompt]
        index = of_prompt.setdefault(snapshot.key, len(of_prompt))
        name = _name(pattern, tile, index)
        if taken.setdefault(name.as_posix().casefold(), snapshot.key) != snapshot.key:
            raise InvalidRequest(
                f"the pattern gives two clips the name {one_line(name.as_posix(), 80)!r}; add what tells them apart, "
                "such as {take}, {cell} or an axis. Nothing was written"
            )
        made.append(name)
    return made


def _name(pattern: str, tile: Tile, index: int) -> Path:
    snapshot = tile.snapshot
    assert snapshot is not None
    clip = snapshot.traced_clip
    facts: dict[str, Any] = clip.trace.facts() if clip is not None and clip.trace is not None else {}
    try:
        name = Path(within(pattern, {**tile.cell.values, **facts, "cell": tile.cell.index + 1, "index": index}))
    except ClipError as error:
        raise InvalidRequest(f"{error}. Nothing was written") from None
    return name if name.suffix.lower() in ENDINGS else name.with_name(f"{name.name}.mp4")
