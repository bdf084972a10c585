"""%seedance in real kernels: what arrives on the page, and when; waiting, stopping, dying and coming back."""

import base64
import contextlib
import hashlib
import importlib.util
import json
import re
import time

import IPython
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from notebook.kernel import VIEW, Kernel, kernel_environment
from seedance_nb.simulator import Pace, Simulator

KEY = "sd2_test_key"
SMALL = "-m seedance-2.0-fast -a 1:1 -d 4 -r 480p"
SUBMIT = "import seedance_nb as sd; job = sd.submit({!r}, model='seedance-2.0-fast', aspect_ratio='1:1', duration=4, resolution='480p')"
LONG = 10_000.0  # seconds that no test waits for
VIDEO = re.compile(r'<video\b[^>]*\ssrc="data:video/mp4;base64,([^"]+)"')


class Studio(Simulator):
    """A simulator whose generations end when the test says so: its clock can be put forward."""

    def __init__(self):
        self._skew = 0.0
        super().__init__(pace=Pace(0, LONG, 0), clock=lambda: time.time() + self._skew)

    def finish(self):
        """Everything that was accepted until now is done."""
        self._skew += 2 * LONG

    def film(self, request_id):
        return (self.folder / f"{request_id}.mp4").read_bytes()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def videos(outputs):
    """Digests of the videos embedded in these outputs, in order."""
    text = json.dumps([dict(output) for output in outputs]).replace('\\"', '"')
    return [digest(base64.b64decode(found)) for found in VIDEO.findall(text)]


@contextlib.contextmanager
def opened(folder, studio, **environment):
    """A kernel with a key for this simulator and the extension loaded; its process must have nothing to complain about."""
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text("[tool.seedance_nb]\npoll_floor = 0.1\npoll_ceiling = 0.3\n")
    access = {"SEEDANCE_BASE_URL": studio.base_url, "SEEDANCE_API_KEY": KEY}
    with Kernel(folder, access | environment) as kernel:
        kernel.run("%load_ext seedance_nb")
        yield kernel
        assert "Traceback" not in kernel.stderr
        assert "Task was destroyed" not in kernel.stderr


@pytest.fixture(scope="module")
def studio():
    with Studio() as running:
        yield running


@pytest.fixture(scope="module")
def shared_kernel(tmp_path_factory, studio):
    with opened(tmp_path_factory.mktemp("notebook"), studio) as kernel:
        yield kernel


@pytest.fixture
def kernel(shared_kernel, studio):
    """The kernel of this file, with nothing running in it."""
    yield shared_kernel
    studio.finish()
    shared_kernel.run("%seedance wait")


@pytest.fixture
def own_kernel(tmp_path, studio):
    """A kernel that a test may ruin."""
    with opened(tmp_path / "own", studio) as kernel:
        yield kernel


def start(kernel, studio, prompt, name="job"):
    """The cell of a job that the service has accepted and that is not done; the notebook calls the job `name`."""
    cell = kernel.run(f"%seedance {prompt} {SMALL} -o {name}")
    assert cell.succeeded, cell.error
    kernel.wait(lambda: kernel.value(f"{name}.request_id") != "None")
    return cell


def told(kernel):
    """What the cards have told the page of their jobs since the beginning: (status, settled)."""
    states = [m["content"]["data"].get("state", {}) for m in list(kernel.messages) if m["msg_type"] == "comm_msg"]
    return [(state["view"]["prompt"], state["view"]["status"]) for state in states if "view" in state]


def final(cell):
    """Whether the video has taken the place of the receipt."""
    return bool(videos(cell.outputs))


# -- at once, live, for good


def test_the_magic_returns_with_a_receipt_and_a_card_while_the_job_runs(kernel, studio):
    cell = start(kernel, studio, "returns at once")

    receipt, card = cell.outputs
    assert set(receipt) == {"text/html", "text/plain"}
    assert re.search(r"%seedance attach (req_\d+|j\w+)", receipt["text/plain"])
    assert VIEW in card
    assert kernel.value("job.done()") == "False"


def test_news_and_the_video_arrive_while_another_cell_keeps_the_kernel_busy(kernel, studio):
    cell = start(kernel, studio, "news while busy")

    with kernel.busy():
        kernel.wait(lambda: ("news while busy", "processing") in told(kernel))
        studio.finish()
        kernel.wait(lambda: final(cell))
        kernel.wait(lambda: ("news while busy", "succeeded") in told(kernel))


