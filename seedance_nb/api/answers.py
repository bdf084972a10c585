"""What an answer of the service means: pure functions from status, headers and bytes to a Generation or an error.

The table they follow, row by row, is in README, "When an answer is unclear".
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import json
import re
import time
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import (
    ApiError,
    AuthenticationError,
    ConnectionFailed,
    OutcomeUnknown,
    PaymentRequired,
    RateLimited,
    ServerError,
    one_line,
    shortened,
)
from .models import Generation, as_request_id, error_parts, parse_generation, status_word

SURELY_REFUSED = frozenset({400, 401, 402, 403, 404, 413, 422})
# Only a whole id counts: in a cut answer `"req_12` may be the beginning of another one, and `null` is none.
_SALVAGE = re.compile(r'"requestId"\s*:\s*(?:"([^"]{1,200})"|([0-9]{1,200})(?=[,}\s]))')

_AT_ONCE = 4096


@dataclasses.dataclass(frozen=True)
class Answer:
    """One HTTP answer: `status`, headers in lower case, at most `max_json_bytes` of body after inflating.

    `trouble` says why the body is not whole; None means it is.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    trouble: str | None = None


@dataclasses.dataclass(frozen=True)
class Silence:
    """No answer: why, in words, and whether any byte of the request may have left."""

    reason: str
    may_have_left: bool


def judge_create(outcome: Answer | Silence) -> Generation:
    """What the answer to a create means; pure. Raises as `Client.create` does."""
    if isinstance(outcome, Silence):
        if not outcome.may_have_left:
            raise ConnectionFailed(f"could not reach the service ({outcome.reason}); nothing was submitted")
        raise OutcomeUnknown(_unknown(outcome.reason))
    status = outcome.status
    answer, readable = read_json(outcome)
    if 200 <= status < 300:
        generation = parse_generation(answer)
        if generation is not None:
            return generation
        salvaged = salvage_id(outcome.body)
        if salvaged is not None:
            found = parse_generation({"requestId": salvaged, "status": "queued"})
            assert found is not None
            return msgspec.structs.replace(found, oddity="the answer was damaged; its id was saved")
        if readable and isinstance(answer, dict) and answer.get("success") is False and not answer.get("requestId"):
            raise refusal(status, answer)
        what = outcome.trouble or ("no usable id in the answer" if readable else "the answer was not JSON")
        raise OutcomeUnknown(_unknown(what))
    if status == 429:
        raise rate_limited(outcome, answer, "the service is busy; nothing was submitted")
    clear_word = readable and isinstance(answer, dict) and answer.get("success") is False and 400 <= status < 500
    if status in SURELY_REFUSED or (clear_word and status != 408 and parse_generation(answer) is None):
        raise refusal(status, answer)
    hint = salvage_id(outcome.body)
    raise OutcomeUnknown(_unknown(f"HTTP {status}", hint))


def judge_answer(outcome: Answer | Silence) -> Any:
    """The JSON of an answer to anything but a create; pure. Raises ConnectionFailed or ApiError."""
    if isinstance(outcome, Silence):
        raise ConnectionFailed(f"no contact with the service ({outcome.reason})")
    answer, readable = read_json(outcome)
    status = outcome.status
    if status == 429:
        raise rate_limited(outcome, answer, "the service asks for fewer requests")
    if 400 <= status < 500 and status != 408:
        raise refusal(status, answer, charged_hint=False)
    if not 200 <= status < 300:
        error = ServerError(f"the service answered HTTP {status}", http_status=status)
        error.retry_after = asked_pause(outcome.headers, time.time())
        raise error
    if not readable or not isinstance(answer, dict | list):
        raise ServerError(f"the service's answer was no JSON ({outcome.trouble or 'unreadable'})", http_status=status)
    return answer


def judge_look(outcome: Answer | Silence, request_id: str) -> Generation:
    """What the answer to a look at `request_id` means; pure. Raises ConnectionFailed or ApiError when it says nothing of it."""
    answer = judge_answer(outcome)
    generation = parse_generation(answer, request_id=request_id)
    if generation is None or generation.request_id != request_id:
        raise ServerError("the service answered about another generation", http_status=200)
    if not status_word(answer):
        if isinstance(answer, dict) and answer.get("success") is False:  # HTTP 200 that is a refusal all the same
            raise refusal(200, answer, charged_hint=False)
        raise ServerError("the service's answer named no status", http_status=200)
    return generation


