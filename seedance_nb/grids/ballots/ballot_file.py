"""The small file that comes back from a rater without Python: strict reading, because anybody may have written it."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InvalidRequest, one_line
from ...tracking.ledger.vote import Choice, Vote, known_plays, known_seconds

FORMAT = "seedance-ballot"
VERSION = 2
UNSIGNED = 1
"""The version of pages that had no signature."""
MOST_BYTES = 5_000_000
MOST_VOTES = 20_000
MOST_NAME = 60
"""Characters of a rater's name."""
MOST_ASPECT = 80
"""Characters of a question."""
MOST_ASPECTS = 12

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CURE = 'ask the rater for the .json that "Save my votes" downloads'


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer in a file, to a question about one of its page's pairs; whether that was asked is for the schedule to say."""

    number: int
    """Its place in the file, from 1."""
    pair: int
    aspect: str
    choice: Choice
    at: float
    seconds: float | None
    plays: int | None


@dataclass(frozen=True, slots=True)
class BallotFile:
    """What stands in a file that a ballot page has saved, as it was read; nothing of it is believed yet."""

    name: str
    rater: str
    schedule: str
    signature: str
    answers: tuple[Answer, ...]
    malformed: tuple[int, ...]
    """The places of those that are no answers."""


def read_ballot(path: str | os.PathLike[str]) -> BallotFile:
    """What a ballot page has saved. Raises InvalidRequest, in one line, for everything that is no such file, or of another version."""
    found, what, rater, listed = _envelope(Path(path))
    if found.get("version") == UNSIGNED:
        raise InvalidRequest(
            f"{what} is from a page written before pages were signed, so its answers could be anybody's; nothing was added: give the"
            " rater a new page, or, if you trust the file, grid.add_votes(…, unsigned=True)"
        )
    schedule, signature = found.get("schedule"), found.get("signature")
    if not isinstance(schedule, str) or not isinstance(signature, str):
        raise InvalidRequest(f"{what} has lost the schedule of its page, or its signature; {_CURE}")
    read = [_answer(entry, number) for number, entry in enumerate(listed, 1)]
    return BallotFile(
        name=what,
        rater=rater,
        schedule=schedule,
        signature=signature,
        answers=tuple(answer for answer in read if answer is not None),
        malformed=tuple(number for number, answer in enumerate(read, 1) if answer is None),
    )


def read_unsigned(path: str | os.PathLike[str]) -> list[Vote]:
    """The votes in a file of a page that was not signed, in the order they were given; `source` is the file's name.

    Whether their jobs are known is for the caller to see. Raises InvalidRequest as `read_ballot`, and for a file that was changed so that a
    vote in it cannot be one.
    """
    found, what, rater, listed = _envelope(Path(path))
    if found.get("version") != UNSIGNED:
        raise InvalidRequest(f"{what} is from a signed page; add it without unsigned=True")
    votes = [_vote(entry, rater, what, number) for number, entry in enumerate(listed, 1)]
    if len({vote.id for vote in votes}) < len(votes):
        raise InvalidRequest(f"{what} holds two votes with one id, so it was changed by hand; {_CURE}")
    return votes


def _envelope(file: Path) -> tuple[Mapping[str, Any], str, str, list[object]]:
    """(all that stands in the file, its name, the rater, the entries)."""
    what = one_line(file.name, 80)
    found = _load(file, what)
    if found.get("format") != FORMAT:
        raise InvalidRequest(f"{what} holds no votes; {_CURE}")
    version = found.get("version")
    if isinstance(version, bool) or version not in (UNSIGNED, VERSION):
        raise InvalidRequest(
            f"{what} was saved by another version ({one_line(version, 20)}) of the ballot; update seedance_nb"
        )
    rater, listed = found.get("rater"), found.get("votes")
    if not isinstance(rater, str) or not (rater := clean_rater(rater)):
        raise InvalidRequest(f'{what} has no name of a rater; write one into it as "rater", or {_CURE}')
    if not isinstance(listed, list) or len(listed) > MOST_VOTES:
        raise InvalidRequest(f"{what} has no list of at most {MOST_VOTES:,} votes; {_CURE}")
    return found, what, rater, listed


def clean_rater(name: str) -> str:
    """A rater's name as it is kept: one printable line of at most 60 characters; empty where nothing is left."""
    return one_line(name, MOST_NAME)


