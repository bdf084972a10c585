"""What a clip was made by: for names of files, and for the tags that a saved copy carries. Pure."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from .._version import __version__
from ..api.models import VideoRequest, make_request
from ..errors import InvalidRequest, shortened

_MARK = "seedance_nb"
_SETTINGS = ("model", "aspect_ratio", "duration", "resolution", "media_urls", "extra")
LONGEST_TITLE = 200
FACTS = ("prompt", "take", "model", "aspect_ratio", "duration", "resolution", "request_id", "date", "key")
"""What `{names}` in a pattern may stand for, beside the axes of a grid."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The request, take and generation that a clip came from, and the labels that its grid gives it."""

    request: VideoRequest
    take: int
    key: str = ""
    request_id: str | None = None
    created_at: float = 0.0
    """Seconds since the epoch."""
    labels: Mapping[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, object]:
        """What `{names}` in a pattern stand for."""
        request = self.request
        own: dict[str, object] = {
            "prompt": request.prompt,
            "take": self.take,
            **{name: getattr(request, name) for name in ("model", "aspect_ratio", "duration", "resolution")},
            "request_id": self.request_id,
            "date": self.date,
            "key": self.key,
        }
        return {**self.labels, **own}

    @property
    def date(self) -> str | None:
        """The day it was asked for, in UTC: "2026-02-28"; None where that is not known."""
        return time.strftime("%Y-%m-%d", time.gmtime(self.created_at)) if self.created_at > 0 else None

    def tags(self, sha256: str) -> dict[str, str]:
        """What is written into a saved copy. No key, no signature of an address, no metadata and no webhook: files are passed on."""
        request = self.request.without_signatures()
        made = {name: getattr(request, name) for name in _SETTINGS if getattr(request, name) is not None}
        told = {
            "prompt": request.prompt,
            **made,
            "take": self.take,
            "request_id": self.request_id,
            "sha256": sha256,
        }
        text = json.dumps({_MARK: __version__, **msgspec.to_builtins(told)}, ensure_ascii=False)
        tags = {
            "title": request.prompt[:LONGEST_TITLE],
            "description": request.prompt,
            "comment": text,
            "date": self.date or "",
        }
        return {name: value for name, value in tags.items() if value}


def read_trace(tags: Mapping[str, str]) -> Trace | None:
    """What the tags of a file say; None where they are not those of a saved copy. Trusts nothing in them."""
    told = _told(tags)
    if told is None:
        return None
    try:
        settings: dict[str, Any] = {name: told.get(name) for name in _SETTINGS}
        request = make_request(told["prompt"], **settings)
        take = told.get("take")
        if not isinstance(take, int) or isinstance(take, bool) or not 1 <= take < 1 << 31:
            return None
        request_id = told.get("request_id")
        return Trace(request, take, request_id=shortened(request_id, 200) if isinstance(request_id, str) else None)
    except (InvalidRequest, KeyError, TypeError, ValueError):
        return None


def original_of(tags: Mapping[str, str]) -> str | None:
    """The sha256 of the file that a saved copy was made from, as its tags say; None where they do not."""
    told = _told(tags)
    found = None if told is None else told.get("sha256")
    return found if isinstance(found, str) else None


def _told(tags: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        told = json.loads(tags.get("comment", ""))
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and _MARK in told else None
