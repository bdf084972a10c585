"""The pages of the simulator: the API's four calls, the videos, and the control pages."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Awaitable
from dataclasses import asdict
from typing import Any

import msgspec
from tornado.iostream import IOStream
from tornado.web import Application, RequestHandler

from ..api.models import Status
from . import wire
from .faults import KINDS, Fault, FaultBook
from .rules import Refusal
from .scenario import Scenario
from .studio import Studio
from .tampering import Reply, tamper
from .webhooks import Webhooks

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Open:
    """The streams taken from tornado, which no longer closes them when it stops."""

    def __init__(self) -> None:
        self._streams: set[IOStream] = set()

    def add(self, stream: IOStream) -> None:
        """Remember a stream until it is discarded."""
        self._streams.add(stream)

    def discard(self, stream: IOStream) -> None:
        """Forget a stream."""
        self._streams.discard(stream)

    def close(self) -> None:
        """Close what is left."""
        for stream in list(self._streams):
            stream.close()


def application(
    scenario: Scenario,
    studio: Studio,
    faults: FaultBook,
    calls: Counter[str],
    calls_with_key: Counter[str],
    streams: Open,
    webhooks: Webhooks,
) -> Application:
    """The tornado application over these parts. It logs nothing."""
    everything = {
        "scenario": scenario,
        "studio": studio,
        "faults": faults,
        "calls": calls,
        "calls_with_key": calls_with_key,
        "streams": streams,
        "webhooks": webhooks,
    }
    videos = "/api/open/v1/video/generations"
    pages: list[tuple[str, type[_Page]]] = [
        (videos, _Create),
        (videos + "/([^/]+)", _Get),
        (videos + "/([^/]+)/cancel", _Cancel),
        ("/api/open/v1/models", _Models),
        (r"/results/([^/]+)\.mp4", _Download),
        ("/simulator/journal", _JournalPage),
        ("/simulator/faults", _FaultsPage),
        (".*", _Other),
    ]
    routes = [(path, page, everything) for path, page in pages]
    return Application(routes, log_function=lambda _handler: None)


class _Page(RequestHandler):
    call = "other"

    def initialize(
        self,
        scenario: Scenario,
        studio: Studio,
        faults: FaultBook,
        calls: Counter[str],
        calls_with_key: Counter[str],
        streams: Open,
        webhooks: Webhooks,
    ) -> None:
        self.scenario = scenario
        self.studio = studio
        self.faults = faults
        self.calls = calls
        self.calls_with_key = calls_with_key
        self.streams = streams
        self.webhooks = webhooks

    def log_exception(self, *_details: object) -> None:  # nothing is to be printed into a notebook
        pass

    def write_error(self, status_code: int, **_details: object) -> None:
        refusal = Refusal(status_code, "simulator_error", f"HTTP {status_code}: {self._reason}")
        self.finish(refusal.answer())

    def count(self) -> None:
        self.calls[self.call] += 1
        if "Authorization" in self.request.headers:
            self.calls_with_key[self.call] += 1

    def compute_etag(self) -> None:  # the vendor's pages carry none, and a 304 would be one more answer to explain
        return None

    async def answer(self, request_id: str = "", prompt: str = "", honest: Reply | None = None) -> None:
        """Count the call, choose its fault, process it unless the fault forbids, and send what comes of it.

        `honest` is the honest reply where it is known beforehand: of a call without effects.
        """
        self.count()
        entry = self.scenario.find(request_id) if request_id else None
        if entry is not None:
            prompt = entry.body["prompt"]
        status = None if honest is None else json.loads(honest.body).get("status")
        fault = self.faults.choose(self.call, f"{prompt}\n{request_id}", status)
        if fault is None:
            self.send(honest or self.process(request_id))
            return
        if fault.kind == "no_range":
            self.request.headers.pop("Range", None)
        reply = honest or (self.process(request_id) if KINDS[fault.kind].processed else Reply(503))
        if fault.kind == "expire":
            self.scenario.expire_url(request_id)
        stream = self.detach()
        self.streams.add(stream)
        try:
            with_body = self.request.method != "HEAD"
            await wire.deliver(stream, tamper(fault, reply), fault, with_body=with_body)
        finally:
            self.streams.discard(stream)

    def process(self, request_id: str) -> Reply:
        """The honest reply."""
        raise NotImplementedError

    def send(self, reply: Reply) -> None:
        self.set_status(reply.http_status)
        for name, value in reply.headers.items():
            self.set_header(name, value)
        self.set_header("Content-Length", len(reply.body))
        if self.request.method != "HEAD":
            self.write(reply.body)


class _ApiCall(_Page):
    def process(self, request_id: str) -> Reply:
        refusal = self.scenario.authorize(self._key())
        http_status, answer = (refusal.http_status, refusal.answer()) if refusal else self.perform(request_id)
        headers = {"Retry-After": str(self.scenario.retry_after_seconds)} if http_status == 429 else None
        return Reply.of_json(http_status, answer, headers)

    def perform(self, request_id: str) -> tuple[int, dict[str, Any]]:
        raise NotImplementedError

    def _key(self) -> str | None:
        kind, _, key = self.request.headers.get("Authorization", "").partition(" ")
        return key.strip() if kind.lower() == "bearer" and key.strip() else None


class _Create(_ApiCall):
    call = "create"

    def post(self) -> Awaitable[None]:
        body = self._body()
        prompt = body.get("prompt") if isinstance(body, dict) else None
        return self.answer(prompt=prompt if isinstance(prompt, str) else "")

    def perform(self, request_id: str) -> tuple[int, dict[str, Any]]:
        http_status, answer = self.scenario.create(self._body())
        entry = self.scenario.find(answer.get("requestId", request_id))
        if entry is not None:
            self.studio.order(entry)
            self.webhooks.order(entry)
        return http_status, answer

    def _body(self) -> object:
        try:
            return json.loads(self.request.body)
        except (ValueError, RecursionError):
            return None


class _Get(_ApiCall):
    call = "get"

    def get(self, request_id: str) -> Awaitable[None]:
        # looked at once only: between two looks the film may become ready, and a fault that waits for it be missed
        return self.answer(request_id, honest=self.process(request_id))

    def perform(self, request_id: str) -> tuple[int, dict[str, Any]]:
        return self.scenario.get(request_id)


class _Cancel(_ApiCall):
    call = "cancel"

    def post(self, request_id: str) -> Awaitable[None]:
        return self.answer(request_id)

    def perform(self, request_id: str) -> tuple[int, dict[str, Any]]:
        http_status, answer = self.scenario.cancel(request_id)
        if http_status == 200:
            self.studio.drop(request_id)
        return http_status, answer


class _Models(_ApiCall):
    call = "models"

    def get(self) -> Awaitable[None]:
        return self.answer()

    def perform(self, _request_id: str) -> tuple[int, dict[str, Any]]:
        return self.scenario.models()


class _Download(_Page):
    """The video host. It asks for no key, and knows ranges."""

    call = "download"

    def get(self, request_id: str) -> Awaitable[None]:
        return self.answer(request_id)

    head = get

    def process(self, request_id: str) -> Reply:
        if self.scenario.status(request_id) is not Status.SUCCEEDED:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>", {"Content-Type": "text/xml"})
        if not self.scenario.is_url_alive(request_id, self.get_query_argument("token", "")):
            return Reply(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "text/xml"})
        film = self.studio.path(request_id).read_bytes()
        etag = f'"{hashlib.md5(film, usedforsecurity=False).hexdigest()}"'  # as the vendor's kind of storage does it
        same = self.request.headers.get("If-Range", etag) == etag
        return _ranged(film, self.request.headers.get("Range", "") if same else "", etag)


def _ranged(film: bytes, wanted: str, etag: str) -> Reply:
    headers = {
        "Content-Type": "video/mp4",
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, max-age=3600",
    }
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or match.group(0) == "bytes=-":  # several ranges at once: the whole file is a legal answer
        return Reply(200, film, headers)
    first, last = match.groups()
    start = int(first) if first else max(0, len(film) - int(last))
    end = min(int(last), len(film) - 1) if first and last else len(film) - 1
    if start > end:
        return Reply(416, b"", {**headers, "Content-Range": f"bytes */{len(film)}"})
    return Reply(206, film[start : end + 1], {**headers, "Content-Range": f"bytes {start}-{end}/{len(film)}"})


class _JournalPage(_Page):
    def get(self) -> None:
        self.finish(
            {
                "accepted": [asdict(entry) for entry in self.scenario.accepted],
                "calls": dict(self.calls),
                "calls_with_key": dict(self.calls_with_key),
                "balance": self.scenario.balance,
                "simulated": True,
            }
        )


class _FaultsPage(_Page):
    def get(self) -> None:
        self.finish({"faults": [asdict(fault) for fault in self.faults.faults]})

    def post(self) -> None:
        try:
            faults = msgspec.json.decode(self.request.body, type=list[Fault])
        except (msgspec.DecodeError, ValueError) as error:
            self.set_status(400)
            self.finish(Refusal(400, "invalid_request", str(error)).answer())
            return
        for fault in faults:
            self.faults.add(fault)
        self.get()

    def delete(self) -> None:
        self.faults.clear()
        self.get()


class _Other(_Page):
    def prepare(self) -> None:
        self.count()
        self.set_status(404)
        self.finish(Refusal(404, "not_found", f"no such page: {self.request.path}").answer())
