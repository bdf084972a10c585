"""The board's half of the wire: what it tells the page, how little, and how it answers."""

import dataclasses
import json
import threading
import time

import comm
import pytest
from notebook.card.test_job_card import Wire, WireOfIpykernel74
from notebook.grid_pictures import CLIP, changed, picture_of

from seedance_nb.api.models import Status
from seedance_nb.errors import BudgetExceeded, GenerationFailed
from seedance_nb.grids.axes import Cell
from seedance_nb.grids.pages.board import MARKS, board_layout, board_view, measured, problems
from seedance_nb.grids.picture import Column, GridPicture, Tile
from seedance_nb.notebook.board.grid_board import GridBoard

GRID = {"animal": ["cat", "dog"], "duration": [4, 5, 6], "takes": 2}
LARGE = {"animal": [f"animal {n}" for n in range(20)], "duration": [4, 5, 6], "takes": 2}


def picture(*statuses, axes=GRID, **facts):
    return picture_of("a {animal} in the snow", statuses, **axes, **facts)


@pytest.fixture
def make_board(monkeypatch):
    def make(shown, *, wire=Wire, on_cancel=lambda: None, on_retry=lambda: None, wall=lambda: "<p>wall</p>"):
        monkeypatch.setattr(comm, "create_comm", wire)
        board = GridBoard(shown, on_cancel=on_cancel, on_retry=on_retry, wall=wall)
        board.comm.sent.clear()
        return board

    return make


def eventually(condition):
    end = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
    return found


def click(board, **content):
    board._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def sent(board):
    return sum(len(json.dumps(data)) for _, data, _ in board.comm.sent)


# -- what it draws


def test_the_first_axis_goes_down_the_second_across_and_the_rest_side_by_side():
    layout = board_layout(picture(None))

    assert (layout["down"], layout["across"], layout["within"]) == ("animal", "duration", ["take"])
    assert (layout["rows"], layout["columns"]) == (["cat", "dog"], ["4 s", "5 s", "6 s"])
    assert [(cell["row"], cell["column"], cell["name"]) for cell in layout["cells"][5:7]] == [
        (0, 2, "cat, 6 s, take 2"),
        (1, 0, "dog, 4 s, take 1"),
    ]


@pytest.mark.parametrize(
    ("prompts", "down", "across"), [(["cat", "dog"], "", "animal"), (["a cat " * 8, "dog"], "animal", "")]
)
def test_a_lone_axis_goes_across_where_its_labels_are_short(prompts, down, across):
    layout = board_layout(picture_of("a {animal}", animal=prompts))

    assert (layout["down"], layout["across"], layout["within"]) == (down, across, [])
    assert len({(cell["row"], cell["column"]) for cell in layout["cells"]}) == 2


def test_a_prompt_that_many_cells_share_is_told_once():
    layout = board_layout(picture(None))

    assert layout["prompts"] == ["a cat in the snow", "a dog in the snow"]
    assert [cell["prompt"] for cell in layout["cells"]] == [0] * 6 + [1] * 6


def test_a_grid_of_one_cell_has_a_place_too():
    layout = board_layout(picture_of("a boat"))

    assert (layout["rows"], layout["columns"], len(layout["cells"])) == ([""], [""], 1)


@pytest.mark.parametrize(
    ("facts", "mark"),
    [
        (None, "w"),
        ({"status": Status.SUBMITTING}, "s"),
        ({"status": Status.QUEUED}, "q"),
        ({"status": Status.PROCESSING}, "p"),
        ({"status": Status.SUCCEEDED, "clip": None}, "l"),
        ({"status": Status.SUCCEEDED}, "d"),
        ({"status": Status.SUCCEEDED, "reused": True}, "r"),
        ({"status": Status.SUCCEEDED, "clip": None, "error": GenerationFailed("gone")}, "m"),
        ({"status": Status.FAILED}, "f"),
        ({"status": Status.REJECTED}, "f"),
        ({"status": Status.CANCELLED}, "c"),
        ({"status": Status.UNKNOWN}, "u"),
    ],
)
def test_every_standing_has_a_mark_of_its_own(facts, mark):
    assert board_view(picture_of("a boat", [facts]))["marks"] == mark


def test_a_cell_that_cannot_be_made_is_marked_and_says_why():
    cell = Cell(0, {}, None, 1, invalid="it has <no> prompt")
    shown = GridPicture((), (Tile(cell),), submitted=True)

    assert (board_view(shown)["marks"], problems(shown)) == ("i", {"0": "it has <no> prompt"})


def test_no_two_marks_look_or_read_alike():
    assert (
        len({symbol for symbol, _, _ in MARKS.values()}) == len({words for _, words, _ in MARKS.values()}) == len(MARKS)
    )


def test_the_progress_line_counts_what_is_done_running_and_failed():
    view = board_view(picture(Status.SUCCEEDED, Status.FAILED, Status.QUEUED, None, expected_seconds=90.0))

    assert view["status"] == "1 done, 1 running, 9 not sent yet, 1 without a video of 12"
    assert (view["remaining"], view["settled"], view["failed"]) == (90.0, False, 1)


