"""`clip.save_to`: a copy where somebody wants it, whole, and never over something else."""

import dataclasses
import os
import shutil
import threading

import pytest

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.clips import saving
from seedance_nb.clips.saving import make_folder
from seedance_nb.clips.store import Clips
from seedance_nb.errors import ClipError, ConfigurationError
from seedance_nb.pages.file_names import file_name, save_named
from seedance_nb.snapshot import Snapshot


@pytest.fixture
def clip(tmp_path, small_film):
    clips = Clips(tmp_path / "clips")
    part = clips.arriving("j1").part
    shutil.copy(small_film, part)
    return clips.admit("j1", part)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder of the notebook."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("place", "there"),
    [
        ("boat.mp4", "boat.mp4"),
        ("boat.M4V", "boat.M4V"),
        ("deep/er/boat.mp4", "deep/er/boat.mp4"),
        ("videos", "videos/j1.mp4"),
        ("videos/", "videos/j1.mp4"),
        ("a.b/", "a.b/j1.mp4"),
        (".", "j1.mp4"),
        ("보트 #1 & <b>.mp4", "보트 #1 & <b>.mp4"),
    ],
)
def test_a_copy_lies_where_it_is_wanted(clip, here, place, there):
    saved = clip.save_to(place)

    assert files(here) == [there]
    assert (saved.is_absolute(), saved.samefile(here / there)) == (True, True)
    assert saved.read_bytes() == clip.bytes()


def test_a_folder_whose_name_looks_like_a_file_is_a_folder(clip, here):
    (here / "boats.mp4").mkdir()

    assert clip.save_to("boats.mp4") == here / "boats.mp4" / "j1.mp4"


def test_a_path_may_be_given_and_the_tilde_is_home(clip, here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))

    assert clip.save_to(here / "a.mp4") == here / "a.mp4"
    assert clip.save_to("~/b.mp4") == here / "b.mp4"


def test_saving_again_changes_nothing(clip, here):
    before = clip.save_to("boat.mp4").stat()

    after = clip.save_to("boat.mp4").stat()

    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert files(here) == ["boat.mp4"]


@pytest.mark.parametrize("content", [b"mine", b""])
def test_another_file_is_never_written_over(clip, here, content):
    (here / "boat.mp4").write_bytes(content)

    with pytest.raises(ClipError, match="is another file"):
        clip.save_to("boat.mp4")

    assert (here / "boat.mp4").read_bytes() == content
    assert files(here) == ["boat.mp4"]


def test_a_file_of_the_same_length_is_another_file(clip, here):
    (here / "boat.mp4").write_bytes(bytes(clip.size))

    with pytest.raises(ClipError, match="is another file"):
        clip.save_to("boat.mp4")


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links on this file system"])
def test_a_file_that_comes_in_between_is_not_written_over(clip, here, monkeypatch, links):
    copied = shutil.copyfileobj

    def slowly(source, target, length):
        copied(source, target, length)
        (here / "boat.mp4").write_bytes(b"mine")

    monkeypatch.setattr(saving.shutil, "copyfileobj", slowly)
    if not links:
        monkeypatch.setattr(saving.os, "link", refused)

    with pytest.raises(ClipError, match="is another file"):
        clip.save_to("boat.mp4")

    assert (here / "boat.mp4").read_bytes() == b"mine"
    assert files(here) == ["boat.mp4"]


def refused(*_):
    raise PermissionError("no links here")


def test_a_file_system_without_links_serves_too(clip, here, monkeypatch):
    monkeypatch.setattr(saving.os, "link", refused)

    assert clip.save_to("boat.mp4").read_bytes() == clip.bytes()
    assert files(here) == ["boat.mp4"]


