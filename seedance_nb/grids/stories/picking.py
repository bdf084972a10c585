"""Choosing takes of a story by hand: what a notebook shows for it, and what a choice would cost."""

from __future__ import annotations

import base64
import dataclasses
import functools
import io
import sys
from typing import TYPE_CHECKING, Any, Protocol

from ...clips.clip import Clip
from ...errors import ClipError, SeedanceError, one_line
from ...pages.words import clamp, status_words
from ..pages.receipts import summary
from ..plans.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...tracking.job import Job
    from ...tracking.session import Session

SIDE = 240
"""Pixels of a picture; all of them travel with every change."""


class Picked(Protocol):
    """A Story, as far as choosing goes."""

    session: Session

    @property
    def prompts(self) -> tuple[str, ...]: ...

    @property
    def jobs(self) -> list[list[Job | None]]: ...

    @property
    def picks(self) -> list[int | None]: ...

    def plan_of_pick(self, shot: int, take: int) -> Plan: ...

    def pick(self, shot: int, take: int, max_credits: float | None = None) -> Any: ...

    def subscribe(self, listener: Callable[[], object]) -> Callable[[], None]: ...


@dataclasses.dataclass(frozen=True)
class Picking:
    """Somebody wants to choose the takes that a story goes on from."""

    story: Picked

    def shots(self) -> list[dict[str, Any]]:
        """What is shown of each shot, as plain JSON: its prompt, and of each take a picture, or "", and where it stands."""
        prompts, jobs = self.story.prompts, self.story.jobs
        return [
            {"prompt": clamp(one_line(prompt), 120), "takes": [_take(job) for job in takes]}
            for prompt, takes in zip(prompts, jobs, strict=True)
        ]

    def words(self, plan: Plan, shot: int, take: int) -> str:
        """What going on from this take would make and cost."""
        return f"To go on from take {take} of shot {shot}: {summary(plan)}"


def _take(job: Job | None) -> dict[str, Any]:
    if job is None:
        return {"picture": "", "words": "not sent yet", "there": False}
    clip = job.clip
    picture = "" if clip is None else _picture(clip)
    return {"picture": picture, "words": status_words(job.snapshot), "there": clip is not None}


@functools.lru_cache(maxsize=256)
def _picture(clip: Clip) -> str:
    """The frame in the middle of a clip, in small, as a data: address: with their first one all takes of a shot look alike."""
    try:
        frame, written = clip.frame(clip.seconds / 2), io.BytesIO()
        frame.thumbnail((SIDE, SIDE))
        frame.save(written, "JPEG", quality=75)
    except (ClipError, OSError):
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode('ascii')}"


def show(picking: Picking) -> None:
    """Show it below the running cell. Raises SeedanceError where no notebook of Jupyter's can."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    try:
        show_it = shell.display_formatter.ipython_display_formatter.lookup_by_type(Picking)
    except (AttributeError, KeyError):
        raise SeedanceError(
            "choosing by hand needs a Jupyter notebook; story.plan_of_pick(shot, take) says what a take would cost, story.pick(shot, take) picks it"
        ) from None
    show_it(picking)
