"""Grids in real kernels: what arrives on the page; run again, killed half-way, run by a program."""

import functools
import re
import time

import pytest
from notebook.kernel import VIEW
from notebook.test_kernel import SMALL, Studio, digest, executed, final, opened, shown, videos

from seedance_nb.simulator import Fault, Pace

PAIRS = "%%seedance -m seedance-2.0,seedance-2.0-fast -a 1:1 -d 5,10 -r 480p -n 2 -o boats"
BOATS = f"{PAIRS}\na paper boat\n---\na paper plane"
TWO = f"%%seedance {SMALL} -n 2 -o boats\n{{}}"


@pytest.fixture(scope="module")
def studio():
    with Studio() as running:
        yield running


@pytest.fixture(scope="module")
def shared_kernel(tmp_path_factory, studio):
    with opened(tmp_path_factory.mktemp("notebook"), studio) as kernel:
        yield kernel


@pytest.fixture
def kernel(shared_kernel, studio):
    """The kernel of this file, with nothing running in it."""
    yield shared_kernel
    studio.finish()
    shared_kernel.run("%seedance wait")


def boards(kernel):
    """The states that boards have told the page since the beginning, in order."""
    states = [m["content"]["data"].get("state", {}) for m in list(kernel.messages) if m["msg_type"] == "comm_msg"]
    return [state["view"]["status"] for state in states if "marks" in state.get("view", {})]


def start(kernel, studio, prompt):
    before = len(studio.scenario.accepted)
    cell = kernel.run(TWO.format(prompt))
    assert cell.succeeded, cell.error
    kernel.wait(lambda: len(studio.scenario.accepted) == before + 2)
    while "None" in kernel.value("[job.request_id for job in boats.jobs]"):  # the answer is still on its way
        time.sleep(0.02)
    return cell


# -- at once, live, for good


def test_the_magic_returns_with_the_plan_a_receipt_and_a_board_while_the_jobs_run(kernel, studio):
    cell = start(kernel, studio, "at once")

    receipt, board = cell.outputs
    assert re.match(r"2 cells: 2 new; about [\d.]+ credits for 2 new videos \(", cell.text), cell.text
    assert set(receipt) == {"text/html", "text/plain"}
    assert VIEW in board
    assert kernel.value("boats.done()") == "False"


def test_news_and_the_wall_arrive_while_another_cell_keeps_the_kernel_busy(kernel, studio):
    cell = start(kernel, studio, "busy")
    before = len(boards(kernel))

    with kernel.busy():
        studio.finish()
        kernel.wait(lambda: final(cell))
        kernel.wait(lambda: cell.outputs[1] == {})

    assert len(boards(kernel)) > before
    served = [studio.film(kernel.value(f"boats.jobs[{i}].request_id").strip("'")) for i in range(2)]
    assert videos(cell.outputs) == [digest(film) for film in served]
    assert [set(output) for output in cell.outputs] == [{"text/html", "text/plain"}, set()]


def test_the_receipt_names_every_id_while_it_runs(kernel, studio):
    cell = start(kernel, studio, "named")

    ids = [kernel.value(f"boats.jobs[{i}].request_id").strip("'") for i in range(2)]
    kernel.wait(lambda: all(request_id in cell.outputs[0]["text/html"] for request_id in ids))


def test_a_grid_of_python_shows_its_plan_then_its_board_then_its_wall(kernel, studio):
    made = "import seedance_nb as sd\ngrid = sd.grid('a {what}', what=['cat', 'dog'], model='seedance-2.0-fast', duration=4)"
    kernel.run(made)

    plan = kernel.run("grid")
    running = kernel.run("grid.submit()")
    [plan_output] = plan.outputs
    receipt, board = running.outputs
    kernel.wait(lambda: kernel.value("all(job.request_id for job in grid.jobs)") == "True")
    studio.finish()
    kernel.wait(lambda: final(running))
    wall = kernel.run("grid")
    kernel.wait(lambda: final(wall))

    assert "2 cells: 2 new" in plan_output["text/html"]
    assert VIEW in board
    assert set(receipt) == {"text/html", "text/plain"}
    assert videos(wall.outputs) == videos(running.outputs)
    assert len(videos(wall.outputs)) == 2


