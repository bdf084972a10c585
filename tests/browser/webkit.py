"""WebKit, as a person without Chromium has it: WebKitGTK's own MiniBrowser, driven over WebDriver on a screen that nobody sees."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

MINI_BROWSERS = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"
PACKAGES = "webkit2gtk-driver xvfb gstreamer1.0-plugins-good gstreamer1.0-libav"
PLAYS_H264 = "return document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.640028\"')"


def missing(what: str) -> None:
    """Skips with a word; in CI it fails, unless `.ci/run` has found and said why there is none: nothing is left untested in silence."""
    cure = f"NO WEBKIT TESTS: no {what} found. Install it: apt-get install {PACKAGES}"
    if os.environ.get("CI") and not os.environ.get("WITHOUT_WEBKIT"):
        pytest.fail(cure, pytrace=False)
    pytest.skip(cure)


@contextlib.contextmanager
def screen(size: tuple[int, int]) -> Iterator[str]:
    """A display of its own that nobody sees; its name."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size[0]}x{size[1]}x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as told:
            number = told.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield f":{number}"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def webkit(home: Path) -> Iterator[object]:
    """A window of WebKit, as Selenium's driver. What is downloaded lies in `home`/downloads."""
    if os.environ.get("WITHOUT_WEBKIT"):
        missing(os.environ["WITHOUT_WEBKIT"])
    driver = shutil.which("WebKitWebDriver") or missing("WebKitWebDriver")
    if not shutil.which("Xvfb"):
        missing("Xvfb")
    browser = next(iter(sorted(glob.glob(MINI_BROWSERS))), None) or missing("MiniBrowser of WebKitGTK")
    from selenium import webdriver

    (home / "downloads").mkdir(parents=True)
    (home / ".config").mkdir()
    (home / ".config" / "user-dirs.dirs").write_text('XDG_DOWNLOAD_DIR="$HOME/downloads"\n')
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "WAYLAND_"))}
    with screen((1400, 1000)) as display:
        options = webdriver.WebKitGTKOptions()
        options.binary_location = browser
        options.add_argument("--automation")
        service = webdriver.WebKitGTKService(driver, env={**inherited, "HOME": str(home), "DISPLAY": display})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of Selenium, about itself
            opened = webdriver.WebKitGTK(options=options, service=service)
        try:
            if not opened.execute_script(PLAYS_H264):
                missing("H.264 for WebKit")
            yield opened
        finally:
            opened.quit()


if __name__ == "__main__":  # does it start here, and play what we make?
    with tempfile.TemporaryDirectory() as folder, webkit(Path(folder) / "home") as _driver:
        print("WebKit starts and plays H.264")
