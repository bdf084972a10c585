"""What callbacks of widgets need: to be called while a cell runs, and a place to tell of errors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import SeedanceError, shortened
from ..tracking.background import log


def interactive(*widgets: Any) -> None:
    """Let what a page sends to these widgets be handled on the shell the page asked for.

    ipykernel 7.4.0 sends it to the shell that last wrote on the comm, which is the busy main one, instead of the subshell
    that JupyterLab asked for: a click would wait for the running cell. Harmless elsewhere.
    """
    for widget in widgets:
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = lambda _data, default: default


@contextlib.contextmanager
def drawn_by(show: Callable[[str], object]) -> Iterator[None]:
    """Whatever is raised inside becomes one line, shown by `show(line)`; a block that ends well shows an empty line."""
    try:
        yield
    except SeedanceError as error:
        show(str(error))
    except Exception as error:
        log.exception("a callback of the panel failed")
        show(f"this did not work ({type(error).__name__}: {shortened(error)})")
    else:
        show("")
