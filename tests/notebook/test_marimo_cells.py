"""What marimo is given of each kind of thing, without a page. What happens on a page: browser/test_marimo.py."""

import importlib
import time

import pytest
from grids.studies import vote

import seedance_nb
from seedance_nb.clips.clip import Clip
from seedance_nb.grids.ballots.voting import Voting
from seedance_nb.grids.grid import Grid
from seedance_nb.grids.rankings.forecast import forecast
from seedance_nb.grids.rankings.study import Study
from seedance_nb.notebook.ballot.ballot import Ballot
from seedance_nb.notebook.board import grid_formatters
from seedance_nb.notebook.board.grid_board import GridBoard
from seedance_nb.notebook.card.job_card import JobCard
from seedance_nb.showing import Shown
from seedance_nb.tracking.job import Job
from seedance_nb.tracking.session import JobList, Session

marimo = pytest.importorskip("marimo")

NASTY = "a <b>boat</b>"
BY_NAME = [
    *(
        grid_formatters.GRID,
        grid_formatters.VIEW,
        grid_formatters.VOTING,
        grid_formatters.RANKING,
        grid_formatters.RACE,
    ),
    *grid_formatters.STUDIES,
]


@pytest.fixture
def session(simulator, workplace):
    with Session(api_key="sd2_test_key", base_url=simulator.base_url, home=workplace) as session:
        yield session


def page_of(thing):
    """The HTML that marimo is given. Its own formatters are left alone: they would change every widget of this process."""
    shown = thing._display_()
    assert isinstance(shown, marimo.Html)
    assert type(shown.text) is str
    return shown.text


def eventually(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.mark.parametrize(("room", "name"), BY_NAME)
def test_what_jupyter_shows_by_its_type_marimo_shows_by_asking_it(room, name):
    assert issubclass(getattr(importlib.import_module(room), name), Shown)


@pytest.mark.parametrize("kind", [Job, Clip, JobList])
def test_jobs_clips_and_lists_of_jobs_are_asked_too(kind):
    assert issubclass(kind, Shown)


def test_a_job_is_its_card_until_it_is_over_and_then_its_figure(session):
    job = session.submit(NASTY, duration=4, resolution="480p")

    card = job._display_()
    job.result(60)
    eventually(lambda: card.done)
    figure = page_of(job)

    assert isinstance(card, JobCard)
    assert card.view["has_video"]
    assert not job.is_watched
    assert "<video" in figure
    assert "data:video/mp4;base64," in figure
    assert "a &lt;b&gt;boat" in figure


def test_cancel_on_the_card_is_asked_of_the_job(session):
    job = session.submit("a boat [stuck]", duration=4, resolution="480p")
    eventually(lambda: job.request_id)
    card = job._display_()

    card._answer(card, {"kind": "cancel"}, [])

    eventually(job.done)
    assert job.status.value == "cancelled"
    assert "Cancelled" in page_of(job)


def test_a_clip_and_a_list_of_jobs_are_pages(session):
    job = session.submit(NASTY, duration=4, resolution="480p")
    clip = job.result(60)

    assert "<video" in page_of(clip)
    assert "a &lt;b&gt;boat" in page_of(session.jobs())


def test_a_grid_is_its_plan_its_board_and_its_wall_in_a_frame_where_scripts_run(session):
    grid = seedance_nb.grid("a {thing}", thing=["kite", "dog"], duration=4, resolution="480p")
    grid = Grid(session, grid.axes)
    plan = page_of(grid)
    grid.submit()
    board = grid._display_()
    grid.result(60)
    eventually(lambda: board.done)
    view = page_of(grid.view(columns="thing"))

    assert "2 cells: 2 new" in plan
    assert isinstance(board, GridBoard)
    assert "<iframe" in page_of(grid)
    assert "<iframe" in view
    assert isinstance(Voting(session, grid.picture, ("overall",), "me", None)._display_(), Ballot)
    assert "2 things" in page_of(grid.ranking(by="thing"))


def test_a_ranking_of_votes_from_elsewhere_its_raters_and_a_power_are_pages():
    clips = {f"{name}{take}": {"prompt": name, "take": take} for name in "ab" for take in range(3)}
    votes = [vote(n, f"a{n % 3}", f"b{n % 3}", "left", rater="Ann") for n in range(30)]
    ranking = seedance_nb.rank(votes, clips, by="prompt")

    assert "Ann" in page_of(ranking.raters)
    assert "prompt" in page_of(ranking)
    assert "<table" in page_of(forecast(Study(3, 3, 120, 6, 1.0), by="prompt", price=20.0, bought=0))
