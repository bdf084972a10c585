"""The table of hosts in README.md says what marked tests keep, and nothing else."""

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLACES = "before\n<!-- hosts -->\n<!-- end of hosts -->\nafter\n"
TESTS = """
import pytest

@pytest.mark.host("Notebook 7", "live card", "panel")
def test_one(): pass

@pytest.mark.host("VS Code", "board and wall", how="by its rules")
def test_two(): pass

@pytest.mark.skip
@pytest.mark.host("Voila", "panel")
def test_three(): pass

@pytest.mark.skipif(True, reason="no")
@pytest.mark.host("Voila", "ballot")
def test_four(): pass
"""


@pytest.fixture(scope="module")
def hosts():
    spec = importlib.util.spec_from_file_location("hosts", ROOT / "scripts" / "hosts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def house(tmp_path):
    """A folder of tests, and a README with the places for the table."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_theirs.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = host: a host\n")
    (tmp_path / "README.md").write_text(PLACES)
    return tmp_path


def run(house, *arguments):
    """In a process of its own, as pytest does not collect inside of pytest."""
    code = f"""
        import sys; sys.path.insert(0, {str(ROOT / "scripts")!r})
        import hosts, pathlib
        sys.exit(hosts.main({list(arguments)!r}, pathlib.Path("README.md"), pathlib.Path("tests")))
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=house,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_is_written_by_marked_tests_and_current_until_one_is_gone(house, hosts):
    assert run(house).returncode == 0

    page = (house / "README.md").read_text()
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in page.splitlines() if line.startswith("| ")}
    assert set(hosts.ROWS) < set(rows)
    assert rows["Notebook 7"] == "| Notebook 7 | ✔ |  | ✔ |  |  |  | – |"
    assert "✔ by its rules" in rows["VS Code"]
    assert "✔" not in rows["Voila"]  # what is skipped keeps nothing
    assert page.startswith("before\n")
    assert page.endswith("after\n")

    assert run(house, "--check").returncode == 0
    (house / "tests" / "test_theirs.py").write_text(TESTS.replace('"live card", ', ""))

    checked = run(house, "--check")

    assert checked.returncode == 1
    assert "README.md shows another table of hosts" in checked.stdout


def test_cells_that_are_not_there_are_refused(house):
    wrong = ['"Notebook 8", "panel"', '"Notebook 7", "pannel"', '"papermill", "panel"']
    marks = "\n".join(f"@pytest.mark.host({cell})" for cell in wrong)
    (house / "tests" / "test_theirs.py").write_text(f"import pytest\n{marks}\ndef test_one(): pass\n")

    refused = run(house)

    assert refused.returncode == 1
    assert refused.stdout.count("there is no cell") == len(wrong)


def test_in_ci_none_of_them_is_skipped(tmp_path):
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = host: a host\n")
    (tmp_path / "test_theirs.py").write_text(
        "import pytest\n@pytest.mark.host('WebKit', 'ballot')\ndef test_one(): pytest.skip('not here')\n"
    )

    def outcome(**environment):
        usual = {name: value for name, value in os.environ.items() if name not in ("CI", "WITHOUT_WEBKIT")}
        run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        usual["PYTHONPATH"] = str(ROOT / "tests")  # its conftest names a plug-in there
        return subprocess.run(run, cwd=tmp_path, env=usual | environment, capture_output=True, text=True, check=False)

    assert outcome().returncode == 0
    in_ci = outcome(CI="1")
    assert (in_ci.returncode, "was skipped" in in_ci.stdout) == (1, True)
    assert outcome(CI="1", WITHOUT_WEBKIT="WebKit").returncode == 0
