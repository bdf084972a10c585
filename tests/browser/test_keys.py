"""Keys pressed inside our outputs: a plain one is ours or nobody's, never a command of JupyterLab; the others still are."""

import pytest
from browser.lab import write_notebook

from seedance_nb.simulator import Pace, Simulator

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb\nimport seedance_nb as sd"
RUNNING = "%seedance a paper boat [stuck] on a rainy street -d 4 -r 480p"
DONE = "%seedance a paper boat on a rainy street -d 4 -r 480p"
BOARD = "%%seedance -d 4 -r 480p -n 2\na paper plane [stuck] over a street"
WALL = (
    'grid = sd.grid("a {thing}", thing=["boat", "plane"], duration=4, resolution="480p")\n'
    "grid.submit(max_credits=10_000)\ngrid"
)
VOTE = "grid.vote()"
JOBS = "from IPython.display import HTML\nfrom seedance_nb.grids.pages.ranking import ranking_html\nHTML(ranking_html(grid.ranking()))"
PANEL = "%seedance panel"
CELLS = (LOAD, RUNNING, DONE, BOARD, WALL, VOTE, JOBS, PANEL, "'the last'")
PLACES = {
    "card": (1, ".seedance-cancel"),
    "figure": (2, "figure video"),
    "board": (3, ".seedance-board-chip"),
    "ids below a board": (3, "summary"),
    "wall": (4, ".sdw-tile[data-n='0']"),
    "button of a wall": (4, ".sdw-bar .sdw-button"),
    "menu of a wall": (4, ".sdw-select"),
    "ballot": (5, ".seedance-ballot-form button"),
    "ranking": (6, "summary"),
    "panel": (7, ".seedance-fold-button"),
    "gallery": (7, ".seedance-tile"),
    "search": (7, ".seedance-filters input"),
}
PLAIN = (
    *(
        "d d",
        "D D",
        "x",
        "a",
        "b",
        "z",
        "m",
        "y",
        "r",
        "c",
        "v",
        "j",
        "k",
        "l",
        "o",
        "0 0",
        "i i",
        "1",
        "Shift+M",
        "Shift+A",
    ),
    *("ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Shift+ArrowDown", "Delete", "Backspace", "Home", "End"),
    "Space",
)
LISTEN = """() => {
    window.commands = [];
    window.told = [];
    jupyterapp.commands.commandExecuted.connect((_, { id }) => commands.push(id));
    document.addEventListener('keydown', ({ key }) => told.push(key));
}"""
FOCUS = """async ([index, selector]) => {
    driver.select(index);
    await driver.panel().content.scrollToItem(index); // JupyterLab takes cells that are out of sight off the page
    const found = [...driver.cell(index).node.querySelectorAll(selector)].find((one) => one.getClientRects().length);
    found?.focus();
    return found && document.activeElement === found;
}"""
STATE = """() => ({
    cells: driver.panel().content.widgets.map((cell) => [cell.model.sharedModel.id, cell.model.type]),
    active: driver.panel().content.activeCellIndex,
    mode: driver.panel().content.mode,
    dialogs: document.querySelectorAll('.jp-Dialog').length,
})"""


@pytest.fixture(scope="module")
def lab(browser, jupyter, tmp_path_factory):
    """A notebook with one of each of our outputs; the last test here takes its kernel away."""
    server = jupyter()
    pace = Pace(queue_seconds=0, render_seconds=0.2, sigma=0)
    with Simulator(port=0, pace=pace, api_key="sd2_test_key") as simulator:
        server.set_kernel_env(
            {
                "SEEDANCE_HOME": str(tmp_path_factory.mktemp("home")),
                "SEEDANCE_BASE_URL": simulator.base_url,
                "SEEDANCE_API_KEY": "sd2_test_key",
            }
        )
        lab = browser.open_notebook(server, write_notebook(server.folder / "keys" / "notebook.ipynb", CELLS))
        for cell in range(len(CELLS)):
            lab.run_cell(cell, timeout=120)
            if cell == 4:
                lab.wait_until("() => driver.cell(4).node.querySelectorAll('.sdw-on video').length === 2", timeout=60)
        for cell, selector in PLACES.values():
            wait_for(lab, cell, selector)
        do(lab, lambda page: page.evaluate(LISTEN))
        yield lab
        lab.close()
        server.shutdown_kernels()


