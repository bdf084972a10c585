"""A grid as a picture and as a film: real clips go in, and what a viewer sees comes out."""

import itertools
import os
import threading

import av
import numpy as np
import pytest
from clips import odd_films
from grids.films.film_grids import clip_of, decoded, lay_out, picture_of, usual
from PIL import Image

from seedance_nb.api.models import Status
from seedance_nb.clips.store import Clips
from seedance_nb.errors import ClipError, ConfigurationError, InvalidRequest
from seedance_nb.grids.films import films
from seedance_nb.grids.films import fit as film_fit
from seedance_nb.grids.films import page as film_page
from seedance_nb.grids.films import sound as film_sound
from seedance_nb.grids.films.films import contact_sheet, side_by_side
from seedance_nb.grids.films.layout import receipt, subtitle, tables, title


def page_of(picture, *, film=True, rows=None, columns=None):
    """The page that a film or sheet of this grid stands on."""
    laid = tables(picture, rows, columns)
    if not film:
        return film_fit.fit(picture, laid, films.STRIP)
    largest = max((tile.clip.width * tile.clip.height) ** 0.5 for tile in picture.tiles if tile.clip)
    return film_fit.fit(picture, laid, films.dataclasses.replace(films.SCREEN, largest=largest))


def inside(pixels, place, share=0.9):
    """The middle of a place, as an array; its edges are left out because scaling blurs them."""
    pad_x, pad_y = int(place.width * (1 - share) / 2), int(place.height * (1 - share) / 2)
    return pixels[
        place.top + pad_y : place.top + place.height - pad_y, place.left + pad_x : place.left + place.width - pad_x
    ]


def apart(one, other):
    """Mean difference of two pictures, each first made 32 x 18 pixels small."""
    small = [
        np.asarray(Image.fromarray(pixels).resize((32, 18), Image.Resampling.BOX), dtype=float)
        for pixels in (one, other)
    ]
    return float(np.abs(small[0] - small[1]).mean())


def boxes(data):
    names, at = [], 0
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return names


@pytest.fixture(scope="module")
def mixed():
    """Two prompts by two shapes; the clips have four lengths from 0.25 to 1 s."""
    seconds = itertools.cycle((1, 0.25, 0.75, 0.5))
    axes = lay_out("A {animal} jumps over the fence", animal=["cat", "dog"], aspect_ratio=["16:9", "9:16"])
    return picture_of(axes, lambda cell: usual(cell, seconds=next(seconds)))


@pytest.fixture(scope="module")
def film(mixed, tmp_path_factory):
    return side_by_side(mixed, tmp_path_factory.mktemp("film") / "grid.mp4")


@pytest.fixture(scope="module")
def frames(film):
    return decoded(film)


# The film ------------------------------------------------------------------------------------------------


def test_the_film_is_what_every_browser_plays(film):
    with av.open(str(film)) as reader:
        context = reader.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.codec_tag) == ("h264", "yuv420p", "avc1")
        assert (context.color_range, context.colorspace) == (1, 1)
        assert (context.width % 2, context.height % 2) == (0, 0)
        assert context.width <= 1920
        assert context.height <= 1080


def test_its_index_comes_before_its_pictures(film):
    names = boxes(film.read_bytes())
    assert names.index("moov") < names.index("mdat")


def test_it_is_as_long_as_the_longest_clip(film, frames):
    with av.open(str(film)) as reader:
        stream = reader.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(1, abs=0.001)
        assert float(stream.average_rate) == 24
    assert len(frames) == 24


@pytest.mark.parametrize("number", [0, 3, 11, 23])
def test_at_every_moment_each_tile_shows_its_own_clip_and_a_short_one_its_last_frame(mixed, frames, number):
    page = page_of(mixed)
    own = [decoded(slot.tile.clip.path) for slot in page.slots]
    for mine, slot in enumerate(page.slots):
        shown = inside(frames[number], slot.pictures[0])
        differences = [apart(shown, inside_whole(clip[min(number, len(clip) - 1)])) for clip in own]
        assert differences[mine] < 3, (mine, differences)
        assert min(differences) == differences[mine]


