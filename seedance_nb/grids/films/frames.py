"""The frames of one clip: a few of them as pictures, or all of them small and in step with a clock."""

from __future__ import annotations

import contextlib
import errno
import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ...clips import playing
from ...clips.clip import Clip
from ...errors import ClipError, one_line
from .page import Place

if TYPE_CHECKING:
    import av
    from PIL import Image

LONGEST_SECONDS = 600
"""A file whose clock leaps is followed no further."""


def stills(clip: Clip, places: tuple[Place, ...]) -> list[Image.Image]:
    """The frames of a clip, sized for these places: evenly spread over its length, one alone from the middle. Raises ClipError."""
    count = len(places)
    wanted = [clip.seconds / 2] if count == 1 else [clip.seconds * n / (count - 1) for n in range(count)]
    images: list[Image.Image] = []
    look: playing.Look | None = None
    with readable(clip) as reader:
        for seconds, place in zip(wanted, places, strict=True):
            frame = _frame_at(reader, seconds)
            look = look or playing.look_of(clip.path, playing.picture_stream(reader), frame)
            image: Image.Image = _resized(frame, look, place, "rgb24").to_image()  # type: ignore[no-untyped-call]
            images.append(image)
    return images


def _frame_at(reader: av.container.InputContainer, seconds: float) -> av.VideoFrame:
    """The frame that a player shows at this time; at the end, the last one."""
    stream: av.VideoStream = playing.picture_stream(reader)
    begin = (stream.start_time or 0) * (stream.time_base or 0)
    reader.seek(max(0, int((float(begin) + seconds) * 1e6) - 1))
    shown = None
    for frame in reader.decode(stream):
        if shown is not None and frame.time is not None and frame.time - float(begin) > seconds + 1e-6:
            break
        shown = frame
    if shown is None:
        raise ValueError("no picture in it")
    return shown


def shrink(clip: Clip, place: Place, rate: Fraction, target: Path) -> Path:
    """Write the clip at the size of its place and at this frame rate, hardly packed, and return `target`. Raises ClipError."""
    import av

    look: playing.Look | None = None
    with readable(clip) as reader, av.open(str(target), "w", format="mp4") as writer:
        out = writer.add_stream("libx264", rate=rate)
        out.width, out.height, out.pix_fmt = place.width, place.height, "yuv420p"
        out.options = {"preset": "ultrafast", "crf": "12", "tune": "zerolatency"}
        for number, frame in enumerate(in_step(reader, rate)):
            look = look or playing.look_of(clip.path, playing.picture_stream(reader), frame)
            small = _resized(frame, look, place, "yuv420p")
            small.pts, small.time_base = number, 1 / rate
            small.pict_type = 0  # what was a key frame need not be one here
            writer.mux(out.encode(small))
        writer.mux(out.encode(None))
    return target


def in_step(reader: av.container.InputContainer, rate: Fraction) -> Iterator[av.VideoFrame]:
    """For every tick of the rate, the frame that the clip shows at that time."""
    stream: av.VideoStream = playing.picture_stream(reader)
    begin: float | None = None
    shown: av.VideoFrame | None = None
    ticks = itertools.count()
    tick = next(ticks)
    most = LONGEST_SECONDS * rate
    for frame in reader.decode(stream):
        now = float(frame.time or 0)
        begin = now if begin is None else begin
        # A frame that comes half a millisecond late in a file's own clock still belongs to its tick.
        while shown is not None and tick / rate < now - begin - 5e-4 and tick < most:
            yield shown
            tick = next(ticks)
        shown = frame
    if shown is None:
        raise ValueError("no picture in it")
    lasts = 1 / float(stream.average_rate or rate)
    if shown.duration and shown.time_base:
        lasts = float(shown.duration * shown.time_base)
    end = float(shown.time or 0) - (begin or 0) + lasts
    while tick == 0 or (tick / rate < end - 5e-4 and tick < most):
        yield shown
        tick = next(ticks)


@contextlib.contextmanager
def readable(clip: Clip) -> Iterator[av.container.InputContainer]:
    """The clip, open; whatever is wrong with it becomes a ClipError of one line."""
    import av

    trouble = ""
    if clip.is_lost:
        raise clip.loss()
    try:
        playing.check_claims(clip.path)
        with av.open(str(clip.path), "r", format="mp4", options=playing.DECODER_LIMITS) as reader:
            playing.limited(reader).thread_type = "AUTO"
            yield reader
        return
    except FileNotFoundError:
        trouble = "its file is gone"
    except (av.FFmpegError, IndexError, StopIteration, ValueError, MemoryError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:  # that is no fault of the clip
            raise
        trouble = one_line(error, 120)
    raise ClipError(f"{clip.path.name} cannot be read ({trouble}); job.download_again() brings it back")


def _resized(frame: av.VideoFrame, look: playing.Look, place: Place, kind: str) -> av.VideoFrame:
    """The frame as a player shows it, at the size of its place. A film that does not name its colours means BT.709, as players see it."""
    unnamed = frame.colorspace == 2
    colours = {"src_colorspace": "ITU709"} if unnamed else {}
    if kind == "yuv420p":
        colours |= {"dst_colorspace": "ITU709", "dst_color_range": "MPEG"}
    return look.apply(frame, place.width, place.height, kind, interpolation="AREA", **colours)
