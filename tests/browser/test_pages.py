"""What a saved notebook becomes in other hands: nbconvert's slides, Markdown and PDF; and, by their rules, VS Code and Colab."""

import html
import json

import nbformat
import pytest
from browser.lab import find_chromium
from browser.studies import make_clip, make_tile
from markdown_it import MarkdownIt
from nbconvert.exporters import HTMLExporter, MarkdownExporter, SlidesExporter, WebPDFExporter

from seedance_nb.grids.picture import GridPicture
from seedance_nb.notebook.board.grid_display import wall_bundle
from seedance_nb.notebook.card.job_display import final_bundle

pytestmark = pytest.mark.browser

REOPENED, WALL = "finished video after reopening", "board and wall"
PLENTY = 50_000_000
VIDEOS = 3  # the job's, and two of the grid


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """What stays of a job and of a grid in a notebook."""
    folder = tmp_path_factory.mktemp("films")
    tiles = [
        make_tile(
            index, {"prompt": f"a {thing}"}, f"a {thing}", make_clip(folder, f"k{index}", f"a {thing}", seconds=1.0)
        )
        for index, thing in enumerate(("boat", "plane"))
    ]
    grid = GridPicture(("prompt",), tuple(tiles), submitted=True)
    return final_bundle(tiles[0].snapshot, PLENTY), wall_bundle(grid, PLENTY)


@pytest.fixture(scope="module")
def saved(bundles):
    """The notebook with both."""
    cells = [
        nbformat.v4.new_code_cell(source, outputs=[nbformat.v4.new_output("display_data", bundle)])
        for source, bundle in zip(("%seedance a boat", "%%seedance\na boat\n---\na plane"), bundles, strict=True)
    ]
    for cell in cells:
        cell.metadata.slideshow = {"slide_type": "slide"}
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def show(browser, tmp_path):
    """`show(page)`: a tab with this HTML, opened from the disk."""
    tabs = []

    def show(page):
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        tabs.append(browser.open((tmp_path / "page.html").as_uri()))
        return tabs[-1]

    yield show
    for tab in tabs:
        tab.close()


def all_play(tab):
    for nth in range(VIDEOS):
        assert tab.play_check(nth)["readyState"] == 4


# -- nbconvert


@pytest.mark.host("nbconvert slides", REOPENED, WALL)
def test_slides_play(saved, show):
    page, _ = SlidesExporter().from_notebook_node(saved)
    assert page.count("<section>") >= 2

    tab = show(page)
    tab.wait_until("() => document.querySelector('.sdw-on')", hint="the wall did not wake")
    all_play(tab)


@pytest.mark.host("nbconvert HTML", REOPENED, WALL)
@pytest.mark.parametrize("template", ["lab", "classic", "basic"])
def test_html_plays_with_each_template(saved, show, template):
    page, _ = HTMLExporter(template_name=template).from_notebook_node(saved)

    tab = show(page)
    tab.wait_until("() => document.querySelector('.sdw-on')", hint="the wall did not wake")
    all_play(tab)


@pytest.mark.host("nbconvert markdown", REOPENED, WALL)
def test_markdown_plays_where_its_html_is_let_through(saved, show):
    text, _ = MarkdownExporter().from_notebook_node(saved)

    all_play(show(MarkdownIt("commonmark", {"html": True}).render(text)))


@pytest.mark.host("nbconvert PDF", REOPENED, WALL, how="stills")
def test_the_pdf_has_a_still_of_each(saved, browser, monkeypatch):
    from playwright.async_api import BrowserType

    launch = BrowserType.launch

    async def launch_ours(self, **options):  # the system's Chromium, as Playwright's own is not downloaded
        return await launch(self, **options, executable_path=find_chromium())

    monkeypatch.setattr(BrowserType, "launch", launch_ours)
    pdf, _ = WebPDFExporter(disable_sandbox=True).from_notebook_node(saved)

    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Subtype /Image") >= VIDEOS


# -- VS Code: of the MIME types of an output the first in its order, and nothing with markup unless the workspace is trusted; HTML is
# set as innerHTML, then each script is run once more as an element of its own.

VS_CODE_ORDER = (
    "application/vnd.jupyter.widget-view+json",
    "application/json",
    "application/javascript",
    "text/html",
    "image/svg+xml",
    "text/latex",
    "text/markdown",
    "image/png",
    "image/jpeg",
    "text/plain",
)
NEEDS_TRUST = ("application/javascript", "text/html", "image/svg+xml", "application/vnd.jupyter.widget-view+json")
VS_CODE_PAGE = """<!DOCTYPE html><meta charset="utf-8"><body><script>
for (const text of {texts}) {{
  const element = document.createElement("div");
  element.innerHTML = text;
  document.body.appendChild(element);
  for (const old of element.querySelectorAll("script")) {{
    const made = document.createElement("script");
    for (const name of ["src", "type", "text"]) if (old[name]) made[name] = old[name];
    old.parentNode.replaceChild(made, old);
  }}
}}
</script></body>"""


def in_vs_code(bundle, *, trusted):
    """The MIME type that VS Code shows."""
    return next(mime for mime in VS_CODE_ORDER if mime in bundle and (trusted or mime not in NEEDS_TRUST))


@pytest.mark.host("VS Code", REOPENED, WALL, how="by its rules")
def test_vs_code_plays_both(bundles, show):
    texts = [bundle[in_vs_code(bundle, trusted=True)] for bundle in bundles]

    tab = show(VS_CODE_PAGE.format(texts=json.dumps(texts).replace("</", "<\\/")))

    tab.wait_until("() => document.querySelector('.sdw-on')", hint="the wall did not wake")
    all_play(tab)


def test_vs_code_without_trust_says_what_was_made(bundles):
    job, grid = (bundle[in_vs_code(bundle, trusted=False)] for bundle in bundles)

    assert "a boat" in job
    assert "req_0" in job
    assert "<" not in job
    assert "… plane" in grid
    assert "k1.mp4" in grid
    assert "<" not in grid


# -- Colab: each output in a frame of its own from another origin; ipywidgets from elsewhere must be switched on.


@pytest.mark.host("Colab", REOPENED, WALL, how="by its rules")
def test_colab_plays_both_in_their_frames(bundles, show):
    frames = [
        f'<iframe sandbox="allow-scripts allow-forms allow-popups" width="900" height="700" srcdoc="{html.escape(bundle["text/html"])}"></iframe>'
        for bundle in bundles
    ]
    tab = show("".join(frames))
    woken = """async () => {
        const video = document.querySelector('video');
        if (!video) return null;
        video.muted = true;
        await video.play();
        while (video.currentTime < 0.3) await new Promise(requestAnimationFrame);
        return { videos: document.querySelectorAll('video').length, wall: Boolean(document.querySelector('.sdw-on')) };
    }"""

    def look():
        return [frame.evaluate(woken) for frame in tab.page.frames[1:]]

    assert tab.browser.do(look) == [{"videos": 1, "wall": False}, {"videos": 2, "wall": True}]
