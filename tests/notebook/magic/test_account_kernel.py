"""A new key in a real kernel: one line, nothing bought; `%seedance account` says whose it is; headless it fails."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from notebook.kernel import Kernel, kernel_environment

from seedance_nb.simulator import Pace, Simulator

BOAT = "%seedance a paper boat -d 4 -a 1:1 -r 480p --wait"
QUESTION = "%seedance account same ("


@pytest.fixture
def simulator():
    with Simulator(pace=Pace(0, 0.05, 0)) as running:
        yield running


def access(simulator, key):
    return {"SEEDANCE_BASE_URL": simulator.base_url, "SEEDANCE_API_KEY": key}


def test_a_new_key_asks_in_one_line_and_is_answered_once(tmp_path, simulator, monkeypatch):
    with Kernel(tmp_path, access(simulator, "sd2_test_first")) as kernel:
        kernel.run("%load_ext seedance_nb")
        assert kernel.run(BOAT).succeeded
        kernel.run("%seedance a paper plane [stuck] -d 4 -a 1:1 -r 480p -o plane")
        kernel.wait(lambda: kernel.value("plane.request_id") != "None")
    with Kernel(tmp_path, access(simulator, "sd2_test_second")) as kernel:
        loaded = kernel.run("%load_ext seedance_nb")
        assert loaded.text.count("\n") == 1
        assert "1 unfinished job of another key" in loaded.text
        for cell in (BOAT, BOAT.replace(" --wait", " -n 2")):
            refused = kernel.run(cell)
            assert QUESTION in refused.error
            assert "\n" not in refused.error
        assert len(simulator.scenario.accepted) == 2

        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"%load_ext seedance_nb\n{BOAT}")])
        for name, value in kernel_environment(tmp_path, access(simulator, "sd2_test_second")).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(CellExecutionError, match="account same"):
            NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
        assert len(simulator.scenario.accepted) == 2

        listed = kernel.run("%seedance account")
        assert listed.succeeded
        assert "Last used" in listed.outputs[0]["text/plain"]
        assert "account same" in kernel.run("%seedance doctor").text
        assert "takes no 'old'" in kernel.run("%seedance account old").text + kernel.stderr + str(
            kernel.run("%seedance account old").messages
        )
        said = kernel.run("%seedance account same")
        assert said.succeeded, said.error
        assert said.text.endswith("costs nothing again; 1 unfinished job is followed\n")
        assert kernel.run(BOAT).succeeded
        assert len(simulator.scenario.accepted) == 2
        kernel.restart()
        assert "following 1 unfinished job" in kernel.run("%load_ext seedance_nb").text
