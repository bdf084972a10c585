"""What a person sees of a grid in JupyterLab: its plan, a live board, then the wall, for good."""

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest
from browser.lab import WAIT_FOR_FILE, embedded_videos, eventually

from seedance_nb.api.models import Status
from seedance_nb.simulator import Fault

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb"
GAPS = """%%seedance -m seedance-2.0-fast -a 1:1 -d 4 -r 480p -n 2
a paper boat drifts down a rainy street
---
a paper plane [fail] glides down a rainy street"""
GRID = """%%seedance -m seedance-2.0-fast -a 1:1 -d 4 -r 480p -n 2 -o boats
a paper boat drifts down a rainy street, neon reflections
---
a paper plane glides down a rainy street, neon reflections"""
WIDE = """%%seedance -m seedance-2.0,seedance-2.0-fast -d 4,5 -r 480p -n 2 -o wide
a paper boat drifts down a rainy street, neon reflections
---
a paper boat [fail] drifts down a snowy street, neon reflections
---
a paper boat [stuck] drifts down a sunny street, neon reflections"""
BOARD = ".seedance-board"


def outputs_of(path, index):
    return nbformat.read(path, as_version=4).cells[index].outputs


def wait_wall(lab, cell=1, clips=4):
    lab.wait_until(
        "([i, n]) => driver.cell(i).node.querySelectorAll('video').length >= n && !driver.cell(i).node.querySelector('.seedance-board')",
        [cell, clips],
        timeout=60,
        hint="the wall never came",
    )


def do(lab, work):
    return lab.browser.do(work)


def test_the_board_waits_for_no_service(simulate, notebook):
    simulate().add_fault(Fault("create", "delay", seconds=10, times=None))
    lab = notebook(LOAD, GRID)
    lab.run_cell(0)
    lab.watch_status(1)

    lab.run_cell(1)
    lab.wait_role(1, "status")

    assert lab.statuses()[0]["seconds"] < 10


def test_the_board_changes_by_itself_while_another_cell_runs_and_becomes_the_wall(simulate, notebook, folder):
    simulator = simulate(queue_seconds=0.1, render_seconds=5)
    simulator.add_fault(
        Fault("create", "delay", seconds=2, times=None)
    )  # nothing is accepted before the other cell runs
    lab = notebook(LOAD, GRID, WAIT_FOR_FILE)
    lab.run_cell(0)

    lab.run_cell(1, wait=False)
    lab.run_cell(2, wait=False)
    lab.wait_text(1, "being sent")
    lab.wait_text(1, "being made")
    wait_wall(lab)

    assert not lab.has_run(2)
    (folder / "go").touch()
    eventually(lambda: lab.has_run(2))


@pytest.mark.host("JupyterLab 4, single document", "board and wall")
def test_the_wall_outlives_its_kernel_and_holds_each_clip_once(simulate, notebook, folder):
    simulate()
    lab = notebook(LOAD, GRID)
    lab.run_all()
    wait_wall(lab)
    lab.save()
    path = folder / "notebook.ipynb"

    kept = embedded_videos(path)
    lab.shutdown_kernel()
    lab.reload()
    reopened = lab.play_check(cell=1)

    assert len(kept) == len(set(kept)) == 4
    assert {mime for output in outputs_of(path, 1) for mime in output.get("data", {})} == {"text/html", "text/plain"}
    assert reopened["readyState"] == 4
    assert "Error displaying widget" not in lab.text(1)


def test_a_page_reloaded_while_the_grid_runs_shows_its_clips_and_says_what_to_do(simulate, notebook, folder):
    simulator = simulate(queue_seconds=1, render_seconds=20)
    lab = notebook(LOAD, GRID)
    lab.run_all()
    lab.wait_role(1, "button", "Cancel all")
    lab.save()

    lab.reload()
    lab.wait_role(1, "status")
    pending = [
        entry for entry in simulator.scenario.accepted if not simulator.scenario.status(entry.request_id).is_final
    ]
    lab.wait_text(1, "run this cell again there", timeout=60)
    played = lab.play_check(cell=1)
    lab.run_cell(1)
    wait_wall(lab)
    lab.save()

    assert pending, "the grid was over before the page had reloaded: the test proved nothing"
    assert played["readyState"] == 4
    assert len(embedded_videos(folder / "notebook.ipynb")) == 4
    assert len(simulator.scenario.accepted) == 4


def test_cancel_all_asks_back_and_does_not_wait_for_a_running_cell(simulate, notebook, folder):
    simulator = simulate(render_seconds=120)
    lab = notebook(LOAD, GRID, WAIT_FOR_FILE)
    lab.run_cell(0)
    lab.run_cell(1)
    eventually(lambda: len(simulator.scenario.accepted) == 4)
    lab.run_cell(2, wait=False)

    lab.click(1, "Cancel all")
    lab.click(1, "Keep going")
    asked_back = simulator.calls["cancel"]
    lab.click(1, "Cancel all")
    lab.click(1, "Cancel them")
    statuses = lambda: {simulator.scenario.status(e.request_id) for e in simulator.scenario.accepted}  # noqa: E731
    eventually(lambda: statuses() == {Status.CANCELLED}, seconds=20)

    assert (asked_back, lab.is_running(2)) == (0, True)
    (folder / "go").touch()
    eventually(lambda: not lab.is_running(2))