def pseudonym(taken: Collection[str]) -> str:
    """A name for a rater that says nothing of who they are and is not taken: "rater-7f3a"."""
    for length in itertools.count(4):
        for _ in range(64):
            name = f"rater-{secrets.token_hex(length // 2)}"
            if name not in taken:
                return name
    raise AssertionError("unreachable")


def what_is_stored(rater: str) -> str:
    """What a rater is told of that, in a line."""
    return (
        f"What is stored: the name {rater}, your answers and when you gave them, the seconds each took and how often you played the"
        " clips; nothing else. You can withdraw all of it at the end, or later by this name."
    )


def check_gold(gold: object) -> float:
    """The share of gold pairs, if it can be one. Raises InvalidRequest."""
    if isinstance(gold, bool) or not isinstance(gold, int | float) or not 0 <= gold <= 1:
        raise InvalidRequest(
            f"gold is the share of pairs that check whether a rater looks, from 0 to 1, not {one_line(gold, 40)!r}"
        )
    return float(gold)


def check_aspects(aspects: str | Sequence[str]) -> tuple[str, ...]:
    """The questions, cleaned, each once; raises InvalidRequest."""
    listed = [aspects] if isinstance(aspects, str) else list(aspects)
    chosen = tuple(dict.fromkeys(_clean_aspect(aspect) for aspect in listed))
    if not 1 <= len(chosen) <= MOST_ASPECTS:
        raise InvalidRequest(f"a ballot asks from 1 to {MOST_ASPECTS} aspects, not {len(chosen)}")
    return chosen


def _clean_aspect(aspect: object) -> str:
    text = one_line(aspect, MOST_ASPECT) if isinstance(aspect, str) else ""
    if not text:
        raise InvalidRequest(f'an aspect is a short text like "motion", not {one_line(aspect, 40)!r}')
    return text


def _load(file: Path, what: str) -> Mapping[str, Any]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidRequest(f"{what} cannot be read ({error.strerror or error}); check the path") from None
    if raw.lstrip()[:1] == b"<":
        raise InvalidRequest(f"{what} is the page to vote on, not the votes; {_CURE}")
    if len(raw) > MOST_BYTES:
        raise InvalidRequest(f"{what} is larger than {MOST_BYTES:,} bytes, which no ballot is; {_CURE}")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise InvalidRequest(f"{what} is no JSON, or only a part of it; {_CURE}") from None
    if not isinstance(found, dict):
        raise InvalidRequest(f"{what} holds no votes; {_CURE}")
    return found


def _answer(entry: object, number: int) -> Answer | None:
    values: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    pair, aspect, choice = values.get("pair"), values.get("aspect"), values.get("choice")
    if isinstance(pair, bool) or not isinstance(pair, int) or not isinstance(aspect, str) or choice not in list(Choice):
        return None
    seconds, plays = known_seconds(values.get("seconds")), known_plays(values.get("plays"))
    return Answer(number, pair, aspect, Choice(choice), _moment(values.get("at")), seconds, plays)


def _vote(entry: object, rater: str, source: str, number: int) -> Vote:
    values: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    left, right, repeats = values.get("left"), values.get("right"), values.get("repeats")
    names = [values.get("id"), left, right, *([] if repeats is None else [repeats])]
    aspect = values.get("aspect")
    kept = one_line(aspect, MOST_ASPECT) if isinstance(aspect, str) else ""
    sound = all(isinstance(name, str) and _NAME.fullmatch(name) for name in names)
    if not sound or left == right or not kept or values.get("choice") not in list(Choice):
        raise InvalidRequest(f"vote {number} in {source} is none, so the file was changed by hand; {_CURE}")
    return Vote(
        id=values["id"],
        rater=rater,
        aspect=kept,
        left=values["left"],
        right=values["right"],
        choice=Choice(values["choice"]),
        at=_moment(values.get("at")),
        repeats=repeats,
        source=source,
    )


def _moment(value: object) -> float:
    """Epoch seconds between 1970 and now; a clock that was wrong is no reason to lose a vote."""
    now = time.time()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return now
    try:
        seconds = float(value)
    except OverflowError:
        return now
    return min(max(seconds, 0.0), now) if math.isfinite(seconds) else now
