"""The cells of a grid at one moment: its axes, every combination of them, and which of them are one video. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..api.catalog import Catalog
from ..api.models import VideoRequest
from ..errors import InvalidRequest, shortened
from .axes import Axes, Cell, Identity


@dataclasses.dataclass(frozen=True)
class Cells:
    """Replaced as a whole where a grid grows, so that nobody needs a lock to read."""

    axes: Axes
    cells: tuple[Cell, ...]
    identities: tuple[Identity | None, ...]
    """What each cell is: cells that share one are the same video. None where a cell makes no request."""

    @classmethod
    def of(cls, axes: Axes, catalog: Catalog) -> Cells:
        """The cells of these axes. Raises InvalidRequest for names and braces that cannot be meant."""
        return cls._of(axes, axes.cells(catalog))

    def checked_again(self, catalog: Catalog) -> Cells:
        """The same, by what the service allows now."""
        cells = list(self.cells)
        for index, cell in enumerate(cells):
            if cell.to_send is not None:
                invalid = None
                try:
                    catalog.check(cell.to_send)
                except InvalidRequest as error:
                    invalid = shortened(error, 300)
                cells[index] = dataclasses.replace(cell, invalid=invalid)
        return self._of(self.axes, tuple(cells))

    @classmethod
    def _of(cls, axes: Axes, cells: tuple[Cell, ...]) -> Cells:
        return cls(axes, cells, tuple(cell.identity for cell in cells))

    def wanted(self) -> list[Identity]:
        """The videos that valid cells ask for, each once, in the order of the cells."""
        pairs = zip(self.cells, self.identities, strict=True)
        return list(dict.fromkeys(i for cell, i in pairs if cell.invalid is None and i is not None))

    def requests(self) -> dict[Identity, VideoRequest | None]:
        """What is sent for each video; of several cells that ask for one, the request of the last."""
        return dict(
            zip(
                (i for i in self.identities if i is not None),
                (c.to_send for c in self.cells if c.request is not None),
                strict=True,
            )
        )

    def first_of_each(self, identities: Sequence[Identity]) -> list[Cell]:
        """For each of these videos the first cell that asks for it."""
        first = dict(reversed(list(zip(self.identities, self.cells, strict=True))))
        return [first[identity] for identity in identities]

    def check_any_valid(self) -> None:
        """Raises InvalidRequest, with the reason of the first cell, where every cell is invalid."""
        wrong = [cell for cell in self.cells if cell.invalid is not None]
        if len(wrong) == len(self.cells):
            why = f"all {len(wrong)} cells are invalid, the first: {wrong[0].invalid}" if wrong else "it has no cells"
            raise InvalidRequest(f"nothing was submitted: {why}")
