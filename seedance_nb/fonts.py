"""Good fonts of the system, and text cut into lines that fit: for the words in films and on contact sheets."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_FILES = {
    "plain": ("DejaVuSans.ttf",),
    "bold": ("DejaVuSans-Bold.ttf", "DejaVuSans.ttf"),
    # for texts in scripts that the fonts above lack
    "wide": ("NotoSansCJK-Regular.ttc", "AppleSDGothicNeo.ttc", "malgun.ttf", "NanumGothic.ttf", "DejaVuSans.ttf"),
}
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def font(style: str, size: float) -> Font:
    """The font of a style ("plain", "bold" or "wide") at `size` pixels; Pillow's own where the system has none."""
    return _font(style, size)


def style_for(text: str, style: str = "plain") -> str:
    """The style itself, or "wide" where the text needs Chinese, Japanese or Korean letters."""
    return "wide" if _WIDE.search(text) else style


def printable(text: str, longest: int) -> str:
    """One line of at most `longest` characters that every font call survives: no lone surrogates, no control characters."""
    text = text[:longest].encode("utf-8", "replace").decode()
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def wrap(text: str, chosen: Font, width: float) -> list[str]:
    """The text in lines of at most `width` pixels, broken between words where that is possible."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if chosen.getlength(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        if chosen.getlength(word) <= width:
            lines[-1] = word
            continue
        for letter in word:  # a word that is too long for a line is broken anywhere, which suits Chinese as well
            if chosen.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def clipped(lines: Sequence[str], most: int, chosen: Font, width: float) -> list[str]:
    """At most `most` of the lines; where some are left out, the last one ends in "…"."""
    if len(lines) <= most:
        return list(lines)
    last = lines[most - 1]
    while last and chosen.getlength(f"{last}…") > width:
        last = last[:-1]
    return [*lines[: most - 1], f"{last.rstrip()}…"]


@functools.lru_cache(maxsize=64)
def _font(style: str, size: float) -> Font:
    file = _file(style)
    return ImageFont.load_default(size) if file is None else ImageFont.truetype(file, size)


@functools.cache
def _file(style: str) -> str | None:
    """The first font of this style that the system has; Pillow's own serves where there is none."""
    for name in _FILES[style]:
        try:
            return str(ImageFont.truetype(name).path)
        except OSError:
            continue
    return None
