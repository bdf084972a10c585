"""grid.measure: functions of clips in processes of their own; what is known is not measured again, what fails stops nothing."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
import types
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path

import pytest
from grids.stage import bodies, small, until

from seedance_nb._version import __version__
from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.executors.processes import Processes
from seedance_nb.grids.export.csv_table import read_csv
from seedance_nb.tracking.job import WaitInterrupted

ROOT = Path(__file__).parents[3]


def size(path):
    return path.stat().st_size


def pid(path):
    return os.getpid()


class Model:
    """A tiny model: its weights are made by `load`, and a batch is one product."""

    def __init__(self, folder, device="cpu"):
        self.folder, self.device = Path(folder), device

    def load(self):
        with (self.folder / "loads").open("a") as file:
            file.write(f"{os.getpid()} {self.device}\n")
        import numpy as np

        self.weights = np.arange(4.0)

    def batch(self, paths):
        import numpy as np

        with (self.folder / "batches").open("a") as file:
            file.write(f"{len(paths)}\n")
        found = np.array([[path.stat().st_size, 1, 0, 0] for path in paths]) @ self.weights
        return [{"score": value, "other": 2} for value in found]


def sizes(grid):
    return {job.key: job.clip.path.stat().st_size for job in grid.jobs}


# -- numbers, and where they go


def test_a_function_is_called_with_the_path_of_each_clip_in_another_process(grid):
    found = grid.measure(size)

    assert found.values() == sizes(grid)
    assert found.columns == ("size",)
    assert found.failures == ()
    assert str(found).startswith("size: 4 clips measured.")
    assert os.getpid() not in grid.measure(pid).values().values()


def test_a_shipped_one_is_named_or_given_and_tells_the_clips_apart(grid):
    import seedance_nb as sd

    by_name, given = grid.measure("flicker"), grid.measure(sd.measures.flicker)

    assert by_name.values() == given.values()
    assert len(set(by_name.values().values())) == 4
    assert "known to the ledger" in str(given)


def test_its_column_stands_in_the_dataframe_in_the_csv_and_in_the_manifest(grid, tmp_path):
    grid.measure(size)
    one = grid.jobs[0].key

    def some(path):
        if path.stem == one:
            raise RuntimeError(f"no face in {path}")
        return {"count": 2, "share": 0.25}

    grid.measure(some, ThreadPoolExecutor(), name="faces")

    frame = grid.to_pandas()
    read = read_csv(grid.export(tmp_path / "g.csv"))
    assert ",nan," not in (tmp_path / "g.csv").read_text(encoding="utf-8-sig").lower()
    manifest = json.loads(grid.export(tmp_path / "g.json").read_text())

    assert list(frame.columns[-4:]) == ["size", "faces.count", "faces.share", "unmeasured"]
    assert frame["size"].tolist() == list(sizes(grid).values()) == [row["size"] for row in read]
    assert math.isnan(frame["faces.count"][0])
    assert frame["faces.count"].tolist()[1:] == [2, 2, 2]
    assert math.isnan(read[0]["faces.share"])
    assert read[1]["faces.share"] == 0.25
    assert "RuntimeError: no face in" in frame["unmeasured"][0]
    assert frame["unmeasured"].isna().tolist() == [False, True, True, True]
    assert str(grid.session.settings.home) not in read[0]["unmeasured"]
    assert manifest["cells"][0]["measures"]["values"]["faces.count"] is None
    assert "no face" in manifest["cells"][0]["measures"]["unmeasured"]
    assert manifest["cells"][1]["measures"]["values"] == {
        "size": frame["size"][1],
        "faces.count": 2,
        "faces.share": 0.25,
    }


def test_a_column_that_would_hide_another_is_named_otherwise(session):
    grid = small(session, "a {size}", size=["small"]).submit()
    grid.result(60)
    grid.measure(size)
    grid.measure(size, name="credits")

    frame = grid.to_pandas()

    assert frame["size"].tolist() == ["small"]
    assert frame["measure_size"][0] == frame["measure_credits"][0] == size(grid.jobs[0].clip.path)


def test_nothing_is_measured_twice_not_even_by_another_session(grid, simulator, session_of, tmp_path):
    notes = tmp_path / "notes"

    def noted(path):
        with notes.open("a") as file:
            file.write(f"{path.name}\n")
        return 1.5

    def measured(grid, **options):
        before = len(notes.read_text().splitlines()) if notes.exists() else 0
        grid.measure(noted, **options)
        return len(notes.read_text().splitlines()) - before

    assert [measured(grid), measured(grid), measured(grid, version="2"), measured(grid, version="2")] == [4, 0, 4, 0]
    assert measured(grid, name="other") == 4
    again = small(session_of(simulator), "a {animal}", animal=["cat", "dog"], takes=2).submit()
    again.result(60)
    assert measured(again) == 0
    again.extend(takes=3).result(60)
    assert measured(again) == 0  # the simulator's fifth film is its first once more: the same bytes
    assert len(again.measure(noted).values()) == 6


def test_it_costs_nothing_and_sends_nothing(grid, simulator):
    before = bodies(simulator)

    grid.measure("exposure")

    assert bodies(simulator) == before


def test_the_difference_between_takes_is_that_to_the_other_takes_of_the_same_request(grid):
    found = grid.measure("difference")
    first, second, third, fourth = (found.values()[job.key] for job in grid.jobs)

    assert first == second > 0
    assert third == fourth > 0


def test_one_take_has_no_other_to_differ_from(session):
    grid = small(session, "a boat").submit()
    grid.result(60)

    [failure] = grid.measure("difference").failures

    assert failure.cell == 1
    assert "grid.extend(takes=2)" in failure.reason


# -- what goes wrong stays with its clip


def test_a_worker_that_dies_or_hangs_or_raises_stops_no_other(grid):
    dies, hangs, raises, _ = (job.clip.path.name for job in grid.jobs)

    def bad(path):
        if path.name == dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if path.name == hangs:
            time.sleep(1e6)
        if path.name == raises:
            sys.exit(3)
        return 7

    found = grid.measure(bad, timeout=5)

    said = {failure.cell: failure.reason for failure in found.failures}
    assert [found.values()[job.key] == 7 for job in grid.jobs] == [False, False, False, True]
    assert "died by signal 9" in said[1]
    assert "no answer within 5 s" in said[2]
    assert "timeout=" in said[2]
    assert "exit code 3" in said[3]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("0.5", "returned a str ('0.5'); a measure returns one number"),
        (None, "returned None"),
        (float("nan"), "returned NaN"),
        (float("-inf"), "returned an infinite number"),
        (1 + 2j, "returned a complex"),
        ([1.0], "returned a list"),
        ({}, "returned an empty dict"),
        ({1: 2.0}, "the key 1"),
        ({"a": "b"}, "'a': returned a str"),
        (10**400, "too large"),
    ],
)
def test_what_is_no_number_is_a_reason(grid, value, says):
    found = grid.measure(lambda path: value, ThreadPoolExecutor(), name="odd")

    assert len(found.failures) == 4
    assert says in found.failures[0].reason
    assert "\n" not in found.failures[0].reason


def test_numbers_in_other_dress_are_numbers(grid):
    import numpy as np

    dressed = {"a": np.float32(0.5), "b": np.array([2]), "c": Fraction(1, 4), "d": Decimal("1.5"), "e": True, "f": 3}

    found = grid.measure(lambda path: dressed, ThreadPoolExecutor(), name="n")

    assert [found.table[0][name] for name in found.columns] == [0.5, 2.0, 0.25, 1.5, 1.0, 3.0]


def test_a_dict_with_other_keys_is_nan_where_it_says_nothing_and_says_so(grid):
    first = grid.jobs[0].clip.path.name

    found = grid.measure(lambda p: {"a": 1, "b": 2} if p.name == first else {"a": 1}, ThreadPoolExecutor(), name="k")

    assert found.columns == ("k.a", "k.b")
    assert found.values("a") == dict.fromkeys((job.key for job in grid.jobs), 1)
    assert math.isnan(found.values("k.b")[grid.jobs[1].key])
    assert "no 'b'" in found.failures[0].reason
    with pytest.raises(InvalidRequest, match=r"several columns; name one of 'k.a', 'k.b'"):
        found.values()
    with pytest.raises(InvalidRequest, match=r"'c' is no column of k; there are 'k.a', 'k.b'"):
        found.values("c")


def test_a_clip_whose_file_is_gone_is_told_and_the_others_are_measured(grid):
    grid.jobs[1].clip.path.unlink()

    found = grid.measure(size)

    [failure] = found.failures
    assert failure.cell == 2
    assert "is gone; job.download_again() brings it back" in failure.reason
    assert len(found.values()) == 4


def test_what_failed_is_tried_again(grid, tmp_path):
    flag = tmp_path / "flag"

    def moody(path):
        if not flag.exists():
            raise OSError("not today")
        return 1

    assert len(grid.measure(moody).failures) == 4
    flag.touch()
    assert grid.measure(moody).failures == ()


# -- what cannot be measured with is said before anything runs


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        ("flikker", r"'flikker' is no measure; did you mean 'flicker'\? There are motion, "),
        ("quality", "'quality' is no measure"),
        (7, "7 is no measure; give a function of a path"),
        (Model, r"Model is a class; give an object of it: grid\.measure\(Model\(\)\)"),
        (lambda path: 1.0, r"a lambda has no name for its column; give one: .*name='brightness'"),
        (lambda: 1.0, "called with one argument"),
    ],
)
def test_what_is_no_measure_is_refused_in_a_line(grid, measure, says):
    with pytest.raises(InvalidRequest, match=says):
        grid.measure(measure)


def test_what_cannot_be_sent_to_another_process_names_the_cure_which_cures(grid):
    lock = threading.Lock()

    def held(path):
        with lock:
            return 1.0

    async def later(path):
        return 1.0

    with pytest.raises(
        InvalidRequest, match=r"held cannot be sent .*executor=concurrent\.futures\.ThreadPoolExecutor\(\)"
    ):
        grid.measure(held)
    assert grid.measure(held, ThreadPoolExecutor()).failures == ()
    with pytest.raises(InvalidRequest, match="coroutine function; give a plain one"):
        grid.measure(later)


def test_an_executor_that_is_none_or_shut_down_or_broken_is_told(grid):
    shut = ThreadPoolExecutor()
    shut.shutdown()

    with pytest.raises(
        InvalidRequest, match=r"the executor takes no calls .*give one that is open, or leave executor= away"
    ):
        grid.measure(size, shut)
    for wrong in ("processes", 4, ThreadPoolExecutor):
        with pytest.raises(InvalidRequest, match=r"is no executor; give one of concurrent.futures"):
            grid.measure(size, wrong)
    with pytest.raises(InvalidRequest, match="workers="):
        grid.measure(size, ThreadPoolExecutor(), workers=2)
    for number in (0, -1, "4", True):
        with pytest.raises(InvalidRequest, match=r"timeout must be|workers must be"):
            grid.measure(size, timeout=number) if number != "4" else grid.measure(size, workers=number)


def test_a_grid_without_a_clip_says_what_to_do(session):
    with pytest.raises(InvalidRequest, match=r"no clip to measure yet: grid\.submit\(\), then grid\.result\(\)"):
        small(session, "a boat").measure("flicker")


# -- other executors


def test_any_executor_of_concurrent_futures_does(grid):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes, ThreadPoolExecutor(2) as threads:
        assert grid.measure(size, processes, name="p").values() == sizes(grid)
        assert grid.measure(size, threads, name="t").values() == sizes(grid)
        broken = grid.measure(lambda path: os._exit(1), processes, name="b")

    assert len(broken.failures) == 4
    assert "the executor is broken" in broken.failures[0].reason


def test_an_executor_that_never_answers_is_given_up(grid):
    gate = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(gate.wait)

        found = grid.measure(size, threads, timeout=1)
        gate.set()

    assert ["no answer within 1 s" in failure.reason for failure in found.failures] == [True] * 4


# -- a model, loaded once a worker


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(2)])
def test_a_model_is_loaded_once_a_worker_and_given_batches(grid, executor, tmp_path):
    model = Model(tmp_path, device="cuda:0")
    model.batch_size = 3

    found = grid.measure(model, executor)

    assert found.columns == ("Model.score", "Model.other")
    assert found.values("other") == dict.fromkeys((job.key for job in grid.jobs), 2)
    assert [line.split()[1] for line in (tmp_path / "loads").read_text().splitlines()] == ["cuda:0"]
    assert sorted((tmp_path / "batches").read_text().split()) == ["1", "3"]
    assert hasattr(model, "weights") is (executor is not None)


def test_one_bad_clip_in_a_batch_takes_no_other_with_it(grid):
    bad = grid.jobs[2].clip.path.name

    class Picky:
        def batch(self, paths):
            if any(path.name == bad for path in paths):
                os._exit(1) if len(paths) > 1 else sys.exit(4)
            return [1.0] * len(paths)

    class Fussy:
        def batch(self, paths):
            if any(path.name == bad for path in paths):
                raise RuntimeError("out of memory")
            return [1.0] * len(paths)

    class Short:
        def batch(self, paths):
            return [1.0]

    class Unloadable:
        def load(self):
            raise ImportError("no torch here")

        def batch(self, paths):
            return [1.0] * len(paths)

    assert [(f.cell, "exit code 4" in f.reason) for f in grid.measure(Picky()).failures] == [(3, True)]
    assert [(f.cell, f.reason) for f in grid.measure(Fussy()).failures] == [(3, "RuntimeError: out of memory")]
    assert "returned 1 values for 4 clips" in grid.measure(Short()).failures[0].reason
    assert "its load() failed: ImportError: no torch here" in grid.measure(Unloadable()).failures[0].reason


def test_a_function_of_a_module_that_workers_cannot_import_travels_with_its_module(grid):
    module = types.ModuleType("known_here_alone")
    exec("def helper(n):\n    return 2 * n\ndef doubled(path):\n    return helper(path.stat().st_size)\n", vars(module))
    sys.modules[module.__name__] = module
    try:
        found = grid.measure(module.doubled)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
            elsewhere = grid.measure(module.doubled, processes, version="2")
    finally:
        del sys.modules[module.__name__]

    assert found.values() == elsewhere.values() == {key: 2 * n for key, n in sizes(grid).items()}


def test_an_object_that_is_called_and_cannot_be_hashed_is_a_measure(grid):
    @dataclasses.dataclass
    class Above:
        limit: int

        def __call__(self, path):
            return path.stat().st_size > self.limit

    found = grid.measure(Above(10))

    assert found.columns == ("Above",)
    assert set(found.values().values()) == {1.0}
    assert "known" not in str(grid.measure(Above(11)))


# -- processes of our own


def test_what_a_worker_gets_has_no_key_and_it_ends_with_the_executor(monkeypatch):
    monkeypatch.setenv("SEEDANCE_API_KEY", "sk-secret")
    pool = Processes(1, 60)
    assert pool.submit(os.getenv, "SEEDANCE_API_KEY").result(60) is None
    worker = pool.submit(os.getpid).result(60)

    pool.shutdown(cancel_futures=True)

    until(lambda: not _lives(worker))
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(os.getpid)


def test_a_worker_that_is_busy_ends_with_a_parent_that_was_killed(tmp_path):
    note = tmp_path / "worker"
    script = (
        "import os, pathlib, sys, time\n"
        "from seedance_nb.grids.executors.processes import Processes\n"
        "from seedance_nb.grids.measures.what import task_of\n"
        "from seedance_nb.grids.measures.worker import answer\n"
        "def ever(path):\n"
        "    path.write_text(str(os.getpid()))\n"
        "    time.sleep(1e6)\n"
        f"note = {str(note)!r}\n"
        "open(note, 'w').close()\n"
        "Processes(1, 1e5).submit(answer, task_of(ever).pickled, [(pathlib.Path(note), [])]).result()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        until(lambda: note.exists() and note.read_text())
    finally:
        parent.kill()
        parent.wait()

    until(lambda: not _lives(int(note.read_text())))


def test_the_stop_button_keeps_what_was_measured(grid, tmp_path):
    slow = grid.jobs[3].clip.path.name
    started = tmp_path / "started"

    def waits(path):
        if path.name == slow:
            started.touch()
            time.sleep(1e6)
        return 1.0

    def count(ledger):
        return ledger.file.read("SELECT count(*) FROM measurements")[0][0]

    def press():
        until(started.exists)
        until(lambda: grid.session.ask_ledger(count) == 3)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(WaitInterrupted, match="3 clips that were measured are kept: run it again for the others"):
        grid.measure(waits, workers=2)


def test_a_script_without_a_guard_is_not_run_again_by_its_workers(grid, tmp_path):
    # What multiprocessing would do: and with it every submit of the script.
    script = tmp_path / "script.py"
    script.write_text(
        "print('run', flush=True)\n"
        "from seedance_nb.grids.executors.processes import Processes\n"
        "from seedance_nb.grids.measures.what import task_of\n"
        "from seedance_nb.grids.measures.worker import answer\n"
        "def here(path):\n    return twice(21)\n"
        "def twice(x):\n    return 2 * x\n"
        f"import pathlib\nclips = [(pathlib.Path({str(grid.jobs[0].clip.path)!r}), [])]\n"
        "print(Processes(1, 60).submit(answer, task_of(here).pickled, clips).result(60)[0].values)\n"
    )

    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    assert done.stdout.split("\n")[:2] == ["run", "{'': 42.0}"]


def _lives(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_methods_name_what_measured_with_its_version_and_on_how_many_it_failed(grid):
    def half(path):
        if path == first:
            raise ValueError("not this one")
        return 1.0

    first = grid.jobs[0].clip.path
    assert "Measured were" not in grid.methods()
    grid.measure("flicker")
    grid.measure(half, version="weights of May", executor=ThreadPoolExecutor(1))
    clips = len(sizes(grid))
    said = grid.methods()
    assert (
        f"Measured were: flicker of seedance_nb {__version__} on {clips} clips; half (version weights of May, source "
        in said
    )
    assert f") on {clips} clips, 1 of them without a result." in said
