"""What blind votes say, as plain data: who is preferred, how surely, how the raters did, and what is luck. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

from ...showing import Shown
from .raters import Agreement, Raters
from .rows import Row, chance

Question = Literal["levels", "raters", "clips"]
"""What is asked of votes: how strong levels are, the same for these raters alone, or how these very clips stand."""
QUESTIONS: tuple[Question, ...] = get_args(Question)
Scale = Literal["log-odds", "jod"]
"""What strengths are given in: log-odds, or just-objectionable differences, of which 1 is a clip that is preferred 75 times in 100."""
SCALES: dict[Scale, float] = {"log-odds": 1.0, "jod": math.log(3)}
"""Log-odds that make one unit of a scale."""
MOST_MORE = 5000
"""Nobody casts more votes than that to tell two clips apart."""
PRACTICAL_TIE = (0.45, 0.55)
"""Two items tie for practical purposes where the chance that one is preferred surely lies in here."""


@dataclasses.dataclass(frozen=True, slots=True)
class RankedItem(Row):
    """One of the things compared. Counts are of votes between different items; a vote and its repeat count once, half each."""

    label: str
    strength: float
    """Log-odds (or JOD, see `Ranking.scale`) to be preferred to an average one of those it is ranked with, where the rater has a
    preference; they add up to 0.
    """
    low: float
    high: float
    """95 % interval of the strength."""
    votes: float
    wins: float
    losses: float
    ties: float
    """Ties, those called "both bad" included."""
    both_bad: float
    unit: float = 1.0
    """Log-odds that are one unit of `strength`, `low` and `high`."""

    @property
    def preferred(self) -> float:
        """The chance, 0 to 1, to be preferred to an average one of these, where the rater has a preference."""
        return chance(self.strength * self.unit)

    @property
    def preferred_interval(self) -> tuple[float, float]:
        """95 % interval of that chance."""
        return chance(self.low * self.unit), chance(self.high * self.unit)

    @property
    def both_bad_share(self) -> float:
        """Of the votes it was in, the share that called both clips bad; 0 where there are none."""
        return self.both_bad / self.votes if self.votes else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison(Row):
    """Two items, the stronger one first: how often `a` is preferred to `b`, where a rater has a preference.

    `probability` (0 to 1) has the 95 % interval `low` to `high`; `size` is the same in log-odds (or JOD), 0 where neither is stronger.
    """

    a: str
    b: str
    probability: float
    low: float
    high: float
    told: bool
    """Whether the votes distinguish the two; in at most 5 of 100 studies any pair is distinguished wrongly (family-wise)."""
    size: float
    random_clip: float
    """The chance that a random clip of `a` is preferred to a random clip of `b` by a random rater; NaN where clips are ranked."""
    random_low: float = math.nan
    random_high: float = math.nan
    """95 % interval of that."""

    @property
    def is_practical_tie(self) -> bool:
        """Whether the votes show that the difference, if there is one, does not matter."""
        return self.low >= PRACTICAL_TIE[0] and self.high <= PRACTICAL_TIE[1]


@dataclasses.dataclass(frozen=True, slots=True)
class Luck:
    """The spread between items against the spread between clips of one item, both as standard deviations in log-odds."""

    verdict: str
    """"told" (the items differ by more than their clips), "not told", "no takes" (one clip an item: nothing to compare with), "too few
    votes" or "too many clips"."""
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
    shares: Mapping[str, tuple[float, float, float]] = dataclasses.field(default_factory=dict)
    """Of what makes one vote differ from another (in log-odds, without the noise of a single vote), the share of "items", "takes",
    "products" (what an item does in one block and not in another) and "raters" (tastes): median and 95 % interval, 0 to 1."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking(Shown):
    """The answer to `grid.ranking()`: `str()` gives its plain words, `to_pandas()` a table.

    `table` has the strongest first if `is_enough`; else no order is claimed: its rows stand in the order of their labels, their
    strengths are NaN, and `missing` says how many votes are wanted. Items that are equally strong stand in the order of their
    labels too: the order in which somebody named them shows nowhere.
    """

    aspect: str
    by: str
    """What the items are, in the singular: "prompt", "model", "clip"."""
    of: Question
    """What is ranked: "levels" (clips and raters are draws), "raters" (clips are draws, raters are these) or "clips" (these clips
    and these raters)."""
    table: tuple[RankedItem, ...]
    pairs: tuple[Comparison, ...]
    """The strongest against every other, and each against the next; all pairs of up to 12 items. Of items ranked together only."""
    is_enough: bool
    missing: int
    """Votes that are wanted at least before an order is claimed, 0 if there are enough."""
    more_to_tell: int | None
    """Votes more after which the first would be distinguished from the second with power 0.8, if the difference is as it looks now; 0 if
    they are distinguished already, None where no number of votes alone is likely to."""
    told_at_most: float
    """The chance that 5,000 votes more by these raters on these clips would distinguish them; NaN where it is not computed."""
    winner: str | None
    """The item that the votes distinguish from all others as the strongest, if there is one. See `is_settled` before you stop for it."""
    tie: float
    """Davidson's tie parameter: 0 no ties, 1 a tie as likely as each win of equals, so that they tie a third of the time."""
    votes: int
    """Votes on this aspect by these raters, each rater's first on equal sides of a pair."""
    used: int
    """Those of them between different items, repeats left out."""
    within: int
    """Those of them between clips of one item."""
    repeats: int
    both_bad: int
    islands: tuple[tuple[str, ...], ...]
    """Items that at least five votes join across every cut; of different islands nothing is said together."""
    ring: tuple[str, ...]
    """Three items that beat each other in a ring, so that no order fits; empty where there are none."""
    lacks: tuple[str, ...]
    """What a claim about levels lacks: "takes" where no item has a second clip, "raters" where there is one only."""
    raters: Raters
    luck: Luck
    resamples: int
    is_settled: bool = False
    """Whether the winner stands for somebody too who looks again and again and stops at the first one: three standard errors, of which
    at most 1 of 20 studies of equals is ever wrong. Otherwise the winner stands where this number of votes was settled beforehand."""
    more_as_likely_as_not: int | None = None
    """Where `more_to_tell` is None: votes more after which they would be distinguished with a chance of one half; None where 5,000 are too few."""
    registered: int | None = None
    """Votes on this aspect that were registered before the first one; None where no number was."""
    is_early: bool = False
    """Whether the votes are not those that were registered, so that pairs are told only where that holds however often one looks."""
    doubled: int = 0
    """Votes that were left out because the same rater had judged the same pair on the same sides before."""
    of_clips: tuple[str | None, int] | None = None
    """Where levels cannot be distinguished, how these very clips stand: the item whose clips win, and how many pairs are; else None."""
    words: tuple[str, ...] = ()
    """The result in plain sentences."""
    scale: Scale = "log-odds"
    plan: tuple[str, ...] = ()
    """What was registered, in sentences; () where nothing was."""
    deviations: tuple[str, ...] = ()
    """Every way in which this ranking is not what was registered."""
    everybody: Ranking | None = None
    """The same with the votes of those whom a registered rule left out; None where nobody is left out."""

    @property
    def agreement(self) -> Agreement:
        """How far the raters agree."""
        return self.raters.agreement

    def in_scale(self, scale: Scale) -> Ranking:
        """The same with strengths and sizes in another unit; words, chances and luck stay."""
        factor = SCALES[self.scale] / SCALES[scale]
        return dataclasses.replace(
            self,
            scale=scale,
            table=tuple(
                dataclasses.replace(
                    row,
                    strength=row.strength * factor,
                    low=row.low * factor,
                    high=row.high * factor,
                    unit=SCALES[scale],
                )
                for row in self.table
            ),
            pairs=tuple(dataclasses.replace(pair, size=pair.size * factor) for pair in self.pairs),
            everybody=None if self.everybody is None else self.everybody.in_scale(scale),
        )

    @property
    def main(self) -> tuple[RankedItem, ...]:
        """The items of the largest island, strongest first; nobody without an order."""
        with_first = next((part for part in self.islands if self.table[0].label in part), ())
        return tuple(row for row in self.table if self.is_enough and row.label in with_first)

    @property
    def leaders(self) -> tuple[str, ...]:
        """The first and all that stand level with it: 50 of 100 is what their difference comes to. Nobody without an order."""
        if not self.is_enough:
            return ()
        first = self.table[0]
        return tuple(
            row.label for row in self.main if round(100 * chance(first.unit * (first.strength - row.strength))) == 50
        )

    def __str__(self) -> str:
        return "\n".join(self.words)

    def to_pandas(self) -> Any:
        """One row an item: strength, low, high, preferred, votes, wins, losses, ties, both_bad. ImportError without pandas."""
        import pandas as pd  # type: ignore[import-untyped]

        names = ("strength", "low", "high", "preferred", "votes", "wins", "losses", "ties", "both_bad")
        rows = [{self.by: item.label} | {name: getattr(item, name) for name in names} for item in self.table]
        return pd.DataFrame(rows, columns=[self.by, *names])
