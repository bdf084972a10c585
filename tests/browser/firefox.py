"""Firefox without a screen, driven by WebDriver BiDi, which it speaks by itself: Debian has no geckodriver."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("firefox-esr", "firefox")
PREFERENCES = {
    "media.autoplay.default": 0,
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.helperApps.neverAsk.saveToDisk": "application/json",
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
PLAYS_H264 = "return document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.640028\"')"
KEYS = {"\n": "\ue007"}


def missing(what: str) -> None:
    """Skips with a word; in CI it fails, unless `.ci/run` has found and said why there is none."""
    cure = f"NO FIREFOX TESTS: no {what} found. Install it: apt-get install firefox-esr"
    if os.environ.get("CI") and not os.environ.get("WITHOUT_FIREFOX"):
        pytest.fail(cure, pytrace=False)
    pytest.skip(cure)


class Firefox:
    """One window; scripts are bodies of functions, as in Selenium."""

    def __init__(self, address: str, downloads: Path) -> None:
        import websocket

        self.downloads = downloads
        self._numbers = itertools.count(1)
        self._socket = websocket.create_connection(f"{address}/session", suppress_origin=True, timeout=90)
        self._say("session.new", {"capabilities": {}})
        self._context = self._say("browsingContext.getTree", {})["contexts"][0]["context"]
        self._say("browsingContext.setViewport", {"context": self._context, "viewport": {"width": 1280, "height": 900}})

    def get(self, url: str) -> None:
        """Opens the address, until it has loaded."""
        self._say("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})

    def execute_script(self, script: str, *arguments: Any) -> Any:
        """What it returns, as JSON; promises are waited for."""
        call = {
            "functionDeclaration": (
                f"async (given) => JSON.stringify(await (async function () {{ {script} }}).apply(null, JSON.parse(given)) ?? null)"
            ),
            "arguments": [{"type": "string", "value": json.dumps(arguments)}],
            "awaitPromise": True,
            "target": {"context": self._context},
            "userActivation": True,
        }
        answer = self._say("script.callFunction", call)
        if answer["type"] != "success":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def press(self, *keys: str) -> None:
        """One key after the other."""
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._perform({"type": "key", "id": "keyboard", "actions": actions})

    def click(self, x: float, y: float) -> None:
        """The mouse, at a place in the window."""
        actions = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._perform({"type": "pointer", "id": "mouse", "actions": actions})

    def quit(self) -> None:
        """The end of the conversation; the process ends with it."""
        with contextlib.suppress(Exception):
            self._say("browser.close", {})
        self._socket.close()

    def _perform(self, source: dict[str, Any]) -> None:
        self._say("input.performActions", {"context": self._context, "actions": [source]})

    def _say(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:  # events come between
            answer: dict[str, Any] = json.loads(self._socket.recv())
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}: {answer.get('message')}")
                result: dict[str, Any] = answer["result"]
                return result


@contextlib.contextmanager
def firefox(home: Path) -> Iterator[Firefox]:
    """A window of Firefox. What is downloaded lies in `home`/downloads."""
    if os.environ.get("WITHOUT_FIREFOX"):
        missing(os.environ["WITHOUT_FIREFOX"])
    program = next(filter(None, map(shutil.which, NAMES)), None) or missing("Firefox")
    (home / "downloads").mkdir(parents=True)
    profile = home / "profile"
    profile.mkdir()
    preferences = PREFERENCES | {"browser.download.dir": str(home / "downloads")}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [str(program), "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with (home / "firefox.log").open("w+") as log:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "WAYLAND_"))}
        process = subprocess.Popen(
            command, env={**inherited, "HOME": str(home)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            opened = Firefox(_address(process, home / "firefox.log"), home / "downloads")
            try:
                if not opened.execute_script(PLAYS_H264):
                    missing("H.264 for Firefox (libavcodec)")
                yield opened
            finally:
                opened.quit()
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where it listens, which it says itself."""
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        if said := re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text(errors="replace")):
            return said.group(1)
        time.sleep(0.05)
    raise RuntimeError(f"Firefox did not start: {log.read_text(errors='replace')[-2000:]}")


if __name__ == "__main__":  # does it start here, and play what we make?
    with tempfile.TemporaryDirectory() as folder, firefox(Path(folder) / "home") as _driver:
        print("Firefox starts and plays H.264")
