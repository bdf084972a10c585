"""A race on the screen: who raced, in a table, escaped, in what an untrusted notebook keeps."""

import dataclasses
import re

from seedance_nb.grids.pages.race import race_html
from seedance_nb.grids.racing.rounds import Round, Rules
from seedance_nb.grids.racing.standing import Standing
from seedance_nb.grids.racing.words import STANDINGS, in_words, standings

NASTY = '<img src=x onerror="alert(1)"> \u202e & \ud83d'
LABELS = ("종이배, 네온 불빛", NASTY, "a long one " * 20, "a fourth")
RULES = Rules(("prompt",), 0.05, 0.8, 10, "overall", "levels", None)


def decided(number, takes, racing, leader, behind, dropped=(), without=(), end=None):
    return Round(number, takes, tuple(racing), leader, behind, tuple(dropped), tuple(without), 30 * number, end, 1e9)


FIRST = decided(
    1,
    2,
    LABELS,
    LABELS[0],
    {LABELS[1]: 0.3, LABELS[2]: 0.2, LABELS[3]: 0.00004},
    dropped=[LABELS[3]],
)
SECOND = decided(2, 3, LABELS[:3], LABELS[1], {LABELS[0]: 0.0001, LABELS[2]: 0.1}, dropped=[LABELS[0]])


def standing(*rounds, racing=LABELS, takes=2, spent=0.0, **facts):
    usual = {"clips": 8, "to_buy": 0, "running": 0, "lost": 0, "made": dict.fromkeys(racing, takes)}
    usual |= {
        "most": None,
        "expected": None,
        "price": None,
        "votes": 0,
        "votes_missing": 3,
        "raters": 2,
        "trouble": None,
    }
    said = {**usual, **facts}
    return Standing(RULES, LABELS, rounds, takes, tuple(racing), 600.0, spent, **said)


def shown(found):
    return str(race_html(in_words(found), ("prompt", *STANDINGS), standings(found)))


def test_before_it_begins_all_are_racing():
    rows = standings(standing(made={}))
    assert [row[1:] for row in rows] == [("0", "racing", "")] * 4


def test_who_leads_stands_first_and_who_dropped_out_last():
    rows = standings(standing(FIRST, SECOND, racing=LABELS[1:3], takes=4, made={LABELS[1]: 1}))
    assert [row[1:] for row in rows] == [
        ("1", "in front", ""),
        ("0", "racing", "10 %"),
        ("3", "out after round 2", "0.01 %"),
        ("2", "out after round 1", "less than 0.01 %"),
    ]


def test_how_it_ended_is_said_of_each():
    rivals = {LABELS[1]: 0.2}
    ends = {
        "winner": decided(1, 2, LABELS[:2], LABELS[0], {LABELS[1]: 0.001}, dropped=[LABELS[1]], end="winner"),
        "tie": decided(1, 2, LABELS[:2], LABELS[0], rivals, end="tie"),
        "alone": decided(1, 2, LABELS[:2], LABELS[0], {}, dropped=[LABELS[1]], without=[LABELS[1]], end="alone"),
    }
    said = {
        name: [row[2] for row in standings(dataclasses.replace(standing(last, takes=None), labels=LABELS[:2]))]
        for name, last in ends.items()
    }
    assert said == {
        "winner": ["winner", "out after round 1"],
        "tie": ["in front", "tie"],
        "alone": ["in front", "out after round 1, no clip"],
    }
    poor = standing(decided(1, 2, LABELS[:2], LABELS[0], rivals), racing=LABELS[:2], takes=3, to_buy=2, most=700.0)
    poor = dataclasses.replace(poor, labels=LABELS[:2])
    assert [row[1:] for row in standings(poor)] == [("2", "in front", ""), ("2", "not told apart", "20 %")]
    assert "may be better (with a chance of 20 %)" in in_words(poor)[0]


def test_labels_of_strangers_are_text_and_long_ones_are_cut():
    source = shown(standing(FIRST))
    assert "<img" not in source
    assert "&lt;img" in source
    assert not re.search("[\u202e\ud800-\udfff]", source)
    assert "종이배, 네온 불빛" in source
    assert "a long one " * 7 not in source


def test_nothing_in_it_is_dropped_by_an_untrusted_notebook():
    source = shown(standing(FIRST))
    assert not re.search("<(style|script|svg|button)", source)
    assert "overflow-x:auto" in source  # a phone scrolls the table, not the notebook
    assert re.findall("<(p|table)", source)[:2] == ["p", "table"]
