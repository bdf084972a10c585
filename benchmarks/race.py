"""Races: what they cost against a full grid of equal power, and how often they name a wrong winner.

A race is played as `grid.race` plays it, with the same fit and the same rule: 2 takes of each prompt, a look, a quarter more takes of those
who are left, up to 38 takes; five votes for each new clip, on survivors only, by 12 raters in turn. A full grid has as many takes of every
prompt and as many votes a clip; the best is its winner where it is above each other with a chance of 97.5 %: the loosest rule that names one
of two equals in at most 5 %. "Of full" are the credits of the race, on average, against those of the smallest grid that names the best
as often as the race does. Truths: the levels of the prompts in log-odds; half far below: the best by 1.4, the lower half 3 below the others.
Luck (the spread of takes) is 0.7, the raters' tastes 0.3, and equals tie 20 times in 100. "<": the largest grid tried does it less often than the
race, so the race costs less of the one that would do.

`SEEDANCE_RACES=1000` plays so many races a truth (200 otherwise), and half as many full grids a size. A thousand take an hour and a half of one
processor. With `SEEDANCE_RACES_FILE=races.jsonl` what was played is kept there, and whoever starts it again goes on; number 7 of a truth is the
same race whoever plays it. `SEEDANCE_PROCESSES` is how many play at once (all processors otherwise).

    python -m benchmarks race
    SEEDANCE_RACES=1000 SEEDANCE_RACES_FILE=/tmp/races.jsonl SEEDANCE_PROCESSES=1 OPENBLAS_NUM_THREADS=1 nice -n 15 python -m benchmarks race
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import itertools
import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.kept import Kept
from seedance_nb.grids.rankings.mixed_model import Evidence, Levels, fit_levels
from seedance_nb.grids.rankings.race import look, takes_of_rounds, threshold

STUDIES = int(os.environ.get("SEEDANCE_RACES", "200"))
FULL_STUDIES = max(1, STUDIES // 2)
TOGETHER = 20
"""So many races of one truth, then of the next: whenever it is stopped, all truths have been raced about as often."""
FULL_TAKES = (15, 19, 24, 30)
VOTES_PER_CLIP, RATERS, LUCK, TASTE, TIE = 5, 12, 0.7, 0.3, 0.5
MARGIN, ERROR = 0.8, 0.05


def truths(items: int) -> dict[str, list[float]]:
    """The levels of so many prompts, the best first."""
    half = items // 2
    return {
        "one best by 1.4": [1.4] + [0.0] * (items - 1),
        "0.8 apart": [-0.8 * place for place in range(items)],
        "half far below": [1.4] + [0.0] * (half - 1) + [-3.0] * half,
        "all equal": [0.0] * items,
        "two equal best": [1.4, 1.4] + [0.0] * (items - 2),
    }


class Study:
    """Clips and votes of one study, as they come; the levels are in `levels`."""

    def __init__(self, levels: Sequence[float], rng: np.random.Generator) -> None:
        self.rng, self.levels = rng, np.array(levels)
        self.item_of, self.strengths, self.shown = list[int](), list[float](), list[int]()
        self.clips: list[list[int]] = [[] for _ in levels]
        self.tastes = rng.normal(0, TASTE, (RATERS, len(levels)))
        self.counts: dict[tuple[int, int, int], list[float]] = {}
        self.votes = 0

    def more(self, alive: Sequence[int], takes: int) -> None:
        """So many takes of each of these, and votes on them: pairs of items in turn, of each the clip that was shown least."""
        new = 0
        for item in alive:
            for _ in range(takes - len(self.clips[item])):
                self.clips[item].append(len(self.item_of))
                self.item_of.append(item)
                self.strengths.append(self.levels[item] + self.rng.normal(0, LUCK))
                self.shown.append(0)
                new += 1
        pairs = list(itertools.combinations(alive, 2))
        order = self.rng.permutation(len(pairs))
        draws = self.rng.random((new * VOTES_PER_CLIP, 3))
        for number, (for_one, for_other, of_answer) in enumerate(draws):
            i, j = pairs[order[number % len(pairs)]]
            one, other = self._least(i, for_one), self._least(j, for_other)
            self.shown[one] += 1
            self.shown[other] += 1
            rater = self.votes % RATERS
            self.votes += 1
            x = self.strengths[one] + self.tastes[rater, i] - self.strengths[other] - self.tastes[rater, j]
            first, second = math.exp(x / 2), math.exp(-x / 2)
            total = first + second + TIE
            answer = 0 if of_answer < first / total else 1 if of_answer < (first + second) / total else 2
            if one > other:
                one, other, answer = other, one, (1, 0, 2)[answer]
            self.counts.setdefault((one, other, rater), [0.0, 0.0, 0.0])[answer] += 1

    def _least(self, item: int, draw: float) -> int:
        fewest = min(self.shown[clip] for clip in self.clips[item])
        least = [clip for clip in self.clips[item] if self.shown[clip] == fewest]
        return least[int(draw * len(least))]

    def fit(self) -> Levels:
        """What the votes so far say."""
        rows = sorted(self.counts)
        numbers = np.array(rows, dtype=np.intp)
        item_of = np.array(self.item_of, dtype=np.intp)
        counts = np.array([self.counts[row] for row in rows])
        return fit_levels(
            Evidence(
                *(numbers[:, column] for column in range(3)), counts, item_of, np.zeros_like(item_of), len(self.levels)
            )
        )


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a race ended: "winner", "tie" or "undecided", who is left, and how many clips it took."""

    end: str
    left: tuple[int, ...]
    clips: int


