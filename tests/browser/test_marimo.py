"""marimo as a person uses it: jobs, clips, grids, votes and rankings show themselves, cards and ballots live, running again is free."""

import hashlib
import importlib.util
from pathlib import Path

import pytest
from browser.conftest import TEST_KEY
from browser.lab import eventually
from browser.marimo_server import MarimoNotebook, MarimoServer, write_marimo
from PIL import Image

from seedance_nb.api.models import Status
from seedance_nb.simulator import Pace, Simulator

pytest.importorskip("marimo")
pytestmark = pytest.mark.browser

IMPORT = "import seedance_nb as sd"
SUBMIT = "job = sd.submit('{}', duration=4, resolution='480p')\njob"
GRID = "grid = sd.grid('a {thing}', thing=['kite', 'dog'], duration=4, resolution='480p')\ngrid"
FOCUSED = "button => button.getRootNode().activeElement === button"
READY = "video => video.readyState >= 2"


@pytest.fixture(scope="module")
def simulator():
    with Simulator(port=0, pace=Pace(queue_seconds=0.5, render_seconds=3, sigma=0), api_key=TEST_KEY) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def server(simulator, tmp_path_factory):
    env = {
        "SEEDANCE_HOME": str(tmp_path_factory.mktemp("home")),
        "SEEDANCE_BASE_URL": simulator.base_url,
        "SEEDANCE_API_KEY": TEST_KEY,
    }
    with MarimoServer(tmp_path_factory.mktemp("marimo"), env) as server:
        yield server


@pytest.fixture
def marimo(browser, server, request):
    """`marimo(*cells)`: a new notebook of these cells, open in marimo; nothing of it has run."""
    opened = []

    def marimo(*cells, dark=False):
        path = write_marimo(server.folder / f"{request.node.name}.py", cells, dark=dark)
        opened.append(MarimoNotebook(browser, server, path))
        return opened[-1]

    yield marimo
    for notebook in opened:
        notebook.close()


def prompts(simulator):
    return [entry.body["prompt"] for entry in simulator.scenario.accepted]


@pytest.mark.host("marimo", "live card", "finished video after reopening")
def test_a_job_is_a_live_card_that_becomes_its_video_and_running_again_is_free(marimo, simulator):
    notebook = marimo(IMPORT, SUBMIT.format("a paper boat"))

    notebook.run_all()
    notebook.wait_text(1, "being made")
    heading = notebook.text(1)
    notebook.screenshot("marimo-card-live")
    notebook.wait_plays(1)
    card = notebook.text(1)
    notebook.screenshot("marimo-card-final")
    notebook.run(1)
    notebook.wait_text(1, "reused")
    notebook.wait_plays(1)
    notebook.reload()
    notebook.wait_text(1, "reused")
    notebook.wait_plays(1)

    assert "a paper boat" in heading  # no receipt says it there
    assert "a paper boat" in card
    assert "The running kernel shows this video" in card
    assert prompts(simulator).count("a paper boat") == 1


def test_cancel_on_the_card_cancels(marimo, simulator):
    notebook = marimo(IMPORT, SUBMIT.format("a slow boat [stuck]"))

    notebook.run_all()
    notebook.click(1, "Cancel")
    notebook.wait_text(1, "Cancelled")

    [entry] = [entry for entry in simulator.scenario.accepted if "slow boat" in entry.body["prompt"]]
    assert simulator.scenario.status(entry.request_id) is Status.CANCELLED


def test_a_cell_awaits_a_job_and_the_next_one_has_its_clip(marimo, simulator):
    notebook = marimo(
        IMPORT, "job = sd.submit('a paper crane', duration=4, resolution='480p')", "clip = await job\nclip", "job"
    )

    notebook.run_all()
    notebook.wait_plays(2, timeout=90)
    notebook.run(3)
    notebook.wait_plays(3)

    assert "854×480" in notebook.text(2)
    assert "a paper crane" in notebook.text(3)
    assert prompts(simulator).count("a paper crane") == 1


@pytest.mark.host("marimo", "stop button")
def test_the_stop_button_ends_an_await_and_the_job_goes_on(marimo, simulator):
    notebook = marimo(IMPORT, "job = sd.submit('a long boat [stuck]', duration=4)", "clip = await job", "job")

    notebook.run_all()
    eventually(lambda: "a long boat [stuck]" in prompts(simulator), seconds=60)
    notebook.interrupt(2)
    notebook.run(3)
    notebook.wait_text(3, "being made")

    [entry] = [entry for entry in simulator.scenario.accepted if "long boat" in entry.body["prompt"]]
    assert simulator.scenario.status(entry.request_id) in (Status.QUEUED, Status.PROCESSING)


