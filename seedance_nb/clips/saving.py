"""Copies of clips where somebody wants them: whole or not at all, never over something else, under names every system takes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from ..errors import ClipError, ConfigurationError, one_line
from . import naming
from .trace import Trace, original_of

ENDINGS = (".mp4", ".m4v")


def save(source: Path, sha256: str, place: str | os.PathLike[str], trace: Trace | None = None) -> Path:
    """Copy a video to a file, or into a folder under its own name, and return where it is now; see `Clip.save_to`."""
    if isinstance(place, str) and ("{" in place or "}" in place):
        facts = trace.facts() if trace is not None else {"key": source.stem}
        place = naming.named(place, facts)
        naming.check_length(Path(place).name)
    target = _target(place, source.name)
    try:
        return _copied(source, sha256, target, trace)
    except (OSError, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or error, 120)
        raise ClipError(f"{one_line(target, 200)} could not be written ({reason})") from None


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


def _copied(source: Path, sha256: str, target: Path, trace: Trace | None) -> Path:
    if not source.exists():
        raise ClipError(f"{source.name} is gone; job.download_again() brings it back")
    if _is_same(target, source, sha256):
        return target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem[:40]}.{os.getpid()}.{time.monotonic_ns():x}.part")
    try:
        _write(source, sha256, part, trace)
        _name(part, target)
    except FileExistsError:
        if not _is_same(target, source, sha256):
            raise NameTaken(
                f"{target} exists already, is another file and is not written over; choose another name"
            ) from None
    finally:
        part.unlink(missing_ok=True)
    return target.absolute()


def _write(source: Path, sha256: str, part: Path, trace: Trace | None) -> None:
    """The copy, on the disk: with its tags where it is known what made it, else byte for byte."""
    if trace is not None and _is_tagged(source, part, trace.tags(sha256)):
        with part.open("r+b") as written:
            os.fsync(written.fileno())
        return
    with source.open("rb") as original, part.open("xb") as copy:
        shutil.copyfileobj(original, copy, 1 << 20)
        copy.flush()
        os.fsync(copy.fileno())


def _is_tagged(source: Path, part: Path, tags: Mapping[str, str]) -> bool:
    from .tags import write_tagged

    return write_tagged(source, part, tags)


def _name(part: Path, target: Path) -> None:
    """Give the whole file its name, unless another has it: then FileExistsError."""
    with contextlib.suppress(OSError):
        os.link(part, target)
        return
    # No second names on this file system, or the name is taken: claim it first, then put the file there.
    target.open("xb").close()
    part.replace(target)


def _is_same(target: Path, source: Path, sha256: str) -> bool:
    """Whether this very film is there already: the same bytes, or a copy of them with tags."""
    try:
        size = target.stat().st_size
        if not target.is_file():
            return False
        if size == source.stat().st_size:
            with target.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                    return True
    except OSError:
        return False
    from .tags import read_tags, same_film

    try:
        return original_of(read_tags(target)) == sha256 and same_film(source, target)
    except ClipError:
        return False
