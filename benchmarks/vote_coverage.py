"""Honest answers: studies with a known truth, and how often what a ranking claims of it holds.

A study is a design (items, takes, blocks, raters, votes, ties) and a truth: levels of the items, and how far takes, what an item does in
a block, and the tastes of raters stray (standard deviations, log-odds). Columns: the share of 95 % intervals that hold the truth, of the
items' levels, of what a random clip does against a random clip of another item, and of the shares of variance (intervals may hold more
where nothing can be told), and of the pairs that were told, if they truly differ, with how many those were; studies that claim anything (tell any pair), in
which a winner is named, in which a wrong one is, and in which any pair is told the wrong way or told though it is equal. Budgets: 93 to 97 % (more only where
fewer than one study in twenty tells anything), 5 %, 5 %; with 200 studies a share of 5 % is told from 5 % to within 3.

The last lines are forecasts: truths drawn anew for every study, a first round of votes, and where the words say that so many votes more
would probably (4 times in 5) tell the first two apart, so many more; the budget is 76 to 84 % over all of them. Where no number of votes is
named: the chance that is foretold for 5,000 more, on average, and how often they did.

`SEEDANCE_STUDIES=100` plays so many studies a design (200 otherwise) and half as many forecasts. With `SEEDANCE_STUDIES_FILE=studies.jsonl` what was
played is kept there, and whoever starts it again goes on; number 7 of a design is the same study whoever plays it.

    python -m benchmarks vote_coverage
"""

from __future__ import annotations

import dataclasses
import math
import os
import random
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import require
from benchmarks.kept import Kept
from seedance_nb.grids.votes.votes import missing_votes, next_pair, rank
from seedance_nb.tracking.ledger.vote import Choice, Vote

