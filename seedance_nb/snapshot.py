"""What everybody but the runner sees of a job: an immutable picture of one moment, and how long it took. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .api.extra import merged
from .api.models import Generation, Status, VideoRequest
from .clips.clip import Clip
from .clips.trace import Trace
from .errors import SeedanceError, one_line


def _kept(default: Any = None, *, shown: str | None = None, exported: bool = False, told: bool = False) -> Any:
    """A field of `Kept`. `shown` is how the card says its value ("in place {}"), `exported` gives it a column of its own in the tables
    and manifests of grids, `told` takes it from every answer of the service that has it: `Generation` has a field of that name.
    """
    return dataclasses.field(default=default, metadata={"shown": shown, "exported": exported, "told": told})


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a job and outlives its process: the same in the picture that is drawn and in the ledger's row.

    The one place where such a field stands. Beside it a column is needed (a step of the ledger's migrations), and whoever knows its
    value. Its type is int, float, str or bool, or a Mapping as JSON has it, or None while nobody knows. Times are seconds since the epoch (UTC).
    """

    key: str
    """Our own id of the job: short, unique, safe in HTML and file names."""
    request: VideoRequest
    take: int
    status: Status
    status_text: str
    """The server's own word, or ours before it said one."""
    request_id: str | None = None
    credits: float | None = None
    """Credits charged by this job; 0 when it was reused or surely not accepted, None while nobody knows."""
    estimate: float | None = _kept(exported=True)
    """Credits it was expected to cost."""
    estimate_source: str | None = None
    simulated: bool = _kept(default=False, told=True)
    starred: bool = _kept(default=False, exported=True)
    """Whether somebody gave it a star."""
    noted: str | None = _kept(exported=True)
    """What somebody wrote about it."""
    person: str | None = None
    """Who asked for it, as far as that is said."""
    project: str | None = None
    """What it was made for."""
    answer_extra: Mapping[str, Any] | None = _kept(told=True, exported=True)
    """What the service answered beyond what is read here, by its own names: of all answers together, the newest of each name."""
    created_at: float = 0.0
    accepted_at: float | None = None
    processing_at: float | None = None
    """When its making began, if looks saw that."""
    checked_at: float | None = None
    """When a look last said, before the end, that it had not ended; 0 where nobody looked on, None where that is not recorded."""
    finished_at: float | None = None
    """When it ended, or, where nobody looked on, when that was noticed: `durations` tells which."""


def _marked(mark: str) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(Kept) if f.metadata.get(mark))


KEPT = tuple(f.name for f in dataclasses.fields(Kept))
EXPORTED: Mapping[str, str] = {f.name: str(f.type) for f in dataclasses.fields(Kept) if f.name in _marked("exported")}
"""What has a column of its own, with its type as it is written above."""


def kept_of(thing: Kept) -> dict[str, Any]:
    """What a picture and a row have in common."""
    return {name: getattr(thing, name) for name in KEPT}


def news_in(generation: Generation, known: Kept) -> dict[str, Any]:
    """What an answer says of a job, beyond its end, that was not known."""
    said = {name: getattr(generation, name) for name in _marked("told")}
    if generation.answer_extra is not None:
        said["answer_extra"] = merged(known.answer_extra, generation.answer_extra)
    return {
        name: value
        for name, value in said.items()
        if value is not None and value is not False and value != getattr(known, name)
    }


def shown_facts(known: Kept) -> list[str]:
    """What a card says of the fields that have words for it, each on one line."""
    said = ((f.metadata.get("shown"), getattr(known, f.name)) for f in dataclasses.fields(known))
    return [one_line(words.format(value), 80) for words, value in said if words and value is not None]


