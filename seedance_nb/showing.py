"""Objects that show themselves where a notebook asks each object how it looks: marimo. Jupyter's kernels are told by type instead."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Shown:
    """What `seedance_nb.notebook.marimo_cells` can show. Called by its name, as the front door does: what is shown knows no screen."""

    __slots__ = ()

    def _display_(self) -> Any:
        return import_module("seedance_nb.notebook.marimo_cells").shown(self)
