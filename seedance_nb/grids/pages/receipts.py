"""A grid in words and tables: its plan before a credit is spent, what is on its way, what it lacks. Pure: strings in and out.

As in `html`: inline styles that survive JupyterLab's sanitiser, text in the page's own colour, what goes in is escaped on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import one_line, shortened
from ...pages import html, words
from ...pages.escaping import Html, filled, joined
from ..axes import value_key
from ..picture import GridPicture, Tile
from ..plans.power import power_line
from ..wording import axis_title, labels
from .board import credit_words, progress_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..plans.plan import Plan, PlanLine

MOST_SHOWN = 12
"""Rows a table shows at once; longer ones scroll."""
MOST_LISTED = 600
"""Rows at all: more would make a notebook heavy and nobody reads them."""
PLAIN_LISTED = 24


def summary(plan: Plan) -> str:
    """The plan in one line: "16 cells: 12 new, 4 have it; about 480 credits for 12 new videos (…); about 3 min"."""
    waits = bool(plan.new or plan.count("running"))
    time = f"; about {words.duration_words(plan.seconds)}" if waits and plan.seconds else ""
    return f"{plan}{time}"


def plan_html(plan: Plan) -> Html:
    """Every cell on its axes with where it stands, what it would cost, how long it would take, and why; then the totals."""
    headers, rows = plan_table(plan, MOST_LISTED)
    said = power_line(plan)
    line = Html() if said is None else filled("<br>{}", said)
    head = _box(filled("<strong>{}</strong>{}", summary(plan), line))
    return joined([head, _scrolled(html.table(headers, rows), len(rows)), _more(plan)])


def plan_plain(plan: Plan) -> str:
    """The same for a terminal and for `text/plain`."""
    more = len(plan.lines) - PLAIN_LISTED
    said = power_line(plan)
    head = [summary(plan), *([] if said is None else [said])]
    table = words.plain_table(*plan_table(plan, PLAIN_LISTED))
    return "\n".join([*head, table, *([f"and {more:,} more"] if more > 0 else [])])


def plan_table(plan: Plan, most: int) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Headers and at most `most` rows of the plan, without columns in which nothing stands."""
    lines = plan.lines[:most]
    names, worded = _worded(plan.names, [line.cell.values for line in plan.lines])
    columns: list[tuple[str, list[str]]] = [("", [f"{line.cell.index + 1}" for line in lines])]
    columns += [(axis_title(name), worded[name][:most]) for name in names]
    if not names:
        columns.append(("prompt", [_prompt_of(line.cell.values, line.cell.request) for line in lines]))
    columns += [
        ("standing", [line.standing for line in lines]),
        ("credits", [_price(line) for line in lines]),
        ("takes about", [words.duration_words(line.seconds) if line.seconds else "" for line in lines]),
        (
            "why",
            [shortened("; ".join([line.why or "", *line.cell.warnings]).removeprefix("; "), 300) for line in lines],
        ),
    ]
    shown = [(head, texts) for head, texts in columns if any(texts)]
    return [head for head, _ in shown], list(zip(*(texts for _, texts in shown), strict=True))


def receipt(picture: GridPicture) -> Html:
    """What stays in the notebook while a grid is on its way: how to get it back, and the ids of its videos.

    Where it stands is left to the board: the receipt outlives its kernel, and old figures would be taken for new ones.
    """
    how = f"{_count(len(picture.tiles), 'cell')}: run this cell again to get the {picture.called} back; what is there or on its way costs nothing."
    headers, rows = id_table(picture, MOST_LISTED)
    table = _scrolled(html.table(headers, rows), len(rows))
    ids = filled(
        '<details {}><summary style="cursor:pointer">ids of the videos</summary>{}</details>', html.KEYS, table
    )
    return filled('<div style="{}">{}{}</div>', html.QUIET, _box(how), ids)


