"""Story: shots that follow one another. Planned and priced for nothing, sent shot after shot, waited for, picked from, cut together."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from ...api.plain_values import whole_number
from ...clips.clip import Clip
from ...errors import ConfigurationError, InvalidRequest, one_line
from ...showing import Shown
from ...tracking.job import Job
from ...tracking.session import Session
from ..picture import GridPicture, picture_of
from ..plans.plan import GridEstimate, Plan
from ..running.watching import Watch
from .running import Running
from .script import Script
from .waiting import all_done, wait_for_all


class Story(Shown):
    """Shots, each an ordinary Job in one or more takes, each from the last frame of the one before. Made by `seedance_nb.story`; making one
    sends nothing. All attributes may be read from any thread at any time.
    """

    def __init__(self, session: Session, script: Script, max_credits: float | None = None) -> None:
        self.session = session
        self._max_credits = max_credits
        self._watch = Watch(session)
        self._running = Running(session, script, self._watch)

    # What is known ---------------------------------------------------------------------------------

    @property
    def prompts(self) -> tuple[str, ...]:
        """What each shot shows."""
        return self._running.script.prompts

    @property
    def takes(self) -> int:
        """How many takes there are of each shot."""
        return self._running.script.takes

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known of its requests before they are paid for, a line each."""
        return self._running.script.check(self.session.catalog)

    @property
    def plan(self) -> Plan:
        """Where every take of every shot stands just now, and what the new ones cost; asks the ledger, sends nothing."""
        return self._running.plan()

    @property
    def estimate(self) -> GridEstimate:
        """What the new videos are expected to cost together, by whose word; `float(story.estimate)` are credits."""
        return self.plan.estimate

    @property
    def jobs(self) -> list[list[Job | None]]:
        """For every shot the Job of each take; None: not sent, or not yet."""
        shots, takes = range(1, len(self) + 1), range(1, self.takes + 1)
        return [[self._running.job_at(shot, take) for take in takes] for shot in shots]

    @property
    def picks(self) -> list[int | None]:
        """For every shot the take that the next one goes on from, and that is shown: what was picked, else the first that was made."""
        return [self._running.chosen(shot) for shot in range(1, len(self) + 1)]

    @property
    def clips(self) -> list[Clip | None]:
        """For every shot the clip of the take that is picked; None where there is none yet."""
        jobs = [None if take is None else self._running.job_at(n, take) for n, take in enumerate(self.picks, 1)]
        return [None if job is None else job.clip for job in jobs]

    def picture(self) -> GridPicture:
        """All that boards, walls and exports need, as one immutable picture of this moment: a row a shot, a column a take. Cheap."""
        running = self._running
        return picture_of(
            running.laid,
            running.snapshots(),
            running.earlier(),
            is_submitted=running.is_submitted,
            expected_seconds=running.seconds_left() if running.is_submitted else None,
            called="story",
            remark=self._remark(),
        )

    def _remark(self) -> str:
        """Which takes it goes on from, and how to choose another; "" where there is nothing to choose."""
        picks = sorted(self._running.picks.items())
        if self.takes == 1 or not picks:
            return ""
        said = ", ".join(f"take {take} of shot {shot}" for shot, take in picks)
        return f"It goes on from {said}; story.pick(shot, take) goes on from another, story.choose() has buttons."

    def done(self) -> bool:
        """Whether it was submitted and nothing more will come by itself."""
        return self._running.is_done()

    @property
    def is_awaited(self) -> bool:
        """Whether a notebook run by a program waits for it at the end of its cells: nobody said otherwise, and nobody was told yet."""
        return any(job is not None and job.is_awaited for job in self._running.jobs())

    def __len__(self) -> int:
        return len(self.prompts)

    def __repr__(self) -> str:
        shots = f"{len(self)} shot{'s' if len(self) != 1 else ''}"
        takes = f", {self.takes} takes of each" if self.takes > 1 else ""
        return f"<Story of {shots}{takes}: {self.picture()}; as a coroutine: story.wait()>"

    # Sending ---------------------------------------------------------------------------------------

    def submit(self, max_credits: float | None = None) -> Story:
        """Send the first shot, and each other one as soon as the clip it goes on from is on disk; returns this story at once.

        What the ledger has costs nothing, so the same story again, in this kernel or another, goes on where it stood. `max_credits`
        limits all that comes of this call, to the last shot (None: what `seedance_nb.story` was given): the whole is priced first, and over
        the limit nothing is sent. A shot that fails stops what hangs on it; `retry` takes it up. One that may have been accepted is never
        sent again by itself. Raises BudgetExceeded, InvalidRequest or ConfigurationError (no key, no place for uploads): then nothing was sent.
        """
        self._running.submit(self._max_credits if max_credits is None else max_credits)
        self.session.expect_more_of(self)
        return self

    def retry(self, max_credits: float | None = None) -> Story:
        """Try again what failed, was cancelled or was refused, and go on from there. Returns this story at once. Raises as `submit`."""
        self._running.retry(self._max_credits if max_credits is None else max_credits)
        return self

    def pick(self, shot: int, take: int, max_credits: float | None = None) -> Story:
        """Go on from this take of this shot, both from 1. What follows from another one is made anew, unless the ledger has it.

        What was picked stays picked in other kernels, once something went on from it. It may cost something: the limit of `submit` holds for
        that too; `max_credits` gives it one of its own. Returns this story at once. Raises InvalidRequest or BudgetExceeded: then nothing
        has changed and nothing was sent.
        """
        self._running.pick(_number("shot", shot, len(self)), _number("take", take, self.takes), max_credits)
        return self

    def plan_of_pick(self, shot: int, take: int) -> Plan:
        """What `pick` of this take would make and cost; changes nothing, sends nothing. Raises InvalidRequest."""
        return self._running.plan_of_pick(_number("shot", shot, len(self)), _number("take", take, self.takes))

    def choose(self) -> None:
        """Show the takes of each shot below this cell, with a button each: it says what going on from that take would make and cost, and a
        second press does it. Raises SeedanceError where there is no notebook of Jupyter's.
        """
        from .picking import Picking, show

        show(Picking(self))

    def cancel(self) -> None:
        """Send no more shots, and ask the service to cancel everything unfinished. Returns at once."""
        self._running.cancel()

    # Waiting ---------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None) -> list[Clip | None]:
        """Wait until nothing more comes, at most `timeout` seconds: the clip of each shot, of the picked take; None where there is none.

        Failed shots raise nothing (`story.jobs` and the picture tell of them). Raises WaitTimeout, after which everything goes on.
        The stop button ends the wait only.
        """
        wait_for_all(self._running, timeout)
        return self.clips

    def __await__(self) -> Generator[Any, None, list[Clip | None]]:
        return self.wait().__await__()

    async def wait(self) -> list[Clip | None]:
        """`await story` as a coroutine, for what takes nothing else: `asyncio.create_task(story.wait())`."""
        await all_done(self._running)
        return self.clips

    def subscribe(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call `listener()` in the background thread whenever a job changes or a shot is sent; returns the way to stop it."""
        return self._watch.subscribe(listener)

    # Looking at it ---------------------------------------------------------------------------------

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write the story to a file; its ending says what: .mp4 .png .html .csv. Returns the path.

        The .mp4 is the film: the picked take of each shot, cut together with its sound (silence where a shot has none), each frame once: the
        first one of a shot is the last one of the shot before. Pictures are copied where that can be, else encoded anew, once. The .png is
        a storyboard sheet of the picked takes; .html a page with the wall of all takes, .csv a table. Overwrites. Raises InvalidRequest;
        SeedanceError where a shot of the film has no video; ClipError, ConfigurationError.
        """
        from .exporting import export

        picks = dict(enumerate(self.picks, 1))
        return export(self.session, self._running.script, self.picture(), picks, Path(path))

    def __reduce__(self) -> tuple[Any, ...]:
        raise ConfigurationError(
            "a Story is not stored or copied: the cell that made it gives it back for nothing; its jobs can be stored"
        )


def _number(what: str, given: object, most: int) -> int:
    number = whole_number(given)
    if number is None or not 1 <= number <= most:
        there = f"there is only {what} 1" if most == 1 else f"there are {what}s 1 to {most}"
        raise InvalidRequest(f"{one_line(repr(given), 40)} is no {what} of this story: {there}; nothing was sent")
    return number
