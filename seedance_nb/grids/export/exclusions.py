"""What raters said and no ranking counts, in sentences for a paper."""

from __future__ import annotations

from ...tracking.ledger.vote import Kind
from ...tracking.session import Session
from ..judging import controls_on, every_vote_on, left_out_of, votes_on
from ..picture import GridPicture


def exclusions(picture: GridPicture, session: Session) -> list[str]:
    """The sentences for this grid as it is now; none where everything counted."""
    controls = controls_on(picture, session)
    gold = [vote for vote in controls if vote.kind is Kind.GOLD]
    practised = len(controls) - len(gold)
    doubled = len(every_vote_on(picture, session)) - len(votes_on(picture, session))
    parts = []
    if practised:
        parts.append(f"{_count(practised, 'answer')} to first pairs, which were to practise")
    if gold:
        right = sum(vote.is_right is True for vote in gold)
        parts.append(
            f"{_count(len(gold), 'answer')} to pairs of a clip and its damaged copy ({right} of them for the clip)"
        )
    if doubled:
        parts.append(f"{_count(doubled, 'vote')} of a rater who had judged the same pair on the same sides")
    parts += [f"{_count(number, 'answer')} {reason}" for reason, number in left_out_of(picture, session).items()]
    return [f"Not counted: {'; '.join(parts)}."] if parts else []


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
