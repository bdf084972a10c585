"""Real MP4s of every kind a stranger might send: other codecs, turned, stretched, cut, with sound, or larger than they look."""

from __future__ import annotations

import base64
import lzma
import struct
import zlib
from fractions import Fraction

import av
import numpy as np

ONE, UNIT = 1 << 16, 1 << 30
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (40, 40, 230), (240, 240, 240)
CORNERS = (RED, GREEN, BLUE, WHITE)
"""Of an upright picture: top left, top right, bottom left, bottom right."""
TURNS = {
    "as it is": (ONE, 0, 0, ONE),
    "a quarter to the right": (0, ONE, -ONE, 0),
    "half": (-ONE, 0, 0, -ONE),
    "a quarter to the left": (0, -ONE, ONE, 0),
    "mirrored": (-ONE, 0, 0, ONE),
    "upended": (ONE, 0, 0, -ONE),
    "mirrored and a quarter": (0, ONE, ONE, 0),
    "upended and a quarter": (0, -ONE, -ONE, 0),
}
"""The a, b, c, d of a display matrix: a point (p, q) is shown at (a p + c q, b p + d q)."""


def quadrants(width, height, colours=CORNERS):
    pixels = np.zeros((height, width, 3), np.uint8)
    middle, half = height // 2, width // 2
    pixels[:middle, :half], pixels[:middle, half:], pixels[middle:, :half], pixels[middle:, half:] = colours
    return pixels


def film(
    path, width=160, height=96, *, codec="libx264", pix_fmt="yuv420p", seconds=0.5, rate=24, sar=None, options=None,
    sound=None, sound_rate=48_000, layout="stereo", sound_seconds=None, pixels=None, sound_at=0.0, pitch=440,
    picture_at=0.0,
):  # fmt: skip
    """An MP4 of coloured quadrants; `sound` names a codec for a tone of 440 Hz."""
    with av.open(str(path), "w", format="mp4", options={"strict": "experimental"}) as writer:
        out = writer.add_stream(codec, rate=rate)
        out.width, out.height, out.pix_fmt = width, height, pix_fmt
        out.options = options or {}
        if sar:
            out.codec_context.sample_aspect_ratio = Fraction(*sar)
        heard = writer.add_stream(sound, rate=sound_rate, layout=layout) if sound else None
        shown = quadrants(width, height) if pixels is None else pixels
        for number in range(round(seconds * rate)):
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            frame.pts = number + round(picture_at * rate)
            writer.mux(out.encode(frame))
        writer.mux(out.encode(None))
        if heard is not None:
            for frame in tone(sound_seconds or seconds, sound_rate, layout, at=sound_at, pitch=pitch):
                writer.mux(heard.encode(frame))
            writer.mux(heard.encode(None))
    return path


def tone(seconds, rate, layout, *, at=0.0, pitch=440):
    """A sine as float frames of 1024 samples."""
    channels, count = av.AudioLayout(layout).nb_channels, round(seconds * rate)
    wave = (0.4 * np.sin(2 * np.pi * pitch * np.arange(count) / rate)).astype(np.float32)
    for start in range(0, count, 1024):
        part = np.tile(wave[start : start + 1024], (channels, 1))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start + round(at * rate)
        yield frame


def turn(path, how):
    """Write a display matrix into the header of the first track, by its bytes."""
    data = bytearray(path.read_bytes())
    a, b, c, d = TURNS[how] if isinstance(how, str) else how
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, UNIT)
    path.write_bytes(data)
    return path


def insert(path, parents, box):
    """Put a box at the end of another one, named by the way to it; the index must lie behind the pictures."""
    data = bytearray(path.read_bytes())
    assert data.index(b"mdat") < data.index(b"moov")
    at, places = 0, []
    for name in parents:
        at = data.index(name, at) - 4
        places.append(at)
    end = places[-1] + struct.unpack(">I", data[places[-1] : places[-1] + 4])[0]
    data[end:end] = box
    for place in places:
        size = struct.unpack(">I", data[place : place + 4])[0] + len(box)
        data[place : place + 4] = struct.pack(">I", size)
    path.write_bytes(data)
    return path


IN_SAMPLE_ENTRY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")


def cut_to(path, width, height, right=0, down=0):
    """Write a clean aperture: so much of the picture is meant to be seen, its middle so far from that of the whole."""
    box = struct.pack(">I4sIIIIiIiI", 40, b"clap", width, 1, height, 1, right, 1, down, 1)
    return insert(path, IN_SAMPLE_ENTRY, box)


