"""IPython in a terminal, through a pty: what a person types there and sees."""

import base64
import io
import os
import re
import sys

import numpy as np
import pytest
from PIL import Image
from terminals import Terminal

from seedance_nb.simulator import Pace, Simulator
from seedance_nb.terminal import stills

KEY = "sd2_test_key"
SMALL = "-d 4 -r 480p -a 1:1"
SECONDS = 120
TERMINALS = ("TERM", "TERM_PROGRAM", "LC_TERMINAL", "KITTY_WINDOW_ID", "TMUX", "STY")


@pytest.fixture
def simulator():
    with Simulator(port=0, pace=Pace(queue_seconds=0.05, render_seconds=0.1, sigma=0), api_key=KEY) as simulator:
        yield simulator


@pytest.fixture
def terminal(simulator, tmp_path):
    """`terminal(**environment)`: an IPython with the extension loaded, at its first own prompt."""
    opened = []

    def open_one(**more):
        clean = {name: value for name, value in os.environ.items() if name not in TERMINALS}
        env = {
            **clean,
            "SEEDANCE_BASE_URL": simulator.base_url,
            "SEEDANCE_API_KEY": KEY,
            "SEEDANCE_HOME": str(tmp_path / "home"),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TERM": "xterm",
            **more,
        }
        command = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor", "--no-confirm-exit"]
        child = Terminal([sys.executable, *command], rows=40, columns=200, timeout=SECONDS, cwd=tmp_path, env=env)
        opened.append(child)
        at_prompt(child)
        run(child, "%load_ext seedance_nb")
        run(child, "import seedance_nb as sd, asyncio")
        return child

    yield open_one
    for child in opened:
        child.close()


def at_prompt(child):
    child.expect(r"In \[\d+\]: ")
    return child.before


def run(child, line):
    """What a line shows, up to the next prompt."""
    child.sendline(line)
    return at_prompt(child)


@pytest.mark.host("terminal IPython", "live card", how="a line")
def test_what_ended_while_somebody_typed_is_said_at_the_next_prompt(terminal, simulator):
    simulator.scenario.pace = Pace(queue_seconds=0.5, render_seconds=0.5, sigma=0)
    child = terminal()

    sent = run(child, f"%seedance a paper boat {SMALL} -o boat")
    said = sent + run(child, "while not boat.done(): pass")
    later = run(child, "1 + 1")

    assert re.search(r"seedance: done: a paper boat · \d+ simulated credits · /\S+\.mp4", said)
    assert "seedance:" not in later
    assert "seedance:" not in run(child, "boat.result()")
    failed = run(child, f"%seedance a boat [fail] {SMALL} -o lost") + run(child, "while not lost.done(): pass")
    assert re.search(r"seedance: failed: a boat \[fail\] · ", failed)
    simulator.scenario.pace = Pace(queue_seconds=5, render_seconds=0.5, sigma=0)  # the cell ends before
    run(child, 'jobs = [sd.submit("boat %d" % n, duration=4, resolution="480p", aspect_ratio="1:1") for n in range(5)]')
    many = run(child, "while not all(job.done() for job in jobs): pass")
    assert "seedance: 5 of 5 videos are done; %seedance jobs lists them" in many
    # One that ends in its own cell, too.
    quick = f"get_ipython().run_line_magic('seedance', 'a quick boat {SMALL} -o quick')"
    assert "seedance: done: a quick boat" in run(child, f"{quick}; exec('while not quick.done(): pass')")


def test_what_somebody_waited_for_is_not_said_again(terminal, simulator):
    simulator.scenario.pace = Pace(queue_seconds=0.5, render_seconds=0.5, sigma=0)
    child = terminal()

    said = run(child, f"%seedance a paper boat {SMALL} -o boat") + run(child, "boat.result()")
    said += run(child, f"%seedance a plane {SMALL} -o plane") + run(child, "_ = await plane")
    said += run(child, f"%seedance a kite {SMALL}") + run(child, "%seedance wait")
    said += run(child, f"%seedance a car {SMALL} -n 2 -o cars") + run(child, "_ = await cars")

    assert "seedance: " not in said
    assert simulator.calls["create"] == 5


@pytest.mark.parametrize("awaited", ["await {}", "await asyncio.gather({}, {})", "await grid"])
@pytest.mark.host("terminal IPython", "stop button", how="Ctrl-C")
def test_ctrl_c_in_an_await_is_a_line_and_what_stands_behind_it_never_runs(terminal, simulator, awaited):
    simulator.scenario.pace = Pace(queue_seconds=600, render_seconds=600, sigma=0)
    child = terminal()
    run(child, f"%seedance a paper boat {SMALL} -o boat")
    run(child, f"%seedance a plane {SMALL} -n 2 -o grid")
    ran = "open('ran', 'w')"

    # Said from the loop, when the cell awaits.
    said = "asyncio.get_running_loop().call_later(0.5, print, 'a' + 'waiting')"
    child.sendline(f"_ = {said}; {awaited.format('boat', 'boat')}; {ran}")
    child.expect_exact("awaiting")
    child.sendintr()
    said = at_prompt(child)

    assert "Traceback" not in said
    assert re.search(r"stopped waiting: .* on in the background|stopped waiting: job req_\d+ goes on", said), said
    assert len(said.strip().splitlines()) <= 2
    assert "ran" not in run(child, "await asyncio.sleep(1); import os; os.listdir()")
    assert run(child, "boat.done()").strip().endswith("False")
    assert "KeyboardInterrupt" in interrupted(child, "while True: pass")
    assert "KeyboardInterrupt" in interrupted(child, "await asyncio.sleep(600)")


