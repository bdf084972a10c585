"""References in the panel: files that come in pieces, clips and frames from the gallery, paths. Driven as a page would."""

import hashlib
import io

import numpy as np
import pytest
from notebook.panel.test_panel import answers, eventually, from_page, make, panel, session, wire
from PIL import Image

from seedance_nb.api.models import make_request
from seedance_nb.clips.saving import save
from seedance_nb.clips.trace import Trace
from seedance_nb.notebook.panel.file_drop import MOST_AT_ONCE, PIECE

__all__ = ["panel", "session", "wire"]


def picture(size=(64, 48), kind="PNG"):
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)).save(out, kind)
    return out.getvalue()


def piece(drop, which, offset, data):
    content = {"kind": "piece", "id": which, "offset": offset}
    drop.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": [memoryview(data)]})


def drop_file(panel, name, data, which="one"):
    """As a page does: each piece when it is asked for. What was said in the end."""
    from_page(panel.drop, {"kind": "begin", "id": which, "name": name, "size": len(data)})
    sent = 0
    while (asked := [said for said, _ in answers(panel.drop, "next") if said["id"] == which])[sent:]:
        offset = asked[sent]["offset"]
        sent += 1
        piece(panel.drop, which, offset, data[offset : offset + PIECE])

    def ends():
        return [said for kind in ("kept", "refused") for said, _ in answers(panel.drop, kind) if said["id"] == which]

    eventually(ends)
    return ends()[-1]


def test_a_dropped_file_comes_in_pieces_and_is_a_reference(panel):
    content = picture((1200, 1000))
    assert len(content) > 3 * PIECE

    said = drop_file(panel, "my <boat>.png", content)

    assert said["kind"] == "kept"
    [address] = panel.compose.request().media_urls
    assert panel.session.shelf.path(address).read_bytes() == content
    assert panel.compose.media.control.value == address
    assert "data:image/jpeg" in panel.compose.thumbnails.value
    assert 'alt="my &lt;boat&gt;.png"' in panel.compose.thumbnails.value
    assert drop_file(panel, "my boat.png", content, "two")["kind"] == "kept"
    assert panel.compose.request().media_urls == (address,)


@pytest.fixture
def saved(small_film, tmp_path):
    """A clip that was saved, so that it says what made it."""
    request = make_request("a {boat} > 3", model="seedance-2.0-fast", duration=7, extra={"seed": 7})
    content = small_film.read_bytes()
    return save(small_film, hashlib.sha256(content).hexdigest(), tmp_path / "saved.mp4", Trace(request, 2)), request


def test_a_saved_clip_that_is_dropped_offers_its_cell_and_stays_a_reference(panel, saved):
    path, request = saved
    said = drop_file(panel, "saved.mp4", path.read_bytes())

    assert (said["kind"], said["offer"]) == ("kept", "Give its cell")
    assert len(panel.compose.request().media_urls) == 1
    from_page(panel.drop, {"kind": "offer", "id": "one"})

    eventually(lambda: answers(panel.drop, "said"))
    assert "the form holds what made saved.mp4 (take 2)" in answers(panel.drop, "said")[-1][0]["text"]
    assert panel.compose.request() == request
    assert "take=2" in panel.frame.code["python"]
    assert "a {boat} > 3" in panel.frame.code["python"]


def test_other_films_and_pictures_offer_nothing(panel, small_film):
    assert drop_file(panel, "film.mp4", small_film.read_bytes(), "film")["offer"] == ""
    assert drop_file(panel, "boat.png", picture(), "boat")["offer"] == ""
    from_page(panel.drop, {"kind": "offer", "id": "film"})

    eventually(lambda: answers(panel.drop, "said"))
    assert "drop it again" in answers(panel.drop, "said")[-1][0]["text"]


