import asyncio
import contextlib
import dataclasses
import gc
import http.server
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest
from tracking.doubles import Service, TimeMachine, make_runner, record, submit, until

from seedance_nb.api.models import Status
from seedance_nb.errors import (
    BudgetExceeded,
    ClipError,
    ConnectionFailed,
    GenerationCancelled,
    GenerationFailed,
    RateLimited,
    ServerError,
    WaitTimeout,
)
from seedance_nb.settings import Limits
from seedance_nb.simulator import Pace, Simulator
from seedance_nb.tracking.following.followed import Clock
from seedance_nb.tracking.owner import LIVE_HERE
from seedance_nb.tracking.session import Session

WAY = [Status.SUBMITTING, Status.QUEUED, Status.PROCESSING, Status.SUCCEEDED]


def listen(job):
    heard = [job.snapshot]
    job.subscribe(heard.append)
    return heard


def statuses(heard):
    """The statuses heard, each once for as long as it lasted."""
    return [s.status for n, s in enumerate(heard) if n == 0 or heard[n - 1].status is not s.status]


@pytest.fixture
def steady(tmp_path, small_film):
    """A runner in real time at a service that never ends anything by itself."""
    made = []

    def make(**changes):
        clock = Clock()
        service = Service(clock, **{"queue": 0, "render": 3600, "film": small_film.read_bytes(), **changes})
        made.append(make_runner(tmp_path, service, clock, poll_floor=0.01, poll_ceiling=0.02))
        return made[-1], service

    yield make
    for runner in made:
        runner.close()


# Pictures --------------------------------------------------------------------------------------------


def test_listeners_see_every_status_once_and_in_order(runner, service):
    service.gate.clear()
    job = submit(runner)
    heard = listen(job)
    service.gate.set()
    job.result(20)
    assert statuses(heard) == WAY
    assert heard[-1] is job.snapshot


def test_every_picture_is_a_new_one_and_none_is_changed_later(runner, service):
    service.gate.clear()
    job = submit(runner)
    heard, copies = [], []
    job.subscribe(lambda s: (heard.append(s), copies.append(dataclasses.replace(s))))
    service.gate.set()
    job.result(20)
    assert len({id(s) for s in heard}) == len(heard)
    assert heard == copies


def test_times_of_a_job_come_in_their_order(runner):
    job = submit(runner)
    job.result(20)
    end = job.snapshot
    moments = [end.created_at, end.accepted_at, end.processing_at, end.finished_at]
    assert moments == sorted(moments)
    assert abs(end.finished_at - end.accepted_at - 6) < 0.9  # it ended somewhere between two looks, 1.5 s apart


@pytest.mark.parametrize(
    "script",
    [
        ["queued", "processing", "queued", "processing", "queued", "succeeded"],
        ["processing", "reticulating", "queued", "processing", "succeeded"],
        ["queued", "queued", "succeeded"],
    ],
    ids=["back and forth", "an invented word", "straight to the end"],
)
def test_for_listeners_a_status_never_goes_backwards(runner, service, script):
    service.script = script
    service.gate.clear()
    job = submit(runner)
    heard = listen(job)
    service.gate.set()
    job.result(20)
    places = [WAY.index(s.status) for s in heard]
    assert places == sorted(places)


def test_an_invented_status_is_shown_as_the_service_said_it(runner, service):
    service.script = ["processing", "reticulating", "succeeded"]
    service.gate.clear()
    job = submit(runner)
    heard = listen(job)
    service.gate.set()
    job.result(20)
    assert "reticulating" in [s.status_text for s in heard]


def test_listeners_and_callbacks_that_raise_hurt_no_job(runner, service, caplog):
    service.gate.clear()
    job = submit(runner)
    job.subscribe(lambda _: 1 / 0)
    job.add_done_callback(lambda _: 1 / 0)
    service.gate.set()
    assert job.result(20).width == 854
    assert submit(runner, "a plane").result(20).width == 854


def test_a_done_callback_runs_in_the_background_thread_with_the_job(runner, service):
    called = []
    service.gate.clear()
    job = submit(runner)
    job.add_done_callback(lambda done: called.append((done, done.status, runner.is_current)))
    service.gate.set()
    assert until(lambda: called)
    assert called == [(job, "succeeded", True)]


