import contextlib
import dataclasses
import sqlite3

import pytest
from tracking.doubles import insert_as_then, record

from seedance_nb.errors import ConfigurationError
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.migrations import MIGRATIONS
from seedance_nb.tracking.ledger.studies import Issued
from seedance_nb.tracking.ledger.vote import Choice, Kind, Vote

ONE = Vote("v1", "Ann", "overall", "j1", "j2", Choice.LEFT, 1000.5)
TWO = Vote("v2", "Bob", "prompt match", "j2", "j1", Choice.BOTH_BAD, 1001.0, "v1", "ballot.html")
SLOW = Vote("v3", "Ann", "overall", "j1", "j2", Choice.LEFT, 1002.0, None, "b.json", 7.5, 2, Kind.VOTE, "page")
GOLD = Vote("v4", "Ann", "overall", "j1-damaged", "j1", Choice.RIGHT, 1003.0, kind=Kind.GOLD)
KEYS = ["j1", "j2"]


def test_votes_come_back_as_they_were_given_oldest_first(ledger):
    assert ledger.add_votes([TWO, ONE]) == 2
    with contextlib.closing(Ledger(ledger.place)) as again:
        assert again.votes_among(KEYS) == [ONE, TWO]


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
        row = record(day="1970-01-01")
        with ledger.file.transaction() as db:  # a claim asks tables that the first version had not
            insert_as_then(db, row)
        ledger.close()
    with sqlite3.connect(ledger.path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)

    assert ledger.find(row.key) == row
    assert ledger.add_votes([ONE]) == 1


def test_two_ledgers_on_one_file_add_the_same_ballot_once(ledger):
    other = Ledger(ledger.place)
    assert (ledger.add_votes([ONE]), other.add_votes([ONE])) == (1, 0)
    other.close()


def test_what_an_answer_took_and_what_it_was_for_come_back(ledger):
    practice = dataclasses.replace(SLOW, id="v5", at=1001.0, kind=Kind.TRAINING, ballot=None)
    ledger.add_votes([SLOW, GOLD, practice])
    with contextlib.closing(Ledger(ledger.place)) as again:
        assert again.votes_among(KEYS) == [SLOW]
    assert ledger.votes.controls(KEYS) == [practice, GOLD]
    assert ledger.votes.controls(["j2"]) == []
    assert ledger.votes.controls(["j1"]) == [GOLD]
    assert ledger.votes.of_ballot("page") == [SLOW]
    assert GOLD.is_right is True
    assert SLOW.is_right is None


def test_a_vote_of_before_knows_no_seconds_and_counts(ledger, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("seedance_nb.tracking.ledger.migrations.MIGRATIONS", MIGRATIONS[:7])
        with ledger.file.transaction() as db:
            row = "'j1', 'j2', 'left', 1000.5, NULL, 'notebook'"
            db.execute(
                f"INSERT INTO votes VALUES ('v1', 'Ann', 'overall', {row}, 0), ('v2', 'Eve', 'overall', {row}, 1)"
            )
        ledger.close()

    assert ledger.votes_among(KEYS) == [ONE]
    assert ledger.add_votes([dataclasses.replace(ONE, id="v2", rater="Eve")]) == 0
    assert b"Eve" not in ledger.path.read_bytes()


def test_who_withdraws_is_deleted_from_the_file_and_comes_not_back(ledger):
    told = [
        dataclasses.replace(SLOW, rater="Wilhelmina", source="ballot-Wilhelmina.json"),
        dataclasses.replace(GOLD, rater="Wilhelmina"),
        dataclasses.replace(ONE, id="v9", rater="Wilhelmina", right="j9"),
        ONE,
    ]
    ledger.add_votes(told)
    ledger.studies.issue("page", Issued("Wilhelmina", {"a": "j1"}), 1.0)

    assert ledger.votes.withdraw_rater("Wilhelmina", KEYS) == 2
    assert ledger.votes.withdraw_rater("Wilhelmina", ["j1", "j9"]) == 1
    assert ledger.votes.withdraw_rater("Wilhelmina", KEYS) == 0
    ledger.close()

    assert b"Wilhelmina" not in ledger.path.read_bytes()
    assert ledger.add_votes(told) == 0
    assert ledger.add_votes([dataclasses.replace(SLOW, id="another of the page")]) == 0
    assert ledger.votes_among(KEYS) == [ONE]
    assert (ledger.studies.is_withdrawn("page"), ledger.studies.issued("page")) == (True, None)


def test_secrets_are_made_once_and_differ_from_ledger_to_ledger(ledger, tmp_path):
    other, again = Ledger(tmp_path / "other.sqlite3"), Ledger(ledger.place)
    secret = ledger.studies.signing_secret()
    assert len(secret) == 32
    assert again.studies.signing_secret() == secret
    assert other.studies.signing_secret() != secret
    other.close()
    again.close()


def test_a_study_keeps_its_salt_when_it_grows_and_shares_it_with_no_other(ledger):
    salt = ledger.studies.salt(["j1", "j2"])
    assert ledger.studies.salt(["j0", "j2", "j3"]) == salt
    assert ledger.studies.salt(["j0"]) == salt
    assert ledger.studies.salt(["k1", "k2"]) != salt


def test_what_was_left_out_is_counted_once_a_page(ledger):
    ledger.studies.note_left_out("page", "j1", {"doubled": 3, "malformed": 1})
    ledger.studies.note_left_out("page", "j1", {"doubled": 4})
    ledger.studies.note_left_out("page", "j1", {"doubled": 2})
    ledger.studies.note_left_out("other page", "j2", {"doubled": 1})
    ledger.studies.note_left_out("of another grid", "j3", {"doubled": 9})
    assert ledger.studies.left_out(KEYS) == {"doubled": 5, "malformed": 1}


def test_a_page_is_known_by_its_id_and_its_name_is_taken(ledger):
    ledger.add_votes([ONE])
    ledger.studies.issue("page", Issued("rater-7f3a", {"a": "j1", "b": "j1-damaged"}), 1.0)
    assert ledger.studies.issued("page") == Issued("rater-7f3a", {"a": "j1", "b": "j1-damaged"})
    assert ledger.studies.issued("no page") is None
    assert ledger.studies.raters() == {"Ann", "rater-7f3a"}
