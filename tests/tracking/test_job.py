import asyncio
import concurrent.futures
import dataclasses
import itertools
import threading
import time
from pathlib import Path

import pytest

from seedance_nb.api.deadlines import LivedTime
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.clips.clip import Clip
from seedance_nb.errors import (
    ApiError,
    AuthenticationError,
    ClipError,
    GenerationCancelled,
    GenerationFailed,
    OutcomeUnknown,
    SeedanceError,
    WaitTimeout,
)
from seedance_nb.snapshot import Snapshot
from seedance_nb.tracking import job as room
from seedance_nb.tracking.job import Job, WaitInterrupted, error_of

CLIP = Clip(Path("a.mp4"), None, 1, 2, 2, 24.0, 1.0, "0" * 64)


class Quiet:
    """A runner that only remembers what it was asked."""

    def __init__(self):
        self.is_current = False
        self.is_usable = True
        self.wait_strategy = Job.wait_in_slices
        self.asked = []

    def follow(self, job):
        self.asked.append(("follow", job))

    def cancel(self, job):
        self.asked.append(("cancel", job))


@pytest.fixture
def runner():
    return Quiet()


def snapshot(**changes):
    usual = {
        "key": "j1",
        "request": VideoRequest(prompt="a boat"),
        "take": 1,
        "status": Status.QUEUED,
        "status_text": "queued",
        "created_at": 100.0,
    }
    return Snapshot(**{**usual, **changes})


@pytest.fixture
def job(runner):
    return Job(runner, snapshot())


def succeeded(**changes):
    return snapshot(**{"status": Status.SUCCEEDED, "status_text": "succeeded", "clip": CLIP, **changes})


def failed(error=None):
    return snapshot(status=Status.FAILED, status_text="failed", error=error or GenerationFailed("no luck"))


# What is known ---------------------------------------------------------------------------------------


def test_its_attributes_are_those_of_the_newest_snapshot(job):
    newest = succeeded(request_id="req_1", credits=40.0, take=3, reused=True)
    job.deliver(newest)
    assert job.snapshot is newest
    names = ("key", "request", "take", "request_id", "status", "status_text", "credits", "error", "clip", "reused")
    assert [getattr(job, name) for name in names] == [getattr(newest, name) for name in names]


@pytest.mark.parametrize(
    ("newest", "shown"),
    [
        pytest.param(
            snapshot(), "<Job j1 queued: 'a boat'; as a coroutine: job.wait()>", id="by its key before it has an id"
        ),
        pytest.param(
            snapshot(request_id="req_1"), "<Job req_1 queued: 'a boat'; as a coroutine: job.wait()>", id="by its id"
        ),
        pytest.param(
            snapshot(status_text="reticulating"),
            "<Job j1 reticulating: 'a boat'; as a coroutine: job.wait()>",
            id="an invented status",
        ),
        pytest.param(
            snapshot(request=VideoRequest(prompt="one\ntwo\x1b[31m")),
            "<Job j1 queued: 'one two [31m'; as a coroutine: job.wait()>",
            id="on one line",
        ),
        pytest.param(
            snapshot(request=VideoRequest(prompt="x" * 80)),
            f"<Job j1 queued: '{'x' * 49}…'; as a coroutine: job.wait()>",
            id="not the whole prompt",
        ),
    ],
)
def test_its_repr_names_it_and_says_how_it_stands(runner, newest, shown):
    assert repr(Job(runner, newest)) == shown


def test_an_error_knows_its_job(job):
    job.deliver(failed())
    assert job.error.job is job


def test_a_snapshot_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot().status = Status.FAILED


@pytest.mark.parametrize(
    ("newest", "settled"),
    [
        *[pytest.param(snapshot(status=s), False, id=s) for s in ("submitting", "queued", "processing")],
        *[pytest.param(snapshot(status=Status(s)), True, id=s) for s in ("failed", "cancelled", "rejected", "unknown")],
        pytest.param(succeeded(), True, id="succeeded with its clip"),
        pytest.param(succeeded(clip=None), False, id="succeeded, the clip on its way"),
        pytest.param(succeeded(clip=None, error=ClipError("gone")), True, id="succeeded, the clip cannot be had"),
    ],
)
def test_a_job_is_settled_when_nothing_more_comes_by_itself(runner, newest, settled):
    newest = dataclasses.replace(newest, status=Status(newest.status))
    job = Job(runner, newest)
    job.deliver(newest)
    assert (newest.is_settled, job.done()) == (settled, settled)


