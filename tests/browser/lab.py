"""JupyterLab in headless Chromium, used as a person uses it.

    with JupyterServer(folder) as server, Browser() as browser:
        notebook = browser.open_notebook(server, write_notebook(folder / "a.ipynb", ["1 + 1"]))
        notebook.run_cell(0)
        assert notebook.text(0) == "2"

Three things make this reliable: the server shares nothing with the developer's Jupyter (its own settings, kernels and trust
database); running and saving go through the application's own commands and models (`expose_app_in_browser`), the DOM is read
and clicked only for what a person sees; and every wait is a condition inside the page, with a limit.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import nbformat
import pytest
from ipykernel.kernelspec import get_kernel_dict

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
PAGE_SCRIPT = Path(__file__).with_name("page.js")
TOKEN = "tests-only"  # the server listens on 127.0.0.1 for the length of a test run

VIDEO = re.compile(r'<video\b[^>]*\ssrc="data:video/mp4;base64,([^"]+)"')
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
CHROMIUM_ARGS = (
    "--no-sandbox",  # containers run tests as root
    "--disable-gpu",
    "--mute-audio",
    "--no-first-run",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # what a test shows must not need the internet
)


FRONT_ENDS = {"single document": "doc/tree/{}?reset", "lab": "lab/tree/{}?reset", "notebook": "notebooks/{}"}


def find_chromium() -> str:
    """The system's Chromium; without one the test is skipped, and in CI it fails: nothing is left untested in silence."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [shutil.which(name) for name in CHROMIUM_NAMES] + list(CHROMIUM_APPS)
    for path in found:
        if path and Path(path).exists():
            return path
    cure = "NO BROWSER TESTS: no Chromium found. Install one (apt-get install chromium) or name one: CHROMIUM=/path/to/chromium"
    if os.environ.get("CI"):
        pytest.fail(cure, pytrace=False)
    pytest.skip(cure)


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """A notebook of code cells, none of them run yet."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


WAIT_FOR_FILE = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"
"""A cell that runs until a file `go` stands beside its notebook: no test has to guess how long it will be needed."""


def eventually(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait for something outside the page; what is in the page is waited for there."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def embedded_videos(path: Path) -> list[str]:
    """The base64 of every MP4 that a saved notebook's outputs, or an HTML page, hold in a `<video src>`; in order."""
    if path.suffix != ".ipynb":
        return VIDEO.findall(path.read_text(encoding="utf-8"))
    outputs = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", [])]
    return [video for output in outputs for video in VIDEO.findall(output.get("data", {}).get("text/html", ""))]


