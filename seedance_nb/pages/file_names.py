"""The name of a saved clip: made of its prompt, under letters every system takes."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from ..clips.saving import NameTaken
from ..errors import ClipError
from ..snapshot import Snapshot

LONGEST_NAME = 60
"""Letters of the prompt in a file's name; in most scripts far below the 255 bytes that file systems take."""
LARGEST_NAME = 150


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


def file_name(snapshot: Snapshot) -> str:
    """Letters and digits of the prompt, and the take: "a-paper-boat-take-1"."""
    words = unicodedata.normalize("NFC", snapshot.request.prompt[:400]).lower()
    words = re.sub(r"[^\w]+|_+", "-", words).strip("-")[:LONGEST_NAME]
    words = words.encode()[:LARGEST_NAME].decode(errors="ignore").strip("-")
    return f"{words or snapshot.key}-take-{snapshot.take}"