@pytest.mark.host("terminal IPython", "board and wall", how="a line, and as a file")
@pytest.mark.host("terminal IPython", "ballot", how="as a file")
def test_a_grid_is_waited_for_in_a_line_and_its_wall_and_ballot_are_files(terminal, simulator, tmp_path):
    child = terminal()

    sent = run(child, f"%seedance a boat -m seedance-2.0,seedance-2.0-fast {SMALL} -o grid --wait")
    run(child, "grid.export('wall.html'); grid.vote(offline='ballot.html')")
    told = run(child, "grid.vote()")

    assert "of 2 videos" in sent
    assert "data:video/mp4;base64," in (tmp_path / "wall.html").read_text("utf-8")
    assert 'id="ballot"' in (tmp_path / "ballot.html").read_text("utf-8")
    assert "offline=" in told
    assert "Traceback" not in told
    assert simulator.calls["create"] == 2


def interrupted(child, line):
    child.sendline(
        f"print('r' + 'unning'); {line}"
        if "while" not in line
        else "import time; print('r' + 'unning'); time.sleep(600)"
    )
    child.expect_exact("running")
    child.sendintr()
    return at_prompt(child)


# Stills -----------------------------------------------------------------------------------------------------


KITTY = r"\x1b_G(?:a=T,f=100,q=2,c=40,)?m=[01];([A-Za-z0-9+/=]*)\x1b\\"
ITERM2 = r"\x1b\]1337;File=inline=1;size=(\d+);width=40;preserveAspectRatio=1:([A-Za-z0-9+/=]+)\x07"
SIXEL = r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*?)\x1b\\'


def picture_in(text, way):
    """The picture that a terminal would show, read by another hand."""
    if way == "kitty":
        return Image.open(io.BytesIO(base64.b64decode("".join(re.findall(KITTY, text)))))
    if way == "iterm2":
        size, data = re.search(ITERM2, text).groups()
        assert int(size) == len(base64.b64decode(data))
        return Image.open(io.BytesIO(base64.b64decode(data)))
    width, height, body = re.search(SIXEL, text, re.DOTALL).groups()
    picture = np.zeros((int(height) + 6, int(width), 3), np.uint8)
    palette, colour, x, y = {}, None, 0, 0
    for defined, *levels, chosen, times, letter, control in re.findall(
        r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|(?:!(\d+))?([?-~])|([$-])", body
    ):
        if defined:
            palette[defined] = [int(level) * 255 // 100 for level in levels]
        elif chosen:
            colour = palette[chosen]
        elif control:
            x, y = 0, y + 6 * (control == "-")
        else:
            for _ in range(int(times or 1)):
                for bit in range(6):
                    if (ord(letter) - 63) >> bit & 1:
                        picture[y + bit, x] = colour
                x += 1  # noqa: SIM113 - it begins anew with every line
    return Image.fromarray(picture[: int(height)])


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "foot"}, "sixel"),
    ],
)
def test_a_terminal_that_can_shows_a_still(terminal, environment, way, tmp_path):
    child = terminal(**environment)

    shown = run(child, f"%seedance a paper boat {SMALL} --wait")
    path = re.search(r"done: (\S+\.mp4)", shown)[1]
    poster = Image.open(re.sub(r"\.mp4$", ".jpg", path)).convert("RGB")
    seen = picture_in(shown, way).convert("RGB")

    assert seen.size == poster.size
    assert np.abs(np.asarray(seen, int) - np.asarray(poster, int)).mean() < 12
    again = run(child, "%seedance attach " + re.search(r"(?:request|job) (\w+)", shown)[1])
    assert np.array_equal(np.asarray(picture_in(again, way).convert("RGB")), np.asarray(seen))


@pytest.mark.parametrize(
    "environment", [{}, {"TERM": "xterm-kitty", "TMUX": "x"}, {"TERM": "xterm-kitty", "SEEDANCE_STILLS": "off"}]
)
def test_elsewhere_there_is_none(terminal, environment):
    shown = run(terminal(**environment), f"%seedance a paper boat {SMALL} --wait")

    assert ".mp4" in shown
    assert not re.search(r"\x1b_G|\x1b\]1337|\x1bP", shown)


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"KITTY_WINDOW_ID": "1", "TERM": "xterm-256color"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"LC_TERMINAL": "iTerm2", "TERM": "xterm-256color"}, "iterm2"),
        ({"TERM_PROGRAM": "mintty"}, "sixel"),
        ({"TERM": "xterm-256color", "SEEDANCE_STILLS": "sixel"}, "sixel"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM_PROGRAM": "vscode"}, None),
        ({"TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "screen-256color", "LC_TERMINAL": "iTerm2"}, None),
        ({"TERM": "xterm-kitty", "SEEDANCE_STILLS": "nonsense"}, None),
        ({}, None),
    ],
)
def test_terminals_are_told_by_their_environment(environment, way):
    assert stills.way_of(environment) == way
