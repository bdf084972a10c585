"""What goes over the wire: the request a user makes, and what the server last said of it.

Field names on the wire are the vendor's camelCase (`aspectRatio`); here they are Python's. Unknown fields are ignored and
missing ones are None: of the answers only two samples are documented (see README, "When an answer is unclear").
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ..errors import InvalidRequest, one_line

DEFAULT_MODEL = "seedance-2.0"
REQUEST_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~:=@+-]{0,199}")
"""Ids we put into paths and URLs; nothing else is followed."""
MOST_CREDITS, MOST_SECONDS = 1e9, 3600
"""A service that names more than this for one video is not believed."""


class Status(enum.StrEnum):
    """Where a job stands. The first and the last two words are ours, the rest are the vendor's."""

    SUBMITTING = "submitting"
    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"  # surely not accepted, nothing charged
    UNKNOWN = "unknown"  # may have been accepted

    @property
    def is_final(self) -> bool:
        """True when nothing more will happen to the job by itself."""
        return self not in (Status.SUBMITTING, Status.QUEUED, Status.PROCESSING)


SERVER_STATUSES = {s.value: s for s in Status if s not in (Status.SUBMITTING, Status.REJECTED, Status.UNKNOWN)}


class VideoRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One request for one video: the fields of `POST /api/open/v1/video/generations`.

    `duration` is in seconds; `media_urls` None means pure text-to-video. Construction checks nothing: rules live in
    `catalog.check`.
    """

    prompt: str
    model: str = DEFAULT_MODEL
    aspect_ratio: str | None = None
    duration: int | None = None
    resolution: str | None = None
    media_urls: tuple[str, ...] | None = None
    webhook_url: str | None = None
    metadata: dict[str, Any] | None = None

    def to_wire(self) -> dict[str, Any]:
        """The JSON object to send: camelCase, absent fields left out, `model` always there."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        body["model"] = self.model
        return body

    def canonical_hash(self) -> str:
        """sha256 (64 hex digits) of what makes this request *this* request.

        Everything the service is asked to make or keep counts; `webhook_url` does not: it says where to ring, and a tunnel's
        address that changes every morning must not buy the video again.
        """
        body = self.to_wire()
        body.pop("webhookUrl", None)
        return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()

    @classmethod
    def from_wire(cls, body: dict[str, Any]) -> VideoRequest:
        """The inverse of `to_wire`; raises `msgspec.ValidationError` for wrong types."""
        return msgspec.convert(body, cls)


def make_request(
    prompt: str,
    *,
    model: str = DEFAULT_MODEL,
    aspect_ratio: str | None = "16:9",
    duration: int | None = 5,
    resolution: str | None = "720p",
    media_urls: Iterable[str] | None = None,
    webhook_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> VideoRequest:
    """A VideoRequest in its canonical form: outer spaces of the prompt gone, lists as tuples; raises InvalidRequest."""
    if not isinstance(prompt, str):
        raise InvalidRequest(f"the prompt must be text, not {type(prompt).__name__}")
    if isinstance(media_urls, str):
        media_urls = (media_urls,)
    if media_urls is not None and not isinstance(media_urls, Iterable):
        raise InvalidRequest(f"media_urls must be a list of URLs, not {one_line(media_urls, 40)!r}")
    if metadata is not None:
        try:
            metadata = msgspec.json.decode(msgspec.json.encode(dict(metadata)))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InvalidRequest(f"metadata must be made of plain JSON values ({one_line(error, 80)})") from None
    return VideoRequest(
        prompt=prompt.strip(),
        model=model,
        aspect_ratio=aspect_ratio,
        duration=duration,
        resolution=resolution,
        media_urls=tuple(media_urls) if media_urls is not None else None,
        webhook_url=webhook_url,
        metadata=metadata or None,  # type: ignore[arg-type]
    )


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What the server last said of one request.

    `status` is PROCESSING for a word we do not know; the word itself stays in `status_text`. `error` is one line or None,
    whatever shape the server gave it. `oddity` says what in the answer was not as documented.
    """

    request_id: str
    status: Status
    status_text: str
    output_url: str | None = None
    error: str | None = None
    error_code: str | None = None
    credits_charged: float | None = None
    model: str | None = None
    prompt: str | None = None
    duration: int | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    simulated: bool = False
    oddity: str | None = None


def as_request_id(value: object) -> str | None:
    """The id as text if it is one we can safely follow, else None."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if REQUEST_ID.fullmatch(text) else None


def error_parts(error: object) -> tuple[str | None, str | None]:
    """(code, message) of an `error` field, which may be absent, a string, an object or something else; each one line."""
    if error is None or error is False or error in ("", {}, []):
        return None, None
    if isinstance(error, dict):
        code = error.get("code") or error.get("type")
        message = error.get("message") or error.get("detail") or error.get("error")
        if message is None:
            message = code if code is not None else error
        return (None if code is None else one_line(code, 80) or None), one_line(message) or None
    return None, one_line(error) or None


def parse_generation(answer: object, *, request_id: str | None = None) -> Generation | None:
    """Read a generation out of a decoded JSON answer, leniently; None when it holds no id and none was given.

    `request_id` is the id we asked for: an answer that names no id is taken to be about it.
    """
    if not isinstance(answer, dict):
        return None
    body = _unwrapped(answer)
    final_id = as_request_id(body.get("requestId")) or request_id
    if final_id is None:
        return None
    word = status_word(answer)
    status = SERVER_STATUSES.get(word.lower(), Status.PROCESSING if word else Status.QUEUED)
    code, message = error_parts(body.get("error"))
    oddity = None
    if body.get("success") is False:
        oddity = "the answer said success: false"
    elif not word:
        oddity = "the answer had no status"
    elif word.lower() not in SERVER_STATUSES:
        oddity = f"the service invented the status {word!r}"
    return Generation(
        request_id=final_id,
        status=status,
        status_text=word or status.value,
        output_url=_output_url(body.get("output")),
        error=message,
        error_code=code,
        credits_charged=_number(body.get("creditsCharged")),
        model=_text(body.get("model")),
        prompt=_text(body.get("prompt"), 20_000),
        duration=_seconds(body.get("duration")),
        aspect_ratio=_text(body.get("aspectRatio")),
        resolution=_text(body.get("resolution")),
        simulated=body.get("simulated") is True,
        oddity=oddity,
    )


def status_word(answer: object) -> str:
    """The status an answer names, in the service's own word on one line; "" when it names none."""
    status = _unwrapped(answer).get("status") if isinstance(answer, dict) else None
    return one_line(status, 60) if isinstance(status, str) else ""


def _unwrapped(answer: dict[str, Any]) -> dict[str, Any]:
    """The vendor wraps /models in "data"; be ready for it here. Whichever part holds the id has the last word."""
    inner = answer.get("data")
    if not isinstance(inner, dict):
        return answer
    if as_request_id(answer.get("requestId")) is None:
        return {**answer, **inner}
    return {**inner, **{name: value for name, value in answer.items() if value is not None}}


def _output_url(output: object) -> str | None:
    url = output.get("url") if isinstance(output, dict) else output
    # A line break or half a character is in no URL, and SQLite refuses the latter.
    return url if isinstance(url, str) and 0 < len(url) <= 8192 and url.isprintable() else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < MOST_CREDITS else None


def _seconds(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 1 <= number <= MOST_SECONDS else None


def _text(value: object, limit: int = 200) -> str | None:
    return one_line(value, limit) if isinstance(value, str) else None
