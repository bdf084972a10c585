"""Where notebooks are far from their kernels, or shared, or small: prefixes, cut lines, two tabs, two people, 390 px, no mouse, no eyes."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.cut_line import CutLine
from browser.lab import Browser, JupyterServer, embedded_videos, eventually, write_notebook

from seedance_nb.api.models import Status

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb\nimport seedance_nb as sd"
BOAT = "%seedance a paper boat -d 4 -r 480p"
STUCK = "%seedance a paper boat with a very long name that no narrow window has room for [stuck] -d 4 -r 480p"
GRID = "grid = sd.grid('a {thing} [stuck]', thing=['kite', 'dog', 'train', 'mountain'], duration=4, resolution='480p')\ngrid.submit()"
PANEL = "%seedance"
COLLABORATION = Path(__file__).resolve().parents[2] / "build" / "collaboration"


def wait_running(lab):
    """Until the card in cell 1 and the board in cell 2 are drawn. What is out of sight gets no news, so no status is waited for."""
    lab.wait_role(1, "button", "Cancel", timeout=60)
    lab.wait_role(2, "button", "Cancel all", timeout=60)


@pytest.fixture
def hub(tmp_path_factory, kernel_env):
    """`hub(**how)`: a JupyterLab of this test alone."""
    servers = []

    def hub(**how):
        folder = tmp_path_factory.mktemp("hub")
        servers.append(JupyterServer(folder, kernel_env=kernel_env, **how).start())
        return servers[-1]

    yield hub
    for server in servers:
        server.stop()


def test_below_a_hubs_prefix_card_panel_gallery_and_saved_video_work(simulate, hub, browser):
    simulator = simulate()
    server = hub(base_url="/user/ann/lab-1/")
    path = write_notebook(server.folder / "in a folder" / "notebook.ipynb", [LOAD, BOAT, PANEL])
    lab = browser.open_notebook(server, path)
    for cell in range(3):
        lab.run_cell(cell)

    played = lab.play_check(cell=1, timeout=60)
    lab.wait_role(2, "textbox", "Prompt", timeout=60)
    lab.browser.do(lambda: lab._outputs(2).locator(".seedance-tile").first.click(timeout=60_000))
    in_gallery = lab.play_check(cell=2, timeout=60)
    lab.save()
    lab.close()

    assert (played["scheme"], in_gallery["scheme"]) == ("data", "blob")
    assert len(embedded_videos(path)) == 1
    assert len(simulator.scenario.accepted) == 1


def test_a_line_that_was_cut_while_the_video_was_made_changes_nothing(simulate, jupyter, browser, folder, kernel_env):
    simulator = simulate(render_seconds=3)
    server = jupyter()
    server.set_kernel_env(kernel_env)
    path = write_notebook(folder / "notebook.ipynb", [LOAD, BOAT])
    with CutLine(urlsplit(server.url).port) as line:
        lab = browser.open_notebook(server, path, url=line.url)
        lab.run_cell(0)
        lab.run_cell(1)
        eventually(lambda: simulator.scenario.accepted, seconds=60)

        line.cut()
        [entry] = simulator.scenario.accepted
        eventually(lambda: simulator.scenario.status(entry.request_id) is Status.SUCCEEDED, seconds=60)
        eventually(lambda: line.turned_away, seconds=120)  # the page has noticed
        line.mend()

        played = lab.play_check(cell=1, timeout=120)
        lab.save()
        lab.close()
    server.shutdown_kernels()

    assert played["readyState"] == 4
    assert len(embedded_videos(path)) == 1
    assert len(simulator.scenario.accepted) == 1


def test_two_tabs_on_one_notebook_pay_once_and_both_show_it(simulate, notebook, browser, jupyter, folder):
    simulator = simulate(render_seconds=8)
    one = notebook(LOAD, BOAT)
    one.run_cell(0)
    one.run_cell(1)
    eventually(lambda: simulator.scenario.accepted, seconds=60)

    other = browser.open_notebook(jupyter(), folder / "notebook.ipynb")
    other.run_cell(1)
    first, second = one.play_check(cell=1, timeout=90), other.play_check(cell=1, timeout=90)
    other.close()

    assert first["readyState"] == second["readyState"] == 4
    assert len(simulator.scenario.accepted) == 1


def test_cancel_in_one_tab_shows_in_the_other(simulate, notebook, browser, jupyter, folder):
    simulator = simulate(render_seconds=600)
    one = notebook(LOAD, BOAT)
    one.run_cell(0)
    one.run_cell(1)
    one.wait_text(1, "being made", timeout=60)

    other = browser.open_notebook(jupyter(), folder / "notebook.ipynb")
    other.run_cell(1)
    other.click(1, "Cancel")
    for tab in (one, other):
        tab.wait_text(1, "Cancelled", timeout=60)
    other.close()

    assert len(simulator.scenario.accepted) == 1


def test_two_people_run_one_cell_pay_once_and_both_have_the_video(simulate, hub, browser):
    if not COLLABORATION.exists():
        pytest.skip("NO COLLABORATION: jupyter-collaboration is not in build/collaboration; .ci/run puts it there")
    simulator = simulate(render_seconds=8)
    server = hub(collaboration=COLLABORATION)
    path = write_notebook(server.folder / "notebook.ipynb", [LOAD, BOAT])
    has_video = "() => JSON.stringify(driver.cell(1).model.toJSON().outputs).includes('data:video/mp4')"
    ann = browser.open_notebook(server, path)
    with Browser() as elsewhere:
        ben = elsewhere.open_notebook(server, path)
        ann.run_cell(0)
        ann.run_cell(1)
        eventually(lambda: simulator.scenario.accepted, seconds=60)
        ben.wait_text(1, "a paper boat", timeout=60)
        ben.run_cell(1, wait=False)  # he presses it too

        # What another person's page has changed JupyterLab draws late or not at all (any output, any widget); the document has it.
        for person in (ann, ben):
            person.wait_until(has_video, timeout=120)
        played = []
        for person in (ann, ben):
            person.reload()
            played.append(person.play_check(cell=1, timeout=60)["readyState"])
        ben.screenshot("two-people")
        ben.close()
    ann.close()

    assert played == [4, 4]
    assert len(simulator.scenario.accepted) == 1


OVERHANG = """
    (i) => [...driver.cell(i).node.querySelectorAll(".jp-OutputArea-output")].map((output) => [
        output.scrollWidth - output.clientWidth, output.clientWidth, output.innerText.slice(0, 60)])
