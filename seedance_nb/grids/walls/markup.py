"""The wall as a stream of HTML: text, and files to be written as base64 where they stand.

Untrusted notebooks lose `<style>`, the script and every `data-*`: what is left has to be a wall of plain players, so the grid, its
labels and the captions are plain elements with inline styles, and everything that needs the script is made by the script.
"""

from __future__ import annotations

import base64
import dataclasses
import html as stdlib_html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...pages import html
from ...pages.assets import joined, with_keys
from ..picture import GridPicture
from .sources import Source, Sources
from .tiles import Axis, Layout, Place, heading, receipt, shortened, state

_HERE = Path(__file__).parent
BLOCK = 3 * (1 << 18)
"""Bytes turned into base64 at a time; a multiple of three, so that the parts can be joined."""
MOST_ACROSS = 6
"""Players beside each other in one row of the plain wall."""


@dataclasses.dataclass(frozen=True, slots=True)
class Embedded:
    """A file that stands in the document as a `data:` URI."""

    path: Path
    mime: str

    def blocks(self) -> Iterator[str]:
        """The URI in parts of about a megabyte."""
        yield f"data:{self.mime};base64,"
        with self.path.open("rb") as file:
            while block := file.read(BLOCK):
                yield base64.b64encode(block).decode("ascii")


Part = str | Embedded


def text_of(part: Part) -> Iterator[str]:
    """A part of the stream as text."""
    if isinstance(part, Embedded):
        yield from part.blocks()
    else:
        yield part


def markup(
    picture: GridPicture,
    axes: Sequence[Axis],
    places: Sequence[Place],
    layout: Layout,
    sources: Sources,
    title: str,
) -> Iterator[Part]:
    """The whole wall: heading, plain players in their grid, one style, one script."""
    facts = {
        "axes": [{"title": axis.title, "labels": axis.labels} for axis in axes],
        "rows": layout.rows,
        "columns": layout.columns,
        "pages": layout.pages,
    }
    yield f'<div class="sdw" data-lm-suppress-shortcuts="seedance" data-wall="{_text(json.dumps(facts))}" style="margin:4px 0;line-height:1.4">'
    yield f"<style>{joined(_HERE / 'wall.css')}</style>"
    yield '<div class="sdw-head" style="margin-bottom:6px">'
    if title:
        yield f'<strong class="sdw-title">{_text(title)}</strong> '
    yield f'<span style="{html.QUIET}">{_text(heading(picture, axes))}</span>'
    prompts = {place.prompt for place in places if place.prompt}
    if len(prompts) == 1:
        shared = html.clamp(prompts.pop(), html.LONG_PROMPT)
        yield f'<div dir="auto" style="white-space:pre-wrap;{html.WRAP}">{_text(shared)}</div>'
    if sources.note:
        yield f'<div class="sdw-note" style="{html.QUIET}">{_text(sources.note)}</div>'
    yield '</div><div class="sdw-stage">'
    yield from _stage(axes, places, layout, sources)
    yield f"</div><script>{_script()}</script></div>"


def _stage(axes: Sequence[Axis], places: Sequence[Place], layout: Layout, sources: Sources) -> Iterator[Part]:
    page = layout.pages
    for value in [None] if page is None else range(len(axes[page].labels)):
        shown = [place for place in places if page is None or place.at[page] == value]
        if not shown:
            continue
        if page is not None and value is not None:
            label = f"{axes[page].title}: {axes[page].labels[value]}"
            yield f'<div style="margin:12px 0 4px 0"><strong>{_text(label)}</strong></div>'
        yield from _page(axes, shown, layout, sources)


def _page(axes: Sequence[Axis], places: Sequence[Place], layout: Layout, sources: Sources) -> Iterator[Part]:
    row, column = layout.rows, layout.columns
    down = sorted({place.at[row] for place in places}) if row is not None else [None]
    across = sorted({place.at[column] for place in places}) if column is not None and row is not None else [None]
    matrix = across != [None]
    # The untrusted sanitiser knows fr and px, and little else of the grammar of grids.
    if matrix:
        columns = f"{'90px ' if row is not None else ''}repeat({len(across)}, minmax(0, 1fr))"
    else:
        columns = f"repeat({min(MOST_ACROSS if row is None else MOST_ACROSS - 1, max(1, _widest(places, row)))}, minmax(0, 1fr))"
    yield f'<div class="sdw-grid" style="display:grid;gap:10px;grid-template-columns:{columns};max-width:100%">'
    if matrix:
        yield "<div></div>"
        for value in across:
            if column is None or value is None:
                continue
            yield f'<div style="align-self:end;{html.WRAP}"><strong>{_text(axes[column].labels[value])}</strong></div>'
    for level in down:
        if row is not None and level is not None:
            wide = "" if matrix else "grid-column:1/-1;"
            yield f'<div style="{wide}{html.WRAP}"><strong>{_text(axes[row].labels[level])}</strong></div>'
        in_row = [place for place in places if row is None or place.at[row] == level]
        if column is not None:
            in_row.sort(key=lambda place: place.at[column])
        for value in across:
            inside = [place for place in in_row if column is None or value is None or place.at[column] == value]
            if matrix:
                yield '<div style="min-width:0">'
            for place in inside:
                yield from _tile(axes, place, sources.of.get(place.number), place.number in sources.of)
            if matrix:
                yield "</div>"
    yield "</div>"


