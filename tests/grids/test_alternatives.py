"""`{a|b|c}` in a prompt is an axis; a sample of a grid is the same one each time."""

import pytest
from grids.stage import accepted, small

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.axes import lay_out
from seedance_nb.notebook.syntax.arguments import grid_options, parse


def prompts(laid):
    return [cell.request.prompt for cell in laid.cells()]


@pytest.mark.parametrize(
    ("template", "names", "made"),
    [
        ("a {red|blue} boat", ("red|blue",), ["a red boat", "a blue boat"]),
        ("{ red | blue }", ("red|blue",), ["red", "blue"]),
        ("a {|very }big boat", ("|very",), ["a big boat", "a very big boat"]),
        ("{a|a|b}", ("a|b",), ["a", "b"]),
        ("{a|b} {a|b}", ("a|b", "a|b 2"), ["a a", "a b", "b a", "b b"]),
        ("{{a|b}}", (), ["{a|b}"]),
        ("{{{a|b}}}", ("a|b",), ["{a}", "{b}"]),
        ("{16:9|4:3!}", ("16 9|4 3",), ["16:9", "4:3!"]),
        ("{바다|산}", ("바다|산",), ["바다", "산"]),
    ],
)
def test_alternatives_are_an_axis_named_by_them(template, names, made):
    laid = lay_out(template)
    assert (laid.names, prompts(laid)) == (names, made)


def test_they_meet_every_other_axis_and_names_are_filled_in_as_before():
    laid = lay_out("a {red|blue} {thing:|>5} boat", thing=["old", "new"], duration=[4, 5], takes=2)

    assert laid.names == ("thing", "duration", "red|blue", "take")
    assert len(laid.cells()) == 16
    assert {cell.request.prompt for cell in laid.cells()} == {f"a {c} ||{t} boat" for c in ("red", "blue") for t in ("old", "new")}  # fmt: skip
    assert len(lay_out("a {red|blue} {thing}", thing=["x", "y"], duration=[4, 5], mode="zip").cells()) == 4


def test_a_prompt_without_them_does_not_vary_along_them():
    laid = lay_out(["a {red|blue} boat", "a plane"])
    assert prompts(laid) == ["a red boat", "a blue boat", "a plane"]
    assert prompts(lay_out([{"prompt": "a {x|y}"}, {"prompt": "z"}])) == ["a x", "a y", "z"]


def test_raw_prompts_are_as_they_are_written():
    assert prompts(lay_out("a {red|blue} boat", raw=True)) == ["a {red|blue} boat"]


@pytest.mark.parametrize("template", ["{a|{b|c}}", "{a|{name}}", "{a|b", "a|b}"])
def test_what_cannot_be_meant_is_refused_in_one_line(template):
    with pytest.raises(InvalidRequest) as refused:
        lay_out(template, **({"name": "x"} if "name" in template else {})).cells()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("a {red|blue} boat", ["a red boat", "a blue boat"]),
        ("a {red|blue} {n} {{x}} {evil}", ["a red 7 {x} {a|b}", "a blue 7 {x} {a|b}"]),
        ("a {{red|blue}} boat -n 2", ["a {red|blue} boat"] * 2),
        ("{d[a|b]} -n 2", ["Z", "Z"]),
        ("{a|b} -n 2", ["a", "a", "b", "b"]),
    ],
)
def test_a_line_of_the_magic_with_them_is_a_grid(line, made):
    found = parse(line, names={"n": 7, "evil": "{a|b}", "d": {"a|b": "Z"}})
    assert found.is_grid
    assert prompts(lay_out(**grid_options(found))) == made


def test_with_raw_they_are_text():
    assert parse("a {red|blue} boat --raw").prompts == ("a {red|blue} boat",)
    assert not parse("a {red|blue} boat --raw", names={}).is_grid


def test_a_sample_is_the_same_each_time_whatever_the_order_and_keeps_most_when_values_come():
    many = [f"thing {n}" for n in range(40)]
    one = set(prompts(lay_out("a {x}", x=many, sample=8)))
    assert len(one) == 8
    assert one == set(prompts(lay_out("a {x}", x=many[::-1], sample=8)))
    assert len(one & set(prompts(lay_out("a {x}", x=[*many, "one more"], sample=8)))) >= 7
    assert set(prompts(lay_out("a {x}", x=many, sample=4))) < one
    laid = lay_out("a {x}", x=many, takes=3, sample=8)
    assert (len(laid.cells()), {cell.request.prompt for cell in laid.cells()}) == (24, one)


def test_a_sample_is_drawn_of_what_where_lets_through_and_of_far_more_than_a_grid_may_have():
    laid = lay_out("a {x} {y} {z}", x=list(range(50)), y=list(range(50)), z=list(range(10)), sample=5, where=lambda c: c.x % 2 == 0)  # fmt: skip
    assert len(laid.cells()) == 5
    assert all(cell.values["x"] % 2 == 0 for cell in laid.cells())
    assert laid.cells() == laid.cells()


@pytest.mark.parametrize("sample", [0, -1, 1.5, "many", True])
def test_a_sample_is_a_whole_number(sample):
    with pytest.raises(InvalidRequest, match="sample must be a whole number from 1"):
        lay_out("a {x}", x=[1, 2], sample=sample)


def test_a_sampled_grid_gets_more_takes_but_no_values_and_buys_only_its_cells(simulator, session_of):
    grid = small(session_of(simulator), "a {red|blue|green} {boat|plane}", sample=2, duration=4)
    grid.submit()
    grid.result(60)
    assert accepted(simulator) == 2

    with pytest.raises(InvalidRequest, match="more takes, but no new values"):
        grid.extend(duration=[4, 5])
    grid.extend(takes=2)
    grid.result(60)
    assert accepted(simulator) == 4
    again = small(session_of(simulator), "a {red|blue|green} {boat|plane}", sample=2, duration=4)
    assert (again.plan.count("have it"), again.plan.new) == (2, 0)
