"""A ledger is copied into another one, whole and verified, as often as one likes; nothing is merged and nothing bought again."""

import contextlib
import dataclasses

import pytest
from postgres_server import PASSWORD
from tracking.doubles import record

from seedance_nb.api.models import Status
from seedance_nb.cli import main
from seedance_nb.errors import ConfigurationError
from seedance_nb.tracking import owner
from seedance_nb.tracking.ledger import moving
from seedance_nb.tracking.ledger.contract import SpendingLimit
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.moving import move
from seedance_nb.tracking.ledger.studies import Issued
from seedance_nb.tracking.ledger.vote import Choice, Vote


def paid(ledger, prompt, request_id, **changes):
    row, _ = ledger.claim(record(prompt), False, lambda: None)
    done = {"status": Status.SUCCEEDED, "request_id": request_id, "credits": 35.0, "sent_at": 5.0}
    ledger.save(row.key, {**done, "clip": {"file": f"{row.key}.mp4", "sha256": "abc"}, **changes})
    return ledger.find(row.key)


def fill(ledger, number=5):
    jobs = [paid(ledger, f"boat {n}\0é", f"req_{n}") for n in range(number)]
    ledger.claim(record("never sent"), False, lambda: None)
    failed, _ = ledger.claim(record("failed"), False, lambda: None)
    ledger.save(failed.key, {"status": Status.FAILED, "error": "no\0"})
    keys = [job.key for job in jobs]
    ledger.note_reuse(keys[0], 7.0, 35.0, "a.ipynb")
    ledger.note_reuse(keys[0], 7.0, 35.0, "a.ipynb")
    ledger.add_votes([Vote("v1", "Ann", "overall", keys[0], keys[1], Choice.LEFT, 1.5)])
    ledger.studies.issue("page", Issued("rater", {"a": keys[0]}), 1.0)
    ledger.studies.signing_secret()
    ledger.studies.salt(keys)
    ledger.measurements.keep("motion", "1", "src", {"abc": {"motion": 0.5}})
    ledger.registrations.add([], lambda _texts, _votes: "the plan")
    ledger.races.begin("race", {"by": "prompt"}, 1.0)
    ledger.races.decide("race", 1, {"dropped": []}, 2.0)
    ledger.limits.set(SpendingLimit(500.0, "day", person="ann"))
    ledger.pace.allow_calls("mine", 600.0)
    late = paid(ledger, "in the race", "req_race")
    return [*jobs, late]


@pytest.fixture(params=["to the server", "and back"])
def two(request, server, tmp_path):
    places = [tmp_path / "own.sqlite3", server.new_schema()]
    if request.param == "and back":
        places.reverse()
    with contextlib.closing(Ledger(places[0])) as source, contextlib.closing(Ledger(places[1])) as target:
        yield source, target


def everything(ledger):
    told = {job.key: dataclasses.replace(job, error=None) for job in ledger.jobs(limit=1000)}
    tables = {name: sorted(map(repr, moving._rows(ledger, name, columns))) for name, columns in moving.TABLES.items()}
    return told, tables


def test_all_of_it_is_there_afterwards_and_again_changes_nothing(two):
    source, target = two
    jobs = fill(source)
    told = []
    moved = move(source, target, told.append)
    assert everything(target)[0] == everything(source)[0]
    assert everything(target)[1] == everything(source)[1]
    assert (moved.counts["jobs"], moved.other_takes, moved.never_sent, moved.kept) == (8, 0, 0, {})
    assert [job.key for job in target.jobs(limit=100)] == [job.key for job in source.jobs(limit=100)]
    assert target.races.charges("race", "mine", [jobs[-1].request.canonical_hash()])[0].credits == 35.0
    assert target.claim(record(jobs[0].request.prompt), False, lambda: None)[1] is False
    assert move(source, target) == moved
    assert told[-1] == "account_pace: 1"
    assert target.pace.of("mine", "").calls_a_minute == 600.0
    assert target.registrations.add([], lambda texts, _votes: f"after {len(texts)}") == "after 1"


