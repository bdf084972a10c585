"""One blind comparison of two clips by one person, as the ledger keeps it. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Choice(enum.StrEnum):
    """What a rater said of two clips shown side by side."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both bad"


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
