"""A paragraph for a paper, from what was asked, what came of it and how it was judged. Says nothing that is not in the data."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._version import __version__
from ...api.fields import FIELDS, TABLE
from ...errors import InvalidRequest, one_line
from ...pages.words import MADE_ELSEWHERE
from ...tracking.ledger.vote import Vote
from ...tracking.session import Session
from ..ballots.blindness import not_blind
from ..judging import deviations_of_data, ranking_of, registrations_of, votes_on
from ..picture import GridPicture
from ..rankings.ranking import Ranking
from ..rankings.rows import by_name
from ..registering.deviations import plan_words, rule_words
from ..registering.registration import ESTIMANDS, in_force
from .exclusions import exclusions
from .table import distinct, table_of

_FIRST = ("duration", "resolution")
_CHOICES = [field for field in TABLE if field.is_choice and field.name != "model"]
_SETTINGS = {field.name: field.title for field in sorted(_CHOICES, key=lambda field: field.name not in _FIRST)}


def paragraph(
    picture: GridPicture, session: Session, rankings: Sequence[Ranking] = (), bought: Sequence[str] = ()
) -> str:
    """The paragraph for this grid as it is now, as plain text; `rankings` are what is reported of its votes, `bought` says by which rule."""
    strange = next((one for one in rankings if not isinstance(one, Ranking)), None)
    if strange is not None:
        raise InvalidRequest(
            f"methods() takes the rankings that are reported, as grid.ranking(…) gives them, not {one_line(strange, 40)!r}"
        )
    rows, votes = table_of(picture, session).rows, votes_on(picture, session)
    aside = [*exclusions(picture, session), *registered_sentences(picture, session)]
    return write_paragraph(picture, rows, votes, rankings, aside, bought)


def registered_sentences(picture: GridPicture, session: Session) -> list[str]:
    """What was registered, whom that leaves out, and what came otherwise, but for what a ranking asks."""
    registered = registrations_of(picture, session)
    counted = in_force(registered)
    if counted is None:
        return []
    said, plan = list(plan_words(registered)), counted.plan
    if plan.exclusion and counted.is_before_votes and picture.keys and set(plan.by) <= set(picture.names):
        for aspect in plan.aspects:
            raters = ranking_of(picture, session, plan.by or None, aspect=aspect, of=plan.of).raters
            said += [
                f"Left out on “{one_line(aspect, 60)}”: {one_line(name, 40)} ({why})."
                for name, why in raters.left_out.items()
            ]
    if not counted.is_before_votes:
        said += rule_words(registered)
    deviations = [f"Deviation: {deviation}" for deviation in deviations_of_data(picture, session)]
    return said + (deviations or ["The votes are as registered."])


def write_paragraph(
    picture: GridPicture,
    rows: Sequence[Mapping[str, Any]],
    votes: Sequence[Vote],
    rankings: Sequence[Ranking] = (),
    registered: Sequence[str] = (),
    bought: Sequence[str] = (),
) -> str:
    """The paragraph from a picture, the rows of its table, its votes, what is reported, what was not counted or was registered, and by which
    rule the takes were `bought`. Pure.
    """
    valid = [row for row, tile in zip(rows, picture.tiles, strict=True) if tile.cell.invalid is None]
    own = [row for row in distinct(valid) if not row["made_elsewhere"]]
    bought_here = dataclasses.replace(picture, tiles=tuple(tile for tile in picture.tiles if tile.origin is None))
    sentences = [_design(bought_here, [row for row in valid if not row["made_elsewhere"]])]
    if own:
        sentences += [_made(own), _money(own)]
    else:
        sentences.append("Nothing has been submitted yet.")
    foreign = [row for row in distinct(valid) if row["made_elsewhere"]]
    sentences += [*_foreign(foreign), *bought, *_measures(picture)]
    judged = {row["job"] for row in (*own, *foreign)}
    counted = [vote for vote in votes if {vote.left, vote.right} <= judged]
    if counted:
        sentences += _votes(counted, rankings, is_blind=not not_blind(picture))
    sentences += registered
    stated = set(registered)
    for ranking in rankings:
        sentences += [f"Deviation: {one}" for one in ranking.deviations if f"Deviation: {one}" not in stated]
        stated |= {f"Deviation: {one}" for one in ranking.deviations}
    simulated = any(tile.snapshot is not None and tile.snapshot.simulated for tile in picture.tiles)
    if simulated:
        sentences.append("The videos were made by a simulator of the service, not by the models named.")
    sentences.append(f"Requests, downloads and records were handled by seedance_nb {__version__}.")
    return " ".join(sentence for sentence in sentences if sentence)


def _design(picture: GridPicture, rows: Sequence[Mapping[str, Any]]) -> str:
    prompts = len({row["prompt"] for row in rows})
    written = len(picture.levels("prompt")) if "prompt" in picture.names else None
    said = _count(prompts, "prompt")
    others = [name for name in picture.names if name not in ("prompt", "take", "model", *_SETTINGS)]
    if others:
        values = "; ".join(f"{name}: {_count(len(picture.levels(name)), 'value')}" for name in others)
        of = f" from {_count(written, 'template')}" if written else ""
        said += f"{of} ({values})"
    used: list[str] = sorted({row["model"] for row in rows}, key=by_name)
    models = _listed(used)
    settings = []
    for name, word in _SETTINGS.items():
        found = sorted({row[name] for row in rows if row[name] is not None}, key=lambda value: by_name(str(value)))
        if found:
            unit = " s" if name == "duration" else ""
            settings.append(f"{word} {_listed(f'{value}{unit}' for value in found)}")
    media = [len(row["media_urls"]) for row in rows if row["media_urls"]]
    if media:
        settings.append(f"{_count(max(media), 'reference')} at most")
    takes = _takes_of(rows)
    how = f"in {_count(takes[0], 'take')} each" if len(takes) == 1 else f"in {takes[0]} to {takes[-1]} takes each"
    with_settings = f" ({'; '.join(settings)})" if settings else ""
    return f"Videos were generated from {said} with {models or 'no model'}{with_settings}, {how}."


def _takes_of(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The different numbers of takes that a request has."""
    takes: dict[str, set[int]] = {}
    names = [name for name in FIELDS if name != "webhook_url"]  # where the service rings makes no other video
    for row in rows:
        takes.setdefault(repr([row[name] for name in names]), set()).add(row["take"])
    return sorted({len(found) for found in takes.values()}) or [0]


