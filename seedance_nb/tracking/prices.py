"""What a request may cost at most, by the worst case known: what a limit of credits is held against.

A guess is good enough to be shown and not to hold a limit. What such requests were charged counts, and what the service lists; then what
dearer ones were charged (a higher resolution, more files); then what the vendor has published of exactly this. Else nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..api.catalog import Catalog
from ..api.fields import RESOLUTIONS
from ..api.models import VideoRequest
from .ledger.ledger import Ledger

_FILES = "COALESCE(json_array_length(request, '$.mediaUrls'), 0)"
Seen = tuple[float | None, float | None]
"""Highest credits a second charged: of such requests, and of such or dearer ones."""


def most(request: VideoRequest, catalog: Catalog, seen: Seen) -> float | None:
    """Credits at most; None where nobody knows. A duration left to the service is taken as the longest the model makes."""
    facts = catalog.models.get(request.model)
    duration = request.duration
    if duration is None:
        duration = max(facts.durations) if facts is not None and facts.durations else None
    like, dearer = seen
    known = [rate for rate in (like, catalog.listed_rate(request)) if rate is not None]
    rate = max(known) if known else dearer if dearer is not None else catalog.published_rate(request)
    return None if rate is None or duration is None else rate * duration


def seen_of(ledger: Ledger, base_url: str, requests: Iterable[VideoRequest]) -> list[Seen]:
    """What the ledger has seen, for each."""
    return [_seen(ledger, base_url, request) for request in requests]


def kind_of(request: VideoRequest) -> tuple[object, ...]:
    """All that `most` depends on."""
    return (request.model, request.duration, request.resolution, request.media_urls)


def _seen(ledger: Ledger, base_url: str, request: VideoRequest) -> Seen:
    files = len(request.media_urls or ())
    same = "resolution IS ?" + (f" AND {_FILES} = 0" if not files else f" AND {_FILES} >= {files:d}")
    higher = _at_least(request.resolution)
    marks = ", ".join("?" * len(higher))
    query = (
        f"SELECT MAX(CASE WHEN {same} THEN credits / duration END), MAX(credits / duration) FROM jobs WHERE base_url = ?"
        f" AND model = ? AND credits > 0 AND duration > 0 AND (resolution IS ? OR resolution IN ({marks})) AND {_FILES} >= ?"
    )
    values = (request.resolution, base_url, request.model, request.resolution, *higher, files)
    with ledger._transaction(write=False) as db:
        like, dearer = db.execute(query, values).fetchone()
    return like, dearer


def _at_least(resolution: str | None) -> tuple[str, ...]:
    """The documented resolutions that surely cost no less."""
    if resolution is None:  # the service chooses: only the highest is no less than what it may choose
        return RESOLUTIONS[-1:]
    return RESOLUTIONS[RESOLUTIONS.index(resolution) :] if resolution in RESOLUTIONS else ()
