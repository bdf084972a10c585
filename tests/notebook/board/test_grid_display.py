"""When a grid is drawn, and with what: its outputs, driven by a clock and a loop that stand still."""

import dataclasses
from types import SimpleNamespace

import pytest
from notebook.grid_pictures import changed, picture_of

from seedance_nb.api.models import Status
from seedance_nb.notebook.board import grid_display
from seedance_nb.notebook.board.grid_display import RECEIPT_SECONDS, GridOutputs


class Loop:
    """The background's loop by hand: what was asked for later runs when the test says so."""

    def __init__(self):
        self.now, self.later = 1000.0, []

    def call_later(self, seconds, function):
        self.later.append((round(self.now + seconds, 3), function))

    def work(self, function):
        function()

    def advance(self, seconds):
        self.now = round(self.now + seconds, 3)
        due = [entry for entry in self.later if entry[0] <= self.now]
        self.later = [entry for entry in self.later if entry[0] > self.now]
        for _, function in due:
            function()


class Grid:
    """A grid of which the test says where it stands."""

    def __init__(self, loop, shown):
        self.shown, self.listeners, self.pictures = shown, [], 0
        self.session = SimpleNamespace(
            call_later=loop.call_later,
            work=loop.work,
            limits=SimpleNamespace(embed_limit=1000),
            notifying=SimpleNamespace(target=None),
        )

    def picture(self):
        self.pictures += 1
        return self.shown

    def done(self):
        return self.shown.is_settled

    def subscribe(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def moves_on(self, shown):
        self.shown = shown
        for listener in list(self.listeners):
            listener()


class Screen:
    """What would be sent to the page, in order."""

    is_captured = is_application = False

    def __init__(self, *, headless=False):
        self.is_headless, self.waits, self.views, self.sent = headless, headless, [], []

    def publish(self, bundle, display_id, *, update):
        self.sent.append((update, bundle))

    def in_cell_context(self, function, *args):
        return function(*args)


RUNNING = picture_of("a {animal}", [Status.PROCESSING], animal=["cat", "dog"])
HALF = changed(RUNNING, 0, status=Status.FAILED)
OVER = changed(HALF, 1, status=Status.FAILED)


@pytest.fixture
def loop(monkeypatch):
    loop = Loop()
    monkeypatch.setattr(grid_display.time, "monotonic", lambda: loop.now)
    return loop


@pytest.fixture
def opened(loop):
    """A grid on a screen where somebody watches, without its board, which needs a page."""

    def opened(*, headless=False, live=True):
        grid, screen = Grid(loop, RUNNING), Screen(headless=headless)
        outputs = GridOutputs(screen, grid)
        outputs._open_board = lambda: None
        outputs.open(live=live)
        screen.views.append(outputs)
        loop.advance(0)
        return grid, screen, outputs

    return opened


def test_however_often_it_changes_it_is_drawn_four_times_a_second(loop, opened):
    grid, _, _ = opened()
    grid.pictures = 0

    for _ in range(100):  # for a second
        grid.moves_on(HALF)
        loop.advance(0.01)

    assert grid.pictures == 4


def test_the_first_change_after_a_rest_is_drawn_at_once(loop, opened):
    grid, _, _ = opened()
    loop.advance(5)
    grid.pictures = 0

    grid.moves_on(HALF)
    loop.advance(0)

    assert grid.pictures == 1


def test_the_receipt_is_sent_when_an_id_is_new_and_rarely(loop, opened):
    grid, screen, _ = opened()
    screen.sent.clear()
    for n in range(20):  # for five seconds
        grid.moves_on(changed(RUNNING, 0, request_id=f"req_new_{n}"))
        loop.advance(0.25)
    loop.advance(RECEIPT_SECONDS)
    loop.advance(RECEIPT_SECONDS)

    assert 2 <= len(screen.sent) <= 4
    assert "req_new_19" in screen.sent[-1][1]["text/html"]


def test_news_without_a_new_id_leave_the_receipt_alone(loop, opened):
    grid, screen, _ = opened()
    screen.sent.clear()
    loop.advance(10)

    grid.moves_on(HALF)
    loop.advance(1)

    assert screen.sent == []


def test_at_the_end_the_wall_takes_the_place_once_and_nobody_listens_any_more(loop, opened):
    grid, screen, outputs = opened()
    screen.sent.clear()

    grid.moves_on(OVER)
    loop.advance(1)
    outputs.close()

    [(update, bundle)] = screen.sent
    assert (update, set(bundle)) == (True, {"text/html", "text/plain"})
    assert "grid.retry() tries the failed ones again" in bundle["text/html"]
    assert (outputs.is_final, grid.listeners, screen.views) == (True, [], [])


def test_a_wall_that_cannot_be_drawn_is_told_with_the_ids(loop, opened, monkeypatch):
    def wall(*_, **__):
        raise OSError("the disk <is> gone")

    monkeypatch.setattr(grid_display, "wall_bundle", wall)
    grid, screen, _ = opened()

    grid.moves_on(OVER)
    loop.advance(1)

    html = screen.sent[-1][1]["text/html"]
    assert "the wall could not be drawn (the disk &lt;is&gt; gone); grid.result() has the clips" in html
    assert "req_0" in html


def test_where_nobody_watches_it_is_published_from_the_thread_that_waits(loop, opened):
    grid, screen, outputs = opened(headless=True, live=False)
    grid.moves_on(OVER)
    loop.advance(1)
    before = len(screen.sent)

    outputs.close(again=True)

    assert (before, len(screen.sent)) == (1, 2)
    assert outputs.is_final


def test_where_somebody_watches_the_waiting_thread_leaves_it_to_the_worker(loop, opened):
    grid, screen, outputs = opened()
    grid.shown = dataclasses.replace(OVER)
    screen.sent.clear()

    outputs.close(again=True)

    assert screen.sent == []
    assert not outputs.is_final
