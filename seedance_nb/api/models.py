"""What goes over the wire: the request a user makes, and what the server last said of it.

Field names on the wire are the vendor's camelCase (`aspectRatio`); here they are Python's. Unknown fields are ignored and
missing ones are None: of the answers only two samples are documented (see README, "When an answer is unclear").
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from ..errors import InvalidRequest, one_line
from ..settings import AUTO
from .canonical_text import canonical_text
from .extra import canonical_extra, read_extra, unknown_in
from .fields import DEFAULT_ASPECT_RATIO, DEFAULT_DURATION, DEFAULT_MODEL, DEFAULT_RESOLUTION
from .plain_values import json_value, plain_text, whole_number
from .signed_addresses import (
    canonical_address,
    is_unsigned,
    without_signature,
    without_signatures,
    without_signatures_in,
)

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
    extra: dict[str, Any] | None = None
    """Fields of the service that are none of these, by the names they have there; sent beside them."""

    def to_wire(self) -> dict[str, Any]:
        """The JSON object to send: camelCase, absent fields left out, `model` always there, `extra` spread out."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        body["model"] = self.model
        return {**(body.pop("extra", None) or {}), **body}

    def canonical_hash(self) -> str:
        """sha256 (64 hex digits) of what makes this request *this* request: all that can change the video, in one spelling.

        `webhook_url` and `metadata` do not count: they say where to ring and what to note, and a tunnel's address or a tag that is
        another one every morning must not buy the video again. Nor do signatures in addresses, nor how a text is encoded.
        """
        body = msgspec.structs.replace(self, extra=None).to_wire()
        for noted in ("webhookUrl", "metadata"):
            body.pop(noted, None)
        # Of a request that was made without any check nothing is expected: it is refused later.
        if isinstance(self.prompt, str):
            body["prompt"] = canonical_text(self.prompt)
        if self.media_urls is not None:
            body["mediaUrls"] = [canonical_address(url) for url in self.media_urls]
        body = {**(canonical_extra(self.extra) if self.extra else {}), **body}
        return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()

    def canonical(self) -> VideoRequest:
        """The request in the one form that is sent and counted, as `make_request` makes it; raises InvalidRequest."""
        return make_request(**msgspec.structs.asdict(self))

    def without_signatures(self) -> VideoRequest:
        """The request as it may be kept and shown: no address in it can still be opened by whoever reads it.

        An address that lost its signature ends in `#unsigned`; such a request is found in the ledger, but is never sent.
        """
        if self.media_urls is None and self.webhook_url is None and self.metadata is None and self.extra is None:
            return self
        return msgspec.structs.replace(
            self,
            media_urls=None if self.media_urls is None else tuple(map(without_signature, self.media_urls)),
            webhook_url=None if self.webhook_url is None else without_signature(self.webhook_url),
            metadata=without_signatures(self.metadata),
            extra=without_signatures(self.extra),
        )

    @property
    def unsigned_address(self) -> str | None:
        """The first address whose signature is gone, so that the service could not fetch it; None where there is none."""
        texts = (*(self.media_urls or ()), self.webhook_url, *_texts_in(self.metadata), *_texts_in(self.extra))
        return next((text for text in texts if text is not None and is_unsigned(text)), None)

    @classmethod
    def from_wire(cls, body: Any) -> VideoRequest:
        """The inverse of `to_wire`; raises `msgspec.ValidationError` for wrong types."""
        if not isinstance(body, dict):
            return msgspec.convert(body, cls)  # which says what is wrong with it
        extra = {name: value for name, value in body.items() if name not in WIRE_NAMES}
        known = {name: value for name, value in body.items() if name in WIRE_NAMES}
        return msgspec.structs.replace(msgspec.convert(known, cls), extra=extra or None)


WIRE_NAMES = frozenset(field.encode_name for field in msgspec.structs.fields(VideoRequest) if field.name != "extra")
"""The names of our own fields on the wire."""


def make_request(
    prompt: str,
    *,
    model: str = DEFAULT_MODEL,
    aspect_ratio: str | None = DEFAULT_ASPECT_RATIO,
    duration: int | None = DEFAULT_DURATION,
    resolution: str | None = DEFAULT_RESOLUTION,
    media_urls: Iterable[str] | None = None,
    webhook_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> VideoRequest:
    """A VideoRequest in its canonical form; raises InvalidRequest for what cannot be sent exactly as it was given.

    Texts in one spelling (`canonical_text`), lists as tuples, whole numbers of any library as Python's (`"5"`, `5.0`, `np.int64(5)`).
    """
    if not isinstance(prompt, str):
        raise InvalidRequest(f"the prompt must be text, not {type(prompt).__name__}; nothing was sent")
    if isinstance(media_urls, str):
        media_urls = (media_urls,)
    if media_urls is not None:
        media_urls = _listed_addresses(media_urls)
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InvalidRequest(
            f"metadata must be a dict of names and plain JSON values, not {type(metadata).__name__}; nothing was sent"
        )
    return VideoRequest(
        prompt=canonical_text(prompt),
        model=_spelled(model),
        aspect_ratio=_spelled(aspect_ratio),
        duration=_whole_seconds(duration),
        resolution=_spelled(resolution),
        media_urls=media_urls,
        webhook_url=_webhook(webhook_url),
        metadata=(json_value(metadata, "metadata") or None) if metadata is not None else None,
        extra=read_extra(extra),
    )


def _spelled(value: Any) -> Any:
    return canonical_text(value) if isinstance(value, str) else value


def _webhook(value: Any) -> Any:
    text = _trimmed(value)
    return AUTO if isinstance(text, str) and text.lower() == AUTO else text


def _trimmed(value: Any) -> Any:
    return plain_text(value).strip() if isinstance(value, str) else value


def _whole_seconds(value: Any) -> Any:
    if value is None:
        return None
    seconds = whole_number(value)
    if seconds is None:
        raise InvalidRequest(
            f"duration must be whole seconds, such as 5, not {one_line(value, 40)!r}; nothing was sent"
        )
    return seconds


def _listed_addresses(given: Any) -> tuple[str, ...]:
    if isinstance(given, bytes | bytearray | Mapping | set | frozenset) or not isinstance(given, Iterable):
        raise InvalidRequest(
            f"media_urls must be a list of URLs, not {type(given).__name__}; nothing was sent and nothing charged"
        )
    listed = tuple(given)
    for index, url in enumerate(listed):
        if not isinstance(url, str):
            raise InvalidRequest(
                f"media_urls[{index}] must be text, a public https:// address, not {type(url).__name__}; nothing was sent and nothing charged"
            )
    return tuple(map(_trimmed, listed))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(inner)


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
    credits_charged: float | None = None
    model: str | None = None
    prompt: str | None = None
    duration: int | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    simulated: bool = False
    oddity: str | None = None
    answer_extra: dict[str, Any] | None = None
    """What else it said, under its own names: fields that nobody here knows, bounded in size."""


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
        return (None if code is None else one_line(code, 80) or None), _said(message)
    return None, _said(error)


def _said(words: object) -> str | None:
    # A service that cannot fetch a file repeats its address, signature and all.
    return without_signatures_in(one_line(words)) or None


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
    _, message = error_parts(body.get("error"))
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
        credits_charged=_number(body.get("creditsCharged")),
        model=_text(body.get("model")),
        prompt=_text(body.get("prompt"), 20_000),
        duration=_seconds(body.get("duration")),
        aspect_ratio=_text(body.get("aspectRatio")),
        resolution=_text(body.get("resolution")),
        simulated=body.get("simulated") is True,
        oddity=oddity,
        answer_extra=unknown_in(body),
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
