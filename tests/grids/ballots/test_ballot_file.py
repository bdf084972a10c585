"""The file a rater sends back: read strictly, whoever wrote it."""

import contextlib
import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.ballots.ballot_file import (
    MOST_BYTES,
    Answer,
    check_aspects,
    pseudonym,
    read_ballot,
    read_unsigned,
)
from seedance_nb.tracking.ledger.vote import Choice, Vote

VOTE = {"pair": 0, "aspect": "overall", "choice": "left", "at": 1000.5, "seconds": 7.5, "plays": 2}
OLD_VOTE = {
    "id": "3f84403b-e6b4-40e7-961d-0da51967db53",
    "aspect": "overall",
    "left": "j1",
    "right": "j2",
    "choice": "left",
    "at": 1000.5,
    "repeats": None,
}
BALLOT = {
    "format": "seedance-ballot",
    "version": 2,
    "ballot": "ab12",
    "rater": "Anna",
    "aspects": ["overall"],
    "schedule": "{}",
    "signature": "0" * 64,
    "votes": [VOTE],
}
OLD = BALLOT | {"version": 1, "votes": [OLD_VOTE]}


@pytest.fixture
def ballot(tmp_path):
    """`ballot(**changes)`: the path of a ballot file with these changes."""

    def ballot(name="ballot-Anna.json", usual=BALLOT, **changes):
        path = tmp_path / name
        path.write_text(json.dumps(usual | changes), encoding="utf-8")
        return path

    return ballot


def test_a_saved_ballot_gives_its_answers(ballot):
    second = {"pair": 3, "aspect": "motion", "choice": "both bad", "at": 1001.5}

    file = read_ballot(ballot(votes=[VOTE, second]))

    assert (file.name, file.rater, file.schedule, file.signature) == ("ballot-Anna.json", "Anna", "{}", "0" * 64)
    assert file.answers == (
        Answer(1, 0, "overall", Choice.LEFT, 1000.5, 7.5, 2),
        Answer(2, 3, "motion", Choice.BOTH_BAD, 1001.5, None, None),
    )
    assert file.malformed == ()


def test_what_a_later_page_adds_does_not_disturb(ballot):
    assert len(read_ballot(ballot(device="a phone", votes=[VOTE | {"mood": 3}])).answers) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "something else"},
        {"version": 3},
        {"version": True},
        {"rater": ""},
        {"rater": " \x00\n"},
        {"rater": ["Anna"]},
        {"schedule": None},
        {"schedule": {"ballot": "ab12"}},
        {"signature": None},
        {"signature": 3},
        {"votes": None},
        {"votes": {"0": VOTE}},
        {"votes": [VOTE] * 20_001},
    ],
)
def test_a_file_that_is_no_ballot_is_refused_in_one_line_that_names_the_cure(ballot, changes):
    with pytest.raises(InvalidRequest) as caught:
        read_ballot(ballot(**changes))

    text = str(caught.value)
    assert text.startswith("ballot-Anna.json")
    assert "\n" not in text
    assert "Save my votes" in text or "update seedance_nb" in text


@pytest.mark.parametrize(
    "broken",
    [
        "left",
        {},
        None,
        *(
            VOTE | change
            for change in (
                {"pair": "0"},
                {"pair": True},
                {"pair": 0.5},
                {"aspect": ["overall"]},
                {"choice": "A"},
                {"choice": None},
                {"choice": ["left"]},
            )
        ),
    ],
)
def test_an_answer_that_is_none_is_known_by_its_place_and_loses_no_other(ballot, broken):
    file = read_ballot(ballot(votes=[VOTE, broken, VOTE | {"pair": 1}]))

    assert [answer.number for answer in file.answers] == [1, 3]
    assert file.malformed == (2,)


# Pages of before


def test_a_file_of_a_page_that_was_not_signed_is_refused_and_trust_is_named_as_the_cure(ballot):
    with pytest.raises(InvalidRequest, match="nothing was added: give the rater a new page, or, if you trust the file"):
        read_ballot(ballot(usual=OLD))
    with pytest.raises(InvalidRequest, match="is from a signed page"):
        read_unsigned(ballot())


def test_whoever_trusts_it_gets_its_votes(ballot):
    second = OLD_VOTE | {"id": "v2", "choice": "both bad", "left": "j2", "right": "j1", "repeats": OLD_VOTE["id"]}

    votes = read_unsigned(ballot(usual=OLD, votes=[OLD_VOTE, second]))

    assert votes == [
        Vote(OLD_VOTE["id"], "Anna", "overall", "j1", "j2", Choice.LEFT, 1000.5, None, "ballot-Anna.json"),
        Vote("v2", "Anna", "overall", "j2", "j1", Choice.BOTH_BAD, 1000.5, OLD_VOTE["id"], "ballot-Anna.json"),
    ]


