import itertools

import av
import numpy as np
import pytest
from PIL import Image

from seedance_nb import fonts
from seedance_nb.simulator import lettering
from seedance_nb.simulator.film import AbandonedError, frame_size, render
from seedance_nb.simulator.lettering import Caption, Clock

SIZES = {
    ("16:9", "480p"): (854, 480),
    ("16:9", "720p"): (1280, 720),
    ("16:9", "1080p"): (1920, 1080),
    ("9:16", "480p"): (480, 854),
    ("9:16", "720p"): (720, 1280),
    ("9:16", "1080p"): (1080, 1920),
    ("1:1", "480p"): (480, 480),
    ("1:1", "720p"): (720, 720),
    ("1:1", "1080p"): (1080, 1080),
}


def make(path, **changes):
    usual = {
        "prompt": "a cat jumps",
        "model": "seedance-2.0",
        "take": 1,
        "request_id": "req_1234567890",
        "aspect_ratio": "1:1",
        "resolution": "480p",
        "seconds": 0.25,
    }
    render(path, **{**usual, **changes})
    return path


def boxes(data):
    """Names of the top-level MP4 boxes in their order."""
    names, at = [], 0
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return names


@pytest.mark.parametrize(("ratio", "resolution"), SIZES)
def test_the_short_side_is_what_the_resolution_names(tmp_path, ratio, resolution):
    assert frame_size(ratio, resolution) == SIZES[ratio, resolution]
    with av.open(make(tmp_path / "film.mp4", aspect_ratio=ratio, resolution=resolution, seconds=0.1)) as film:
        frame = next(film.decode(video=0))
        assert (frame.width, frame.height) == SIZES[ratio, resolution]


def test_the_film_is_what_every_browser_plays(tmp_path):
    with av.open(make(tmp_path / "film.mp4")) as film:
        context = film.streams.video[0].codec_context
        assert (context.name, context.profile, context.pix_fmt) == ("h264", "High", "yuv420p")
        assert context.codec_tag == "avc1"


def test_the_index_comes_before_the_pictures(tmp_path):
    names = boxes(make(tmp_path / "film.mp4").read_bytes())
    assert names[0] == "ftyp"
    assert names.index("moov") < names.index("mdat")


@pytest.mark.parametrize("seconds", [0.5, 4])
def test_the_film_is_as_long_as_asked_with_evenly_spaced_frames(tmp_path, seconds):
    with av.open(make(tmp_path / "film.mp4", seconds=seconds)) as film:
        stream = film.streams.video[0]
        times = [frame.time for frame in film.decode(video=0)]
        assert float(stream.duration * stream.time_base) == pytest.approx(seconds)
    assert times == pytest.approx([number / 24 for number in range(round(seconds * 24))], abs=1e-3)


def test_every_frame_differs_from_the_one_before(tmp_path):
    with av.open(make(tmp_path / "film.mp4", seconds=1)) as film:
        pictures = [bytes(frame.planes[0]) for frame in film.decode(video=0)]
    assert all(one != other for one, other in itertools.pairwise(pictures))


def test_prompts_look_different_and_takes_alike(tmp_path):
    def sky(**changes):
        with av.open(make(tmp_path / "film.mp4", seconds=0.05, **changes)) as film:
            return next(film.decode(video=0)).to_image().getpixel((470, 200))

    assert sky(take=2) == sky()
    assert len({sky(prompt=f"prompt {number}") for number in range(6)}) >= 5


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "\n\t\x00\x1b[31m",
        "half \ud83d of a smile 😀",
        "가을 숲을 지나는 강",
        "نص عربي",
        "한" * 3000,
        "word " * 3000,
        "W" * 500,
        "<b>&amp;</b> {braces} %s \\n",
        "\u0301" * 200,
    ],
    ids=range(10),
)
@pytest.mark.parametrize("ratio", ["16:9", "9:16"])
def test_any_prompt_can_be_shown(tmp_path, prompt, ratio):
    assert make(tmp_path / "film.mp4", prompt=prompt, aspect_ratio=ratio, seconds=0.05).stat().st_size > 1000


@pytest.mark.parametrize("size", SIZES.values())
def test_no_words_run_into_the_clock_or_out_of_the_picture(size):
    caption = Caption("word " * 100, "seedance-2.0-fast  ·  take 12", "req_1234567890  ·  16:9  ·  1080p  ·  15 s")
    clock_left = next(Clock(size).place(0, 0))[1]
    pieces = list(caption.lay_out(size))
    assert all(piece.left + piece.colours.width <= size[0] for piece in pieces)
    assert all(piece.left + piece.colours.width < clock_left for piece in pieces if piece.top > size[1] * 0.8)


def test_it_needs_no_system_font(tmp_path, monkeypatch):
    from seedance_nb import fonts

    fonts._font.cache_clear()
    monkeypatch.setattr(fonts, "_file", lambda _style: None)
    try:
        assert make(tmp_path / "film.mp4", prompt="가을 a cat").exists()
    finally:
        fonts._font.cache_clear()


def test_an_abandoned_film_leaves_nothing_behind(tmp_path):
    answers = iter([False, False, False, True])
    with pytest.raises(AbandonedError):
        make(tmp_path / "film.mp4", abandoned=lambda: next(answers))
    assert list(tmp_path.iterdir()) == []


def test_a_film_replaces_what_stood_there(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    make(path)
    assert path.read_bytes()[4:8] == b"ftyp"
    assert list(tmp_path.iterdir()) == [path]


def test_words_that_the_font_lacks_are_left_out_and_not_drawn_as_boxes(monkeypatch):
    monkeypatch.setitem(fonts._FILES, "wide", ("DejaVuSans.ttf",))
    fonts._file.cache_clear()
    try:
        assert lettering._drawable("a 고양이 jumps, 멀리") == "a … jumps, …"
        assert lettering._drawable("비 오는 거리") == "…"
        assert lettering._drawable("a paper boat → é") == "a paper boat → é"
    finally:
        fonts._file.cache_clear()


def first_picture(path):
    with av.open(path) as film:
        return next(film.decode(video=0)).to_ndarray(format="rgb24").astype(int)


def test_a_film_begins_with_the_picture_it_is_given_and_leaves_it_within_half_a_second(tmp_path):
    rows = np.linspace(0, 255, 480).astype(np.uint8)
    given = np.stack([np.broadcast_to(rows, (480, 480)), np.full((480, 480), 90), np.full((480, 480), 30)], 2)
    picture = Image.fromarray(given.astype(np.uint8))
    film = make(tmp_path / "film.mp4", seconds=1, first_frame=picture)
    plain = make(tmp_path / "plain.mp4", seconds=1)

    assert np.abs(first_picture(film) - given).mean() < 6
    assert np.abs(first_picture(plain) - given).mean() > 30
    with av.open(film) as one, av.open(plain) as other:
        pairs = list(zip(one.decode(video=0), other.decode(video=0), strict=True))
    assert len(pairs) == 24
    last = [frame.to_ndarray(format="rgb24").astype(int) for frame in pairs[-1]]
    assert np.abs(last[0] - last[1]).mean() < 3
