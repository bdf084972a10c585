"""Clicks on widgets while a cell runs."""

from __future__ import annotations

from typing import Any


def interactive(*widgets: Any) -> None:
    """Let what a page sends to these widgets be handled on the shell the page asked for.

    ipykernel 7.4.0 sends it to the shell that last wrote on the comm, which is the busy main one, instead of the subshell
    that JupyterLab asked for: a click would wait for the running cell. Harmless elsewhere.
    """
    for widget in widgets:
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = lambda _data, default: default
