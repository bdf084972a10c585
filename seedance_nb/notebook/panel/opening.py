"""Opening a panel: `%seedance` alone, `%seedance panel`, `seedance_nb.panel()`."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from ...errors import SeedanceError
from ...tracking import session as sessions
from ..display import attach
from .panel import Panel

_ATTRIBUTE = "_seedance_panels"
MOST_PANELS = 4
"""Panels alive at once in a kernel; the oldest stops following when another opens."""


def panel() -> None:
    """Open the panel below this cell. Nothing is submitted by that."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise SeedanceError("the panel needs a notebook; in a script use seedance_nb.submit")
    open_panel(shell)


def open_panel(shell: Any) -> Panel | None:
    """Open the panel in this shell; a terminal is told what to type instead."""
    screen = attach(shell)
    if not screen.in_kernel:
        from ..magic.commands import greet

        greet()
        return None
    panels = _panels_of(shell)
    cell = _running_cell(shell)
    before = panels.pop(cell, None)
    opened = panels[cell] = Panel(sessions.default(), screen, before.mine if before else ())
    if before is not None:  # its output has just been cleared
        before.close()
    while len(panels) > MOST_PANELS:
        panels.pop(next(iter(panels))).stop()
    opened.open()
    return opened


def _panels_of(shell: Any) -> dict[str, Panel]:
    # On the shell, because %autoreload clears module globals.
    if not hasattr(shell, _ATTRIBUTE):
        setattr(shell, _ATTRIBUTE, {})
    found: dict[str, Panel] = getattr(shell, _ATTRIBUTE)
    return found


def _running_cell(shell: Any) -> str:
    """Jupyter's id of the cell that runs, where the page tells it; else something of this call alone."""
    with contextlib.suppress(Exception):
        cell = shell.kernel.get_parent("shell").get("metadata", {}).get("cellId")
        if cell:
            return str(cell)
    return f"call {time.monotonic_ns()}"
