"""Prompts used before, with search."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w

from ...pages.escaping import clean
from ...pages.words import clamp
from ..interactive import interactive
from .compose import Field
from .errors import drawn_by

SHOWN = 30


class History:
    """`find(text, limit)` asks the ledger; `use(prompt)` puts one into the form."""

    def __init__(self, find: Callable[[str, int], tuple[str, ...]], use: Callable[[str], object]) -> None:
        self._find, self._use = find, use
        self.search = Field("history", w.Text(description="Search history", placeholder="words you remember"))
        self.list = Field("earlier", w.Select(description="Earlier", options=(), rows=5))
        self.button = w.Button(description="Use again", disabled=True)
        self.box = w.VBox([self.search.box, self.list.box, self.button])
        self.search.control.observe(lambda _: self.refresh(), "value")
        self.list.control.observe(self._chosen, "value")
        self.button.on_click(lambda _: self._take())
        interactive(self.search.control, self.list.control, self.button)

    def refresh(self) -> None:
        """Ask again for what matches the search."""
        with drawn_by(self.search.say):
            found = self._find(self.search.control.value, SHOWN)
            self.list.control.options = [(clamp(clean(" ".join(prompt.split())), 120), prompt) for prompt in found]
            self.list.control.value = None

    def _chosen(self, _: object) -> None:
        self.button.disabled = self.list.control.value is None

    def _take(self) -> None:
        with drawn_by(self.list.say):
            if self.list.control.value is not None:
                self._use(self.list.control.value)
