"""What people think of a grid's clips: which votes are about them, what is ranked, and who wins."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..api.fields import TAKE
from ..errors import InvalidRequest, one_line
from ..tracking.ledger.vote import Kind, Vote
from ..tracking.session import Session
from .axes import levels
from .groups import check_groupable, labels_of
from .picture import GridPicture
from .plans.plan import HAVE_IT, RUNNING, Plan
from .rankings.ranking import Question, Ranking, Scale
from .rankings.rows import by_name
from .rankings.words import registered_words

if TYPE_CHECKING:
    from .ballots.taking_in import Added
    from .rankings.forecast import Power
    from .registering.registration import Design, Registration


def check_questions(
    aspects: str | Sequence[str], by: str | Sequence[str] | None, names: Sequence[str]
) -> tuple[str, ...]:
    """The aspects that are asked, if they and the axes `by` can be meant. Raises InvalidRequest."""
    asked = (aspects,) if isinstance(aspects, str) else tuple(aspects)
    if not asked or not all(isinstance(aspect, str) and aspect.strip() for aspect in asked):
        raise InvalidRequest("aspects must name at least one question, such as aspects=['overall', 'motion']")
    for name in several(by):
        check_groupable(name, names)
    return asked


def votes_on(picture: GridPicture, session: Session) -> list[Vote]:
    """The votes in the ledger on two clips of this picture, each rater's first on equal sides of a pair."""
    from .votes.votes import counted_once

    return counted_once(every_vote_on(picture, session))[0]


def every_vote_on(picture: GridPicture, session: Session) -> list[Vote]:
    """All that the ledger has of them, those too that do not count because they are doubled."""
    keys = picture.keys
    return session.ask_ledger(lambda ledger: ledger.votes.among(keys)) if keys else []


def controls_on(picture: GridPicture, session: Session) -> list[Vote]:
    """Every answer in the ledger to a training or gold pair of this picture's clips; they never count."""
    keys = picture.keys
    return session.ask_ledger(lambda ledger: ledger.votes.controls(keys)) if keys else []


def left_out_of(picture: GridPicture, session: Session) -> dict[str, int]:
    """How many answers in files of this picture's ballots were left out, by reason."""
    keys = picture.keys
    return session.ask_ledger(lambda ledger: ledger.studies.left_out(keys)) if keys else {}


def add_votes(path: Path, picture: GridPicture, session: Session, *, unsigned: bool) -> Added:
    """Take the votes of a ballot file into the ledger; see `Grid.add_votes`."""
    from .ballots.taking_in import take_in

    added = session.ask_ledger(lambda ledger: take_in(path, ledger, picture.keys, unsigned=unsigned))
    if added.words:
        print(f"seedance: {added.words}", file=sys.stderr, flush=True)
    return added


def withdraw(rater: str, picture: GridPicture, session: Session) -> int:
    """Delete all that a rater said of this picture's clips; see `Grid.withdraw`."""
    keys = picture.keys
    deleted = (
        session.ask_ledger(lambda ledger: ledger.votes.withdraw_rater(rater, keys)) if isinstance(rater, str) else 0
    )
    if not deleted:
        there = sorted({vote.rater for vote in [*votes_on(picture, session), *controls_on(picture, session)]})
        listed = ", ".join(one_line(name, 40) for name in there[:12]) or "nobody"
        raise InvalidRequest(
            f"there are no answers by {one_line(rater, 40)!r} on this grid; there are some by {listed}"
        )
    return deleted


def groups_of(picture: GridPicture, by: str | Sequence[str] | None = None) -> dict[str, str]:
    """By job key, the label of the group its clip is ranked in; clips only. Raises InvalidRequest for an axis there is not."""
    names = several(by) or _without_take(picture)
    for name in names:
        check_groupable(name, picture.names)
    found = [
        (tile.cell, tile.snapshot.key)
        for tile in picture.tiles
        if tile.snapshot is not None and tile.clip is not None and not tile.clip.is_lost
    ]
    groups: dict[str, str] = {}
    for (_, key), label in zip(found, labels_of([cell for cell, _ in found], names), strict=True):
        # Cells that ask for the same share one clip: which of their labels it goes by is not a matter of who was named first.
        groups[key] = min(groups.get(key, label), label, key=by_name)
    return groups


