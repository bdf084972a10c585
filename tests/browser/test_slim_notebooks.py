"""A notebook whose videos are in files beside it, in JupyterLab: it plays, trusted or not, and takes them back."""

import shutil

import nbformat
import pytest
from browser.lab import embedded_videos

from seedance_nb import slimming

pytestmark = pytest.mark.browser

LOAD = "%load_ext seedance_nb"
BOAT = "%seedance a paper boat -d 4 -r 480p"
WALL = "%seedance a paper plane -d 4 -r 480p -n 2"


def test_a_slim_notebook_plays_from_the_files_beside_it_and_takes_them_back(
    simulate, notebook, open_notebook, folder, tmp_path
):
    simulate()
    lab = notebook(LOAD, BOAT, WALL, "%seedance slim notebook.ipynb --dry-run")
    lab.run_all()
    lab.play_check(cell=1)
    lab.play_check(cell=2, nth=1)
    assert "would take out" in lab.text(3) or "nothing to do" in lab.text(3)
    lab.save()
    lab.shutdown_kernel()
    path = folder / "notebook.ipynb"
    _saved, videos = path.read_bytes(), embedded_videos(path)
    assert len(videos) == 3

    change = slimming.slim(path)

    assert (change.videos, embedded_videos(path)) == (3, [])
    shutil.rmtree(tmp_path / "clips", ignore_errors=True)  # where the clips were made is another machine
    for name in ("home", "stranger"):
        theirs = open_notebook(path, on=name)
        for cell, nth in ((1, 0), (2, 0), (2, 1)):
            seen = theirs.play_check(cell=cell, nth=nth)
            assert seen["readyState"] >= 2
        theirs.screenshot(f"slim-{name}")
    theirs.save()
    nbformat.validate(nbformat.read(path, as_version=4))

    slimming.embed(path)
    assert embedded_videos(path) == videos
