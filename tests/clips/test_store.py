import asyncio
import contextlib
import hashlib
import os
import shutil
import struct
import threading
import time
import tracemalloc

import av
import pytest
from PIL import Image
from tracking.doubles import VideoHost

from seedance_nb.api.addresses import PassingTrouble
from seedance_nb.api.client import Client
from seedance_nb.clips import store as room
from seedance_nb.clips.store import (
    POSTER_WIDTH,
    PREVIEW_SIDE,
    AddressExpired,
    Arriving,
    Clips,
    receive,
    shown_file,
)
from seedance_nb.errors import ClipError
from seedance_nb.settings import Limits, Secret


@pytest.fixture
def clips(tmp_path):
    made = Clips(tmp_path / "clips")
    made.folder.mkdir()
    return made


def arrived(clips, source, key="j1"):
    """A whole download of `source`, not yet admitted."""
    part = clips.arriving(key).part
    shutil.copy(source, part)
    return part


def names(clips):
    return sorted(path.name for path in clips.folder.iterdir())


# Admit -----------------------------------------------------------------------------------------------


def test_a_film_becomes_a_clip_with_its_facts(clips, small_film):
    clip = clips.admit("j1", arrived(clips, small_film))
    data = small_film.read_bytes()
    assert (clip.width, clip.height, clip.fps, clip.seconds) == (854, 480, 24.0, 0.25)
    assert (clip.size, clip.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert clip.bytes() == data


def test_its_files_bear_the_jobs_key_and_nothing_else_is_left(clips, small_film):
    clip = clips.admit("j1", arrived(clips, small_film))
    assert (clip.path, clip.poster) == (clips.folder / "j1.mp4", clips.folder / "j1.jpg")
    assert names(clips) == ["j1.jpg", "j1.mp4"]


def test_the_poster_of_a_large_film_is_a_small_jpeg_of_the_same_shape(clips, large_film):
    clip = clips.admit("j1", arrived(clips, large_film))
    with Image.open(clip.poster) as poster:
        assert (poster.format, poster.size) == ("JPEG", (POSTER_WIDTH, 270))


def test_the_poster_shows_the_first_picture(clips, small_film):
    clip = clips.admit("j1", arrived(clips, small_film))
    with av.open(str(small_film)) as container, Image.open(clip.poster) as poster:
        first = next(container.decode(video=0)).to_image().resize((8, 8), Image.Resampling.BOX)
        shown = poster.resize((8, 8), Image.Resampling.BOX)
    apart = [abs(a - b) for a, b in zip(first.tobytes(), shown.tobytes(), strict=True)]
    assert max(apart) < 24


def test_a_film_narrower_than_the_poster_is_not_blown_up(clips, tmp_path):
    source = encode(tmp_path / "tiny.mp4", 64, 48)
    clip = clips.admit("j1", arrived(clips, source))
    with Image.open(clip.poster) as poster:
        assert poster.size == (64, 48)


def test_a_clip_without_a_poster_is_still_a_clip(clips, small_film):
    (clips.folder / "j1.jpg").mkdir()
    clip = clips.admit("j1", arrived(clips, small_film))
    assert (clip.poster, clip.path.exists()) == (None, True)
    assert names(clips) == ["j1.jpg", "j1.mp4"]


def test_a_new_film_of_the_same_job_replaces_the_old_one(clips, small_film, large_film):
    clips.admit("j1", arrived(clips, small_film))
    clip = clips.admit("j1", arrived(clips, large_film))
    assert (clip.width, clip.path.stat().st_size) == (1920, large_film.stat().st_size)


def encode(path, width, height, pictures=3, codec="libx264"):
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(pictures):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (width, height), "teal"))))
        container.mux(stream.encode())
    return path


def sound_only(path):
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate, frame.pts = 44_100, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


def box(name, body=b""):
    return struct.pack(">I4s", 8 + len(body), name) + body


def scrambled(film):
    """The boxes are whole, but what is in `mdat` is noise."""
    at = film.index(b"mdat") + 4
    return film[:at] + bytes((7 * n) % 251 for n in range(len(film) - at))


