"""The wall as a string and as a document: escaped, every byte once, a wall of plain players without its script."""

import base64
import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from seedance_nb.api.models import Status, make_request
from seedance_nb.clips.clip import Clip
from seedance_nb.clips.store import Clips
from seedance_nb.errors import ConfigurationError, GenerationFailed, InvalidRequest
from seedance_nb.grids.axes import Cell, lay_out
from seedance_nb.grids.picture import GridPicture, Tile
from seedance_nb.grids.walls import markup as wall_markup
from seedance_nb.grids.walls import page as wall_page
from seedance_nb.grids.walls.wall import wall_html, wall_plain, write_page
from seedance_nb.pages import assets
from seedance_nb.simulator import film
from seedance_nb.snapshot import Snapshot

XSS = """"></script><img src=x onerror=alert(1)><script>alert(1)</script>' onmouseover='alert(1)"""
PLENTY = 1_000_000
VOID = {"img", "meta", "br", "input"}
# Of JupyterLab's sanitiser for untrusted notebooks: what it keeps, and what our script needs only where it runs
KEPT = {
    "style",
    "title",
    "dir",
    "class",
    "controls",
    "loop",
    "muted",
    "preload",
    "width",
    "height",
    "src",
    "alt",
    "href",
}


class Page(HTMLParser):
    """What a browser would make of it: elements with their attributes, and the text outside of style and script."""

    def __init__(self, source):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text += data

    def of(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def make_clip(folder, key, content=None, size=None):
    """A file that is called a clip; its bytes are its own."""
    content = content or f"mp4 of {key} ".encode() * 20
    path = folder / f"{key}.mp4"
    path.write_bytes(content)
    return Clip(path, None, size or len(content), 854, 480, 24.0, 5.0, f"{key:0>64}")


def make_tile(index, values, clip=None, *, prompt=None, take=1, invalid=None, **changes):
    request = make_request(prompt or f"a {values.get('animal', 'boat')} in the rain")
    status = Status.SUCCEEDED if clip else changes.pop("status", Status.PROCESSING)
    facts = {
        "status_text": status.value,
        "credits": 40.0,
        "request_id": f"req_{index}",
        "created_at": 1.0,
        "accepted_at": 2.0,
        "processing_at": 10.0,
    }
    facts |= {"finished_at": 44.0} if clip else {}
    snapshot = Snapshot(f"j{index}", request, take, status, clip=clip, **{**facts, **changes})
    return Tile(Cell(index, values, request, take, invalid), snapshot)


@pytest.fixture
def picture(tmp_path):
    """2 animals × 2 takes, all there."""
    values = [{"animal": animal, "take": take} for animal in ("cat", "red hen") for take in (1, 2)]
    tiles = [make_tile(i, v, make_clip(tmp_path, f"c{i}"), take=v["take"]) for i, v in enumerate(values)]
    return GridPicture(("animal", "take"), tuple(tiles), submitted=True, credits=160.0)


def facts_of(source):
    return json.loads(Page(source).of("div")[0]["data-wall"])


# -- what is in it -------------------------------------------------------------------------------------------------------


def test_every_clip_is_there_once(picture):
    source = wall_html(picture, embed_limit=PLENTY)

    for tile in picture.tiles:
        assert source.count(base64.b64encode(tile.clip.bytes()).decode()) == 1


def test_cells_that_share_a_clip_share_its_bytes(tmp_path):
    clip = make_clip(tmp_path, "c0")
    tiles = (make_tile(0, {"animal": "cat"}, clip), make_tile(1, {"animal": "kitten"}, clip))

    source = wall_html(GridPicture(("animal",), tiles), embed_limit=PLENTY)

    assert source.count(base64.b64encode(clip.bytes()).decode()) == 1
    assert Page(source).of("figure")[1]["data-same"] == "0"
    assert "the same clip as cell 1" in source


def test_the_heading_names_the_axes_and_counts_the_cells(picture):
    text = Page(wall_html(picture, embed_limit=PLENTY, title="Study")).text

    assert text.startswith("Study 2 animals × 2 takes · 4 cells: 4 clips · 160 credits")


def test_each_tile_bears_its_receipt(picture):
    text = Page(wall_html(picture, embed_limit=PLENTY)).text

    assert f"40 credits · waited 43 s · rendered in 34 s · take 2 · sha256 {'0' * 12}" in text


def test_a_prompt_that_all_share_is_said_once(tmp_path):
    tiles = tuple(make_tile(i, {"take": i + 1}, prompt="a boat on a lake", take=i + 1) for i in range(3))

    text = Page(wall_html(GridPicture(("take",), tiles), embed_limit=PLENTY)).text

    assert text.count("a boat on a lake") == 1


def test_words_that_vary_stand_alone_with_the_cells_that_differ_by_them(tmp_path):
    tiles = tuple(make_tile(i, {"animal": a}) for i, a in enumerate(["cat", "dog", "hen"]))

    words = [
        a
        for a in Page(wall_html(GridPicture(("animal",), tiles), embed_limit=PLENTY)).of("span")
        if a.get("class") == "sdw-word"
    ]

    assert [word["data-alike"] for word in words] == ["1 2", "0 2", "0 1"]


@pytest.mark.parametrize(
    ("tile", "words"),
    [
        (Tile(Cell(0, {"animal": "cat"}, make_request("a cat"), 1)), "Not submitted"),
        (make_tile(0, {"animal": "cat"}, note="asked 3 s ago"), "Being made · asked 3 s ago"),
        (make_tile(0, {"animal": "cat"}, invalid="17 s is too long"), "Not possible: 17 s is too long"),
        (Tile(Cell(0, {"animal": "cat"}, None, 1, "it has no prompt")), "Not possible: it has no prompt"),
        (
            make_tile(0, {"animal": "cat"}, status=Status.FAILED, error=GenerationFailed("refused; nothing charged")),
            "Failed: refused; nothing charged",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_cell_without_a_clip_says_why(tile, words):
    assert words in Page(wall_html(GridPicture(("animal",), (tile,)), embed_limit=PLENTY)).text


def test_a_clip_whose_file_is_gone_is_told_and_the_rest_is_shown(picture):
    picture.tiles[1].clip.path.unlink()

    page = Page(wall_html(picture, embed_limit=PLENTY))

    assert len(page.of("video")) == 3
    assert "the file of this clip cannot be read" in page.text


def test_nothing_at_all_is_a_wall_too():
    assert "no cells" in Page(wall_html(GridPicture((), ()), embed_limit=PLENTY)).text


# -- where it stands -----------------------------------------------------------------------------------------------------


def test_the_first_axis_goes_down_and_the_last_across_unless_told_otherwise(picture):
    guessed = facts_of(wall_html(picture, embed_limit=PLENTY))
    told = facts_of(wall_html(picture, rows="take", columns="animal", embed_limit=PLENTY))
    paged = facts_of(wall_html(picture, pages="take", embed_limit=PLENTY))

    assert (guessed["rows"], guessed["columns"], guessed["pages"]) == (0, 1, None)
    assert (told["rows"], told["columns"]) == (1, 0)
    assert (paged["rows"], paged["columns"], paged["pages"]) == (None, 0, 1)


def test_axes_that_go_side_by_side_make_no_matrix_of_holes():
    cells = lay_out("a {a} {b}", a=["x", "y", "z"], b=["1", "2", "3"], mode="zip").cells()
    picture = GridPicture(("a", "b"), tuple(Tile(cell) for cell in cells))

    facts = facts_of(wall_html(picture, embed_limit=PLENTY))

    assert (facts["rows"], facts["columns"]) == (None, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rows": "colour"}, "'colour' is no axis of this grid; there are animal, take"),
        ({"rows": "take", "pages": "take"}, "once"),
    ],
)
def test_a_name_that_is_no_axis_is_refused(picture, options, words):
    with pytest.raises(InvalidRequest, match=words):
        wall_html(picture, embed_limit=PLENTY, **options)


# -- safe ----------------------------------------------------------------------------------------------------------------


def test_hostile_words_stay_words(tmp_path):
    error = GenerationFailed(XSS)
    tiles = (
        make_tile(0, {"animal": XSS, "model": XSS}, make_clip(tmp_path, "c0"), prompt=f"{XSS} one", request_id=XSS),
        make_tile(1, {"animal": "cat", "model": "m"}, prompt=f"{XSS} two", status=Status.FAILED, error=error),
        make_tile(
            2, {"animal": "hen", "model": "m"}, prompt="x", status=Status.PROCESSING, status_text=XSS, trouble=XSS
        ),
        make_tile(3, {"animal": "fox", "model": "m"}, prompt="y", invalid=XSS),
    )
    picture = GridPicture(("animal", "model"), tiles, submitted=True)
    path = write_page(picture, tmp_path / "page.html", title=XSS)

    for source in (wall_html(picture, embed_limit=PLENTY, title=XSS), path.read_text(encoding="utf-8")):
        page = Page(source)
        assert [name for _, attrs in page.elements for name in attrs if name.startswith("on")] == []
        assert page.of("img") == []
        assert len(page.of("script")) == 1
        assert source.count("</script") == 1


def test_without_script_and_style_plain_players_are_left(picture):
    source = wall_html(picture, embed_limit=PLENTY)
    source = re.sub(r"<(style|script)>.*?</\1>", "", source, flags=re.DOTALL)

    page = Page(source)

    assert {tag for tag, _ in page.elements} <= {"div", "span", "strong", "figure", "figcaption", "video", "img"}
    assert all("controls" in video and video["src"].startswith("data:video/mp4;base64,") for video in page.of("video"))
    assert all(name in KEPT or name.startswith("data-") for _, attrs in page.elements for name in attrs)
    assert all(word in page.text for word in ("cat", "red hen", "take 1", "take 2"))


def test_the_script_holds_nothing_that_ends_or_hides_it():
    script = assets.script(Path(wall_markup.__file__).with_name("wall.js"))

    assert "</script" not in script.lower()
    assert "<!--" not in script


# -- how much of it ------------------------------------------------------------------------------------------------------


@pytest.fixture
def big(tmp_path):
    """Two real films of 720 lines with their posters."""
    tiles = []
    for index, animal in enumerate(("cat", "hen")):
        part = tmp_path / f".{animal}"
        film.render(
            part, prompt=animal, model="m", take=1, request_id="r", aspect_ratio="16:9", resolution="720p", seconds=2
        )
        tiles.append(make_tile(index, {"animal": animal}, Clips(tmp_path).admit(animal, part)))
    return GridPicture(("animal",), tuple(tiles), submitted=True)


def test_over_the_limit_previews_are_stored_and_the_originals_named(big, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)

    source = wall_html(big, embed_limit=sum(tile.clip.size for tile in big.tiles) - 1)

    page = Page(source)
    stored = [base64.b64decode(video["src"].partition(",")[2]) for video in page.of("video")]
    assert [len(data) for data in stored] == [
        (tmp_path / f"{name}.preview.mp4").stat().st_size for name in ("cat", "hen")
    ]
    assert [a["href"] for a in page.of("a")] == [f"{tmp_path.name}/cat.mp4", f"{tmp_path.name}/hen.mp4"]
    assert "small previews; below each stands where its original is" in page.text


def test_what_does_not_even_fit_as_a_preview_is_its_first_picture(big, tmp_path):
    size = wall_html(big, embed_limit=1) and (tmp_path / "cat.preview.mp4").stat().st_size

    page = Page(wall_html(big, embed_limit=size))

    assert (len(page.of("video")), page.text.count("original file")) == (1, 2)
    assert page.of("img")[1]["src"].startswith("data:image/jpeg;base64,")
    assert "small previews of 1 clips, of 1 more their first picture" in page.text


def test_a_preview_that_cannot_be_made_is_told(picture):
    page = Page(wall_html(picture, embed_limit=1))

    assert page.of("video") == []
    assert "no preview" in page.text


# -- as a document -------------------------------------------------------------------------------------------------------


def test_a_page_holds_everything_and_asks_for_nothing(picture, tmp_path):
    path = write_page(picture, tmp_path / "deep" / "page.html", title="Study & more")

    source = path.read_text(encoding="utf-8")
    page = Page(source.removeprefix("<!doctype html>"))
    assert page.of("html") == [{"lang": "en"}]
    assert page.of("meta")[0] == {"charset": "utf-8"}
    assert "<title>Study &amp; more</title>" in source
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"', source) == []
    assert all(source.count(base64.b64encode(tile.clip.bytes()).decode()) == 1 for tile in picture.tiles)
    assert all(tile.clip.sha256 in page.text for tile in picture.tiles)
    assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]


def test_a_page_with_a_folder_holds_copies_under_names_made_from_labels(picture, tmp_path):
    path = write_page(picture, tmp_path / "page.html", embed=False)

    sources = [video["src"] for video in Page(path.read_text(encoding="utf-8")).of("video")]
    assert sources[2:] == ["page_files/003-red-hen-take-1.mp4", "page_files/004-red-hen-take-2.mp4"]
    assert [(tmp_path / source).read_bytes() for source in sources] == [tile.clip.bytes() for tile in picture.tiles]
    assert len(list((tmp_path / "page_files").iterdir())) == 4


def test_names_of_files_can_leave_no_folder_and_open_anywhere(tmp_path):
    tile = make_tile(0, {"animal": "../../<b>Ö¿猫/"}, make_clip(tmp_path, "c0"))
    other = make_tile(1, {"animal": "猫"}, make_clip(tmp_path, "c1"))

    write_page(GridPicture(("animal",), (tile, other)), tmp_path / "päge #1.html", embed=False)

    assert sorted(entry.name for entry in (tmp_path / "päge #1_files").iterdir()) == [
        "001-b-o-take-1.mp4",
        "002-take-1.mp4",
    ]
    assert 'src="p%C3%A4ge%20%231_files/001-b-o-take-1.mp4"' in (tmp_path / "päge #1.html").read_text(encoding="utf-8")


def test_a_big_grid_gets_a_folder_by_itself(picture, tmp_path, monkeypatch):
    monkeypatch.setattr(wall_page, "EMBED_AT_MOST", 100)

    write_page(picture, tmp_path / "page.html")

    assert (tmp_path / "page_files").is_dir()


def test_a_write_that_fails_leaves_the_older_page(picture, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("older")

    def fail(self):
        yield "data:"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wall_markup.Embedded, "blocks", fail)
    with pytest.raises(ConfigurationError, match="No space left"):
        write_page(picture, path)

    assert path.read_text() == "older"
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".part")] == []


