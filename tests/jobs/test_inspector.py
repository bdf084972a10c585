"""Files from strangers are decoded in another process, which may die of it."""

import os
import shutil
from pathlib import Path

import pytest

from seedance_nb.errors import ClipError
from seedance_nb.jobs import inspector as room
from seedance_nb.jobs.clips import Clips, inspect
from seedance_nb.jobs.inspector import Inspector


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


def test_a_session_has_its_files_looked_into_elsewhere_and_leaves_nothing_behind(make_session, monkeypatch):
    monkeypatch.setattr(room, "Inspector", Inspector)
    session = make_session()
    session.submit("a boat", duration=4, resolution="480p").result(60)
    process = process_of(session.runner._tools.clips._inspect)

    session.close()

    assert process.poll() is not None


def test_it_can_be_started_while_the_file_is_still_on_its_way(inspector, part, tmp_path):
    inspector.prepare()
    process = process_of(inspector)

    inspector(part, tmp_path / "p.jpg")

    assert process_of(inspector) is process
