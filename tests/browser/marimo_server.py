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

from browser.lab import Browser, _free_port, in_browser
from browser.outputs import Outputs

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


class MarimoNotebook(Outputs):
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

    def _cell(self, index: int) -> Any:
        return self.page.locator(".marimo-cell").nth(index)

    def _output(self, index: int) -> Any:
        return self._cell(index).locator('[id^="output-"]').first

    def _shown(self) -> str:
        return f"{self.page.locator('body').inner_text()[:3000]!r}"

    def _await_ready(self) -> None:
        with self._explaining("the notebook did not open"):
            self._cell(self._cells - 1).get_by_test_id("run-button").first.wait_for(state="attached", timeout=60_000)