def png(width, height):
    """A black PNG of one bit a pixel: 16,000 x 16,000 of them have some 30 kB."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer, row = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
    rows = b"".join(map(packer.compress, [row] * height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def of_packets(path, packets, *, claims=(64, 64), codec="png", every=Fraction(1, 24)):
    """An MP4 of these bytes as its pictures; its index says what it `claims`."""
    with av.open(str(path), "w", format="mp4") as writer:
        out = writer.add_stream(codec, rate=24)
        out.width, out.height, out.pix_fmt = *claims, "rgb24"
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base = out, Fraction(every)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            writer.mux(packet)
    return path


def corners(image):
    """Which of CORNERS stands in each corner of a picture: top left, top right, bottom left, bottom right."""
    pixels = np.asarray(image.convert("RGB"), dtype=int)
    height, width = pixels.shape[:2]
    found = []
    for y, x in ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)):
        seen = pixels[round(height * y), round(width * x)]
        found.append(min(CORNERS, key=lambda colour: int(np.abs(seen - np.array(colour)).sum())))
    return tuple(found)


def turned_corners(how):
    """What CORNERS become when a picture is turned like this."""
    a, b, c, d = TURNS[how]
    where = {(-1, -1): 0, (1, -1): 1, (-1, 1): 2, (1, 1): 3}
    found = [None] * 4
    for (p, q), colour in zip(where, CORNERS, strict=True):
        found[where[(a * p + c * q) // ONE, (b * p + d * q) // ONE]] = colour
    return tuple(found)


_HUGE_H264 = (
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj63h2A/JdAABoBmynEMeQDAjfHPyt7pNpNBERVHhg9KmTEJDIS5WUSV9ZN4Knkl6CsLRiHr0HpQ2Nkg"
    "bGkZjkQVCm9SBNf/EL14uBbVJHXi1WkxrcdDoKP1rt08xFoZck3KZi+OhhxJigxCjBBu3bn+OKsy9eeuPnHXr//Lz0i30JHc7uTRApkRqII6h3"
    "cE6ocU2AHPEUAF4fsfW6JlHllUD9p9nKOoNIgkV+62aEXm1+1oN7JWh8coZEM79pNnL17lyKjT5MHGgp9MKnVy7kv29c+R/52tUwnaWRH2ixOu"
    "9vDSkrI1YhOnwTCM2WsuIIwJEn5H7VwnMrgGCtbPli1NvQraf3SX2mikLlOCyhByqrRqut6P4a5iA1M6aTXVxaZZNhiB/ZHue1tPQEJEWK2D0b"
    "lsBkfGQe4mPt75IwuNjrZPQYgE2CD+/FEMMXoNR6GCqnskcj5MFCBlp58i+8t6NRcYGsj96fcJe3XO0dPGqVphjHgXe4feXvC/29AC2bZAdkoV"
    "qKEzr8c0UsDxt1Pbl0RrK+8B9CACvRue5ic7wvDNDkY/iqS/8OFBxAA6m2VQ9+V0TSa7Qglswzh/9JLrhx+NPQe2lkZIc24rEqR28YL3hfzx2g"
    "aW3W8Pyq4R7eoUt2XRc89OuGx2jGvuP1URZJQt/7J7ZFhdjp8zpp9PkxBVPN5wLIjMh8Y1PPT7OOv6pqJDlWrQfytbMkkvEM07xWBQe0HoFHjl"
    "Aw+7aFLT5UAtwb9Zr7qI+k76x9BaLz1L4ru9AAVHaeDVXreKW9Ll+qDz5LZkKQEw7/EJP4cXhZ+AvN/5UoRg+p/Hze+5owLlbAj4Xzg4HAZcQl"
    "U/j1kTYxBaWw7m/BcE1HDNGREaqtYB26zrEnGFxZhulmUlWLsxKMF/7IGsaOD+Pr7ya08WHZ9lPRhXkbSHshjDLM4iOIPtOetfdxIQDLaA0Pwf"
    "nKc8nsYOXGz5zBxrRN4UoYveoDVqD+NtCztkGRDlafuaG7ibdDif9+9hYURdSr4DLtBzc52wc6JsPVXadJzFR6xdvYqA+EJSBaOb9WJH/di4U9"
    "LFl1g2vBBB7EF7O6sHkwa2V8uh4GIZDK26VTem6sO/I+Niep02sdtccpC/lVBxwr3R4aCzVoKEzmGdv2ITNA+a8onqx0WAyVqH8Hl7wkTzhSNo"
    "RoyYyzmIGtfPKFPC6fhXFwQeIYTO3qLn+n00DOGNQT9sdeuk/kux83SG10pLr+Nq0cyalsP9D1ZXZ2uneY/WNEtOs4bmXgrw8dDqxHD5gGinCI"
    "ReRMDKUk8vj+jyKSk7CHTk2lQUwfCNWPnEOrtg7EdBRBcZ+4SqDv87qVm+WeKjjCnEDjAAAA0Q6BzPA1ekAAAY4I9/AtAJXtwFmxxGf7AgAAAA"
    "AEWVo="
)


def huge_h264(path):
    """Three real pictures of 16,000 x 16,000 in H.264, in 0.75 MB; the index claims 64 x 64. (Packed: making it takes 3.4 GB.)"""
    path.write_bytes(lzma.decompress(base64.b64decode(_HUGE_H264)))
    return path


def cover_first(path):
    """Put what the index says beside its tracks, which is where covers are, before them."""
    data = path.read_bytes()
    at = data.index(b"moov") - 4
    end = at + struct.unpack(">I", data[at : at + 4])[0]
    boxes, place = [], at + 8
    while place < end:
        size = struct.unpack(">I", data[place : place + 4])[0]
        boxes.append(data[place : place + size])
        place += size
    boxes.sort(key=lambda box: box[4:8] != b"udta")
    path.write_bytes(data[: at + 8] + b"".join(boxes) + data[end:])
    return path
