"""What an older ledger has is found by what counts now; nothing of it is lost, nothing is bought again.

`ledger_of_056434b.sql` was written by the code of that commit, through a session at the simulator, and then given the vendor's host.
"""

import dataclasses
import json
import sqlite3
import time
from pathlib import Path

import pytest
from tracking.doubles import record

from seedance_nb.api.models import Status, make_request
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.migrations import MIGRATIONS, identify_anew

SMALL = {"model": "seedance-2.0-fast", "duration": 4, "resolution": "480p", "aspect_ratio": "1:1"}
CAT = "https://bucket.s3.amazonaws.com/cat.png"


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    with sqlite3.connect(path) as db:
        db.executescript(Path(__file__).with_name("ledger_of_056434b.sql").read_text("utf-8"))
    db.close()
    ledger = Ledger(path)
    yield ledger
    ledger.close()


def rows_before(path):
    db = sqlite3.connect(path)
    rows = db.execute("SELECT key, request_id, credits, status, clip FROM jobs ORDER BY key").fetchall()
    db.close()
    return rows


def wanted(prompt, **options):
    return make_request(prompt, **SMALL, **options)


@pytest.mark.parametrize(
    ("prompt", "options"),
    [
        pytest.param("a plain boat", {}, id="plain"),
        pytest.param("a café in Málaga", {}, id="composed, was decomposed"),
        pytest.param("first line\nsecond line", {}, id="LF, was CR LF"),
        pytest.param("first line\r\nsecond line", {}, id="CR LF, as before"),
        pytest.param("ten boats", {}, id="a blank, was one that does not break"),
        pytest.param("tagged", {}, id="without metadata"),
        pytest.param("tagged", {"metadata": {"run": 3}}, id="with other metadata"),
        pytest.param("tagged", {"metadata": {"run": 1}}, id="with metadata as before"),
        pytest.param("moves", {"media_urls": [CAT + "?X-Amz-Signature=new"]}, id="signed anew"),
        pytest.param("moves", {"media_urls": [CAT]}, id="unsigned"),
    ],
)
def test_what_an_older_version_bought_is_found(old, prompt, options):
    found = old.occupying("name:lab", wanted(prompt, **options), 1)

    assert (found.status, found.credits) in [(Status.SUCCEEDED, 12.0), (Status.SUCCEEDED, 20.0)]


def test_nothing_is_lost_and_every_row_can_be_found_by_its_id(old):
    before = rows_before(old.path)

    assert [old.find(key).request_id for key, *_ in before] == [row[1] for row in before]
    assert rows_before(old.path) == before
    assert len(before) == 11


def test_requests_that_became_one_are_takes_of_it_the_newest_first(old):
    request = wanted("tagged", metadata={"run": "any"})
    found = [old.occupying("name:lab", request, take) for take in (1, 2, 3, 4)]

    # Bought as run 1 take 1, run 2 take 1, run 1 take 2, in this order.
    assert [row and row.request.metadata for row in found] == [{"run": 2}, {"run": 1}, {"run": 1}, None]
    assert found[2].created_at < found[0].created_at < found[1].created_at


def test_what_failed_under_any_metadata_is_free_again(old):
    assert old.occupying("name:lab", wanted("tagged and [fail]"), 1) is None


def test_no_signature_is_left_in_the_file(old):
    old.jobs()
    old.file.open().execute("VACUUM")

    assert b"X-Amz-Signature" not in old.path.read_bytes()
    assert {url for row in old.jobs() for url in row.request.media_urls or ()} == {CAT + "#unsigned"}


def test_the_step_is_done_once_and_by_one_of_two_kernels(old):
    old.jobs()
    again = Ledger(old.path)

    assert again.jobs() == old.jobs()
    assert again.file.open().execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    again.close()


def test_a_second_create_of_the_merged_request_is_still_refused_by_the_file_itself(old):
    found = old.occupying("name:lab", wanted("tagged"), 1)
    values = {**dict(old.file.open().execute("SELECT * FROM jobs WHERE key = ?", (found.key,)).fetchone()), "key": "j2"}

    with pytest.raises(sqlite3.IntegrityError):
        old.file.open().execute(f"INSERT INTO jobs VALUES ({', '.join('?' * len(values))})", tuple(values.values()))


@pytest.mark.parametrize(
    ("statuses", "keeps"),
    [
        pytest.param(["succeeded", "unknown"], 0, id="made before unknown"),
        pytest.param(["succeeded", "processing"], 0, id="made before in the making"),
        pytest.param(["processing", "unknown"], 0, id="in the making before unknown"),
        pytest.param(["succeeded", "succeeded"], 1, id="the newest of two"),
        pytest.param(["unknown", "succeeded", "submitting"], 1, id="three"),
        pytest.param(["succeeded", "failed"], 0, id="one is free"),
    ],
)
def test_of_rows_that_become_one_the_best_keeps_the_place(tmp_path, statuses, keeps):
    path = tmp_path / "ledger.sqlite3"
    ledger = Ledger(path)
    ledger.jobs()
    db = ledger.file.open()
    for index, status in enumerate(statuses):
        row = record(key=f"j{index}", status=Status(status), created_at=float(index))
        ledger.claim(dataclasses.replace(row, take=index + 1), False, lambda: None)
    # As the version before would have written them: one take, a hash of their own each.
    db.execute("UPDATE jobs SET take = 1, request_hash = key")
    with ledger.file.transaction() as db:
        identify_anew(db)

    places = [ledger.occupying("mine", record().request, take) for take in range(1, 5)]
    assert places[0].key == f"j{keeps}"
    assert {row.key for row in places if row} == {f"j{i}" for i, s in enumerate(statuses) if s != "failed"}
    ledger.close()


@pytest.mark.parametrize("content", ["{", "[]", '{"prompt": 5}', '{"prompt": "x", "metadata": 3}', "", '{"a": NaN}'])
def test_a_row_that_nobody_can_read_does_not_stop_the_step(old, content):
    db = sqlite3.connect(old.path)
    db.execute("UPDATE jobs SET request = ? WHERE key = (SELECT MIN(key) FROM jobs)", (content,))
    db.commit()
    db.close()

    assert old.occupying("name:lab", wanted("tagged"), 1) is not None


def test_ten_thousand_rows_are_identified_in_the_time_of_a_few_commits(old):
    db = sqlite3.connect(old.path, isolation_level=None)  # before the ledger opens it: it is as the old version left it
    db.row_factory = sqlite3.Row
    [columns] = [[c[1] for c in db.execute("PRAGMA table_info(jobs)")]]
    usual = dict(db.execute("SELECT * FROM jobs LIMIT 1").fetchone())
    rows = []
    for index in range(10_000):
        body = json.loads(usual["request"]) | {"prompt": f"boat\u00a0{index}", "metadata": {"run": index}}
        new = {"key": f"k{index}", "request": json.dumps(body), "request_hash": f"h{index}", "take": 1}
        rows.append(tuple({**usual, **new}[name] for name in columns))
    db.execute("BEGIN")
    db.executemany(f"INSERT INTO jobs VALUES ({', '.join('?' * len(columns))})", rows)
    db.execute("COMMIT")
    db.close()

    began = time.process_time()
    assert old.occupying("name:lab", make_request("boat 77", **SMALL, metadata={"x": 1}), 1).key == "k77"
    assert time.process_time() - began < 20  # a quadratic step would take minutes
