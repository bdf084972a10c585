"""The wall as a stream of HTML: text, and files to be written as base64 where they stand.

Untrusted notebooks lose `<style>`, the script and every `data-*`: what is left has to be a wall of plain players, so the grid, its
labels and the captions are plain elements with inline styles, and everything that needs the script is made by the script.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...pages import html
from ...pages.assets import script, style
from ...pages.escaping import Html, escaped, filled, joined
from ...pages.words import clamp
from ..picture import GridPicture, Tile
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


Part = Html | Embedded


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
        "measures": [
            {"title": column.name, "values": [column.values.get(_job(tile)) for tile in picture.tiles]}
            for column in picture.columns
        ],
    }
    yield filled(
        '<div class="sdw" {} data-wall="{}" style="margin:4px 0;line-height:1.4">', html.KEYS, json.dumps(facts)
    )
    yield Html(f"<style>{style(_HERE / 'wall.css')}</style>")
    yield Html('<div class="sdw-head" style="margin-bottom:6px">')
    if title:
        yield filled('<strong class="sdw-title">{}</strong> ', title)
    yield filled('<span style="{}">{}</span>', html.QUIET, heading(picture, axes))
    prompts = {place.prompt for place in places if place.prompt}
    if len(prompts) == 1:
        shared = clamp(prompts.pop(), html.LONG_PROMPT)
        yield filled('<div dir="auto" style="white-space:pre-wrap;{}">{}</div>', html.WRAP, shared)
    if sources.note:
        yield filled('<div class="sdw-note" style="{}">{}</div>', html.QUIET, sources.note)
    yield Html('</div><div class="sdw-stage">')
    yield from _stage(axes, places, layout, sources)
    yield Html(f"</div><script>{script(_HERE / 'wall.js')}</script></div>")


def _stage(axes: Sequence[Axis], places: Sequence[Place], layout: Layout, sources: Sources) -> Iterator[Part]:
    page = layout.pages
    for value in [None] if page is None else range(len(axes[page].labels)):
        shown = [place for place in places if page is None or place.at[page] == value]
        if not shown:
            continue
        if page is not None and value is not None:
            label = f"{axes[page].title}: {axes[page].labels[value]}"
            yield filled('<div style="margin:12px 0 4px 0"><strong>{}</strong></div>', label)
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
    yield filled(
        '<div class="sdw-grid" style="display:grid;gap:10px;grid-template-columns:{};max-width:100%">', columns
    )
    if matrix:
        yield Html("<div></div>")
        for value in across:
            if column is None or value is None:
                continue
            name = axes[column].labels[value]
            yield filled('<div style="align-self:end;{}"><strong>{}</strong></div>', html.WRAP, name)
    for level in down:
        if row is not None and level is not None:
            wide = "" if matrix else "grid-column:1/-1;"
            name = axes[row].labels[level]
            yield filled('<div style="{}{}"><strong>{}</strong></div>', wide, html.WRAP, name)
        in_row = [place for place in places if row is None or place.at[row] == level]
        if column is not None:
            in_row.sort(key=lambda place: place.at[column])
        for value in across:
            inside = [place for place in in_row if column is None or value is None or place.at[column] == value]
            if matrix:
                yield Html('<div style="min-width:0">')
            for place in inside:
                yield from _tile(axes, place, sources.of.get(place.number), place.number in sources.of)
            if matrix:
                yield Html("</div>")
    yield Html("</div>")


def _job(tile: Tile) -> str:
    return "" if tile.snapshot is None else tile.snapshot.key


def _widest(places: Sequence[Place], row: int | None) -> int:
    if row is None:
        return len(places)
    counts: dict[int, int] = {}
    for place in places:
        counts[place.at[row]] = counts.get(place.at[row], 0) + 1
    return max(counts.values())


def _tile(axes: Sequence[Axis], place: Place, source: Source | None, has_clip: bool) -> Iterator[Part]:
    clip, snapshot = place.tile.clip, place.tile.snapshot
    shares = source is not None and source.same_as is not None
    yield filled(
        '<figure class="sdw-tile{failed}" data-n="{number}" data-at="{at}"{fps}{same} style="margin:0 0 8px 0;min-width:0">',
        failed="" if has_clip else " sdw-without",
        number=place.number,
        at=",".join(map(str, place.at)),
        fps=filled(' data-fps="{}"', f"{clip.fps:.6g}") if clip is not None else "",
        same=filled(' data-same="{}"', source.same_as) if source is not None and shares else "",
    )
    yield Html('<div class="sdw-media">')
    yield from _media(place, source)
    yield filled('</div><figcaption style="margin-top:4px;{}">', html.WRAP)
    parts = [
        filled('<span class="sdw-part" data-axis="{}">{}</span>', i, axis.labels[place.at[i]])
        for i, axis in enumerate(axes)
    ]
    label = joined(parts, " · ") if parts else place.label
    yield filled('<div class="sdw-label"><strong>{}</strong></div>', label)
    if place.pieces:
        words = joined(_piece(piece.alike, shortened(piece)) for piece in place.pieces)
        yield filled(
            '<div class="sdw-prompt" dir="auto" data-prompt="{}" style="{}">{}</div>', place.prompt, html.QUIET, words
        )
    elif place.prompt:
        yield filled('<div class="sdw-prompt" dir="auto" data-prompt="{}"></div>', place.prompt)
    if snapshot is not None and has_clip:
        yield filled('<div class="sdw-receipt" style="{}">{}</div>', html.QUIET, receipt(snapshot))
    if place.measured:
        yield filled('<div class="sdw-measured" style="{}">{}</div>', html.QUIET, place.measured)
    if source is not None:
        yield html.original(clip, source.link, source.place, source.note)
    yield Html("</figcaption></figure>")


def _piece(alike: tuple[int, ...] | None, text: str) -> Html:
    if alike is None:
        return filled("<span>{}</span>", text)
    same = " ".join(map(str, alike))
    return filled('<span class="sdw-word" data-alike="{}" style="text-decoration:underline">{}</span>', same, text)


def _media(place: Place, source: Source | None) -> Iterator[Part]:
    clip = place.tile.clip
    name = clamp(place.prompt or place.label, html.LONG_PROMPT)
    box = "display:block;max-width:100%"
    if source is None or clip is None:
        bar = html.ACCENTS.get(place.tile.snapshot.status, html.NEUTRAL) if place.tile.snapshot else html.NEUTRAL
        style = f"border-left:3px solid {bar};padding:4px 10px;{html.WRAP}"
        yield _state(style, state(place.tile))
        return
    if source.embed is not None or source.url is not None:
        yield filled(
            '<video controls muted loop preload="metadata" width="{}" height="{}" src="', clip.width, clip.height
        )
        yield Embedded(source.embed, "video/mp4") if source.embed is not None else escaped(source.url)
        yield filled('" title="{}" style="{};height:auto;width:100%">', name, box)
        yield from _picture(source, name, box)
        yield Html("</video>")
        return
    yield from _picture(source, name, box)
    if source.same_as is not None:
        yield _state(html.QUIET, f"the same clip as cell {source.same_as + 1}")
    if source.trouble:
        yield _state(html.QUIET, source.trouble)


def _state(style: str, words: str) -> Html:
    return filled('<div class="sdw-state" style="{}">{}</div>', style, words)


def _picture(source: Source, name: str, style: str) -> Iterator[Part]:
    if source.poster is not None:
        yield Html('<img src="')
        yield Embedded(source.poster, "image/jpeg")
        yield filled('" alt="{}" style="{}">', name, style)