def register(
    picture: GridPicture,
    session: Session,
    by: str | Sequence[str] | None,
    aspects: str | Sequence[str],
    *,
    takes_are_open: bool = False,
    **said: object,
) -> Registration:
    """See `Grid.register`. `takes_are_open`: how many takes there will be is what comes of it, as in a race."""
    from .registering.registration import about, checked_plan, write

    plan = checked_plan(by=several(by), aspects=check_questions(aspects, by, picture.names), **said)
    design = design_of(picture)
    if takes_are_open:
        design = dataclasses.replace(design, takes=0, cells=len(design.requests))

    def written(texts: Sequence[str], votes: int) -> str:
        earlier = about(texts, design.requests)
        # Who runs all cells again says nothing new.
        if earlier and (earlier[-1].plan, earlier[-1].design) == (plan, design):
            return earlier[-1].text
        return write(plan, design, time.time(), votes, earlier[-1].hash if earlier else None)

    text = session.ask_ledger(lambda ledger: ledger.registrations.add(design.requests, written))
    return next(one for one in registrations_of(picture, session) if one.text == text)


def registrations_of(picture: GridPicture, session: Session) -> list[Registration]:
    """What was registered for this grid, oldest first."""
    from .registering.registration import about

    return about(session.ask_ledger(lambda ledger: ledger.registrations.texts()), design_of(picture).requests)


def design_of(picture: GridPicture) -> Design:
    """The grid as it is laid out, for a registration. Raises InvalidRequest where no cell can be sent."""
    from .registering.registration import Design

    own = [tile for tile in picture.tiles if tile.origin is None]
    cells = [tile.cell for tile in own if tile.cell.request is not None and tile.cell.invalid is None]
    takes: dict[str, set[int]] = {}
    for cell in cells:
        if cell.request is not None:
            takes.setdefault(cell.request.canonical_hash(), set()).add(cell.take)
    return Design(
        axes={
            name: len(levels([tile.cell for tile in own], name))
            for name in picture.names
            if name not in (TAKE, *picture.added)
        },
        takes=min(map(len, takes.values()), default=0),
        cells=len(cells),
        requests=tuple(sorted(takes)),
    )


def deviations_of_data(picture: GridPicture, session: Session) -> list[str]:
    """What the votes and this grid are and were not to be by what is registered."""
    from .registering.deviations import of_the_data

    registered = registrations_of(picture, session)
    if not registered:
        return []
    design = design_of(picture)
    return list(of_the_data(registered, votes_on(picture, session), design.requests, design.takes))


