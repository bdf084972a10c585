"""A drop-down that is told what was chosen, not how far down the list it stood.

ipywidgets' Dropdown sends an index. When the model changes and the lengths on offer with it, an index chosen from the old list
would mean another length in the new one, and lengths cost money.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ...pages.assets import module
from ..interactive import interactive

_HERE = Path(__file__).parent


class Choice(anywidget.AnyWidget):
    """One value of several. `chosen`, `labels` and `description` are the wire contract; `value` is Python's side of it."""

    _esm = module(_HERE / "choice.js")

    description = traitlets.Unicode().tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)

    value = traitlets.Any()
    """What the chosen label stands for."""

    def __init__(self, description: str, options: Sequence[tuple[str, Any]], value: Any) -> None:
        self.options = tuple(options)
        label = next(label for label, known in options if known == value)
        names = [name for name, _ in options]
        super().__init__(description=description, labels=names, chosen=label, value=value)

    def __repr__(self) -> str:
        return f"[{self.description}: {self.chosen}]"

    def offer(self, options: Sequence[tuple[str, Any]], value: Any) -> None:
        """Offer other values and choose one of them. One message to the page."""
        self.options = tuple(options)
        with self.hold_sync():
            self.labels = [label for label, _ in options]
            self.value = value

    @traitlets.observe("value")
    def _show(self, change: Any) -> None:
        self.chosen = next((label for label, value in self.options if value == change["new"]), str(change["new"]))

    @traitlets.observe("chosen")
    def _hear(self, change: Any) -> None:
        for label, value in self.options:
            if label == change["new"]:
                self.value = value
                return
        if change["old"] in dict(
            self.options
        ):  # chosen from a list that has changed since: as it was, and the page is told
            self.chosen = change["old"]

    @traitlets.observe("comm")
    def _listen_while_a_cell_runs(self, _: Any) -> None:
        interactive(self)
