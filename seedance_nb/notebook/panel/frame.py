"""The part of the panel that ipywidgets have no widget for: the button with its price, the one status line, copying, and keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ...errors import one_line
from ...pages.assets import module
from ..interactive import drawn_by, interactive

_HERE = Path(__file__).parent


class PanelFrame(anywidget.AnyWidget):
    """Traits are the wire contract. The page sends `{kind: "generate", token, price}` and `{kind: "opened", page}`.

    `token` names what the button stood for and `price` what it said. The page holds a press back until what stands in the form
    is what the kernel priced (`action["form"]`), so nothing is ever sent that is not what the user sees.
    """

    _esm = module(_HERE / "panel.js")
    _css = _HERE / "panel.css"

    action = traitlets.Dict().tag(sync=True)
    """{label, why, enabled, price, problem, notes, token, form} of the button."""
    code = traitlets.Dict().tag(sync=True)
    """{subject, magic, python}: the cell that repeats what the form, or the open clip, stands for."""
    says = traitlets.Unicode().tag(sync=True)
    """The status line."""
    tally = traitlets.Unicode().tag(sync=True)
    trouble = traitlets.Unicode().tag(sync=True)
    """What went wrong, in a line below the button."""

    def __init__(self, on_generate: Callable[[str, float | None], object], on_open: Callable[..., object]) -> None:
        self._on_generate, self._on_open = on_generate, on_open
        self._pages: list[object] = []
        super().__init__()
        self.on_msg(self._answer)

    def __repr__(self) -> str:
        return "[seedance panel; it is drawn while its kernel runs]"

    def complain(self, text: str) -> None:
        """Draw a line below the button; an empty one takes it away."""
        self.trouble = one_line(text)

    def say(self, text: str) -> None:
        """Write the status line."""
        self.says = text

    def focus_prompt(self) -> None:
        """Put the keyboard into the prompt, unless someone is writing elsewhere."""
        self.send({"kind": "focus"})

    @traitlets.observe("comm")
    def _listen_while_a_cell_runs(self, _: Any) -> None:
        interactive(self)

    def _answer(self, _widget: object, content: object, _buffers: object) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "opened":
            page = content.get("page") if isinstance(content, dict) else None
            first, reloaded = not self._pages, page not in self._pages
            self._pages.append(page)
            self._on_open(first=first, reloaded=reloaded)
        elif kind == "generate":
            assert isinstance(content, dict)
            price = content.get("price")
            with drawn_by(self.complain):
                self._on_generate(str(content.get("token")), float(price) if isinstance(price, int | float) else None)
            self.send({"kind": "handled"})
