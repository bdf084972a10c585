"""Single frames of a clip: exactly that one, the right way up, one at a time, and one line for what the film does not have."""

import itertools

import av
import numpy as np
import pytest
from clips.odd_films import film, turn
from PIL import Image

import seedance_nb.clips.frames as frames_of
from seedance_nb.clips.clip import Clip
from seedance_nb.clips.store import inspect
from seedance_nb.errors import ClipError

RATE, COUNT, STEP = 12, 30, 8
"""Each frame is STEP lighter than the one before, so that its light says its number."""


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """A clip whose n-th frame is n * STEP bright, with frames that are stored out of order."""
    path = tmp_path_factory.mktemp("counted") / "counted.mp4"
    with av.open(str(path), "w", format="mp4") as writer:
        out = writer.add_stream("libx264", rate=RATE)
        out.width, out.height, out.pix_fmt = 64, 32, "yuv420p"
        out.options = {"bf": "3", "g": "10", "crf": "1"}
        for number in range(COUNT):
            frame = av.VideoFrame.from_ndarray(np.full((32, 64, 3), number * STEP, np.uint8), format="rgb24")
            frame.pts = number
            writer.mux(out.encode(frame))
        writer.mux(out.encode(None))
    return clip_of(path)


def clip_of(path):
    facts = inspect(path, path.with_suffix(".jpg"))
    names = ("width", "height", "fps", "seconds")
    return Clip(path, None, path.stat().st_size, *(facts[name] for name in names), sha256="0" * 64)


def number_of(picture):
    return round(np.asarray(picture, np.float64).mean() / STEP)


@pytest.mark.parametrize("number", [0, 1, 7, 15, 16, 28, 29])
def test_a_frame_is_the_one_on_the_screen_at_that_second(counted, number):
    for part in (0.0, 0.5, 0.99):
        picture = counted.frame((number + part) / RATE)

        assert isinstance(picture, Image.Image)
        assert (picture.size, number_of(picture)) == ((64, 32), number)


@pytest.mark.parametrize("back", [-1, -2, -8, -9, -30, np.int64(-3), -1.0])
def test_negative_numbers_count_from_the_end(counted, back):
    assert number_of(counted.frame(back)) == COUNT + int(back)


def test_the_very_end_is_still_the_last_frame(counted):
    assert number_of(counted.frame(counted.seconds)) == COUNT - 1


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (2.6, "has no second 2.6: it ends after 2.50 s"),
        (1e9, "ends after"),
        (-31, "has 30 frames, and no 31th"),
        (-0.5, "whole numbers"),
        (float("nan"), "named by its second"),
        (float("inf"), "named by its second"),
        ("2", "named by its second"),
        (True, "named by its second"),
        (None, "named by its second"),
    ],
)
def test_a_moment_that_the_film_does_not_have_is_one_line(counted, at, words):
    with pytest.raises(ClipError) as caught:
        counted.frame(at)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_frames_come_in_order_and_one_at_a_time(counted, monkeypatch):
    asked = []
    real = frames_of.decoded
    monkeypatch.setattr(frames_of, "decoded", lambda path: (asked.append(each[0]) or each for each in real(path)))

    first = [number_of(picture) for picture in itertools.islice(counted.frames(), 3)]

    assert first == [0, 1, 2]
    assert len(asked) <= 4
    assert [number_of(picture) for picture in counted.frames()] == list(range(COUNT))


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (4, list(range(0, COUNT, 3))),
        (1, [0, 12, 24]),
        (0.5, [0, 24]),
        (0.01, [0]),
        (24, [n for n in range(COUNT) for _ in (0, 1)]),
    ],
)
def test_a_rate_takes_what_is_on_the_screen_at_each_tick(counted, fps, expected):
    assert [number_of(picture) for picture in counted.frames(fps=fps)] == expected


@pytest.mark.parametrize("fps", [0, -1, float("nan"), "4", 1e9, True])
def test_a_rate_that_is_none_is_said_at_once(counted, fps):
    with pytest.raises(ClipError, match="frames a second"):
        counted.frames(fps=fps)
    with pytest.raises(ClipError, match="frames a second"):
        counted.array(fps=fps)


def test_an_array_has_every_frame_in_red_green_and_blue(counted):
    numbers = counted.array()

    assert (numbers.shape, numbers.dtype) == ((COUNT, 32, 64, 3), np.uint8)
    assert [round(picture.mean() / STEP) for picture in numbers] == list(range(COUNT))
    assert counted.array(fps=4, side=16).shape == (10, 8, 16, 3)
    assert counted.array(side=10_000).shape == numbers.shape


def test_an_array_larger_than_memory_should_hold_is_refused_before_it_is_read(counted, monkeypatch):
    monkeypatch.setattr(frames_of, "MOST_BYTES", 64 * 32 * 3 * 5)
    with pytest.raises(ClipError, match=r"ask for fewer \(fps=4\)"):
        counted.array()
    assert counted.array(fps=1).shape[0] == 3


def test_a_film_that_claims_another_rate_still_gives_every_frame(counted):
    numbers = frames_of.frame_array(counted.path, None, None, expected=1)
    assert [round(picture.mean() / STEP) for picture in numbers] == list(range(COUNT))


@pytest.mark.parametrize("how", ["a quarter to the right", "half", "mirrored"])
def test_frames_stand_as_a_player_shows_them(tmp_path, how):
    upright = Image.fromarray(clip_of(turn_to(tmp_path / "as it is.mp4", "as it is")).array()[0])
    clip = clip_of(turn_to(tmp_path / "turned.mp4", how))
    turned = {
        "a quarter to the right": upright.transpose(Image.Transpose.ROTATE_270),
        "half": upright.transpose(Image.Transpose.ROTATE_180),
        "mirrored": upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    }[how]
    picture = clip.frame(0)

    assert picture.size == (clip.width, clip.height) == turned.size
    assert np.abs(np.asarray(picture, int) - np.asarray(turned, int)).mean() < 4
    assert np.abs(clip.array()[0].astype(int) - np.asarray(turned, int)).mean() < 4


def turn_to(path, how):
    turn(film(path), how)
    return path


def test_a_file_that_is_gone_or_no_film_is_one_line(counted, tmp_path):
    gone = Clip(tmp_path / "gone.mp4", None, 1, 64, 32, 12.0, 2.5, "0" * 64, modified=1)
    for ask in (lambda: gone.frame(0), gone.frames, gone.array):
        with pytest.raises(ClipError, match="download_again"):
            ask()
    wrong = tmp_path / "wrong.mp4"
    wrong.write_bytes(counted.path.read_bytes()[:400])
    with pytest.raises(ClipError, match="cannot be decoded"):
        frames_of.frame(wrong, -1)
