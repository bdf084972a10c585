"""What races in a race: the items, the requests of each, and the axes of a grid of some of them. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ...api.catalog import Catalog
from ...api.fields import TAKE
from ...api.models import VideoRequest
from ...errors import InvalidRequest, one_line
from ..axes import Axes, Cell, Combination, Identity, value_key
from ..groups import check_groupable, labels_of
from ..rankings.race import FIRST_TAKES
from ..votes.vote_table import blocks_by


@dataclasses.dataclass(frozen=True)
class Lanes:
    """`labels` race; of each request, by its hash, the item it is of and its block (what it has in common with requests of other items)."""

    labels: tuple[str, ...]
    label_of: Mapping[str, str]
    block_of: Mapping[str, str]
    requests: Mapping[str, VideoRequest]
    _axes: Axes
    _hash_of: Mapping[str, str]
    """Of each combination of values, the hash of its request."""

    @classmethod
    def of(cls, axes: Axes, by: Sequence[str], catalog: Catalog) -> Lanes:
        """Those of a grid with these axes, whatever takes it has. Raises InvalidRequest where there are no two, or a request is invalid."""
        names = [name for name in axes.names if name != TAKE]
        if TAKE in by:
            raise InvalidRequest("a race buys takes itself: by= names what races, such as by='prompt'")
        for name in by:
            check_groupable(name, names)
        chosen = list(by) or names
        bare = _without_takes(axes)
        cells, seen = _laid(bare, catalog)
        wrong = next((cell.invalid for cell in cells if cell.invalid is not None), None)
        if wrong is not None:
            raise InvalidRequest(f"all cells must be valid in a race: {wrong}")
        labels = labels_of(cells, chosen)
        rest = {name: labels_of(cells, [name]) for name in names if name not in chosen}
        label_of, requests, hash_of = dict[str, str](), dict[str, VideoRequest](), dict[str, str]()
        about: dict[str, dict[str, str]] = {}
        for place, (cell, label) in enumerate(zip(cells, labels, strict=True)):
            assert cell.request is not None
            request_hash = cell.request.canonical_hash()
            if label_of.setdefault(request_hash, label) != label:
                raise InvalidRequest(
                    f"{one_line(label, 60)!r} and {one_line(label_of[request_hash], 60)!r} ask for the same video: give by= an axis that changes it"
                )
            requests[request_hash] = cell.request
            hash_of[seen[place]] = request_hash
            about[request_hash] = {name: column[place] for name, column in rest.items()}
        if len(set(labels)) < 2:
            raise InvalidRequest(
                f"there is nothing to race: the grid has one {' and '.join(chosen) or 'cell'}; name an axis with two values or more"
            )
        return cls(
            labels=tuple(dict.fromkeys(labels)),
            label_of=label_of,
            block_of=blocks_by(about, label_of, chosen),
            requests=requests,
            _axes=bare,
            _hash_of=hash_of,
        )

    @property
    def hashes(self) -> dict[str, list[str]]:
        """The requests of each item."""
        found: dict[str, list[str]] = {label: [] for label in self.labels}
        for request_hash, label in self.label_of.items():
            found[label].append(request_hash)
        return found

    def axes(self, racing: Sequence[str], takes: int, without: Collection[Identity] = ()) -> Axes:
        """The axes of a grid of so many takes of these items, but for some videos."""
        allowed = {key: found for key, found in self._hash_of.items() if self.label_of[found] in racing}
        before = self._axes.where

        def where(c: Combination) -> bool:
            request_hash = allowed.get(_key(c))
            if request_hash is None or (request_hash, c[TAKE]) in without:
                return False
            return before is None or bool(before(c))

        return dataclasses.replace(self._axes, takes=takes, where=where)

    def identities(self, reached: Mapping[str, int]) -> dict[Identity, str]:
        """All videos of a race in which each of these items has so many takes, with the item each is of."""
        most = max(reached.values(), default=0)
        cells = dataclasses.replace(self._axes, takes=most).cells() if most else ()
        found = {}
        for cell in cells:
            if cell.identity is not None:
                label = self.label_of.get(cell.identity[0])
                if label is not None and cell.take <= reached.get(label, 0):
                    found[cell.identity] = label
        return found


def _without_takes(axes: Axes) -> Axes:
    """The same axes with takes that are counted from 1, as a race counts them."""
    rows: dict[str, Mapping[str, Any]] = {}
    for row in axes.rows:
        bare = {name: value for name, value in row.items() if name != TAKE}
        rows.setdefault(value_key(bare), bare)
    return dataclasses.replace(
        axes,
        rows=tuple(rows.values()),
        axes={name: values for name, values in axes.axes.items() if name != TAKE},
        constants={name: value for name, value in axes.constants.items() if name != TAKE},
        takes=FIRST_TAKES,
        emptied=axes.emptied if len(rows) == len(axes.rows) else (),
        shown=None if axes.shown is None else tuple(name for name in axes.shown if name != TAKE),
    )


def _laid(axes: Axes, catalog: Catalog) -> tuple[list[Cell], list[str]]:
    """(the cells, of each the combination it came from)."""
    before: Callable[[Combination], object] | None = axes.where
    seen: list[str] = []

    def where(c: Combination) -> bool:
        passes = before is None or bool(before(c))
        if passes:
            seen.append(_key(c))
        return passes

    cells = dataclasses.replace(axes, where=where).cells(catalog)
    return list(cells), seen


def _key(combination: Combination) -> str:
    return value_key({name: value for name, value in combination.items() if name != TAKE})
