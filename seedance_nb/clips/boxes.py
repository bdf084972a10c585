"""The boxes of an MP4 (ISO 14496-12), read without decoding anything: is the file whole, and what does its index claim?"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from ..errors import ClipError

MOST_BOXES = 10_000
LARGEST_INDEX = 64_000_000
"""Bytes of a `moov`, which decoders read into memory; that of ten minutes with sound has about 1 MB."""
_FOLDERS = (b"trak", b"mdia", b"minf", b"stbl")
_CUT_OFF = "the file is no whole MP4 (a box is cut off)"


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """A box: its name, and where what is in it begins and ends."""

    name: bytes
    start: int
    end: int


@dataclasses.dataclass(frozen=True, slots=True)
class Crop:
    """The part of the coded picture that is meant to be seen (`clap`), in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclasses.dataclass(slots=True)
class Track:
    """What the index says of one track. `samples` of video are its pictures."""

    kind: bytes = b""
    samples: int = 0
    width: int = 0
    height: int = 0
    crop: Crop | None = None


def check(path: Path) -> None:
    """Walk the top-level boxes: ftyp first, a moov, an mdat, and not a byte missing. Raises ClipError."""
    names: list[bytes] = []
    with path.open("rb") as file:
        for box in _boxes(file, 0, path.stat().st_size):
            names.append(box.name)
            if len(names) == 1 and box.name != b"ftyp":
                raise ClipError("the file is no MP4 (it does not begin like one)")
            if box.name == b"moov" and box.end - box.start > LARGEST_INDEX:
                raise ClipError(
                    f"the file is no MP4 that is looked into (its index alone has {box.end - box.start:,} bytes)"
                )
    if b"moov" not in names or b"mdat" not in names:
        raise ClipError("the file is no whole MP4 (it has no picture data)")


def tracks(path: Path) -> list[Track]:
    """The tracks as the index describes them; what cannot be understood is left out, for the decoder to judge."""
    found: list[Track] = []
    with path.open("rb") as file:
        try:
            for moov in _boxes(file, 0, path.stat().st_size):
                if moov.name == b"moov":
                    for box in _boxes(file, moov.start, moov.end):
                        if box.name == b"trak":
                            found.append(Track())
                            _read_track(file, box, found[-1])
        except (ClipError, struct.error, ValueError, ZeroDivisionError):
            return found
    return found


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    for _ in range(MOST_BOXES):
        if start >= end:
            return
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            raise ClipError(_CUT_OFF)
        (length, name), body = struct.unpack(">I4s", head[:8]), 8
        if length == 1 and len(head) == 16:
            length, body = struct.unpack(">Q", head[8:])[0], 16
        elif length == 0:
            length = end - start
        if length < body or start + length > end:
            raise ClipError(_CUT_OFF)
        yield Box(name, start + body, start + length)
        start += length
    if start < end:
        raise ClipError(_CUT_OFF)


def _read_track(file: BinaryIO, parent: Box, track: Track) -> None:
    for box in _boxes(file, parent.start, parent.end):
        if box.name in _FOLDERS:
            _read_track(file, box, track)
        elif box.name == b"hdlr":
            # A handler of the data inside `minf` may follow that of the track itself.
            track.kind = track.kind or _bytes(file, box.start + 8, 4)
        elif box.name == b"stsz":
            track.samples = max(track.samples, struct.unpack(">I", _bytes(file, box.start + 8, 4))[0])
        elif box.name == b"stts":
            track.samples = max(track.samples, _counted(file, box))
        elif box.name == b"stsd" and track.kind == b"vide":
            _read_picture(file, box, track)


def _counted(file: BinaryIO, box: Box) -> int:
    count = min(struct.unpack(">I", _bytes(file, box.start + 4, 4))[0], (box.end - box.start - 8) // 8)
    return sum(samples for samples, _ in struct.iter_unpack(">II", _bytes(file, box.start + 8, 8 * count)))


def _read_picture(file: BinaryIO, box: Box, track: Track) -> None:
    for entry in _boxes(file, box.start + 8, box.end):
        width, height = struct.unpack(">HH", _bytes(file, entry.start + 24, 4))
        track.width, track.height = max(track.width, width), max(track.height, height)
        for part in _boxes(file, entry.start + 78, entry.end):
            if part.name == b"clap" and track.crop is None:
                track.crop = _crop(_bytes(file, part.start, 32), width, height)


def _crop(clap: bytes, width: int, height: int) -> Crop | None:
    """The clean aperture, in whole pixels of the coded picture; None where it is the whole picture or makes no sense."""
    wide, wide_by, high, high_by, right, right_by, down, down_by = struct.unpack(">IIIIiIiI", clap)
    across, tall = round(Fraction(wide, wide_by)), round(Fraction(high, high_by))
    # The offsets lead from the middle of the picture to that of the aperture.
    left = round(Fraction(width - across, 2) + Fraction(right, right_by))
    top = round(Fraction(height - tall, 2) + Fraction(down, down_by))
    fits = across > 0 and tall > 0 and left >= 0 and top >= 0 and left + across <= width and top + tall <= height
    return Crop(left, top, across, tall) if fits and (across, tall) != (width, height) else None


def _bytes(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)
