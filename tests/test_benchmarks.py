"""A benchmark whose work was not done says so and fails: it prints no figure. Small sizes; what they measure means nothing here."""

import asyncio
import contextlib
import importlib
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def measured(monkeypatch):
    """Gives a benchmark by its name, with other sizes."""

    def changed(name, **sizes):
        module = importlib.import_module(f"benchmarks.{name}")
        for size, value in sizes.items():
            monkeypatch.setattr(module, size, value)
        return module

    return changed


def nothing():
    return pytest.raises(importlib.import_module("benchmarks").NothingMeasured)


@contextlib.contextmanager
def failing_service():
    """The benchmarks' own service, of which every video fails."""
    from benchmarks.tiny_service import Service

    class Failing(Service):
        def answer(self, method, path):
            kind, body = super().answer(method, path)
            return kind, body.replace(b'"status": "succeeded"', b'"status": "failed"')

    service, loop = Failing({"uniform": [0.1, 0.3]}, b""), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(service.serve, "127.0.0.1", 0))
    service.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{service.port}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@pytest.mark.parametrize("busy", [False, True])
def test_many_jobs_at_once_bring_home_all_their_clips(measured, busy):
    """Counted while they are there: once its folder is gone, no job has a clip."""
    bench = measured("thousand_jobs", JOBS=30, ALONE_SECONDS=0.1)
    with bench.tiny_service(uniform=[0.3, 1.5]) as url:
        lines = list(bench._measure(url, busy=busy, at_once=busy))
    assert lines[0].endswith("30 of 30 clips")


def test_jobs_without_clips_measured_nothing(measured, tmp_path):
    from benchmarks import require_clips
    from seedance_nb.tracking.session import Session

    with failing_service() as url, Session(api_key="sd2_bench", base_url=url, home=tmp_path) as session:
        jobs = [session.submit(f"prompt {i}") for i in range(3)]
        for job in jobs:
            with contextlib.suppress(Exception):
                job.result(60)
        with nothing() as error:
            require_clips(jobs)
    assert "0 of 3 clips; the first of the others is failed" in str(error.value)
    with nothing():
        require_clips([])


def test_looks_that_bring_nothing_measured_nothing(measured):
    bench = measured("calls", ROUNDS=1, SECONDS=0.2)
    with nothing():
        bench._beside("http://127.0.0.1:9")


@pytest.mark.parametrize("step", ["%load_ext seedance_nb", "%seedance to first card"])
def test_a_step_that_fails_or_shows_nothing_measured_nothing(measured, monkeypatch, step):
    bench = measured("loading", KERNELS=1)
    broken = "raise OSError" if step.startswith("%load") else "None"
    monkeypatch.setattr(bench, "STEPS", {**bench.STEPS, step: broken})
    with nothing() as error:
        list(bench.run())
    assert str(error.value) == ("%load_ext seedance_nb: " if step.startswith("%load") else "no card came")


def test_a_kernel_without_a_clip_measured_nothing(measured):
    bench = measured("large_clip")
    with failing_service() as url, nothing() as error:
        bench._stall(url, None)
    assert str(error.value) == "no clip came"


def test_ledgers_and_panels_without_jobs_measured_nothing(measured, monkeypatch, tmp_path):
    bench = measured("ledger_size", ROUNDS=1)
    with nothing():
        bench.measure(bench.fill(tmp_path / "ledger", 0))
    assert bench.measure(bench.fill(tmp_path / "jobs", 10))["reuse look-up"] > 0
    panel = measured("panel_messages")
    home = panel.fill(tmp_path / "panel", 3)
    for poster in (home / "clips").glob("*.jpg"):
        poster.unlink()
    monkeypatch.setattr("comm.create_comm", panel.Wire)
    with nothing():
        panel.open_panel(home)


def test_what_failed_ends_in_an_error_and_keeps_the_results_of_before(measured, monkeypatch, tmp_path, capsys):
    main = importlib.import_module("benchmarks.__main__").main

    def run():
        yield "a first line"
        raise importlib.import_module("benchmarks").NothingMeasured("0 of 7 clips")

    measured("many_jobs", run=run)
    kept = tmp_path / "kept.md"
    kept.write_text("of before")
    monkeypatch.setattr("sys.argv", ["benchmarks", "many_jobs", "--write", str(kept)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert str(ended.value) == f"failed: many_jobs; {kept} is as it was"
    assert "0 of 7 clips" in capsys.readouterr().out
    assert kept.read_text() == "of before"
