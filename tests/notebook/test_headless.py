"""Where nobody watches: papermill, nbconvert, `jupyter execute` and whatever else runs a notebook by itself."""

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from notebook.kernel import Kernel, kernel_environment
from notebook.test_kernel import KEY, SMALL, SUBMIT, digest, printed, shown, videos
from seedance_nb.simulator import Fault, Pace, Simulator

FAILED = "the service could not make this video (the simulated rendering failed <as asked>)"
SETTINGS = "[tool.seedance_nb]\npoll_floor = 0.1\npoll_ceiling = 0.4\n"
LONG = 10_000.0


@pytest.fixture(scope="module")
def quick():
    with Simulator(pace=Pace(0, 0.2, 0)) as running:
        yield running


@pytest.fixture(scope="module")
def kernel(tmp_path_factory, quick, runs):
    """A kernel whose cells are sent by a program; the other programs run beside it."""
    assert runs
    folder = tmp_path_factory.mktemp("headless")
    (folder / "pyproject.toml").write_text(SETTINGS)
    access = {"SEEDANCE_BASE_URL": quick.base_url, "SEEDANCE_API_KEY": KEY}
    with Kernel(folder, access, with_user=False) as kernel:
        kernel.run("%load_ext seedance_nb\nimport seedance_nb as sd, time")
        yield kernel


def submit(prompt):
    return SUBMIT.format(prompt)


# -- what fails, and what does not


FAILS = {
    "a job that nobody asks for": submit("a [fail] kite"),
    "one that is over before its cell is, and that no name holds": (
        f"{submit('a [fail] plane')}; key = job.key; del job\n"
        "import gc\nend = time.monotonic() + 60\n"
        "while sd.jobs()[0].status_text != 'failed' and time.monotonic() < end: time.sleep(0.05)\n"
        "gc.collect()"
    ),
    "one of a cell that awaits something else": f"import asyncio; {submit('a [fail] swan')}\nawait asyncio.sleep(0)",
    "one that shows itself": f"{submit('a [fail] goat')}\njob",
    "the magic": f"%seedance a [fail] boat {SMALL}",
    "the magic, quiet": f"%seedance a [fail] ship {SMALL} -q",
    "a grid": f"%%seedance {SMALL}\na fox\n---\na [fail] fox",
    "a grid of Python": (
        "g = sd.grid('a {what}', what=['hen', '[fail] hen'], model='seedance-2.0-fast', aspect_ratio='1:1', duration=4, resolution='480p')\n"
        "g.submit(); None"
    ),
}
SUCCEEDS = {
    "who asks for the outcome is told there": f"{submit('a [fail] crow')}\ntry: job.result()\nexcept sd.GenerationFailed: print('handled')",
    "who awaits it too": f"{submit('a [fail] dove')}\ntry: await job\nexcept sd.GenerationFailed: print('handled')",
    "whoever asks a grid has None": "print('handled', sd.grid('a {w}', w=['[fail] owl', 'owl'], duration=4).submit().result()[0])",
    "whoever catches what is refused": "try: sd.submit('a boat', max_credits=0.5)\nexcept sd.BudgetExceeded: print('handled')",
    "whoever cancels": f"%seedance a slow boat {SMALL} -o slow --no-wait\nslow.cancel(); print('handled')",
    "whoever says that nothing waits": f"%seedance a [fail] left {SMALL} --no-wait\nprint('handled')",
}


@pytest.mark.parametrize("name", FAILS)
def test_a_cell_fails_with_what_it_asked_for(kernel, name):
    cell = kernel.run(FAILS[name])

    assert not cell.succeeded
    assert re.match(r"GenerationFailed: (1 of 2 videos did not come; .+)?" + re.escape(FAILED), cell.error)
    assert "Traceback" not in cell.error
    assert kernel.run("'the next cell is told nothing of it'").succeeded


@pytest.mark.parametrize("name", SUCCEEDS)
def test_a_cell_that_knows_what_became_of_it_does_not_fail(kernel, name):
    cell = kernel.run(SUCCEEDS[name])

    assert cell.succeeded, cell.error
    assert "handled" in cell.text


def test_a_cell_fails_where_the_video_was_made_and_cannot_be_had(kernel, quick):
    quick.add_fault(Fault("download", "zero", times=None))
    kernel.run(
        "from seedance_nb.tracking.following import following\nfollowing.FIRST_PAUSE, following.DOWNLOAD_TRIES = 0.01, 2"
    )
    try:
        cell = kernel.run(f"%seedance no file {SMALL}", 60)
    finally:
        quick.clear_faults()

    assert re.match(r"ClipError: the video was made but could not be downloaded", cell.error)