def inside_whole(pixels):
    return inside(pixels, film_page.Place(0, 0, pixels.shape[1], pixels.shape[0]))


def test_a_clip_in_step_is_at_the_same_frame_as_the_film(mixed, frames):
    page = page_of(mixed)
    clip = decoded(page.slots[0].tile.clip.path)
    assert len(clip) == 24
    for number in (0, 5, 12, 20, 23):
        shown = inside(frames[number], page.slots[0].pictures[0])
        nearest = min(range(24), key=lambda n: apart(shown, inside_whole(clip[n])))
        assert nearest == number


def test_no_picture_leaves_its_shape(mixed):
    for slot in page_of(mixed).slots:
        place, clip = slot.pictures[0], slot.tile.clip
        assert place.width / place.height == pytest.approx(clip.width / clip.height, rel=0.02)


def test_clips_of_different_frame_rates_play_by_the_clock(tmp_path):
    rates = {1: 12, 2: 24, 3: 30}
    picture = picture_of(
        lay_out("A cat", takes=3), lambda c: clip_of("A cat", take=c.take, fps=rates[c.take], seconds=1)
    )

    film = decoded(side_by_side(picture, tmp_path / "grid.mp4"))

    assert len(film) == 24
    for slot in page_of(picture).slots:
        rate, clip = rates[slot.tile.cell.take], decoded(slot.tile.clip.path)
        for number in (1, 9, 17, 23):
            shown = inside(film[number], slot.pictures[0])
            nearest = min(range(len(clip)), key=lambda n: apart(shown, inside_whole(clip[n])))
            assert nearest == int(number / 24 * rate + 1e-6)


def test_a_frame_rate_that_all_clips_share_is_kept(tmp_path):
    picture = picture_of(lay_out("A cat", takes=2), lambda c: clip_of("A cat", take=c.take, fps=30, seconds=0.2))
    with av.open(str(side_by_side(picture, tmp_path / "grid.mp4"))) as reader:
        assert (float(reader.streams.video[0].average_rate), reader.streams.video[0].frames) == (30, 6)


@pytest.mark.parametrize(
    ("fps", "rate"), [([23.976, 23.976], "24000/1001"), ([29.97], "30000/1001"), ([24.0, 30.0], "24"), ([240.0], "24")]
)
def test_the_rate_of_the_film(fps, rate):
    clips = [films.Clip(None, None, 1, 2, 2, each, 1.0, "") for each in fps]
    assert str(films._common_rate(clips)) == rate


def test_another_label_changes_its_own_band_and_nothing_else():
    clip = clip_of("a cat jumps")
    one, other = (
        page_of(picture_of(lay_out("a {w} jumps", w=["cat", word]), lambda _: clip)) for word in ("dog", "fox")
    )
    changed = np.asarray(one.draw(film_page.SCREEN)) != np.asarray(other.draw(film_page.SCREEN))
    rows, columns, _ = np.nonzero(changed)
    box = one.slots[1].box
    assert len(rows)
    assert rows.max() < box.top
    assert rows.min() > one.words[1].top
    assert columns.min() >= box.left


def test_the_labels_are_in_the_film(mixed, frames):
    words = page_of(mixed).draw(film_page.SCREEN)
    assert words.size == (frames[0].shape[1], frames[0].shape[0])
    heading = next(w for w in page_of(mixed).words if w.lines == ("9:16",))
    band = np.s_[heading.top : heading.top + heading.height, heading.left : heading.left + 60]
    assert np.asarray(words)[band].max() > 200
    assert np.abs(np.asarray(words)[band].astype(int) - frames[12][band]).mean() < 6


def test_cells_without_a_clip_stand_there_as_a_box_that_says_why(tmp_path):
    said = {"cat": None, "dog": "the filter stopped it", "fox": Status.QUEUED, "hen": clip_of("a hen")}
    picture = picture_of(lay_out("a {w}", w=list(said)), lambda cell: said[cell.values["w"]])
    page = page_of(picture)

    film = decoded(side_by_side(picture, tmp_path / "grid.mp4"))

    drawn = np.asarray(page.draw(film_page.SCREEN))
    for slot in page.slots[:3]:
        seen = inside(film[0], slot.box)
        assert apart(seen, inside(drawn, slot.box)) < 4
        assert (seen.max(axis=2) > 150).sum() > 50
    reasons = [(inside(drawn, slot.box) == film_page.SCREEN.quiet).all(axis=2).sum() for slot in page.slots[:3]]
    assert [count > 20 for count in reasons] == [False, True, False]