def wait_for(lab, cell, selector):
    lab.wait_until("([i, s]) => driver.cell(i).node.querySelector(s)", [cell, selector], timeout=60)


def do(lab, work):
    return lab.browser.do(lambda: work(lab.page))


def stand_in(lab, place):
    cell, selector = PLACES[place]
    lab.wait_until(FOCUS, [cell, selector], timeout=60, hint=f"nothing to focus: {place}")
    return do(lab, lambda page: page.evaluate(STATE))


def press(lab, *keys):
    for each in keys:
        for key in each.split():
            do(lab, lambda page, key=key: page.keyboard.press(key))


def told(lab):
    """Commands that JupyterLab has executed since this was asked last."""
    lab.wait_until("() => new Promise((done) => setTimeout(() => done(true), 300))")
    return [name for name in do(lab, lambda page: page.evaluate("() => commands.splice(0)")) if harms_or_serves(name)]


def harms_or_serves(name):
    return not name.startswith(("apputils:", "application:")) or "dialog" in name or "restart" in name


def test_no_plain_key_reaches_jupyterlab_and_the_others_do(lab):
    wrong = []
    for place, (cell, selector) in PLACES.items():
        before = stand_in(lab, place)
        told(lab)
        press(lab, *PLAIN)
        commands = told(lab)
        after = do(lab, lambda page: page.evaluate(STATE))
        if commands or after != before:
            wrong.append((place, commands, before, after))
            press(lab, "Escape")
        stand_in(lab, place)
        press(lab, "Escape", "Escape")  # what the keys have opened in the wall
        stand_in(lab, place)
        told(lab)
        press(lab, "Control+s")
        saved = told(lab)
        do(lab, lambda page: page.evaluate("() => told.splice(0)"))
        press(lab, "Escape")
        escaped = do(lab, lambda page: page.evaluate("() => told.splice(0)"))
        stand_in(lab, place)
        told(lab)
        press(lab, "Shift+Enter")
        ran = told(lab)
        if not any("save" in name for name in saved):
            wrong.append((place, "Ctrl+S", saved))
        if escaped != ["Escape"] and place != "search":  # Escape leaves a field of the panel
            wrong.append((place, "Escape", escaped))
        if not any("run" in name for name in ran):
            wrong.append((place, "Shift+Enter", ran))
        lab.wait_until("() => driver.isKernelReady()", timeout=60)
        wait_for(lab, cell, selector)

    assert not wrong, "\n".join(map(str, wrong))


def test_tab_moves_on_and_letters_of_every_script_are_typed(lab):
    stand_in(lab, "card")
    press(lab, "Tab")
    lab.wait_until(
        "() => document.activeElement.className.includes('seedance-copy')", hint="Tab did not go to the next button"
    )
    told(lab)

    def compose(page):
        field = lab._outputs(7).get_by_role("textbox", name="Prompt", exact=True)
        field.focus()
        page.keyboard.type("dd xx 00 ")
        devtools = page.context.new_cdp_session(page)
        devtools.send("Input.imeSetComposition", {"text": "하", "selectionStart": 1, "selectionEnd": 1})
        devtools.send("Input.insertText", {"text": "한"})
        return field.input_value()

    typed = do(lab, compose)

    assert typed == "dd xx 00 한"
    assert told(lab) == []


def test_d_d_deletes_no_cell_of_a_notebook_reopened_without_a_kernel(lab):
    lab.save()
    lab.shutdown_kernel()
    lab.reload()
    lab.shutdown_kernel()
    lab.wait_until("() => driver.cell(4).node.querySelectorAll('.sdw-on video').length === 2", timeout=60)
    changed = {}
    for place in ("figure", "wall", "ranking"):
        before = stand_in(lab, place)
        press(lab, "d d", "x", "ArrowDown")
        after = do(lab, lambda page: page.evaluate(STATE))
        if after != before:
            changed[place] = before, after
        press(lab, "Escape", "Escape")

    assert changed == {}
