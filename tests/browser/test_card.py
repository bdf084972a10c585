"""What a person sees of one video in JupyterLab: a live card, then the video, for good."""

import base64
import hashlib
import textwrap
import urllib.request

import nbformat
import pytest
from browser.lab import WAIT_FOR_FILE, embedded_videos, eventually

from seedance_nb.api.models import Status
from seedance_nb.simulator import Fault

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb"
BOAT = "%seedance a paper boat -d 4 -r 480p"
FOX = "%seedance a fox in the snow -d 4 -r 480p"
SLEEP = "import time; time.sleep(5)"


def test_the_card_waits_for_no_service(simulate, notebook):
    simulate().add_fault(Fault("create", "delay", seconds=10))
    lab = notebook(LOAD, BOAT)
    lab.run_cell(0)
    lab.watch_status(1)

    lab.run_cell(1)
    lab.wait_role(1, "status")

    assert lab.statuses()[0]["seconds"] < 10


@pytest.mark.host("JupyterLab 4, single document", "live card")
def test_the_card_changes_by_itself_while_another_cell_runs(simulate, notebook):
    simulate(queue_seconds=1, render_seconds=2).add_fault(Fault("create", "delay", seconds=1))
    lab = notebook(LOAD, BOAT, SLEEP)
    lab.run_cell(0)
    lab.watch_status(1)

    lab.run_cell(1)
    lab.wait_role(1, "status")
    lab.run_cell(2)

    changes = [said for said in lab.statuses()[1:] if 2 in said["running"]]
    assert len(changes) >= 2, lab.statuses()


@pytest.mark.host("JupyterLab 4, dark", "stop button")
def test_stop_ends_the_wait_and_not_the_job_in_the_dark(simulate, notebook):
    simulate(render_seconds=600)
    lab = notebook(LOAD, f"{BOAT} -o boat", "boat.result()", theme="dark")
    lab.run_cell(0)
    lab.run_cell(1)
    lab.wait_text(1, "being made")

    lab.run_cell(2, wait=False)
    lab.wait_until("i => driver.isRunning(i)", 2)
    lab.interrupt()
    lab.wait_text(2, "stopped waiting; job ")

    assert lab.is_dark()
    assert "Traceback" not in lab.text(2)
    lab.wait_role(1, "button", "Cancel")


@pytest.mark.host("JupyterLab 4, single document", "finished video after reopening")
def test_the_video_plays_and_outlives_its_kernel(simulate, notebook):
    simulate()
    lab = notebook(LOAD, BOAT)
    lab.run_all()

    live = lab.play_check(cell=1)
    lab.save()
    lab.shutdown_kernel()
    lab.reload()
    reopened = lab.play_check(cell=1)

    assert reopened == {**live, "currentTime": reopened["currentTime"]}
    assert (live["readyState"], live["scheme"], live["height"]) == (4, "data", 480)


@pytest.mark.host("JupyterLab 4, untrusted", "finished video after reopening")
def test_a_stranger_who_does_not_trust_the_notebook_can_play_it(simulate, notebook, open_notebook, folder):
    simulate()
    lab = notebook(LOAD, BOAT)
    lab.run_all()
    lab.play_check(cell=1)
    lab.save()
    copy = folder / "copy.ipynb"
    copy.write_bytes((folder / "notebook.ipynb").read_bytes())

    theirs = open_notebook(copy, on="stranger")

    assert not theirs.is_trusted(1)
    assert theirs.play_check(cell=1)["readyState"] == 4


def test_the_saved_notebook_holds_the_bytes_of_the_server_once(simulate, notebook, folder):
    simulator = simulate()
    lab = notebook(LOAD, BOAT)
    lab.run_all()
    lab.play_check(cell=1)
    lab.save()

    text = (folder / "notebook.ipynb").read_text()
    [encoded] = embedded_videos(folder / "notebook.ipynb")

    assert sha256(base64.b64decode(encoded)) == sha256(sent_by(simulator))
    assert text.count(encoded) == 1


def test_no_trace_of_the_live_card_is_saved(simulate, notebook, folder):
    simulate()
    lab = notebook(LOAD, BOAT)
    lab.run_all()
    lab.play_check(cell=1)
    lab.save()
    lab.shutdown_kernel()
    lab.reload()
    lab.play_check(cell=1)

    outputs = nbformat.read(folder / "notebook.ipynb", as_version=4).cells[1].outputs
    mimes = {mime for output in outputs for mime in output.get("data", {})}
    assert mimes == {"text/html", "text/plain"}
    assert "Error displaying widget" not in lab.text(1)


