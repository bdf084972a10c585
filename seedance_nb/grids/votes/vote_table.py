"""Votes and clips as anybody may have them in a table: lists of dicts, or DataFrames. Pure."""

from __future__ import annotations

import csv
import datetime as dt
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import InvalidRequest, one_line
from ...tracking.ledger.vote import Choice, Kind, Vote, known_plays, known_seconds
from ..rankings.ranking import Question, Ranking, Scale
from ..values import Rows
from .votes import counted_once
from .votes import rank as rank_votes

CHOICES = {choice.value: choice for choice in Choice} | {"both_bad": Choice.BOTH_BAD}
NEEDED = ("rater", "left", "right", "choice")
TAKE = "take"
JOB = "job"
"""What the table of a grid calls the id of a clip."""
REPEAT = "repeat"
KINDS = (*(kind.value for kind in Kind), REPEAT)


def rank(
    votes: Iterable[Vote] | Rows | Mapping[str, Sequence[Any]] | str | os.PathLike[str],
    clips: Mapping[str, Mapping[str, Any]] | Rows | Mapping[str, Sequence[Any]],
    by: str | Sequence[str] = "prompt",
    *,
    aspect: str = "overall",
    of: Question = "levels",
    raters: Iterable[str] | None = None,
    seed: int = 0,
    scale: Scale = "log-odds",
) -> Ranking:
    """What votes on pairs of clips say, wherever they were gathered: who wins, with intervals, and what was luck. Pure.

    `votes`: rows (dicts, a dict of columns or a DataFrame) of `rater`, `left`, `right` (ids of clips), `choice` ("left", "right", "tie", "both bad") and
    perhaps `aspect`, `seconds`, `id`, `at`, `kind`; or the path of a .csv with them, such as `grid.export("votes.csv")` writes. Of equal rater, aspect, pair
    and sides the first counts; what is of the kind "training" or "gold" never does (of gold one clip is the damaged copy,
    whose id ends in "-damaged"). `clips`: of each id its labels,
    {"a1": {"prompt": …, "model": …, "take": 1}}, or rows with an `id` (or a `job`, as `grid.to_pandas()` has). `by` names the label or labels
    that are ranked.

    `of="levels"` asks how strong a prompt is, clips and raters being draws; "raters" the same for these raters; "clips" how these very
    clips stand. The result has `.table` (label, strength in log-odds, low, high), `.winner` (a label or None), `.pairs` (a, b, probability,
    low, high, told), `.luck`, `.raters` (how each of them did) and `.words`; intervals are of 95 %. `scale="jod"` gives strengths in
    just-objectionable differences (1 JOD: preferred 75 times in 100). Raises InvalidRequest, naming row and cure.
    """
    names = _names(by, "by", "the label or labels of clips that are ranked, such as by='prompt'")
    if not names:
        raise InvalidRequest("by must name the label or labels of clips that are ranked, such as by='prompt'")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidRequest(f"seed must be a whole number from 0 up, not {one_line(seed, 40)!r}")
    labelled = labels_of_clips(clips)
    group_of = groups_by(labelled, names)
    given = votes_of(votes)
    cast, doubled = counted_once(given)
    strangers = sorted({key for vote in cast for key in (vote.left, vote.right)} - set(labelled))
    if strangers:
        raise InvalidRequest(
            f"the votes name the clip {one_line(strangers[0], 40)!r}, which is not in the table of clips ({len(strangers)} such)"
        )
    chosen = (
        None if raters is None else set(_names(raters, "raters", "whose votes count, such as raters=['ann', 'bob']"))
    )
    return rank_votes(
        cast,
        group_of,
        aspect=aspect,
        of=of,
        raters=chosen,
        seed=seed,
        by=names[0] if len(names) == 1 else "combination",
        block_of=blocks_by(labelled, group_of, names),
        scale=scale,
        gold=[vote for vote in given if vote.kind is Kind.GOLD],
        with_likelihoods=True,
        doubled=sum(vote.aspect == aspect and (chosen is None or vote.rater in chosen) for vote in doubled),
    )


