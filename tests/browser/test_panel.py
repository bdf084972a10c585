"""The panel as a person uses it: by role and name, with a mouse, with the keyboard alone, while a cell runs, light and dark."""

import importlib.util
from pathlib import Path

import pytest
from browser.lab import WAIT_FOR_FILE, embedded_videos, eventually

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.record import Record
from seedance_nb.tracking.ledger.rows import insert

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb"
OPEN = "%seedance"
BOAT = "a paper boat on a rainy street"


class PanelPage:
    """The panel below one cell of a notebook: what is in it, by role and name."""

    def __init__(self, lab, cell=1):
        self.lab, self.cell = lab, cell

    def do(self, work):
        return self.lab.browser.do(lambda: work(self.lab._outputs(self.cell)))

    def fill(self, name, text):
        self.do(lambda out: out.get_by_role("textbox", name=name, exact=True).fill(text))

    def choose(self, name, label):
        self.do(lambda out: out.get_by_role("combobox", name=name, exact=True).select_option(label=label))

    def button(self, begin):
        return lambda out: out.get_by_role("button", name=begin).first

    def press(self, begin, count=1):
        self.do(lambda out: self.button(begin)(out).click(click_count=count))

    def text_of(self, begin):
        return self.do(lambda out: self.button(begin)(out).inner_text())

    def wait_button(self, begin, timeout=20):
        self.do(lambda out: self.button(begin)(out).wait_for(timeout=timeout * 1000))

    def value(self, label):
        return self.do(lambda out: out.get_by_label(label).first.input_value())

    def says(self):
        return self.do(lambda out: out.get_by_role("status").inner_text())

    def make(self, prompt=BOAT):
        self.fill("Prompt", prompt)
        self.choose("Resolution", "480p")
        self.press("Generate")

    def wait_video(self, prompt="", timeout=120):
        """Waits for the clip of that prompt to be open (the copy that is saved with the notebook is another video), and plays it."""
        self.do(lambda out: out.get_by_label(f"Video: {prompt}").wait_for(timeout=timeout * 1000))
        return self.lab.play_check(cell=self.cell, timeout=timeout)


@pytest.fixture
def panel(notebook):
    """`panel(*cells, theme=)`: a notebook whose second cell has opened the panel; `cells` come after it."""

    def panel(*cells, theme="light"):
        lab = notebook(LOAD, OPEN, *cells, theme=theme)
        lab.run_cell(0)
        lab.run_cell(1)
        page = PanelPage(lab)
        page.wait_button("Generate")
        return page

    return panel


@pytest.mark.host("JupyterLab 4, single document", "panel")
def test_a_video_is_composed_bought_once_and_played(simulate, panel):
    simulator = simulate()
    page = panel()

    page.fill("Prompt", BOAT)
    page.choose("Model", "seedance-1.5-pro")
    page.choose("Duration", "10 s")
    page.press("Generate")
    played = page.wait_video()

    [entry] = simulator.scenario.accepted
    assert (entry.body["prompt"], entry.body["model"], entry.body["duration"]) == (BOAT, "seedance-1.5-pro", 10)
    assert played["readyState"] == 4


def test_the_status_changes_while_a_cell_runs(simulate, panel, folder):
    simulate(queue_seconds=3, render_seconds=3)
    page = panel(WAIT_FOR_FILE)
    page.lab.watch_status(1)
    page.fill("Prompt", BOAT)
    page.lab.run_cell(2, wait=False)  # by a key, with which the watch begins

    page.press("Generate")
    page.do(lambda out: out.get_by_text(": done").first.wait_for(timeout=60_000))
    (folder / "go").touch()

    seen = [said["text"] for said in page.lab.statuses() if 2 in said["running"]]
    assert any("queue" in text for text in seen), page.lab.statuses()
    assert any("being made" in text for text in seen), page.lab.statuses()


def test_a_double_click_is_one_create(simulate, panel):
    simulator = simulate()
    page = panel()
    page.fill("Prompt", BOAT)

    page.press("Generate", count=2)
    page.wait_video()

    assert simulator.calls["create"] == 1