def test_pieces_that_come_twice_or_from_nowhere_do_no_harm(panel):
    content = picture((1200, 1000))
    begin = {"kind": "begin", "id": "a", "name": "boat.png", "size": len(content)}
    from_page(panel.drop, begin)
    piece(panel.drop, "a", 0, content[:PIECE])
    piece(panel.drop, "a", 0, content[:PIECE])
    piece(panel.drop, "a", 2 * PIECE, content[2 * PIECE : 3 * PIECE])
    from_page(panel.drop, begin)  # after a line that was cut: where was I?
    assert [said["offset"] for said, _ in answers(panel.drop, "next")] == [0, PIECE, PIECE]
    piece(panel.drop, "a", PIECE, content[PIECE:] + b"and more than was said")

    eventually(lambda: answers(panel.drop, "kept"))
    [address] = panel.compose.request().media_urls
    assert panel.session.shelf.path(address).read_bytes() == content
    from_page(panel.drop, begin)
    piece(panel.drop, "a", 0, content[:PIECE])
    assert len(answers(panel.drop, "kept")) == 2, "told again, and not taken for a new file"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.png", b"", "empty.png is empty"),
        ("notes.txt", b"hello", "is no picture"),
        ("dot.png", picture((3, 3)), "3 × 3 pixels"),
        ("half.png", picture()[:400], "cannot be read whole"),
    ],
)
def test_what_is_no_reference_is_said_in_one_line(panel, name, content, words):
    said = drop_file(panel, name, content)
    assert said["kind"] == "refused"
    assert words in said["text"]
    assert "nothing was sent and nothing charged" in said["text"]
    assert "\n" not in said["text"]
    assert panel.compose.media.control.value == ""


def test_what_is_too_large_is_refused_before_a_byte_of_it(panel):
    for size, words in ((400_000_000, "has 400 MB"), (-1, "cannot be read"), ("7", "cannot be read")):
        from_page(panel.drop, {"kind": "begin", "id": str(size), "name": "film.mp4", "size": size})
        assert words in answers(panel.drop, "refused")[-1][0]["text"]
    assert answers(panel.drop, "next") == []


def test_files_that_nobody_sends_on_do_not_gather(panel):
    for number in range(MOST_AT_ONCE + 1):
        from_page(panel.drop, {"kind": "begin", "id": f"f{number}", "name": "a.png", "size": 10})
    piece(panel.drop, "f0", 0, b"x")
    assert "given up" in answers(panel.drop, "refused")[-1][0]["text"]
    from_page(panel.drop, {"kind": "stop", "id": "f1"})
    assert panel.drop._coming.keys() == {"f2", "f3", "f4"}


def test_a_clip_of_the_gallery_and_its_frames_are_references(panel):
    job = make(panel)
    from_page(panel.gallery, {"kind": "frames", "key": job.key, "view": "v"})
    eventually(lambda: answers(panel.gallery, "frames"))
    told, pictures = answers(panel.gallery, "frames")[-1]
    assert told["moments"][0] == 0
    assert told["moments"][-1] is None
    assert len(told["moments"]) == len(pictures) == 6
    assert Image.open(io.BytesIO(pictures[-1])).size[0] == 160

    for count, (moment, words) in enumerate(
        [("all", "is a reference"), (told["moments"][2], "the frame at"), (None, "the last frame")], 1
    ):
        from_page(panel.gallery, {"kind": "reference", "key": job.key, "moment": moment, "view": "v"})
        eventually(lambda count=count: len(answers(panel.gallery, "referred")) == count)
        assert words in answers(panel.gallery, "referred")[-1][0]["text"]

    shelf = panel.session.shelf
    last, between, whole = panel.compose.request().media_urls
    assert whole == shelf.address(job.clip)
    assert last == shelf.address(job.clip.frame(-1)) == shelf.address(list(job.clip.frames())[-1])
    assert between == shelf.address(job.clip.frame(told["moments"][2]))
    assert panel.compose.thumbnails.value.count("data:image/jpeg") == 3, "a video has a still too"


def test_a_frame_that_is_not_there_is_said_at_the_clip(panel):
    job = make(panel)
    for moment in (99, "odd", float("nan"), -0.5):
        said = len(answers(panel.gallery, "trouble"))
        from_page(panel.gallery, {"kind": "reference", "key": job.key, "moment": moment, "view": "v"})
        eventually(lambda said=said: len(answers(panel.gallery, "trouble")) > said)
    assert panel.compose.media.control.value == ""


def test_a_path_that_is_typed_is_read_anew_when_its_file_has_changed(panel, tmp_path, monkeypatch):
    import os

    path = tmp_path / "a boat.png"
    path.write_bytes(picture())
    os.utime(path, (1000, 1000))
    reads = []
    real = panel.session.shelf._put_file
    monkeypatch.setattr(panel.session.shelf, "_put_file", lambda given: reads.append(given) or real(given))
    panel.compose.media.control.value = str(path)
    panel.compose.prompt.control.value = "a boat that sails"
    first = panel.compose.request().media_urls
    assert len(reads) == 1

    path.write_bytes(picture((48, 64)))
    os.utime(path, (2000, 2000))
    assert panel.compose.request().media_urls == (panel.session.shelf.address(path),) != first
