"""What a grid says of itself in a paper, and its votes: which clips they are about, and what is ranked."""

import csv
import re

import pytest
from grids.stage import PATIENCE, small

import seedance_nb
from seedance_nb.errors import InvalidRequest, SeedanceError
from seedance_nb.tracking.ledger.vote import Choice, Kind, Vote, damaged

pd = pytest.importorskip("pandas")


@pytest.fixture
def grid(session):
    """Two animals with two takes each; the dogs fail, one prompt is empty."""
    made = small(session, "{x}", x=["a cat", "a dog [fail]", ""], takes=2).submit()
    made.result(PATIENCE)
    return made


# Methods ----------------------------------------------------------------------------------------------


def vote_on(grid, left, right, n, **changes):
    usual = {"id": f"v{n}", "rater": "Ada", "aspect": "overall", "choice": Choice.LEFT, "at": 1_700_000_000.0 + n}
    return Vote(left=grid.jobs[left].key, right=grid.jobs[right].key, **{**usual, **changes})


def keep(grid, *votes):
    from seedance_nb.tracking.ledger.ledger import Ledger

    grid.session.ask_ledger(Ledger.add_votes, votes)


def test_the_paragraph_tells_what_was_made_and_counts_right(grid):
    text = grid.methods()
    assert text.startswith(
        "Videos were generated from 2 prompts (x: 3 values) with seedance-2.0 (duration 4 s; resolution 480p; aspect ratio 1:1),"
        " in 2 takes each. 2 videos were obtained on "
    )
    assert "; 2 failed. The service charged 80 credits." in text
    assert "rater" not in text
    assert "Bradley" not in text
    assert "\n" not in text


def test_one_of_each_is_singular(session):
    grid = small(session, "a cat").submit()
    grid.result(PATIENCE)
    text = grid.methods()
    assert "from 1 prompt with seedance-2.0" in text
    assert "in 1 take each. 1 video was obtained on" in text
    assert "failed" not in text


def test_votes_and_their_statistic_are_told_only_where_there_are_votes(session):
    grid = small(session, ["a cat", "a dog"]).submit()
    grid.result(PATIENCE)
    keep(
        grid,
        vote_on(grid, 0, 1, 1),
        vote_on(grid, 1, 0, 2, repeats="v1"),
        vote_on(grid, 0, 1, 3, rater="Bob", aspect="motion"),
    )
    text = grid.methods()
    assert "2 raters compared clips two at a time" in text
    assert "3 votes on “overall” and “motion” on 2023-11-14 (UTC), of which 1 repeated" in text
    assert "Bradley–Terry model with ties" in text
    assert "differences tend to seem larger than they are" in text


def test_a_paragraph_before_submitting_claims_no_videos(session):
    text = small(session, ["a cat", "a dog"]).methods()
    assert "Nothing has been submitted yet." in text
    assert "obtained" not in text


# Votes ------------------------------------------------------------------------------------------------


def test_votes_are_those_on_clips_of_this_grid(session):
    grid, other = (small(session, prompts).submit() for prompts in (["a cat", "a dog"], ["a hen", "a cow"]))
    grid.result(PATIENCE)
    other.result(PATIENCE)
    keep(grid, vote_on(grid, 0, 1, 1), vote_on(other, 0, 1, 2))
    assert [vote.id for vote in grid.votes()] == ["v1"]


def test_clips_are_grouped_by_one_axis_by_several_or_by_cell_without_its_take(session):
    grid = small(session, "a {x}", x=["cat", "dog"], duration=[4, 5], takes=2).submit()
    grid.result(PATIENCE)
    assert len(set(grid.groups("x").values())) == 2
    assert len(set(grid.groups(("x", "duration")).values())) == 4
    assert set(grid.groups().values()) == set(grid.groups(("duration", "x")).values())
    assert len(set(grid.groups("prompt").values())) == 2
    assert len(grid.groups("x")) == 8
    with pytest.raises(InvalidRequest, match=r"'duratoin' is no axis of this grid; did you mean 'duration'"):
        grid.groups("duratoin")


def test_a_clip_whose_file_is_gone_is_ranked_no_more(session):
    grid = small(session, "a {x}", x=["cat", "dog"]).submit()
    cat, _ = grid.result(PATIENCE)
    cat.path.unlink()
    assert grid.groups("x") == {grid.jobs[1].key: "dog"}