@pytest.mark.parametrize(
    ("picture", "now", "elapsed", "remaining"),
    [
        pytest.param(snapshot(), 130, 30, None, id="nothing known of such jobs"),
        pytest.param(snapshot(expected_seconds=60), 130, 30, 60, id="not accepted yet"),
        pytest.param(snapshot(expected_seconds=60, accepted_at=110.0), 130, 30, 40, id="accepted"),
        pytest.param(snapshot(expected_seconds=60, accepted_at=110.0), 500, 400, 0, id="late"),
        pytest.param(succeeded(expected_seconds=60, finished_at=150.0), 500, 50, None, id="over"),
        pytest.param(snapshot(), 90, 0, None, id="a clock that jumped back"),
    ],
)
def test_a_snapshot_tells_the_time_passed_and_left(picture, now, elapsed, remaining):
    assert (picture.elapsed(now), picture.remaining(now)) == (elapsed, remaining)


# Waiting ---------------------------------------------------------------------------------------------


def later(function, *args):
    timer = threading.Timer(0.05, function, args)
    timer.daemon = True
    timer.start()


def test_the_result_of_a_done_job_is_there_at_once(job, runner):
    job.deliver(succeeded())
    assert job.result(timeout=0) == CLIP
    assert runner.asked == []


def test_a_wait_ends_with_the_job(job):
    later(job.deliver, succeeded())
    assert job.result(timeout=10) == CLIP


def test_waiting_for_a_job_makes_sure_that_it_is_followed(job, runner):
    later(job.deliver, succeeded())
    job.result(timeout=10)
    assert runner.asked == [("follow", job)]


def stopped_for_an_hour(monkeypatch):
    """From the second look at the clock on it says an hour more, as after a stop of the process."""
    looks = itertools.count()
    clock = lambda: time.monotonic() + (3600.0 if next(looks) else 0.0)  # noqa: E731
    monkeypatch.setattr(room, "LivedTime", lambda longest_step: LivedTime(longest_step, clock))


def test_the_time_out_of_a_wait_does_not_count_what_the_process_was_stopped_for(job, monkeypatch):
    stopped_for_an_hour(monkeypatch)
    later(job.deliver, succeeded())

    assert job.result(timeout=10) == CLIP


@pytest.mark.parametrize(("seconds", "done"), [(10, True), (0.6, False)])
def test_a_nested_wait_does_not_count_it_either(job, monkeypatch, seconds, done):
    stopped_for_an_hour(monkeypatch)
    if done:
        later(job.deliver, succeeded())

    async def wait():
        await job.waiter(asyncio.get_running_loop(), seconds)

    asyncio.run(asyncio.wait_for(wait(), 60))

    assert job.done() is done


def test_a_wait_that_ran_out_is_a_timeout_and_leaves_the_job_alone(job, runner):
    with pytest.raises(WaitTimeout, match=r"no clip within 0\.05 s; job j1 goes on in the background") as caught:
        job.result(timeout=0.05)
    assert isinstance(caught.value, TimeoutError)
    assert (caught.value.job, job.done(), runner.asked) == (job, False, [("follow", job)])


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_wait_of_no_time_returns_at_once(job, timeout):
    began = time.monotonic()
    with pytest.raises(WaitTimeout):
        job.result(timeout=timeout)
    assert time.monotonic() - began < 30


def test_a_failed_job_raises_its_error_every_time(job):
    error = GenerationFailed("no luck")
    job.deliver(failed(error))
    for _ in range(2):
        with pytest.raises(GenerationFailed) as caught:
            job.result()
        assert caught.value is error


def test_waiting_inside_the_background_thread_is_refused_at_once(job, runner):
    runner.is_current = True
    with pytest.raises(RuntimeError, match="add_done_callback"):
        job.result()


def test_the_way_to_wait_is_the_runners(job, runner):
    runner.wait_strategy = lambda waiting, timeout: job.deliver(succeeded()) or True
    assert job.result() == CLIP


def test_an_abandoned_job_frees_who_waits_and_says_how_to_go_on(job):
    later(job.abandon)
    with pytest.raises(ClipError, match=r"following stopped while the job was queued.*%seedance attach j1"):
        job.result(timeout=10)


@pytest.mark.parametrize("again", [False, True], ids=["never followed", "download_again"])
def test_a_wait_at_a_closed_runner_ends_at_once(job, runner, again):
    if again:
        job.deliver(succeeded(clip=None, error=ClipError("gone")))
        job.download_again()
    runner.is_usable = False
    with pytest.raises(ClipError):
        job.result(timeout=5)


def test_a_stop_during_a_wait_says_that_the_job_goes_on(job, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(concurrent.futures, "wait", stop)
    with pytest.raises(WaitInterrupted, match="stopped waiting; job j1 goes on") as caught:
        job.result()
    assert caught.value._render_traceback_() == [f"KeyboardInterrupt: {caught.value}"]
    assert not job.done()


# Await -----------------------------------------------------------------------------------------------


def test_await_gives_the_clip(job):
    async def run():
        later(job.deliver, succeeded())
        return await job

    assert asyncio.run(run()) == CLIP


def test_await_of_a_failed_job_raises_its_error(job):
    async def run():
        later(job.deliver, failed())
        await job

    with pytest.raises(GenerationFailed):
        asyncio.run(run())


def test_await_at_a_closed_runner_ends_at_once(job, runner):
    runner.is_usable = False

    async def run():
        await asyncio.wait_for(_clip_of(job), 5)

    with pytest.raises(ClipError):
        asyncio.run(run())


async def _clip_of(job):
    return await job


def test_cancelling_an_await_leaves_the_job_running(job, runner):
    async def run():
        waiting = asyncio.create_task(_clip_of(job))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError, match="job j1 goes on") as caught:
            await waiting
        assert caught.value._render_traceback_() == [f"stopped waiting: {caught.value}"]

    asyncio.run(run())
    assert (job.done(), runner.asked) == (False, [("follow", job)])
    job.deliver(succeeded())
    assert job.result() == CLIP


