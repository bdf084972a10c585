"""What a measure said of the clips of a grid: the answer to `grid.measure()`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...errors import ConfigurationError, InvalidRequest, one_line
from ...pages import html
from ...pages.escaping import filled, joined
from ..picture import Column, GridPicture, column_names
from ..wording import labels
from .correlation import Correlation, correlation_of

Judge = Callable[[str | Sequence[str] | None, str, str | Iterable[str] | None], tuple[Mapping[str, str], Any]]
"""By axis, aspect and raters: the label of each job's group, and the ranking of these groups."""


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """A clip that could not be measured: its cell (from 1), what the cell is called, its job, and why in one line."""

    cell: int
    label: str
    job: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Measures:
    """What a measure said: `str()` gives its plain words, `values()` the numbers by job, `to_pandas()` and `table` a row a cell.

    `columns` are its name, or name.key for each key of the dict that it returned. In `table` what failed is NaN and `unmeasured` says why;
    a cell without a clip has NaN and nothing to say. `failures` lists what failed, each job once.
    """

    name: str
    columns: tuple[str, ...]
    table: tuple[Mapping[str, Any], ...]
    failures: tuple[Failure, ...]
    words: tuple[str, ...]
    as_columns: tuple[Column, ...] = dataclasses.field(repr=False)
    """The same as boards, walls and exports take it."""
    judge: Judge = dataclasses.field(repr=False, compare=False)

    def values(self, column: str | None = None) -> dict[str, float]:
        """By job key, what it said; NaN where it failed. `column` may be left out where there is one. Raises InvalidRequest."""
        found = self._column(column)
        return {**dict.fromkeys(found.failures, math.nan), **found.values}

    def correlation(
        self,
        by: str | Sequence[str] | None = "prompt",
        aspect: str = "overall",
        raters: str | Iterable[str] | None = None,
        column: str | None = None,
    ) -> Correlation:
        """Whether it goes with the votes: Pearson's r over the levels of an axis (None: over cells), with a 95 % interval.

        `aspect` and `raters` are as in `grid.ranking`, `column` as in `values`. Raises InvalidRequest for an axis or a column there is not.
        """
        found = self._column(column)
        group_of, ranking = self.judge(by, aspect, raters)
        return correlation_of(found.name, self.values(found.name), group_of, ranking)

    def _column(self, column: str | None) -> Column:
        if column is None and len(self.as_columns) == 1:
            return self.as_columns[0]
        for found in self.as_columns:
            if column in (found.name, found.name.removeprefix(f"{self.name}.")):
                return found
        known = ", ".join(map(repr, self.columns))
        if column is None:
            raise InvalidRequest(f"{self.name} has several columns; name one of {known}")
        raise InvalidRequest(f"{one_line(repr(column), 60)} is no column of {self.name}; there are {known}")

    def __str__(self) -> str:
        return "\n".join(self.words)

    def __repr__(self) -> str:
        return f"<Measures {' '.join(self.words)}>"

    def _repr_html_(self) -> str:
        shown = [name for name in (self.table[0] if self.table else ()) if name not in ("job", "sha256")]
        rows = [tuple(_text(row[name]) for name in shown) for row in self.table]
        said = joined(filled("<div>{}</div>", sentence) for sentence in self.words)
        return str(joined([said, html.table(shown, rows)]))

    def to_pandas(self) -> Any:
        """The table as a DataFrame. Raises ConfigurationError where pandas is not installed."""
        import importlib

        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise ConfigurationError("pandas is not installed: pip install 'seedance_nb[pandas]' brings it") from None
        return pandas.DataFrame([dict(row) for row in self.table])


def measures_of(
    name: str,
    picture: GridPicture,
    found: Mapping[str, Mapping[str, float]],
    reasons: Mapping[str, str],
    judge: Judge,
    *,
    known: int,
    measure: str = "",
) -> Measures:
    """The answer from what was found and what failed, by job key; `known` is how many of them the ledger knew, `measure` is as in `Column`."""
    keys = list(dict.fromkeys(key for values in found.values() for key in values)) or [""]
    columns = []
    for part in keys:
        values = {job: said[part] for job, said in found.items() if part in said}
        lacking = {job: _lacking(part, said) for job, said in found.items() if part not in said}
        columns.append(Column(f"{name}.{part}" if part else name, values, {**lacking, **reasons}, measure))
    titles = {axis: labels(axis, [tile.cell.values.get(axis) for tile in picture.tiles]) for axis in picture.names}
    shown = column_names([column.name for column in columns], ("cell", *picture.names, "job", "sha256", "unmeasured"))
    rows, failures = [], {}
    for number, tile in enumerate(picture.tiles):
        job = None if tile.snapshot is None else tile.snapshot.key
        clip = tile.clip
        why = next((column.failures[job] for column in columns if job in column.failures), None) if job else None
        rows.append(
            {
                "cell": number + 1,
                **{axis: tile.cell.values.get(axis) for axis in picture.names},
                "job": job,
                "sha256": None if clip is None else clip.sha256,
                **{shown[column.name]: column.values.get(job or "", math.nan) for column in columns},
                "unmeasured": why,
            }
        )
        if job is not None and why is not None and job not in failures:
            label = " · ".join(titles[axis][number] for axis in picture.names) or f"cell {number + 1}"
            failures[job] = Failure(number + 1, label, job, why)
    return Measures(
        name=name,
        columns=tuple(column.name for column in columns),
        table=tuple(rows),
        failures=tuple(failures.values()),
        words=_in_words(columns, picture, found, tuple(failures.values()), known),
        as_columns=tuple(columns),
        judge=judge,
    )


def _lacking(part: str, said: Mapping[str, float]) -> str:
    had = ", ".join(repr(one_line(name, 30)) for name in said if name) or "one number"
    return (
        f"returned {had} and no {one_line(part, 30)!r}, as it did for other clips"
        if part
        else f"returned a dict ({had}), and one number for other clips"
    )


def _in_words(
    columns: Sequence[Column],
    picture: GridPicture,
    found: Mapping[str, Mapping[str, float]],
    failures: Sequence[Failure],
    known: int,
) -> tuple[str, ...]:
    told = [
        f"{len(found)} clip{'' if len(found) == 1 else 's'} measured"
        + (f", {known} of them known to the ledger" if known else "")
    ]
    without = sum(tile.clip is None for tile in picture.tiles)
    if failures:
        told.append(f"{len(failures)} failed")
    if without:
        told.append(f"{without} cell{' has' if without == 1 else 's have'} no clip")
    words = [f"{', '.join(column.name for column in columns)}: {'; '.join(told)}."]
    labels_by_job = {
        row.snapshot.key: f"cell {i + 1}" for i, row in reversed(list(enumerate(picture.tiles))) if row.snapshot
    }
    for column in columns:
        if len(column.values) > 1:
            low, high = (pick(column.values, key=lambda job: column.values[job]) for pick in (min, max))
            words.append(
                f"{column.name} goes from {column.values[low]:,.6g} ({labels_by_job[low]}) to {column.values[high]:,.6g} ({labels_by_job[high]})."
            )
    words.extend(f"Cell {failure.cell}: {failure.reason}." for failure in failures[:3])
    if len(failures) > 3:
        words.append(f"{len(failures) - 3} more failed: .failures lists them.")
    return tuple(words)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:,.6g}" if isinstance(value, float) else one_line(value, 80)
