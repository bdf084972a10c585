"""From a request back to the cell that asks for it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from ...api.extra import as_typed
from ...api.fields import DEFAULTS, Field
from ...api.models import VideoRequest
from ...pages.code import as_python
from .arguments import CHOICES, OPTIONS, Line, as_body, parse
from .filling import BadLine


def as_magic(request: VideoRequest, take: int = 1) -> str:
    """The cell that asks for exactly this request and take again (and so costs nothing while the ledger has it).

    A call of `submit` where the magic has no words for it: a take beyond the first, metadata that is more than text.
    """
    options = [(field.flags[0], text) for field in OPTIONS for text in _texts_of(field, getattr(request, field.name))]
    line = " ".join(f"{option} {_quoted(value)}" for option, value in options) + " --raw"
    body = as_body(request.prompt)
    survives = take == 1 and len(line.splitlines()) == 1 and not _CHANGED_ON_THE_WAY.search(request.prompt)
    if survives and not _has_controls(line + body.replace("\n", "")) and _asks_for(line, body, request):
        return f"%%seedance {line}\n{body}"
    return as_python(request, take)


def _texts_of(field: Field, value: Any) -> list[str]:
    """The value of a field as it is typed behind its option, once for each of several; nothing where nothing need be typed."""
    if value is None:
        return [""] if field.name in DEFAULTS else []
    if field.kind == "fields":
        return [f"{name}={as_typed(inner)}" for name, inner in value.items()]
    if field.kind == "pairs":
        return [f"{name}={text}" for name, text in value.items()]
    return list(value) if field.kind == "texts" else [str(value)]


_CHANGED_ON_THE_WAY = re.compile(r"^\s*(>>>|\.\.\.|In \[\d+\]:)|^[ \t]+$", re.MULTILINE)
"""Lines that IPython takes for its own or Python's prompt, or for blank ones, and shortens."""


def _has_controls(text: str) -> bool:
    """Whether a page may change this when it is pasted into a cell, or cannot carry it at all."""
    return any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c != "\t" for c in text)


def _quoted(value: str) -> str:
    if re.fullmatch(r"[^\s\"'-][^\s\"']*", value):
        return value
    return f'"{value}"' if '"' not in value else f"'{value}'"


def _asks_for(line: str, body: str, request: VideoRequest) -> bool:
    try:
        found = parse(line, body)
    except BadLine:
        return False
    given = {field.name: getattr(request, field.name) for field in OPTIONS}
    wanted = {name: (value,) if name in CHOICES else value for name, value in given.items()}
    fields = {name: value for name, value in wanted.items() if name in DEFAULTS or value not in (None, (None,))}
    return found == Line(prompts=(request.prompt,), fields=fields, raw=True)
