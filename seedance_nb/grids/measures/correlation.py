"""Whether a measure goes with the votes: one point a prompt (or another axis), and how surely. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import one_line
from ...pages import html
from ...pages.escaping import clean, filled, joined
from ..rankings.ranking import Ranking
from ..rankings.rows import by_name

FEWEST = 4
"""Points; of fewer an interval of a correlation says nothing."""
SURE, LIKELY = 1.96, 0.84
"""Normal quantiles of 95 % two-sided and of 80 %."""


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Correlation:
    """Pearson's `r` over `items` levels between the mean of a measure and how strongly the level is preferred, with a 95 % interval.

    The levels are draws: the interval (Fisher's z) is about prompts like these, and holds the noise of their clips and votes. NaN where
    there is too little; `words` say what would tell. `table` has a row a level: label, mean, clips, strength. `str()` are the words.
    """

    column: str
    by: str
    aspect: str
    r: float
    low: float
    high: float
    items: int
    table: tuple[Mapping[str, Any], ...]
    words: tuple[str, ...]

    @property
    def told(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return "\n".join(self.words)

    def __repr__(self) -> str:
        return f"<Correlation {' '.join(self.words)}>"

    def _repr_html_(self) -> str:
        said = joined(filled("<div>{}</div>", clean(sentence)) for sentence in self.words)
        names = (self.by.replace("_", " "), f"mean {self.column}", "clips", "strength in the votes")
        rows = [
            (
                one_line(row["label"], 80),
                f"{row['mean']:,.6g}",
                str(row["clips"]),
                "" if math.isnan(row["strength"]) else f"{row['strength']:.2f}",
            )
            for row in sorted(self.table, key=lambda row: -row["mean"])
        ]
        return str(joined([said, html.table(names, rows) if rows else ""]))


def correlation_of(
    column: str, values: Mapping[str, float], group_of: Mapping[str, str], ranking: Ranking
) -> Correlation:
    """Of the values by job key, and the label of each job, with the strengths of this ranking of the labels."""
    measured: dict[str, list[float]] = {}
    for key, label in group_of.items():
        if math.isfinite(values.get(key, math.nan)):
            measured.setdefault(label, []).append(values[key])
    strength = {row.label: row.strength for row in ranking.main}
    rows: tuple[dict[str, Any], ...] = tuple(
        {
            "label": label,
            "mean": math.fsum(found) / len(found),
            "clips": len(found),
            "strength": strength.get(label, math.nan),
        }
        for label, found in sorted(measured.items(), key=lambda pair: by_name(pair[0]))
    )
    points = [(float(row["mean"]), float(row["strength"])) for row in rows if math.isfinite(row["strength"])]
    r, low, high = pearson(points)
    return Correlation(
        column=column,
        by=ranking.by,
        aspect=ranking.aspect,
        r=r,
        low=low,
        high=high,
        items=len(points),
        table=rows,
        words=_in_words(column, ranking, points, r, low, high),
    )


def pearson(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """(r, low, high) with Fisher's interval of 95 %; NaN where one side does not vary or there are fewer than four points."""
    if len(points) < FEWEST:
        return math.nan, math.nan, math.nan
    xs, ys = zip(*points, strict=True)
    x, y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    spread_x, spread_y = (math.sqrt(math.fsum((v - m) ** 2 for v in vs)) for vs, m in ((xs, x), (ys, y)))
    if spread_x <= 1e-12 * max(map(abs, xs)) or spread_y <= 1e-12 * max(map(abs, ys)):
        return math.nan, math.nan, math.nan
    r = math.fsum((a - x) / spread_x * ((b - y) / spread_y) for a, b in points)
    r = max(-1.0, min(1.0, r))
    z, half = math.atanh(max(-1 + 1e-12, min(1 - 1e-12, r))), SURE / math.sqrt(len(points) - 3)
    return r, math.tanh(z - half), math.tanh(z + half)


def _in_words(
    column: str, ranking: Ranking, points: Sequence[tuple[float, float]], r: float, low: float, high: float
) -> tuple[str, ...]:
    what = f"Whether {column} goes with the votes on {ranking.aspect!r}"
    if not ranking.is_enough:
        more = f"{ranking.missing} votes more" if ranking.missing else "more votes"
        return (f"{what} cannot be told: {more} are wanted before anything is ranked by {ranking.by}.",)
    if len(points) < FEWEST:
        have = f"{len(points)} {ranking.by}{'' if len(points) == 1 else 's'} with both"
        apart = (
            f" (the votes rank {len(ranking.islands)} islands apart, and only the largest counts)"
            if len(ranking.islands) > 1
            else ""
        )
        return (
            f"{what} cannot be told from {have}{apart}: {FEWEST} or more are wanted, and 8 or more tell something.",
        )
    if math.isnan(r):
        return (f"{what} cannot be told: it is the same for every {ranking.by}, or all are equally strong.",)
    seen = f"r = {r:.2f} over {len(points)} {ranking.by}s, 95 % interval {low:.2f} to {high:.2f}"
    if low > 0 or high < 0:
        way = "preferred" if r > 0 else "less preferred"
        return (f"More {column} goes with being {way}: {seen}. That is no cause.",)
    # Fisher's z: so many points tell a correlation of this size 4 times in 5.
    wanted = 3 + math.ceil(((SURE + LIKELY) / max(abs(math.atanh(max(-0.999, min(0.999, r)))), 0.05)) ** 2)
    would = f"; if it is as it looks, about {wanted:,} {ranking.by}s tell it" if wanted <= 1000 else ""
    return (f"{what} cannot be told: {seen}{would}.",)
