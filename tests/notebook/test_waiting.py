"""Blocking a cell without a kernel: when a loop can be run nested, and what ends a wait."""

import asyncio
import dataclasses
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.clips.clip import Clip
from seedance_nb.notebook import waiting
from seedance_nb.snapshot import Snapshot
from seedance_nb.tracking.job import Job, WaitInterrupted

SNAPSHOT = Snapshot(
    key="j1",
    request=VideoRequest(prompt="a paper boat"),
    take=1,
    status=Status.PROCESSING,
    status_text="processing",
    request_id="req_1",
)
CLIP = Clip(Path("clips/j1.mp4"), None, 9, 480, 480, 24.0, 4.0, "ab12" * 16)
DONE = dataclasses.replace(SNAPSHOT, status=Status.SUCCEEDED, clip=CLIP)


@pytest.fixture
def job():
    return Job(None, SNAPSHOT)


@pytest.fixture
def old_nest(monkeypatch):
    """A loop to which the user has applied nest_asyncio 1.x, on the ipykernel asked for."""

    def on(*version):
        monkeypatch.setitem(
            waiting.sys.modules, "ipykernel", SimpleNamespace(version_info=version) if version else None
        )
        loop = asyncio.new_event_loop()
        loop.close()
        loop._nest_patched = True
        return loop

    return on


def test_outside_of_a_loop_a_wait_ends_with_the_job(job):
    threading.Timer(0.1, job.deliver, [DONE]).start()

    assert waiting.wait(job, None) is True


def test_outside_of_a_loop_a_wait_ends_with_its_time(job):
    assert waiting.wait(job, 0.05) is False


def test_a_wait_for_a_job_that_is_done_is_none(job):
    job.deliver(DONE)

    assert waiting.wait(job, 0) is True


def test_stop_ends_a_wait_outside_of_a_loop_and_names_the_job(job):
    main = threading.get_ident()
    threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()
    began = time.monotonic()

    with pytest.raises(WaitInterrupted, match=r"job req_1 goes on .*%seedance attach req_1 .*%seedance cancel req_1"):
        waiting.wait(job, 120)

    assert time.monotonic() - began < 60
    assert not job.done()


def test_in_another_thread_a_wait_blocks_and_leaves_that_threads_loop_alone(job):
    threading.Timer(0.1, job.deliver, [DONE]).start()
    answers = []

    async def cell():
        answers.append((waiting.wait(job, 20), hasattr(asyncio.get_running_loop(), "_nest_patched")))

    thread = threading.Thread(target=asyncio.run, args=[cell()])
    thread.start()
    thread.join(20)

    assert answers == [(True, False)]


def test_a_loop_that_is_not_asyncios_own_is_never_patched():
    assert not waiting._make_nestable(SimpleNamespace())


@pytest.mark.parametrize(
    ("ipykernel", "nestable"),
    [((7, 1, 0), False), ((7, 4, 0), False), ((8, 0, 0), False), ((7, 0, 1), True), ((6, 31, 0), True), ((), True)],
)
def test_the_old_nest_asyncio_is_used_only_where_it_loses_no_cells(old_nest, ipykernel, nestable):
    assert waiting._make_nestable(old_nest(*ipykernel)) is nestable


CELL = """
import asyncio, signal, sys
from notebook.test_waiting import DONE, SNAPSHOT
from seedance_nb.tracking.job import Job, WaitInterrupted
from seedance_nb.notebook import waiting

job, before = Job(None, SNAPSHOT), signal.getsignal(signal.SIGINT)

def meanwhile():
    print("ours", signal.getsignal(signal.SIGINT) is not before)
    if sys.argv[1] == "done":
        job.deliver(DONE)
    elif sys.argv[1] == "interrupted":
        signal.raise_signal(signal.SIGINT)
    else:
        asyncio.get_running_loop().stop()

async def cell():
    asyncio.get_running_loop().call_later(0.1, meanwhile)
    return waiting.wait(job, 60)

try:
    print("waited", asyncio.new_event_loop().run_until_complete(cell()))
except WaitInterrupted as error:
    print("stopped", error)
print("theirs", signal.getsignal(signal.SIGINT) is before)
"""


@pytest.mark.parametrize("how", ["done", "interrupted", "loop stopped"])
def test_however_a_nested_wait_ends_it_ends_in_our_words_and_the_stop_button_is_the_kernels_again(how):
    # In a process of its own: CPython 3.11 miscounts its recursion where a nested loop was left by an exception.
    tests = Path(__file__).parent.parent
    command = [sys.executable, "-c", CELL, how]
    ran = subprocess.run(command, cwd=tests, capture_output=True, text=True, timeout=120, check=False)
    ours, end, theirs = ran.stdout.splitlines()
    assert (ours, theirs) == ("ours True", "theirs True"), ran.stderr
    assert end == "waited True" if how == "done" else end.startswith("stopped stopped waiting; job req_1 goes on")


def test_who_was_stopped_from_waiting_for_it_does_not_wait_for_it_again_by_itself(job):
    job.is_awaited = True
    job.interrupted()
    assert not job.is_awaited