def test_a_clip_is_never_in_memory_as_a_whole(tmp_path):
    content = bytes(range(256)) * 16_000
    clip = make_clip(tmp_path, "c0", content)

    blocks = list(wall_markup.Embedded(clip.path, "video/mp4").blocks())

    assert max(map(len, blocks)) <= 1 << 20
    assert base64.b64decode("".join(blocks).partition(",")[2]) == content


def test_the_receipts_stand_in_a_table(picture, tmp_path):
    tile = make_tile(4, {"animal": "fox", "take": 1}, status=Status.FAILED, error=GenerationFailed("no"))
    picture = dataclasses.replace(picture, tiles=(*picture.tiles, tile))

    page = Page(write_page(picture, tmp_path / "page.html").read_text(encoding="utf-8").removeprefix("<!doctype html>"))

    assert len(page.of("tr")) == 6
    assert "Receipts of 5 cells" in page.text


# -- in words ------------------------------------------------------------------------------------------------------------


def test_in_words_it_is_a_line_for_each_cell(picture):
    lines = wall_plain(picture, rows="take").splitlines()

    assert lines[0] == "2 animals × 2 takes · 4 cells: 4 clips · 160 credits"
    assert lines[1].split() == ["take", "animal", "what", "became", "of", "it", "file"]
    assert [line.split("  ")[0] for line in lines[2:]] == ["take 1", "take 1", "take 2", "take 2"]
    assert lines[2].endswith("c0.mp4")


def test_a_poster_stands_in_for_the_video_where_hosts_drop_it(tmp_path):
    poster = tmp_path / "c0.jpg"
    Image.new("RGB", (16, 9)).save(poster)
    clip = dataclasses.replace(make_clip(tmp_path, "c0"), poster=poster)

    page = Page(wall_html(GridPicture((), (make_tile(0, {}, clip),)), embed_limit=PLENTY))

    assert page.of("img")[0]["src"].startswith("data:image/jpeg;base64,")
    assert Path(clip.path).exists()
