"""A story as one film: each frame once, sound where there was sound, the length of all shots, copied where it can be."""

import itertools

import av
import numpy as np
import pytest
from clips import odd_films
from grids.stories.stage import frames_of

from seedance_nb.clips.store import Clips
from seedance_nb.errors import ClipError, ConfigurationError
from seedance_nb.grids.stories.cutting import cut_together

PLAIN = {"bf": "0"}
FRAME = 1 / 24


@pytest.fixture
def clip_of(tmp_path):
    """A clip of one colour; `options` as for `odd_films.film`."""
    clips, numbers = Clips(tmp_path / "clips"), itertools.count()
    clips.folder.mkdir()

    def make(shade, **options):
        width, height = options.get("width", 160), options.get("height", 96)
        pixels = np.full((height, width, 3), shade, np.uint8)
        usual = {"options": PLAIN, "seconds": 1, "pixels": pixels}
        return clips.admit(f"j{next(numbers)}", odd_films.film(tmp_path / "new.mp4", **{**usual, **options}))

    return make


def packets(path):
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(video=0) if packet.size]


def shades(path):
    shown, _, _ = frames_of(path)
    return [round(float(picture.mean())) for _, picture in shown]


@pytest.mark.parametrize("overlap", [True, False])
def test_pictures_that_can_be_copied_are_copied_without_the_doubled_ones(clip_of, tmp_path, overlap):
    clips = [clip_of(shade) for shade in (40, 120, 200)]
    film = cut_together(clips, tmp_path / "film.mp4", overlap=overlap)

    kept = [packets(clip.path) for clip in clips]
    wanted = [*kept[0][:-1], *kept[1][:-1], *kept[2]] if overlap else [*kept[0], *kept[1], *kept[2]]
    assert packets(film) == wanted
    shown, sound, _ = frames_of(film)
    steps = np.diff([time for time, _ in shown])
    assert sound is None
    assert np.allclose(steps, FRAME, atol=1e-3)
    with av.open(str(film)) as opened:
        assert opened.duration / 1e6 == pytest.approx(3 - (2 * FRAME if overlap else 0), abs=FRAME)


@pytest.mark.parametrize(
    "other",
    [
        {"options": {"bf": "2", "b-adapt": "0"}},
        {"width": 320, "height": 192},
        {"rate": 12},
        {"codec": "mpeg4", "options": {}},
    ],
)
def test_what_cannot_be_copied_is_encoded_anew_with_each_frame_once(clip_of, tmp_path, other):
    clips = [clip_of(40, **other), clip_of(120, **other), clip_of(200)]
    film = cut_together(clips, tmp_path / "film.mp4", overlap=True)

    rate = other.get("rate", 24)
    shown = shades(film)
    counts = [sum(abs(shade - wanted) < 12 for shade in shown) for wanted in (40, 120, 200)]
    assert counts == [rate - 1, rate - 1, rate]
    assert len(shown) == sum(counts)


def test_another_shape_is_shown_whole_between_black(clip_of, tmp_path):
    film = cut_together([clip_of(200), clip_of(200, width=96, height=160)], tmp_path / "film.mp4", overlap=False)

    shown, _, _ = frames_of(film)
    last = shown[-1][1].mean(axis=2)
    assert last.shape == (24, 40)
    assert last[:, 18:22].mean() > 180
    assert last[:, :8].mean() < 20


def test_sound_is_where_it_was_and_silence_where_there_was_none(clip_of, tmp_path):
    clips = [clip_of(40, sound="aac"), clip_of(120), clip_of(200, sound="aac", pitch=880, layout="mono")]
    film = cut_together(clips, tmp_path / "film.mp4", overlap=True)

    shown, sound, rate = frames_of(film)
    seconds = 3 - 2 * FRAME
    assert len(sound) / rate == pytest.approx(seconds, abs=FRAME)
    assert len(shown) * FRAME == pytest.approx(seconds, abs=1e-6)

    def heard(begin, end):
        return sound[round(begin * rate) : round(end * rate)]

    assert np.abs(heard(0.1, 0.9)).mean() > 0.1
    assert np.abs(heard(1.1, 1.85)).max() < 0.01
    spectrum = np.abs(np.fft.rfft(heard(2.1, 2.8)))
    assert np.argmax(spectrum) * rate / len(heard(2.1, 2.8)) == pytest.approx(880, abs=5)
    begins = np.flatnonzero(np.abs(sound[round(1.2 * rate) :]) > 0.05)[0] / rate + 1.2
    assert begins == pytest.approx(2 - 2 * FRAME, abs=FRAME)


def test_sound_that_is_shorter_or_begins_late_stays_in_step(clip_of, tmp_path):
    clips = [clip_of(40, sound="aac", sound_seconds=0.4), clip_of(120, sound="aac", sound_at=0.5, sound_seconds=0.5)]
    _, sound, rate = frames_of(cut_together(clips, tmp_path / "film.mp4", overlap=False))

    loud = np.abs(sound) > 0.05
    assert not loud[round(0.5 * rate) : round(1.4 * rate)].any()
    assert loud[round(0.1 * rate) : round(0.3 * rate)].any()
    assert np.flatnonzero(loud[round(0.5 * rate) :])[0] / rate + 0.5 == pytest.approx(1.5, abs=FRAME)


def test_a_clip_that_is_gone_leaves_no_film(clip_of, tmp_path):
    clips = [clip_of(40), clip_of(120)]
    clips[1].path.unlink()
    with pytest.raises(ClipError, match="is gone"):
        cut_together(clips, tmp_path / "film.mp4", overlap=True)
    assert not list(tmp_path.glob("*film*"))
    with pytest.raises(ConfigurationError, match="there is no folder"):
        cut_together(clips[:1], tmp_path / "none" / "film.mp4", overlap=True)
