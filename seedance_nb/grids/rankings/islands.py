"""What may be ranked together: items that at least so many votes connect across every cut. Pure.

Two groups of items that one vote joins would hang on that vote: an order across them is not claimed. The lightest cut of a
connected group is found by M. Stoer and F. Wagner, "A simple min-cut algorithm", J. ACM 44 (1997).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LEAST_ACROSS = 5.0
"""Votes across every cut: with fewer, intervals across it did not hold in simulated studies."""


def islands(items: Sequence[str], votes: Mapping[frozenset[str], float]) -> tuple[tuple[str, ...], ...]:
    """The items in groups that at least LEAST_ACROSS votes join across every cut, in the order given; `votes` by pair of items."""
    waiting, found = [list(items)] if items else [], []
    while waiting:
        group = waiting.pop()
        weight, side = _lightest_cut(group, votes)
        if weight >= LEAST_ACROSS:
            found.append(tuple(group))
        else:
            waiting += [[item for item in group if item in side], [item for item in group if item not in side]]
    place = {item: number for number, item in enumerate(items)}
    return tuple(sorted(found, key=lambda group: place[group[0]]))


def _lightest_cut(group: Sequence[str], votes: Mapping[frozenset[str], float]) -> tuple[float, frozenset[str]]:
    """(votes across it, one of its sides); of one item: nothing can cut it."""
    joined = {item: frozenset([item]) for item in group}
    weight = {
        item: {other: votes.get(frozenset((item, other)), 0.0) for other in group if other != item} for item in group
    }
    best = (float("inf"), frozenset[str]())
    while len(weight) > 1:
        order, pull = [], dict.fromkeys(weight, 0.0)
        while pull:
            nearest = max(pull, key=pull.__getitem__)
            order.append((nearest, pull.pop(nearest)))
            for other in pull:
                pull[other] += weight[nearest][other]
        (before, _), (last, across) = order[-2:]
        if across < best[0]:
            best = (across, joined[last])
        joined[before] |= joined[last]
        for other, amount in weight.pop(last).items():
            del weight[other][last]
            if other != before:
                weight[before][other] += amount
                weight[other][before] += amount
    return best
