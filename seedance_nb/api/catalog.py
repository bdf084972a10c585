"""What each model allows and costs: the table of `fields`, refined by `/models` where it answers.

The fields of an item of `/models` are not documented, so we read what we recognise and need nothing.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidRequest, one_line
from ..settings import AUTO
from .content_addresses import is_content
from .extra import read_extra, with_a_price
from .fields import (
    ASPECT_RATIOS,
    DEFAULTS,
    EVERY,
    IMAGE_SUFFIXES,
    MEDIA_SUFFIXES,
    MODELS,
    MOST_MEDIA_URLS,
    RESOLUTIONS,
    UNTAKEN_SUFFIXES,
    listed,
)
from .foreign_settings import note_of
from .models import VideoRequest
from .plain_values import json_value
from .signed_addresses import without_signature


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """What one model allows. `durations` in seconds; `credits_per_second` by resolution ("" = any), where known."""

    name: str
    durations: tuple[int, ...] | None = None
    aspect_ratios: tuple[str, ...] = ASPECT_RATIOS
    resolutions: tuple[str, ...] = RESOLUTIONS
    credits_per_second: Mapping[str, float] = dataclasses.field(default_factory=dict)
    documented: bool = True


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Credits a request is expected to cost, and where the figure comes from."""

    credits: float
    source: str
    exact: bool = False


DOCUMENTED: dict[str, ModelFacts] = {
    name: ModelFacts(name, offer.duration, offer.aspect_ratio, offer.resolution) for name, offer in MODELS.items()
}
SAMPLE_MODEL, SAMPLE_RESOLUTION = "seedance-2.0", "720p"
"""Of the two published samples: 5 s cost 40 credits, with one image 64. No default: what is asked for may become another."""
SAMPLE_RATE, SAMPLE_RATE_WITH_MEDIA = 8.0, 12.8
_ID = re.compile(r"req_\w*\d\w*", re.ASCII)
"""As the service makes them."""


