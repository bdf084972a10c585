"""A clock that was wrong once: the order of jobs, what they cost by day, and their prices do not follow it for ever."""

import dataclasses
import sqlite3
import time

from tracking.doubles import SERVICE, insert_as_then, record

from seedance_nb.api.models import Status
from seedance_nb.tracking.ledger.contract import Wanted
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.migrations import MIGRATIONS

YEARS = 10 * 365 * 86400.0


def keep(ledger, prompt, created_at, credits=40.0):  # noqa: A002 - the field's own word
    row = record(prompt, created_at=created_at, status=Status.SUCCEEDED, request_id=f"req_{prompt}", credits=credits)
    return ledger.claim(row, False, lambda: None)[0]


def test_a_job_of_a_clock_that_was_ahead_is_not_the_newest_for_ever(ledger):
    now = time.time()
    for prompt, moment in (("one", now), ("two", now + YEARS), ("three", now), ("four", now - YEARS), ("five", now)):
        keep(ledger, prompt, moment)
    newest = ["five", "four", "three", "two", "one"]
    assert [row.request.prompt for row in ledger.jobs()] == newest
    assert [row.request.prompt for row in ledger.browsing.page(Wanted(), 9)] == newest
    assert list(ledger.browsing.prompts()) == newest
    assert ledger.jobs(limit=1)[0].request.prompt == "five"


def test_its_day_is_that_of_the_next_that_was_right(ledger):
    then = time.time() - 3 * 86400
    keep(ledger, "one", then + YEARS)
    keep(ledger, "two", then + YEARS)
    keep(ledger, "three", then)
    day = time.strftime("%Y-%m-%d", time.localtime(then))
    assert [(spent.day, spent.credits) for spent in ledger.spending()] == [(day, 120)]
    assert ledger.browsing.facets().days == (day,)
    keep(ledger, "four", then + YEARS)  # nothing that was right came after it: it is taken as of now
    assert [spent.jobs for spent in ledger.spending()] == [1, 3]


def test_its_price_is_not_the_last_one_for_ever(ledger):
    now = time.time()
    keep(ledger, "one", now + YEARS, credits=80.0)
    request = keep(ledger, "two", now, credits=40.0).request
    assert ledger.rate(SERVICE, request) == 8


def test_neither_elapsed_nor_remaining_time_follows_it():
    from seedance_nb.snapshot import Snapshot

    row = record()
    facts = {
        "key": row.key,
        "request": row.request,
        "take": 1,
        "status": Status.PROCESSING,
        "status_text": "processing",
    }
    ahead = Snapshot(**facts, created_at=1e9 + YEARS, accepted_at=1e9 + YEARS, expected_seconds=30.0)
    assert (ahead.elapsed(1e9), ahead.remaining(1e9)) == (0.0, 30.0)
    ended = dataclasses.replace(ahead, status=Status.FAILED, finished_at=1e9)
    assert ended.elapsed(2e9) == 0.0


def test_an_old_ledger_keeps_the_order_in_which_its_jobs_were_written(tmp_path, monkeypatch):
    path = tmp_path / "old.sqlite3"
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
    for statements in MIGRATIONS[:3]:
        for statement in statements:
            db.execute(statement)
    db.execute("PRAGMA user_version = 3")
    for prompt, moment in (("one", 1000.0 + YEARS), ("two", 1000.0), ("three", 500.0)):
        insert_as_then(db, record(prompt, created_at=moment))
    db.close()

    ledger = Ledger(path)
    keep(ledger, "four", 900.0)
    assert [row.request.prompt for row in ledger.jobs()] == ["four", "three", "two", "one"]
    ledger.close()
