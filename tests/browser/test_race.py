"""What a person sees of a race in JupyterLab: how far its clips are, who stands where, and again for nothing."""

import pytest

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb\nimport seedance_nb as sd"
RACE = """race = sd.grid(["a paper boat in the rain", "비 오는 거리를 떠다니는 종이배, 네온 불빛"], duration=4, resolution="480p", aspect_ratio="1:1").race(
    by="prompt", max_credits=200)
race.run()"""
WRONG = 'sd.grid(["a cat", "a dog"]).race(by="promt", max_credits=200)'
IN_A_BOX_THAT_FITS = """i => {
  const table = driver.cell(i).node.querySelector(".jp-Cell-outputWrapper table");
  return table && table.parentElement.getBoundingClientRect().right <= window.innerWidth;
}"""


def test_a_race_shows_who_stands_where_on_a_phone_too_and_again_for_nothing(simulate, notebook):
    service = simulate(render_seconds=0.5)
    lab = notebook(LOAD, RACE, WRONG, "race.grid.view()")
    lab.run_cell(0)
    lab.run_cell(1, timeout=120)
    for text in (
        "round 1: 4 of 4 clips",
        "above the leader",
        "비 오는 거리를 떠다니는 종이배, 네온 불빛",
        "race.vote() asks for 20 more votes",
    ):
        lab.wait_text(1, text)
    lab.browser.do(lambda: lab.page.set_viewport_size({"width": 390, "height": 844}))
    lab.wait_until(IN_A_BOX_THAT_FITS, 1, hint="the table is wider than the phone")
    lab.run_cell(2)
    assert lab.text(2) == "InvalidRequest: 'promt' is no axis of this grid; did you mean 'prompt'?; there are prompt"
    lab.run_cell(1, timeout=120)
    lab.run_cell(3)
    lab.wait_until("i => driver.cell(i).node.querySelectorAll('video').length === 4", 3, hint="the wall never came")
    assert len(service.scenario.accepted) == 4
