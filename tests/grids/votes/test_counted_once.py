"""What `rank` counts of a table from anywhere: of one rater, question, pair and sides one vote, and never what was to practise or to check."""

import datetime as dt

import pytest

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.votes.vote_table import rank, votes_of
from seedance_nb.grids.votes.votes import counted_once
from seedance_nb.tracking.ledger.vote import Kind

pd = pytest.importorskip("pandas")
CLIPS = {f"{name}{take}": {"prompt": name, "take": take} for name in "ab" for take in (1, 2, 3)}


def row(left="a1", right="b1", choice="left", rater="Ann", **more):
    return {"rater": rater, "left": left, "right": right, "choice": choice, **more}


STUFFED = [row(id=f"new {n}", at=1000.0 + n, seconds=0.1 * n, order=n) for n in range(500)]


@pytest.mark.parametrize("table", [list, pd.DataFrame])
def test_one_rater_wins_nothing_by_saying_the_same_five_hundred_times(table):
    ranking = rank(table(STUFFED), CLIPS)

    assert (ranking.votes, ranking.used, ranking.doubled, ranking.winner) == (1, 1, 499, None)
    assert "499 votes were left out" in str(ranking)
    assert "\n" not in next(words for words in ranking.words if "left out" in words)


@pytest.mark.parametrize(
    ("other", "votes"),
    [
        ({"rater": "Bob"}, 2),
        ({"left": "b1", "right": "a1"}, 2),  # the sides are another question
        ({"left": "a2"}, 2),
        ({"aspect": "motion"}, 1),  # of its own
        ({"choice": "right"}, 1),
        ({"id": "x", "at": 5.0, "seconds": 3, "plays": 9, "order": 7}, 1),
        ({"rater": "Ann ", "left": "a1"}, 2),
    ],
)
def test_equal_is_what_has_equal_rater_aspect_pair_and_sides(other, votes):
    ranking = rank([row(), row() | other], CLIPS)

    assert ranking.votes == votes
    assert ranking.doubled == (1 if votes == 1 and "aspect" not in other else 0)


def test_the_first_by_time_counts_wherever_it_stands():
    early, late = row(choice="tie", at=1.0), row(at=2.0)
    for table in ([early, late], [late, early]):
        assert rank(table, CLIPS).table[0].ties == 1


@pytest.mark.parametrize(
    "times",
    [
        ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:04+00:00"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:04"),
        ("1700000001.5", "1700000000"),
        (pd.Timestamp("2026-01-02"), pd.Timestamp("2026-01-01")),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    ],
)
def test_times_are_read_as_tables_have_them(times):
    late, early = (row(at=at) for at in times)

    first, _ = counted_once(votes_of([late, early]))

    assert [vote.at for vote in first] == [min(vote.at for vote in votes_of([late, early]))]
    assert first[0].at > 1e9


def test_practice_and_gold_count_nowhere_and_need_no_clip():
    rows = [
        row(),
        row(left="a2", kind="training"),
        row(left="a1", right="a1-damaged", kind="gold"),
        row(left="a1", right="a1-damaged", kind=" Gold ", rater="Bob"),
        row(left="b1", right="a1", kind="repeat", choice="right"),
        row(left="a3", kind=None),
        row(left="a3", right="b3", kind=float("nan")),
    ]

    ranking = rank(rows, CLIPS)

    assert (ranking.votes, ranking.used, ranking.repeats, ranking.doubled) == (4, 3, 1, 0)
    assert [report.rater for report in ranking.raters] == ["Ann"]
    assert [vote.kind for vote in votes_of(rows)][:4] == [Kind.VOTE, Kind.TRAINING, Kind.GOLD, Kind.GOLD]


def test_seconds_and_plays_are_kept_as_far_as_they_can_be():
    took = votes_of(
        [row(seconds="7.5", plays="2"), row(seconds=float("nan"), plays=None), row(seconds=-1, plays="many")]
    )

    assert [(vote.seconds, vote.plays) for vote in took] == [(7.5, 2), (None, None), (None, None)]


@pytest.mark.parametrize(
    ("votes", "cure"),
    [
        ([row(kind="golden")], "it must be vote, training, gold, repeat, or leave the column out"),
        ("nowhere/votes.csv", r"votes.csv cannot be read .*grid.export\('votes.csv'\) writes one"),
        ("votes", "must be a list of dicts, a dict of columns or a DataFrame"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(votes, cure):
    with pytest.raises(InvalidRequest, match=cure) as caught:
        rank(votes, CLIPS)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"rater,left\nAnn,a1\n", b"\x00" * 100, b"a" * 200_000])
def test_a_file_that_is_no_table_of_votes_is_refused_or_empty(tmp_path, content):
    path = tmp_path / "votes.csv"
    path.write_bytes(content)

    try:
        assert rank(path, CLIPS).votes == 0
    except InvalidRequest as error:
        told = str(error)
    else:
        told = ""
    assert "\n" not in told


def test_a_table_that_a_spreadsheet_has_saved_begins_with_a_mark(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("\ufeffrater,left,right,choice,aspect\nAnn,a1,b1,left,자연스러움\n", "utf-8")

    assert rank(path, CLIPS, aspect="자연스러움").votes == 1
