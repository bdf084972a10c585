"""The classic notebook, from the first card to the reopened page; each video and wall is there once, on the page and in the file."""

import time

import nbformat
import pytest
from browser.classic import ClassicNotebook
from browser.conftest import TEST_KEY
from browser.lab import JupyterServer, eventually, write_notebook
from browser.test_ballot import Room
from browser.test_hosts import BOAT, CELLS, GRID, LOAD, PANEL, VOTE, WAIT, Studio

pytestmark = pytest.mark.browser

VIDEOS = "output => output.querySelectorAll('video').length"


@pytest.fixture(scope="module")
def studio():
    with Studio() as running:
        yield running


@pytest.fixture(scope="module")
def classic(browser, studio, tmp_path_factory):
    """The notebook that all tests here share: they run in the order in which they stand."""
    folder = tmp_path_factory.mktemp("classic")
    access = {"SEEDANCE_HOME": str(folder / "home"), "SEEDANCE_BASE_URL": studio.base_url, "SEEDANCE_API_KEY": TEST_KEY}
    with JupyterServer(folder / "work", application="nbclassic", kernel_env=access) as server:
        path = write_notebook(server.folder / "notebook.ipynb", CELLS)
        notebook = ClassicNotebook(browser, server, path)
        notebook.path = path
        notebook.run(LOAD)
        yield notebook
        notebook.close()
        server.shutdown_kernels()


@pytest.mark.host("nbclassic", "live card")
def test_a_card_lives_and_stops_what_it_shows(classic):
    classic.run(BOAT)
    classic.wait_text(BOAT, "being made")
    classic.click(BOAT, "Cancel")
    classic.wait_text(BOAT, "Cancelled")


@pytest.mark.host("nbclassic", "stop button")
def test_stop_ends_the_wait_and_not_the_job(classic):
    classic.run(BOAT)
    classic.wait_text(BOAT, "being made")

    classic.run(WAIT)
    eventually(lambda: classic.is_running(WAIT))
    classic.interrupt()

    classic.wait_text(WAIT, "stopped waiting; job ")
    assert "Traceback" not in classic.text(WAIT)
    assert classic.is_enabled(BOAT, "Cancel")


@pytest.mark.host("nbclassic", "board and wall")
def test_a_board_becomes_a_wall(classic, studio):
    classic.run(GRID)
    classic.wait_button(GRID, "Cancel all")
    classic.wait_text(GRID, "being made")
    studio.finish()
    classic.wait_button(GRID, "Play")
    classic.wait_plays(GRID)


@pytest.mark.host("nbclassic", "ballot")
def test_a_vote_is_given_by_a_key(classic):
    classic.run(VOTE)
    room = Room(classic)
    classic.wait_text(VOTE, "Start voting")
    room.begin()
    before = classic.text(VOTE)
    room.press("ArrowLeft")
    eventually(lambda: classic.text(VOTE) != before)


@pytest.mark.host("nbclassic", "panel")
def test_a_panel_makes_a_video(classic, studio):
    classic.run(PANEL)
    classic.fill(PANEL, "Prompt", "from the classic panel")
    classic.choose(PANEL, "Resolution", "480p")
    classic.wait_button(PANEL, "Generate · ")
    classic.press(PANEL, "Generate · ")
    classic.wait_text(PANEL, "being made")
    classic.screenshot("classic-panel")
    studio.finish()
    classic.wait_text(PANEL, "1 done")
    classic.wait_plays(PANEL)


@pytest.mark.host("nbclassic", "finished video after reopening")
def test_each_video_and_wall_is_there_once_and_plays_in_the_reopened_notebook(classic, studio):
    studio.finish()
    eventually(lambda: classic.evaluate(BOAT, "xpath=.", VIDEOS) == 1, 60)
    eventually(lambda: classic.evaluate(GRID, "xpath=.", VIDEOS) == 2, 60)
    time.sleep(2)  # a card that stays asks for its video 0.8 s after the end: longer than that nothing more may come
    classic.save()
    classic.end_kernel()
    classic.reload()

    assert [classic.evaluate(index, "xpath=.", VIDEOS) for index in (BOAT, GRID)] == [1, 2]
    classic.wait_plays(BOAT)
    classic.wait_plays(GRID)
    outputs = [
        output for cell in nbformat.read(classic.path, as_version=4).cells[: GRID + 1] for output in cell.outputs
    ]
    kinds = [set(output.get("data", {})) for output in outputs if output.output_type == "display_data"]
    assert kinds == [{"text/html", "text/plain"}, set()] * 2