def test_the_video_takes_the_place_of_the_receipt_and_the_card_goes_away(kernel, studio):
    cell = start(kernel, studio, "for good")
    studio.finish()
    kernel.wait(lambda: final(cell))
    kernel.wait(lambda: cell.outputs[1] == {})

    receipt, card = cell.outputs
    request_id = kernel.value("job.request_id").strip("'")
    assert (set(receipt), card) == ({"text/html", "text/plain"}, {})
    assert videos([receipt]) == [digest(studio.film(request_id))]


def test_the_bytes_of_a_video_cross_the_wire_once(kernel, studio):
    cell = start(kernel, studio, "bytes once")
    with kernel.busy():
        studio.finish()
        kernel.wait(lambda: final(cell) and cell.outputs[1] == {})
    kernel.run("1 + 1")

    [sent] = videos(cell.outputs)
    contents = [m["content"] for m in kernel.messages if m["msg_type"] not in ("status", "execute_input")]
    assert videos(contents).count(sent) == 1
    assert not any(m.get("buffers") for m in kernel.messages)


def test_a_capture_in_another_cell_does_not_swallow_the_video(kernel, studio):
    cell = start(kernel, studio, "not captured")

    with kernel.busy("%%capture captured"):
        studio.finish()
        kernel.wait(lambda: final(cell))

    assert kernel.value("(captured.outputs, captured.stdout)") == "([], '')"


def test_a_job_of_python_shows_itself_in_the_same_way(kernel, studio):
    kernel.run(SUBMIT.format("shown by name"))
    cell = kernel.run("job")
    assert VIEW in cell.outputs[1]
    kernel.wait(lambda: kernel.value("job.request_id") != "None")

    studio.finish()
    kernel.wait(lambda: final(cell))


def test_a_failure_takes_the_place_of_the_receipt_escaped(kernel, studio):
    cell = start(kernel, studio, "a [fail] boat")
    studio.finish()
    kernel.wait(lambda: cell.outputs[1] == {})

    [html] = [output["text/html"] for output in cell.outputs if output]
    assert "the simulated rendering failed &lt;as asked&gt;" in html


def test_the_same_line_again_shows_the_video_at_once_and_sends_nothing(kernel, studio):
    start(kernel, studio, "run twice")
    studio.finish()
    kernel.run("job.result()")
    sent = studio.calls["create"]

    again = kernel.run(f"%seedance run twice {SMALL}")

    [output] = again.outputs
    assert len(videos([output])) == 1
    assert "0 credits, reused" in output["text/plain"]
    assert studio.calls["create"] == sent


# -- waiting


TICKER = """
import asyncio
ticks, order = 0, []
async def tick():
    global ticks
    while True:
        ticks += 1
        await asyncio.sleep(0.02)
ticker = asyncio.ensure_future(tick())
"""


def test_while_a_cell_waits_the_users_own_tasks_go_on(kernel, studio):
    start(kernel, studio, "ticks")
    kernel.run(TICKER)

    waiting = kernel.send("before = ticks; clip = job.result(); during = ticks - before")
    time.sleep(0.5)
    studio.finish()
    waiting.wait()

    assert waiting.succeeded, waiting.error
    assert int(kernel.value("during")) >= 5
    kernel.run("ticker.cancel()")


def test_cells_queued_behind_a_wait_run_afterwards_and_in_order(kernel, studio):
    start(kernel, studio, "run all")
    kernel.run("order = []")

    cells = [
        kernel.send(f"{code}; order.append({n})") for n, code in enumerate(["job.result()", "1", "job.result()", "2"])
    ]
    time.sleep(0.3)
    studio.finish()

    assert all(cell.wait().succeeded for cell in cells)
    assert kernel.value("order") == "[0, 1, 2, 3]"


def test_a_job_can_be_awaited_in_the_notebooks_own_loop(kernel, studio):
    start(kernel, studio, "awaited")
    kernel.run(TICKER)

    waiting = kernel.send("before = ticks; clip = await job; during = ticks - before; clip.seconds")
    time.sleep(0.3)
    studio.finish()

    assert float(waiting.wait().text) == pytest.approx(4, abs=0.1)
    assert int(kernel.value("during")) >= 3
    kernel.run("ticker.cancel()")


def test_a_timeout_ends_the_wait_and_not_the_job(kernel, studio):
    start(kernel, studio, "too long")

    cell = kernel.run("job.result(0.2)")

    assert re.search(r"WaitTimeout: no clip within 0\.2 s; job req_\d+ goes on", cell.error)
    studio.finish()
    assert kernel.run("job.result()").succeeded


