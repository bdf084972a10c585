"""A button for each take of a story: pressed, it says what going on from that take would make and cost; a second press does it."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ...errors import LONGEST, SeedanceError, shortened
from ...grids.stories.picking import Picking
from ...pages.assets import module
from ...tracking.background import log
from ..interactive import interactive
from ..redraws import Redraws

if TYPE_CHECKING:
    from ..screen import Screen

_HERE = Path(__file__).parent
SECONDS = 0.5
"""It is redrawn at most this often."""


class StoryPicker(anywidget.AnyWidget):
    """Traits are the wire contract. The page sends `{kind: "ask", shot, take}`, then `{kind: "go", number}` with the number of what it was
    shown, or `{kind: "leave"}`. Nothing is sent to the service by the first.
    """

    _esm = module(_HERE / "story_picker.js")
    _css = _HERE / "story_picker.css"

    shots = traitlets.List(traitlets.Dict()).tag(sync=True)
    """`Picking.shots()`."""
    picks: traitlets.List[int | None] = traitlets.List().tag(sync=True)
    """For every shot the take that is gone on from, or None."""
    asked = traitlets.Dict().tag(sync=True)
    """What was asked about: {number, shot, take, words, refused}; empty where nothing is."""
    says = traitlets.Unicode("").tag(sync=True)

    def __init__(self, picking: Picking, in_cell: Callable[..., object] = lambda act: act()) -> None:
        self._picking, self._in_cell = picking, in_cell
        self._lock = threading.Lock()
        self._number = 0
        self._shown: tuple[int, int, float] | None = None
        super().__init__(shots=picking.shots(), picks=list(picking.story.picks))
        interactive(self)
        self.on_msg(self._hear)

    def __repr__(self) -> str:
        return "[the takes of a story, to choose from; drawn while its kernel runs]"

    def redraw(self) -> None:
        """Draw what there is by now."""
        shots, picks = self._picking.shots(), list(self._picking.story.picks)

        def draw() -> None:
            with self.hold_sync():
                self.shots, self.picks = shots, picks

        self._in_cell(draw)

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        kind = content.get("kind")
        if kind == "ask":
            shot, take = content.get("shot"), content.get("take")
            self._later(lambda: self._ask(shot, take))
        elif kind == "go":
            number = content.get("number")
            self._later(lambda: self._go(number))
        elif kind == "leave":
            self._shown, self.asked = None, {}

    def _ask(self, shot: Any, take: Any) -> None:
        story = self._picking.story
        plan = story.plan_of_pick(shot, take)
        self._number += 1
        if not plan.new:  # all of it is there, or on its way: nothing is bought
            story.pick(shot, take, 0)
            self._shown, self.asked = None, {}
            self.says = f"It goes on from take {take} of shot {shot}: nothing new, 0 credits."
            self.redraw()
            return
        self._shown = shot, take, float(plan.estimate)
        words = self._picking.words(plan, shot, take)
        self.says, self.asked = "", {"number": self._number, "shot": shot, "take": take, "words": words}

    def _go(self, number: Any) -> None:
        shown, self._shown = self._shown, None
        if shown is None or number != self._number:
            raise SeedanceError("this was not what was shown last; nothing was sent: press a take again")
        shot, take, price = shown
        story = self._picking.story
        if float(story.plan_of_pick(shot, take).estimate) > price:
            raise SeedanceError("the price had changed meanwhile; nothing was sent: press the take again")
        story.pick(shot, take)
        self.asked, self.says = {}, f"It goes on from take {take} of shot {shot}."
        self.redraw()

    def _later(self, work: Callable[[], None]) -> None:
        # In the context of the click: on ipykernel 7.0 a bare thread cannot send.
        context = contextvars.copy_context()

        def run() -> None:
            with self._lock:
                try:
                    work()
                except SeedanceError as error:
                    self.asked, self.says = {}, shortened(error, LONGEST)
                except Exception as error:
                    log.exception("a take could not be picked")
                    self.asked, self.says = {}, shortened(f"this did not work ({error}); nothing was sent", LONGEST)

        threading.Thread(target=context.run, args=(run,), name="seedance-picker", daemon=True).start()


def open_picker(screen: Screen, picking: Picking) -> StoryPicker:
    """Show it in the cell that asks for it, and keep it up to date."""
    import uuid

    picker = StoryPicker(picking, screen.in_cell_context)
    screen.show_widget(picker, uuid.uuid4().hex)
    session = picking.story.session
    redraws = Redraws(picker.redraw, SECONDS, session.call_later, work=session.work)
    picking.story.subscribe(redraws.ask)
    return picker
