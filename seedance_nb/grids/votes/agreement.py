"""How raters did: agreement with each other, with themselves on repeated pairs, on gold pairs, and whether the sides chose for them. Pure."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from ...tracking.ledger.vote import Choice, Vote
from ..rankings.raters import Agreement, RaterReport

SIDES = (Choice.LEFT, Choice.RIGHT)
RESAMPLES = 999
"""Of the pairs, for the intervals of alpha."""
LEAST_PAIRS = 5
"""With fewer, no interval of alpha is given."""


def preferred(vote: Vote) -> str:
    """The key of the clip that was preferred; "" where neither was."""
    return vote.left if vote.choice is Choice.LEFT else vote.right if vote.choice is Choice.RIGHT else ""


def report_raters(votes: Sequence[Vote], gold: Sequence[Vote] = ()) -> tuple[RaterReport, ...]:
    """One report a rater, in the order of their names. A repeat counts as a look at the sides like any other vote.

    `gold` are their answers to pairs of a clip and its own damaged copy.
    """
    own: dict[str, tuple[list[Vote], list[Vote]]] = {vote.rater: ([], []) for vote in votes}
    for place, given in enumerate((votes, gold)):
        for vote in given:
            if vote.rater in own:
                own[vote.rater][place].append(vote)
    return tuple(_report(name, *own[name]) for name in sorted(own))


def _report(rater: str, votes: Sequence[Vote], gold: Sequence[Vote]) -> RaterReport:
    decided = [vote for vote in votes if vote.choice in SIDES]
    left = sum(vote.choice is Choice.LEFT for vote in decided)
    first_answer = originals(votes)
    repeats = [vote for vote in votes if vote.id in first_answer]
    low, high = wilson(left, len(decided))
    same = sum(preferred(vote) == preferred(first_answer[vote.id]) for vote in repeats)
    same_low, same_high = wilson(same, len(repeats))
    right = sum(vote.is_right is True for vote in gold)
    gold_low, gold_high = wilson(right, len(gold))
    seconds = [vote.seconds for vote in votes if vote.seconds is not None]
    return RaterReport(
        rater=rater,
        votes=len(votes),
        decided=len(decided),
        left=left,
        left_low=low,
        left_high=high,
        p_value=fair_coin(left, len(decided)),
        repeats=len(repeats),
        same=same,
        same_low=same_low,
        same_high=same_high,
        gold=len(gold),
        gold_right=right,
        gold_low=gold_low,
        gold_high=gold_high,
        seconds=statistics.median(seconds) if seconds else math.nan,
    )


def originals(votes: Iterable[Vote]) -> dict[str, Vote]:
    """Of each repeat, by its id, the vote it repeats. That a pair was shown before is looked up, not only believed.

    Where the id it names is not that of a vote on this pair (a page that asks for several aspects knows that of the first one
    only, or the vote was taken back), it is the rater's first vote on the same pair and aspect.
    """
    ordered = sorted(votes, key=lambda vote: (vote.at, vote.id))
    first: dict[tuple[str, str, frozenset[str]], Vote] = {}
    by_id = {vote.id: vote for vote in ordered if vote.repeats is None}
    for vote in ordered:
        if vote.repeats is None:
            first.setdefault(_question(vote), vote)
    found: dict[str, Vote] = {}
    for vote in ordered:
        if vote.repeats is not None:
            named = by_id.get(vote.repeats)
            before = named if named is not None and _question(named) == _question(vote) else first.get(_question(vote))
            if before is not None:
                found[vote.id] = before
            else:  # the vote it repeats is gone: this is now the first answer
                first[_question(vote)] = vote
    return found


def _question(vote: Vote) -> tuple[str, str, frozenset[str]]:
    return vote.rater, vote.aspect, frozenset((vote.left, vote.right))


def measure_agreement(votes: Iterable[Vote], seed: int = 0) -> Agreement:
    """Over pairs of clips that two raters or more judged; of several answers of one rater to a pair the first counts.

    Answers are "this clip", "that clip" or "neither" (tie, both bad). Alpha is Krippendorff's (K. Krippendorff, "Content Analysis", 2004,
    chapter 11), the two clips being exchangeable: what chance gives is computed as if every pair had been named both ways round, so that
    the order of names changes nothing. Then the ordinal distance between two clips is twice that between a clip and neither.
    """
    answers: dict[frozenset[str], dict[str, str]] = {}
    for vote in sorted(votes, key=lambda vote: (vote.at, vote.id)):
        answers.setdefault(frozenset((vote.left, vote.right)), {}).setdefault(vote.rater, preferred(vote))
    shared = [list(given.values()) for _, given in sorted(answers.items(), key=lambda item: sorted(item[0]))]
    shared = [given for given in shared if len(given) > 1]
    compared = [one == other for given in shared for one, other in itertools.combinations(given, 2)]
    if not compared:
        return Agreement(0, 0, None, None)
    (alpha, low, high), (ordinal, ordinal_low, ordinal_high) = (_alpha(shared, far, seed) for far in (1.0, 4.0))
    return Agreement(
        pairs=len(shared),
        comparisons=len(compared),
        equal=sum(compared) / len(compared),
        alpha=alpha,
        low=low,
        high=high,
        ordinal=ordinal,
        ordinal_low=ordinal_low,
        ordinal_high=ordinal_high,
    )


def _alpha(shared: Sequence[Sequence[str]], far: float, seed: int) -> tuple[float | None, float, float]:
    """Alpha and its 95 % interval, where two clips lie `far` apart (squared distance) and each lies 1 from neither."""
    import numpy as np

    rows = []
    for given in shared:
        counted = Counter(given)
        neither = counted.pop("", 0)
        for_clips = [*counted.values(), 0, 0][:2]
        # Ordered pairs of unlike answers, by their distance, each pair of clips weighing as its answers do.
        unlike = 2 * (neither * sum(for_clips) + far * for_clips[0] * for_clips[1]) / (len(given) - 1)
        rows.append((unlike, neither, len(given)))
    table = np.array(rows, dtype=float)
    drawn = np.random.default_rng(seed).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), RESAMPLES)
    unlike, neither, total = (np.vstack([np.ones(len(rows)), drawn]) @ table).T
    each_side = (total - neither) / 2
    by_chance = 4 * neither * each_side + 2 * far * each_side**2
    with np.errstate(divide="ignore", invalid="ignore"):
        alphas = 1 - (total - 1) * unlike / by_chance
    if not by_chance[0]:
        return None, math.nan, math.nan
    known = alphas[1:][by_chance[1:] > 0]
    if len(rows) < LEAST_PAIRS or len(known) < RESAMPLES / 2:
        return float(alphas[0]), math.nan, math.nan
    low, high = np.quantile(known, [0.025, 0.975])
    return float(alphas[0]), float(low), float(high)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927); (0, 1) for no trials."""
    if not trials:
        return 0.0, 1.0
    z = 1.959964
    share, spread = successes / trials, z * z / trials
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def fair_coin(heads: int, throws: int) -> float:
    """Two-sided exact binomial test against one half: how likely a fair coin is at least this far from it."""
    fewer = min(heads, throws - heads)
    tail = sum(math.comb(throws, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / (1 << throws))