def test_what_was_broken_off_goes_on(two, monkeypatch):
    source, target = two
    fill(source, 7)
    monkeypatch.setattr(moving, "AT_ONCE", 2)

    class Broken(Exception):
        pass

    def stop_at(word):
        def stop(said):
            if said == word:
                raise Broken

        return stop

    for word in ("jobs: 4 of 10", "votes: 1"):
        with pytest.raises(Broken):
            move(source, target, stop_at(word))
    move(source, target)
    assert everything(target) == everything(source)


def test_what_went_on_after_a_first_move_is_brought_up_to_date(two):
    source, target = two
    fill(source)
    move(source, target)
    waiting = next(job for job in source.jobs() if job.status is Status.SUBMITTING)
    source.save(waiting.key, {"status": Status.QUEUED, "request_id": "req_late", "sent_at": 9.0})
    move(source, target)
    assert target.find("req_late").key == waiting.key


def test_of_one_intention_bought_in_both_both_stay(two):
    source, target = two
    mine, theirs = paid(source, "a boat", "req_mine"), paid(target, "a boat", "req_theirs")
    unsent, _ = source.claim(record("a kite"), False, lambda: None)
    paid(target, "a kite", "req_kite")
    moved = move(source, target)
    assert (moved.other_takes, moved.never_sent) == (1, 1)
    assert (target.find("req_theirs").take, target.find("req_mine").take) == (1, 2)
    assert target.find("req_theirs").key == theirs.key
    assert target.find("req_mine").key == mine.key
    assert target.find(unsent.key) is None


def test_who_has_withdrawn_in_either_ledger_comes_not_back(two):
    source, target = two
    fill(source)
    keys = [job.key for job in source.jobs()]
    votes = [Vote(f"v{n}", "Bob", "overall", keys[0], keys[1], Choice.LEFT, 2.0, ballot=f"page {n}") for n in (5, 6)]
    source.add_votes(votes)
    move(source, target)
    assert target.withdraw_vote("v5")
    assert source.withdraw_vote("v6")
    move(source, target)
    assert [vote.id for vote in target.votes_among(keys)] == ["v1"]


def test_a_ledger_that_somebody_works_with_is_not_moved(two):
    source, target = two
    name = owner.new_owner()
    owner.LIVE_HERE.add(name)
    source.claim(record("a boat", owner=name), False, lambda: None)
    with pytest.raises(ConfigurationError, match=r"close them.*nothing was moved"):
        move(source, target)
    owner.LIVE_HERE.discard(name)
    assert target.jobs() == []
    assert move(source, target).counts["jobs"] == 1


def test_the_command_moves_and_says_what_is_to_be_set(server, tmp_path, capsys):
    place, path = server.new_schema(), tmp_path / "own.sqlite3"
    with contextlib.closing(Ledger(path)) as source:
        fill(source)
    assert main(["ledger", "move", f"sqlite:{path}", place]) == 0
    said = capsys.readouterr()
    assert "8 jobs" in said.out
    assert "set SEEDANCE_LEDGER to postgresql://owner@127.0.0.1" in said.out
    assert PASSWORD not in said.out + said.err
    assert main(["ledger", "move", place, f"sqlite:{tmp_path / 'again.sqlite3'}"]) == 0
    with contextlib.closing(Ledger(tmp_path / "again.sqlite3")) as again, contextlib.closing(Ledger(path)) as source:
        assert everything(again) == everything(source)


@pytest.mark.parametrize(
    ("places", "cure"),
    [
        (["sqlite:nowhere.sqlite3", "postgresql://me:planted@host/db"], "there is no ledger"),
        (["postgresql://me:planted@host"], "sqlite:PATH"),
        (["mysql://me:planted@host/db", "postgresql://me:planted@host/db"], "a ledger is a path or postgresql"),
        (["postgresql://me:planted@host/db", "postgresql://me:planted@host/db"], "the same ledger"),
        (["postgresql://me:planted@127.0.0.1:9/db", "sqlite:new.sqlite3"], "see that the server runs"),
    ],
)
def test_what_cannot_be_moved_is_one_line(places, cure, tmp_path, monkeypatch, capsys):
    pytest.importorskip("psycopg")
    monkeypatch.chdir(tmp_path)
    assert main(["ledger", "move", *places]) != 0
    said = capsys.readouterr()
    assert cure in said.err
    assert "planted" not in said.out + said.err
    assert len(said.err.strip().splitlines()) == 1