def dice(items: int, truth: str, number: int) -> np.random.Generator:
    """Of one study: the same whichever others are played."""
    return np.random.default_rng([1987, items, list(truths(4)).index(truth), number])


def race(items: int, truth: str, number: int) -> Ended:
    levels, names = truths(items)[truth], [str(item) for item in range(items)]
    study, alive = Study(levels, dice(items, truth, number)), list(range(items))
    for takes in takes_of_rounds():
        study.more(alive, takes)
        racing = [names[item] for item in alive]
        found = look(study.fit(), names, racing, threshold=threshold(ERROR, takes), margin=MARGIN)
        alive = [item for item in alive if names[item] not in found.dropped]
        if found.end:
            break
    return Ended(found.end or "undecided", tuple(alive), len(study.item_of))


def names_best(items: int, truth: str, takes: int, number: int) -> bool:
    """Whether this full grid of so many takes names the best."""
    names = [str(item) for item in range(items)]
    study = Study(truths(items)[truth], dice(items, truth, number))
    study.more(range(items), takes)
    found = look(study.fit(), names, names, threshold=ERROR / 2, margin=None)
    return found.end == "winner" and found.leader == names[0]


class Played:
    """What was played, by what it was: in a file of JSON lines, if there is to be one, so that it is played once."""

    def __init__(self, pool: concurrent.futures.Executor, path: str | None) -> None:
        self._pool, self._kept = pool, Kept(path)

    def races(self, items: int, truth: str, numbers: Sequence[int]) -> list[Ended]:
        found = self._all(race, (items, truth), numbers, dataclasses.astuple)
        return [Ended(end, tuple(left), clips) for end, left, clips in found]

    def power(self, items: int, truth: str, takes: int) -> float:
        """The share of full grids of so many takes that name the best."""
        return float(np.mean(self._all(names_best, (items, truth, takes), range(FULL_STUDIES), bool)))

    def _all(
        self, play: Callable[..., Any], what: tuple[Any, ...], numbers: Sequence[int], told: Callable[[Any], Any]
    ) -> list[Any]:
        missing = [number for number in numbers if (*what, number) not in self._kept]
        for number, found in zip(missing, self._pool.map(functools.partial(play, *what), missing), strict=True):
            self._kept.add((*what, number), told(found))
        return [self._kept[(*what, number)] for number in numbers]


def run() -> Iterator[str]:
    yield f"{STUDIES} races a truth, {FULL_STUDIES} full grids a size; ± is twice the standard error"
    yield f"{'prompts, truth':<28}{'best named':>14}{'wrong':>14}{'tie':>8}{'clips':>14}{'full grid':>12}{'of full':>14}"
    shares: list[tuple[float, float]] = []
    processes = int(os.environ.get("SEEDANCE_PROCESSES", "0")) or None
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        played = Played(pool, os.environ.get("SEEDANCE_RACES_FILE"))
        all_truths = list(itertools.product((4, 8), truths(4)))
        for first in range(0, STUDIES, TOGETHER):
            for items, truth in all_truths:
                played.races(items, truth, range(first, min(first + TOGETHER, STUDIES)))
        for items, truth in all_truths:
            races = played.races(items, truth, range(STUDIES))
            line, share = line_of(items, truth, races, functools.partial(played.power, items, truth))
            shares += [share] if share else []
            yield line
    yield mean_of(shares)


