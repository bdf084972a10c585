"""Honest answers: studies with a known truth, and how often what a ranking claims of it holds.

A study is a design (items, takes, blocks, raters, votes, ties) and a truth: levels of the items, and how far takes, what an item does in
a block, and the tastes of raters stray (standard deviations, log-odds). Columns: the share of 95 % intervals of the items' levels that
hold the truth (intervals may hold more where nothing can be told); studies in which a winner is named, in which a wrong one is, and in
which any pair is told the wrong way or told though it is equal. Budgets: 93 to 97 % (more only where fewer than one study in twenty tells
anything), 5 %, 5 %; with 200 studies a share of 5 % is told from 5 % to within 3.

    python -m benchmarks vote_coverage
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Iterator, Sequence

from benchmarks import require
from seedance_nb.grids.votes.votes import next_pair, rank
from seedance_nb.tracking.ledger.vote import Choice, Vote

STUDIES = 200


@dataclasses.dataclass(frozen=True)
class Design:
    """`levels` of the items; spreads `take`, `product`, `taste`; `chooser`: "random" pairs, or the tool's "own"; `of` the question asked."""

    name: str
    levels: Sequence[float]
    takes: int = 3
    blocks: int = 1
    raters: int = 6
    votes: int = 200
    take: float = 0.8
    product: float = 0.0
    taste: float = 0.0
    ties: float = 0.5
    chooser: str = "random"
    of: str = "levels"
    bridge: int = 0
    """With it: the items are two islands, and so many votes go across."""


EQUAL = (0.0, 0.0, 0.0)
DESIGNS = (
    *(Design(f"3 equal prompts, {n} takes", EQUAL, takes=n, votes=120) for n in (1, 2, 3, 5)),
    Design("3 equal prompts, 2 takes, luck 1.5", EQUAL, takes=2, take=1.5, votes=120),
    Design("3 equal prompts, 2 takes, no luck", EQUAL, takes=2, take=0.0, votes=120),
    Design("2 equal models, 6 prompts x 4", (0, 0), takes=4, blocks=6, product=0.8, take=0.5, votes=300),
    Design("2 equal models, 4 prompts x 8", (0, 0), takes=8, blocks=4, product=0.8, take=0.5, votes=300),
    Design("3 equal models, 8 prompts x 1", EQUAL, takes=1, blocks=8, product=0.8, take=0.5, votes=300),
    Design("2 models 1.5 apart, 6 prompts x 3", (0, 1.5), takes=3, blocks=6, product=0.5, take=0.5, votes=300),
    *(
        Design(f"3 equal, {n} raters of taste 1.0", EQUAL, takes=4, raters=n, taste=1.0, take=0.3, votes=40 * n)
        for n in (1, 2, 3, 5, 10)
    ),
    Design("3 equal, 20 raters of taste 1.0", EQUAL, takes=4, raters=20, taste=1.0, take=0.3, votes=400),
    Design("1 rater, of these raters", (0, 0.5, 1.0), takes=5, raters=1, votes=150, of="raters"),
    Design("12 equal, random pairs, 200 votes", [0.0] * 12, takes=2, take=0.0, votes=200),
    Design("12 equal, random pairs, 400 votes", [0.0] * 12, takes=2, take=0.0, votes=400),
    Design("12 equal, own pairs, 200 votes", [0.0] * 12, takes=2, take=0.0, votes=200, chooser="own"),
    Design("12 equal, own pairs, 400 votes", [0.0] * 12, takes=2, take=0.0, votes=400, chooser="own"),
    Design("12 equal clips, own pairs, 400 votes", [0.0] * 12, takes=1, take=0.0, votes=400, chooser="own", of="clips"),
    Design("2 equal, own pairs", (0, 0), takes=5, votes=120, chooser="own"),
    Design("5 apart by 0.5, own pairs", [n / 2 for n in range(5)], takes=3, votes=240, chooser="own"),
    Design("islands 3 apart, 1 vote across", (0, 0.5, 3, 3.5), takes=3, votes=160, bridge=1),
    Design("islands 6 apart, 6 votes across", (0, 0.5, 6, 6.5), takes=3, votes=160, bridge=6),
    Design("no ties", (0, 0.7, 1.4), ties=0.0, votes=240),
    Design("60 % ties", (0, 0.7, 1.4), ties=3.0, votes=240),
    Design("2 equal, 20 votes", (0, 0), takes=2, votes=24),
    Design("6 unequal, 4 takes", (-1, -0.5, 0, 0, 0.5, 1), takes=4, votes=360, taste=0.5),
    Design("8 equal, 3 takes", [0.0] * 8, takes=3, votes=400, taste=0.5),
    Design("two best alike", (0, 1.5, 1.5), takes=5, votes=300, taste=0.5),
    Design("a best by 1.8, 8 takes, 12 raters", (0, 1.8), takes=8, raters=12, votes=240, taste=0.5),
    Design("three clips, these clips", (-1, 0, 1), takes=1, take=0.0, votes=300, raters=60, of="clips"),
    Design("9 clips, these clips", [n / 4 - 1 for n in range(9)], takes=1, take=0.0, votes=400, raters=60, of="clips"),
)


