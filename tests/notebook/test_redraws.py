"""How often something is drawn anew, by a clock of the test's own."""

import pytest

from seedance_nb.notebook import redraws
from seedance_nb.notebook.redraws import Redraws


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        """`now`, and what was asked for later: `pass_(seconds)` lets it happen."""

        now = 1000.0
        later = ()

        def call_later(self, seconds, function):
            self.later = sorted(
                [*self.later, (self.now + seconds, len(self.later), function)], key=lambda item: item[:2]
            )

        def pass_(self, seconds):
            end = self.now + seconds
            while self.later and self.later[0][0] <= end:
                (self.now, _, function), *self.later = self.later
                function()
            self.now = end

    made = Clock()
    monkeypatch.setattr(redraws.time, "monotonic", lambda: made.now)
    return made


def test_the_first_change_is_drawn_at_once_and_the_next_ones_together(clock):
    drawn = []
    redraw = Redraws(lambda: drawn.append(clock.now), 0.25, clock.call_later)

    redraw.ask()
    clock.pass_(0)
    for _ in range(10):
        redraw.ask()
        clock.pass_(0.01)
    clock.pass_(1)

    assert drawn == [1000.0, 1000.25]


def test_a_change_while_it_is_drawn_is_drawn_after(clock):
    drawn = []

    def draw():
        drawn.append(clock.now)
        if len(drawn) == 1:
            redraw.ask()

    redraw = Redraws(draw, 0.5, clock.call_later)
    redraw.ask()
    clock.pass_(2)

    assert drawn == [1000.0, 1000.5]


def test_changes_while_a_worker_is_late_are_one_draw(clock):
    drawn, waiting = [], []
    redraw = Redraws(lambda: drawn.append(clock.now), 0.25, clock.call_later, work=waiting.append)

    redraw.ask()
    clock.pass_(0)
    for _ in range(8):
        redraw.ask()
        clock.pass_(0.25)
    assert (len(waiting), drawn) == (1, [])
    waiting.pop()()

    redraw.ask()
    clock.pass_(0)
    assert (len(waiting), len(drawn)) == (1, 1)


def test_what_everybody_waits_for_does_not_wait_for_its_turn(clock):
    drawn = []
    redraw = Redraws(lambda: drawn.append(clock.now), 60, clock.call_later)
    redraw.ask()
    clock.pass_(1)
    redraw.ask()

    redraw.ask(at_once=True)
    clock.pass_(0)

    assert drawn == [1000.0, 1001.0]


def test_those_who_share_a_budget_say_when_it_is_their_turn(clock):
    drawn, asked = [], []

    def turn(moment):
        asked.append(moment)
        return 3.0

    redraw = Redraws(lambda: drawn.append(clock.now), 0.25, clock.call_later, turn=turn)
    redraw.ask()
    clock.pass_(2.9)
    assert drawn == []
    clock.pass_(0.2)
    redraw.ask()

    assert drawn == [1003.0]
    assert asked == [0.25, 1003.25]
