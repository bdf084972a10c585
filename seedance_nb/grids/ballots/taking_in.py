"""Answers on their way from a ballot file into the ledger: what was asked of this rater is taken in once, all else is named and left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

from ...errors import InvalidRequest, one_line
from ...tracking.ledger.contract import Store
from ...tracking.ledger.vote import DAMAGED, Kind, Vote
from .ballot_file import BallotFile, read_ballot, read_unsigned
from .signed_schedule import Schedule, signed_schedule

MALFORMED = "malformed"
OUTSIDE = "outside the page's schedule"
DOUBLED = "doubled"
CHANGED = "different from what came back before"
JUDGED_BEFORE = "by a rater who has judged that pair before"
SECOND_NAME = "by a second name on the page of another rater"
_MOST_NUMBERS = 6


class Added(int):
    """How many votes were new, those that never count left out. `left_out` has the places in the file of the answers that were left out, by reason."""

    left_out: Mapping[str, tuple[int, ...]]
    words: str
    """What was left out, in a line; empty where nothing was."""

    def __new__(cls, new: int, name: str = "", left_out: Mapping[str, Sequence[int]] | None = None) -> Self:
        made = super().__new__(cls, new)
        made.left_out = {reason: tuple(numbers) for reason, numbers in (left_out or {}).items() if numbers}
        made.words = _in_words(name, made.left_out)
        return made


def take_in(path: Path, ledger: Store, keys: Collection[str], *, unsigned: bool = False) -> Added:
    """Add the answers of a file to the votes on these jobs. Raises InvalidRequest where none of them can be believed."""
    if unsigned:
        votes = read_unsigned(path)
        if votes and not any({vote.left, vote.right} & set(keys) for vote in votes):
            raise _of_other_clips(path.name)
        return Added(ledger.votes.add(votes))
    file = read_ballot(path)
    schedule = signed_schedule(file.schedule, file.signature, ledger.studies.signing_secret())
    if schedule is None:
        raise InvalidRequest(
            f"{file.name} does not have the schedule that was signed for its page: it was edited, or its page was written with another"
            ' ledger (SEEDANCE_HOME); nothing was added; ask the rater for the .json that "Save my votes" downloads'
        )
    if ledger.studies.is_withdrawn(schedule.ballot):
        raise InvalidRequest(f"{file.name} is of a rater who has withdrawn; nothing was added, and its page is closed")
    issued = ledger.studies.issued(schedule.ballot)
    if issued is None:
        raise InvalidRequest(
            f"{file.name} is of a page that this ledger no longer knows; nothing was added: use the ledger it was written with"
        )
    if not {key.removesuffix(DAMAGED) for key in issued.clips.values()} & set(keys):
        raise _of_other_clips(file.name)
    before = ledger.votes.of_ballot(schedule.ballot)
    first = next(iter(issued.clips.values())).removesuffix(DAMAGED)
    others = {vote.rater for vote in before} - {file.rater}
    if others:
        count = len(file.answers) + len(file.malformed)
        ledger.studies.note_left_out(schedule.ballot, first, {SECOND_NAME: count})
        raise InvalidRequest(
            f"{file.name} is by {one_line(file.rater, 40)!r}, but its page is that of {one_line(min(others), 40)!r}, and a page is one"
            f" rater's: its {count} answers were left out; write another page for another rater"
        )
    mine = [
        vote
        for vote in ledger.votes.among(issued.clips.values())
        if vote.rater == file.rater and vote.ballot != schedule.ballot
    ]
    votes, left_out = votes_of(file, schedule, issued.clips, before, mine)
    ledger.votes.add(votes)
    known = {vote.id for vote in before}
    new = [v for v in ledger.votes.of_ballot(schedule.ballot) if v.id not in known and v.kind is Kind.VOTE]
    added = Added(len(new), file.name, left_out)
    if added.left_out:
        counts = {reason: len(numbers) for reason, numbers in added.left_out.items()}
        ledger.studies.note_left_out(schedule.ballot, first, counts)
    return added


def votes_of(
    file: BallotFile,
    schedule: Schedule,
    clips: Mapping[str, str],
    before: Iterable[Vote],
    elsewhere: Iterable[Vote],
) -> tuple[list[Vote], dict[str, list[int]]]:
    """(the votes in a file, the places of the answers that are none, by reason). Pure.

    `before` are those that came back from this page already, `elsewhere` the rater's other ones on these clips. Each question of the schedule
    has one answer, the first; and on equal sides a rater judges a pair once. A pair that the rater judged on other sides is a repetition.
    """
    left_out: dict[str, list[int]] = {MALFORMED: [*file.malformed]}
    known = {vote.id: vote for vote in before}
    on_sides = {(vote.aspect, vote.left, vote.right) for vote in elsewhere}
    swapped = {(vote.aspect, vote.right, vote.left): vote.id for vote in elsewhere if vote.repeats is None}
    seen: set[str] = set()
    votes = []
    for answer in file.answers:
        if not 0 <= answer.pair < len(schedule.pairs) or answer.aspect not in schedule.aspects:
            left_out.setdefault(OUTSIDE, []).append(answer.number)
            continue
        pair, vote_id = schedule.pairs[answer.pair], schedule.vote_id(answer.pair, answer.aspect)
        left, right = clips[pair.left], clips[pair.right]
        is_gold = left.endswith(DAMAGED) or right.endswith(DAMAGED)
        kind = Kind.GOLD if is_gold else pair.kind
        there = (answer.aspect, left, right)
        if vote_id in seen:
            left_out.setdefault(DOUBLED, []).append(answer.number)
        elif vote_id in known and known[vote_id].choice is not answer.choice:
            left_out.setdefault(CHANGED, []).append(answer.number)
        elif kind is Kind.VOTE and there in on_sides:
            left_out.setdefault(JUDGED_BEFORE, []).append(answer.number)
        else:
            repeats = swapped.get(there) if kind is Kind.VOTE else None
            if pair.repeats is not None:
                repeats = schedule.vote_id(pair.repeats, answer.aspect)
            votes.append(
                Vote(
                    id=vote_id,
                    rater=file.rater,
                    aspect=answer.aspect,
                    left=left,
                    right=right,
                    choice=answer.choice,
                    at=answer.at,
                    repeats=repeats,
                    source=file.name,
                    seconds=answer.seconds,
                    plays=answer.plays,
                    kind=kind,
                    ballot=schedule.ballot,
                )
            )
        seen.add(vote_id)
    return votes, left_out


def _in_words(name: str, left_out: Mapping[str, Sequence[int]]) -> str:
    if not left_out:
        return ""
    parts = []
    for reason, numbers in left_out.items():
        shown = ", ".join(map(str, numbers[:_MOST_NUMBERS])) + (", …" if len(numbers) > _MOST_NUMBERS else "")
        parts.append(f"{len(numbers):,} {reason} (number {shown})")
    count = sum(map(len, left_out.values()))
    return f"{name}: {count:,} {'answer was' if count == 1 else 'answers were'} left out: {'; '.join(parts)}"


def _of_other_clips(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"the votes in {one_line(name, 80)} are about other clips than those of this grid; nothing was added"
    )
