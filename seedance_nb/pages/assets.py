"""Scripts of several files, put together when they are served: there is no bundle to keep."""

from __future__ import annotations

import functools
from pathlib import Path

KEYS = Path(__file__).parent / "keys.js"


@functools.cache
def joined(*files: Path) -> str:
    """The text of these files, one after the other."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def with_keys(*files: Path) -> str:
    """The JavaScript of these files, with what keeps the keys pressed in it from the notebook."""
    return joined(KEYS, *files)
