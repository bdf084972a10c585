"""A ledger on a server: its line is cut, it is restarted, members sit on other machines with other clocks. One intention, one create."""

import signal
import time

import pytest
from postgres_fixture import started_server
from postgres_server import Line
from promises.stage import PACE, accepted, begin, end_of, session_at, settled, start_kernel, submit, until

from seedance_nb.api.models import Status
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.tracking import owner
from seedance_nb.tracking.following import followed, runner
from seedance_nb.tracking.following.followed import Clock
from seedance_nb.tracking.ledger import leases
from seedance_nb.tracking.ledger.ledger import Ledger

FIVE = [f"intention {n}" for n in range(5)]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(followed, "LEDGER_AWAY_SECONDS", 0.05)


@pytest.fixture
def place(server, monkeypatch):
    """All sessions and kernels of a test share this schema."""
    url = server.new_schema()
    monkeypatch.setenv("SEEDANCE_LEDGER", url)
    return url


@pytest.fixture
def line(server, place, monkeypatch):
    """… over a line that can be cut."""
    made = Line(server)
    monkeypatch.setenv("SEEDANCE_LEDGER", made.address(place))
    yield made
    made.close()


@pytest.fixture(scope="module")
def one_server():
    started = started_server()
    yield started
    started.remove()


@pytest.fixture
def own_server(one_server, monkeypatch):
    """A server that a test may stop."""
    monkeypatch.setenv("SEEDANCE_LEDGER", one_server.new_schema())
    yield one_server
    if one_server.process is None:
        one_server.start()


def rows(place):
    ledger = Ledger(place)
    try:
        return [(row.request.prompt, row.take, row.status) for row in ledger.jobs(limit=1000)]
    finally:
        ledger.close()


# The line is cut -------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_done", [False, True], ids=["before the server has it", "and its answer is lost"])
@pytest.mark.parametrize("commit", range(1, 7))
def test_a_line_that_breaks_at_this_commit_costs_nothing_twice(
    commit, is_done, line, place, simulator, session, monkeypatch
):
    session.jobs()
    line.commits, line.cut_at = 0, (commit, is_done)
    job = settled(submit(session))

    assert job.clip is not None
    assert (accepted(simulator), simulator.calls["create"]) == (1, 1)
    session.close()
    assert line.commits >= min(commit, 4)
    assert rows(place) == [("a paper boat", 1, Status.SUCCEEDED)]


def test_nothing_is_sent_while_the_ledger_is_away_and_the_card_says_so(line, place, simulator, session):
    settled(submit(session, "before"))
    line.cut()
    job = submit(session)
    until(lambda: "waiting for the ledger; nothing submitted yet" in (job.snapshot.note or ""))
    assert "cannot be used" in job.snapshot.trouble
    assert simulator.calls["create"] == 1

    line.mend()
    assert settled(job).clip is not None
    assert (job.snapshot.note, job.snapshot.trouble) == (None, None)
    assert accepted(simulator) == 2
    session.close()
    assert sorted(rows(place)) == [("a paper boat", 1, Status.SUCCEEDED), ("before", 1, Status.SUCCEEDED)]


def test_nothing_is_sent_before_its_last_word_is_in_the_ledger(line, place, simulator, session, monkeypatch):
    settled(submit(session, "before"))
    claim = Ledger.claim

    def cut_behind_it(ledger, *args):
        found = claim(ledger, *args)
        line.cut()
        return found

    cut_behind_it.groupable = False
    monkeypatch.setattr(Ledger, "claim", cut_behind_it)
    job = submit(session)
    until(lambda: "waiting for the ledger" in (job.snapshot.note or ""))
    monkeypatch.setattr(Ledger, "claim", claim)
    assert simulator.calls["create"] == 1
    line.mend()
    assert settled(job).clip is not None
    assert accepted(simulator) == 2


def test_a_cancel_ends_the_wait_for_a_ledger_that_is_away_and_frees_its_place(line, place, simulator, session):
    settled(submit(session, "before"))
    line.cut_at = (line.commits + 1, True)  # the claim is in the ledger, and nobody here knows it
    until(lambda: line.commits >= 0)
    original, line.mend = line.mend, lambda: None
    job = submit(session)
    line.cut()
    job.cancel()
    assert settled(job).status in (Status.REJECTED, Status.CANCELLED)
    assert accepted(simulator) == 1

    original()
    again = submit(session)
    settled(again)
    if again.clip is None:  # it had attached to the row that was then given back
        again = settled(submit(session))
    assert again.clip is not None
    assert accepted(simulator) == 2


def test_a_ledger_that_goes_away_after_the_create_is_told_of_it_when_it_is_back(line, place, session_of):
    slow = Fault("create", "delay", None, seconds=0.5)
    with Simulator(pace=PACE, faults=[slow]) as simulator:
        session = session_of(simulator)
        job = submit(session)
        until(lambda: simulator.calls["create"] == 1)
        line.cut()
        until(lambda: job.request_id)
        assert "cannot be used" in job.snapshot.trouble
        line.mend()
        assert settled(job).clip is not None
        session.close()
        assert accepted(simulator) == 1
    assert rows(place) == [("a paper boat", 1, Status.SUCCEEDED)]