def _made(rows: Sequence[Mapping[str, Any]]) -> str:
    made = [row for row in rows if row["sha256"]]
    ended = {
        "failed": sum(row["status"] == "failed" for row in rows),
        "was cancelled|were cancelled": sum(row["status"] == "cancelled" for row in rows),
        "was refused|were refused": sum(row["status"] == "rejected" for row in rows),
        "has an unknown outcome|have an unknown outcome": sum(row["status"] == "unknown" for row in rows),
        "was made but not downloaded|were made but not downloaded": sum(
            row["status"] == "succeeded" and not row["sha256"] for row in rows
        ),
    }
    open_ones = len(rows) - len(made) - sum(ended.values())
    ended["was not finished when this was written|were not finished when this was written"] = open_ones
    others = [f"{count} {(name.split('|') * 2)[0 if count == 1 else 1]}" for name, count in ended.items() if count]
    obtained = f"{_count(len(made), 'video')} {'was' if len(made) == 1 else 'were'} obtained{_dates(rows)}"
    return f"{obtained}; {_listed(others)}." if others else f"{obtained}."


def _money(rows: Sequence[Mapping[str, Any]]) -> str:
    known = [row["credits"] for row in rows if row["credits"] is not None]
    total = f"{sum(known):,.6g} {'credit' if sum(known) == 1 else 'credits'}"
    if len(known) == len(rows):
        return f"The service charged {total}."
    return f"The service charged {total} for {len(known)} of them; for the others it named no price." if known else ""


