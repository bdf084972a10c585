"""Which two clips to show next: the pair of which least is known, now and then a pair again. Pure; numpy at the first call."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...tracking.ledger.vote import Vote
from .agreement import originals

REPEAT_AFTER = 5
"""Pairs shown in between before one comes again: who remembers the answer repeats it."""
OVERLAP_SHARE = 0.2
"""Of the pairs shown to a rater, how many another rater has judged: without any, nobody knows whether they agree."""
WITHIN_SHARE = 0.1
"""Of the pairs shown, how many are two clips of one item: they tell best what is luck."""
_NEARLY_LARGEST = 0.9


@dataclass(frozen=True, slots=True)
class Pair:
    """Two clips to be shown, by the keys of their jobs, on their sides."""

    left: str
    right: str
    repeats: str | None = None
    """The id of this rater's vote (on the first of the aspects) whose pair this is, sides swapped: goes into `Vote.repeats`."""
    exhausted: bool = False
    """This rater has seen every pair: more votes of theirs tell of their consistency only."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was asked before: votes on the first aspect, and of all pairs who judged them and how often a clip was shown."""

    votes: tuple[Vote, ...]
    mine: tuple[Vote, ...]
    raters_of: Mapping[frozenset[str], set[str]]
    shown: Counter[str]


def next_pair(
    keys: Sequence[str],
    group_of: Mapping[str, str],
    votes: Sequence[Vote],
    *,
    aspects: Sequence[str] = ("overall",),
    rater: str,
    rng: random.Random,
    repeat_share: float = 0.1,
    block_of: Mapping[str, str] | None = None,
) -> Pair | None:
    """The pair to show to this rater next, sides by coin; None where there are no two clips. The same `rng` state, the same pair.

    It is the pair of items whose difference is least sure by how often they met, whatever the answers were: who asks most about what
    seems alike so far gets intervals that do not hold (`benchmarks/vote_coverage.py`). Of their clips it is two of one block
    (`block_of`: the prompt, where models are compared) that this rater has not seen together and that were shown least. A tenth are two
    clips of one item, for luck; a fifth, pairs that another rater judged, for agreement; `repeat_share` are this rater's own
    earlier pairs, sides swapped, at least REPEAT_AFTER pairs later. Who has seen all gets their pairs again, as repeats.
    """
    clips = list(dict.fromkeys(key for key in keys if key in group_of))
    if len(clips) < 2:
        return None
    seen = _look_back(clips, votes, aspects, rater)
    if rng.random() < repeat_share and (again := _again(seen, rng, REPEAT_AFTER)) is not None:
        return again
    found = _overlap(seen, rater, rng) or _new(clips, group_of, seen, rater, rng, block_of or {})
    if found is None:
        again = _again(seen, rng, 0) or _again(seen, rng, 0, anew=True)
        return None if again is None else replace(again, exhausted=True)
    one, other = found
    return Pair(one, other) if rng.random() < 0.5 else Pair(other, one)


def _look_back(clips: Sequence[str], votes: Sequence[Vote], aspects: Sequence[str], rater: str) -> _Seen:
    there, asked = set(clips), set(aspects)
    about = [v for v in votes if v.aspect in asked and v.left != v.right and v.left in there and v.right in there]
    raters_of: dict[frozenset[str], set[str]] = {}
    for vote in about:
        raters_of.setdefault(frozenset((vote.left, vote.right)), set()).add(vote.rater)
    first = tuple(sorted((v for v in about if v.aspect == aspects[0]), key=lambda v: (v.at, v.id)))
    shown = Counter(key for vote in first for key in (vote.left, vote.right))
    # Whoever left the first aspect out has seen the pair all the same.
    answered = {frozenset((v.left, v.right)) for v in first if v.rater == rater}
    rest = {frozenset((v.left, v.right)): v for v in about if v.rater == rater}
    mine = [v for v in first if v.rater == rater] + [v for pair, v in rest.items() if pair not in answered]
    return _Seen(first, tuple(mine), raters_of, shown)