class JupyterServer:
    """A JupyterLab server with configuration, kernels, settings and trust database of its own.

    Two servers on the same folder do not trust each other's notebooks. Kernels run this very Python; what `kernel_env` holds
    when a kernel starts is in its environment.
    """

    def __init__(
        self,
        folder: Path,
        *,
        theme: str = "light",
        kernel_env: Mapping[str, str] | None = None,
        application: str = "jupyterlab",
        base_url: str = "/",
        collaboration: Path | None = None,
    ) -> None:
        """`base_url` is the prefix under which a hub would serve it; `collaboration` a folder with jupyter-collaboration in it, if
        people are to work on one notebook together.
        """
        self.folder = folder.resolve()
        self.theme = theme
        self._application, self._base_url, self._collaboration = application, base_url, collaboration
        self._state = Path(tempfile.mkdtemp(prefix="jupyter-"))
        self.set_kernel_env(kernel_env or {})

    def set_kernel_env(self, env: Mapping[str, str]) -> None:
        """The environment of kernels started from now on; running ones keep theirs."""
        spec = get_kernel_dict() | {"env": dict(env)}
        _write_json(self._state / "data" / "kernels" / "python3" / "kernel.json", spec)

    def start(self) -> JupyterServer:
        """Returns when the server answers."""
        settings = self._state / "settings" / "@jupyterlab"
        theme = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[self.theme]
        _write_json(settings / "apputils-extension" / "themes.jupyterlab-settings", {"theme": theme})
        no_news = {"fetchNews": "false", "checkForUpdates": False}
        _write_json(settings / "apputils-extension" / "notification.jupyterlab-settings", no_news)
        # Saves each page the second it spends asking whether JupyterLab's own JavaScript wants a rebuild.
        _write_json(
            self._state / "config" / "labconfig" / "page_config.json", {"buildCheck": False, "buildAvailable": False}
        )
        home = self._state / "home"
        home.mkdir()
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, "-m", self._application, "--no-browser", "--allow-root"),
            f"--ServerApp.root_dir={self.folder}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={_free_port()}",
            f"--ServerApp.base_url={self._base_url}",
            f"--IdentityProvider.token={TOKEN}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
        ]
        self._log = (self._state / "server.log").open("wb")
        self._process = subprocess.Popen(
            command,
            env=self._environment(home),
            cwd=self.folder,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.url = self._await_address()
        return self

    def stop(self) -> None:
        """Stops this server and its kernels, and forgets its state."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self._state, ignore_errors=True)

    def shutdown_kernels(self) -> None:
        """Ends every kernel; the server stays."""
        for session in self._api("GET", "/api/sessions"):
            self._api("DELETE", f"/api/sessions/{session['id']}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _environment(self, home: Path) -> dict[str, str]:
        ours = ("JUPYTER", "IPYTHON", "SEEDANCE_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        if self._collaboration is not None:
            env |= {
                "PYTHONPATH": str(self._collaboration),
                "JUPYTER_CONFIG_PATH": str(self._collaboration / "etc" / "jupyter"),
            }
        theirs = [] if self._collaboration is None else [str(self._collaboration / "share" / "jupyter")]
        return env | {
            "HOME": str(home),
            "IPYTHONDIR": str(self._state / "ipython"),
            "JUPYTER_CONFIG_DIR": str(self._state / "config"),
            "JUPYTER_DATA_DIR": str(self._state / "data"),
            "JUPYTER_PATH": os.pathsep.join(
                [str(self._state / "data"), *theirs]
            ),  # searched first: no other python3 kernel shadows ours
            "JUPYTER_RUNTIME_DIR": str(self._state / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self._state / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self._state / "workspaces"),
            "JUPYTER_PLATFORM_DIRS": "1",
        }

    def _await_address(self) -> str:
        # The server says where it listens, because the port that was free may be taken by the time it binds.
        says = self._state / "runtime" / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.url = f"http://127.0.0.1:{json.loads(says.read_text())['port']}{self._base_url.rstrip('/')}"
                self._api("GET", "/api/status")
                return self.url
            except (OSError, ValueError):
                time.sleep(0.05)
        log = (self._state / "server.log").read_text()
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{log[-3000:]}")

    def _api(self, method: str, path: str) -> Any:
        request = urllib.request.Request(self.url + path, method=method, headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None


class Browser:
    """One headless Chromium, with Playwright in a thread of its own.

    Playwright's synchronous objects belong to the thread that made them and leave that thread with a running event loop; in a
    thread of their own they disturb no test that uses asyncio.
    """

    def __init__(self, viewport: tuple[int, int] = (1280, 900)) -> None:
        self._viewport = {"width": viewport[0], "height": viewport[1]}
        self._executable = find_chromium()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="browser")
        self._worker = self._thread.submit(threading.current_thread).result()

    def do(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Runs `work` in the browser's thread; work that is there already just goes on."""
        if threading.current_thread() is self._worker:
            return work(*args, **kwargs)
        return self._thread.submit(work, *args, **kwargs).result()

    def open(self, url: str) -> Tab:
        """Any page, once it has loaded."""
        tab = Tab(self)
        tab.go(url)
        return tab

    def open_notebook(
        self, server: JupyterServer, path: Path, *, front_end: str = "single document", url: str = ""
    ) -> LabNotebook:
        """A notebook below the server's folder, with a kernel that is ready; alone in its window unless another front end is named;
        at `url` if not at the server's own.
        """
        notebook = LabNotebook(self)
        place = FRONT_ENDS[front_end].format(path.resolve().relative_to(server.folder))
        notebook.go(f"{url or server.url}/{place}{'&' if '?' in place else '?'}token={TOKEN}")
        return notebook

    def __enter__(self) -> Self:
        self.do(self._launch)
        return self

    def __exit__(self, *_: object) -> None:
        self.do(self._close)
        self._thread.shutdown()

    def _launch(self) -> None:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=self._executable, args=list(CHROMIUM_ARGS))
        self.context = self._chromium.new_context(viewport=self._viewport)
        self.context.set_default_timeout(60_000)
        self.context.add_init_script(path=PAGE_SCRIPT)

    def _close(self) -> None:
        self._chromium.close()
        self._playwright.stop()


