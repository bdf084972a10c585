"""Where the players of a wall get their videos from: bytes inside the document, or files beside it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import ClipError, one_line
from ..jobs.snapshot import Clip
from .wall_tiles import Place


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What one cell plays. At most one of `embed`, `url` and `same_as` is there; without all three only the poster is shown."""

    embed: Path | None = None
    """The file whose bytes go into the document."""
    url: str | None = None
    """The relative, percent-encoded address of a file beside the document."""
    same_as: int | None = None
    """The number of the cell that has the same clip already: bytes are stored once."""
    poster: Path | None = None
    link: str | None = None
    """The address of the original, where it is not what is embedded."""
    trouble: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Sources:
    """The sources by number of cell (cells without a clip have none), and one line about what is not embedded, if anything."""

    of: Mapping[int, Source]
    note: str | None = None


def in_notebook(places: Sequence[Place], embed_limit: int) -> Sources:
    """Originals inside if they have at most `embed_limit` bytes together, else previews with links, else posters with links.

    Makes previews, which takes about a second a clip the first time. Never raises for files that are gone: the cell says so.
    """
    first, repeated = _first_of_each(places)
    if sum(clip.size for clip in first.values()) <= embed_limit:
        return Sources({**{number: _whole(clip) for number, clip in first.items()}, **repeated})
    found, room, left_out = dict[int, Source](), embed_limit, 0
    for number, clip in first.items():
        link = relative_url(clip.path)
        try:
            small = _preview(clip)
            size = small.stat().st_size
        except (OSError, ClipError) as error:
            found[number] = Source(poster=_poster(clip), link=link, trouble=f"no preview ({one_line(error, 200)})")
            continue
        if size <= room:
            room -= size
            found[number] = Source(embed=small, poster=_poster(clip), link=link)
        else:
            left_out += 1
            found[number] = Source(poster=_poster(clip), link=link)
    note = "Stored here: small previews; the links lead to the originals."
    if left_out:
        note = f"Stored here: small previews of {len(first) - left_out} clips, of {left_out} more their first picture; the links lead to the originals."
    return Sources({**found, **repeated}, note)


def in_page(places: Sequence[Place]) -> Sources:
    """Every original inside the document."""
    first, repeated = _first_of_each(places)
    return Sources({**{number: _whole(clip) for number, clip in first.items()}, **repeated})


def beside_page(places: Sequence[Place], files: Mapping[int, str]) -> Sources:
    """Every original in a file beside the document; `files` are their relative paths by number of cell."""
    first, repeated = _first_of_each(places)
    found = {}
    for number, clip in first.items():
        whole = _whole(clip)
        found[number] = (
            whole if whole.embed is None else dataclasses.replace(whole, embed=None, url=_quoted(files[number]))
        )
    return Sources({**found, **repeated})


def total_size(places: Sequence[Place]) -> int:
    """Bytes of all different clips."""
    return sum(clip.size for clip in _first_of_each(places)[0].values())


def different_clips(places: Sequence[Place]) -> dict[int, Clip]:
    """Each clip once, by the number of the first cell that shows it."""
    return _first_of_each(places)[0]


def relative_url(path: Path, start: Path | None = None) -> str:
    """The address of a file as seen from a folder (by default the notebook's), percent-encoded."""
    try:
        relative = os.path.relpath(path, start)
    except ValueError:  # another drive
        relative = str(path)
    return _quoted(Path(relative).as_posix())


def _quoted(path: str) -> str:
    quoted = urllib.parse.quote(path)
    return f"./{quoted}" if ":" in quoted.split("/")[0] else quoted


def _first_of_each(places: Sequence[Place]) -> tuple[dict[int, Clip], dict[int, Source]]:
    first, repeated, seen = dict[int, Clip](), dict[int, Source](), dict[tuple[str, int], int]()
    for place in places:
        clip = place.tile.clip
        if clip is None:
            continue
        number = seen.setdefault((clip.sha256, clip.size), place.number)
        if number == place.number:
            first[number] = clip
        else:
            repeated[place.number] = Source(same_as=number, poster=_poster(clip))
    return first, repeated


def _whole(clip: Clip) -> Source:
    try:
        with clip.path.open("rb") as file:
            file.read(1)
    except OSError as error:
        reason = one_line(error.strerror or error, 120)
        return Source(
            poster=_poster(clip), trouble=f"the file of this clip cannot be read ({reason}): {clip.path.name}"
        )
    return Source(embed=clip.path, poster=_poster(clip))


def _preview(clip: Clip) -> Path:
    small = clip.path.with_suffix(".preview.mp4")
    if not small.exists():
        from ..jobs.clips import Clips

        small = Clips(clip.path.parent).preview(clip)
    # A small original can be smaller than its preview.
    return clip.path if clip.path.exists() and clip.size <= small.stat().st_size else small


def _poster(clip: Clip) -> Path | None:
    with contextlib.suppress(OSError):
        if clip.poster is not None and clip.poster.stat().st_size > 0:
            return clip.poster
    return None
