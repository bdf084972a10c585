"""The words in a film: prompt, caption and clock, set with Pillow in whatever good font there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .. import fonts
from ..fonts import Font, font

WHITE = (255, 255, 255)
SHADE = (8, 8, 14)
_LONGEST_PROMPT = 600  # characters that are looked at; nobody reads more in a picture


class Piece(NamedTuple):
    """Letters ready to be pasted: RGB colours, L coverage, and the place of their top left corner in pixels."""

    colours: Image.Image
    coverage: Image.Image
    left: int
    top: int


@dataclass(frozen=True)
class Caption:
    """What a film says of itself, beside the time."""

    prompt: str
    about: str
    details: str

    def lay_out(self, size: tuple[int, int]) -> Iterator[Piece]:
        """The pieces for a picture of this size (width, height)."""
        width, height = size
        unit = min(size)
        margin = _even(unit * 0.06)
        yield _quiet_piece(_spaced("SIMULATED"), font("bold", unit * 0.024), margin, margin, 0.85)
        room = (width - 2 * margin, _even(height * (0.40 if width >= height else 0.34)))
        text, chosen = _fit(_drawable(fonts.printable(self.prompt, _LONGEST_PROMPT)), room, unit)
        yield _piece(text, chosen, margin, margin + _even(unit * 0.07), unit)
        beside_clock = 0.58 * width - margin
        about = _shrunk(self.about, "bold", unit * 0.034, beside_clock)
        yield _quiet_piece(self.about, about, margin, _even(height - unit * 0.155), 1.0)
        details = _shrunk(self.details, "plain", unit * 0.024, beside_clock)
        yield _quiet_piece(self.details, details, margin, _even(height - unit * 0.10), 0.75)


class Clock:
    """Seconds and frames, in cells of equal width so that the digits stand still."""

    def __init__(self, size: tuple[int, int]) -> None:
        unit = min(size)
        self._font = font("bold", unit * (0.085 if size[0] >= size[1] else 0.075))
        boxes = [self._font.getbbox(digit) for digit in "0123456789"]
        self._cell = (_even(max(box[2] for box in boxes) * 1.06), _even(max(box[3] for box in boxes) * 1.15))
        self._dot = _even(self._cell[0] * 0.55)
        margin = _even(unit * 0.06)
        self._left = size[0] - margin - 4 * self._cell[0] - self._dot
        self._top = _even(size[1] - unit * 0.155)

    def glyphs(self) -> dict[str, tuple[Image.Image, Image.Image]]:
        """(RGB colours, L coverage) of each sign the clock needs."""
        return {sign: self._glyph(sign) for sign in "0123456789."}

    def place(self, seconds: int, frame: int) -> Iterator[tuple[str, int, int]]:
        """(sign, left, top) of each sign of "SS.FF"."""
        left = self._left
        for sign in f"{seconds % 100:02}.{frame:02}":
            yield sign, left, self._top
            left += self._dot if sign == "." else self._cell[0]

    def _glyph(self, sign: str) -> tuple[Image.Image, Image.Image]:
        size = (self._dot, self._cell[1]) if sign == "." else self._cell
        ink = Image.new("L", size)
        middle = (size[0] - self._font.getlength(sign)) / 2
        ImageDraw.Draw(ink).text((middle, 0), sign, fill=255, font=self._font)
        return Image.new("RGB", size, WHITE), ink


def _piece(text: str, font: Font, left: int, top: int, unit: int) -> Piece:
    """White letters with a soft shadow, whose top left corner is at (left, top); `unit` is the short side in pixels."""
    blur = unit * 0.012
    pad = _even(blur * 3)
    letters = _letters(text, font, pad, unit * 0.014)
    shadow = letters.filter(ImageFilter.GaussianBlur(blur)).point([min(110, level) for level in range(256)])
    white, shade = Image.new("RGB", letters.size, WHITE), Image.new("RGB", letters.size, SHADE)
    return Piece(Image.composite(white, shade, letters), ImageChops.lighter(letters, shadow), left - pad, top - pad)


def _quiet_piece(text: str, font: Font, left: int, top: int, opacity: float) -> Piece:
    """Letters that let a little of the picture through."""
    letters = _letters(text, font, 0, 0)
    return Piece(
        Image.new("RGB", letters.size, WHITE),
        letters.point([round(level * opacity) for level in range(256)]),
        left,
        top,
    )


def _letters(text: str, font: Font, pad: int, spacing: float) -> Image.Image:
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=font, spacing=spacing)
    letters = Image.new("L", (_even(box[2] + 2 * pad + 1), _even(box[3] + 2 * pad + 1)))
    ImageDraw.Draw(letters).multiline_text((pad, pad), text, fill=255, font=font, spacing=spacing)
    return letters


def _drawable(text: str) -> str:
    """The text with "…" for words whose letters the font lacks."""
    style = fonts.style_for(text)
    for begin, end in reversed(fonts.gaps(text, lambda letter: fonts.has(letter, style))):
        text = f"{text[:begin]}…{text[end:]}"
    return text or "…"


def _fit(text: str, room: tuple[int, int], unit: int) -> tuple[str, Font]:
    """The text in lines, and the largest font with which they fit into `room` (width, height); cut at the smallest."""
    style = fonts.style_for(text)
    for share in (0.10, 0.085, 0.07, 0.058, 0.048, 0.04):
        chosen = font(style, unit * share)
        lines = fonts.wrap(text, chosen, room[0])
        line_height = unit * (share * 1.17 + 0.014)
        fitting = int(room[1] / line_height)
        if len(lines) <= min(fitting, 6 if share < 0.07 else 4):
            return "\n".join(lines), chosen
    return "\n".join([*lines[: fitting - 1], lines[fitting - 1][:-1] + "…"]), chosen


def _shrunk(text: str, style: str, size: float, room: float) -> Font:
    """The font of this size, or a smaller one with which the text is no wider than `room`."""
    return font(style, size * min(1, room / font(style, size).getlength(text)))


def _spaced(text: str) -> str:
    return "\u2009".join(text)


def _even(value: float) -> int:
    return 2 * round(value / 2)
