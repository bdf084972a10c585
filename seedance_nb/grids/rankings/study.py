"""A study that is planned: its size, and what may be true. Pure."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Study:
    """A plan, and what may be true: `items` with `takes` clips each in every one of `blocks`, judged by `raters` in `votes` votes.

    A block is what clips of different items have in common (the prompt, where models are compared). `gap` is how far the best item is
    above all others, which are equal. `luck`, `taste` and `suits` are how far clips of one item, raters on one item, and items from block
    to block stray: standard deviations. All of it in log-odds: 1 is a clip that is preferred 73 times in 100. `ties` is the share of ties between
    equals, from 0 to below 1.
    """

    items: int
    takes: int
    votes: int
    raters: int
    gap: float
    luck: float = 0.7
    taste: float = 0.5
    ties: float = 0.2
    blocks: int = 1
    suits: float = 0.5