def _widest(places: Sequence[Place], row: int | None) -> int:
    if row is None:
        return len(places)
    counts: dict[int, int] = {}
    for place in places:
        counts[place.at[row]] = counts.get(place.at[row], 0) + 1
    return max(counts.values())


def _tile(axes: Sequence[Axis], place: Place, source: Source | None, has_clip: bool) -> Iterator[Part]:
    at = ",".join(str(i) for i in place.at)
    same = f' data-same="{source.same_as}"' if source is not None and source.same_as is not None else ""
    clip = place.tile.clip
    fps = f' data-fps="{clip.fps:.6g}"' if clip is not None else ""
    failed = "" if has_clip else " sdw-without"
    yield f'<figure class="sdw-tile{failed}" data-n="{place.number}" data-at="{at}"{fps}{same} style="margin:0 0 8px 0;min-width:0">'
    yield '<div class="sdw-media">'
    yield from _media(place, source)
    yield f'</div><figcaption style="margin-top:4px;{html.WRAP}">'
    parts = [
        f'<span class="sdw-part" data-axis="{i}">{_text(axis.labels[place.at[i]])}</span>'
        for i, axis in enumerate(axes)
    ]
    yield f'<div class="sdw-label"><strong>{" · ".join(parts) or _text(place.label)}</strong></div>'
    if place.pieces:
        yield f'<div class="sdw-prompt" dir="auto" data-prompt="{_text(place.prompt)}" style="{html.QUIET}">'
        yield "".join(_piece(piece.alike, shortened(piece)) for piece in place.pieces)
        yield "</div>"
    elif place.prompt:
        yield f'<div class="sdw-prompt" dir="auto" data-prompt="{_text(place.prompt)}"></div>'
    snapshot = place.tile.snapshot
    if snapshot is not None and has_clip:
        yield f'<div class="sdw-receipt" style="{html.QUIET}">{_text(receipt(snapshot))}</div>'
    if source is not None:
        yield html.original(place.tile.clip, source.link, source.place, source.note)
    yield "</figcaption></figure>"


def _piece(alike: tuple[int, ...] | None, text: str) -> str:
    if alike is None:
        return f"<span>{_text(text)}</span>"
    return f'<span class="sdw-word" data-alike="{" ".join(map(str, alike))}" style="text-decoration:underline">{_text(text)}</span>'


def _media(place: Place, source: Source | None) -> Iterator[Part]:
    clip = place.tile.clip
    name = _text(html.clamp(place.prompt or place.label, html.LONG_PROMPT))
    box = "display:block;max-width:100%"
    if source is None or clip is None:
        bar = html.ACCENTS.get(place.tile.snapshot.status, html.NEUTRAL) if place.tile.snapshot else html.NEUTRAL
        yield f'<div class="sdw-state" style="border-left:3px solid {bar};padding:4px 10px;{html.WRAP}">{_text(state(place.tile))}</div>'
        return
    if source.embed is not None or source.url is not None:
        yield f'<video controls muted loop preload="metadata" width="{clip.width}" height="{clip.height}" src="'
        yield Embedded(source.embed, "video/mp4") if source.embed is not None else _text(source.url)
        yield f'" title="{name}" style="{box};height:auto;width:100%">'
        yield from _picture(source, name, box)
        yield "</video>"
        return
    yield from _picture(source, name, box)
    if source.same_as is not None:
        yield f'<div class="sdw-state" style="{html.QUIET}">the same clip as cell {source.same_as + 1}</div>'
    if source.trouble:
        yield f'<div class="sdw-state" style="{html.QUIET}">{_text(source.trouble)}</div>'


def _picture(source: Source, name: str, style: str) -> Iterator[Part]:
    if source.poster is not None:
        yield '<img src="'
        yield Embedded(source.poster, "image/jpeg")
        yield f'" alt="{name}" style="{style}">'


def _script() -> str:
    return f'(() => {{\n"use strict";\n{with_keys(_HERE / "transport.js", _HERE / "wall.js")}\n}})();'


def _text(value: object) -> str:
    return stdlib_html.escape(html.clean(str(value)), quote=True)