def test_a_page_reloaded_while_the_job_is_pending_heals_itself(simulate, notebook, folder):
    simulator = simulate(queue_seconds=1, render_seconds=8)
    lab = notebook(LOAD, BOAT)
    lab.run_all()
    lab.wait_role(1, "button", "Cancel")
    lab.save()

    lab.reload()
    lab.wait_role(1, "status")
    pending = not simulator.scenario.status(only_request(simulator)).is_final
    lab.play_check(cell=1)
    advice = lab.text(1)
    lab.run_cell(1)
    lab.play_check(cell=1)
    lab.save()

    assert pending, "the job was over before the page had reloaded: the test proved nothing"
    assert "run this cell again" in advice
    assert len(embedded_videos(folder / "notebook.ipynb")) == 1
    assert len(simulator.scenario.accepted) == 1


def test_cancel_cancels(simulate, notebook):
    simulator = simulate(render_seconds=120)
    lab = notebook(LOAD, BOAT)
    lab.run_all()
    lab.wait_until("document.querySelector('.seedance-facts')?.innerText.includes('simulated credits')")

    lab.click(1, "Cancel")
    lab.wait_text(1, "Cancelled")

    assert simulator.scenario.status(only_request(simulator)) is Status.CANCELLED


def test_cancel_does_not_wait_for_a_running_cell(simulate, notebook, folder):
    simulator = simulate(render_seconds=120)
    lab = notebook(LOAD, BOAT, WAIT_FOR_FILE)
    lab.run_cell(0)
    lab.run_cell(1)
    eventually(lambda: simulator.scenario.accepted, seconds=10)  # before that there is nothing to cancel at the service

    lab.run_cell(2, wait=False)
    lab.click(1, "Cancel")
    eventually(lambda: simulator.scenario.status(only_request(simulator)) is Status.CANCELLED, seconds=10)

    assert lab.is_running(2)
    (folder / "go").touch()
    eventually(lambda: not lab.is_running(2))


def test_a_card_out_of_sight_gets_no_news_until_it_comes_back(simulate, notebook, folder):
    simulate(render_seconds=120)
    watch = """
        import pathlib, threading, time
        [view] = get_ipython()._seedance_screen.views
        def note():
            while True:
                pathlib.Path("seen").write_text(str(view._card.is_in_view))
                time.sleep(0.1)
        threading.Thread(target=note, daemon=True).start()
    """
    lab = notebook(LOAD, BOAT, "print('line\\n' * 200)", textwrap.dedent(watch))
    for cell in range(4):
        lab.run_cell(cell)

    def scroll_to(cell):
        show = "i => driver.cell(i).node.scrollIntoView({ block: 'center' })"
        lab.browser.do(lambda: lab.page.evaluate(show, cell))

    scroll_to(3)
    eventually(lambda: (folder / "seen").read_text() == "False")
    scroll_to(1)
    eventually(lambda: (folder / "seen").read_text() == "True")


def test_run_all_gives_each_cell_its_own_video_and_a_second_run_is_free(simulate, notebook, folder):
    simulator = simulate()
    lab = notebook(LOAD, BOAT, FOX)

    lab.run_all()
    lab.play_check(cell=1)
    lab.play_check(cell=2)
    lab.run_cell(1)
    lab.play_check(cell=1)
    lab.save()

    boat, fox = embedded_videos(folder / "notebook.ipynb")
    assert boat != fox
    assert "reused" in lab.text(1)
    assert [entry.body["prompt"] for entry in simulator.scenario.accepted] == ["a paper boat", "a fox in the snow"]


@pytest.mark.parametrize(
    "theme",
    [
        "light",
        pytest.param(
            "dark", marks=pytest.mark.host("JupyterLab 4, dark", "live card", "finished video after reopening")
        ),
    ],
)
def test_screenshots_of_the_card_and_the_video(simulate, notebook, theme):
    simulate(queue_seconds=0.5, render_seconds=4)
    lab = notebook(
        LOAD, "%seedance a paper boat drifts down a rainy street, neon reflections -d 4 -r 480p", theme=theme
    )

    lab.run_all()
    lab.wait_text(1, "being made")
    live = lab.screenshot(f"card-{theme}-live")
    lab.play_check(cell=1)
    final = lab.screenshot(f"card-{theme}-final")

    assert lab.is_dark() == (theme == "dark")
    assert live.read_bytes() != final.read_bytes()
    lab.save()
    lab.shutdown_kernel()
    lab.reload()
    assert lab.play_check(cell=1)["scheme"] == "data"


def sent_by(simulator):
    """The MP4 as the service gives it to anybody who has its URL."""
    with urllib.request.urlopen(simulator.scenario.output_url(only_request(simulator)), timeout=10) as answer:
        return answer.read()


def only_request(simulator):
    [entry] = simulator.scenario.accepted
    return entry.request_id


def sha256(data):
    return hashlib.sha256(data).hexdigest()
