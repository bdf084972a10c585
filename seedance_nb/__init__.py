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
    from .grids.vote_table import rank
    from .jobs.job import Job
    from .jobs.ledger import Ledger
    from .jobs.session import Session, account, configure, models, resume, submit
    from .jobs.snapshot import Clip
    from .notebook.grid_opening import grid
    from .notebook.panel_opening import panel

_ROOM_OF = {
    "account": "jobs.session",
    "configure": "jobs.session",
    "submit": "jobs.session",
    "resume": "jobs.session",
    "models": "jobs.session",
    "grid": "notebook.grid_opening",
    "panel": "notebook.panel_opening",
    "rank": "grids.vote_table",
    "Session": "jobs.session",
    "Grid": "grids.grid",
    "Job": "jobs.job",
    "Clip": "jobs.snapshot",
    "Ledger": "jobs.ledger",
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
    "jobs",
    "load_ipython_extension",
    "unload_ipython_extension",
    *_ROOM_OF,
]


def __getattr__(name: str) -> Any:
    # `jobs` is a room and a public function at once; the room is callable (see jobs/__init__.py).
    if name == "jobs":
        value: Any = import_module(".jobs", __name__)
    elif name in _ROOM_OF:
        value = getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
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
    from .notebook.magic import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext seedance_nb`: take the magics and hooks back and stop the background thread."""
    from .notebook.magic import unload

    unload(shell)
