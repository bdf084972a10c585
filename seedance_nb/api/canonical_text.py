"""One spelling of a text: the same words in other bytes are the same request. Pure.

What keyboards, word processors and systems do to a text without its writer seeing it: decomposed letters (a Mac's file names), Windows'
line ends, blanks that do not break, invisible characters of web pages. Made one before hashing and before sending. What can be seen, or
changes what is seen, stays: quotes and dashes, runs of blanks, joiners inside emoji, Persian and Indic words, variation selectors.
"""

from __future__ import annotations

import re
import unicodedata

_LINE_END = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = (
    *("\ufeff", "\u200b", "\u2060", "\u00ad", "\u180e"),  # byte order mark, zero width space, word joiner, soft hyphen
    *map(chr, range(0x2061, 0x2065)),  # operators of mathematics that are not drawn
    *("\u200e", "\u200f", "\u061c", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))),  # directions
)
_BLANKS = (
    *("\t", "\u00a0", "\u1680", *map(chr, range(0x2000, 0x200B)), "\u202f", "\u205f", "\u3000"),
    *("\u2800", "\u3164", "\uffa0"),  # drawn as nothing, though Unicode calls them letters or patterns
)
_ALIKE = str.maketrans(dict.fromkeys(_INVISIBLE, "") | dict.fromkeys(_BLANKS, " "))


def canonical_text(text: str) -> str:
    """The text composed (NFC), with plain blanks and line feeds, without what is invisible, nothing at the ends of its lines."""
    plain = str.__str__(text)
    if not plain.isascii():
        # The invisible ones first: they stand between letters that compose.
        plain = unicodedata.normalize("NFC", _LINE_END.sub("\n", plain).translate(_ALIKE))
    elif not plain.isprintable():
        plain = _LINE_END.sub("\n", plain).replace("\t", " ")
    return "\n".join(line.rstrip(" ") for line in plain.split("\n")).strip()
