"""What earlier jobs teach of the next ones: credits a second, and seconds until the end."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ...api.extra import WITHOUT_A_PRICE, with_a_price
from ...api.fields import RESOLUTIONS
from ...api.models import WIRE_NAMES, VideoRequest
from ...snapshot import LOOKED_ON
from .contract import Seen
from .ledger_file import LedgerFile


def _without(*names: str) -> str:
    paths = ", ".join(f"'$.{name}'" for name in names)
    return f"json_remove(request, {paths})"


_EXTRA = _without(*sorted(WIRE_NAMES))
"""The fields of no list, which stand beside ours as they were sent."""
_NONE_WITH_A_PRICE = f"{_without(*sorted(WIRE_NAMES), *WITHOUT_A_PRICE)} = '{{}}'"
_FILES = "COALESCE(json_array_length(request, '$.mediaUrls'), 0)"


class Experience:
    """What the file says of jobs that are over. All of it reads."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def lives(self, base_url: str, requests: Iterable[VideoRequest], limit: int = 40) -> list[list[float]]:
        """For each, the seconds from acceptance to end of at most `limit` newest jobs of the same model, duration and resolution."""
        return [self._lives(base_url, request, limit) for request in requests]

    def rates(self, base_url: str, requests: Iterable[VideoRequest]) -> list[float | None]:
        """For each, the credits a second that such requests (model, resolution, with or without media) were charged last, or None."""
        return [self._rate(base_url, request) for request in requests]

    def highest_rates(self, base_url: str, requests: Iterable[VideoRequest]) -> list[Seen]:
        """For each, the most that such requests, and such or dearer ones, were charged a second."""
        return [self._highest_rate(base_url, request) for request in requests]

    def _lives(self, base_url: str, request: VideoRequest, limit: int) -> list[float]:
        # The newest by their beginning: by their end, of many at once the longest would be the newest. Only of those that were looked at
        # until they ended (see `roughly_lived`): what a closed notebook slept through is no life.
        query = (
            "SELECT finished_at - accepted_at FROM jobs WHERE base_url = ? AND model = ? AND duration IS ?"
            " AND resolution IS ? AND status = 'succeeded' AND finished_at >= accepted_at"
            f" AND (checked_at IS NULL OR 2 * (finished_at - checked_at) <= {LOOKED_ON}) ORDER BY number DESC LIMIT ?"
        )
        values = (base_url, request.model, request.duration, request.resolution, limit)
        return [life for (life,) in self._file.read(query, values)]

    def _rate(self, base_url: str, request: VideoRequest) -> float | None:
        # The + keeps SQLite from walking an index by duration instead of taking the newest row of by_price.
        like = (
            "FROM jobs WHERE base_url = ? AND model = ? AND resolution IS ? AND credits > 0"
            " AND +duration > 0 AND (json_extract(request, '$.mediaUrls') IS NULL) = ?"
        )
        values = (base_url, request.model, request.resolution, request.media_urls is None)
        if with_a_price(request.extra):
            rows = self._file.read(
                f"SELECT credits, duration, {_EXTRA} {like} AND NOT {_NONE_WITH_A_PRICE} ORDER BY number DESC", values
            )
            rows = [row for row in rows if _same_extra(row[2], request)]
        else:
            rows = self._file.read(
                f"SELECT credits, duration {like} AND {_NONE_WITH_A_PRICE} ORDER BY number DESC LIMIT 1", values
            )
        return rows[0][0] / rows[0][1] if rows else None

    def _highest_rate(self, base_url: str, request: VideoRequest) -> Seen:
        files = len(request.media_urls or ())
        same = "resolution IS ?" + (f" AND {_FILES} = 0" if not files else f" AND {_FILES} >= {files:d}")
        higher = _at_least(request.resolution)
        marks = ", ".join("?" * len(higher))
        query = (
            f"SELECT {_EXTRA}, MAX(CASE WHEN {same} THEN credits / duration END), MAX(credits / duration) FROM jobs WHERE base_url = ?"
            f" AND model = ? AND credits > 0 AND duration > 0 AND (resolution IS ? OR resolution IN ({marks})) AND {_FILES} >= ? GROUP BY 1"
        )
        values = (request.resolution, base_url, request.model, request.resolution, *higher, files)
        rows = [row for row in self._file.read(query, values) if _same_extra(row[0], request)]
        like = [rate for _, rate, _ in rows if rate is not None]
        return max(like, default=None), max((rate for _, _, rate in rows), default=None)


def _at_least(resolution: str | None) -> tuple[str, ...]:
    """The documented resolutions that surely cost no less."""
    if resolution is None:  # the service chooses: only the highest is no less than what it may choose
        return RESOLUTIONS[-1:]
    return RESOLUTIONS[RESOLUTIONS.index(resolution) :] if resolution in RESOLUTIONS else ()


def _same_extra(text: str, request: VideoRequest) -> bool:
    """Whether a row's fields of no list may cost what those of this request may."""
    return with_a_price(json.loads(text)) == with_a_price(request.extra)
