"""`grid.export("clips/")`: the clips in a folder, each under its own name, and a table beside them that names them as they are."""

import csv

import pytest
from grids.stage import PATIENCE, small

import seedance_nb as sd
from seedance_nb.errors import ClipError, InvalidRequest


@pytest.fixture
def grid(session):
    """Two animals with two takes each; the dogs fail."""
    made = small(session, "{x}", x=["a cat", "a dog [fail]"], takes=2).submit()
    made.result(PATIENCE)
    return made


def lines_of(folder):
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.mp4"))


def test_a_folder_has_every_clip_and_a_table_that_names_each(grid, tmp_path):
    folder = grid.export(str(tmp_path / "out") + "/")

    lines = lines_of(folder)
    assert names_in(folder) == [line["file_name"] for line in lines] == ["001-a cat.mp4", "002-a cat.mp4"]
    assert [(line["x"], line["take"]) for line in lines] == [("a cat", "1"), ("a cat", "2")]
    assert (folder / "metadata.csv").read_bytes().startswith(b"file_name,")
    assert "a cat" in sd.read(folder / "001-a cat.mp4")


def test_names_are_those_of_the_pattern_with_the_axes(grid, tmp_path):
    folder = grid.export(tmp_path / "out", names="{x}/{take:02}", where={"take": 2})

    assert names_in(folder) == ["a cat/02.mp4"]
    assert lines_of(folder)[0]["file_name"] == "a cat/02.mp4"


def test_the_names_of_vbench_count_from_zero(grid, tmp_path):
    assert names_in(grid.export(tmp_path / "v", layout="vbench")) == ["a cat-0.mp4", "a cat-1.mp4"]


def test_written_again_it_is_the_same_folder(grid, tmp_path):
    first = names_in(grid.export(tmp_path / "v", layout="vbench"))

    assert names_in(grid.export(tmp_path / "v", layout="vbench")) == first


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"names": "{x}.mp4"}, "gives two clips the name 'a cat.mp4'"),
        ({"names": "../{take}.mp4"}, "leads out of the folder"),
        ({"names": "{tak}.mp4"}, r"did you mean \{take\}"),
        ({"names": " "}, "must be a pattern"),
        ({"layout": "zip"}, "layout must be one of"),
        ({"names": "{take}", "sound": 1}, "takes where="),
        ({"names": "{take}", "where": {"x": "a dog [fail]"}}, "none of these cells has a clip"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(grid, tmp_path, options, words):
    with pytest.raises(InvalidRequest, match=words):
        grid.export(tmp_path / "out", **options)

    assert not (tmp_path / "out").exists()


def test_another_video_is_never_written_over(grid, tmp_path, large_film):
    folder = tmp_path / "v"
    folder.mkdir()
    (folder / "a cat-0.mp4").write_bytes(large_film.read_bytes())

    with pytest.raises(ClipError, match="not written over"):
        grid.export(folder, layout="vbench")

    assert (folder / "a cat-0.mp4").read_bytes() == large_film.read_bytes()


def test_a_name_begins_with_nothing_that_a_spreadsheet_computes(grid, tmp_path):
    folder = grid.export(tmp_path / "v", names="={take}.mp4")

    assert names_in(folder) == [line["file_name"] for line in lines_of(folder)] == ["_=1.mp4", "_=2.mp4"]


def test_the_clips_of_a_grid_know_their_axes(grid, tmp_path):
    assert grid.result()[1].save_to(str(tmp_path / "{x}-{take}.mp4")).name == "a cat-2.mp4"


def test_no_name_is_taken_for_a_split_by_datasets(session, tmp_path):
    grid = small(session, ["a test drive", "dev", "a contest", "val.2 training"]).submit()
    grid.result(PATIENCE)

    folder = grid.export(tmp_path / "v", names="all/{prompt}.mp4")
    assert names_in(folder) == sorted(line["file_name"] for line in lines_of(folder))
    assert names_in(folder) == [
        "all/Dev.mp4",
        "all/Val.2 Training.mp4",
        "all/a Test drive.mp4",
        "all/a contest.mp4",
    ]
    assert "train/a test drive.mp4" in names_in(grid.export(tmp_path / "own", names="train/{prompt}.mp4"))
    assert names_in(grid.export(tmp_path / "b", layout="vbench"))[0] == "a contest-0.mp4"
    assert "a test drive-0.mp4" in names_in(tmp_path / "b")
