"""What a player makes of a clip: is it played at all, how large, which way up, and with which sound."""

import json
import shutil

import av
import numpy as np
import pytest
from clips import odd_films
from clips.odd_films import TURNS, corners, cut_to, film, turn, turned_corners
from PIL import Image

from seedance_nb.clips.store import Clips, preview_of, shown_file
from seedance_nb.errors import ClipError


@pytest.fixture
def clips(tmp_path):
    made = Clips(tmp_path / "clips")
    made.folder.mkdir()
    return made


@pytest.fixture
def admit(clips):
    """`admit(path)`: the clip that this file becomes."""

    def admit(source, key="j1"):
        part = clips.arriving(key).part
        shutil.copy(source, part)
        return clips.admit(key, part)

    return admit


def looked_at(path):
    """What is in a file: (codec, pixel format, size, sound codec or "")."""
    with av.open(str(path)) as reader:
        stream = reader.streams.video[0]
        context = stream.codec_context
        sound = reader.streams.audio[0].codec_context.name if reader.streams.audio else ""
        return context.name, context.pix_fmt, (context.width, context.height), sound


def first_picture(path, at=0):
    with av.open(str(path)) as reader:
        return list(reader.decode(video=0))[at].to_image()


def loudness(path):
    """Root mean square of all samples, or 0 without sound."""
    with av.open(str(path)) as reader:
        if not reader.streams.audio:
            return 0.0
        frames = [frame.to_ndarray() for frame in reader.decode(audio=0)]
    return float(np.sqrt(np.mean(np.concatenate([frame.reshape(-1) for frame in frames]).astype(float) ** 2)))


# Is it played? ---------------------------------------------------------------------------------------

UNPLAYABLE = {
    "HEVC": ({"codec": "libx265", "options": {"x265-params": "log-level=none"}}, "HEVC video"),
    "MPEG-4 part 2": ({"codec": "mpeg4"}, "MPEG-4 part 2 video"),
    "VP9": ({"codec": "libvpx-vp9"}, "VP9 video"),
    "AV1": ({"codec": "libsvtav1"}, "AV1 video"),
    "Motion JPEG": ({"codec": "mjpeg", "pix_fmt": "yuvj420p"}, "Motion JPEG video"),
    "ten bits": ({"pix_fmt": "yuv420p10le"}, "H.264 video in 10 bits (4:2:0)"),
    "4:4:4": ({"pix_fmt": "yuv444p"}, "H.264 video in 4:4:4"),
    "4:2:2": ({"pix_fmt": "yuv422p"}, "H.264 video in 4:2:2"),
    "AC-3": ({"sound": "ac3"}, "AC-3 sound"),
    "Opus": ({"sound": "libopus"}, "Opus sound"),
    "FLAC": ({"sound": "flac"}, "FLAC sound"),
}


@pytest.mark.parametrize("kind", UNPLAYABLE)
def test_what_not_every_browser_plays_gets_a_preview_that_they_do_and_is_kept_as_it_is(admit, clips, tmp_path, kind):
    options, words = UNPLAYABLE[kind]
    try:
        source = film(tmp_path / "film.mp4", **options)
    except av.error.EncoderNotFoundError:
        pytest.skip(f"this PyAV cannot make {kind}")
    clip = admit(source)

    assert clip.unplayable == words
    assert clip.path.read_bytes() == source.read_bytes()
    assert preview_of(clip.path).exists()  # made before anybody asks for it
    codec, pix_fmt, size, sound = looked_at(shown_file(clip))
    assert (codec, pix_fmt, size) == ("h264", "yuv420p", (160, 96))
    assert sound == ("aac" if options.get("sound") else "")


@pytest.mark.parametrize(
    "options", [{}, {"sound": "aac"}, {"sound": "aac", "layout": "5.1"}, {"pix_fmt": "yuvj420p"}], ids=str
)
def test_what_every_browser_plays_is_shown_itself(admit, tmp_path, options):
    clip = admit(film(tmp_path / "film.mp4", **options))

    assert (clip.unplayable, shown_file(clip)) == (None, clip.path)
    assert not preview_of(clip.path).exists()


def test_codec_and_sound_are_kept_with_the_clip_and_come_back_from_the_ledgers_json(admit, clips, tmp_path):
    clip = admit(film(tmp_path / "film.mp4", codec="mpeg4", sound="aac"))

    assert (clip.codec, clip.sound) == ("mpeg4", "aac")
    assert clips.load(json.loads(json.dumps(clips.facts(clip)))) == clip


def test_a_clip_without_sound_says_so(admit, tmp_path):
    assert admit(film(tmp_path / "film.mp4")).sound == ""


