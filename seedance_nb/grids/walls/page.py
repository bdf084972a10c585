"""A wall as a page of its own: one file with everything inside, or a page with a folder of MP4s beside it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...clips.store import shown_file
from ...errors import ClipError, ConfigurationError, one_line
from ...pages import html, words
from ...pages.escaping import Html, filled
from ...snapshot import Durations, durations
from ..picture import GridPicture
from .markup import Part, markup, text_of
from .sources import Sources, beside_page, different_clips, in_page, total_size
from .tiles import Axis, Place, axes_of, choose_layout, places_of

EMBED_AT_MOST = 200_000_000
"""Bytes of clips that go into one page when nobody says otherwise; browsers open more only slowly."""


def write_page(
    picture: GridPicture,
    path: Path | str,
    *,
    rows: str | None = None,
    columns: str | None = None,
    pages: str | None = None,
    embed: bool | None = None,
    title: str = "",
) -> Path:
    """Write the wall of original clips as an HTML document and return its path.

    `embed=True` puts every clip inside; False copies them to the folder `<name>_files` beside the page; None does the first up to 200 MB.
    An interrupted write leaves an older page as it was. Raises InvalidRequest for names that are no axes, ConfigurationError
    when the disk refuses.
    """
    path = Path(path)
    axes = axes_of(picture)
    layout = choose_layout(picture, axes, rows, columns, pages)
    places = places_of(picture, axes)
    inside = total_size(places) <= EMBED_AT_MOST if embed is None else embed
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sources = in_page(places) if inside else _copied(places, path)
        with part.open("w", encoding="utf-8", newline="\n") as file:
            body = markup(picture, axes, places, layout, sources, "")  # the page has its own headline
            for piece in _document(body, axes, places, sources, title):
                for text in text_of(piece):
                    file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{one_line(path, 200)} could not be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return path


_STYLE = Html(
    ":root{color-scheme:light dark}body{margin:20px;font:14px/1.5 system-ui,sans-serif}"
    "h1{font-size:1.4em;margin:0 0 12px 0}summary{cursor:pointer}:focus-visible{outline:2px solid #1976d2;outline-offset:2px}footer{margin-top:24px}"
)


def _document(
    wall: Iterator[Part], axes: Sequence[Axis], places: Sequence[Place], sources: Sources, title: str
) -> Iterator[Part]:
    name = title or "Comparison of clips"
    yield filled(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        "<style>{}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n",
        *(name, _STYLE, name),
    )
    yield from wall
    headers, lines = receipts(axes, places, sources)
    cells = "cell" if len(lines) == 1 else "cells"
    yield filled("\n</main>\n<footer><details><summary>Receipts of {} {}</summary>\n", len(lines), cells)
    yield html.table(headers, lines)
    yield Html("\n</details></footer>\n</body>\n</html>\n")


def receipts(
    axes: Sequence[Axis], places: Sequence[Place], sources: Sources
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Headers and lines of the table of everything that was made: what it is, what it cost, how long it took, its file."""
    headers = ("Cell", *(axis.title for axis in axes), "Status", "Credits", "Wait (s)", "Render (s)", "Take", "Request", "sha256", "Prompt")  # fmt: skip
    lines = []
    for place in places:
        snapshot, clip = place.tile.snapshot, place.tile.clip
        took = durations(snapshot) if snapshot is not None else Durations()
        source = sources.of.get(place.number)
        invalid = place.tile.cell.invalid is not None
        status = "not possible" if invalid else "not submitted" if snapshot is None else words.status_words(snapshot)
        lines.append(
            (
                str(place.number + 1),
                *(axis.labels[i] for axis, i in zip(axes, place.at, strict=True)),
                f"{status}; {source.trouble}" if source is not None and source.trouble else status,
                words.credits_words(snapshot) if snapshot is not None else "",
                f"{took.waited:.1f}" if took.waited is not None else "",
                f"{took.rendered:.1f}" if took.rendered is not None else "",
                str(place.tile.cell.take),
                one_line(snapshot.request_id or snapshot.key, 220) if snapshot is not None else "",
                clip.sha256 if clip is not None else "",
                place.prompt,
            )
        )
    return headers, lines


def _copied(places: Sequence[Place], page: Path) -> Sources:
    """The clips in the folder beside the page, each under a name made from its labels."""
    folder = page.with_name(f"{page.stem}_files")
    folder.mkdir(parents=True, exist_ok=True)
    labels = {place.number: place for place in places}
    files: dict[int, str] = {}
    originals: dict[int, str] = {}
    for number, clip in different_clips(places).items():
        name = f"{number + 1:03d}-{_file_name(labels[number])}"
        try:
            shown = shown_file(clip)
        except (ClipError, OSError):  # the tile says why there is nothing to see
            shown = clip.path
        if clip.is_lost:  # what lies there now is not this video
            files[number] = f"{folder.name}/{name}.mp4"
            continue
        files[number] = _copy(shown, folder, f"{name}.mp4")
        if shown != clip.path:
            originals[number] = _copy(clip.path, folder, f"{name}.original.mp4")
    return beside_page(places, files, originals)


def _copy(file: Path, folder: Path, name: str) -> str:
    """Copy a file to the folder beside the page; its relative path."""
    part = folder / f".{name}.{os.getpid()}.part"
    try:
        with contextlib.suppress(FileNotFoundError):  # the tile says that its file is gone
            shutil.copyfile(file, part)
            part.replace(folder / name)
    finally:
        part.unlink(missing_ok=True)
    return f"{folder.name}/{name}"


def _file_name(place: Place) -> str:
    """Letters and digits of the label, and the take: what every file system and every address can hold."""
    plain = unicodedata.normalize("NFKD", place.label).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9.]+", "-", plain).strip("-.")[:60].rstrip("-.")
    take = f"take-{place.tile.cell.take}"
    return words if words.endswith(take) else "-".join(part for part in (words, take) if part)