def test_credits_to_come_are_said_beside_those_charged():
    charged = {"status": Status.PROCESSING, "credits": 12.0, "estimate": 12.0}
    to_come = {"status": Status.SUBMITTING, "credits": None, "estimate": 20.0}

    view = board_view(picture(charged, to_come, credits=12.0))

    assert view["credits"] == "12 of about 232 credits"


def test_an_error_is_told_with_what_became_of_the_cell():
    shown = picture({"status": Status.FAILED, "error": GenerationFailed("no video\nof a cat")}, Status.SUCCEEDED)

    assert problems(shown) == {"0": "failed: no video of a cat"}


def test_what_measures_said_is_told_with_the_cell(make_board):
    shown = picture(Status.SUCCEEDED, Status.QUEUED)
    keys = [tile.snapshot.key for tile in shown.tiles if tile.snapshot is not None]
    columns = (Column("flicker", {keys[0]: 0.12345}), Column("faces", {}, {keys[0]: "returned <None>"}))
    shown = dataclasses.replace(shown, columns=columns)

    assert measured(shown) == {"0": "flicker 0.1235 · faces not measured: returned <None>"}
    board = make_board(dataclasses.replace(shown, columns=()))
    assert board.measured == {}
    board.show(shown)
    assert board.measured == measured(shown)


# -- how little it sends


def test_a_tick_of_a_grid_of_120_cells_is_one_small_message(make_board):
    shown = picture(Status.PROCESSING, axes=LARGE, expected_seconds=90.0)
    board = make_board(shown)
    whole = len(json.dumps(board.places))

    board.show(changed(shown, 7, status=Status.SUCCEEDED, clip=CLIP))

    assert (len(shown.tiles), len(board.comm.sent)) == (120, 1)
    assert sent(board) < 600 < whole / 10


def test_nothing_is_sent_when_nothing_has_changed(make_board):
    board = make_board(picture(Status.PROCESSING))

    board.show(picture(Status.PROCESSING))

    assert board.comm.sent == []


def test_a_grid_that_was_extended_is_laid_out_anew(make_board):
    board = make_board(picture(Status.PROCESSING))

    board.show(picture(Status.PROCESSING, axes=GRID | {"takes": 3}))

    assert len(board.places["cells"]) == len(board.view["marks"]) == 18


# -- what it answers


def test_cancel_asks_once_however_often_it_is_clicked(make_board):
    asked = []
    board = make_board(picture(Status.PROCESSING), on_cancel=lambda: asked.append(1))

    for _ in range(3):
        click(board, kind="cancel")

    assert asked == [1]


def test_a_cancel_that_was_not_confirmed_can_be_asked_for_again(make_board):
    asked = []
    shown = picture(Status.PROCESSING)
    board = make_board(shown, on_cancel=lambda: asked.append(1))
    click(board, kind="cancel")

    board.show(picture({"status": Status.PROCESSING, "cancel_requested": True}))
    board.show(shown)
    click(board, kind="cancel")

    assert asked == [1, 1]


def test_retry_runs_beside_the_click_and_once_at_a_time(make_board):
    threads, go = [], threading.Event()

    def retry():
        threads.append(threading.current_thread())
        go.wait(10)

    board = make_board(picture(Status.FAILED, Status.PROCESSING), on_retry=retry)
    click(board, kind="retry")
    eventually(lambda: threads)
    click(board, kind="retry")
    go.set()
    eventually(lambda: [content for content, _ in board.comm.custom] == [{"kind": "retried"}])

    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


def test_a_retry_that_is_refused_says_why_on_the_board(make_board):
    def retry():
        raise BudgetExceeded("over the limit; nothing was sent")

    board = make_board(picture(Status.FAILED, Status.PROCESSING), on_retry=retry)
    click(board, kind="retry")

    [(content, _)] = eventually(lambda: board.comm.custom)
    assert content == {"kind": "trouble", "text": "Nothing was tried again: over the limit; nothing was sent"}


def test_a_reloaded_page_gets_the_wall_when_it_asks(make_board):
    board = make_board(picture(Status.SUCCEEDED))

    click(board, kind="need_wall")

    [(content, _)] = eventually(lambda: board.comm.custom)
    assert content == {"kind": "wall", "html": "<p>wall</p>"}


@pytest.mark.parametrize("content", [{}, {"kind": "buy"}, {"kind": None}])
def test_what_it_does_not_know_it_ignores(make_board, content):
    board = make_board(picture(Status.PROCESSING), on_cancel=pytest.fail, on_retry=pytest.fail)

    click(board, **content)

    assert board.comm.sent == []


def test_clicks_are_handled_on_the_shell_that_the_page_chose(make_board):
    board = make_board(picture(Status.PROCESSING), wire=WireOfIpykernel74)

    assert board.comm._reply_subshell_for({}, "subshell") == "subshell"


def test_where_no_widget_is_drawn_it_says_what_it_is(make_board):
    assert (
        repr(make_board(picture(Status.PROCESSING)))
        == "[live board: 12 running of 12; it is drawn while its kernel runs]"
    )
