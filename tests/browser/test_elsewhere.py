"""Jobs shown where later outputs do not arrive: inside Output widgets and interact."""

import pytest

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb\nimport seedance_nb as sd, ipywidgets as w\nfrom IPython.display import display"
OUT = "out = w.Output()\ndisplay(out)\nwith out:\n    display(sd.submit('a paper boat', duration=4, resolution='480p'))"
FAILED = "other = w.Output()\ndisplay(other)\nwith other:\n    display(sd.submit('a paper boat [fail]', duration=4, resolution='480p'))"
INTERACT = (
    "w.interact(lambda thing: sd.submit(f'a paper {thing}', duration=4, resolution='480p'), thing=['plane', 'kite']);"
)
ONE_VIDEO = "([i, n]) => { const all = driver.cell(i).node.querySelectorAll('video'); return all.length === n && [...all].every((v) => v.readyState >= 2); }"


def choose(lab, cell, thing):
    lab.browser.do(lambda: lab._outputs(cell).get_by_role("combobox").select_option(label=thing))
    lab.wait_text(cell, f"a paper {thing}", timeout=60)


def wait_video(lab, cell):
    lab.wait_until(ONE_VIDEO, [cell, 1], timeout=60, hint=f"not one video in cell {cell}")
    lab.wait_until("() => new Promise((done) => setTimeout(() => done(true), 1500))")  # a second one would come late
    lab.wait_until(ONE_VIDEO, [cell, 1], timeout=5, hint=f"more than one video in cell {cell}")


def test_a_job_in_an_output_widget_or_in_interact_becomes_one_video_without_a_receipt(simulate, notebook):
    simulator = simulate(queue_seconds=0.2, render_seconds=1)
    lab = notebook(LOAD, OUT, INTERACT, FAILED)
    for cell in range(4):
        lab.run_cell(cell)

    texts = []
    for cell in (1, 2):
        wait_video(lab, cell)
        texts.append(lab.text(cell))
    choose(lab, 2, "kite")
    wait_video(lab, 2)
    texts.append(lab.text(2))
    choose(lab, 2, "plane")
    wait_video(lab, 2)
    again = lab.text(2)
    lab.wait_text(3, "could not make this video", timeout=60)
    failed = lab.text(3)

    for text in texts:
        assert "reloaded" not in text
        assert "last seen" not in text
        assert "being sent" not in text
        assert "The running kernel shows this video" in text
        assert "a paper" in text
    assert "last seen" not in again + failed
    assert len(simulator.scenario.accepted) == 4


def test_the_saved_widget_state_holds_no_receipt_of_it(simulate, notebook):
    simulate(queue_seconds=0.2, render_seconds=1)
    lab = notebook(LOAD, OUT, "print('receipt' if 'last seen' in str(out.outputs) else 'none', len(out.outputs))")
    lab.run_cell(0)
    lab.run_cell(1)
    wait_video(lab, 1)
    lab.run_cell(2)

    assert lab.text(2) == "none 1"


GRID = (
    "grid = sd.grid('a {thing}', thing=['boat', 'kite'], duration=4, resolution='480p')\nthird = w.Output()\ndisplay(third)\n"
    "with third:\n    display(grid.submit(max_credits=500))"
)


def test_a_grid_in_an_output_widget_becomes_one_wall_without_a_receipt(simulate, notebook):
    simulate(queue_seconds=0.2, render_seconds=2)
    lab = notebook(LOAD, GRID)
    lab.run_cell(0)
    lab.run_cell(1)
    lab.wait_until(ONE_VIDEO, [1, 2], timeout=60, hint="there are no two videos")
    text = lab.text(1)

    assert "reloaded" not in text
    assert "run this cell again to get the grid back" not in text
    assert "The running kernel shows these clips" in text
