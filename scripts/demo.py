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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
QUICKSTART = ROOT / "notebooks" / "quickstart.ipynb"
BUILD = ROOT / "build"
CELL_TIMEOUT = 300  # seconds
BRISK = {"SEEDANCE_SIMULATOR_QUEUE_SECONDS": "0.5", "SEEDANCE_SIMULATOR_RENDER_SECONDS": "2.5"}


def main() -> int:
    """Runs the notebook, writes both files, perhaps opens JupyterLab; returns the exit code."""
    print(f"Running {QUICKSTART.relative_to(ROOT)} on the built-in simulator: no key is used, nothing is charged.\n")
    # Silences jupyter_core about its old folders, and the debugger of older kernels about frozen modules.
    os.environ.update(JUPYTER_PLATFORM_DIRS="1", PYDEVD_DISABLE_FILE_VALIDATION="1")
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
    os.environ.update({name: environment[name] for name in ("JUPYTER_PATH", "JUPYTER_RUNTIME_DIR")})
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(QUICKSTART, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        extra_arguments=["--log-level=CRITICAL"],  # what the kernel has to say of itself is not about the demo
        store_widget_state=False,  # the videos are plain HTML by then
        resources={"metadata": {"path": str(BUILD)}},
    )
    # Not client.execute(): it takes Ctrl-C for itself and ends in a traceback.
    with client.setup_kernel(env=environment):
        failure = run_cells(client)
    nbformat.write(notebook, BUILD / "quickstart.ipynb")
    (BUILD / "quickstart.html").write_text(as_html(notebook), encoding="utf-8")
    return failure


def run_cells(client: NotebookClient) -> str | None:
    """Runs the cells in order, one line each, up to the first that fails; returns None, or what went wrong there."""
    from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError

    cells = [(index, cell) for index, cell in enumerate(client.nb.cells) if cell.cell_type == "code"]
    for number, (index, cell) in enumerate(cells, start=1):
        title = shorten(cell.source)
        print(f"[{number:2}/{len(cells)}] {title:52}", end="", flush=True)
        began = time.monotonic()
        trouble = None
        try:
            client.execute_cell(cell, index, execution_count=number)
        except CellExecutionError as error:
            trouble = f"{error.ename}: {' '.join(error.evalue.split())}"
        except (CellControlSignal, DeadKernelError) as error:  # a time-out is the former
            trouble = str(error).splitlines()[0]
        print(f"  {'FAILED' if trouble else 'done'} in {time.monotonic() - began:.1f} s", flush=True)
        if trouble:
            return f"cell {number} ({title}): {trouble}"
    return None


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
