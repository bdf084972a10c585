"""Python's values as JSON has them, and nothing in between: what JSON would change is refused, with its path. Pure.

Encoders are polite: NaN becomes null, bytes become base64, a set a list, a number as a name a text. All of that is paid for and kept by
the service as something that nobody wrote.
"""

from __future__ import annotations

import json
import math
import numbers
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from ..errors import InvalidRequest, one_line

DEEPEST = 64
"""Lists and dicts inside each other; what is deeper holds itself, or is no data for people."""
LARGEST = 2**63 - 1
"""Larger whole numbers are rounded, or refused, by most that read JSON."""
_NOTHING_SENT = "nothing was sent"
_SIMPLE_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_WHOLE = re.compile(r"\s*[+-]?\d{1,18}(\.0*)?\s*", re.ASCII)


def json_value(value: Any, path: str) -> Any:
    """The value made of None, bool, int, float, str, list and dict, equal to what was given; raises InvalidRequest.

    `path` names it in the error: `metadata.tags[2]: …`. Tuples are lists; numbers of numpy are Python's where they are equal to one.
    """
    return _json_value(value, path, 0)


def json_read(text: str, path: str) -> Any:
    """The value of a JSON text; raises InvalidRequest for what is none, and where something in it would be lost.

    That is a name that stands twice in one object, and NaN, infinities and halves of characters, which other readers refuse or change.
    """

    def named(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            _refuse(path, f"the name {one_line(max(names, key=names.count), 40)!r} is there twice")
        return made

    try:
        found = json.loads(text, object_pairs_hook=named)
    except RecursionError:
        _refuse(path, f"nested deeper than {DEEPEST}")
    except InvalidRequest:  # a ValueError too
        raise
    except ValueError:
        _refuse(path, f"{one_line(text, 40)!r} is no JSON")
    return json_value(found, path)


def plain_text(value: Any) -> Any:
    """A kind of text (numpy's, a StrEnum's) as plain text; anything else as it is."""
    return str.__str__(value) if isinstance(value, str) else value


def whole_number(value: Any) -> int | None:
    """The whole number that this surely is, also as numpy, Decimal or a table writes it (`5`, `5.0`, `"5"`); None for what is none."""
    value = _of_numpy(value)
    if isinstance(value, str):
        return int(value.strip().partition(".")[0]) if _WHOLE.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, numbers.Number):
        return None
    try:
        return int(value) if abs(value) <= LARGEST and int(value) == value else None  # type: ignore[arg-type, call-overload]
    except (TypeError, ValueError, ArithmeticError):  # complex numbers, NaN
        return None


def is_missing(value: Any) -> bool:
    """Whether a table means by this that there is no value: None, NaN, NA, NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return bool(value != value)  # noqa: PLR0124 - that is what NaN is, in floats, numpy, Decimal and dates alike
    except (TypeError, ValueError, ArithmeticError):
        return False


def _json_value(value: Any, path: str, depth: int) -> Any:
    value = _of_numpy(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int):
        return _whole(value, path)
    if isinstance(value, float):
        return _real(value, path)
    if depth >= DEEPEST:
        raise InvalidRequest(f"{path[:120]}: nested deeper than {DEEPEST}, or holds itself; {_NOTHING_SENT}")
    if isinstance(value, list) or (isinstance(value, tuple) and not hasattr(value, "_fields")):
        return [_json_value(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        _refuse(path, f"{_article(value)} is no JSON value; write it as text, a number, a list or a dict")
    return _names(value, path, depth)


def _names(value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, inner in value.items():
        if not isinstance(name, str):
            _refuse(path, f"the name {one_line(repr(name), 40)} is {_article(name)}, and names are text in JSON")
        plain = _text(name, path)
        if plain in made:
            _refuse(path, f"the name {one_line(plain, 40)!r} is there twice")
        where = f"{path}.{plain}" if _SIMPLE_NAME.fullmatch(plain) else f"{path}[{one_line(plain, 40)!r}]"
        made[plain] = _json_value(inner, where, depth + 1)
    return made


def _text(value: str, path: str) -> str:
    plain = str.__str__(value)
    if any("\ud800" <= c <= "\udfff" for c in plain):
        _refuse(path, "half a character (a lone surrogate); type it again")
    return plain


def _whole(value: int, path: str) -> int:
    plain = int.__int__(value)
    if plain != value:
        _refuse(path, f"{_article(value)} is no JSON value; write it as text, a number, a list or a dict")
    if not -LARGEST - 1 <= plain <= LARGEST:
        _refuse(path, "a whole number of more than 64 bits, which JSON readers round; write it as text")
    return plain


def _real(value: float, path: str) -> float:
    plain = float.__float__(value)
    if not math.isfinite(plain):
        _refuse(path, f"JSON has no {plain}; leave it out, or write None or a text")
    return plain


def _of_numpy(value: Any) -> Any:
    """A single number, truth value or text of numpy (or of an array of none but it) as Python's own, where the two are equal."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind is None or kind not in "biuf" or getattr(value, "shape", None) != ():
        return value
    plain = value.item()
    return plain if type(plain) in (bool, int, float) else value


def _article(value: object) -> str:
    name = one_line(type(value).__name__, 40)
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _refuse(path: str, what: str) -> NoReturn:
    raise InvalidRequest(f"{one_line(path, 160)}: {what}; {_NOTHING_SENT}")
