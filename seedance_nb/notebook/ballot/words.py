"""What a ballot says besides its questions: how many votes there are and how many a ranking needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...grids.votes.votes import missing_votes
from ...tracking.background import log
from ...tracking.ledger.vote import Vote


def progress(votes: Sequence[Vote], rater: str, group_of: Mapping[str, str], aspect: str) -> str:
    """A line on the votes of this rater and on what is wanted of everybody: "12 votes of yours · at least 8 more before a ranking"."""
    count = sum(vote.rater == rater for vote in votes)
    own = "" if not count else f"{many(count, 'vote')} of yours"
    return " · ".join(part for part in (own, _outlook(votes, group_of, aspect)) if part)


def last_words(rater: str, votes: int, pairs: int, *, is_all: bool) -> list[str]:
    """What stands on the last page."""
    thanks = f"Thank you, {rater}." + (" You have judged every pair there is." if is_all else "")
    verb = "is" if votes == 1 else "are"
    kept = f"{many(votes, 'vote')} on {many(pairs, 'pair')} from this ballot {verb} in the ledger."
    return [thanks, f"{kept} What all votes say together:"]


def withdrawn_words(answers: int) -> list[str]:
    """What stands on the last page of somebody who has withdrawn."""
    return [
        f"{many(answers, 'answer')} {'is' if answers == 1 else 'are'} deleted: nothing of yours is kept, counted or exported."
    ]


def many(count: int, what: str) -> str:
    """The number with its noun: "1 vote", "3 votes"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _outlook(votes: Sequence[Vote], group_of: Mapping[str, str], aspect: str) -> str:
    try:
        found = missing_votes(votes, group_of, aspect)
    except Exception:  # a forecast is not worth a vote
        log.exception("how many more votes are wanted could not be said")
        return ""
    if found:
        return f"at least {found} more before a ranking" if votes else ""
    # Never who leads, nor that it is enough: who votes until the ballot says so stops where chance has been kind to somebody.
    return "enough for a ranking"