def test_voting_without_a_notebook_names_the_cure_and_offline_writes_a_page(grid, tmp_path):
    with pytest.raises(SeedanceError, match=r"votes need a notebook; grid\.vote\(offline='ballot.html'\)"):
        grid.vote()
    page = grid.vote("motion", by="take", offline=tmp_path / "ballot.html")
    assert page == tmp_path / "ballot.html"
    assert '"aspects": ["motion"]' in page.read_text("utf-8")
    for nowhere in (None, tmp_path / "none.html"):
        with pytest.raises(InvalidRequest, match="at least one question"):
            grid.vote(aspects=[], offline=nowhere)
        with pytest.raises(InvalidRequest, match="did you mean 'take'"):
            grid.vote(by="tkae", offline=nowhere)
    assert not (tmp_path / "none.html").exists()


def test_a_ranking_by_an_axis_counts_the_votes_on_its_values(session):
    grid = small(session, ["a cat", "a dog"], duration=[4, 5]).submit()
    grid.result(PATIENCE)
    place = {tuple(cell.values[name] for name in ("prompt", "duration")): n for n, cell in enumerate(grid.cells)}
    cat, dog = place["a cat", 4], place["a dog", 4]
    raters = ["Ada", *(f"rater {n}" for n in range(11))]
    keep(grid, *(vote_on(grid, cat, dog, n, rater=name) for n, name in enumerate(raters)), vote_on(grid, dog, cat, 99))
    ranking = grid.ranking(by="prompt")
    assert [item.label.split()[-1] for item in ranking.table] == ["cat", "dog"]
    assert [(item.wins, item.losses) for item in ranking.table] == [(12, 1), (1, 12)]
    assert grid.ranking(by="prompt", raters="rater 1").table[0].losses == 0
    assert len(grid.ranking().table) == 4
    with pytest.raises(InvalidRequest, match="did you mean 'duration'"):
        grid.ranking(by="durations")


# What counts once, and what never does -------------------------------------------------------------------


def test_five_hundred_votes_of_one_rater_on_one_pair_are_one(session):
    grid = small(session, ["a cat", "a dog"]).submit()
    grid.result(PATIENCE)
    keep(
        grid,
        *(vote_on(grid, 0, 1, n) for n in range(500)),
        vote_on(grid, 1, 0, 501),
        vote_on(grid, 0, 1, 502, rater="Bob"),
    )

    ranking = grid.ranking(by="prompt")

    assert (ranking.votes, ranking.doubled, ranking.winner) == (3, 499, None)
    assert [vote.id for vote in grid.votes()] == ["v0", "v501", "v502"]
    assert "499 votes were left out: the same rater had judged the same pair on the same sides" in str(ranking)
    assert "3 votes on “overall”" in grid.methods()
    assert "Not counted: 499 votes of a rater who had judged the same pair on the same sides." in grid.methods()
    assert grid.ranking(by="prompt", raters="Bob").doubled == grid.ranking(by="prompt", aspect="motion").doubled == 0


def test_practice_gold_and_what_was_left_out_are_told_and_count_nowhere(session):
    grid = small(session, ["a cat", "a dog"]).submit()
    grid.result(PATIENCE)
    cat = grid.jobs[0].key
    gold = [
        Vote(f"g{n}", "Ada", "overall", damaged(cat), cat, choice, 1_700_000_000.0 + n, kind=Kind.GOLD)
        for n, choice in enumerate((Choice.RIGHT, Choice.LEFT, Choice.TIE))
    ]
    keep(grid, vote_on(grid, 0, 1, 1), vote_on(grid, 0, 1, 2, kind=Kind.TRAINING), *gold)
    grid.session.ask_ledger(lambda ledger: ledger.studies.note_left_out("page", cat, {"doubled": 7}))

    assert [vote.id for vote in grid.votes()] == ["v1"]
    assert grid.ranking(by="prompt").votes == 1
    assert (
        "Not counted: 1 answer to first pairs, which were to practise; 3 answers to pairs of a clip and its damaged copy"
        " (1 of them for the clip); 7 answers doubled." in grid.methods()
    )


def figures(ranking):
    return [value for row in ranking.table for value in (row.strength, row.low, row.high, row.wins, row.losses)]