# Looks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("life", "lives_before", "most"),
    [
        pytest.param(10, 0, 12, id="10 s, never seen before"),
        pytest.param(60, 0, 44, id="a minute, never seen before"),
        pytest.param(600, 0, 260, id="ten minutes, never seen before"),
        pytest.param(60, 3, 14, id="a minute, as usual"),
        pytest.param(600, 3, 45, id="ten minutes, as usual"),
    ],
)
def test_a_job_is_looked_at_rarely_and_its_end_is_seen_soon(runner, service, ledger, life, lives_before, most):
    for take in range(1, lives_before + 1):
        times = {"accepted_at": 1000.0, "processing_at": 1002.0, "finished_at": 1000.0 + life}
        row = record("a plane", take=take, status=Status.SUCCEEDED, request_id=f"old_{take}", **times)
        ledger.claim(row, False, lambda: None)
    service.render = life - service.queue
    job = submit(runner)
    job.result(20)
    looks = service.looks["req_0"]
    at = service.accepted[0][2]
    late = looks[-1] - at - life
    assert 3 <= len(looks) <= most
    assert late <= max(2, 0.2 * life)
    assert late <= 16


def test_a_life_that_is_over_teaches_the_next_one(runner):
    submit(runner).result(20)
    job = submit(runner, "a plane")
    heard = listen(job)
    job.result(20)
    # What is told first; of a job that is still alive when most have ended, more is expected with every look.
    first = next(snapshot.expected_seconds for snapshot in heard if snapshot.expected_seconds is not None)
    assert first == pytest.approx(6, abs=1)
    assert job.snapshot.expected_seconds >= first


def test_a_look_that_is_refused_for_now_is_repeated_no_sooner_than_asked(runner, service, clock):
    real, times = service.get, []

    async def get(request_id):
        times.append(clock.time())
        if len(times) == 1:
            busy = RateLimited("busy", http_status=429)
            busy.retry_after = 90.0
            raise busy
        return await real(request_id)

    service.get = get
    submit(runner).result(20)
    assert times[1] - times[0] >= 90


# Many at once ----------------------------------------------------------------------------------------


class CountingHost:
    """Accepts and fails everything once its gate is open; knows how many calls were under way at once."""

    def __init__(self):
        self.gate = threading.Event()
        self.now = self.most = self.creates = 0
        self._lock = threading.Lock()
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                host.answer(self, create=True)

            def do_GET(self):
                host.answer(self, create=False)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request, create):
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.creates += create
            number = self.creates
        self.gate.wait(30)
        name = f"req_{number}" if create else request.path.rpartition("/")[2]
        status = "queued" if create else "failed"
        body = json.dumps({"success": True, "requestId": name, "status": status, "creditsCharged": 1}).encode()
        with self._lock:
            self.now -= 1
        with contextlib.suppress(OSError):
            request.send_response(200)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.mark.parametrize("most", [1, 4])
def test_no_more_calls_are_under_way_than_allowed(tmp_path, most):
    host = CountingHost()
    with Session(api_key="k", base_url=host.url, home=tmp_path, concurrency=most, poll_floor=0.02) as session:
        jobs = [session.submit(f"a boat {number}") for number in range(10)]
        assert until(lambda: host.now == most)
        time.sleep(0.1)  # time for one too many
        host.gate.set()
        assert until(lambda: all(job.done() for job in jobs), 30)
    host.close()
    assert (host.most, host.creates) == (most, 10)
    assert {job.status for job in jobs} == {"failed"}


def test_two_hundred_jobs_are_each_bought_once_by_a_handful_of_threads(tmp_path):
    with Simulator(pace=Pace(0.05, 0.05, 0)) as simulator:
        options = {"base_url": simulator.base_url, "home": tmp_path, "poll_floor": 0.05, "poll_ceiling": 0.5}
        with Session(api_key="k", **options) as session:
            before = threading.active_count()
            most = 0
            jobs = [session.submit(f"boat {number} [fail]") for number in range(200)]
            while not all(job.done() for job in jobs):
                most = max(most, threading.active_count())
                time.sleep(0.02)
            assert {job.status for job in jobs} == {"failed"}
            assert simulator.calls["create"] == 200
            assert len({job.request_id for job in jobs}) == 200
            assert 1 <= most - before <= 5


