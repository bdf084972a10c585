"""Names of the notebook in what is typed: `{name}`, `{obj.attr}`, `{d[key]}`. Text is split first and filled after. Pure.

So a value stays one value, whatever stands in it: blanks, quotes, dashes, commas, braces. It is never read again.
"""

from __future__ import annotations

import difflib
import numbers
import re
import string
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ...errors import one_line
from .visible_names import Names

THE_PROMPT = "the prompt"
_DOLLAR = re.compile(r"\$(\{?)([^\W\d]\w*)")


class BadLine(Exception):  # noqa: N818 - it is not an error of ours but of the line
    """The line cannot be understood; the text is one line that names the cure. Nothing was sent."""


def interpolate(text: str, names: Mapping[str, Any], where: str = THE_PROMPT) -> str:
    """`text` with {name}, {obj.attr} and {d[key]} filled in from `names`; raises BadLine, never leaves a name unfilled."""
    _refuse_dollars(text, names, where)
    return _interpolate(text, names, where)


def values_of(text: str, names: Mapping[str, Any], where: str) -> list[Any] | None:
    """The values of `text` where it is nothing but one `{field}` that holds a list; else None. Raises BadLine."""
    found = _only_field(text)
    if found is None:
        return None
    _refuse_dollars(text, names, where)
    value = _value(found, names, where)
    if not _is_list(value):
        return None
    values = list(value)
    if not values:
        raise _unfit(found, where, "an empty list", "give it at least one value")
    for one in values:
        _check_single(one, found, where)
    return values


def reference_of(text: str, names: Mapping[str, Any], where: str) -> Any:
    """The value of `text` where it is nothing but one `{field}` that holds neither text nor number nor a list of them, such as a picture;
    else None. Raises BadLine.
    """
    found = _only_field(text)
    if found is None:
        return None
    _refuse_dollars(text, names, where)
    value = _value(found, names, where)
    pixels = len(getattr(value, "shape", ())) > 1
    return (
        value if pixels or not (_is_list(value) or _is_missing(value) or isinstance(value, str | int | float)) else None
    )


def value_of(text: str, names: Mapping[str, Any], where: str) -> Any:
    """The one value of `text`: itself where it is nothing but one `{field}`, else the text filled in. Raises BadLine."""
    found = _only_field(text)
    if found is None:
        return interpolate(text, names, where)
    _refuse_dollars(text, names, where)
    value = _value(found, names, where)
    _check_single(value, found, where)
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value


def object_of(text: str, names: Mapping[str, Any], where: str) -> Mapping[str, Any] | None:
    """The dict of `text` where it is nothing but one `{field}` that holds one; else None. Raises BadLine."""
    found = _only_field(text)
    value = None if found is None else _value(found, names, where)
    return value if isinstance(value, Mapping) else None


def notifier_of(text: str, names: Mapping[str, Any], where: str) -> Any:
    """What can be told, where `text` is nothing but one `{field}` that holds it: a function, or words; else None. Raises BadLine."""
    found = _only_field(text)
    value = None if found is None else _value(found, names, where)
    return value if callable(value) or isinstance(value, list | tuple) else None


def split_at_commas(text: str, commas: str) -> list[str]:
    """The parts between commas, but for commas that stand between braces."""
    return [part.strip() for part in re.findall(rf"(?:\{{[^{{}}]*\}}|[^{commas}])+", text) if part.strip()]


def _interpolate(text: str, names: Mapping[str, Any], where: str) -> str:
    if "{" not in text and "}" not in text:
        return text
    formatter = string.Formatter()
    parts: list[str] = []
    try:
        for literal, field, spec, conversion in formatter.parse(text):
            parts.append(literal)
            if field is None:
                continue
            value = _value(field, names, where)
            if _is_missing(value):  # {x!s} would write None, too
                _check_single(value, field, where)
            if conversion:
                value = formatter.convert_field(value, conversion)
            _check_single(value, field, where)
            filled = format(value, _interpolate(spec or "", names, where))
            if (
                not isinstance(value, str) and filled.startswith("<") and filled.endswith(">")
            ):  # <Job …>, <object at 0x…>
                raise _unfit(field, where, _kind(value), f"write which part of it is meant: {{{field}.…}}")
            parts.append(filled)
    except BadLine:
        raise
    except Exception as error:  # the user's own __format__ and attributes run here
        raise BadLine(f"the braces in {where} cannot be filled in ({one_line(error, 100)}); {_LITERAL}") from None
    return "".join(parts)


