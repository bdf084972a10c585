"""One blind comparison of two clips by one person, as the ledger keeps it. Pure."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

DAMAGED = "-damaged"
"""What follows the key of a job where its clip's damaged copy is meant."""
MOST_SECONDS = 86_400.0
MOST_PLAYS = 10_000


class Choice(enum.StrEnum):
    """What a rater said of two clips shown side by side."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both bad"


class Kind(enum.StrEnum):
    """What a pair was shown for. Only the first kind ever counts in a ranking."""

    VOTE = "vote"
    TRAINING = "training"
    """The first pair of a rater, to practise on."""
    GOLD = "gold"
    """A clip against its own damaged copy: who cannot tell them did not look."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One answer to one question. `left` and `right` are keys of jobs, on the sides where they were shown; `at` is epoch seconds."""

    id: str
    """Unique, made where the vote was given: adding a ballot twice changes nothing."""
    rater: str
    aspect: str
    """What was asked: "overall", "prompt match", …"""
    left: str
    right: str
    choice: Choice
    at: float
    repeats: str | None = None
    """The id of an earlier vote whose pair this shows again with sides swapped, to measure consistency."""
    source: str = "notebook"
    """Where it was given: "notebook", or the name of the ballot file."""
    seconds: float | None = None
    """From the moment the pair could be played to the answer; None: not known."""
    plays: int | None = None
    """How often both clips had been played to their end before the answer; None: not known."""
    kind: Kind = Kind.VOTE
    ballot: str | None = None
    """The id of the page it was given on; None: in a notebook, or on a page that was not signed."""

    @property
    def is_right(self) -> bool | None:
        """Of a gold pair, whether the clip was preferred to its damaged copy; None for every other pair."""
        if self.kind is not Kind.GOLD:
            return None
        return self.choice is (Choice.RIGHT if self.left.endswith(DAMAGED) else Choice.LEFT)


def damaged(key: str) -> str:
    """What stands in a vote for the damaged copy of this job's clip."""
    return key + DAMAGED


def known_seconds(value: object) -> float | None:
    """The seconds that a page says it took; None where it says nothing that can be."""
    number = _number(value)
    return None if number is None else min(number, MOST_SECONDS)


def known_plays(value: object) -> int | None:
    """The plays that a page has counted; None where it says nothing that can be."""
    number = _number(value)
    return None if number is None or number != int(number) else min(int(number), MOST_PLAYS)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
