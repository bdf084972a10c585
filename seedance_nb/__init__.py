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
    from .grids import measures
    from .grids.grid import Grid
    from .grids.opening import grid
    from .grids.stories.opening import story
    from .grids.stories.story import Story
    from .grids.votes.vote_table import rank
    from .notebook.panel.panel import panel
    from .notebook.syntax.reading import read
    from .tracking.forgetting import forget
    from .tracking.importing import import_clip
    from .tracking.job import Job
    from .tracking.ledger.ledger import Ledger
    from .tracking.limiting import limit
    from .tracking.session import Session, account, configure, jobs, models, resume, serve_webhooks, submit

__all__ = [
    "ApiError",
    "AuthenticationError",
    "BudgetExceeded",
    "Clip",
    "ClipError",
    "ConfigurationError",
    "ConnectionFailed",
    "Generation",
    "GenerationCancelled",
    "GenerationFailed",
    "Grid",
    "InvalidRequest",
    "Job",
    "Ledger",
    "OutcomeUnknown",
    "PaymentRequired",
    "RateLimited",
    "SeedanceError",
    "ServerError",
    "Session",
    "Status",
    "Story",
    "VideoRequest",
    "WaitTimeout",
    "__version__",
    "account",
    "configure",
    "forget",
    "grid",
    "import_clip",
    "jobs",
    "limit",
    "load_ipython_extension",
    "measures",
    "models",
    "panel",
    "rank",
    "read",
    "resume",
    "serve_webhooks",
    "story",
    "submit",
    "unload_ipython_extension",
]
_ROOM_OF = dict.fromkeys(__all__, "errors") | {
    "account": "tracking.session",
    "configure": "tracking.session",
    "submit": "tracking.session",
    "jobs": "tracking.session",
    "forget": "tracking.forgetting",
    "import_clip": "tracking.importing",
    "limit": "tracking.limiting",
    "resume": "tracking.session",
    "models": "tracking.session",
    "serve_webhooks": "tracking.session",
    "grid": "grids.opening",
    "story": "grids.stories.opening",
    "Story": "grids.stories.story",
    "measures": "grids.measures",
    "panel": "notebook.panel.panel",
    "rank": "grids.votes.vote_table",
    "read": "notebook.syntax.reading",
    "Session": "tracking.session",
    "Grid": "grids.grid",
    "Job": "tracking.job",
    "Clip": "clips.clip",
    "Ledger": "tracking.ledger.ledger",
    "VideoRequest": "api.models",
    "Generation": "api.models",
    "Status": "api.models",
}
"""Where a name is imported from at its first use; what is defined here never is."""

if not TYPE_CHECKING:  # a name that is not there must be an error to a type checker too

    def __getattr__(name: str) -> Any:
        if name not in _ROOM_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        room = import_module(f".{_ROOM_OF[name]}", __name__)
        value = room if name == "measures" else getattr(room, name)  # a folder of functions is the name itself
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


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Where Jupyter Server finds its part: the page that a finished video rings at."""
    return [{"module": "seedance_nb.waking.server_extension"}]
