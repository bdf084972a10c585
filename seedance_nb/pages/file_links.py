"""Where a clip's own file lies, in words that may stay in a notebook, and as a link where one can work."""

from __future__ import annotations

import os
import urllib.parse
from pathlib import Path


def link_to(path: Path) -> str | None:
    """The address of a file as seen from the notebook, percent-encoded; None where no page could open it, or nothing is there.

    Jupyter serves what lies below its root and is not hidden. The notebook's own folder is below that root; what lies elsewhere
    may or may not be, and nothing here can tell.
    """
    try:
        inside = path.resolve().relative_to(_notebook_folder())
    except (OSError, ValueError):
        return None
    if not path.exists() or any(part.startswith(".") for part in inside.parts):
        return None
    return quoted(inside.as_posix())


def place_of(path: Path) -> str | None:
    """The path of a file in words, with `~` for the home folder; None where nothing is there."""
    if not path.exists():
        return None
    whole = Path.cwd() / path
    try:
        return str(Path("~") / whole.relative_to(Path.home()))
    except (RuntimeError, ValueError):  # another place, or nobody's home
        return str(whole)


def quoted(path: str) -> str:
    """A relative path as an address."""
    address = urllib.parse.quote(path)
    return f"./{address}" if ":" in address.split("/")[0] else address


def _notebook_folder() -> Path:
    """The folder of the notebook: Jupyter names the file to its kernel, and the working folder may have been changed since."""
    named = Path(os.environ.get("JPY_SESSION_NAME", ""))
    folder = named.parent if named.is_absolute() and named.parent.is_dir() else Path.cwd()
    return folder.resolve()