def test_a_server_that_hangs_is_left_and_asked_anew(line, place, simulator, session, monkeypatch):
    monkeypatch.setattr(leases, "SILENT_SECONDS", 0.5)
    settled(submit(session, "before"))
    line.hang()
    job = submit(session)  # what it costs is asked of the ledger before anything else
    until(lambda: "waiting for the ledger" in (job.snapshot.note or ""))
    assert simulator.calls["create"] == 1
    line.mend()
    assert settled(job).clip is not None
    assert accepted(simulator) == 2


# The server is restarted ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["at once", "like a crash"])
def test_four_kernels_at_the_same_intentions_pay_once_though_the_server_restarts_in_the_middle(
    how, own_server, simulator, tmp_path
):
    homes = [tmp_path / str(number) for number in range(4)]
    kernels = [start_kernel(simulator, home, FIVE) for home in homes]
    for kernel in kernels:
        assert kernel.stdout.readline() == "ready\n"
    for kernel in kernels:
        begin(kernel)
    until(lambda: simulator.calls["create"] >= 1)
    own_server.stop(how)
    time.sleep(0.3)
    own_server.start()
    said = [end_of(kernel) for kernel in kernels]

    # A kernel that connects for the first time while the server is down says so, and has sent nothing.
    odd = [
        line for lines in said for line in lines if not line.endswith(".mp4") and "nothing was submitted" not in line
    ]
    assert odd == []
    assert [accepted(simulator, prompt) for prompt in FIVE] == [
        int(any(lines[n].endswith(".mp4") for lines in said)) for n in range(5)
    ]
    assert simulator.calls["create"] == accepted(simulator)


def test_a_server_that_is_restarted_is_waited_for(own_server, simulator, session):
    settled(submit(session, "before"))
    own_server.stop(signal.SIGQUIT)
    jobs = [submit(session, prompt) for prompt in FIVE]
    until(lambda: all("waiting for the ledger" in (job.snapshot.note or "") for job in jobs))
    assert simulator.calls["create"] == 1
    own_server.start()

    assert all(settled(job).clip is not None for job in jobs)
    assert (accepted(simulator), simulator.calls["create"]) == (6, 6)


def test_a_server_that_is_not_there_at_first_is_one_line_and_nothing_is_sent(own_server, simulator, tmp_path):
    own_server.stop()
    with session_at(simulator.base_url, tmp_path) as session:
        job = submit(session)
        error = str(job.error if hasattr(job, "snapshot") else job)
    assert "nothing was submitted" in error
    assert "see that the server runs" in error
    assert simulator.calls["create"] == 0


# Other machines ---------------------------------------------------------------------------------------


class AnotherClock(Clock):
    """A machine whose clock is ten minutes ahead."""

    def time(self):
        return super().time() + 600


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """Makes a session as on another machine, with a clock and a folder of its own."""
    made = []

    def make(simulator, **options):
        with monkeypatch.context() as there:
            there.setattr(owner, "_machine", lambda: "another machine")
            there.setattr(owner, "_boot", lambda: f"another{len(made)}")
            there.setattr(runner, "Clock", AnotherClock)
            session = session_at(simulator.base_url, tmp_path / f"elsewhere{len(made)}", **options)
            session.engine.runner  # noqa: B018 - it gets its name now
        made.append(session)
        return session

    yield make
    for session in made:
        session.close()


def test_a_create_in_the_air_on_another_machine_is_waited_for_whatever_its_clock_says(place, session_of, elsewhere):
    slow = Fault("create", "delay", None, seconds=1.5)
    with Simulator(pace=PACE, faults=[slow]) as simulator:
        theirs = submit(elsewhere(simulator), "a boat")
        until(lambda: simulator.calls["create"] == 1)
        mine = submit(session_of(simulator), "a boat")
        until(lambda: mine.snapshot.note == "another notebook is sending this")
        assert settled(mine).clip is not None
        assert settled(theirs).clip is not None
        assert (mine.request_id, mine.reused) == (theirs.request_id, True)
        assert simulator.calls["create"] == 1


@pytest.mark.parametrize("moment", ["before sending is marked", "after sending is marked"])
def test_who_died_on_another_machine_is_known_by_its_lease(moment, place, simulator, tmp_path, monkeypatch):
    monkeypatch.setenv("PRETEND_MACHINE", "far away")
    kernel = start_kernel(simulator, tmp_path / "there", ["a boat"], moment)
    monkeypatch.delenv("PRETEND_MACHINE")
    begin(kernel)
    end_of(kernel)
    monkeypatch.setattr(leases, "DEAD_SECONDS", 3.0)
    with session_at(simulator.base_url, tmp_path / "here", create_timeout=120) as session:
        job = settled(submit(session, "a boat"))
        if job.status is Status.REJECTED:  # it was written off while this one waited for it
            job = settled(submit(session, "a boat"))
    if moment == "before sending is marked":
        assert job.clip is not None
        assert accepted(simulator) == 1
    else:
        assert job.status is Status.UNKNOWN
        assert simulator.calls["create"] == 0


def test_one_machine_asks_the_service_and_another_takes_over_when_it_is_gone(place, simulator, elsewhere, session_of):
    first = elsewhere(simulator)
    job = submit(first, "a boat")
    assert settled(job).clip is not None
    again = submit(session_of(simulator), "a boat")
    assert settled(again).clip is not None
    assert (again.request_id, accepted(simulator)) == (job.request_id, 1)