def test_the_copied_magic_shows_the_same_clip_for_nothing(simulate, panel, folder):
    simulator = simulate()
    page = panel("pass")
    page.make()
    page.wait_video()

    page.press("Copy as magic")
    code = page.value("Code that repeats")
    page.lab.browser.do(
        lambda: page.lab.page.evaluate("code => driver.cell(2).model.sharedModel.setSource(code)", code)
    )
    page.lab.run_cell(2)
    page.lab.play_check(cell=2)
    page.lab.save()

    assert code.startswith("%%seedance ")
    assert simulator.calls["create"] == 1
    kept, repeated = embedded_videos(folder / "notebook.ipynb")
    assert kept == repeated


def test_cancel_does_not_wait_for_a_running_cell(simulate, panel, folder):
    simulator = simulate(render_seconds=120)
    page = panel(WAIT_FOR_FILE)
    page.make()
    page.wait_button("Cancel")
    eventually(lambda: simulator.scenario.accepted)

    page.lab.run_cell(2, wait=False)
    page.press("Cancel")
    [entry] = simulator.scenario.accepted
    eventually(lambda: simulator.scenario.status(entry.request_id) is Status.CANCELLED)

    assert page.lab.is_running(2)
    (folder / "go").touch()
    eventually(lambda: not page.lab.is_running(2))


def test_generate_does_not_wait_for_a_running_cell(simulate, panel, folder):
    simulator = simulate()
    page = panel(WAIT_FOR_FILE)

    page.lab.run_cell(2, wait=False)
    page.make()
    eventually(lambda: simulator.calls["create"] == 1)

    assert page.lab.is_running(2)
    (folder / "go").touch()
    eventually(lambda: not page.lab.is_running(2))


def test_a_clip_is_opened_saved_and_taken_again_from_the_gallery(simulate, panel, folder):
    simulator = simulate()
    page = panel()
    page.make()
    page.wait_video()
    page.press("Close")

    page.press("Open ")
    page.wait_button("New take")
    page.press("Save as")
    page.fill("Save to", "mine.mp4")
    page.do(lambda out: out.get_by_role("button", name="Save", exact=True).click())
    eventually((folder / "mine.mp4").exists)
    page.press("☆ Star")
    page.wait_button("★ Starred")
    page.do(lambda out: out.locator(".seedance-tile-words", has_text="★").wait_for())
    note, keep = (
        page.do(lambda out, role=role, name=name: out.get_by_role(role, name=name, exact=True).bounding_box())
        for role, name in (("textbox", "Note"), ("button", "Keep note"))
    )
    assert abs(note["y"] - keep["y"]) < 8, "the note and its button stand in one row"
    page.fill("Note", "a keeper")
    page.press("Keep note")
    eventually(lambda: page.do(lambda out: out.get_by_text("a keeper").count()) > 0)
    page.press("New take", count=2)
    eventually(lambda: len(simulator.scenario.accepted) == 2)

    eventually(lambda: any(word in page.says() for word in ("saved as", "paper boat")))
    assert simulator.calls["create"] == 2


def test_the_next_clip_opens_by_itself_but_not_over_one_that_is_being_watched(simulate, panel):
    simulate()
    page = panel()

    def open_clip():
        return page.do(lambda out: out.get_by_label("Open clip:").get_attribute("aria-label"))

    def video(action):
        page.do(
            lambda out: out.get_by_label("Video:").evaluate(f"video => {{ video.muted = true; video.{action}(); }}")
        )

    page.make("a first clip")
    page.wait_video()
    video("play")
    page.make("a second clip")
    page.wait_button("Open a second clip · take 1 · done")
    assert open_clip() == "Open clip: a first clip"
    assert page.do(lambda out: out.get_by_label("Video:").evaluate("video => !video.paused"))

    video("pause")
    page.make("a third clip")
    page.wait_button("Open a third clip · take 1 · done")
    eventually(lambda: open_clip() == "Open clip: a third clip")


def test_a_tile_plays_under_the_pointer(simulate, panel):
    simulate()
    page = panel()
    page.make()
    page.wait_video()
    page.press("Close")

    page.do(lambda out: page.button("Open ")(out).hover())
    page.do(lambda out: out.locator(".seedance-tile video").wait_for())
    page.lab.wait_until("() => document.querySelector('.seedance-tile video')?.currentTime > 0.2")


