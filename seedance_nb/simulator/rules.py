"""What the simulated service offers, what it charges and what it refuses. Pure.

Ratios, durations and resolutions are the documented ones. The prices reproduce the two documented samples (`seedance-2.0`, 5 s,
720p: 40 credits, 64 with one image); the rest of the table and every error code but `unauthorized` are this simulator's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from ..api.models import VideoRequest

ASPECT_RATIOS = ("16:9", "9:16", "1:1")
RESOLUTIONS = ("480p", "720p", "1080p")
DEFAULT_ASPECT_RATIO = "16:9"
DEFAULT_DURATION = 5
DEFAULT_RESOLUTION = "720p"
MAX_MEDIA_URLS = 5


class Offer(NamedTuple):
    """One model: the durations it makes (seconds) and its credits per second of video, by resolution."""

    durations: tuple[int, ...]
    rates: dict[str, int]


OFFERS = {
    "seedance-2.0": Offer(tuple(range(4, 16)), {"480p": 5, "720p": 8, "1080p": 16}),
    "seedance-2.0-fast": Offer(tuple(range(4, 16)), {"480p": 3, "720p": 5, "1080p": 10}),
    "seedance-1.5-pro": Offer((5, 10), {"480p": 2, "720p": 4, "1080p": 8}),
}


class Refusal(NamedTuple):
    """Why a call is refused: HTTP status, the word in `error.code`, the sentence in `error.message`."""

    http_status: int
    code: str
    message: str

    def answer(self) -> dict[str, Any]:
        """The documented error answer."""
        return {"success": False, "error": {"code": self.code, "message": self.message}, "simulated": True}


def with_defaults(request: VideoRequest) -> VideoRequest:
    """The request with the ratio, duration and resolution the simulator takes for omitted ones."""
    return msgspec.structs.replace(
        request,
        aspect_ratio=request.aspect_ratio or DEFAULT_ASPECT_RATIO,
        duration=DEFAULT_DURATION if request.duration is None else request.duration,
        resolution=request.resolution or DEFAULT_RESOLUTION,
    )


def read_request(body: object) -> VideoRequest | Refusal:
    """The request in a decoded JSON body, defaults filled in, or why the service refuses it."""
    if not isinstance(body, dict):
        return _invalid("the body must be a JSON object")
    if body.get("model") not in list(OFFERS):
        return _invalid(f"model must be one of {', '.join(OFFERS)}")
    try:
        request = with_defaults(VideoRequest.from_wire(body))
    except msgspec.ValidationError as error:
        return _invalid(str(error))
    if not request.prompt.strip():
        return _invalid("prompt must not be empty")
    durations = OFFERS[request.model].durations
    if request.duration not in durations:
        return _invalid(f"duration for {request.model} must be one of {', '.join(map(str, durations))}")
    if request.aspect_ratio not in ASPECT_RATIOS:
        return _invalid(f"aspectRatio must be one of {', '.join(ASPECT_RATIOS)}")
    if request.resolution not in RESOLUTIONS:
        return _invalid(f"resolution must be one of {', '.join(RESOLUTIONS)}")
    media_urls = request.media_urls or ()
    if len(media_urls) > MAX_MEDIA_URLS:
        return _invalid(f"mediaUrls takes at most {MAX_MEDIA_URLS} URLs")
    if not all(url.lower().startswith("https://") for url in media_urls):
        return _invalid("mediaUrls must be https URLs")
    return request


def price(request: VideoRequest) -> int:
    """Credits for one video: rate times seconds, times 1.6 with media, rounded up."""
    full = with_defaults(request)
    credits_ = OFFERS[full.model].rates[full.resolution or ""] * (full.duration or 0)
    return -(-credits_ * 16 // 10) if full.media_urls else credits_


def list_models() -> list[dict[str, Any]]:
    """The items of `GET /models`. Their fields are not documented; these are plausible ones."""
    return [
        {
            "id": name,
            "name": name,
            "durations": list(offer.durations),
            "aspectRatios": list(ASPECT_RATIOS),
            "resolutions": list(RESOLUTIONS),
            "pricing": {"unit": "credits_per_second", "rates": dict(offer.rates), "mediaMultiplier": 1.6},
        }
        for name, offer in OFFERS.items()
    ]


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid_request", message)