def _again(seen: _Seen, rng: random.Random, gap: int, *, anew: bool = False) -> Pair | None:
    """One of the rater's pairs with its sides swapped: one not repeated yet, or, `anew`, one repeated least."""
    original = originals(seen.mine)
    times = Counter(vote.id for vote in original.values())
    early = seen.mine[: max(0, len(seen.mine) - gap)] if gap else seen.mine[:-1] or seen.mine
    recent = {frozenset((vote.left, vote.right)) for vote in seen.mine[len(early) :]}
    ready = [v for v in early if v.id not in original and frozenset((v.left, v.right)) not in recent]
    least = min((times[vote.id] for vote in ready), default=0) if anew else 0
    ready = [vote for vote in ready if times[vote.id] == least]
    if not ready and anew:
        ready = [vote for vote in seen.mine if vote.id not in original]
    if not ready:
        return None
    vote = rng.choice(ready)
    swapped = times[vote.id] % 2 == 0
    return Pair(vote.right, vote.left, vote.id) if swapped else Pair(vote.left, vote.right, vote.id)


def _overlap(seen: _Seen, rater: str, rng: random.Random) -> tuple[str, str] | None:
    if rng.random() >= OVERLAP_SHARE:
        return None
    ready = sorted((len(raters), sorted(pair)) for pair, raters in seen.raters_of.items() if rater not in raters)
    if not ready:
        return None
    fewest = [pair for count, pair in ready if count == ready[0][0]]
    one, other = rng.choice(fewest)
    return one, other


def _new(
    clips: Sequence[str],
    group_of: Mapping[str, str],
    seen: _Seen,
    rater: str,
    rng: random.Random,
    block_of: Mapping[str, str],
) -> tuple[str, str] | None:
    """The best pair that this rater has not seen, or None."""
    members: dict[str, list[str]] = {}
    for key in clips:
        members.setdefault(group_of[key], []).append(key)
    own = [[(name, name)] for name, inside in members.items() if len(inside) > 1]
    rng.shuffle(own)
    across = _by_doubt(list(members), group_of, seen, rng) if len(members) > 1 else []
    within_first = rng.random() < WITHIN_SHARE
    for tier in [*own, *across] if within_first else [*across, *own]:
        candidates = [
            (block_of.get(one) != block_of.get(other), seen.shown[one] + seen.shown[other], rng.random(), one, other)
            for first, second in tier
            for one, other in _combinations(members, first, second)
            if rater not in seen.raters_of.get(frozenset((one, other)), ())
        ]
        if candidates:
            return min(candidates)[3:]
    return None


def _combinations(members: Mapping[str, list[str]], first: str, second: str) -> Iterable[tuple[str, str]]:
    if first == second:
        return itertools.combinations(members[first], 2)
    return itertools.product(members[first], members[second])


def _by_doubt(
    groups: Sequence[str], group_of: Mapping[str, str], seen: _Seen, rng: random.Random
) -> Iterable[list[tuple[str, str]]]:
    """Pairs of groups, the least sure first; any of the nearly least sure may stand first, so that few votes decide nothing.

    How sure: by how often groups met, directly or through others, as if every answer had been a toss. No answer has a say in it.
    """
    import numpy as np

    from ..rankings.strengths import Prior

    number = {group: place for place, group in enumerate(groups)}
    met = Counter((group_of[vote.left], group_of[vote.right]) for vote in seen.votes if vote.repeats is None)
    certainty = np.eye(len(groups)) / Prior().strength ** 2
    for (left, right), times in met.items():
        one, other = number[left], number[right]
        if one != other:
            certainty[[one, other], [one, other]] += 0.25 * times
            certainty[[one, other], [other, one]] -= 0.25 * times
    covariance = np.linalg.inv(certainty)
    first, second = np.triu_indices(len(groups), 1)
    doubt = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
    largest = np.flatnonzero(doubt >= _NEARLY_LARGEST * doubt.max())
    chosen = int(largest[rng.randrange(len(largest))])
    rest = [int(place) for place in np.argsort(-doubt, kind="stable") if place != chosen]
    for place in [chosen, *rest]:
        yield [(groups[first[place]], groups[second[place]])]
