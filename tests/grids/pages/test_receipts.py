"""A grid in words and tables: strings in, strings out."""

import re

import pytest
from notebook.grid_pictures import picture_of

from seedance_nb.api.models import Status
from seedance_nb.errors import GenerationFailed
from seedance_nb.grids.axes import lay_out
from seedance_nb.grids.pages import receipts as grid_html
from seedance_nb.grids.plans.plan import Plan, PlanLine


def plan_of(*standings, seconds=None, prompt="a {animal}", **axes):
    """A plan whose cells stand so, the last standing for all that follow; each new one costs 40."""
    laid = lay_out(prompt, **(axes or {"animal": ["<cat>", "dog"], "takes": 2}))
    lines = []
    for i, cell in enumerate(laid.cells()):
        standing = standings[min(i, len(standings) - 1)]
        price = (40.0, "the word of the service", True) if standing == "new" else (0.0, None, False)
        why = "no such length" if standing == "invalid" else None
        lines.append(PlanLine(cell, standing, *price, seconds=70.0 if standing == "new" else 0.0, why=why))
    return Plan(laid.names, tuple(lines), seconds)


def cells_of(html):
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)[1:]]


def test_the_summary_counts_prices_and_times():
    assert grid_html.summary(plan_of("have it", "new", seconds=190.0)) == (
        "4 cells: 1 have it, 3 new; 120 credits for 3 new videos (the word of the service); about 3 min 10 s"
    )


def test_a_plan_of_what_is_there_takes_no_time():
    assert grid_html.summary(plan_of("have it", seconds=0.0)) == "4 cells: 4 have it; nothing new: 0 credits"


def test_every_cell_stands_in_the_table_with_its_place_its_price_and_why():
    html = grid_html.plan_html(plan_of("have it", "new", "invalid", "same as 2"))

    assert cells_of(html) == [
        ["1", "&lt;cat&gt;", "take 1", "have it", "0", "", ""],
        ["2", "&lt;cat&gt;", "take 2", "new", "40", "1 min 10 s", ""],
        ["3", "dog", "take 1", "invalid", "", "", "no such length"],
        ["4", "dog", "take 2", "same as 2", "0", "", ""],
    ]


def test_columns_in_which_nothing_stands_are_left_out():
    head = re.findall(r"<th [^>]*>(.*?)</th>", grid_html.plan_html(plan_of("have it")))

    assert head == ["", "animal", "take", "standing", "credits"]


def test_a_price_that_nobody_knows_is_a_question_mark():
    laid = lay_out("a boat")
    plan = Plan((), (PlanLine(laid.cells()[0], "new"),))

    assert cells_of(grid_html.plan_html(plan)) == [["1", "a boat", "new", "?"]]


@pytest.mark.parametrize(("rows", "scrolls"), [(6, False), (40, True)])
def test_a_long_table_scrolls_in_a_box_of_its_own(rows, scrolls):
    html = grid_html.plan_html(plan_of("new", animal=[f"animal {n}" for n in range(rows)]))

    assert ("max-height" in html) is scrolls


def test_a_huge_plan_is_cut_and_says_so():
    plan = plan_of("new", animal=[str(n) for n in range(grid_html.MOST_LISTED + 5)])

    assert len(cells_of(grid_html.plan_html(plan))) == grid_html.MOST_LISTED
    assert "and 5 more cells" in grid_html.plan_html(plan)


def test_a_terminal_reads_the_same():
    text = grid_html.plan_plain(plan_of("have it", "new"))

    assert text.splitlines()[0].startswith("4 cells: 1 have it, 3 new; ")
    assert re.search(r"^2 +<cat> +take 2 +new +40 +1 min 10 s$", text, re.MULTILINE), text


def test_the_receipt_says_how_to_get_the_grid_back_and_names_every_id():
    html = grid_html.receipt(picture_of("a {animal}", [Status.PROCESSING], animal=["<cat>", "dog"]))

    assert "run this cell again to get the grid back" in html
    assert cells_of(html) == [["&lt;cat&gt;", "req_0"], ["dog", "req_1"]]


def test_a_grid_without_gaps_has_no_last_words():
    assert grid_html.ending(picture_of("a {animal}", [Status.SUCCEEDED], animal=["cat", "dog"])) == ""


def test_below_a_wall_with_gaps_stands_how_to_go_on():
    failed = {"status": Status.FAILED, "error": GenerationFailed("no video")}
    picture = picture_of("a {animal}", [Status.SUCCEEDED, failed, Status.UNKNOWN], animal=["cat", "dog", "owl"])

    assert "1 cell without a video: grid.retry() tries the failed ones again." in grid_html.ending(picture)
    assert "1 cell may have been accepted and charged: never sent again by itself." in grid_html.ending(picture)


def test_in_words_a_grid_says_where_every_cell_stands():
    text = grid_html.receipt_plain(picture_of("a {animal}", [Status.SUCCEEDED, Status.QUEUED], animal=["cat", "dog"]))

    assert text.splitlines()[0] == "1 done, 1 running of 2 · 0 credits"
    assert re.search(r"^dog +req_1 +waiting in the queue$", text, re.MULTILINE), text
