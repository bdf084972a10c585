"""Values and rows as a user gives them, made plain: lists, tables, numbers of other libraries, what is missing. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from ..api.fields import FIELDS, TABLE, TAKE
from ..api.plain_values import is_missing, whole_number
from ..errors import InvalidRequest, one_line

Value = str | float | bool | Decimal | date | enum.Enum | None
"""What a name in a template may stand for in one cell: what reads as text there."""
Axis = Value | Iterable[Value]
"""One value for every cell, or the values of an axis: a list, a tuple, a range, an array, a column of a DataFrame."""
FieldAxis = Axis | Mapping[str, Any] | Iterable[Iterable[str] | Mapping[str, Any] | None]
"""The same also of a field of the request: `media_urls` are lists, `metadata` are dicts."""


class Frame(Protocol):
    """A DataFrame of pandas or polars, as far as rows are read from it."""

    @property
    def columns(self) -> Any:
        """The names of its columns."""

    def to_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Its values."""


Rows = Iterable[Mapping[str, Any]] | Frame
"""A list of dicts, or a DataFrame: a cell a row; keys are fields of the request or names in a template."""
Prompts = str | Iterable[str] | Rows
"""A template, several of them, or the rows themselves."""
_LISTS = {field.name for field in TABLE if field.kind == "texts"}
_NUMBERS = {TAKE, *(field.name for field in TABLE if field.kind == "number")}


def check_takes(takes: object) -> int:
    number = whole_number(takes)
    if number is None or number < 1:
        raise InvalidRequest(f"takes must be a whole number from 1, not {one_line(takes, 40)!r}")
    return number


def are_rows(value: Any) -> bool:
    return _is_frame(value) or (
        isinstance(value, Sequence) and bool(value) and all(isinstance(v, Mapping) for v in value)
    )


def _is_frame(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "to_dict")


def rows_of(rows: Any) -> tuple[tuple[Mapping[str, Any], ...], tuple[tuple[str, ...], ...]]:
    """(the rows, for each the fields that are empty in it). An empty field is left out, an empty name of a template is None."""
    listed = _records_of(rows) if _is_frame(rows) else list(rows)
    if not listed or not all(isinstance(row, Mapping) for row in listed):
        raise InvalidRequest("rows must be a list of dicts or a DataFrame, with at least one row")
    made, emptied = [], []
    for given in listed:
        row: dict[str, Any] = {}
        empty = []
        for key, value in given.items():
            name = str(key)
            if name in row or name in empty:
                raise InvalidRequest(f"two columns are named {one_line(name, 40)!r}; nothing was sent")
            if name in FIELDS or name == TAKE:
                blank = isinstance(value, str) and not value.strip()
                if name != "prompt" and (blank or is_missing(value)):
                    empty.append(name)
                    continue
            row[name] = None if is_missing(value) else _number_of(name, _plain(value))
        if TAKE in row:
            row[TAKE] = check_takes(row[TAKE])
        made.append(row)
        emptied.append(tuple(empty))
    return tuple(made), tuple(emptied)


def with_own_files(rows: Any, plain: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Any:
    """The rows with what `plain` makes of each; a table without references stays as it is."""
    if _is_frame(rows):
        return [plain(row) for row in _records_of(rows)] if "media_urls" in list(rows.columns) else rows
    if not are_rows(rows):
        return rows
    return [row if row.get("media_urls") is None or is_missing(row["media_urls"]) else plain(row) for row in rows]


def _records_of(frame: Any) -> list[dict[Any, Any]]:
    """The rows of a DataFrame of pandas or polars. Numbers that a missing one beside them made floats are whole again."""
    names = list(frame.columns)
    twice = next((name for index, name in enumerate(names) if str(name) in map(str, names[:index])), None)
    if twice is not None:
        raise InvalidRequest(f"two columns are named {one_line(twice, 40)!r}; nothing was sent")
    if any(isinstance(name, tuple) for name in names):
        raise InvalidRequest("the columns have several levels; give each one name. Nothing was sent")
    records: list[dict[Any, Any]] = frame.to_dicts() if hasattr(frame, "to_dicts") else frame.to_dict("records")
    for name in names:
        there = [value for value in (record[name] for record in records) if not is_missing(value)]
        if len(there) < len(records) and all(isinstance(value, float) and value.is_integer() for value in there):
            for record in records:
                if not is_missing(record[name]):
                    record[name] = int(record[name])
    return records


def values_of(name: str, value: Any) -> list[Any] | None:
    """The values of an axis, or None where one value for all was meant. A list of URLs is one request's `media_urls`."""
    if value is None or isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return None
    if getattr(value, "shape", None) == ():  # an array of numpy's that is one number
        return None
    listed = list(value)
    if name in _LISTS and all(isinstance(v, str) for v in listed):
        return None
    return [value_of(name, v) for v in listed]


def value_of(name: str, value: Any) -> Any:
    """A value that was given for a name of the call. None leaves a field to the service; what a table calls missing is a slip."""
    if value is not None and is_missing(value):
        raise InvalidRequest(
            f"a value of {name} is missing ({one_line(value, 20)}); leave it out, or write what is meant"
        )
    return _number_of(name, _plain(value))


def _number_of(name: str, value: Any) -> Any:
    number = whole_number(value) if name in _NUMBERS else None
    return value if number is None else number


def _plain(value: Any) -> Any:
    """Numbers of numpy and pandas as Python's own, lists as tuples."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    return tuple(value) if isinstance(value, list) else value
