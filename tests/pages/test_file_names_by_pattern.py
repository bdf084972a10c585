"""Copies are named by a pattern: checked before anything is sent, never over another file."""

import dataclasses
import hashlib

import pytest

from seedance_nb.api.models import Status, make_request
from seedance_nb.clips.clip import Clip
from seedance_nb.errors import ClipError
from seedance_nb.pages.file_names import check_pattern, save_by
from seedance_nb.snapshot import Snapshot


@pytest.fixture
def snapshot(small_film):
    sha256 = hashlib.sha256(small_film.read_bytes()).hexdigest()
    clip = Clip(small_film, None, small_film.stat().st_size, 854, 480, 24.0, 0.25, sha256)
    request = make_request("a boat, v1.5 / night", duration=4)
    return Snapshot("jabc", request, 2, Status.SUCCEEDED, "completed", clip=clip, created_at=1_700_000_000.0)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{prompt:.6}-{take:02}.mp4", "a boat-02.mp4"),
        ("{red|blue}/{prompt}.mp4", "red/a boat, v1.5 - night.mp4"),
        ("{model}", "seedance-2.0/a-boat-v1-5-night-take-2.mp4"),
        ("{prompt}", "a boat, v1.5 - night/a-boat-v1-5-night-take-2.mp4"),
        ("{{x}}-{take}.mp4", "{x}-2.mp4"),
    ],
)
def test_a_pattern_names_a_file_or_a_folder_by_its_own_ending(snapshot, tmp_path, pattern, name):
    assert save_by(snapshot, pattern, {"red|blue": "red"}, tmp_path) == tmp_path / name


def test_another_file_is_never_written_over_and_the_same_is_not_copied_twice(snapshot, tmp_path, large_film):
    (tmp_path / "2.mp4").write_bytes(large_film.read_bytes())

    assert save_by(snapshot, "{take}.mp4", {}, tmp_path).name == "2-jabc.mp4"
    assert save_by(snapshot, "{take}.mp4", {}, tmp_path).name == "2-jabc.mp4"
    assert (tmp_path / "2.mp4").read_bytes() == large_film.read_bytes()
    with pytest.raises(ClipError, match="there is no clip"):
        save_by(dataclasses.replace(snapshot, clip=None), "{take}.mp4", {}, tmp_path)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{tke}.mp4", r"did you mean \{take\}"),
        ("{take}.mov", "let .* end in .mp4"),
        ("{take:x}.mp4", "is no format"),
        ("{take.mp4", "cannot be read"),
        ("{prompt}" * 9 + ".mp4", "too long for a file"),
    ],
)
def test_what_makes_no_name_is_told_before_anything_is_sent(pattern, words):
    with pytest.raises(ClipError, match=words) as raised:
        check_pattern(pattern, [(make_request("a boat on a rainy street in the night"), 1, {})])
    assert "\n" not in str(raised.value)


def test_the_folder_is_what_stands_before_the_first_name(tmp_path):
    job = (make_request("a boat"), 1, {})
    assert str(check_pattern("out/all/x-{take}.mp4", [job])) == "out/all"
    assert str(check_pattern("{take}.mp4", [job])) == "."
