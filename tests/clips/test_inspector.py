"""Files from strangers are decoded in another process, which may die of it."""

import itertools
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest
from clips.odd_films import film, huge_h264, of_packets, png

from seedance_nb.api.deadlines import LivedTime
from seedance_nb.clips import inspector as room
from seedance_nb.clips.inspector import Inspector
from seedance_nb.clips.playing import TooLarge
from seedance_nb.clips.store import Clips, inspect
from seedance_nb.errors import ClipError


@pytest.fixture
def inspector():
    made = Inspector()
    yield made
    made.close()


@pytest.fixture
def part(tmp_path, small_film):
    return Path(shutil.copy(small_film, tmp_path / "part"))


@pytest.fixture
def dies_of_it(monkeypatch):
    """The other process ends at the first question, as a crashing decoder would end it."""
    command = "import os, sys; print('{\"ready\": true}', flush=True); sys.stdin.readline(); os._exit(139)"
    monkeypatch.setattr(room, "_COMMAND", command)


def process_of(inspector):
    return inspector._process


def test_the_facts_are_those_that_looking_here_would_give(inspector, part, tmp_path):
    expected = inspect(part, tmp_path / "here.jpg")

    facts = inspector(part, tmp_path / "there.jpg")

    assert facts == expected
    assert (tmp_path / "there.jpg").read_bytes() == (tmp_path / "here.jpg").read_bytes()


def test_one_process_looks_into_many_files(inspector, part, tmp_path):
    inspector(part, tmp_path / "1.jpg")
    first = process_of(inspector)

    inspector(part, tmp_path / "2.jpg")

    assert process_of(inspector) is first


def test_what_is_no_video_is_told_in_the_same_words(inspector, tmp_path):
    bad = tmp_path / "bad"
    bad.write_bytes(b"<!doctype html>" * 10)
    with pytest.raises(ClipError) as here:
        inspect(bad, tmp_path / "p.jpg")

    with pytest.raises(ClipError) as there:
        inspector(bad, tmp_path / "p.jpg")

    assert str(there.value) == str(here.value)


def test_trouble_with_the_disk_is_trouble_with_the_disk(inspector, tmp_path):
    with pytest.raises(FileNotFoundError):
        inspector(tmp_path / "nowhere", tmp_path / "p.jpg")


def test_a_file_that_crashes_the_decoder_is_no_clip_and_breaks_nothing_here(inspector, part, tmp_path, dies_of_it):
    with pytest.raises(ClipError, match="made the decoder crash"):
        inspector(part, tmp_path / "p.jpg")


def test_a_process_that_has_gone_to_sleep_for_good_is_replaced(inspector, part, tmp_path):
    inspector(part, tmp_path / "1.jpg")
    process_of(inspector).kill()

    assert inspector(part, tmp_path / "2.jpg")["width"] == 854


def test_where_no_process_can_be_started_the_file_is_looked_into_here(inspector, part, tmp_path, monkeypatch):
    monkeypatch.setattr(room.sys, "executable", str(tmp_path / "no-python"))

    assert inspector(part, tmp_path / "p.jpg")["width"] == 854


