"""Where the players of a wall get their videos from: bytes inside the document, or files beside it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...clips.clip import Clip
from ...clips.store import is_shown_whole, preview_file, shown_file
from ...errors import ClipError, one_line, shortened
from ...pages import words
from ...pages.file_links import link_to, place_of, quoted
from .tiles import Place


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
    """The address of the original, where it is not what is embedded and a link can work."""
    place: str | None = None
    """The path of the original in words, where it is not what is embedded and the document stays on this machine."""
    note: str | None = None
    """Why a preview is played."""
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
        return Sources({**{number: _with_place(_whole(clip), clip) for number, clip in first.items()}, **repeated})
    found, room, left_out = dict[int, Source](), embed_limit, 0
    for number, clip in first.items():
        bare = _with_place(Source(poster=_poster(clip), note=words.preview_note(clip)), clip)
        try:
            small = _preview(clip)
            size = small.stat().st_size
        except (OSError, ClipError) as error:
            found[number] = dataclasses.replace(bare, trouble=f"no preview ({shortened(error)})", note=None)
            continue
        if size <= room:
            room -= size
            found[number] = dataclasses.replace(bare, embed=small)
        else:
            left_out += 1
            found[number] = dataclasses.replace(bare, note=None)
    note = "Stored here: small previews; below each stands where its original is."
    if left_out:
        note = f"Stored here: small previews of {len(first) - left_out} clips, of {left_out} more their first picture; below each stands where its original is."
    return Sources({**found, **repeated}, note)


def in_page(places: Sequence[Place]) -> Sources:
    """Every original inside the document."""
    first, repeated = _first_of_each(places)
    return Sources({**{number: _whole(clip) for number, clip in first.items()}, **repeated})


def beside_page(places: Sequence[Place], files: Mapping[int, str], originals: Mapping[int, str]) -> Sources:
    """Every clip in a file beside the document: `files` are their relative paths by number of cell, `originals` those of what
    files that are previews were made of.
    """
    first, repeated = _first_of_each(places)
    found = {}
    for number, clip in first.items():
        source = _whole(clip)
        if source.embed is not None and number in files:
            source = dataclasses.replace(source, embed=None, url=quoted(files[number]))
        if number in originals:
            source = dataclasses.replace(source, link=quoted(originals[number]))
        found[number] = source
    return Sources({**found, **repeated})


def total_size(places: Sequence[Place]) -> int:
    """Bytes of all different clips."""
    return sum(clip.size for clip in _first_of_each(places)[0].values())


def different_clips(places: Sequence[Place]) -> dict[int, Clip]:
    """Each clip once, by the number of the first cell that shows it."""
    return _first_of_each(places)[0]


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


def _with_place(source: Source, clip: Clip) -> Source:
    """The same with where the original lies, if it is not what is embedded."""
    if source.embed == clip.path:
        return source
    return dataclasses.replace(source, link=link_to(clip.path), place=place_of(clip.path))


def _whole(clip: Clip) -> Source:
    """The clip itself, or the preview of one that not every browser plays."""
    try:
        file = shown_file(clip)
        with file.open("rb") as readable:
            readable.read(1)
    except (OSError, ClipError) as error:
        reason = one_line(getattr(error, "strerror", None) or error, 120)
        return Source(
            poster=_poster(clip), trouble=f"the file of this clip cannot be read ({reason}): {clip.path.name}"
        )
    note = words.preview_note(clip)
    return Source(embed=file, poster=_poster(clip), note=f"{note}; the original is kept" if note else None)


def _preview(clip: Clip) -> Path:
    small = preview_file(clip)
    # A small original can be smaller than its preview.
    return clip.path if is_shown_whole(clip, small.stat().st_size) else small


def _poster(clip: Clip) -> Path | None:
    with contextlib.suppress(OSError):
        if clip.poster is not None and clip.poster.stat().st_size > 0:
            return clip.poster
    return None
