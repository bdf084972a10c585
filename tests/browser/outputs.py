"""A notebook's outputs as a person uses them, by role and name, in a front end that has no application to ask: marimo, the classic one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browser.lab import SCREENSHOTS, Tab, in_browser

TEXT = """
    function text(node) {
        const inner = [...node.querySelectorAll("*")].filter((element) => element.shadowRoot);
        const hosts = node.host ? [...node.children].map((child) => child.innerText ?? "") : [node.innerText];
        return [...hosts, ...inner.map((element) => text(element.shadowRoot))].join("\\n");
    }
"""
"""What a person reads in an element: marimo draws widgets in shadow trees, which innerText passes over."""


class Outputs(Tab):
    """A notebook that is open. Cells are counted from 0; `_output(index)` is where what a cell shows stands."""

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
    def choose(self, index: int, name: str, label: str, role: str = "combobox") -> None:
        """Chooses what has this label in the drop-down, or list, of this name."""
        with self._explaining(f"cell {index} has no choice {name!r} of {label!r}"):
            self._output(index).get_by_role(role, name=name, exact=True).select_option(label=label, timeout=60_000)

    @in_browser
    def press(self, index: int, begin: str, count: int = 1) -> None:
        """Clicks the button whose name begins like this, once it can be clicked."""
        with self._explaining(f"cell {index} has no button {begin!r} to press"):
            self._output(index).get_by_role("button", name=begin).first.click(click_count=count, timeout=60_000)

    @in_browser
    def attach(self, index: int, file: Path) -> None:
        """Chooses a file where one is asked for."""
        self._output(index).locator("input[type=file]").first.set_input_files(file)

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
    def count(self, index: int, selector: str) -> int:
        """How many such elements the cell's output has."""
        return int(self._output(index).locator(selector).count())

    @in_browser
    def wait_gone(self, index: int, selector: str) -> None:
        """Until the cell's output has no such element any more."""
        with self._explaining(f"cell {index} never lost its {selector}"):
            self._output(index).locator(selector).first.wait_for(state="detached", timeout=60_000)

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

    def _output(self, index: int) -> Any:
        raise NotImplementedError
