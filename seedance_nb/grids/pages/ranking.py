"""A ranking on the screen: a chart of boxes, its plain words, and the counts as a table. Pure; see `html` for what is allowed.

The chart is made of positioned boxes with inline styles, as saved notebooks that are not trusted drop scripts, `<style>` and
SVG. Every figure in it is also text: on it, or in the table.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from ...errors import one_line
from ...pages.html import KEYS, NEUTRAL, QUIET, WRAP, clean
from ..rankings.ranking import RankedItem, Ranking, chance
from ..rankings.words import count, plural

DOT, BAR = "#3b82c4", "#7fa9cf"
LONGEST_LABEL = 90
MOST_IN_CHART = 40
"""More rows are a wall of bars; the table has them all."""
_HEAD = f"border-bottom:1px solid {NEUTRAL};white-space:nowrap;vertical-align:bottom;padding:4px 10px"


def ranking_html(ranking: Ranking) -> str:
    """The chart if an order is claimed, the sentences, and a table of all counts; for `text/html`."""
    sentences = "".join(
        f'<p style="margin:{0 if place == 0 else 6}px 0 0 0;{"font-weight:bold;" if place == 0 else ""}{WRAP}">{_text(said)}</p>'
        for place, said in enumerate(ranking.words)
    )
    parts = [sentences, _table(ranking)]
    if ranking.is_enough:
        parts.insert(0, _chart(ranking))
    return f'<div style="margin:4px 0;line-height:1.5;max-width:760px">{"".join(parts)}</div>'


def ranking_plain(ranking: Ranking) -> str:
    """The same for a terminal and for `text/plain`: the sentences, then one line an item."""
    lines = [*ranking.words, ""] if ranking.words else []
    widest = max((len(_short(item.label)) for item in ranking.table), default=0)
    for item in ranking.table:
        figures = (
            f"  {_percent(item.strength)} ({_percent(item.low)} to {_percent(item.high)})"
            if not math.isnan(item.strength)
            else ""
        )
        lines.append(f"{_short(item.label):<{widest}}{figures}  {_record(item)}")
    return "\n".join(lines)


# The chart --------------------------------------------------------------------------------------------------


def _chart(ranking: Ranking) -> str:
    ranked = [item for item in ranking.table if not math.isnan(item.strength)]
    shown = ranked[:MOST_IN_CHART]
    ends = _ends(shown)
    aspect = f"{one_line(ranking.aspect, 60)}: " if ranking.aspect else ""
    title = f"{aspect}how often each {ranking.by.replace('_', ' ')} is preferred to an average one, with 95 % intervals"
    rows = "".join(_row(item, ends) for item in shown)
    rest = len(ranked) - len(shown)
    more = f'<div style="{QUIET}">{rest} more in the table below</div>' if rest else ""
    return (
        f'<div style="margin:0 0 12px 0"><div style="{QUIET};{WRAP}">{_text(title)}</div>'
        f'<table style="border-collapse:collapse;width:100%;max-width:760px;margin:4px 0;table-layout:fixed">'
        f"<tbody>{rows}{_scale(ends)}</tbody></table>{more}</div>"
    )


def _row(item: RankedItem, ends: tuple[float, float]) -> str:
    low, high, dot = (_place(value, ends) for value in (item.low, item.high, item.strength))
    said = f"{_percent(item.strength)}, 95 % interval {_percent(item.low)} to {_percent(item.high)}"
    line = "position:absolute;top:0px;height:100%;width:1px"  # `left` in percent would not pass the sanitiser, a margin does
    return (
        f'<tr><th scope="row" style="width:32%;text-align:left;font-weight:normal;padding:3px 10px 3px 0;{WRAP}" dir="auto">'
        f"{_text(_short(item.label))}</th>"
        f'<td style="padding:0" title="{_text(said)}"><div style="position:relative;height:24px">'
        f'<div style="{line};margin-left:{_place(0.0, ends):.2f}%;background-color:{NEUTRAL};opacity:0.6"></div>'
        f'<div style="position:absolute;top:9px;height:6px;border-radius:3px;margin-left:{low:.2f}%;width:{max(0.4, high - low):.2f}%;'
        f'background-color:{BAR}"></div>'
        f'<div style="position:absolute;top:6px;margin-left:{dot:.2f}%"><div style="width:12px;height:12px;margin-left:-6px;'
        f'border-radius:6px;background-color:{DOT}"></div></div></div></td>'
        f'<td style="width:25%;text-align:right;padding:3px 0 3px 10px;white-space:nowrap">{_percent(item.strength)} '
        f'<span style="{QUIET}">({_percent(item.low)} to {_percent(item.high)})</span></td></tr>'
    )


def _scale(ends: tuple[float, float]) -> str:
    marks = []
    for share in _marks(ends):
        place = _place(math.log(share / (1 - share)), ends)
        marks.append(
            f'<div style="position:absolute;top:2px;margin-left:{place:.2f}%"><div style="width:60px;margin-left:-30px;text-align:center">'
            f"{100 * share:.0f} %</div></div>"
        )
    return (
        f'<tr><td style="padding:0"></td><td style="padding:0;border-top:1px solid {NEUTRAL}">'
        f'<div style="position:relative;height:22px;{QUIET}">{"".join(marks)}</div></td><td style="padding:0"></td></tr>'
    )


def _marks(ends: tuple[float, float]) -> list[float]:
    """50 % and the outermost round chances that find room on both sides of it."""
    rounds = (0.98, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55)
    found = next((share for share in rounds if _place(math.log(share / (1 - share)), ends) <= 93), None)
    return [0.5] if found is None else [1 - found, 0.5, found]


def _ends(items: Sequence[RankedItem]) -> tuple[float, float]:
    """The log-odds at the edges: symmetric, so that 50 % stands in the middle."""
    reach = max((max(abs(item.low), abs(item.high)) for item in items), default=1.0)
    return -1.06 * max(reach, 0.3), 1.06 * max(reach, 0.3)


def _place(log_odds: float, ends: tuple[float, float]) -> float:
    """From the left edge, in percent of the width."""
    return 100 * min(1.0, max(0.0, (log_odds - ends[0]) / (ends[1] - ends[0])))


# The counts -------------------------------------------------------------------------------------------------


def _table(ranking: Ranking) -> str:
    names = ("votes", "won", "lost", "tied", "of these both bad")
    head = "".join(f'<th scope="col" style="text-align:right;{_HEAD}">{name}</th>' for name in names)
    rows = "".join(_counts(item) for item in ranking.table)
    title = f"Counts: {count(ranking.used, 'vote')} between {plural(ranking.by)}"
    apart = [
        f"{ranking.within:,} between clips of one {ranking.by.replace('_', ' ')}" if ranking.within else "",
        f"{count(ranking.repeats, 'repeated pair')}, sharing the vote they repeat" if ranking.repeats else "",
    ]
    more = "; apart from these, " + " and ".join(part for part in apart if part) if any(apart) else ""
    return (
        f'<details {KEYS} style="margin-top:10px"><summary style="cursor:pointer">{_text(title + more)}</summary>'
        f'<table style="border-collapse:collapse;margin-top:4px"><thead><tr>'
        f'<th scope="col" style="text-align:left;{_HEAD}">{_text(ranking.by.replace("_", " "))}</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></details>"
    )


def _counts(item: RankedItem) -> str:
    figures = (item.votes, item.wins, item.losses, item.ties, item.both_bad)
    cells = "".join(f'<td style="text-align:right;padding:4px 10px">{_amount(amount)}</td>' for amount in figures)
    return (
        f'<tr><th scope="row" dir="auto" style="text-align:left;font-weight:normal;padding:4px 10px;{WRAP}">'
        f"{_text(_short(item.label))}</th>{cells}</tr>"
    )


def _record(item: RankedItem) -> str:
    both_bad = f", {_amount(item.both_bad)} both bad" if item.both_bad else ""
    return f"{_amount(item.wins)} won, {_amount(item.losses)} lost, {_amount(item.ties)} tied{both_bad}"


def _amount(votes: float) -> str:
    """Whole but for shares of repeated votes."""
    return f"{votes:,.0f}" if abs(votes - round(votes)) < 0.05 else f"{votes:,.1f}"


def _percent(log_odds: float) -> str:
    return f"{100 * chance(log_odds):.0f} %"


def _short(label: str) -> str:
    return one_line(clean(label), LONGEST_LABEL)


def _text(value: str) -> str:
    return html.escape(clean(value), quote=True)
