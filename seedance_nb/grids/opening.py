"""Laying out a grid: what `seedance_nb.grid` is."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_overloads, overload

from ..api.fields import DEFAULT_ASPECT_RATIO, DEFAULT_DURATION, DEFAULT_MODEL, DEFAULT_RESOLUTION
from ..errors import InvalidRequest
from ..tracking import session as sessions
from ..tracking.references.shelf import Reference
from ..tracking.session import Session
from .axes import Combination, lay_out
from .grid import Grid
from .values import Axis, Prompts, Rows, are_rows, with_own_files


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
    sample: int | None = None,
    model: str | Iterable[str] = DEFAULT_MODEL,
    aspect_ratio: str | Iterable[str | None] | None = DEFAULT_ASPECT_RATIO,
    duration: int | Iterable[int | None] | None = DEFAULT_DURATION,
    resolution: str | Iterable[str | None] | None = DEFAULT_RESOLUTION,
    media_urls: Reference | Iterable[Reference] | Iterable[Iterable[Reference] | None] | None = None,
    webhook_url: str | Iterable[str | None] | None = None,
    metadata: Mapping[str, Any] | Iterable[Mapping[str, Any] | None] | None = None,
    extra: Mapping[str, Any] | Iterable[Mapping[str, Any] | None] | None = None,
    **axes: Axis,
) -> Grid: ...


# The keywords as they come, because their order is that of the axes.
def grid(prompt: Any, rows: Any = None, **options: Any) -> Grid:
    """Lay out a comparison: every combination of the axes as a request, priced, before anything is sent.

    `prompt` is a template with `{names}`, a list of prompts, or the rows themselves: a list of dicts or a DataFrame; the path of a
    manifest (`grid.export("….json")`) gives its grid back. Every other keyword is a field of the request (model, aspect_ratio,
    duration in seconds, resolution, media_urls, webhook_url, metadata, extra) or a name in the template: a list is an axis, a single value
    holds for all cells. `takes` independent videos of each; mode "zip" puts the axes side by side instead of combining them;
    `where(c)` keeps the combinations for which it is true; `raw` prompts are taken as they are, braces and all. `{red|blue}` in a prompt is an axis of that name, `{{` and `}}`
    are literal; `sample` combinations of all are drawn by their content, so the same ones at every run. Returns a Grid:
    look at `.plan`, then `.submit(max_credits=…)`. Raises InvalidRequest for axes that cannot be meant.
    """
    return open_grid(sessions.default(), prompt, rows, **options)


# Shift-Tab shows what type checkers see.
vars(grid)["__signature__"] = inspect.signature(get_overloads(grid)[-1])


def open_grid(
    session: Session,
    prompt: Any,
    rows: Any = None,
    *,
    takes: int = 1,
    mode: str = "product",
    where: Callable[[Combination], object] | None = None,
    raw: bool = False,
    sample: int | None = None,
    **axes: Any,
) -> Grid:
    """The same in a session of one's own."""
    if isinstance(prompt, Path) or (not raw and isinstance(prompt, str) and _is_manifest(prompt)):
        from .export.manifest import read_manifest

        if rows is not None or axes or mode != "product" or sample is not None:
            raise InvalidRequest(
                "a grid from its manifest has its axes already: give nothing but takes= and where= with it"
            )
        known, included = read_manifest(Path(prompt))
        if takes != 1:
            known = known.extended(takes=takes)
        return Grid(session, dataclasses.replace(known, where=where))._with(included)
    shelf = session.shelf
    rows = with_own_files(rows, shelf.among)
    prompt = with_own_files(prompt, shelf.among) if are_rows(prompt) else prompt
    return Grid(
        session, lay_out(prompt, rows, takes=takes, mode=mode, where=where, raw=raw, sample=sample, **shelf.among(axes))
    )


def _is_manifest(text: str) -> bool:
    try:
        return text.endswith(".json") and Path(text).is_file()
    except (OSError, ValueError):  # longer than a path may be
        return False