BROKEN = {
    "nothing at all": lambda film, folder: b"",
    "seven bytes": lambda film, folder: film[:7],
    "the first half": lambda film, folder: film[: len(film) // 2],
    "one byte short": lambda film, folder: film[:-1],
    "one byte too many": lambda film, folder: film + b"\0",
    "an HTML page": lambda film, folder: b"<!doctype html><title>expired</title>" * 50,
    "a picture": lambda film, folder: b"\xff\xd8\xff\xe0" + bytes(5000),
    "noise": lambda film, folder: bytes((37 * n) % 256 for n in range(5000)),
    "a head and no body": lambda film, folder: film[: struct.unpack(">I", film[:4])[0]],
    "a head and junk": lambda film, folder: box(b"ftyp", b"isom") + bytes(5000),
    "boxes without content": lambda film, folder: box(b"ftyp", b"isom") + box(b"moov") + box(b"mdat"),
    "no mdat": lambda film, folder: film[: film.index(b"mdat") - 4],
    "no moov": lambda film, folder: box(b"ftyp", b"isom") + box(b"mdat", bytes(500)),
    "scrambled pictures": lambda film, folder: scrambled(film),
    "sound only": lambda film, folder: sound_only(folder / "sound.mp4"),
    "very many boxes": lambda film, folder: box(b"ftyp", b"isom") + box(b"free") * 20_000,
    "a box of endless length": lambda film, folder: (
        box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1) + bytes(50)
    ),
    "a box of length two": lambda film, folder: box(b"ftyp", b"isom") + struct.pack(">I4s", 2, b"mdat") + bytes(50),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_refused_in_one_line_and_gets_no_final_name(clips, small_film, tmp_path, kind):
    part = clips.arriving("j1").part
    part.write_bytes(BROKEN[kind](small_film.read_bytes(), tmp_path))
    with pytest.raises(ClipError, match="MP4") as caught:
        clips.admit("j1", part)
    assert "\n" not in str(caught.value)
    assert names(clips) == [part.name]


def test_a_film_without_pictures_is_said_to_have_none(clips, tmp_path):
    part = clips.arriving("j1").part
    part.write_bytes(sound_only(tmp_path / "sound.mp4"))
    with pytest.raises(ClipError, match="no picture in it"):
        clips.admit("j1", part)


def test_a_last_box_that_runs_to_the_end_of_the_file_is_whole(clips, small_film):
    data = bytearray(small_film.read_bytes())
    at = data.index(b"mdat") - 4
    assert at + struct.unpack(">I", data[at : at + 4])[0] == len(data)
    data[at : at + 4] = bytes(4)
    part = clips.arriving("j1").part
    part.write_bytes(data)
    assert clips.admit("j1", part).width == 854


def test_a_reader_never_sees_part_of_a_file_under_its_final_name(clips, small_film, large_film):
    final, seen, over = clips.folder / "j1.mp4", set(), threading.Event()
    allowed = {source.stat().st_size for source in (small_film, large_film)}

    def look():
        while not over.is_set():
            with contextlib.suppress(FileNotFoundError):
                seen.add(len(final.read_bytes()))

    reader = threading.Thread(target=look)
    reader.start()
    for source in (small_film, large_film, small_film):
        clips.admit("j1", arrived(clips, source))
    while not seen:
        time.sleep(0.001)
    over.set()
    reader.join()
    assert seen <= allowed


# Load and facts --------------------------------------------------------------------------------------


def test_facts_and_load_are_each_others_inverse(clips, small_film):
    clip = clips.admit("j1", arrived(clips, small_film))
    assert clips.load(clips.facts(clip)) == clip


def test_facts_hold_no_absolute_path(clips, small_film):
    facts = clips.facts(clips.admit("j1", arrived(clips, small_film)))
    assert (facts["file"], facts["poster"]) == ("j1.mp4", "j1.jpg")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda clip: clip.path.unlink(), id="vanished"),
        pytest.param(lambda clip: os.truncate(clip.path, clip.size - 1), id="short"),
        pytest.param(lambda clip: os.truncate(clip.path, clip.size + 1), id="long"),
        pytest.param(lambda clip: os.truncate(clip.path, 0), id="empty"),
    ],
)
def test_a_clip_whose_file_is_not_as_it_was_is_no_clip(clips, small_film, damage):
    clip = clips.admit("j1", arrived(clips, small_film))
    damage(clip)
    assert clips.load(clips.facts(clip)) is None


