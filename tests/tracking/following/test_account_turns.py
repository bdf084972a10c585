"""All sessions of an account share its turns: calls a minute, creates in the air, and what the service refused to one of them."""

import time

import pytest
from tracking.doubles import record, until

from seedance_nb.api.models import Status
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.ledger.contract import Allowance
from seedance_nb.tracking.limiting import by_words

FAIL = {"aspect_ratio": "1:1", "resolution": "720p", "duration": 5}


def busy(call, seconds):
    return Fault(call, "status", 1, http_status=429, headers={"Retry-After": str(seconds)})


# In the ledger --------------------------------------------------------------------------------------


def test_an_account_that_nobody_paced_may_do_as_it_likes(ledger):
    assert ledger.pace.of("mine", "a") == Allowance()
    assert ledger.pace.take("mine", 50) == (50, 0.0)
    assert ledger.pace.take_off("j1", "mine", 1.0, 60.0)


def test_a_bucket_gives_what_it_holds_and_no_more_until_time_has_passed(ledger):
    ledger.pace.allow_calls("mine", 120.0)
    given = [ledger.pace.take("mine", 3)[0] for _ in range(3)]
    assert 4 <= sum(given) <= 8  # two seconds' worth, and what came while this ran
    assert ledger.pace.take("other", 3) == (3, 0.0)
    ledger.pace.allow_calls("mine", None)
    assert ledger.pace.take("mine", 50) == (50, 0.0)


def test_over_a_minute_two_who_take_get_no_more_than_one_may(ledger, monkeypatch):
    now = iter(range(1_000_000, 2_000_000))
    monkeypatch.setattr("seedance_nb.tracking.ledger.account_pace._now", lambda _: next(now) // 10)
    ledger.pace.allow_calls("mine", 60.0)
    given = sum(ledger.pace.take("mine", 5)[0] for _ in range(600))  # sixty seconds, ten tries in each
    assert 60 <= given <= 62


def test_a_pause_is_heard_by_all_but_the_one_who_was_asked_for_it(ledger):
    ledger.pace.refused("mine", "ann", 100.0, True)
    ledger.pace.refused("mine", "bob", 50.0, True)  # is over before
    ledger.pace.refused("mine", "bob", 200.0, False)
    heard = {who: ledger.pace.of("mine", who) for who in ("ann", "bob", "cyd")}
    assert {who: (round(a.no_create_for, -1), round(a.no_look_for, -1)) for who, a in heard.items()} == {
        "ann": (0.0, 200.0),
        "bob": (100.0, 0.0),
        "cyd": (100.0, 200.0),
    }
    assert ledger.pace.of("other", "cyd") == Allowance()


def test_as_many_creates_take_off_as_may_be_in_the_air(ledger):
    ledger.pace.allow_creates("mine", 2)
    keys = [ledger.claim(record(f"boat {n}"), False, lambda: None)[0].key for n in range(4)]
    assert [ledger.pace.take_off(key, "mine", 100.0, 60.0) for key in keys] == [True, True, False, False]
    assert ledger.pace.take_off(keys[0], "mine", 101.0, 60.0)  # the same one once more
    ledger.save(keys[0], {"request_id": "req_1", "status": Status.QUEUED})
    assert [ledger.pace.take_off(key, "mine", 102.0, 60.0) for key in keys[2:]] == [True, False]
    assert ledger.pace.take_off(keys[3], "mine", 1000.0, 60.0)  # what is older was lost with its process


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


def test_creates_at_once_are_counted_over_sessions(make_session, simulator):
    simulator.add_fault(Fault("create", "delay", None, seconds=0.2))
    one, other = make_session(), make_session()
    by_words(one, ["1", "creates"])
    in_the_air, most = simulator.scenario, 0
    jobs = [session.submit(f"boat {n} of {id(session)} [fail]", **FAIL) for n in range(3) for session in (one, other)]
    while not all(job.request_id for job in jobs):
        rows = one.ask_ledger(lambda ledger: [r for r in ledger.jobs() if r.sent_at and not r.request_id])
        most = max(most, len([row for row in rows if row.status is Status.SUBMITTING]))
    assert (most, len(in_the_air.accepted)) == (1, 6)
