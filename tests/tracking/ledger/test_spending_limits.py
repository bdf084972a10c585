"""Limits that the ledger keeps are held in the transaction that claims, and count all that may have been paid for."""

import contextlib
import dataclasses
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tracking.doubles import insert_as_then, record

from seedance_nb.api.models import Status
from seedance_nb.errors import BudgetExceeded
from seedance_nb.ledger_address import LedgerAddress
from seedance_nb.tracking.ledger import periods
from seedance_nb.tracking.ledger.contract import SpendingLimit
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.migrations import MIGRATIONS
from seedance_nb.tracking.ledger.spending_limits import SIMULATED

STILL_OURS = {"status": Status.SUBMITTING, "status_text": "submitting", "error": None, "error_kind": None}


def claim(ledger, prompt, price=40.0, **columns):
    row = record(prompt, reserved=price, **{"person": "ann", "project": "boats", **columns})
    return ledger.claim(row, False, lambda: None)[0]


def spent(ledger, person="ann", project="boats"):
    [standing] = ledger.limits.of(person, project, False)
    return standing.spent


def test_without_a_limit_nothing_needs_a_price(ledger):
    assert claim(ledger, "a boat", None).status is Status.SUBMITTING


def test_up_to_the_limit_is_claimed_and_not_beyond_it(ledger):
    ledger.limits.set(SpendingLimit(100, "day"))
    claim(ledger, "a boat"), claim(ledger, "a plane")
    with pytest.raises(
        BudgetExceeded, match=r"^the limit of 100 credits a day has 20 left and this may cost 40: nothing was sent"
    ):
        claim(ledger, "a train")
    claim(ledger, "a tram", 20.0)
    assert [job.request.prompt for job in ledger.jobs()] == ["a tram", "a plane", "a boat"]


def test_a_price_that_nobody_knows_is_not_claimed_under_a_limit(ledger):
    ledger.limits.set(SpendingLimit(100, "day"))
    with pytest.raises(BudgetExceeded, match=r"^nobody knows what this costs, so the limit of 100 .* nothing charged"):
        claim(ledger, "a boat", None)


def test_after_what_has_no_price_nothing_is_claimed_until_it_has_one(ledger):
    before = claim(ledger, "a boat", None)
    ledger.limits.set(SpendingLimit(100, "day"))
    with pytest.raises(BudgetExceeded, match="what 1 job sent before cost nobody knows"):
        claim(ledger, "a plane")
    ledger.save(before.key, {"credits": 30.0})
    claim(ledger, "a plane")
    assert spent(ledger) == 70.0


@pytest.mark.parametrize(
    "columns", [{"estimate": 35.0}, {"estimate": 35.0, "reserved": 50.0}, {"credits": 60.0, "reserved": 50.0}]
)
def test_what_is_charged_counts_and_before_that_the_most_it_may_cost_or_its_estimate(ledger, columns):
    row = claim(ledger, "a boat", None)
    ledger.save(row.key, columns)
    ledger.limits.set(SpendingLimit(100, "day"))
    assert spent(ledger) == max(columns.values())


@pytest.mark.parametrize("status", ["queued", "processing", "unknown", "failed", "cancelled", "succeeded"])
def test_whatever_was_or_may_have_been_accepted_counts(ledger, status):
    ledger.limits.set(SpendingLimit(100, "day"))
    row = claim(ledger, "a boat")
    ledger.save(row.key, {"status": Status(status), "status_text": status})
    assert spent(ledger) == 40.0


def test_what_was_surely_not_accepted_gives_its_credits_back(ledger):
    ledger.limits.set(SpendingLimit(40, "day"))
    row = claim(ledger, "a boat")
    with pytest.raises(BudgetExceeded):
        claim(ledger, "a plane")
    ledger.save(row.key, {"status": Status.REJECTED, "status_text": "rejected"})
    claim(ledger, "a plane")


def test_what_was_written_off_is_taken_up_again_only_where_it_still_fits(ledger):
    ledger.limits.set(SpendingLimit(100, "day"))
    row = claim(ledger, "a boat", 60.0)
    ledger.save(row.key, {"status": Status.REJECTED, "status_text": "rejected"})
    other = claim(ledger, "a plane", 60.0)
    with pytest.raises(BudgetExceeded, match="has 40 left and this may cost 60"):
        ledger.save(row.key, {**STILL_OURS, "sent_at": 1.0})
    assert ledger.find(row.key).status is Status.REJECTED
    ledger.save(other.key, {"status": Status.REJECTED, "status_text": "rejected"})
    ledger.save(row.key, {**STILL_OURS, "sent_at": 1.0})
    assert spent(ledger) == 60.0


