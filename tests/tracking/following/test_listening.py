"""Of all who show a job one asks the service, and the others hear of it; whoever stops asking is replaced. Nothing is lost, nothing bought."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from tracking.doubles import until

from seedance_nb.api.models import Status
from seedance_nb.errors import ClipError, GenerationCancelled, GenerationFailed
from seedance_nb.simulator import Fault, film
from seedance_nb.tracking import owner as owners
from seedance_nb.tracking.following import following, listening

SMALL = {"aspect_ratio": "1:1", "resolution": "480p", "duration": 4}
SUBMIT = """
import sys, time
from seedance_nb.tracking.session import Session
session = Session(api_key="k", base_url=sys.argv[1], home=sys.argv[2], poll_floor=0.02, poll_ceiling=0.1)
jobs = [session.submit(f"boat {n}", aspect_ratio="1:1", resolution="480p", duration=4) for n in range(int(sys.argv[3]))]
while not all(job.request_id for job in jobs):
    time.sleep(0.02)
print("accepted", flush=True)
time.sleep(600)
"""


@pytest.fixture
def made(small_film, monkeypatch, simulator):
    """No video is made before this event is set."""
    event = threading.Event()

    def render(path, **about):
        event.wait()
        shutil.copy(small_film, path.with_suffix(".copying"))
        path.with_suffix(".copying").replace(path)

    monkeypatch.setattr(film, "render", render)
    yield event
    event.set()


@pytest.fixture
def first_process(simulator, tmp_path):
    """Submits in a process of its own, and asks the service until it is killed."""
    started = []

    def start(count):
        command = [sys.executable, "-c", SUBMIT, simulator.base_url, str(tmp_path), str(count)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "accepted\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def shown(session, count=None):
    """The jobs of the ledger as another notebook shows them, heard and not asked for."""
    jobs = session.resume()
    assert count is None or len(jobs) == count
    return jobs


def listens(job):
    return job.snapshot.note == listening.LISTENS


def has_looked(job):
    return job.snapshot.last_contact_at is not None


def test_of_eight_who_show_the_same_forty_jobs_one_asks(make_session, simulator, made):
    first = make_session()
    jobs = [first.submit(f"boat {n}", **SMALL) for n in range(40)]
    assert until(lambda: all(job.status is Status.PROCESSING for job in jobs))
    others = [shown(make_session(), 40) for _ in range(7)]
    assert until(lambda: all(map(listens, [job for those in others for job in those])))
    made.set()
    for those in [jobs, *others]:
        assert len({job.result(60).sha256 for job in those}) == 1
    assert not any(has_looked(job) for those in others for job in those)
    assert (simulator.calls["create"], simulator.calls["download"]) == (40, 40)


def test_what_is_heard_is_what_was_seen(make_session, made):
    first, second = make_session(), make_session()
    job = first.submit("a boat [fail]", **SMALL)
    [heard] = shown(second, 1)
    with pytest.raises(GenerationFailed) as one:
        job.result(60)
    with pytest.raises(GenerationFailed) as other:
        heard.result(60)
    assert (str(one.value), job.status, job.credits) == (str(other.value), heard.status, heard.credits)
    assert heard.snapshot.note is None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_when_the_one_who_asks_is_gone_another_takes_over(make_session, simulator, made, first_process, how):
    process = first_process(3)
    jobs = shown(make_session(), 3)
    assert until(lambda: all(map(listens, jobs)))
    os.kill(process.pid, how)
    assert until(lambda: all(map(has_looked, jobs)))
    made.set()
    for job in jobs:
        job.result(60)
    assert simulator.calls["create"] == 3


def test_when_the_one_who_asks_is_closed_exactly_one_of_the_others_takes_over(make_session, made):
    first = make_session()
    first.submit("a boat", **SMALL)
    others = [shown(make_session(), 1)[0] for _ in range(4)]
    assert until(lambda: all(map(listens, others)))
    first.close()
    assert until(lambda: any(map(has_looked, others)))
    made.set()
    for job in others:
        job.result(60)
    assert sum(map(has_looked, others)) == 1


def test_who_listens_can_cancel(make_session, simulator, made):
    first, second = make_session(), make_session()
    job = first.submit("a boat [stuck]", **SMALL)
    [heard] = shown(second, 1)
    assert until(lambda: listens(heard))
    heard.cancel()
    for one in (heard, job):
        with pytest.raises(GenerationCancelled):
            one.result(60)
    assert simulator.calls["cancel"] == 1


def test_whose_key_is_refused_leaves_the_asking_to_others(make_session, simulator, made):
    first, second = make_session(), make_session()
    job = first.submit("a boat", **SMALL)
    [heard] = shown(second, 1)
    assert until(lambda: listens(heard))
    simulator.add_fault(Fault("get", "status", http_status=401, times=1))
    assert until(lambda: "the key was refused" in (job.snapshot.trouble or "") and has_looked(heard))
    made.set()
    heard.result(60)


def test_a_file_that_the_one_who_asked_has_fetched_and_is_gone_is_fetched_again(make_session, simulator, monkeypatch):
    first = make_session()
    job = first.submit("a boat", **SMALL)
    job.result(60).path.unlink()
    second = make_session()
    assert second.submit("a boat", **SMALL).result(60).path.exists()
    assert simulator.calls["create"] == 1


def test_a_file_that_one_has_given_up_is_fetched_by_whoever_asks_for_it(make_session, simulator, monkeypatch):
    monkeypatch.setattr(following, "DOWNLOAD_TRIES", 1)
    first, second = make_session(), make_session()
    simulator.add_fault(Fault("download", "status", http_status=410, times=None))
    job = first.submit("a boat", **SMALL)
    with pytest.raises(ClipError, match="could not be downloaded"):
        job.result(60)
    simulator.clear_faults()
    [known] = second.jobs()
    known.download_again()
    assert known.result(60).path.exists()


def test_two_who_want_a_forgotten_file_back_both_get_it(make_session, simulator):
    first, second = make_session(), make_session()
    job = first.submit("a boat", **SMALL)
    job.result(60)
    first.forget(job)
    simulator.add_fault(Fault("download", "status", http_status=503, times=None))
    [one], [other] = first.jobs(), second.jobs()
    one.download_again()
    assert until(lambda: "not fetched yet" in (one.snapshot.trouble or ""))
    other.download_again()
    assert until(lambda: has_looked(other))
    simulator.clear_faults()
    assert one.result(60).path.exists()
    assert other.result(60).path.exists()


def test_after_long_silence_one_asks_for_oneself(make_session, made, monkeypatch):
    monkeypatch.setattr(listening, "SILENT_SECONDS", 0.5)
    first, second = make_session(), make_session()
    first.submit("a boat", **SMALL)
    [heard] = shown(second, 1)
    assert until(lambda: has_looked(heard))


def test_an_owner_is_at_work_while_its_process_lives_and_is_not_stopped(first_process):
    process = first_process(0)
    owner = f"{owners._machine()}|{process.pid}|{owners._started(process.pid):.2f}|x"
    assert owners.is_at_work(owner)
    os.kill(process.pid, signal.SIGSTOP)
    assert until(lambda: not owners.is_at_work(owner))
    assert owners.is_alive(owner)
    os.kill(process.pid, signal.SIGCONT)
    assert until(lambda: owners.is_at_work(owner))
    process.kill()
    process.wait()
    assert not owners.is_at_work(owner)
    assert not owners.is_at_work("elsewhere|1|2.00|x")
    assert not owners.is_at_work(None)


def test_to_open_what_another_one_makes_is_to_read_and_not_to_write(first_process, made, make_session, monkeypatch):
    first_process(3)
    session = make_session()
    written = []
    monkeypatch.setattr(session.engine.runner.ledger, "revise", lambda *said: written.append(said))
    jobs = shown(session, 3)
    assert until(lambda: all(map(listens, jobs)))
    assert written == []