@pytest.mark.parametrize(
    "votes",
    [
        [OLD_VOTE, OLD_VOTE],
        ["left"],
        *(
            [OLD_VOTE | broken]
            for broken in (
                {"id": None},
                {"id": ""},
                {"id": "x" * 65},
                {"id": "a b"},
                {"left": "../../etc"},
                {"left": 7},
                {"left": "j2"},
                {"right": None},
                {"aspect": ""},
                {"aspect": ["overall"]},
                {"choice": "A"},
                {"choice": None},
                {"choice": ["left"]},
                {"repeats": 3},
                {"repeats": "<b>"},
            )
        ),
    ],
)
def test_an_old_file_that_was_changed_is_refused_whole(ballot, votes):
    with pytest.raises(InvalidRequest, match="Save my votes") as caught:
        read_unsigned(ballot(usual=OLD, votes=votes))

    assert "\n" not in str(caught.value)


# What anybody may have written


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"[]", b"3", b'{"format":', b"[" * 100_000, b'{"format": ' + b"9" * 5000 + b"}"],
)
def test_bytes_that_are_no_ballot_are_refused(tmp_path, content):
    path = tmp_path / "votes.json"
    path.write_bytes(content)

    with pytest.raises(InvalidRequest, match="Save my votes"):
        read_ballot(path)


def test_the_page_itself_is_told_from_its_votes(tmp_path):
    path = tmp_path / "ballot.html"
    path.write_bytes(b"\n<!doctype html>" + b"x" * (MOST_BYTES + 1))

    with pytest.raises(InvalidRequest, match="is the page to vote on"):
        read_ballot(path)


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "votes.json"
    path.write_bytes(b" " * (MOST_BYTES + 1))

    with pytest.raises(InvalidRequest, match="is larger than"):
        read_ballot(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InvalidRequest, match="check the path"):
        read_ballot(tmp_path / "votes.json")


def test_a_hostile_name_becomes_one_short_line(ballot):
    hostile = "<script>\n\x1b[31m" + "A" * 100
    file = read_ballot(ballot(rater=hostile))
    [vote] = read_unsigned(ballot(usual=OLD, rater=hostile, votes=[OLD_VOTE | {"aspect": "overall\nmotion"}]))

    for rater in (file.rater, vote.rater):
        assert rater.startswith("<script> [31mAAA")
        assert len(rater) == 60
    assert vote.aspect == "overall motion"


@pytest.mark.parametrize("at", [-5, 1e300, 10**400, None, "yesterday", True, math.nan, math.inf])
def test_a_wrong_clock_loses_no_vote(ballot, at):
    [answer] = read_ballot(ballot(votes=[VOTE | {"at": at}])).answers

    assert 0 <= answer.at <= time.time()


@settings(deadline=None, max_examples=60)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_nothing_that_stands_in_a_vote_escapes_as_another_error(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("votes") / "votes.json"
    for name in VOTE:
        path.write_text(json.dumps(BALLOT | {"votes": [VOTE | {name: value}]}), encoding="utf-8")
        file = read_ballot(path)
        assert len(file.answers) + len(file.malformed) == 1
        assert all(isinstance(answer.at, float) for answer in file.answers)
    for name in BALLOT:
        path.write_text(json.dumps(BALLOT | {name: value}), encoding="utf-8")
        with contextlib.suppress(InvalidRequest):
            read_ballot(path)


def test_a_pseudonym_is_one_that_nobody_has(monkeypatch):
    drawn = iter(["7f3a"] * 70 + ["00b2c4"])
    monkeypatch.setattr("secrets.token_hex", lambda _length: next(drawn))

    assert pseudonym(()) == "rater-7f3a"
    assert pseudonym({"rater-7f3a"}) == "rater-00b2c4"


def test_questions_are_cleaned_and_asked_once():
    assert check_aspects(["overall", " prompt\nmatch ", "overall"]) == ("overall", "prompt match")
    assert check_aspects("motion") == ("motion",)


@pytest.mark.parametrize("aspects", [[], [""], [None], [3], "", [str(i) for i in range(13)]])
def test_questions_that_say_nothing_are_refused(aspects):
    with pytest.raises(InvalidRequest, match="aspect"):
        check_aspects(aspects)
