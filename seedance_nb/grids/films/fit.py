"""Where everything goes on the page: rows, columns and bands, and pictures as large as the room allows. Pure but for fonts.

All places of pictures are even pixels, so that a film can use them as they are: its colours have half the resolution of its light.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

from ..picture import GridPicture, Tile
from . import layout as film_table
from .layout import Heading, Table
from .page import LINE, SMALLEST, Page, Place, Slot, Words, set_lines, text_length

MARGIN, GAP, SEAM = 28, 12, 2
TITLE, ABOUT, AXIS, LABEL, DETAIL, CAPTION = 26, 17, 14, 20, 16, 15
"""Sizes of letters; where there is little room, those of columns and captions shrink to SMALLEST."""
LEAST_WIDTH = 520
"""Narrower pages would break their title into shreds."""
HEAD_GUESS, HEADER_GUESS = 90, 34
"""Heights of the title and of one line of column names, near enough to choose by."""
GAIN_OF_LINES, GAIN_OF_BANDS = 1.3, 2.0
"""A single row is broken into lines, a table into bands, only if the pictures become so much larger."""
MOST_BANDS = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Room:
    """What a page may take up, in pixels, and what stands on it."""

    width: int
    height: int
    """What would suit best; the page can grow to `tallest`."""
    tallest: int
    largest: float
    """No picture has an area of more than `largest` squared."""
    frames: int = 1
    """Pictures a tile."""
    receipts: bool = True
    about: str = ""
    """What is said of the film before all else of the grid."""

    def holds(self, page: Page) -> bool:
        """Whether the page fits."""
        return page.width <= self.width and page.height <= self.tallest


def fit(picture: GridPicture, tables: Sequence[Table], room: Room, drawable: Callable[[str], str] = str) -> Page:
    """The page with the largest pictures that fits into the room.

    Of the tables, and of the ways to break them into bands, the one is taken that suits the room best. The page may be too
    large all the same, when even tiny pictures do not fit. `drawable` makes a text one that can be drawn.
    """
    table, bands = _choose(tables, room)
    draft = _Draft(picture, table, bands, room, drawable)
    small, large = 8.0, room.largest
    page = draft.build(large)
    if room.holds(page):
        return page
    while large - small > 0.5:
        middle = (small + large) / 2
        page = draft.build(middle)
        small, large = (middle, large) if room.holds(page) else (small, middle)
    return draft.build(small)


def _choose(tables: Sequence[Table], room: Room) -> tuple[Table, list[list[int]]]:
    found = []
    for table in tables:
        widths, heights = _shapes(table)
        used: dict[int, set[int]] = {}
        for row, column in table.tiles:
            used.setdefault(column, set()).add(row)
        count = len(table.columns)
        for each in sorted({math.ceil(count / n) for n in range(1, min(count, MOST_BANDS) + 1)}, reverse=True):
            bands = _bands(table.columns, each)
            across = room.width - 2 * MARGIN - _label_width(table, room.width)
            wide = min(
                (across - GAP * (len(band) - 1)) / (room.frames * sum(widths[c] for c in band)) for band in bands
            )
            rows = [row for band in bands for row in set().union(*(used.get(c, set()) for c in band))]
            each_row = GAP + (2 * CAPTION if room.receipts else 0)
            down = room.height - 2 * MARGIN - HEAD_GUESS - HEADER_GUESS * len(bands) - len(rows) * each_row
            high = down / sum(heights[row] for row in rows)
            found.append((min(wide, high, room.largest), len(bands), table, bands))
    best = max(scale for scale, *_ in found)
    good = [
        choice
        for choice in found
        if choice[0] * (GAIN_OF_BANDS if len(choice[2].rows) > 1 else GAIN_OF_LINES) >= best or best <= 0
    ]
    few = min(good, key=lambda choice: (choice[1], -choice[0]))
    return few[2], few[3]


def _shapes(table: Table) -> tuple[list[float], list[float]]:
    """Widths of columns and heights of rows when every picture has the area 1: wide and tall ones look equally large."""
    widths, heights = [0.0] * len(table.columns), [0.0] * len(table.rows)
    for (row, column), tile in table.tiles.items():
        root = math.sqrt(film_table.shape(tile))
        widths[column] = max(widths[column], root)
        heights[row] = max(heights[row], 1 / root)
    return widths, heights


def _bands(columns: Sequence[Heading], each: int) -> list[list[int]]:
    """The columns in bands of at most `each`; columns of one label stay together unless they are too many."""
    bands: list[list[int]] = [[]]
    for _, run in _runs(columns, range(len(columns))):
        if bands[-1] and len(bands[-1]) + len(run) > each:
            bands.append([])
        for column in run:
            if len(bands[-1]) == each:
                bands.append([])
            bands[-1].append(column)
    return bands


def _runs(columns: Sequence[Heading], which: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
    for label, run in itertools.groupby(which, key=lambda column: columns[column].label):
        yield label, list(run)


def _label_width(table: Table, width: int) -> int:
    """Room for the names of the rows at the left of a page of this width; 0 where they have none."""
    longest = max(
        text_length(f"{table.row_title} ↓" if table.row_title else "", AXIS),
        *(max(text_length(row.label, LABEL, bold=True), text_length(row.detail, DETAIL)) for row in table.rows),
    )
    return _even(min(longest, 0.15 * width) + GAP + 2) if longest else 0


class _Draft:
    """Builds the page of one table for any scale."""

    def __init__(
        self, picture: GridPicture, table: Table, bands: list[list[int]], room: Room, drawable: Callable[[str], str]
    ) -> None:
        self._table, self._bands, self._frames = table, bands, room.frames
        self._title = drawable(film_table.title(picture))
        self._about = drawable(" · ".join(part for part in (room.about, film_table.subtitle(picture)) if part))
        self._labels = _label_width(table, room.width)
        self._shapes = _shapes(table)
        texts = map(film_table.receipt, table.tiles.values()) if room.receipts else ()
        self._receipt = max(texts, key=lambda text: text_length(text, CAPTION), default="")

    def build(self, scale: float) -> Page:
        table = self._table
        widths = [_even(scale * width) for width in self._shapes[0]]
        boxes = [self._frames * width + (self._frames - 1) * SEAM for width in widths]
        heights = [_even(scale * height) for height in self._shapes[1]]
        inside = max(sum(boxes[c] for c in band) + GAP * (len(band) - 1) for band in self._bands)
        width = max(self._labels + inside, LEAST_WIDTH)
        narrowest = min(boxes)
        size = round(_clamp(narrowest / 16, SMALLEST, CAPTION))
        lines = len(set_lines(self._receipt, narrowest, size, most=2))
        under = math.ceil(lines * size * LINE)
        words = [Words(MARGIN, MARGIN - 6, set_lines(self._title, width, TITLE, bold=True, most=3), TITLE, bold=True)]
        words.append(
            Words(
                MARGIN, words[0].top + words[0].height, set_lines(self._about, width, ABOUT, most=2), ABOUT, quiet=True
            )
        )
        top, slots = _even(words[1].top + words[1].height + GAP), list[Slot]()
        for number, band in enumerate(self._bands):
            lefts = list(itertools.accumulate((boxes[c] + GAP for c in band), initial=MARGIN + self._labels))
            left_of = dict(zip(band, lefts, strict=False))
            header, top = self._header(band, left_of, boxes, top, with_axes=number == 0)
            words += header
            last = ""
            for row, heading in enumerate(table.rows):
                here = [column for column in band if (row, column) in table.tiles]
                if not here:
                    continue
                words += self._row_words(heading, heading.label != last or not heading.detail, top, heights[row])
                last = heading.label
                for column in here:
                    tile = table.tiles[row, column]
                    box = Place(left_of[column], top, boxes[column], heights[row])
                    caption = Place(box.left, top + box.height + 3, box.width, under) if lines else None
                    slots.append(Slot(tile, box, self._pictures(tile, box, widths[column]), caption))
                top = _even(top + heights[row] + 3 + under + GAP)
            top += GAP if len(table.rows) > 1 else 0
        height = _even(top + MARGIN - GAP - (GAP if len(table.rows) > 1 else 0))
        return Page(_even(width + 2 * MARGIN), height, scale, tuple(slots), tuple(words), size)

    def _header(
        self, band: list[int], left_of: dict[int, int], boxes: list[int], top: int, *, with_axes: bool
    ) -> tuple[list[Words], int]:
        """The names of the columns of a band, standing on its first row, and where that row begins."""
        columns, made = self._table.columns, list[Words]()
        if self._table.column_title and with_axes:
            text = set_lines(f"{self._table.column_title} →", 10_000, AXIS, most=1)
            made.append(Words(left_of[band[0]], top, text, AXIS, quiet=True))
        if self._table.row_title and with_axes:
            text = set_lines(f"{self._table.row_title} ↓", max(self._labels - GAP, 1), AXIS, most=1)
            made.append(Words(MARGIN, top, text, AXIS, quiet=True))
        top += max((words.height for words in made), default=0)
        upper, lower = list[Words](), list[Words]()
        for label, run in _runs(columns, band):
            if label:
                width = sum(boxes[c] for c in run) + GAP * (len(run) - 1)
                size = round(_clamp(width / 9, SMALLEST, LABEL))
                upper.append(
                    Words(left_of[run[0]], 0, set_lines(label, width, size, bold=True, most=3), size, bold=True)
                )
            for column in run:
                if columns[column].detail:
                    size = round(_clamp(boxes[column] / 9, SMALLEST, DETAIL))
                    text = set_lines(columns[column].detail, boxes[column], size, most=2)
                    lower.append(Words(left_of[column], 0, text, size, quiet=True))
        for line in (upper, lower):
            tall = max((words.height for words in line), default=0)
            made += [dataclasses.replace(words, top=top + tall - words.height) for words in line]
            top += tall
        return made, _even(top + 6)

    def _row_words(self, heading: Heading, with_label: bool, top: int, height: int) -> list[Words]:
        made, width = list[Words](), self._labels - GAP
        if heading.label and with_label:
            size = LABEL if height > 2 * LABEL * LINE else DETAIL
            most = max(1, int(height / (size * LINE)) - bool(heading.detail))
            made.append(
                Words(MARGIN, top, set_lines(heading.label, width, size, bold=True, most=most), size, bold=True)
            )
        if heading.detail:
            under = top + (made[0].height if made else 0)
            most = max(1, int((top + height - under) / (DETAIL * LINE)))
            made.append(Words(MARGIN, under, set_lines(heading.detail, width, DETAIL, most=most), DETAIL, quiet=True))
        return made

    def _pictures(self, tile: Tile, box: Place, width: int) -> tuple[Place, ...]:
        """Where its pictures go: as large as the box allows in their own shape, in the middle."""
        ratio = film_table.shape(tile)
        wide = max(2, _even(min(width, box.height * ratio)))
        high = max(2, min(box.height, _even(wide / ratio)))
        above, beside = _even((box.height - high) / 2 - 0.5), _even((width - wide) / 2 - 0.5)
        step = width + SEAM
        return tuple(Place(box.left + n * step + beside, box.top + above, wide, high) for n in range(self._frames))


def _even(value: float) -> int:
    return max(0, 2 * round(value / 2))


def _clamp(value: float, least: float, most: float) -> float:
    return max(least, min(most, value))