def test_a_clip_whose_file_is_gone_becomes_a_box_and_the_others_play(tmp_path):
    good, gone = clip_of("a cat"), films.dataclasses.replace(clip_of("a dog"), path=tmp_path / "gone.mp4")
    picture = picture_of(lay_out("a {w}", w=["cat", "dog"]), lambda c: gone if c.index else good)

    film = decoded(side_by_side(picture, tmp_path / "grid.mp4"))

    first, second = page_of(picture).slots
    assert apart(inside(film[0], first.pictures[0]), inside_whole(decoded(good.path)[0])) < 3
    assert np.median(inside(film[0], second.box)) == pytest.approx(film_page.SCREEN.box[0], abs=4)


def test_a_broken_file_is_no_reason_to_fail_either(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip_of("a dog").path.read_bytes()[:5000])
    bad = films.dataclasses.replace(clip_of("a dog"), path=broken)
    picture = picture_of(lay_out("a {w}", w=["cat", "dog"]), lambda c: bad if c.index else clip_of("a cat"))
    assert len(decoded(side_by_side(picture, tmp_path / "grid.mp4"))) == 6
    with Image.open(contact_sheet(picture, tmp_path / "grid.png")) as sheet:
        assert sheet.format == "PNG"


def test_without_any_clip_there_is_no_film(tmp_path):
    with pytest.raises(InvalidRequest, match=r"no cell of this grid has a clip yet; grid\.result\(\)"):
        side_by_side(picture_of(lay_out("a {w}", w=["cat", "dog"]), lambda _: None), tmp_path / "grid.mp4")
    assert list(tmp_path.iterdir()) == []


