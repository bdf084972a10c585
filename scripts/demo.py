"""`make demo`: the quickstart notebook, run from top to bottom on the built-in simulator. No key, no cost, no network.

Writes build/quickstart.ipynb and build/quickstart.html with the videos inside. In a terminal it then opens JupyterLab on a
fresh copy of the notebook, to play with; SEEDANCE_DEMO_NO_LAB=1 leaves that out.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
QUICKSTART = ROOT / "notebooks" / "quickstart.ipynb"
BUILD = ROOT / "build"
CELL_TIMEOUT = 300  # seconds
BRISK = {"SEEDANCE_SIMULATOR_QUEUE_SECONDS": "0.5", "SEEDANCE_SIMULATOR_RENDER_SECONDS": "2.5"}


def main() -> int:
    """Runs the notebook, writes both files, perhaps opens JupyterLab; returns the exit code."""
    print(f"Running {QUICKSTART.relative_to(ROOT)} on the built-in simulator: no key is used, nothing is charged.\n")
    os.environ.update(JUPYTER_PLATFORM_DIRS="1")  # silences jupyter_core's warning about its old folders
    try:
        failure = run(private_environment(BUILD / "demo-home") | BRISK)
    except KeyboardInterrupt:
        failure = "stopped"
    if failure is not None:
        print(f"\n\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    print(f"\nWith the videos inside:\n  {BUILD / 'quickstart.ipynb'}\n  {BUILD / 'quickstart.html'}")
    if sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("SEEDANCE_DEMO_NO_LAB"):
        open_lab()
    return 0


def private_environment(home: Path) -> dict[str, str]:
    """The environment of a demo's kernels: the simulator, a new ledger in `home`, this Python, nothing of the user's settings."""
    from ipykernel.kernelspec import get_kernel_dict

    shutil.rmtree(home, ignore_errors=True)
    kernel = home / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps(get_kernel_dict()))  # starts this very Python
    users = {name: value for name, value in os.environ.items() if not name.startswith("SEEDANCE_")}
    return users | {
        "SEEDANCE_BASE_URL": "simulator",
        "SEEDANCE_HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_PATH": str(home / "jupyter"),  # searched first: no other kernel called python3 shadows ours
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter" / "runtime"),
    }


def run(environment: dict[str, str]) -> str | None:
    """Runs every cell and writes both files; returns None, or in one line what went wrong."""
    os.environ.update({name: environment[name] for name in ("JUPYTER_PATH", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")})
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError

    notebook = nbformat.read(QUICKSTART, as_version=4)
    progress = Progress(notebook)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # the kernel's own warnings say nothing about the demo
        store_widget_state=False,  # the videos are plain HTML by then
        resources={"metadata": {"path": str(BUILD)}},
        on_cell_execute=progress.begin,
        on_cell_executed=progress.end,
    )
    failure = None
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        failure = f"{progress.cell}: {error.ename}: {error.evalue}"
    except (CellControlSignal, DeadKernelError) as error:
        failure = f"{progress.cell}: {str(error).splitlines()[0]}"
    nbformat.write(notebook, BUILD / "quickstart.ipynb")
    (BUILD / "quickstart.html").write_text(as_html(notebook), encoding="utf-8")
    return failure


class Progress:
    """One line a cell: what begins, and how long it took."""

    def __init__(self, notebook: Any) -> None:
        self._total = sum(cell.cell_type == "code" for cell in notebook.cells)
        self._begun = 0
        self.cell = "the kernel did not start"
        """The cell under way, for an error's text."""

    def begin(self, cell: Any, cell_index: int) -> None:  # noqa: ARG002 - nbclient names the arguments
        self._begun += 1
        self._since = time.monotonic()
        title = shorten(cell.source)
        self.cell = f"cell {self._begun} ({title})"
        print(f"[{self._begun:2}/{self._total}] {title:52}", end="", flush=True)

    def end(self, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002
        word = "done" if execute_reply["content"]["status"] == "ok" else "FAILED"
        print(f"  {word} in {time.monotonic() - self._since:.1f} s", flush=True)


def shorten(source: str, width: int = 52) -> str:
    """What a cell is about: its first line, cut if need be."""
    line = source.strip().splitlines()[0]
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def as_html(notebook: Any) -> str:
    """The notebook as one page that needs no kernel and no other file."""
    from nbconvert.exporters import HTMLExporter

    page, _ = HTMLExporter().from_notebook_node(notebook, resources={"metadata": {"name": "Seedance quickstart"}})
    return page


def open_lab() -> None:
    """Becomes a JupyterLab on a fresh copy of the notebook, with a ledger of its own so that its jobs are seen running."""
    environment = private_environment(BUILD / "demo-lab")
    copy = BUILD / "demo-lab" / "quickstart.ipynb"
    shutil.copyfile(QUICKSTART, copy)
    print("\nOpening it in JupyterLab, on the simulator; Ctrl-C here ends it.", flush=True)
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    os.execve(sys.executable, [sys.executable, "-m", "jupyterlab", *root, str(copy)], environment)  # noqa: S606


if __name__ == "__main__":
    raise SystemExit(main())
