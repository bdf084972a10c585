"""The buttons of a story's takes: the first press only asks, the second does what was shown, and nothing else."""

import time
from types import SimpleNamespace

import comm
import pytest
from notebook.card.test_job_card import Wire

from seedance_nb.errors import BudgetExceeded
from seedance_nb.grids.plans.plan import Plan
from seedance_nb.grids.stories.picking import Picking
from seedance_nb.notebook.board.story_picker import StoryPicker


class Story:
    """Two shots with two takes; going on from a take of `new` makes so many videos at `price` each."""

    def __init__(self):
        self.prompts, self.picks = ("a <b>boat</b>", "the sea"), [1, 1]
        self.jobs = [[None, None], [None, None]]
        self.new, self.price, self.trouble = 2, 20.0, None
        self.picked = []

    def plan_of_pick(self, shot, take):
        if self.trouble is not None:
            raise self.trouble
        line = SimpleNamespace(
            cell=SimpleNamespace(note=None),
            is_new=True,
            standing="new",
            credits=self.price,
            source="the price list",
            exact=True,
            seconds=9.0,
        )
        return Plan(("shot",), (line,) * self.new, 9.0)

    def pick(self, shot, take, max_credits=None):
        self.picked.append((shot, take, max_credits))
        self.picks[shot - 1] = take


@pytest.fixture
def story():
    return Story()


@pytest.fixture
def picker(story, monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)
    return StoryPicker(Picking(story))


def eventually(condition):
    end = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
    return found


def press(picker, **content):
    picker._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def test_the_first_press_says_what_it_would_cost_and_does_nothing(picker, story):
    press(picker, kind="ask", shot=1, take=2)

    words = eventually(lambda: picker.asked.get("words"))
    assert words.startswith("To go on from take 2 of shot 1: ")
    assert "40 credits for 2 new videos" in words
    assert story.picked == []


def test_the_second_press_does_it_once(picker, story):
    press(picker, kind="ask", shot=1, take=2)
    number = eventually(lambda: picker.asked.get("number"))
    for _ in range(3):
        press(picker, kind="go", number=number)

    eventually(lambda: "nothing was sent" in picker.says)  # the later presses found nothing to do
    assert story.picked == [(1, 2, None)]
    assert picker.picks == [2, 1]


def test_what_was_not_shown_last_is_not_done(picker, story):
    press(picker, kind="ask", shot=1, take=2)
    first = eventually(lambda: picker.asked.get("number"))
    press(picker, kind="ask", shot=2, take=2)
    eventually(lambda: picker.asked.get("number") == first + 1)
    press(picker, kind="go", number=first)

    eventually(lambda: "this was not what was shown last; nothing was sent" in picker.says)
    assert story.picked == []


def test_a_price_that_rose_meanwhile_is_not_paid(picker, story):
    press(picker, kind="ask", shot=1, take=2)
    number = eventually(lambda: picker.asked.get("number"))
    story.price = 21.0
    press(picker, kind="go", number=number)

    eventually(lambda: "the price had changed meanwhile; nothing was sent" in picker.says)
    assert story.picked == []


def test_left_alone_it_is_not_done(picker, story):
    press(picker, kind="ask", shot=1, take=2)
    number = eventually(lambda: picker.asked.get("number"))
    press(picker, kind="leave")
    press(picker, kind="go", number=number)

    eventually(lambda: "nothing was sent" in picker.says)
    assert (story.picked, picker.asked) == ([], {})


def test_what_costs_nothing_is_picked_at_once_and_may_buy_nothing_later(picker, story):
    story.new = 0
    press(picker, kind="ask", shot=2, take=2)

    eventually(lambda: "nothing new, 0 credits" in picker.says)
    assert story.picked == [(2, 2, 0)]


def test_what_is_refused_is_one_line(picker, story):
    story.trouble = BudgetExceeded("over the limit; nothing was sent")
    press(picker, kind="ask", shot=1, take=2)

    eventually(lambda: picker.says == "over the limit; nothing was sent")
    assert picker.asked == {}
