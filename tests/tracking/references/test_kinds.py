"""What a file is by its bytes: sounds that are none, pictures that move, addresses of this machine."""

import io
import wave

import pytest
from PIL import Image

from seedance_nb.errors import InvalidRequest
from seedance_nb.tracking.references.shelf import Shelf


def wav(seconds=0.1):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(range(200)) * int(80 * seconds))
    return out.getvalue()


def mp3(tag=200, frames=b"\xff\xfb\x90\x00" + bytes(413)):
    """A tag of so many bytes (its length is written in sevens of bits), and what is behind it."""
    return b"ID3\x04\0\0" + bytes([0, 0, tag >> 7, tag & 127]) + bytes(tag) + frames


def png(*shades):
    first, *others = (Image.new("RGB", (64, 48), (shade, 9, 9)) for shade in shades)
    out = io.BytesIO()
    first.save(out, "PNG", **({"save_all": True, "append_images": others} if others else {}))
    return out.getvalue()


def unsized(length):
    """A sound as it comes out of a pipe: its writer did not know how long it would be."""
    content = wav()
    at = content.index(b"data") + 4
    return content[:at] + length.to_bytes(4, "little") + content[at + 4 :]


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "references")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"RIFF\0\0\0\0WAVE", "no sound in it"),
        (wav(0), "no sound in it"),
        (wav()[:-100], "it was cut"),
        (b"ID3", "nothing behind its tag"),
        (mp3(frames=b""), "nothing behind its tag"),
        (mp3()[:100], "nothing behind its tag"),
        (png(1, 90, 200), "is a moving PNG, which the service does not take: save one picture of it as .png"),
        ("file:///home/me/boat.png", "give the path behind file://"),
        (" FILE://localhost/boat.png", "give the path behind file://"),
    ],
)
def test_what_is_no_whole_reference_is_one_line(shelf, given, words):
    with pytest.raises(InvalidRequest) as caught:
        shelf.addresses([given])
    assert words in str(caught.value)
    assert "nothing was sent and nothing charged" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not shelf.folder.exists()


@pytest.mark.parametrize(
    ("given", "suffix"),
    [
        (wav(), ".wav"),
        (unsized(0), ".wav"),
        (unsized(0xFFFFFFFF), ".wav"),
        (wav().replace(b"data", b"LIST\x03\0\0\0abc\0data"), ".wav"),
        (mp3(), ".mp3"),
        (mp3(frames=b"\xff\xfb\x90\x00" + bytes(16)), ".mp3"),
        (b"\xff\xfb\x90\x00" + b"U" * 413, ".mp3"),
        (png(90), ".png"),
    ],
)
def test_what_is_whole_is_taken(shelf, given, suffix):
    assert shelf.address(given).endswith(suffix)
