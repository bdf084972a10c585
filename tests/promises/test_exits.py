"""Real processes that end while a create is in the air: it is answered and recorded first, and whoever cannot wait lets go."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
from promises.stage import PATIENCE, accepted, until

from seedance_nb.api.models import Status
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.ledger.ledger import Ledger

SUBMIT = """
import os, sys, threading, time
import seedance_nb as sd

def submit(prompt="a boat", **options):
    return sd.submit(prompt, model="seedance-2.0-fast", aspect_ratio="1:1", duration=4, resolution="480p", **options)
"""

ENDS = {
    "end of the script": "submit()",
    "sys.exit": "submit(); sys.exit(3)",
    "an exception": "submit(); raise RuntimeError('of the user')",
    "asyncio.run": "import asyncio\nasync def main():\n    submit()\nasyncio.run(main())",
    "a thread": "sd.jobs()\nthreading.Thread(target=submit).start()",
    "a thread pool": "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(2).submit(submit)",
    "with a session": (
        "with sd.Session() as session:\n"
        "    session.submit('a boat', model='seedance-2.0-fast', aspect_ratio='1:1', duration=4, resolution='480p')"
    ),
    "a fork": "if os.fork() == 0:\n    submit()\nelse:\n    os.wait()",
    "a forked multiprocessing child": (
        "import multiprocessing\nchild = multiprocessing.get_context('fork').Process(target=submit)\nchild.start(); child.join()"
    ),
    "a spawned multiprocessing child": (
        "import multiprocessing\nif __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=submit)\n    child.start(); child.join()"
    ),
    "pytest": "import pytest\npytest.main(['-q', '-p', 'no:cacheprovider', __file__])\ndef test_it():\n    submit()",
}


@contextlib.contextmanager
def slow(seconds, times=None, **options):
    """A simulator whose creates are accepted at once and answered late."""
    with Simulator(
        pace=Pace(0, 3600, 0), faults=[Fault("create", "delay", seconds=seconds, times=times)], **options
    ) as running:
        yield running


def start(folder, simulator, code, **environment):
    """The process of a script with this code."""
    script = folder / "script.py"
    script.write_text(SUBMIT + code + "\n")
    return start_line([str(script)], folder, simulator, **environment)


def start_line(arguments, folder, simulator, **environment):
    access = {
        "SEEDANCE_BASE_URL": simulator.base_url,
        "SEEDANCE_API_KEY": "a-key",
        "SEEDANCE_HOME": str(folder / "home"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **access, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    """(exit code, what it wrote to stderr)."""
    with process:
        try:
            _, said = process.communicate(timeout=PATIENCE * 2)
        except BaseException:
            process.kill()
            raise
        return process.returncode, said


def rows(folder):
    ledger = Ledger(folder / "home" / "ledger.sqlite3")
    try:
        return ledger.jobs(limit=1000)
    finally:
        ledger.close()


@pytest.mark.parametrize("way", ENDS)
def test_the_answer_of_a_create_in_the_air_is_waited_for(way, tmp_path):
    with slow(1.5) as simulator:
        code, said = end(start(tmp_path, simulator, ENDS[way]))
        [row] = rows(tmp_path)
        assert row.status is not Status.UNKNOWN, said
        assert row.request_id == simulator.scenario.accepted[0].request_id
        assert accepted(simulator) == 1
    assert code == {"sys.exit": 3, "an exception": 1}.get(way, 0), said
    assert "cannot schedule" not in said


def test_python_c_too_and_the_built_in_simulator(tmp_path):
    with slow(1.5) as simulator:
        code, said = end(start_line(["-c", SUBMIT + "submit()"], tmp_path, simulator))
        assert (code, rows(tmp_path)[0].request_id is not None, accepted(simulator)) == (0, True, 1), said
    with slow(0) as simulator:
        code, said = end(start_line(["-c", SUBMIT + "submit('b')"], tmp_path, simulator, SEEDANCE_BASE_URL="simulator"))
    assert (code, [row.request_id is not None for row in rows(tmp_path)]) == (0, [True, True]), said


def test_after_a_second_it_says_what_it_waits_for(tmp_path):
    with slow(2.5) as simulator:
        _, said = end(start(tmp_path, simulator, "submit()"))
        assert said == "seedance: waiting for the answer of 1 create, at most 60 s; Ctrl-C lets go\n"


def test_what_waits_for_its_turn_is_sent_too(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.seedance_nb]\nconcurrency = 2\n")
    with slow(0.3) as simulator:
        _, said = end(start(tmp_path, simulator, "for n in range(12): submit(f'boat {n}')"))
        assert {row.status for row in rows(tmp_path)} <= {Status.QUEUED, Status.PROCESSING}, said
        assert accepted(simulator) == 12
        assert len(rows(tmp_path)) == 12


def test_what_could_not_be_sent_in_time_never_was_and_what_was_not_answered_is_unknown(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.seedance_nb]\nconcurrency = 2\ncreate_timeout = 2\n")
    with slow(3600) as simulator:
        code, said = end(start(tmp_path, simulator, "for n in range(6): submit(f'boat {n}')"))
        statuses = sorted(row.status.value for row in rows(tmp_path))
        assert code == 0, said
        assert len(statuses) == 6
        assert set(statuses) == {"rejected", "unknown"}
        # Whoever was accepted is unknown: never called free.
        assert accepted(simulator) <= statuses.count("unknown")
        never = [row for row in rows(tmp_path) if row.status is Status.REJECTED]
        assert all(row.credits == 0 and "nothing was charged" in row.error for row in never)


def test_what_waits_to_be_tried_again_is_not_waited_for(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.seedance_nb]\npause_after_trouble = 3000\nlongest_pause = 3000\n")
    with Simulator(pace=Pace(0, 3600, 0), faults=[Fault("create", "status", http_status=429, times=None)]) as simulator:
        code, said = end(start(tmp_path, simulator, "submit()"))
        [row] = rows(tmp_path)
        assert (code, row.status, row.credits, accepted(simulator)) == (0, Status.REJECTED, 0, 0), said
        assert "nothing was charged" in row.error


def test_ctrl_c_lets_go_and_the_ledger_says_what_is_true(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.seedance_nb]\nconcurrency = 1\n")
    with slow(3600) as simulator:
        process = start(tmp_path, simulator, "submit(); submit('a plane'); print('over', flush=True)")
        assert process.stdout.readline() == "over\n"
        said = process.stderr.readline()
        assert said == "seedance: waiting for the answer of 2 creates, at most 60 s; Ctrl-C lets go\n"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, said = end(process)
        assert time.monotonic() - began < 30
        assert (code, said.startswith("seedance: let go: "), "Traceback" in said) == (0, True, False), said
        by_prompt = {row.request.prompt: row for row in rows(tmp_path)}
        assert (by_prompt["a boat"].status, accepted(simulator)) == (Status.UNKNOWN, 1)
        assert (by_prompt["a plane"].status, by_prompt["a plane"].credits) == (Status.REJECTED, 0)


@pytest.mark.host("script", "stop button", how="Ctrl-C")
def test_ctrl_c_ends_the_script_and_only_the_second_lets_go(tmp_path):
    with slow(2.5) as simulator:
        process = start(tmp_path, simulator, "submit(); print('over', flush=True); time.sleep(600)")
        assert process.stdout.readline() == "over\n"
        until(lambda: accepted(simulator) == 1)
        process.send_signal(signal.SIGINT)
        code, said = end(process)
        assert "KeyboardInterrupt" in said
        assert (code, rows(tmp_path)[0].request_id is not None) == (-signal.SIGINT, True), said


def test_a_closed_session_waits_too_and_can_be_let_go(tmp_path):
    code = (
        "import signal\n"
        "with sd.Session() as session:\n"
        "    session.submit('a boat', model='seedance-2.0-fast', aspect_ratio='1:1', duration=4, resolution='480p')\n"
        "    print('over', flush=True)\n"
        "print('closed', flush=True)"
    )
    with slow(3600) as simulator:
        process = start(tmp_path, simulator, code)
        assert process.stdout.readline() == "over\n"
        assert "waiting for the answer of 1 create" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "closed\n"
        assert end(process)[0] == 0
        assert rows(tmp_path)[0].status is Status.UNKNOWN


def test_a_kernel_that_is_restarted_is_not_held_up(tmp_path):
    from jupyter_client import KernelManager

    with slow(3600) as simulator:
        access = {
            "SEEDANCE_BASE_URL": simulator.base_url,
            "SEEDANCE_API_KEY": "a-key",
            "SEEDANCE_HOME": str(tmp_path / "home"),
        }
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(cwd=str(tmp_path), env={**os.environ, **access, "IPYTHONDIR": str(tmp_path / "ipython")})
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=PATIENCE * 2)
            client.execute(SUBMIT + "submit()")
            until(lambda: accepted(simulator) == 1)
            manager.shutdown_wait_time = PATIENCE * 2  # so that nobody kills it: it has to end by itself
            manager.shutdown_kernel()
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        assert rows(tmp_path)[0].status is Status.UNKNOWN


def test_sigterm_is_as_a_kill_and_the_next_process_knows(tmp_path):
    with slow(3600) as simulator:
        process = start(tmp_path, simulator, "submit(); print('over', flush=True); time.sleep(600)")
        assert process.stdout.readline() == "over\n"
        until(lambda: accepted(simulator) == 1)
        process.terminate()
        assert end(process)[0] == -signal.SIGTERM
        _, said = end(
            start(
                tmp_path,
                simulator,
                "job = submit()\ntry: job.result(20)\nexcept sd.OutcomeUnknown: print('told', file=sys.stderr)",
            )
        )
        assert said.endswith("told\n")
        assert accepted(simulator) == 1