class Catalog:
    """The models as we know them now. Immutable: `merged` gives a new one."""

    def __init__(self, models: Mapping[str, ModelFacts] | None = None, *, answered: bool = False) -> None:
        self.models = dict(DOCUMENTED if models is None else models)
        self.answered = answered
        """Whether `/models` has had its say."""

    def merged(self, items: Iterable[Any]) -> Catalog:
        """This catalog with what an answer of `/models` adds; items we cannot read are passed over."""
        models = dict(self.models)
        for item in items:
            facts = read_model(item)
            if facts is not None:
                known = models.get(facts.name)
                models[facts.name] = _refined(known, facts) if known else facts
        return Catalog(models, answered=True)

    def offered(self, model: str, field: str) -> tuple[Any, ...]:
        """The values a model takes of "aspect_ratio", "duration" or "resolution"; of all models together where nobody says which."""
        facts = self.models.get(model) or ModelFacts(model)
        own = {"aspect_ratio": facts.aspect_ratios, "duration": facts.durations, "resolution": facts.resolutions}
        return own[field] or EVERY[field]

    def check(self, request: VideoRequest) -> tuple[str, ...]:
        """Warnings about values only the service can judge; raises InvalidRequest for what is surely wrong."""
        warnings: list[str] = []
        if not isinstance(request.prompt, str) or not request.prompt.strip():
            raise InvalidRequest("the prompt is empty; write what the video should show")
        if _ID.fullmatch(request.prompt.strip()):
            raise InvalidRequest(
                f"the prompt is the id of a job ({one_line(request.prompt.strip(), 60)}), and a video of it was hardly meant: %seedance attach ID, or"
                " sd.jobs(text=ID), shows the job; nothing was sent"
            )
        if any("\ud800" <= c <= "\udfff" for c in request.prompt):
            raise InvalidRequest("the prompt holds half a character (a lone surrogate); type it again")
        if not isinstance(request.model, str) or not request.model.strip():
            raise InvalidRequest(f"the model must be a name; known are {', '.join(self.models)}")
        facts = self.models.get(request.model)
        if facts is None:
            near = difflib.get_close_matches(request.model, self.models, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(self.models)}"
            warnings.append(f"model {one_line(request.model, 80)!r} is not known here and is sent as it is{hint}")
        _check_choice("aspect ratio", request.aspect_ratio, self.offered(request.model, "aspect_ratio"))
        _check_choice("resolution", request.resolution, self.offered(request.model, "resolution"))
        _check_duration(request, facts)
        warnings += _check_media(request.media_urls)
        note = note_of(
            request.prompt,
            {name: getattr(request, name) for name in DEFAULTS},
        )
        warnings += [note] if note else []
        webhook = request.webhook_url
        is_auto = isinstance(webhook, str) and webhook == AUTO
        if webhook is not None and not is_auto and not _is_url(webhook, ("https", "http")):
            raise InvalidRequest("the webhook URL must be auto, or a full URL that starts with https://")
        _check_metadata(request.metadata)
        read_extra(request.extra)
        _check_texts(request)
        _check_name(request.model, self.models)
        if request.unsigned_address is not None:
            warnings.append(
                f"{_shown(request.unsigned_address)!r} has lost its signature: what the ledger has is free, a new video needs a"
                " freshly signed address"
            )
        return tuple(warnings)

    def listed_estimate(self, request: VideoRequest) -> Estimate | None:
        """What `/models` says this costs, if it says so in a way we understand."""
        facts = self.models.get(request.model)
        if facts is None or request.duration is None or request.media_urls or with_a_price(request.extra):
            return None
        rates = facts.credits_per_second
        rate = rates.get(request.resolution or "", rates.get(""))
        return None if rate is None else Estimate(rate * request.duration, "the service's price list", exact=True)

    def listed_rate(self, request: VideoRequest) -> float | None:
        """Credits a second that `/models` says this costs at most; None where it does not say (with media, or fields of no list)."""
        facts = self.models.get(request.model)
        if facts is None or request.media_urls or with_a_price(request.extra) or not facts.credits_per_second:
            return None
        rates = facts.credits_per_second
        if request.resolution is not None:
            return rates.get(request.resolution, rates.get(""))
        return max(rates.values())

    def published_rate(self, request: VideoRequest) -> float | None:
        """Credits a second of the vendor's published samples, for exactly what they show; None for all else."""
        if request.model != SAMPLE_MODEL or request.resolution != SAMPLE_RESOLUTION or with_a_price(request.extra):
            return None
        if not request.media_urls:
            return SAMPLE_RATE
        [first, *more] = request.media_urls
        is_image = urlsplit(first).path.lower().endswith(IMAGE_SUFFIXES)
        return SAMPLE_RATE_WITH_MEDIA if is_image and not more else None

    def sample_estimate(self, request: VideoRequest) -> Estimate | None:
        """A rough figure from the vendor's published samples, scaled by length; None without a duration."""
        if request.duration is None:
            return None
        rate = SAMPLE_RATE_WITH_MEDIA if request.media_urls else SAMPLE_RATE
        same = request.model == SAMPLE_MODEL and request.resolution in (None, SAMPLE_RESOLUTION)
        elsewhere = f"the documented sample of {SAMPLE_MODEL} at {SAMPLE_RESOLUTION}, a guess here"
        source = "the documented sample" if same else elsewhere
        if with_a_price(request.extra):
            source += ", without what other fields may cost"
        return Estimate(rate * request.duration, source, exact=False)


def read_model(item: Any) -> ModelFacts | None:
    """What we recognise in one item of `/models`; None when it does not even have a name."""
    if isinstance(item, str):
        item = {"id": item}
    if not isinstance(item, dict):
        return None
    names = (one_line(item[k], 80) for k in ("id", "model", "name", "slug") if isinstance(item.get(k), str))
    name = next(filter(None, names), None)
    if name is None:
        return None
    return ModelFacts(
        name,
        durations=_durations(_first(item, "durations", "duration", "durationSeconds", "supportedDurations")),
        aspect_ratios=_strings(_first(item, "aspectRatios", "aspectRatio", "ratios", "supportedAspectRatios")) or (),
        resolutions=_strings(_first(item, "resolutions", "resolution", "supportedResolutions")) or (),
        credits_per_second=_rates(_first(item, "pricing", "price", "credits", "creditsPerSecond")),
        documented=False,
    )


def _refined(known: ModelFacts, listed: ModelFacts) -> ModelFacts:
    return dataclasses.replace(
        known,
        durations=listed.durations or known.durations,
        aspect_ratios=listed.aspect_ratios or known.aspect_ratios,
        resolutions=listed.resolutions or known.resolutions,
        credits_per_second=listed.credits_per_second or known.credits_per_second,
    )


