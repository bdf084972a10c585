"""A service that changes its verdict: card and ledger say the same, nothing is bought again, nothing is resumed for ever.

The rule: once a file is there the first verdict stands; until then the newest one counts.
"""

import shutil

import pytest
from promises.stage import PACE, accepted, session_at, settled, submit, until
from tracking.doubles import Service, make_runner
from tracking.doubles import submit as submit_below

from seedance_nb.api.models import Status
from seedance_nb.errors import GenerationCancelled, GenerationFailed
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.tracking.following import following
from seedance_nb.tracking.following.followed import Clock
from seedance_nb.tracking.ledger.ledger import Ledger

NO_FILE = Fault("download", "status", None, http_status=404)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.05)


def says(word, times=None):
    body = {"success": True, "status": word, "error": "a late no" if word == "failed" else None}
    return Fault("get", "status", times, http_status=200, body=body)


def row_of(home, job):
    ledger = Ledger(home / "ledger.sqlite3")
    try:
        return ledger.find(job.key)
    finally:
        ledger.close()


@pytest.fixture
def succeeded_without_file(tmp_path):
    """(simulator, session, job): it is made, its file does not come."""
    with Simulator(pace=PACE, faults=[NO_FILE]) as simulator, session_at(simulator.base_url, tmp_path) as session:
        job = submit(session)
        until(lambda: job.status is Status.SUCCEEDED)
        yield simulator, session, job


@pytest.mark.parametrize(("word", "kind"), [("failed", GenerationFailed), ("cancelled", GenerationCancelled)])
def test_a_later_no_counts_while_there_is_no_file_and_both_words_are_told(word, kind, succeeded_without_file, tmp_path):
    simulator, _session, job = succeeded_without_file
    simulator.add_fault(says(word))

    settled(job)
    until(lambda: job.status == word)

    row = row_of(tmp_path, job)
    assert type(job.error) is kind
    assert row.error == str(job.error)
    assert "said that this video succeeded, and before its file was here that it" in str(job.error)
    assert ("a late no" in str(job.error)) == (word == "failed")
    assert (row.status, row.status_text, job.status_text) == (word, word, word)
    with session_at(simulator.base_url, tmp_path) as next_kernel:
        assert next_kernel.resume() == []
    assert accepted(simulator) == 1


@pytest.mark.parametrize("fault", [says("queued"), says("processing"), Fault("get", "not_found", None)])
def test_no_verdict_takes_a_success_back(fault, succeeded_without_file, tmp_path):
    simulator, _session, job = succeeded_without_file
    simulator.add_fault(fault)
    looks = simulator.calls["get"]
    until(lambda: simulator.calls["get"] > looks + 2 or job.done())

    assert (job.status, job.status_text) == ("succeeded", "succeeded")
    assert (row_of(tmp_path, job).status, row_of(tmp_path, job).status_text) == ("succeeded", "succeeded")

    simulator.clear_faults()
    job.download_again()
    assert job.result(60)
    assert accepted(simulator) == 1


def test_a_success_without_an_address_that_becomes_a_failure_tells_both(tmp_path):
    faults = [Fault("get", "no_url", 2), Fault("get", "status", None, after=10_000, http_status=200)]
    with Simulator(pace=PACE, faults=faults) as simulator, session_at(simulator.base_url, tmp_path) as session:
        job = submit(session)
        until(lambda: "waiting for the address" in (job.snapshot.note or "") or job.status is Status.SUCCEEDED)
        simulator.clear_faults()
        simulator.add_fault(NO_FILE)
        simulator.add_fault(says("failed"))

        assert settled(job).status is Status.FAILED
        assert "said that this video succeeded" in str(job.error)
        assert row_of(tmp_path, job).status is Status.FAILED


@pytest.mark.parametrize("word", ["failed", "cancelled"])
def test_a_video_that_was_made_all_the_same_is_fetched_when_it_is_attached(word, tmp_path):
    with Simulator(pace=PACE, faults=[says(word, 1)]) as simulator, session_at(simulator.base_url, tmp_path) as session:
        job = settled(submit(session))
        assert job.status == word

        again = session.attach(job.request_id)

        assert again.result(60).path.exists()
        row = row_of(tmp_path, job)
        assert (row.status, row.error, again.status) == ("succeeded", None, "succeeded")
        assert submit(session).result(60) == again.clip
        assert accepted(simulator) == 1


