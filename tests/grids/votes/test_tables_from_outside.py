"""Tables of votes as others have them: by columns, with holes, with names of their own. One line where they cannot be read."""

import math
import random

import pytest

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.votes.vote_table import groups_by, labels_of_clips, rank, votes_of

CLIPS = {f"{name}{take}": {"prompt": name, "take": take} for name in "abc" for take in (1, 2, 3)}


def rows(number=150):
    rng, made = random.Random(4), []
    for at in range(number):
        left, right = rng.choice([pair for pair in ((a, b) for a in CLIPS for b in CLIPS) if pair[0][0] != pair[1][0]])
        odds = math.exp(1.5 * ((left[0] == "a") - (right[0] == "a")))
        choice = "tie" if rng.random() < 0.2 else "left" if rng.random() < odds / (1 + odds) else "right"
        made.append({"rater": f"r{at % 6}", "left": left, "right": right, "choice": choice, "seconds": math.nan})
    return made


def columns(listed):
    return {name: [row[name] for row in listed] for name in listed[0]}


def test_a_table_by_columns_is_a_table():
    by_columns = columns([{"id": key, **labels} for key, labels in CLIPS.items()])
    assert votes_of(columns(rows(5))) == votes_of(rows(5))
    assert labels_of_clips(by_columns) == labels_of_clips(CLIPS)
    assert rank(columns(rows()), by_columns).table == rank(rows(), CLIPS).table


def test_clips_that_are_called_id_or_job_are_clips():
    assert labels_of_clips({"id": {"prompt": "a"}, "job": {"prompt": "b"}}) == {
        "id": {"prompt": "a"},
        "job": {"prompt": "b"},
    }


@pytest.mark.parametrize("key", [7, 7.0, "7"])
def test_an_id_is_the_same_as_a_whole_number_a_float_and_text(key):
    assert list(labels_of_clips({key: {"prompt": "a"}})) == ["7"]
    assert votes_of([{**rows(1)[0], "left": key}])[0].left == "7"


def test_a_label_named_twice_counts_once():
    assert [row.label for row in rank(rows(), CLIPS, by=["prompt", "prompt"]).table] == [
        row.label for row in rank(rows(), CLIPS, by="prompt").table
    ]


@pytest.mark.parametrize("nothing", [None, math.nan, "", "  "])
def test_an_empty_label_is_no_item(nothing):
    with pytest.raises(InvalidRequest, match="the clip 'a1' has no label 'prompt'; it has take"):
        groups_by(labels_of_clips({**CLIPS, "a1": {"prompt": nothing, "take": 1}}), ["prompt"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"by": []}, "by must name the label"),
        ({"by": 3}, "by must name the label or labels .* not '3'"),
        ({"by": None}, "by must name the label"),
        ({"by": ["prompt", 3]}, "by must name the label"),
        ({"raters": 3}, "raters must name whose votes count, .* not '3'"),
        ({"seed": "a"}, "seed must be a whole number from 0 up, not 'a'"),
        ({"seed": -1}, "seed must be a whole number from 0 up, not '-1'"),
        ({"votes": [{**rows(1)[0], "left": "a1", "right": "a1"}]}, "row 1 of the votes has 'a1' on both sides"),
        ({"votes": {**columns(rows(3)), "rater": ["r"]}}, "the columns of the votes must be equally long; they have rater 1, left 3"),
        ({"votes": {"rater": {0: "r"}}}, "the votes must be a list of dicts, a dict of columns or a DataFrame"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_a_line(wrong, said):
    with pytest.raises(InvalidRequest, match=said) as caught:
        rank(**{"votes": rows(30), "clips": CLIPS, **wrong})
    assert "\n" not in str(caught.value)


def test_names_and_the_order_of_rows_have_no_say():
    """Rows and clips shuffled, all names others, sides changed: the same answer."""
    given, rng = rows(), random.Random(1)
    items, clips = {"a": "z", "b": "m", "c": "a"}, dict(zip(CLIPS, rng.sample(range(9), 9), strict=True))
    other = {"left": "right", "right": "left", "tie": "tie"}
    turned = [
        {
            **row,
            "left": clips[row["right"]],
            "right": clips[row["left"]],
            "choice": other[row["choice"]],
            "rater": f"x{9 - int(row['rater'][1:])}",
            "id": number,
            "at": number,
        }
        for number, row in enumerate(given)
    ]
    renamed = [(clips[key], {"prompt": items[labels["prompt"]]}) for key, labels in CLIPS.items()]
    rng.shuffle(turned)
    rng.shuffle(renamed)
    first, second = rank(given, CLIPS), rank(turned, dict(renamed))
    assert second.winner == items[first.winner]
    for one, same in zip(first.table, second.table, strict=True):
        assert same.label == items[one.label]
        assert (same.strength, same.low, same.high) == pytest.approx((one.strength, one.low, one.high), abs=1e-9)