STUDIES = int(os.environ.get("SEEDANCE_STUDIES", "200"))
FORECASTS = max(1, STUDIES // 2)
"""Of each design."""
TOGETHER = 10
"""So many studies of one design, then of the next: whenever it is stopped, all designs have been played about as often."""
LOOK_EVERY = 20


@dataclasses.dataclass(frozen=True)
class Design:
    """`levels` of the items; spreads `take`, `product`, `taste`; `chooser`: "random" pairs, or the tool's "own"; `of` the question asked."""

    name: str
    levels: Sequence[float]
    takes: int | Sequence[int] = 3
    """Of each item, or of each by itself."""
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
    shown: Sequence[float] = ()
    """How often each item is shown, as weights; () equally."""
    busy: float = 0.0
    """The share of all votes that the first rater gives; the others share the rest."""
    stop: str = ""
    """"ballot": where the ballot says that it is enough for a ranking; "winner": the votes are registered, and looked at after every 20 of them,
    until a winner is named."""


EQUAL = (0.0, 0.0, 0.0)
ISSUE = (
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
    Design("2 equal, as long as the ballot says", (0, 0), takes=3, votes=400, chooser="own", stop="ballot"),
    Design("5 apart by 0.5, own pairs", [n / 2 for n in range(5)], takes=3, votes=240, chooser="own"),
    Design("islands 3 apart, 1 vote across", (0, 0.5, 3, 3.5), takes=3, votes=160, bridge=1),
    Design("islands 6 apart, 1 vote across", (0, 0.5, 6, 6.5), takes=3, votes=160, bridge=1),
    Design("islands 6 apart, 6 votes across", (0, 0.5, 6, 6.5), takes=3, votes=160, bridge=6),
    Design("no ties", (0, 0.7, 1.4), ties=0.0, votes=240),
    Design("60 % ties", (0, 0.7, 1.4), ties=3.0, votes=240),
    Design("2 equal, 24 votes", (0, 0), takes=2, votes=24),
    Design("6 unequal, 4 takes", (-1, -0.5, 0, 0, 0.5, 1), takes=4, votes=360, taste=0.5),
    Design("8 equal, 3 takes", [0.0] * 8, takes=3, votes=400, taste=0.5),
    Design("two best alike", (0, 1.5, 1.5), takes=5, votes=300, taste=0.5),
    Design("a best by 1.8, 8 takes, 12 raters", (0, 1.8), takes=8, raters=12, votes=240, taste=0.5),
    Design("three clips, these clips", (-1, 0, 1), takes=1, take=0.0, votes=300, raters=60, of="clips"),
    Design("9 clips, these clips", [n / 4 - 1 for n in range(9)], takes=1, take=0.0, votes=400, raters=60, of="clips"),
)
MORE = (
    Design("2 of 0.8 apart, 2 takes, 4 raters", (0, 0.8), takes=2, raters=4, votes=120, take=0.5, taste=0.5),
    Design("4 apart by 0.5, 5 takes, 20 raters", (0, 0.5, 1, 1.5), takes=5, raters=20, votes=400, taste=0.5),
    Design("5 unequal, 1 take, 8 blocks", (0, 0, 0.5, 1, 1), takes=1, blocks=8, votes=400, product=0.5, taste=0.3),
    Design("7 apart by 0.3, 4 takes, own pairs", [n * 0.3 for n in range(7)], takes=4, votes=350, chooser="own"),
    Design("12 unequal, 2 takes, own pairs", [n / 6 for n in range(12)], takes=2, votes=500, taste=0.3, chooser="own"),
    Design("10 equal, 5 takes, 10 raters", [0.0] * 10, takes=5, raters=10, votes=500, taste=0.5),
    Design("one shown a third as often", (0, 0.5, 1.0), takes=4, votes=240, shown=(1, 3, 3), taste=0.3),
    Design("the best shown five times as often", (0, 0, 0, 1.2), takes=4, votes=300, shown=(1, 1, 1, 5)),
    Design("half of the votes by one of 8", EQUAL, takes=4, raters=8, votes=240, taste=1.0, busy=0.5),
    Design("half by one of 8, unequal", (0, 0.6, 1.2), takes=5, raters=8, votes=320, taste=0.5, busy=0.5),
    Design("1, 2 and 6 takes", EQUAL, takes=(1, 2, 6), votes=200),
    Design("1, 5, 5 and 5 takes, unequal", (1.0, 0, 0.5, 1.0), takes=(1, 5, 5, 5), votes=320, taste=0.3),
    Design("3 models x 4 prompts x 2, own pairs", EQUAL, takes=2, blocks=4, product=0.8, votes=300, chooser="own"),
    Design("2 equal models, 2 prompts x 5", (0, 0), takes=5, blocks=2, product=0.8, take=0.5, votes=240),
    Design("2 equal models, 3 prompts x 3, taste", (0, 0), takes=3, blocks=3, product=0.8, taste=0.8, votes=240),
    Design(
        "4 models, 5 prompts x 2, unequal", (0, 0.4, 0.8, 1.2), takes=2, blocks=5, product=0.4, votes=400, taste=0.4
    ),
    Design("islands 2 apart, 5 votes across", (0, 0.5, 2, 2.5), takes=3, votes=200, bridge=5),
    Design("islands 1 apart, 10 votes across", (0, 0.5, 1, 1.5), takes=3, votes=240, bridge=10, taste=0.3),
    Design("60 % ties, equal, taste", EQUAL, takes=3, ties=3.0, votes=300, taste=0.5),
    Design("no ties, 5 equal, 3 raters", [0.0] * 5, takes=4, raters=3, ties=0.0, votes=240, taste=0.8),
    Design("40 % ties, 6 unequal, own pairs", (0, 0, 0.4, 0.8, 1.2, 1.2), takes=3, ties=1.33, votes=360, chooser="own"),
    Design("2 raters, 2 of 1.5 apart", (0, 1.5), takes=5, raters=2, votes=200, taste=0.7),
    Design("20 raters of 6 votes each", (0, 0.7, 1.4), takes=4, raters=20, votes=120, taste=0.7),
    Design("2 of 3.0 apart, 2 takes", (0, 3.0), takes=2, votes=120, take=0.5, taste=0.3),
    Design("raters like these, 2 raters", (0, 0.8), takes=5, raters=2, votes=160, taste=0.0, of="raters"),
    Design("2 equal, until a winner is seen", (0, 0), takes=5, raters=8, votes=300, taste=0.5, stop="winner"),
    Design("3 equal, until a winner is seen", EQUAL, takes=4, raters=8, votes=300, taste=0.5, stop="winner"),
    Design("2 equal, no luck, until a winner", (0, 0), takes=8, raters=20, votes=300, take=0.0, stop="winner"),
    Design("2 of 1.5 apart, until a winner", (0, 1.5), takes=8, raters=12, votes=300, taste=0.3, stop="winner"),
)
DESIGNS = (*ISSUE, *MORE)
FORECAST_DESIGNS = (
    Design("2 items, 12 takes, 20 raters", (0, 0), takes=12, raters=20, votes=60, take=0.3, taste=0.2),
    Design("3 items, 12 takes, 20 raters", EQUAL, takes=12, raters=20, votes=80, take=0.3, taste=0.2),
    Design(
        "2 models, 10 prompts x 2", (0, 0), takes=2, blocks=10, raters=12, votes=60, take=0.2, product=0.2, taste=0.2
    ),
    Design("3 items, 8 takes, of these raters", EQUAL, takes=8, raters=3, votes=60, take=0.2, of="raters"),
    Design("2 clips, of these clips", (0, 0), takes=1, take=0.0, votes=40, of="clips"),
    Design("3 clips, of these clips", EQUAL, takes=1, take=0.0, votes=60, of="clips"),
    Design("6 clips, of these clips", [0.0] * 6, takes=1, take=0.0, votes=120, of="clips"),
)
SPREAD = 0.8
"""Of the levels in forecasts, log-odds."""
FAR, MOST_STUDIES = 5000, 8


def run() -> Iterator[str]:
    kept = Kept(os.environ.get("SEEDANCE_STUDIES_FILE"))
    for first in range(0, STUDIES, TOGETHER):
        for design in DESIGNS:
            for number in range(first, min(first + TOGETHER, STUDIES)):
                kept.once((design.name, number), found_in, design, number)
    yield (
        f"{'design':<40}{'held':>9}{'clips':>9}{'shares':>9}{'of told':>15}{'claims':>9}{'winner':>9}{'wrong':>8}{'any wrong pair':>16}"
    )
    for design in DESIGNS:
        yield line(design, [Found(**kept[design.name, number]) for number in range(STUDIES)])
    yield ""
    yield f"{'forecasts':<40}{'given':>9}{'came true':>11}{'unnamed':>10}{'foretold':>13}{'told by 5,000':>15}"
    rows = [foretold(design, FORECASTS, kept) for design in FORECAST_DESIGNS]
    for design, row in zip(FORECAST_DESIGNS, rows, strict=True):
        yield _forecast_line(design.name, row)
    yield _forecast_line("all together", tuple(sum(column) for column in zip(*rows, strict=True)))


@dataclasses.dataclass(frozen=True)
class Found:
    """Of one study: which intervals held the truth (of levels, of random clips, of shares, of pairs that were told and differ), and what it claimed."""

    levels: Sequence[bool]
    clips: Sequence[bool]
    shares: Sequence[bool]
    told: Sequence[bool]
    claims: bool
    winner: bool
    wrong: bool
    wrong_pair: bool


def found_in(design: Design, number: int) -> dict[str, Any]:
    """What study number so and so of this design found, as a `Found`'s fields."""
    truth = Truth(design, design.levels, random.Random(f"{design.name}, {number}"))
    level, ranking = truth.level, truth.study()
    levels, told = list[bool](), [pair for pair in ranking.pairs if pair.told]
    for part in ranking.islands:
        middle = sum(level[name] for name in part) / len(part)
        levels += [
            row.low <= level[row.label] - middle <= row.high
            for row in ranking.table
            if row.label in part and not math.isnan(row.strength)
        ]
    clips = [
        pair.random_low <= truth.of_random_clips(pair.a, pair.b) <= pair.random_high
        for pair in ranking.pairs
        if not math.isnan(pair.random_clip)
    ]
    true_shares = truth.shares([row.label for row in ranking.main])
    # As they are told, in whole percents: a share of nothing at all lies in none otherwise.
    shares = [
        round(low, 2) <= true_shares[name] <= round(high + 0.005, 2)
        for name, (_, low, high) in ranking.luck.shares.items()
        if true_shares
    ]
    others = [value for name, value in level.items() if name != ranking.winner]
    found = Found(
        levels=levels,
        clips=clips,
        shares=shares,
        told=[
            pair.low <= 1 / (1 + math.exp(level[pair.b] - level[pair.a])) <= pair.high
            for pair in told
            if level[pair.a] != level[pair.b]
        ],
        claims=bool(told),
        winner=ranking.winner is not None,
        wrong=ranking.winner is not None and level[ranking.winner] <= max(others),
        wrong_pair=any(level[pair.a] <= level[pair.b] for pair in told),
    )
    return dataclasses.asdict(found)


def line(design: Design, studies: Sequence[Found]) -> str:
    """Of one design, what all its studies found."""
    held, clips, shares, told = (
        [held for found in studies for held in getattr(found, name)] for name in ("levels", "clips", "shares", "told")
    )
    require(held, f"{design.name}: no ranking had an interval")
    claims, winners, wrong, pairs = (
        100 * sum(getattr(found, name) for found in studies) / len(studies)
        for name in ("claims", "winner", "wrong", "wrong_pair")
    )
    of_told = f"{_held(told)} ({len(told)})" if told else "none"
    return (
        f"{design.name:<40}{_held(held):>9}{_held(clips):>9}{_held(shares):>9}{of_told:>15}{claims:>7.1f} %{winners:>7.1f} %"
        f"{wrong:>6.1f} %{pairs:>14.1f} %"
    )


def foretold(design: Design, forecasts: int, kept: Kept) -> tuple[float, ...]:
    """(forecasts, those that came true, times that no number of votes was named, those in which FAR more told, the chances named for that)."""
    given = came_true = unnamed = told = chances = 0.0
    for number in range(MOST_STUDIES * forecasts):
        if given >= forecasts:
            break
        votes, chance, is_told = kept.once(
            (design.name, "forecast", number, unnamed < forecasts // 4),
            forecast,
            design,
            number,
            unnamed < forecasts // 4,
        )
        if votes is None:
            continue
        if votes:
            given, came_true = given + 1, came_true + is_told
        elif unnamed < forecasts // 4:
            unnamed, told, chances = unnamed + 1, told + is_told, chances + chance
    return given, came_true, unnamed, told, chances


def forecast(design: Design, number: int, if_unnamed: bool) -> tuple[int | None, float, bool]:
    """(votes that were named, 0 where none were, None where nothing is to be foretold; the chance that was named for FAR; whether so many told)."""
    generator = random.Random(f"{design.name}, forecast {number}")
    truth = Truth(design, [generator.gauss(0, SPREAD) for _ in design.levels], generator)
    first = truth.study()
    if not first.pairs or first.pairs[0].told or first.lacks or len(first.leaders) > 1:
        return None, 0.0, False
    if first.more_to_tell is None and (first.pairs[0].is_practical_tie or not if_unnamed):
        return None, 0.0, False
    truth.cast(first.more_to_tell or FAR)
    a, b = first.pairs[0].a, first.pairs[0].b
    is_told = any(pair.told and {pair.a, pair.b} == {a, b} for pair in truth.ranking().pairs)
    return first.more_to_tell or 0, first.told_at_most if first.more_to_tell is None else 0.0, is_told


class Truth:
    """What is true in one study, and the votes that people cast on it so far."""

    def __init__(self, design: Design, levels: Sequence[float], generator: random.Random) -> None:
        self.design, self.generator = design, generator
        self.names = [chr(ord("a") + place) for place in range(len(levels))]
        self.level = dict(zip(self.names, levels, strict=True))
        blocks = range(design.blocks)
        takes = [design.takes] * len(levels) if isinstance(design.takes, int) else design.takes
        self.group_of = {
            f"{name}/{block}/{take}": name
            for name, count in zip(self.names, takes, strict=True)
            for block in blocks
            for take in range(count)
        }
        self.block_of = {key: key.split("/")[1] for key in self.group_of}
        product = {(name, str(block)): generator.gauss(0, design.product) for name in self.names for block in blocks}
        self.clip = {
            key: self.level[name] + product[name, self.block_of[key]] + generator.gauss(0, design.take)
            for key, name in self.group_of.items()
        }
        self.raters = [f"rater {n}" for n in range(design.raters)]
        self.taste = {(rater, name): generator.gauss(0, design.taste) for rater in self.raters for name in self.names}
        self.votes: list[Vote] = []
        self._shown = dict(zip(self.names, design.shown or [1.0] * len(levels), strict=True))
        self._clips = list(self.group_of)
        self._weights = [self._shown[name] / takes[self.names.index(name)] for name in self.group_of.values()]

    def study(self):
        """The ranking after as many votes as the design has, or where it stops."""
        if not self.design.stop:
            self.cast(self.design.votes)
            return self.ranking()
        while len(self.votes) < self.design.votes:
            self.cast(1 if self.design.stop == "ballot" else LOOK_EVERY)
            if self.design.stop == "ballot" and not missing_votes(self.votes, self.group_of, "overall"):
                break
            if self.design.stop == "winner" and self.ranking().winner is not None:
                break
        return self.ranking()

    def cast(self, votes: int) -> None:
        for number in range(len(self.votes), len(self.votes) + votes):
            rater = self._rater(number)
            left, right, repeats = self._pair(rater, number)
            one, other = self.group_of[left], self.group_of[right]
            x = self.clip[left] + self.taste[rater, one] - self.clip[right] - self.taste[rater, other]
            weights = [math.exp(x / 2), math.exp(-x / 2), self.design.ties]
            choice = self.generator.choices([Choice.LEFT, Choice.RIGHT, Choice.TIE], weights)[0]
            self.votes.append(Vote(f"v{number}", rater, "overall", left, right, choice, float(number), repeats))

    def ranking(self):
        blocks = self.block_of if self.design.blocks > 1 else None
        registered = self.design.votes if self.design.stop == "winner" else None
        return rank(self.votes, self.group_of, of=self.design.of, block_of=blocks, resamples=399, registered=registered)

    def of_random_clips(self, a: str, b: str) -> float:
        """How often a random clip of a is preferred to one of b by a random rater, where there is a preference."""
        variances = self.design.take**2 + self.design.product**2
        variances += self.design.taste**2 if self.design.of == "levels" else 0.0
        spread = math.sqrt(2 * variances)
        steps = [(step - 400) / 50 for step in range(801)]
        masses = [math.exp(-z * z / 2) for z in steps]
        x = self.level[a] - self.level[b]
        values = [mass / (1 + math.exp(-(x + spread * z))) for z, mass in zip(steps, masses, strict=True)]
        return sum(values) / sum(masses)

    def shares(self, ranked: Sequence[str]) -> dict[str, float]:
        """Of the variance of what is not chance in a single vote, among the items that are ranked together; where a block has one take of each, its luck is part of the product."""
        is_one = self.design.takes == 1 and self.design.blocks > 1
        # One rater alone is asked about: what they like is how the items are.
        alone = self.raters[0] if len(self.raters) == 1 else None
        values = [self.level[name] + (self.taste[alone, name] if alone else 0.0) for name in ranked]
        middle = sum(values) / len(values)
        parts = {
            "items": sum((value - middle) ** 2 for value in values) / max(1, len(values) - 1),
            "takes": 0.0 if is_one else self.design.take**2,
            "products": self.design.product**2 + (self.design.take**2 if is_one else 0.0),
            "raters": 0.0 if alone else self.design.taste**2,
        }
        whole = sum(parts.values())
        return {name: part / whole for name, part in parts.items()} if whole else {}

    def _rater(self, number: int) -> str:
        busy, others = self.design.busy, self.raters[1:]
        if not busy:
            return self.raters[number % len(self.raters)]
        return self.raters[0] if number % 100 < 100 * busy else others[number % len(others)]

    def _pair(self, rater: str, number: int) -> tuple[str, str, str | None]:
        if self.design.chooser == "own":
            blocks = self.block_of if self.design.blocks > 1 else None
            pair = next_pair(self._clips, self.group_of, self.votes, rater=rater, rng=self.generator, block_of=blocks)
            return pair.left, pair.right, pair.repeats
        half = len(self.names) // 2
        while True:
            left, right = self.generator.choices(self._clips, self._weights, k=2)
            one, other = self.names.index(self.group_of[left]), self.names.index(self.group_of[right])
            across = (one < half) != (other < half)
            if (
                one != other
                and self.block_of[left] == self.block_of[right]
                and (not self.design.bridge or across == (number < self.design.bridge))
            ):
                return left, right, None


def _held(found: Sequence[bool]) -> str:
    return f"{100 * sum(found) / len(found):.1f} %" if found else "none"


def _forecast_line(name: str, row: tuple[float, ...]) -> str:
    given, came_true, unnamed, told, chances = row
    share = f"{100 * came_true / given:.0f} %" if given else "none"
    late, said = (f"{100 * part / unnamed:.0f} %" if unnamed else "none" for part in (told, chances))
    return f"{name:<40}{given:>9.0f}{share:>11}{unnamed:>10.0f}{said:>13}{late:>15}"