@pytest.mark.parametrize("way", ["asyncio.timeout", "asyncio.wait_for"])
def test_an_await_with_a_deadline_is_a_timeout_and_not_a_cancelled_task(job, way):
    async def run():
        if way == "asyncio.wait_for":
            await asyncio.wait_for(_clip_of(job), 0.02)
        async with asyncio.timeout(0.02):
            await job

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert not job.done()


def test_many_may_await_one_job(job):
    async def run():
        later(job.deliver, succeeded())
        return await asyncio.gather(*(_clip_of(job) for _ in range(5)))

    assert asyncio.run(run()) == [CLIP] * 5


def test_a_loop_that_ended_before_the_job_hurts_nobody(job):
    async def begin():
        job.waiter(asyncio.get_running_loop())

    asyncio.run(begin())
    job.deliver(succeeded())
    assert job.result() == CLIP


# Telling ---------------------------------------------------------------------------------------------


def test_a_done_callback_is_called_once_with_the_job(job):
    called = []
    job.add_done_callback(called.append)
    job.deliver(succeeded())
    job.deliver(succeeded())
    assert called == [job]


def test_a_done_callback_of_a_done_job_is_called_at_once(job):
    called = []
    job.deliver(succeeded())
    job.add_done_callback(called.append)
    assert called == [job]


def test_listeners_hear_every_change_until_they_stop(job):
    heard = []
    stop = job.subscribe(heard.append)
    pictures = [snapshot(note=str(number)) for number in range(3)]
    job.deliver(pictures[0])
    job.deliver(pictures[1])
    stop()
    stop()
    job.deliver(pictures[2])
    assert heard == pictures[:2]


def test_a_listener_may_stop_listening_while_it_is_told(job):
    heard = []

    def once(picture):
        heard.append(picture)
        stop()

    stop = job.subscribe(once)
    job.deliver(snapshot())
    job.deliver(snapshot())
    assert len(heard) == 1


def test_listeners_and_callbacks_that_raise_do_not_hurt_the_others(job, caplog):
    heard = []

    def break_down(_):
        raise ValueError("mine")

    job.subscribe(break_down)
    job.subscribe(heard.append)
    job.add_done_callback(break_down)
    job.add_done_callback(heard.append)
    job.deliver(succeeded())
    assert heard == [job.snapshot, job]
    assert len(caplog.records) == 2


# Acting ----------------------------------------------------------------------------------------------


def test_cancel_asks_the_runner_and_returns(job, runner):
    job.cancel()
    assert runner.asked == [("cancel", job)]


def test_downloading_again_opens_a_succeeded_job_without_a_clip_once_more(job, runner):
    job.deliver(succeeded(clip=None, error=ClipError("gone")))
    job.download_again()
    reopened = job.done()
    job.deliver(succeeded())
    assert (reopened, job.result(), runner.asked) == (False, CLIP, [("follow", job)])


@pytest.mark.parametrize("newest", [snapshot(), failed(), succeeded()], ids=["running", "failed", "with its clip"])
def test_downloading_again_reopens_nothing_else(job, newest):
    job.deliver(newest)
    before = job.done()
    job.download_again()
    assert job.done() == before


# Errors read back ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("AuthenticationError", "rejected", AuthenticationError),
        ("ApiError", "rejected", ApiError),
        ("OutcomeUnknown", "unknown", OutcomeUnknown),
        (None, "failed", GenerationFailed),
        (None, "cancelled", GenerationCancelled),
        (None, "unknown", OutcomeUnknown),
        (None, "succeeded", ClipError),
        ("one_line", "failed", GenerationFailed),
        ("Any", "failed", GenerationFailed),
        ("nonsense", "cancelled", GenerationCancelled),
    ],
)
def test_an_error_read_back_is_of_the_kind_it_was(kind, status, expected):
    error = error_of(kind, "why", Status(status))
    assert (type(error), str(error)) == (expected, "why")


def test_every_error_of_the_tree_can_be_read_back():
    def tree(kind):
        yield kind
        for below in kind.__subclasses__():
            yield from tree(below)

    ours = [kind for kind in tree(SeedanceError) if kind.__module__ == "seedance_nb.errors"]
    assert [type(error_of(kind.__name__, "why", Status.FAILED)) for kind in ours] == ours
