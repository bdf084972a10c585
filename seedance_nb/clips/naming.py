"""Names of files from a pattern, `{prompt:.40}-{take}.mp4`: names that every system takes, and in the folder that was given. Pure."""

from __future__ import annotations

import difflib
import re
import string
import unicodedata
from collections.abc import Mapping
from pathlib import PurePath

from ..errors import ClipError, one_line

LONGEST_VALUE = 180
LONGEST_NAME = 240
"""Bytes of UTF-8; file systems take 255, and a copy on its way needs a longer name."""
_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_ODD_BEGINNINGS = ("-", "=", "+", "@", "＝", "＋", "－", "＠")
"""Shells take the first for an option, spreadsheets all of them for a formula: a table beside the files could not name them as they are."""
_PLAIN_FORMAT = re.compile(r"(0?\d{1,2})?(\.\d{1,3})?[dfgs]?", re.ASCII)


def named(pattern: str, facts: Mapping[str, object]) -> str:
    """The pattern with its `{names}` filled in from `facts`; the separators in it are its own, never those of a value.

    Raises ClipError for a name that there is not, with near ones, and for a format that is none. `{{` is a brace.
    """
    pieces: list[str] = []
    try:
        for literal, name, spec, conversion in string.Formatter().parse(pattern):
            pieces.append(literal)
            if name is not None:
                pieces.append(_value(name, spec or "", conversion, facts))
    except ValueError as error:
        raise ClipError(
            f"the pattern {one_line(pattern, 80)!r} cannot be read ({one_line(error, 80)}); a name stands in braces, as in {{take}}, {{{{ is a brace"
        ) from None
    return "".join(pieces)


def within(pattern: str, facts: Mapping[str, object]) -> PurePath:
    """The same for a name in a folder: never outside it, and each part of it a name that every system takes. Raises ClipError."""
    text = named(pattern, facts).replace("\\", "/")
    parts = text.split("/")
    if text.startswith(("/", "~")) or ".." in parts or re.match(r"[A-Za-z]:", text):
        raise ClipError(
            f"the name {one_line(text, 80)!r} leads out of the folder; name a file in it, such as {{prompt:.40}}-{{take}}.mp4"
        )
    names = [file_safe(part) for part in parts if part not in ("", ".")]
    if names and names[0].startswith(_ODD_BEGINNINGS):
        names[0] = f"_{names[0]}"
    if not names or not all(names):
        raise ClipError("the pattern makes no name; use one such as {prompt:.40}-{take}.mp4")
    for name in names:
        check_length(name)
    return PurePath(*names)


def check_length(name: str) -> None:
    """Raises ClipError for a name that file systems do not take."""
    if len(name.encode(errors="replace")) > LONGEST_NAME:
        raise ClipError(f"the name {one_line(name, 60)!r} is too long for a file; shorten it, as in {{prompt:.40}}")


def file_safe(text: str) -> str:
    """The text as (a part of) a file's name: no separator, no control sign, not hidden, no device of Windows."""
    text = _FORBIDDEN.sub("-", " ".join(unicodedata.normalize("NFC", text).split())).strip(" ").rstrip(".")
    text = text.lstrip(".")
    return f"_{text}" if _RESERVED.match(text) else text


def _value(name: str, spec: str, conversion: str | None, facts: Mapping[str, object]) -> str:
    if name not in facts:
        near = difflib.get_close_matches(name, facts, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(f'{{{one}}}' for one in near)}?" if near else f"there are {', '.join(facts)}"
        raise ClipError(f"the pattern has no value for {{{one_line(name, 40)}}}; {hint}")
    if conversion or not _PLAIN_FORMAT.fullmatch(spec):
        raise ClipError(
            f"{{{name}:{one_line(spec, 20)}}} is no format for a file's name; a length ({{{name}:.40}}) or a number of digits ({{{name}:03}}) is"
        )
    value = facts[name]
    if value is None:
        return "none"
    if not isinstance(value, int | float) or isinstance(value, bool):
        value = str(value)
    try:
        text = format(value, spec)
    except (ValueError, TypeError) as error:
        raise ClipError(
            f"{{{name}:{one_line(spec, 20)}}} does not fit {one_line(repr(value), 40)} ({one_line(error, 80)})"
        ) from None
    text = file_safe(text).encode(errors="replace")[:LONGEST_VALUE].decode(errors="ignore").strip(" ")
    return text or "none"
