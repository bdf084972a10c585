"""Words that no font of this system can draw: on the page stands a number, and a legend beside it."""

from __future__ import annotations

import dataclasses
import sys
import warnings

from ... import fonts
from .layout import Heading, Table

MOST_TOLD = 12


class LettersMissing(UserWarning):
    """Words of a sheet or film were numbered, as no font of this system has their letters."""


class Legend:
    """Numbers for the words that cannot be drawn, in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._scripts: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def text(self, text: str) -> str:
        """The text with "[1]" and so on for the words that cannot be drawn."""
        text = fonts.printable(text, 2000)
        if text.isascii() or all(map(fonts.can_draw, text)):
            return text
        parts, at = [], 0
        for begin, end in fonts.gaps(text):
            words = text[begin:end]
            self._scripts |= dict.fromkeys(fonts.script_of(c) for c in words if not fonts.can_draw(c))
            number = self._numbers.setdefault(words, len(self._numbers) + 1)
            parts += [text[at:begin], f"[{number}]"]
            at = end
        return "".join([*parts, text[at:]])

    def table(self, table: Table) -> Table:
        """The same table with headings that can be drawn."""
        return dataclasses.replace(
            table,
            rows=tuple(Heading(self.text(heading.label), self.text(heading.detail)) for heading in table.rows),
            columns=tuple(Heading(self.text(heading.label), self.text(heading.detail)) for heading in table.columns),
            row_title=self.text(table.row_title),
            column_title=self.text(table.column_title),
        )

    def lines(self) -> list[str]:
        """What each number means: "[1] …"."""
        return [f"[{number}] {words}" for words, number in self._numbers.items()]

    def tell(self, name: str) -> None:
        """Warn once of all that was numbered in the file of this name, with what to install."""
        if not self:
            return
        lines = self.lines()
        more = (
            f"; and {len(lines) - MOST_TOLD} more, in the description inside the file" if len(lines) > MOST_TOLD else ""
        )
        scripts = list(self._scripts)
        warnings.warn(
            f"no font of this system has the letters of some labels ({', '.join(scripts)}): in {name} stand numbers in their "
            f"place. {'; '.join(lines[:MOST_TOLD])}{more}. For the words themselves, {fonts.cure_for(scripts)}",
            LettersMissing,
            stacklevel=_depth_of_caller(),
        )


def _depth_of_caller() -> int:
    """How far up the first frame is that is not ours: there a warning is shown."""
    depth, frame = 2, sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("seedance_nb."):
        depth, frame = depth + 1, frame.f_back
    return depth
