"""The study in notebooks/compare_prompts.ipynb, from its question to its answer, on the simulator."""

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest
from browser.lab import embedded_videos
from nbclient import NotebookClient

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
VIDEOS = 12  # 4 lights x 3 takes


def demo_script():
    spec = importlib.util.spec_from_file_location("demo", ROOT / "scripts" / "demo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def execute(folder, environment):
    notebook = nbformat.read(ROOT / "notebooks" / "compare_prompts.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=environment)
    nbformat.write(notebook, folder / "study.ipynb")
    return "\n".join(
        str(output.get("text") or output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The notebook run twice, each time by a new kernel: (folder, what the first run said, what the second said)."""
    folder = tmp_path_factory.mktemp("study")
    script = demo_script()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        environment = script.private_environment(folder / "home") | script.BRISK
        for name in ("JUPYTER_PATH", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, environment[name])
        return folder, execute(folder, environment), execute(folder, environment)


def test_it_plans_before_it_pays_and_answers_in_plain_words(study):
    _, said, _ = study

    assert "9 cells: 9 new" in said
    assert "12 cells: 12 have it; nothing new: 0 credits" in said
    assert "wins" in said
    assert "Light or luck" in said
    assert "regularised Bradley" in said


def test_it_leaves_files_to_share(study):
    folder, _, _ = study

    sizes = {name: (folder / name).stat().st_size for name in ("study.html", "study.png", "study.mp4", "ballot.html")}
    assert min(sizes.values()) > 50_000
    assert len(json.loads((folder / "study.json").read_text())["cells"]) == VIDEOS
    assert len(set(embedded_videos(folder / "study.html"))) == VIDEOS


def test_its_walls_are_in_the_saved_notebook(study):
    folder, _, _ = study

    assert len(set(embedded_videos(folder / "study.ipynb"))) == VIDEOS


def test_running_it_again_buys_nothing_and_counts_no_vote_twice(study):
    _, _, again = study

    assert "9 cells: 9 have it; nothing new: 0 credits" in again
    assert again.count(" 0 votes\n") == 3
