"""A clip that not every browser plays: a preview in H.264 is what everything shows, with a line that says so."""

import base64
import io
import re

import av
import comm
import ipywidgets
import pytest
from clips import odd_films
from comm.base_comm import BaseComm

from seedance_nb.clips.store import Clips, shown_file
from seedance_nb.grids.ballots.page import write_ballot
from seedance_nb.grids.films.frames import stills
from seedance_nb.grids.films.page import Place
from seedance_nb.grids.opening import open_grid
from seedance_nb.grids.walls import sources as wall_sources
from seedance_nb.grids.walls.wall import wall_html, write_page
from seedance_nb.notebook import display
from seedance_nb.notebook.ballot.ballot import Ballot
from seedance_nb.notebook.card import job_display
from seedance_nb.notebook.panel.panel import Panel
from seedance_nb.pages.job_page import final_html
from seedance_nb.simulator import film
from seedance_nb.tracking.session import Session

PLENTY = 10**9
WHY = "not every browser plays this clip (MPEG-4 part 2 video)"


class Wire(BaseComm):
    """A comm that keeps what was sent."""

    def __init__(self, *args, **kwargs):
        self.sent = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self.sent.append((msg_type, data or {}, buffers or []))

    def clips(self):
        return [bytes(b[0]) for _, data, b in self.sent if data.get("content", {}).get("kind") == "clip"]


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)
    yield
    ipywidgets.Widget.close_all()


@pytest.fixture
def session(simulator, workplace, monkeypatch):
    """Its service makes MPEG-4 part 2 with AC-3 sound: a grey player in every browser."""
    colours = iter(range(20, 250, 20))

    def render(path, **_):
        pixels = odd_films.quadrants(160, 96)
        pixels[:4] = next(colours)
        odd_films.film(path, codec="mpeg4", sound="ac3", pixels=pixels)

    monkeypatch.setattr(film, "render", render)
    with Session(api_key="sd2_test_key", base_url=simulator.base_url, home=workplace) as session:
        yield session


@pytest.fixture
def job(session):
    job = session.submit("a paper boat", duration=4, resolution="480p")
    job.result(60)
    return job


@pytest.fixture
def grid(session):
    grid = open_grid(session, "a {animal}", animal=["cat", "dog"], duration=4, resolution="480p")
    grid.submit()
    grid.result(60)
    return grid


def kind(mp4):
    with av.open(io.BytesIO(mp4)) as reader:
        video, sounds = reader.streams.video[0].codec_context, reader.streams.audio
        return video.name, video.pix_fmt, sounds[0].codec_context.name if sounds else ""


def videos(html):
    return [base64.b64decode(mp4) for mp4 in re.findall(r'data:video/mp4;base64,([^"]+)"', html)]


PLAYED = ("h264", "yuv420p", "aac")


def test_the_figure_shows_a_preview_says_why_and_names_the_original(job):
    html = final_html(job.snapshot, PLENTY)

    assert [kind(mp4) for mp4 in videos(html)] == [PLAYED]
    assert WHY in html
    assert job.clip.path.name in html
    assert (job.clip.codec, kind(job.clip.bytes())[0]) == ("mpeg4", "mpeg4")  # the original is as it came


def test_the_clip_itself_shows_a_preview_too(job):
    html = display._clip_html(job.clip)

    assert [kind(mp4) for mp4 in videos(html)] == [PLAYED]
    assert WHY in html


def test_the_card_that_heals_itself_gets_the_preview(job):
    assert kind(job_display.clip_bytes(job)) == PLAYED


@pytest.mark.parametrize("limit", [PLENTY, 30_000, 1])
def test_the_wall_shows_previews(grid, limit):
    html = wall_html(grid.picture(), embed_limit=limit)

    assert all(kind(mp4) == PLAYED for mp4 in videos(html))
    assert len(videos(html)) == (0 if limit == 1 else 2)
    assert html.count(WHY) == len(videos(html))


def test_an_original_that_is_smaller_than_its_preview_is_not_shown_in_its_place(tmp_path):
    clips = Clips(tmp_path / "clips")
    clips.folder.mkdir()
    clip = clips.admit("j1", odd_films.film(tmp_path / "film.mp4", 16, 16, codec="mpeg4", seconds=0.05))
    assert clip.size < shown_file(clip).stat().st_size

    assert wall_sources._preview(clip) == shown_file(clip)


def test_an_exported_page_shows_previews_and_names_no_place_of_this_machine(grid, tmp_path):
    html = write_page(grid.picture(), tmp_path / "page.html").read_text()

    assert [kind(mp4) for mp4 in videos(html)] == [PLAYED, PLAYED]
    assert html.count(f"{WHY}; the original is kept") == 2
    assert str(tmp_path) not in html


def test_a_page_with_files_beside_it_has_the_originals_beside_it_too(grid, tmp_path):
    path = write_page(grid.picture(), tmp_path / "page.html", embed=False)
    html = path.read_text()

    shown = [(path.parent / src).read_bytes() for src in re.findall(r'<video [^>]*src="([^"]+)"', html)]
    linked = [(path.parent / href).read_bytes() for href in re.findall(r'<a href="([^"]+)"', html)]
    assert [kind(mp4) for mp4 in shown] == [PLAYED, PLAYED]
    assert linked == [job.clip.bytes() for job in grid.jobs]
    assert str(tmp_path) not in html


def test_a_ballot_in_a_file_holds_previews(grid, tmp_path):
    page = write_ballot(grid.picture(), tmp_path / "ballot.html", grid.session).read_text()
    held = [base64.b64decode(mp4) for mp4 in re.findall(r'id="clip-\w+">([^<]+)</script>', page)]

    assert [kind(mp4) for mp4 in held] == [PLAYED, PLAYED]


def test_a_live_ballot_shows_previews(grid, tmp_path):
    ballot = Ballot(grid, rater="Anna")
    message(ballot, {"kind": "hello"})
    state = next(d["content"] for _, d, _ in ballot.comm.sent if d.get("content", {}).get("kind") == "state")
    message(ballot, {"kind": "need", "clip": state["pair"]["left"]})
    eventually(ballot.comm.clips)

    assert kind(ballot.comm.clips()[0]) == PLAYED


def test_the_gallery_of_the_panel_shows_a_preview(job, session):
    panel = Panel(session)
    message(panel.gallery, {"kind": "clip", "key": job.key})
    eventually(panel.gallery.comm.clips)
    [note] = [d["content"]["note"] for _, d, _ in panel.gallery.comm.sent if d.get("content", {}).get("kind") == "clip"]
    panel.stop()

    assert kind(panel.gallery.comm.clips()[0]) == PLAYED
    assert WHY in note


def test_pictures_of_a_sheet_come_from_the_original(job):
    job.clip.path.with_suffix(".preview.mp4").unlink()

    [still] = stills(job.clip, (Place(0, 0, 160, 96),))

    assert odd_films.corners(still) == odd_films.CORNERS


def message(widget, content):
    widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def eventually(condition):
    import time

    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
