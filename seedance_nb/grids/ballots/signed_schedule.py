"""What one page asks, in which order, and the signature that says that we have asked it. Pure.

A page is one rater's. It carries its schedule and the signature, and copies both unread into the file of answers; the secret that signs
stays in the ledger, and so does what the clips of a page are. So answers to anything else, or to a schedule that somebody has edited,
can be told from those that were asked for. One page a rater, and not one page with a code for each: a code can be read by whoever
holds the page, and then one person votes with all of them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...tracking.ledger.vote import Kind
from .ballot_pairs import ScheduledPair

_SIGNATURE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """The pairs of one page. Their clips go by the names they have in the page, and a gold pair looks like any other."""

    ballot: str
    """The id of the page."""
    aspects: tuple[str, ...]
    pairs: tuple[ScheduledPair, ...]

    def vote_id(self, pair: int, aspect: str) -> str:
        """The id of the one vote that may answer this: whatever a file says, there is no second one."""
        return f"{self.ballot}-{pair}-{self.aspects.index(aspect)}"

    def text(self) -> str:
        """The words that are signed."""
        pairs = [[pair.left, pair.right, pair.kind.value, pair.repeats] for pair in self.pairs]
        return json.dumps({"ballot": self.ballot, "aspects": self.aspects, "pairs": pairs}, separators=(",", ":"))


def sign(text: str, secret: bytes) -> str:
    """The signature of these words: HMAC-SHA256."""
    return hmac.new(secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def signed_schedule(text: str, signature: str, secret: bytes) -> Schedule | None:
    """The schedule, if these very words were signed with the secret."""
    if not _SIGNATURE.fullmatch(signature) or not hmac.compare_digest(sign(text, secret), signature):
        return None
    found = json.loads(text)  # our own words: nobody else can sign
    pairs = tuple(_pair(*listed) for listed in found["pairs"])
    return Schedule(found["ballot"], tuple(found["aspects"]), pairs)


def _pair(left: str, right: str, kind: str, repeats: int | None) -> ScheduledPair:
    return ScheduledPair(left, right, repeats, Kind(kind))


def named(pairs: Sequence[ScheduledPair], names: dict[str, str]) -> tuple[ScheduledPair, ...]:
    """The same pairs by the names that their clips have in a page, where gold pairs are not marked."""
    return tuple(
        ScheduledPair(
            names[pair.left],
            names[pair.right],
            pair.repeats,
            Kind.TRAINING if pair.kind is Kind.TRAINING else Kind.VOTE,
        )
        for pair in pairs
    )
