"""A ballot that cannot be stuffed: a page asks one rater once, and whatever else comes back is named and left out."""

import json
import re

import pytest
from grids.stage import PATIENCE, small

from seedance_nb.errors import InvalidRequest
from seedance_nb.tracking.ledger.vote import DAMAGED, Kind


@pytest.fixture
def grid(session):
    """Four finished clips."""
    made = small(session, ["a cat", "a dog", "a hen", "a cow"]).submit()
    made.result(PATIENCE)
    return made


@pytest.fixture
def page(grid, tmp_path):
    """`page()`: what stands in a new page that asks for all six pairs, one of them to practise and one twice."""

    def page(grid=grid, **options):
        path = grid.vote(offline=tmp_path / "ballot.html", **options)
        return json.loads(re.search(r'id="ballot">(.*?)</script>', path.read_text("utf-8"))[1])

    return page


@pytest.fixture
def save(tmp_path):
    """`save(page, answers, rater=)`: the file that the page would save; None as answers: one to every question."""

    def save(page, answers=None, name="ballot.json", **changes):
        every = [answer(number, aspect) for number, _ in enumerate(page["pairs"]) for aspect in page["aspects"]]
        kept = {name: page[name] for name in ("format", "version", "ballot", "aspects", "schedule", "signature")}
        file = kept | {"rater": page["hint"], "votes": every if answers is None else answers} | changes
        path = tmp_path / name
        path.write_text(json.dumps(file), "utf-8")
        return path

    return save


def answer(pair, aspect="overall", choice="left", **changes):
    return {"pair": pair, "aspect": aspect, "choice": choice, "at": 1000.0 + pair, "seconds": 6.5, "plays": 1} | changes


def left_out_of(added):
    return {reason: list(numbers) for reason, numbers in added.left_out.items()}


# What was asked is taken in --------------------------------------------------------------------------


def test_every_answer_to_what_was_asked_counts_once_with_what_it_took(grid, page, save):
    page = page(aspects=["overall", "motion"])

    added = grid.add_votes(save(page))

    votes = grid.votes()
    assert added == len(votes) == 2 * (len(page["pairs"]) - 1)  # without the one to practise
    assert (added.left_out, added.words) == ({}, "")
    assert {(vote.seconds, vote.plays, vote.ballot, vote.rater) for vote in votes} == {
        (6.5, 1, page["ballot"], page["hint"])
    }
    repeats = [vote for vote in votes if vote.repeats]
    by_id = {vote.id: vote for vote in votes}
    assert len(repeats) == 2
    for again in repeats:
        first = by_id[again.repeats]
        assert (first.left, first.right, first.aspect) == (again.right, again.left, again.aspect)


def test_the_pair_to_practise_comes_first_and_is_kept_apart(grid, page, save):
    from seedance_nb.grids.judging import controls_on

    page = page()
    assert [pair["kind"] for pair in page["pairs"]].index("vote") == 1

    grid.add_votes(save(page))

    assert [vote.kind for vote in controls_on(grid.picture(), grid.session)] == [Kind.TRAINING]
    assert [pair["kind"] for pair in json.loads(json.dumps(page["pairs"]))].count("training") == 1


@pytest.mark.parametrize(("gold", "count"), [(0.0, 0), (0.1, 1), (0.25, 2), (0.5, 7), (1.0, 7)])
def test_gold_pairs_are_as_many_as_asked_for_and_look_like_any_other(grid, page, save, gold, count):
    from seedance_nb.grids.judging import controls_on

    page = page(gold=gold, training=False)
    whole = 0 if gold == 1 else 7
    assert len(page["pairs"]) == whole + count
    assert {pair["kind"] for pair in page["pairs"]} == {"vote"}
    assert DAMAGED not in json.dumps(page)

    added = grid.add_votes(save(page))

    controls = controls_on(grid.picture(), grid.session)
    assert (added, len(grid.votes()), len(controls)) == (whole, whole, count)
    assert all(vote.kind is Kind.GOLD for vote in controls)
    assert all(vote.is_right == vote.right.endswith(DAMAGED) for vote in controls)  # all answers were "left"


