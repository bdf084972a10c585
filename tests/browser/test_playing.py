"""What Chromium makes of odd clips is what we say of them: their size, which way up they are, and that a preview plays."""

import base64
import io
import shutil

import pytest
from browser.lab import in_browser
from clips.odd_films import TURNS, corners, film, turn
from PIL import Image

from seedance_nb.clips.store import Clips, shown_file

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, tmp_path):
    """`show(path)`: (size, corners) of the first picture as Chromium shows this file, and whether it can be played."""
    tabs = []

    def show(path):
        page = tmp_path / "page.html"
        data = base64.b64encode(path.read_bytes()).decode()
        page.write_text(f'<!doctype html><video muted src="data:video/mp4;base64,{data}"></video>')
        tabs.append(browser.open(page.as_uri()))
        return look(tabs[-1])

    yield show
    for tab in tabs:
        tab.close()


@in_browser
def look(tab):
    ready = "() => { const v = document.querySelector('video'); return v.readyState >= 2 || v.error !== null }"
    tab.wait_until(ready, timeout=60)
    return tab.page.evaluate(
        """async () => {
          const video = document.querySelector('video');
          if (video.error !== null) return null;
          const drawn = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
          video.loop = true;
          await video.play();
          await drawn;
          const canvas = Object.assign(document.createElement('canvas'), {width: video.videoWidth, height: video.videoHeight});
          canvas.getContext('2d').drawImage(video, 0, 0);
          return canvas.toDataURL('image/png');
        }"""
    )


def picture(data_url):
    return Image.open(io.BytesIO(base64.b64decode(data_url.partition(",")[2])))


@pytest.fixture
def admit(tmp_path):
    clips = Clips(tmp_path / "clips")
    clips.folder.mkdir()

    def admit(source):
        part = clips.arriving("j1").part
        shutil.copy(source, part)
        return clips.admit("j1", part)

    return admit


ODD = {
    **{how: lambda path, how=how: turn(film(path), how) for how in TURNS},
    "wide pixels": lambda path: film(path, sar=(4, 3)),
    "tall pixels": lambda path: film(path, sar=(3, 4)),
    "wide pixels and turned": lambda path: turn(film(path, sar=(4, 3)), "a quarter to the right"),
    "full range": lambda path: film(path, pix_fmt="yuvj420p"),
}


@pytest.mark.parametrize("kind", ODD)
def test_size_and_poster_are_what_chromium_shows(admit, show, tmp_path, kind):
    clip = admit(ODD[kind](tmp_path / "film.mp4"))
    seen = picture(show(clip.path))

    assert seen.size == (clip.width, clip.height)
    with Image.open(clip.poster) as poster:
        assert corners(seen) == corners(poster)


@pytest.mark.parametrize(
    "options",
    [
        {"codec": "mpeg4", "sound": "aac"},
        {"codec": "libx265", "options": {"x265-params": "log-level=none"}},
        {"pix_fmt": "yuv422p", "sound": "ac3"},
        {"codec": "mpeg4", "sar": (4, 3)},
    ],
    ids=str,
)
def test_the_preview_of_what_may_not_play_does(admit, show, tmp_path, options):
    clip = admit(turn(film(tmp_path / "film.mp4", **options), "half"))
    assert clip.unplayable

    seen = picture(show(shown_file(clip)))

    assert abs(seen.size[0] - clip.width) <= 1
    with Image.open(clip.poster) as poster:
        assert corners(seen) == corners(poster)
