"""The live board of a grid: all its cells on their axes, one progress line, Cancel all and Retry failed."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from pathlib import Path

import anywidget
import traitlets

from ...errors import LONGEST, shortened
from ...grids.pages.board import board_layout, board_view, measured, problems
from ...grids.picture import GridPicture
from ...pages.assets import module
from ...tracking.background import log
from ..interactive import interactive

_HERE = Path(__file__).parent


class GridBoard(anywidget.AnyWidget):
    """What a user watches while a grid runs.

    Traits are the wire contract: `places` is sent once, `view` at every change (a character for each cell and a line of facts),
    `problems` when a cell has an error, or trouble that passes. The page sends `{kind: "cancel"}`, `{kind: "retry"}` and `{kind: "need_wall"}`; it is
    answered with `{kind: "wall", html}`, or, where something could not be done, with `{kind: "trouble", text}`.

    The callbacks may be called on a subshell's thread while a cell runs. `on_cancel` must only post; `on_retry` and `wall` may take
    their time, they are called in a thread of their own.
    """

    _esm = module(_HERE / "grid_board.js")
    _css = _HERE / "grid_board.css"

    places = traitlets.Dict().tag(sync=True)
    """`board_layout(…)`."""
    view = traitlets.Dict().tag(sync=True)
    """`board_view(…)` of the latest picture."""
    problems = traitlets.Dict().tag(sync=True)
    """`problems(…)` of the latest picture."""
    measured = traitlets.Dict().tag(sync=True)
    """`measured(…)` of the latest picture."""
    notify = traitlets.Bool(False).tag(sync=True)
    """Whether the page tells by the browser's notification, once, when all is there, if the board is not on screen then."""
    done = traitlets.Bool(False).tag(sync=True)
    """Nothing more will come, and the outputs have been replaced: a board that is still on a page then helps itself."""

    def __init__(
        self,
        picture: GridPicture,
        *,
        on_cancel: Callable[[], object],
        on_retry: Callable[[], object],
        wall: Callable[[], str],
        notify: bool = False,
    ) -> None:
        self._ask_cancel, self._ask_retry, self._wall = on_cancel, on_retry, wall
        self._cells = tuple(tile.cell for tile in picture.tiles)
        self._cancel_asked = False
        self._retrying = threading.Lock()
        super().__init__(
            places=board_layout(picture),
            view=board_view(picture),
            problems=problems(picture),
            measured=measured(picture),
            notify=notify,
        )
        interactive(self)
        self.on_msg(self._answer)

    def __repr__(self) -> str:
        # What an untrusted notebook or a page without widgets shows in the board's place.
        return f"[live board: {self.view.get('status', 'a grid')}; it is drawn while its kernel runs]"

    def show(self, picture: GridPicture, *, done: bool | None = None) -> None:
        """Draw this picture; `done=True` once the grid's outputs have been replaced. One message to the page."""
        with self.hold_sync():
            cells = tuple(tile.cell for tile in picture.tiles)
            if cells != self._cells:  # extended
                self._cells = cells
                self.places = board_layout(picture)
            view = board_view(picture)
            if not view["cancel_requested"] and self.view.get("cancel_requested"):
                self._cancel_asked = False  # not confirmed, or new ones run: it may be asked again
            self.view = view
            self.problems, self.measured = problems(picture), measured(picture)
            if done is not None:
                self.done = done

    def _answer(self, _widget: object, content: object, _buffers: object) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "cancel":
            self._cancel_once()
        elif kind == "retry":
            _in_thread(self._retry_once)
        elif kind == "need_wall":
            _in_thread(self._send_wall)

    def _cancel_once(self) -> None:
        # Two pages can show one board, and a click can wait behind a running cell: one intention, one call.
        if self._cancel_asked or self.done:
            return
        self._cancel_asked = True
        try:
            self._ask_cancel()
        except Exception as error:
            self._cancel_asked = False
            self._complain("Could not ask for the cancel", error)

    def _retry_once(self) -> None:
        if not self._retrying.acquire(blocking=False):
            return
        try:
            self._ask_retry()
            self.send({"kind": "retried"})
        except Exception as error:
            self._complain("Nothing was tried again", error)
        finally:
            self._retrying.release()

    def _send_wall(self) -> None:
        try:
            self.send({"kind": "wall", "html": self._wall()})
        except Exception as error:
            log.exception("drawing the wall for a reloaded page failed")
            self._complain("The clips cannot be shown here; run this cell again", error)

    def _complain(self, what: str, error: Exception) -> None:
        self.send({"kind": "trouble", "text": shortened(f"{what}: {error}", LONGEST)})


def _in_thread(work: Callable[[], None]) -> None:
    # In the context of the click: on ipykernel 7.0 a bare thread cannot send.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="seedance-board", daemon=True).start()