def test_what_failed_stays_failed_when_it_is_attached_and_the_service_says_so_again_or_nothing(tmp_path):
    with Simulator(pace=PACE) as simulator, session_at(simulator.base_url, tmp_path) as session:
        job = settled(submit(session, "a boat [fail]"))
        assert session.attach(job.request_id).status is Status.FAILED
        simulator.add_fault(Fault("get", "status", None, http_status=500))
        assert session.attach(job.request_id).status is Status.FAILED


def test_a_video_that_was_made_all_the_same_gets_a_take_of_its_own_where_it_was_bought_again(tmp_path):
    with (
        Simulator(pace=PACE, faults=[says("failed", 1)]) as simulator,
        session_at(simulator.base_url, tmp_path) as session,
    ):
        first = settled(submit(session))
        second = submit(session)
        assert second.result(60)

        again = session.attach(first.request_id)

        assert again.result(60).path != second.clip.path
        assert (again.take, second.take, accepted(simulator)) == (2, 1, 2)
        assert [submit(session, take=take).result(60) for take in (1, 2)] == [second.clip, again.clip]
        assert accepted(simulator) == 2


def another_notebook(folder):
    return Ledger(folder / "ledger.sqlite3")


def test_once_another_notebook_has_the_file_a_later_no_counts_for_nothing(tmp_path, one_film):
    clock = Clock()
    service = Service(clock, script=["processing"])
    runner = make_runner(tmp_path, service, clock, poll_floor=0.02, poll_ceiling=0.05)
    try:
        job = submit_below(runner)
        until(lambda: job.request_id)
        clips = runner._tools.clips
        part = clips.arriving(job.key).part
        shutil.copy(one_film, part)
        facts = clips.facts(clips.admit(job.key, part))
        other = another_notebook(tmp_path)
        other.save(job.key, {"status": Status.SUCCEEDED, "status_text": "succeeded", "clip": facts, "finished_at": 5.0})
        other.close()
        service.script = ["failed"]

        assert job.result(60).path.exists()
        assert (job.status, job.error, row_of(tmp_path, job).status) == ("succeeded", None, "succeeded")
    finally:
        runner.close()


def test_a_file_that_comes_after_another_notebook_heard_a_no_makes_it_a_success(tmp_path, one_film):
    clock = Clock()
    service = Service(clock, script=["processing"], film=one_film.read_bytes())
    runner = make_runner(tmp_path, service, clock, poll_floor=0.02, poll_ceiling=0.05)
    try:
        job = submit_below(runner)
        until(lambda: job.status is Status.PROCESSING)
        other = another_notebook(tmp_path)
        other.save(job.key, {"status": Status.CANCELLED, "status_text": "cancelled", "error": "no", "error_kind": "x"})
        other.close()
        service.script = ["succeeded"]

        assert job.result(60).path.exists()
        row = row_of(tmp_path, job)
        assert (row.status, row.status_text, row.error) == ("succeeded", "succeeded", None)
        assert row.clip is not None
    finally:
        runner.close()


def test_a_no_that_another_notebook_hears_while_the_file_comes_counts_for_nothing(tmp_path, one_film):
    service = Service(Clock(), script=["succeeded"], film=one_film.read_bytes())
    runner = make_runner(tmp_path, service, service.clock, poll_floor=0.02, poll_ceiling=0.05)
    video = service.video

    def watched(*arguments, **options):
        other = another_notebook(tmp_path)
        other.save(job.key, {"status": Status.FAILED, "status_text": "failed", "error": "no", "error_kind": "x"})
        other.close()
        return video(*arguments, **options)

    service.video = watched
    service.gate.clear()
    try:
        job = submit_below(runner)
        service.gate.set()
        assert job.result(60).path.exists()
        until(lambda: row_of(tmp_path, job).clip is not None)
        row = row_of(tmp_path, job)
        assert (row.status, row.status_text, row.error, job.status) == ("succeeded", "succeeded", None, "succeeded")
    finally:
        runner.close()
