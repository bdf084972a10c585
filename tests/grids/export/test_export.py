"""A grid as a table, a DataFrame, and files by their ending."""

import csv
import re
import sys

import pandas as pd
import pytest
from grids.stage import PATIENCE, small

from seedance_nb.errors import ConfigurationError, InvalidRequest, SeedanceError
from seedance_nb.grids import export
from seedance_nb.grids.export import csv_table
from seedance_nb.grids.export.table import TIMES, table_of
from seedance_nb.grids.opening import open_grid


@pytest.fixture
def grid(session):
    """Two animals with two takes each; the dogs fail, one prompt is empty."""
    made = small(session, "{x}", x=["a cat", "a dog [fail]", ""], takes=2).submit()
    made.result(PATIENCE)
    return made


def lines_of(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


# Tables -----------------------------------------------------------------------------------------------


def test_the_csv_has_a_line_for_every_cell(grid, tmp_path):
    lines = lines_of(grid.export(tmp_path / "grid.csv"))
    clip = grid.jobs[0].clip
    assert [(line["x"], line["take"], line["status"]) for line in lines] == [
        ("a cat", "1", "succeeded"),
        ("a cat", "2", "succeeded"),
        ("a dog [fail]", "1", "failed"),
        ("a dog [fail]", "2", "failed"),
        ("", "1", "invalid"),
        ("", "2", "invalid"),
    ]
    assert (lines[0]["prompt"], lines[0]["model"], lines[0]["credits"]) == ("a cat", "seedance-2.0", "20.0")
    assert (lines[0]["sha256"], lines[0]["clip"], lines[0]["width"]) == (clip.sha256, clip.path.name, "480")
    assert (
        float(lines[0]["waited_seconds"]) >= float(lines[0]["render_seconds"] or 0) >= 0
    )  # empty where no look saw it
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", lines[0]["accepted_at"])
    assert "could not make this video" in lines[2]["error"]
    assert "prompt is empty" in lines[4]["error"]
    assert lines[4]["job"] == ""


@pytest.mark.parametrize(
    "where",
    [
        pytest.param({"x": "a cat", "take": 2}, id="values"),
        pytest.param({"prompt": ["a cat", "a hen"], "take": [2]}, id="lists of values"),
        pytest.param({"x": {"a cat", "a hen"}, "take": {2, 3}}, id="sets of values"),
        pytest.param({"x": frozenset({"a cat"}), "take": range(2, 9)}, id="frozen sets and ranges"),
        pytest.param(lambda c: c.prompt == "a cat" and c.take == 2, id="a function"),
    ],
)
def test_where_chooses_cells(grid, tmp_path, where):
    assert [line["cell"] for line in lines_of(grid.export(tmp_path / "grid.csv", where=where))] == ["2"]


def test_where_sees_the_finished_prompt_and_no_signature(session, tmp_path):
    urls = ["https://a.example/x.png?X-Amz-Signature=1", "https://a.example/y.png?X-Amz-Signature=1"]
    grid = small(session, ["a {x}", "the {x}"], x=["cat"], media_urls=[[url] for url in urls])
    anew = [urls[1].replace("=1", "=2")]
    for where, cells in (({"prompt": "a cat"}, 2), ({"prompt": "a {x}"}, 0), ({"media_urls": [anew]}, 2)):
        if cells:
            assert len(lines_of(grid.export(tmp_path / "grid.csv", where=where))) == cells, where
        else:
            with pytest.raises(InvalidRequest, match="leaves no cell"):
                grid.export(tmp_path / "grid.csv", where=where)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        pytest.param("grid", {}, r"no ending.*\.html .*\.csv .*\.json .*\.png .*\.mp4", id="no ending"),
        pytest.param("grid.xlsx", {}, "no ending that says what to write", id="an ending nobody writes"),
        pytest.param("no/grid.csv", {}, "there is no folder", id="no folder"),
        pytest.param("grid.csv", {"where": {"y": 1}}, "'y' is no axis", id="an axis there is not"),
        pytest.param("grid.csv", {"where": {"x": "a cow"}}, "leaves no cell", id="a value there is not"),
        pytest.param("grid.csv", {"rows": "y"}, "'y' is no axis", id="rows of an axis there is not"),
        pytest.param("grid.png", {"pages": "x"}, "has no pages", id="pages of a picture"),
        pytest.param("grid.png", {"sound": 1}, "is for a film", id="sound of a picture"),
        pytest.param("grid.mp4", {"sound": 1}, "no clip of this film has sound", id="sound where there is none"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line_and_nothing_is_written(grid, tmp_path, name, options, words):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidRequest, match=words) as told:
        grid.export(tmp_path / name, **options)
    assert "\n" not in str(told.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_export_replaces_an_older_one_whole_or_not_at_all(grid, tmp_path, monkeypatch):
    path = grid.export(tmp_path / "grid.csv")
    path.write_text("old")
    assert grid.export(path).read_text() != "old"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", full)
    with pytest.raises(SeedanceError, match="No space left"):
        grid.export(path)
    assert path.read_text() == "old"
    assert not list(tmp_path.glob(".*.part"))


def test_a_page_has_the_chosen_cells_on_their_axes_and_clips_beside_it(grid, tmp_path):
    path = grid.export(tmp_path / "grid.html", rows="x", where={"take": 1}, embed=False)
    text = path.read_text("utf-8")
    assert path == tmp_path / "grid.html"
    assert "Receipts of 3 cells" in text
    assert "data:video/mp4" not in text
    assert [file.name for file in (tmp_path / "grid_files").iterdir()] == ["001-a-cat-take-1.mp4"]


def test_the_dataframe_has_a_row_for_every_cell_with_proper_types(grid):
    frame = grid.to_pandas()
    assert list(frame["x"]) == ["a cat", "a cat", "a dog [fail]", "a dog [fail]", "", ""]
    assert frame.columns[:2].tolist() == ["x", "take"]
    assert (str(frame["accepted_at"].dtype), str(frame["credits"].dtype)) == ("datetime64[ns, UTC]", "Float64")
    assert (str(frame["take"].dtype), str(frame["reused"].dtype)) == ("Int64", "boolean")
    assert frame.groupby("status")["credits"].sum().to_dict() == {"failed": 40, "invalid": 0, "succeeded": 40}
    assert pd.isna(frame["job"].iloc[4])


def test_a_template_axis_and_the_finished_prompt_stand_in_columns_of_their_own(session):
    frame = small(session, ["a {x}", "the {x}"], x=["cat"]).to_pandas()
    assert frame[["axis_prompt", "prompt"]].to_numpy().tolist() == [["a {x}", "a cat"], ["the {x}", "the cat"]]


def test_an_axis_named_like_a_column_hides_nothing(session):
    frame = small(session, "a {status} cat", status=["wet"]).to_pandas()
    assert (frame["axis_status"].iloc[0], frame["status"].iloc[0]) == ("wet", "not submitted")


def test_without_pandas_one_line_says_how_to_get_it(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'seedance_nb\[pandas\]'"):
        small(session, "a cat").to_pandas()


# What a spreadsheet makes of it -------------------------------------------------------------------------

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "＝1",
    "'=1",
    " =1",
    "''=1",
    "'already quoted",
    "- dash first",
    "a=b",
    "-5",
    "'",
    "",
]


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_no_text_is_a_formula_and_every_text_comes_back(text):
    shown = csv_table.guarded(text)

    assert not shown.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
    assert csv_table.unguarded(shown) == text


def test_a_csv_opens_in_a_korean_excel_and_reads_back_as_the_same_table(session, tmp_path):
    words = ['=HYPERLINK("https://x")', "+1 boat", "-1 boat", "@boat", "종이배 “하나”, 둘\n셋", "a boat [fail]"]
    grid = small(
        session, "{=note}", **{"=note": words}, metadata={"k": ["=1", {"a": 1}]}, media_urls=["https://a.example/x.png"]
    ).submit()
    grid.result(PATIENCE)
    path = grid.export(tmp_path / "grid.csv")

    assert path.read_bytes().startswith(b"\xef\xbb\xbf'=note,")
    fields = [field for line in csv.reader(path.read_text("utf-8-sig").splitlines(keepends=True)) for field in line]
    formulas = [field for field in fields if field.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert formulas == []
    table = table_of(grid.picture(), session)
    read = export.read_csv(path)
    assert [list(row) for row in read] == [list(table.columns)] * len(words)
    for row, known in zip(read, table.rows, strict=True):
        for name in table.columns:
            expected = known[name]
            if name in TIMES and expected is not None:
                expected = pytest.approx(expected, abs=0.001)
            assert row[name] == (tuple(expected) if isinstance(expected, list) else expected), name
    assert [row["prompt"] for row in read] == words


def test_numbers_are_not_guarded_and_pandas_reads_the_file_as_it_is(session, tmp_path):
    grid = small(session, "a {x} boat", x=[-5, -2.5], duration=4)
    frame = pd.read_csv(grid.export(tmp_path / "grid.csv"), encoding="utf-8-sig")

    assert frame["x"].tolist() == [-5, -2.5]
    assert frame.columns[0] == "x"
    assert pd.read_csv(tmp_path / "grid.csv").columns[0] == "x"


def test_rows_read_back_make_the_same_grid_for_free(session, tmp_path):
    grid = small(session, "{x}", x=["=a boat", "a {{plane}}"], takes=2).submit()
    grid.result(PATIENCE)

    again = open_grid(session, export.read_csv(grid.export(tmp_path / "grid.csv")), raw=True)
    assert (again.plan.count("have it"), again.plan.new) == (4, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is no table"),
        (b"a,b\n1\n", "line 2 has fewer values"),
        (b"a,b,a\n1,2,3\n", "two columns are named 'a'"),
        (b"\xff\xfe", "decode"),
        (b"created_at\nnever\n", "never"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_such_table_is_told_in_one_line(tmp_path, content, words):
    path = tmp_path / "grid.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=f"grid.csv cannot be read .*{words}") as told:
        export.read_csv(path)
    assert "\n" not in str(told.value)


def test_half_a_character_in_an_invalid_cell_stops_no_export(session, tmp_path):
    grid = small(session, ["a cat", "half \ud83d"])
    for name in ("grid.csv", "grid.json"):
        assert "half ?" in grid.export(tmp_path / name).read_text("utf-8-sig")