def test_a_job_that_is_over_is_held_by_nobody_but_its_user(runner):
    jobs = [submit(runner, f"boat {number} [fail]") for number in range(50)]
    assert until(lambda: all(job.done() for job in jobs))
    assert until(lambda: not runner._followed and not runner.background._tasks)
    traces = [weakref.ref(job) for job in jobs]
    jobs.clear()
    gc.collect()
    assert [trace for trace in traces if trace() is not None] == []


def test_the_same_intention_many_times_at_once_is_bought_once(runner, service):
    jobs = [submit(runner) for _ in range(30)]
    clips = {job.result(20) for job in jobs}
    assert (len(clips), len(service.accepted)) == (1, 1)
    assert sorted(job.reused for job in jobs) == [False] + [True] * 29


def test_a_service_that_is_busy_for_one_job_gets_no_creates_of_others_meanwhile(runner, service, clock):
    busy = RateLimited("busy", http_status=429)
    busy.retry_after = 120.0
    service.refusals = [busy]
    tried, real = [], service.create

    async def create(request):
        tried.append(clock.time())
        return await real(request)

    service.create = create
    service.gate.clear()
    first = submit(runner, "boat 0 [fail]")
    assert until(lambda: tried)
    service.gate.set()
    assert until(lambda: "busy" in (first.snapshot.trouble or "") or first.done())
    others = [submit(runner, f"boat {number} [fail]") for number in range(1, 5)]
    assert until(lambda: all(job.done() for job in [first, *others]))
    assert min(tried[1:]) - tried[0] >= 120
    assert len(service.accepted) == 5


def test_a_service_that_stays_busy_is_given_up_and_nothing_is_charged(runner, service):
    service.refusals = [RateLimited("busy", http_status=429) for _ in range(50)]
    job = submit(runner)
    with pytest.raises(RateLimited, match=r"; run it again later$"):
        job.result(20)
    assert (job.status, job.credits, 50 - len(service.refusals)) == ("rejected", 0, 6)


def test_a_service_that_cannot_be_reached_is_tried_a_few_times(runner, service):
    service.refusals = [ConnectionFailed("no route; nothing was submitted") for _ in range(50)]
    job = submit(runner)
    with pytest.raises(ConnectionFailed):
        job.result(20)
    assert (job.status, job.credits, 50 - len(service.refusals)) == ("rejected", 0, 6)


def busy(retry_after=None):
    error = RateLimited("busy", http_status=429)
    error.retry_after = retry_after
    return error


def tries_of(service, clock):
    """When each create was tried."""
    tried, real = [], service.create

    async def create(request):
        tried.append(clock.time())
        return await real(request)

    service.create = create
    return tried


def test_a_service_that_says_to_come_back_at_once_is_asked_with_growing_pauses_and_a_few_times_only(
    runner, service, clock
):
    tried = tries_of(service, clock)
    service.refusals = [busy(0.0) for _ in range(50)]

    job = submit(runner)
    with pytest.raises(RateLimited):
        job.result(20)

    pauses = [b - a for a, b in itertools.pairwise(tried)]
    assert (job.status, job.credits, len(tried)) == ("rejected", 0, 6)
    for pause, usual in zip(pauses, [1, 2, 4, 8, 16], strict=True):
        assert 0.75 * usual <= pause <= 1.25 * usual + 1


def test_while_another_video_is_made_a_busy_service_is_asked_for_longer_but_not_for_ever(runner, service, clock):
    service.render = 1e9
    first = submit(runner, "the one that is made")
    assert until(lambda: first.request_id)
    tried = tries_of(service, clock)
    service.refusals = [busy(0.0) for _ in range(500)]

    job = submit(runner, "the one that waits")
    with pytest.raises(RateLimited):
        job.result(20)

    assert (job.status, job.credits, len(tried)) == ("rejected", 0, 30)
    assert not first.done()
    assert min(b - a for a, b in itertools.pairwise(tried)) >= 0.75
    assert tried[-1] - tried[0] > 600


def test_a_look_that_is_told_to_wait_is_told_so_for_all(runner, service, clock):
    real, looks = service.get, []

    async def get(request_id):
        looks.append(clock.time())
        if len(looks) == 3:
            raise busy(90.0)
        return await real(request_id)

    service.get = get
    jobs = [submit(runner, f"boat {number}") for number in range(3)]
    assert until(lambda: all(job.done() for job in jobs))
    after = [at for at in looks[3:] if at < looks[2] + 90]
    assert after == []


A_DAY = 86_400.0
LONGEST = 40.0


