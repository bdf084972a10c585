"""A running simulator, and calls to it."""

import pytest
from simulator.http_caller import AT_ONCE, Caller

from seedance_nb.simulator import Simulator


@pytest.fixture
def simulator():
    with Simulator(pace=AT_ONCE) as running:
        yield running


@pytest.fixture
def call(simulator):
    return Caller(simulator)