def test_two_who_save_at_once_both_succeed(clip, here):
    saved = []
    threads = [threading.Thread(target=lambda: saved.append(clip.save_to("boat.mp4"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert saved == [here / "boat.mp4"] * 4
    assert files(here) == ["boat.mp4"]


def test_a_copy_that_fails_leaves_nothing(clip, here, monkeypatch):
    def full(source, target, length):
        target.write(source.read(1000))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving.shutil, "copyfileobj", full)

    with pytest.raises(ClipError, match=r"boat\.mp4 could not be written \(No space left on device\)"):
        clip.save_to("boat.mp4")

    assert files(here) == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "say where"),
        ("  ", "say where"),
        ("boat.webm", r"name it boat\.mp4"),
        ("boat.tar.gz", r"name it boat\.tar\.mp4"),
        ("x" * 300 + ".mp4", "no place for a file|could not be written"),
        ("a\0b.mp4", "no place for a file|could not be written"),
    ],
)
def test_a_place_that_is_none_is_refused_in_one_line(clip, here, place, words):
    with pytest.raises(ClipError, match=words) as caught:
        clip.save_to(place)
    assert "\n" not in str(caught.value)
    assert files(here) == []


def test_a_folder_that_is_a_file_is_told(clip, here):
    (here / "boats").write_text("mine")

    with pytest.raises(ClipError, match="could not be written"):
        clip.save_to("boats/boat.mp4")


def test_a_clip_that_is_gone_is_told(clip, here):
    clip.path.unlink()

    with pytest.raises(ClipError, match=r"download_again\(\) brings it back"):
        clip.save_to("boat.mp4")


def test_others_may_read_the_copy_as_any_file_of_theirs(clip, here):
    mask = os.umask(0o022)
    try:
        mode = clip.save_to("boat.mp4").stat().st_mode & 0o777
    finally:
        os.umask(mask)

    assert mode == 0o644


# Names made by us ------------------------------------------------------------------------------------


def snapshot(prompt="a paper boat", take=1, clip=None, key="j1"):
    return Snapshot(key, VideoRequest(prompt=prompt), take, Status.SUCCEEDED, "succeeded", clip=clip)


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A paper boat, drifting.", "a-paper-boat-drifting-take-2"),
        ("../../etc/passwd", "etc-passwd-take-2"),
        ("con", "con-take-2"),
        ('a\\b:c*d?e"f<g>h|i', "a-b-c-d-e-f-g-h-i-take-2"),
        ("비 오는 거리의 종이배", "비-오는-거리의-종이배-take-2"),
        ("🐱", "j1-take-2"),
        ("…", "j1-take-2"),
        ("x" * 500, "x" * 60 + "-take-2"),
        (" . ", "j1-take-2"),
    ],
)  # fmt: skip
def test_a_name_holds_nothing_that_a_file_system_refuses(prompt, name):
    assert file_name(snapshot(prompt, take=2)) == name


@pytest.mark.parametrize("prompt", ["종이배" * 100, "😀" * 300, "é" * 300, "𝒳" * 300])
def test_no_name_is_too_long_for_a_file_system(prompt):
    assert len(f".{file_name(snapshot(prompt))}-j00000000000.mp4".encode()) < 255


def test_another_clip_of_the_same_name_gets_the_jobs_key_too(clip, here):
    (here / "a-paper-boat-take-1.mp4").write_bytes(b"of another model")

    assert save_named(snapshot(clip=clip), here) == here / "a-paper-boat-take-1-j1.mp4"
    assert save_named(snapshot(clip=clip), here) == here / "a-paper-boat-take-1-j1.mp4"
    assert len(files(here)) == 2


def test_a_job_without_a_clip_has_nothing_to_save(here):
    with pytest.raises(ClipError, match="no clip"):
        save_named(dataclasses.replace(snapshot(), clip=None), here)


def test_a_folder_is_made_and_tried(here):
    assert make_folder("deep/er") == here / "deep/er" or make_folder("deep/er").samefile(here / "deep/er")
    assert files(here) == []


def test_a_folder_that_is_a_file_or_cannot_be_made_is_refused(here):
    (here / "file").write_text("mine")

    with pytest.raises(ConfigurationError, match="is a file"):
        make_folder("file")
    for place in ("file/below", "x" * 300, "a\0b"):
        with pytest.raises(ConfigurationError, match="cannot be written"):
            make_folder(place)