@pytest.fixture
def patient(tmp_path, service, clock):
    """A runner that leaves nothing alone for longer than LONGEST, and looks at most every five seconds."""
    running = make_runner(tmp_path, service, clock, longest_pause=LONGEST, poll_floor=5.0)
    yield running
    running.close()


def server_error(retry_after):
    error = ServerError("HTTP 503", http_status=503)
    error.retry_after = retry_after
    return error


def failing_at_first(service, clock, call, *errors):
    """The call ends in these errors, then as it does; when it was tried."""
    tried, real, errors = [], getattr(service, call), list(errors)

    async def answer(asked):
        tried.append(clock.time())
        if errors:
            raise errors.pop(0)
        return await real(asked)

    setattr(service, call, answer)
    return tried


@pytest.mark.parametrize("kind", [busy, server_error])
def test_a_look_is_not_put_off_for_a_day(patient, service, clock, kind):
    tried = failing_at_first(service, clock, "get", *[kind(A_DAY) for _ in range(3)])

    submit(patient).result(20)

    pauses = [later - earlier for earlier, later in itertools.pairwise(tried[:4])]
    assert all(LONGEST <= pause <= LONGEST + 1 for pause in pauses)


@pytest.mark.parametrize("kind", [busy, server_error])
def test_a_look_after_trouble_keeps_the_floor_whatever_the_service_asks_for(patient, service, clock, kind):
    tried = failing_at_first(service, clock, "get", *[kind(0.0) for _ in range(5)])

    submit(patient).result(20)

    assert min(later - earlier for earlier, later in itertools.pairwise(tried[:6])) >= 5.0


def test_a_create_is_not_put_off_for_a_day(patient, service, clock):
    tried = failing_at_first(service, clock, "create", busy(A_DAY), busy(A_DAY))

    submit(patient).result(20)

    assert len(service.accepted) == 1
    assert all(LONGEST <= later - earlier <= LONGEST + 1 for earlier, later in itertools.pairwise(tried))


@pytest.mark.parametrize("kind", [busy, server_error])
def test_a_cancel_is_not_put_off_for_a_day(patient, service, clock, kind):
    service.render = 1e9
    job = submit(patient)
    assert until(lambda: job.request_id)
    tried = failing_at_first(service, clock, "cancel", kind(A_DAY))

    job.cancel()
    with pytest.raises(GenerationCancelled):
        job.result(20)

    assert len(tried) == 2
    assert LONGEST <= tried[1] - tried[0] <= 3 * LONGEST  # it goes out with the next look


def test_a_cancel_is_asked_again_after_our_own_pause_where_the_service_says_at_once(tmp_path, service, clock):
    service.render = 1e9
    runner = make_runner(tmp_path, service, clock, pause_after_trouble=20.0, longest_pause=LONGEST)
    try:
        job = submit(runner)
        assert until(lambda: job.request_id)
        tried = failing_at_first(service, clock, "cancel", busy(0.0), busy(0.0))
        job.cancel()
        with pytest.raises(GenerationCancelled):
            job.result(20)
    finally:
        runner.close()
    assert len(tried) == 3
    assert min(later - earlier for earlier, later in itertools.pairwise(tried)) >= 0.75 * 20


@pytest.mark.parametrize("asked", [0.0, 4.0, None])
def test_a_cancel_that_is_refused_for_now_is_asked_again_with_pauses(runner, service, clock, asked):
    service.render = 1e9
    job = submit(runner)
    assert until(lambda: job.request_id)
    real, asked_at = service.cancel, []

    async def cancel(request_id):
        asked_at.append(clock.time())
        if len(asked_at) < 4:
            raise busy(asked)
        await real(request_id)

    service.cancel = cancel
    job.cancel()

    with pytest.raises(GenerationCancelled):
        job.result(20)
    assert len(asked_at) == 4
    assert min(b - a for a, b in itertools.pairwise(asked_at)) >= max(asked or 0.0, 0.75)


def test_a_cancel_that_is_refused_for_ever_is_not_asked_for_ever(runner, service):
    service.render = 3600.0
    job = submit(runner)
    assert until(lambda: job.request_id)
    asked = []

    async def cancel(request_id):
        asked.append(request_id)
        raise busy(0.0)

    service.cancel = cancel
    job.cancel()

    assert job.result(20)
    assert len(asked) == 6


