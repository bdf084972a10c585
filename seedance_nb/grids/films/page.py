"""A page with a grid on it: places for pictures, and the words around them, drawn with Pillow."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

from PIL import Image, ImageDraw

from ... import fonts
from ..picture import Tile
from . import layout as film_table

Colour = tuple[int, int, int]
LARGE, SMALLEST = 20, 11
"""Sizes of letters in the box of a cell without a clip, in pixels."""
LINE = 1.3
"""Height of a line of text, in sizes of its letters."""


@dataclasses.dataclass(frozen=True, slots=True)
class Style:
    """Colours of a page."""

    page: Colour
    box: Colour
    edge: Colour
    ink: Colour
    quiet: Colour


PAPER = Style((255, 255, 255), (244, 244, 246), (214, 214, 220), (24, 24, 28), (98, 98, 108))
SCREEN = Style((18, 18, 21), (31, 31, 36), (62, 62, 70), (240, 240, 243), (164, 164, 174))


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A rectangle."""

    left: int
    top: int
    width: int
    height: int


@dataclasses.dataclass(frozen=True, slots=True)
class Slot:
    """The place of one tile, of its pictures (one or a strip of several) and of its receipt."""

    tile: Tile
    box: Place
    pictures: tuple[Place, ...]
    caption: Place | None


@dataclasses.dataclass(frozen=True, slots=True)
class Words:
    """Lines of text with their top left corner; `quiet` ones are greyer."""

    left: int
    top: int
    lines: tuple[str, ...]
    size: float
    bold: bool = False
    quiet: bool = False

    @property
    def height(self) -> int:
        """In pixels."""
        return math.ceil(len(self.lines) * self.size * LINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A page of `width` x `height` pixels; `scale` says how large the pictures are (the root of their area)."""

    width: int
    height: int
    scale: float
    slots: tuple[Slot, ...]
    words: tuple[Words, ...]
    caption_size: float

    def draw(
        self, style: Style, wrong: Mapping[int, str] | None = None, drawable: Callable[[str], str] = str
    ) -> Image.Image:
        """The page as an RGB image, with everything but the pictures. `wrong` says of slots, by index, why they have none.

        `drawable` makes a text one that can be drawn.
        """
        image = Image.new("RGB", (self.width, self.height), style.page)
        pen = ImageDraw.Draw(image)
        for words in self.words:
            _write(pen, words, style)
        for index, slot in enumerate(self.slots):
            reason = (wrong or {}).get(index)
            if slot.tile.clip is None or reason is not None:
                said = film_table.standing(slot.tile) if reason is None else ("no picture", reason)
                self._draw_box(pen, slot.box, (drawable(said[0]), drawable(said[1])), style)
            if slot.caption is not None:
                lines = set_lines(film_table.receipt(slot.tile), slot.caption.width, self.caption_size, most=2)
                _write(pen, Words(slot.caption.left, slot.caption.top, lines, self.caption_size, quiet=True), style)
        return image

    @staticmethod
    def _draw_box(pen: ImageDraw.ImageDraw, box: Place, said: tuple[str, str], style: Style) -> None:
        right, bottom = box.left + box.width - 1, box.top + box.height - 1
        pen.rectangle((box.left, box.top, right, bottom), fill=style.box, outline=style.edge)
        pad = min(24, max(4, box.width // 20))
        size = max(SMALLEST, min(LARGE, box.width / 14))
        head = Words(
            box.left + pad, 0, set_lines(said[0], box.width - 2 * pad, size, bold=True, most=2), size, bold=True
        )
        small = max(SMALLEST, size * 0.8)
        most = int((box.height - head.height - 2 * pad) / (small * LINE))
        why = set_lines(said[1], box.width - 2 * pad, small, most=min(5, most)) if said[1] and most > 0 else ()
        tail = Words(head.left, 0, why, small, quiet=True)
        top = box.top + max(pad, (box.height - head.height - tail.height) // 2)
        _write(pen, dataclasses.replace(head, top=top), style)
        _write(pen, dataclasses.replace(tail, top=top + head.height), style)


# Letters ----------------------------------------------------------------------------------------------------------------


def set_lines(text: str, width: float, size: float, *, bold: bool = False, most: int) -> tuple[str, ...]:
    """The text in at most `most` lines of `width` pixels, with letters of this size; "…" ends what was cut."""
    text = fonts.printable(text, 2000)
    if not text:
        return ()
    chosen = _letters(size, bold)
    return tuple(fonts.clipped(fonts.wrap(text, chosen, width), most, chosen, width))


def text_length(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a line of text in pixels."""
    return _letters(size, bold).getlength(fonts.printable(text, 2000)) if text else 0


def _letters(size: float, bold: bool) -> fonts.Lettering:
    return fonts.Lettering("bold" if bold else "plain", size)


def _write(pen: ImageDraw.ImageDraw, words: Words, style: Style) -> None:
    colour = style.quiet if words.quiet else style.ink
    for number, line in enumerate(words.lines):
        place = (words.left, words.top + number * words.size * LINE)
        _letters(words.size, words.bold).draw(pen, place, line, colour)