def test_a_view_of_a_grid_is_a_wall_on_the_chosen_axes(kernel, studio):
    start(kernel, studio, "viewed")
    studio.finish()
    kernel.run("boats.result()")

    cell = kernel.run("boats.view(rows='take')")
    kernel.wait(lambda: final(cell))

    assert len(videos(cell.outputs)) == 2
    assert kernel.run("boats.view(rows='tkae')").error.startswith("InvalidRequest: 'tkae' is no axis")


def test_a_ballot_appears_below_its_cell_wherever_it_is_asked_for_and_what_is_wrong_is_raised_there(kernel, studio):
    start(kernel, studio, "voted on")
    assert kernel.run("boats.vote(by='take')").error.startswith("InvalidRequest: there are 0 finished clips")
    studio.finish()
    kernel.run("boats.result()")

    cell = kernel.run("asked = boats.vote(by='take', rater='Ada')\nprint(asked)")
    assert [VIEW in shown for shown in cell.outputs] == [True]
    assert cell.text == "None\n"
    last = kernel.run("boats.vote(by='take')")
    assert [VIEW in shown for shown in last.outputs] == [True]
    for call, words in (
        ("by='tkae'", "InvalidRequest: 'tkae' is no axis"),
        ("aspects=[]", "InvalidRequest: aspects must name"),
        ("by='take', rater=' '", "InvalidRequest: votes carry the name"),
    ):
        wrong = kernel.run(f"boats.vote({call})")
        assert wrong.error.startswith(words)
        assert not wrong.outputs


def test_a_failed_cell_is_told_below_a_wall_of_the_others(kernel, studio):
    before = len(studio.scenario.accepted)
    cell = kernel.run(f"%%seedance {SMALL} -o boats\na fine boat\n---\na [fail] boat")
    kernel.wait(lambda: len(studio.scenario.accepted) == before + 2)
    studio.finish()
    kernel.wait(lambda: final(cell))

    assert "grid.retry() tries the failed ones again" in cell.outputs[0]["text/html"]
    assert "&lt;as asked&gt;" in cell.outputs[0]["text/html"]
    assert len(videos(cell.outputs)) == 1


def test_stop_ends_the_wait_and_says_how_to_go_on(kernel, studio):
    start(kernel, studio, "stopped")
    waiting = kernel.send("boats.result()")
    kernel.wait(lambda: any(m["msg_type"] == "execute_input" for m in waiting.messages))
    time.sleep(0.4)  # it stands before the wait, or in it

    kernel.interrupt()
    waiting.wait(10)

    assert "2 jobs go on in the background" in waiting.error
    assert kernel.value("boats.done()") == "False"


# -- clicks


def test_a_click_on_cancel_reaches_the_service_while_a_cell_runs(kernel, studio):
    before = studio.calls["cancel"]
    cell = start(kernel, studio, "cancelled")
    model = cell.outputs[1][VIEW]["model_id"]
    subshell = kernel.open_subshell()

    with kernel.busy():
        kernel.click(model, {"kind": "cancel"}, subshell=subshell)
        kernel.wait(lambda: studio.calls["cancel"] == before + 2)
        kernel.wait(lambda: cell.outputs[1] == {})

    assert "Cancelled" in cell.outputs[0]["text/html"]


# -- again, more, and after a crash