def other_bytes(clip):
    data = clip.bytes()
    clip.path.write_bytes(data[:-100] + data[-100:][::-1])


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda clip: clip.path.unlink(), id="vanished"),
        pytest.param(lambda clip: os.truncate(clip.path, clip.size - 1), id="short"),
        pytest.param(other_bytes, id="replaced by one of the same length"),
        pytest.param(lambda clip: shutil.rmtree(clip.path.parent), id="its folder is gone"),
        pytest.param(lambda clip: clip.path.unlink() or clip.path.mkdir(), id="a folder in its place"),
    ],
)
def test_a_clip_in_memory_notices_that_its_file_is_lost(clips, small_film, damage):
    clip = clips.admit("j1", arrived(clips, small_film))
    facts = clips.facts(clip)
    damage(clip)
    assert clip.is_lost
    assert clips.load(facts) is None
    with pytest.raises(ClipError, match=r"j1\.mp4 (is gone|was changed); job\.download_again\(\) brings it back"):
        clip.bytes()
    with pytest.raises(ClipError, match=r"is gone|was changed"):
        shown_file(clip)


def test_a_clip_that_was_only_touched_or_copied_back_is_no_lost_one(clips, small_film, tmp_path):
    clip = clips.admit("j1", arrived(clips, small_film))
    os.utime(clip.path, ns=(1, 1))
    assert not clip.is_lost
    shutil.copytree(clips.folder, tmp_path / "moved")
    moved = Clips(tmp_path / "moved").load(clips.facts(clip))
    assert moved.bytes() == small_film.read_bytes()
    assert not moved.is_lost


def test_a_row_of_an_older_version_that_knows_no_time_is_believed_by_its_length(clips, small_film):
    clip = clips.admit("j1", arrived(clips, small_film))
    facts = {name: value for name, value in clips.facts(clip).items() if name != "modified"}
    loaded = clips.load(facts)
    assert loaded == clip
    other_bytes(clip)
    assert loaded.is_lost


def test_a_part_that_somebody_removed_or_cut_is_not_gone_on_with(host, arriving):
    for damage in (arriving.part.unlink, lambda: os.truncate(arriving.part, 10)):
        broken_off(host, arriving, noise(300_000), 150_000)
        damage()
        fetch(host, arriving)
        assert arriving.part.read_bytes() == host.data
        arriving.forget()


@pytest.mark.parametrize("facts", [None, {}], ids=["none", "empty"])
def test_without_facts_there_is_no_clip(clips, facts):
    assert clips.load(facts) is None


def test_a_clip_whose_poster_vanished_is_still_a_clip(clips, small_film):
    clip = clips.admit("j1", arrived(clips, small_film))
    clip.poster.unlink()
    assert clips.load(clips.facts(clip)).poster is None


# Receive ---------------------------------------------------------------------------------------------


def fetch(host, arriving, progress=lambda *_: None, **limits):
    async def run():
        async with Client("http://127.0.0.1:9", Secret("k"), Limits(**limits)) as client:
            await receive(client, host.url, arriving, progress)

    asyncio.run(run())


@pytest.fixture
def arriving(clips):
    return clips.arriving("j1")


def noise(size):
    return hashlib.shake_128(b"film").digest(size)


def test_a_download_arrives_byte_for_byte_in_a_private_temp_file(host, arriving):
    host.data = noise(300_000)
    fetch(host, arriving)
    assert arriving.part.read_bytes() == host.data
    assert (arriving.received, arriving.total) == (300_000, 300_000)
    assert arriving.part.stat().st_mode & 0o077 == 0


def test_progress_grows_to_the_whole_size(host, arriving):
    host.data = noise(3_000_000)
    told = []
    fetch(host, arriving, lambda *now: told.append(now))
    assert told == sorted(told)
    assert len(told) > 2
    assert told[-1] == (3_000_000, 3_000_000)
    assert {total for _, total in told} == {3_000_000}


def test_a_host_that_says_no_length_is_believed_at_its_end(host, arriving):
    host.data, host.says_length = noise(100_000), False
    fetch(host, arriving)
    assert (arriving.part.read_bytes(), arriving.total) == (host.data, None)


def test_memory_stays_small_while_a_large_file_arrives(host, arriving):
    host.data = bytes(30_000_000)
    warm = VideoHost(bytes(1000))  # the first download of a process imports things
    fetch(warm, Arriving(arriving.part.with_suffix(".warm")))
    warm.close()
    tracemalloc.start()
    try:
        fetch(host, arriving)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert arriving.received == 30_000_000
    assert peak < 4_000_000


def broken_off(host, arriving, data, after):
    host.data, host.stops_after = data, after
    with pytest.raises(ClipError):
        fetch(host, arriving)
    assert 0 < arriving.received <= after


def test_a_download_that_ended_early_says_so_and_keeps_what_came(host, arriving):
    broken_off(host, arriving, noise(300_000), 150_000)
    assert arriving.part.read_bytes() == host.data[: arriving.received]
    assert arriving.total == 300_000


