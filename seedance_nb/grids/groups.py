"""Which clips count as the same thing in a ranking: a label for each, from some of its values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..api.fields import FIELDS, TAKE
from .axes import Cell, check_axis, value_key
from .wording import labels


def check_groupable(name: object, names: Sequence[str]) -> None:
    """Raises InvalidRequest unless this is one of the axes, or a field of a request."""
    if name not in FIELDS:
        check_axis(name, names)


def labels_of(cells: Sequence[Cell], names: Sequence[str]) -> list[str]:
    """A label for each cell from its values on these axes: equal for equal values, else different. What does not vary is left out."""
    columns = [[value_of(cell, name) for cell in cells] for name in names]
    varies = [len({value_key(value) for value in column}) > 1 for column in columns]
    worded = [
        labels(name, column) for name, column, v in zip(names, columns, varies, strict=True) if v or not any(varies)
    ]
    return [" · ".join(words) for words in zip(*worded, strict=True)] or ["all"] * len(cells)


def value_of(cell: Cell, name: str) -> Any:
    """Its value on an axis, or of a field of its request that is no axis."""
    if name in cell.values:
        return cell.values[name]
    return cell.take if name == TAKE else getattr(cell.request, name, None)