def test_over_the_budget_nothing_is_sent_and_the_job_says_so(runner, service):
    job = submit(runner, max_credits=39)
    with pytest.raises(BudgetExceeded):
        job.result(20)
    assert (job.status, job.credits, service.accepted) == ("rejected", 0, [])


# Waiting and acting ----------------------------------------------------------------------------------


def test_a_wait_that_ran_out_leaves_the_job_going(steady):
    runner, service = steady()
    job = submit(runner)
    with pytest.raises(WaitTimeout) as caught:
        job.result(0.1)
    assert isinstance(caught.value, TimeoutError)
    assert until(lambda: service.looks)
    looks = len(service.looks["req_0"])
    assert until(lambda: len(service.looks["req_0"]) > looks)
    assert not job.done()


def test_waiting_inside_the_background_thread_is_refused(steady):
    runner, _ = steady()
    job = submit(runner)
    errors = []

    def wait_here():
        try:
            job.result()
        except RuntimeError as error:
            errors.append(str(error))

    runner.background.post(wait_here)
    assert until(lambda: errors)
    assert "add_done_callback" in errors[0]


def test_a_job_can_be_awaited(runner):
    async def run():
        return await submit(runner)

    assert asyncio.run(run()).width == 854


def test_cancelling_an_await_leaves_the_job_running(steady):
    runner, service = steady()
    job = submit(runner)

    async def run():
        async def wait():
            await job

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
    assert until(lambda: service.looks)
    looks = len(service.looks["req_0"])
    assert until(lambda: len(service.looks["req_0"]) > looks)
    assert (job.done(), service.cancelled) == (False, [])


def test_only_cancel_cancels_and_the_following_look_tells(steady):
    runner, service = steady()
    job = submit(runner)
    assert until(lambda: service.looks)
    job.cancel()
    with pytest.raises(GenerationCancelled):
        job.result(20)
    assert (job.status, service.cancelled) == ("cancelled", ["req_0"])


def test_a_cancel_that_lost_the_race_still_brings_the_video(runner, service):
    service.script = ["processing", "processing", "succeeded"]
    service.gate.clear()
    job = submit(runner)
    job.subscribe(lambda s: job.cancel() if s.status is Status.PROCESSING and not s.cancel_requested else None)
    service.gate.set()
    assert job.result(20).width == 854
    assert service.cancelled == ["req_0"]


def test_downloading_again_from_a_done_callback_fetches_the_clip_without_a_create(runner, service, small_film):
    service.film = b""
    job = submit(runner)
    with pytest.raises(ClipError, match="paid for and kept"):
        job.result(20)
    service.film = small_film.read_bytes()
    job.add_done_callback(lambda done: done.download_again())
    assert job.result(20).width == 854
    assert len(service.accepted) == 1


def test_downloading_again_right_in_the_end_of_the_first_try_is_not_lost(runner, service, small_film):
    service.film = b""
    service.gate.clear()
    job = submit(runner)

    def again(done):
        service.film = small_film.read_bytes()
        done.download_again()

    job.add_done_callback(again)
    service.gate.set()
    assert until(lambda: job.clip)
    assert job.result(20).width == 854


def test_a_job_asked_for_again_right_in_the_end_of_its_failure_is_not_the_failed_one(runner, service, ledger):
    service.film = b""
    service.gate.clear()
    job = submit(runner)
    found = []

    def ask(done):
        record = dataclasses.replace(ledger.find(done.key), status=Status.SUCCEEDED)
        found.append(runner.job_of(record, wanted=True))

    job.add_done_callback(ask)
    service.gate.set()
    with pytest.raises(ClipError, match="paid for and kept"):
        job.result(20)
    assert until(lambda: found)
    assert not found[0].done()
    assert found[0].error is None


def test_a_failed_job_ends_with_the_services_reason(runner):
    job = submit(runner, "a boat [fail]")
    with pytest.raises(GenerationFailed, match="no luck"):
        job.result(20)


# The end ---------------------------------------------------------------------------------------------


def test_close_frees_who_waits_at_once_and_leaves_the_job_to_the_service(steady, ledger):
    runner, service = steady()
    jobs = [submit(runner, f"boat {number}") for number in range(5)]
    assert until(lambda: len(service.looks) == 5)
    waiter = threading.Thread(target=lambda: jobs[0].wait_in_slices(None))
    waiter.start()
    began = time.monotonic()
    assert (runner.close(), runner.close()) == (True, True)
    waiter.join(60)
    assert time.monotonic() - began < 30
    assert (waiter.is_alive(), [job.done() for job in jobs], service.cancelled) == (False, [True] * 5, [])
    with pytest.raises(ClipError, match="it goes on at the service: %seedance attach req_"):
        jobs[0].result()
    assert len(ledger.unfinished("mine")) == 5


