"""Small copies of clips that every browser plays: H.264 and AAC, upright, the picture and the sound in step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ClipError, one_line
from . import playing

SOUND_RATES = (44_100, 48_000)
SOUND_BITS = 128_000


def transcode(source: Path, target: Path, side: int) -> None:
    """Write a copy of `source` whose short side has at most `side` pixels, the index first. Blocks; raises ClipError."""
    import av

    trouble = ""
    try:
        playing.check_claims(source)
        if not _copy(source, target, side, with_sound=True):
            _copy(source, target, side, with_sound=False)  # a track without a sound in it would only confuse players
        return
    except (av.FFmpegError, IndexError, StopIteration, ValueError, OSError, MemoryError) as error:
        trouble = one_line(error, 200) or "no picture in it"
    raise ClipError(f"no preview could be made ({trouble})")


def _copy(source: Path, target: Path, side: int, *, with_sound: bool) -> bool:
    """One pass; False if the sound that there should be could not be copied: the file is then of no use."""
    import av

    look, width, height = _first_look(source)
    scale = min(1.0, side / min(width, height))
    width, height = (max(2, round(n * scale / 2) * 2) for n in (width, height))
    with (
        av.open(str(source), "r", format="mp4", options=playing.DECODER_LIMITS) as reader,
        av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as writer,
    ):
        pictures = playing.limited(reader)
        pictures.thread_type = "AUTO"
        pictures.codec_context.thread_count = 2  # more would hold more pictures than they gain time
        heard = playing.sound_stream(reader) if with_sound else None
        out = _Pictures(writer, pictures, look, width, height)
        sound = None if heard is None else SoundCopy(writer, heard)
        if sound is not None and sound.is_broken:
            return False
        for packet in reader.demux([stream for stream in (pictures, heard) if stream is not None]):
            frames = playing.decoded(packet)
            if packet.stream is pictures:
                out.take(frames)
            elif sound is not None:
                sound.take(frames)
                if sound.is_broken:
                    return False
        out.end()
        return sound is None or sound.end()


def _first_look(source: Path) -> tuple[playing.Look, int, int]:
    """How a player shows the pictures, and how large: only a frame says it."""
    import av

    with av.open(str(source), "r", format="mp4", options=playing.DECODER_LIMITS) as reader:
        stream = playing.limited(reader)
        stream.codec_context.thread_count = 1
        for packet in reader.demux(stream):
            for frame in playing.decoded(packet):
                look = playing.look_of(source, stream, frame)
                return (look, *look.size(frame.width, frame.height))
    raise ValueError("no picture in it")


class _Pictures:
    """The picture of the copy."""

    def __init__(self, writer: Any, stream: Any, look: playing.Look, width: int, height: int) -> None:
        self._writer, self._look = writer, look
        self._count, self._last = 0, -1
        self._out = writer.add_stream("libx264", rate=stream.average_rate or 24)
        self._out.width, self._out.height, self._out.pix_fmt = width, height, "yuv420p"
        self._out.options = {"preset": "veryfast", "crf": "28"}
        self._out.codec_context.time_base = stream.time_base
        self._out.codec_context.thread_count = 2

    def take(self, frames: list[Any]) -> None:
        for frame in frames:
            playing.check_size(frame.width, frame.height)
            self._count += 1
            playing.check_pictures(self._count)
            small = self._look.apply(frame, self._out.width, self._out.height, "yuv420p")
            small.time_base = frame.time_base
            small.pts = frame.pts if frame.pts is not None and frame.pts > self._last else self._last + 1
            small.pict_type = 0  # what was a key frame need not be one here
            self._last = small.pts
            self._writer.mux(self._out.encode(small))

    def end(self) -> None:
        self._writer.mux(self._out.encode(None))


class SoundCopy:
    """The sound of a stream on its way into another file: AAC, in mono or stereo. `is_broken` once that failed."""

    def __init__(self, writer: Any, stream: Any) -> None:
        import av

        self._writer, self._count = writer, 0
        context = stream.codec_context
        self.is_broken = context is None or not context.sample_rate or context.layout.nb_channels < 1
        if self.is_broken:
            return
        rate = context.sample_rate if context.sample_rate in SOUND_RATES else SOUND_RATES[-1]
        layout = "mono" if context.layout.nb_channels == 1 else "stereo"
        self._out = writer.add_stream("aac", rate=rate, layout=layout)
        self._out.bit_rate = SOUND_BITS
        self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)

    def take(self, frames: list[Any]) -> None:
        """Encode what came."""
        import av

        try:
            for frame in frames:
                for part in self._resampler.resample(frame):
                    self._count += part.samples
                    self._writer.mux(self._out.encode(part))
        except (av.FFmpegError, ValueError):
            self.is_broken = True

    def end(self) -> bool:
        """Whether there was a sound."""
        import av

        try:
            for part in self._resampler.resample(None):
                self._writer.mux(self._out.encode(part))
            self._writer.mux(self._out.encode(None))
        except (av.FFmpegError, ValueError):
            return False
        return self._count > 0
