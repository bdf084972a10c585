"""From an open download to a verified MP4 on disk, with its poster: temp file, checks, fsync, atomic rename.

A file counts as a clip only under its final name; whatever a crash leaves behind bears another one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api.addresses import PassingTrouble
from ..api.answers import asked_pause
from ..api.deadlines import Deadline
from ..errors import ClipError, one_line
from . import boxes, playing
from .clip import Clip
from .playing import TooLarge
from .previews import transcode

if TYPE_CHECKING:
    from ..api.client import Client, VideoStream
    from .shared import SharedClips

POSTER_WIDTH = 480
PREVIEW_SIDE = 480
LEFTOVER_SECONDS = 86_400.0
FRESH_ADDRESS_HELPS = (403, 404, 410)
RANGE_NOT_SATISFIABLE = 416
_FACTS = ("size", "width", "height", "fps", "seconds", "sha256")
_LATER_FACTS = ("codec", "sound", "unplayable")
"""Older ledgers know nothing of these."""
BUSY = (408, 425, 429)
"""What a host answers, beside all 5xx, that has nothing against the address itself."""


class AddressExpired(ClipError):  # noqa: N818 - it says what is the case
    """The address of the video no longer works; a fresh look at the generation may give another."""


@dataclasses.dataclass
class Arriving:
    """A download across attempts: what is on disk already, and which file that was a part of."""

    part: Path
    received: int = 0
    validator: str | None = None
    """The strong ETag that came with its first byte; without one it is never gone on with."""
    total: int | None = None
    place: str = ""

    def forget(self) -> None:
        """Begin again at byte 0."""
        self.received, self.validator, self.total, self.place = 0, None, None, ""
        self.part.unlink(missing_ok=True)

    @property
    def is_on_disk(self) -> bool:
        """Whether what came is still there: between two tries others may sweep the folder."""
        try:
            return self.part.stat().st_size == self.received
        except OSError:
            return False

    def is_continued_by(self, stream: VideoStream) -> bool:
        """Whether the rest is of the very file this is the beginning of: whatever the host was asked, it may answer otherwise."""
        ours = (self.received, self.validator, self.total, self.place)
        return None not in ours and ours == (stream.offset, stream.validator, stream.total, stream.place)


class Clips:
    """The folder of clips. Files are named by the job's key, which we made ourselves.

    `inspect_file` does the work of `inspect`, here or elsewhere. `shared` is the bucket that it is the cache of, if there is one.
    """

    def __init__(
        self,
        folder: Path,
        inspect_file: Callable[[Path, Path], dict[str, Any]] | None = None,
        shared: SharedClips | None = None,
    ) -> None:
        self.folder, self.shared = folder, shared
        self._inspect = inspect_file or inspect

    def arriving(self, key: str) -> Arriving:
        """A new download for this job, in a temp file of this process."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.folder / f".{key}.{os.getpid()}.{time.monotonic_ns():x}.part"
        return Arriving(part)

    def load(self, facts: Mapping[str, Any] | None) -> Clip | None:
        """The clip the ledger describes, if its file is still there and the same."""
        if not facts:
            return None
        if facts.get("forgotten"):
            return None
        path = self.folder / str(facts["file"])
        poster = self.folder / str(facts["poster"]) if facts.get("poster") else None
        try:
            found = path.stat()
        except OSError:
            return None
        clip = Clip(
            path=path,
            poster=poster if poster and poster.exists() else None,
            **{name: facts[name] for name in _FACTS} | {name: facts.get(name) for name in _LATER_FACTS},
            modified=facts.get("modified", found.st_mtime_ns),
        )
        if clip.is_lost:
            return None
        if self.shared is not None:
            self.shared.used(path)
        return dataclasses.replace(clip, modified=found.st_mtime_ns)

    @staticmethod
    def facts(clip: Clip) -> dict[str, Any]:
        """What the ledger keeps of a clip; the inverse of `load`."""
        return {
            "file": clip.path.name,
            "poster": clip.poster.name if clip.poster else None,
            **{name: getattr(clip, name) for name in (*_FACTS, *_LATER_FACTS)},
            **({} if clip.modified is None else {"modified": clip.modified}),
        }

    @staticmethod
    def free(clip: Clip) -> None:
        """Delete the file of a clip, its poster and its preview. Raises ClipError where the system does not let it."""
        try:
            for path in (clip.path, clip.poster, preview_of(clip.path)):
                if path is not None:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise ClipError(
                f"{clip.path.name} counts as forgotten, but could not be deleted ({one_line(error.strerror or error, 80)})"
            ) from None

    def admit(self, key: str, part: Path) -> Clip:
        """Verify a whole download, make its poster and give it its final name. Blocks; raises ClipError.

        What is too large to be verified is kept under another name, for its owner paid for it: then TooLarge is raised.
        """
        picture, poster = self.folder / f".{key}.{os.getpid()}.jpg.part", self.folder / f"{key}.jpg"
        try:
            facts = self._inspect(part, picture)
            has_poster = _moved(picture, poster)
        except TooLarge as error:
            kept = self._unchecked(key)
            part.replace(kept)
            raise TooLarge(f"{error}; the file is kept in the folder of clips as {kept.name}") from None
        finally:
            picture.unlink(missing_ok=True)
        path = self.folder / f"{key}.mp4"
        preview_of(path).unlink(missing_ok=True)  # of an older file of this job
        part.replace(path)
        _sync_folder(self.folder)
        modified = path.stat().st_mtime_ns
        clip = Clip(path=path, poster=poster if has_poster else None, **facts, modified=modified)
        if clip.unplayable:
            with contextlib.suppress(ClipError, OSError):  # it is tried again, and told, where it is shown
                self.preview(clip)
        return clip

    def admit_kept(self, key: str) -> Clip | TooLarge | None:
        """What becomes of a file that was once too large to be verified: the limits may have changed. None if there is none. Blocks."""
        try:
            return self.admit(key, self._unchecked(key)) if self.has_kept(key) else None
        except TooLarge as error:
            return error
        except (ClipError, OSError):
            return None

    def has_kept(self, key: str) -> bool:
        """Whether there is such a file. Costs one look at the folder."""
        return self._unchecked(key).exists()

    def _unchecked(self, key: str) -> Path:
        return self.folder / f"{key}.unchecked.mp4"

    def fetch_shared(self, facts: Mapping[str, Any]) -> Clip:
        """Bring the clip that these facts describe from the bucket, and verify it as a download. Blocks; raises ClipError, OSError."""
        assert self.shared is not None
        key = Path(str(facts["file"])).stem
        part = self.arriving(key).part
        try:
            self.shared.fetch(facts, part)
            clip = self.admit(key, part)
        finally:
            part.unlink(missing_ok=True)
        self.shared.fetched(clip.path)
        return clip

    def prepare(self) -> None:
        """Get ready for a download that has begun. Blocks."""
        prepare = getattr(self._inspect, "prepare", None)
        if prepare is not None:
            prepare()

    def close(self) -> None:
        """End what helps with inspecting, if anything does."""
        close = getattr(self._inspect, "close", None)
        if close is not None:
            close()

    def preview(self, clip: Clip) -> Path:
        """A small copy with sound that every browser plays (short side 480 px), made once. Blocks; raises ClipError."""
        path = preview_of(clip.path)
        if not path.exists():
            part = clip.path.with_name(f".{clip.path.stem}.{os.getpid()}.{time.monotonic_ns():x}.preview.part")
            try:
                getattr(self._inspect, "preview", transcode)(clip.path, part, PREVIEW_SIDE)
                part.chmod(0o600)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        return path

    def sweep(self) -> None:
        """Remove what crashed downloads left behind more than a day ago."""
        with contextlib.suppress(OSError):
            for part in self.folder.glob(".*.part"):
                if time.time() - part.stat().st_mtime > LEFTOVER_SECONDS:
                    part.unlink(missing_ok=True)