def test_a_page_has_no_secret_no_key_and_proposes_a_pseudonym(grid, page, tmp_path):
    page, other = page(), page()
    text = (tmp_path / "ballot.html").read_text("utf-8")
    secret = grid.session.ask_ledger(lambda ledger: ledger.studies.signing_secret())

    assert secret.hex() not in text
    assert not any(key in text for key in grid.picture().keys)
    assert re.fullmatch("rater-[0-9a-f]{4}", page["hint"])
    assert page["hint"] != other["hint"]
    assert page["ballot"] != other["ballot"]


def test_a_name_that_is_chosen_for_a_rater_stands_in_their_page(page):
    assert page(rater="A7")["hint"] == "A7"


def test_the_same_file_again_adds_nothing_and_leaves_nothing_out(grid, page, save):
    page = page()
    first = grid.add_votes(save(page))

    again = grid.add_votes(save(page))

    assert (again, again.left_out) == (0, {})
    assert len(grid.votes()) == first


def test_a_rater_who_goes_on_sends_a_longer_file(grid, page, save):
    page = page()
    grid.add_votes(save(page, [answer(1), answer(2)]))

    added = grid.add_votes(save(page, name="ballot-2.json"))

    assert (added, added.left_out) == (len(page["pairs"]) - 3, {})


# What was not is left out ----------------------------------------------------------------------------


def test_a_stuffed_file_gives_what_was_asked_and_names_the_rest_in_one_line(grid, page, save, capsys):
    page = page(training=False)
    every = [answer(number) for number in range(len(page["pairs"]))]
    stuffed = [*every, *(answer(0, id=f"new {n}") for n in range(500)), answer(99), answer(0, "beauty"), answer(-1), 7]

    added = grid.add_votes(save(page, stuffed))

    n = len(every)
    assert added == len(grid.votes()) == n
    assert left_out_of(added) == {
        "malformed": [n + 504],
        "doubled": list(range(n + 1, n + 501)),
        "outside the page's schedule": [n + 501, n + 502, n + 503],
    }
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("seedance: ballot.json: 504 answers were left out: 1 malformed (number ")
    assert f"500 doubled (number {n + 1}, {n + 2}," in line
    assert "3 outside the page's schedule" in line


def test_ids_and_sides_that_a_file_claims_count_for_nothing(grid, page, save):
    page = page(training=False)
    keys = grid.picture().keys
    claimed = [answer(0, id="mine", left=keys[0], right=keys[1], repeats="x", rater="Bob", kind="vote")]

    assert grid.add_votes(save(page, claimed)) == 1

    [vote] = grid.votes()
    issued = grid.session.ask_ledger(lambda ledger: ledger.studies.issued(page["ballot"])).clips
    assert (vote.left, vote.right) == tuple(issued[page["pairs"][0][side]] for side in ("left", "right"))
    assert (vote.rater, vote.repeats) == (page["hint"], None)


def test_of_an_answer_that_was_changed_between_two_files_the_first_counts(grid, page, save):
    page = page(training=False)
    grid.add_votes(save(page, [answer(0, choice="left")]))

    added = grid.add_votes(save(page, [answer(0, choice="right"), answer(1)]))

    assert left_out_of(added) == {"different from what came back before": [1]}
    assert [vote.choice.value for vote in grid.votes()] == ["left", "left"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda page: page | {"schedule": page["schedule"].replace('"vote"', '"training"', 1)},
        lambda page: page | {"schedule": page["schedule"] + " "},
        lambda page: page | {"schedule": page["schedule"].replace(page["ballot"], "0" * 16)},
        lambda page: page | {"schedule": page["schedule"].replace("overall", "overall\ud800")},
        lambda page: page | {"signature": "0" * 64},
        lambda page: page | {"signature": "é" * 64},
        lambda page: page | {"signature": page["signature"].upper()},
        lambda page: page | {"schedule": "[" * 100_000},
        lambda page: page | {"schedule": "", "signature": ""},
    ],
)
def test_an_edited_page_is_refused(grid, page, save, edit):
    with pytest.raises(InvalidRequest, match="it was edited, or its page was written with another ledger") as caught:
        grid.add_votes(save(edit(page())))

    assert "\n" not in str(caught.value)
    assert grid.votes() == []


def test_the_schedule_of_one_page_says_nothing_for_another(grid, page, save):
    one, other = page(), page()
    grid.add_votes(save(one))

    with pytest.raises(InvalidRequest, match="was edited"):
        grid.add_votes(save(one | {"signature": other["signature"]}))


