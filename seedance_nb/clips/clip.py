"""A video that was bought, as it lies on disk."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ClipError
from ..showing import Shown
from .saving import save
from .trace import Trace

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

MADE_ELSEWHERE = "elsewhere"
"""The folder in which clips lie that no job has made."""


@dataclass(frozen=True, slots=True)
class Clip(Shown):
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
    trace: Trace | None = field(default=None, compare=False, repr=False)
    """What it was made by, where it came from a job: for the names and tags of saved copies."""

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

    def frame(self, at: float) -> Image.Image:
        """The frame that is on the screen `at` seconds, as a picture (PIL) of `width` x `height`; -1 is the last one, -2 the one before.

        Exact to the frame. Raises ClipError for a moment that the film does not have, and when its file is gone or cannot be decoded.
        """
        from .frames import frame

        return frame(self._file(), at)

    def frames(self, fps: float | None = None) -> Iterator[Image.Image]:
        """Every frame as a picture (PIL), or those on the screen at 0, 1 / fps, 2 / fps … seconds; each decoded when it is asked for.

        Raises ClipError for a rate that is none, and when the file is gone or cannot be decoded.
        """
        from .frames import frames

        return frames(self._file(), fps)

    def array(self, fps: float | None = None, side: int | None = None) -> np.ndarray[Any, Any]:
        """All frames as numbers (numpy): frames x height x width x 3, red, green and blue, uint8, as a player shows them.

        `fps` as for `frames`; `side` is the length of the longer side in pixels, never larger than the film. Raises ClipError as
        `frames`, and where all of them would take more than 4 GB.
        """
        from .frames import frame_array

        rate = self.fps if fps is None else fps
        about = round(rate * self.seconds) + 1 if isinstance(rate, int | float) and 0 < rate <= 1000 else 1
        return frame_array(self._file(), fps, side, about)

    def _file(self) -> Path:
        if self.is_lost:
            raise self.loss()
        return self.path

    def save_to(self, place: str | os.PathLike[str]) -> Path:
        """Copy the file, and return where the copy is: `place` is a folder, or a name that ends in .mp4; `~` is the home folder.

        Text may have names in braces that stand for what made the clip, "{prompt:.40}-{take}.mp4": prompt, take, model, aspect_ratio,
        duration, resolution, request_id, date, key, and the axes of its grid (`{{` is a brace; a Path is taken as it is). The copy has
        prompt, settings and request id in its own tags, so that `seedance_nb.read` gives its cell back; pictures and sound are the same
        bit for bit.

        Makes folders that are missing. What has that name already is never written over: the same film is left as it is, for another
        file ClipError is raised, as it is where nothing can be written.
        """
        if self.is_lost:
            raise self.loss()
        return save(self.path, self.sha256, place, self.trace)

    def loss(self) -> ClipError:
        """What to say of a clip that `is_lost`."""
        how = "was changed" if self.path.exists() else "is gone"
        if self.path.parent.name == MADE_ELSEWHERE:
            return ClipError(
                f"our copy {self.path.name} of a clip made elsewhere {how}; sd.import_clip(…) brings it back"
            )
        return ClipError(f"the file {self.path.name} {how}; job.download_again() brings it back, without a new create")


def labelled(clip: Clip | None, labels: Mapping[str, Any]) -> Clip | None:
    """The clip with what its grid calls it, for patterns of names."""
    if clip is None or clip.trace is None:
        return clip
    return dataclasses.replace(clip, trace=dataclasses.replace(clip.trace, labels=dict(labels)))
