"""Laying out a grid: what `seedance_nb.grid` is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_overloads, overload

from ...api.fields import DEFAULT_ASPECT_RATIO, DEFAULT_DURATION, DEFAULT_MODEL, DEFAULT_RESOLUTION
from ...grids.axes import Axis, Combination, Prompts, Rows
from ...grids.export import writing as export
from ...grids.grid import Grid, open_grid
from ...grids.screens import screens
from ...tracking import session as sessions


@overload
def grid(prompt: Path, *, takes: int = 1, where: Callable[[Combination], object] | None = None) -> Grid: ...


@overload
def grid(
    prompt: Prompts,
    rows: Rows | None = None,
    *,
    takes: int = 1,
    mode: Literal["product", "zip"] = "product",
    where: Callable[[Combination], object] | None = None,
    raw: bool = False,
    model: str | Iterable[str] = DEFAULT_MODEL,
    aspect_ratio: str | Iterable[str | None] | None = DEFAULT_ASPECT_RATIO,
    duration: int | Iterable[int | None] | None = DEFAULT_DURATION,
    resolution: str | Iterable[str | None] | None = DEFAULT_RESOLUTION,
    media_urls: Iterable[str] | Iterable[Iterable[str] | None] | None = None,
    webhook_url: str | Iterable[str | None] | None = None,
    metadata: Mapping[str, Any] | Iterable[Mapping[str, Any] | None] | None = None,
    **axes: Axis,
) -> Grid: ...


# The keywords as they come, because their order is that of the axes.
def grid(prompt: Any, rows: Any = None, **options: Any) -> Grid:
    """Lay out a comparison: every combination of the axes as a request, priced, before anything is sent.

    `prompt` is a template with `{names}`, a list of prompts, or the rows themselves: a list of dicts or a DataFrame; the path of a
    manifest (`grid.export("….json")`) gives its grid back. Every other keyword is a field of the request (model, aspect_ratio,
    duration in seconds, resolution, media_urls, webhook_url, metadata) or a name in the template: a list is an axis, a single value
    holds for all cells. `takes` independent videos of each; mode "zip" puts the axes side by side instead of combining them;
    `where(c)` keeps the combinations for which it is true; `raw` prompts are taken as they are, braces and all. Returns a Grid:
    look at `.plan`, then `.submit(max_credits=…)`. Raises InvalidRequest for axes that cannot be meant.
    """
    _offer_the_screen()
    return open_grid(sessions.default(), prompt, rows, **options)


# Shift-Tab shows what type checkers see.
vars(grid)["__signature__"] = inspect.signature(get_overloads(grid)[-1])


def _offer_the_screen() -> None:
    """Give grids what they need of the notebook: loaded when it is used."""
    screens.open_ballot, screens.write_ballot = _open_ballot, _write_ballot
    export.page_writer = _write_page


def _open_ballot(*args: Any, **options: Any) -> Any:
    from ..ballot.ballot import open_ballot

    return open_ballot(*args, **options)


def _write_ballot(*args: Any, **options: Any) -> Path:
    from ..ballot.ballot import write_ballot

    return write_ballot(*args, **options)


def _write_page(*args: Any, **options: Any) -> Path:
    from ...grids.walls.wall import write_page

    return write_page(*args, **options)
