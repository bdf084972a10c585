"""A power, a registration and raters on the screen: their words and figures, escaped, in what a saved notebook keeps."""

import importlib
import math
import re

import pytest
from grids.studies import answer, seeded, vote

import seedance_nb
from seedance_nb.grids.pages import studies
from seedance_nb.grids.rankings.forecast import forecast
from seedance_nb.grids.rankings.study import Study
from seedance_nb.grids.registering.registration import Design, checked_plan, read, write
from seedance_nb.notebook.board.grid_formatters import STUDIES

NASTY = '<img src=x onerror="alert(1)"> \u202e & \ud83d'


@pytest.fixture(scope="module")
def power():
    return forecast(Study(3, 3, 120, 6, 1.0), by=NASTY, price=20.0, bought=0)


@pytest.fixture(scope="module")
def registration():
    said = dict.fromkeys(("stopping", "estimand", "notes"), NASTY)
    plan = checked_plan(
        question=NASTY, by=(), of="levels", aspects=[NASTY], raters=[NASTY], votes=9, exclusion={"gold": 0.8}, **said
    )
    return read(write(plan, Design({NASTY: 3}, 2, 6, ("a", "b", "c")), 1.7e9, 0, None))


@pytest.fixture(scope="module")
def raters():
    rng, clips = seeded(1), {f"{name}{take}": {"prompt": name, "take": take} for name in "ab" for take in range(3)}
    votes = []
    for n in range(80):
        left, right = rng.sample(sorted(clips), 2)
        x = 1.5 * ((left[0] == "a") - (right[0] == "a"))
        votes.append(
            vote(n, left, right, answer(rng, -x if n % 4 == 3 else x), rater=("Ann", "Bob", "Cy", NASTY)[n % 4])
        )
    gold = [
        {"rater": NASTY, "left": "a0", "right": "a0-damaged", "choice": "right", "kind": "gold", "id": f"g{n}"}
        for n in range(6)
    ]
    return seedance_nb.rank([*votes], clips).raters, seedance_nb.rank(_rows(votes) + gold, clips).raters


def _rows(votes):
    names = ("id", "rater", "left", "right", "choice")
    return [{name: getattr(v, name) for name in names} for v in votes]


def text_of(source):
    return re.sub(r"<[^>]*>", " ", source)


def test_a_power_shows_every_split_and_frames_the_plan(power):
    source = str(studies.power_html(power))
    text = text_of(source)
    for row in power.rows:
        assert f"{100 * row.pair:.0f} % · {100 * row.best:.0f} %" in text
        assert f"{row.credits:,g}" in text
    assert source.count("1px solid #5b9a68") == 1
    assert source.count("white-space:nowrap;padding:4px 10px;vertical-align:top;font-weight:bold") + source.count(
        "1px solid #5b9a68;font-weight:bold"
    ) == sum(row.pair >= power.wanted for row in power.rows)


def test_a_registration_shows_its_words_and_its_whole_hash(registration):
    text = text_of(str(studies.registration_html(registration)))
    assert registration.hash in text
    assert "2023-11-14 22:13:20 UTC" in text
    assert "fewer than 80 % of the gold pairs right" in text


def test_raters_have_a_row_each_and_who_is_flagged_says_why(raters):
    plain, with_gold = raters
    text = text_of(str(studies.raters_html(with_gold)))
    assert "0 of 6 (0 % to 39 %)" in text
    assert "told a clip from its damaged copy in 0 of 6 gold pairs" in text
    assert text.count("Ann") >= 1
    for report in plain:
        assert math.isnan(report.seconds)
        assert f"{report.likelihood:.2f}" in text_of(str(studies.raters_html(plain)))


def test_what_users_and_raters_wrote_is_escaped_everywhere(power, registration, raters):
    for page in (studies.power_html(power), studies.registration_html(registration), *map(studies.raters_html, raters)):
        source = str(page)
        assert "<img" not in source
        assert "\u202e" not in source
        source.encode("utf-8")


def test_nothing_depends_on_what_an_untrusted_notebook_drops(power, registration, raters):
    for page in (studies.power_html(power), studies.registration_html(registration), studies.raters_html(raters[1])):
        assert not re.search(r"<style|<script|<svg|var\(|rgba?\(|aria-", str(page))


@pytest.mark.parametrize("kind", STUDIES)
def test_each_of_them_is_shown_by_a_page_of_its_own(kind, power, registration, raters):
    module, name = kind
    made = {"Power": power, "Registration": registration, "Raters": raters[0]}[name]
    assert type(made) is getattr(importlib.import_module(module), name)
    assert str(getattr(studies, STUDIES[kind])(made)).startswith("<div")


def test_tables_scroll_in_a_box_of_their_own(power, raters):
    for source in (studies.power_html(power), studies.raters_html(raters[0])):
        assert re.search(r'<div [^>]*style="overflow-x:auto;max-width:100%"><table', str(source))