def test_the_votes_can_be_shared_and_ranked_again_and_lead_to_nobody(session, tmp_path):
    grid = small(session, ["a cat", "a dog"], takes=2).submit()
    grid.result(PATIENCE)
    cat = grid.jobs[0].key
    number = 0
    for rater in ("Ada Lovelace", "Eve", "Bob"):
        for left in range(4):
            for right in range(4):
                number += left != right
                if left != right:
                    choice = Choice.LEFT if left < right else Choice.RIGHT
                    keep(grid, vote_on(grid, left, right, number, rater=rater, choice=choice, seconds=2.5, plays=1))
    keep(
        grid,
        vote_on(grid, 1, 0, 100, rater="Bob", repeats="v25"),
        vote_on(grid, 1, 0, 101, rater="Bob"),
        vote_on(grid, 0, 1, 0, rater="Bob", kind=Kind.TRAINING),
        Vote("g", "Bob", "overall", damaged(cat), cat, Choice.RIGHT, 1_700_000_200.0, kind=Kind.GOLD),
    )

    path = grid.export(tmp_path / "votes.csv")

    text = path.read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert list(rows[0]) == ["rater", "left", "right", "choice", "aspect", "seconds", "plays", "order", "at", "kind"]
    assert len(rows) == 36 + 4
    assert not re.search("Ada|Lovelace|Eve|Bob", text)
    orders = {row["rater"]: [int(r["order"]) for r in rows if r["rater"] == row["rater"]] for row in rows}
    assert sorted(map(len, orders.values())) == [12, 12, 16]
    assert all(order == [*range(1, len(order) + 1)] for order in orders.values())
    assert {row["kind"] for row in rows} == {"vote", "repeat", "training", "gold"}
    assert rows[-1]["at"].startswith("2023-11-14T")
    clips = {
        job.key: {"prompt": cell.request.prompt, "take": cell.take}
        for job, cell in zip(grid.jobs, grid.cells, strict=True)
    }
    direct = grid.ranking(by="prompt")
    for read in (path, str(path), rows, pd.read_csv(path)):
        again = seedance_nb.rank(read, clips, by="prompt")
        assert figures(again) == pytest.approx(figures(direct), rel=1e-6)
        assert (again.votes, again.doubled, again.repeats) == (direct.votes, direct.doubled, direct.repeats)
    assert figures(seedance_nb.rank(path, grid.to_pandas(), by="prompt")) == pytest.approx(figures(direct), rel=1e-6)


def test_a_rater_has_one_id_in_a_study_and_another_in_the_next(session, tmp_path):
    def ids(grid, name):
        keep(grid, Vote(f"{name}", "Ada", "overall", grid.jobs[0].key, grid.jobs[1].key, Choice.LEFT, 1.0))
        return {row["rater"] for row in csv.DictReader(grid.export(tmp_path / name).read_text().splitlines())}

    one, other = (small(session, prompts, takes=1).submit() for prompts in (["a cat", "a dog"], ["a hen", "a cow"]))
    one.result(PATIENCE)
    other.result(PATIENCE)
    first = ids(one, "votes.csv")
    one.extend(takes=2).result(PATIENCE)

    assert ids(one, "more-votes.csv") == first
    assert ids(other, "other votes.csv") != first
    assert len(first) == 1


def test_who_has_withdrawn_is_in_no_export(session, tmp_path):
    grid = small(session, ["a cat", "a dog"]).submit()
    grid.result(PATIENCE)
    keep(grid, vote_on(grid, 0, 1, 1), vote_on(grid, 0, 1, 2, rater="Bob"))

    assert grid.withdraw("Ada") == 1

    assert len(grid.export(tmp_path / "votes.csv").read_text().splitlines()) == 2
    assert [vote.rater for vote in grid.votes()] == ["Bob"]


def test_other_tables_are_of_the_cells_whatever_their_name(session, tmp_path):
    grid = small(session, ["a cat", "a dog"])
    assert (tmp_path / "pivots.csv").name == grid.export(tmp_path / "pivots.csv").name
    assert "prompt" in (tmp_path / "pivots.csv").read_text("utf-8-sig").splitlines()[0]
    assert (
        grid.export(tmp_path / "Boats-Votes.csv").read_text()
        == "rater,left,right,choice,aspect,seconds,plays,order,at,kind\n"
    )


# The order of naming ----------------------------------------------------------------------------------


def test_a_grid_named_in_another_order_says_the_same(session):
    """The same cells, named forwards and backwards: their jobs are the same, so are ranking and paragraph."""
    named = {"animal": ["cat", "dog", "hen"], "resolution": ["720p", "480p"], "takes": 2}
    forwards = small(session, "a {animal}", **named).submit()
    forwards.result(PATIENCE)
    turned = {name: values[::-1] if isinstance(values, list) else values for name, values in named.items()}
    backwards = small(session, "a {animal}", **turned).submit()
    backwards.result(PATIENCE)
    keys = sorted(job.key for job in forwards.jobs)
    assert keys == sorted(job.key for job in backwards.jobs)
    for n, (left, right) in enumerate((one, other) for one in keys for other in keys if one < other):
        choice = Choice.TIE if n % 3 else Choice.BOTH_BAD
        keep(forwards, Vote(f"o{n}", "Ada", "motion" if n % 2 else "overall", left, right, choice, 1_700_000_000.0))
    for by in (None, "animal", "resolution"):
        assert repr(forwards.ranking(by, resamples=20)) == repr(backwards.ranking(by, resamples=20))
    assert forwards.methods() == backwards.methods()