def test_with_no_readable_clip_there_is_no_film(tmp_path):
    gone = films.dataclasses.replace(clip_of("a dog"), path=tmp_path / "gone.mp4")
    with pytest.raises(ClipError, match="none of the 2 clips can be read"):
        side_by_side(picture_of(lay_out("a dog", takes=2), lambda _: gone), tmp_path / "grid.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.browser
def test_the_film_plays_in_chromium(film, tmp_path):
    from browser.lab import Browser

    page = tmp_path / "page.html"
    page.write_text(f'<!doctype html><video src="{film.as_uri()}" muted loop></video>')
    with Browser() as browser:
        played = browser.open(page.as_uri()).play_check()
    with av.open(str(film)) as reader:
        assert (played["width"], played["height"]) == (reader.streams.video[0].width, reader.streams.video[0].height)
    assert (played["readyState"], played["error"]) == (4, None)
    assert played["duration"] == pytest.approx(1, abs=0.01)


# The contact sheet ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sheet(mixed, tmp_path_factory):
    with Image.open(contact_sheet(mixed, tmp_path_factory.mktemp("sheet") / "grid.png")) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_every_cell_of_the_sheet_shows_first_middle_and_last_frame(mixed, sheet):
    page = page_of(mixed, film=False)
    assert sheet.shape[:2] == (page.height, page.width)
    for slot in page.slots:
        clip = decoded(slot.tile.clip.path)
        for place, number in zip(slot.pictures, (0, len(clip) // 2, len(clip) - 1), strict=True):
            shown = inside(sheet, place)
            assert apart(shown, inside_whole(clip[number])) < 3
            nearest = min(range(len(clip)), key=lambda n: apart(shown, inside_whole(clip[n])))
            assert abs(nearest - number) <= (number not in (0, len(clip) - 1))


def test_a_sheet_of_many_cells_shows_one_frame_each_and_stays_narrow(tmp_path):
    clip = clip_of("a cat")
    picture = picture_of(lay_out("a {x}", x=[f"cat {n}" for n in range(12)], takes=10), lambda _: clip)
    with Image.open(contact_sheet(picture, tmp_path / "grid.png")) as sheet:
        width, height = sheet.size
    assert width <= 2400
    assert height < 2400


def test_a_grid_of_one_hundred_and_twenty_cells_fits_into_a_film():
    clip = clip_of("a cat")
    for picture in (
        picture_of(lay_out("a {x}", x=[f"cat {n}" for n in range(12)], takes=10), lambda _: clip),
        picture_of(lay_out("a cat", takes=120), lambda _: clip),
    ):
        room = films.dataclasses.replace(films.SCREEN, receipts=False)
        page = film_fit.fit(picture, tables(picture, None, None), room)
        assert room.holds(page)
        assert page.scale >= films.LEAST


def test_too_many_cells_are_refused_with_the_cure(tmp_path):
    clip = clip_of("a cat")
    picture = picture_of(lay_out("a cat", takes=1000), lambda _: clip)
    with pytest.raises(InvalidRequest, match=r"1,000 cells.*too many for a film.*where="):
        side_by_side(picture, tmp_path / "grid.mp4")


# The page ------------------------------------------------------------------------------------------------

LAYOUTS = {
    "one cell": lay_out("a cat"),
    "takes": lay_out("a cat", takes=7),
    "three axes": lay_out("a {a}", a=["cat", "dog"], model=["seedance-2.0", "seedance-2.0-fast"], takes=3),
    "four axes": lay_out("a {a}", a=["cat", "dog"], duration=[5, 10], resolution=["480p", "720p"], takes=2),
    "zip": lay_out("a {a} {b}", a=["cat", "dog", "hen"], b=["runs", "eats", "digs"], mode="zip"),
    "shapes": lay_out("a cat", aspect_ratio=["16:9", "9:16", "1:1", "21:9"]),
    "long words": lay_out(
        "a {a}", a=["W" * 300, "word " * 60, "가을 숲을 지나는 강" * 9, "\u0301\x00\x1b[31m😀"], duration=[5, 10]
    ),
    "where": lay_out("a {a}", a=["cat", "dog"], duration=[5, 10], where=lambda c: c.a != "dog" or c.duration == 5),
    "two rows alike": lay_out([{"prompt": "a cat", "n": 1}, {"prompt": "a cat", "n": 1}]),
}


@pytest.mark.parametrize("axes", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("room", [films.STRIP, films.SHEET, films.SCREEN], ids=["strip", "sheet", "film"])
def test_every_cell_has_its_place_and_no_two_share_one(axes, room):
    picture = picture_of(axes, lambda _: None)
    page = film_fit.fit(picture, tables(picture, None, None), room)

    assert sorted(slot.tile.cell.index for slot in page.slots) == list(range(len(picture.tiles)))
    assert room.holds(page)
    taken = np.zeros((page.height, page.width), dtype=int)
    for slot in page.slots:
        for place in (*slot.pictures, slot.caption):
            assert place.left + place.width <= page.width
            taken[place.top : place.top + place.height, place.left : place.left + place.width] += 1
        assert slot.caption.height >= page.caption_size
        assert all(value % 2 == 0 for p in slot.pictures for value in (p.left, p.top, p.width, p.height))
    assert taken.max() == 1


@pytest.mark.parametrize("axes", LAYOUTS.values(), ids=LAYOUTS)
def test_no_words_run_over_a_picture_or_off_the_page(axes):
    picture = picture_of(axes, lambda _: None)
    page = film_fit.fit(picture, tables(picture, None, None), films.SCREEN)
    for words in page.words:
        wide = max((film_page.text_length(line, words.size, bold=words.bold) for line in words.lines), default=0)
        assert words.left + wide <= page.width
        for slot in page.slots:
            over_x = words.left < slot.box.left + slot.box.width and slot.box.left < words.left + wide
            over_y = words.top < slot.box.top + slot.box.height and slot.box.top < words.top + words.height
            assert not (over_x and over_y), (words, slot.box)


def test_takes_of_one_cell_stand_together():
    table = tables(picture_of(LAYOUTS["three axes"], lambda _: None), None, None)[0]
    assert [row.label for row in table.rows] == ["cat", "dog"]
    assert [(c.label, c.detail) for c in table.columns[:4]] == [
        ("seedance-2.0", "take 1"),
        ("seedance-2.0", "take 2"),
        ("seedance-2.0", "take 3"),
        ("seedance-2.0-fast", "take 1"),
    ]


def test_rows_and_columns_can_be_chosen():
    picture = picture_of(LAYOUTS["three axes"], lambda _: None)
    table = tables(picture, "take", "a")[0]
    assert (table.row_title, table.column_title) == ("take", "a, model")
    assert tables(picture, None, "a")[0].row_title == "model"
    assert tables(picture, "model", None)[0].column_title == "a, take"


def test_axes_that_vary_together_leave_no_empty_places():
    table = tables(picture_of(LAYOUTS["zip"], lambda _: None), None, None)[0]
    assert [column.label for column in table.columns] == ["cat · runs", "dog · eats", "hen · digs"]
    assert len(table.rows) == 1


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        ("modle", None, "did you mean 'model'"),
        ("a", "a", "cannot both be 'a'"),
        (None, "zoom", "is no axis of this grid"),
    ],
)
def test_a_name_that_is_no_axis_is_refused_in_one_line(tmp_path, rows, columns, said):
    picture = picture_of(LAYOUTS["three axes"], lambda _: None)
    with pytest.raises(InvalidRequest, match=said):
        contact_sheet(picture, tmp_path / "grid.png", rows=rows, columns=columns)


def test_a_grid_without_cells_is_refused(tmp_path):
    empty = picture_of(lay_out("a {a}", a=["cat"], where=lambda _: False), lambda _: None)
    with pytest.raises(InvalidRequest, match="no cells to show"):
        contact_sheet(empty, tmp_path / "grid.png")


# What it says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompts", "said"),
    [
        (["a cat jumps over the fence"], "a cat jumps over the fence"),
        (["a cat jumps over the fence", "a dog jumps over the fence"], "a … jumps over the fence"),
        (["boats on a lake at dawn", "boats under a bridge at dawn"], "boats … at dawn"),
        (["slow cat", "quick dog"], "2 prompts"),
        (["a cat runs", "a dog runs", "a cat sleeps"], "3 prompts"),
    ],
)
def test_the_title_holds_what_the_prompts_have_in_common(prompts, said):
    assert title(picture_of(lay_out(prompts), lambda _: None)) == said


def test_below_it_stands_what_all_requests_share_and_what_came_of_them():
    axes = lay_out("a cat", duration=[5, 10], resolution="480p")
    picture = picture_of(axes, lambda cell: None if cell.index else clip_of("a cat"))
    assert subtitle(picture) == "seedance-2.0 · 16:9 · 480p · 1 of 2 clips · 0 credits"


def test_the_receipt_finds_the_clip_again():
    clip = clip_of("a cat", take=2)
    tile = picture_of(lay_out("a cat", takes=2), lambda _: clip).tiles[1]
    assert receipt(tile) == f"take 2 · 20 credits · {clip.sha256[:8]}"


# The file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("write", "name"), [(contact_sheet, "grid.png"), (side_by_side, "grid.mp4")])
def test_a_missing_folder_is_named(tmp_path, write, name):
    picture = picture_of(lay_out("a cat"), usual)
    with pytest.raises(ConfigurationError, match=r"there is no folder .*nowhere; create it first"):
        write(picture, tmp_path / "nowhere" / name)


@pytest.mark.parametrize(("write", "name"), [(contact_sheet, "grid.png"), (side_by_side, "grid.mp4")])
def test_it_replaces_what_stood_there_and_leaves_nothing_else(tmp_path, write, name):
    (tmp_path / name).write_bytes(b"old")
    mask = os.umask(0)
    os.umask(mask)

    path = write(picture_of(lay_out("a cat"), usual), str(tmp_path / name))

    assert path == tmp_path / name
    assert path.stat().st_size > 1000
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask  # to be shared, so no private file
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("write", "name"), [(contact_sheet, "grid.png"), (side_by_side, "grid.mp4")])
def test_a_place_that_cannot_be_written_is_one_line_and_no_litter(tmp_path, write, name):
    (tmp_path / name).mkdir()
    with pytest.raises(ConfigurationError, match="could not be written"):
        write(picture_of(lay_out("a cat"), usual), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_interrupt_between_two_frames_leaves_the_old_film(tmp_path, monkeypatch):
    path = tmp_path / "grid.mp4"
    path.write_bytes(b"old")
    pasted = itertools.count()

    def interrupted(*_):
        if next(pasted) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(films, "_paste", interrupted)
    with pytest.raises(KeyboardInterrupt):
        side_by_side(picture_of(lay_out("a cat"), usual), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_it_can_be_called_from_several_threads_at_once(tmp_path):
    picture = picture_of(lay_out("a cat", takes=2), usual)
    threads = [threading.Thread(target=side_by_side, args=(picture, tmp_path / f"{n}.mp4")) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(decoded(tmp_path / f"{n}.mp4")) for n in range(2)] == [6, 6]


# What a player shows ----------------------------------------------------------------------------------------------------


def odd_picture(tmp_path, make):
    """Two cells, each with a clip that `make(path)` writes."""
    clips = Clips(tmp_path / "clips")
    clips.folder.mkdir()

    def admitted(cell):
        source = make(tmp_path / "film.mp4")
        return clips.admit(f"j{cell.index}", source)

    return picture_of(lay_out("A {animal} jumps", animal=["cat", "dog"]), admitted)


ODD = {
    **{how: lambda path, how=how: odd_films.turn(odd_films.film(path, 320, 192), how) for how in odd_films.TURNS},
    "wide pixels": lambda path: odd_films.film(path, 320, 192, sar=(3, 2)),
    "HEVC": lambda path: odd_films.film(
        path, 320, 192, codec="libx265", options={"x265-params": "log-level=none"}
    ),
    "cut": lambda path: odd_films.cut_to(odd_films.film(path, 320, 192), 160, 96),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_sheet_and_film_show_a_clip_as_a_player_does(tmp_path, kind):
    picture = odd_picture(tmp_path, ODD[kind])
    clip = picture.tiles[0].clip
    with Image.open(clip.poster) as poster:
        expected = odd_films.corners(poster)
    pages = [(page_of(picture, film=False), np.asarray(Image.open(contact_sheet(picture, tmp_path / "sheet.png"))))]
    pages.append((page_of(picture), decoded(side_by_side(picture, tmp_path / "film.mp4"))[3]))

    for page, shown in pages:
        for slot in page.slots:
            for place in slot.pictures:
                assert odd_films.corners(Image.fromarray(inside(shown, place, share=1))) == expected
                assert place.width / place.height == pytest.approx(clip.width / clip.height, rel=0.03)


# What is heard ----------------------------------------------------------------------------------------------------------


def pitch_of(path):
    """(the strongest frequency, when it begins, when it ends) of a film, or None where it has no sound."""
    with av.open(str(path)) as reader:
        if not reader.streams.audio:
            return None
        rate = reader.streams.audio[0].rate
        frames = [(frame.time, frame.to_ndarray()[0]) for frame in reader.decode(audio=0)]
    loud = [time for time, wave in frames if float(np.abs(wave).mean()) > 0.02]
    whole = np.concatenate([wave for _, wave in frames])
    strongest = np.argmax(np.abs(np.fft.rfft(whole))) * rate / len(whole)
    return round(float(strongest), -1), loud[0], loud[-1] + 1024 / rate


@pytest.fixture
def heard(tmp_path):
    """Three cells: 440 Hz, none, 660 Hz that begins late and outlasts its picture."""
    clips = Clips(tmp_path / "clips")
    clips.folder.mkdir()
    kinds = [
        {"sound": "aac", "seconds": 1},
        {"seconds": 2},
        {"sound": "ac3", "seconds": 1, "sound_at": 0.5, "sound_seconds": 3, "pitch": 660, "layout": "5.1"},
    ]

    def admitted(cell):
        source = odd_films.film(tmp_path / "film.mp4", **kinds[cell.index])
        return clips.admit(f"j{cell.index}", source)

    return picture_of(lay_out("A {animal} jumps", animal=["cat", "dog", "hen"]), admitted)


def about(picture, sound=None):
    """The line below the title of the film's page."""
    tile = film_sound.tile_heard(picture, sound)
    room = films.dataclasses.replace(films.SCREEN, about=film_sound.caption(picture, tile))
    return film_fit.fit(picture, tables(picture, None, None), room).words[1].lines[0]


def test_a_film_of_clips_with_sound_says_that_it_has_none(heard, tmp_path):
    assert pitch_of(side_by_side(heard, tmp_path / "film.mp4")) is None
    assert about(heard).startswith("without sound · ")


def test_a_film_of_silent_clips_says_nothing_of_sound(tmp_path):
    silent = picture_of(lay_out("A {animal} jumps", animal=["cat", "dog"]), usual)

    assert "sound" not in about(silent)


def test_a_film_carries_the_sound_of_the_cell_that_is_named(heard, tmp_path):
    pitch, begins, ends = pitch_of(side_by_side(heard, tmp_path / "film.mp4", sound=1))

    assert pitch == 440
    assert begins < 0.1
    assert ends == pytest.approx(1, abs=0.15)
    assert about(heard, 1).startswith("sound of cell 1 · ")


def test_its_sound_is_in_step_and_ends_with_the_film(heard, tmp_path):
    path = side_by_side(heard, tmp_path / "film.mp4", sound=heard.tiles[2].clip)
    pitch, begins, ends = pitch_of(path)

    assert pitch == 660
    assert begins == pytest.approx(0.5, abs=0.1)
    assert ends == pytest.approx(2, abs=0.15)
    with av.open(str(path)) as reader:
        assert len(list(reader.decode(video=0))) == 48
        assert {s.codec_context.name for s in reader.streams} == {"h264", "aac"}
    assert boxes(path.read_bytes())[:2] == ["ftyp", "moov"]


def test_sound_counts_from_the_first_picture_for_there_the_film_begins(tmp_path):
    late = odd_picture(
        tmp_path,
        lambda path: odd_films.film(path, seconds=1, picture_at=0.5, sound="aac", sound_at=0.8, sound_seconds=0.5),
    )
    _, begins, ends = pitch_of(side_by_side(late, tmp_path / "out.mp4", sound=1))

    assert begins == pytest.approx(0.3, abs=0.08)
    assert ends == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize(
    ("sound", "words"),
    [
        (2, "cell 2 has no sound; there is sound in cell 1, cell 3"),
        (4, "cell 4 is no clip of this film; there is sound in cell 1, cell 3"),
        (0, "cell 0 is no clip of this film"),
        (True, "sound= wants the number of a cell"),
        ("cat", "sound= wants the number of a cell"),
        (np.int64(2), "cell 2 has no sound"),
        (1.0, "sound= wants the number of a cell"),
    ],
)
def test_a_sound_that_there_is_not_is_refused_before_any_work(heard, tmp_path, sound, words):
    with pytest.raises(InvalidRequest, match=words):
        side_by_side(heard, tmp_path / "film.mp4", sound=sound)
    assert not (tmp_path / "film.mp4.part").exists()


def test_a_sound_that_is_broken_is_told_and_leaves_no_film(tmp_path):
    def broken(path):
        data = bytearray(odd_films.film(path, sound="ac3", seconds=1).read_bytes())
        with av.open(str(path)) as reader:
            places = [(packet.pos, packet.size) for packet in reader.demux(audio=0) if packet.size]
        for at, size in places:
            data[at : at + size] = bytes(size)
        path.write_bytes(data)
        return path

    with pytest.raises(ClipError, match=r"the sound of j1\.mp4 cannot be decoded"):
        side_by_side(odd_picture(tmp_path, broken), tmp_path / "out.mp4", sound=2)
    assert not list(tmp_path.glob("*out*"))


def test_the_sound_of_a_clip_that_an_older_version_recorded_is_looked_for(heard):
    old = [
        films.dataclasses.replace(
            tile,
            snapshot=films.dataclasses.replace(tile.snapshot, clip=films.dataclasses.replace(tile.clip, sound=None)),
        )
        for tile in heard.tiles
    ]
    picture = films.dataclasses.replace(heard, tiles=tuple(old))

    assert about(picture).startswith("without sound")
