"""Whether every control can be read, whatever is done with it: idle, under the pointer, with the focus, pressed, disabled; light and
dark. What is measured is the contrast of the text on what is really painted behind it (see contrast.js)."""

from pathlib import Path

import pytest
from browser.lab import SCREENSHOTS
from browser.studies import failed_tile, make_clip, make_tile, study, write_ballot

from seedance_nb.grids.picture import GridPicture
from seedance_nb.grids.walls.wall import write_page

pytestmark = pytest.mark.browser

MEASURE = Path(__file__).with_name("contrast.js")
LEAST = 4.5
"""WCAG 2, 1.4.3 (AA); what is disabled need not have it there, but a person wants to read it all the same."""
STATES = {
    "idle": (),
    "hover": ("hover",),
    "focus": ("focus", "focus-visible", "focus-within"),
    "active": ("hover", "active", "focus"),
    "just pressed": ("hover", "focus"),
    "disabled": (),
    "disabled, hover": ("hover",),
}
OURS = ".seedance-card, .seedance-panel, .seedance-board, .sdw, .seedance-ballot, figure"
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")
DISABLE = """([roots, on]) => {
    for (const root of document.querySelectorAll(roots))
        for (const control of root.querySelectorAll('button, input, select, textarea')) {
            if (on && control.disabled) continue;
            if (!on && !control.wasDisabledHere) continue;
            control.disabled = control.wasDisabledHere = on;
        }
}"""
SWITCH_ON = """([roots, on]) => {
    for (const root of document.querySelectorAll(roots))
        for (const control of root.querySelectorAll('button')) {
            if (on) control.before = ['aria-pressed', 'aria-selected', 'data-stale'].map((name) => [name, control.getAttribute(name)]);
            for (const [name, value] of control.before || [])
                if (on) control.setAttribute(name, 'true');
                else if (value === null) control.removeAttribute(name);
                else control.setAttribute(name, value);
        }
}"""
"""Every button as if it were switched on, or its price not known yet."""


class Reader:
    """Measures one open page, in the browser's thread."""

    def __init__(self, page, roots=OURS):
        self.page, self.roots = page, roots
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.evaluate(MEASURE.read_text())
        page.add_style_tag(content="*, ::before, ::after { transition: none !important; animation: none !important }")
        page.evaluate("() => contrast.prepare()")

    def read(self, name):
        """Complaints about all states, and how many texts were measured; some states are kept as pictures of this name."""
        found, measured = [], 0
        for state, forced in STATES.items():
            self.page.evaluate("([roots, states]) => contrast.force(roots, states)", [self.roots, forced])
            if state.startswith("disabled"):
                self.page.evaluate(DISABLE, [self.roots, True])
            for kind in (state, f"{state}, switched on"):
                if kind != state:
                    self.page.evaluate(SWITCH_ON, [self.roots, True])
                said = self.page.evaluate("([r, s, l]) => contrast.hardToRead(r, s, l)", [self.roots, kind, LEAST])
                found += said["found"]
                measured += said["measured"]
            self.page.evaluate(SWITCH_ON, [self.roots, False])
            if state.startswith("disabled"):
                self.page.evaluate(DISABLE, [self.roots, False])
            if state == "focus":
                found += self.page.evaluate("r => contrast.withoutRing(r)", self.roots)
            if state in ("idle", "hover", "focus"):
                self.page.screenshot(path=SCREENSHOTS / f"readable-{name}-{state}.png")
        self.page.evaluate("roots => contrast.force(roots, [])", self.roots)
        return sorted(set(found)), measured


LOAD = "%load_ext seedance_nb\nimport seedance_nb as sd"
CARD = "%seedance a paper boat [stuck] on a rainy street -d 4 -r 480p"
FAILED = "%seedance a paper boat [fail] on a rainy street -d 4 -r 480p"
BOARD = """%%seedance -m seedance-2.0-fast -a 1:1 -d 4 -r 480p -n 2
a paper plane [stuck] over a street
---
a paper plane [fail] over a street"""
WALL = (
    'grid = sd.grid("a paper {thing} on a rainy street", thing=["boat", "plane"], model=["seedance-2.0", "seedance-2.0-fast"],'
    ' duration=4, resolution="480p")\ngrid.submit(max_credits=10_000)\ngrid'
)
VOTE = 'grid.vote(aspects=["overall", "prompt match"], by="model")'
VOTING = "() => document.querySelector('.seedance-ballot-choice')?.disabled === false"


def test_every_control_in_jupyterlab_can_be_read_in_every_state_and_theme(simulate, notebook):
    simulate(queue_seconds=0.1, render_seconds=0.2)
    lab = notebook(LOAD, CARD, FAILED, BOARD, WALL, VOTE, "%seedance panel")
    for cell in range(6):
        lab.run_cell(cell, timeout=120)
        if cell == 4:
            lab.wait_until("() => driver.cell(4).node.querySelectorAll('.sdw-on video').length === 4", timeout=60)
    lab.run_cell(6)
    lab.wait_text(2, "Failed.")
    lab.wait_text(3, "without a video")

    def prepare(page):
        page.emulate_media(reduced_motion="reduce")  # nothing plays meanwhile
        page.set_viewport_size({"width": 1280, "height": 4200})
        page.get_by_role("textbox", name="Your name").fill("Anna")
        page.get_by_role("button", name="Start voting").click()
        out = lab._outputs(6)
        out.get_by_role("textbox", name="Prompt", exact=True).fill("a paper boat on a rainy street, neon reflections")
        out.get_by_role("button", name="Open ").first.click()
        out.get_by_role("button", name="New take").wait_for()

    lab.browser.do(prepare, lab.page)
    play = lab.page.locator(".seedance-ballot-transport button").first.click
    lab.wait_until("() => document.querySelector('.seedance-ballot-time')?.innerText.includes('/')", timeout=60)
    lab.browser.do(play)  # answers wake when both have been seen
    lab.wait_until(VOTING, timeout=60)
    lab.browser.do(play)
    lab.wait_until("() => document.querySelector('.seedance-primary')?.disabled === false", timeout=60)

    found, measured = {}, {}
    for theme in THEMES:
        change = "(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })"
        lab.browser.do(lab.page.evaluate, change, theme)
        lab.wait_until("(theme) => document.body.dataset.jpThemeName === theme", theme, hint="no other theme")
        lab.wait_until("() => [...document.styleSheets].length > 0")
        found[theme], measured[theme] = lab.browser.do(read_all, lab.page, theme)

    print({theme: len(all_) for theme, all_ in found.items()}, measured)
    assert_readable(found)
    assert min(measured.values()) > 1000  # the walk has met everything: with less of it the test says nothing


