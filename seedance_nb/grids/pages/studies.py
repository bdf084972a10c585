"""What a study says beside its ranking, on the screen: a power, a registration, raters. Pure; see `html` for what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ...errors import one_line
from ...pages.escaping import Html, clean, filled, joined
from ...pages.html import KEYS, NEUTRAL, QUIET, WRAP
from ..rankings.forecast import Power, PowerRow
from ..rankings.raters import RaterReport, Raters
from ..registering.registration import Registration

_HEAD = f"border-bottom:1px solid {NEUTRAL};vertical-align:bottom;padding:4px 10px"
_CELL = "padding:4px 10px;vertical-align:top"
_GOOD = "#5b9a68"
LONGEST_NAME = 28
"""Characters of a rater's name, so that the figures beside it are seen."""


def power_html(power: Power) -> Html:
    """The sentences, then takes against votes: how likely each split tells the best from one other, and from all."""
    takes = list(dict.fromkeys(row.takes for row in power.rows))
    votes = list(dict.fromkeys(row.votes for row in power.rows))
    at = {(row.takes, row.votes): row for row in power.rows}
    names = [f"{count:,} votes" for count in votes]
    if any(row.credits is not None for row in power.rows):
        names.append("credits still to be paid")
    head = joined([_head("takes of each", "left"), *map(_head, names)])
    rows = joined(_power_row(power, [at[count, number] for number in votes]) for count in takes)
    note = (
        f"In each cell: the chance to tell the best from one other · from all others. Framed: the plan. Bold: at least "
        f"{_percent(power.wanted)} from one other."
    )
    return _block(
        _sentences(power.words),
        filled('<div style="margin-top:10px;{}">{}</div>', QUIET, note),
        _table(head, rows),
    )


def registration_html(registration: Registration) -> Html:
    """The plan as a table of what and how, its date and its whole hash below."""
    first, *rest = registration.words
    pairs = [line.partition(": ") for line in rest]
    plain = [line for line, (_, colon, _) in zip(rest, pairs, strict=True) if not colon]
    rows = joined(
        filled(
            '<tr><th scope="row" style="text-align:left;font-weight:normal;white-space:nowrap;{cell}">{name}</th>'
            '<td dir="auto" style="text-align:left;{cell};{wrap}">{said}</td></tr>',
            cell=_CELL,
            wrap=WRAP,
            name=name,
            said=clean(said),
        )
        for name, colon, said in pairs
        if colon
    )
    return _block(
        _sentences([first, *plain]),
        filled('<table style="border-collapse:collapse;margin-top:6px"><tbody>{}</tbody></table>', rows),
        filled('<div style="margin-top:6px;{};{}">SHA-256 {}</div>', QUIET, WRAP, registration.hash),
    )


def raters_html(raters: Raters) -> Html:
    """The sentences, then a row a rater."""
    names = ("votes", "left", "same again", "gold right", "seconds", "likelihood", "expected", "p")
    head = joined([_head("rater", "left"), *(_head(name) for name in names), _head("flagged", "left")])
    rows = joined(_rater_row(report, raters.left_out.get(report.rater, "")) for report in raters)
    table = _table(head, rows) if raters.table else Html("")
    note = (
        "In brackets: 95 % intervals. Likelihood: the chance that everybody else's votes give to each answer of this rater, and what is "
        "expected of a rater like the others; p: how rarely one of those comes out as low."
    )
    return _block(
        _sentences(raters.words),
        table,
        filled('<div style="margin-top:4px;{}">{}</div>', QUIET, note) if raters.table else "",
    )


def _power_row(power: Power, rows: Sequence[PowerRow]) -> Html:
    cells = [
        filled(
            '<td style="text-align:right;white-space:nowrap;{cell};{frame}{bold}">{pair} · {best}</td>',
            cell=_CELL,
            frame=f"border:1px solid {_GOOD};" if row == power.planned else "",
            bold="font-weight:bold;" if row.pair >= power.wanted else "",
            pair=_percent(row.pair),
            best=_percent(row.best),
        )
        for row in rows
    ]
    if rows[0].credits is not None:
        cells.append(filled('<td style="text-align:right;{}">{}</td>', _CELL, f"{rows[0].credits:,g}"))
    return filled('<tr><th scope="row" style="text-align:left;{}">{}</th>{}</tr>', _CELL, rows[0].takes, joined(cells))


def _rater_row(report: RaterReport, left_out: str) -> Html:
    figures = [
        f"{report.votes:,}",
        _of(report.left, report.decided, report.left_low, report.left_high),
        _of(report.same, report.repeats, report.same_low, report.same_high),
        _of(report.gold_right, report.gold, report.gold_low, report.gold_high),
        _figure(report.seconds, ".1f"),
        _figure(report.likelihood, ".2f"),
        _figure(report.expected_likelihood, ".2f"),
        _figure(report.unlikely, ".3f"),
    ]
    cells = joined(
        filled('<td style="text-align:right;white-space:nowrap;{}">{}</td>', _CELL, figure) for figure in figures
    )
    why = ", ".join([*report.odd, *(["left out"] if left_out else [])])
    return filled(
        '<tr><th scope="row" dir="auto" style="text-align:left;font-weight:normal;{cell};{wrap}">{name}</th>{cells}'
        '<td style="text-align:left;white-space:nowrap;{cell}">{why}</td></tr>',
        cell=_CELL,
        wrap=WRAP,
        name=clean(one_line(report.rater, LONGEST_NAME)) or "a rater without a name",
        cells=cells,
        why=why,
    )


def _of(part: int, whole: int, low: float, high: float) -> str:
    return f"{part} of {whole} ({_percent(low)} to {_percent(high)})" if whole else "–"


def _figure(value: float, form: str) -> str:
    return "–" if math.isnan(value) else f"{value:{form}}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _sentences(words: Iterable[str]) -> Html:
    return joined(
        filled(
            '<p style="margin:{}px 0 0 0;{}{}">{}</p>',
            *(6 if place else 0, "" if place else "font-weight:bold;", WRAP, clean(said)),
        )
        for place, said in enumerate(words)
    )


def _head(name: str, side: str = "right") -> Html:
    return filled('<th scope="col" style="text-align:{};{}">{}</th>', side, _HEAD, name)


def _table(head: Html, rows: Html) -> Html:
    return filled(
        # A scrolling box of its own: on a phone the notebook would cut it off.
        '<div {} style="overflow-x:auto;max-width:100%"><table style="border-collapse:collapse;margin-top:6px">'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        *(KEYS, head, rows),
    )


def _block(*parts: object) -> Html:
    return filled('<div style="margin:4px 0;line-height:1.5;max-width:900px">{}</div>', joined(parts))
