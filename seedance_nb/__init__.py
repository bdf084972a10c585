"""Text-to-video in a notebook: `%load_ext seedance_nb`, then `%seedance a paper boat on a rainy street`.

This front door only names things. Everything behind it is imported at first use, so that `import seedance_nb` costs
nothing worth measuring.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .api.models import Generation, Status, VideoRequest
    from .clips.clip import Clip
    from .errors import (
        ApiError,
        AuthenticationError,
        BudgetExceeded,
        ClipError,
        ConfigurationError,
        ConnectionFailed,
        GenerationCancelled,
        GenerationFailed,
        InvalidRequest,
        OutcomeUnknown,
        PaymentRequired,
        RateLimited,
        SeedanceError,
        ServerError,
        WaitTimeout,
    )
    from .grids.grid import Grid
    from .grids.votes.vote_table import rank
    from .notebook.board.grid_opening import grid
    from .notebook.panel.opening import panel
    from .tracking.job import Job
    from .tracking.ledger.ledger import Ledger
    from .tracking.session import Session, account, configure, jobs, models, resume, submit

_ROOM_OF = {
    "account": "tracking.session",
    "configure": "tracking.session",
    "submit": "tracking.session",
    "jobs": "tracking.session",
    "resume": "tracking.session",
    "models": "tracking.session",
    "grid": "notebook.board.grid_opening",
    "panel": "notebook.panel.opening",
    "rank": "grids.votes.vote_table",
    "Session": "tracking.session",
    "Grid": "grids.grid",
    "Job": "tracking.job",
    "Clip": "clips.clip",
    "Ledger": "tracking.ledger.ledger",
    "VideoRequest": "api.models",
    "Generation": "api.models",
    "Status": "api.models",
    **dict.fromkeys(
        (
            "ApiError",
            "AuthenticationError",
            "BudgetExceeded",
            "ClipError",
            "ConfigurationError",
            "ConnectionFailed",
            "GenerationCancelled",
            "GenerationFailed",
            "InvalidRequest",
            "OutcomeUnknown",
            "PaymentRequired",
            "RateLimited",
            "SeedanceError",
            "ServerError",
            "WaitTimeout",
        ),
        "errors",
    ),
}

__all__ = [  # noqa: PLE0604 - the names are literals, in the table above
    "__version__",
    "load_ipython_extension",
    "unload_ipython_extension",
    *_ROOM_OF,
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
    if _ROOM_OF.get(name) != "errors":
        _attach_to_notebook()
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _attach_to_notebook() -> None:
    """Let jobs made by `sd.submit` display themselves and be waited for, also without `%load_ext`."""
    import sys

    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        from .notebook.display import attach

        attach(shell)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext seedance_nb`: register the magics, and follow what an earlier kernel left unfinished."""
    from .notebook.magic.magic import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext seedance_nb`: take the magics and hooks back and stop the background thread."""
    from .notebook.magic.magic import unload

    unload(shell)
