"""Good fonts of the system, which letters they have, and text cut into lines: for the words in films and on contact sheets."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_FILES = {
    "plain": ("DejaVuSans.ttf",),
    "bold": ("DejaVuSans-Bold.ttf", "DejaVuSans.ttf"),
    # for texts in scripts that the fonts above lack
    "wide": ("NotoSansCJK-Regular.ttc", "AppleSDGothicNeo.ttc", "malgun.ttf", "NanumGothic.ttf", "DejaVuSans.ttf"),
}
_MOST_FILES = 800
"""So many fonts of the system are searched for a letter that the good ones lack."""
_JOINERS = "\u200c\u200d"
"""Hindi and Persian need them, and emoji made of several."""
_NO_LETTER = "\U0010ffff"
"""Nobody's letter: what a font draws for it, it draws for all that it lacks."""
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
    return " ".join("".join(sign if sign.isprintable() or sign in _JOINERS else " " for sign in text).split())


class Measured(Protocol):
    """What can tell how long a line is."""

    def getlength(self, text: str, /) -> float:
        """In pixels."""
        ...


class Lettering:
    """Letters of a style ("plain" or "bold") and size in pixels, each from the first font of the system that has it."""

    def __init__(self, style: str, size: float) -> None:
        self._style, self._size = style, size

    def getlength(self, text: str) -> float:
        """The length of a line in pixels."""
        return sum(chosen.getlength(part) for chosen, part in self._runs(text))

    def draw(
        self, pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, colour: tuple[int, int, int]
    ) -> None:
        """Draw a line whose top left corner is at `place`; all fonts stand on one base line."""
        main = font(self._style, self._size)
        across, top = place
        if not isinstance(main, ImageFont.FreeTypeFont):
            pen.text(place, text, fill=colour, font=main)
            return
        base = top + main.getmetrics()[0]
        for chosen, part in self._runs(text):
            pen.text((across, base), part, fill=colour, font=chosen, anchor="ls")
            across += chosen.getlength(part)

    def _runs(self, text: str) -> Iterator[tuple[Font, str]]:
        last: str | None = ""
        files = []
        for letter in text:
            if letter.isspace() or follows(letter):
                files.append(last)
            else:
                last = file_with(letter, self._style) or ""
                files.append(last)
        at = 0
        for file, run in itertools.groupby(files):
            count = len(list(run))
            chosen = _from_file(file, self._size) if file else font(self._style, self._size)
            yield chosen, text[at : at + count]
            at += count


def can_draw(letter: str) -> bool:
    """Whether some font of the system has this letter. Blanks, and marks that only change the letter before them, need none."""
    return letter.isspace() or follows(letter) or file_with(letter, "plain") is not None


def has(letter: str, style: str) -> bool:
    """The same of the one font of a style."""
    return letter.isspace() or follows(letter) or _has(_file(style) or "", letter)


def gaps(text: str, can_draw: Callable[[str], bool] = can_draw) -> list[tuple[int, int]]:
    """Where words are that cannot be drawn: what stands between two such letters belongs to them, unless it is a word itself."""
    found: list[tuple[int, int]] = []
    for at, letter in enumerate(text):
        if can_draw(letter):
            continue
        end = at + 1
        while end < len(text) and follows(text[end]):
            end += 1
        if found and not any(c.isalpha() and can_draw(c) for c in text[found[-1][1] : at]):
            found[-1] = (found[-1][0], end)
        else:
            found.append((at, end))
    return found


@functools.lru_cache(maxsize=4096)
def file_with(letter: str, style: str) -> str | None:
    """The file of the first font that has this letter: those of the style, those of wide scripts, any; "" is Pillow's own."""
    for file in (_file(style) or "", _file("plain") or "", _file("wide") or ""):
        if _has(file, letter):
            return file
    return next((file for file in _all_files() if _has(file, letter)), None)


def follows(letter: str) -> bool:
    """Whether this is a mark that only changes the letter before it, or joins two."""
    return unicodedata.category(letter) in ("Mn", "Mc", "Me", "Cf")


