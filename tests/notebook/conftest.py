"""A simulator in this process, quick and honest until told otherwise, and a folder to work in."""

import pytest

from seedance_nb.simulator import Pace, Simulator

KEY = "sd2_test_key"


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
