"""Clips made elsewhere: what `seedance_nb.import_clip` is."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from ..clips.clip import Clip
from ..clips.imported import FOLDER, ImportedClip, bring_in, find
from ..clips.store import Clips
from ..errors import ClipError, InvalidRequest, one_line
from . import session as sessions
from .session import Session


def import_clip(path: str | os.PathLike[str], **labels: str | float | None) -> ImportedClip:
    """A video that was made elsewhere, to be looked at and voted on beside those of a grid: `grid.include(sd.import_clip(…))`. 0 credits.

    `labels` say where it stands: a value for each axis of the grid, and `model` and `prompt`. The file is verified as a download is (an MP4, decoded)
    and copied into the folder of clips under the name of its content; it is never sent anywhere. Raises ClipError for what is no
    such video, InvalidRequest for labels that cannot be meant.
    """
    return import_into(sessions.default(), path, labels)


def import_into(session: Session, path: str | os.PathLike[str], labels: dict[str, Any]) -> ImportedClip:
    """The same in a session of one's own."""
    for name, value in labels.items():
        if value is not None and not isinstance(value, str | int | float):
            raise InvalidRequest(
                f"the label {one_line(name, 40)} must be text or a number, not {one_line(type(value).__name__, 40)}; nothing was imported"
            )
    try:
        file = Path(path).expanduser()
        str(file).encode()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ClipError(
            f"{one_line(repr(path), 120)} is no path of a file ({one_line(error, 80)}); nothing was imported"
        ) from None
    from ..clips.inspector import Inspector

    with contextlib.closing(Clips(session.settings.clips / FOLDER, Inspector())) as clips:
        clip = bring_in(file, clips, session.limits.max_clip_bytes)
    return ImportedClip(clip, file.name, dict(labels))


def imported_before(session: Session, sha256: str) -> Clip | None:
    """The copy of a file with this content, if this session has one."""
    return find(sha256, Clips(session.settings.clips / FOLDER))