def read_all(page, name):
    return Reader(page).read(name.removeprefix("JupyterLab ").replace(" ", "-").lower())


def assert_readable(found):
    complaints = [f"{where}: {what}" for where, all_ in found.items() for what in all_]
    assert not complaints, "\n".join(["not readable:", *complaints])


def test_generate_can_be_read_while_a_person_points_at_it_and_presses_it(simulate, notebook):
    simulate(queue_seconds=0.1, render_seconds=30)
    lab = notebook(LOAD, "%seedance panel")
    lab.run_cell(0)
    lab.run_cell(1)
    lab.wait_until("() => driver.text(1).includes('Generate')")

    def press(page, prompt):
        Reader(page)
        button = lab._outputs(1).locator("button.seedance-primary")
        contrast = lambda: page.evaluate("() => contrast.now('.seedance-primary')")  # noqa: E731
        lab._outputs(1).get_by_role("textbox", name="Prompt", exact=True).fill(prompt)
        page.wait_for_function("() => !document.querySelector('.seedance-primary').disabled")
        page.mouse.move(1, 1)
        seen = {"idle": contrast()}
        button.hover()
        seen["hover"] = contrast()
        page.mouse.down()
        seen["down"] = contrast()
        page.mouse.up()
        seen["pressed"] = contrast()
        page.wait_for_function("p => document.querySelector('.seedance-watch')?.innerText.includes(p)", arg=prompt)
        seen["after"] = contrast()
        return seen

    seen = {}
    for theme in THEMES[:2]:
        lab.browser.do(
            lab.page.evaluate, "(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        lab.wait_until("(theme) => document.body.dataset.jpThemeName === theme", theme)
        seen[theme] = lab.browser.do(press, lab.page, f"a paper boat by {theme}")

    assert all(value >= LEAST for states in seen.values() for value in states.values()), seen


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return tmp_path_factory.mktemp("films")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_control_of_an_exported_wall_and_of_a_ballot_page_can_be_read(browser, films, tmp_path, scheme):
    clip = make_clip(films, "clip_of_a_cat", "a cat", seconds=2.0)
    whole = study(films, animals=("cat", "fox"), actions=("jumps", "sleeps"), seconds=lambda index: 2.0)
    broken = make_tile(0, {"animal": "cat"}, "a cat", clip), failed_tile(1, {"animal": "fox"}, "a fox")
    pages = {
        "wall": write_page(whole, tmp_path / "wall.html", title="Animals", pages="animal"),
        "gaps": write_page(GridPicture(("animal",), broken, submitted=True), tmp_path / "gaps.html", title="Gaps"),
        "ballot": write_ballot(whole, tmp_path / "ballot.html", aspects=["overall", "prompt match"]),
    }
    found, measured = {}, 0
    for name, path in pages.items():
        tab = browser.open("about:blank")
        browser.do(tab.page.emulate_media, color_scheme=scheme)
        tab.go(path.as_uri())
        if name == "ballot":
            browser.do(lambda tab=tab: tab.page.get_by_role("textbox", name="Your name").fill("Anna"))
            browser.do(lambda tab=tab: tab.page.keyboard.press("Enter"))
            tab.wait_until(VOTING)
        found[name], count = browser.do(read_page, tab.page, f"page-{scheme}-{name}")
        measured += count
        tab.close()

    assert_readable(found)
    assert measured > 500


def read_page(page, name):
    return Reader(page, "body").read(name)


def test_the_measure_itself_sees_what_an_eye_sees(browser, tmp_path):
    """Grounds under grounds, opacity of a parent, a gradient's worst place."""
    path = tmp_path / "a.html"
    path.write_text(
        "<body style='background:#fff'><div style='background:#0008'><button id=a style='background:none;color:#fff'>a</button></div>"
        "<div style='opacity:.5'><button id=b style='background:#fff;color:#000'>b</button></div>"
        "<button id=c style='background:linear-gradient(#000, #fff);color:#fff'>c</button>"
        "<button id=d style='background:#fff;color:#767676'>d</button></body>"
    )
    tab = browser.open(path.as_uri())

    def measure():
        Reader(tab.page, "body")
        return [tab.page.evaluate("i => contrast.now('#' + i)", i) for i in "abcd"]

    half_black, half_seen, gradient, grey = browser.do(measure)
    tab.close()

    assert half_black == pytest.approx(4.48, abs=0.01)
    assert half_seen == pytest.approx(3.95, abs=0.1)
    assert gradient == pytest.approx(1, abs=0.01)
    assert grey == pytest.approx(4.54, abs=0.01)
