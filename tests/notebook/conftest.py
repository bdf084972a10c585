"""A simulator in this process, quick and honest until told otherwise, and a folder to work in."""

import ipywidgets
import pytest

from seedance_nb.simulator import Pace, Simulator

KEY = "sd2_test_key"
# These stand in for the page by a comm of their own, which ipywidgets 7 does not ask for; kernels and browsers test it there.
collect_ignore = (
    ["card/test_job_card.py", "card/test_unplayable.py", "panel", "board/test_grid_board.py", "ballot/test_ballot.py"]
    if int(ipywidgets.__version__.partition(".")[0]) < 8
    else []
)


@pytest.fixture
def simulator():
    with Simulator(pace=Pace(0, 0.1, 0)) as running:
        yield running


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """The folder the notebook lies in: its pyproject.toml asks for looks more often than one a second."""
    (tmp_path / "pyproject.toml").write_text("[tool.seedance_nb]\npoll_floor = 0.05\npoll_ceiling = 0.3\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path