def test_the_videos_outlive_the_kernel_with_a_word_on_how_to_get_the_panel_back(simulate, panel, folder):
    simulate()
    page = panel()
    page.make()
    page.wait_video()
    hidden_while_alive = "It comes back" not in page.lab.text(1)

    eventually(lambda: page.lab.save() or embedded_videos(folder / "notebook.ipynb"))
    page.lab.shutdown_kernel()
    page.lab.reload()

    assert page.lab.play_check(cell=1)["readyState"] == 4
    assert "comes back when this cell is run again" in page.lab.text(1)
    assert hidden_while_alive


def test_running_the_cell_of_the_panel_again_loses_no_video_and_buys_nothing(simulate, panel, folder):
    simulator = simulate()
    page = panel()
    page.make()
    page.wait_video()
    eventually(lambda: page.lab.save() or embedded_videos(folder / "notebook.ipynb"))

    page.lab.run_cell(1)
    page.wait_button("Generate")
    page.lab.save()

    assert len(embedded_videos(folder / "notebook.ipynb")) == 1
    assert simulator.calls["create"] == 1


def test_two_panels_and_a_magic_show_the_same_jobs_once_each(simulate, panel):
    simulator = simulate(render_seconds=60)
    page = panel("%seedance", "%seedance a paper boat -d 4")
    for cell in (2, 3):
        page.lab.run_cell(cell)
    other = PanelPage(page.lab, 2)
    cards = [lambda p=p: p.do(lambda out: out.get_by_role("button", name="Cancel").count()) for p in (page, other)]

    eventually(lambda: [count() for count in cards] == [1, 1])
    assert simulator.calls["create"] == 1


def test_the_prompt_has_the_keyboard_and_ctrl_enter_submits_and_escape_leaves(simulate, panel):
    simulator = simulate()
    page = panel()
    keyboard = page.lab.page.keyboard
    focused = "() => document.activeElement.closest('.seedance-f-prompt') !== null"
    page.lab.wait_until(focused, hint="the prompt has not got the focus")

    page.lab.browser.do(lambda: (keyboard.type(BOAT), keyboard.press("Control+Enter")))
    eventually(lambda: simulator.calls["create"] == 1)
    page.lab.browser.do(lambda: keyboard.press("Escape"))

    assert not page.lab.browser.do(lambda: page.lab.page.evaluate(focused))
    assert simulator.scenario.accepted[0].body["prompt"] == BOAT


def test_everything_can_be_reached_with_the_keyboard(simulate, panel):
    simulate()
    page = panel()
    page.make()
    page.wait_video()

    names = page.lab.browser.do(lambda: walk(page.lab.page, 50))

    for part in (
        "Prompt",
        "Model",
        "Duration",
        "Takes",
        "Reference media",
        "Generate",
        "Copy as magic",
        "New take",
        "Find clips",
        "Open ",
    ):
        assert any(name.startswith(part) for name in names), (part, names)


@pytest.mark.parametrize(
    "theme", ["light", pytest.param("dark", marks=pytest.mark.host("JupyterLab 4, dark", "panel"))]
)
def test_axe_finds_nothing_and_screenshots(simulate, panel, theme):
    simulate(queue_seconds=0.2, render_seconds=0.5)
    page = panel(theme=theme)
    for prompt in (BOAT, "a fox trots through deep snow, low winter sun"):
        page.make(prompt)
        page.wait_video(prompt[:20])  # one after the other: else the one that was noticed last is open
    page.make("waves roll onto a black sand beach [fail]")
    page.wait_button("Retry")
    page.fill("Prompt", "a lighthouse in a storm [stuck], gulls, the beam sweeps over the water and the rain")
    page.press("Generate")
    page.wait_button("Cancel")
    for fold in ("Reference media", "Used before", "Metadata, other fields, webhook"):
        page.press(fold)
    page.fill("Addresses and paths", "https://example.org/first.png\nhttps://example.org/last.jpg")
    page.choose("Model", "seedance-1.5-pro")

    for width in (400, 800, 1400):
        page.lab.browser.do(look, page, f"panel-{theme}-{width}", width)
    violations = page.lab.browser.do(lambda: axe(page.lab.page))

    assert violations == []
    assert page.lab.is_dark() == (theme == "dark")


