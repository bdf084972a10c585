"""Labels that no font can draw: numbers stand for them, and what they mean is told. With DejaVu alone, as on a bare machine."""

import warnings
from pathlib import Path

import av
import numpy as np
import pytest
from grids.films.film_grids import lay_out, picture_of, usual
from PIL import Image, ImageDraw

from seedance_nb import fonts
from seedance_nb.grids.films import page as film_page
from seedance_nb.grids.films.films import contact_sheet, side_by_side
from seedance_nb.grids.films.legend import Legend, LettersMissing


@pytest.fixture(autouse=True)
def dejavu_alone(monkeypatch):
    """Whatever fonts this machine has, these tests see DejaVu only."""
    kept = fonts.ImageFont.truetype("DejaVuSans.ttf").path
    monkeypatch.setattr(fonts, "_all_files", lambda: (kept,))
    monkeypatch.setitem(fonts._FILES, "wide", ("DejaVuSans.ttf",))
    for cache in (fonts._file, fonts.file_with, fonts._font):
        cache.cache_clear()
    yield
    for cache in (fonts._file, fonts.file_with, fonts._font):
        cache.cache_clear()


@pytest.mark.parametrize(
    ("text", "drawn", "lines"),
    [
        ("a cat → a dog, é, Ж, א", "a cat → a dog, é, Ж, א", []),
        ("고양이", "[1]", ["[1] 고양이"]),
        ("비 오는 거리의 종이배 2척, 밤", "[1]", ["[1] 비 오는 거리의 종이배 2척, 밤"]),
        ("a 고양이 jumps", "a [1] jumps", ["[1] 고양이"]),
        ("cat 고양이 dog 강아지", "cat [1] dog [2]", ["[1] 고양이", "[2] 강아지"]),
        ("हिन्दी में", "[1]", ["[1] हिन्दी में"]),
        ("a 🐉 and a 🐉", "a [1] and a [1]", ["[1] 🐉"]),
        ("boat 👩‍🚀!", "boat [1]!", ["[1] 👩‍🚀"]),
        ("猫 (cat)", "[1] (cat)", ["[1] 猫"]),
        ("é as e\u0301", "é as e\u0301", []),
        ("", "", []),
    ],
)
def test_words_that_cannot_be_drawn_become_numbers(text, drawn, lines):
    legend = Legend()

    assert (legend.text(text), legend.lines()) == (drawn, lines)
    assert all(map(fonts.can_draw, legend.text(text)))


def test_the_same_words_keep_their_number():
    legend = Legend()

    assert [legend.text(text) for text in ("고양이", "강아지", "고양이")] == ["[1]", "[2]", "[1]"]


def korean():
    axes = lay_out("{animal} jumps", animal=["고양이", "dog", "🐉 용"])
    return picture_of(axes, lambda cell: usual(cell, seconds=0.25) if cell.index else "점검 중입니다")


@pytest.fixture
def told(tmp_path):
    """`told(make, name)`: (the one warning of an export, its path)."""

    def told(make, name, picture=None):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            path = make(picture or korean(), tmp_path / name)
        [warning] = caught
        assert warning.category is LettersMissing
        return warning, path

    return told


MEANT = ["[1] 고양이", "[2] 🐉 용", "[3] 점검 중입니다"]


def test_a_sheet_tells_once_what_its_numbers_mean_and_what_to_install(told):
    warning, path = told(contact_sheet, "sheet.png")

    text = str(warning.message)
    assert all(line in text for line in MEANT)
    assert "Korean, emoji" in text
    assert "apt-get install fonts-noto-cjk fonts-symbola" in text
    assert "sheet.png" in text
    assert "\n" not in text
    assert str(Path(path).parent) not in text
    assert warning.filename == __file__  # it points at the caller's line
    with Image.open(path) as sheet:
        assert sheet.text["Description"].split("\n") == MEANT


def test_what_is_read_first_has_the_first_numbers(told):
    axes = lay_out("{animal} jumps over the houses of 서울", animal=["고양이", "dog"])
    warning, _ = told(contact_sheet, "sheet.png", picture_of(axes, lambda _: None))

    assert "[1] 서울; [2] 고양이" in str(warning.message)


def test_a_film_tells_it_too(told):
    warning, path = told(side_by_side, "film.mp4")

    assert all(line in str(warning.message) for line in MEANT)
    with av.open(str(path)) as film:
        assert film.metadata["comment"].split("\n") == MEANT


