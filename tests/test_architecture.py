"""The house is as its plan says: the rules of imports can fail, the drawing is current, and the walks are the ones that were watched."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("importlinter")  # the tools of `make lint` are not there where only the package is tested

ROOT = Path(__file__).resolve().parents[1]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
FOR_TYPE_CHECKERS = "\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from .store import Clips\n"
WRONGS = {
    "Rooms: imports go down only": ("api/bodies.py", "\nfrom ..notebook import screen\n"),
    "and every file at the top is in a room": ("stray.py", "A_FILE_IN_NO_ROOM = 1\n"),
    "No circle of files": ("clips/boxes.py", FOR_TYPE_CHECKERS),
    "Inside notebook": ("notebook/card/thief.py", "from ..panel.panel import Panel\n"),
    "Inside grids": ("grids/stray.py", "A_FILE_IN_NO_PLACE = 1\n"),
    "Inside measures": ("grids/measures/stray.py", "A_FILE_IN_NO_PLACE = 1\n"),
    "cloudpickle": ("grids/measures/thief.py", "import cloudpickle\n"),
    "Inside tracking": ("tracking/ledger/thief.py", "from ..session import Session\n"),
    "The simulator": ("simulator/thief.py", "from ..api import client\n"),
    "httpx in the client and its transport alone": ("api/thief.py", "import httpx\n"),
    "sqlite3": ("tracking/ledger/second_file.py", "import sqlite3\n"),
    "PyAV": ("clips/thief.py", "import av\n"),
    "One door from text to HTML": ("pages/thief.py", "import markupsafe\n"),
    "Only the notebook draws": ("grids/walls/thief.py", "def draw():\n    import ipywidgets\n"),
}


@pytest.fixture(scope="module")
def architecture():
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "scripts" / "architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """What the rules say of a copy of the package with one wrong for each of them: {rule: KEPT or BROKEN}."""
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "seedance_nb", root / "seedance_nb", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for file, text in WRONGS.values():
        path = root / "seedance_nb" / file
        path.write_text((path.read_text(encoding="utf-8") if path.exists() else "") + text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LINT],
        check=False,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return dict(re.findall(r"^(.+?) (KEPT|BROKEN)(?: \(.*\))?$", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("rule", WRONGS)
def test_every_rule_of_imports_finds_a_file_that_is_new(verdicts, rule):
    [verdict] = [verdict for name, verdict in verdicts.items() if rule in name]

    assert verdict == "BROKEN"


def test_no_two_files_import_each_other(architecture):
    arrows = architecture.imports()

    assert len(arrows) > 100
    assert architecture.circle(arrows) == []


def test_a_circle_is_found_wherever_it_begins(architecture):
    arrows = {"a": {"b"}, "b": {"c", "d"}, "c": {"e"}, "d": set(), "e": {"b"}}

    assert architecture.circle(arrows) == ["b", "c", "e", "b"]
    assert architecture.circle({**arrows, "e": {"d"}}) == []


def test_the_drawing_is_the_house(architecture):
    page = architecture.PAGE.read_text(encoding="utf-8")

    assert architecture.filled_in(page, {"drawing": architecture.drawing(architecture.imports())}) == page


@pytest.mark.parametrize("cell", ["prompt", "grid"])
def test_the_walk_is_the_one_that_is_listed(architecture, cell):
    page = architecture.PAGE.read_text(encoding="utf-8")
    listed = page.partition(f"<!-- walk of a {cell} -->")[2].partition("<!-- end")[0]

    watched = architecture.passed(architecture.watch(cell))

    assert sorted(watched) == sorted(re.findall(r"^\d+\. `(.+)`$", listed, re.MULTILINE)), "run make architecture"
    assert cell != "prompt" or len(watched) <= 15


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_every_file_that_is_named_is_there(page):
    named = set(
        re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|js|css))?)(?:::\w+)?`", (ROOT / page).read_text(encoding="utf-8"))
    )

    assert len(named) > 10
    assert {path for path in named if not any((root / path).exists() for root in (ROOT / "seedance_nb", ROOT))} == set()