_LITERAL = "write {{ and }} for literal braces, or use --raw. Nothing was sent"


def _only_field(text: str) -> str | None:
    """The field of a text that is nothing but one `{field}`."""
    match = re.fullmatch(r"\{([^{}!:]+)\}", text)
    return match.group(1) if match else None


def _value(field: str, names: Mapping[str, Any], where: str) -> Any:
    name = re.split(r"[.\[]", field, maxsplit=1)[0]
    shown = f"{{{one_line(field, 60)}}} in {where}"
    if not name.isidentifier():
        raise BadLine(f"{{{one_line(field, 30)}}} in {where} is no name of the notebook; {_LITERAL}")
    reason = names.reason_against(name) if isinstance(names, Names) else None
    if reason is not None:
        raise BadLine(f"{shown}: {reason}. Nothing was sent")
    if name not in names:
        near = difflib.get_close_matches(name, [n for n in names if not n.startswith("_")], n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(near)}? Or" if near else "define it in a cell before, or"
        raise BadLine(f"{shown}: the notebook has no {one_line(name, 60)!r}; {hint} {_LITERAL}")
    try:
        return string.Formatter().get_field(field, (), names)[0]
    except KeyError as error:
        raise BadLine(f"{shown}: there is no {one_line(error, 60)}; {_LITERAL}") from None
    except Exception as error:  # the user's own properties run here
        raise BadLine(f"{shown}: {one_line(error, 100)}; {_LITERAL}") from None


def _check_single(value: Any, field: str, where: str) -> None:
    """Refuses what is no value, or more than one."""
    if _is_missing(value):
        raise _unfit(field, where, _kind(value), "give it a value, or leave it out")
    if isinstance(value, Mapping):
        raise _unfit(field, where, "a dict", f"write which value of it is meant: {{{one_line(field, 40)}[key]}}")
    if _is_list(value):
        cure = f"write which of them is meant, as in {{{one_line(field, 40)}[0]}}; to compare them: sd.grid(…) with the list as an axis"
        raise _unfit(field, where, f"a list of {len(value)}", cure)
    if (
        hasattr(value, "to_dict")
        or getattr(value, "ndim", None)
        or isinstance(value, bytes | bytearray | set | frozenset)
    ):
        raise _unfit(field, where, f"a {type(value).__name__}", "write which value of it is meant")
    if callable(value) or isinstance(value, ModuleType):
        raise _unfit(field, where, _kind(value), "write a value, or what it gives")


def _unfit(field: str, where: str, what: str, cure: str) -> BadLine:
    return BadLine(f"{{{one_line(field, 60)}}} in {where} is {what}; {cure}. Nothing was sent")


def _kind(value: Any) -> str:
    if value is None or _is_missing(value):
        return f"empty ({one_line(value, 20)})"
    return f"a {type(value).__name__}, which has no text of its own"


def _is_list(value: Any) -> bool:
    """Whether these are several values in an order: a list, a tuple, a range, an array or a column of a table."""
    if isinstance(value, list | tuple | range):
        return True
    return hasattr(value, "tolist") and getattr(value, "ndim", None) == 1


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, numbers.Number) and bool(value != value)  # noqa: PLR0124 - only NaN is not itself


def _refuse_dollars(text: str, names: Mapping[str, Any], where: str) -> None:
    """`$name` is how a shell would write it; where there is such a variable, it was hardly meant as text."""
    for match in _DOLLAR.finditer(text):
        brace, name = match.groups()
        value = names.get(name)
        refused = isinstance(names, Names) and name in names.refused
        if (name not in names and not refused) or callable(value) or isinstance(value, ModuleType):
            continue
        if brace and isinstance(value, int | float):
            continue  # ${price} is a price in dollars
        raise BadLine(
            f"${name} in {where} is not filled in; write {{{name}}}, or --raw to send it as it is. Nothing was sent"
        )
