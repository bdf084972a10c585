"""Calls the `webhookUrl` of a generation once it has ended, with what a look would say; and badly, where a fault of call `webhook` says so."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections import Counter

from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from .faults import Fault, FaultBook
from .journal import Accepted
from .scenario import Scenario

LOOK_SECONDS = 0.02
"""How late a call is by itself, at most: a cancel or a finished film is noticed so soon."""
CALL_SECONDS = 10.0
FORGED_CALLS = 20


class Webhooks:
    """Nobody waits for an answer, and none is tried again. `calls["webhook"]` counts what was sent."""

    def __init__(self, scenario: Scenario, faults: FaultBook, calls: Counter[str]) -> None:
        self._scenario, self._faults, self._calls = scenario, faults, calls
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: SimpleAsyncHTTPClient | None = None

    def order(self, entry: Accepted) -> None:
        """Call the address of this generation when it has ended, if it names one; only from inside the loop."""
        url = entry.body.get("webhookUrl")
        if isinstance(url, str):
            task = asyncio.get_running_loop().create_task(self._wait(entry, url))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait(self, entry: Accepted, url: str) -> None:
        fault = self._faults.choose("webhook", f"{entry.body['prompt']}\n{entry.request_id}", None)
        if fault is not None and fault.kind == "early":
            await self._call(url, self._body(entry))
        while (status := self._scenario.status(entry.request_id)) is not None and not status.is_final:  # noqa: ASYNC110 - a state of the time alone
            await asyncio.sleep(LOOK_SECONDS)
        await (self._call(url, self._body(entry)) if fault is None else self._badly(fault, entry, url))

    async def _badly(self, fault: Fault, entry: Accepted, url: str) -> None:
        times = 1
        if fault.kind == "never":
            return
        if fault.kind == "late":
            await asyncio.sleep(1.0 if fault.seconds is None else fault.seconds)
        if fault.kind == "twice":
            times = 2
        if fault.kind == "forged":
            base = url.rpartition("/")[0]
            for _ in range(fault.bytes or FORGED_CALLS):
                await self._call(
                    f"{base}/{secrets.token_urlsafe(16)}", {"requestId": entry.request_id, "status": "failed"}
                )
            return
        for _ in range(times):
            await self._call(url, self._body(entry))
        if fault.kind == "out_of_order":
            await self._call(url, self._body(entry) | {"status": "processing", "output": None})

    def _body(self, entry: Accepted) -> dict[str, object]:
        return self._scenario.get(entry.request_id)[1]

    async def _call(self, url: str, body: dict[str, object]) -> None:
        self._calls["webhook"] += 1
        if self._client is None:
            self._client = SimpleAsyncHTTPClient(force_instance=True)
        request = HTTPRequest(
            url,
            "POST",
            {"Content-Type": "application/json"},
            json.dumps(body),
            request_timeout=CALL_SECONDS,
            follow_redirects=False,
        )
        with contextlib.suppress(Exception):  # whoever does not answer is not told
            await self._client.fetch(request, raise_error=False)

    def close(self) -> None:
        """Call nobody any more."""
        for task in self._tasks:
            task.cancel()
        if self._client is not None:
            self._client.close()
