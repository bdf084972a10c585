"""Both clips and every vote are seen at once: for each shape of clips, in each window, on the page and below a cell."""

import contextlib

import pytest
from browser.lab import SCREENSHOTS
from browser.studies import make_clip, make_tile, write_ballot

from seedance_nb.grids.picture import GridPicture

pytestmark = pytest.mark.browser

WINDOWS = ((1280, 720), (390, 844), (844, 390), (640, 360))
"""A small notebook computer, a phone both ways, and the first one at a zoom of 200 %."""
WHOLE = WINDOWS[:3]
"""Where every button of the page is seen at once."""
BUTTONS_OUT_OF_SIGHT = """() => [...document.querySelectorAll('.seedance-ballot :is(button, select, input)')]
    .filter((node) => node.getClientRects().length)
    .map((node) => [node.innerText || node.className, node.getBoundingClientRect()])
    .filter(([, box]) => box.top < 0 || box.bottom > innerHeight + 1 || box.left < 0 || box.right > innerWidth + 1)
    .map(([name, box]) => [name, Math.round(box.top), Math.round(box.bottom)])"""
SHAPES = {"16:9": ("16:9",) * 2, "1:1": ("1:1",) * 2, "9:16": ("9:16",) * 2, "mixed": ("16:9", "9:16")}
PROMPT = "a paper boat on a rainy street, " * 18
READY = "() => document.querySelector('.seedance-ballot-time')?.innerText.includes('/')"
OUT_OF_SIGHT = """() => {
    const room = document.querySelector('.seedance-ballot');
    let [top, bottom, left, right] = [0, innerHeight, 0, innerWidth];
    for (let node = room.parentElement; node && node !== document.body; node = node.parentElement) {
        const { overflowY } = getComputedStyle(node);
        if (!/auto|scroll|hidden/.test(overflowY)) continue;
        const box = node.getBoundingClientRect();
        [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
        [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
    }
    const seen = [...room.querySelectorAll('.seedance-ballot-video, .seedance-ballot-choice, .seedance-ballot-head .seedance-ballot-title')];
    return seen
        .map((node) => [node.className, ...['top', 'bottom', 'left', 'right', 'width', 'height'].map((side) => Math.round(node.getBoundingClientRect()[side]))])
        .filter(([, t, b, l, r, w, h]) => t < top - 1 || b > bottom + 1 || l < left - 1 || r > right + 1 || w < 30 || h < 20);
}"""
SETTLED = "() => new Promise((done) => setTimeout(() => done(true), 300))"
WAYS = "() => [document.querySelector('.seedance-ballot-stage').dataset.way, ...[...document.querySelectorAll('.seedance-ballot-video')].map((v) => v.clientWidth * v.clientHeight)]"


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return tmp_path_factory.mktemp("films")


def picture(films, shapes):
    """Two models of one long prompt, with clips of these shapes."""
    tiles = []
    for index, shape in enumerate(shapes):
        clip = make_clip(
            films, f"{shape.replace(':', 'x')}_{index}", "a boat", take=index + 1, seconds=1.0, aspect_ratio=shape
        )
        tiles.append(make_tile(index, {"model": f"model {index}"}, PROMPT, clip))
    return GridPicture(("model",), tuple(tiles), submitted=True)


@contextlib.contextmanager
def voting(tab, window, name):
    tab.browser.do(tab.page.set_viewport_size, {"width": window[0], "height": window[1]})
    tab.wait_until(SETTLED)
    yield tab.browser.do(tab.page.evaluate, OUT_OF_SIGHT)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    tab.screenshot(f"ballot-fits-{name}-{window[0]}x{window[1]}")


@pytest.mark.parametrize("shape", SHAPES)
def test_on_the_page_for_raters(browser, films, tmp_path, shape):
    path = write_ballot(
        picture(films, SHAPES[shape]), tmp_path / "ballot.html", aspects=["overall", "prompt match", "motion", "faces"]
    )
    hidden, ways, buttons = {}, {}, {}
    tab = browser.open(path.as_uri())
    browser.do(lambda: tab.page.get_by_role("textbox", name="Your name").fill("Anna"))
    browser.do(lambda: tab.page.keyboard.press("Enter"))
    tab.wait_until(READY)
    for window in WINDOWS:
        with voting(tab, window, f"page-{shape.replace(':', 'x')}") as unseen:
            hidden[window] = unseen
            ways[window] = browser.do(tab.page.evaluate, WAYS)
            buttons[window] = browser.do(tab.page.evaluate, BUTTONS_OUT_OF_SIGHT)
    scrolled = browser.do(tab.page.evaluate, "() => scrollY")
    tab.close()

    assert hidden == {window: [] for window in WINDOWS}
    assert {window: buttons[window] for window in WHOLE} == {window: [] for window in WHOLE}
    assert scrolled == 0
    if shape == "16:9":  # larger so on a phone that is held upright
        assert (ways[1280, 720][0], ways[390, 844][0]) == ("beside", "above")
        assert min(ways[390, 844][1:]) > 200 * 112


LOAD = """%load_ext seedance_nb
import seedance_nb as sd
def ballot(shapes):
    grid = sd.grid([{"prompt": PROMPT, "model": f"seedance-2.0{'-fast' * i}", "aspect_ratio": s} for i, s in enumerate(shapes)], duration=4, resolution="480p")
    grid.submit(max_credits=10_000).result()
    grid.vote(aspects=["overall", "prompt match"], by="model", rater="Anna")
"""


def test_below_a_cell_in_jupyterlab(simulate, notebook):
    simulate(queue_seconds=0, render_seconds=0.1)
    cells = [f"ballot({shapes!r})" for shapes in SHAPES.values()]
    lab = notebook(f"PROMPT = {PROMPT!r}\n" + LOAD, *cells)
    lab.run_cell(0)
    hidden = {}
    for index, shape in enumerate(SHAPES, 1):
        lab.run_cell(index, timeout=120)
        lab.wait_until(READY, timeout=60)
        lab.browser.do(lambda: lab.page.locator(".seedance-ballot").focus())
        for window in WINDOWS:
            with voting(lab, window, f"lab-{shape.replace(':', 'x')}") as unseen:
                hidden[shape, window] = unseen
        lab.browser.do(lab.page.set_viewport_size, {"width": 1280, "height": 900})
        lab.browser.do(lab.page.evaluate, "i => driver.cell(i).model.clearExecution()", index)

    assert hidden == {place: [] for place in hidden}
