import dataclasses
import sqlite3

import pytest
from tracking.doubles import insert_as_then, record

from seedance_nb.errors import ConfigurationError
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.migrations import MIGRATIONS
from seedance_nb.tracking.ledger.vote import Choice, Vote

ONE = Vote("v1", "Ann", "overall", "j1", "j2", Choice.LEFT, 1000.5)
TWO = Vote("v2", "Bob", "prompt match", "j2", "j1", Choice.BOTH_BAD, 1001.0, "v1", "ballot.html")
KEYS = ["j1", "j2"]


def test_votes_come_back_as_they_were_given_oldest_first(ledger):
    assert ledger.add_votes([TWO, ONE]) == 2
    assert Ledger(ledger.path).votes_among(KEYS) == [ONE, TWO]


def test_the_same_votes_again_change_nothing(ledger):
    ledger.add_votes([ONE])
    changed = dataclasses.replace(ONE, choice=Choice.RIGHT)
    assert ledger.add_votes([changed, TWO, TWO]) == 1
    assert ledger.votes_among(KEYS) == [ONE, TWO]


def test_a_vote_taken_back_is_gone_and_its_ballot_does_not_bring_it_back(ledger):
    ledger.add_votes([ONE, TWO])
    assert ledger.withdraw_vote("v1") is True
    assert ledger.withdraw_vote("v1") is False
    assert ledger.add_votes([ONE, TWO]) == 0
    assert ledger.votes_among(KEYS) == [TWO]


def test_taking_back_what_is_not_there_is_no_error(ledger):
    assert ledger.withdraw_vote("nobody") is False


def test_only_votes_between_the_jobs_asked_for(ledger):
    ledger.add_votes([ONE, dataclasses.replace(ONE, id="v3", right="j3"), dataclasses.replace(ONE, id="v4", left="j4")])
    assert [vote.id for vote in ledger.votes_among(["j1", "j2", "j4"])] == ["v1", "v4"]
    assert ledger.votes_among([]) == []


def test_a_whole_large_grid_is_asked_for_at_once(ledger):
    ledger.add_votes([ONE])
    assert ledger.votes_among(f"j{n}" for n in range(50_000)) == [ONE]


def test_votes_need_no_jobs_in_this_ledger(ledger):
    assert ledger.jobs() == []
    assert ledger.add_votes([ONE]) == 1


def test_half_a_character_in_a_name_is_kept_as_a_question_mark(ledger):
    ledger.add_votes([dataclasses.replace(ONE, rater="Ann\ud83d")])
    assert ledger.votes_among(KEYS)[0].rater == "Ann?"


def test_all_votes_or_none(ledger):
    with pytest.raises(ValueError, match="not a valid Choice"):
        ledger.add_votes([ONE, dataclasses.replace(TWO, choice="maybe")])
    assert ledger.votes_among(KEYS) == []


def test_a_time_that_is_none_is_refused_in_one_line(ledger):
    with pytest.raises(ConfigurationError, match="cannot be used"):
        ledger.add_votes([dataclasses.replace(ONE, at=float("nan"))])


def test_a_ledger_of_the_first_version_keeps_its_jobs_and_takes_votes(ledger, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("seedance_nb.tracking.ledger.migrations.MIGRATIONS", MIGRATIONS[:1])
        row = record()
        with ledger.file.transaction() as db:  # a claim asks tables that the first version had not
            insert_as_then(db, row)
        ledger.close()
    with sqlite3.connect(ledger.path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)

    assert ledger.find(row.key) == row
    assert ledger.add_votes([ONE]) == 1


def test_two_ledgers_on_one_file_add_the_same_ballot_once(ledger):
    other = Ledger(ledger.path)
    assert (ledger.add_votes([ONE]), other.add_votes([ONE])) == (1, 0)
    other.close()