def ranking_of(
    picture: GridPicture,
    session: Session,
    by: str | Sequence[str] | None,
    *,
    aspect: str = "overall",
    raters: str | Iterable[str] | None = None,
    of: Question = "levels",
    resamples: int | None = None,
    seed: int = 0,
    block_of: Mapping[str, str] | None = None,
    group_of: Mapping[str, str] | None = None,
    scale: Scale = "log-odds",
) -> Ranking:
    """See `Grid.ranking`. `group_of` says by job key what each clip is of, where the picture alone would name it otherwise."""
    from .registering.deviations import left_out, of_a_ranking, of_the_data, plan_words, rule_words, votes_of_plan
    from .votes.vote_table import blocks_by
    from .votes.votes import counted_once, rank

    every = _without_take(picture)
    ranked = several(by) or every
    rest = [name for name in every if name not in ranked]
    group_of = groups_of(picture, by) if group_of is None else group_of
    if block_of is None and rest:
        labels = {name: groups_of(picture, name) for name in rest}
        known = {key: {name: labels[name][key] for name in rest} for key in group_of}
        block_of = blocks_by(known, group_of, ranked)
    votes, doubled = counted_once(every_vote_on(picture, session))
    gold = [vote for vote in controls_on(picture, session) if vote.kind is Kind.GOLD]

    def judged(raters: Collection[str] | None) -> Ranking:
        return rank(
            votes,
            group_of,
            aspect=aspect,
            raters=raters,
            of=of,
            resamples=resamples,
            seed=seed,
            by="cell" if by is None else ranked[0] if len(ranked) == 1 else "combination",
            block_of=block_of,
            scale=scale,
            gold=gold,
            with_likelihoods=True,
            doubled=sum(vote.aspect == aspect and (raters is None or vote.rater in raters) for vote in doubled),
            registered=votes_of_plan(registered, aspect),
        )

    registered = registrations_of(picture, session)
    chosen = None if raters is None else _names_of(raters)
    ranking = judged(chosen)
    if not registered:
        return ranking
    # Rules look at everybody who voted on the aspect, whomever the caller names.
    everybody = ranking if chosen is None or not ranking.raters else judged(None)
    out, design = left_out(registered, everybody.raters), design_of(picture)
    deviations = (
        *of_the_data(registered, votes, design.requests, design.takes),
        *of_a_ranking(registered, by=several(by), of=of, aspect=aspect, chosen=chosen, raters=everybody.raters),
    )
    people = dataclasses.replace(everybody.raters, left_out=out, rules=rule_words(registered))
    if out and chosen is None:
        kept = [report.rater for report in everybody.raters if report.rater not in out]
        if kept:
            ranking = dataclasses.replace(judged(kept), everybody=everybody)
    ranking = dataclasses.replace(ranking, raters=people, plan=plan_words(registered), deviations=deviations)
    return dataclasses.replace(ranking, words=(*ranking.words, *registered_words(ranking)))


def power_of(
    plan: Plan,
    ranking: Callable[[], Ranking],
    prices: Sequence[float | None],
    *,
    by: str | Sequence[str] | None,
    gap: float,
    luck: float | str,
    taste: float,
    suits: float,
    ties: float,
    raters: int | None,
    votes: int | None,
    power: float,
) -> Power:
    """See `Grid.power`. `ranking` is that of the votes there are, `prices` what a clip of each cell costs."""
    from .plans.power import design_of
    from .rankings.forecast import RATERS, VOTES_PER_RATER, as_seen, forecast
    from .rankings.study import Study

    ranked = several(by)
    items, takes, blocks = design_of([line.cell for line in plan.lines], plan.names, ranked)
    assumed = "assumed"
    if luck == "pilot":
        luck, taste, ties = as_seen(ranking())
        assumed = "as seen in this grid's votes"
    elif isinstance(luck, str):
        raise InvalidRequest(
            f"luck is a number, or 'pilot' for what this grid's votes show, not {one_line(luck, 40)!r}"
        )
    if raters is None:
        raters = RATERS
    if votes is None:
        votes = VOTES_PER_RATER * (raters if isinstance(raters, int) and raters > 0 else RATERS)
    known = [price for price in prices if price is not None]
    return forecast(
        Study(items, takes, votes, raters, gap, luck, taste, ties, blocks, suits),
        by="cell" if not ranked else ranked[0] if len(ranked) == 1 else "combination",
        price=sum(known) / len(known) if known and len(known) == len(prices) else None,
        bought=plan.count(HAVE_IT) + plan.count(RUNNING),
        wanted=power,
        assumed=assumed,
    )


def _without_take(picture: GridPicture) -> tuple[str, ...]:
    return tuple(name for name in picture.names if name != TAKE)


def _names_of(raters: str | Iterable[str]) -> tuple[str, ...]:
    return (raters,) if isinstance(raters, str) else tuple(raters)


def several(names: str | Iterable[str] | None) -> tuple[str, ...]:
    """The names of axes, however many somebody gave, each once. Raises InvalidRequest for what names none."""
    if names is None:
        return ()
    listed = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, Iterable) else (names,)
    for name in listed:
        if not isinstance(name, str):
            raise InvalidRequest(
                f"by= names an axis, or several in a list, such as by='prompt', not {one_line(name, 40)!r}"
            )
    return tuple(dict.fromkeys(listed))
