"""Shots cut together into one film: each frame once, with the sound of each shot where it has one.

The first frame of a shot is the last one of the shot before, so that last one is left out. Where the films allow it their pictures are
copied as they are; where a last frame cannot be left out without harm to others (some were made from it), or where sizes, rates or codecs
differ, all pictures are encoded anew, once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...clips import playing
from ...clips.clip import Clip
from ..films.films import appearing, checked_target
from ..films.frames import in_step, readable
from ..films.sound import has_sound
from .soundtrack import Soundtrack

if TYPE_CHECKING:
    import av

FASTEST = 60
QUALITY = {"preset": "fast", "crf": "17"}
"""Hardly to be told from what it was made of."""


@dataclasses.dataclass(frozen=True)
class _Facts:
    """What decides whether the pictures of a clip can be copied: all but `ends_free` must be equal."""

    same: tuple[Any, ...]
    ends_free: bool
    """Whether its last picture can be left out and no other one misses it."""


def cut_together(clips: Sequence[Clip], path: Path | str, *, overlap: bool, lines: Sequence[str] = ()) -> Path:
    """Write the clips one after another as an MP4 (H.264, AAC where one of them has sound), and return its path. Blocks.

    `overlap` says that each begins with the last frame of the one before. `lines` are kept in the file's metadata. Raises ClipError for a
    clip that cannot be read, ConfigurationError where the file cannot be written; then nothing is there.
    """
    import av

    target = checked_target(path)
    heard = [clip for clip in clips if has_sound(clip)]
    with appearing(target) as part, av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as writer:
        if lines:
            writer.metadata["comment"] = "\n".join(lines)
        pictures: _Copied | _Encoded
        pictures = _Copied(writer, clips[0]) if _may_be_copied(clips, overlap=overlap) else _Encoded(writer, clips[0])
        sound = Soundtrack(writer, heard) if heard else None
        for number, clip in enumerate(clips):
            pictures.add(clip, without_last=overlap and number + 1 < len(clips))
            if sound is not None:
                sound.add(clip, pictures.seconds)
        pictures.end()
        if sound is not None:
            sound.end()
    return target


def _may_be_copied(clips: Sequence[Clip], *, overlap: bool) -> bool:
    facts = [_facts(clip) for clip in clips]
    first = facts[0]
    return all(one.same == first.same for one in facts) and (not overlap or all(one.ends_free for one in facts[:-1]))


def _facts(clip: Clip) -> _Facts:
    with readable(clip) as reader:
        stream = playing.picture_stream(reader)
        context = stream.codec_context
        times, keys = [], []
        for packet in reader.demux(stream):
            if packet.pts is not None:
                times.append(packet.pts)
                keys.append(packet.is_keyframe)
        reader.seek(0)
        frame = next(reader.decode(stream))
        look = playing.look_of(clip.path, stream, frame)
        name = context.codec.canonical_name
        is_plain = name == "h264" and look == playing.Look() and keys[0] and times[0] == (stream.start_time or 0)
        extra = bytes(context.extradata or b"")
        same = (is_plain or clip.sha256, extra, context.width, context.height, context.pix_fmt)
        return _Facts((*same, stream.time_base, stream.average_rate), ends_free=times[-1] == max(times))


class _Copied:
    """The pictures as they are in the files."""

    def __init__(self, writer: av.container.OutputContainer, first: Clip) -> None:
        self._writer = writer
        with readable(first) as reader:
            self._out = writer.add_stream_from_template(playing.picture_stream(reader))
        self._begin = 0
        self.seconds = 0.0
        """How long the film is by now."""

    def add(self, clip: Clip, *, without_last: bool) -> None:
        """Copy the pictures of a clip, without the last one if it comes again."""
        with readable(clip) as reader:
            stream = playing.picture_stream(reader)
            unit, start = stream.time_base, stream.start_time or 0
            packets = [packet for packet in reader.demux(stream) if packet.pts is not None]
            last = max(packets, key=lambda packet: packet.pts)
            usual = round(1 / (stream.average_rate * unit)) if stream.average_rate else 1
            end = last.pts - start + (0 if without_last else last.duration or usual)
            for packet in packets:
                if without_last and packet is last:
                    continue
                packet.pts += self._begin - start
                packet.dts = packet.pts if packet.dts is None else packet.dts + self._begin - start
                packet.stream = self._out
                self._writer.mux(packet)
        self._begin += end
        self.seconds = float(self._begin * unit)

    def end(self) -> None:
        """Nothing is held back."""


class _Encoded:
    """The pictures encoded anew, all at the size and rate of the first clip."""

    def __init__(self, writer: av.container.OutputContainer, first: Clip) -> None:
        self._writer, self._count = writer, 0
        with readable(first) as reader:
            stream = playing.picture_stream(reader)
            rate = Fraction(stream.average_rate or 24)
        self._rate = min(rate, Fraction(FASTEST)).limit_denominator(1001)
        width, height = (max(2, round(side / 2) * 2) for side in (first.width, first.height))
        self._out: Any = writer.add_stream("libx264", rate=self._rate)
        self._out.width, self._out.height, self._out.pix_fmt = width, height, "yuv420p"
        self._out.options = {**QUALITY, "g": str(round(self._rate))}
        context = self._out.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1
        self.seconds = 0.0

    def add(self, clip: Clip, *, without_last: bool) -> None:
        """Encode the pictures of a clip, without the last one if it comes again."""
        with readable(clip) as reader:
            for picture in _all_but_last(self._pictures(clip, reader), without_last=without_last):
                picture.pts, picture.time_base, picture.pict_type = self._count, 1 / self._rate, 0
                self._writer.mux(self._out.encode(picture))
                self._count += 1
        self.seconds = float(self._count / self._rate)

    def _pictures(self, clip: Clip, reader: Any) -> Iterator[Any]:
        import av

        look: playing.Look | None = None
        width, height = self._out.width, self._out.height
        for frame in in_step(reader, self._rate):
            look = look or playing.look_of(clip.path, playing.picture_stream(reader), frame)
            wide, high = look.size(frame.width, frame.height)
            scale = min(width / wide, height / high)
            wide, high = (max(2, round(side * scale / 2) * 2) for side in (wide, high))
            colours = {"src_colorspace": "ITU709"} if frame.colorspace == 2 else {}
            colours |= {"dst_colorspace": "ITU709", "dst_color_range": "MPEG"}
            shown = look.apply(frame, wide, high, "yuv420p", interpolation="AREA", **colours)
            if (wide, high) != (width, height):  # another shape: black beside it, and nothing of it is cut
                shown = av.VideoFrame.from_ndarray(
                    _framed(shown.to_ndarray(), wide, high, width, height), format="yuv420p"
                )
            shown.colorspace, shown.color_range = 1, 1
            yield shown

    def end(self) -> None:
        """Write what the encoder still holds."""
        self._writer.mux(self._out.encode(None))


def _all_but_last(pictures: Iterator[Any], *, without_last: bool) -> Iterator[Any]:
    held: Any = None
    for picture in pictures:
        if held is not None:
            yield held
        held = picture
    if held is not None and not without_last:
        yield held


def _framed(planes: Any, wide: int, high: int, width: int, height: int) -> Any:
    """yuv420p planes in the middle of larger black ones, as PyAV lays them out."""
    import numpy as np

    whole, at = [], 0
    for half, black in ((1, 16), (2, 128), (2, 128)):
        w, h, inner_w, inner_h = width // half, height // half, wide // half, high // half
        plane = np.full((h, w), black, np.uint8)
        left, top = (w - inner_w) // 2, (h - inner_h) // 2
        plane[top : top + inner_h, left : left + inner_w] = planes.reshape(-1)[at : at + inner_w * inner_h].reshape(
            inner_h, inner_w
        )
        at += inner_w * inner_h
        whole.append(plane.reshape(-1))
    return np.concatenate(whole).reshape(height * 3 // 2, width)