"""


def test_at_390_pixels_nothing_hangs_over(simulate, hub):
    simulate(render_seconds=600)
    server = hub()
    path = write_notebook(server.folder / "notebook.ipynb", [LOAD, STUCK, GRID, PANEL])
    with Browser(viewport=(390, 844)) as narrow:
        lab = narrow.open_notebook(server, path)
        for cell in range(4):
            lab.run_cell(cell)
        wait_running(lab)
        lab.wait_role(3, "textbox", "Prompt", timeout=60)
        found = [lab.browser.do(lambda cell=cell: lab.page.evaluate(OVERHANG, cell)) for cell in (1, 2, 3)]
        for cell in (1, 2, 3):
            lab.browser.do(lambda cell=cell: lab.page.evaluate("i => driver.cell(i).node.scrollIntoView()", cell))
            lab.screenshot(f"narrow-{cell}")

    assert [output for outputs in found for output in outputs if output[0] > 1] == []


def press_until_focused(lab, name, key="Tab"):
    """Presses Tab until the control of this name has the focus, as somebody without a mouse does."""
    for _ in range(40):
        lab.browser.do(lambda: lab.page.keyboard.press(key))
        focused = lab.browser.do(
            lambda: lab.page.evaluate(
                "() => document.activeElement.innerText || document.activeElement.getAttribute('aria-label')"
            )
        )
        if focused == name:
            return
    raise AssertionError(f"{name!r} cannot be reached with {key}")


def test_card_and_board_are_cancelled_by_keys_alone(simulate, notebook):
    simulator = simulate(render_seconds=600)
    lab = notebook(LOAD, STUCK, GRID)
    for cell in range(3):
        lab.run_cell(cell)
    wait_running(lab)

    lab.browser.do(lambda: lab.page.evaluate("() => driver.select(1)"))
    press_until_focused(lab, "Cancel")
    lab.browser.do(lambda: lab.page.keyboard.press("Enter"))
    lab.wait_text(1, "Cancelled", timeout=60)
    lab.browser.do(lambda: lab.page.evaluate("() => driver.select(2)"))
    press_until_focused(lab, "Cancel all")
    lab.browser.do(lambda: lab.page.keyboard.press("Enter"))
    press_until_focused(lab, "Cancel them", key="Shift+Tab")
    lab.browser.do(lambda: lab.page.keyboard.press("Enter"))

    def all_cancelled():
        states = [simulator.scenario.status(entry.request_id) for entry in simulator.scenario.accepted]
        return len(states) == 5 and set(states) == {Status.CANCELLED}

    eventually(all_cancelled, seconds=60)


NAMELESS = re.compile(
    r"^\s*- (?:button|link|textbox|combobox|checkbox|radio|slider|spinbutton|listbox|tab|progressbar|group|region)"
    r"(?: \[[^\]]*\])*:?\s*$",
    re.MULTILINE,
)


def test_a_screen_reader_finds_a_name_for_every_control_and_a_status_that_speaks(simulate, notebook):
    simulate(render_seconds=600)
    lab = notebook(LOAD, STUCK, GRID, PANEL)
    for cell in range(4):
        lab.run_cell(cell)
    wait_running(lab)
    lab.wait_role(3, "textbox", "Prompt", timeout=60)

    heard = {cell: lab.browser.do(lambda cell=cell: lab._outputs(cell).aria_snapshot()) for cell in (1, 2, 3)}

    for cell, tree in heard.items():
        assert NAMELESS.findall(tree) == [], f"cell {cell}:\n{tree}"
        assert "- status" in tree, f"cell {cell}:\n{tree}"
    assert 'button "Cancel"' in heard[1]
    assert re.search(r'group "Video job: a paper boat', heard[1])
    assert 'progressbar "Progress"' in heard[1]
    assert re.search(r'button "kite: (?:being sent|waiting in the queue|being made)"', heard[2]), heard[2]
    for name in ('textbox "Prompt"', 'combobox "Model"', 'spinbutton "Takes"', 'button "Generate'):
        assert name in heard[3], heard[3]