def votes_of(rows: Any) -> list[Vote]:
    """Votes from rows with `rater`, `left`, `right`, `choice` ("left", "right", "tie", "both bad"), and perhaps `aspect`, `id`, `at`,
    `repeats`, `seconds`, `plays`, `kind` ("vote", "repeat", "training", "gold").

    Without an `id` a row is known by its place. Raises InvalidRequest, naming the row.
    """
    return [row if isinstance(row, Vote) else _vote(number, row) for number, row in enumerate(_rows(rows, "votes"))]


def labels_of_clips(clips: Any) -> dict[str, dict[str, Any]]:
    """Of each clip by its id, its labels (prompt, model, take, …): from a mapping, or from rows with an `id`, or a frame with ids as index."""
    if _is_columns(clips, ("id", JOB)):
        listed = [(_id_of(row, number), row) for number, row in enumerate(_by_row(clips, "clips"))]
    elif isinstance(clips, Mapping):
        listed = list(clips.items())
    elif _is_frame(clips) and not {"id", JOB} & set(clips.columns):
        listed = list(zip(clips.index, clips.to_dict("records"), strict=True))
    else:
        listed = [(_id_of(row, number), row) for number, row in enumerate(_rows(clips, "clips"))]
    made: dict[str, dict[str, Any]] = {}
    for key, labels in listed:
        if not isinstance(labels, Mapping):
            raise InvalidRequest(
                f"the labels of clip {one_line(key, 40)!r} must be a dict, such as {{'prompt': …, 'take': 1}}"
            )
        if _text(key) in made:
            raise InvalidRequest(
                f"the clip {one_line(key, 40)!r} stands twice in the table of clips; an id is one clip"
            )
        made[_text(key)] = {str(name): value for name, value in labels.items() if name != "id"}
    return made


def groups_by(clips: Mapping[str, Mapping[str, Any]], by: Sequence[str]) -> dict[str, str]:
    """The item of each clip: its labels named in `by`, as one text. Raises InvalidRequest for a label that a clip has not."""
    made = {}
    for key, labels in clips.items():
        for name in by:
            if not _is_there(labels.get(name)) or _text(labels[name]).strip() == "":
                there = ", ".join(other for other in labels if other != name) or "none"
                raise InvalidRequest(
                    f"the clip {one_line(key, 40)!r} has no label {one_line(name, 40)!r}; it has {there}"
                )
        made[key] = " · ".join(_text(labels[name]) for name in by)
    return made


def blocks_by(clips: Mapping[str, Mapping[str, Any]], group_of: Mapping[str, str], by: Sequence[str]) -> dict[str, str]:
    """What clips of different items have in common: the labels that are neither ranked nor the take, where items share their values.

    A label that belongs to one item alone (its finished prompt), or to one clip alone (a file's name), is no such thing.
    """
    names = dict.fromkeys(name for labels in clips.values() for name in labels if name not in by and name != TAKE)
    shared = []
    for name in names:
        items: dict[str, set[str]] = {}
        for key, labels in clips.items():
            items.setdefault(_text(labels.get(name)), set()).add(group_of[key])
        if all(len(found) > 1 for found in items.values()):
            shared.append(name)
    return {key: " · ".join(_text(labels.get(name)) for name in shared) for key, labels in clips.items()}


def _vote(number: int, row: Mapping[str, Any]) -> Vote:
    rater, left, right, choice = (_needed(row, name, "votes", number) for name in NEEDED)
    word = str(getattr(choice, "value", choice)).strip().lower()
    if word not in CHOICES:
        raise InvalidRequest(
            f"row {number + 1} of the votes has the choice {one_line(choice, 40)!r}; it must be {', '.join(c.value for c in Choice)}"
        )
    if _text(left) == _text(right):
        raise InvalidRequest(
            f"row {number + 1} of the votes has {one_line(left, 40)!r} on both sides; a vote is on two clips: leave the row out"
        )
    kind = _text(row["kind"]).strip().lower() if _is_there(row.get("kind")) else Kind.VOTE.value
    if kind not in KINDS:
        raise InvalidRequest(
            f"row {number + 1} of the votes has the kind {one_line(row.get('kind'), 40)!r}; it must be {', '.join(KINDS)}, or leave the column out"
        )
    repeats = _text(row["repeats"]) if _is_there(row.get("repeats")) else None
    return Vote(
        id=_text(row["id"]) if _is_there(row.get("id")) else f"row {number + 1}",
        rater=_text(rater),
        aspect=_text(row["aspect"]) if _is_there(row.get("aspect")) else "overall",
        left=_text(left),
        right=_text(right),
        choice=CHOICES[word],
        at=_moment(row.get("at"), number),
        # Which vote it repeats is not in every table: then it is the rater's first on this pair.
        repeats=REPEAT if kind == REPEAT and repeats is None else repeats,
        seconds=known_seconds(_number(row.get("seconds"))),
        plays=known_plays(_number(row.get("plays"))),
        kind=Kind.VOTE if kind == REPEAT else Kind(kind),
    )


