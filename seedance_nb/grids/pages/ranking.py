"""A ranking on the screen: a chart of boxes, its plain words, and the counts as a table. Pure; see `html` for what is allowed.

The chart is made of positioned boxes with inline styles, as saved notebooks that are not trusted drop scripts, `<style>` and
SVG. Every figure in it is also text: on it, or in the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...errors import one_line
from ...pages.escaping import Html, clean, filled, joined
from ...pages.html import KEYS, NEUTRAL, QUIET, WRAP
from ..rankings.ranking import RankedItem, Ranking
from ..rankings.words import count, plural

DOT, BAR = "#3b82c4", "#7fa9cf"
LONGEST_LABEL = 90
MOST_IN_CHART = 40
"""More rows are a wall of bars; the table has them all."""
_HEAD = f"border-bottom:1px solid {NEUTRAL};white-space:nowrap;vertical-align:bottom;padding:4px 10px"


def ranking_html(ranking: Ranking) -> Html:
    """The chart if an order is claimed, the sentences, and a table of all counts; for `text/html`."""
    sentences = joined(
        filled(
            '<p style="margin:{}px 0 0 0;{}{}">{}</p>',
            *(6 if place else 0, "" if place else "font-weight:bold;", WRAP, said),
        )
        for place, said in enumerate(ranking.words)
    )
    parts = [*([_chart(ranking)] if ranking.is_enough else []), sentences, _table(ranking)]
    return filled('<div style="margin:4px 0;line-height:1.5;max-width:760px">{}</div>', joined(parts))


def ranking_plain(ranking: Ranking) -> str:
    """The same for a terminal and for `text/plain`: the sentences, then one line an item."""
    lines = [*ranking.words, ""] if ranking.words else []
    widest = max((len(_short(item.label)) for item in ranking.table), default=0)
    for item in ranking.table:
        figures = f"  {_percent(item.preferred)} ({_interval(item)})" if not math.isnan(item.strength) else ""
        lines.append(f"{_short(item.label):<{widest}}{figures}  {_record(item)}")
    return "\n".join(lines)


# The chart --------------------------------------------------------------------------------------------------


def _chart(ranking: Ranking) -> Html:
    ranked = [item for item in ranking.table if not math.isnan(item.strength)]
    shown = ranked[:MOST_IN_CHART]
    ends = _ends(shown)
    aspect = f"{one_line(ranking.aspect, 60)}: " if ranking.aspect else ""
    title = f"{aspect}how often each {ranking.by.replace('_', ' ')} is preferred to an average one, with 95 % intervals"
    rows = joined(_row(item, ends) for item in shown)
    rest = len(ranked) - len(shown)
    more = filled('<div style="{}">{} more in the table below</div>', QUIET, rest) if rest else ""
    return filled(
        '<div style="margin:0 0 12px 0"><div style="{quiet};{wrap}">{title}</div>'
        '<table style="border-collapse:collapse;width:100%;max-width:760px;margin:4px 0;table-layout:fixed">'
        "<tbody>{rows}{scale}</tbody></table>{more}</div>",
        quiet=QUIET,
        wrap=WRAP,
        title=title,
        rows=rows,
        scale=_scale(ends),
        more=more,
    )


def _row(item: RankedItem, ends: tuple[float, float]) -> Html:
    low, high, dot = (_place(value * item.unit, ends) for value in (item.low, item.high, item.strength))
    interval = _interval(item)
    return filled(
        '<tr><th scope="row" style="width:32%;text-align:left;font-weight:normal;padding:3px 10px 3px 0;{wrap}" dir="auto">'
        "{label}</th>"
        '<td style="padding:0" title="{chance}, 95 % interval {interval}"><div style="position:relative;height:24px">'
        # `left` in percent would not pass the sanitiser, a margin does.
        '<div style="position:absolute;top:0px;height:100%;width:1px;margin-left:{middle}%;background-color:{grey};opacity:0.6"></div>'
        '<div style="position:absolute;top:9px;height:6px;border-radius:3px;margin-left:{low}%;width:{width}%;'
        'background-color:{bar}"></div>'
        '<div style="position:absolute;top:6px;margin-left:{dot}%"><div style="width:12px;height:12px;margin-left:-6px;'
        'border-radius:6px;background-color:{blue}"></div></div></div></td>'
        '<td style="width:25%;text-align:right;padding:3px 0 3px 10px;white-space:nowrap">{chance} '
        '<span style="{quiet}">({interval})</span></td></tr>',
        label=_short(item.label),
        chance=_percent(item.preferred),
        interval=interval,
        low=f"{low:.2f}",
        width=f"{max(0.4, high - low):.2f}",
        dot=f"{dot:.2f}",
        middle=f"{_place(0.0, ends):.2f}",
        grey=NEUTRAL,
        bar=BAR,
        blue=DOT,
        wrap=WRAP,
        quiet=QUIET,
    )


def _scale(ends: tuple[float, float]) -> Html:
    marks = joined(
        filled(
            '<div style="position:absolute;top:2px;margin-left:{}%"><div style="width:60px;margin-left:-30px;text-align:center">'
            "{} %</div></div>",
            *(f"{_place(math.log(share / (1 - share)), ends):.2f}", f"{100 * share:.0f}"),
        )
        for share in _marks(ends)
    )
    return filled(
        '<tr><td style="padding:0"></td><td style="padding:0;border-top:1px solid {}">'
        '<div style="position:relative;height:22px;{}">{}</div></td><td style="padding:0"></td></tr>',
        *(NEUTRAL, QUIET, marks),
    )


def _marks(ends: tuple[float, float]) -> list[float]:
    """50 % and the outermost round chances that find room on both sides of it."""
    rounds = (0.98, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55)
    found = next((share for share in rounds if _place(math.log(share / (1 - share)), ends) <= 93), None)
    return [0.5] if found is None else [1 - found, 0.5, found]


def _ends(items: Sequence[RankedItem]) -> tuple[float, float]:
    """The log-odds at the edges: symmetric, so that 50 % stands in the middle."""
    reach = max((item.unit * max(abs(item.low), abs(item.high)) for item in items), default=1.0)
    return -1.06 * max(reach, 0.3), 1.06 * max(reach, 0.3)


def _place(log_odds: float, ends: tuple[float, float]) -> float:
    """From the left edge, in percent of the width."""
    return 100 * min(1.0, max(0.0, (log_odds - ends[0]) / (ends[1] - ends[0])))


# The counts -------------------------------------------------------------------------------------------------


def _table(ranking: Ranking) -> Html:
    names = ("votes", "won", "lost", "tied", "of these both bad")
    head = joined(filled('<th scope="col" style="text-align:right;{}">{}</th>', _HEAD, name) for name in names)
    title = f"Counts: {count(ranking.used, 'vote')} between {plural(ranking.by)}"
    apart = [
        f"{ranking.within:,} between clips of one {ranking.by.replace('_', ' ')}" if ranking.within else "",
        f"{count(ranking.repeats, 'repeated pair')}, sharing the vote they repeat" if ranking.repeats else "",
    ]
    more = "; apart from these, " + " and ".join(part for part in apart if part) if any(apart) else ""
    return filled(
        '<details {keys} style="margin-top:10px"><summary style="cursor:pointer">{title}</summary>'
        '<table style="border-collapse:collapse;margin-top:4px"><thead><tr>'
        '<th scope="col" style="text-align:left;{style}">{by}</th>{head}</tr></thead>'
        "<tbody>{rows}</tbody></table></details>",
        keys=KEYS,
        title=title + more,
        style=_HEAD,
        by=ranking.by.replace("_", " "),
        head=head,
        rows=joined(_counts(item) for item in ranking.table),
    )


def _counts(item: RankedItem) -> Html:
    figures = (item.votes, item.wins, item.losses, item.ties, item.both_bad)
    cells = joined(filled('<td style="text-align:right;padding:4px 10px">{}</td>', _amount(votes)) for votes in figures)
    return filled(
        '<tr><th scope="row" dir="auto" style="text-align:left;font-weight:normal;padding:4px 10px;{}">{}</th>{}</tr>',
        *(WRAP, _short(item.label), cells),
    )


def _record(item: RankedItem) -> str:
    both_bad = f", {_amount(item.both_bad)} both bad" if item.both_bad else ""
    return f"{_amount(item.wins)} won, {_amount(item.losses)} lost, {_amount(item.ties)} tied{both_bad}"


def _amount(votes: float) -> str:
    """Whole but for shares of repeated votes."""
    return f"{votes:,.0f}" if abs(votes - round(votes)) < 0.05 else f"{votes:,.1f}"


def _interval(item: RankedItem) -> str:
    return " to ".join(_percent(share) for share in item.preferred_interval)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _short(label: str) -> str:
    return one_line(clean(label), LONGEST_LABEL)
