"""SIGSTOP at any instant, for longer than any deadline, loses nothing and repeats nothing: a laptop's lid, `docker pause`.

The same instants as in test_crashes, but the process goes on afterwards. Here nothing may end as `unknown`: every answer arrives.
"""

import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from promises.kernel import MOMENTS
from promises.stage import (
    KERNELS,
    PATIENCE,
    accepted,
    begin,
    copy_film,
    end_of,
    session_at,
    settled,
    start_kernel,
    submit,
    until,
)

from seedance_nb.api.models import Status
from seedance_nb.simulator import Fault, Pace, Simulator, film
from seedance_nb.tracking.ledger.ledger import Ledger

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing stops a process here")
DEADLINES = {"create_timeout": 2, "read_timeout": 1, "stall_timeout": 1, "download_timeout": 2, "connect_timeout": 1}
LONGER = 2.6
TOGETHER = 6
"""Kernels that live at the same time."""


def is_stopped(kernel):
    return kernel.poll() is None and psutil.Process(kernel.pid).status() == psutil.STATUS_STOPPED


def life_with_a_stop(simulator, home, moment):
    """What a kernel printed that was stopped at this moment for longer than any of its deadlines."""
    kernel = start_kernel(simulator, home, [moment], moment, signal.SIGSTOP, **DEADLINES)
    try:
        begin(kernel)
        until(lambda: is_stopped(kernel), 2 * PATIENCE)
        time.sleep(LONGER)
        kernel.send_signal(signal.SIGCONT)
        return end_of(kernel)
    finally:
        kernel.kill()


def row_of(home):
    ledger = Ledger(home / "ledger.sqlite3")
    try:
        return ledger.jobs()[0]
    finally:
        ledger.close()


@pytest.fixture(scope="module")
def lives(tmp_path_factory, one_film):
    """moment -> (what it printed, its row, how many creates of it were accepted)."""
    folder = tmp_path_factory.mktemp("stops")
    slowly = [Fault("create", "delay", None, seconds=0.3), Fault("get", "delay", None, seconds=0.05)]
    render, film.render = film.render, copy_film(one_film)
    try:
        with Simulator(pace=Pace(0, 0.05, 0), faults=slowly) as simulator, ThreadPoolExecutor(TOGETHER) as pool:
            homes = {moment: folder / str(number) for number, moment in enumerate(MOMENTS)}
            printed = {m: pool.submit(life_with_a_stop, simulator, home, m) for m, home in homes.items()}
            return {m: (printed[m].result(), row_of(home), accepted(simulator, m)) for m, home in homes.items()}
    finally:
        film.render = render
        KERNELS.clear()


@pytest.mark.parametrize("moment", MOMENTS)
def test_stopped_at_this_moment_it_is_paid_once_and_ends_with_its_clip(moment, lives):
    printed, row, paid = lives[moment]

    assert Path(printed[-1]).suffix == ".mp4", printed
    assert (row.status, paid) == (Status.SUCCEEDED, 1)
    assert row.clip is not None
    assert row.error is None


def test_another_kernel_keeps_its_hands_off_while_the_sender_is_stopped(tmp_path):
    with Simulator(pace=Pace(0, 0.05, 0)) as simulator, contextlib.ExitStack() as stack:
        first = start_kernel(simulator, tmp_path, ["a boat"], "before the first byte", signal.SIGSTOP, **DEADLINES)
        stack.callback(first.kill)
        begin(first)
        until(lambda: is_stopped(first))
        session = stack.enter_context(session_at(simulator.base_url, tmp_path, create_timeout=0.5))
        second = submit(session, "a boat")
        time.sleep(LONGER)
        assert not second.done()
        assert (second.snapshot.note, accepted(simulator)) == ("another notebook is sending this", 0)

        first.send_signal(signal.SIGCONT)

        assert Path(end_of(first)[-1]) == settled(second).clip.path
        assert (accepted(simulator), second.credits) == (1, 0)


LEAVING = """
import sys
sys.path.insert(0, sys.argv[1])
from promises.stage import session_at, submit
session = session_at(sys.argv[2], sys.argv[3], create_timeout=2.5)
submit(session, "a boat")
print("leaving", flush=True)
session.close()
"""


def test_a_script_that_ends_while_it_is_stopped_hears_its_answer_all_the_same(tmp_path):
    slowly = [Fault("create", "delay", None, seconds=1.5)]
    with Simulator(pace=Pace(0, 0.05, 0), faults=slowly) as simulator:
        folder = str(Path(__file__).resolve().parents[1])
        command = [sys.executable, "-c", LEAVING, folder, simulator.base_url, str(tmp_path)]
        script = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        KERNELS.append(script)
        assert script.stdout.readline() == "leaving\n"
        until(lambda: simulator.calls["create"])
        time.sleep(0.2)
        script.send_signal(signal.SIGSTOP)
        until(lambda: is_stopped(script))
        time.sleep(2 * LONGER)
        script.send_signal(signal.SIGCONT)
        script.communicate(timeout=PATIENCE)
        assert script.returncode == 0

        row = row_of(tmp_path)
        assert row.request_id == simulator.scenario.accepted[0].request_id
        assert row.status is not Status.UNKNOWN


WAITING_WRITER = """
import sys
from pathlib import Path
from seedance_nb.tracking.ledger import ledger, ledger_file
ledger_file.BUSY_TIMEOUT_SECONDS = 2.0
book = ledger.Ledger(Path(sys.argv[1]))
book.jobs()
print("ready", flush=True)
sys.stdin.readline()
print("waiting", flush=True)
book.withdraw_vote("nobody")
print("written", flush=True)
"""


def test_a_write_that_waits_for_a_lock_does_not_count_the_time_it_was_stopped(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    command = [sys.executable, "-c", WAITING_WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        KERNELS.append(writer)
        assert writer.stdout.readline() == "ready\n"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            begin(writer)
            assert writer.stdout.readline() == "waiting\n"
            time.sleep(0.3)
            writer.send_signal(signal.SIGSTOP)
            until(lambda: is_stopped(writer))
            time.sleep(LONGER)
            writer.send_signal(signal.SIGCONT)
            time.sleep(0.3)
            other.execute("ROLLBACK")
        assert writer.communicate(timeout=PATIENCE)[0] == "written\n"
