"""How long a job took, and what of that is known: the one place where a duration of a job is computed. Pure.

Looks are moments, and what happens, happens between two of them. A moment counts as known where one look saw before it, the next
one after it, and both lay close together; it is then put in their middle. Everything else stays unknown (None): a video that was
made while nobody looked, a making that no look saw begin, the acceptance of a generation that was sent from elsewhere.

*Waited* is from the intention to the end, *queued* from the acceptance to the beginning of the making, *rendered* from there to the
end, a *life* from the acceptance to the end. Nothing of it counts the download.
"""

from __future__ import annotations

from dataclasses import dataclass

from .snapshot import Snapshot

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


def _between(start: float | None, end: float | None) -> float | None:
    # A clock that was set back in between measured nothing.
    return None if start is None or end is None or end < start else end - start
