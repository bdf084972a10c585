"""Rows for a grid from a file: a .csv, as people, spreadsheets and `grid.export` write it, or a .jsonl."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..api.plain_values import json_read
from ..errors import InvalidRequest, one_line
from .export.csv_table import read_lines, written


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a .csv (a header and values) or of any other file of JSON lines (an object, or a text, which is a prompt), in UTF-8.

    Values of a .csv are texts as they stand, also what looks like a number: the grid knows which fields are. Raises InvalidRequest for
    what cannot be read, and where something in it would be lost.
    """
    name = one_line(os.fsencode(path).decode(errors="replace"), 120)  # in its letters, whatever the locale is
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _csv_rows(file) if path.suffix.lower() == ".csv" else _json_rows(file)
    except InvalidRequest as problem:
        raise InvalidRequest(f"{name}, {problem}") from None
    except (OSError, ValueError, csv.Error) as error:  # ValueError: no UTF-8, or lines and columns that do not fit
        reason = one_line(getattr(error, "strerror", None) or error, 120)
        raise InvalidRequest(f"{name} cannot be read ({reason}); nothing was sent") from None
    if not rows:
        raise InvalidRequest(f"there are no rows in {name}; nothing was sent")
    return rows


def _csv_rows(file: Iterable[str]) -> list[dict[str, Any]]:
    return [{name: written(name, text) for name, text in line.items()} for line in read_lines(file)[1]]


def _json_rows(lines: Iterable[str]) -> list[dict[str, Any]]:
    made = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = json_read(line, f"line {number}")
        if isinstance(row, str):
            row = {"prompt": row}
        if not isinstance(row, dict):
            raise InvalidRequest(f"line {number}: {one_line(line, 40)!r} is no JSON object; nothing was sent")
        made.append(row)
    return made
