"""Where no player is wanted: what a saved cell shows on GitHub, GitLab, paper and pages that are sanitised, each by its rules."""

import base64
import re

import nbformat
import nh3
import pytest
from browser.studies import ACTIONS, study
from nbconvert import HTMLExporter, LatexExporter, MarkdownExporter, NotebookExporter, SlidesExporter

from seedance_nb import slimming
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.clips.store import Clips
from seedance_nb.grids.walls.wall import wall_html
from seedance_nb.notebook.card.job_display import final_bundle
from seedance_nb.simulator import film
from seedance_nb.snapshot import Snapshot

PROMPT = "a paper boat"
# What github.com's html-pipeline leaves: these elements, `src` of pictures and `href` of links over http(s) or relative, no styles.
GITHUB_TAGS = {
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "h7",
    "h8",
    "br",
    "b",
    "i",
    "strong",
    "em",
    "a",
    "pre",
    "code",
    "img",
    "tt",
    "div",
    "ins",
    "del",
    "sup",
    "sub",
    "p",
    "ol",
    "ul",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "blockquote",
    "dl",
    "dt",
    "dd",
    "kbd",
    "q",
    "samp",
    "var",
    "hr",
    "ruby",
    "rt",
    "rp",
    "li",
    "tr",
    "td",
    "th",
    "s",
    "strike",
    "summary",
    "details",
    "figure",
    "figcaption",
    "span",
}
GITHUB_ATTRIBUTES = {
    "a": {"href"},
    "img": {"src", "longdesc"},
    "*": {"alt", "dir", "title", "width", "height", "name", "open"},
}


