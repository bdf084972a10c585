"""A story as a file, by its ending: the film cut together, a storyboard sheet, the wall of all takes, a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ...clips.clip import Clip
from ...errors import InvalidRequest, SeedanceError, one_line
from ...tracking.session import Session
from ..export.writing import write
from ..picture import GridPicture
from .script import SHOT, Script

SUFFIXES = {
    ".mp4": "the film, cut together",
    ".png": "a storyboard sheet",
    ".html": "a page with the wall of all takes",
    ".csv": "a table",
}


def export(session: Session, script: Script, picture: GridPicture, picks: Mapping[int, int | None], path: Path) -> Path:
    """Write it; see `Story.export`. `picks` are takes by shot, both from 1."""
    suffix, path = path.suffix.lower(), path.expanduser()
    if suffix not in SUFFIXES:
        known = ", ".join(f"{name} ({what})" for name, what in SUFFIXES.items())
        raise InvalidRequest(f"{one_line(path.name, 60)!r} has no ending that says what to write; use one of {known}")
    if not path.parent.is_dir():
        raise InvalidRequest(
            f"there is no folder {one_line(path.parent, 80)!r} to write {path.name} into; make it first"
        )
    if suffix in (".html", ".csv"):
        return write(picture, session, path)
    shown = _of_picks(script, picture, picks)
    if suffix == ".png":
        from ..films.films import contact_sheet

        return contact_sheet(shown, path, rows=SHOT if len(shown.tiles) > 1 else None)
    from .cutting import cut_together

    lines = [str(tile.cell.values[SHOT]) for tile in shown.tiles]
    return cut_together(_clips(shown), path, overlap=script.is_chain, lines=lines)


def _of_picks(script: Script, picture: GridPicture, picks: Mapping[int, int | None]) -> GridPicture:
    """One tile a shot: the take that is gone on from; where none is chosen yet, the first."""
    takes = [picks.get(shot) or 1 for shot in range(1, len(script.prompts) + 1)]
    tiles = [picture.tiles[shot * script.takes + take - 1] for shot, take in enumerate(takes)]
    return dataclasses.replace(picture, names=(SHOT,), tiles=tuple(tiles))


def _clips(picture: GridPicture) -> list[Clip]:
    clips = []
    for shot, tile in enumerate(picture.tiles, 1):
        if tile.clip is None:
            why = tile.cell.invalid or (tile.snapshot and tile.snapshot.error)
            said = f" ({one_line(why, 160)})" if why else ""
            raise SeedanceError(
                f"shot {shot} has no video{said}, so there is no film yet: story.result() waits for it, story.retry() tries it again; nothing was"
                " written"
            )
        clips.append(tile.clip)
    return clips