def _has(file: str, letter: str) -> bool:
    """Whether the font draws something else for this letter than for one that it surely lacks."""
    try:
        drawn = _drawn(file, letter)
        return drawn.getbbox() is not None and drawn.tobytes() != _drawn(file, _NO_LETTER).tobytes()
    except (OSError, ValueError):  # a font of pictures in one size only, or a damaged one
        return False


def _drawn(file: str, letter: str) -> Image.Image:
    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((8, 8), letter, fill=255, font=_for_looking(file))
    return image


@functools.lru_cache(maxsize=256)
def _for_looking(file: str) -> Font:
    # Without shaping: a letter alone must not be helped out with a dotted circle.
    return ImageFont.truetype(file, 20, layout_engine=ImageFont.Layout.BASIC) if file else ImageFont.load_default(20)


@functools.cache
def _all_files() -> tuple[str, ...]:
    """The fonts of the system, the upright sans serif ones first."""
    found: list[Path] = []
    for folder in _folders():
        with contextlib.suppress(OSError):
            found += [path for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc")]
    names = sorted({str(path) for path in found}, key=lambda name: (_is_special(name), name))
    return tuple(names[:_MOST_FILES])


def _is_special(name: str) -> int:
    low = Path(name).stem.lower()
    return sum(
        word in low for word in ("italic", "oblique", "bold", "light", "thin", "black", "serif", "mono", "condensed")
    )


def _folders() -> Iterator[Path]:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    if sys.platform == "win32":
        yield Path(os.environ.get("WINDIR", "C:\\Windows")) / "Fonts"
        yield home / "AppData/Local/Microsoft/Windows/Fonts"
    elif sys.platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    else:
        data = os.environ.get("XDG_DATA_HOME") or str(home / ".local/share")
        shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        yield from (Path(folder) / "fonts" for folder in [data, *shared.split(":")] if folder)
        yield home / ".fonts"


# Scripts ----------------------------------------------------------------------------------------------------------------

SCRIPTS = {"Chinese": "汉", "Japanese": "か", "Korean": "한", "Hindi": "ह", "Arabic": "ع", "Thai": "ท", "emoji": "🐱"}
"""What people write prompts in, and a letter of each that Latin fonts lack."""
_SCRIPT_NAMES = {
    "HANGUL": "Korean",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "CJK": "Chinese",
    "DEVANAGARI": "Hindi",
}
_CJK = ("Chinese", "Japanese", "Korean")


def script_of(letter: str) -> str:
    """What a letter belongs to, in words: "Korean", "Thai", "emoji"."""
    name = unicodedata.name(letter, "").split(" ")[0]
    if not unicodedata.category(letter).startswith("L"):
        return "emoji"
    return _SCRIPT_NAMES.get(name, name.capitalize() or "unknown")


def cure_for(scripts: Sequence[str]) -> str:
    """What to install for these scripts, in a few words."""
    packages = {
        "fonts-noto-cjk": any(script in _CJK for script in scripts),
        "fonts-noto-core": any(script not in (*_CJK, "emoji") for script in scripts),
        "fonts-symbola": "emoji" in scripts,
    }
    wanted = " ".join(name for name, is_wanted in packages.items() if is_wanted)
    return f"install a font that has them (Debian, Ubuntu: apt-get install {wanted}) and restart the kernel"


# Lines ------------------------------------------------------------------------------------------------------------------


def wrap(text: str, chosen: Measured, width: float) -> list[str]:
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


def clipped(lines: Sequence[str], most: int, chosen: Measured, width: float) -> list[str]:
    """At most `most` of the lines; where some are left out, the last one ends in "…"."""
    if len(lines) <= most:
        return list(lines)
    last = lines[most - 1]
    while last and chosen.getlength(f"{last}…") > width:
        last = last[:-1]
    return [*lines[: most - 1], f"{last.rstrip()}…"]


@functools.lru_cache(maxsize=64)
def _from_file(file: str, size: float) -> Font:
    return ImageFont.truetype(file, size)


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
