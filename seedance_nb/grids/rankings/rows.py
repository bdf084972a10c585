"""What results are made of: rows with names, chances, labels in their order and in sentences. Pure."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any


class Row:
    """A row of a table: its values by name too, `row["label"]`, so that lists of rows become tables."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The names of its values."""
        return tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]


def chance(log_odds: float) -> float:
    """Log-odds as a chance between 0 and 1; NaN stays NaN."""
    if log_odds < 0:
        grown = math.exp(max(log_odds, -700.0))
        return grown / (1 + grown)
    return 1 / (1 + math.exp(-min(log_odds, 700.0)))


def by_name(label: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts labels as people do, numbers by their size: "take 2" before "take 10"."""
    parts = re.findall(r"[0-9]+|[^0-9]+", label.casefold())
    return [(0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part) for part in parts], label


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
