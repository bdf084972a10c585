"""Clips made elsewhere: copies that lie under the name of their content beside the clips that were bought, and never among them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ClipError, one_line
from ..showing import Shown
from .clip import MADE_ELSEWHERE, Clip
from .store import Clips

FOLDER = MADE_ELSEWHERE
"""In the folder of clips. Not that folder itself: where it is the cache of a bucket, what is in it is uploaded and cleared away."""
SMALLEST_SIDE = 16
"""Pixels: below this nobody can say which of two is better."""
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportedClip(Shown):
    """A clip made elsewhere, for `Grid.include`: `clip` is our copy of it, `name` what its file was called, `labels` where it stands."""

    clip: Clip
    name: str
    labels: Mapping[str, Any]

    @property
    def key(self) -> str:
        """What it goes by in votes and tables; the same wherever the same file is imported."""
        return key_of(self.clip.sha256)


def key_of(sha256: str) -> str:
    """What a file made elsewhere goes by. Jobs have keys of another length."""
    return f"e{sha256[:23]}"


def bring_in(file: Path, clips: Clips, most: int) -> Clip:
    """Verify a file as a download is, and keep a copy of it; the same file again is the same copy. Blocks; raises ClipError.

    `most` is how many bytes it may have.
    """
    shown = one_line(file, 120)
    try:
        found = file.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ClipError(f"{shown} is a folder: name one video in it, such as boat.mp4; nothing was imported")
        if not stat.S_ISREG(found.st_mode):
            raise ClipError(f"{shown} is no file of a video; nothing was imported")
        if not found.st_size:
            raise ClipError(f"{shown} is empty: save it anew; nothing was imported")
        if found.st_size > most:
            raise ClipError(_too_big(shown, found.st_size, most))
        return _copied(file, shown, clips, most)
    except FileNotFoundError:
        raise ClipError(f"there is no file {shown}; nothing was imported") from None
    except (OSError, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or error, 120)
        raise ClipError(f"{shown} cannot be read or copied ({reason}); nothing was imported") from None


def find(sha256: str, clips: Clips) -> Clip | None:
    """The copy of a file with this content, if it is here and still the same."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        facts = json.loads((clips.folder / f"{key_of(sha256)}.json").read_text("utf-8"))
        clip = clips.load(facts)
        return clip if clip is not None and clip.sha256 == sha256 else None
    return None


def _copied(file: Path, shown: str, clips: Clips, most: int) -> Clip:
    part = clips.arriving("e").part
    try:
        sha256 = _copy(file, shown, part, most)
        known = find(sha256, clips)
        if known is not None:
            return known
        key = key_of(sha256)
        try:
            clip = clips.admit(key, part)
        except ClipError as error:
            (clips.folder / f"{key}.unchecked.mp4").unlink(missing_ok=True)  # nobody paid for it, and its owner has it
            raise ClipError(
                f"{shown} is no video that can be taken ({one_line(error, 160)}); nothing was imported"
            ) from None
        if min(clip.width, clip.height) < SMALLEST_SIDE:
            clips.free(clip)
            raise ClipError(
                f"{shown} is {clip.width} x {clip.height} pixels, and nobody can judge less than {SMALLEST_SIDE}; nothing was imported"
            )
        facts = part.with_suffix(".json.part")
        facts.write_text(json.dumps(clips.facts(clip)), "utf-8")
        facts.replace(clips.folder / f"{key}.json")
        return clip
    finally:
        part.unlink(missing_ok=True)


def _copy(file: Path, shown: str, part: Path, most: int) -> str:
    """Copy it, and return the sha256 of what was copied: the file may be changed by others meanwhile."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as source, part.open("xb") as copy:
        part.chmod(0o600)
        while block := source.read(_BLOCK):
            size += len(block)
            if size > most:
                raise ClipError(_too_big(shown, size, most))
            digest.update(block)
            copy.write(block)
    return digest.hexdigest()


def _too_big(shown: str, size: int, most: int) -> str:
    return (
        f"{shown} has {size / 1e6:,.0f} MB, more than max_clip_bytes ({most:,} bytes): make it smaller, or raise it with"
        " sd.configure(max_clip_bytes=…); nothing was imported"
    )
