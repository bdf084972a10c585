"""`--save-to DIR`: the clip beside the notebook, in a real kernel, at once or whenever it comes; nothing is bought for it."""

import json
import time

import nbformat
import pytest
from nbclient import NotebookClient
from notebook.kernel import kernel_environment
from notebook.test_kernel import SMALL, Studio, opened

from seedance_nb.simulator import Pace, Simulator


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """(kernel, simulator, the notebook's folder), for all tests here; every prompt is used once."""
    folder = tmp_path_factory.mktemp("saving")
    with Studio() as studio, opened(folder, studio) as kernel:
        yield kernel, studio, folder


def appears(studio, path, count=1, seconds=60):
    """The clips that come into this folder, once everything that was accepted is made."""
    end = time.monotonic() + seconds
    while not (path.is_dir() and len(found := sorted(path.glob("*.mp4"))) >= count):
        assert time.monotonic() < end, f"{path} has no {count} clips"
        studio.finish()
        time.sleep(0.2)
    return found


def words(reply):
    return json.dumps([dict(output) for output in reply.outputs], ensure_ascii=False)


def test_a_clip_that_comes_later_is_saved_when_it_comes(kernel):
    kernel, studio, folder = kernel
    reply = kernel.run(f"%seedance {SMALL} --no-wait --save-to later a paper boat")
    assert reply.succeeded
    assert list((folder / "later").iterdir()) == []

    [saved] = appears(studio, folder / "later")

    assert saved.name == "a-paper-boat-take-1.mp4"
    kernel.wait(lambda: "saved as" in words(reply))
    assert kernel.run(
        "import seedance_nb as sd; assert 'a paper boat' in sd.read('later/a-paper-boat-take-1.mp4')"
    ).succeeded


def test_where_it_is_stored_is_no_part_of_what_is_asked_for(kernel):
    kernel, studio, folder = kernel
    kernel.run(f"%seedance {SMALL} --no-wait a kite")
    appears(studio, folder / "home" / "clips", len(list((folder / "home" / "clips").glob("*.mp4"))) + 1)
    kernel.run("import seedance_nb as sd; sd.jobs()[0].result(60)")
    before = studio.calls["create"]

    reply = kernel.run(f"%seedance {SMALL} --save-to 'no such/place' a kite")

    assert [path.name for path in (folder / "no such/place").iterdir()] == ["a-kite-take-1.mp4"]  # it was there already
    assert "saved as" in words(reply)
    kernel.run(f"%seedance {SMALL} --save-to 'no such/place' a kite")
    assert len(list((folder / "no such/place").iterdir())) == 1
    assert studio.calls["create"] == before


def test_a_grid_saves_each_clip_and_what_shares_a_name_gets_another(kernel):
    kernel, studio, folder = kernel
    kernel.run(
        "where = 'gr' + 'id'\n"
        "get_ipython().run_line_magic('seedance', '-m seedance-2.0-fast,seedance-2.0 -a 1:1 -d 4 -r 480p --no-wait "
        "-n 2 --save-to {where} a red hen')"
    )
    saved = appears(studio, folder / "grid", 4)

    assert [path.name[:16] for path in saved] == [
        "a-red-hen-take-1",
        "a-red-hen-take-1",
        "a-red-hen-take-2",
        "a-red-hen-take-2",
    ]
    assert len({path.read_bytes() for path in saved}) == 4


@pytest.mark.parametrize("count", ["", "-n 2"])
@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("pyproject.toml", "is a file"),
        ("pyproject.toml/below", "cannot be written"),
        ('""', "wants the name of a folder"),
    ],
)
def test_a_folder_that_cannot_be_is_told_before_anything_is_sent(kernel, place, problem, count):
    kernel, studio, _ = kernel
    before = studio.calls["create"]

    reply = kernel.run(f"%seedance {SMALL} {count} --save-to {place} a boat that is never bought")

    assert not reply.succeeded
    assert problem in reply.text + reply.error
    assert "Nothing was sent" in reply.text + reply.error
    assert len((reply.text + reply.error).strip().splitlines()) == 1
    assert studio.calls["create"] == before


def test_a_dry_run_makes_no_folder(kernel):
    kernel, _, folder = kernel
    kernel.run(f"%seedance {SMALL} --dry-run --save-to dry a boat")

    assert not (folder / "dry").exists()


def test_a_notebook_without_a_person_has_the_file_and_the_line_that_says_so(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.seedance_nb]\npoll_floor = 0.1\npoll_ceiling = 0.3\n")
    with Simulator(pace=Pace(0.1, 0.3, 0)) as simulator:
        access = {"SEEDANCE_BASE_URL": simulator.base_url, "SEEDANCE_API_KEY": "sd2_test_key"}
        cells = [
            "%load_ext seedance_nb",
            f"%seedance {SMALL} --save-to out a paper boat",
            f"%seedance {SMALL} -n 2 --save-to out a paper boat",
        ]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
        client.execute(env=kernel_environment(tmp_path, access))

    said = ["".join(str(output) for output in cell.outputs) for cell in notebook.cells]
    assert "saved as" in said[1]
    assert 'href="out/a-paper-boat-take-1.mp4"' in said[1]
    assert "saved 2 of 2 clips in" in said[2]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a-paper-boat-take-1.mp4",
        "a-paper-boat-take-2.mp4",
    ]


def test_a_pattern_names_the_clips_of_a_grid_and_a_wrong_one_sends_nothing(kernel):
    kernel, studio, folder = kernel
    before = studio.calls["create"]
    reply = kernel.run(f"%seedance {SMALL} --save-to named/{{tke}}{{take}}.mp4 a lantern")
    assert "the notebook has no 'tke'" in reply.text + reply.error
    reply = kernel.run(f"%seedance {SMALL} --save-to named/{{take:x}}.mp4 a lantern")
    assert "--save-to: {take:x} is no format" in reply.text + reply.error
    assert studio.calls["create"] == before

    kernel.run("where = 'named'")
    kernel.run(f"%seedance {SMALL} --no-wait --save-to {{where}}/{{red|blue}}-{{take:02}}.mp4 a {{red|blue}} lantern")

    assert [path.name for path in appears(studio, folder / "named", 2)] == ["blue-01.mp4", "red-01.mp4"]
