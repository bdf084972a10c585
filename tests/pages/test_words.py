"""Where a job stands is said in the same words wherever it is said."""

import dataclasses

import pytest

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.errors import SeedanceError
from seedance_nb.grids.cells import Cell
from seedance_nb.grids.films.layout import standing
from seedance_nb.grids.pages.board import MARKS, mark_of
from seedance_nb.grids.picture import Tile
from seedance_nb.notebook.card.job_card import card_view
from seedance_nb.pages import html, words
from seedance_nb.snapshot import Snapshot

REQUEST = VideoRequest(prompt="a boat")
JOBS = [
    *(Snapshot("j1", REQUEST, 1, status, status.value) for status in Status),
    Snapshot("j1", REQUEST, 1, Status.SUCCEEDED, "succeeded", error=SeedanceError("no room")),
]


@pytest.mark.parametrize("job", JOBS, ids=words.standing_words)
def test_card_board_film_page_and_terminal_say_the_same(job):
    tile = Tile(Cell(0, {}, REQUEST, 1), job)
    said = words.standing_words(job)

    assert words.status_words(job) == card_view(job, 0.0)["status_words"] == standing(tile)[0] == said
    assert said in words.plain(job)
    assert said.lower() in html.receipt(job).lower()
    if job.status is not Status.REJECTED:  # on a board refused is failed: one colour, one word
        assert MARKS[mark_of(tile)][1] == said


def test_every_status_has_its_words():
    assert set(words.STATUS_WORDS) == set(Status)
    assert len(set(words.STATUS_WORDS.values())) == len(Status)


def test_a_word_of_the_service_stays_visible_but_for_a_video_that_is_there():
    odd = dataclasses.replace(JOBS[2], status_text="upscaling")

    assert words.status_words(odd) == "being made (the service says “upscaling”)"
    assert words.status_words(dataclasses.replace(odd, status=Status.SUCCEEDED)) == words.DOWNLOADING