def test_a_second_try_asks_for_the_rest_only_with_the_validator(host, arriving):
    broken_off(host, arriving, noise(300_000), 150_000)
    had = arriving.received
    fetch(host, arriving)
    assert host.asked == [(None, None), (f"bytes={had}-", '"one"')]
    assert arriving.part.read_bytes() == host.data


def test_a_part_that_the_host_cannot_place_is_forgotten(host, arriving):
    broken_off(host, arriving, noise(300_000), 150_000)
    host.data, host.honours_if_range = noise(100), False
    with pytest.raises(ClipError, match="416"):
        fetch(host, arriving)
    fetch(host, arriving)
    assert arriving.part.read_bytes() == host.data


@pytest.mark.parametrize("etag", ['W/"one"', None, "one", '"', '""', '"one", "two"', '"o ne"', "'one'"], ids=repr)
def test_without_a_strong_validator_nothing_is_gone_on_with(host, arriving, etag):
    host.etag = etag
    broken_off(host, arriving, noise(300_000), 150_000)
    host.data = noise(300_000)[::-1]  # replaced meanwhile by another of the same length
    fetch(host, arriving)
    assert host.asked[1] == (None, None)
    assert arriving.part.read_bytes() == host.data


@pytest.mark.parametrize(
    "of_rest",
    [
        pytest.param({"ETag": '"two"'}, id="another ETag"),
        pytest.param({"ETag": None}, id="no ETag"),
        pytest.param({"ETag": 'W/"one"'}, id="a weak ETag"),
        pytest.param({"Content-Range": None}, id="no place"),
        pytest.param({"Content-Range": "bytes 7-299999/300000"}, id="another place"),
        pytest.param({"Content-Range": "bytes 0-299999/300000"}, id="from the beginning"),
        pytest.param({"Content-Range": "bytes 150000-299999/*"}, id="no size"),
        pytest.param({"Content-Range": "bytes 150000-299999/300001"}, id="another size"),
        pytest.param({"Content-Range": "items 150000-299999/300000"}, id="another unit"),
        pytest.param(
            {"Content-Range": None, "Content-Type": "multipart/byteranges; boundary=x"}, id="several parts at once"
        ),
    ],
)
def test_a_rest_that_is_not_surely_of_the_same_file_is_not_put_behind_it(host, arriving, of_rest):
    broken_off(host, arriving, noise(300_000), 150_000)
    host.data, host.honours_if_range = noise(300_000)[::-1], False
    host.of_rest = {name: value and value.replace("150000", str(arriving.received)) for name, value in of_rest.items()}
    with pytest.raises(ClipError, match=r"changed while|another part"):
        fetch(host, arriving)
    assert not arriving.part.exists()
    fetch(host, arriving)
    assert host.asked[2] == (None, None)
    assert arriving.part.read_bytes() == host.data


def test_the_same_etag_at_another_address_says_nothing(host, arriving):
    broken_off(host, arriving, noise(300_000), 150_000)
    other = VideoHost(noise(300_000)[::-1])
    try:
        with pytest.raises(ClipError, match="changed while"):
            fetch(other, arriving)
        fetch(other, arriving)
        assert arriving.part.read_bytes() == other.data
    finally:
        other.close()


def test_a_fresh_signature_of_the_same_address_is_the_same_address(host, arriving):
    host.url += "?signature=1"
    broken_off(host, arriving, noise(300_000), 150_000)
    host.url = host.url.replace("=1", "=2")
    fetch(host, arriving)
    assert host.asked[1][1] == '"one"'
    assert arriving.part.read_bytes() == host.data


def test_a_rest_that_is_packed_is_refused(host, arriving):
    broken_off(host, arriving, noise(300_000), 150_000)
    host.of_rest = {"Content-Encoding": "gzip"}
    with pytest.raises(ClipError, match="packed"):
        fetch(host, arriving)


