"""A paid file is fetched for as long as its job lives: growing pauses, said on the card, from a fresh address, without a hand."""

import asyncio
import contextlib
import resource
import shutil
import socket
import threading

import pytest
from promises.stage import PACE, accepted, parts_in, session_at, settled, submit, until
from tracking.doubles import VideoHost

from seedance_nb.api.addresses import PassingTrouble
from seedance_nb.api.models import Status
from seedance_nb.errors import WaitTimeout
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.tracking.following import following, polling
from seedance_nb.tracking.ledger.ledger import Ledger

LONG_AGO = 12
"""Tries after which it used to be given up, twice."""
real_look_up = socket.getaddrinfo


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(polling, "LONGEST_AFTER_TROUBLE", 0.05)


@pytest.fixture
def pauses(monkeypatch):
    """How often a download has been waited with so far."""
    counted = []
    pause = following.pause_before_next_try

    async def count(followed, error, failed):
        counted.append(str(error))
        await pause(followed, error, failed)

    monkeypatch.setattr(following, "pause_before_next_try", count)
    return counted


def forever(kind, **fields):
    @contextlib.contextmanager
    def trouble(simulator, home):
        simulator.add_fault(Fault("download", kind, None, **fields))
        yield
        simulator.clear_faults()

    trouble.__name__ = f"{kind} {fields.get('http_status', '')}"
    return trouble


@contextlib.contextmanager
def no_name(simulator, home):
    """The name of the video host cannot be looked up, and the address is another one when it can be again."""
    simulator.add_fault(Fault("get", "bad_url", None, body="http://films.invalid/old.mp4"))
    yield
    simulator.clear_faults()


@contextlib.contextmanager
def no_line(simulator, home):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    simulator.add_fault(Fault("get", "bad_url", None, body=f"http://127.0.0.1:{port}/film.mp4"))
    yield
    simulator.clear_faults()


@contextlib.contextmanager
def no_folder(simulator, home):
    """What should be the folder of clips is a file."""
    until(lambda: simulator.calls["create"])
    shutil.rmtree(home / "clips", ignore_errors=True)
    (home / "clips").write_text("in the way")
    yield
    (home / "clips").unlink()


@contextlib.contextmanager
def no_room(simulator, home):
    """No file may grow beyond 100,000 bytes: the film is larger, and the service has it already."""
    until(lambda: simulator.scenario.accepted)
    until(lambda: simulator.scenario.status(simulator.scenario.accepted[0].request_id) is Status.SUCCEEDED)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    simulator.clear_faults()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


PASSING = {
    no_name: "films.invalid cannot be found",
    no_line: "did not answer",
    forever("status", http_status=500): "HTTP 500",
    forever("status", http_status=503, headers={"Retry-After": "0"}): "HTTP 503",
    forever("status", http_status=429): "HTTP 429",
    forever("drop_before"): "did not answer",
    forever("reset_after"): "did not answer",
    no_folder: "could not be written",
    no_room: "could not be written",
}


@pytest.mark.parametrize("trouble", PASSING, ids=lambda trouble: trouble.__name__)
def test_what_passes_is_waited_out_visibly_and_then_the_file_comes_by_itself(trouble, tmp_path, told, pauses, one_film):
    slow = [Fault("create", "delay", None, seconds=0.3)]  # so that the trouble is there first
    if trouble is no_room:
        slow = [Fault("get", "status", None, http_status=503)]
    with Simulator(pace=PACE, faults=slow) as simulator, session_at(simulator.base_url, tmp_path) as session:
        job = submit(session)
        with trouble(simulator, tmp_path):
            until(lambda: len(pauses) > LONG_AGO)
            assert (job.status, job.done(), job.error, job.clip) == (Status.SUCCEEDED, False, None, None)
            assert all(PASSING[trouble] in pause for pause in pauses)
            assert PASSING[trouble] in job.snapshot.trouble
            assert "made and paid for, but not fetched yet" in job.snapshot.trouble
            assert any("the file is fetched again at " in (snapshot.note or "") for snapshot in told)
            with pytest.raises(WaitTimeout, match=r"no clip within 0\.05 s") as caught:
                job.result(0.05)
            assert PASSING[trouble] in str(caught.value)

        assert job.result(60).bytes() == one_film.read_bytes()

        assert (job.snapshot.trouble, job.snapshot.note) == (None, None)
        assert simulator.calls["get"] > LONG_AGO  # each try asked for a fresh address
        assert (accepted(simulator), simulator.calls["create"]) == (1, 1)
        assert parts_in(tmp_path) == []


