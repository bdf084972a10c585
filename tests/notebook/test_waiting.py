"""Blocking a cell without a kernel: when a loop can be run nested, and what ends a wait."""

import asyncio
import contextlib
import dataclasses
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.jobs.job import Job, WaitInterrupted
from seedance_nb.jobs.snapshot import Clip, Snapshot
from seedance_nb.notebook import waiting

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
        waiting.wait(job, 20)

    assert time.monotonic() - began < 5
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


def nested(job, meanwhile):
    """What a wait in a cell of a running loop raises, or gives, while something happens to that loop."""

    async def cell():
        asyncio.get_running_loop().call_later(0.1, meanwhile)
        return waiting.wait(job, 60)

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(cell())
    finally:
        loop.close()


def test_a_loop_that_is_stopped_under_a_wait_ends_it_in_our_words(job):
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(WaitInterrupted, match="job req_1 goes on"):
        nested(job, lambda: asyncio.get_running_loop().stop())

    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("how", ["done", "interrupted"])
def test_the_handler_of_the_stop_button_is_back_after_a_wait(job, how):
    before = signal.getsignal(signal.SIGINT)
    meanwhile = {
        "done": lambda: job.deliver(DONE),
        "interrupted": lambda: signal.raise_signal(signal.SIGINT),
    }[how]
    seen = []

    def look():
        seen.append(signal.getsignal(signal.SIGINT))
        meanwhile()

    with contextlib.suppress(WaitInterrupted):
        nested(job, look)

    assert seen[0] is not before  # ours stood there meanwhile
    assert signal.getsignal(signal.SIGINT) is before


def test_who_was_stopped_from_waiting_for_it_does_not_wait_for_it_again_by_itself(job):
    job.is_awaited = True
    job.interrupted()
    assert not job.is_awaited