def test_many_labels_are_told_in_part_and_stand_in_the_file_whole(told):
    axes = lay_out("{animal} jumps", animal=[f"고양이{chr(0xAC00 + n)}" for n in range(20)])
    warning, path = told(contact_sheet, "sheet.png", picture_of(axes, lambda _: None))

    assert "; and 8 more" in str(warning.message)
    with Image.open(path) as sheet:
        assert len(sheet.text["Description"].split("\n")) == 20


@pytest.mark.filterwarnings("error")
def test_labels_that_can_be_drawn_are_told_nothing_of(tmp_path):
    picture = picture_of(lay_out("A {animal} → jumps", animal=["кот", "dog"]), usual)

    with Image.open(contact_sheet(picture, tmp_path / "sheet.png")) as sheet:
        assert "Description" not in sheet.text


def is_box(text):
    """Whether this text, drawn by the page's own means, shows the box of a missing letter."""
    box = Image.new("L", (200, 60))
    ImageDraw.Draw(box).text((10, 10), fonts._NO_LETTER, fill=255, font=fonts.font("plain", 30))
    shown = Image.new("RGB", (200, 60))
    film_page._write(
        ImageDraw.Draw(shown), film_page.Words(10, 10, (text,), 30), film_page.Style(*[(255, 255, 255)] * 5)
    )
    return np.array_equal(np.asarray(box) > 128, np.asarray(shown.convert("L")) > 128)


def test_what_cannot_be_drawn_would_be_a_box():
    assert (is_box("한"), is_box("→")) == (True, False)


def test_no_box_is_drawn(monkeypatch, tmp_path):
    drawn = []
    draw = fonts.Lettering.draw
    monkeypatch.setattr(
        fonts.Lettering, "draw", lambda s, p, at, text, c: (drawn.append(text), draw(s, p, at, text, c))
    )
    with pytest.warns(LettersMissing):
        contact_sheet(korean(), tmp_path / "sheet.png")

    assert [text for text in drawn if not all(map(fonts.can_draw, text))] == []
    assert {"[1]", "dog", "[2]", "[3]"} <= set(drawn)


def test_a_letter_that_another_font_has_is_drawn_with_it(monkeypatch):
    """The first font lacks arrows; a line then stands on one base line in two fonts."""
    fancy = fonts.ImageFont.truetype("DejaVuSans-Bold.ttf").path
    real = fonts._has
    monkeypatch.setattr(fonts, "_has", lambda file, c: real(file, c) if c != "→" else file == fancy)
    monkeypatch.setattr(fonts, "_all_files", lambda: (fancy,))
    fonts.file_with.cache_clear()
    letters = fonts.Lettering("plain", 30)

    assert fonts.file_with("→", "plain") == fancy
    assert [(run, chosen.path) for chosen, run in letters._runs("a → b")] == [
        ("a ", fonts._file("plain")),
        ("→ ", fancy),
        ("b", fonts._file("plain")),
    ]
    assert letters.getlength("a → b") == pytest.approx(
        sum(chosen.getlength(run) for chosen, run in letters._runs("a → b"))
    )


def test_plain_text_is_drawn_as_it_always_was():
    usual_way, ours = (Image.new("RGB", (300, 60)) for _ in range(2))
    ImageDraw.Draw(usual_way).text((10, 10), "a paper boat", fill=(255,) * 3, font=fonts.font("bold", 26))
    fonts.Lettering("bold", 26).draw(ImageDraw.Draw(ours), (10, 10), "a paper boat", (255,) * 3)

    assert np.array_equal(np.asarray(usual_way), np.asarray(ours))


def test_the_fonts_of_the_system_are_searched_in_a_good_order(monkeypatch, tmp_path):
    folder = tmp_path / "fonts" / "deep"
    folder.mkdir(parents=True)
    for name in ("Zed-BoldItalic.ttf", "Zed-Regular.ttf", "ASerif-Bold.otf", "read.me"):
        (folder / name).write_bytes(b"no font")
    monkeypatch.undo()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    fonts._all_files.cache_clear()
    try:
        assert [Path(name).name for name in fonts._all_files()] == [
            "Zed-Regular.ttf",
            "ASerif-Bold.otf",
            "Zed-BoldItalic.ttf",
        ]
        assert not fonts._has(fonts._all_files()[0], "a")  # a damaged font is no font
    finally:
        fonts._all_files.cache_clear()


def test_the_check_up_names_the_scripts_that_cannot_be_drawn():
    from seedance_nb.tracking.checkup import _fonts

    finding = _fonts()
    assert "Korean" in finding.found
    assert "fonts-noto-cjk" in finding.cure
