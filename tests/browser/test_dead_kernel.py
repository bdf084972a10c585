"""A kernel that is restarted, killed or silent under a live card, a board and a panel: they say so, soon, and nothing looks alive."""

import os
import signal

import pytest
from browser.lab import eventually

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb\nimport os; os.getpid()"
BOAT = "%seedance a paper boat [stuck] -d 4 -r 480p"
GRID = "import seedance_nb as sd\nsd.grid('a {thing} [stuck]', thing=['kite', 'dog'], duration=4, resolution='480p').submit()"
PANEL = "%seedance"
BEATEN = (
    "from collections import Counter\nfrom seedance_nb.notebook.heartbeat import heartbeat\n"
    "print(sorted(Counter(type(widget).__name__ for widget in heartbeat._beating).items()))"
)
AT_REST = "Its kernel has stopped or was restarted."
ENABLED = """
    (i) => [...driver.cell(i).node.querySelectorAll(".jp-Cell-outputWrapper :is(button, input, select, textarea)")]
        .filter((control) => control.getClientRects().length && !control.disabled)
        .map((control) => control.innerText || control.getAttribute("aria-label") || control.type)
"""
MAY_STAY = {
    "Copy",
    "Copy as magic",
    "Copy as Python",
    "Reference media",
    "Used before",
    "Metadata, other fields, webhook",
    "…",
    "▸",
}
"""What works without a kernel: copying, folding and looking at what the page has."""

A_MINUTE_LATER = "() => { const now = performance.now.bind(performance); performance.now = () => now() + 60_000; }"


@pytest.fixture
def running(simulate, notebook):
    """A notebook with a job, a grid and a panel that never end; its simulator."""
    simulator = simulate(render_seconds=600)
    lab = notebook(LOAD, BOAT, GRID, PANEL, BEATEN)
    for cell in range(4):
        lab.run_cell(cell)
    eventually(lambda: len(simulator.scenario.accepted) == 3, seconds=60)
    for cell, name in ((1, "Cancel"), (2, "Cancel all"), (3, "textarea")):
        wait_enabled(lab, cell, name)
    return lab, simulator


def wait_enabled(lab, cell, name):
    """Until this control can be used: that a text says the job runs is no sign, the receipt says so too."""
    lab.wait_until(f"([i, name]) => ({ENABLED})(i).includes(name)", [cell, name], timeout=60)


def enabled(lab, cell):
    return lab.browser.do(lambda: lab.page.evaluate(ENABLED, cell))


def test_after_a_restart_card_board_and_panel_rest_and_say_how_to_go_on(running):
    lab, simulator = running

    lab.restart_kernel()
    for cell in (1, 2, 3):
        lab.wait_text(cell, AT_REST, timeout=20)
    clock = lab.browser.do(lab.page.locator(".seedance-clock").first.inner_text)
    lab.screenshot("dead-kernel")
    lab.wait_until("() => new Promise((done) => setTimeout(() => done(true), 2500))")

    assert "%seedance attach req_" in lab.text(1)
    assert "nothing is submitted twice" in lab.text(2)
    assert "run its cell again" in lab.text(3)
    for cell in (1, 2, 3):
        assert not set(enabled(lab, cell)) - MAY_STAY
    assert lab.browser.do(lab.page.locator(".seedance-clock").first.inner_text) == clock
    lab.run_cell(0, wait=False)  # the new kernel counts from 1 again, as the old one did
    lab.wait_text(0, "following 3 unfinished jobs", timeout=60)
    lab.run_cell(1, wait=False)
    wait_enabled(lab, 1, "Cancel")
    assert len(simulator.scenario.accepted) == 3


def test_a_kernel_that_was_killed_is_noticed_too(running):
    lab, _ = running

    os.kill(int(lab.text(0).split("\n")[-1]), signal.SIGKILL)

    for cell in (1, 2, 3):
        lab.wait_text(cell, AT_REST, timeout=60)


def test_a_kernel_that_says_nothing_is_doubted_and_believed_again_when_it_speaks(running):
    lab, _ = running
    kernel = int(lab.text(0).split("\n")[-1])

    os.kill(kernel, signal.SIGSTOP)
    try:
        lab.browser.do(lambda: lab.page.evaluate(A_MINUTE_LATER))
        for cell in (1, 2, 3):
            lab.wait_text(cell, "Nothing was heard of its kernel for", timeout=60)
        doubted = enabled(lab, 1)
    finally:
        os.kill(kernel, signal.SIGCONT)
    wait_enabled(lab, 1, "Cancel")
    wait_enabled(lab, 3, "textarea")

    assert "Cancel" not in doubted


def test_a_gallery_that_gets_no_answer_says_so_until_it_comes(running):
    lab, _ = running
    kernel, unanswered = int(lab.text(0).split("\n")[-1]), "The kernel has not answered yet"

    os.kill(kernel, signal.SIGSTOP)
    try:
        lab.browser.do(lambda: lab.page.get_by_label("Find clips").fill("boat"))
        lab.wait_text(3, unanswered, timeout=60)
        lab.screenshot("unanswered-gallery")
    finally:
        os.kill(kernel, signal.SIGCONT)
    lab.wait_until("(words) => !driver.cell(3).node.innerText.includes(words)", unanswered, timeout=60)


def test_beats_are_sent_for_what_runs_and_no_longer_than_that(running):
    lab, _ = running
    lab.run_cell(4)
    while_it_runs = lab.text(4)
    lab.click(1, "Cancel")
    lab.wait_text(1, "Cancelled", timeout=60)
    lab.run_cell(4)
    after = lab.text(4)

    # One card in its cell and three in the panel; a cancelled one stays in the panel until it is taken away.
    assert while_it_runs == "[('GridBoard', 1), ('JobCard', 4), ('PanelFrame', 1)]"
    assert after == "[('GridBoard', 1), ('JobCard', 3), ('PanelFrame', 1)]"
