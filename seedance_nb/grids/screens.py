"""What a grid needs a screen for: set by the notebook room when it is there, empty in a plain script."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import SeedanceError


@dataclasses.dataclass
class Screens:
    """Ways to show a grid. Each is None until the notebook room has set it."""

    open_ballot: Callable[..., Any] | None = None
    """`(grid, *, aspects, rater, by)`: show two clips at a time and take votes."""
    write_ballot: Callable[..., Path] | None = None
    """`(picture, path, *, aspects, by)`: one page for a rater without Python."""


screens = Screens()


def needed(screen: Callable[..., Any] | None, what: str) -> Callable[..., Any]:
    """The screen, or a SeedanceError that says how to get it."""
    if screen is None:
        raise SeedanceError(f"{what} needs the notebook part of seedance_nb; make the grid with seedance_nb.grid(…)")
    return screen