def test_a_clip_of_an_older_ledger_loads_and_is_shown_as_before(admit, clips, tmp_path):
    facts = clips.facts(admit(film(tmp_path / "film.mp4")))
    for name in ("codec", "sound", "unplayable"):
        del facts[name]
    clip = clips.load(facts)

    assert (clip.codec, clip.sound, shown_file(clip)) == (None, None, clip.path)


def test_a_new_file_of_the_same_job_gets_a_new_preview(admit, tmp_path):
    first = admit(film(tmp_path / "one.mp4", codec="mpeg4", pixels=odd_films.quadrants(160, 96)))
    before = shown_file(first).read_bytes()
    second = admit(film(tmp_path / "two.mp4", codec="mpeg4", pixels=odd_films.quadrants(160, 96)[::-1].copy()))

    assert shown_file(second).read_bytes() != before


def test_a_preview_that_could_not_be_made_does_not_cost_the_clip(admit, tmp_path, monkeypatch):
    def fail(*_):
        raise ClipError("no preview could be made")

    monkeypatch.setattr("seedance_nb.clips.store.transcode", fail)
    clip = admit(film(tmp_path / "film.mp4", codec="mpeg4"))

    assert clip.path.exists()
    with pytest.raises(ClipError, match="no preview"):
        shown_file(clip)


# How large, which way up? ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", TURNS)
def test_a_turned_clip_is_measured_and_pictured_as_a_player_shows_it(admit, tmp_path, how):
    clip = admit(turn(film(tmp_path / "film.mp4"), how))
    expected = (96, 160) if "quarter" in how else (160, 96)

    assert (clip.width, clip.height) == expected
    with Image.open(clip.poster) as poster:
        assert (poster.size, corners(poster)) == (expected, turned_corners(how))


@pytest.mark.parametrize("how", TURNS)
def test_a_preview_of_a_turned_clip_is_upright_by_itself(admit, clips, tmp_path, how):
    clip = admit(turn(film(tmp_path / "film.mp4"), how))
    picture = first_picture(clips.preview(clip))

    assert (picture.size, corners(picture)) == ((clip.width, clip.height), turned_corners(how))


def test_a_turn_by_no_quarter_is_no_turn(admit, tmp_path):
    odd = round(odd_films.ONE * 0.7071)
    clip = admit(turn(film(tmp_path / "film.mp4"), (odd, odd, -odd, odd)))

    assert (clip.width, clip.height) == (160, 96)


@pytest.mark.parametrize(("sar", "size"), [((4, 3), (213, 96)), ((3, 4), (160, 128)), ((1, 1), (160, 96))])
def test_a_clip_whose_pixels_are_no_squares_is_measured_as_it_is_shown(admit, clips, tmp_path, sar, size):
    clip = admit(film(tmp_path / "film.mp4", sar=sar))

    assert (clip.width, clip.height) == size
    with Image.open(clip.poster) as poster:
        assert poster.size == size
    assert max(abs(a - b) for a, b in zip(looked_at(clips.preview(clip))[2], size, strict=True)) <= 1


def test_stretched_and_turned_come_in_this_order(admit, tmp_path):
    clip = admit(turn(film(tmp_path / "film.mp4", sar=(4, 3)), "a quarter to the right"))

    assert (clip.width, clip.height) == (96, 213)


def test_pixels_of_an_absurd_shape_are_squares(admit, tmp_path):
    clip = admit(film(tmp_path / "film.mp4", sar=(1, 255)))

    assert (clip.width, clip.height) == (160, 96)


def test_a_clean_aperture_is_all_that_is_shown_and_a_preview_shows_it_everywhere(admit, tmp_path):
    clip = admit(cut_to(film(tmp_path / "film.mp4"), 80, 48, right=40, down=-24))

    assert (clip.width, clip.height) == (80, 48)
    assert looked_at(shown_file(clip))[2] == (80, 48)
    with Image.open(clip.poster) as poster:
        assert set(corners(poster)) == {odd_films.GREEN}  # the quarter at the top right
    assert set(corners(first_picture(shown_file(clip)))) == {odd_films.GREEN}


@pytest.mark.parametrize("box", [(400, 400, 0, 0), (80, 48, 500, 0), (160, 96, 0, 0)])
def test_an_aperture_that_makes_no_sense_or_no_difference_is_none(admit, tmp_path, box):
    clip = admit(cut_to(film(tmp_path / "film.mp4"), *box))

    assert (clip.width, clip.height, clip.unplayable) == (160, 96, None)


def test_odd_sides_are_kept_and_their_preview_has_even_ones(admit, clips, tmp_path):
    clip = admit(film(tmp_path / "film.mp4", 159, 95, codec="libx264", pix_fmt="yuv444p"))

    assert (clip.width, clip.height) == (159, 95)
    assert looked_at(shown_file(clip))[2] in {(160, 96), (158, 94), (160, 94), (158, 96)}