def _moment(value: Any, number: int) -> float:
    """Epoch seconds, from a number, a time, or either as text; the row's place where there is none."""
    if hasattr(value, "timestamp") and _is_there(value):
        return float(value.timestamp())
    found = _number(value)
    if found is not None:
        return found
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return float(number)
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _number(value: Any) -> float | None:
    """A number, also where a table has it as text; None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _id_of(row: Mapping[str, Any], number: int) -> Any:
    return row[JOB] if not _is_there(row.get("id")) and _is_there(row.get(JOB)) else _needed(row, "id", "clips", number)


def _rows(table: Any, what: str) -> list[Any]:
    if what == "votes" and isinstance(table, str | os.PathLike) and str(table).lower().endswith(".csv"):
        table = _read(Path(table))
    if _is_columns(table, NEEDED):
        table = _by_row(table, what)
    rows = table.to_dict("records") if _is_frame(table) else list(table) if isinstance(table, Iterable) else None
    if rows is None or isinstance(table, str | bytes) or not all(isinstance(row, Mapping | Vote) for row in rows):
        raise InvalidRequest(
            f"the {what} must be a list of dicts, a dict of columns or a DataFrame, not {one_line(table, 40)!r}"
        )
    return rows


def _is_columns(table: Any, some_of: Sequence[str]) -> bool:
    """Whether a mapping is a table by columns: names of columns, each with all its values; not ids with their labels."""
    return (
        isinstance(table, Mapping)
        and any(name in table for name in some_of)
        and not any(isinstance(column, Mapping | str) for column in table.values())
        and all(isinstance(column, Iterable) for column in table.values())
    )


def _by_row(columns: Mapping[str, Iterable[Any]], what: str) -> list[dict[str, Any]]:
    listed = {str(name): list(column) for name, column in columns.items()}
    lengths = {name: len(column) for name, column in listed.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{one_line(name, 20)} {length}" for name, length in lengths.items())
        raise InvalidRequest(f"the columns of the {what} must be equally long; they have {told} values")
    return [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]


def _names(given: Any, word: str, meaning: str) -> tuple[str, ...]:
    """One name or several, each once."""
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else ()
    if not all(isinstance(name, str) for name in names) or not isinstance(given, Iterable):
        raise InvalidRequest(f"{word} must name {meaning}, not {one_line(given, 40)!r}")
    return tuple(dict.fromkeys(names))


def _read(path: Path) -> list[dict[str, str]]:
    trouble = ""
    try:
        with path.expanduser().open(encoding="utf-8-sig", newline="") as file:
            return [{n: text for n, text in row.items() if n is not None and text} for row in csv.DictReader(file)]
    except (OSError, UnicodeError, csv.Error) as error:
        trouble = one_line(getattr(error, "strerror", None) or error, 80)
    raise InvalidRequest(f"{one_line(path.name, 80)} cannot be read ({trouble}); grid.export('votes.csv') writes one")


def _needed(row: Mapping[str, Any], name: str, what: str, number: int) -> Any:
    value = row.get(name)
    if not _is_there(value):
        raise InvalidRequest(
            f"row {number + 1} of the {what} has no {name!r}; it has {', '.join(map(str, row)) or 'nothing'}"
        )
    return value


def _is_there(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value)) and str(value) != "<NA>"


def _is_frame(table: Any) -> bool:
    return hasattr(table, "columns") and hasattr(table, "to_dict")


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
