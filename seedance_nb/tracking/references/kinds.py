"""What a file is, by its first bytes, and whether the service would take it. Which kinds those are: the vendor's page (`api.fields`)."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import NamedTuple

from ...errors import InvalidRequest, one_line

LARGEST = {"image": 30_000_000, "video": 100_000_000, "sound": 30_000_000}
"""Bytes. Nobody documents what the service takes; a file beyond this is a mistake of the person, or would be one of ours to send."""
SMALLEST_SIDE = 16
"""Pixels: below this there is nothing to go by."""
MOST_PIXELS = 100_000_000
_UNKNOWN_LENGTH = 0x7FFF_0000
_UNTAKEN = {
    "HEIC picture": "save it as .jpg or .png",
    "AVIF picture": "save it as .jpg or .png",
    "TIFF picture": "save it as .png",
    "SVG drawing": "save it as .png",
    "PDF": "save its page as .png",
    "WebM video": "save it as .mp4",
    "AVI video": "save it as .mp4",
    "M4A sound": "save it as .mp3 or .wav",
    "Ogg sound": "save it as .mp3 or .wav",
    "FLAC sound": "save it as .mp3 or .wav",
    "moving PNG": "save one picture of it as .png, or the whole as .mp4",
    "moving WebP": "save one picture of it as .png, or the whole as .mp4",
}


class Kind(NamedTuple):
    """image, video or sound, and the ending by which the service knows it."""

    word: str
    suffix: str


def kind_of(content: bytes, name: str) -> Kind:
    """What these bytes are; `name` stands in the errors. Raises InvalidRequest for what the service would not take."""
    if not content:
        raise InvalidRequest(f"{name} is empty: save it anew; nothing was sent and nothing charged")
    found = _recognised(content)
    if isinstance(found, str):
        raise InvalidRequest(
            f"{name} is a {found}, which the service does not take: {_UNTAKEN[found]}; nothing was sent and nothing charged"
        )
    if found is None:
        raise InvalidRequest(
            f"{name} is no picture (jpg, png, webp, gif, bmp), video (mp4, mov, m4v) or sound (mp3, wav); nothing was sent and nothing charged"
        )
    if len(content) > LARGEST[found.word]:
        raise InvalidRequest(
            f"{name} has {len(content) / 1e6:,.0f} MB, and a reference {found.word} of more than {LARGEST[found.word] / 1e6:.0f} MB is not"
            " uploaded: make it smaller; nothing was sent and nothing charged"
        )
    if found.word == "image":
        check_picture(content, name)
    elif found.word == "sound" and (trouble := _trouble_of_sound(content, found.suffix)) is not None:
        raise InvalidRequest(
            f"{name} is a sound that cannot be played ({trouble}): save it anew; nothing was sent and nothing charged"
        )
    return found


def _recognised(content: bytes) -> Kind | str | None:
    """Its kind, a word for what it is that the service does not take, or None."""
    head = content[:64]
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "moving PNG" if b"acTL" in content[: max(content.find(b"IDAT"), 0)] else Kind("image", ".png")
    if head.startswith(b"\xff\xd8\xff"):
        return Kind("image", ".jpg")
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return Kind("image", ".gif")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        moving = head[12:16] == b"VP8X" and len(head) > 20 and head[20] & 0x02
        return "moving WebP" if moving else Kind("image", ".webp")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return Kind("sound", ".wav")
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI video"
    if head[:2] == b"BM" and len(content) > 26 and int.from_bytes(head[2:6], "little") in (0, len(content)):
        return Kind("image", ".bmp")
    if head[4:8] == b"ftyp":
        return _of_brand(head[8:12])
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free"):  # QuickTime before it had brands
        return Kind("video", ".mov")
    if head[:3] == b"ID3" or (len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return Kind("sound", ".mp3")
    others = {
        b"II*\0": "TIFF picture",
        b"MM\0*": "TIFF picture",
        b"%PDF": "PDF",
        b"\x1aE\xdf\xa3": "WebM video",
        b"OggS": "Ogg sound",
        b"fLaC": "FLAC sound",
    }
    if head[:4] in others:
        return others[head[:4]]
    return "SVG drawing" if b"<svg" in content[:1000].lower() else None


def _trouble_of_sound(content: bytes, suffix: str) -> str | None:
    """Why there is no whole sound in it; None where there is one, as far as its lengths tell."""
    if suffix == ".mp3":
        # Its tag says its own length in four times seven bits: a picture of the record is no sound.
        start = (
            10 + sum(byte << 7 * (3 - place) for place, byte in enumerate(content[6:10]))
            if content[:3] == b"ID3"
            else 0
        )
        return None if len(content) > start + 4 else "there is nothing behind its tag"
    at = 12
    while at + 8 <= len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        if content[at : at + 4] == b"data":
            inside = len(content) - at - 8
            if not inside:
                return "there is no sound in it"
            # Programs that write into a pipe do not know the length: they say none, or as much as there can be.
            return "it was cut" if inside < length < _UNKNOWN_LENGTH else None
        at += 8 + length + length % 2
    return "there is no sound in it"


def _of_brand(brand: bytes) -> Kind | str:
    if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
        return "HEIC picture"
    if brand in (b"avif", b"avis"):
        return "AVIF picture"
    if brand in (b"M4A ", b"M4B "):
        return "M4A sound"
    if brand == b"qt  ":
        return Kind("video", ".mov")
    return Kind("video", ".m4v" if brand.startswith(b"M4V") else ".mp4")


def check_picture(content: bytes, name: str) -> None:
    """Raises InvalidRequest for a picture that cannot be decoded whole, or is too small or too large to go by."""
    from PIL import Image

    size = (0, 0)
    trouble: str | None = None
    with warnings.catch_warnings(), contextlib.ExitStack() as opened:
        warnings.simplefilter("ignore")  # of sizes that are refused below
        try:
            picture = opened.enter_context(Image.open(io.BytesIO(content)))
            size = picture.size
            if size[0] * size[1] <= MOST_PIXELS:
                picture.load()
        except Exception as error:  # a library of decoders: whatever it raises means that it is no good picture
            trouble = one_line(error, 80)
    if trouble is not None:
        raise InvalidRequest(
            f"{name} is a picture that cannot be read whole ({trouble}): save it anew; nothing was sent and nothing charged"
        )
    if min(size) < SMALLEST_SIDE:
        raise InvalidRequest(
            f"{name} has {size[0]} × {size[1]} pixels, too few to go by: give one of at least {SMALLEST_SIDE} × {SMALLEST_SIDE}; nothing"
            " was sent and nothing charged"
        )
    if size[0] * size[1] > MOST_PIXELS:
        raise InvalidRequest(
            f"{name} has {size[0]} × {size[1]} pixels: make it smaller; nothing was sent and nothing charged"
        )