def _foreign(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was not made by this service under this grid, and by whose word."""
    if not rows:
        return []
    names: list[str] = sorted({row["model"] for row in rows} - {MADE_ELSEWHERE}, key=by_name)
    by = f", as whoever included them says by {_listed(names)}," if names else ""
    were = "video was made elsewhere" if len(rows) == 1 else "videos were made elsewhere"
    return [f"{len(rows):,} more {were}{by} and compared with these."]


def _measures(picture: GridPicture) -> list[str]:
    """What the clips were measured with, and on how many of them that failed."""
    said = []
    for title in dict.fromkeys(column.measure for column in picture.columns if column.measure):
        columns = [column for column in picture.columns if column.measure == title]
        there = {job for column in columns for job in (*column.values, *column.failures)}
        failed = {job for column in columns for job in column.failures}
        found = f", {len(failed)} of them without a result" if failed else ""
        said.append(f"{title} on {_count(len(there), 'clip')}{found}")
    return [f"Measured were: {'; '.join(said)}."] if said else []


def _estimands(rankings: Sequence[Ranking]) -> list[str]:
    """What the intervals are about: of each ranking that is reported, or of rankings as they are made without a word."""
    if not rankings:
        return [f"The estimand is {ESTIMANDS['levels'].format('item')}."]
    asked = dict.fromkeys(
        f"on “{one_line(ranking.aspect, 60)}” {ESTIMANDS[ranking.of].format(ranking.by.replace('_', ' '))}"
        for ranking in rankings
    )
    return [f"{'The estimand is' if len(asked) == 1 else 'The estimands are'} {_listed(asked)}."]


def _votes(votes: Sequence[Vote], rankings: Sequence[Ranking], *, is_blind: bool) -> list[str]:
    raters, aspects = len({vote.rater for vote in votes}), list(dict.fromkeys(vote.aspect for vote in votes))
    repeats = sum(vote.repeats is not None for vote in votes)
    seeing = (
        "without seeing how they were made" if is_blind else "not blind, as every picture bears its prompt and model"
    )
    by = f"{_count(raters, 'rater')} compared clips two at a time, {seeing}"
    on = f"on {_listed(f'“{aspect}”' for aspect in aspects)}"
    again = f", of which {repeats} repeated an earlier pair with sides swapped" if repeats else ""
    return [
        f"{by}: {_count(len(votes), 'vote')} {on}{_between([vote.at for vote in votes])}{again}.",
        *_estimands(rankings),
        (
            "Rankings are by a regularised Bradley–Terry model with ties (Davidson) in which takes, raters' tastes and what an item does in one "
            "place of the grid and not in another are random effects (half-normal priors of scale 1.5 log-odds on their spreads, a normal prior "
            "of 5 log-odds on levels, Laplace's approximation); 95 % intervals speak of the items and of raters like these, and of all pairs told apart any is wrong in at "
            "most 5 % of studies (Holm). Intervals hold over all studies of a kind: of pairs told apart where few such studies would tell them, "
            "differences tend to seem larger than they are."
        ),
        "Pairs were chosen by how often they had met, never by the answers.",
    ]


def _dates(rows: Sequence[Mapping[str, Any]]) -> str:
    return _between([row["accepted_at"] or row["created_at"] for row in rows])


def _between(times: Sequence[float]) -> str:
    days = sorted({dt.datetime.fromtimestamp(at, dt.UTC).date() for at in times if at})
    if not days:
        return ""
    if days[0] == days[-1]:
        return f" on {days[0].isoformat()} (UTC)"
    return f" between {days[0].isoformat()} and {days[-1].isoformat()} (UTC)"


def _count(number: int | None, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number or 0:,} {word}s"


def _listed(words: Iterable[object]) -> str:
    said = [str(word) for word in words]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}" if said else ""
