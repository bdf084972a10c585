"""Blind votes: which pair to show next, and what all votes together say.

`rank` counts what may count, parts what votes do not join (`islands`), has each part judged (`verdicts`: levels by `mixed_model`, clips by
`strengths` and `intervals`) and says what it found in plain words (`ranking_words`); `next_pair` chooses what to ask (`pairs`). Pure;
numpy is imported by the first call of `rank`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...errors import InvalidRequest, one_line
from ...tracking.ledger.vote import Choice, Kind, Vote
from ..rankings.islands import islands
from ..rankings.ranking import (
    QUESTIONS,
    SCALES,
    Comparison,
    Luck,
    Question,
    RankedItem,
    Ranking,
    Scale,
)
from ..rankings.raters import Agreement, RaterReport, Raters
from ..rankings.rows import by_name
from ..rankings.words import in_words
from .agreement import measure_agreement, originals, preferred, report_raters, wilson
from .pairs import Pair, next_pair

if TYPE_CHECKING:
    from ..rankings.mixed_model import Levels
    from ..rankings.verdicts import Answer, Verdict

__all__ = ["Agreement", "Comparison", "Luck", "Pair", "RankedItem", "Ranking", "RaterReport", "next_pair", "rank"]

LEAST_PER_ITEM = 10
LEAST_VOTES = 20
"""With fewer votes, of an item and in all, an order is not claimed: simulated studies of that size hold their 95 % still."""
STILL_AS_REGISTERED = 1.1
"""Times the registered votes: so many more are no other plan."""
MOST_IN_RING = 12
"""Among more items rings are not looked for."""


@dataclasses.dataclass(frozen=True)
class _Ballot:
    """A vote with its repeats: one piece of evidence, of which each answer is an equal share."""

    answers: tuple[Vote, ...]

    @property
    def pair(self) -> tuple[str, str]:
        return self.answers[0].left, self.answers[0].right

    @property
    def share(self) -> float:
        return 1 / len(self.answers)


def rank(
    votes: Sequence[Vote],
    group_of: Mapping[str, str],
    *,
    aspect: str = "overall",
    raters: Iterable[str] | None = None,
    of: Question = "levels",
    resamples: int | None = None,
    seed: int = 0,
    by: str = "item",
    block_of: Mapping[str, str] | None = None,
    scale: Scale = "log-odds",
    gold: Sequence[Vote] = (),
    with_likelihoods: bool = False,
    doubled: int = 0,
    registered: int | None = None,
) -> Ranking:
    """What the votes on one aspect say of the groups that `group_of` puts the clips in, by the keys of their jobs.

    `of` is the question: "levels", how strong a group is, its clips and the raters being draws; "raters", the same for these raters;
    "clips", how these very clips stand with these raters. "Both bad" is a tie and is reported apart. A vote and the repeats of its pair are
    one piece of evidence, shared equally among its answers, so asking twice makes nothing surer than it is. Groups that fewer than five votes join are ranked apart. `by` names in the singular
    what is ranked. `doubled` is how many votes `counted_once` left out before. `block_of` says what clips of different groups have in common (the prompt, where models are ranked). `scale` "jod" gives
    strengths in just-objectionable differences. `gold` are answers to pairs of a clip and its own damaged copy; `with_likelihoods` fits the
    others without each rater. `registered` is how many votes on the aspect were registered before the first: with fewer, or many more, this is a
    look on the way, and pairs are told apart only where that holds however often one looks. The same votes give the same answer, in whatever order groups, clips and votes are named. Raises
    InvalidRequest for nothing to rank, for raters who are not there, and for an unknown `of` or `scale`.
    """
    if scale not in SCALES:
        raise InvalidRequest(f"scale must be one of {', '.join(map(repr, SCALES))}, not {one_line(scale, 40)!r}")
    if of not in QUESTIONS:
        raise InvalidRequest(f"of must be one of {', '.join(map(repr, QUESTIONS))}, not {one_line(of, 40)!r}")
    items = tuple(sorted(set(group_of.values()), key=by_name))
    if not items:
        raise InvalidRequest("there is nothing to rank: the grid has no clips yet; run it, then vote")
    chosen = None if raters is None else {raters} if isinstance(raters, str) else set(raters)
    counted = _counted(votes, group_of, aspect, chosen)
    ballots = _ballots(counted)
    is_early = registered is not None and not (
        registered <= sum(vote.aspect == aspect for vote in votes) <= STILL_AS_REGISTERED * registered
    )
    between = [ballot for ballot in ballots if group_of[ballot.pair[0]] != group_of[ballot.pair[1]]]
    counts = _counts(items, between, group_of)
    parts = _parts(items, between, group_of)
    answers = [_answer(ballot) for ballot in ballots]
    seen = {key for ballot in ballots for key in ballot.pair}
    ranking = Ranking(
        aspect=aspect,
        by=by,
        of=of,
        table=tuple(counts.values()),
        pairs=(),
        is_enough=False,
        missing=_missing(list(counts.values()), len(between), parts),
        more_to_tell=None,
        told_at_most=float("nan"),
        winner=None,
        tie=float("nan"),
        votes=len(counted),
        used=len(between),
        within=len(ballots) - len(between),
        repeats=len(counted) - len(ballots),
        doubled=doubled,
        registered=registered,
        is_early=is_early,
        both_bad=sum(ballot.answers[0].choice is Choice.BOTH_BAD for ballot in ballots),
        islands=parts,
        ring=_ring(items, between, group_of),
        lacks=(),
        raters=Raters(
            report_raters(counted, [vote for vote in gold if vote.aspect == aspect]),
            measure_agreement(counted, seed),
            aspect,
        ),
        luck=Luck("too few votes", clips=len(seen), clips_per_item=len(seen) / len(items)),
        resamples=0,
    )
    judged = []
    for part in parts:
        inside = [a for a in answers if group_of[a.first] in part and group_of[a.second] in part]
        if len(part) > 1 and sum(group_of[a.first] != group_of[a.second] for a in inside) >= LEAST_VOTES:
            judged.append(
                _judge(inside, group_of, block_of or {}, part, of=of, resamples=resamples, seed=seed, is_early=is_early)
            )
    if judged:
        ranking = _with_verdicts(ranking, counts, judged)
        if with_likelihoods:
            ranking = _with_likelihoods(ranking, answers, group_of, block_of or {}, seed)
    aspects = tuple(sorted({vote.aspect for vote in votes} - {aspect}))
    return dataclasses.replace(ranking, words=in_words(ranking, other_aspects=aspects)).in_scale(scale)


def counted_once(votes: Iterable[Vote]) -> tuple[list[Vote], list[Vote]]:
    """(the votes that count, the others): of equal rater, question, pair and sides the first by time counts, whatever its id.

    Both in the order they came in. What never counts, a pair to practise or of gold, is in neither.
    """
    known = [vote for vote in votes if vote.kind is Kind.VOTE]
    first: dict[tuple[str, str, str, str], Vote] = {}
    for vote in sorted(known, key=lambda vote: (vote.at, vote.id)):
        first.setdefault((vote.rater, vote.aspect, vote.left, vote.right), vote)
    kept = set(map(id, first.values()))
    return [vote for vote in known if id(vote) in kept], [vote for vote in known if id(vote) not in kept]


def levels_of(
    votes: Sequence[Vote], group_of: Mapping[str, str], block_of: Mapping[str, str], *, aspect: str, of: Question
) -> tuple[list[str], Levels | None]:
    """(the groups that were voted on, in the order of the fit; what is known of their levels). None where nothing is, or it would take minutes.

    What `rank` says of levels is said from the same.
    """
    from ..rankings import verdicts

    ballots = _ballots(_counted(votes, group_of, aspect, None))
    between = [ballot for ballot in ballots if group_of[ballot.pair[0]] != group_of[ballot.pair[1]]]
    items = tuple(sorted({group_of[key] for ballot in between for key in ballot.pair}, key=by_name))
    answers = [_answer(ballot) for ballot in ballots if group_of[ballot.pair[0]] in items]
    if not items:
        return [], None
    order = verdicts.order_of(answers, group_of, items)
    evidence = verdicts.evidence_of(answers, group_of, block_of, order)
    return order, verdicts.levels_of(evidence, raters_are_draws=of != "raters")


def missing_votes(votes: Sequence[Vote], group_of: Mapping[str, str], aspect: str) -> int:
    """Votes that are wanted at least until all groups can be ranked together; numbers nothing and judges nothing."""
    items = tuple(sorted(set(group_of.values()), key=by_name))
    ballots = _ballots(_counted(votes, group_of, aspect, None))
    between = [ballot for ballot in ballots if group_of[ballot.pair[0]] != group_of[ballot.pair[1]]]
    counts = list(_counts(items, between, group_of).values())
    return _missing(counts, len(between), _parts(items, between, group_of))


def _judge(
    answers: Sequence[Answer],
    group_of: Mapping[str, str],
    block_of: Mapping[str, str],
    part: Sequence[str],
    *,
    of: str,
    resamples: int | None,
    seed: int,
    is_early: bool,
) -> tuple[Verdict, Luck, Verdict | None]:
    """(the answer, what is luck, how the very clips stand where levels cannot be distinguished)."""
    from ..rankings import verdicts

    order = verdicts.order_of(answers, group_of, part)
    evidence = verdicts.evidence_of(answers, group_of, block_of, order)
    raters_are_draws = of != "raters"
    levels = verdicts.levels_of(evidence, raters_are_draws=raters_are_draws)
    verdict = (
        None
        if levels is None
        else verdicts.of_levels(levels, order, len(answers), raters_are_draws=raters_are_draws, is_early=is_early)
    )
    # With one rater taste has no spread that could be estimated; the luck of clips has one all the same.
    steady = (
        levels if levels is None or "rater" in levels.told else verdicts.levels_of(evidence, raters_are_draws=False)
    )
    luck = verdicts.judge_luck(steady, evidence, clips=len(evidence.item_of), items=len(part), seed=seed)
    if of != "clips" and verdict is not None and not verdict.lacks:
        return verdict, luck, None
    of_clips = verdicts.of_clips(answers, group_of, order, resamples=resamples, seed=seed, is_early=is_early)
    if of == "clips":
        return of_clips, luck, None
    if verdict is None:  # too many clips for the question: what is said of the clips is all there is
        silent = tuple(dataclasses.replace(pair, told=False) for pair in of_clips.pairs)
        verdict = dataclasses.replace(
            of_clips, pairs=silent, winner=None, is_settled=False, more_to_tell=None, lacks=("time",)
        )
    return verdict, luck, of_clips


def _with_verdicts(
    ranking: Ranking, counts: Mapping[str, RankedItem], judged: Sequence[tuple[Verdict, Luck, Verdict | None]]
) -> Ranking:
    """The largest part first; a winner only where all items stand in one part."""
    judged = sorted(judged, key=lambda found: -len(found[0].labels))
    main, luck, of_clips = judged[0]
    rows = [
        dataclasses.replace(counts[label], strength=strength, low=low, high=high)
        for verdict, _, _ in judged
        for label, strength, low, high in zip(verdict.labels, verdict.strengths, verdict.low, verdict.high, strict=True)
    ]
    ranked = {row.label for row in rows}
    is_whole = len(main.labels) == len(counts)
    return dataclasses.replace(
        ranking,
        table=(*rows, *(row for label, row in counts.items() if label not in ranked)),
        pairs=tuple(pair for verdict, _, _ in judged for pair in verdict.pairs),
        is_enough=True,
        more_to_tell=main.more_to_tell,
        told_at_most=main.told_at_most,
        more_as_likely_as_not=main.more_as_likely_as_not,
        winner=main.winner if is_whole else None,
        is_settled=is_whole and main.winner is not None and main.is_settled,
        tie=main.tie,
        resamples=main.resamples,
        lacks=main.lacks,
        luck=luck,
        of_clips=None
        if of_clips is None
        else (of_clips.winner if is_whole else None, sum(pair.told for pair in of_clips.pairs)),
    )


def _with_likelihoods(
    ranking: Ranking, answers: Sequence[Answer], group_of: Mapping[str, str], block_of: Mapping[str, str], seed: int
) -> Ranking:
    """On the largest part that is ranked; there every rater's votes are held against everybody else's."""
    from ..rankings import verdicts
    from .likelihoods import by_others, names_of

    part = {row.label for row in ranking.main}
    inside = [a for a in answers if group_of[a.first] in part and group_of[a.second] in part]
    evidence = verdicts.evidence_of(
        inside, group_of, block_of, verdicts.order_of(inside, group_of, sorted(part, key=by_name))
    )
    levels = verdicts.levels_of(evidence, raters_are_draws=True)
    if levels is None or levels.together > 1:  # of a crowd nobody is fitted by themselves
        return ranking
    known = names_of([answer.rater for answer in inside], by_others(evidence, levels, seed))
    table = tuple(
        dataclasses.replace(
            report,
            likelihood=known[report.rater].found,
            expected_likelihood=known[report.rater].expected,
            unlikely=known[report.rater].rarity,
        )
        if report.rater in known
        else report
        for report in ranking.raters
    )
    return dataclasses.replace(ranking, raters=dataclasses.replace(ranking.raters, table=table))


def _counted(
    votes: Sequence[Vote], group_of: Mapping[str, str], aspect: str, raters: set[str] | None
) -> tuple[Vote, ...]:
    known = {vote.rater for vote in votes}
    strangers = sorted((raters or set()) - known)
    if strangers:
        there = ", ".join(one_line(name, 40) for name in sorted(known)) or "nobody"
        raise InvalidRequest(f"no votes by {one_line(strangers[0], 40)!r}; there are votes by {there}")
    ordered = sorted(votes, key=lambda vote: (vote.at, vote.id))
    about = {vote.id: vote for vote in ordered if vote.aspect == aspect and (raters is None or vote.rater in raters)}
    return tuple(
        vote
        for vote in about.values()
        if vote.kind is Kind.VOTE and vote.left != vote.right and vote.left in group_of and vote.right in group_of
    )


def _ballots(votes: Sequence[Vote]) -> list[_Ballot]:
    first_answer = originals(votes)
    answers: dict[str, list[Vote]] = {vote.id: [vote] for vote in votes if vote.id not in first_answer}
    for vote in votes:
        if vote.id in first_answer:
            answers[first_answer[vote.id].id].append(vote)
    return [_Ballot(tuple(given)) for given in answers.values()]


def _counts(items: Sequence[str], between: Sequence[_Ballot], group_of: Mapping[str, str]) -> dict[str, RankedItem]:
    """What was said of each item; its strength is not known yet."""
    said = {label: dict.fromkeys(("votes", "wins", "losses", "ties", "both_bad"), 0.0) for label in items}
    for ballot in between:
        for answer in ballot.answers:
            liked = preferred(answer)
            for label in {group_of[key] for key in ballot.pair}:
                of_item = said[label]
                of_item["ties" if not liked else "wins" if group_of[liked] == label else "losses"] += ballot.share
                of_item["both_bad"] += ballot.share * (answer.choice is Choice.BOTH_BAD)
                of_item["votes"] += ballot.share
    unknown = float("nan")
    return {
        label: RankedItem(
            label, unknown, unknown, unknown, **{name: round(amount, 9) for name, amount in of_item.items()}
        )
        for label, of_item in said.items()
    }


def _parts(
    items: Sequence[str], between: Sequence[_Ballot], group_of: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """The items that may be ranked together; those with too few votes stand alone."""
    asked = Counter(frozenset(group_of[key] for key in ballot.pair) for ballot in between)
    left = list(items)
    while True:
        votes_of = dict.fromkeys(left, 0)
        for pair, count in asked.items():
            if pair <= set(left):
                for label in pair:
                    votes_of[label] += count
        lacking = {label for label, count in votes_of.items() if count < LEAST_PER_ITEM}
        if not lacking:
            break
        left = [label for label in left if label not in lacking]
    found = [
        *islands(left, {pair: float(count) for pair, count in asked.items()}),
        *((item,) for item in items if item not in left),
    ]
    place = {item: number for number, item in enumerate(items)}
    return tuple(sorted(found, key=lambda part: place[part[0]]))


def _missing(counts: Sequence[RankedItem], used: int, parts: Sequence[Sequence[str]]) -> int:
    """Votes that are wanted at least until all items can be ranked together."""
    from ..rankings.islands import LEAST_ACROSS

    if len(counts) < 2 or (len(parts) == 1 and used >= LEAST_VOTES):
        return 0
    short = sum(max(0.0, LEAST_PER_ITEM - item.votes) for item in counts)
    across = 0 if len(parts) == 1 else 1 if short else int(LEAST_ACROSS) * (len(parts) - 1)
    return max(LEAST_VOTES - used, int(-(-short // 2)), across, 1)


def _ring(items: Sequence[str], between: Sequence[_Ballot], group_of: Mapping[str, str]) -> tuple[str, ...]:
    """Three items each of which surely beats the next, and the last the first, by the votes between the two; () if there are none."""
    if len(items) > MOST_IN_RING:
        return ()
    wins: Counter[tuple[str, str]] = Counter()
    for ballot in between:
        liked = preferred(ballot.answers[0])
        if liked and len(ballot.answers) == 1:
            one, other = ballot.pair
            wins[group_of[liked], group_of[other if liked == one else one]] += 1
    beats = {
        (one, other)
        for one, other in itertools.permutations(items, 2)
        if wilson(wins[one, other], wins[one, other] + wins[other, one])[0] > 0.5
    }
    rings = (
        trio
        for trio in itertools.permutations(items, 3)
        if trio[0] == min(trio, key=by_name) and {(trio[0], trio[1]), (trio[1], trio[2]), (trio[2], trio[0])} <= beats
    )
    return next(rings, ())


def _answer(ballot: _Ballot) -> Answer:
    from ..rankings.verdicts import Answer

    liked = [preferred(answer) for answer in ballot.answers]
    one, other = ballot.pair
    first, second, neither = (ballot.share * liked.count(key) for key in (one, other, ""))
    return Answer(one, other, ballot.answers[0].rater, (first, second, neither))