def test_where_the_package_cannot_be_found_the_file_is_looked_into_here(inspector, part, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_COMMAND", "raise ImportError")

    assert inspector(part, tmp_path / "p.jpg")["width"] == 854


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows a process's environment")
def test_the_other_process_does_not_get_the_key(inspector, part, tmp_path, monkeypatch):
    monkeypatch.setenv("SEEDANCE_API_KEY", "sd2_planted")

    inspector(part, tmp_path / "p.jpg")

    assert b"sd2_planted" not in Path(f"/proc/{process_of(inspector).pid}/environ").read_bytes()


@pytest.mark.skipif(not hasattr(os, "getsid"), reason="no sessions on this system")
def test_the_stop_button_does_not_reach_the_other_process(inspector, part, tmp_path):
    inspector(part, tmp_path / "p.jpg")

    assert os.getsid(process_of(inspector).pid) != os.getsid(0)


def test_closing_ends_the_process_and_may_be_done_twice(inspector, part, tmp_path):
    inspector(part, tmp_path / "p.jpg")
    process = process_of(inspector)
    inspector.close()
    inspector.close()

    assert process.poll() is not None


def test_clips_close_what_helps_them(tmp_path, inspector, part):
    clips = Clips(tmp_path / "clips", inspector)
    arrived = clips.arriving("j1").part
    shutil.copy(part, arrived)
    clips.admit("j1", arrived)
    process = process_of(inspector)

    clips.close()

    assert process.poll() is not None


def test_it_can_be_started_while_the_file_is_still_on_its_way(inspector, part, tmp_path):
    inspector.prepare()
    process = process_of(inspector)

    inspector(part, tmp_path / "p.jpg")

    assert process_of(inspector) is process


# Files that are larger than they look -----------------------------------------------------------------

BOMBS = {
    "16,000 x 16,000": (lambda p: of_packets(p, [png(16_000, 16_000)], claims=(16_000, 16_000)), "16000 × 16000"),
    "16,000 x 16,000 in H.264 that claims 64 x 64": (huge_h264, "16000 × 16000"),
    "very long and thin": (lambda p: of_packets(p, [png(65_000, 300)], claims=(65_000, 300)), "65000 × 300"),
    "100,000 pictures of one pixel": (lambda p: of_packets(p, [png(1, 1)] * 100_000, claims=(1, 1)), "100,000 pictures"),
    "a picture that lasts a day": (lambda p: of_packets(p, [png(8, 8)] * 3, claims=(8, 8), every=14_400), "28,800 s"),
    "an index that counts four milliards": (lambda p: counting(film(p), 0xFFFFFFF0), "4,294,967,280 pictures"),
}  # fmt: skip


def counting(path, samples):
    """The table of sizes claims so many pictures of one size."""
    data = bytearray(path.read_bytes())
    at = data.index(b"stsz") + 8
    data[at : at + 8] = struct.pack(">II", 1, samples)
    path.write_bytes(data)
    return path


def sizeless(path):
    """The index says no size: whoever wants to know has to decode."""
    data = bytearray(path.read_bytes())
    at = data.index(b"stsd") + 4 + 8 + 32
    assert data[at : at + 4] == struct.pack(">HH", 64, 64)
    data[at : at + 4] = bytes(4)
    path.write_bytes(data)
    return path


def most_memory(inspector):
    """Peak of the other process in bytes."""
    status = Path(f"/proc/{process_of(inspector).pid}/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


@pytest.mark.parametrize("kind", BOMBS)
def test_what_would_take_too_much_is_refused_in_words_and_kept(inspector, tmp_path, kind):
    make, words = BOMBS[kind]
    clips = Clips(tmp_path / "clips", inspector)
    part = clips.arriving("j1").part
    data = make(tmp_path / "film.mp4").read_bytes()
    part.write_bytes(data)

    with pytest.raises(TooLarge, match=words) as caught:
        clips.admit("j1", part)

    assert "kept in the folder of clips as j1.unchecked.mp4" in str(caught.value)
    assert [path.name for path in clips.folder.iterdir()] == ["j1.unchecked.mp4"]
    assert (clips.folder / "j1.unchecked.mp4").read_bytes() == data


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux shows a process's memory")
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda p: of_packets(p, [png(16_000, 16_000)], claims=(16_000, 16_000)), id="said in the index"),
        pytest.param(lambda p: of_packets(p, [png(16_000, 16_000)]), id="not said in the index"),
        pytest.param(huge_h264, id="H.264, not said in the index"),
        pytest.param(lambda p: sizeless(of_packets(p, [png(16_000, 16_000)])), id="only a decoder can tell the size"),
    ],
)
def test_a_huge_picture_is_given_no_memory(inspector, tmp_path, make):
    with pytest.raises(ClipError):
        inspector(make(tmp_path / "film.mp4"), tmp_path / "p.jpg")

    assert most_memory(inspector) < 400_000_000  # one such picture in RGB has 768 MB


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux shows a process's memory")
def test_pictures_that_grow_in_the_middle_of_the_film_are_left_out_of_its_preview(inspector, tmp_path):
    source = of_packets(tmp_path / "film.mp4", [png(64, 64)] * 5 + [png(16_000, 16_000)] + [png(64, 64)] * 5)
    facts = inspector(Path(shutil.copy(source, tmp_path / "part")), tmp_path / "p.jpg")

    inspector.preview(source, tmp_path / "small.mp4", 480)

    with av.open(str(tmp_path / "small.mp4")) as reader:
        assert [(f.width, f.height) for f in reader.decode(video=0)] == [(64, 64)] * 10
    assert (facts["width"], facts["height"]) == (64, 64)
    assert most_memory(inspector) < 400_000_000


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="only Linux shows a process's limits")
def test_the_system_holds_the_process_to_its_memory_and_its_time(inspector, part, tmp_path):
    inspector(part, tmp_path / "p.jpg")
    limits = Path(f"/proc/{process_of(inspector).pid}/limits").read_text()

    memory, seconds = (
        next(line[len(name) :].split()[0] for line in limits.splitlines() if line.startswith(name))
        for name in ("Max address space", "Max cpu time")
    )
    assert int(memory) == room.MEMORY
    assert 0 < int(seconds) < 10 * room.LONGEST_SECONDS


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="the limit holds on Linux")
def test_where_the_limit_on_pixels_fails_the_one_on_memory_holds(inspector, tmp_path, monkeypatch):
    blind = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from seedance_nb.clips import playing; "
        "playing.MOST_PIXELS = 10**12; playing.DECODER_LIMITS.clear(); "
        "from seedance_nb.clips import inspector; inspector.MEMORY = 700_000_000; inspector.serve()"
    )
    monkeypatch.setattr(room, "_COMMAND", blind)

    with pytest.raises(ClipError, match="memory"):
        inspector(of_packets(tmp_path / "film.mp4", [png(16_000, 16_000)], claims=(16_000, 16_000)), tmp_path / "p.jpg")


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_4k_passes_with_room_to_spare(inspector, tmp_path, codec):
    options = {"preset": "ultrafast"} | ({"x265-params": "log-level=none"} if codec == "libx265" else {})
    pixels = np.random.default_rng(1).integers(0, 255, (2160, 3840, 3), np.uint8)
    source = film(tmp_path / "film.mp4", 3840, 2160, codec=codec, options=options, pixels=pixels, seconds=0.25)

    facts = inspector(Path(shutil.copy(source, tmp_path / "part")), tmp_path / "p.jpg")
    inspector.preview(source, tmp_path / "small.mp4", 480)

    assert (facts["width"], facts["height"]) == (3840, 2160)


@pytest.mark.parametrize(("jump", "killed"), [(3600.0, False), (0.0, True)], ids=["it was stopped", "it hangs"])
def test_a_process_that_hangs_is_ended_but_not_for_the_time_this_one_was_stopped(monkeypatch, jump, killed):
    looks = itertools.count()
    clock = lambda: time.monotonic() + (jump if next(looks) else 0.0)  # noqa: E731
    monkeypatch.setattr(room, "LivedTime", lambda longest_step: LivedTime(longest_step, clock))
    monkeypatch.setattr(room, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(room, "LONGEST_SECONDS", 3000.0 if jump else 0.2)
    answered = threading.Event()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        watch = threading.Thread(target=room._end_when_overdue, args=(process, answered))
        watch.start()
        watch.join(0.3 if jump else 60)
        answered.set()
        watch.join(60)
        if killed:
            assert process.wait(60) != 0
        assert (process.poll() is not None) is killed
        process.kill()
