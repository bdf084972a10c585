"""A race on the screen: where it stands in bold, who raced in a table, its other sentences below. Pure; see `html` for what is allowed."""

from __future__ import annotations

from collections.abc import Sequence

from ...pages.escaping import Html, clean, filled, joined
from ...pages.html import KEYS, NEUTRAL, WRAP

_CELL = "padding:4px 10px;vertical-align:top"


def race_html(words: Sequence[str], headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """The first sentence, a row for each item (the leader first), then its rounds and what is next; for `text/html`."""
    first, *rest = words
    said = joined(filled('<p style="margin:6px 0 0 0;{}">{}</p>', WRAP, clean(line)) for line in rest)
    return filled(
        '<div style="margin:4px 0;line-height:1.5;max-width:760px"><p style="margin:0;font-weight:bold;{}">{}</p>{}{}</div>',
        *(WRAP, clean(first), _table(headers, rows), said),
    )


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    head = joined(
        filled(
            '<th scope="col" style="text-align:{};border-bottom:1px solid {};vertical-align:bottom;padding:4px 10px">{}</th>',
            *("left" if place in (0, 2) else "right", NEUTRAL, header),
        )
        for place, header in enumerate(headers)
    )
    return filled(
        '<div {} style="overflow-x:auto;max-width:100%"><table style="border-collapse:collapse;margin-top:6px;font-size:1em">'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        *(KEYS, head, joined(_row(row) for row in rows)),
    )


def _row(row: Sequence[str]) -> Html:
    label, *figures = row
    cells = joined(
        filled('<td style="text-align:{};{}">{}</td>', "left" if place == 1 else "right", _CELL, figure)
        for place, figure in enumerate(figures)
    )
    return filled(
        '<tr><th scope="row" dir="auto" style="text-align:left;font-weight:normal;{};{}">{}</th>{}</tr>',
        *(_CELL, WRAP, clean(label), cells),
    )
