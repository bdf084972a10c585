"""What a misbehaving service answers: honest reply in, crooked reply out. Pure; how it is sent is wire.py's."""

from __future__ import annotations

import functools
import json
import random
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..api.models import Status
from .faults import Fault

MEGABYTE = 1_000_000
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Reply:
    """One HTTP answer: status, headers without Content-Length, body bytes."""

    http_status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: _JSON)

    @classmethod
    def of_json(cls, http_status: int, answer: object, headers: Mapping[str, str] | None = None) -> Reply:
        """The reply whose body is `answer` as JSON."""
        return cls(http_status, json.dumps(answer).encode(), {**_JSON, **(headers or {})})

    def edited(self, **changes: Any) -> Reply:
        """The same JSON answer with fields changed; a value of `...` takes the field out."""
        answer = json.loads(self.body) | changes
        return replace(self, body=json.dumps({k: v for k, v in answer.items() if v is not ...}).encode())

    def with_raw_field(self, name: str, raw: bytes) -> Reply:
        """The same JSON answer with one more field, whose value is put in as it is."""
        return replace(self, body=self.body[:-1] + b', "' + name.encode() + b'": ' + raw + b"}")


def tamper(fault: Fault, honest: Reply) -> Reply:
    """What is answered instead of `honest`. Kinds that only change how it is sent leave it as it is."""
    change = _CHANGES.get(fault.kind)
    return honest if change is None else change(fault, honest)


def _status(fault: Fault, _honest: Reply) -> Reply:
    http_status = fault.http_status or 503
    body = fault.body
    if body is None:
        error = {"code": "simulated_fault", "message": f"the simulator answers {http_status} as asked"}
        body = {"success": False, "error": error, "simulated": True}
    if isinstance(body, str):
        kind = "text/html" if body.lstrip().startswith("<") else "application/json"
        return Reply(http_status, body.encode("utf-8", "surrogatepass"), {"Content-Type": kind, **fault.headers})
    return Reply.of_json(http_status, body, fault.headers)


def _html(fault: Fault, _honest: Reply) -> Reply:
    page = fault.body or "<!doctype html><title>Just a moment...</title><h1>Bad gateway</h1><script>alert(1)</script>"
    return Reply(fault.http_status or 200, str(page).encode(), {"Content-Type": "text/html; charset=utf-8"})


def _redirect(fault: Fault, _honest: Reply) -> Reply:
    return Reply(fault.http_status or 307, b"", {"Location": "/moved", **fault.headers})


def _odd_location(fault: Fault, _honest: Reply) -> Reply:
    return Reply(
        fault.http_status or 302, b"", {"Location": str(fault.body or "http://[not-an-address:99999999/ \x7f")}
    )


def _gzip_bomb(fault: Fault, honest: Reply) -> Reply:
    blanks = fault.bytes or 200 * MEGABYTE
    return replace(
        honest, body=gzip_with_blanks(honest.body, blanks), headers=_with(honest, "Content-Encoding", "gzip")
    )


def _truncate(fault: Fault, honest: Reply) -> Reply:
    keep = len(honest.body) // 2 if fault.bytes is None else fault.bytes
    return replace(honest, body=honest.body[:keep])


def _success_false(_fault: Fault, honest: Reply) -> Reply:
    return honest.edited(success=False, error={"code": "internal_error", "message": "something went wrong"})


def _huge_int(_fault: Fault, honest: Reply) -> Reply:
    digits = b"9" * 5000  # Python refuses to read integers over 4300 digits
    plain = honest.edited(creditsCharged=..., duration=...)
    return plain.with_raw_field("creditsCharged", digits).with_raw_field("duration", digits)


def _lone_surrogate(_fault: Fault, honest: Reply) -> Reply:
    if "prompt" in json.loads(honest.body):
        return honest.edited(prompt="half \ud83d of a smile", error="half \ud83d of an error")
    return honest.edited(status="queued \ud83d")


def _huge_body(fault: Fault, honest: Reply) -> Reply:
    padding = (fault.bytes or 64 * MEGABYTE) - len(honest.body)
    return replace(honest, body=honest.body + b" " * max(0, padding))


