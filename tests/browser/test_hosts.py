"""One notebook in each front end of Jupyter's server, from the first card to the reopened page: the rows of the table in README.md."""

import time

import nbformat
import pytest
from browser.conftest import TEST_KEY
from browser.lab import write_notebook
from browser.test_ballot import Room
from browser.test_grid import wait_wall
from browser.test_panel import PanelPage

from seedance_nb.simulator import Pace, Simulator

pytestmark = pytest.mark.browser

FRONT_ENDS = {"JupyterLab 4": "lab", "JupyterLab 4, single document": "single document", "Notebook 7": "notebook"}
SMALL = "-m seedance-2.0-fast -a 1:1 -d 4 -r 480p"
CELLS = (
    "%load_ext seedance_nb",
    f"%seedance a paper boat {SMALL} -o boat",
    "boat.result()",
    f"%%seedance {SMALL} -o grid\na paper plane\n---\na paper kite",
    'grid.vote(aspects=["overall"], by="prompt", training=False)',
    "%seedance",
)
LOAD, BOAT, WAIT, GRID, VOTE, PANEL = range(6)


class Studio(Simulator):
    """A simulator whose videos are done when the test says so: its clock can be put forward."""

    def __init__(self):
        self._skew = 0.0
        super().__init__(pace=Pace(0.2, 500, 0), api_key=TEST_KEY, clock=lambda: time.time() + self._skew)

    def finish(self):
        """Everything that was accepted until now is done."""
        self._skew += 1000


def on(column):
    """This test keeps the cells of that column, in all front ends."""
    rows = [pytest.param(row, marks=pytest.mark.host(row, column)) for row in FRONT_ENDS]
    return pytest.mark.parametrize("lab", rows, indirect=True, scope="module")


@pytest.fixture(scope="module")
def studio():
    with Studio() as running:
        yield running


@pytest.fixture(scope="module")
def lab(request, browser, jupyter, studio, tmp_path_factory):
    """The notebook of this front end, which all tests of it share: they run in the order in which they stand."""
    server = jupyter()
    folder = tmp_path_factory.mktemp("host")
    access = {"SEEDANCE_HOME": str(folder), "SEEDANCE_BASE_URL": studio.base_url, "SEEDANCE_API_KEY": TEST_KEY}
    server.set_kernel_env(access)
    path = write_notebook(server.folder / folder.name / "notebook.ipynb", CELLS)
    lab = browser.open_notebook(server, path, front_end=FRONT_ENDS[request.param])
    lab.path, lab.row = path, request.param
    lab.run_cell(LOAD)
    yield lab
    lab.close()
    server.shutdown_kernels()


@on("live card")
def test_a_card_lives_and_stops_what_it_shows(lab, studio):
    lab.run_cell(BOAT)
    lab.wait_role(BOAT, "status")
    lab.wait_text(BOAT, "being made")
    lab.click(BOAT, "Cancel")
    lab.wait_text(BOAT, "Cancelled")


@on("stop button")
def test_stop_ends_the_wait_and_not_the_job(lab, studio):
    lab.run_cell(BOAT)
    lab.wait_text(BOAT, "being made")

    lab.run_cell(WAIT, wait=False)
    lab.wait_until("i => driver.isRunning(i)", WAIT)
    lab.interrupt()

    lab.wait_text(WAIT, "stopped waiting; job ")
    assert "Traceback" not in lab.text(WAIT)
    lab.wait_role(BOAT, "button", "Cancel")


@on("board and wall")
def test_a_board_becomes_a_wall(lab, studio):
    lab.run_cell(GRID)
    lab.wait_role(GRID, "button", "Cancel all")
    lab.wait_text(GRID, "being made")
    studio.finish()
    wait_wall(lab, GRID, 2)
    lab.wait_role(GRID, "button", "Play")
    assert lab.play_check(cell=GRID)["readyState"] == 4


@on("ballot")
def test_a_vote_is_given_by_a_key(lab, studio):
    lab.run_cell(VOTE)
    room = Room(lab)
    room.wait_text("Start voting")
    room.begin()
    before = room.text()
    room.press("ArrowLeft")
    lab.wait_until("before => document.querySelector('.seedance-ballot').innerText !== before", before)


@on("panel")
def test_a_panel_makes_a_video(lab, studio):
    lab.run_cell(PANEL)
    panel = PanelPage(lab, PANEL)
    panel.wait_button("Generate")
    panel.make(f"from the panel in {lab.row}")
    lab.wait_text(PANEL, "being made")
    studio.finish()
    assert panel.wait_video(f"from the panel in {lab.row}")["readyState"] == 4


@on("finished video after reopening")
def test_a_video_plays_in_the_reopened_notebook_without_a_kernel(lab, studio):
    studio.finish()
    lab.wait_until("i => driver.cell(i).node.querySelector('video')", BOAT, timeout=60)
    lab.save()
    lab.shutdown_kernel()
    lab.reload()

    assert lab.play_check(cell=BOAT)["scheme"] == "data"
    assert lab.play_check(cell=GRID)["scheme"] == "data"
    outputs = nbformat.read(lab.path, as_version=4).cells[BOAT].outputs
    assert {mime for output in outputs for mime in output.get("data", {})} == {"text/html", "text/plain"}
