"""The front door as type checkers see it: what is meant passes, what is not is an error on its very line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def mypy(path):
    """The lines of a file in which mypy finds an error."""
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert all(Path(error["file"]).name == path.name for error in found), done.stdout
    return [error["line"] for error in found if error["severity"] == "error"]


def pyright(path):
    """The same of pyright (basedpyright is pyright with a Node of its own, so that pip installs all of it)."""
    command = [sys.executable, "-m", "basedpyright", "--outputjson", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [error["range"]["start"]["line"] + 1 for error in found if error["severity"] == "error"]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_calls_as_people_write_them_pass(checker):
    assert checker(HERE / "public_calls.py") == []


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_each_wrong_call_is_found_and_nothing_else(checker):
    path = HERE / "wrong_calls.py"
    wrong = [number for number, line in enumerate(path.read_text().splitlines(), 1) if line.endswith("# E")]

    assert len(wrong) > 40
    assert sorted(set(checker(path))) == wrong


def test_names_are_completed_by_an_editor_that_only_reads():
    import jedi

    code = "import seedance_nb as sd\nsd.{}("
    for name, keyword in [
        ("submit", "fresh="),
        ("grid", "media_urls="),
        ("configure", "longest_pause="),
        ("rank", "of="),
    ]:
        script = jedi.Script(code.format(name))
        assert keyword in {found.name for found in script.complete()}
        assert script.get_signatures()[-1].docstring()