def on_github(markup):
    return nh3.clean(
        markup,
        tags=GITHUB_TAGS,
        attributes=GITHUB_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        clean_content_tags={"script", "style"},  # pandas' tables bring styles too, and nobody reads them there
        link_rel=None,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A notebook with a finished video, and the clip; read, never written."""
    folder = tmp_path_factory.mktemp("stills")
    film.render(
        folder / "part",
        prompt=PROMPT, model="m", take=1, request_id="r", aspect_ratio="1:1", resolution="480p", seconds=0.5,
    )  # fmt: skip
    clip = Clips(folder).admit("j1", folder / "part")
    done = Snapshot(
        key="j1",
        request=VideoRequest(prompt=PROMPT, aspect_ratio="1:1", duration=4, resolution="480p"),
        take=1,
        status=Status.SUCCEEDED,
        status_text="succeeded",
        request_id="req_1",
        credits=12.0,
        created_at=1000.0,
        finished_at=1042.0,
        clip=clip,
    )
    output = nbformat.v4.new_output("display_data", final_bundle(done, 10**9))
    other = nbformat.v4.new_output("display_data", {"text/html": "<b>theirs</b>", "text/plain": "theirs"})
    cell = nbformat.v4.new_code_cell("%seedance a paper boat", outputs=[output, other])
    path = folder / "boats.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path, clip


@pytest.fixture
def notebook(saved):
    return nbformat.read(saved[0], as_version=4)


@pytest.fixture
def poster(saved):
    return base64.b64encode(saved[1].poster.read_bytes()).decode()


def without_blanks(text):
    return re.sub(r"\s+", "", text)


def test_running_a_cell_again_stores_the_same(saved, notebook):
    """The bundle has no time and no id of its own in it, so a notebook does not grow or differ."""
    [first, _] = notebook.cells[0].outputs
    again = first.data["text/html"]
    assert not re.search(
        r"seedance-receipt-|[0-9a-f]{32}(?![0-9a-f])", re.sub(r"base64,[^\"]+|sha256|[0-9a-f]{64}", "", again)
    )


# -- who shows HTML


@pytest.mark.parametrize("exporter", [HTMLExporter, SlidesExporter, MarkdownExporter])
def test_pages_slides_and_markdown_have_the_player_and_no_second_picture(notebook, poster, exporter):
    body, _ = exporter().from_notebook_node(notebook)

    assert body.count("<video") == 1
    assert body.count('src="data:video/mp4;base64,') == 1
    assert without_blanks(body).count(poster) == 1  # inside the player, for who drops it


# -- who shows pictures


def test_paper_shows_the_still(notebook, saved):
    """LaTeX, and so PDF: what makes a PDF of it is not on this machine."""
    stills, _ = NotebookExporter(preprocessors=["seedance_nb.notebook.stills.Stills"]).from_notebook_node(notebook)
    body, resources = LatexExporter().from_notebook_node(nbformat.reads(stills, as_version=4))

    [(name, picture)] = resources["outputs"].items()
    assert picture == saved[1].poster.read_bytes()
    assert f"\\includegraphics{{{name}}}" in without_blanks(body.replace("{max size", "")) or name in body
    assert "base64" not in body


# -- who strips


def test_github_leaves_the_caption_of_an_embedded_video(notebook):
    left = on_github(notebook.cells[0].outputs[0].data["text/html"])

    assert PROMPT in left
    assert "req_1" in left
    assert "base64" not in left


@pytest.mark.host("GitHub and nbviewer", "finished video after reopening", how="a still, when slim, by its rules")
def test_github_shows_still_caption_and_link_of_a_slim_notebook(saved, tmp_path):
    path = tmp_path / "boats.ipynb"
    path.write_bytes(saved[0].read_bytes())
    slimming.slim(path)

    left = on_github(nbformat.read(path, as_version=4).cells[0].outputs[0].data["text/html"])

    [still] = re.findall(r'<img [^>]*src="([^"]+)"', left)
    [link] = re.findall(r'<a href="([^"]+)"', left)
    assert (tmp_path / still).read_bytes() == saved[1].poster.read_bytes()
    assert (tmp_path / link).read_bytes() == saved[1].path.read_bytes()
    assert PROMPT in left
    assert "<video" not in left


@pytest.mark.host("GitHub and nbviewer", "board and wall", how="stills, when slim, by its rules")
def test_github_shows_the_stills_of_a_slim_wall_between_the_names_of_its_axes(tmp_path):
    picture = study(tmp_path / "clips", animals=("cat", "fox"), actions=ACTIONS[:2], seconds=lambda _: 1.0)
    wall = {"text/html": str(wall_html(picture, embed_limit=50_000_000)), "text/plain": "a wall"}
    cell = nbformat.v4.new_code_cell("grid.view()", outputs=[nbformat.v4.new_output("display_data", wall)])
    path = tmp_path / "wall.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    slimming.slim(path)

    left = on_github(nbformat.read(path, as_version=4).cells[0].outputs[0].data["text/html"])

    stills, links = re.findall(r'<img [^>]*src="([^"]+)"', left), re.findall(r'<a href="([^"]+)"', left)
    assert [(tmp_path / still).is_file() for still in stills] == [True] * 4
    assert [(tmp_path / link).read_bytes() for link in links] == [
        tile.snapshot.clip.path.read_bytes() for tile in picture.tiles
    ]
    assert [left.count(f"<strong>{name}</strong>") for name in ("cat", "fox", *ACTIONS[:2])] == [1] * 4
    assert "base64" not in left
    assert ".sdw" not in left


def test_a_sanitised_page_shows_still_and_words_and_no_letters_of_base64(notebook, poster):
    exporter = HTMLExporter(sanitize_html=True, preprocessors=["seedance_nb.notebook.stills.Stills"])
    body, _ = exporter.from_notebook_node(notebook)

    text = re.sub(r"<[^>]*>", "", body[body.index("<body") :])
    assert "video/mp4" not in body
    assert without_blanks(body).count(poster) == 1
    assert PROMPT in text
    assert "req_1" in text
    assert max(map(len, text.split())) < 200
    assert "<b>theirs</b>" in body


def test_a_sanitised_page_of_a_slim_notebook_has_no_letters_of_base64_either(saved, tmp_path):
    path = tmp_path / "boats.ipynb"
    path.write_bytes(saved[0].read_bytes())
    slimming.slim(path)

    body, _ = HTMLExporter(sanitize_html=True).from_notebook_node(nbformat.read(path, as_version=4))

    assert "base64" not in body[body.index("<body") :]