def test_sixteen_cells_are_bought_once_and_a_third_prompt_buys_eight_more(tmp_path):
    with Studio() as studio, opened(tmp_path, studio) as kernel:
        first = kernel.run(BOATS)
        kernel.wait(lambda: studio.calls["create"] == 16)
        studio.finish()
        kernel.run("boats.result()", 120)
        again = kernel.run(BOATS)
        kernel.wait(lambda: final(again), 60)
        after_again = studio.calls["create"]
        more = kernel.run(BOATS + "\n---\na paper hat")
        kernel.wait(lambda: studio.calls["create"] >= 24)
        studio.finish()
        kernel.run("boats.result()", 120)

    assert re.match(r"16 cells: 16 new; about [\d.,]+ credits for 16 new videos", first.text)
    assert again.text == "16 cells: 16 have it; nothing new: 0 credits\n"
    assert (after_again, len(videos(again.outputs))) == (16, 16)
    assert more.text.startswith("24 cells: 16 have it, 8 new; ")
    assert studio.calls["create"] == 24


def test_a_kernel_killed_at_the_ninth_create_buys_every_cell_once(tmp_path):
    with Studio() as studio, opened(tmp_path, studio) as kernel:
        studio.add_fault(Fault("create", "delay", seconds=0.2, times=None))
        kernel.run("import seedance_nb as sd; sd.configure(concurrency=1)")  # one after another, to hit the ninth
        kernel.send(BOATS)
        kernel.wait(lambda: studio.calls["create"] >= 9)
        kernel.restart()
        before = studio.calls["create"]
        kernel.run("%load_ext seedance_nb")
        again = kernel.run(BOATS)
        # The one that was under way when the kernel died may be known to the service alone, or have come to nobody: it is never sent again.
        kernel.wait(lambda: kernel.value("all(job.request_id or job.error for job in boats.jobs)") == "True", 60)
        unknown = int(kernel.value("sum(job.status == 'unknown' for job in boats.jobs)"))
        kernel.wait(lambda: len(studio.scenario.accepted) >= 16 - unknown)
        studio.finish()
        kernel.run("boats.result()", 120)

    bought = [(e.body["prompt"], e.body["model"], e.body["duration"]) for e in studio.scenario.accepted]
    assert again.succeeded, again.error
    assert 9 <= before < 16, "the kernel died too early or too late: the test proved nothing"
    assert re.match(r"16 cells: .*\b(running|have it)\b.*\bnew\b", again.text), again.text
    assert unknown <= 1
    assert 16 - unknown <= studio.calls["create"] == len(bought) <= 16
    assert all(bought.count(request) <= 2 for request in bought)


# -- nobody there to watch


def test_a_notebook_run_by_a_program_is_saved_with_its_wall(simulator, tmp_path):
    simulator.scenario.pace = Pace(0.1, 0.3, 0)
    notebook, error = executed(
        tmp_path,
        simulator,
        "%load_ext seedance_nb",
        f"%%seedance {SMALL} -n 2 -o boats\na boat\n---\na plane",
        "import seedance_nb as sd\nsd.grid('a {what}', what=['cat', 'dog'], model='seedance-2.0-fast', duration=4).submit()",
        "print(*[job.request_id for job in boats.jobs])",
    )

    assert error is None
    by_magic, by_name, ids = notebook.cells[1:]
    served = [digest((simulator.folder / f"{name}.mp4").read_bytes()) for name in ids.outputs[0].text.split()]
    assert videos(shown(by_magic)) == served
    assert len(set(videos(shown(by_name)))) == 2
    bundles = functools.reduce(lambda a, b: a + b, (shown(cell) for cell in (by_magic, by_name)))
    assert all(set(bundle) == {"text/html", "text/plain"} for bundle in bundles)
    assert simulator.calls["create"] == 6


@pytest.mark.host("nbclient", "board and wall")
def test_a_notebook_run_by_a_program_fails_with_a_cell_of_a_grid_and_keeps_what_came(simulator, tmp_path):
    notebook, error = executed(
        tmp_path,
        simulator,
        "%load_ext seedance_nb",
        f"%%seedance {SMALL}\na boat\n---\na [fail] boat",
        "print('not reached')",
    )

    assert "1 of 2 videos did not come; 'a [fail] boat'" in str(error)
    [bundle] = shown(notebook.cells[1])
    assert "grid.retry() tries the failed ones again" in bundle["text/html"]
    assert notebook.cells[2].outputs == []
