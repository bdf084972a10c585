"""A story in a real kernel: the cell returns at once, the board is live, the wall stays; again for nothing; stopped waiting, it goes on."""

import re
import time

import pytest
from notebook.kernel import Kernel
from tracking.references.published import Published

from seedance_nb.simulator import Pace, Simulator

SMALL = "-m seedance-2.0-fast -a 1:1 -d 4 -r 480p"
CELL = f"%%seedance --story {SMALL} -n 2 -o film\na paper boat\n>>>\nthe rain stops\n>>>\nthe sea"


@pytest.fixture
def simulator():
    with Simulator(pace=Pace(0, 0.3, 0)) as running:
        yield running


@pytest.fixture
def kernel(kernel_of):
    with kernel_of() as running:
        assert running.run("%load_ext seedance_nb").succeeded
        yield running


@pytest.fixture
def kernel_of(tmp_path, simulator):
    folder = tmp_path / "notebook"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[tool.seedance_nb]\npoll_floor = 0.05\npoll_ceiling = 0.3\n")
    with Published(tmp_path / "published") as published:
        access = {
            "SEEDANCE_BASE_URL": simulator.base_url,
            "SEEDANCE_API_KEY": "sd2_test_key",
            "SEEDANCE_UPLOADS": f"file://{tmp_path}/published?public=http://127.0.0.1:{published.server.server_port}",
        }
        yield lambda **options: Kernel(folder, access, **options)


def counts(simulator):
    prompts = [entry.body["prompt"] for entry in simulator.scenario.accepted]
    return {prompt: prompts.count(prompt) for prompt in prompts}


def test_a_cell_tells_a_story_and_the_same_cell_again_costs_nothing(kernel, simulator):
    cell = kernel.run(CELL)
    assert cell.succeeded
    assert re.match(r"6 cells: 6 new; about [\d.,]+ credits for 6 new videos", cell.text)
    assert simulator.calls["create"] <= 2  # it has returned while the first shot is being made

    assert kernel.run("print(len(film.result()), film.done(), film.picks)").text == "3 True [1, 1, 1]\n"
    assert counts(simulator) == {"a paper boat": 2, "the rain stops": 2, "the sea": 2}
    wall = kernel.wait(lambda: next((html for html in map(str, cell.outputs) if "data:video/mp4" in html), None))
    assert "story.pick(shot, take)" in wall

    again = kernel.run(CELL)
    assert again.succeeded
    assert "nothing new: 0 credits" in again.text
    assert simulator.calls["create"] == 6


def test_the_plan_of_a_cell_sends_nothing_and_a_joined_prompt_is_never_bought(kernel, simulator):
    planned = kernel.run(CELL.replace("-o film", "--dry-run"))
    assert planned.succeeded
    assert "dry run: nothing was sent" in planned.text
    for cell in (
        "%%seedance --story\n>>>\na boat\n",
        "%%seedance --story\na boat",
        "%%seedance\na boat\n>>>\nthe sea",
        "%%seedance --story\n>>>\na boat\n---\nthe sea",
    ):
        refused = kernel.run(cell)
        assert not refused.succeeded
    assert simulator.calls["create"] == 0


def test_the_stop_button_ends_the_wait_and_the_story_goes_on(kernel, simulator):
    assert kernel.run(CELL).succeeded
    cell = kernel.send("film.result()")
    kernel.wait(lambda: any(m["msg_type"] == "execute_input" for m in cell.messages))
    time.sleep(0.4)  # it stands before the wait, or in it
    kernel.interrupt()
    cell.wait()
    assert not cell.succeeded
    assert "the story goes on in the background" in cell.error
    kernel.wait(lambda: len(counts(simulator)) == 3)
    assert kernel.run("print(all(film.result()))").text == "True\n"
    assert simulator.calls["create"] == 6


def test_where_a_program_runs_the_notebook_a_cell_ends_with_its_last_shot(kernel_of, simulator):
    options = "model='seedance-2.0-fast', aspect_ratio='1:1', duration=4, resolution='480p'"
    with kernel_of(with_user=False) as kernel:
        kernel.run("%load_ext seedance_nb\nimport seedance_nb as sd")
        cell = kernel.run(f"film = sd.story(['a paper boat', 'the rain stops', 'the sea'], {options}).submit()\nfilm")
        assert cell.succeeded
        assert counts(simulator) == {"a paper boat": 1, "the rain stops": 1, "the sea": 1}
        assert kernel.run("print(film.done(), all(film.clips))").text == "True True\n"
        assert any("data:video/mp4" in str(shown) for shown in cell.outputs)

        failed = kernel.run(f"film = sd.story(['a paper boat', '[fail] it sinks', 'the sea'], {options}).submit()")
        assert not failed.succeeded
        assert "the service could not make this video" in failed.error
        assert len(counts(simulator)) == 4
