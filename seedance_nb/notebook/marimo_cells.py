"""Where our objects meet a marimo notebook, which asks each object for something that it can show (`Shown._display_`).

marimo has no outputs that are changed later: a cell's output is what its last expression shows, until the cell runs again. So what
still runs is shown by its widget alone, which turns into the video or the wall by itself when it is over, as it does on a page of
Jupyter's that was reloaded; what is over is plain HTML, which stays in exported pages. Scripts run only in frames there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import marimo

from ..clips.clip import Clip
from ..clips.imported import ImportedClip
from ..pages.html import clip_figure
from ..pages.job_page import final_html, sources_of
from ..tracking.background import log
from ..tracking.job import Job
from ..tracking.session import JobList
from .board.grid_formatters import html_of
from .card.job_card import JobCard, card_view
from .card.job_display import CARD_SECONDS, clip_bytes
from .display import jobs_html
from .heartbeat import heartbeat
from .redraws import Redraws

if TYPE_CHECKING:
    from ..grids.ballots.voting import Voting
    from ..grids.grid import Grid
    from ..grids.stories.story import Story
    from ..snapshot import Snapshot

_SOURCE = re.compile(r"""\bsrc=["']([^"']+)""")
_FRAME_STYLE = "<style>:root{color-scheme:light dark}body{margin:0;font:14px/1.5 system-ui,sans-serif}</style>"  # a frame inherits no style


def shown(thing: Any) -> Any:
    """What marimo shows in place of an object of ours: a widget while it runs, else HTML."""
    if isinstance(thing, Job):
        return _job(thing)
    if isinstance(thing, ImportedClip):
        thing = thing.clip
    if isinstance(thing, Clip):
        video, poster, more = sources_of(thing, float("inf"), _address)
        return _html(clip_figure(thing, video, poster, **more))
    if isinstance(thing, JobList):
        return _html(jobs_html(thing))
    page = html_of(thing)
    return _html(page) if page is not None else _of_grids(thing)


def _of_grids(thing: Any) -> Any:
    # Imported only where there is one of them: they are most of the package.
    from ..grids.ballots.voting import Voting
    from ..grids.grid import GridView

    if isinstance(thing, Voting):
        return _ballot(thing)
    if isinstance(thing, GridView):
        return _grid(thing.grid, {"rows": thing.rows, "columns": thing.columns, "pages": thing.pages})
    return _grid(thing, {})


def _html(text: str) -> Any:
    text = str(text)  # marimo tells its page of nothing but a very str
    return marimo.iframe(_FRAME_STYLE + text) if "<script" in text else marimo.Html(text)


def _address(file: Path) -> str:
    """Where marimo's server serves the file, for as long as the cell shows it; in an exported page, the file itself."""
    found = _SOURCE.search(marimo.video(src=file.read_bytes()).text)
    assert found is not None
    return found[1]


def _job(job: Job) -> Any:
    snapshot = job.snapshot
    if snapshot.is_settled:
        return _html(final_html(snapshot, float("inf"), _address))
    card = JobCard(
        card_view(snapshot, time.time()),
        on_cancel=job.cancel,
        clip_bytes=lambda: clip_bytes(job),
        on_in_view=lambda: changed(job.snapshot),
    )

    def draw() -> None:
        now = job.snapshot
        if now.is_settled:
            stop()
            heartbeat.stop(card)
        card.show(now, done=now.is_settled)

    redraws = Redraws(_quietly(draw), CARD_SECONDS, job.call_later)
    heartbeat.start(card)

    def changed(now: Snapshot) -> None:
        redraws.ask(at_once=now.is_settled)

    stop = job.subscribe(changed)
    changed(job.snapshot)
    return card


def _grid(grid: Grid | Story, axes: dict[str, str | None]) -> Any:
    from ..grids.pages.receipts import plan_html
    from .board.grid_board import GridBoard
    from .board.grid_display import BOARD_SECONDS, final_bundle

    picture = grid.picture()
    if not picture.submitted:
        return _html(plan_html(grid.plan))
    if grid.done():
        return _html(final_bundle(grid, axes)["text/html"])
    board = GridBoard(
        picture,
        on_cancel=grid.cancel,
        on_retry=grid.retry,
        wall=lambda: final_bundle(grid, axes)["text/html"],
    )

    def draw() -> None:
        over = grid.done()
        if over:
            stop()
            heartbeat.stop(board)
        board.show(grid.picture(), done=over)

    redraws = Redraws(_quietly(draw), BOARD_SECONDS, grid.session.call_later, work=grid.session.work)
    heartbeat.start(board)
    stop = grid.subscribe(redraws.ask)
    redraws.ask()
    return board


def _ballot(voting: Voting) -> Any:
    from .ballot.ballot import ballot_on

    return ballot_on(voting)


def _quietly(draw: Callable[[], None]) -> Callable[[], None]:
    def drawn() -> None:
        try:
            draw()
        except Exception:  # a page that went away must not stop the job
            log.exception("drawing in marimo failed")

    return drawn