# -- the stop button


def stopped(kernel, cell):
    """Press stop while this cell waits; the seconds until it has ended."""
    kernel.wait(lambda: any(m["msg_type"] == "execute_input" for m in cell.messages))
    time.sleep(0.4)  # it stands before the wait, or in it
    assert not cell.is_done
    began = time.monotonic()
    kernel.interrupt()
    cell.wait(5)
    return time.monotonic() - began


HEAVY = """
import asyncio
rounds = 0
async def heavy():
    global rounds
    while True:
        sum(range(100_000))
        rounds += 1
        await asyncio.sleep(0)
worker = asyncio.ensure_future(heavy())
"""


# VS Code's stop button asks the server, or the process, to interrupt the kernel, and nothing else.
@pytest.mark.host("VS Code", "stop button", how="by its rules")
@pytest.mark.parametrize(
    "wait",
    [
        "job.result()",
        "await job",
        "%seedance stopped by button {} --wait",
        "%seedance wait",
    ],
)
def test_stop_ends_the_wait_names_the_job_and_leaves_it_running(kernel, studio, wait):
    name = f"stopped by button {len(wait)}"
    start(kernel, studio, name)
    request_id = kernel.value("job.request_id").strip("'")

    cell = kernel.send(wait.replace("stopped by button {}", f"{name} {SMALL}"))
    seconds = stopped(kernel, cell)

    assert not cell.succeeded
    assert re.search(rf"%seedance attach {request_id} shows it, %seedance cancel {request_id} cancels it", cell.error)
    assert "Traceback" not in cell.error
    assert seconds < 300
    assert kernel.value("job.done()") == "False"
    studio.finish()
    kernel.wait(lambda: kernel.value("job.done()") == "True")
    assert studio.calls["cancel"] == 0


def test_stop_during_a_wait_does_not_hit_a_task_of_the_user(kernel, studio):
    start(kernel, studio, "heavy task")
    kernel.run(HEAVY)

    stopped(kernel, kernel.send("job.result()"))
    rounds = int(kernel.value("rounds"))

    kernel.wait(lambda: int(kernel.value("rounds")) > rounds)
    assert kernel.value("worker.done()") == "False"
    kernel.run("worker.cancel()")


def test_stop_ends_the_cells_behind_it_and_the_kernel_goes_on(kernel, studio):
    start(kernel, studio, "stop run all")
    waiting = kernel.send("job.result()")
    behind = kernel.send("print('not reached')")

    stopped(kernel, waiting)

    kernel.wait(lambda: behind.msg_id in kernel.replies)
    assert not behind.succeeded
    assert kernel.run("1 + 1").text == "2"


# -- cancel


def test_a_click_on_cancel_reaches_the_service_while_a_cell_runs(own_kernel, studio):
    before = studio.calls["cancel"]
    cell = start(own_kernel, studio, "cancelled by a click")
    subshell = own_kernel.open_subshell()

    with own_kernel.busy():
        own_kernel.click(cell.outputs[1][VIEW]["model_id"], {"kind": "cancel"}, subshell=subshell)
        own_kernel.wait(lambda: studio.calls["cancel"] > before)
        own_kernel.wait(lambda: "Cancelled" in cell.outputs[0]["text/html"])

    assert cell.outputs[1] == {}


# -- the end of a kernel, and the next one


def test_unloading_with_running_jobs_is_quick_and_quiet(kernel, studio):
    start(kernel, studio, "unloaded")

    began = time.monotonic()
    cell = kernel.run("%unload_ext seedance_nb")
    seconds = time.monotonic() - began
    threads = kernel.value("[t.name for t in __import__('threading').enumerate() if 'seedance' in t.name]")
    again = kernel.run("%load_ext seedance_nb")

    assert (cell.succeeded, cell.text) == (True, "")
    assert seconds < 3
    assert "seedance-runner" not in threads
    assert again.text == "seedance: following 1 unfinished job from before; %seedance attach all shows it\n"


def test_a_kernel_killed_while_a_job_runs_leaves_it_to_the_next_one(own_kernel, studio):
    before = studio.calls["create"]
    start(own_kernel, studio, "killed")

    own_kernel.restart()
    loaded = own_kernel.run("%load_ext seedance_nb")
    shown = own_kernel.run("%seedance attach all")
    studio.finish()
    own_kernel.wait(lambda: final(shown))

    assert loaded.text == "seedance: following 1 unfinished job from before; %seedance attach all shows it\n"
    assert studio.calls["create"] == before + 1


