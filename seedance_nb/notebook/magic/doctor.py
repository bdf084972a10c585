"""`%seedance doctor`: the check-up of the session, and what only the notebook knows about its front end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from ...tracking import session as sessions
from ...tracking.checkup import Finding, check_up
from ...tracking.team_checkup import check_up_team
from ..display import attach


def examine(shell: Any, *, is_team: bool = False) -> Iterator[str]:
    """The lines, one by one, as they are found; of a team also what it shares."""
    yield str(_front_end(shell))
    yield str(_waits(shell))
    session = sessions.default()
    for finding in check_up_team(session) if is_team else check_up(session):
        yield str(finding)


def _front_end(shell: Any) -> Finding:
    screen = attach(shell)
    if not screen.in_kernel:
        return Finding(True, "front end", "a terminal: no cards, %seedance jobs shows where things stand")
    features = getattr(shell.kernel, "kernel_info", {}).get("supported_features", [])
    clicks = "Cancel works while a cell runs" if "kernel subshells" in features else "Cancel waits for a running cell"
    who = "a program without a person (cells wait for their videos)" if screen.is_headless else "a notebook"
    return Finding(True, "front end", f"{who}; {clicks}")


def _waits(shell: Any) -> Finding:
    old: Any = sys.modules.get("nest_asyncio")
    ipykernel: Any = sys.modules.get("ipykernel")
    patched = old is not None and ipykernel is not None and ipykernel.version_info[:2] >= (7, 1)
    loop = getattr(getattr(shell, "kernel", None), "io_loop", None)
    if patched and getattr(getattr(loop, "asyncio_loop", None), "_nest_patched", False):
        cure = "use nest_asyncio2 instead of nest_asyncio, which loses queued cells on this ipykernel"
        return Finding(False, "waiting", "blocks the notebook's own tasks", cure)
    return Finding(True, "waiting", "keeps the notebook's own asyncio tasks alive")
