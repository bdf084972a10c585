"""What the ledger says of an account's turns: a bucket of calls, creates in the air, and pauses that somebody was asked for."""

from tracking.doubles import record

from seedance_nb.api.models import Status
from seedance_nb.tracking.ledger.contract import Allowance


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


def test_who_is_said_to_be_another_account_brings_its_pace_where_that_has_none(ledger):
    ledger.pace.allow_calls("old key", 60.0)
    ledger.pace.allow_creates("old key", 2)
    ledger.pace.allow_creates("mine", 5)
    ledger.accounts.answer("old key", "mine", 1.0)
    allowed = ledger.pace.of("mine", "a")
    assert (allowed.calls_a_minute, allowed.creates_at_once) == (60.0, 5)
    ledger.accounts.answer("unpaced", "mine", 2.0)
    assert ledger.pace.of("mine", "a") == allowed
