"""What is to be voted on, here and now. Whoever runs the cell shows it: a notebook has registered how (`notebook/ballot`)."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import SeedanceError
from ...showing import Shown
from ...tracking.host import marimo_notebook
from ...tracking.session import Session
from ..picture import GridPicture


@dataclasses.dataclass(frozen=True)
class Voting(Shown):
    """Somebody wants to vote on the clips of a grid. `picture()` is asked again after each pair: clips may have been finished by then."""

    session: Session
    picture: Callable[[], GridPicture]
    aspects: tuple[str, ...]
    """What is asked of each pair."""
    rater: str | None
    """Who votes; None: the ballot asks for the name."""
    by: str | Sequence[str] | None
    """The axis or axes that are compared; None: the cells, whatever their take."""
    training: bool = True
    """Whether the first pair is one to practise on, that never counts."""
    gold: float = 0.0
    """Of the pairs, the share that shows a clip beside its own damaged copy, never counted."""


def show(voting: Voting) -> None:
    """Show it below the running cell, wherever in the cell it is asked for. Raises SeedanceError where no notebook can.

    The shell itself knows how each kind of thing is shown: asked directly, what goes wrong is raised in the cell, which IPython's
    `display` would only print.
    """
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    try:
        show_it = shell.display_formatter.ipython_display_formatter.lookup_by_type(Voting)
    except (AttributeError, KeyError):  # a script, a terminal, marimo
        if (marimo := marimo_notebook()) is not None:
            marimo.output.append(voting)
            return
        raise SeedanceError(
            "votes need a notebook; grid.vote(offline='ballot.html') writes a page for any browser"
        ) from None
    show_it(voting)
