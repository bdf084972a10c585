"""What of this process holds its session: the shell of a kernel, else this module."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


class _Host:
    """Holds the session where there is no IPython shell to hold it."""


plain = _Host()


def find_host() -> Any:
    """The shell of this kernel, or `plain`."""
    # On the shell, because %autoreload clears module globals and would orphan the thread.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return plain if shell is None else shell


def marimo_notebook() -> Any:
    """marimo, where this runs in a cell of one of its notebooks; else None."""
    marimo = sys.modules.get("marimo")
    return marimo if marimo is not None and marimo.running_in_notebook() else None


def is_kernel() -> bool:
    """Whether this is a kernel of Jupyter's."""
    return getattr(find_host(), "kernel", None) is not None


def notebook_name() -> str | None:
    """The notebook's file name as Jupyter's server tells its kernels; None elsewhere."""
    path = os.environ.get("JPY_SESSION_NAME")
    return Path(path).name if path else None
