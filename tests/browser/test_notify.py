"""`--notify`: the browser's own notification when a video, or a whole grid, is made; asked for by a click, never of what is on screen."""

import pytest

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb"
BOAT = "%seedance a paper boat -d 4 -r 480p --notify"
GRID = "%seedance a paper {boat|kite} -d 4 -r 480p --notify"
LONG = "for number in range(400): print(number)"
RECORD = """() => {
  const Real = Notification;
  window.told = [];
  window.Notification = class extends Real {
    constructor(title, options) { super(title, options); window.told.push([title, options.body]); }
  };
}"""
AWAY = """() => {
  const outer = [...document.querySelectorAll(".jp-WindowedPanel-outer, .jp-Notebook")].find((node) => node.scrollHeight > node.clientHeight + 50);
  outer.scrollTop = outer.scrollHeight;
}"""


@pytest.fixture
def allowed(browser):
    """The person has allowed notifications."""
    browser.do(browser.context.grant_permissions, ["notifications"])
    yield
    browser.do(browser.context.clear_permissions)


def evaluate(lab, code):
    return lab.browser.do(lab.page.evaluate, code)


def until(lab, code):
    lab.browser.do(lab.page.wait_for_function, code)


def started(simulate, notebook, line, **pace):
    simulator = simulate(**pace)
    lab = notebook(LOAD, line, LONG)
    lab.run_cell(0)
    evaluate(lab, RECORD)
    lab.run_cell(1)
    lab.wait_role(1, "button", "Cancel" if line != GRID else "Cancel all")
    return lab, simulator


def test_a_video_out_of_sight_is_told_of_once(simulate, notebook, allowed):
    lab, _ = started(simulate, notebook, BOAT, render_seconds=8)
    lab.wait_text(1, "The browser will tell when it is done.")
    lab.run_cell(2)
    evaluate(lab, AWAY)

    until(lab, "() => window.told.length")

    assert evaluate(lab, "() => window.told") == [["Seedance: done", "a paper boat"]]


def test_a_grid_is_told_of_once_when_all_is_there(simulate, notebook, allowed):
    lab, _ = started(simulate, notebook, GRID, render_seconds=8)
    lab.run_cell(2)
    evaluate(lab, AWAY)

    until(lab, "() => window.told.length")

    assert evaluate(lab, "() => window.told.map(([title]) => title)") == ["Seedance: all 2 done"]


def test_a_video_on_screen_is_seen_and_not_told_of(simulate, notebook, allowed):
    lab, _ = started(simulate, notebook, BOAT, render_seconds=4)

    lab.play_check(cell=1)

    assert evaluate(lab, "() => window.told") == []


def test_permission_is_asked_at_a_click_and_a_refusal_is_one_line(simulate, notebook):
    simulate(render_seconds=600)
    lab = notebook(LOAD, BOAT)
    lab.run_cell(0)
    evaluate(
        lab,
        """() => {
          window.asked = 0;
          let state = "default";
          window.Notification = class { static get permission() { return state; } };
          window.Notification.requestPermission = async () => { window.asked += 1; return state = "denied"; };
        }""",
    )
    lab.run_cell(1)
    lab.wait_role(1, "button", "Notify me")
    assert evaluate(lab, "() => window.asked") == 0
    lab.screenshot("notify-asks")

    lab.click(1, "Notify me")

    lab.wait_text(1, "The browser shows no notifications from this page.")
    assert evaluate(lab, "() => window.asked") == 1
    lab.screenshot("notify-refused")


def test_nobody_is_asked_without_the_option(simulate, notebook):
    simulate(render_seconds=600)
    lab = notebook(LOAD, BOAT.removesuffix(" --notify"))
    lab.run_cell(0)
    lab.run_cell(1)
    lab.wait_role(1, "button", "Cancel")

    assert "otif" not in lab.text(1)
    assert not evaluate(
        lab, "() => [...document.querySelectorAll('.seedance-notice')].some((node) => node.checkVisibility())"
    )
