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
from pathlib import Path
from typing import Any

from ...errors import InvalidRequest, one_line
from ...tracking.ledger.vote import Choice, Vote

FORMAT = "seedance-ballot"
VERSION = 1
MOST_BYTES = 5_000_000
MOST_VOTES = 20_000
MOST_NAME = 60
"""Characters of a rater's name."""
MOST_ASPECT = 80
"""Characters of a question."""
MOST_ASPECTS = 12

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CURE = 'ask the rater for the .json that "Save my votes" downloads'


def read_ballot(path: str | os.PathLike[str]) -> list[Vote]:
    """The votes in a file that a ballot page has saved, in the order they were given; `source` is the file's name.

    Whether their jobs are known is for the caller to see. Raises InvalidRequest, in one line, for everything that is no such
    file, is of a version unknown here, or was changed so that a vote in it cannot be one.
    """
    file = Path(path)
    what = one_line(file.name, 80)
    found = _load(file, what)
    if found.get("format") != FORMAT:
        raise InvalidRequest(f"{what} holds no votes; {_CURE}")
    if found.get("version") != VERSION or found.get("version") is True:
        raise InvalidRequest(
            f"{what} was saved by another version ({one_line(found.get('version'), 20)}) of the ballot; update seedance_nb"
        )
    rater, listed = found.get("rater"), found.get("votes")
    if not isinstance(rater, str) or not (rater := clean_rater(rater)):
        raise InvalidRequest(f'{what} has no name of a rater; write one into it as "rater", or {_CURE}')
    if not isinstance(listed, list) or len(listed) > MOST_VOTES:
        raise InvalidRequest(f"{what} has no list of at most {MOST_VOTES:,} votes; {_CURE}")
    votes = [_vote(entry, rater, what, number) for number, entry in enumerate(listed, 1)]
    if len({vote.id for vote in votes}) < len(votes):
        raise InvalidRequest(f"{what} holds two votes with one id, so it was changed by hand; {_CURE}")
    return votes


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
