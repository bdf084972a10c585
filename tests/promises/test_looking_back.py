"""Stars, notes and forgotten files: kept by the ledger, found again, and nothing is ever bought because of them."""

import pytest
from promises.stage import SMALL, accepted, settled, submit, until

from seedance_nb.errors import ClipError, ClipForgotten, InvalidRequest
from seedance_nb.grids.opening import open_grid
from seedance_nb.pages.job_page import job_html
from seedance_nb.pages.words import plain
from seedance_nb.simulator import Fault
from seedance_nb.tracking.ledger.contract import Wanted


def test_stars_and_notes_outlive_the_process_and_are_found(simulator, session_of):
    first = session_of(simulator)
    boat, plane, other = (settled(submit(first, name)) for name in ("a paper boat", "a plane", "a hen"))
    boat.star()
    plane.note("  the <b>BOAT</b> in the background\nis odd ")
    assert (boat.starred, plane.noted) == (True, "the <b>BOAT</b> in the background\nis odd")
    first.close()

    again = session_of(simulator)

    def found(**wanted):
        return {job.request.prompt for job in again.jobs(**wanted)}

    assert found(starred=True) == {"a paper boat"}
    assert found(starred=False) == {"a plane", "a hen"}
    assert found(text="boat") == {"a paper boat", "a plane"}
    assert found(text="boat", starred=True, status="succeeded") == {"a paper boat"}
    assert found(text="50%") == found(text="boat", status="failed") == set()
    assert found(text=other.request_id) == {"a hen"}
    page = again.ask_ledger(lambda ledger: ledger.browsing.page(Wanted(is_noted=True), 10))
    assert [record.request.prompt for record in page] == ["a plane"]
    job = submit(again, "a plane")
    assert "“the <b>BOAT</b> in the background is odd”" in plain(settled(job).snapshot)
    assert "<b>" not in job_html(job.snapshot, 10**7)
    job.note("")
    settled(submit(again, "a paper boat")).star(False)
    assert found(starred=True) == found(text="background") == set()
    assert accepted(simulator) == 3


def test_a_star_given_while_it_is_made_is_not_lost(simulator, session_of):
    simulator.add_fault(Fault("get", "status", None, http_status=503))
    session = session_of(simulator)
    job = submit(session)
    until(lambda: job.request_id)
    job.star()
    simulator.clear_faults()

    assert settled(job).starred
    assert [one.starred for one in session.jobs()] == [True]


@pytest.mark.parametrize("text", [7, b"x", "x" * 2001, "\ud800", ["x"]])
def test_what_is_no_note_is_refused(session, text):
    job = settled(submit(session))
    with pytest.raises(InvalidRequest):
        job.note(text)
    with pytest.raises(InvalidRequest):
        job.star("no")
    assert (job.noted, job.starred) == (None, False)


# Forgetting --------------------------------------------------------------------------------------------


def forget(session, job):
    session.forget(job)
    return job


def files_of(clip):
    return [path for path in (clip.path, clip.poster) if path is not None and path.exists()]


def test_a_forgotten_file_is_gone_its_record_stays_and_run_all_buys_and_fetches_nothing(simulator, session_of):
    first = session_of(simulator)
    job = settled(submit(first))
    job.star()
    clip, credits_ = job.clip, job.credits
    assert files_of(clip)
    forget(first, job)

    assert (files_of(clip), job.clip, job.credits, job.starred) == ([], None, credits_, True)
    assert isinstance(job.error, ClipForgotten)
    assert "its file forgotten" in plain(job.snapshot)
    assert "forgotten on" in job_html(job.snapshot, 10**7)
    first.close()
    again = session_of(simulator)
    downloads = simulator.calls["download"]
    assert again.resume() == []
    assert again.unfinished() == []
    run = settled(submit(again))
    with pytest.raises(ClipForgotten, match=r"nothing is bought again.*download_again.*--fresh"):
        run.result(30)
    grid = open_grid(again, "a paper boat", **SMALL)
    assert (grid.plan.count("have it"), grid.plan.new) == (1, 0)
    grid.submit()
    assert grid.result(30) == [None]
    assert (accepted(simulator), simulator.calls["download"]) == (1, downloads)


def test_whoever_asks_gets_it_back_without_a_create(simulator, session):
    job = settled(submit(session))
    sha256 = job.clip.sha256
    forget(session, job)
    job.download_again()

    assert until(lambda: job.clip).sha256 == sha256
    assert settled(submit(session)).clip.path.exists()
    assert (accepted(simulator), [one.clip is not None for one in session.jobs()]) == (1, [True])


def test_another_job_that_holds_it_says_so_too_and_fetches_nothing(simulator, session):
    one, other = settled(submit(session)), settled(submit(session))
    downloads = simulator.calls["download"]
    forget(session, one)

    with pytest.raises(ClipForgotten):
        other.result(30)
    assert (accepted(simulator), simulator.calls["download"]) == (1, downloads)


def test_a_file_that_another_job_shows_stays(session):
    one, other = settled(submit(session)), settled(submit(session, "another boat"))
    facts = session.ask_ledger(lambda ledger: ledger.find(one.key)).clip
    session.ask_ledger(lambda ledger: ledger.save(other.key, {"clip": facts}))
    path = one.clip.path
    forget(session, one)

    assert path.exists()
    assert isinstance(one.error, ClipError)


@pytest.mark.parametrize("what", [None, 7, "nobody", ""])
def test_what_is_no_job_is_refused(session, what):
    settled(submit(session))
    with pytest.raises(InvalidRequest, match="nothing was deleted"):
        session.forget(what)
    assert session.jobs()[0].clip is not None


def test_what_runs_and_what_has_no_file_is_refused(simulator, session):
    simulator.add_fault(Fault("get", "status", None, http_status=503))
    running, failed = submit(session), None
    until(lambda: running.request_id)
    with pytest.raises(InvalidRequest, match=r"still runs.*nothing was deleted"):
        session.forget(running)
    simulator.clear_faults()
    settled(running)
    failed = settled(submit(session, "a boat [fail]"))
    with pytest.raises(InvalidRequest, match="it has no file"):
        session.forget(failed.request_id)
    assert forget(session, running) is session.forget(running)
