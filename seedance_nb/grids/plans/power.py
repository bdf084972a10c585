"""A grid as an experiment: how many items, takes of each and blocks it has, and what it could tell. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...api.fields import TAKE
from ...errors import InvalidRequest
from ..axes import Cell
from ..groups import check_groupable, labels_of
from ..rankings.forecast import MOST_ITEMS, RATERS, VOTES_PER_RATER, plan_line
from ..rankings.study import Study
from .plan import Plan


def design_of(cells: Sequence[Cell], names: Sequence[str], by: Sequence[str]) -> tuple[int, int, int]:
    """(items, takes, blocks) of the cells that can be sent, where `by` names what is compared (nothing: the cells, their takes together).

    A block is what clips of different items have in common beside the take. Where items have unlike numbers of takes, it is the smallest
    that counts. Raises InvalidRequest for an axis there is not.
    """
    for name in by:
        check_groupable(name, names)
    every = [name for name in names if name != TAKE]
    ranked = list(by) or every
    valid = [cell for cell in cells if cell.invalid is None]
    items = labels_of(valid, ranked)
    blocks = labels_of(valid, [name for name in every if name not in ranked])
    takes = Counter(zip(items, blocks, strict=True))
    return len(set(items)), min(takes.values(), default=0), len(set(blocks))


def power_line(plan: Plan) -> str | None:
    """One line for a plan: what the usual number of votes would tell; None where there is nothing to compare, or too much."""
    cells = [line.cell for line in plan.lines if not line.standing.startswith("same as ")]
    try:
        items, takes, blocks = design_of(cells, plan.names, ())
    except InvalidRequest:
        return None
    if not 2 <= items <= MOST_ITEMS or takes < 1:
        return None
    study = Study(items, takes, RATERS * VOTES_PER_RATER, RATERS, 1.0, blocks=blocks)
    return plan_line(study, "prompt" if plan.names in (("prompt",), ("prompt", TAKE)) else "cell")