def receipt_plain(picture: GridPicture) -> str:
    """The same for a terminal and for `text/plain`."""
    headers, rows = id_table(picture, PLAIN_LISTED)
    stood = [_stands(tile) for tile in picture.tiles]
    listed = [(*row, stands) for row, stands in zip(rows, stood, strict=False)]
    lines = [f"{progress_words(picture)} · {credit_words(picture)}", words.plain_table((*headers, "stands"), listed)]
    if len(picture.tiles) > PLAIN_LISTED:
        lines.append(f"and {len(picture.tiles) - PLAIN_LISTED:,} more")
    if not picture.is_settled:
        lines.append(f"run this again to get the {picture.called} back: what is there or on its way costs nothing")
    said = " ".join(filter(None, (picture.remark, cure_of(picture)))) if picture.is_settled else ""
    return "\n".join([*lines, said] if said else lines)


def trouble(picture: GridPicture, text: str) -> dict[str, str]:
    """Both kinds of text for a grid that cannot be shown as it should."""
    return {"text/html": joined([_box(text), receipt(picture)]), "text/plain": f"{text}\n{receipt_plain(picture)}"}


def id_table(picture: GridPicture, most: int) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Headers and at most `most` rows: each cell with the id of its video, by which it can be attached to."""
    names, worded = _worded(picture.names, [tile.cell.values for tile in picture.tiles])
    rows = []
    for i, tile in enumerate(picture.tiles[:most]):
        name = ", ".join(worded[axis][i] for axis in names) or _prompt_of(tile.cell.values, tile.cell.request)
        snapshot = tile.snapshot
        known = (snapshot.request_id or snapshot.key) if snapshot is not None else ""
        if tile.origin is not None:
            known = words.MADE_ELSEWHERE
        rows.append((name, known))
    return ("cell", "id"), rows


def ending(picture: GridPicture) -> Html:
    """What is to be said below the wall of a grid, and where something is missing (its tiles say why), how to go on. Perhaps empty."""
    said = " ".join(filter(None, (picture.remark, cure_of(picture))))
    return _box(said) if said else Html()


def cure_of(picture: GridPicture) -> str:
    """How to go on with a grid in which something is missing; empty if nothing is."""
    counts, lost = picture.counts, picture.lost
    failed = counts.failed - lost
    said = []
    if lost:
        said.append(f"{_count(lost, 'clip')} made elsewhere without a file here: import it again; its cell says how.")
    if failed:
        said.append(f"{_count(failed, 'cell')} without a video: {picture.called}.retry() tries the failed ones again.")
    if counts.unknown:
        said.append(f"{_count(counts.unknown, 'cell')} may have been accepted and charged: never sent again by itself.")
    return " ".join(said)


# -- parts ---------------------------------------------------------------------------------------------------------------


def _stands(tile: Tile) -> str:
    if tile.cell.invalid is not None:
        return "cannot be made"
    return words.status_words(tile.snapshot) if tile.snapshot is not None else "not sent yet"


def _worded(names: Sequence[str], values: Sequence[Mapping[str, object]]) -> tuple[list[str], dict[str, list[str]]]:
    """The axes that vary, and what to write for every cell on each of them."""
    varied = [name for name in names if len({value_key(cell.get(name)) for cell in values}) > 1]
    return varied, {name: list(labels(name, [cell.get(name) for cell in values])) for name in varied}


def _prompt_of(values: Mapping[str, object], request: object) -> str:
    return one_line(getattr(request, "prompt", None) or values.get("prompt") or "", 120)


def _price(line: PlanLine) -> str:
    if line.standing == "invalid":
        return ""
    return "?" if line.credits is None else f"{line.credits:.10g}"


def _count(amount: int, unit: str) -> str:
    return f"{amount:,} {unit}" if amount == 1 else f"{amount:,} {unit}s"


def _more(plan: Plan) -> Html:
    more = len(plan.lines) - MOST_LISTED
    return _box(f"and {more:,} more cells") if more > 0 else Html()


def _scrolled(table: Html, rows: int) -> Html:
    """The table in a box of its own where it is long."""
    return filled('<div style="max-height:430px;overflow:auto">{}</div>', table) if rows > MOST_SHOWN else table


def _box(line: object) -> Html:
    style = f"margin:4px 0;line-height:1.5;max-width:860px;{html.WRAP}"
    return filled('<div style="{}"><div>{}</div></div>', style, line)
