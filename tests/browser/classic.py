"""The classic notebook (nbclassic, as Notebook 6 was) in headless Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browser.lab import TOKEN, Browser, JupyterServer, in_browser
from browser.outputs import Outputs

READY = """() => {
    const { notebook } = window.Jupyter ?? {};
    return Boolean(notebook?._fully_loaded && notebook.kernel?.is_connected() && notebook.kernel.widget_manager);
}"""

# Its manager of widgets asks a kernel at once what widgets there are, in three steps, and loses one that comes meanwhile. What is asked
# behind it is answered behind it.
ASK = """async () => {
    const { kernel } = Jupyter.notebook;
    const asks = async () =>
        (await Promise.all(Object.values(kernel.comm_manager.comms))).some((comm) => comm.target_name === "jupyter.widget.control");
    for (let wait = 0; wait < 100 && await asks(); wait += 1) await new Promise((done) => setTimeout(done, 50)); // it gives up after 4 s
    for (let step = 0; step < 4; step += 1) await new Promise((done) => kernel.comm_info(undefined, done));
}"""


class ClassicNotebook(Outputs):
    """A notebook open in the classic application, with a kernel that is ready."""

    def __init__(self, browser: Browser, server: JupyterServer, path: Path) -> None:
        super().__init__(browser)
        # Notebook 7 has taken the address that was its own.
        place = path.resolve().relative_to(server.folder)
        self.go(f"{server.url}/nbclassic/notebooks/{place}?token={TOKEN}")

    @in_browser
    def run(self, index: int) -> None:
        """Runs a cell, and waits for nothing."""
        self.page.evaluate("index => { Jupyter.notebook.execute_cells([index]) }", index)

    @in_browser
    def is_running(self, index: int) -> bool:
        """Whether the cell has not ended yet."""
        return bool(self.page.evaluate("index => Jupyter.notebook.get_cell(index).element.hasClass('running')", index))

    @in_browser
    def interrupt(self) -> None:
        """Presses the stop button."""
        self.page.locator("#interrupt_kernel, button[title='interrupt the kernel']").first.click()

    @in_browser
    def save(self) -> None:
        """Saves, until it is on the disk."""
        self.page.evaluate("() => Jupyter.notebook.save_notebook()")

    @in_browser
    def end_kernel(self) -> None:
        """Ends the kernel, as *Close and Halt* does."""
        self.page.evaluate("() => Jupyter.notebook.session.delete()")

    def _output(self, index: int) -> Any:
        return self.page.locator(".code_cell").nth(index).locator(".output_wrapper")

    def _shown(self) -> str:
        return f"{self.page.locator('#notebook-container').inner_text()[:3000]!r}"

    def _await_ready(self) -> None:
        self.wait_until(READY, timeout=60, hint="the classic notebook never had its kernel")
        self.page.evaluate(ASK)
