"""What was played is kept in a file of JSON lines, so that it is played once: whoever starts again goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Kept:
    """What was found, by what it was: plain numbers, texts and lists of them. Without a path it is kept as long as this lives."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._known: dict[tuple[Any, ...], Any] = {}
        if self._path and self._path.exists():
            whole = [line for line in self._path.read_text().splitlines(keepends=True) if line.endswith("\n")]
            self._known = {tuple(key): found for key, found in map(json.loads, whole)}
            self._path.write_text("".join(whole))  # a line that was cut short is no line to go on from

    def __contains__(self, what: tuple[Any, ...]) -> bool:
        return what in self._known

    def __getitem__(self, what: tuple[Any, ...]) -> Any:
        return self._known[what]

    def add(self, what: tuple[Any, ...], found: Any) -> Any:
        """Keep it; returns it."""
        self._known[what] = found
        if self._path:
            with self._path.open("a") as file:
                file.write(json.dumps([what, found]) + "\n")
        return found

    def once(self, what: tuple[Any, ...], play: Callable[..., Any], *arguments: Any) -> Any:
        """What was found, or is now."""
        return self[what] if what in self else self.add(what, play(*arguments))
