"""What a film says of itself: its tags are read, and copies are written with others. Pictures and sound are copied, never coded again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ClipError, one_line
from . import playing


def read_tags(path: Path) -> dict[str, str]:
    """The tags of an MP4 by the names of FFmpeg. Blocks; raises ClipError for what is none."""
    import av

    try:
        with av.open(str(path), "r", format="mp4", options=playing.DECODER_LIMITS) as reader:
            return {str(name).lower(): str(value) for name, value in reader.metadata.items()}
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise ClipError(
            f"{one_line(path.name, 80)} is no MP4 that can be read ({one_line(error, 120)}); name a saved clip"
        ) from None


def write_tagged(source: Path, target: Path, tags: Mapping[str, str]) -> bool:
    """Write a copy with these tags, its index first; False (and no file) where the film would not come out the very same."""
    import av

    try:
        with (
            av.open(str(source), "r", format="mp4", options=playing.DECODER_LIMITS) as reader,
            av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as writer,
        ):
            streams = {stream.index: writer.add_stream_from_template(stream) for stream in reader.streams}
            writer.metadata.update({**reader.metadata, **tags})
            for packet in reader.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    writer.mux(packet)
        if same_film(source, target):
            return True
    except (av.FFmpegError, ValueError, OSError, KeyError, MemoryError, NotImplementedError):
        pass  # an odd film: its bytes are worth more than its tags
    target.unlink(missing_ok=True)
    return False


def same_film(first: Path, second: Path) -> bool:
    """Whether two files have the same pictures and sound, bit for bit and at the same moments, whatever else they say."""
    import av

    try:
        return _fingerprint(first) == _fingerprint(second)
    except (av.FFmpegError, ValueError, OSError, StopIteration, MemoryError):
        return False


def _fingerprint(path: Path) -> tuple[Any, ...]:
    import av

    with av.open(str(path), "r", format="mp4", options=playing.DECODER_LIMITS) as reader:
        digests = [hashlib.sha256() for _ in reader.streams]
        kinds = [
            (stream.type, stream.codec_context.codec_tag, bytes(stream.codec_context.extradata or b""))
            for stream in reader.streams
        ]
        for packet in reader.demux():
            if packet.dts is None:
                continue
            base = packet.time_base or 0
            moments = (float(packet.dts * base), None if packet.pts is None else float(packet.pts * base))
            digests[packet.stream.index].update(repr((moments, packet.size)).encode())
            digests[packet.stream.index].update(memoryview(packet))
        start = reader.start_time
    with av.open(str(path), "r", format="mp4", options=playing.DECODER_LIMITS) as reader:
        stream = playing.limited(reader)
        stream.codec_context.thread_count = 1
        frame = next(reader.decode(stream))  # how it is turned and cropped is told by a picture alone
        look = playing.look_of(path, stream, frame)
    return (kinds, [digest.hexdigest() for digest in digests], start, look)
