"""Scripts and styles of several files. The voting room is shared by the widget and the page, each with a door of its own."""

from __future__ import annotations

import functools
from pathlib import Path

_STATIC = Path(__file__).parent / "static"
_ROOM = ("ballot_player.js", "ballot_parts.js", "ballot_room.js")


@functools.cache
def script(door: str) -> str:
    """The room's JavaScript with that door: "ballot.js" for the widget, "ballot_page.js" for the page."""
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in ("keys.js", *_ROOM, door))


@functools.cache
def with_keys(name: str) -> str:
    """The JavaScript of that name, with what keeps the keys pressed in it from the notebook."""
    return "\n".join((_STATIC / part).read_text(encoding="utf-8") for part in ("keys.js", name))


@functools.cache
def style() -> str:
    """The room's CSS."""
    return (_STATIC / "ballot.css").read_text(encoding="utf-8")
