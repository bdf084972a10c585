"""What everybody but the runner sees of a job: an immutable picture of one moment."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from ..api.models import Status, VideoRequest
from ..errors import ClipError, SeedanceError


@dataclass(frozen=True, slots=True)
class Clip:
    """A verified MP4 on disk.

    `path` is the MP4 as the server sent it, `poster` a JPEG of its first frame (at most 480 px wide) or None; `size` is in bytes,
    `width` and `height` are what a player shows, in pixels, `fps` in frames a second, `seconds` its length, `sha256` 64 hex digits
    of the file. `codec` names that of the pictures ("h264", "hevc"), `sound` that of the sound ("aac", or "" without sound),
    `unplayable` says why browsers do not play the file, or is None when they do: then a preview in H.264 is shown in its place.
    Clips that older versions have recorded have None for these three.
    """

    path: Path
    poster: Path | None
    size: int
    width: int
    height: int
    fps: float
    seconds: float
    sha256: str
    codec: str | None = None
    sound: str | None = None
    unplayable: str | None = None
    modified: int | None = field(default=None, compare=False, repr=False)
    """When the file was last written, in nanoseconds since the epoch, as it was found good."""

    @property
    def is_lost(self) -> bool:
        """Whether the file is gone, cut, or another one by now. Costs one look at the folder; where its time changed, one reading."""
        if self.modified is None:
            return False
        try:
            found = self.path.stat()
            if found.st_size != self.size:
                return True
            if found.st_mtime_ns == self.modified:
                return False
            with self.path.open("rb") as file:  # copied, restored, touched: its bytes say whether it is the same
                return hashlib.file_digest(file, "sha256").hexdigest() != self.sha256
        except OSError:
            return True

    def bytes(self) -> bytes:
        """The whole file, as the server sent it. Raises ClipError when it is gone or was changed."""
        if self.is_lost:
            raise self.loss()
        return self.path.read_bytes()

    def save_to(self, place: str | os.PathLike[str]) -> Path:
        """Copy the file, and return where the copy is: `place` is a folder, or a name that ends in .mp4; `~` is the home folder.

        Makes folders that are missing. What has that name already is never written over: the same film is left as it is, for another
        file ClipError is raised, as it is where nothing can be written.
        """
        from .saving import save

        return save(self, place)

    def loss(self) -> ClipError:
        """What to say of a clip that `is_lost`."""
        how = "was changed" if self.path.exists() else "is gone"
        return ClipError(f"the file {self.path.name} {how}; job.download_again() brings it back, without a new create")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at one moment. Times are seconds since the epoch (UTC), durations are seconds."""

    key: str
    """Our own id of the job: short, unique, safe in HTML and file names."""
    request: VideoRequest
    take: int
    status: Status
    status_text: str
    """The server's own word, or ours before it said one."""
    request_id: str | None = None
    credits: float | None = None
    """Credits charged by this job; 0 when it was reused or surely not accepted, None while nobody knows."""
    estimate: float | None = None
    """Credits it was expected to cost."""
    estimate_source: str | None = None
    simulated: bool = False
    reused: bool = False
    error: SeedanceError | None = None
    clip: Clip | None = None
    created_at: float = 0.0
    accepted_at: float | None = None
    processing_at: float | None = None
    """When its making began, if looks saw that."""
    checked_at: float | None = None
    """When a look last said, before the end, that it had not ended; 0 where nobody looked on, None where that is not recorded."""
    finished_at: float | None = None
    """When it ended, or, where nobody looked on, when that was noticed: `durations` tells which."""
    last_contact_at: float | None = None
    """When the service last answered anything sensible."""
    failed_checks: int = 0
    """Looks in a row that brought nothing."""
    trouble: str | None = None
    """The last trouble in one line, while it lasts."""
    note: str | None = None
    """One line of what is going on that is no trouble: a countdown, a cancel on its way, a download."""
    expected_seconds: float | None = None
    """How long such a job takes from acceptance to success, learned from the ledger; None: no idea."""
    warnings: tuple[str, ...] = ()
    cancel_requested: bool = False

    @property
    def is_settled(self) -> bool:
        """Nothing more will come by itself: final, and if it succeeded, its clip is here or is known to be missing."""
        if self.status is Status.SUCCEEDED:
            return self.clip is not None or self.error is not None
        return self.status.is_final

    def elapsed(self, now: float) -> float:
        """Seconds since the job began, up to `now` or to its end."""
        return max(0.0, (self.finished_at if self.finished_at is not None else now) - self.created_at)

    def remaining(self, now: float) -> float | None:
        """Expected seconds left, never below 0; None when nothing is known."""
        if self.expected_seconds is None or self.status.is_final:
            return None
        # Of a generation that was sent from elsewhere nobody knows how old it is: its clock began here.
        start = self.accepted_at if self.accepted_at is not None else self.created_at if self.request_id else now
        return max(0.0, self.expected_seconds - max(0.0, now - start))
