"""What all jobs may ask of an interpreter that the notebook needs for itself."""

import pytest

from seedance_nb.tracking.following.pace import (
    BUSY_FILES,
    BUSY_LOOKS,
    BUSY_TIME,
    FEWEST_BUSY_LOOKS,
    IDLE_LOOKS,
    Pace,
)


class Kernel:
    """A clock, a main thread that uses a share of it, and what the jobs' own thread has used."""

    def __init__(self):
        self.now = self.used = self.own = 0.0
        self.pace = Pace(lambda: self.now, main_seconds=lambda: self.used, own_seconds=lambda: self.own)

    def spend(self, seconds, share):
        self.now += seconds
        self.used += seconds * share


@pytest.fixture
def kernel():
    return Kernel()


def files_in(kernel, seconds, share):
    """How many files are begun in that time, asking every 10 ms."""
    begun = 0
    for _ in range(round(seconds * 100)):
        kernel.spend(0.01, share)
        begun += kernel.pace.file_turn() == 0
    return begun


def test_an_idle_notebook_lets_every_file_begin_at_once(kernel):
    assert files_in(kernel, 2, share=0.05) == 200


def test_a_computing_notebook_lets_a_few_files_a_second_begin(kernel):
    files_in(kernel, 1, share=1.0)

    assert files_in(kernel, 10, share=1.0) == pytest.approx(10 * BUSY_FILES, abs=1)


def test_files_begin_again_as_soon_as_the_cell_ends(kernel):
    files_in(kernel, 5, share=1.0)
    files_in(kernel, 0.5, share=0.0)

    assert files_in(kernel, 1, share=0.0) == 100


def test_a_file_is_asked_for_again_soon_because_a_cell_may_end(kernel):
    files_in(kernel, 1.01, share=1.0)
    kernel.pace.file_turn()

    assert 0 < kernel.pace.file_turn() <= 0.25


@pytest.mark.parametrize(("share", "looks"), [(0.1, IDLE_LOOKS), (1.0, BUSY_LOOKS)])
def test_looks_are_given_out_at_the_budget_in_force(kernel, share, looks):
    for _ in range(10):
        kernel.spend(0.1, share)
        kernel.pace.turn()
    kernel.spend(10, share)
    kernel.pace.turn()

    turns = [kernel.pace.turn() for _ in range(20)]

    assert turns[-1] - turns[0] == pytest.approx(19 / looks)


def test_a_create_takes_the_place_of_a_look(kernel):
    kernel.pace.turn()
    alone = kernel.pace.turn()
    for _ in range(10):
        kernel.pace.create_goes_out()

    assert kernel.pace.turn() == pytest.approx(alone + 11 / IDLE_LOOKS)


@pytest.mark.parametrize(
    ("cost", "looks"),
    [
        pytest.param(0.0001, BUSY_LOOKS, id="cheap ones: as many as are ever made beside a cell"),
        pytest.param(BUSY_TIME / 220, 220, id="their share of the time"),
        pytest.param(BUSY_TIME / 160, 160, id="dearer ones: fewer"),
        pytest.param(0.01, FEWEST_BUSY_LOOKS, id="dear ones: still some"),
    ],
)
def test_beside_a_computing_notebook_looks_take_a_share_of_its_time(kernel, cost, looks):
    """Whatever a look costs: another machine, another transport."""
    for _ in range(600):
        kernel.pace.turn()
        kernel.own += cost
        kernel.spend(1 / kernel.pace.limit, share=1.0)

    assert kernel.pace.limit == pytest.approx(looks, rel=0.05)


def test_a_second_of_dear_work_does_not_halve_the_looks(kernel):
    """A few files that come together: their cost is spread, or looks would be too few and too many by turns."""
    limits = []
    for turn in range(1800):
        kernel.pace.turn()
        kernel.own += BUSY_TIME / 170
        if 1000 <= turn < 1100:
            kernel.own += BUSY_TIME / 170
        kernel.spend(1 / kernel.pace.limit, share=1.0)
        limits.append(kernel.pace.limit)

    assert min(limits[900:]) > 0.8 * 170


def test_creates_are_counted_with_the_looks_they_cost_as_much_as(kernel):
    for _ in range(600):
        kernel.pace.turn()
        kernel.pace.create_goes_out()
        kernel.own += 2 * BUSY_TIME / 150
        kernel.spend(2 / kernel.pace.limit, share=1.0)

    assert kernel.pace.limit == pytest.approx(150, rel=0.05)


def test_what_the_thread_used_before_its_first_look_is_no_cost_of_looks(kernel):
    kernel.own = 1000.0
    for _ in range(600):
        kernel.pace.turn()
        kernel.own += BUSY_TIME / 150
        kernel.spend(1 / kernel.pace.limit, share=1.0)

    assert kernel.pace.limit == pytest.approx(150, rel=0.05)
