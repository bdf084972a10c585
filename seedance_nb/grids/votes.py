"""Blind votes: which pair to show next, and what all votes together say.

`rank` fits the Bradley-Terry model with ties (`strengths`, `intervals`, `luck`, `agreement`) and says what it found in plain words
(`ranking_words`); `next_pair` chooses what to ask (`pairs`). Pure; numpy is imported by the first call of `rank`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import InvalidRequest, one_line
from ..jobs.vote import Choice, Vote
from .agreement import measure_agreement, originals, preferred, report_raters
from .pairs import Pair, next_pair
from .ranking import Agreement, Difference, Luck, RankedItem, Ranking, RaterReport, by_name
from .ranking_words import in_words

__all__ = ["Agreement", "Difference", "Luck", "Pair", "RankedItem", "Ranking", "RaterReport", "next_pair", "rank"]

LEAST_PER_ITEM = 10
LEAST_VOTES = 20
"""With fewer votes, of an item and in all, an order is not claimed: simulated studies of that size hold their 95 % still."""
MOST_FOR_ALL_PAIRS = 12
RESAMPLES, RESAMPLES_OF_MANY, MANY_ITEMS = 999, 199, 30
MOST_MORE = 5000
"""Nobody casts more votes than that to tell two clips apart."""
_POWER = 1.96 + 0.84  # standard errors that a difference must be away from 0 to be found four times in five


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
    resamples: int | None = None,
    seed: int = 0,
    by: str = "item",
    block_of: Mapping[str, str] | None = None,
) -> Ranking:
    """What the votes on one aspect say of the groups that `group_of` puts the clips in, by the keys of their jobs.

    Groups are ranked by Bradley-Terry strengths with Davidson's ties and 95 % bootstrap intervals; "both bad" is a tie and is
    reported apart. Votes between clips of one group tell of luck only. A vote and the repeats of its pair are one piece of evidence,
    shared equally among its answers, so asking twice makes nothing surer than it is. `by` names in the singular what is ranked.
    `block_of` says what clips of different groups have in common (the prompt, where models are ranked): only for `luck`.
    The same votes and seed give the same numbers, in whatever order groups, clips and votes are named. Raises InvalidRequest for nothing to rank and for raters who are not there.
    """
    items = tuple(sorted(set(group_of.values()), key=by_name))
    if not items:
        raise InvalidRequest("there is nothing to rank: the grid has no clips yet; run it, then vote")
    chosen = None if raters is None else {raters} if isinstance(raters, str) else set(raters)
    counted = _counted(votes, group_of, aspect, chosen)
    ballots = _ballots(counted)
    between = [ballot for ballot in ballots if group_of[ballot.pair[0]] != group_of[ballot.pair[1]]]
    islands = _islands(items, [(group_of[a], group_of[b]) for a, b in (ballot.pair for ballot in between)])
    counts = [_count(label, between, group_of) for label in items]
    missing = _missing(counts, len(between), len(islands))
    ranking = Ranking(
        aspect=aspect,
        by=by,
        items=tuple(counts),
        differences=(),
        is_enough=len(items) > 1 and missing == 0,
        missing=missing,
        more_to_tell=None,
        winner=None,
        tie=float("nan"),
        votes=len(counted),
        used=len(between),
        within=len(ballots) - len(between),
        repeats=len(counted) - len(ballots),
        both_bad=sum(ballot.answers[0].choice is Choice.BOTH_BAD for ballot in ballots),
        islands=islands,
        raters=report_raters(counted),
        agreement=measure_agreement(counted),
        luck=Luck("too few votes", clips=len(group_of), clips_per_item=len(group_of) / len(items)),
        resamples=0,
    )
    if ranking.is_enough:
        if resamples is None:
            resamples = RESAMPLES if len(items) <= MANY_ITEMS else RESAMPLES_OF_MANY
        ranking = _with_strengths(ranking, between, group_of, resamples, seed)
        strongest_first = [item.label for item in ranking.items]
        ranking = dataclasses.replace(ranking, luck=_luck(ballots, group_of, strongest_first, block_of, seed))
    aspects = tuple(sorted({vote.aspect for vote in votes} - {aspect}))
    return dataclasses.replace(ranking, words=in_words(ranking, other_aspects=aspects))


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
    return tuple(v for v in about.values() if v.left != v.right and v.left in group_of and v.right in group_of)


def _ballots(votes: Sequence[Vote]) -> list[_Ballot]:
    first_answer = originals(votes)
    answers: dict[str, list[Vote]] = {vote.id: [vote] for vote in votes if vote.id not in first_answer}
    for vote in votes:
        if vote.id in first_answer:
            answers[first_answer[vote.id].id].append(vote)
    return [_Ballot(tuple(given)) for given in answers.values()]


def _islands(items: Sequence[str], compared: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    home = {item: item for item in items}

    def find(item: str) -> str:
        while home[item] != item:
            home[item] = home[home[item]]
            item = home[item]
        return item

    for one, other in compared:
        home[find(other)] = find(one)
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(find(item), []).append(item)
    return tuple(tuple(island) for island in found.values())


def _count(label: str, between: Sequence[_Ballot], group_of: Mapping[str, str]) -> RankedItem:
    said = dict.fromkeys(("votes", "wins", "losses", "ties", "both_bad"), 0.0)
    for ballot in between:
        if label in (group_of[ballot.pair[0]], group_of[ballot.pair[1]]):
            for answer in ballot.answers:
                liked = preferred(answer)
                said["ties" if not liked else "wins" if group_of[liked] == label else "losses"] += ballot.share
                said["both_bad"] += ballot.share * (answer.choice is Choice.BOTH_BAD)
                said["votes"] += ballot.share
    unknown = float("nan")
    return RankedItem(label, unknown, unknown, unknown, **{name: round(amount, 9) for name, amount in said.items()})


def _missing(counts: Sequence[RankedItem], used: int, islands: int) -> int:
    if len(counts) < 2:
        return 0
    short = sum(max(0.0, LEAST_PER_ITEM - item.votes) for item in counts)
    return max(LEAST_VOTES - used, int(-(-short // 2)), islands - 1, 0)


def _with_strengths(
    ranking: Ranking, between: Sequence[_Ballot], group_of: Mapping[str, str], resamples: int, seed: int
) -> Ranking:
    from .intervals import bootstrap
    from .strengths import fit, tally_of, without_noise

    def tally_by(labels: Sequence[str]) -> tuple[Any, Any]:
        number = {label: place for place, label in enumerate(labels)}
        return tally_of(_outcomes(between, {key: number[group] for key, group in group_of.items()}), len(labels))

    # What is drawn at random is drawn for the strongest first: else the names, which stand for nothing, would have a say in it.
    item_of = {item.label: item for item in ranking.items}
    strengths = without_noise(fit(tally_by(list(item_of))[0]).strengths)[0]
    strength_of = dict(zip(item_of, strengths, strict=True))
    labels = sorted(item_of, key=lambda label: (-strength_of[label], by_name(label)))
    tally, drawn = tally_by(labels)
    found = bootstrap(tally, drawn, resamples=resamples, seed=seed)
    halves = found.half_widths()
    pairs = [
        pair
        for pair in itertools.combinations(range(len(labels)), 2)
        if len(labels) <= MOST_FOR_ALL_PAIRS or pair[0] == 0 or pair[1] == pair[0] + 1
    ]
    sizes, errors, half = found.contrasts(pairs)
    differences = tuple(
        Difference(labels[one], labels[other], float(size), float(size - h), float(size + h))
        for (one, other), size, h in zip(pairs, sizes, half, strict=True)
    )
    first_second = pairs.index((0, 1))
    wins = all(difference.low > 0 for (one, _), difference in zip(pairs, differences, strict=True) if one == 0)
    items = [
        dataclasses.replace(
            item_of[label],
            strength=float(found.strengths[place]),
            low=float(found.strengths[place] - halves[place]),
            high=float(found.strengths[place] + halves[place]),
        )
        for place, label in enumerate(labels)
    ]
    return dataclasses.replace(
        ranking,
        items=tuple(items),
        differences=differences,
        winner=items[0].label if wins else None,
        more_to_tell=0
        if differences[first_second].is_told
        else _more(float(sizes[first_second]), float(errors[first_second]), ranking.used),
        tie=found.tie,
        resamples=resamples,
    )


def _more(size: float, error: float, used: int) -> int | None:
    """More votes of the kind there are, until the difference is `_POWER` of its standard errors: those shrink with the root."""
    if size * (MOST_MORE / used + 1) ** 0.5 < _POWER * error:
        return None
    return max(1, round(used * (_POWER * error / size) ** 2) - used)


def _luck(
    ballots: Sequence[_Ballot],
    group_of: Mapping[str, str],
    items: Sequence[str],
    block_of: Mapping[str, str] | None,
    seed: int,
) -> Luck:
    from .luck import judge_luck
    from .strengths import tally_of

    # A clip that nobody judged says nothing of luck, and does not make a second take.
    judged = {key for ballot in ballots for key in ballot.pair}
    number = {label: place for place, label in enumerate(items)}
    won = Counter(preferred(answer) for ballot in ballots for answer in ballot.answers)
    keys = sorted(judged, key=lambda key: (number[group_of[key]], -won[key], key))
    tally, _ = tally_of(_outcomes(ballots, {key: place for place, key in enumerate(keys)}), len(keys))
    blocks = None
    if block_of is not None:
        names = {name: place for place, name in enumerate(dict.fromkeys(block_of.get(key, "") for key in keys))}
        blocks = [names[block_of.get(key, "")] for key in keys]
    return judge_luck(tally, [number[group_of[key]] for key in keys], len(items), block_of=blocks, seed=seed)


def _outcomes(ballots: Sequence[_Ballot], number_of: Mapping[str, int]) -> list[tuple[int, int, float, float, float]]:
    """Of each ballot: the two numbers, and its shares for the first, for the second and for neither."""
    made = []
    for ballot in ballots:
        one, other = ballot.pair
        liked = Counter(preferred(answer) for answer in ballot.answers)
        first, second, neither = (ballot.share * liked[key] for key in (one, other, ""))
        made.append((number_of[one], number_of[other], first, second, neither))
    return made