def run() -> Iterator[str]:
    yield f"{'design':<40}{'held':>9}{'winner':>9}{'wrong':>8}{'any wrong pair':>16}"
    for design in DESIGNS:
        yield line(design, STUDIES)


def line(design: Design, studies: int) -> str:
    generator = random.Random(1952)
    names = [chr(ord("a") + place) for place in range(len(design.levels))]
    level = dict(zip(names, design.levels, strict=True))
    held, winners, wrong, wrong_pairs = [], 0, 0, 0
    for _ in range(studies):
        ranking = study(design, names, level, generator)
        for part in ranking.islands:
            middle = sum(level[name] for name in part) / len(part)
            held += [
                row.low <= level[row.label] - middle <= row.high
                for row in ranking.table
                if row.label in part and not math.isnan(row.strength)
            ]
        winners += ranking.winner is not None
        wrong += ranking.winner is not None and level[ranking.winner] <= max(
            value for name, value in level.items() if name != ranking.winner
        )
        wrong_pairs += any(pair.told and level[pair.a] <= level[pair.b] for pair in ranking.pairs)
    require(held, f"{design.name}: no ranking had an interval")
    share = f"{100 * sum(held) / len(held):.1f} %"
    return (
        f"{design.name:<40}{share:>9}{100 * winners / studies:>7.1f} %{100 * wrong / studies:>6.1f} %"
        f"{100 * wrong_pairs / studies:>14.1f} %"
    )


def study(design: Design, names: Sequence[str], level: dict[str, float], generator: random.Random):
    blocks = range(design.blocks)
    group_of = {f"{name}/{block}/{take}": name for name in names for block in blocks for take in range(design.takes)}
    block_of = {key: key.split("/")[1] for key in group_of}
    product = {(name, str(block)): generator.gauss(0, design.product) for name in names for block in blocks}
    clip = {
        key: level[name] + product[name, block_of[key]] + generator.gauss(0, design.take)
        for key, name in group_of.items()
    }
    raters = [f"rater {n}" for n in range(design.raters)]
    taste = {(rater, name): generator.gauss(0, design.taste) for rater in raters for name in names}
    votes: list[Vote] = []
    for number in range(design.votes):
        rater = raters[number % len(raters)]
        left, right, repeats = _pair(design, names, group_of, block_of, votes, rater, generator, number)
        x = clip[left] + taste[rater, group_of[left]] - clip[right] - taste[rater, group_of[right]]
        weights = [math.exp(x / 2), math.exp(-x / 2), design.ties]
        choice = generator.choices([Choice.LEFT, Choice.RIGHT, Choice.TIE], weights)[0]
        votes.append(Vote(f"v{number}", rater, "overall", left, right, choice, float(number), repeats))
    blocks_said = block_of if design.blocks > 1 else None
    return rank(votes, group_of, of=design.of, block_of=blocks_said, resamples=399)


def _pair(design, names, group_of, block_of, votes, rater, generator, number):
    if design.chooser == "own":
        pair = next_pair(list(group_of), group_of, votes, rater=rater, rng=generator)
        return pair.left, pair.right, pair.repeats
    half = len(names) // 2
    while True:
        left, right = generator.sample(list(group_of), 2)
        one, other = names.index(group_of[left]), names.index(group_of[right])
        across = (one < half) != (other < half)
        if (
            one != other
            and block_of[left] == block_of[right]
            and (not design.bridge or across == (number < design.bridge))
        ):
            return left, right, None