def preview_of(path: Path) -> Path:
    """Where the preview of a clip lies, once it is made."""
    return path.with_suffix(".preview.mp4")


def shown_file(clip: Clip, most: float = float("inf")) -> Path:
    """The file to put before a browser: the clip itself where it `is_shown_whole`, else its preview. As `preview_file`."""
    if clip.is_lost:
        raise clip.loss()
    return clip.path if is_shown_whole(clip, most) else preview_file(clip)


def is_shown_whole(clip: Clip, most: float = float("inf")) -> bool:
    """Whether browsers play the file itself, and it has at most `most` bytes."""
    return clip.size <= most and not clip.unplayable


def preview_file(clip: Clip) -> Path:
    """The preview of a clip, made if there is none yet, which takes about a second. Blocks; raises ClipError, OSError."""
    if clip.is_lost or not clip.path.exists():
        raise clip.loss()
    return Clips(clip.path.parent).preview(clip)


async def receive(client: Client, url: str, arriving: Arriving, progress: Callable[[int, int | None], None]) -> None:
    """Bring the file at `url` to `arriving.part`, going on where an earlier attempt stopped if it surely is the same file.

    Memory stays at one chunk. Raises AddressExpired, PassingTrouble, or ClipError for everything else (then `arriving` holds what came).
    """
    limits = client.limits
    try:
        if arriving.received and not (arriving.validator and arriving.is_on_disk):
            arriving.forget()
        async with Deadline(limits.download_timeout):  # noqa: SIM117 - the line is long enough
            async with client.video(url, offset=arriving.received, validator=arriving.validator) as stream:
                if stream.status == RANGE_NOT_SATISFIABLE:
                    arriving.forget()
                _check_answer(stream.status, stream.headers, stream.total, limits.max_clip_bytes)
                if not stream.is_what_was_asked:
                    arriving.forget()
                    raise ClipError("the video host sent another part of the file than was asked for")
                if arriving.received and not arriving.is_continued_by(stream):
                    arriving.forget()
                    if stream.offset:  # it resumes, but another file: ask again for all of it
                        raise ClipError("the video changed while it was downloaded")
                arriving.part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may have been removed since
                arriving.total, arriving.validator, arriving.place = stream.total, stream.validator, stream.place
                with arriving.part.open("ab" if arriving.received else "wb") as file:
                    arriving.part.chmod(0o600)
                    async for chunk in stream.chunks:
                        arriving.received += len(chunk)
                        if arriving.received > limits.max_clip_bytes:
                            raise ClipError(_too_big(limits.max_clip_bytes))
                        file.write(chunk)
                        progress(arriving.received, arriving.total)
    except TimeoutError:
        raise ClipError(f"the download took longer than {limits.download_timeout:g} s") from None
    except OSError as error:
        with contextlib.suppress(OSError):
            arriving.forget()  # how much of it reached the disk is not known
        raise unwritten(error) from None
    if arriving.received == 0:
        raise AddressExpired("the video host sent an empty file")
    if arriving.total is not None and arriving.received != arriving.total:
        missing = f"{arriving.received:,} of {arriving.total:,} bytes"
        if arriving.received > arriving.total:
            arriving.forget()
        raise ClipError(f"the download ended early ({missing})")


