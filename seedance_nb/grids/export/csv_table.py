"""The table of a grid as CSV, and back: spreadsheets show every text as it is and compute none."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...api.fields import TABLE
from ...api.plain_values import json_read
from ...errors import InvalidRequest, one_line
from .table import BOOLEANS, COUNTS, NUMBERS, TIMES, UNMEASURED, Table, iso

BYTE_ORDER_MARK = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection."""
_NESTED = (*(field.name for field in TABLE if field.kind in ("texts", "pairs", "fields")), "answer_extra")
"""Fields that are lists or dicts, written as JSON."""


def csv_of(table: Table) -> str:
    """The table as CSV: a line a cell, times as ISO 8601 in UTC, lists and dicts as JSON, nothing where nothing is known.

    It begins with a byte order mark, without which a Korean Excel reads UTF-8 as something else. A text that a spreadsheet would take
    for a formula gets an apostrophe before it (OWASP); `read_csv` takes it away again.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([guarded(name) for name in table.columns])
    for row in table.rows:
        writer.writerow([_time(row, name) if name in TIMES else _field(row.get(name)) for name in table.columns])
    return BYTE_ORDER_MARK + text.getvalue()


def read_csv(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The rows of a table that `grid.export("….csv")` wrote: texts as they were, numbers as numbers, None for what is empty.

    Times are epoch seconds, to the millisecond. Raises InvalidRequest for a file that cannot be read.
    """
    trouble = "it is no table"
    try:
        with Path(path).expanduser().open(encoding="utf-8-sig", newline="") as file:
            names, lines = read_lines(file)
        if names:
            measured = _measured(names)
            return [
                {n: float(text or "nan") if n in measured else _value(n, text) for n, text in line.items()}
                for line in lines
            ]
    except OSError as error:
        trouble = error.strerror or str(error)
    except (ValueError, csv.Error) as error:
        trouble = one_line(error, 80)
    raise InvalidRequest(f"{one_line(Path(path).name, 80)} cannot be read ({trouble}); grid.export('….csv') writes one")


def read_lines(file: Iterable[str]) -> tuple[list[str], list[dict[str, str]]]:
    """The names of the columns, and each line's texts by them, guarded as they stand; blank lines are none.

    Raises ValueError for two columns of one name and for lines of another length than the first, csv.Error for what is no CSV.
    """
    reader = csv.reader(file, strict=True)
    names = [unguarded(name) for name in next(reader, [])]
    twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twice is not None:
        raise ValueError(f"two columns are named {one_line(twice, 40)!r}")
    lines = []
    for line in filter(None, reader):
        if len(line) != len(names):
            more = "more" if len(line) > len(names) else "fewer"
            raise ValueError(f"line {reader.line_num} has {more} values than there are columns")
        lines.append(dict(zip(names, line, strict=True)))
    return names, lines


def _measured(names: list[str]) -> set[str]:
    """The columns of measures: those between the last of our own and that of what failed."""
    return set(names[names.index("error") + 1 : -1]) if names[-1] == UNMEASURED and "error" in names else set()


def guarded(text: str) -> str:
    """The text as a spreadsheet shows it and never computes it."""
    return f"'{text}" if text.lstrip(" '\u3000").startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text


def _time(row: Mapping[str, Any], name: str) -> Any:
    return iso(row[name]) if isinstance(row[name], int | float) else _field(row[name])


def _field(value: Any) -> Any:
    """A cell: numbers stay numbers (a -5 is none to guard), all else is text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):  # NaN: what a measure failed on
        return ""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return guarded(str(value))


def _value(name: str, text: str) -> Any:
    if text == "":
        return None
    if name in TIMES:
        return dt.datetime.fromisoformat(text).timestamp()
    if name in NUMBERS:
        return float(text)
    if name in COUNTS and text.lstrip("-").isdecimal():
        return int(text)
    if name in BOOLEANS:
        return text == "True"
    return written(name, text)


def written(name: str, text: str) -> Any:
    """What stands in a column of this name, if it is neither a number nor a time: a text, or the list or dict of a field that is one.

    Raises InvalidRequest for JSON in which something would be lost.
    """
    if name in _NESTED and text[:1] in ("[", "{"):
        found = json_read(text, name)
        return tuple(found) if isinstance(found, list) else found
    return unguarded(text)
