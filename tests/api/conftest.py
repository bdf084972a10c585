"""A client in a loop of its own, and a simulator with one finished film."""

import asyncio

import httpx
import pytest
from simulator.http_caller import AT_ONCE, Caller

from seedance_nb.api.client import Client
from seedance_nb.settings import Limits, Secret
from seedance_nb.simulator import Simulator

KEY = "planted-key-0123456789"
TLS = httpx.create_ssl_context()


@pytest.fixture(scope="module")
def house():
    """One simulator for the whole module: `film_id` is a finished generation, `film` its bytes, `film_url` their address."""
    with Simulator(pace=AT_ONCE) as simulator:
        call = Caller(simulator)
        simulator.film_id = call.create("a finished cat").json["requestId"]
        simulator.film_url = call.finish(simulator.film_id)["output"]["url"]
        simulator.film = call("GET", f"/results/{simulator.film_id}.mp4").body
        yield simulator


@pytest.fixture
def simulator(house):
    """The module's simulator, behaving, with its counters at zero."""
    house.clear_faults()
    house.calls.clear()
    house.calls_with_key.clear()
    yield house
    house.clear_faults()
    house.scenario._expired.clear()


@pytest.fixture
def run(simulator, monkeypatch):
    """Run one action of a client against the simulator, or against `base_url`."""

    monkeypatch.setattr(httpx, "create_ssl_context", lambda: TLS)  # 20 ms each time, and hundreds of clients

    def run_action(action, base_url=None, key=KEY, **limits):
        async def main():
            quick = {"read_timeout": 2, "connect_timeout": 2, "create_timeout": 3, "stall_timeout": 2}
            async with Client(base_url or simulator.base_url, Secret(key), Limits(**quick | limits)) as client:
                return await action(client)

        return asyncio.run(main())

    return run_action
