"""Fields of the service that this package does not know: what may be sent under which names, and what is kept of its answers. Pure.

They go into the create as they are given, beside the fields of `fields.TABLE`. Whatever they mean, they can change the video, so they are
part of what makes a request this request.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from ..errors import InvalidRequest, one_line
from .canonical_text import canonical_text
from .fields import FIELDS, TAKE, field_meant, field_mistyped, folded
from .plain_values import json_value
from .signed_addresses import canonical_address, without_signatures

MOST_BYTES = 65_536
"""Of all of them together as JSON: fields are settings, no files."""
MOST_FIELDS = 64
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_OURS = {"fresh": "fresh", "maxcredit": "max_credits", "dryrun": "--dry-run"}
_SECRETS = frozenset(
    [
        "apikey",
        "key",
        "secret",
        "secretkey",
        "accesskey",
        "accesstoken",
        "token",
        "authtoken",
        "authorization",
        "auth",
        "bearer",
        "password",
        "passwd",
        "credential",
    ]
)
_KEY = re.compile(r"\bsd2_[a-z]+_\w{6,}", re.ASCII)

MOST_ANSWER_BYTES = 4096
_MOST_TEXT, _MOST_ITEMS, _DEEPEST = 500, 50, 6
LEFT_OUT = "…"
"""In what is kept of an answer: says how much was left out."""


def read_extra(given: Any) -> dict[str, Any] | None:
    """Checked fields with plain JSON values, as they are sent; None for none. Raises InvalidRequest."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise InvalidRequest(
            f'extra must be a dict of names and plain JSON values, such as {{"seed": 7}}, not {type(given).__name__}; nothing was sent'
        )
    for name in given:
        _check_name(name)
    made: dict[str, Any] = json_value(given, "extra")
    if any(_KEY.search(text) for text in texts_in(made)):
        _refuse("a value looks like an API key, and a key goes into no field: SEEDANCE_API_KEY, or %seedance login")
    if len(made) > MOST_FIELDS:
        _refuse(f"{len(made)} fields are too many; {MOST_FIELDS} may be there")
    size = len(json.dumps(made, ensure_ascii=False).encode())
    if size > MOST_BYTES:
        _refuse(
            f"{size:,} bytes are too many; fields are settings of at most {MOST_BYTES:,} bytes, files go by address"
        )
    return made or None


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        _refuse(f"{one_line(repr(name), 60)} is no name of a field: letters of English, digits and _, at most 64")
    word = folded(name)
    if word in _SECRETS:
        _refuse(f"{name!r} is no field for a key or a password: SEEDANCE_API_KEY, or %seedance login")
    ours = name if name in (*FIELDS, TAKE) else field_meant(name) or _OURS.get(word) or field_mistyped(name)
    if ours is not None:
        known = f"a field of its own here, {ours}" if ours == name else f"{ours} here, which is a field of its own"
        _refuse(f"{name!r} is {known}: give it as {ours}, not in extra")


def _refuse(why: str) -> NoReturn:
    raise InvalidRequest(f"extra: {why}; nothing was sent")


