"""Firefox and WebKit: the wall, the ballot page, the executed notebook, and one live card in JupyterLab."""

import contextlib
import time

import nbformat
import pytest
from browser.conftest import TEST_KEY
from browser.firefox import firefox
from browser.lab import PAGE_SCRIPT, TOKEN, JupyterServer, eventually, write_notebook
from browser.studies import ACTIONS, study
from browser.test_ballot_journeys import answers_for, give, path, picture, saved_by
from browser.webkit import webkit
from nbconvert import HTMLExporter

from seedance_nb.grids.walls.wall import wall_html, write_page
from seedance_nb.notebook.card.job_display import final_bundle
from seedance_nb.simulator import Pace, Simulator

pytestmark = pytest.mark.browser
FIXTURES = (path, picture)

PATIENCE = 90
OPENERS = {"Firefox": firefox, "WebKit": webkit}
PLAY = (
    """for (const video of document.querySelectorAll('video')) { video.muted = true; video.play().catch(() => {}); }"""
)
TIMES = "return [...document.querySelectorAll('video')].map((video) => video.currentTime);"
AT_REST = "return [...document.querySelectorAll('video')].every((video) => video.paused && !video.seeking);"


def in_both(*columns):
    """This test keeps the cells of these columns for both browsers."""
    rows = [pytest.param(row, marks=pytest.mark.host(row, *columns)) for row in OPENERS]
    return pytest.mark.parametrize("window", rows, indirect=True, scope="module")


@pytest.fixture(scope="module")
def window(request, tmp_path_factory):
    """The window of this browser, for all of its tests."""
    with OPENERS[request.param](tmp_path_factory.mktemp("browser") / "home") as driver:
        yield driver


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def four(films):
    return study(films, animals=("cat", "fox"), actions=ACTIONS[:2], seconds=lambda _: 3.0)


@in_both("finished video after reopening")
def test_the_executed_notebook_plays(window, four, tmp_path):
    bundle = final_bundle(four.tiles[0].snapshot, 50_000_000)
    wall = {"text/html": wall_html(four, embed_limit=50_000_000), "text/plain": "a wall"}
    cells = [
        nbformat.v4.new_code_cell("run", outputs=[nbformat.v4.new_output("display_data", one)])
        for one in (bundle, wall)
    ]
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    (tmp_path / "notebook.html").write_text(page, encoding="utf-8")

    window.get((tmp_path / "notebook.html").as_uri())
    eventually(lambda: window.execute_script("return Boolean(document.querySelector('.sdw-on'));"), PATIENCE)
    eventually(lambda: len(window.execute_script(TIMES)) == 5, PATIENCE)
    window.execute_script(PLAY)
    eventually(lambda: min(window.execute_script(TIMES)) > 0.3, PATIENCE)


@in_both("board and wall")
def test_the_wall_plays_and_stands_together(window, four, tmp_path):
    write_page(four, tmp_path / "wall.html", title="Animals")
    window.get((tmp_path / "wall.html").as_uri())
    eventually(lambda: window.execute_script("return Boolean(document.querySelector('.sdw-on'));"), PATIENCE)

    press = "document.querySelector('.sdw').sdWall || true; [...document.querySelectorAll('.sdw button')].find((b) => b.getAttribute('aria-label') === {!r}).click();"
    ready = "return [...document.querySelectorAll('.sdw-tile video')].every((video) => video.readyState >= 2);"
    eventually(lambda: window.execute_script(ready), PATIENCE)
    if window.execute_script(AT_REST):
        window.execute_script(press.format("Play"))
    eventually(lambda: min(window.execute_script(TIMES)) > 0.3, PATIENCE)
    window.execute_script(press.format("Pause"))
    eventually(lambda: window.execute_script(AT_REST), PATIENCE)

    def together():
        times = window.execute_script(TIMES)
        return len(times) == 4 and max(times) - min(times) < 0.05

    eventually(together, PATIENCE)


class InFirefox:
    """A rater with Firefox, by keys."""

    def __init__(self, window):
        self.window = window

    def open(self, path):
        self.window.get(path.as_uri())

    def ask(self, script):
        return self.window.execute_script(script)

    def name(self, text):
        self.ask(
            "document.querySelector('.seedance-ballot-input').focus(); document.querySelector('.seedance-ballot-input').select();"
        )
        self.window.press(*text)

    def key(self, key):
        self.window.press(key)

    def press(self, name):
        where = (
            f"const button = [...document.querySelectorAll('.seedance-ballot button')].find((b) => b.getClientRects().length && b.innerText.startsWith('{name}'));"
            " button.scrollIntoView({ block: 'nearest' }); const box = button.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2];"
        )
        self.window.click(*self.ask(where))

    def save(self, _folder):
        self.press("Save my votes")
        eventually(lambda: any(self.window.downloads.glob("*.json")), PATIENCE)
        [saved] = self.window.downloads.glob("*.json")
        eventually(lambda: saved.read_text().endswith("}"), PATIENCE)
        return saved


@pytest.mark.host("Firefox", "ballot")
@pytest.mark.parametrize("window", ["Firefox"], indirect=True, scope="module")
def test_a_ballot_in_firefox_by_keys(window, path, tmp_path):
    rater = InFirefox(window)
    give(rater, path, "keys", answers_for(path))
    saved_by(rater, tmp_path, answers_for(path))


