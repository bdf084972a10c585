"""What is said before the votes: hashed, dated, kept for good; and every way in which it came otherwise is told in a line."""

import contextlib
import dataclasses
import hashlib
import json
import sqlite3

import pytest
from grids.stage import PATIENCE, session_at, small

from seedance_nb.errors import ConfigurationError, InvalidRequest
from seedance_nb.grids.registering.registration import read
from seedance_nb.tracking.ledger.vote import Choice, Kind, Vote, damaged

QUESTION = "Is a cat better than a dog?"
RATERS = ("Ann", "Bob", "Cy", "Dora")


@pytest.fixture
def grid(session):
    made = small(session, ["a cat", "a dog"], takes=4).submit()
    made.result(PATIENCE)
    return made


def cast(grid, count, *, start=0, aspect="overall", raters=RATERS, choice=None, add=True):
    """Votes on pairs of a cat and a dog, mostly for the cat; up to 128 no rater judges a pair twice on equal sides, which counts once."""
    cats, dogs = ([job.key for job in grid.jobs[place : place + 4]] for place in (0, 4))
    votes = []
    for n in range(start, start + count):
        turn = n // len(raters)
        sides = [cats[turn % 4], dogs[turn // 4 % 4]]
        left, right = sides if (turn + turn // 4 + turn // 16) % 2 else sides[::-1]
        said = choice(n, left in cats) if choice else Choice.LEFT if (left in cats) == bool(n % 7) else Choice.RIGHT
        votes.append(Vote(f"{aspect} {n}", raters[n % len(raters)], aspect, left, right, said, 1e9 + n))
    if add:
        grid.session.ask_ledger(lambda ledger: ledger.votes.add(votes))
    return votes


def gold(grid, right):
    """Five gold pairs of each rater; `right(rater)` is whether they see the damage."""
    keys = [job.key for job in grid.jobs]
    votes = [
        Vote(
            f"g{rater}{n}",
            rater,
            "overall",
            *(keys[n % 4], damaged(keys[n % 4])),
            Choice.LEFT if right(rater) else Choice.TIE,
            1e9 + n,
            kind=Kind.GOLD,
        )
        for rater in RATERS
        for n in range(5)
    ]
    grid.session.ask_ledger(lambda ledger: ledger.votes.add(votes))


def test_a_registration_is_hashed_and_dated_before_anything_is_sent(session, simulator):
    grid = small(session, ["a cat", "a dog"], takes=2)
    made = grid.register(
        QUESTION, by="prompt", aspects=["overall", "motion"], raters=4, votes=40, stopping="after a week"
    )

    assert not any(grid.jobs)
    assert simulator.calls["create"] == 0
    assert made.hash == hashlib.sha256(made.text.encode()).hexdigest()
    content = json.loads(made.text)
    assert made.text == json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert (content["at"], content["after_votes"], content["amends"]) == (made.at, 0, None)
    assert content["plan"]["question"] == QUESTION
    said = str(made)
    assert said.startswith("Registered before the first vote, ")
    assert f"SHA-256 {made.hash[:12]}" in said
    for words in (
        QUESTION,
        "how strong each prompt is",
        "“overall” and “motion”",
        "Raters: 4",
        "40 on each",
        "after a week",
        "nobody",
    ):
        assert words in said


def test_it_is_there_in_another_kernel_and_no_text_of_it_can_be_changed(grid, tmp_path, simulator):
    made = grid.register(QUESTION, by="prompt", votes=40)
    assert read(made.text).hash == made.hash
    grid.session.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as db:
        for change in ("UPDATE registrations SET text = 'x'", "DELETE FROM registrations"):
            with pytest.raises(sqlite3.IntegrityError, match="a registration is never"):
                db.execute(change)
    with session_at(simulator.base_url, tmp_path) as other:
        again = small(other, ["a cat", "a dog"], takes=2)
        assert [one.hash for one in again.registrations] == [made.hash]


def test_a_second_one_is_an_amendment_and_the_first_stays(grid):
    first = grid.register(QUESTION, by="prompt", votes=40)
    second = grid.register(QUESTION, by="prompt", votes=60)
    assert [one.hash for one in grid.registrations] == [first.hash, second.hash]
    assert second.amends == first.hash
    assert f"Amendment to {first.hash[:12]}, registered before the first vote" in str(second)
    assert "Changed: votes: 40 on each aspect → 60 on each aspect." in str(second)
    cast(grid, 60)
    assert grid.ranking("prompt").deviations == ()  # nobody had seen a vote: the amended plan counts


def test_the_same_said_again_is_no_amendment_however_many_votes_were_seen(grid):
    first = grid.register(QUESTION, by="prompt", votes=40)
    cast(grid, 40)
    assert grid.register(QUESTION, by="prompt", votes=40).hash == first.hash
    assert grid.ranking("prompt").deviations == ()
    grid.register(QUESTION, by="prompt", votes=60)
    grid.register(QUESTION, by="prompt", votes=40)  # something else has been said since
    assert len(grid.registrations) == 3


def test_votes_that_were_seen_are_said_whoever_plans_them(session, grid):
    cast(grid, 14)
    fresh_plan = small(session, ["a cat", "a dog"], takes=2)  # as in a new kernel: it has no jobs yet
    made = fresh_plan.register(QUESTION, by="prompt", exclusion={"votes": 14})  # Cy and Dora will have 13
    assert made.after_votes == 14
    assert "registered after 14 votes" in str(made).replace("Registered", "registered")
    cast(grid, 40, start=14)
    ranking = grid.ranking("prompt")
    assert (ranking.everybody, dict(ranking.raters.left_out), ranking.votes) == (None, {}, 54)
    assert "Registered after 14 votes" in str(ranking)
    assert "The rule of exclusion was registered after 14 votes: it leaves nobody out." in grid.methods()
    assert "it leaves nobody out" in str(grid.raters("prompt"))


def test_an_amendment_after_votes_changes_nothing_of_what_counts(grid):
    grid.register(QUESTION, by="prompt", votes=40)
    cast(grid, 30)
    grid.register(QUESTION, by="prompt", votes=30, exclusion={"votes": 8})  # Cy and Dora have 7
    ranking = grid.ranking("prompt")
    assert ranking.deviations == ("Stopped (so far) earlier on “overall”: 30 votes where 40 were registered.",)
    assert any(
        words.startswith("Amended after 30 votes") and "votes: 40 on each aspect → 30" in words
        for words in ranking.plan
    )
    assert ranking.everybody is None


def test_a_study_as_registered_has_no_deviation(grid):
    grid.register(QUESTION, by="prompt", raters=RATERS, votes=40)
    cast(grid, 40)
    ranking = grid.ranking("prompt")
    assert ranking.deviations == ()
    assert "No deviation from what was registered." in str(ranking)
    assert "The votes are as registered." in grid.methods(ranking)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": "take"}, "Ranked by take where prompt was registered."),
        ({"by": None}, "Ranked by cell where prompt was registered."),
        (
            {"of": "clips"},
            "Asks how these very clips stand with these raters, by prompt, where how strong each prompt is",
        ),
        ({"aspect": "motion"}, "About “motion” where “overall” was registered."),
        ({"raters": ["Ann", "Bob"]}, "Left out by hand, by no registered rule: Cy and Dora."),
    ],
)
def test_what_is_asked_otherwise_is_one_deviation(grid, asked, said):
    grid.register(QUESTION, by="prompt")
    cast(grid, 40)
    cast(grid, 40, aspect="motion")
    plain = grid.ranking("prompt").deviations
    ranking = grid.ranking(**{"by": "prompt", **asked})
    (deviation,) = [one for one in ranking.deviations if one not in plain]
    assert deviation.startswith(said)
    assert f"Deviation: {deviation}" in str(ranking)
    assert f"Deviation: {deviation}" in grid.methods(ranking)


@pytest.mark.parametrize(
    ("registered", "said"),
    [
        ({"votes": 30}, "Stopped later on “overall”: 40 votes where 30 were registered."),
        ({"votes": 50}, "Stopped (so far) earlier on “overall”: 40 votes where 50 were registered."),
        ({"raters": 3}, "4 raters where 3 were registered."),
        ({"raters": ["Ann", "Bob", "Cy", "Eve"]}, "Voted without being registered: Dora."),
        ({"raters": ["Ann", "Bob", "Cy", "Dora", "Eve"]}, "Registered, with no vote (so far): Eve."),
        ({"aspects": ["motion"]}, "Asked too, though not registered: “overall” (registered: “motion”)."),
    ],
)
def test_what_the_votes_are_and_were_not_to_be_is_a_deviation(grid, registered, said):
    grid.register(QUESTION, by="prompt", **registered)
    cast(grid, 40)
    assert said in grid.ranking("prompt").deviations
    assert f"Deviation: {said}" in grid.methods()


@pytest.mark.parametrize(("votes", "is_early"), [(None, False), (24, False), (60, True)])
def test_before_the_registered_votes_are_there_only_what_holds_at_every_look_is_told(grid, votes, is_early):
    grid.register(QUESTION, by="prompt", votes=votes)
    cast(grid, 24)
    ranking = grid.ranking("prompt")
    assert (ranking.registered, ranking.is_early) == (votes, is_early)
    assert any("60 votes were registered and 24 are so far" in words for words in ranking.words) == is_early


def test_a_number_of_votes_that_was_registered_after_votes_were_seen_settles_nothing(grid):
    cast(grid, 24)
    grid.register(QUESTION, by="prompt", votes=24)
    assert grid.ranking("prompt").registered is None


def test_a_grid_that_was_extended_or_cut_is_the_same_study_and_says_so(session, grid):
    grid.register(QUESTION, by="prompt")
    cast(grid, 40)
    three = small(session, ["a cat", "a dog", "a fox"], takes=5).submit()
    three.result(PATIENCE)
    said = three.ranking("prompt").deviations
    assert "1 request more than the 2 that were registered." in said
    assert "5 takes of each where 4 were registered." in said
    assert "1 registered request of 2 is not in this grid." in small(session, "a cat", takes=4).submit().methods()
    assert small(session, ["a hen", "a cow"]).registrations == []


# Exclusion --------------------------------------------------------------------------------------------


def test_a_registered_rule_leaves_out_and_both_rankings_are_given(grid):
    grid.register(QUESTION, by="prompt", exclusion={"gold": 0.8})
    cast(grid, 80)
    gold(grid, right=lambda rater: rater != "Dora")
    ranking = grid.ranking("prompt")
    assert [report.rater for report in ranking.raters] == list(RATERS)
    assert dict(ranking.raters.left_out) == {"Dora": "fewer than 80 % of the gold pairs right"}
    assert (ranking.votes, ranking.everybody.votes) == (60, 80)
    assert f"With everybody's votes: {ranking.everybody.words[0]}" in ranking.words
    assert "Left out by the registered rule: Dora (fewer than 80 % of the gold pairs right)." in ranking.words
    assert "Left out on “overall”: Dora" in grid.methods()
    assert grid.ranking("prompt", raters=RATERS).votes == 80
    assert (
        "Kept by hand, though the registered rule leaves out: Dora." in grid.ranking("prompt", raters=RATERS).deviations
    )
    assert grid.raters("prompt").to_pandas().set_index("rater").left_out["Dora"]


def test_who_is_flagged_but_broke_no_registered_rule_stays(grid):
    grid.register(QUESTION, by="prompt", exclusion={"votes": 3})
    cast(grid, 40)
    gold(grid, right=lambda rater: rater != "Dora")
    ranking = grid.ranking("prompt")
    assert "gold pairs" in ranking.raters.flags["Dora"][0]
    assert (ranking.everybody, dict(ranking.raters.left_out), ranking.votes) == (None, {}, 40)


@pytest.mark.parametrize(
    ("exclusion", "words"),
    [
        ({"votes": 21}, "fewer than 21 votes"),
        ({"seconds": 2}, "a median of less than 2 s a vote"),
        ({"side_bias": 0.01}, "a share of left rarer than p = 0.01"),
        ({"consistency": 0.6}, "fewer than 60 % of repeated pairs answered alike"),
    ],
)
def test_each_rule_leaves_out_whom_it_means(grid, exclusion, words):
    grid.register(QUESTION, by="prompt", exclusion=exclusion)
    given = []
    for n, vote in enumerate(cast(grid, 120, add=False)):
        if vote.rater != "Dora":
            given.append(dataclasses.replace(vote, seconds=5.0))
        elif "votes" not in exclusion or n < 80:  # hasty, always left, and never twice the same
            given.append(dataclasses.replace(vote, choice=Choice.LEFT, seconds=1.0))
            if "votes" not in exclusion:
                swapped = {"left": vote.right, "right": vote.left, "repeats": vote.id}
                given.append(dataclasses.replace(given[-1], id=f"repeat {n}", at=3e9 + n, **swapped))
    grid.session.ask_ledger(lambda ledger: ledger.votes.add(given))
    assert dict(grid.raters("prompt").left_out) == {"Dora": words}


# What cannot be meant ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"question": " "}, "question must say"),
        ({"question": 3}, "question must be words"),
        ({"by": "promt"}, "did you mean 'prompt'"),
        ({"of": "people"}, "of must be one of"),
        ({"aspects": []}, "at least one question"),
        ({"aspects": ["motion", "motion"]}, "different questions"),
        ({"raters": 0}, "from 1 up"),
        ({"raters": True}, "how many, or their names"),
        ({"raters": []}, "how many, or their names"),
        ({"votes": 2.5}, "whole number"),
        ({"exclusion": "gold"}, "rules with their numbers"),
        ({"exclusion": {"golden": 1}}, "there are votes, gold, consistency"),
        ({"exclusion": {"gold": 80}}, "a share from 0 to 1"),
        ({"exclusion": {"seconds": -1}}, "a number above 0"),
        ({"notes": "x" * 3000}, "at most 2,000 characters"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line_and_nothing_is_kept(session, said, words):
    grid = small(session, ["a cat", "a dog"])
    with pytest.raises(InvalidRequest, match=words) as caught:
        grid.register(**{"question": QUESTION, **said})
    assert "\n" not in str(caught.value)
    assert grid.registrations == []


def test_half_a_character_and_line_breaks_are_kept_as_what_can_be_hashed(session):
    grid = small(session, ["a cat", "a dog"])
    made = grid.register("is it \ud83d\n better?", notes="<b>bold</b>")
    assert made.plan.question == "is it ? better?"
    assert made.hash == hashlib.sha256(made.text.encode()).hexdigest()


def test_the_manifest_carries_the_whole_text(grid, tmp_path):
    made = grid.register(QUESTION, by="prompt")
    manifest = json.loads(grid.export(tmp_path / "grid.json").read_text("utf-8"))
    (kept,) = manifest["registrations"]
    assert kept["text"] == made.text
    assert kept["sha256"] == hashlib.sha256(kept["text"].encode()).hexdigest()


def test_a_ledger_that_cannot_be_written_registers_nothing(grid, monkeypatch):
    from seedance_nb.tracking.ledger import registrations

    monkeypatch.setattr(registrations, "_TEXTS", "SELECT nothing FROM nowhere")
    with pytest.raises(ConfigurationError):
        grid.register(QUESTION)
