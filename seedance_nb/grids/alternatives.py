"""`{a|b|c}` in a prompt: an axis that is named by its alternatives, and a draw of cells that stays what it was. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..errors import InvalidRequest, one_line

LONGEST_NAME = 60
_FIELD = re.compile(r"[^\W\d]\w*(\.\w+|\[[^\]]*\])*(![rsa])?(:[^{}]?[<>=^].*)?", re.DOTALL)
"""What stands between braces and is a name for all its bar: `d[a|b]`, `n:|>5`."""
_IN_NO_NAME = re.compile(r"[\[\]:!{}\s]+")


def has_alternatives(text: str) -> bool:
    """Whether the text has a `{a|b}`."""
    return "|" in text and any(alternatives for _, alternatives in parts_of(text))


def parts_of(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The text in pieces, each with the alternatives that it is, or none; raises InvalidRequest for alternatives inside of others."""
    at = start = 0
    while at < len(text):
        if text.startswith(("{{", "}}"), at):
            at += 2
            continue
        if text[at] != "{":
            at += 1
            continue
        end = _end_of(text, at)
        inside = text[at + 1 : end - 1]
        if end == len(text) + 1 or "|" not in inside or _FIELD.fullmatch(inside):
            at = min(end, len(text))
            continue
        if "{" in inside or "}" in inside:
            raise InvalidRequest(
                f"the alternatives in {one_line(text[at:end], 60)!r} hold braces of their own, and are plain text: write a list for a name,"
                " as in sd.grid('a {thing}', thing=[…]); nothing was sent"
            )
        yield text[start:at], ()
        yield text[at:end], _split(inside)
        at = start = end
    yield text[start:], ()


def _end_of(text: str, at: int) -> int:
    """Behind the brace that closes the one at `at`; one behind the text where there is none."""
    depth = 0
    for index in range(at, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return index + 1
    return len(text) + 1


def _split(inside: str) -> tuple[str, ...]:
    found = inside.split("|")
    if all(one.strip() for one in found):  # "{|very }red": beside an empty one, blanks are meant
        found = [one.strip() for one in found]
    return tuple(dict.fromkeys(found))


def as_template(text: str, axes: dict[str, tuple[str, ...]]) -> str:
    """The template with a `{name}` in the place of each `{a|b}`; the name and its alternatives are added to `axes`.

    The same alternatives in another prompt are the same axis; a second time in one prompt they vary by themselves.
    """
    made, here = "", set[str]()
    for piece, alternatives in parts_of(text):
        if not alternatives:
            made += piece
            continue
        name = usual = _name_of(alternatives)
        number = 2
        while name in here or axes.get(name, alternatives) != alternatives:
            name, number = f"{usual} {number}", number + 1
        here.add(name)
        axes[name] = alternatives
        made += f"{{{name}}}"
    return made


def _name_of(alternatives: tuple[str, ...]) -> str:
    words = [_IN_NO_NAME.sub(" ", one).strip() for one in alternatives]
    whole = "|".join(words)
    short = whole if len(whole) <= LONGEST_NAME else "|".join(one_line(word, 16) for word in words)
    return short if len(short) <= LONGEST_NAME else f"{short[: LONGEST_NAME - 1]}…"


def escaped(text: str) -> str:
    """The text as a template that gives it back."""
    return text.replace("{", "{{").replace("}", "}}")
