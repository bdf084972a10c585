"""Several kernels, sessions and threads on one ledger: one intention is sent once, whoever comes first."""

import concurrent.futures
import os
import signal
import sys
import threading
import traceback

import pytest
from promises.stage import PACE, accepted, begin, end_of, settled, start_kernel, submit, until

from seedance_nb.api.models import Status
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.tracking import owner

pytestmark = pytest.mark.usefixtures("any_store")
TEN = [f"intention {n}" for n in range(10)]


def ready(*kernels):
    for kernel in kernels:
        assert kernel.stdout.readline() == "ready\n"


@pytest.fixture
def slow_simulator():
    """A service that takes its time to answer a create."""
    with Simulator(pace=PACE, faults=[Fault("create", "delay", None, seconds=0.8)]) as running:
        yield running


@pytest.fixture
def silent_simulator():
    """A service that takes a create and never answers."""
    with Simulator(pace=PACE, faults=[Fault("create", "hang", None)]) as running:
        yield running


def kernel_with_a_create_in_the_air(simulator, home):
    kernel = start_kernel(simulator, home, ["a boat"])
    begin(kernel)
    until(lambda: simulator.calls["create"] == 1)
    return kernel


def test_two_kernels_with_the_same_ten_intentions_at_one_instant_pay_for_ten(simulator, tmp_path):
    kernels = [start_kernel(simulator, tmp_path, TEN) for _ in range(2)]
    ready(*kernels)
    for kernel in kernels:
        begin(kernel)
    first, second = (end_of(kernel) for kernel in kernels)

    assert first == second
    assert [line[-4:] for line in first] == [".mp4"] * 10
    assert [accepted(simulator, prompt) for prompt in TEN] == [1] * 10
    assert simulator.calls["create"] == 10


def test_a_create_in_the_air_of_another_kernel_is_waited_for_not_touched(slow_simulator, session_of, tmp_path):
    kernel = kernel_with_a_create_in_the_air(slow_simulator, tmp_path)
    job = submit(session_of(slow_simulator), "a boat")
    until(lambda: job.snapshot.note == "another notebook is sending this")

    assert job.result(20).path == tmp_path / "clips" / f"{job.key}.mp4"
    assert end_of(kernel)[-1] == str(job.clip.path)
    assert (job.reused, job.credits, slow_simulator.calls["create"]) == (True, 0, 1)


def test_who_waits_for_another_kernel_hears_that_its_answer_was_lost(silent_simulator, session_of, tmp_path):
    kernel = kernel_with_a_create_in_the_air(silent_simulator, tmp_path)
    job = settled(submit(session_of(silent_simulator), "a boat"))

    assert job.status is Status.UNKNOWN
    assert end_of(kernel)[-1].startswith("OutcomeUnknown: ")
    assert silent_simulator.calls["create"] == 1


def test_when_the_kernel_with_the_create_dies_the_one_that_waits_calls_it_unknown(slow_simulator, session_of, tmp_path):
    kernel = kernel_with_a_create_in_the_air(slow_simulator, tmp_path)
    job = submit(session_of(slow_simulator), "a boat")
    until(lambda: job.snapshot.note)
    kernel.kill()
    end_of(kernel)

    assert settled(job).status is Status.UNKNOWN
    assert "the process that sent it died" in str(job.error)
    assert slow_simulator.calls["create"] == 1


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="only POSIX can freeze a process")
def test_a_frozen_kernel_is_not_a_dead_one(slow_simulator, session_of, tmp_path):
    kernel = kernel_with_a_create_in_the_air(slow_simulator, tmp_path)
    kernel.send_signal(signal.SIGSTOP)
    job = submit(session_of(slow_simulator), "a boat")
    until(lambda: job.snapshot.note)
    assert not job.wait_in_slices(0.3)
    assert job.status is Status.SUBMITTING
    kernel.send_signal(signal.SIGCONT)

    assert job.result(20)
    assert end_of(kernel)[-1] == str(job.clip.path)
    assert slow_simulator.calls["create"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the start of a process does not move with the clock")
def test_setting_the_clock_makes_no_living_kernel_look_dead(slow_simulator, session_of, tmp_path, monkeypatch):
    import psutil

    kernel = kernel_with_a_create_in_the_air(slow_simulator, tmp_path)
    boot_time = psutil.boot_time()
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: boot_time + 3600)
    job = submit(session_of(slow_simulator), "a boat")

    assert job.result(20)
    assert slow_simulator.calls["create"] == 1
    assert len(end_of(kernel)) == 2


def test_who_was_thought_dead_while_it_waited_does_not_send_any_more(session_of, monkeypatch):
    busy = Fault("create", "status", http_status=429, headers={"Retry-After": "1"})
    with Simulator(pace=PACE, faults=[busy]) as simulator:
        waiting = submit(session_of(simulator), "a boat")
        until(lambda: "busy" in (waiting.snapshot.trouble or ""))
        monkeypatch.setattr(owner, "is_alive", lambda _: False)
        taking_over = submit(session_of(simulator), "a boat")

        assert taking_over.result(20)
        assert settled(waiting).status is Status.REJECTED
        assert "another notebook took this over" in str(waiting.error)
        assert (accepted(simulator), simulator.calls["create"]) == (1, 2)


@pytest.mark.parametrize("sessions", [1, 2])
def test_two_threads_with_the_same_ten_intentions_pay_for_ten(sessions, simulator, session_of):
    sessions = [session_of(simulator) for _ in range(sessions)] * (3 - sessions)
    together = threading.Barrier(2)

    def run(session):
        together.wait()
        return [job.result(20).path for job in [submit(session, prompt) for prompt in TEN]]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, sessions)

    assert first == second
    assert [accepted(simulator, prompt) for prompt in TEN] == [1] * 10
    assert simulator.calls["create"] == 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_in_the_middle_attaches_to_its_parents_create(slow_simulator, session_of):
    session = session_of(slow_simulator)
    job = submit(session, "a boat")
    until(lambda: slow_simulator.calls["create"] == 1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            os.write(writing, str(submit(session, "a boat").result(20).path).encode())
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(writing)
    clip = job.result(20)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read().decode() == str(clip.path)
    os.waitpid(child, 0)
    assert slow_simulator.calls["create"] == 1
