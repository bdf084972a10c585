"""Clips that several people have: a bucket that holds each by its content, and the folder here as what was read of it lately.

A clip counts as being in the bucket when the bucket has said so after it was written: its size, and its bytes by their hash. Until then the
file here stays, whatever ends this process, and the next session goes on. What is read is checked against the hash that the ledger has.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ..buckets import LibraryMissing, cure_of, open_bucket, put, size_of, why, writes_at_once
from ..errors import ClipError, ConfigurationError
from ..upload_places import Place

log = logging.getLogger("seedance_nb")

STORED = ".stored"
"""The folder, beside the clips, of what the bucket has said: a small file for each clip, and its time is when the clip was last used."""
PAUSES = (5.0, 30.0, 120.0, 600.0)
"""Seconds before an upload that failed is tried again."""
BLOCK = 1 << 20


class NotShared(ClipError):  # noqa: N818 - it says what is the case
    """The bucket has no such clip."""


_Wanted = tuple[str, Future[None], Callable[[str | None], object] | None]


class SharedClips:
    """A bucket of clips and the folder that is read through. Uploads run in one thread of its own, which no clip and no cell waits for.

    `most` is how many bytes of clips the folder holds: what was used longest ago goes first, and nothing that is not in the bucket.
    """

    def __init__(self, place: Place, folder: Path, most: int) -> None:
        self.place, self.folder, self.most = place, folder, most
        self._name = f"{place.url} {sorted(place.options.items())}" if place.options else place.url
        self.trouble: str | None = None
        """Why the newest upload failed, in one line; None once one has gone well."""
        self._wanted: queue.SimpleQueue[_Wanted | None] = queue.SimpleQueue()
        self._left = 0
        self._idle = threading.Event()
        self._idle.set()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    # What is asked of it -----------------------------------------------------------------------------

    def go_on(self) -> None:
        """Upload whatever lies here and is not known to be in the bucket, as after a process that was ended."""
        for name in self.not_stored():
            self.keep(name)

    def not_stored(self) -> list[str]:
        """The files of clips that the bucket has not confirmed."""
        return [path.name for path in self._files() if not self._is_stored(path)]

    def keep(self, name: str, told: Callable[[str | None], object] | None = None) -> Future[None]:
        """Have the file of this name brought to the bucket, soon; the future ends when the bucket has said that it has it.

        `told` hears in the thread that uploads why that does not work yet, in one line, and None once it has.
        """
        kept: Future[None] = Future()
        with self._lock:
            self._left += 1
            self._idle.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="seedance_nb clips", daemon=True)
                self._thread.start()
        self._wanted.put((name, kept, told))
        return kept

    def fetch(self, facts: Mapping[str, Any], part: Path) -> None:
        """Bring the clip that these facts describe to `part`. Blocks. Raises NotShared, or ClipError, in one line."""
        digest, size = str(facts["sha256"]), int(facts["size"])
        try:
            system, root = open_bucket(self.place, "team")
            target = self._target(root, digest)
            there = size_of(system, target)
            if there is None:
                raise NotShared(f"{self.place.shown} has no such clip")
            if there == size:
                part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                system.get_file(target, str(part))
        except (ClipError, ConfigurationError):
            raise
        except Exception as error:  # of whichever library speaks to this bucket
            raise ClipError(
                f"the clip could not be read from {self.place.shown} ({why(error)}); {cure_of(error)}"
            ) from None
        if there != size or _digest(part) != digest:
            raise ClipError(
                f"the clip in {self.place.shown} is not the one that was put there (its content was changed)"
            )
        part.chmod(0o600)
        if isinstance(modified := facts.get("modified"), int):
            os.utime(part, ns=(modified, modified))

    def fetched(self, path: Path) -> None:
        """Say that this file came from the bucket just now."""
        self._confirm(path, _digest(path))
        self.make_room(path.name)

    def used(self, path: Path) -> None:
        """Say that this clip is looked at; costs one look at the folder."""
        with contextlib.suppress(OSError):
            os.utime(self._note(path))

    def forget(self, path: Path) -> None:
        """The file was freed here. What the bucket has stays there: others may have it in their ledgers."""
        self._note(path).unlink(missing_ok=True)

    def close(self, patience: float) -> None:
        """Wait for what is being uploaded, at most so many seconds; what is not done then goes on in the next session."""
        if self._thread is not None:
            self._idle.wait(max(0.0, patience))
        self._closing.set()
        self._wanted.put(None)

    def check(self) -> str:
        """Write, read and delete a small object; returns what is in the bucket by what it has said. Raises ConfigurationError."""
        try:
            system, root = open_bucket(self.place, "team")
            target, words = f"{root}/.seedance-check-{uuid.uuid4().hex}", b"seedance_nb looks whether it may write here"
            system.makedirs(root, exist_ok=True) if not writes_at_once(system) else None
            system.pipe_file(target, words)
            try:
                if system.cat_file(target) != words:
                    raise ConfigurationError(f"{self.place.shown} gives back other bytes than it was given")
            finally:
                system.rm_file(target)
        except ConfigurationError:
            raise
        except Exception as error:
            raise ConfigurationError(f"{self.place.shown} cannot be used ({why(error)}); {cure_of(error)}") from None
        files = self._files()
        waiting = len(self.not_stored())
        return f"{self.place.shown} can be written; {len(files) - waiting} clips here are in it, {waiting} wait to be uploaded"

    # The folder --------------------------------------------------------------------------------------

    def make_room(self, newest: str = "") -> None:
        """Free what was used longest ago, until the folder holds no more than it may. Blocks; asks the bucket before a file goes."""
        found = []
        for path in self._files():
            with contextlib.suppress(OSError):
                found.append((path, path.stat().st_size))
        total = sum(size for _, size in found)
        if total <= self.most:
            return
        stored = [
            (self._used_at(path), path, size) for path, size in found if path.name != newest and self._is_stored(path)
        ]
        for _, path, size in sorted(stored):
            if total <= self.most:
                return
            try:
                if not self._is_there(path, size):
                    self._note(path).unlink(missing_ok=True)  # it was deleted there: then this is the only one
                    self.keep(path.name)
                    continue
            except Exception as error:
                log.debug("no room is made while %s cannot be asked: %s", self.place.shown, why(error))
                return
            path.unlink(missing_ok=True)
            path.with_suffix(".preview.mp4").unlink(missing_ok=True)
            self._note(path).unlink(missing_ok=True)
            total -= size

    def _is_there(self, path: Path, size: int) -> bool:
        system, root = open_bucket(self.place, "team")
        return size_of(system, self._target(root, str(self._noted(path).get("sha256")))) == size

    def _files(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return sorted(
                path
                for path in self.folder.glob("*.mp4")
                if not path.name.startswith(".") and not path.name.endswith((".preview.mp4", ".unchecked.mp4"))
            )
        return []

    def _note(self, path: Path) -> Path:
        return self.folder / STORED / f"{path.name}.json"

    def _noted(self, path: Path) -> dict[str, Any]:
        try:
            found = json.loads(self._note(path).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _is_stored(self, path: Path) -> bool:
        """Whether the bucket has said that it has the file as it lies here now."""
        noted = self._noted(path)
        try:
            found = path.stat()
        except OSError:
            return False
        ours = (self._name, found.st_size, found.st_mtime_ns)
        return (noted.get("place"), noted.get("size"), noted.get("modified")) == ours

    def _used_at(self, path: Path) -> int:
        try:
            return self._note(path).stat().st_mtime_ns
        except OSError:
            return 0

    def _confirm(self, path: Path, digest: str) -> None:
        note, found = self._note(path), path.stat()
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        words = {"place": self._name, "sha256": digest, "size": found.st_size, "modified": found.st_mtime_ns}
        part = note.with_name(f".{note.name}.{os.getpid()}.part")
        part.write_text(json.dumps(words))
        part.replace(note)

    @staticmethod
    def _target(root: str, digest: str) -> str:
        return f"{root}/{digest}.mp4"

    # The thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        later: list[tuple[float, int, _Wanted]] = []
        while not self._closing.is_set():
            due = min((at for at, *_ in later), default=None)
            try:
                wanted = self._wanted.get(timeout=None if due is None else max(0.0, due - time.monotonic()))
                if wanted is None:
                    return
                tries, each = 0, wanted
            except queue.Empty:
                later.sort(key=lambda one: one[0])
                _, tries, each = later.pop(0)
            name, kept, told = each
            trouble = self._bring(name)
            if trouble is not None and not kept.done():
                kept.set_exception(ClipError(trouble))  # told once; it is tried for on
            elif trouble is None and not kept.done():
                kept.set_result(None)
            self.trouble = trouble
            if told is not None and (tries or trouble is not None):
                with contextlib.suppress(Exception):
                    told(trouble)
            if trouble is None:
                self._done()
                with contextlib.suppress(Exception):
                    self.make_room(name)
            else:
                log.info("%s", trouble)
                later.append((time.monotonic() + PAUSES[min(tries, len(PAUSES) - 1)], tries + 1, each))
                if self._wanted.empty():
                    self._idle.set()  # nobody waits for what only a person can cure

    def _done(self) -> None:
        with self._lock:
            self._left -= 1
            if not self._left:
                self._idle.set()

    def _bring(self, name: str) -> str | None:
        """Have a file in the bucket; why it is not, in one line."""
        path = self.folder / name
        try:
            if not path.exists() or self._is_stored(path):  # forgotten meanwhile, or done by another
                return None
            digest, size = _digest(path), path.stat().st_size
            system, root = open_bucket(self.place, "team")
            target = self._target(root, digest)
            if size_of(system, target) != size or not _has(system, target, path, digest):
                self._put(system, root, path, target)
                there = size_of(system, target)
                if there != size or not _has(system, target, path, digest):
                    return self._said(name, f"after the upload {there or 0:,} of {size:,} bytes are there, or others")
            self._confirm(path, digest)
            return None
        except LibraryMissing as error:
            return self._said(name, str(error))
        except Exception as error:
            return self._said(name, f"{why(error)}; {cure_of(error)}")

    def _put(self, system: Any, root: str, path: Path, target: str) -> None:
        if writes_at_once(system):
            put(system, path, target)
            return
        system.makedirs(root, exist_ok=True)
        part = f"{root}/.{uuid.uuid4().hex}.part"
        try:
            put(system, path, part)
            system.mv(part, target)
        except BaseException:
            with contextlib.suppress(Exception):
                system.rm_file(part)
            raise

    def _said(self, name: str, reason: str) -> str:
        return (
            f"the clip {name} is here and not in {self.place.shown} yet ({reason}); nothing is lost, it is tried again"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has(system: Any, target: str, path: Path, digest: str) -> bool:
    """Whether what lies in the bucket has our bytes: by the MD5 that S3 tells of an object in one piece, else by reading it."""
    etag = str(system.info(target).get("ETag", "")).strip('"')
    with path.open("rb") as file:
        if etag and etag == hashlib.file_digest(file, _md5).hexdigest():
            return True
    found = hashlib.sha256()
    with system.open(target, "rb") as stored:
        while block := stored.read(BLOCK):
            found.update(block)
    return found.hexdigest() == digest


def _md5() -> Any:
    return hashlib.md5(
        usedforsecurity=False
    )  # what S3 computes; whether these are our bytes, not whether somebody forged them
