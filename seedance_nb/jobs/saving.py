"""Copies of clips where somebody wants them: whole or not at all, never over something else, under names every system takes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
import unicodedata
from pathlib import Path

from ..errors import ClipError, ConfigurationError, one_line
from .snapshot import Clip, Snapshot

ENDINGS = (".mp4", ".m4v")
LONGEST_NAME = 60
"""Letters of the prompt in a file's name; in most scripts far below the 255 bytes that file systems take."""
LARGEST_NAME = 150


def save(clip: Clip, place: str | os.PathLike[str]) -> Path:
    """Copy a clip to a file, or into a folder under its own name, and return where it is now; see `Clip.save_to`."""
    if clip.is_lost:
        raise clip.loss()
    target = _target(place, clip.path.name)
    try:
        return _copied(clip, target)
    except (OSError, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or error, 120)
        raise ClipError(f"{one_line(target, 200)} could not be written ({reason})") from None


def save_named(snapshot: Snapshot, folder: Path) -> Path:
    """Copy the clip of a job into this folder, under a name made of its prompt and take. Raises ClipError."""
    clip = snapshot.clip
    if clip is None:
        raise ClipError("there is no clip to save")
    name = file_name(snapshot)
    try:
        return save(clip, folder / f"{name}.mp4")
    except NameTaken:  # by another model's clip of the same prompt, say
        return save(clip, folder / f"{name}-{snapshot.key}.mp4")


def file_name(snapshot: Snapshot) -> str:
    """Letters and digits of the prompt, and the take: "a-paper-boat-take-1"."""
    words = unicodedata.normalize("NFC", snapshot.request.prompt[:400]).lower()
    words = re.sub(r"[^\w]+|_+", "-", words).strip("-")[:LONGEST_NAME]
    words = words.encode()[:LARGEST_NAME].decode(errors="ignore").strip("-")
    return f"{words or snapshot.key}-take-{snapshot.take}"


def make_folder(place: str | os.PathLike[str]) -> Path:
    """The folder, made if need be, once something can be written into it. Raises ConfigurationError."""
    folder = Path(place).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{os.getpid()}.{time.monotonic_ns():x}.part"
        probe.touch()
        probe.unlink()
    except FileExistsError:
        raise ConfigurationError(f"{one_line(folder, 120)} is a file, and a folder is wanted") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = one_line(getattr(error, "strerror", None) or error, 120)
        raise ConfigurationError(f"the folder {one_line(folder, 120)} cannot be written ({reason})") from None
    return folder


class NameTaken(ClipError):  # noqa: N818 - it says what is the case
    """Another file has this name already."""


def _target(place: str | os.PathLike[str], own_name: str) -> Path:
    text = os.fspath(place)
    if not str(text).strip():
        raise ClipError("say where to save it: a folder, or a name that ends in .mp4")
    try:
        path = Path(text).expanduser()
        is_folder = path.is_dir() or not path.suffix or str(text).endswith(("/", os.sep))
    except (OSError, ValueError, RuntimeError) as error:
        raise ClipError(f"{one_line(text, 120)!r} is no place for a file ({one_line(error, 80)})") from None
    if not is_folder and path.suffix.lower() not in ENDINGS:
        raise ClipError(f"a clip is an MP4: name it {one_line(path.with_suffix('.mp4').name, 120)}, or name a folder")
    return path / own_name if is_folder else path


def _copied(clip: Clip, target: Path) -> Path:
    if not clip.path.exists():
        raise ClipError(f"{clip.path.name} is gone; job.download_again() brings it back")
    if _is_same(clip, target):
        return target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem[:40]}.{os.getpid()}.{time.monotonic_ns():x}.part")
    try:
        with clip.path.open("rb") as source, part.open("xb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        _name(part, target)
    except FileExistsError:
        if not _is_same(clip, target):
            raise NameTaken(
                f"{target} exists already, is another file and is not written over; choose another name"
            ) from None
    finally:
        part.unlink(missing_ok=True)
    return target.absolute()


def _name(part: Path, target: Path) -> None:
    """Give the whole file its name, unless another has it: then FileExistsError."""
    with contextlib.suppress(OSError):
        os.link(part, target)
        return
    # No second names on this file system, or the name is taken: claim it first, then put the file there.
    target.open("xb").close()
    part.replace(target)


def _is_same(clip: Clip, target: Path) -> bool:
    """Whether this very film is there already."""
    try:
        if target.stat().st_size != clip.size:
            return False
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == clip.sha256
    except OSError:
        return False