def refusal(status: int, answer: Any, *, charged_hint: bool = True) -> ApiError:
    """The error for a clear refusal, with its cure and whether credits were charged."""
    code, message = error_parts(answer.get("error") if isinstance(answer, dict) else None)
    if message is None and isinstance(answer, dict):
        _, message = error_parts(answer.get("message"))
    # Shortened, so that the cure behind it is never cut off.
    said = f"the service said: {shortened(message)}" if message else f"HTTP {status} without a reason"
    kind: type[ApiError] = ApiError
    cure = "change the request and run it again"
    if status in (401, 403) or (code or "").lower() in ("unauthorized", "forbidden", "invalid_api_key"):
        kind, cure = AuthenticationError, "check the key: SEEDANCE_API_KEY or %seedance login"
    elif status == 402:
        kind, cure = PaymentRequired, "add credits to the account, then run it again"
    elif status == 404:
        cure = "check SEEDANCE_BASE_URL" if charged_hint else "the service does not know this id"
    elif status == 413:
        cure = "make the prompt or the metadata shorter"
    nothing = "nothing was charged; " if charged_hint else ""
    return kind(f"refused ({said}); {nothing}{cure}", http_status=status, code=code, message=message)


def rate_limited(outcome: Answer, answer: Any, what: str) -> RateLimited:
    """The 429 with the pause it asks for."""
    code, message = error_parts(answer.get("error") if isinstance(answer, dict) else None)
    error = RateLimited(f"{what} ({shortened(message or 'HTTP 429')})", http_status=429, code=code, message=message)
    error.retry_after = asked_pause(outcome.headers, time.time())
    return error


def asked_pause(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the answer with these headers (lower case) asks to be left alone: its Retry-After. None where it does not say.

    A date is compared with the clock of who wrote it, the answer's own Date; with ours (`now`, epoch seconds) only where there is
    none. Never negative, but perhaps 0 or years: whoever waits has a floor and a ceiling of its own.
    """
    theirs = _epoch(headers.get("date", ""))
    return retry_after_seconds(headers.get("retry-after"), now if theirs is None else theirs)


def retry_after_seconds(value: str | None, now: float) -> float | None:
    """Seconds to wait, from a Retry-After header (RFC 9110: seconds or an HTTP date); None when absent or unreadable.

    Of several headers, which arrive joined by commas, the longest pause counts.
    """
    if value is None:
        return None
    parts = [part.strip() for part in value.split(",")]
    if all(re.fullmatch(r"\d{1,9}(\.\d{1,9})?", part) for part in parts):
        return max(map(float, parts))
    date = _epoch(value)
    return None if date is None else max(0.0, date - now)


def _epoch(text: str) -> float | None:
    """An HTTP date as epoch seconds; None for what is none."""
    try:
        date = email.utils.parsedate_to_datetime(text.strip())
        if date.tzinfo is None:  # an HTTP date is in GMT, also where it does not say so
            date = date.replace(tzinfo=dt.UTC)
        return date.timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def unpacked(raw: bytes, packing: str, limit: int) -> tuple[bytes, str | None]:
    """(body, trouble): what came, without the packing its Content-Encoding names, at most `limit` bytes. None is trouble: it is whole.

    A library that inflates by itself makes 2 GB of 2 MB if a server wants so; here the inflater is stopped at the limit.
    """
    packing = packing.strip().lower()
    trouble = "too long" if len(raw) > limit else None
    if packing in ("", "identity"):
        return bytes(raw[:limit]), trouble
    if packing not in ("gzip", "x-gzip", "deflate"):
        return b"", f"packed as {one_line(packing, 20)}"
    body, unpacker = bytearray(), zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        for start in range(0, len(raw), _AT_ONCE):  # what comes before a broken piece may hold an id
            body += unpacker.decompress(raw[start : start + _AT_ONCE], limit + 1)
            if len(body) > limit:
                return bytes(body[:limit]), "too long"
    except zlib.error:
        trouble = "badly packed"
    return bytes(body), trouble


def read_json(answer: Answer) -> tuple[Any, bool]:
    """(decoded, True), or (None, False) where the body is no JSON. Tolerates a byte order mark, bad UTF-8, NaN and huge
    numbers: a paid id must not be lost to a broken emoji.
    """
    data = answer.body.removeprefix(b"\xef\xbb\xbf")
    if answer.trouble is not None or not data.strip():
        return None, False
    try:
        return msgspec.json.decode(data), True
    except (msgspec.DecodeError, ValueError, RecursionError):  # the first was no ValueError for long
        pass
    try:
        return json.loads(data.decode("utf-8", "replace")), True
    except (ValueError, RecursionError):
        return None, False


def salvage_id(body: bytes) -> str | None:
    """A request id found in a damaged answer, or None."""
    found = (as_request_id(match[1] or match[2]) for match in _SALVAGE.finditer(body.decode("utf-8", "replace")))
    return next((request_id for request_id in found if request_id is not None), None)


def _unknown(why: str, hint: str | None = None) -> str:
    seen = f" The answer mentioned {hint}: %seedance attach {hint} looks it up." if hint else ""
    return (
        f"this may have been accepted and charged ({why}); it is not sent again by itself: look at your dashboard, "
        f"then attach its id, or buy another take with --fresh.{seen}"
    )