def _check_answer(status: int, headers: Mapping[str, str], total: int | None, most: int) -> None:
    if status in FRESH_ADDRESS_HELPS:
        raise AddressExpired(f"the video's address no longer works (HTTP {status})")
    if status >= 500 or status in BUSY:
        busy = PassingTrouble(f"the video host answered HTTP {status}")
        busy.retry_after = asked_pause(headers, time.time())
        raise busy
    if status not in (200, 206):
        raise ClipError(f"the video host answered HTTP {status}")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/json", "text/plain", "application/xml", "text/xml"):
        raise AddressExpired(f"the video host sent {kind} instead of a video")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise ClipError("the video host packed the file in a way that was not asked for")
    if total is not None and total > most:
        raise ClipError(_too_big(most))


def unwritten(error: OSError) -> PassingTrouble:
    """A clip that could not be written to disk: once there is room, it can."""
    return PassingTrouble(f"the clip could not be written ({error.strerror or error}); check the disk")


def _too_big(most: int) -> str:
    return f"the video is larger than max_clip_bytes ({most:,} bytes); raise it with sd.configure(max_clip_bytes=…)"


def warm_up() -> None:
    """Import what inspecting needs, before there is anything to inspect."""
    import av  # noqa: F401
    import PIL.JpegImagePlugin  # noqa: F401


def inspect(part: Path, poster: Path) -> dict[str, Any]:
    """The facts of a Clip but for its paths, of a whole download that has been found good and synced to disk.

    Writes its first picture to `poster`, if that can be done: a clip without a poster is still a clip. Blocks; raises ClipError.
    """
    boxes.check(part)
    facts, picture = _look_inside(part)
    digest = hashlib.sha256()
    with part.open("r+b") as file:  # Windows syncs only what is open for writing
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
        os.fsync(file.fileno())
    _save_poster(picture, poster)
    return {**facts, "size": part.stat().st_size, "sha256": digest.hexdigest()}


def _moved(source: Path, target: Path) -> bool:
    try:
        source.replace(target)
    except OSError:
        return False
    return True


def _save_poster(picture: Any, path: Path) -> None:
    try:
        if picture.width > POSTER_WIDTH:
            picture = picture.resize((POSTER_WIDTH, max(1, round(picture.height * POSTER_WIDTH / picture.width))))
        picture.convert("RGB").save(path, "JPEG", quality=80, optimize=True)
        path.chmod(0o600)
    except (OSError, ValueError):
        path.unlink(missing_ok=True)


def _look_inside(path: Path) -> tuple[dict[str, Any], Any]:
    """(facts of the video, its first picture as a player shows it), by decoding one frame with PyAV."""
    import av

    trouble = "no picture in it"
    playing.check_claims(path)
    try:
        with av.open(str(path), "r", format="mp4", options=playing.DECODER_LIMITS) as container:
            stream, sound = playing.limited(container), playing.sound_stream(container)
            stream.codec_context.thread_count = 1  # for one frame, and each thread would hold pictures of its own
            frame = next(container.decode(stream))
            playing.check_size(frame.width, frame.height)
            look = playing.look_of(path, stream, frame)
            width, height = look.size(frame.width, frame.height)
            seconds = _seconds(container, stream)
            playing.check_length(seconds)
            facts = {
                "width": width,
                "height": height,
                "fps": round(float(stream.average_rate or stream.guessed_rate or 0), 3),
                "seconds": round(seconds, 3),
                "codec": stream.codec_context.codec.canonical_name,
                "sound": playing.sound_of(sound),
                "unplayable": playing.why_not_played(stream, sound, look),
            }
            return facts, look.image(frame)
    except (av.FFmpegError, IndexError, StopIteration, ValueError, MemoryError) as error:
        trouble = str(error).splitlines()[0] if str(error) else trouble
    raise ClipError(f"the file is no MP4 that can be played ({trouble})")


def _seconds(container: Any, stream: Any) -> float:
    """Until the last picture is over, from the beginning that a player begins at."""
    if stream.duration and stream.time_base:
        late = max(0, stream.start_time or 0)  # an edit list may have the picture begin later
        return float((stream.duration + late) * stream.time_base)
    return float(container.duration or 0) / 1e6


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
