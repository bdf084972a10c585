"""A notebook as an application, by Voila: nobody runs a cell there, and what is shown lives all the same."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from browser.conftest import TEST_KEY
from browser.lab import eventually, write_notebook
from browser.test_ballot import Room
from grids.stage import session_at, small
from ipykernel.kernelspec import get_kernel_dict

from seedance_nb.simulator import Pace, Simulator

pytestmark = pytest.mark.browser

SMALL = "-m seedance-2.0-fast -a 1:1 -d 4 -r 480p"
CELLS = (
    "%load_ext seedance_nb",
    f"%seedance a paper boat {SMALL}",
    f"%%seedance {SMALL}\na paper kite\n---\na paper plane",
    "import seedance_nb as sd; sd.Grid.from_manifest('grid.json').submit().vote(aspects=['overall'], training=False)",
    "%seedance",
)
PATIENCE = 90


class Studio(Simulator):
    """A simulator whose videos are done when the test says so."""

    def __init__(self):
        self._skew = 0.0
        super().__init__(pace=Pace(0, 0.2, 0), api_key=TEST_KEY, clock=lambda: time.time() + self._skew)

    def finish(self):
        self._skew += 1000


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """The application in a tab; all tests share it, in the order in which they stand."""
    folder = tmp_path_factory.mktemp("voila")
    (folder / "home").mkdir()
    path = write_notebook(folder / "work" / "app.ipynb", CELLS)
    with Studio() as studio:
        with session_at(studio.base_url, folder, api_key=TEST_KEY) as session:
            ready = small(session, "a {x}", x=["hut", "barn"]).submit()
            ready.result(PATIENCE)
            ready.export(folder / "work" / "grid.json")
        studio.scenario.pace = Pace(0.2, 500, 0)
        access = {"SEEDANCE_HOME": str(folder), "SEEDANCE_BASE_URL": studio.base_url, "SEEDANCE_API_KEY": TEST_KEY}
        kernel = folder / "data" / "kernels" / "python3" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        kernel.write_text(json.dumps(get_kernel_dict() | {"env": access}))
        own = {"HOME": "home", "JUPYTER_PATH": "data", "JUPYTER_DATA_DIR": "data", "JUPYTER_CONFIG_DIR": "config"}
        usual = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "SEEDANCE_"))}
        env = usual | {name: str(folder / value) for name, value in own.items()} | {"JUPYTER_PLATFORM_DIRS": "1"}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "voila", str(path), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
        with (folder / "voila.log").open("w") as log:
            server = subprocess.Popen(command, cwd=path.parent, env=env, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}/"
            eventually(lambda: answers(f"{address}voila/static/"), PATIENCE)
            tab = browser.open(address)
            tab.studio = studio
            yield tab
            tab.close()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def answers(address):
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def until(page, condition, hint=""):
    page.wait_until(f"() => {condition}", timeout=PATIENCE, hint=hint)


@pytest.mark.host("Voila", "live card")
def test_the_card_lives(page):
    until(page, "document.querySelector('.seedance-card')?.innerText.includes('being made')")
    before = page.browser.do(page.page.inner_text, ".seedance-card")
    until(
        page, f"document.querySelector('.seedance-card').innerText !== {json.dumps(before)}", "its clock stands still"
    )


@pytest.mark.host("Voila", "ballot")
def test_a_vote_is_given(page):
    room = Room(page)
    room.wait_text("Start voting")
    room.begin()
    before = room.text()
    room.press("ArrowLeft")
    page.wait_until("before => document.querySelector('.seedance-ballot').innerText !== before", before)


@pytest.mark.host("Voila", "panel")
def test_the_panel_submits(page):
    def generate():
        page.page.get_by_role("textbox", name="Prompt", exact=True).fill("from the panel")
        page.page.get_by_role("button", name="Generate").first.click()

    page.browser.do(generate)
    eventually(lambda: "from the panel" in [entry.body["prompt"] for entry in page.studio.scenario.accepted], PATIENCE)


@pytest.mark.host("Voila", "board and wall")
def test_the_board_becomes_a_wall_and_the_card_a_video(page):
    until(page, "document.querySelector('.seedance-board')?.innerText.includes('Cancel all')")
    page.studio.finish()
    until(page, "document.querySelectorAll('.sdw-on .sdw-tile video').length === 2", "the wall never came")
    until(page, "document.querySelector('.seedance-card video')", "the card never became its video")
    page.screenshot("voila")
    for nth in range(3):
        assert page.play_check(nth)["readyState"] == 4


@pytest.mark.host("Voila", "finished video after reopening")
def test_opened_again_it_runs_anew_and_has_its_videos_for_nothing(page):
    accepted = len(page.studio.scenario.accepted)
    page.reload()
    until(page, "document.querySelectorAll('figure video[src^=data]').length >= 1")
    until(page, "document.querySelectorAll('.sdw-on .sdw-tile video').length === 2", "the wall never came")
    for nth in range(3):
        assert page.play_check(nth)["scheme"] == "data"
    assert len(page.studio.scenario.accepted) == accepted
