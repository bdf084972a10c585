"""What a player makes of a clip: whether browsers play it at all, and how large and which way up they show its pictures."""

from __future__ import annotations

import dataclasses
import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ClipError
from . import boxes
from .boxes import Crop

if TYPE_CHECKING:
    import av
    from PIL import Image

MOST_PIXELS = 4096 * 4096
"""Of one picture: 4K is half of it. A decoder holds up to seventeen of them."""
MOST_SECONDS = 600
MOST_PICTURES = 60 * MOST_SECONDS
DECODER_LIMITS = {"max_pixels": str(MOST_PIXELS)}
_ATTACHED_PICTURE = 0x400  # FFmpeg's AV_DISPOSITION_ATTACHED_PIC
_DISPLAY_MATRIX = "DISPLAYMATRIX"
_ODDEST_PIXEL = 10
"""Pixels that claim to be longer than so many times their width are taken for square: somebody made that up."""
_PROFILES = ("baseline", "constrained baseline", "main", "high", "constrained high", "progressive high")
_NAMES = {
    "h264": "H.264",
    "hevc": "HEVC",
    "mpeg4": "MPEG-4 part 2",
    "mpeg2video": "MPEG-2",
    "mpeg1video": "MPEG-1",
    "mjpeg": "Motion JPEG",
    "prores": "ProRes",
    "vp8": "VP8",
    "vp9": "VP9",
    "av1": "AV1",
    "mp3": "MP3",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
    "mp2": "MP2",
    "opus": "Opus",
    "flac": "FLAC",
    "alac": "Apple Lossless",
}


class TooLarge(ClipError):  # noqa: N818 - it says what is the case
    """The file may be a good video, but decoding it would take more than we give to any."""


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """From the pictures in a file to what a player shows: cut to `crop`, made `pixel` times as wide, then turned.

    First rows become columns if `swapped`, then what `mirrored` (left and right) and `upended` (up and down) say.
    """

    pixel: Fraction = Fraction(1)
    swapped: bool = False
    mirrored: bool = False
    upended: bool = False
    crop: Crop | None = None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """What a picture of this size is shown as. As in browsers, one side grows, and none shrinks."""
        if self.crop is not None:
            width, height = self.crop.width, self.crop.height
        if self.pixel > 1:
            width = round(width * self.pixel)
        elif self.pixel < 1:
            height = round(height / self.pixel)
        return (height, width) if self.swapped else (width, height)

    def apply(self, frame: av.VideoFrame, width: int, height: int, kind: str, **options: Any) -> av.VideoFrame:
        """The frame as a player shows it, `width` x `height` pixels large, in this pixel format (rgb24, or yuv420p with even sides)."""
        import av

        if self.crop is not None:
            crop, whole = self.crop, frame
            pixels = whole.to_ndarray(format="rgb24")
            pixels = pixels[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width].copy()
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = whole.pts, whole.time_base
            options.pop("src_colorspace", None)
        before = (height, width) if self.swapped else (width, height)
        small = frame.reformat(*before, kind, **options)
        if not (self.swapped or self.mirrored or self.upended):
            return small
        turned = av.VideoFrame.from_ndarray(self._turned(small.to_ndarray(), *before, kind), format=kind)
        turned.pts, turned.time_base = frame.pts, frame.time_base
        turned.colorspace, turned.color_range = small.colorspace, small.color_range
        return turned

    def image(self, frame: av.VideoFrame) -> Image.Image:
        """The frame as a picture of the size that a player shows."""
        size = self.size(frame.width, frame.height)
        shown: Image.Image = self.apply(frame, *size, "rgb24").to_image()  # type: ignore[no-untyped-call]
        return shown

    def _turned(self, pixels: Any, width: int, height: int, kind: str) -> Any:
        import numpy as np

        if kind == "rgb24":
            return np.ascontiguousarray(self._turn(pixels))
        if kind != "yuv420p":
            raise ValueError(f"cannot turn {kind}")
        flat, planes, at = pixels.reshape(-1), [], 0
        for half in (1, 2, 2):
            wide, high = width // half, height // half
            planes.append(self._turn(flat[at : at + wide * high].reshape(high, wide)).reshape(-1))
            at += wide * high
        tall = (width if self.swapped else height) * 3 // 2
        return np.concatenate(planes).reshape(tall, -1)

    def _turn(self, plane: Any) -> Any:
        plane = plane.swapaxes(0, 1) if self.swapped else plane
        plane = plane[:, ::-1] if self.mirrored else plane
        return plane[::-1] if self.upended else plane


def picture_stream(container: Any) -> Any:
    """The stream of moving pictures, which is not that of a cover. Raises StopIteration where there is none."""
    return next(stream for stream in container.streams.video if not _is_cover(stream))


def limited(container: Any) -> Any:
    """`picture_stream`, set up so that no picture larger than MOST_PIXELS is ever given memory. Raises TooLarge if that is plain already."""
    stream = picture_stream(container)
    context = stream.codec_context
    if context is None:
        raise ValueError("no decoder for its pictures")
    check_size(context.width, context.height)
    check_pictures(stream.frames or 0)
    context.options = {**(context.options or {}), **DECODER_LIMITS}
    return stream


