"""Where grids meet the notebook: the plan as a table, the live board while it runs, the wall for good.

As a job has (see `display`): two outputs in one place, the receipt, which becomes the wall, and the board, which goes away. Everything
that is heavy is made in a worker: a wall holds the bytes of all its clips.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import shortened
from ...grids.pages import receipts as grid_html
from ...grids.plans.plan import Plan
from ...tracking.background import log
from ...tracking.notifying import is_browser_told
from ..heartbeat import heartbeat
from ..redraws import Redraws

if TYPE_CHECKING:
    from ...grids.grid import Grid, GridView
    from ...grids.picture import GridPicture
    from ...grids.stories.story import Story
    from ..screen import Screen
    from .grid_board import GridBoard

BOARD_SECONDS = 0.25
"""A board is redrawn at most this often."""
RECEIPT_SECONDS = 2.0
"""The receipt is for the saved notebook: it names all ids, so it is sent rarely."""


class GridOutputs:
    """The two outputs of one grid, or story, in one cell. Made in the cell that shows it; changed from the background."""

    def __init__(
        self, screen: Screen, grid: Grid | Story, axes: dict[str, Any] | None = None, *, notify: bool = False
    ) -> None:
        self.grid = grid
        self._notify = notify or is_browser_told(grid.session)
        self.is_final = False
        self._screen = screen
        self._axes = axes or {}
        self._receipt_id, self._board_id = uuid.uuid4().hex, uuid.uuid4().hex
        self._board: GridBoard | None = None
        self._lock = threading.RLock()
        self._receipt_at = 0.0
        # In a worker: the grid may be busy being sent, and a wall holds many megabytes of base64.
        self._redraws = Redraws(self._draw, BOARD_SECONDS, grid.session.call_later, work=grid.session.work)
        self._receipt_shows: object = None
        self._is_captured = False  # then the board is all there is: it turns into the wall itself
        self._unsubscribe: Callable[[], object] = lambda: None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes by itself."""
        return self.grid.done()

    def open(self, *, live: bool) -> None:
        """Create the outputs, in the cell that asked for them. Not `live`: nobody is there to see them change."""
        over = self.is_over
        if over and (not live or self._screen.is_application):  # no later change would be seen
            self.is_final = True
            self._screen.publish(self._final_bundle(), self._receipt_id, update=False)
            return
        self._is_captured = live and not over and self._screen.is_captured
        self._publish_receipt(self.grid.picture(), update=False)
        if not live:
            return
        if not over:
            self._open_board()
        self._unsubscribe = self.grid.subscribe(self._changed)
        self._changed()

    def stop(self) -> None:
        """Follow no longer."""
        self._unsubscribe()
        if self._board is not None:
            heartbeat.stop(self._board)

    def refresh(self) -> None:
        """Bring the receipt up to date, from this thread."""
        with self._lock:
            if not self.is_final:
                self._receipt_at = 0.0
                self._publish_receipt(self.grid.picture(), update=True)

    def close(self, *, again: bool = False) -> None:
        """Replace the receipt by the wall, and the board by nothing. `again` asks for it from this very thread, which matters
        where a program runs the notebook; where people do, a worker is at it already.
        """
        if again and not (self._screen.is_headless or self._screen.waits):
            return
        with self._lock:
            if self.is_final and not again:
                return
            if self._board is not None and self._notify:  # the page tells of the end before the board goes
                self._screen.in_cell_context(self._board.show, self.grid.picture())
            bundle = self._final_bundle()
            self.is_final = True
            self.stop()
            with contextlib.suppress(ValueError):
                self._screen.views.remove(self)
            if not self._is_captured:
                self._screen.publish(bundle, self._receipt_id, update=True)
            if self._board is not None:
                if not self._is_captured:
                    self._screen.take_away(self._board_id)
                self._screen.in_cell_context(functools.partial(self._board.show, self.grid.picture(), done=True))

    def _open_board(self) -> None:
        from .grid_board import GridBoard

        grid = self.grid
        self._board = GridBoard(
            grid.picture(),
            on_cancel=grid.cancel,
            on_retry=grid.retry,
            wall=lambda: self._final_bundle()["text/html"],
            notify=self._notify,
        )
        self._screen.show_widget(self._board, self._board_id)
        heartbeat.start(self._board, self._screen.in_cell_context)

    def _final_bundle(self) -> dict[str, str]:
        return final_bundle(self.grid, self._axes)

    # In the background thread ------------------------------------------------------------------------

    def _changed(self) -> None:
        if not self.is_final:
            self._redraws.ask()

    # In a worker ----------------------------------------------------------------------------------------

    def _draw(self) -> None:
        with self._lock:
            if self.is_final:
                return
            if self.is_over:
                self.close()
                return
            picture = self.grid.picture()
            if self._board is not None:
                self._screen.in_cell_context(self._board.show, picture)
            self._publish_receipt(picture, update=True)

    def _publish_receipt(self, picture: GridPicture, *, update: bool) -> None:
        shows = tuple(tile.snapshot.request_id if tile.snapshot is not None else None for tile in picture.tiles)
        now = time.monotonic()
        if self._is_captured or (update and shows == self._receipt_shows):
            return
        if update and now < self._receipt_at + RECEIPT_SECONDS:
            self.grid.session.call_later(RECEIPT_SECONDS, self._changed)
            return
        self._receipt_shows, self._receipt_at = shows, now
        bundle = {"text/html": grid_html.receipt(picture), "text/plain": grid_html.receipt_plain(picture)}
        self._screen.publish(bundle, self._receipt_id, update=update)


