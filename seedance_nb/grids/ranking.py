"""What blind votes say, as plain data: who is preferred, how surely, how the raters did, and what is luck. Pure."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any

PRACTICAL_TIE = (0.45, 0.55)
"""Two items tie for practical purposes where the chance that one is preferred surely lies in here."""


@dataclasses.dataclass(frozen=True, slots=True)
class RankedItem:
    """One of the things compared. Counts are of votes between different items; a vote and its repeat count once, half each."""

    label: str
    strength: float
    """Log-odds to be preferred to an average one of these, where the rater has a preference; the strengths add up to 0."""
    low: float
    high: float
    """95 % interval of the strength."""
    votes: float
    wins: float
    losses: float
    ties: float
    """Ties, those called "both bad" included."""
    both_bad: float

    @property
    def preferred(self) -> float:
        """The chance, 0 to 1, to be preferred to an average one of these, where the rater has a preference."""
        return chance(self.strength)

    @property
    def both_bad_share(self) -> float:
        """Of the votes it was in, the share that called both clips bad; 0 where there are none."""
        return self.both_bad / self.votes if self.votes else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """How much stronger `better` looks than `worse`, in log-odds, with its 95 % interval. Where `size` is 0 neither is better."""

    better: str
    worse: str
    size: float
    low: float
    high: float

    @property
    def is_told(self) -> bool:
        """Whether the votes tell the two apart."""
        return self.low > 0 or self.high < 0

    @property
    def is_practical_tie(self) -> bool:
        """Whether the votes show that the difference, if there is one, does not matter."""
        return chance(self.low) >= PRACTICAL_TIE[0] and chance(self.high) <= PRACTICAL_TIE[1]


@dataclasses.dataclass(frozen=True, slots=True)
class RaterReport:
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

    @property
    def left_share(self) -> float:
        """The share of left among the decided votes, 0.5 where there are none."""
        return self.left / self.decided if self.decided else 0.5

    @property
    def has_side_bias(self) -> bool:
        """Whether the sides, and not only the clips, seem to have chosen; 1 fair rater in 100 is flagged by chance."""
        return self.p_value < 0.01


@dataclasses.dataclass(frozen=True, slots=True)
class Agreement:
    """How far different raters answered the same on the same pair of clips; the first answer of each counts."""

    pairs: int
    """Pairs of clips that two raters or more judged."""
    comparisons: int
    """Pairs of answers compared."""
    equal: float | None
    """The share of them that are the same, 0 to 1; None without any."""
    alpha: float | None
    """Krippendorff's alpha: 1 is perfect, 0 is what chance gives; None where it cannot be computed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Luck:
    """The spread between items against the spread between clips of one item, both as standard deviations in log-odds."""

    verdict: str
    """"told", "not told", "no takes" (one clip an item: nothing to compare with) or "too few votes"."""
    between: float = math.nan
    within: float = math.nan
    ratio: float = math.nan
    """Median of between / within."""
    ratio_low: float = math.nan
    ratio_high: float = math.nan
    """95 % interval of the ratio."""
    p_value: float = math.nan
    """How likely the items would look as different as they do, were they all the same and only their clips differed."""
    clips: int = 0
    clips_per_item: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking:
    """The answer to `grid.ranking()`: `str()` gives its plain words, `to_pandas()` a table.

    `items` stand strongest first if `is_enough`; else no order is claimed: they stand in the order of their labels, their
    strengths are NaN, and `missing` says how many votes are wanted. Items that are equally strong stand in the order of their
    labels too: the order in which somebody named them shows nowhere.
    """

    aspect: str
    by: str
    """What the items are, in the singular: "prompt", "model", "clip"."""
    items: tuple[RankedItem, ...]
    differences: tuple[Difference, ...]
    """The strongest against every other, and each against the next; all pairs of up to 12 items."""
    is_enough: bool
    missing: int
    """Votes that are wanted at least before an order is claimed, 0 if there are enough."""
    more_to_tell: int | None
    """Votes after which the first would be told from the second four times in five, if things are as they look now; 0 if
    they are told apart, None where nobody can say."""
    winner: str | None
    """The item that the votes tell from all others, if there is one."""
    tie: float
    """Davidson's tie parameter: 0 no ties, 1 a tie as likely as each win of equals, so that they tie a third of the time."""
    votes: int
    """Votes on this aspect by these raters."""
    used: int
    """Those of them between different items, repeats left out."""
    within: int
    """Those of them between clips of one item."""
    repeats: int
    both_bad: int
    islands: tuple[tuple[str, ...], ...]
    """Items that votes connect, directly or through others; more than one island cannot be compared."""
    raters: tuple[RaterReport, ...]
    agreement: Agreement
    luck: Luck
    resamples: int
    words: tuple[str, ...] = ()
    """The result in plain sentences."""

    @property
    def leaders(self) -> tuple[str, ...]:
        """The first and all that stand level with it: 50 of 100 is what their difference comes to. Nobody without an order."""
        if not self.is_enough:
            return ()
        first = self.items[0].strength
        return tuple(item.label for item in self.items if round(100 * chance(first - item.strength)) == 50)

    def __str__(self) -> str:
        return "\n".join(self.words)

    def to_pandas(self) -> Any:
        """One row an item: strength, low, high, preferred, votes, wins, losses, ties, both_bad. ImportError without pandas."""
        import pandas as pd  # type: ignore[import-untyped]

        names = ("strength", "low", "high", "preferred", "votes", "wins", "losses", "ties", "both_bad")
        rows = [{self.by: item.label} | {name: getattr(item, name) for name in names} for item in self.items]
        return pd.DataFrame(rows, columns=[self.by, *names])


def chance(log_odds: float) -> float:
    """Log-odds as a chance between 0 and 1; NaN stays NaN."""
    if log_odds < 0:
        grown = math.exp(max(log_odds, -700.0))
        return grown / (1 + grown)
    return 1 / (1 + math.exp(-min(log_odds, 700.0)))


def by_name(label: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts labels as people do, numbers by their size: "take 2" before "take 10"."""
    parts = re.findall(r"[0-9]+|[^0-9]+", label.casefold())
    return [(0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part) for part in parts], label


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
