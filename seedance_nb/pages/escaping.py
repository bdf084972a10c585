"""The one door from text to HTML: what is put into a template is cleaned and escaped there, unless it is markup of ours already."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from markupsafe import escape

# Invisible characters that reorder the text around them: a prompt must not be able to rewrite its neighbours.
_BIDI_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


class Html(str):
    """Markup that was made here; templates of others that ask for `__html__` know it too.

    No markupsafe.Markup, in two ways: of somebody else's Markup nobody knows here who made it (it may be a prompt, or a value on an
    axis), so it is text; and what a user or a parser does with a finished page, `+` and slices, gives plain text as ever.
    """

    __slots__ = ()

    def __html__(self) -> str:
        return self


def clean(text: str) -> str:
    """The text without what a page or a notebook cannot hold: control characters, lone surrogates, direction overrides."""
    if text.isascii() and text.isprintable():
        return text
    whole = text.encode("utf-8", "replace").decode("utf-8").translate(_BIDI_CONTROLS)
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else " " for c in whole)


def escaped(value: object) -> Html:
    """The value as text that can stand between tags and inside double quotes. Markup of ours passes as it is, however long."""
    if isinstance(value, Html):
        return value
    text = value if type(value) is str else str(value)
    return Html(text if text.isalnum() else escape(clean(text)))


def filled(template: str, *values: object, **named: object) -> Html:
    """The template, a literal of ours, with the values in the places of `{}` and `{name}`, each escaped."""
    leaves = [escaped(value) for value in values]
    if not named:
        return Html(template.format(*leaves))
    return Html(template.format(*leaves, **{name: escaped(value) for name, value in named.items()}))


def joined(parts: Iterable[object], between: object = "") -> Html:
    """The parts one after the other, each escaped."""
    return Html(escaped(between).join([escaped(part) for part in parts]))