def _first(item: Mapping[str, Any], *names: str) -> Any:
    return next((item[n] for n in names if item.get(n) is not None), None)


def _strings(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(one_line(v, 40) for v in value if isinstance(v, str)) or None


def _durations(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, dict):
        low, high = value.get("min"), value.get("max")
        if type(low) is int and type(high) is int and 0 < low <= high <= 3600:
            return tuple(range(low, high + 1))
        return None
    if not isinstance(value, list):
        return None
    return tuple(sorted({v for v in value if type(v) is int and 0 < v <= 3600})) or None


def _rates(value: Any) -> dict[str, float]:
    # A price of nothing is not believed: it would let any number of videos pass a limit of credits.
    if isinstance(value, dict):
        value = next((value[k] for k in ("creditsPerSecond", "rates") if k in value), value)
    if isinstance(value, dict):
        return {
            one_line(k, 40): float(v)
            for k, v in value.items()
            if type(v) in (int, float) and 0 < v < 1e6 and k.endswith("p")
        }
    return {}


def _check_choice(what: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value is not None and not (isinstance(value, str) and value in allowed):
        raise InvalidRequest(f"{what} {one_line(value, 40)!r} is not offered; choose {listed(allowed)}")


def _check_name(model: str, known: Iterable[str]) -> None:
    """A model nobody knows is sent as it is; but what differs from a known one in signs alone, or is no name at all, is a slip."""
    if model in known:
        return
    bare = _letters(model)
    meant = next((name for name in known if _letters(name) == bare), None)
    if meant is not None:
        raise InvalidRequest(f"model {one_line(model, 80)!r} is written otherwise than the service does; write {meant}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*", model):
        raise InvalidRequest(
            f"model {one_line(model, 80)!r} is no name of a model; known are {', '.join(known)}; several make a grid: -m A,B or"
            " sd.grid(…, model=[…])"
        )


def _letters(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def _check_texts(request: VideoRequest) -> None:
    """Half a character is in no encoding; it would be an error of ours between intention and wire."""
    texts = (request.model, request.webhook_url, *(request.media_urls or ()))
    for text in texts:
        if text is not None and any("\ud800" <= c <= "\udfff" for c in text):
            raise InvalidRequest(f"{one_line(text, 60)!r} holds half a character (a lone surrogate); nothing was sent")


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        raise InvalidRequest("metadata must be a dict of names and values")
    json_value(metadata, "metadata")


def _check_duration(request: VideoRequest, facts: ModelFacts | None) -> None:
    value = request.duration
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequest(f"duration must be whole seconds, not {one_line(value, 40)!r}")
    if value <= 0:
        raise InvalidRequest(f"duration must be at least 1 second, not {value}")
    durations = facts.durations if facts else None
    if durations is not None and value not in durations:
        raise InvalidRequest(f"{request.model} cannot make {value} s; choose {listed(durations)} seconds")


def _check_media(urls: Any) -> list[str]:
    if urls is None:
        return []
    if not isinstance(urls, tuple | list):
        raise InvalidRequest(f"media_urls must be a list of URLs, not {type(urls).__name__}")
    if not 1 <= len(urls) <= MOST_MEDIA_URLS:
        raise InvalidRequest(f"give 1 to {MOST_MEDIA_URLS} media URLs, not {len(urls)}; leave them out for text only")
    warnings = []
    for url in urls:
        if is_content(url):
            continue  # looked into when it was put on the shelf
        if not isinstance(url, str) or not _is_url(url, ("https",)):
            raise InvalidRequest(f"media URL {_shown(url)!r} must be a public https:// address")
        if urlsplit(url).path.lower().endswith(UNTAKEN_SUFFIXES):
            raise InvalidRequest(
                f"media URL {_shown(url)!r} is of a kind that the service does not take; it takes {' '.join(MEDIA_SUFFIXES)}: save it as one"
                " of these"
            )
        if not urlsplit(url).path.lower().endswith(MEDIA_SUFFIXES):
            warnings.append(
                f"media URL {_shown(url)!r} has no known ending ({' '.join(MEDIA_SUFFIXES)}); sent as it is"
            )
    return warnings


def _shown(url: object) -> str:
    return one_line(without_signature(url) if isinstance(url, str) else url, 80)


def _is_url(text: object, schemes: tuple[str, ...]) -> bool:
    if not isinstance(text, str):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and not any(c.isspace() for c in text)
    except ValueError:
        return False