def check_claims(path: Path) -> None:
    """Refuse what claims to be larger than MOST_PIXELS, or to have more than MOST_PICTURES, before a decoder is asked. Raises TooLarge."""
    for track in boxes.tracks(path):
        if track.kind == b"vide":
            check_size(track.width, track.height)
            check_pictures(track.samples)


def check_size(width: int, height: int) -> None:
    """Raises TooLarge above MOST_PIXELS."""
    if width * height > MOST_PIXELS:
        raise TooLarge(
            f"the video is {width} × {height}, and more than {MOST_PIXELS:,} pixels a picture are not decoded"
        )


def check_pictures(count: int) -> None:
    """Raises TooLarge above MOST_PICTURES."""
    if count > MOST_PICTURES:
        raise TooLarge(_too_many(count))


def check_length(seconds: float) -> None:
    """Raises TooLarge above MOST_SECONDS."""
    if seconds > MOST_SECONDS:
        raise TooLarge(f"the video claims to last {seconds:,.0f} s, and more than {MOST_SECONDS} s are not decoded")


def _too_many(pictures: int) -> str:
    return f"the video has {pictures:,} pictures, and more than {MOST_PICTURES:,} are not decoded"


def look_of(path: Path, stream: Any, frame: av.VideoFrame) -> Look:
    """How a player shows the pictures of this stream, of which `frame` is one."""
    swapped, mirrored, upended = _turns(frame)
    crop = next((track.crop for track in boxes.tracks(path) if track.kind == b"vide"), None)
    if crop is not None and (crop.left + crop.width > frame.width or crop.top + crop.height > frame.height):
        crop = None
    return Look(_pixel(stream.sample_aspect_ratio), swapped, mirrored, upended, crop)


def why_not_played(stream: Any, sound: Any, look: Look) -> str | None:
    """Why browsers would not play the file, or not all alike, in words; None when they do.

    What every browser plays is H.264 of 8 bits with colours of half the resolution, and AAC. Some play more on some machines
    (HEVC, VP9, AV1, Opus); a notebook travels, so they do not count.
    """
    context = stream.codec_context
    name = context.codec.canonical_name
    if name != "h264":
        return f"{_NAMES.get(name, name)} video"
    if context.pix_fmt not in ("yuv420p", "yuvj420p"):
        return f"H.264 video in {_depth(context.pix_fmt)}"
    profile = str(context.profile or "").lower()
    if profile and profile not in _PROFILES:
        return f"H.264 video of the profile {context.profile}"
    if sound is not None and (heard := sound_of(sound)) != "aac":
        return f"{_NAMES.get(heard, heard)} sound"
    if look.crop is not None:
        return "a picture that only some players cut to its frame"
    return None


def decoded(packet: Any) -> list[Any]:
    """The frames of a packet; none where it is damaged: players go on as well."""
    import av

    try:
        return list(packet.decode())
    except MemoryError:
        raise
    except av.FFmpegError:
        return []


def sound_stream(container: Any) -> Any:
    """The stream that a player plays the sound of; None where there is none."""
    return next(iter(container.streams.audio), None)


def sound_of(stream: Any) -> str:
    """The codec of a sound stream: "aac", "ac3"; "" for no stream."""
    if stream is None:
        return ""
    context = stream.codec_context
    if context is None:
        return "unknown"
    name: str = context.codec.canonical_name
    return "mp3" if name.startswith("mp3") else name


def _is_cover(stream: Any) -> bool:
    disposition = getattr(stream, "disposition", 0)
    return bool(int(getattr(disposition, "value", disposition)) & _ATTACHED_PICTURE)


def _depth(pix_fmt: str | None) -> str:
    kind = str(pix_fmt or "an unknown format")
    colours = "4:4:4" if "444" in kind else "4:2:2" if "422" in kind else "4:2:0" if "420" in kind else kind
    bits = next((bits for bits in ("9", "10", "12", "14", "16") if f"p{bits}" in kind), None)
    return f"{bits} bits ({colours})" if bits else colours


def _pixel(ratio: Fraction | None) -> Fraction:
    if not ratio or ratio <= 0 or not Fraction(1, _ODDEST_PIXEL) <= ratio <= _ODDEST_PIXEL:
        return Fraction(1)
    return Fraction(ratio)


def _turns(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """(swapped, mirrored, upended) of the display matrix; turns by other than quarters are no turns, as in browsers."""
    side_data: Any = frame.side_data
    try:  # asked for by its name, as what one iterates over became another thing in PyAV 19
        found = bytes(side_data[_DISPLAY_MATRIX])
    except KeyError:
        found = b""
    if len(found) < 20:
        return False, False, False
    # A point (p, q) of the picture is shown at (a p + c q, b p + d q), counted to the right and down.
    a, b, _, c, d = struct.unpack("=5i", found[:20])
    small = max(abs(a), abs(b), abs(c), abs(d)) / 100
    if abs(a) <= small and abs(d) <= small and b and c:
        return True, c < 0, b < 0
    if abs(b) <= small and abs(c) <= small and a and d:
        return False, a < 0, d < 0
    return False, False, False
