"""What a story is: its shots, what each begins with, and the requests that come of it. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ...api.catalog import Catalog
from ...api.content_addresses import content_address
from ...api.models import VideoRequest, make_request
from ...errors import InvalidRequest, one_line, shortened
from ..axes import Axes, Cell
from ..cells import Cells

SHOT, TAKE = "shot", "take"
MOST_SHOTS = 200
"""More is a mistake, not a story."""
LABEL = 70


@dataclasses.dataclass(frozen=True)
class Script:
    """The shots of a story, in order. `settings` are the fields of a request that hold for all of them.

    With a `reference` every shot goes by it; else each shot begins with the last frame of the one before, and the first with
    `first_frame`, where there is one. Both are addresses as requests hold them.
    """

    prompts: tuple[str, ...]
    settings: Mapping[str, Any]
    takes: int = 1
    reference: str | tuple[str, ...] | None = None
    first_frame: str | None = None

    @property
    def is_chain(self) -> bool:
        """Whether a shot needs the one before it."""
        return self.reference is None

    @property
    def beginning(self) -> tuple[str | None, ...]:
        """What is known of where shots begin before there is any clip: of the first one, or of all of them."""
        return (self.first_frame,) if self.is_chain else (None,) * len(self.prompts)

    def request(self, shot: int, begins_with: str | None) -> VideoRequest:
        """What is asked for shot `shot` (from 0). Raises InvalidRequest."""
        media = self.reference if self.reference is not None else begins_with
        return make_request(self.prompts[shot], **self.settings, media_urls=media)

    def check(self, catalog: Catalog) -> tuple[str, ...]:
        """What should be known of its requests before they are paid for. Raises InvalidRequest, naming the shot."""
        notes: list[str] = []
        begins = [*self.beginning, *(_unknown(shot) for shot in range(len(self.beginning), len(self.prompts)))]
        for shot, begin in enumerate(begins):
            try:
                notes += catalog.check(self.request(shot, begin))
            except InvalidRequest as error:
                said = shortened(error, 300).replace("; nothing was sent and nothing charged", "")
                raise InvalidRequest(f"shot {shot + 1}: {said}; nothing was sent and nothing charged") from None
        return tuple(dict.fromkeys(notes))

    def cells(self, begins: Sequence[str | None]) -> Cells:
        """Every take of every shot. `begins` says what the first shots begin with; of the others a request stands there that is never sent."""
        cells = list[Cell]()
        for shot, prompt in enumerate(self.prompts):
            request = self.request(shot, begins[shot] if shot < len(begins) else _unknown(shot))
            for take in range(1, self.takes + 1):
                values = {SHOT: f"{shot + 1}: {one_line(prompt, LABEL)}", TAKE: take}
                cells.append(Cell(len(cells), values, request.without_signatures(), take, signed=request))
        names = (SHOT, TAKE) if self.takes > 1 else (SHOT,)
        axes = Axes(rows=tuple(cell.values for cell in cells), takes=self.takes, shown=names)
        return Cells(axes, tuple(cells), tuple(cell.identity for cell in cells))

    def of_shot(self, laid: Cells, shot: int) -> Cells:
        """The takes of one shot among them."""
        some = slice(shot * self.takes, (shot + 1) * self.takes)
        return dataclasses.replace(laid, cells=laid.cells[some], identities=laid.identities[some])


def read_prompts(shots: object) -> tuple[str, ...]:
    """The prompts of a story. Raises InvalidRequest for what is none."""
    if isinstance(shots, str) or not isinstance(shots, Sequence):
        raise InvalidRequest(
            f'a story is a list of prompts, one a shot: sd.story(["…", "…"]), not {one_line(repr(shots), 40)}; nothing was sent'
        )
    if not shots or len(shots) > MOST_SHOTS:
        raise InvalidRequest(f"a story has 1 to {MOST_SHOTS} shots, not {len(shots):,}; nothing was sent")
    for number, prompt in enumerate(shots, 1):
        if not isinstance(prompt, str) or not prompt.strip():
            raise InvalidRequest(
                f"shot {number} is no prompt but {one_line(repr(prompt), 40)}: give each shot a text; nothing was sent"
            )
    return tuple(shots)


def _unknown(shot: int) -> str:
    """Stands for the frame that a shot begins with while there is none: the name of no picture, another one for each shot."""
    return content_address(f"{shot:064x}", ".png")