def in_browser(method: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a tab's method in its browser's thread."""

    @functools.wraps(method)
    def run(self: Tab, *args: Any, **kwargs: Any) -> Any:
        return self.browser.do(method, self, *args, **kwargs)

    return run


class Tab:
    """One page. `page` is Playwright's own, to be touched in the browser's thread only."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.page = browser.do(browser.context.new_page)

    @in_browser
    def go(self, url: str) -> None:
        """Opens the address and waits until it can be used."""
        self.page.goto(url, wait_until="domcontentloaded")
        self._await_ready()

    @in_browser
    def reload(self) -> None:
        """Presses the browser's reload button; what was not saved is gone."""
        self.page.reload(wait_until="domcontentloaded")
        self._await_ready()

    @in_browser
    def close(self) -> None:
        self.page.close()

    @in_browser
    def screenshot(self, name: str) -> Path:
        """What is in the window now, as build/screenshots/NAME.png."""
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    @in_browser
    def play_check(self, nth: int = 0, *, cell: int | None = None, timeout: float = 60) -> dict[str, Any]:
        """Plays the nth video of the page, or of one cell, and sees its time advance; returns what kind of video it is."""
        which = {"nth": nth, "cell": cell}
        self.wait_until("which => driver.video(which)", which, timeout=timeout, hint=f"there is no video {which}")
        self.page.evaluate("which => driver.play(which)", which)
        self.wait_until(
            "which => driver.isPlaying(which, 0.3)", which, timeout=timeout, hint=f"video {which} does not play"
        )
        self.page.evaluate("which => driver.video(which).pause()", which)
        return self.page.evaluate("which => driver.describe(which)", which)

    @in_browser
    def wait_until(self, condition: str, argument: Any = None, *, timeout: float = 60, hint: str = "") -> None:
        """Waits in the page until the JavaScript function says yes."""
        with self._explaining(hint or condition):
            self.page.wait_for_function(condition, arg=argument, timeout=timeout * 1000)

    @contextlib.contextmanager
    def _explaining(self, complaint: str) -> Iterator[None]:
        """Turns Playwright's time-out into what a reader needs: the complaint, and what the page shows instead."""
        from playwright.sync_api import TimeoutError as NeverHappened

        try:
            yield
        except NeverHappened:
            shot = self.screenshot("never-happened")
            raise AssertionError(f"{complaint}; instead the page shows {self._shown()}; see {shot}") from None

    def _shown(self) -> str:
        return f"videos {self.page.evaluate('() => driver.describeAll()')}"

    def _await_ready(self) -> None:
        self.page.wait_for_load_state()


class LabNotebook(Tab):
    """A notebook open in JupyterLab. Cells are counted from 0."""

    @in_browser
    def run_cell(self, index: int, *, wait: bool = True, timeout: float = 120) -> None:
        """Selects the cell and presses Shift+Enter; by default waits until the kernel has run it."""
        self.page.evaluate("i => driver.select(i)", index)
        before = self.page.evaluate("i => driver.runs(i)", index)
        self.page.keyboard.press("Shift+Enter")
        if wait:
            self.wait_until(
                "([i, before]) => driver.hasRun(i, before)",
                [index, before],
                timeout=timeout,
                hint=f"cell {index} never ended",
            )

    def run_all(self, timeout: float = 180) -> None:
        """Run All Cells, until the last has run or one has failed."""
        self._command("notebook:run-all-cells", timeout)

    def save(self) -> None:
        """Save Notebook; returns when the file is written."""
        self._command("docmanager:save")

    def interrupt(self) -> None:
        """The stop button."""
        self._command("notebook:interrupt-kernel")

    def shutdown_kernel(self) -> None:
        """Shut Down Kernel: nothing in the page has a kernel behind it any more."""
        self._command("notebook:shutdown-kernel")
        self.wait_until("() => !driver.hasKernel()", hint="the kernel did not shut down")

    def restart_kernel(self) -> None:
        """Restart Kernel, with the question it asks answered: a new kernel, and every output as it was."""
        self.browser.do(lambda: self.page.evaluate("() => { driver.panel().sessionContext.restartKernel(); }"))
        self.wait_until("() => driver.isKernelReady()", timeout=60, hint="the kernel did not restart")

    @in_browser
    def is_running(self, index: int) -> bool:
        """Whether the kernel is at this cell, or has it in its queue."""
        return self.page.evaluate("i => driver.isRunning(i)", index)

    @in_browser
    def has_run(self, index: int) -> bool:
        """Whether this cell has run to its end, as the notebook keeps it: not a matter of what is drawn."""
        return self.page.evaluate("i => driver.runs(i)", index) is not None

    @in_browser
    def is_trusted(self, index: int) -> bool:
        """Whether JupyterLab shows this cell's HTML unsanitised."""
        return self.page.evaluate("i => driver.isTrusted(i)", index)

    @in_browser
    def is_dark(self) -> bool:
        """Whether JupyterLab shows itself in a dark theme."""
        return self.page.evaluate("() => document.body.dataset.jpThemeLight === 'false'")

    @in_browser
    def text(self, index: int) -> str:
        """What a person reads in the cell's outputs."""
        return self.page.evaluate("i => driver.text(i)", index)

    @in_browser
    def wait_text(self, index: int, text: str, timeout: float = 60) -> None:
        """Until the cell's outputs show this text."""
        hint = f"cell {index} never showed {text!r}"
        self.wait_until("([i, text]) => driver.text(i).includes(text)", [index, text], timeout=timeout, hint=hint)

    @in_browser
    def wait_role(self, index: int, role: str, name: str | None = None, timeout: float = 60) -> None:
        """Until an element of this role and name is visible in the cell's outputs."""
        with self._explaining(f"cell {index} never showed a {role} {name or ''}"):
            self._outputs(index).get_by_role(role, name=name, exact=True).first.wait_for(timeout=timeout * 1000)

    @in_browser
    def click(self, index: int, name: str, role: str = "button") -> None:
        """Clicks what has this role and accessible name in the cell's outputs."""
        with self._explaining(f"cell {index} has no {role} {name!r} to click"):
            self._outputs(index).get_by_role(role, name=name, exact=True).click()

    @in_browser
    def watch_status(self, index: int) -> None:
        """From now on, note when Enter was pressed and what the cell's role=status says afterwards."""
        self.page.evaluate("i => driver.watch(i)", index)

    @in_browser
    def statuses(self) -> list[dict[str, Any]]:
        """The texts of the watched status: each with its `seconds` after the key press and the cells `running` at that moment."""
        return self.page.evaluate("() => driver.seen.texts")

    @in_browser
    def _command(self, name: str, timeout: float = 60) -> None:
        self.page.evaluate("name => driver.command(name)", name)
        self.wait_until("() => driver.commandEnded", timeout=timeout, hint=f"the command {name} never ended")

    def _shown(self) -> str:
        return f"{super()._shown()} and texts {self.page.evaluate('() => driver.allTexts()')}"

    def _outputs(self, index: int) -> Any:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-Cell-outputWrapper")

    def _await_ready(self) -> None:
        self.wait_until("() => driver.isOpen()", timeout=60, hint="the notebook did not open")
        self.wait_until("() => driver.isKernelReady()", timeout=60, hint="no kernel became ready")


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
