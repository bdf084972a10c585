"""All sessions of an account share its turns: calls a minute, creates in the air, and what the service refused to one of them."""

import time

import pytest
from tracking.doubles import until

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.limiting import by_words

FAIL = {"aspect_ratio": "1:1", "resolution": "720p", "duration": 5}


def busy(call, seconds):
    return Fault(call, "status", 1, http_status=429, headers={"Retry-After": str(seconds)})


# Two sessions ---------------------------------------------------------------------------------------


def test_a_refused_create_keeps_all_sessions_of_the_account_from_sending(make_session, simulator):
    simulator.add_fault(busy("create", 100))
    one, other, stranger = make_session(), make_session(), make_session(api_key="another", account="another")
    first = one.submit("a boat [fail]", **FAIL)
    assert until(lambda: first.snapshot.trouble)
    assert until(lambda: other.ask_ledger(lambda ledger: ledger.pace.of(other.account, "x")).no_create_for > 90)
    second = other.submit("a plane [fail]", **FAIL)
    assert until(lambda: second.snapshot.note and second.snapshot.note.startswith("trying again in "))
    stranger.submit("a train [fail]", **FAIL)
    assert until(lambda: len(simulator.scenario.accepted) == 1)
    assert simulator.calls["create"] == 2


def test_a_refused_look_keeps_all_sessions_of_the_account_from_looking(make_session):
    with Simulator(pace=Pace(0, 300, 0)) as simulator:
        one, other = (make_session(base_url=simulator.base_url) for _ in range(2))
        jobs = [session.submit(f"a boat of {id(session)}", **FAIL) for session in (one, other)]
        assert until(lambda: simulator.calls["get"] >= 4)
        simulator.add_fault(busy("get", 100))
        assert until(lambda: all(s.engine.started._tools.no_look_until - time.monotonic() > 50 for s in (one, other)))
        looks = simulator.calls["get"]
        time.sleep(0.5)
        assert simulator.calls["get"] <= looks + 2  # each may have had one in the air
        assert not any(job.done() for job in jobs)


@pytest.mark.parametrize(("words", "allowed"), [(["600", "calls"], (600.0, None)), (["5", "creates"], (None, 5))])
def test_what_is_typed_paces_the_account_in_use_and_off_lets_it_go(session, words, allowed):
    def found():
        allowance = session.ask_ledger(lambda ledger: ledger.pace.of(session.account, ""))
        return allowance.calls_a_minute, allowance.creates_at_once

    by_words(session, words)
    assert found() == allowed
    by_words(session, ["off", words[1]])
    assert found() == (None, None)


def test_calls_wait_for_their_turn_where_they_are_budgeted(make_session, simulator):
    one, other = make_session(), make_session()
    by_words(one, ["60", "calls"])
    began = time.monotonic()
    jobs = [session.submit(f"boat {n} of {id(session)} [fail]", **FAIL) for n in range(4) for session in (one, other)]
    assert until(lambda: all(job.snapshot.is_settled for job in jobs), 60)
    passed, calls = time.monotonic() - began, sum(simulator.calls.values())
    # Each session may have had a second of free calls, before it heard of the budget.
    assert passed >= (calls - 2 * len(jobs)) / (60 / 60) - 3


def most_in_the_air(session, jobs):
    """How many creates of the ledger were sent and not answered, at most at once, until all of these jobs have an id."""
    most = 0
    while not all(job.request_id for job in jobs):
        rows = session.ask_ledger(lambda ledger: [r for r in ledger.jobs() if r.sent_at and not r.request_id])
        most = max(most, len([row for row in rows if row.status is Status.SUBMITTING]))
    return most


def test_creates_at_once_are_counted_over_sessions(make_session, simulator):
    simulator.add_fault(Fault("create", "delay", None, seconds=0.2))
    one, other = make_session(), make_session()
    by_words(one, ["1", "creates"])
    jobs = [session.submit(f"boat {n} of {id(session)} [fail]", **FAIL) for n in range(3) for session in (one, other)]
    assert (most_in_the_air(one, jobs), len(simulator.scenario.accepted)) == (1, 6)


def test_the_first_creates_of_a_session_wait_until_it_knows_what_others_were_told(make_session, simulator):
    simulator.add_fault(busy("create", 100))
    refused = make_session()
    refused.submit("a boat [fail]", **FAIL)
    assert until(lambda: refused.ask_ledger(lambda ledger: ledger.pace.of(refused.account, "x")).no_create_for > 90)
    wanted = [(VideoRequest(prompt=f"boat {n} [fail]", **FAIL), 1) for n in range(6)]
    jobs = make_session().submit_all(wanted)
    assert until(lambda: all((job.snapshot.note or "").startswith("trying again in ") for job in jobs))
    assert simulator.calls["create"] == 1