def test_several_that_failed_are_one_line(kernel):
    cell = kernel.run(f"{submit('a [fail] one')}; one = job\n{submit('a [fail] two')}\n{submit('three')}")

    assert cell.error.startswith(f"GenerationFailed: 2 of 3 videos did not come; 'a [fail] one': {FAILED}")


# -- what is said meanwhile


def test_a_long_wait_says_so_now_and_then(kernel, quick):
    kernel.run("import seedance_nb.terminal.live_line as said; said.FIRST_LINE_SECONDS = 0.3")
    before, quick.scenario.pace = quick.scenario.pace, Pace(0, 1.5, 0)
    try:
        magic = kernel.run(f"%seedance slow magic {SMALL}")
        hook = kernel.run(submit("slow hook"))
        grid = kernel.run(f"%%seedance {SMALL}\nslow one\n---\nslow two")
        quiet = kernel.run(f"%seedance slow and quiet {SMALL} -q")
    finally:
        quick.scenario.pace = before
        kernel.run("said.FIRST_LINE_SECONDS = 10")

    for cell, words in ((magic, "slow magic"), (hook, "slow hook"), (grid, "0 of 2 videos")):
        lines = [line for line in cell.text.splitlines() if line.startswith("seedance: ")]
        assert 2 <= len(lines) <= 6, cell.text  # at 0.3, 0.9, 2.1 s: twice as long each time
        assert all(words in line and len(line) < 300 for line in lines)
        assert "\r" not in cell.text
    assert quiet.text == ""


def test_a_short_wait_says_nothing(kernel):
    assert kernel.run(f"%seedance soon there {SMALL}").text == ""


# -- the runners themselves


