"""A copy of a clip that nobody could prefer: in blocks, and standing still again and again. For pairs that check whether a rater looks."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ..errors import ClipError, one_line
from . import playing
from .clip import Clip
from .store import preview_file

BLOCK = 24
"""Pixels of the preview that become one."""
FROZEN = 12
"""Pictures of which the first stands for all."""


def damaged_file(clip: Clip) -> Path:
    """The damaged copy of a clip, as long and of the same shape, without sound; made once, which takes a second or two. Blocks.

    Raises ClipError, OSError.
    """
    path = clip.path.with_suffix(".damaged.mp4")
    if clip.is_lost or not path.exists():
        source = preview_file(clip)  # made by us: what strangers sent is decoded elsewhere
        part = clip.path.with_name(f".{clip.path.stem}.{os.getpid()}.{time.monotonic_ns():x}.damaged.part")
        try:
            damage(source, part)
            part.chmod(0o600)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return path


def damage(source: Path, target: Path) -> None:
    """Write a damaged copy of the pictures in `source`, the index first. Blocks; raises ClipError."""
    import av

    trouble = ""
    try:
        with (
            av.open(str(source), "r", format="mp4", options=playing.DECODER_LIMITS) as reader,
            av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as writer,
        ):
            stream = playing.limited(reader)
            out: Any = writer.add_stream("libx264", rate=stream.average_rate or 24)
            out.width, out.height, out.pix_fmt = stream.width, stream.height, "yuv420p"
            out.options = {"preset": "veryfast", "crf": "30"}
            out.codec_context.time_base = stream.time_base
            blocks = [max(2, side // BLOCK) for side in (stream.width, stream.height)]
            still: Any = None
            for number, frame in enumerate(reader.decode(stream)):
                if number % FROZEN == 0:
                    still = frame.reformat(*blocks, "rgb24", interpolation="AREA")
                shown = still.reformat(out.width, out.height, "yuv420p", interpolation="POINT")
                shown.pts, shown.time_base = frame.pts, frame.time_base
                writer.mux(out.encode(shown))
            writer.mux(out.encode(None))
        return
    except (av.FFmpegError, IndexError, ValueError, OSError, MemoryError) as error:
        trouble = one_line(error, 200) or "no picture in it"
    raise ClipError(f"no damaged copy could be made ({trouble})")