@pytest.mark.parametrize(
    ("size", "etag", "honours"),
    [
        pytest.param(300_000, '"two"', {}, id="the host sees that the validator is old"),
        pytest.param(200_000, '"two"', {"honours_if_range": False}, id="it does not, but the length is another"),
        pytest.param(300_000, '"two"', {"honours_if_range": False}, id="it does not, but it names another file"),
        pytest.param(100_000, '"two"', {"honours_if_range": False}, id="the new file ends before our part does"),
        pytest.param(300_000, '"one"', {"honours_ranges": False}, id="it cannot resume at all"),
    ],
)
def test_a_file_that_changed_is_fetched_from_its_beginning(host, arriving, size, etag, honours):
    broken_off(host, arriving, noise(300_000), 150_000)
    host.data, host.etag = noise(size)[::-1], etag
    for name, value in honours.items():
        setattr(host, name, value)
    for _ in range(2):  # a host that resumes the wrong file has to be asked once more
        with contextlib.suppress(ClipError):
            fetch(host, arriving)
            break
    assert arriving.part.read_bytes() == host.data
    assert arriving.received == arriving.total == size


def test_more_than_was_announced_is_forgotten(host, arriving, monkeypatch):
    host.data = noise(100_000)
    monkeypatch.setattr("seedance_nb.api.client.VideoStream.total", 50_000)
    with pytest.raises(ClipError, match="100,000 of 50,000 bytes"):
        fetch(host, arriving)
    assert (arriving.received, arriving.part.exists()) == (0, False)


@pytest.mark.parametrize("says_length", [True, False], ids=["announced", "not announced"])
def test_a_file_over_the_limit_is_not_taken_and_the_cure_is_named(host, arriving, says_length):
    host.data, host.says_length = noise(300_000), says_length
    with pytest.raises(ClipError, match=r"max_clip_bytes \(200,000 bytes\)"):
        fetch(host, arriving, max_clip_bytes=200_000)
    assert not arriving.part.exists() or arriving.part.stat().st_size <= 200_000


def test_a_file_of_exactly_the_limit_is_taken(host, arriving):
    host.data = noise(200_000)
    fetch(host, arriving, max_clip_bytes=200_000)
    assert arriving.received == 200_000


@pytest.mark.parametrize(
    ("status", "headers", "error", "words"),
    [
        pytest.param(403, {}, AddressExpired, "no longer works", id="403"),
        pytest.param(404, {}, AddressExpired, "no longer works", id="404"),
        pytest.param(410, {}, AddressExpired, "no longer works", id="410"),
        pytest.param(500, {}, PassingTrouble, "HTTP 500", id="500"),
        pytest.param(204, {}, ClipError, "HTTP 204", id="204"),
        pytest.param(200, {"Content-Type": "text/html; charset=utf-8"}, AddressExpired, "text/html", id="a page"),
        pytest.param(200, {"Content-Type": "application/json"}, AddressExpired, "application/json", id="json"),
        pytest.param(200, {"Content-Encoding": "gzip"}, ClipError, "packed", id="packed"),
    ],
)
def test_an_answer_that_is_no_video_is_refused(host, arriving, status, headers, error, words):
    host.data, host.status, host.headers = noise(1000), status, {"Content-Type": "video/mp4", **headers}
    with pytest.raises(ClipError, match=words) as caught:
        fetch(host, arriving)
    assert type(caught.value) is error
    assert not arriving.part.exists()


def test_an_empty_file_means_that_a_fresh_address_is_needed(host, arriving):
    with pytest.raises(AddressExpired, match="empty"):
        fetch(host, arriving)


class Streaming:
    """A client whose video comes from a function."""

    def __init__(self, chunks, limits=None, total="100"):
        self.chunks, self.limits, self.total = chunks, limits or Limits(), total

    @contextlib.asynccontextmanager
    async def video(self, url, *, offset=0, validator=None):
        from seedance_nb.api.client import VideoStream

        yield VideoStream(200, {"content-length": self.total}, self.chunks())


def test_a_download_as_a_whole_has_a_deadline(arriving):
    async def drip():
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    began = time.monotonic()
    with pytest.raises(ClipError, match=r"longer than 0\.2 s"):
        asyncio.run(receive(Streaming(drip, Limits(download_timeout=0.2)), "", arriving, lambda *_: None))
    assert time.monotonic() - began < 30


class FullDisk(type(room.Path())):
    """A path on a disk that takes forty bytes."""

    def open(self, mode="r", *args, **kwargs):
        file = super().open(mode, buffering=0)

        class Full:
            def __enter__(self):
                return self

            def __exit__(self, *exc):
                file.close()

            def write(self, data):
                if file.tell() + len(data) > 40:
                    file.write(data[: 40 - file.tell()])
                    raise OSError(28, "No space left on device")
                return file.write(data)

        return Full()


def test_after_a_full_disk_nothing_is_resumed_that_was_not_written(arriving):
    async def chunks():
        yield b"x" * 30
        yield b"x" * 30

    full = Arriving(FullDisk(arriving.part))
    with pytest.raises(ClipError, match="No space left"):
        asyncio.run(receive(Streaming(chunks), "", full, lambda *_: None))
    assert (full.received, full.part.exists()) == (0, False)