def _not_found(_fault: Fault, _honest: Reply) -> Reply:
    error = {"code": "not_found", "message": "no such generation"}
    return Reply.of_json(404, {"success": False, "error": error, "simulated": True})


def _says(status: str, output: object = None) -> Callable[[Fault, Reply], Reply]:
    return lambda _fault, honest: honest.edited(status=status, output=output, error=None)


def _unknown_status(fault: Fault, honest: Reply) -> Reply:
    return honest.edited(status=str(fault.body or "reticulating"), output=None, error=None)


def _bad_url(fault: Fault, honest: Reply) -> Reply:
    return honest.edited(status=Status.SUCCEEDED.value, output={"type": "video", "url": fault.body})


def _garbage(fault: Fault, _honest: Reply) -> Reply:
    return Reply(200, _junk(fault), {"Content-Type": "video/mp4"})


def _not_mp4_inside(fault: Fault, honest: Reply) -> Reply:
    (size,) = struct.unpack(">I", honest.body[:4])  # an MP4 begins with its ftyp box
    return Reply(200, honest.body[:size] + _junk(fault), {"Content-Type": "video/mp4"})


_CHANGES: dict[str, Callable[[Fault, Reply], Reply]] = {
    "status": _status,
    "status_after": _status,
    "html": _html,
    "redirect": _redirect,
    "odd_location": _odd_location,
    "gzip_bomb": _gzip_bomb,
    "empty": lambda _fault, honest: replace(honest, body=b""),
    "truncate": _truncate,
    "garbage_encoding": lambda _fault, honest: honest.with_raw_field("note", b'"\xff\xfe\xc3("'),
    "no_id": lambda _fault, honest: honest.edited(requestId=...),
    "wrong_id": lambda fault, honest: honest.edited(requestId=fault.body or "req_0000000000"),
    "success_false_with_id": _success_false,
    "huge_int": _huge_int,
    "deep_nesting": lambda _fault, honest: honest.with_raw_field("extra", b"[" * 100_000 + b"]" * 100_000),
    "lone_surrogate": _lone_surrogate,
    "huge_body": _huge_body,
    "not_found": _not_found,
    "unknown_status": _unknown_status,
    "backwards": _says(Status.QUEUED.value),
    "no_url": _says(Status.SUCCEEDED.value, {"type": "video"}),
    "bad_url": _bad_url,
    "zero": lambda _fault, honest: replace(honest, body=b""),
    "expire": lambda _fault, _honest: Reply(
        403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "text/xml"}
    ),
    "no_range": lambda _fault, honest: replace(honest, headers={"Content-Type": "video/mp4"}),
    "garbage": _garbage,
    "not_mp4_inside": _not_mp4_inside,
}


def gzip_with_blanks(body: bytes, blanks: int) -> bytes:
    """One gzip member of `body` and at least `blanks` spaces after it, made without compressing them all.

    A block of spaces is deflated once, up to a full flush, after which the same bytes may be repeated as often as one likes.
    """
    block = b" " * (1 << 20)
    repeats = -(-blanks // len(block))
    head = zlib.compressobj(wbits=-15)
    deflated_body = head.compress(body) + head.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.crc32(body)
    for _ in range(repeats):
        checksum = zlib.crc32(block, checksum)
    trailer = struct.pack("<II", checksum, (len(body) + repeats * len(block)) & 0xFFFFFFFF)
    end_of_stream = b"\x03\x00"
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflated_body + _deflated(block) * repeats + end_of_stream + trailer


@functools.cache
def _deflated(block: bytes) -> bytes:
    squeeze = zlib.compressobj(9, wbits=-15)
    return squeeze.compress(block) + squeeze.flush(zlib.Z_FULL_FLUSH)


def _junk(fault: Fault) -> bytes:
    return random.Random(0).randbytes(fault.bytes or 100_000)


def _with(reply: Reply, name: str, value: str) -> dict[str, str]:
    return {**reply.headers, name: value}