def test_a_clip_of_two_cells_goes_by_one_label_whoever_was_named_first(session):
    rows = [{"prompt": "a cat", "mood": "sad"}, {"prompt": "a cat", "mood": "gay"}, {"prompt": "a dog", "mood": "sad"}]
    groups = []
    for named in (rows, rows[::-1]):
        grid = small(session, named).submit()
        grid.result(PATIENCE)
        groups.append(grid.groups("mood"))
    assert groups[0] == groups[1]
    assert sorted(groups[0].values()) == ["gay", "sad"]


# Power ------------------------------------------------------------------------------------------------


def test_a_power_is_told_before_anything_is_sent(session, simulator):
    grid = small(session, "{x}", x=["a cat", "a dog"], takes=3)
    power = grid.power(gap=1.5, votes=150, raters=12)

    assert not any(grid.jobs)
    assert simulator.calls["create"] == 0
    assert (power.study.items, power.study.takes, power.study.blocks) == (2, 3, 1)
    assert (power.planned.clips, power.planned.votes) == (6, 150)
    assert power.planned.credits == grid.plan.credits
    assert power.planned.pair == power.planned.best
    assert "Nothing was sent." in str(power)


def test_what_is_compared_is_an_axis_and_the_rest_are_blocks(session):
    grid = small(session, ["a cat", "a dog", "a fox"], model=["seedance-2.0", "seedance-2.0-fast"], takes=2)
    power = grid.power(by="model")
    assert (power.by, power.study.items, power.study.takes, power.study.blocks) == ("model", 2, 2, 3)
    assert "stray by 0.5 from prompt" not in str(power)
    with pytest.raises(InvalidRequest, match="modle"):
        grid.power(by="modle")


def test_what_is_there_is_paid_for(session, grid):
    assert grid.power(votes=40).planned.credits < small(session, "{x}", x=["a bat", "an owl"], takes=2).plan.credits * 2


@pytest.mark.parametrize("luck", ["pilots", "pilot"])
def test_a_pilot_needs_votes(grid, luck):
    with pytest.raises(InvalidRequest, match=r"'pilot'|do not show") as caught:
        grid.power(luck=luck)
    assert "\n" not in str(caught.value)


def test_a_pilot_tells_how_far_clips_and_raters_stray(session):
    grid = small(session, ["a cat", "a dog"], takes=3).submit()
    grid.result(PATIENCE)
    number = 0
    for rater in ("Ada", "Bob", "Eve", "Ira"):
        for left in range(3):
            for right in range(3, 6):
                number += 1
                choice = Choice.LEFT if (left + number) % 3 else Choice.TIE
                keep(grid, vote_on(grid, left, right, number, rater=rater, choice=choice))

    power = grid.power(luck="pilot", raters=8)

    assert "seen in this grid's votes" in str(power)
    assert power.study.luck != 0.7
    assert 0.3 < power.study.ties < 0.9


def test_the_plan_says_what_its_votes_would_tell(session):
    from seedance_nb.grids.pages.receipts import plan_html, plan_plain

    two = small(session, ["a cat", "a dog"], takes=4).plan
    one = small(session, ["a cat", "a dog"]).plan
    alone = small(session, "a cat", takes=4).plan

    for text in (plan_html(two), plan_plain(two)):
        assert "120 votes by 6 raters would tell two prompts apart 4 times in 5 if one is preferred" in text
    assert "two takes at least" in plan_plain(one)
    assert "apart" not in plan_plain(alone)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda grid: grid.methods("x"), r"methods\(\) takes the rankings"),
        (lambda grid: grid.power(raters=0), "raters must be a whole number"),
        (lambda grid: grid.power(gap=True), "gap is in log-odds"),
        (lambda grid: grid.power(by=5), "by= names an axis"),
        (lambda grid: grid.raters(by=5), "by= names an axis"),
        (lambda grid: grid.register("which?", by=5), "by= names an axis"),
        (lambda grid: grid.vote(by=5, offline="ballot.html"), "by= names an axis"),
        (lambda grid: grid.measure("flicker").correlation(by=5), "by= names an axis"),
    ],
)
def test_what_cannot_be_meant_is_one_line_that_names_the_cure(session, ask, said):
    made = small(session, ["a cat", "a dog"], takes=2).submit()
    made.result(PATIENCE)
    with pytest.raises(InvalidRequest, match=said) as error:
        ask(made)
    assert "\n" not in str(error.value)
