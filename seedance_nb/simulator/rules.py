"""What the simulated service offers, what it charges and what it refuses. Pure.

Models, ratios, durations and resolutions are those of `api.fields`. The prices reproduce the two documented samples (`seedance-2.0`,
5 s, 720p: 40 credits, 64 with one image); the other prices and every error code but `unauthorized` are this simulator's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from ..api.fields import DEFAULT_MODEL, DEFAULTS, MODELS, MOST_MEDIA_URLS
from ..api.models import VideoRequest

RATES = {
    "seedance-2.0": {"480p": 5, "720p": 8, "1080p": 16},
    "seedance-2.0-fast": {"480p": 3, "720p": 5, "1080p": 10},
    "seedance-1.5-pro": {"480p": 2, "720p": 4, "1080p": 8},
}
"""Credits a second of video."""


class Refusal(NamedTuple):
    """Why a call is refused: HTTP status, the word in `error.code`, the sentence in `error.message`."""

    http_status: int
    code: str
    message: str

    def answer(self) -> dict[str, Any]:
        """The documented error answer."""
        return {"success": False, "error": {"code": self.code, "message": self.message}, "simulated": True}


def with_defaults(request: VideoRequest) -> VideoRequest:
    """The request with what this simulator takes for omitted fields: the same as the package itself."""
    left_out = {name: value for name, value in DEFAULTS.items() if getattr(request, name) in (None, "")}
    return msgspec.structs.replace(request, **left_out)


def read_request(body: object) -> VideoRequest | Refusal:
    """The request in a decoded JSON body, defaults filled in, or why the service refuses it."""
    if not isinstance(body, dict):
        return _invalid("the body must be a JSON object")
    if body.get("model") not in list(MODELS):
        return _invalid(f"model must be one of {', '.join(MODELS)}")
    try:
        request = with_defaults(VideoRequest.from_wire(body))
    except msgspec.ValidationError as error:
        return _invalid(str(error))
    if not request.prompt.strip():
        return _invalid("prompt must not be empty")
    offer = MODELS[request.model]
    if request.duration not in offer.duration:
        return _invalid(f"duration for {request.model} must be one of {', '.join(map(str, offer.duration))}")
    if request.aspect_ratio not in offer.aspect_ratio:
        return _invalid(f"aspectRatio must be one of {', '.join(offer.aspect_ratio)}")
    if request.resolution not in offer.resolution:
        return _invalid(f"resolution must be one of {', '.join(offer.resolution)}")
    media_urls = request.media_urls or ()
    if len(media_urls) > MOST_MEDIA_URLS:
        return _invalid(f"mediaUrls takes at most {MOST_MEDIA_URLS} URLs")
    # On this machine everything is http: the service's own results are, too.
    if not all(url.lower().startswith(("https://", "http://127.0.0.1:")) for url in media_urls):
        return _invalid("mediaUrls must be https URLs")
    return request


def price(request: VideoRequest) -> int:
    """Credits for one video: rate times seconds, times 1.6 with media, rounded up."""
    full = with_defaults(request)
    credits_ = _rate(full.model, full.resolution or "") * (full.duration or 0)
    return -(-credits_ * 16 // 10) if full.media_urls else credits_


def _rate(model: str, resolution: str) -> int:
    """Credits a second; of what stands in no price list, by the pixels of the dearest that does."""
    rates = RATES.get(model, RATES[DEFAULT_MODEL])
    if resolution in rates:
        return rates[resolution]
    dearest = max(rates, key=rates.__getitem__)
    return max(1, round(rates[dearest] * (_lines(resolution) / _lines(dearest)) ** 2))


def _lines(resolution: str) -> int:
    return int(resolution.removesuffix("p"))


def list_models() -> list[dict[str, Any]]:
    """The items of `GET /models`. Their fields are not documented; these are plausible ones."""
    return [
        {
            "id": name,
            "name": name,
            "durations": list(offer.duration),
            "aspectRatios": list(offer.aspect_ratio),
            "resolutions": list(offer.resolution),
            "pricing": {
                "unit": "credits_per_second",
                "rates": {resolution: _rate(name, resolution) for resolution in offer.resolution},
                "mediaMultiplier": 1.6,
            },
        }
        for name, offer in MODELS.items()
    ]


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid_request", message)
