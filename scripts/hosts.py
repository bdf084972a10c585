"""The table of hosts in README.md, from the tests that keep it.

    python scripts/hosts.py            write it anew
    python scripts/hosts.py --check    say whether it is current

A test that is marked `@pytest.mark.host("JupyterLab 4", "live card")` keeps that cell's ✔: while it fails, CI fails. A test that is skipped
keeps nothing, and in CI may not be skipped (tests/conftest.py). `how="by its rules"` stands beside the ✔.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- hosts -->", "<!-- end of hosts -->"

COLUMNS = (
    "live card",
    "finished video after reopening",
    "panel",
    "board and wall",
    "ballot",
    "stop button",
    "headless",
)
ROWS = (
    "JupyterLab 4",
    "JupyterLab 4, untrusted",
    "JupyterLab 4, single document",
    "JupyterLab 4, dark",
    "Notebook 7",
    "nbclassic",
    "Voila",
    "VS Code",
    "Colab",
    "marimo",
    "terminal IPython",
    "script",
    "papermill",
    "nbclient",
    "nbconvert HTML",
    "nbconvert slides",
    "nbconvert markdown",
    "nbconvert PDF",
    "GitHub and nbviewer",
    "Firefox",
    "WebKit",
)
PAGES = tuple(row for row in ROWS if row.startswith(("nbconvert", "GitHub")))
RUNNERS = ("papermill", "nbclient")
WATCHED = tuple(row for row in ROWS if row not in (*PAGES, *RUNNERS, "script"))
NOT_THERE = {
    **{(row, column): "–" for row in PAGES for column in ("live card", "panel", "ballot", "stop button")},
    **{(row, "headless"): "–" for row in (*WATCHED, *PAGES)},
    **{(row, column): "–" for row in RUNNERS for column in ("live card", "panel", "ballot", "stop button")},
    **{("script", column): "–" for column in ("live card", "panel", "finished video after reopening")},
    **{("terminal IPython", column): "–" for column in ("panel", "finished video after reopening")},
    ("Voila", "stop button"): "–",
    ("JupyterLab 4, untrusted", "live card"): "–",
    ("JupyterLab 4, untrusted", "panel"): "–",
    ("JupyterLab 4, untrusted", "ballot"): "–",
    ("JupyterLab 4, untrusted", "stop button"): "–",
}
"""Cells that have nothing to keep: a page without a kernel has no panel, and where a person watches nothing is headless."""


class Marked:
    """A pytest plugin: what the marked tests that would run keep."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], set[str]] = {}
        self.wrong: list[str] = []

    def pytest_collection_modifyitems(self, items: Iterable[pytest.Item]) -> None:
        """Called once all tests are known."""
        for item in items:
            if any(item.iter_markers("skip")) or any(_holds(mark) for mark in item.iter_markers("skipif")):
                continue
            for mark in item.iter_markers("host"):
                row, *columns = mark.args
                for column in columns:
                    if row not in ROWS or column not in COLUMNS or (row, column) in NOT_THERE:
                        self.wrong.append(f"{item.nodeid}: there is no cell ({row}, {column})")
                    self.kept.setdefault((row, column), set()).add(mark.kwargs.get("how", ""))


def _holds(mark: pytest.Mark) -> bool:
    return any(condition for condition in mark.args if not isinstance(condition, str))


def marked(folder: Path) -> Marked:
    """What the tests below a folder keep. Only files that speak of hosts are loaded."""
    files = [
        str(file) for file in sorted(folder.rglob("test_*.py")) if "mark.host(" in file.read_text(encoding="utf-8")
    ]
    found = Marked()
    if files:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *files], plugins=[found])
        if code != 0:
            raise SystemExit(said.getvalue())
    return found


def table(kept: dict[tuple[str, str], set[str]]) -> str:
    """The table as Markdown. What has a plain ✔ needs no other word; an empty cell is a cell that no test keeps."""

    def cell(row: str, column: str) -> str:
        hows = kept.get((row, column))
        if hows is None:
            return NOT_THERE.get((row, column), "")
        return "✔" if "" in hows else f"✔ {', '.join(sorted(hows))}"

    rows = [["", *COLUMNS], ["---"] * (len(COLUMNS) + 1)]
    rows += [[row, *(cell(row, column) for column in COLUMNS)] for row in ROWS]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def filled_in(page: str, text: str) -> str:
    """The page with the table written anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"README.md has lost its mark {BEGIN} or {END}")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def main(arguments: list[str] | None = None, readme: Path = README, tests: Path = ROOT / "tests") -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description="The table of hosts in README.md, from the tests that keep it.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the table is old")
    check = parser.parse_args(arguments).check
    found = marked(tests)
    if found.wrong:
        print("\n".join(found.wrong))
        return 1
    page = readme.read_text(encoding="utf-8")
    new = filled_in(page, table(found.kept))
    if not check:
        readme.write_text(new, encoding="utf-8")
    elif new != page:
        print("README.md shows another table of hosts than the tests keep: run `.venv/bin/python scripts/hosts.py`")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
