"""marimo in headless Chromium: its own server, and a notebook that is open in it.

As with JupyterLab (`lab.py`) the server shares nothing with the developer's own, and every wait is a condition with a limit.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from browser.lab import SCREENSHOTS, Browser, Tab, _free_port, in_browser

TEXT = """
    function text(node) {
        const inner = [...node.querySelectorAll("*")].filter((element) => element.shadowRoot);
        const hosts = node.host ? [...node.children].map((child) => child.innerText ?? "") : [node.innerText];
        return [...hosts, ...inner.map((element) => text(element.shadowRoot))].join("\\n");
    }
"""
"""What a person reads in an element: marimo draws widgets in shadow trees, which innerText passes over."""


DARK = '# /// script\n# [tool.marimo.display]\n# theme = "dark"\n# ///'


def write_marimo(path: Path, cells: Sequence[str], *, dark: bool = False) -> Path:
    """A marimo notebook of these cells; a cell sees what the ones before it have defined by assignment, import included."""
    parts = [DARK] if dark else []
    parts += ["import marimo", "app = marimo.App()"]
    for source in cells:
        begin = "async def" if "await " in source else "def"
        parts.append(f"@app.cell\n{begin} _():\n{textwrap.indent(textwrap.dedent(source).strip(), '    ')}\n    return")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n\n".join(parts) + "\n", encoding="utf-8")
    return path


class MarimoServer:
    """`marimo edit` of a folder. What `env` holds is in the environment of its kernels."""

    def __init__(self, folder: Path, env: Mapping[str, str], base_url: str = "") -> None:
        self.folder, self.base_url = folder.resolve(), base_url
        self._home = Path(tempfile.mkdtemp(prefix="marimo-"))
        theirs = {name: value for name, value in os.environ.items() if not name.startswith(("MARIMO", "SEEDANCE_"))}
        self._env = theirs | {"HOME": str(self._home), "XDG_CONFIG_HOME": str(self._home)} | dict(env)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        port = _free_port()
        options = ["--headless", "--no-token", "--skip-update-check", "--host", "127.0.0.1", "--port", str(port)]
        options += ["--base-url", self.base_url] if self.base_url else []
        self._log = (self._home / "server.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "marimo", "-y", "edit", *options, str(self.folder)],
            env=self._env,
            cwd=self.folder,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.url = f"http://127.0.0.1:{port}{self.base_url}"
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5).close()
                return self
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    log = (self._home / "server.log").read_text()
                    self.__exit__()
                    raise RuntimeError(f"marimo did not start:\n{log[-3000:]}") from None
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self._home, ignore_errors=True)


class MarimoNotebook(Tab):
    """A notebook open in marimo. Cells are counted from 0."""

    def __init__(self, browser: Browser, server: MarimoServer, path: Path) -> None:
        super().__init__(browser)
        self._cells = path.read_text(encoding="utf-8").count("@app.cell")
        self.go(f"{server.url}/?file={path.resolve().relative_to(server.folder)}")

    @in_browser
    def is_dark(self) -> bool:
        """Whether marimo shows itself in a dark theme."""
        return bool(self.page.evaluate("() => document.querySelector('.dark') !== null"))

    @in_browser
    def run_all(self) -> None:
        """Runs all cells that have not run yet."""
        self.page.keyboard.press("Control+Shift+r")

    @in_browser
    def run(self, index: int) -> None:
        """Presses the cell's run button: it runs, and all that depend on it."""
        cell = self._cell(index)
        cell.hover()
        cell.get_by_test_id("run-button").first.click()

    @in_browser
    def interrupt(self, index: int) -> None:
        """Presses the stop button until this cell has been stopped: between two cells marimo does not hear it."""
        said = self._output(index).get_by_text("interrupted").first
        with self._explaining(f"cell {index} was not interrupted"):
            for _ in range(30):
                if said.is_visible():
                    return
                with contextlib.suppress(Exception):  # disabled where nothing runs
                    self.page.get_by_test_id("interrupt-button").click(timeout=2000)
                self.page.wait_for_timeout(500)
            said.wait_for(timeout=1000)

    @in_browser
    def text(self, index: int) -> str:
        """What a person reads in the cell's output."""
        return self._output(index).evaluate(TEXT)

    @in_browser
    def wait_text(self, index: int, text: str, timeout: float = 60) -> None:
        """Until the cell's output shows this text."""
        with self._explaining(f"cell {index} never showed {text!r}"):
            self._output(index).get_by_text(text).first.wait_for(timeout=timeout * 1000)

    @in_browser
    def click(self, index: int, name: str, role: str = "button") -> None:
        """Clicks what has this role and accessible name in the cell's output."""
        with self._explaining(f"cell {index} has no {role} {name!r} to click"):
            self._output(index).get_by_role(role, name=name, exact=True).first.click(timeout=60_000)

    @in_browser
    def fill(self, index: int, name: str, text: str) -> None:
        """Types into the field of this name in the cell's output, in place of what stood there."""
        with self._explaining(f"cell {index} has no field {name!r}"):
            field = self._output(index).get_by_role("textbox", name=name, exact=True)
            field.fill("", timeout=60_000)
            field.press_sequentially(text)

    @in_browser
    def choose(self, index: int, name: str, label: str) -> None:
        """Chooses what has this label in the drop-down of this name."""
        with self._explaining(f"cell {index} has no choice {name!r} of {label!r}"):
            self._output(index).get_by_role("combobox", name=name, exact=True).select_option(
                label=label, timeout=60_000
            )

    @in_browser
    def press(self, index: int, begin: str, count: int = 1) -> None:
        """Clicks the button whose name begins like this, once it can be clicked."""
        with self._explaining(f"cell {index} has no button {begin!r} to press"):
            self._output(index).get_by_role("button", name=begin).first.click(click_count=count, timeout=60_000)

    @in_browser
    def wait_button(self, index: int, begin: str) -> None:
        """Until the cell's output has a button that can be pressed and whose name begins like this."""
        with self._explaining(f"cell {index} never had a button {begin!r} to press"):
            self._output(index).get_by_role("button", name=begin, disabled=False).first.wait_for(timeout=60_000)

    @in_browser
    def is_enabled(self, index: int, begin: str) -> bool:
        """Whether the button whose name begins like this can be pressed now."""
        return self._output(index).get_by_role("button", name=begin).first.is_enabled()

    @in_browser
    def value(self, index: int, name: str) -> str:
        """What stands in the field of this name."""
        return self._output(index).get_by_role("textbox", name=name, exact=True).input_value()

    @in_browser
    def evaluate(self, index: int, selector: str, script: str) -> Any:
        """What a function of the page says of this element of the cell's output."""
        return self._output(index).locator(selector).first.evaluate(script)

    @in_browser
    def picture(self, index: int, selector: str, name: str) -> None:
        """This element of the cell's output as build/screenshots/NAME.png, whole although a cell's output scrolls."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        found = self._output(index).locator(selector).first
        found.evaluate("""found => {
            for (let at = found; at; at = at.parentNode ?? at.host) if (at.style) [at.style.maxHeight, at.style.overflow] = ["none", "visible"];
        }""")
        found.screenshot(path=SCREENSHOTS / f"{name}.png")

    @in_browser
    def wait_plays(self, index: int, *, frame: bool = False, timeout: float = 60) -> None:
        """Until a video of the cell's output has been seen to play."""
        within = self._output(index).frame_locator("iframe") if frame else self._output(index)
        with self._explaining(f"cell {index} never played a video"):
            video = within.locator("video").first
            video.wait_for(timeout=timeout * 1000)
            video.evaluate("video => { video.muted = true; video.play().catch(() => {}); }")
            playing = "video => new Promise((done) => { const t = setInterval(() => { if (video.currentTime > 0.2) { clearInterval(t); done(true); } }, 50); })"
            video.evaluate(playing)

    def _cell(self, index: int) -> Any:
        return self.page.locator(".marimo-cell").nth(index)

    def _output(self, index: int) -> Any:
        return self._cell(index).locator('[id^="output-"]').first

    def _shown(self) -> str:
        return f"{self.page.locator('body').inner_text()[:3000]!r}"

    def _await_ready(self) -> None:
        with self._explaining("the notebook did not open"):
            self._cell(self._cells - 1).get_by_test_id("run-button").first.wait_for(state="attached", timeout=60_000)
