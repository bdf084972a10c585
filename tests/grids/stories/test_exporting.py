"""What a story is written to: its film, its storyboard, the wall of its takes, a table."""

import csv

import av
import pytest
from grids.stories.stage import SHOTS, distance, frames_of, story_of
from PIL import Image

from seedance_nb.errors import InvalidRequest, SeedanceError

FRAMES = 96  # of a shot: 4 s at 24 frames a second


@pytest.fixture
def told(session):
    story = story_of(session, takes=2).submit()
    story.result(120)
    return story


def test_the_film_of_a_story_has_each_frame_once_and_the_length_of_its_shots(told, tmp_path):
    told.pick(2, take=2).result(120)
    film = told.export(tmp_path / "story.mp4")

    clips = told.clips
    assert clips[1] == told.jobs[1][1].clip
    shown, sound, _ = frames_of(film)
    assert sound is None
    assert len(shown) == 4 * FRAMES - 3
    with av.open(str(film)) as opened:
        whole = sum(clip.seconds for clip in clips) - 3 / 24
        assert opened.duration / 1e6 == pytest.approx(whole, abs=1 / 24)
        assert opened.metadata["comment"].splitlines()[1] == f"2: {SHOTS[1]}"
    for shot, clip in enumerate(clips):
        own, _, _ = frames_of(clip.path)
        kept = FRAMES if shot == 3 else FRAMES - 1
        begin = shot * (FRAMES - 1)
        for number in (0, kept // 2, kept - 1):
            assert distance(shown[begin + number][1], own[number][1]) == 0  # copied, not made anew
    doubled = [n for n in range(1, len(shown)) if distance(shown[n][1], shown[n - 1][1]) < 0.02]
    assert not set(doubled) & {FRAMES - 1, 2 * (FRAMES - 1), 3 * (FRAMES - 1)}


def test_the_storyboard_the_wall_and_the_table(told, tmp_path):
    sheet = told.export(tmp_path / "sheet.png")
    with Image.open(sheet) as picture:
        assert picture.width > 800
        assert picture.height > 400
    page = told.export(tmp_path / "wall.html").read_text()
    assert page.count("data:video/mp4;base64,") == 8 or page.count("<video") == 8
    with told.export(tmp_path / "story.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["take"] for row in rows] == ["1", "2"] * 4
    assert rows[2]["shot"] == f"2: {SHOTS[1]}"


def test_a_story_that_lacks_a_shot_has_no_film_and_still_a_storyboard(session, tmp_path):
    story = story_of(session, [SHOTS[0], "[fail] the rain stops", SHOTS[2]]).submit()
    story.result(120)
    with pytest.raises(
        SeedanceError, match=r"shot 2 has no video \(.*\), so there is no film yet.*nothing was written"
    ):
        story.export(tmp_path / "story.mp4")
    assert not list(tmp_path.glob("*story.mp4*"))
    with Image.open(story.export(tmp_path / "sheet.png")) as picture:
        assert picture.height > 200


def test_a_name_that_says_nothing_is_refused(session, tmp_path):
    story = story_of(session)
    for name in ("story.json", "story", "story.avi"):
        with pytest.raises(InvalidRequest, match=r"use one of \.mp4"):
            story.export(tmp_path / name)
    with pytest.raises(InvalidRequest, match="there is no folder"):
        story.export(tmp_path / "none" / "story.mp4")