def canonical_extra(value: Any) -> Any:
    """What equal values share, whatever bytes they were written in: one spelling of texts, no signatures, 7.0 is 7."""
    if isinstance(value, str):
        return canonical_address(value) if value.startswith(("https://", "http://")) else canonical_text(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [canonical_extra(inner) for inner in value]
    if isinstance(value, dict):
        return {canonical_text(name): canonical_extra(inner) for name, inner in value.items()}
    return value


WITHOUT_A_PRICE = ("seed",)
"""Names of fields that change what is seen and never what is charged."""


def with_a_price(extra: Mapping[str, Any] | None) -> str:
    """The fields that may change what a request costs, as one text that is the same for equal ones; "" where there are none."""
    found = {name: value for name, value in (extra or {}).items() if name not in WITHOUT_A_PRICE}
    return json.dumps(canonical_extra(found), ensure_ascii=False, sort_keys=True) if found else ""


def texts_in(value: Any) -> Iterator[str]:
    """Every text in it, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)


# As text -------------------------------------------------------------------------------------------------------------

_LIKE_A_NUMBER = re.compile(r"[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LIKE_A_WORD = {"true": "true", "false": "false", "null": "null", "none": "null", "nan": None, "inf": None, "infinity": None}  # fmt: skip


def typed_value(text: str) -> tuple[Any, str | None]:
    """(the value that is typed, what to say of it): a number, true, false, null, a list or an object as JSON has them, else the text.

    What only looks like one of them is sent as text, and said: `07` is a text, as `"7"` in quotes is.
    """
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        return bare[1:-1], None
    try:
        return json.loads(bare, parse_constant=_no_number), None
    except (ValueError, RecursionError):
        pass
    meant: str | None = None
    if _LIKE_A_NUMBER.fullmatch(bare):
        digits = bare.lstrip("+").replace("_", "").lstrip("0") or "0"
        meant = f"0{digits}" if digits.startswith(".") else digits
    elif bare.lower() in _LIKE_A_WORD:
        meant = _LIKE_A_WORD[bare.lower()]
    else:
        return text, None
    return text, f"sent as the text {json.dumps(text)}" + (f"; JSON's own would be {meant}" if meant else "")


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def as_typed(value: Any) -> str:
    """The text that `typed_value` reads back as this value."""
    if isinstance(value, str):
        return value if value and typed_value(value) == (value, None) and value == value.strip() else f'"{value}"'
    return json.dumps(value, ensure_ascii=False)


def shown_extra(extra: Mapping[str, Any] | None, most: int = 4) -> tuple[str, ...]:
    """In words, each short: `seed=7`, `name="007"`; of many the first few."""
    if not extra:
        return ()
    said = [
        one_line(f"{name}={json.dumps(value, ensure_ascii=False)}", 60) for name, value in list(extra.items())[:most]
    ]
    more = len(extra) - most
    return (*said, f"and {more} more fields") if more > 0 else tuple(said)


# Of answers ----------------------------------------------------------------------------------------------------------

_KNOWN = frozenset(
    [
        "success",
        "requestId",
        "status",
        "output",
        "error",
        "creditsCharged",
        "model",
        "prompt",
        "duration",
        "aspectRatio",
        "resolution",
        "simulated",
        "data",
        "mediaUrls",
        "webhookUrl",
        "metadata",
    ]
)
"""What `models.parse_generation` reads, and our own fields come back."""


def unknown_in(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an answer says beyond what we read, bounded: plain, without signatures, at most 4 kB; None where it says no more."""
    found = {name: value for name, value in body.items() if name not in _KNOWN and value is not None}
    output = body.get("output")
    if isinstance(output, dict):
        more = {name: value for name, value in output.items() if name not in ("type", "url") and value is not None}
        found |= {"output": more} if more else {}
    return _fitting(found)


def merged(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Mapping[str, Any]:
    """What two answers said beyond what we read, the later word of each name; bounded as one is."""
    return _fitting({**(before or {}), **now}) or {}


def _fitting(found: Mapping[str, Any]) -> dict[str, Any] | None:
    kept: dict[str, Any] = {}
    size = left_out = 0
    for name, value in found.items():
        plain, label = without_signatures(_bounded(value, 0)), _clipped(name, 80)
        length = len(json.dumps({label: plain}, ensure_ascii=False).encode())
        if size + length > MOST_ANSWER_BYTES or len(kept) >= _MOST_ITEMS:
            left_out += 1
        else:
            kept[label] = plain
            size += length
    if left_out:
        kept[LEFT_OUT] = f"{left_out} {'field' if left_out == 1 else 'fields'} more, too large to be kept"
    return kept or None


def _bounded(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return (
            value
            if -(2**63) <= value < 2**63
            else _clipped(str(value) if value.bit_length() < 2000 else "a huge number", 100)
        )
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _clipped(value, _MOST_TEXT)
    if depth >= _DEEPEST:
        return LEFT_OUT
    if isinstance(value, dict):
        return {
            _clipped(str(name), 80): _bounded(inner, depth + 1) for name, inner in list(value.items())[:_MOST_ITEMS]
        }
    if isinstance(value, list):
        return [_bounded(inner, depth + 1) for inner in value[:_MOST_ITEMS]]
    return _clipped(str(value), _MOST_TEXT)


def _clipped(text: str, most: int) -> str:
    whole = text.encode("utf-8", "replace").decode()  # half a character is in no file
    return whole if len(whole) <= most else whole[: most - 1] + LEFT_OUT