def line_of(
    items: int, truth: str, races: Sequence[Ended], named_by: Callable[[int], float]
) -> tuple[str, tuple[float, float] | None]:
    """The line of one truth, and what the races cost of full grids, with its standard error, if one is best. `named_by(takes)`: a full grid's power."""
    levels = truths(items)[truth]
    best = [item for item, level in enumerate(levels) if level == max(levels)]
    named = [ended.end == "winner" and list(ended.left) == best for ended in races]
    wrong = [_is_wrong(ended, levels, best) for ended in races]
    ties = 100 * float(np.mean([ended.end == "tie" for ended in races]))
    clips = np.array([ended.clips for ended in races])
    line = f"{f'{items}, {truth}':<28}{_share(named):>14}{_share(wrong):>14}{ties:>6.1f} %{_mean(clips):>14}"
    if len(best) > 1:
        return line, None
    takes, error, is_enough = _takes_of_full(float(np.mean(named)), len(races), named_by)
    share = float(clips.mean()) / (items * takes)
    error = share * math.hypot(error / takes, float(clips.std()) / math.sqrt(len(clips)) / float(clips.mean()))
    more, less = ("", "") if is_enough else ("> ", "< ")
    grid, of_full = f"{more}{items * takes:.0f}", f"{less}{100 * share:.0f} ± {200 * error:.0f} %"
    return f"{line}{grid:>12}{of_full:>14}", (share, error)


def mean_of(shares: Sequence[tuple[float, float]]) -> str:
    mean = sum(share for share, _ in shares) / len(shares)
    error = math.sqrt(sum(error**2 for _, error in shares)) / len(shares)
    return f"of the credits of a full grid of equal power, on average over {len(shares)} truths: {100 * mean:.0f} ± {200 * error:.0f} %"


def _is_wrong(ended: Ended, levels: Sequence[float], best: Sequence[int]) -> bool:
    """A winner that is not the one best; a tie of what is further apart than it says, or without the best."""
    if ended.end == "winner":
        return list(ended.left) != list(best)
    among = [levels[item] for item in ended.left]
    return ended.end == "tie" and (max(among) - min(among) > MARGIN or max(among) < max(levels))


def _takes_of_full(power: float, races: int, named_by: Callable[[int], float]) -> tuple[float, float, bool]:
    """(takes of the smallest full grid that names the best with this power, their standard error, whether one of those tried does it at all).

    Between the sizes tried by probits; the largest of them where none does it.
    """
    least = 0.25 / FULL_STUDIES
    wanted, takes, places = _probit(min(max(power, least), 1 - least)), list[int](), list[float]()
    for number in reversed(FULL_TAKES):
        takes.insert(0, number)
        places.insert(0, _probit(min(max(named_by(number), least), 1 - least)))
        if places[0] < wanted:
            break
    if places[-1] < wanted or len(takes) == 1:
        return float(takes[-1]), 0.0, places[-1] >= wanted
    # The power of the races and that of the grids are both drawn: sqrt(p (1 - p) / n), in probits over the normal density there.
    density = math.exp(-(wanted**2) / 2) / math.sqrt(2 * math.pi)
    error = math.sqrt(max(power * (1 - power), least) * (1 / FULL_STUDIES + 1 / races)) / density
    slope = (takes[1] - takes[0]) / max(places[1] - places[0], 0.1)
    return float(np.interp(wanted, places[:2], takes[:2])), error * slope, True


def _probit(share: float) -> float:
    low, high = -5.0, 5.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * math.erfc(-middle / math.sqrt(2)) < share else (low, middle)
    return low


def _share(cases: Sequence[bool]) -> str:
    share = float(np.mean(cases))
    return f"{100 * share:.1f} ± {200 * math.sqrt(share * (1 - share) / len(cases)):.1f} %"


def _mean(numbers: np.ndarray) -> str:
    return f"{numbers.mean():.1f} ± {2 * numbers.std() / math.sqrt(len(numbers)):.1f}"
