import functools
import re

import pytest
from grids.studies import each_its_own, seeded, study, takes, vote

from seedance_nb.grids.pages.ranking import ranking_html, ranking_plain
from seedance_nb.grids.votes import votes as blind_votes
from seedance_nb.tracking.ledger.vote import Choice

rank = functools.partial(blind_votes.rank, of="clips")  # what is asked of levels: test_votes_levels.py

CLEAR = {"a": -1.5, "b": 0.0, "c": 1.5}
NASTY = '<img src=x onerror="alert(1)"> \u202e & \ud83d'
# What JupyterLab's sanitiser takes, in an untrusted notebook: `left` and `top` in percent it drops, so nothing may need them.
KEPT = {
    "position": "relative|absolute",
    **dict.fromkeys(["width", "height", "max-width", "border-radius", "top", "line-height"], r"[\d.]+(px|%)?"),
    **dict.fromkeys(["margin", "margin-top", "margin-left", "padding"], r"((-?[\d.]+(px|%)|0) ?){1,4}"),
    "opacity": r"0\.\d+",
    "font-size": r"0\.\d+em",
    "font-weight": "normal|bold",
    **dict.fromkeys(["background-color"], "#[0-9a-f]{6}"),
    **dict.fromkeys(["border-top", "border-bottom"], r"1px solid #[0-9a-f]{6}"),
    "text-align": "left|right|center",
    "vertical-align": "bottom",
    "white-space": "nowrap",
    "overflow-wrap": "break-word",
    "border-collapse": "collapse",
    "table-layout": "fixed",
    "cursor": "pointer",
}


@pytest.fixture(scope="module")
def clear():
    return rank(study(CLEAR, 200, rng=seeded(0)), each_its_own(CLEAR), by="prompt", resamples=99)


@pytest.fixture(scope="module")
def few():
    return rank(study(CLEAR, 5, rng=seeded(0)), each_its_own(CLEAR), by="prompt")


def text_of(source):
    return re.sub(r"<[^>]*>", " ", source)


def declarations(source):
    return [
        one.split(":", 1) for style in re.findall(r'style="([^"]*)"', source) for one in style.strip(";").split(";")
    ]


def test_words_chart_and_counts_are_all_there(clear):
    text = text_of(ranking_html(clear))
    assert "This clip of “c” is preferred to that of “b”" in text
    assert "95 % intervals" in text
    assert "50 %" in text
    assert "both bad" in text


def test_every_figure_of_the_chart_is_also_text(clear):
    text = text_of(ranking_html(clear))
    for item in clear.table:
        assert f"{100 * item.preferred:.0f} %" in text


def test_the_strongest_stands_on_top_and_farthest_right(clear):
    dots = [float(m) for m in re.findall(r"top:6px;margin-left:([\d.]+)%", ranking_html(clear))]
    assert len(dots) == 3
    assert dots == sorted(dots, reverse=True)
    assert all(0 <= place <= 100 for place in dots)


def test_every_bar_holds_its_dot(clear):
    source = ranking_html(clear)
    bars = re.findall(r"top:9px;[^\"]*margin-left:([\d.]+)%;width:([\d.]+)%", source)
    dots = re.findall(r"top:6px;margin-left:([\d.]+)%", source)
    assert len(bars) == len(dots) == 3
    for (start, width), dot in zip(bars, dots, strict=True):
        assert float(start) < float(dot) < float(start) + float(width) <= 100


def test_too_few_votes_show_no_chart(few):
    source = ranking_html(few)
    assert "Too few votes" in source
    assert "95 % intervals" not in source
    assert "nan" not in source


@pytest.mark.parametrize("which", ["clear", "few"])
def test_an_untrusted_notebook_keeps_all_of_it(which, request):
    source = ranking_html(request.getfixturevalue(which))
    assert not re.search(r"<(script|style|svg|iframe|canvas)|\son\w+=|aria-", source)
    for name, value in declarations(source):
        assert name in KEPT
        assert re.fullmatch(KEPT[name], value), (name, value)


def test_what_users_named_is_escaped():
    keys = {"a": NASTY, "b": "<b>"}
    votes = [vote(n, "a", "b", Choice.LEFT, rater="<i>Ann</i>") for n in range(30)]
    source = ranking_html(rank(votes, keys, by="<u>", resamples=9))
    assert not re.search(r"<(img|b|i|u)\b", source)
    assert "\u202e" not in source
    source.encode()


def test_forty_rows_are_drawn_and_the_rest_is_in_the_table():
    strengths = {f"item {n:02}": n / 20 for n in range(45)}
    source = ranking_html(rank(study(strengths, 900, rng=seeded(0)), each_its_own(strengths), resamples=19))
    assert source.count("top:6px") == 40
    assert "5 more in the table below" in source
    assert all(text_of(source).count(name) for name in strengths)


def test_plain_text_holds_the_words_and_a_line_an_item(clear, few):
    lines = ranking_plain(clear).splitlines()
    assert lines[: len(clear.words)] == list(clear.words)
    assert [line.split()[0] for line in lines[-3:]] == ["c", "b", "a"]
    assert "nan" not in ranking_plain(few)


def test_votes_between_takes_and_repeats_are_counted_apart():
    strengths, groups = takes({"a": 0.0, "b": 1.0}, 2, 0.3, seeded(0))
    votes = study(strengths, 90, rng=seeded(1))
    votes.append(vote(500, votes[0].right, votes[0].left, Choice.TIE, repeats=votes[0].id))
    source = ranking_html(rank(votes, groups, by="prompt", resamples=9))
    assert "between clips of one prompt" in source
    assert "1 repeated pair" in source