def test_retry_failed_buys_the_failed_ones_again_and_no_others(simulate, notebook):
    simulator = simulate(queue_seconds=0.1, render_seconds=60)
    simulator.add_fault(Fault("create", "status", http_status=422, times=1))
    lab = notebook(LOAD, GRID)
    lab.run_all()
    eventually(lambda: simulator.calls["create"] == 4)

    lab.wait_role(1, "button", "Retry failed (1)")
    lab.click(1, "Retry failed (1)")
    eventually(lambda: len(simulator.scenario.accepted) == 4)

    assert simulator.calls["create"] == 5


@pytest.mark.parametrize(
    "theme", ["light", pytest.param("dark", marks=pytest.mark.host("JupyterLab 4, dark", "board and wall"))]
)
def test_axe_finds_nothing_and_screenshots(simulate, notebook, theme):
    simulator = simulate(queue_seconds=0.2, render_seconds=1)
    plan = "import seedance_nb as sd\nsd.grid('a {animal} {action}', animal=['cat', 'dog'], action=['jumps', 'sleeps'], duration=[5, 99], takes=2)"
    lab = notebook(LOAD, WIDE, plan, GAPS, theme=theme)
    lab.run_cell(0)
    lab.run_cell(2)
    lab.wait_text(2, "16 cells")
    shots = [lab.browser.do(lambda: look(lab.page, 2, f"grid-{theme}-plan"))]
    lab.run_cell(1)
    eventually(lambda: len(simulator.scenario.accepted) == 24)
    lab.wait_until(
        "() => { const t = driver.text(1); return t.includes('8 done') && t.includes('8 without a video'); }",
        timeout=40,
        hint="the board never showed the failures",
    )
    do(lab, lab._outputs(1).get_by_role("button", name=": failed").first.focus)
    shots.append(do(lab, lambda: look(lab.page, 1, f"grid-{theme}-board")))
    violations = do(lab, lambda: axe(lab.page, BOARD))
    lab.run_cell(3)
    wait_wall(lab, cell=3, clips=2)
    shots.append(do(lab, lambda: look(lab.page, 3, f"grid-{theme}-wall")))

    assert violations == [], json.dumps(violations, indent=1)
    assert lab.is_dark() == (theme == "dark")
    assert all(shot.exists() for shot in shots)


def look(tab, cell, name):
    """One cell's outputs as a picture."""
    from browser.lab import SCREENSHOTS

    before = tab.viewport_size
    tab.set_viewport_size({"width": 1300, "height": 1900})
    tab.evaluate("() => { window.jupyterapp.shell.collapseLeft?.() }")
    tab.wait_for_timeout(500)
    place = tab.locator(".jp-Notebook .jp-Cell").nth(cell)
    place.scroll_into_view_if_needed()
    tab.wait_for_timeout(300)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    place.screenshot(path=path)
    tab.set_viewport_size(before)
    return path


def axe(tab, selector):
    """What axe-core says against what is ours."""
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None:
        pytest.fail("axe-playwright-python is not installed; make test installs it")
    tab.evaluate((Path(spec.origin).parent / "axe.min.js").read_text())
    found = tab.evaluate("s => axe.run(s, { resultTypes: ['violations'] })", selector)
    return [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found["violations"]]


def test_clips_chosen_in_the_panel_stand_side_by_side_and_the_copied_code_is_free(simulate, notebook, folder):
    simulator = simulate(queue_seconds=0.1, render_seconds=0.2)
    lab = notebook(LOAD, GRID + "\n", "%seedance", "pass")
    lab.run_cell(0)
    lab.run_cell(1)
    wait_wall(lab)
    lab.run_cell(2)
    tiles = lambda name: lab._outputs(2).get_by_role("button", name=name)  # noqa: E731

    lab.wait_role(2, "button", "Select…")
    do(lab, lambda: tiles("Open ").nth(3).wait_for())
    lab.click(2, "Select…")
    do(lab, lambda: [tiles("Choose ").nth(n).click() for n in (0, 1, 2)])
    lab.click(2, "Compare selected (3)")
    lab.wait_until("() => driver.cell(2).node.querySelectorAll('.seedance-compare video').length === 3", timeout=30)
    played = lab.play_check(cell=2)
    shot = do(lab, lambda: look(lab.page, 2, "grid-light-compare"))
    lab.click(2, "Copy as Python")
    code = do(lab, lambda: lab._outputs(2).locator(".seedance-compare-code").inner_text())
    violations = do(lab, lambda: axe(lab.page, ".seedance-picks"))
    do(lab, lambda: lab.page.evaluate("code => driver.cell(3).model.sharedModel.setSource(code)", code))
    lab.run_cell(3)
    wait_wall(lab, cell=3, clips=3)

    assert played["readyState"] == 4
    assert violations == []
    assert shot.exists()
    assert simulator.calls["create"] == 4
