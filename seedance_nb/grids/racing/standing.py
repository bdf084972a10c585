"""Where a race stands at one moment: what is decided, bought, made, voted, and whether that ends it. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from .rounds import Round, Rules


@dataclasses.dataclass(frozen=True)
class Standing:
    """`labels` are all who began; `racing` who is left, each with `takes` clips in this round (None: there is no round after the last one).

    Of the `clips` of this round, `to_buy` were not sent yet, `running` will come, `lost` will not, and `made` is how many there are of each.
    """

    rules: Rules
    labels: tuple[str, ...]
    rounds: tuple[Round, ...]
    takes: int | None
    racing: tuple[str, ...]
    max_credits: float
    spent: float
    clips: int
    to_buy: int
    running: int
    lost: int
    made: Mapping[str, int]
    most: float | None
    """Credits that what is to buy costs at most; None where nobody knows."""
    expected: str | None
    """What it is expected to cost, in words."""
    price: float | None
    """Credits that one of those clips is expected to cost."""
    votes: int
    """On all clips of this race."""
    votes_missing: int
    raters: int
    trouble: str | None
    """Why a clip could not be measured."""
    is_unmeasured: bool = False
    """Whether the measure was asked, and there are too few numbers to decide this round by."""
    begun_with: str = ""
    measured_by: str = ""
    """The measure that stands in for votes, with its version: when this race began, and now."""

    @property
    def number(self) -> int:
        """The round that is being played, from 1."""
        return len(self.rounds) + 1

    @property
    def money_left(self) -> float:
        """Credits that may still be spent."""
        return max(0.0, self.max_credits - self.spent)

    @property
    def lacks_money(self) -> bool:
        """Whether what is to buy may cost more than is left."""
        return bool(self.to_buy) and self.most is not None and self.most > self.money_left

    @property
    def lacks_raters(self) -> bool:
        """Whether votes of a second rater are missing: of one alone nobody knows how far others would stray."""
        return self.rules.measure is None and self.rules.of != "raters" and self.raters < 2

    @property
    def end(self) -> str | None:
        """See `Race.end`."""
        if self.rounds and self.rounds[-1].end is not None:
            return self.rounds[-1].end
        if self.takes is None or (self.rounds and self.lacks_money):
            return "undecided"
        return None

    @property
    def is_complete(self) -> bool:
        """Whether all is there that this round is decided by."""
        if self.end is not None or self.to_buy or self.running or not any(self.made.values()):
            return False
        if sum(map(bool, self.made.values())) == 1:
            return True
        return not self.votes_missing and not self.lacks_raters
