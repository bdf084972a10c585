"""Real films for stories: what a shot begins with matters, so the simulator renders each, and fetches the frames it is given."""

import contextlib

import pytest
from grids.stage import session_at
from tracking.references.published import Published

from seedance_nb.simulator import Pace, Simulator


@pytest.fixture
def simulator(careless_disk, patience):
    with Simulator(pace=Pace(0, 0.05, 0)) as running:
        yield running


@pytest.fixture
def published(tmp_path):
    with Published(tmp_path / "published") as one:
        yield one


@pytest.fixture
def session_of(tmp_path, published):
    """Makes sessions on one ledger, for any simulator; closes them at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda simulator, **options: stack.enter_context(
            session_at(simulator.base_url, tmp_path, **{"uploads": published, **options})
        )


@pytest.fixture
def session(simulator, session_of):
    return session_of(simulator)