def test_the_last_write_before_a_create_asks_nothing_of_a_job_that_counts_already(ledger):
    row = claim(ledger, "a boat", None)
    ledger.limits.set(SpendingLimit(0, "day"))
    ledger.save(row.key, {**STILL_OURS, "sent_at": 1.0})
    assert ledger.find(row.key).sent_at == 1.0


def test_a_limit_of_a_person_leaves_others_alone_and_one_of_each_gives_each_as_much(ledger):
    ledger.limits.set(SpendingLimit(40, "day", person="ann"))
    claim(ledger, "a boat")
    claim(ledger, "a boat by bob", person="bob"), claim(ledger, "a plane by bob", person="bob")
    with pytest.raises(BudgetExceeded, match="credits a day for person ann has 0 left"):
        claim(ledger, "a plane")
    ledger.limits.set(SpendingLimit(80, "day", person="each"))
    with pytest.raises(BudgetExceeded, match="for person bob has 0 left"):
        claim(ledger, "a train by bob", person="bob")
    claim(ledger, "a boat by cyd", person="cyd")


def test_who_has_no_name_is_one_of_each(ledger):
    ledger.limits.set(SpendingLimit(40, "day", project="each"))
    claim(ledger, "a boat", project=None)
    with pytest.raises(BudgetExceeded, match="for project without a name"):
        claim(ledger, "a plane", project=None)
    claim(ledger, "a train")


def test_all_limits_hold_at_once(ledger):
    ledger.limits.set(SpendingLimit(1000, "day"))
    ledger.limits.set(SpendingLimit(50, "ever", person="ann", project="boats"))
    claim(ledger, "a boat")
    with pytest.raises(
        BudgetExceeded, match=r"50 credits in all for person ann for project boats has 10 left .* does not renew"
    ):
        claim(ledger, "a plane")
    claim(ledger, "a plane", project="planes")


def test_a_day_a_month_and_all_time_count_what_was_claimed_in_them(ledger):
    for per in ("day", "month", "ever"):
        ledger.limits.set(SpendingLimit(100, per))
    row = claim(ledger, "a boat")
    today = ledger.find(row.key).day
    assert today == periods.day_of(time.time())
    ledger.save(row.key, {"day": "2001-02-03"})
    assert [(s.limit.per, s.spent) for s in ledger.limits.of("ann", None, False)] == [
        ("day", 0),
        ("ever", 40),
        ("month", 0),
    ]


def test_what_a_clock_ahead_has_claimed_counts_on_every_day_until_then(ledger):
    ledger.limits.set(SpendingLimit(40, "day"))
    ledger.save(claim(ledger, "a boat").key, {"day": "2999-01-01"})
    with pytest.raises(BudgetExceeded):
        claim(ledger, "a plane")


@pytest.mark.parametrize(
    ("per", "at", "begins", "renews"),
    [
        ("day", "2026-11-27T23:59:59", "2026-11-27", "renews 2026-11-28 00:00 UTC (in 0 h 1 min)"),
        ("day", "2026-11-28T00:00:00", "2026-11-28", "renews 2026-11-29 00:00 UTC (in 1 d 0 h)"),
        ("month", "2026-12-31T12:00:00", "2026-12-01", "renews 2027-01-01 00:00 UTC (in 12 h 0 min)"),
        ("month", "2028-02-01T00:00:00", "2028-02-01", "renews 2028-03-01 00:00 UTC (in 29 d 0 h)"),
        ("ever", "2026-11-27T00:00:00", "", "does not renew"),
    ],
)
def test_days_and_months_end_at_midnight_utc(per, at, begins, renews):
    now = periods.dt.datetime.fromisoformat(f"{at}+00:00").timestamp()
    assert (periods.first_day(per, now), periods.renewal_in_words(per, now)) == (begins, renews)


def test_simulated_credits_are_counted_apart(ledger):
    ledger.limits.set(SpendingLimit(40, "day"))
    claim(ledger, "a boat", base_url=SIMULATED)
    claim(ledger, "a boat", account="another")
    assert [[s.spent for s in ledger.limits.of("ann", None, one)] for one in (False, True)] == [[40], [40]]