class Studio(Simulator):
    """A simulator whose videos are done when the test says so."""

    def __init__(self):
        self._skew = 0.0
        super().__init__(pace=Pace(0.2, 500, 0), api_key=TEST_KEY, clock=lambda: time.time() + self._skew)

    def finish(self):
        self._skew += 1000


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab for both, with a service of its own."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "work").mkdir()
    with Studio() as studio:
        access = {"SEEDANCE_HOME": str(folder), "SEEDANCE_BASE_URL": studio.base_url, "SEEDANCE_API_KEY": TEST_KEY}
        with JupyterServer(folder / "work", kernel_env=access) as server:
            server.studio = studio
            yield server


@pytest.fixture
def open_cells(window, lab, request):
    """`open_cells(*cells)`: a new notebook of these cells, open and with a kernel, and a way to wait for what the page says of it."""
    name = f"{request.node.originalname}-{request.node.callspec.params['window']}"

    def until(condition):
        try:
            eventually(lambda: window.execute_script(f"return Boolean({condition});"), PATIENCE)
        except AssertionError:
            shown = window.execute_script("return document.body.innerText;")
            raise AssertionError(f"never: {condition}; instead the page shows {shown[:3000]!r}") from None

    def open_cells(*cells):
        write_notebook(lab.folder / f"{name}.ipynb", cells)
        window.get(f"{lab.url}/doc/tree/{name}.ipynb?reset&token={TOKEN}")
        until("typeof window.jupyterapp !== 'undefined'")
        window.execute_script(PAGE_SCRIPT.read_text())
        until("driver.isOpen() && driver.isKernelReady()")
        return until

    yield open_cells
    lab.shutdown_kernels()


def button(cell, begin):
    """What finds a button of a cell's output by the beginning of its name, in the page."""
    return f"[...driver.cell({cell}).node.querySelectorAll('button')].find((button) => button.innerText.trim().startsWith('{begin}'))"


@in_both("live card")
def test_a_card_lives_and_becomes_the_video(window, lab, open_cells):
    until = open_cells("%load_ext seedance_nb", "%seedance a paper boat in another browser -d 4 -r 480p --fresh")

    window.execute_script("driver.command('notebook:run-all-cells');")
    until("driver.commandEnded && driver.text(1).includes('being made')")
    until(button(1, "Cancel"))
    lab.studio.finish()
    until("driver.video({ nth: 0, cell: 1 })")
    until("!driver.text(1).includes('Cancel')")
    window.execute_script("driver.play({ nth: 0, cell: 1 });")
    until("driver.isPlaying({ nth: 0, cell: 1 }, 0.3)")


# What typing and choosing tell a page, whoever does it.
FILL = """
const label = [...driver.cell(1).node.querySelectorAll("label")].find((label) => label.textContent.trim() === arguments[0]);
const field = driver.cell(1).node.querySelector("#" + CSS.escape(label.htmlFor));
field.focus();
field.value = arguments[1];
for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
"""


@in_both("panel")
def test_a_panel_makes_a_video_at_the_price_on_its_button(window, lab, open_cells, request):
    prompt = f"from the panel in {request.node.callspec.params['window']}"
    until = open_cells("%load_ext seedance_nb", "%seedance")

    window.execute_script("driver.command('notebook:run-all-cells');")
    until(button(1, "Generate"))
    before = window.execute_script(f"return {button(1, 'Generate')}.disabled;")
    for field in ("Prompt", "Resolution"):
        until(
            f"[...driver.cell(1).node.querySelectorAll('label')].some((label) => label.textContent.trim() === '{field}')"
        )
    # On a busy machine the kernel's own first words to a field can come after those typed here, which then are typed again.
    priced = f"{button(1, 'Generate · 25 credits')}?.disabled === false"
    for _ in range(4):
        window.execute_script(FILL, "Prompt", prompt)
        window.execute_script(FILL, "Resolution", "480p")
        with contextlib.suppress(AssertionError):
            eventually(lambda: window.execute_script(f"return Boolean({priced});"), PATIENCE / 4)
            break
    until(priced)
    window.execute_script(f"for (let press = 0; press < 2; press += 1) {button(1, 'Generate')}.click();")
    until("driver.text(1).includes('being made')")
    lab.studio.finish()
    until(f"driver.cell(1).node.querySelector('video[aria-label^=\"Video: {prompt}\"]')")
    window.execute_script("driver.play({ nth: 0, cell: 1 });")
    until("driver.isPlaying({ nth: 0, cell: 1 }, 0.3)")

    assert before
    assert [entry.body["prompt"] for entry in lab.studio.scenario.accepted].count(prompt) == 1


@in_both("stop button")
def test_stop_ends_the_wait_and_not_the_job(window, open_cells):
    until = open_cells("%load_ext seedance_nb", "%seedance a long boat -d 4 -r 480p -o boat --fresh", "boat.result()")

    window.execute_script("driver.command('notebook:run-all-cells');")
    until("driver.text(1).includes('being made') && driver.isRunning(2)")
    window.execute_script("driver.command('notebook:interrupt-kernel');")

    until("driver.text(2).includes('stopped waiting; job ')")
    until(button(1, "Cancel"))
    assert "Traceback" not in window.execute_script("return driver.text(2);")
