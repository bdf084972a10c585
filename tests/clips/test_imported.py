"""A file from elsewhere is verified as a download is, copied by its content, and left as it is."""

import os
from pathlib import Path

import pytest

from seedance_nb.clips import imported
from seedance_nb.clips.store import Clips
from seedance_nb.errors import ClipError
from seedance_nb.simulator import film

MOST = 10_000_000


@pytest.fixture
def clips(tmp_path):
    return Clips(tmp_path / "clips" / "elsewhere")


def files(clips):
    return sorted(path.name for path in clips.folder.iterdir()) if clips.folder.exists() else []


def test_a_copy_lies_under_the_name_of_its_content_with_its_facts(clips, small_film):
    clip = imported.bring_in(small_film, clips, MOST)

    key = imported.key_of(clip.sha256)
    assert files(clips) == [f"{key}.jpg", f"{key}.json", f"{key}.mp4"]
    assert clip.bytes() == small_film.read_bytes()
    assert (clip.width, clip.height, clip.poster.exists()) == (854, 480, True)
    assert imported.find(clip.sha256, clips) == clip


def test_the_same_content_under_another_name_is_the_same_copy(clips, small_film, tmp_path):
    first = imported.bring_in(small_film, clips, MOST)
    other = tmp_path / "other.mp4"
    other.write_bytes(small_film.read_bytes())

    assert imported.bring_in(other, clips, MOST) == first
    assert len(files(clips)) == 3


def test_a_copy_that_was_changed_is_no_copy_and_is_made_again(clips, small_film):
    clip = imported.bring_in(small_film, clips, MOST)
    clip.path.write_bytes(clip.path.read_bytes()[:-1] + b"?")
    os.utime(clip.path, ns=(1, 1))

    assert imported.find(clip.sha256, clips) is None
    assert imported.bring_in(small_film, clips, MOST).bytes() == small_film.read_bytes()


def test_one_line_says_what_is_wrong_and_nothing_is_kept(clips, small_film, tmp_path):
    empty, text, cut = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "cut.mp4"
    empty.touch()
    text.write_text("no video at all")
    cut.write_bytes(small_film.read_bytes()[:-400])
    tiny = small(tmp_path / "tiny.mp4")
    fifo = tmp_path / "fifo.mp4"
    os.mkfifo(fifo)
    for file, words in (
        (tmp_path / "none.mp4", "there is no file"),
        (tmp_path, "is a folder"),
        (empty, "is empty"),
        (text, "is no video that can be taken"),
        (cut, "is no video that can be taken"),
        (tiny, "pixels, and nobody can judge"),
        (fifo, "is no file of a video"),
        (Path("/dev/zero"), "is no file of a video"),
    ):
        with pytest.raises(ClipError, match=words) as raised:
            imported.bring_in(file, clips, MOST)
        assert "nothing was imported" in str(raised.value)
        assert "\n" not in str(raised.value)
    with pytest.raises(ClipError, match=r"more than max_clip_bytes \(1,000 bytes\)"):
        imported.bring_in(small_film, clips, 1000)
    assert files(clips) == []


def small(path):
    import av
    import numpy as np

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 4, 4, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((4, 4, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_film_too_large_to_decode_is_not_kept_either(clips, tmp_path, monkeypatch):
    from seedance_nb.clips import playing

    monkeypatch.setattr(playing, "MOST_PIXELS", 1000)
    wide = tmp_path / "wide.mp4"
    about = {"prompt": "a cat", "model": "another", "take": 1, "request_id": "req_1"}
    film.render(wide, **about, aspect_ratio="16:9", resolution="480p", seconds=0.25)
    with pytest.raises(ClipError, match="nothing was imported"):
        imported.bring_in(wide, clips, MOST)

    assert files(clips) == []