def test_the_cover_of_a_file_is_not_its_film(admit, tmp_path):
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w", format="mp4") as writer:
        cover = writer.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic.value
        out = writer.add_stream("libx264", rate=24)
        out.width, out.height, out.pix_fmt = 160, 96, "yuv420p"
        picture = av.VideoFrame.from_ndarray(odd_films.quadrants(32, 32), format="rgb24")
        writer.mux(cover.encode(picture))
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(odd_films.quadrants(160, 96), format="rgb24")
            frame.pts = number
            writer.mux(out.encode(frame))
        writer.mux(out.encode(None))
    with av.open(str(odd_films.cover_first(path))) as reader:
        assert reader.streams.video[0].codec_context.name == "mjpeg"  # the trial is one
    clip = admit(path)

    assert (clip.width, clip.height, clip.codec) == (160, 96, "h264")


def test_a_picture_that_begins_late_makes_the_clip_longer_and_its_preview_begins_as_late(admit, clips, tmp_path):
    clip = admit(film(tmp_path / "film.mp4", seconds=1, picture_at=0.5, sound="aac", sound_seconds=1.5))

    assert clip.seconds == pytest.approx(1.5, abs=0.05)
    with av.open(str(clips.preview(clip))) as reader:
        assert next(reader.decode(video=0)).time == pytest.approx(0.5, abs=0.05)


# What is heard? --------------------------------------------------------------------------------------


def beginnings(path):
    """(when the tone begins, how long it is heard), in seconds."""
    with av.open(str(path)) as reader:
        loud, last = None, 0.0
        for frame in reader.decode(audio=0):
            if float(np.abs(frame.to_ndarray()).mean()) > 0.02:
                loud = float(frame.time) if loud is None else loud
                last = float(frame.time) + frame.samples / frame.sample_rate
    return loud, last - loud


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
@pytest.mark.parametrize("rate", [44_100, 48_000, 32_000])
def test_a_preview_keeps_the_sound(admit, clips, tmp_path, layout, rate):
    clip = admit(film(tmp_path / "film.mp4", sound="aac", layout=layout, sound_rate=rate, seconds=1))
    preview = clips.preview(clip)

    assert looked_at(preview)[3] == "aac"
    assert loudness(preview) > 0.3 * loudness(clip.path) > 0
    begins, lasts = beginnings(preview)
    assert begins < 0.1
    assert lasts == pytest.approx(1, abs=0.15)


def test_sound_and_picture_of_a_preview_are_in_step(admit, clips, tmp_path):
    clip = admit(film(tmp_path / "film.mp4", sound="aac", seconds=2, sound_seconds=1, sound_at=0.8))
    begins, lasts = beginnings(clips.preview(clip))

    assert begins == pytest.approx(beginnings(clip.path)[0], abs=0.06)
    assert begins == pytest.approx(0.8, abs=0.1)
    assert lasts == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("seconds", [0.3, 3])
def test_sound_that_is_shorter_or_longer_than_the_picture_stays_so(admit, clips, tmp_path, seconds):
    clip = admit(film(tmp_path / "film.mp4", sound="aac", seconds=1, sound_seconds=seconds))
    preview = clips.preview(clip)

    assert beginnings(preview)[1] == pytest.approx(seconds, abs=0.15)
    with av.open(str(preview)) as reader:
        assert len(list(reader.decode(video=0))) == 24


def test_a_broken_sound_track_does_not_cost_the_picture(admit, clips, tmp_path):
    source = film(tmp_path / "film.mp4", sound="ac3", seconds=1)
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as reader:
        places = [(packet.pos, packet.size) for packet in reader.demux(audio=0) if packet.size]
    for at, size in places:
        data[at : at + size] = bytes(size)
    source.write_bytes(data)
    preview = clips.preview(admit(source))

    assert looked_at(preview) == ("h264", "yuv420p", (160, 96), "")
    with av.open(str(preview)) as reader:
        assert len(list(reader.decode(video=0))) == 24


def test_a_damaged_picture_in_the_middle_does_not_cost_the_others(admit, clips, tmp_path):
    source = film(tmp_path / "film.mp4", codec="mjpeg", pix_fmt="yuvj420p", seconds=1)
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as reader:
        at, size = [(packet.pos, packet.size) for packet in reader.demux(video=0) if packet.size][10]
    data[at : at + size] = bytes(size)
    source.write_bytes(data)
    with av.open(str(shown_file(admit(source)))) as reader:
        assert len(list(reader.decode(video=0))) in {23, 24}
