"""Where each cell of a grid stands on paper or on film: rows, columns and what both are called. Pure."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from ...api.fields import DEFAULT_ASPECT_RATIO, TAKE
from ...api.models import VideoRequest
from ...errors import InvalidRequest, one_line, shortened
from ...pages.words import MADE_ELSEWHERE, standing_words
from ..axes import check_axis, value_key
from ..picture import GridPicture, Tile, guess_layout
from ..wording import CUT, axis_title, labels

MOST_PROMPTS = 100
"""So many prompts are searched for their common words; the more there are, the less is common anyway."""


@dataclasses.dataclass(frozen=True, slots=True)
class Heading:
    """What a row or a column is called: its value on the main axis, and on the other axes that vary inside it."""

    label: str
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """Tiles in rows and columns. `tiles` is keyed by (row, column); where nothing is, there was no such cell."""

    rows: tuple[Heading, ...]
    columns: tuple[Heading, ...]
    tiles: Mapping[tuple[int, int], Tile]
    row_title: str = ""
    """The name of what varies from row to row; "" where nothing does."""
    column_title: str = ""


def tables(picture: GridPicture, rows: str | None, columns: str | None) -> list[Table]:
    """The ways to lay this grid out, the usual one first; `rows` and `columns` are axes or None, which means: choose.

    Axes that are neither vary inside a cell, either across or down. Raises InvalidRequest for names that are no axes.
    """
    if not picture.tiles:
        raise InvalidRequest("this grid has no cells to show; see its where=")
    _check(picture.names, rows, columns)
    sizes = {name: len(picture.levels(name)) for name in picture.names}
    varied = [name for name in picture.names if sizes[name] > 1]
    free = [name for name in varied if name not in (rows, columns)]
    # Takes of one cell belong side by side, unless there is nothing else to lay out.
    needed = (rows is None) + (columns is None)
    down, across = guess_layout([n for n in free if n != TAKE] if len(free) > needed else free, sizes)
    if rows is None and columns is None:
        rows, columns = down, across
        # Axes that vary together (zip, rows) fill no table: their cells stand side by side, named by all of them.
        if rows and columns and sizes[rows] * sizes[columns] > 2 * len(_places(picture, (rows, columns))):
            rows = columns = None
    elif rows is None:
        rows = down or across
    elif columns is None:
        columns = across
    inner = [name for name in varied if name not in (rows, columns)]
    made = [_table(picture, [rows] if rows else [], [columns] if columns else [], [], inner)]
    if inner and (rows or columns):
        made.append(_table(picture, [rows] if rows else [], [columns] if columns else [], inner, []))
    return made


def _check(names: Sequence[str], rows: str | None, columns: str | None) -> None:
    for given in (rows, columns):
        if given is not None:
            check_axis(given, names)
    if rows is not None and rows == columns:
        raise InvalidRequest(f"rows and columns cannot both be {rows!r}; leave one out, and it is chosen for you")


def _places(picture: GridPicture, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The different values that cells have on these axes, in the order in which each axis has them."""
    order = {name: {value_key(value): i for i, value in enumerate(picture.levels(name))} for name in names}
    found = {tuple(value_key(tile.cell.values.get(name)) for name in names) for tile in picture.tiles}
    return sorted(found, key=lambda key: [order[name][part] for name, part in zip(names, key, strict=True)])


def _table(picture: GridPicture, rows: list[str], columns: list[str], down: list[str], across: list[str]) -> Table:
    names = _names(picture, {*rows, *columns, *down, *across})
    row_keys, column_keys = _places(picture, rows + down), _places(picture, columns + across)
    row_at, column_at = ({key: i for i, key in enumerate(keys)} for keys in (row_keys, column_keys))
    stacks: dict[tuple[int, int], list[Tile]] = {}
    for tile in picture.tiles:
        values = tile.cell.values
        row = row_at[tuple(value_key(values.get(name)) for name in rows + down)]
        column = column_at[tuple(value_key(values.get(name)) for name in columns + across)]
        stacks.setdefault((row, column), []).append(tile)
    deep = max(map(len, stacks.values()))  # cells that no axis tells apart stand side by side
    headings = [_heading(names, columns, across, key) for key in column_keys]
    return Table(
        rows=tuple(_heading(names, rows, down, key) for key in row_keys),
        columns=tuple(heading for heading in headings for _ in range(deep)),
        tiles={
            (row, column * deep + i): tile for (row, column), stack in stacks.items() for i, tile in enumerate(stack)
        },
        row_title=_title(rows, down),
        column_title=_title(columns, across),
    )


def _names(picture: GridPicture, axes: set[str]) -> dict[str, dict[str, str]]:
    found = {}
    for name in axes:
        levels = picture.levels(name)
        found[name] = dict(zip(map(value_key, levels), labels(name, levels), strict=True))
    return found


