"""How long the rest of a grid takes, from what such jobs took before. Pure.

All that can be made at once is made at once: what bounds a grid is the last of its videos, not their sum. Where the service holds
creates back (429), the pace at which they get through says more, and is used.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ...api.models import VideoRequest
from ...snapshot import Snapshot, roughly_lived
from ...tracking.following.polling import Outlook

Kind = tuple[str, int | None, str | None]
LIVES = 40
"""The newest lives that are looked at."""
ENOUGH_FOR_A_PACE = 3


@dataclasses.dataclass(frozen=True)
class Pending:
    """Videos of one kind that are not there yet: how many, and how old the youngest is, in seconds since its acceptance."""

    count: int
    youngest: float = 0.0


def kind_of(request: VideoRequest) -> Kind:
    """What tells how long a video takes: model, duration, resolution."""
    return request.model, request.duration, request.resolution


def seconds_until_all(pending: Mapping[Kind, Pending], outlooks: Mapping[Kind, Outlook]) -> float | None:
    """Seconds until the last of them is there, as likely earlier as later; None when nothing is known of one kind."""
    total = sum(group.count for group in pending.values())
    if not total:
        return 0.0
    share = 0.5 ** (1 / total)
    found = [outlooks.get(kind, Outlook()).remaining(group.youngest, share) for kind, group in pending.items()]
    known = [seconds for seconds in found if seconds is not None]
    return max(known) if len(known) == len(found) else None


def seconds_left(snapshots: Iterable[Snapshot], lives: Mapping[Kind, Sequence[float]], now: float) -> float | None:
    """Seconds until all of these are settled; None when nobody knows. `lives` are those of earlier jobs, newest first."""
    pending: dict[Kind, list[float]] = defaultdict(list)
    ended: dict[Kind, list[tuple[float, float]]] = defaultdict(list)
    held_back, began, ends = 0, now, 0
    for snapshot in snapshots:
        kind = kind_of(snapshot.request)
        if not snapshot.is_settled:
            held_back += snapshot.accepted_at is None
            pending[kind].append(now - snapshot.accepted_at if snapshot.accepted_at is not None else 0.0)
        elif not snapshot.reused and snapshot.accepted_at is not None and snapshot.finished_at is not None:
            began, ends = min(began, snapshot.accepted_at), ends + 1
            life = roughly_lived(snapshot.accepted_at, snapshot.checked_at, snapshot.finished_at)
            if snapshot.clip is not None and life is not None:
                ended[kind].append((snapshot.accepted_at, life))
    if not pending:
        return 0.0
    outlooks = {}
    for kind in pending:
        newest = [life for _, life in sorted(ended[kind], reverse=True)]
        outlooks[kind] = Outlook.learn([*newest, *lives.get(kind, ())][:LIVES])
    groups = {kind: Pending(len(ages), max(0.0, min(ages))) for kind, ages in pending.items()}
    usual = seconds_until_all(groups, outlooks)
    if held_back and ends >= ENOUGH_FOR_A_PACE and now > began:
        by_pace = sum(group.count for group in groups.values()) * (now - began) / ends
        return by_pace if usual is None else max(usual, by_pace)
    return usual