def show_grid(screen: Screen, grid: Grid | Story, *, notify: bool = False) -> None:
    """A grid in this cell: its plan, its board with the wall to come, or its wall; in a terminal, words."""
    if not screen.in_kernel:
        print(grid_plain(grid))
    elif not grid.picture().submitted:
        show_plan(screen, grid.plan)
    else:
        _open(screen, GridOutputs(screen, grid, notify=notify))


def show_plan(screen: Screen, plan: Plan) -> None:
    """What would be sent and what it would cost."""
    if not screen.in_kernel:
        print(grid_html.plan_plain(plan))
        return
    bundle = {"text/html": grid_html.plan_html(plan), "text/plain": grid_html.plan_plain(plan)}
    screen.publish(bundle, uuid.uuid4().hex, update=False)


def grid_plain(grid: Grid | Story) -> str:
    """A grid in words: its plan, or where it stands."""
    picture = grid.picture()
    return grid_html.receipt_plain(picture) if picture.submitted else grid_html.plan_plain(grid.plan)


def show_view(screen: Screen, view: GridView) -> None:
    """The wall of a grid on chosen axes; of a grid that still runs, its board first."""
    axes = {"rows": view.rows, "columns": view.columns, "pages": view.pages}
    if not view.grid.picture().submitted:
        show_plan(screen, view.grid.plan)
    else:
        _open(screen, GridOutputs(screen, view.grid, axes))


def _open(screen: Screen, outputs: GridOutputs) -> None:
    outputs.open(live=screen.is_watched)
    if not outputs.is_final:
        screen.views.append(outputs)


def final_bundle(grid: Grid | Story, axes: dict[str, Any]) -> dict[str, str]:
    """The wall of a grid that is over, on these axes, or why it cannot be drawn."""
    picture = grid.picture()
    try:
        return wall_bundle(picture, grid.session.limits.embed_limit, **axes)
    except Exception as error:  # the clips are on disk: the notebook has to say so, whatever is wrong with the wall
        log.exception("drawing a wall failed")
        text = f"the wall could not be drawn ({shortened(error)}); grid.result() has the clips"
        return grid_html.trouble(picture, text)


def wall_bundle(picture: GridPicture, embed_limit: int, **axes: Any) -> dict[str, str]:
    """What stays in the notebook for good: text/html and text/plain, nothing else. Reads all clips from disk."""
    from ...grids.walls.wall import wall_html, wall_plain

    return {
        "text/html": wall_html(picture, **axes, embed_limit=embed_limit) + grid_html.ending(picture),
        "text/plain": "\n".join(filter(None, (wall_plain(picture, **axes), grid_html.cure_of(picture)))),
    }
