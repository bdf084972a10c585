"""From a saved clip back to the cell that made it."""

from __future__ import annotations

import os
from pathlib import Path

from ...clips.tags import read_tags
from ...clips.trace import read_trace
from ...errors import ClipError, one_line
from .back_to_text import as_magic


class CellText(str):
    """The text of a cell; a notebook shows it as it is typed, line by line."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def read(path: str | os.PathLike[str]) -> str:
    """The cell that made a saved clip, as its file tells: `%%seedance` with its options and prompt, or a call of `submit`.

    Only reads the file: nothing is sent. The cell asks for the same request and take, so it costs nothing while the ledger has it. Raises
    ClipError for a file that is not there, is no MP4, or was not saved by this package.
    """
    try:
        file = Path(path).expanduser()
        is_there = file.is_file()
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise ClipError(f"{one_line(repr(path), 120)} is no path of a file ({one_line(error, 80)})") from None
    if not is_there:
        raise ClipError(f"there is no file {one_line(file, 120)}; name a clip that was saved, such as boat.mp4")
    trace = read_trace(read_tags(file))
    if trace is None:
        raise ClipError(
            f"{one_line(file.name, 80)} does not say what made it: it was not saved by seedance_nb, or its tags were removed since"
        )
    return CellText(as_magic(trace.request, trace.take))
