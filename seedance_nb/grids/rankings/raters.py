"""Raters as people: how each of them voted, what speaks for leaving somebody out, and how far they agree. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, overload

from ...errors import one_line
from ...showing import Shown
from .rows import Row

RARE = 0.01
"""What fair raters do less often is flagged: 1 in 100 of them is, by chance."""
SURELY_INCONSISTENT, SURELY_BLIND = 0.7, 0.9
"""Flagged where even the upper end of the 95 % interval of repeats answered alike, of gold pairs right, is below."""
LEAST_REPEATS = 5
HASTY_SECONDS = 2.0
"""A median below is flagged: nobody has seen two clips by then."""


@dataclasses.dataclass(frozen=True, slots=True)
class RaterReport(Row):
    """How one person voted on this aspect, on all pairs, those of one item included."""

    rater: str
    votes: int
    decided: int
    """Votes for one of the two clips."""
    left: int
    """Those of them for the clip on the left."""
    left_low: float
    left_high: float
    """95 % interval (Wilson) of the share of left."""
    p_value: float
    """How likely a share of left this far from half is without any bias (two-sided exact binomial test)."""
    repeats: int
    """Pairs shown again with sides swapped."""
    same: int
    """Those of them that got the same answer."""
    same_low: float = 0.0
    same_high: float = 1.0
    """95 % interval (Wilson) of the share of repeats that got the same answer."""
    gold: int = 0
    """Pairs of a clip and its own damaged copy."""
    gold_right: int = 0
    """Those of them in which the undamaged clip was preferred."""
    gold_low: float = 0.0
    gold_high: float = 1.0
    """95 % interval (Wilson) of the share that was right."""
    seconds: float = math.nan
    """Median of the seconds an answer took; NaN where nobody measured them."""
    likelihood: float = math.nan
    """The chance that everybody else's votes give to this rater's answers: geometric mean over the answers, 0 to 1; NaN where not known."""
    expected_likelihood: float = math.nan
    """What it would be on average, were this one a rater like the others, with a taste of their own as far apart as theirs."""
    unlikely: float = math.nan
    """How likely a rater like the others is to come out this low or lower: small where somebody clicks blindly, or means the opposite."""

    @property
    def left_share(self) -> float:
        """The share of left among the decided votes, 0.5 where there are none."""
        return self.left / self.decided if self.decided else 0.5

    @property
    def has_side_bias(self) -> bool:
        """Whether the sides, and not only the clips, seem to have chosen; 1 fair rater in 100 is flagged by chance."""
        return self.p_value < RARE

    @property
    def flags(self) -> tuple[str, ...]:
        """What is odd about these votes and why, a sentence part each; () where nothing is. A flag leaves nobody out."""
        return tuple(self.odd.values())

    @property
    def odd(self) -> dict[str, str]:
        """The flags, by what is odd: "side", "likelihood", "gold", "consistency", "seconds"."""
        found = {}
        if self.has_side_bias:
            side, chosen = ("left", self.left) if self.left_share > 0.5 else ("right", self.decided - self.left)
            found["side"] = (
                f"chose the {side} clip in {chosen} of {self.decided} votes that decide ({_p(self.p_value)})"
            )
        if self.unlikely < RARE:
            found["likelihood"] = (
                f"votes unlike everybody else: their fit gives these answers a chance of {self.likelihood:.2f} each, "
                f"of a rater like the others {self.expected_likelihood:.2f} ({_p(self.unlikely)})"
            )
        if self.gold and self.gold_high < SURELY_BLIND:
            found["gold"] = f"told a clip from its damaged copy in {self.gold_right} of {self.gold} gold pairs"
        if self.repeats >= LEAST_REPEATS and self.same_high < SURELY_INCONSISTENT:
            found["consistency"] = f"answered {self.same} of {self.repeats} repeated pairs as before"
        if self.seconds < HASTY_SECONDS:
            found["seconds"] = f"took {self.seconds:.1f} s a vote (median)"
        return found


@dataclasses.dataclass(frozen=True, slots=True)
class Agreement:
    """How far different raters answered the same on the same pair of clips; the first answer of each counts.

    `alpha` is Krippendorff's for nominal data over "this clip", "neither", "that clip": 1 is perfect, 0 is what chance gives. `ordinal` is
    the same with "neither" between the two. 95 % intervals by bootstrap over the pairs. NaN ends and None where it cannot be computed.
    """

    pairs: int
    """Pairs of clips that two raters or more judged."""
    comparisons: int
    """Pairs of answers compared."""
    equal: float | None
    """The share of them that are the same, 0 to 1; None without any."""
    alpha: float | None
    low: float = math.nan
    high: float = math.nan
    ordinal: float | None = None
    ordinal_low: float = math.nan
    ordinal_high: float = math.nan


@dataclasses.dataclass(frozen=True, slots=True)
class Raters(Shown):
    """The answer to `grid.raters()`, one row a rater: `str()` gives its plain words, `to_pandas()` a table. A sequence of its rows."""

    table: tuple[RaterReport, ...]
    agreement: Agreement
    aspect: str = "overall"
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """By name, whom a registered rule leaves out of the ranking, and by which; nobody else ever is."""
    rules: tuple[str, ...] = ()
    """What is said of rules of exclusion that were registered."""

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[RaterReport]:
        return iter(self.table)

    @overload
    def __getitem__(self, place: int) -> RaterReport: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[RaterReport, ...]: ...

    def __getitem__(self, place: int | slice) -> RaterReport | tuple[RaterReport, ...]:
        return self.table[place]

    @property
    def flags(self) -> dict[str, tuple[str, ...]]:
        """By name, what is odd about whom."""
        return {report.rater: report.flags for report in self.table if report.flags}

    @property
    def words(self) -> tuple[str, ...]:
        """The same in plain sentences."""
        return tuple(_words(self))

    def __str__(self) -> str:
        return "\n".join(self.words)

    def to_pandas(self) -> Any:
        """One row a rater: all that `RaterReport` has, flags and why somebody is left out. ImportError without pandas."""
        import pandas as pd  # type: ignore[import-untyped]

        names = RaterReport.keys()
        rows = [
            {name: report[name] for name in names}
            | {"flagged": "; ".join(report.flags), "left_out": self.left_out.get(report.rater, "")}
            for report in self.table
        ]
        return pd.DataFrame(rows, columns=[*names, "flagged", "left_out"])


RULES: Mapping[str, tuple[str, Callable[[RaterReport], float]]] = {
    "votes": ("fewer than {:g} votes", lambda report: report.votes),
    "gold": (
        "fewer than {:.3g} % of the gold pairs right",
        lambda report: report.gold_right / report.gold if report.gold else math.nan,
    ),
    "consistency": (
        "fewer than {:.3g} % of repeated pairs answered alike",
        lambda report: report.same / report.repeats if report.repeats else math.nan,
    ),
    "seconds": ("a median of less than {:g} s a vote", lambda report: report.seconds),
    "side_bias": ("a share of left rarer than p = {:g}", lambda report: report.p_value),
    "likelihood": ("votes rarer than p = {:g} under everybody else's fit", lambda report: report.unlikely),
}
"""What raters can be left out for: each says in words what, and what of a report is below the number of the rule. NaN is below nothing."""


def broken_rules(report: RaterReport, rules: Mapping[str, float]) -> str:
    """Which of these rules leave this rater out, in words; "" where none does."""
    return " and ".join(rule_in_words(name, least) for name, least in rules.items() if RULES[name][1](report) < least)


def rule_in_words(name: str, least: float) -> str:
    """What somebody has who is left out by this rule."""
    words = RULES[name][0]
    return words.format(100 * least if "%" in words else least)


def _words(raters: Raters) -> Iterator[str]:
    if not raters.table:
        yield f"No votes on “{one_line(raters.aspect, 60)}” yet, so there is nobody to look at."
        return
    votes = sum(report.votes for report in raters.table)
    many = "1 rater" if len(raters) == 1 else f"{len(raters)} raters"
    yield f"{many}, {votes:,} {'vote' if votes == 1 else 'votes'} on “{one_line(raters.aspect, 60)}”."
    yield agreement_words(raters.agreement, len(raters))
    flagged = [report for report in raters.table if report.flags]
    for report in flagged:
        yield f"Flagged: {named(report)} {'; '.join(report.flags)}."
    if not flagged:
        yield "Nobody is flagged."
    if len(raters) > 1 and all(math.isnan(report.likelihood) for report in raters.table):
        yield "How likely anybody's votes are by everybody else's is not known: that takes 20 votes of the others."
    yield from raters.rules
    for name, why in raters.left_out.items():
        yield f"Left out of the ranking by the registered rule: {_shown(name)} ({why})."
    if flagged and not raters.left_out:
        yield "A flag leaves nobody out: only a rule registered before the votes does (grid.register(exclusion=…))."


def agreement_words(agreement: Agreement, raters: int) -> str:
    """How far raters agree, in a sentence."""
    if raters == 1:
        return "One rater only: nothing is known of agreement."
    if agreement.equal is None:
        return "They judged no pair in common: how far they agree is not known."
    pairs = "1 pair" if agreement.pairs == 1 else f"{agreement.pairs:,} pairs"
    said = f"Two who saw the same pair answered alike {100 * agreement.equal:.0f} % of the time, over {pairs}"
    if agreement.alpha is None:
        return f"{said}."
    said += f"; Krippendorff's alpha {agreement.alpha:.2f}{interval(agreement.low, agreement.high)}"
    if agreement.ordinal is not None:
        said += f", ordinal {agreement.ordinal:.2f}{interval(agreement.ordinal_low, agreement.ordinal_high)}"
    return f"{said}; 1 is perfect, 0 is chance."


def named(report: RaterReport) -> str:
    """The name of a rater inside a sentence."""
    return _shown(report.rater)


def _shown(name: str) -> str:
    return one_line(name, 40) or "a rater without a name"


def interval(low: float, high: float) -> str:
    """A 95 % interval behind its figure; nothing where it is not known."""
    return "" if math.isnan(low) else f" ({low:.2f} to {high:.2f})"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
