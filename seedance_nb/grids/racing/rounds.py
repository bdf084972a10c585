"""A race as data: what defines it, and what its rounds have decided. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...errors import InvalidRequest, one_line
from ...tracking.ledger.vote import Vote
from ..rankings.race import takes_of_rounds
from ..rankings.ranking import QUESTIONS, Question

TIE = 0.8
"""Log-odds: of two that are no further apart, neither is preferred more than 69 times in 100."""


@dataclasses.dataclass(frozen=True)
class Rules:
    """What a race was begun with, and cannot change without being another race. `tie` None: nothing counts as one."""

    by: tuple[str, ...]
    error: float
    tie: float | None
    showings: int
    aspect: str
    of: Question
    measure: str | None

    def check(self) -> Rules:
        """The same, if it can be meant. Raises InvalidRequest."""
        if not _is_number(self.error) or not 0.001 <= self.error <= 0.5:
            raise InvalidRequest(
                f"error is the share of races that may name a wrong winner, from 0.001 to 0.5, not {one_line(self.error, 40)!r}"
            )
        if self.tie is not None and (not _is_number(self.tie) or not self.tie > 0):
            unit = "log-odds" if self.measure is None else "the measure's unit"
            raise InvalidRequest(
                f"tie is how far apart may still be called a tie, in {unit} and above 0 (None: nothing), not {one_line(self.tie, 40)!r}"
            )
        if isinstance(self.showings, bool) or not isinstance(self.showings, int) or not 2 <= self.showings <= 1000:
            raise InvalidRequest(
                f"showings is how often each clip is voted on, a whole number from 2 to 1000, not {one_line(self.showings, 40)!r}"
            )
        if self.of not in QUESTIONS or self.of == "clips":
            raise InvalidRequest(
                f"of must be 'levels' or 'raters', not {one_line(self.of, 40)!r}: a race asks about prompts, of which clips are draws"
            )
        if not isinstance(self.aspect, str) or not self.aspect.strip():
            raise InvalidRequest("aspect must be the one question that is voted on, such as 'overall'")
        return self


@dataclasses.dataclass(frozen=True)
class Round:
    """One round that was decided.

    `racing` had `takes` clips each (of every combination with the other axes); `behind` is how likely each was above the `leader`;
    `dropped` are out, those of them in `without_clips` because none of theirs could be made. `votes` were known then. `end` is "winner", "tie"
    or None: it goes on.
    """

    number: int
    takes: int
    racing: tuple[str, ...]
    leader: str
    behind: Mapping[str, float]
    dropped: tuple[str, ...]
    without_clips: tuple[str, ...]
    votes: int
    end: str | None
    at: float
    """Epoch seconds."""

    @property
    def left(self) -> tuple[str, ...]:
        """Who races on."""
        return tuple(label for label in self.racing if label not in self.dropped)

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Round:
        """From what the ledger keeps of it; what a later version has added is left alone."""
        known = {field.name: found[field.name] for field in dataclasses.fields(cls)}
        lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**(known | lists))

    def written(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return dataclasses.asdict(self)


def takes_in(number: int) -> int | None:
    """How many takes who races has in round `number` (from 1); None after the last."""
    takes = takes_of_rounds()
    return takes[number - 1] if number <= len(takes) else None


def identity_of(
    rules: Rules, hashes: Mapping[str, Sequence[str]], host: str, account: str
) -> tuple[str, dict[str, Any]]:
    """(what this race is known by, all that it is made of): the rules, the requests of each item, and whose they are."""
    design = {
        **dataclasses.asdict(rules),
        "items": {label: sorted(found) for label, found in hashes.items()},
        "host": host,
        "account": account,
    }
    text = json.dumps(design, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32], design


def votes_wanted(label_of: Mapping[str, str], new: Collection[str], votes: Sequence[Vote], showings: int) -> int:
    """How many votes are missing until each of these clips, of the items `label_of` names, was voted on so often; two are in each vote.

    Nobody is asked for what they have said: where those who vote on the `new` clips of this round have seen all that a clip can meet, that is enough of it.
    An answer to a pair that is shown again is no new one.
    """
    shown, seen, here = dict.fromkeys(label_of, 0), set[tuple[str, frozenset[str]]](), set[str]()
    for vote in votes:
        pair = frozenset((vote.left, vote.right))
        seen.add((vote.rater, pair))
        if pair & set(new):
            here.add(vote.rater)
        if vote.repeats is None:
            for key in pair & set(shown):
                shown[key] += 1
    short = 0
    for key, label in label_of.items():
        missing = max(0, showings - shown[key])
        if missing and here:
            others = [other for other, its in label_of.items() if its != label]
            missing = min(
                missing, sum((rater, frozenset((key, other))) not in seen for rater in here for other in others)
            )
        short += missing
    return math.ceil(short / 2)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
