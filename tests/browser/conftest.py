"""One browser and one JupyterLab server for all tests; for each test a folder, a kernel environment and pages of its own."""

import pytest
from browser.lab import Browser, JupyterServer, write_notebook

from seedance_nb.simulator import Pace, Simulator

TEST_KEY = "sd2_test_key"


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests."""
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    """`jupyter(name, theme=)`: the JupyterLab server of this name, started when first asked for.

    All of them serve one folder; each has its own trust database.
    """
    folder = tmp_path_factory.mktemp("notebooks")
    servers = {}

    def serve(name="home", *, theme="light"):
        if (name, theme) not in servers:
            servers[name, theme] = JupyterServer(folder, theme=theme).start()
        return servers[name, theme]

    yield serve
    for server in servers.values():
        server.stop()


@pytest.fixture
def kernel_env(tmp_path):
    """The environment of this test's kernels: fill it before opening a notebook."""
    return {"SEEDANCE_HOME": str(tmp_path)}


@pytest.fixture
def folder(jupyter, request, tmp_path):
    """A folder below the server's, of this test alone."""
    return jupyter().folder / tmp_path.name


@pytest.fixture
def open_notebook(browser, jupyter, kernel_env):
    """`open_notebook(path, on=, theme=)`: the notebook in JupyterLab; pages and kernels end with the test."""
    tabs = []

    def open_notebook(path, *, on="home", theme="light"):
        server = jupyter(on, theme=theme)
        server.set_kernel_env(kernel_env)
        tabs.append((server, browser.open_notebook(server, path)))
        return tabs[-1][1]

    yield open_notebook
    for server, notebook in tabs:
        notebook.close()
        server.shutdown_kernels()


@pytest.fixture
def notebook(folder, open_notebook):
    """`notebook(*cells, theme=)`: a new notebook of these cells, open in JupyterLab."""

    def notebook(*cells, theme="light"):
        return open_notebook(write_notebook(folder / "notebook.ipynb", cells), theme=theme)

    return notebook


@pytest.fixture
def simulate(kernel_env):
    """`simulate(queue_seconds=, render_seconds=)`: a simulator that this test's kernels talk to."""
    simulators = []

    def simulate(queue_seconds=0.5, render_seconds=1.5):
        pace = Pace(queue_seconds=queue_seconds, render_seconds=render_seconds, sigma=0)
        simulators.append(Simulator(port=0, pace=pace, api_key=TEST_KEY).start())
        kernel_env.update(SEEDANCE_BASE_URL=simulators[-1].base_url, SEEDANCE_API_KEY=TEST_KEY)
        return simulators[-1]

    yield simulate
    for simulator in simulators:
        simulator.stop()
