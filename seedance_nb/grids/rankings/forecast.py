"""What a grid could tell, before it is paid for: takes, votes and credits against the chance to tell what is there. Pure."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

from ...errors import InvalidRequest
from ...showing import Shown
from .ranking import Ranking
from .rows import chance
from .study import Study

WANTED = 0.8
VOTES_PER_RATER = 20
RATERS = 6
TAKES = (2, 3, 4, 6, 8, 12, 16)
MORE_VOTES = (1, 2, 4)
"""Times the planned votes."""
MOST_ITEMS = 12
MOST_STRAY = 5.0
LARGEST_GAP = 6.0
_DRAWS = 1000
_PARTS = {
    "luck": "the luck of clips",
    "taste": "raters' tastes",
    "votes": "chance in the votes",
    "suits": "what one prompt does to one item",
}


@dataclasses.dataclass(frozen=True, slots=True)
class PowerRow:
    """One split of the effort: `clips` are all clips of the grid, `credits` what those that are still to be bought would cost (None: unknown).

    `pair` is the chance to tell the best from one other that was named beforehand, `best` the chance to tell it from all others.
    """

    takes: int
    votes: int
    clips: int
    credits: float | None
    pair: float
    best: float


@dataclasses.dataclass(frozen=True, slots=True)
class Power(Shown):
    """The answer to `grid.power(…)`: `str()` gives its plain words, `to_pandas()` a table."""

    by: str
    study: Study
    planned: PowerRow
    """The grid as it is laid out."""
    rows: tuple[PowerRow, ...]
    wanted: float
    cheapest_pair: PowerRow | None
    """Of `rows`, the fewest credits (then votes) for which `pair` is at least `wanted`; None where none does it."""
    cheapest_best: PowerRow | None
    least_gap: float | None
    """The smallest gap, in log-odds, that the plan tells with the chance `wanted` from one other; None above LARGEST_GAP."""
    assumed: str
    """Where the spreads come from: "assumed" or "as seen in this grid's votes"."""

    @property
    def words(self) -> tuple[str, ...]:
        """The answer in plain sentences."""
        return tuple(_words(self))

    def __str__(self) -> str:
        return "\n".join(self.words)

    def to_pandas(self) -> Any:
        """One row a split: takes, votes, clips, credits, pair, best. ImportError without pandas."""
        import pandas as pd  # type: ignore[import-untyped]

        names = [field.name for field in dataclasses.fields(PowerRow)]
        return pd.DataFrame([dataclasses.asdict(row) for row in self.rows], columns=names)


def check(study: Study) -> Study:
    """The study, if it can be meant. Raises InvalidRequest."""
    if study.items < 2:
        raise InvalidRequest("there is nothing to compare: a grid with two items or more has a power")
    if study.items > MOST_ITEMS:
        raise InvalidRequest(
            f"the power of more than {MOST_ITEMS} items is not computed; compare fewer, or simulate it"
        )
    for name in ("takes", "votes", "raters"):
        number = getattr(study, name)
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InvalidRequest(f"{name} must be a whole number from 1 up, not {number!r}")
    for name in ("luck", "taste", "suits"):
        stray = getattr(study, name)
        if isinstance(stray, bool) or not isinstance(stray, int | float) or not 0 <= stray <= MOST_STRAY:
            raise InvalidRequest(f"{name} is a standard deviation in log-odds, from 0 to {MOST_STRAY:g}, not {stray!r}")
    if isinstance(study.gap, bool) or not isinstance(study.gap, int | float) or not 0 < study.gap <= LARGEST_GAP:
        raise InvalidRequest(
            f"gap is in log-odds, above 0 and up to {LARGEST_GAP:g} (1.0 is 73 of 100), not {study.gap!r}"
        )
    if isinstance(study.ties, bool) or not isinstance(study.ties, int | float) or not 0 <= study.ties < 0.95:
        raise InvalidRequest(f"ties is the share of ties between equals, from 0 to 0.95, not {study.ties!r}")
    return study


def as_seen(ranking: Ranking) -> tuple[float, float, float]:
    """(luck, taste, ties) as the votes on a pilot show them. Raises InvalidRequest where they do not."""
    luck = ranking.luck
    if math.isnan(luck.within) or "raters" not in luck.shares:
        lack = "two takes of each and five votes a clip" if math.isnan(luck.within) else "two raters"
        raise InvalidRequest(
            f"the votes of this grid do not show how far clips and raters stray: that takes {lack}; say luck=0.7"
        )
    within = sum(luck.shares[name][0] for name in ("takes", "products") if name in luck.shares)
    taste = luck.within * math.sqrt(luck.shares["raters"][0] / within)
    return min(luck.within, MOST_STRAY), min(taste, MOST_STRAY), ranking.tie / (2 + ranking.tie)


def forecast(
    study: Study, *, by: str, price: float | None, bought: int, wanted: float = WANTED, assumed: str = "assumed"
) -> Power:
    """The study as planned, other splits of the effort, and which of them is the cheapest. Takes a second or two.

    `price` is what one clip costs in credits (None: unknown), `bought` how many of the grid's clips are paid for. Raises InvalidRequest.
    """
    check(study)
    if not isinstance(wanted, int | float) or not 0.5 <= wanted <= 0.99:
        raise InvalidRequest(f"power is a chance from 0.5 to 0.99, not {wanted!r}")

    from .power import chances

    def row(takes: int, votes: int) -> PowerRow:
        clips = study.items * study.blocks * takes
        found = chances(dataclasses.replace(study, takes=takes, votes=votes), draws=_DRAWS)
        cost = None if price is None else price * max(0, clips - bought)
        return PowerRow(takes, votes, clips, cost, found.one, found.all)

    takes = sorted({*TAKES, study.takes})
    rows = tuple(row(count, study.votes * more) for count in takes for more in MORE_VOTES)
    planned = next(found for found in rows if (found.takes, found.votes) == (study.takes, study.votes))
    return Power(
        by=by,
        study=study,
        planned=planned,
        rows=rows,
        wanted=wanted,
        cheapest_pair=_cheapest([found for found in rows if found.pair >= wanted]),
        cheapest_best=_cheapest([found for found in rows if found.best >= wanted]),
        least_gap=least_gap(study, wanted),
        assumed=assumed,
    )


def least_gap(study: Study, wanted: float = WANTED) -> float | None:
    """The smallest gap that this study tells with that chance from one other, to 0.05; None where it is above LARGEST_GAP."""
    from .power import chances

    def is_told(gap: float) -> bool:
        return chances(dataclasses.replace(study, gap=gap), draws=_DRAWS).one >= wanted

    low, high = 0.0, LARGEST_GAP
    if not is_told(high):
        return None
    while high - low > 0.05:
        middle = (low + high) / 2
        low, high = (low, middle) if is_told(middle) else (middle, high)
    return high


def odds(gap: float) -> str:
    """A gap as people say it: "86 : 14"."""
    first = round(100 * chance(gap))
    return f"{first} : {100 - first}"


@functools.lru_cache(maxsize=64)
def plan_line(study: Study, by: str) -> str:
    """One line for a plan: what the smallest difference is that it tells four times in five."""
    what = f"{study.votes} votes by {study.raters} raters"
    if study.takes * study.blocks < 2:
        return f"with one take of each {by} no votes can tell the {by} from the luck of one clip: two takes at least (grid.power() says more)"
    found = least_gap(study)
    if found is None:
        return f"{what} would hardly tell one {by} from another here (grid.power() says what would)"
    return f"{what} would tell two {by}s apart 4 times in 5 if one is preferred {odds(found)} or more (grid.power() says more)"


def _cheapest(rows: Sequence[PowerRow]) -> PowerRow | None:
    return min(rows, key=lambda row: (row.credits or 0.0, row.clips, row.votes), default=None)


def _words(power: Power) -> list[str]:
    study, planned = power.study, power.planned
    said = [
        (
            f"If one {power.by} of {study.items} is better by {study.gap:g} ({odds(study.gap)} against each other), "
            f"{planned.takes} {'take' if planned.takes == 1 else 'takes'} of each and {planned.votes} votes by {study.raters} raters "
            f"tell it from one other in {_share(planned.pair)} and from all others in {_share(planned.best)} of such studies."
        )
    ]
    if study.takes * study.blocks < 2:
        said.append(f"With one take of each nothing can be told of a {power.by}: its luck is that of one clip.")
    elif study.raters < 2:
        said.append("With one rater nothing can be told of others' tastes.")
    elif power.least_gap is None:
        said.append(f"Whatever the difference, this plan hardly tells it with a chance of {_share(power.wanted)}.")
    else:
        said.append(
            f"With a chance of {_share(power.wanted)} it tells one from one other only from {odds(power.least_gap)} on."
        )
    said.append(_what_blurs(study))
    for name, row in (("from one other", power.cheapest_pair), ("from all others", power.cheapest_best)):
        if row is None:
            said.append(
                f"To tell it {name} with a chance of {_share(power.wanted)}, nothing that was looked at is enough."
            )
        else:
            cost = "" if row.credits is None else f", {row.credits:g} credits still to be paid"
            said.append(
                f"To tell it {name} with a chance of {_share(power.wanted)}, the cheapest is {row.takes} takes of each and "
                f"{row.votes} votes ({row.clips} clips{cost})."
            )
    ties = f"{_share(study.ties)} ties between equals"
    said.append(
        f"{power.assumed.capitalize()}: clips of one {power.by} stray by {study.luck:.2g}, raters by {study.taste:.2g}, {ties}. Nothing was sent."
    )
    return said


def _what_blurs(study: Study) -> str:
    """Where the doubt comes from, the largest part first."""
    from .power import error_parts

    parts = error_parts(study)
    shares = {name: part / sum(parts.values()) for name, part in parts.items()}
    names = sorted(shares, key=lambda name: -shares[name])
    cure = {"luck": "more takes", "taste": "more raters", "votes": "more votes", "suits": "more prompts"}[names[0]]
    return f"Of what blurs it, {', '.join(f'{_share(shares[name])} is {_PARTS[name]}' for name in names)}: {cure} would help most."


def _share(chance_of_it: float) -> str:
    return f"{round(100 * chance_of_it)} %"