def test_a_kernel_with_running_jobs_shuts_down_quickly_and_quietly(own_kernel, studio):
    for name in ("one", "two", "three"):
        start(own_kernel, studio, f"shut down {name}")

    assert own_kernel.shut_down() < 3


def test_a_forked_child_submits_by_itself_and_ends(own_kernel, studio):
    start(own_kernel, studio, "parent")
    before = studio.calls["create"]

    cell = own_kernel.run(
        "import os, time, warnings; warnings.simplefilter('ignore')\n"  # Python 3.12 says what a fork with threads may do
        "if (child := os.fork()) == 0:\n"
        f"    {SUBMIT.format('child')}\n"
        "    end = time.monotonic() + 10\n"
        "    while job.request_id is None and time.monotonic() < end: time.sleep(0.05)\n"
        "    os._exit(0 if job.request_id else 1)\n"
        "os.waitpid(child, 0)[1]"
    )

    assert (cell.text, studio.calls["create"]) == ("0", before + 1)
    studio.finish()
    assert own_kernel.run("job.result()").succeeded


@pytest.mark.skipif(
    IPython.version_info < (8,), reason="its autoreload cannot reload a module with a frozen dataclass in use"
)
def test_reloading_modules_leaves_one_background_thread(own_kernel, studio):
    start(own_kernel, studio, "before reload")

    cell = own_kernel.run(
        "import sys\n"
        "from IPython.extensions.autoreload import superreload\n"
        "for name in ('seedance_nb.tracking.session', 'seedance_nb.notebook.display', 'seedance_nb.notebook.magic.magic'):\n"
        "    superreload(sys.modules[name])"
    )
    start(own_kernel, studio, "after reload", "second")
    studio.finish()

    assert cell.succeeded, cell.error
    assert own_kernel.run("job.result(), second.result()").succeeded
    names = "[t.name for t in __import__('threading').enumerate()]"
    assert own_kernel.value(names).count("seedance-runner") == 1


@pytest.mark.skipif(importlib.util.find_spec("nest_asyncio") is None, reason="nest_asyncio 1.x is not installed")
def test_where_the_user_has_applied_the_old_nest_asyncio_no_queued_cell_is_lost(own_kernel, studio):
    start(own_kernel, studio, "old nest")
    own_kernel.run("import nest_asyncio; nest_asyncio.apply(); order = []")

    cells = [own_kernel.send(f"{code}; order.append({n})") for n, code in enumerate(["job.result()", "1", "2"])]
    time.sleep(0.3)
    studio.finish()

    assert all(cell.wait().succeeded for cell in cells)
    assert own_kernel.value("order") == "[0, 1, 2]"


# -- nobody there to watch