def test_the_pauses_grow_up_to_a_minute_and_what_the_host_asks_for_counts(monkeypatch):
    monkeypatch.undo()
    waited = []

    class Followed:
        class tools:
            class limits:
                longest_pause = 300.0

            class clock:
                time = staticmethod(lambda: 0.0)

        def tell(self, **_):
            pass

        async def pause(self, seconds):
            waited.append(seconds)

    busy, for_a_day = PassingTrouble("busy"), PassingTrouble("busy")
    busy.retry_after, for_a_day.retry_after = 100.0, 86_400.0
    for failed in range(1, 60):
        asyncio.run(following.pause_before_next_try(Followed(), PassingTrouble("gone"), failed))
    asyncio.run(following.pause_before_next_try(Followed(), busy, 1))

    assert waited[0] < 1.2
    assert all(40 < seconds <= 75 for seconds in waited[20:-1])
    assert (
        len({round(seconds, 6) for seconds in waited[20:-1]}) > 10
    )  # a little apart, so that not all come back at once
    assert waited[-1] == 100

    asyncio.run(following.pause_before_next_try(Followed(), for_a_day, 1))
    assert waited[-1] == 300
    Followed.tools.limits.longest_pause = 3.0
    for error in (for_a_day, PassingTrouble("gone")):
        asyncio.run(following.pause_before_next_try(Followed(), error, 30))
    assert waited[-2:] == [3, 3]
    assert following.FIRST_PAUSE == 0.5
    for_a_day.retry_after = 0.0
    asyncio.run(following.pause_before_next_try(Followed(), for_a_day, 1))
    assert 0.5 <= waited[-1] < 1.2


def test_a_host_that_asks_for_a_day_is_asked_again_soon(session_of, one_film):
    faults = [Fault("download", "status", http_status=503, headers={"Retry-After": "86400"})]
    with Simulator(pace=PACE, faults=faults) as simulator:
        assert submit(session_of(simulator)).result(60).bytes() == one_film.read_bytes()


@contextlib.contextmanager
def film_host(film):
    """A host of this film, and a service that names its address."""
    host = VideoHost(film)
    try:
        with Simulator(pace=PACE, faults=[Fault("get", "bad_url", None, body=host.url)]) as simulator:
            yield host, simulator
    finally:
        host.close()


def test_after_a_line_that_broke_only_the_rest_is_fetched(session_of, one_film):
    with film_host(one_film.read_bytes()) as (host, simulator):
        host.stops_after = len(host.data) // 2

        assert submit(session_of(simulator)).result(60).bytes() == host.data

        [first, (wanted, condition)] = host.asked
        assert (first, condition) == ((None, None), '"one"')
        assert 0 < int(wanted.removeprefix("bytes=").removesuffix("-")) <= len(host.data) // 2


def test_busy_answers_in_between_cost_nothing_of_what_has_come(session_of, one_film):
    with film_host(one_film.read_bytes()) as (host, simulator):
        answer = host.answer

        def busy_for_a_while(request):
            host.status = 503 if 1 <= len(host.asked) <= 3 else 200
            answer(request)

        host.answer, host.stops_after = busy_for_a_while, len(host.data) // 2

        assert submit(session_of(simulator)).result(60).bytes() == host.data

        assert [wanted is None for wanted, _ in host.asked] == [True, False, False, False, False]