def _heading(
    names: Mapping[str, Mapping[str, str]], main: list[str], inner: list[str], key: tuple[str, ...]
) -> Heading:
    said = [names[name][part] for name, part in zip(main + inner, key, strict=True)]
    if not main:
        return Heading(" · ".join(said))
    return Heading(said[0], " · ".join(said[1:]))


def _title(main: list[str], inner: list[str]) -> str:
    return ", ".join(axis_title(name) for name in main + inner)


# What is said of the whole grid, and of one cell ------------------------------------------------------------------------


def title(picture: GridPicture) -> str:
    """What the prompts have in common, with "…" where they differ; one prompt as it is."""
    prompts = list(dict.fromkeys(tile.cell.request.prompt for tile in picture.tiles if tile.cell.request is not None))
    if len(prompts) == 1:
        return one_line(prompts[0], 400)
    words = reduce(_common, [one_line(prompt, 2000).split() for prompt in prompts[:MOST_PROMPTS]]) if prompts else []
    if len(prompts) > MOST_PROMPTS or sum(word != CUT for word in words) < 2:
        return f"{len(prompts)} prompts" if prompts else "no prompt that can be sent"
    return one_line(" ".join(words), 400)


def _common(one: list[str], other: list[str]) -> list[str]:
    """The words of both in their order, with "…" for what lies between."""
    kept: list[str] = []
    end = (0, 0)
    for a, b, size in difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
        # A lone "a" or "of" between two differences is common by chance.
        chance = size == 1 and len(one[a]) < 4 and a > 0 and b > 0 and a + 1 < len(one) and b + 1 < len(other)
        if chance and (a, b) != end:
            continue
        if (a, b) != end:
            kept.append(CUT)
        kept += one[a : a + size]
        end = a + size, b + size
    return [word for n, word in enumerate(kept) if word != CUT or n == 0 or kept[n - 1] != CUT]


def subtitle(picture: GridPicture) -> str:
    """What all requests share beside the prompt, how many clips there are, and what they cost."""
    requests = [tile.cell.request for tile in picture.tiles if tile.cell.request is not None]
    shared = [said.pop() for said in ({part(r) for r in requests} for part in _SETTINGS) if len(said) == 1]
    cells, done = len(picture.tiles), sum(tile.clip is not None for tile in picture.tiles)
    clips = _count(cells, "clip") if done == cells else f"{done} of {_count(cells, 'clip')}"
    snapshots = [tile.snapshot for tile in picture.tiles if tile.snapshot is not None]
    kind = "simulated credit" if snapshots and all(snapshot.simulated for snapshot in snapshots) else "credit"
    return " · ".join([*(text for text in shared if text), clips, _count(picture.credits, kind)])


_SETTINGS: tuple[Callable[[VideoRequest], str], ...] = (
    lambda r: r.model,
    lambda r: r.aspect_ratio or "",
    lambda r: r.resolution or "",
    lambda r: f"{r.duration:g} s" if r.duration else "",
)


def receipt(tile: Tile) -> str:
    """What a cell's clip is, so that it can be found again: take, credits and the beginning of its sha256."""
    snapshot, clip = tile.snapshot, tile.clip
    if snapshot is None or clip is None:
        return f"take {tile.cell.take}"
    cost = MADE_ELSEWHERE if snapshot.made_elsewhere else "0 credits, reused" if snapshot.reused else ""
    if not cost and snapshot.credits is not None:
        cost = _count(snapshot.credits, "credit")
    return " · ".join(part for part in (f"take {snapshot.take}", cost, clip.sha256[:8]) if part)


def standing(tile: Tile) -> tuple[str, str]:
    """(where a cell without a clip stands, why or "")."""
    if tile.cell.invalid is not None:
        return "cannot be made", shortened(tile.cell.invalid)
    if tile.snapshot is None:
        return "not submitted yet", ""
    error = tile.snapshot.error
    return standing_words(tile.snapshot), shortened(error) if error is not None else ""


def shape(tile: Tile) -> float:
    """Width by height of a cell's picture, made or to be made."""
    if tile.clip is not None and tile.clip.width > 0 and tile.clip.height > 0:
        return tile.clip.width / tile.clip.height
    request = tile.cell.request
    wide, _, high = ((request.aspect_ratio if request else None) or DEFAULT_ASPECT_RATIO).partition(":")
    try:
        return min(4.0, max(0.25, float(wide) / float(high)))
    except (ValueError, ZeroDivisionError):  # a ratio that only the service knows
        return 16 / 9


def _count(number: float, what: str) -> str:
    return f"{number:,.10g} {what}{'' if number == 1 else 's'}"
