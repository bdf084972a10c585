"""Measures in a real kernel: functions of cells travel, the line of progress moves, the stop button stops."""

import pytest
from notebook.kernel import Kernel
from notebook.test_kernel import Studio, opened

GRID = """import time, os
import seedance_nb as sd
grid = sd.grid('a {what}', what=['cat', 'dog'], model='seedance-2.0-fast', duration=4, resolution='480p', aspect_ratio='1:1')
grid.submit()
"""
CELL = """import math
FACTOR = 2
def twice(x):
    return FACTOR * x
def weight(path):
    print('measuring', path.name)
    return {'bytes': twice(path.stat().st_size), 'root': math.sqrt(os.path.getsize(path))}
found = grid.measure(weight)
found"""
SECONDS = 90.0
"""Starting a process that imports takes seconds where others compute."""


@pytest.fixture(scope="module")
def studio():
    with Studio() as running:
        yield running


@pytest.fixture(scope="module")
def kernel(tmp_path_factory, studio):
    with opened(tmp_path_factory.mktemp("notebook"), studio) as kernel:
        kernel.run(GRID)
        kernel.wait(lambda: kernel.value("all(job.request_id for job in grid.jobs)") == "True")
        studio.finish()
        cell = kernel.run("clips = grid.result(60)")
        assert cell.succeeded, cell.error
        yield kernel


def test_a_function_of_a_cell_and_what_it_names_is_measured_with(kernel: Kernel):
    cell = kernel.run(CELL, SECONDS)

    assert cell.succeeded, cell.error
    progress, answer = cell.outputs
    assert progress["text/plain"] == "measuring weight: 2 of 2 clips"
    assert "<table" in answer["text/html"]
    assert "weight.bytes, weight.root: 2 clips measured." in answer["text/plain"]
    assert kernel.value("[found.values('bytes')[j.key] == 2 * j.clip.size for j in grid.jobs]") == "[True, True]"


def test_run_again_it_is_known_and_changed_it_is_not(kernel):
    assert "2 of them known to the ledger" in kernel.run(CELL, SECONDS).outputs[-1]["text/plain"]
    assert "known" not in kernel.run(CELL.replace("FACTOR = 2", "FACTOR = 3"), SECONDS).outputs[-1]["text/plain"]


def test_a_failure_and_a_refusal_are_one_line_each(kernel):
    failed = kernel.run("def no(path):\n    return 'x<b>'\ngrid.measure(no)", SECONDS)
    refused = kernel.run("grid.measure('flikker')")

    assert failed.succeeded
    assert "x&lt;b&gt;" in failed.outputs[-1]["text/html"]
    assert "<b>" not in failed.outputs[-1]["text/html"]
    assert not refused.succeeded
    assert "did you mean 'flicker'?" in refused.error


def test_the_stop_button_ends_it_and_its_workers(kernel, tmp_path):
    cell = kernel.send(
        f"def ever(path):\n    open({str(tmp_path)!r} + '/' + str(os.getpid()), 'w').close()\n    time.sleep(1e6)\ngrid.measure(ever, workers=2)"
    )
    kernel.wait(lambda: len(list(tmp_path.iterdir())) == 2, SECONDS)

    kernel.manager.interrupt_kernel()
    cell.wait(SECONDS)

    assert not cell.succeeded
    assert "stopped measuring ever; 0 clips" in cell.error
    import psutil

    kernel.wait(lambda: not any(psutil.pid_exists(int(path.name)) for path in tmp_path.iterdir()), SECONDS)