@pytest.mark.host("marimo", "board and wall", "ballot")
def test_a_grid_is_a_plan_a_board_and_a_wall_and_its_clips_are_voted_on_and_ranked(marimo, simulator):
    notebook = marimo(
        IMPORT,
        GRID,
        "sent = grid.submit(max_credits=500)\nsent",
        "clips = await sent\nsent.view(columns='thing')",
        "clips\ngrid.vote(rater='me', training=False)",
        "clips\ngrid.ranking(by='thing')",
        "clips\nsd.jobs()",
    )

    notebook.run_all()
    notebook.wait_text(1, "2 cells: 2 new")
    notebook.wait_text(2, "being made")
    notebook.screenshot("marimo-board")
    notebook.wait_plays(2, timeout=90)  # the board has become the wall
    notebook.click(2, "Play")
    notebook.click(2, "Pause")
    notebook.wait_plays(3, frame=True)
    notebook.wait_plays(4)
    notebook.click(4, "A is better")
    notebook.wait_text(5, "0 votes between things")
    notebook.run(5)
    notebook.wait_text(5, "1 vote between things")
    notebook.wait_text(6, "a kite")
    notebook.screenshot("marimo-grid")
    notebook.run(1)
    notebook.wait_text(1, "2 have it")

    assert sorted(prompt for prompt in prompts(simulator) if prompt in ("a kite", "a dog")) == ["a dog", "a kite"]


OPEN = "sd.panel()"


def axe(notebook):
    """What axe-core says against the panel."""
    source = (Path(importlib.util.find_spec("axe_playwright_python").origin).parent / "axe.min.js").read_text()
    run = "panel => axe.run(panel, { resultTypes: ['violations'] })"
    notebook.browser.do(notebook.page.evaluate, source)
    found = notebook.evaluate(1, ".seedance-panel", run)
    return [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found["violations"]]


def look(notebook, name):
    """The whole panel as a picture, although its cell shows a part of it alone."""
    notebook.picture(1, ".seedance-panel", name)


def test_a_picture_of_ones_own_and_a_prompt_used_before_come_into_the_form(marimo, simulator, tmp_path):
    picture = tmp_path / "a boat.png"
    Image.effect_noise((1200, 900), 100).convert("RGB").save(picture)  # in two pieces
    notebook = marimo(IMPORT, "job = sd.submit('a used swan', duration=4, resolution='480p')", f"job\n{OPEN}")

    notebook.run_all()
    notebook.wait_text(2, "Find clips")
    notebook.press(2, "Reference media")
    notebook.attach(2, picture)
    notebook.wait_text(2, "a boat.png is a reference now")
    notebook.wait_text(2, "1 · first frame")
    address = notebook.value(2, "Addresses and paths")
    notebook.press(2, "Used before")
    notebook.choose(2, "Earlier", "a used swan", role="listbox")
    notebook.wait_button(2, "Use again")
    notebook.press(2, "Use again")
    eventually(lambda: notebook.value(2, "Prompt") == "a used swan", 60)

    assert hashlib.sha256(picture.read_bytes()).hexdigest() in address
    assert prompts(simulator).count("a used swan") == 1


@pytest.mark.host("marimo", "panel")
def test_a_video_is_composed_in_the_panel_watched_played_and_found_in_its_gallery(marimo, simulator):
    notebook = marimo(IMPORT, OPEN)

    notebook.run_all()
    notebook.wait_text(1, "Find clips")
    before = notebook.is_enabled(1, "Generate · ")
    notebook.fill(1, "Prompt", "a paper swan")
    notebook.choose(1, "Duration", "10 s")
    notebook.choose(1, "Resolution", "480p")
    notebook.wait_button(1, "Generate · 50 credits")
    notebook.press(1, "Generate · ", count=2)
    notebook.wait_text(1, "being made")
    look(notebook, "marimo-panel-live")
    notebook.wait_text(1, "1 done")
    notebook.wait_gone(1, ".seedance-card:has-text('a paper swan')")  # the gallery has it now
    notebook.wait_plays(1)
    notebook.press(1, "Close")
    notebook.press(1, "Open a paper swan")
    notebook.wait_plays(1)
    look(notebook, "marimo-panel-done")
    found = axe(notebook)

    assert not before
    [entry] = [entry for entry in simulator.scenario.accepted if entry.body["prompt"] == "a paper swan"]
    assert (entry.body["duration"], entry.body["resolution"]) == (10, "480p")
    assert "Copy as magic" not in notebook.text(1)
    assert found == []


def test_the_panel_is_drawn_anew_on_a_reloaded_page_and_in_the_dark_and_its_cell_run_again_sends_nothing(
    marimo, simulator
):
    notebook = marimo(IMPORT, OPEN, dark=True)

    notebook.run_all()
    notebook.wait_text(1, "Find clips")
    notebook.fill(1, "Prompt", "a dark swan [stuck]")
    notebook.press(1, "Generate · ")
    notebook.wait_text(1, "being made")
    eventually(
        lambda: notebook.evaluate(1, ".seedance-primary", FOCUSED), 60
    )  # again, after it could not be pressed for a while
    notebook.reload()
    notebook.wait_text(1, "being made")
    kept = notebook.value(1, "Prompt")
    for fold in ("Reference media", "Used before", "Metadata, other fields, webhook"):
        notebook.press(1, fold)
    notebook.fill(1, "Addresses and paths", "https://example.org/first.png\nhttps://example.org/last.jpg")
    notebook.wait_text(1, "Reverse order")
    look(notebook, "marimo-panel-dark")
    found = axe(notebook)
    notebook.click(1, "Cancel")
    notebook.wait_text(1, "Retry · ")
    notebook.run(1)
    notebook.wait_text(1, "Find clips")

    assert notebook.is_dark()
    assert kept == "a dark swan [stuck]"
    assert found == []
    assert prompts(simulator).count("a dark swan [stuck]") == 1