def test_close_waits_a_moment_for_the_answer_of_a_create_in_the_air(steady, ledger):
    runner, service = steady(queue=3600)
    service.gate.clear()
    submit(runner)
    assert until(lambda: runner._tools.creates_in_the_air == 1)
    threading.Timer(0.2, service.gate.set).start()
    runner.close()
    assert [(row.status, row.request_id) for row in ledger.jobs()] == [("queued", "req_0")]


def test_close_does_not_wait_for_ever_for_a_create_and_calls_it_unknown(steady, ledger):
    runner, service = steady()
    service.gate.clear()
    job = submit(runner)
    assert until(lambda: runner._tools.creates_in_the_air == 1)
    began = time.monotonic()
    runner.close(patience=0.2)
    assert time.monotonic() - began < 30
    assert (job.status, ledger.jobs()[0].status) == ("unknown", "unknown")


def test_a_closed_runner_is_no_owner_any_more(steady):
    runner, _ = steady()
    mine = runner._tools.owner
    before = mine in LIVE_HERE
    runner.close()
    assert (before, mine in LIVE_HERE) == (True, False)


def test_another_runner_finds_the_jobs_of_a_closed_one(steady, tmp_path, clock, service, ledger):
    runner, first = steady()
    job = submit(runner)
    assert until(lambda: job.request_id)
    runner.close()
    service.accepted = first.accepted
    service.script = ["succeeded"]
    second = make_runner(tmp_path, service, clock)
    (row,) = ledger.unfinished("mine")
    found = second.job_of(row)
    assert found.result(20).width == 854
    assert (found.key, len(service.accepted)) == (job.key, 1)
    second.close()


def test_new_limits_apply_to_calls_from_now_on(steady):
    runner, service = steady()
    job = submit(runner)
    assert until(lambda: service.looks)
    runner.use_limits(Limits(concurrency=2))
    assert until(lambda: runner._tools.calls._at_once._value <= 2)
    assert (runner.limits.concurrency, job.done()) == (2, False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_submits_with_a_runner_of_its_own_and_the_parents_goes_on(tmp_path):
    code = f"""
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from seedance_nb.tracking.session import Session
from seedance_nb.errors import ClipError, GenerationFailed
from seedance_nb.simulator import Pace, Simulator
with Simulator(pace=Pace(0, 0.05, 0)) as simulator:
    session = Session(api_key="k", base_url=simulator.base_url, home={str(tmp_path)!r}, poll_floor=0.02)
    before = session.submit("before [stuck]")
    while before.request_id is None:
        pass
    child = os.fork()
    if child == 0:
        try:
            session.submit("in the child [fail]").result(20)
        except GenerationFailed:
            try:
                before.result(20)  # whoever followed it is not here
            except ClipError:
                os._exit(7)
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        session.submit("after [fail]").result(20)
    except GenerationFailed:
        pass
    print(code, before.done(), sorted(entry.body["prompt"] for entry in simulator.scenario.accepted))
    session.close()
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, timeout=50
    )
    assert done.stdout.strip() == "7 False ['after [fail]', 'before [stuck]', 'in the child [fail]']"


# A create that another machine has in the air ---------------------------------------------------------


class Jumping(TimeMachine):
    """A clock that says an hour more after the first wait, as after a stop of the process."""

    async def wait(self, event, seconds):
        await super().wait(event, seconds)
        if len(self.waits) == 1:
            self.now += 3600.0


def test_a_create_on_another_machine_is_written_off_after_a_time_that_was_lived(tmp_path, service):
    clock = Jumping()
    runner = make_runner(tmp_path, service, clock)
    row = record("a boat", account="mine", owner="another machine|1|2.00|3", sent_at=clock.now)
    runner.background.ask_ledger(runner.ledger.claim, row, False, lambda: None)
    try:
        job = submit(runner)
        assert until(job.done)
        assert job.status is Status.UNKNOWN
        assert sum(clock.waits) > 2 * runner.limits.create_timeout - 2
        assert service.accepted == []
    finally:
        runner.close()