def written(path, *cells, parameters=None):
    made = [nbformat.v4.new_code_cell(source) for source in cells]
    if parameters is not None:
        made.insert(0, nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    notebook = nbformat.v4.new_notebook(cells=made)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return path


class Runs:
    """Programs that run notebooks, all at once; each is asked for when it is needed."""

    def __init__(self, folder, simulator):
        self.folder = folder
        access = {"SEEDANCE_BASE_URL": simulator.base_url, "SEEDANCE_API_KEY": KEY}
        self._env = kernel_environment(folder, access)
        # The kernel of this very Python, whatever else is called python3 on this machine.
        kernels = folder / "jupyter" / "kernels" / "python3"
        kernels.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (kernels / "kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"})
        )
        self._env |= {"JUPYTER_PATH": str(folder / "jupyter"), "JUPYTER_PLATFORM_DIRS": "1"}
        (folder / "pyproject.toml").write_text(SETTINGS)
        self._processes = {}

    def start(self, name, *command):
        home = self.folder / f"home-{name}"
        self._processes[name] = subprocess.Popen(
            [sys.executable, *command],
            cwd=self.folder,
            env=self._env | {"SEEDANCE_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, name):
        """Its exit code and all that it said."""
        said, _ = self._processes[name].communicate(timeout=180)
        return self._processes[name].returncode, said

    def saved(self, name):
        return nbformat.read(self.folder / name, as_version=4)

    def stop(self):
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.communicate()


GOOD = ("%load_ext seedance_nb", f"%seedance kept {SMALL}", f"{submit('kept too')}\njob")
BAD_GRID = ("%load_ext seedance_nb", f"%%seedance {SMALL}\na hut\n---\na [fail] hut", "print('not reached')")
BAD_SUBMIT = ("%load_ext seedance_nb", submit("a [fail] barn"), "print('not reached')")


IN_A_THREAD = """
import concurrent.futures, nbclient, nbformat
def run():
    notebook = nbformat.read("good.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    nbformat.write(notebook, "good-thread.ipynb")
with concurrent.futures.ThreadPoolExecutor(1) as pool: pool.submit(run).result()
"""


@pytest.fixture(scope="module")
def theirs():
    with Simulator(pace=Pace(0, 0.2, 0)) as running:
        yield running


@pytest.fixture(scope="module")
def runs(tmp_path_factory, theirs):
    folder = tmp_path_factory.mktemp("runs")
    runs = Runs(folder, theirs)
    papermill = ("-m", "papermill", "--no-progress-bar", "--log-output")
    written(
        folder / "parameters.ipynb",
        "%load_ext seedance_nb",
        f"%seedance {{prompt}} -d {{seconds}} {SMALL.replace('-d 4', '')} -o one",
        f"%%seedance {SMALL.replace('-m seedance-2.0-fast', '')} -m {{models}} -o grid\n{{prompt}}, again",
        "print(one.request.prompt, one.request.duration, [cell.request.model for cell in grid.cells])",
        parameters="prompt, seconds, models = 'nothing', 4, ['seedance-2.0']",
    )
    (folder / "parameters.yaml").write_text("models: [seedance-2.0, seedance-2.0-fast]\n")
    written(folder / "good.ipynb", *GOOD)
    written(folder / "bad_grid.ipynb", *BAD_GRID)
    written(folder / "bad_submit.ipynb", *BAD_SUBMIT)
    written(folder / "late.ipynb", "%load_ext seedance_nb", submit("a late boat"))
    runs.start(
        "parameters",
        *papermill,
        *(
            "parameters.ipynb",
            "parameters-out.ipynb",
            "-p",
            "prompt",
            "a “red” fox, -d 9 -- {not a name}",
            "-p",
            "seconds",
            "5",
        ),
        *("-f", "parameters.yaml"),
    )
    runs.start("papermill, bad grid", *papermill, "bad_grid.ipynb", "bad_grid-out.ipynb")
    runs.start("jupyter execute", "-m", "jupyter", "execute", "good.ipynb", "--output", "good-out.ipynb")
    runs.start("jupyter execute, bad submit", "-m", "jupyter", "execute", "bad_submit.ipynb")
    runs.start("nbconvert, bad submit", "-m", "nbconvert", "--to", "html", "--execute", "bad_submit.ipynb")
    runs.start("thread", "-c", IN_A_THREAD)
    yield runs
    runs.stop()


@pytest.mark.host("papermill", "headless", "finished video after reopening", "board and wall")
def test_papermill_fills_parameters_in(runs):
    code, said = runs.end("parameters")

    assert code == 0, said
    saved = runs.saved("parameters-out.ipynb")
    one, grid, told = saved.cells[-3:]
    assert printed(told) == "a “red” fox, -d 9 -- {not a name} 5 ['seedance-2.0', 'seedance-2.0-fast']\n"
    assert len(videos(shown(one))) == 1
    assert len(videos(shown(grid))) == 2


def test_papermill_fails_with_a_cell_of_a_grid_and_keeps_the_others(runs):
    code, said = runs.end("papermill, bad grid")

    assert code != 0
    assert "GenerationFailed: 1 of 2 videos did not come; 'a [fail] hut'" in said
    saved = runs.saved("bad_grid-out.ipynb")
    [grid] = [cell for cell in saved.cells if "a [fail] hut" in cell.source]
    assert len(videos(shown(grid))) == 1
    assert "not reached" not in printed(saved.cells[-1])


def test_jupyter_execute_keeps_the_videos(runs, theirs):
    code, said = runs.end("jupyter execute")

    assert code == 0, said
    _, magic, shown_by_name = runs.saved("good-out.ipynb").cells
    made = {digest(path.read_bytes()) for path in Path(theirs.folder).glob("*.mp4")}
    assert set(videos(shown(magic)) + videos(shown(shown_by_name))) <= made
    assert all(set(bundle) == {"text/html", "text/plain"} for bundle in shown(magic) + shown(shown_by_name))
    assert len(videos(shown(magic))) == len(videos(shown(shown_by_name))) == 1


@pytest.mark.parametrize("name", ["jupyter execute, bad submit", "nbconvert, bad submit"])
def test_an_unasked_job_that_failed_is_told_by_the_exit_status(runs, name):
    code, said = runs.end(name)

    assert code != 0
    assert f"GenerationFailed: {FAILED}" in said
    assert "not reached" not in said


def test_a_cell_time_out_leaves_no_riddle(runs, theirs):
    before, theirs.scenario.pace = theirs.scenario.pace, Pace(LONG, LONG, 0)
    try:
        timed = ("-m", "papermill", "--no-progress-bar", "--log-output", "--execution-timeout", "6")
        runs.start("late", *timed, "late.ipynb", "late-out.ipynb")
        code, said = runs.end("late")
    finally:
        theirs.scenario.pace = before

    assert code != 0
    assert "CellTimeoutError" in said
    assert "Event loop stopped" not in said
    assert "Error in callback" not in said


def test_a_runner_in_a_thread_keeps_the_videos_too(runs):
    """As under Dask, whose workers run notebooks in threads."""
    code, said = runs.end("thread")

    assert code == 0, said
    [bundle] = shown(runs.saved("good-thread.ipynb").cells[1])
    assert len(videos([bundle])) == 1
