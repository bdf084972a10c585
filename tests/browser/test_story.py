"""A story in JupyterLab: its board while it is told, with shots that wait for the one before, then the wall of its takes."""

import pytest
from browser.test_grid import LOAD, wait_wall
from tracking.references.published import Published

from seedance_nb.simulator import Fault

pytestmark = pytest.mark.browser

STORY = """%%seedance --story -m seedance-2.0-fast -d 4 -r 480p -n 2 -o film
a paper boat on a rainy street
>>>
the rain stops
>>>
the boat reaches the sea"""


@pytest.fixture
def places(tmp_path, kernel_env):
    with Published(tmp_path / "published") as published:
        at = f"http://127.0.0.1:{published.server.server_port}"
        kernel_env["SEEDANCE_UPLOADS"] = f"file://{tmp_path}/published?public={at}"
        yield published


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.usefixtures("places")
def test_a_story_is_watched_on_a_board_and_stays_as_a_wall_of_its_takes(simulate, notebook, theme):
    simulator = simulate(render_seconds=1.5)
    lab = notebook(LOAD, STORY, theme=theme)
    lab.run_cell(0)
    lab.run_cell(1)

    lab.wait_text(1, "not sent yet")
    lab.wait_text(1, "done")
    lab.screenshot(f"story-{theme}-board")
    wait_wall(lab, clips=6)
    lab.wait_text(1, "It goes on from take 1 of shot 1")
    lab.screenshot(f"story-{theme}-wall")
    assert simulator.calls["create"] == 6


@pytest.mark.usefixtures("places")
def test_a_shot_that_failed_says_what_hangs_on_it_and_how_to_go_on(simulate, notebook):
    simulator = simulate(render_seconds=0.2)
    for _ in range(2):
        simulator.add_fault(
            Fault("create", "status", match="the rain stops", times=2, http_status=400, body={"error": "no"})
        )
    lab = notebook(LOAD, STORY)
    lab.run_cell(0)
    lab.run_cell(1)

    lab.wait_text(1, "story.retry() tries the failed ones again")
    lab.wait_text(1, "not sent: every take of shot 2 has no video")
    lab.screenshot("story-stopped")
    assert simulator.calls["create"] == 4


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.usefixtures("places")
def test_a_take_is_picked_by_a_button_that_says_first_what_it_costs(simulate, notebook, theme):
    simulator = simulate(render_seconds=0.3)
    lab = notebook(LOAD, STORY, "film.choose()", theme=theme)
    lab.run_cell(0)
    lab.run_cell(1)
    wait_wall(lab, clips=6)
    lab.run_cell(2)
    lab.wait_role(2, "button", "Pick take 2 of shot 1")

    lab.click(2, "Pick take 2 of shot 1")
    lab.wait_text(2, "To go on from take 2 of shot 1: 6 cells: 2 have it, 4 new")
    lab.screenshot(f"story-{theme}-picker")
    assert simulator.calls["create"] == 6
    lab.click(2, "Leave it")
    lab.wait_role(2, "button", "Pick take 2 of shot 1")
    lab.click(2, "Pick take 2 of shot 1")
    lab.wait_role(2, "button", "Make them")
    lab.click(2, "Make them")

    lab.wait_text(2, "It goes on from take 2 of shot 1.")
    lab.wait_role(2, "button", "Take 2, picked of shot 1")
    lab.wait_role(2, "button", "Take 1, picked of shot 3")
    assert simulator.calls["create"] == 10

    lab.click(2, "Pick take 1 of shot 1")  # the ledger has all of it: no second press
    lab.wait_text(2, "It goes on from take 1 of shot 1: nothing new, 0 credits.")
    assert simulator.calls["create"] == 10