def test_a_folder_that_cannot_be_written_is_a_clip_error(clips):
    async def chunks():
        yield b"x"

    clips.folder.joinpath("dir.part").mkdir()
    with pytest.raises(ClipError, match="could not be written"):
        asyncio.run(receive(Streaming(chunks), "", Arriving(clips.folder / "dir.part"), lambda *_: None))


# Preview ---------------------------------------------------------------------------------------------


def test_a_preview_is_a_smaller_h264_of_the_same_shape_and_length(clips, large_film):
    clip = clips.admit("j1", arrived(clips, large_film))
    path = clips.preview(clip)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert min(stream.width, stream.height) == PREVIEW_SIDE
        assert (stream.width % 2, stream.height % 2, round(stream.width / stream.height, 2)) == (0, 0, 1.78)
        assert (stream.frames, float(stream.average_rate)) == (6, 24.0)
    assert path.stat().st_size < clip.size
    assert path.name == "j1.preview.mp4"


def test_a_preview_begins_with_its_index_so_that_it_plays_while_it_loads(clips, large_film):
    data = clips.preview(clips.admit("j1", arrived(clips, large_film))).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_preview_of_odd_sides_has_even_ones(clips, tmp_path):
    source = encode(tmp_path / "odd.mp4", 1278, 722)
    with av.open(str(clips.preview(clips.admit("j1", arrived(clips, source))))) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (850, 480)


def test_a_small_film_is_not_blown_up_for_its_preview(clips, tmp_path):
    source = encode(tmp_path / "tiny.mp4", 64, 48)
    with av.open(str(clips.preview(clips.admit("j1", arrived(clips, source))))) as container:
        assert container.streams.video[0].width == 64


def test_a_preview_is_made_once(clips, small_film):
    clip = clips.admit("j1", arrived(clips, small_film))
    before = clips.preview(clip).stat().st_mtime_ns
    assert clips.preview(clip).stat().st_mtime_ns == before


def test_a_preview_that_cannot_be_made_is_a_clip_error_and_leaves_nothing(clips, small_film):
    clip = clips.admit("j1", arrived(clips, small_film))
    clip.path.write_bytes(b"gone bad")
    with pytest.raises(ClipError, match="no preview"):
        clips.preview(clip)
    assert names(clips) == ["j1.jpg", "j1.mp4"]


def test_two_who_want_a_preview_at_once_both_get_it(clips, small_film, monkeypatch):
    clip = clips.admit("j1", arrived(clips, small_film))
    answers, both, transcode = [], threading.Barrier(2), room.transcode

    def make(source, target, side):
        transcode(source, target, side)
        both.wait()

    monkeypatch.setattr(room, "transcode", make)

    def want():
        try:
            answers.append(clips.preview(clip))
        except Exception as error:
            answers.append(error)

    threads = [threading.Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [clips.folder / "j1.preview.mp4"] * 2
    assert names(clips) == ["j1.jpg", "j1.mp4", "j1.preview.mp4"]


# Sweep -----------------------------------------------------------------------------------------------


def test_a_sweep_removes_old_leftovers_and_nothing_else(clips):
    old, young = 100_000, 1000
    ages = {
        ".j1.77.abc.part": old,
        ".j1.77.jpg.part": old,
        ".j1.77.preview.part": old,
        ".j2.77.abc.part": young,
        "j1.mp4": old,
        "j1.jpg": old,
        "j1.preview.mp4": old,
        "mine.part": old,
    }
    for name, age in ages.items():
        (clips.folder / name).write_bytes(b"x")
        os.utime(clips.folder / name, (time.time() - age,) * 2)
    clips.sweep()
    assert names(clips) == [".j2.77.abc.part", "j1.jpg", "j1.mp4", "j1.preview.mp4", "mine.part"]


def test_a_sweep_of_a_folder_that_is_not_there_makes_none(tmp_path):
    Clips(tmp_path / "none").sweep()
    assert not (tmp_path / "none").exists()


def test_two_downloads_of_one_job_use_two_files(clips):
    assert clips.arriving("j1").part != clips.arriving("j1").part


def test_every_leftover_of_a_download_is_one_that_a_sweep_knows(clips, small_film):
    part = arrived(clips, small_film)
    os.utime(part, (0, 0))
    clips.sweep()
    assert not part.exists()