@pytest.mark.alone
def test_a_thousand_clips_load_page_by_page_and_scroll_smoothly(simulate, panel, tmp_path):
    simulate()
    fill(tmp_path, 1000)
    page = panel()
    page.wait_button("Open ")

    before = page.do(lambda out: out.locator(".seedance-tile").count())
    page.lab.browser.do(look, page, "panel-light-gallery", 1200)
    gaps = page.do(lambda out: out.locator(".seedance-scroll").evaluate(SCROLL))
    after = page.do(lambda out: out.locator(".seedance-tile").count())
    pictures = page.do(lambda out: out.locator(".seedance-tile img").count())

    assert before <= 12
    assert before < after
    assert 0 < pictures <= after
    assert sorted(gaps)[int(len(gaps) * 0.95)] < 100, sorted(gaps)[-5:]


SCROLL = """async (box) => {
    const gaps = [];
    let last = performance.now();
    const end = last + 3000;
    while (performance.now() < end) {
        box.scrollTop += 40;
        await new Promise(requestAnimationFrame);
        gaps.push(performance.now() - last);
        last = performance.now();
    }
    return gaps;
}"""
"""Scrolls for three seconds; the milliseconds between frames."""


def fill(home, size):
    """A ledger of finished jobs, each with a clip and a poster on disk."""
    from PIL import Image

    clips = home / "clips"
    clips.mkdir()
    Image.new("RGB", (480, 270), "teal").save(clips / "poster.jpg")
    ledger = Ledger(home / "ledger.sqlite3")
    facts = {"size": 1, "width": 854, "height": 480, "fps": 24.0, "seconds": 4.0, "sha256": "0", "file": "x.mp4"}
    (clips / "x.mp4").write_bytes(b"x")
    with ledger.file.transaction() as db:
        for i in range(size):
            record = Record(
                key=f"j{i}",
                account="me",
                base_url="u",
                request=VideoRequest(prompt=f"a paper boat, number {i}", duration=5),
                take=1,
                status=Status.SUCCEEDED,
                status_text="succeeded",
                created_at=1000.0 + i,
                clip=facts | {"poster": "poster.jpg"},
            )
            insert(db, record)
    ledger.close()


def look(page, name, width):
    """The whole panel at this width of the notebook, as a picture."""
    tab = page.lab.page
    before = tab.viewport_size
    tab.set_viewport_size({"width": width, "height": 2600})
    tab.evaluate("() => { window.jupyterapp.shell.collapseLeft?.(); window.jupyterapp.shell.mode = 'single-document' }")
    tab.wait_for_timeout(600)
    panel = tab.locator(".seedance-panel").first
    panel.scroll_into_view_if_needed()
    tab.wait_for_timeout(300)
    from browser.lab import SCREENSHOTS

    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    panel.screenshot(path=SCREENSHOTS / f"{name}.png")
    tab.set_viewport_size(before)
    tab.wait_for_timeout(200)


def axe(tab):
    """What axe-core says against the panel: ours, not JupyterLab's."""
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None:
        pytest.fail("axe-playwright-python is not installed; make test installs it")
    tab.evaluate((Path(spec.origin).parent / "axe.min.js").read_text())
    found = tab.evaluate("() => axe.run('.seedance-panel', { resultTypes: ['violations'] })")
    return [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found["violations"]]


def walk(tab, steps):
    """The names of what Tab reaches from the prompt on."""
    tab.locator(".seedance-f-prompt textarea").focus()
    names = []
    for _ in range(steps):
        names.append(
            tab.evaluate(
                """() => {
                const e = document.activeElement;
                const label = e.labels?.[0]?.innerText || e.getAttribute('aria-label') || e.innerText || e.tagName;
                return label.trim();
            }"""
            )
        )
        tab.keyboard.press("Tab")
    return names
