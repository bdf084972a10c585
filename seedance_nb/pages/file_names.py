"""The name of a saved clip: made of its prompt, under letters every system takes."""

from __future__ import annotations

import os
import re
import string
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..api.models import VideoRequest
from ..clips import naming
from ..clips.clip import labelled
from ..clips.saving import ENDINGS, NameTaken
from ..clips.trace import Trace
from ..errors import ClipError
from ..snapshot import Snapshot

LONGEST_NAME = 60
"""Letters of the prompt in a file's name; in most scripts far below the 255 bytes that file systems take."""
LARGEST_NAME = 150
NO_LABELS: Mapping[str, Any] = MappingProxyType({})


def save_named(snapshot: Snapshot, folder: Path) -> Path:
    """Copy the clip of a job into this folder, under a name made of its prompt and take. Raises ClipError."""
    clip = snapshot.traced_clip
    if clip is None:
        raise ClipError("there is no clip to save")
    name = os.fsdecode(file_name(snapshot).encode())  # UTF-8 on the disk, whatever the locale is
    try:
        return clip.save_to(folder / f"{name}.mp4")
    except NameTaken:  # by another model's clip of the same prompt, say
        return clip.save_to(folder / f"{name}-{snapshot.key}.mp4")


def save_by(
    snapshot: Snapshot,
    pattern: str,
    labels: Mapping[str, Any] = NO_LABELS,
    here: Path = Path(),
) -> Path:
    """Copy the clip of a job to the name that a pattern gives it; one that does not end in .mp4 names a folder. Raises ClipError.

    Where another file has the name already, the job's key is added to it. `labels` are the values of the grid's axes, `here` is the folder
    that a relative name begins at.
    """
    clip = labelled(snapshot.traced_clip, labels)
    if clip is None or clip.trace is None:
        raise ClipError("there is no clip to save")
    target = here / _named(pattern, clip.trace)
    if not is_of_file(pattern):
        return save_named(snapshot, target)
    try:
        return clip.save_to(target)
    except NameTaken:
        return clip.save_to(target.with_name(f"{target.stem}-{snapshot.key}{target.suffix}"))


def check_pattern(pattern: str, jobs: Iterable[tuple[VideoRequest, int, Mapping[str, Any]]]) -> Path:
    """The folder below which names of this pattern lie. Raises ClipError where it makes no name for one of these requests, takes and labels."""
    for request, take, labels in jobs:
        _named(pattern, Trace(request, take, labels=labels))
    before = next(iter(string.Formatter().parse(pattern)))[0]
    return Path(before[: before.rfind("/") + 1] or ".").expanduser()


def is_of_file(pattern: str) -> bool:
    """Whether it names a file, and not a folder."""
    return pattern.lower().endswith(ENDINGS)


def _named(pattern: str, trace: Trace) -> Path:
    text = naming.named(pattern, trace.facts())
    if not is_of_file(pattern) and re.search(r"\.[A-Za-z0-9]{1,4}$", pattern):
        raise ClipError(f"a clip is an MP4: let {pattern!r} end in .mp4, or name a folder")
    target = Path(os.fsdecode(text.encode())).expanduser()
    naming.check_length(target.name)
    return target


def file_name(snapshot: Snapshot) -> str:
    """Letters and digits of the prompt, and the take: "a-paper-boat-take-1"."""
    words = unicodedata.normalize("NFC", snapshot.request.prompt[:400]).lower()
    words = re.sub(r"[^\w]+|_+", "-", words).strip("-")[:LONGEST_NAME]
    words = words.encode()[:LARGEST_NAME].decode(errors="ignore").strip("-")
    return f"{words or snapshot.key}-take-{snapshot.take}"