def test_a_whole_file_that_is_no_video_is_thrown_away_and_fetched_from_its_beginning(session_of, one_film):
    with film_host(one_film.read_bytes()) as (host, simulator):
        answer = host.answer
        film, host.data = host.data, bytes(len(host.data))

        def the_film_later(request):
            answer(request)
            host.data = film

        host.answer = the_film_later

        assert submit(session_of(simulator)).result(60).bytes() == film

        assert host.asked == [(None, None), (None, None)]  # the same ETag and length: only we know that it was wrong


def test_what_came_from_an_address_that_ran_out_is_not_gone_on_with(session_of, one_film):
    with film_host(one_film.read_bytes()) as (host, simulator):
        answer = host.answer

        def gone_once(request):
            host.status = 403 if len(host.asked) == 1 else 200
            answer(request)

        host.answer, host.stops_after = gone_once, len(host.data) // 2

        assert submit(session_of(simulator)).result(60).bytes() == host.data

        assert [wanted is None for wanted, _ in host.asked] == [True, False, True]


def test_a_line_that_breaks_again_and_again_brings_the_file_as_long_as_each_try_brings_more(
    session_of, pauses, one_film
):
    film = one_film.read_bytes()
    piece = len(film) // 15
    host = VideoHost(film)
    answer = host.answer

    def a_piece_at_a_time(request):
        host.stops_after = piece
        answer(request)

    host.answer = a_piece_at_a_time
    try:
        with Simulator(pace=PACE, faults=[Fault("get", "bad_url", None, body=host.url)]) as simulator:
            assert submit(session_of(simulator)).result(60).bytes() == film
        assert len(pauses) > following.DOWNLOAD_TRIES
    finally:
        host.close()


def test_a_file_that_breaks_off_at_the_same_place_every_time_is_given_up_and_kept(session_of, one_film, pauses):
    host = VideoHost(one_film.read_bytes())
    host.etag = None
    answer = host.answer

    def half(request):
        host.stops_after = 50_000
        answer(request)

    host.answer = half
    try:
        with Simulator(pace=PACE, faults=[Fault("get", "bad_url", None, body=host.url)]) as simulator:
            session = session_of(simulator)
            job = settled(submit(session))
            assert "paid for and kept" in str(job.error)
            assert len(host.asked) == following.DOWNLOAD_TRIES

            host.answer = answer
            job.download_again()
            assert job.result(60).bytes() == one_film.read_bytes()
            assert simulator.calls["create"] == 1
    finally:
        host.close()


def test_a_file_that_waits_for_its_host_is_fetched_by_the_next_kernel(tmp_path, pauses):
    with Simulator(pace=PACE, faults=[Fault("download", "status", None, http_status=503)]) as simulator:
        with session_at(simulator.base_url, tmp_path) as session:
            job = submit(session)
            until(lambda: len(pauses) > 2)
        assert parts_in(tmp_path) == []
        with contextlib.closing(Ledger(tmp_path / "ledger.sqlite3")) as ledger:
            assert ledger.jobs()[0].error is None
        simulator.clear_faults()
        with session_at(simulator.base_url, tmp_path) as next_kernel:
            assert [job.request_id for job in next_kernel.resume()] == [job.request_id]
            assert submit(next_kernel).result(60).path.exists()
        assert simulator.calls["create"] == 1


def test_closing_does_not_wait_for_a_pause(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "FIRST_PAUSE", 50.0)
    monkeypatch.setattr(polling, "LONGEST_AFTER_TROUBLE", 50.0)
    with Simulator(pace=PACE, faults=[Fault("download", "status", None, http_status=503)]) as simulator:
        session = session_at(simulator.base_url, tmp_path)
        job = submit(session)
        until(lambda: "fetched again at" in (job.snapshot.note or ""))
        ended = threading.Thread(target=session.close)
        ended.start()
        ended.join(20)
        assert not ended.is_alive()
