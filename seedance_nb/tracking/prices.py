"""What a request may cost at most, by the worst case known: what a limit of credits is held against.

A guess is good enough to be shown and not to hold a limit. What such requests were charged counts, and what the service lists; then what
dearer ones were charged (a higher resolution, more files); then what the vendor has published of exactly this. Else nobody knows.
Fields that this package does not know may cost anything: only what requests with the very same ones were charged counts for them.
"""

from __future__ import annotations

from ..api.catalog import Catalog
from ..api.extra import with_a_price
from ..api.models import VideoRequest
from .ledger.contract import Seen


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


def kind_of(request: VideoRequest) -> tuple[object, ...]:
    """All that `most` depends on."""
    return (request.model, request.duration, request.resolution, request.media_urls, with_a_price(request.extra))