@dataclass(frozen=True, slots=True)
class Snapshot(Kept):
    """A job at one moment. Times are seconds since the epoch (UTC), durations are seconds."""

    reused: bool = False
    error: SeedanceError | None = None
    clip: Clip | None = None
    last_contact_at: float | None = None
    """When the service last answered anything sensible."""
    failed_checks: int = 0
    """Looks in a row that brought nothing."""
    trouble: str | None = None
    """The last trouble in one line, while it lasts."""
    note: str | None = None
    """One line of what is going on that is no trouble: a countdown, a cancel on its way, a download."""
    expected_seconds: float | None = None
    """How long such a job takes from acceptance to success, learned from the ledger; None: no idea."""
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """What is good to know and calls for nothing: where a reference lies."""
    cancel_requested: bool = False
    made_elsewhere: bool = False
    """No job at all: a clip that somebody has put beside those of a grid. Nothing is known of how it was made but what they said."""

    @property
    def traced_clip(self) -> Clip | None:
        """The clip, and with it what it was made by."""
        if self.clip is None or self.clip.trace is not None or self.made_elsewhere:
            return self.clip
        made = Trace(self.request, self.take, self.key, self.request_id, self.created_at)
        return dataclasses.replace(self.clip, trace=made)

    @property
    def is_settled(self) -> bool:
        """Nothing more will come by itself: final, and if it succeeded, its clip is here or is known to be missing."""
        if self.status is Status.SUCCEEDED:
            return self.clip is not None or self.error is not None
        return self.status.is_final

    def elapsed(self, now: float) -> float:
        """Seconds since the job began, up to `now` or to its end."""
        return max(0.0, (self.finished_at if self.finished_at is not None else now) - self.created_at)

    def remaining(self, now: float) -> float | None:
        """Expected seconds left, never below 0; None when nothing is known."""
        if self.expected_seconds is None or self.status.is_final:
            return None
        # Of a generation that was sent from elsewhere nobody knows how old it is: its clock began here.
        start = self.accepted_at if self.accepted_at is not None else self.created_at if self.request_id else now
        return max(0.0, self.expected_seconds - max(0.0, now - start))


# How long it took ---------------------------------------------------------------------------------------------------
#
# The one place where a duration of a job is computed. Looks are moments, and what happens, happens between two of them. A moment
# counts as known where one look saw before it, the next one after it, and both lay close together; it is then put in their middle.
# Everything else stays unknown (None): a video that was made while nobody looked, a making that no look saw begin, the acceptance
# of a generation that was sent from elsewhere.
#
# *Waited* is from the intention to the end, *queued* from the acceptance to the beginning of the making, *rendered* from there to
# the end, a *life* from the acceptance to the end. Nothing of it counts the download.

LOOKED_ON = 90.0
"""Seconds between two looks: what lies farther apart is not looking on any more, but a laptop that slept."""
CLOSE = 2.0
"""Two looks so near to each other tell a moment well enough, whatever was before them."""


@dataclass(frozen=True, slots=True)
class Durations:
    """In seconds; None is unknown."""

    waited: float | None = None
    queued: float | None = None
    rendered: float | None = None
    noticed: float | None = None
    """From the intention until its end was seen, also where nobody knows when that was."""
    ended_at: float | None = None
    """When it ended, in seconds since the epoch."""


def durations(snapshot: Snapshot) -> Durations:
    """What is known of how long this job took."""
    finished, checked = snapshot.finished_at, snapshot.checked_at
    is_from_elsewhere = snapshot.request_id is not None and snapshot.accepted_at is None
    began = None if is_from_elsewhere or not snapshot.created_at else snapshot.created_at
    ended_at = (
        None if finished is not None and checked is not None and 2 * (finished - checked) > LOOKED_ON else finished
    )
    return Durations(
        waited=_between(began, ended_at),
        queued=_between(snapshot.accepted_at, snapshot.processing_at),
        rendered=lived(snapshot.processing_at, checked, finished),
        noticed=_between(began, finished),
        ended_at=ended_at,
    )


def between_looks(before: float | None, after: float, since: float | None) -> float | None:
    """The moment between a look before it and one after it, where that is exact enough for what has lasted `since` then.

    The second look must come at most twice as late as the first, or within CLOSE seconds of it.
    """
    if before is None or since is None or not since <= before <= after:
        return None
    is_exact = after - before <= min(LOOKED_ON, max(CLOSE, before - since))
    return (before + after) / 2 if is_exact else None


def lived(since: float | None, checked_at: float | None, finished_at: float | None) -> float | None:
    """Seconds from `since` to the end, where the looks beside the end were close; `checked_at` is the last one before it.

    None for `checked_at` is an end whose looks were not recorded: it is taken as it is.
    """
    if checked_at is not None and finished_at is not None:
        finished_at = between_looks(checked_at, 2 * finished_at - checked_at, since)
    return _between(since, finished_at)


def roughly_lived(since: float | None, checked_at: float | None, finished_at: float | None) -> float | None:
    """The same where somebody looked on at all: good enough to know what to expect, too rough to be shown.

    Where a service became much faster all ends come before the first look; what is put between acceptance and that look brings the
    next first look forward, and what is thrown away would let it come too late for ever.
    """
    looked_on = checked_at is None or finished_at is None or 2 * (finished_at - checked_at) <= LOOKED_ON
    return _between(since, finished_at) if looked_on else None


def _between(start: float | None, end: float | None) -> float | None:
    # A clock that was set back in between measured nothing.
    return None if start is None or end is None or end < start else end - start
