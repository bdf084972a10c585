"""`sd.read`: a saved clip gives the cell back that made it."""

import shutil

import pytest

import seedance_nb as sd
from seedance_nb.api.models import make_request
from seedance_nb.clips.tags import write_tagged
from seedance_nb.clips.trace import Trace


def saved(tmp_path, film, take=1, **settings):
    trace = Trace(make_request(**({"prompt": "a paper boat"} | settings)), take)
    assert write_tagged(film, tmp_path / "boat.mp4", trace.tags("0" * 64))
    return tmp_path / "boat.mp4"


def test_a_saved_clip_gives_its_cell_back(tmp_path, small_film):
    path = saved(tmp_path, small_film, model="seedance-2.0", duration=8, aspect_ratio="9:16", resolution="720p")

    cell = sd.read(path)

    assert cell == "%%seedance -m seedance-2.0 -a 9:16 -d 8 -r 720p --raw\na paper boat"
    assert repr(cell) == cell


def test_a_later_take_comes_back_as_the_call_that_asks_for_it(tmp_path, small_film):
    assert "take=3" in sd.read(str(saved(tmp_path, small_film, take=3)))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("foreign.mp4", "was not saved by seedance_nb"),
        ("none.mp4", "there is no file"),
        ("text.mp4", "is no MP4"),
        ("", "there is no file"),
    ],
)
def test_what_tells_nothing_is_said_in_one_line(tmp_path, small_film, name, words):
    shutil.copy(small_film, tmp_path / "foreign.mp4")
    (tmp_path / "text.mp4").write_text("text")

    with pytest.raises(sd.ClipError, match=words) as told:
        sd.read(tmp_path / name)

    assert len(str(told.value).splitlines()) == 1
