"""The wall: the clips of a grid on their axes, played in step by one transport. The same HTML live, saved and exported.

Without its script, as in a notebook nobody trusts, it is a wall of plain players.
"""

from __future__ import annotations

from ...pages import words
from ..picture import GridPicture
from .markup import markup, text_of
from .page import write_page
from .sources import in_notebook
from .tiles import axes_of, choose_layout, heading, places_of, receipt, state

__all__ = ["wall_html", "wall_plain", "write_page"]


def wall_html(
    picture: GridPicture,
    *,
    rows: str | None = None,
    columns: str | None = None,
    pages: str | None = None,
    embed_limit: int,
    title: str = "",
) -> str:
    """The wall for a notebook output: `text/html` that holds the clips themselves.

    `rows`, `columns` and `pages` are names of axes; without rows and columns a layout is guessed. Above `embed_limit` bytes in all
    it holds small previews and relative links (making previews takes about a second a clip, once). Raises InvalidRequest for
    names that are no axes.
    """
    axes = axes_of(picture)
    layout = choose_layout(picture, axes, rows, columns, pages)
    places = places_of(picture, axes)
    parts = markup(picture, axes, places, layout, in_notebook(places, embed_limit), title)
    return "".join(text for part in parts for text in text_of(part))


def wall_plain(
    picture: GridPicture,
    *,
    rows: str | None = None,
    columns: str | None = None,
    pages: str | None = None,
    title: str = "",
) -> str:
    """The same for `text/plain`: a line for each cell, with what became of it. Raises InvalidRequest as `wall_html` does."""
    axes = axes_of(picture)
    layout = choose_layout(picture, axes, rows, columns, pages)
    order = [i for i in (layout.pages, layout.rows, layout.columns) if i is not None]
    order += [i for i in range(len(axes)) if i not in order]
    lines = []
    for place in sorted(places_of(picture, axes), key=lambda place: [place.at[i] for i in order]):
        snapshot, clip = place.tile.snapshot, place.tile.clip
        what = receipt(snapshot) if snapshot is not None and clip is not None else state(place.tile)
        what = " · ".join(part for part in (what, place.measured) if part)
        lines.append((*(axes[i].labels[place.at[i]] for i in order), what, clip.path.name if clip is not None else ""))
    headers = (*(axes[i].title for i in order), "what became of it", "file")
    head = " · ".join(part for part in (title, heading(picture, axes)) if part)
    return words.plain_table(headers, lines, head)
