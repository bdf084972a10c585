"""Laying out a grid: what `seedance_nb.grid` is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...grids.export import writing as export
from ...grids.grid import Grid, open_grid
from ...grids.screens import screens
from ...tracking import session as sessions

if TYPE_CHECKING:
    from ...grids.axes import Combination


def grid(
    prompt: Any,
    rows: Any = None,
    *,
    takes: int = 1,
    mode: str = "product",
    where: Callable[[Combination], object] | None = None,
    **axes: Any,
) -> Grid:
    """Lay out a comparison: every combination of the axes as a request, priced, before anything is sent.

    `prompt` is a template with `{names}`, a list of prompts, or the rows themselves: a list of dicts or a DataFrame. Every other
    keyword is a name in the template or a field of the request (model, duration, aspect_ratio, resolution, media_urls,
    metadata, …): a list is an axis, a single value holds for all cells. `takes` independent videos of each; mode "zip" puts
    the axes side by side instead of combining them; `where(c)` keeps the combinations for which it is true. Returns a Grid:
    look at `.plan`, then `.submit(max_credits=…)`. Raises InvalidRequest for axes that cannot be meant.
    """
    _offer_the_screen()
    return open_grid(sessions.default(), prompt, rows, takes=takes, mode=mode, where=where, **axes)


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
