"""A webhook in JupyterLab: a finished video is there at once, though nobody would have looked for an hour."""

import pytest

pytestmark = pytest.mark.browser

LOAD = """import seedance_nb as sd
%load_ext seedance_nb
s = sd.configure(poll_floor=3600, poll_ceiling=3600)"""
BOAT = "%seedance a paper boat -d 4 -r 480p --webhook auto"


def test_a_webhook_shows_the_finished_video_within_one_look(simulate, notebook, jupyter):
    simulator = simulate(queue_seconds=0.5, render_seconds=1.0)
    lab = notebook(LOAD, BOAT)
    lab.run_cell(0)
    lab.run_cell(1)

    shown = lab.play_check(cell=1)

    assert (shown["readyState"], shown["height"]) == (4, 480)
    assert (simulator.calls["create"], simulator.calls["get"], simulator.calls["webhook"]) == (1, 1, 1)
    [entry] = simulator.scenario.accepted
    address = entry.body["webhookUrl"]
    assert address.startswith(f"{jupyter().url}/seedance/wake/")
    assert address.rpartition("/")[2] not in (jupyter()._state / "server.log").read_text(errors="replace")
