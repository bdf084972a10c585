"""A still of a clip in terminals that can show one. Told by the environment alone: a terminal that is asked would answer into what is typed."""

from __future__ import annotations

import base64
import io
import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

from ..clips.clip import Clip

if TYPE_CHECKING:
    from PIL.Image import Image

WAYS = ("kitty", "iterm2", "sixel")
_KITTY = ("xterm-kitty", "xterm-ghostty")
_ITERM2 = ("iTerm.app", "WezTerm")
_SIXEL = ("foot", "foot-extra", "mlterm", "mlterm-256color", "yaft-256color", "contour")
_WIDEST = 480
"""Pixels: a thumbnail, not a film."""
_COLUMNS = 40
_COLOURS = 64
_CHUNK = 4096
"""Characters that kitty takes at a time."""


def way_of(environ: Mapping[str, str]) -> str | None:
    """How the terminal with this environment shows pictures: one of WAYS, or None where it does not, or nobody can tell.

    SEEDANCE_STILLS names one where it is known better, or is "off".
    """
    wish = environ.get("SEEDANCE_STILLS", "").strip().lower()
    if wish:
        return wish if wish in WAYS else None
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if "TMUX" in environ or "STY" in environ or term.startswith(("tmux", "screen", "dumb")):
        return None  # what multiplexes a terminal takes pictures for text
    if term in _KITTY or "KITTY_WINDOW_ID" in environ or program == "ghostty":
        return "kitty"
    if program in _ITERM2 or environ.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return "sixel" if term in _SIXEL or program == "mintty" else None


def show_still(clip: Clip | None, stream: TextIO | None = None) -> None:
    """Write the poster of a clip to the terminal `stream` (None: stdout); nothing where it is none, or cannot show one."""
    stream = stream or sys.stdout
    way = way_of(os.environ)
    if clip is None or clip.poster is None or way is None or not stream.isatty():
        return
    try:
        from PIL import Image

        with Image.open(clip.poster) as poster:
            poster.thumbnail((_WIDEST, _WIDEST))
            text = "".join(_WRITERS[way](poster.convert("RGB")))
    except (OSError, ValueError):  # a poster that is gone is no reason to stop
        return
    stream.write(text + "\n")
    stream.flush()


def _kitty(image: Image) -> Iterator[str]:
    """https://sw.kovidgoyal.net/kitty/graphics-protocol: PNG in pieces; q=2: it answers nothing, which would be taken for typing."""
    data = base64.b64encode(_encoded(image, "PNG")).decode()
    pieces = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    for number, piece in enumerate(pieces):
        first = f"a=T,f=100,q=2,c={_COLUMNS}," if number == 0 else ""
        yield f"\x1b_G{first}m={int(number < len(pieces) - 1)};{piece}\x1b\\"


def _iterm2(image: Image) -> Iterator[str]:
    """https://iterm2.com/documentation-images.html"""
    data = _encoded(image, "JPEG")
    yield f"\x1b]1337;File=inline=1;size={len(data)};width={_COLUMNS};preserveAspectRatio=1:"
    yield f"{base64.b64encode(data).decode()}\x07"


def _sixel(image: Image) -> Iterator[str]:
    """https://vt100.net/docs/vt3xx-gp/chapter14.html: bands of six rows, in each a line of bits for every colour in it."""
    import numpy as np

    few = image.quantize(_COLOURS)
    width, height = few.size
    palette = few.getpalette() or []
    yield f'\x1bP0;1;0q"1;1;{width};{height}'
    for colour in range(len(palette) // 3):
        red, green, blue = (round(part * 100 / 255) for part in palette[3 * colour : 3 * colour + 3])
        yield f"#{colour};2;{red};{green};{blue}"
    pixels = np.asarray(few)
    for top in range(0, height, 6):
        band = pixels[top : top + 6]
        weights = (1 << np.arange(len(band)))[:, None]
        for colour in np.unique(band):
            bits = ((band == colour) * weights).sum(axis=0)
            yield f"#{colour}" + "".join(
                _run(chr(63 + int(value)), len(list(same))) for value, same in itertools.groupby(bits)
            )
            yield "$"
        yield "-"
    yield "\x1b\\"


def _run(letter: str, times: int) -> str:
    return f"!{times}{letter}" if times > 3 else letter * times


def _encoded(image: Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


_WRITERS = dict(zip(WAYS, (_kitty, _iterm2, _sixel), strict=True))
