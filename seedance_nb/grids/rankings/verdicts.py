"""From the votes on one island of items to its verdict: strengths, intervals, which pairs are distinguished, how many votes more would do so.

Two questions, two answers. `of_levels`: how strong is an item, clips (and raters) being draws? `of_clips`: how do these very clips
stand with these very raters? Pure; numpy.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .crowds import LEAST_GROUPS, MOST_GROUPS, in_groups
from .intervals import bootstrap
from .item_spread import chance_to_tell, item_spread
from .mixed_model import MOST_UNKNOWNS, Evidence, Levels, Model, effects_of, fit_levels
from .ranking import MOST_MORE, Comparison, Luck
from .rows import chance
from .strengths import Array, fit, tally_of, without_noise

WRONG = 0.05
"""The share of studies in which any pair is distinguished wrongly is at most this (family-wise error rate)."""
LOOKED = 0.0025
"""The same for somebody who looks again and again: three standard errors instead of two, which of two equals, looked at after every few votes
from 20 to 5,000, only 1 in 20 ever passes. Early looks at three and a last one at two are the rule of J. L. Haybittle (Br. J. Radiol. 44, 1971)."""
_FARTHER = 3.023 / 1.960
"""Standard errors at LOOKED against those at WRONG."""
MOST_FOR_ALL_PAIRS = 12
RESAMPLES, RESAMPLES_OF_MANY, MANY_ITEMS = 999, 199, 30
POWER = 0.8
"""Forecasts of more votes come true so often."""
LEAST_VOTES_PER_CLIP = 5.0
_LUCK_DRAWS = 4000
_LUCK_PARTS = ("items", "takes", "products", "raters")


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One piece of evidence: two clips, who judged them, and its shares for the first, the second and neither."""

    first: str
    second: str
    rater: str
    shares: tuple[float, float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """`labels` strongest first with their `strengths` and 95 % intervals `low`, `high`; `pairs` of them; see `Ranking` for the rest."""

    labels: tuple[str, ...]
    strengths: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    pairs: tuple[Comparison, ...]
    winner: str | None
    more_to_tell: int | None
    tie: float
    told_at_most: float = math.nan
    resamples: int = 0
    lacks: tuple[str, ...] = ()
    is_settled: bool = False
    more_as_likely_as_not: int | None = None


def order_of(answers: Sequence[Answer], group_of: Mapping[str, str], labels: Sequence[str]) -> list[str]:
    """The labels, strongest first by the votes alone. Whatever is computed in an order is computed in this one: names have no say in it."""
    number = {label: place for place, label in enumerate(labels)}
    between = _between(answers, group_of)
    found = without_noise(fit(tally_of(_outcomes(between, group_of, number), len(labels))[0]).strengths)[0]
    won = dict.fromkeys(labels, 0.0)
    for answer in between:
        won[group_of[answer.first]] += answer.shares[0]
        won[group_of[answer.second]] += answer.shares[1]
    return sorted(labels, key=lambda label: (-found[number[label]], -round(won[label], 9), number[label]))


# Levels: clips and raters are draws -------------------------------------------------------------------------


def evidence_of(
    answers: Sequence[Answer], group_of: Mapping[str, str], block_of: Mapping[str, str], labels: Sequence[str]
) -> Evidence:
    """The answers in numbers: items in the order of `labels`, clips in that of their items, the most liked first."""
    item = {label: place for place, label in enumerate(labels)}
    liked: dict[str, float] = {}
    for answer in answers:
        liked[answer.first] = liked.get(answer.first, 0.0) + answer.shares[0]
        liked[answer.second] = liked.get(answer.second, 0.0) + answer.shares[1]
    clips = sorted(liked, key=lambda key: (item[group_of[key]], -round(liked[key], 9), key))
    clip = {key: place for place, key in enumerate(clips)}
    block = {name: place for place, name in enumerate(dict.fromkeys(block_of.get(key, "") for key in clips))}
    raters = {name: place for place, name in enumerate(sorted({answer.rater for answer in answers}))}
    counts: dict[tuple[int, int, int], Array] = {}
    for answer in answers:
        one, other, (for_one, for_other, neither) = clip[answer.first], clip[answer.second], answer.shares
        if one > other:
            one, other, for_one, for_other = other, one, for_other, for_one
        row = counts.setdefault((one, other, raters[answer.rater]), np.zeros(3))
        row += (for_one, for_other, neither)
    rows = sorted(counts)
    numbers = np.array(rows, dtype=np.intp).reshape(-1, 3)
    return Evidence(
        first=numbers[:, 0],
        second=numbers[:, 1],
        rater=numbers[:, 2],
        counts=np.array([counts[row] for row in rows]).round(9),
        item_of=np.array([item[group_of[key]] for key in clips], dtype=np.intp),
        block_of=np.array([block[block_of.get(key, "")] for key in clips], dtype=np.intp),
        items=len(labels),
    )


def levels_of(evidence: Evidence, *, raters_are_draws: bool) -> Levels | None:
    """What the votes say of the levels; None where that would take minutes. Of a crowd of raters several are fitted as one."""
    unknowns = Model(evidence, effects_of(evidence, raters_are_draws=raters_are_draws)).unknowns
    if unknowns <= MOST_UNKNOWNS:
        return fit_levels(evidence, raters_are_draws=raters_are_draws)
    if not raters_are_draws:
        return None
    room = MOST_UNKNOWNS - Model(evidence, effects_of(evidence, raters_are_draws=False)).unknowns
    groups = min(MOST_GROUPS, room // evidence.items)
    if groups < LEAST_GROUPS:
        return None
    grouped, together = in_groups(evidence, groups)
    return dataclasses.replace(fit_levels(grouped), together=together)


def of_levels(
    levels: Levels, labels: Sequence[str], used: int, *, raters_are_draws: bool, is_early: bool = False
) -> Verdict:
    """Who is stronger, takes being draws and, if asked, raters too. No pair is distinguished without a second take and a second rater.

    `is_early`: votes are still to come, so pairs are distinguished only where that holds however often one looks.
    """
    lacks = () if {"take", "product"} & levels.told else ("takes",)
    if raters_are_draws and "rater" not in levels.told:
        lacks = (*lacks, "raters")
    strengths = levels.strengths
    places = sorted(range(len(labels)), key=lambda place: -strengths[place])
    chosen = _pairs_of(places)
    contrasts = _contrasts(chosen, len(labels))
    low, high = levels.intervals(contrasts)
    doubts = levels.doubts(contrasts)
    wrong, tests = LOOKED if is_early else WRONG, len(labels) * (len(labels) - 1) // 2
    told = _holm(doubts, tests, wrong) & (not lacks)
    settled = _holm(doubts, tests, LOOKED) & (not lacks)
    sizes = contrasts @ strengths
    random_clips = np.stack(levels.of_random_clips(contrasts, levels.spreads), axis=1)
    pairs = tuple(
        _comparison(labels[one], labels[other], size, bottom, top, is_told, of_random)
        for (one, other), size, bottom, top, is_told, of_random in zip(
            chosen, sizes, low, high, told, random_clips, strict=True
        )
    )
    centred = np.eye(len(labels)) - 1 / len(labels)
    bottom, top = levels.intervals(centred)
    first, second = chosen[0]
    more: int | None = 0 if pairs[0].told else None
    at_most, as_likely = math.nan, None
    if not pairs[0].told and not lacks:
        more, as_likely, at_most = _more(
            levels, first, second, float(sizes[0]), used, wrong / (tests - int(told.sum()))
        )
    return Verdict(
        labels=tuple(labels[place] for place in places),
        strengths=tuple(float(strengths[place]) for place in places),
        low=tuple(float(bottom[place]) for place in places),
        high=tuple(float(top[place]) for place in places),
        pairs=pairs,
        winner=_winner(pairs),
        more_to_tell=more,
        told_at_most=at_most,
        more_as_likely_as_not=as_likely,
        tie=levels.tie,
        lacks=lacks,
        is_settled=_beats_all(chosen, settled),
    )


def _more(levels: Levels, one: int, other: int, size: float, used: int, wrong: float) -> _Foretold:
    """Votes more, by these raters on these clips, after which a test distinguishes the two with POWER.

    None where votes alone cannot do it. `wrong` is how rarely this pair may be told wrongly. Not knowing the spreads makes the test ask for more
    than a normal's standard errors; it will go on asking for as many more.
    """
    contrast = _contrasts([(one, other)], levels.means.shape[1])
    wanted = float(levels.farthest(contrast, wrong)[0]) / levels.error(one, other, 1.0)
    mean = levels.weights @ levels.means
    away = levels.means - mean
    covariance = np.einsum("n,nij->ij", levels.weights, levels.covariances) + (levels.weights * away.T) @ away
    spread = item_spread(mean, covariance, are_apart=True)
    fixed = levels.error(one, other, 1e7)

    def told(more: int) -> float:
        later = levels.error(one, other, 1 + more / used)
        return chance_to_tell(spread, size, now=levels.error(one, other, 1.0), later=later, fixed=fixed, wanted=wanted)

    return _enough(told)


_Foretold = tuple[int | None, int | None, float]
"""Votes more that distinguish two items with POWER, and, where none do, as likely as not; the chance of MOST_MORE."""


def _enough(told: Callable[[int], float]) -> _Foretold:
    """By `told(votes)`, the first round numbers of votes that do."""
    most = told(MOST_MORE)
    if most >= POWER:
        return _first_round(told, POWER), None, most
    return None, _first_round(told, 0.5) if most >= 0.5 else None, most


def _first_round(told: Callable[[int], float], chance_of_it: float) -> int:
    """By halving, as more tell more."""
    rounds = _round_numbers()
    low, high = 0, len(rounds) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if told(rounds[middle]) >= chance_of_it else (middle + 1, high)
    return rounds[low]


def _round_numbers() -> list[int]:
    """10 … MOST_MORE, two figures each: coarser ones are rounded up so far that forecasts come true too often."""
    return [step * size for size in (1, 10, 100) for step in range(10, 100) if step * size <= MOST_MORE]


def judge_luck(levels: Levels | None, evidence: Evidence, *, clips: int, items: int, seed: int) -> Luck:
    """Do items differ by more than the clips of one item do, and what makes votes differ at all."""
    blank = Luck("no takes", clips=clips, clips_per_item=clips / max(1, items))
    if levels is None:
        return dataclasses.replace(blank, verdict="too many clips")
    if not {"take", "product"} & levels.told:
        return blank
    if 2 * evidence.counts.sum() / len(evidence.item_of) < LEAST_VOTES_PER_CLIP:
        return dataclasses.replace(blank, verdict="too few votes")
    generator = np.random.default_rng(seed)
    between, chosen = _between_items(levels, _LUCK_DRAWS, generator)
    spreads = [levels.spread_around(name, chosen, generator) for name in ("take", "product", "rater")]
    within = np.hypot(spreads[0], spreads[1])
    (middle,), (low,), (high,) = _shortest((between / within)[None])
    variances = np.array([between, *spreads]) ** 2
    shares = np.array(_shortest(variances / variances.sum(axis=0))).T
    for place in range(len(shares)):
        # Where all others may be nothing, this one may be all there is.
        if (np.delete(shares[:, 1], place) < 0.005).all():
            shares[place, 2] = 1.0
    contrasts = _contrasts(list(itertools.combinations(range(evidence.items), 2)), evidence.items)
    p_value = min(1.0, float(levels.doubts(contrasts).min()) * len(contrasts))
    there = {"items", *(f"{name}s" for name in levels.told)}
    return dataclasses.replace(
        blank,
        verdict="told" if p_value < WRONG else "not told",
        between=float(np.median(between)),
        within=float(np.median(within)),
        ratio=float(middle),
        ratio_low=float(low),
        ratio_high=float(high),
        p_value=p_value,
        shares={
            name: (float(row[0]), float(row[1]), float(row[2]))
            for name, row in zip(_LUCK_PARTS, shares, strict=True)
            if name in there
        },
    )


def _shortest(drawn: Array) -> tuple[Array, Array, Array]:
    """Of each row (middle, low, high): the shortest interval of 95 %. Where nothing is the likeliest it begins there; between two quantiles nothing never lies."""
    ordered = np.sort(drawn, axis=1)
    kept = math.ceil((1 - WRONG) * ordered.shape[1])
    widths = ordered[:, kept - 1 :] - ordered[:, : ordered.shape[1] - kept + 1]
    rows, first = np.arange(len(ordered)), widths.argmin(axis=1)
    return np.median(ordered, axis=1), ordered[rows, first], ordered[rows, first + kept - 1]


def _between_items(levels: Levels, count: int, generator: np.random.Generator) -> tuple[Array, npt.NDArray[np.intp]]:
    """(count,) how far items may truly lie apart, and (count,) which choice of the other spreads each was drawn for."""
    times = generator.multinomial(count, levels.weights)
    drawn = [
        item_spread(mean, covariance).drawn(int(number), generator)
        for mean, covariance, number in zip(levels.means, levels.covariances, times, strict=True)
    ]
    return np.concatenate(drawn), np.repeat(np.arange(len(times)), times)


# These clips, these raters ----------------------------------------------------------------------------------


def of_clips(
    answers: Sequence[Answer],
    group_of: Mapping[str, str],
    labels: Sequence[str],
    *,
    resamples: int | None,
    seed: int,
    is_early: bool = False,
) -> Verdict:
    """How these very clips stand with these very raters: by bootstrap, votes being the only draws. `is_early` as in `of_levels`."""
    if resamples is None:
        resamples = RESAMPLES if len(labels) <= MANY_ITEMS else RESAMPLES_OF_MANY
    number = {label: place for place, label in enumerate(labels)}
    tally, drawn = tally_of(_outcomes(_between(answers, group_of), group_of, number), len(labels))
    found = bootstrap(tally, drawn, resamples=resamples, seed=seed)
    halves = found.half_widths()
    places = sorted(range(len(labels)), key=lambda place: -found.strengths[place])
    chosen = _pairs_of(places)
    sizes, errors, half = found.contrasts(chosen)
    # All pairs together: how far the pair that strays most strays, in standard errors.
    wanted = found.farthest(1 - WRONG)
    settled = np.abs(sizes) > _FARTHER * wanted * errors
    wanted *= _FARTHER if is_early else 1.0
    told = np.abs(sizes) > wanted * errors
    pairs = tuple(
        _comparison(labels[one], labels[other], size, size - h, size + h, is_told, (math.nan,) * 3)
        for (one, other), size, h, is_told in zip(chosen, sizes, half, told, strict=True)
    )
    used, more, as_likely, at_most = int(drawn.sum()), 0 if pairs[0].told else None, None, math.nan
    if not pairs[0].told:
        spread = item_spread(found.strengths, found.fit.covariance[0], are_apart=True)
        error = float(errors[0])

        def told_after(votes: int) -> float:
            later = error / math.sqrt(1 + votes / used)
            return chance_to_tell(spread, float(sizes[0]), now=error, later=later, fixed=0.0, wanted=wanted)

        more, as_likely, at_most = _enough(told_after)
    return Verdict(
        labels=tuple(labels[place] for place in places),
        strengths=tuple(float(found.strengths[place]) for place in places),
        low=tuple(float(found.strengths[place] - halves[place]) for place in places),
        high=tuple(float(found.strengths[place] + halves[place]) for place in places),
        pairs=pairs,
        winner=_winner(pairs),
        more_to_tell=more,
        told_at_most=at_most,
        more_as_likely_as_not=as_likely,
        tie=found.tie,
        resamples=resamples,
        is_settled=_beats_all(chosen, settled),
    )


# Both ---------------------------------------------------------------------------------------------------------


def _between(answers: Sequence[Answer], group_of: Mapping[str, str]) -> list[Answer]:
    return [answer for answer in answers if group_of[answer.first] != group_of[answer.second]]


def _outcomes(
    answers: Sequence[Answer], group_of: Mapping[str, str], number: Mapping[str, int]
) -> list[tuple[int, int, float, float, float]]:
    return [(number[group_of[a.first]], number[group_of[a.second]], *a.shares) for a in answers]


def _pairs_of(places: Sequence[int]) -> list[tuple[int, int]]:
    """All pairs of up to MOST_FOR_ALL_PAIRS items, else the first with each and neighbours; the stronger first."""
    ranks = range(len(places))
    return [
        (places[one], places[other])
        for one, other in itertools.combinations(ranks, 2)
        if len(places) <= MOST_FOR_ALL_PAIRS or one == 0 or other == one + 1
    ]


def _contrasts(pairs: Sequence[tuple[int, int]], items: int) -> Array:
    matrix = np.zeros((len(pairs), items))
    for row, (one, other) in enumerate(pairs):
        matrix[row, one], matrix[row, other] = 1.0, -1.0
    return matrix


def _comparison(
    a: str, b: str, size: float, low: float, high: float, told: bool, random_clips: Iterable[float]
) -> Comparison:
    """From log-odds; `random_clips` is the chance (middle, low, high) of random clips."""
    middle, bottom, top = (chance(float(odds)) for odds in (size, low, high))
    return Comparison(a, b, middle, bottom, top, bool(told), float(size), *(float(share) for share in random_clips))


def _holm(doubts: Array, tests: int, wrong: float) -> npt.NDArray[np.bool_]:
    """Which of these hypotheses are rejected, with family-wise error rate `wrong` among `tests` (S. Holm, Scand. J. Statist. 6, 1979)."""
    rejected = np.zeros(len(doubts), dtype=bool)
    for done, row in enumerate(np.argsort(doubts, kind="stable")):
        if doubts[row] * (tests - done) > wrong:
            break
        rejected[row] = True
    return rejected


def _winner(pairs: Sequence[Comparison]) -> str | None:
    first = pairs[0].a
    return first if all(pair.told for pair in pairs if pair.a == first) else None


def _beats_all(pairs: Sequence[tuple[int, int]], told: npt.NDArray[np.bool_]) -> bool:
    """Whether the first is told from every other."""
    return all(is_told for (one, _), is_told in zip(pairs, told, strict=True) if one == pairs[0][0])


def _normal_point(tail: float) -> float:
    """The point above which a standard normal lies that rarely."""
    low, high = 0.0, 9.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * math.erfc(middle / math.sqrt(2)) > tail else (low, middle)
    return low
