"""The voting room's script and style. The widget and the page share them, each with a door of its own."""

from __future__ import annotations

from pathlib import Path

from ...pages.assets import joined, with_keys

_HERE = Path(__file__).parent
PAGE_DOOR = _HERE / "page.js"


def script(door: Path) -> str:
    """The room's JavaScript with that door: a file that opens it in a widget, or PAGE_DOOR for a page."""
    return with_keys(*(_HERE / name for name in ("player.js", "parts.js", "room.js")), door)


def style() -> str:
    """The room's CSS."""
    return joined(_HERE / "ballot.css")