def test_a_sock_puppet_on_the_page_of_another_is_named_and_left_out(grid, page, save):
    page = page()
    first = grid.add_votes(save(page, rater="Ann"))

    with pytest.raises(
        InvalidRequest, match=r"is by 'Bob', but its page is that of 'Ann'.* answers were left out"
    ) as caught:
        grid.add_votes(save(page, rater="Bob"))

    assert "\n" not in str(caught.value)
    assert {vote.rater for vote in grid.votes()} == {"Ann"}
    assert len(grid.votes()) == first


def test_three_pages_answered_alike_by_one_rater_are_one_opinion(grid, page, save):
    pages = [page(training=False) for _ in range(3)]

    added = [grid.add_votes(save(found, name=f"{n}.json", rater="Ann")) for n, found in enumerate(pages)]

    votes = grid.votes()
    assert len({(vote.left, vote.right) for vote in votes}) == len(votes) == sum(added)
    assert all("by a rater who has judged that pair before" in a.left_out for a in added if a < len(pages[0]["pairs"]))
    ranking = grid.ranking(by="prompt")
    assert ranking.used == 6  # pairs there are: on other sides it is a repetition


def test_two_raters_with_a_page_each_both_count(grid, page, save):
    first, second = page(training=False), page(training=False)
    grid.add_votes(save(first))

    added = grid.add_votes(save(second))

    assert (added, added.left_out) == (len(second["pairs"]), {})
    assert {vote.rater for vote in grid.votes()} == {first["hint"], second["hint"]}


def test_a_page_of_another_grid_is_refused(session, grid, page, save):
    other = small(session, ["a fox", "an owl"]).submit()
    other.result(PATIENCE)

    with pytest.raises(InvalidRequest, match="about other clips than those of this grid; nothing was added"):
        grid.add_votes(save(page(other)))

    assert other.votes() == []


def test_a_page_of_another_ledger_is_refused(grid, page, save):
    page = page()
    forget = "UPDATE secrets SET secret = ? WHERE name = 'ballots'"

    def exchange(ledger):
        with ledger.file.transaction() as db:
            db.execute(forget, ("00" * 32,))

    grid.session.ask_ledger(exchange)
    with pytest.raises(InvalidRequest, match="SEEDANCE_HOME"):
        grid.add_votes(save(page))


def test_a_page_that_the_ledger_has_lost_is_told(grid, page, save):
    page = page()

    def lose(ledger):
        with ledger.file.transaction() as db:
            db.execute("DELETE FROM ballots")

    grid.session.ask_ledger(lose)
    with pytest.raises(InvalidRequest, match="no longer knows"):
        grid.add_votes(save(page))


def test_an_unsigned_file_of_before_counts_for_whoever_trusts_it(grid, save, tmp_path):
    one, other = grid.picture().keys[:2]
    vote = {"id": "v1", "aspect": "overall", "left": one, "right": other, "choice": "left", "at": 1.0}
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"format": "seedance-ballot", "version": 1, "rater": "Ada", "votes": [vote]}), "utf-8")

    with pytest.raises(InvalidRequest, match="unsigned=True"):
        grid.add_votes(path)
    assert grid.votes() == []

    assert grid.add_votes(path, unsigned=True) == 1
    assert [(vote.rater, vote.ballot) for vote in grid.votes()] == [("Ada", None)]


# Who withdraws ---------------------------------------------------------------------------------------


def test_who_withdraws_is_deleted_and_their_file_is_not_taken_in_again(grid, page, save):
    from seedance_nb.grids.judging import controls_on

    mine, other = page(gold=0.2), page()
    grid.add_votes(save(mine))
    grid.add_votes(save(other, name="other.json"))

    deleted = grid.withdraw(mine["hint"])

    assert deleted == len(mine["pairs"])
    assert {vote.rater for vote in [*grid.votes(), *controls_on(grid.picture(), grid.session)]} == {other["hint"]}
    for rater in (mine["hint"], "another name"):
        with pytest.raises(InvalidRequest, match="of a rater who has withdrawn; nothing was added"):
            grid.add_votes(save(mine, rater=rater))


@pytest.mark.parametrize("rater", ["nobody", "", None, 3])
def test_withdrawing_nobody_names_who_there_is(grid, page, save, rater):
    page = page()
    grid.add_votes(save(page))

    with pytest.raises(InvalidRequest, match=f"there are some by {page['hint']}") as caught:
        grid.withdraw(rater)

    assert "\n" not in str(caught.value)
