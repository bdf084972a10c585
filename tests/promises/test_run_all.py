"""Whole notebooks in real kernels, run again and run side by side: what is there is never bought twice."""

import asyncio
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from seedance_nb.simulator import Pace, Simulator

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
SMALL = "-m seedance-2.0-fast -a 1:1 -d 4 -r 480p"


@pytest.fixture
def service(tmp_path, monkeypatch):
    """A simulator that kernels started here talk to, all with one ledger; `restart()` gives one that knows nothing."""
    monkeypatch.setenv("SEEDANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEEDANCE_API_KEY", "sd2_test_key")
    started = []

    def restart():
        if started:
            port = int(started[-1].base_url.rpartition(":")[2])
            started[-1].stop()
        else:
            port = 0
        started.append(Simulator(port=port, pace=Pace(0.1, 0.4, 0)).start())
        monkeypatch.setenv("SEEDANCE_BASE_URL", started[-1].base_url)
        return started[-1]

    yield restart
    started[-1].stop()


def run(folder, *notebooks):
    """Run these notebooks at the same time, each in a kernel of its own."""

    async def all_at_once():
        clients = [NotebookClient(n, timeout=120, resources={"metadata": {"path": str(folder)}}) for n in notebooks]
        await asyncio.gather(*(client.async_execute(env=dict(os.environ)) for client in clients))

    asyncio.run(all_at_once())
    return notebooks[0]


def ten_cells():
    cells = ["%load_ext seedance_nb", *(f"%seedance number {i} {SMALL}" for i in range(10))]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def videos(notebook):
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    return sum("<video" in o.get("data", {}).get("text/html", "") for o in outputs)


def test_the_quickstart_run_again_after_a_restart_sends_nothing(service, tmp_path):
    simulator = service()
    first = run(tmp_path, nbformat.read(QUICKSTART, as_version=4))
    bought = len(simulator.scenario.accepted)
    simulator = service()
    again = run(tmp_path, nbformat.read(QUICKSTART, as_version=4))
    assert (bought, simulator.calls["create"], videos(again)) == (3, 0, videos(first))


def test_two_kernels_running_the_same_ten_cells_at_once_buy_ten_videos(service, tmp_path):
    simulator = service()
    notebooks = [ten_cells(), ten_cells()]
    run(tmp_path, *notebooks)
    assert len(simulator.scenario.accepted) == 10
    assert [videos(notebook) for notebook in notebooks] == [10, 10]