def executed(folder, simulator, *cells, options=None, **environment):
    """The notebook as nbclient (with these options) saves it after running these cells, and the error that stopped it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    (folder / "pyproject.toml").write_text("[tool.seedance_nb]\npoll_floor = 0.1\npoll_ceiling = 0.4\n")
    access = {"SEEDANCE_BASE_URL": simulator.base_url, "SEEDANCE_API_KEY": KEY}
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, **{"timeout": 120, "kernel_name": "python3", "resources": resources, **(options or {})}
    )
    error = None
    try:
        client.execute(env=kernel_environment(folder, access | environment))
    except CellExecutionError as caught:
        error = caught
    return notebook, error


def shown(cell):
    return [output.data for output in cell.outputs if output.output_type in ("display_data", "execute_result")]


@pytest.mark.host("nbclient", "headless", "finished video after reopening")
def test_a_notebook_run_by_a_program_is_saved_with_its_videos(simulator, tmp_path):
    simulator.scenario.pace = Pace(0.2, 0.5, 0)

    notebook, error = executed(
        tmp_path,
        simulator,
        "%load_ext seedance_nb",
        f"%seedance by magic {SMALL} -o first",
        f"{SUBMIT.format('by name')}\njob",
        f"{SUBMIT.format('one of two')}; one = job\n{SUBMIT.format('two of two')}; display(one, job)",
        "print(first.request_id, *[j.request_id for j in sd.jobs()])",
    )

    assert error is None
    magic, name, two, ids = notebook.cells[1:]
    first, *newest = ids.outputs[0].text.split()
    served = {request_id: digest((simulator.folder / f"{request_id}.mp4").read_bytes()) for request_id in newest}
    assert videos(shown(magic)) == [served[first]]
    assert videos(shown(name)) == [served[newest[2]]]
    assert videos(shown(two)) == [served[newest[1]], served[newest[0]]]
    assert all(set(bundle) == {"text/html", "text/plain"} for cell in (magic, name, two) for bundle in shown(cell))
    assert simulator.calls["create"] == 4


def test_a_notebook_run_by_a_program_stops_where_a_job_fails(simulator, tmp_path):
    notebook, error = executed(
        tmp_path, simulator, "%load_ext seedance_nb", f"%seedance a [fail] boat {SMALL}", "print('not reached')"
    )

    assert "GenerationFailed" in str(error)
    [bundle] = shown(notebook.cells[1])
    assert "the simulated rendering failed &lt;as asked&gt;" in bundle["text/html"]
    assert notebook.cells[2].outputs == []


def test_told_never_to_wait_a_program_leaves_the_job_to_the_next_run(simulator, tmp_path):
    simulator.scenario.pace = Pace(LONG, LONG, 0)

    notebook, error = executed(
        tmp_path, simulator, "%load_ext seedance_nb", f"%seedance never waited for {SMALL}", SEEDANCE_WAIT="never"
    )

    assert error is None
    receipt = shown(notebook.cells[1])[0]
    assert videos([receipt]) == []
    assert re.search(r"%seedance attach (req_\d+|j\w+)", receipt["text/plain"])


GRID = "%%seedance {options} --no-wait\none\n---\ntwo"
LEFT = r"not waited for: this job goes on at the service, and %seedance attach req_\d+ brings it here when run again"


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def test_a_cell_that_says_no_wait_ends_and_says_how_to_get_its_video(simulator, tmp_path):
    simulator.scenario.pace = Pace(LONG, LONG, 0)

    notebook, error = executed(
        tmp_path,
        simulator,
        "%load_ext seedance_nb",
        f"%seedance left {SMALL} --no-wait",
        GRID.format(options=SMALL),
        "'reached'",
        f"{SUBMIT.format('a second')}\ntry: job.result(1)\nexcept TimeoutError: print('enough')",
        f"%seedance {SMALL} --timeout 1 last",
    )

    assert "WaitTimeout" in str(error)  # and not nbclient's own time-out
    _, single, grid, later, bounded, last = notebook.cells
    [receipt] = shown(single)
    assert re.search(r"%seedance attach req_\d+", receipt["text/plain"])
    assert re.fullmatch(LEFT, printed(single).strip())
    assert shown(grid)[-1]["text/plain"].count("req_") >= 2
    assert "2 jobs go on at the service, and %seedance attach all brings them" in printed(grid)
    assert later.outputs[0].data["text/plain"] == "'reached'"
    assert printed(bounded) == "enough\n"
    assert re.search(r"%seedance attach req_\d+", shown(last)[0]["text/plain"])
    assert simulator.calls["create"] == 5


def test_a_notebook_run_by_a_program_waits_for_nothing_but_its_own(simulator, tmp_path):
    """Papermill with nothing but %load_ext in a folder where another notebook's job goes on."""
    simulator.scenario.pace = Pace(LONG, LONG, 0)
    _, error = executed(tmp_path, simulator, "%load_ext seedance_nb", f"%seedance elsewhere {SMALL} --no-wait")
    assert error is None

    simulator.scenario.pace = Pace(0.1, 0.1, 0)
    notebook, error = executed(
        tmp_path,
        simulator,
        "%load_ext seedance_nb",
        f"%seedance mine {SMALL}",
        "import seedance_nb as sd; [j.status_text for j in sd.jobs()]",
    )

    assert error is None
    assert "following 1 unfinished job from before" in printed(notebook.cells[0])
    assert len(videos(shown(notebook.cells[1]))) == 1
    assert "'succeeded', 'queued'" in shown(notebook.cells[2])[0]["text/plain"]
    assert simulator.calls["create"] == 2


def test_what_a_program_stops_is_not_waited_for_again(simulator, tmp_path):
    """nbclient's time-out interrupts the cell, here in the hook behind it: the next cells run at once, and nothing complains."""
    simulator.scenario.pace = Pace(LONG, LONG, 0)

    notebook, error = executed(
        tmp_path,
        simulator,
        "%load_ext seedance_nb",
        f"{SUBMIT.format('stopped')}",
        "'reached'",
        options={"timeout": 12, "interrupt_on_timeout": True},
    )

    assert error is None
    assert re.fullmatch(LEFT, printed(notebook.cells[1]).splitlines()[-1])
    assert notebook.cells[2].outputs[0].data["text/plain"] == "'reached'"