def test_what_was_sent_from_elsewhere_counts_for_nobody(ledger):
    ledger.limits.set(SpendingLimit(40, "day"))
    ledger.adopt(record("a boat", request_id="req_1", status=Status.PROCESSING, credits=40.0, person="ann", day=None))
    assert spent(ledger) == 0


def test_a_limit_is_replaced_and_taken_away(ledger):
    ledger.limits.set(SpendingLimit(40, "day", person="ann"))
    ledger.limits.set(SpendingLimit(50, "day", person="ann"))
    with contextlib.closing(Ledger(ledger.place)) as again:
        assert again.limits.all() == [SpendingLimit(50, "day", person="ann")]
    assert ledger.limits.remove(SpendingLimit(0, "day", person="ann"))
    assert not ledger.limits.remove(SpendingLimit(0, "day", person="ann"))
    claim(ledger, "a boat", None)


def test_standings_name_each_who_has_spent(ledger):
    ledger.limits.set(SpendingLimit(100, "day", person="each"))
    claim(ledger, "a boat"), claim(ledger, "a plane"), claim(ledger, "a train", person="bob")
    assert {(s.person, s.spent, s.left) for s in ledger.limits.standings(False)} == {("ann", 80, 20), ("bob", 40, 60)}


def test_calls_that_are_one_transaction_see_each_other(ledger):
    ledger.limits.set(SpendingLimit(100, "day"))
    with ledger.together():
        claim(ledger, "a boat"), claim(ledger, "a plane")
        with pytest.raises(BudgetExceeded):
            claim(ledger, "a train")
    assert spent(ledger) == 80.0


def test_a_reused_video_needs_no_room(ledger):
    ledger.limits.set(SpendingLimit(40, "day"))
    row = claim(ledger, "a boat")
    assert claim(ledger, "a boat") == row


def test_rows_of_the_version_before_have_nobody_and_count_on_the_day_they_began(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    for statements in MIGRATIONS[:14]:
        for step in statements:
            step(db) if callable(step) else db.execute(step)
    db.execute("PRAGMA user_version = 14")
    now = time.time()
    old = record("a boat", created_at=now, sent_at=now, credits=40.0)
    ahead = dataclasses.replace(record("a plane", sent_at=now, credits=5.0), created_at=now + 9e9)
    elsewhere = record("a train", created_at=now, request_id="req_1", status=Status.PROCESSING, credits=3.0)
    for row in (old, ahead, elsewhere):
        insert_as_then(db, row)
    db.commit()
    db.close()
    ledger = Ledger(path)
    ledger.limits.set(SpendingLimit(100, "day"))
    assert spent(ledger) == 45.0
    assert {(job.person, job.project) for job in ledger.jobs()} == {(None, None)}
    assert {job.day for job in ledger.jobs()} == {periods.day_of(now), None}
    ledger.close()


SPENDER = """
import sys
sys.path.insert(0, sys.argv[3])
from tracking.doubles import record
from seedance_nb.errors import BudgetExceeded
from seedance_nb.tracking.ledger.ledger import Ledger
place, person = sys.argv[1:3]
ledger = Ledger(place if "://" in place else __import__("pathlib").Path(place))
print("ready", flush=True)
sys.stdin.readline()
claimed = 0
for number in range(67):
    row = record(f"boat {number} of {person}", key=f"j{person}{number}", person=person, reserved=12.0)
    try:
        claimed += ledger.claim(row, False, lambda: None)[1]
    except BudgetExceeded:
        pass
ledger.close()
print(claimed)
"""


def test_three_processes_that_claim_at_once_are_given_what_the_limit_allows(ledger):
    ledger.limits.set(SpendingLimit(1000, "day"))
    tests = str(Path(__file__).parents[2])
    place = ledger.place.reveal() if isinstance(ledger.place, LedgerAddress) else str(ledger.place)
    arguments = [[sys.executable, "-c", SPENDER, place, person, tests] for person in ("ann", "bob", "cyd")]
    processes = [subprocess.Popen(one, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for one in arguments]
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        claimed = [int(process.communicate(timeout=120)[0]) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert sum(claimed) == 1000 // 12
    assert spent(ledger) == 12 * (1000 // 12)
