"""The service as a state machine over an injected clock: no sockets, no threads, no films.

A generation's status is a function of its journal entry (when it was accepted, how long it was drawn to queue and to render, its
fate), of its cancel, and of the time. Nothing else is remembered, so a restarted simulator knows where everything stands.

Words in a prompt that decide its fate: `[fail]` ends `failed` half-way with `error` as a text; `[moderation]` ends `failed` at the
very end with `error` as an object; `[stuck]` is processed for ever.
"""

from __future__ import annotations

import json
import math
import random
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..api.models import Status, VideoRequest
from . import rules
from .journal import Accepted, Cancelled, Journal

FilmState = Literal["ready", "rendering", "broken"]
FATES = {"[fail]": "failed", "[moderation]": "moderated", "[stuck]": "stuck"}
REAL_KEY_PREFIX = "sd2_live_"


@dataclass(frozen=True)
class Pace:
    """How long generations take: medians in seconds and the spread of lognormal draws (`sigma` 0: always the median)."""

    queue_seconds: float = 1.5
    render_seconds: float = 6.0
    sigma: float = 0.25

    def draw(self, request_id: str) -> tuple[float, float]:
        """(seconds queued, seconds rendered), the same for the same id every time."""
        draws = random.Random(request_id)
        queue, render = (math.exp(self.sigma * draws.gauss(0, 1)) for _ in range(2))
        return self.queue_seconds * queue, self.render_seconds * render


@dataclass(frozen=True)
class _Generation:
    accepted: Accepted
    request: VideoRequest  # with defaults
    cancelled_at: float | None = None

    def status(self, now: float, film: Callable[[Accepted], FilmState]) -> Status:
        entry = self.accepted
        rendering_at = entry.at + entry.queue_seconds
        due_at = rendering_at + entry.render_seconds
        if self.cancelled_at is not None:
            return Status.CANCELLED
        if now < rendering_at:
            return Status.QUEUED
        if entry.fate == "failed":
            return Status.FAILED if now >= rendering_at + entry.render_seconds / 2 else Status.PROCESSING
        if entry.fate == "stuck" or now < due_at:
            return Status.PROCESSING
        if entry.fate == "moderated":
            return Status.FAILED
        states = {"ready": Status.SUCCEEDED, "rendering": Status.PROCESSING, "broken": Status.FAILED}
        return states[film(entry)]

    def error(self) -> str | dict[str, str]:
        # the shape of `error` is not documented: clients must take a text and an object alike
        if self.accepted.fate == "failed":
            return "the simulated rendering failed <as asked>"
        if self.accepted.fate == "moderated":
            return {"code": "moderation_blocked", "message": "the simulated moderation refused the finished video"}
        return {"code": "internal_error", "message": "the simulator could not make the film"}


class Scenario:
    """The four calls of the API. Each returns (HTTP status, answer object); every answer says `"simulated": true`.

    - `clock` gives epoch seconds; every call takes `now` to override it.
    - `journal` is a path to remember in (see `Journal`), or None for memory only.
    - `api_key`: the only key let in; None lets anyone in. A key that starts like a real one never is.
    - `credits`: the budget for everything in the journal; creates beyond it get 402. There are no refunds.
    - `max_concurrent`: creates get 429 while that many generations are queued or processing.
    - `fail_every` n: every n-th accepted create fails, as if its prompt said `[fail]`.
    - `film(entry)` says whether the MP4 is there; while it is not, a generation that is due stays `processing`.
    - `base_url` is where output URLs point.
    """

    retry_after_seconds = 1  # what goes with a 429

    def __init__(
        self,
        clock: Callable[[], float],
        pace: Pace | None = None,
        *,
        journal: Path | None = None,
        api_key: str | None = None,
        credits: int | None = None,  # noqa: A002 - the service's word
        max_concurrent: int | None = None,
        fail_every: int | None = None,
        film: Callable[[Accepted], FilmState] = lambda _entry: "ready",
        base_url: str = "http://127.0.0.1",
    ) -> None:
        self.clock = clock
        self.pace = pace or Pace()
        self.api_key = api_key
        self.credits = credits
        self.max_concurrent = max_concurrent
        self.fail_every = fail_every
        self.film = film
        self.base_url = base_url
        self._journal = Journal(journal)
        self._lock = threading.RLock()
        self._generations: dict[str, _Generation] = {}
        self._bodies: Counter[str] = Counter()
        self._expired: Counter[str] = Counter()

    @property
    def accepted(self) -> list[Accepted]:
        """Every accepted create so far, oldest first."""
        with self._lock:
            self._learn()
            return [generation.accepted for generation in self._generations.values()]

    @property
    def balance(self) -> int | None:
        """Credits left, None when there is no budget."""
        return None if self.credits is None else self.credits - sum(entry.credits for entry in self.accepted)

    def authorize(self, key: str | None) -> rules.Refusal | None:
        """Why a caller with this key (None: no key) is turned away, or None."""
        if key is not None and key.startswith(REAL_KEY_PREFIX):
            message = "This is the simulator: never send it a real key. Check which base URL the key belongs to."
            return rules.Refusal(401, "unauthorized", message)
        if self.api_key is not None and key != self.api_key:
            return rules.Refusal(401, "unauthorized", "Invalid API key")
        return None

    def create(self, body: object, now: float | None = None) -> tuple[int, dict[str, Any]]:
        """`POST /video/generations` with the decoded JSON body."""
        now = self.clock() if now is None else now
        request = rules.read_request(body)
        if isinstance(request, rules.Refusal):
            return request.http_status, request.answer()
        assert isinstance(body, dict)
        with self._lock:
            self._learn()
            cost = rules.price(request)
            refusal = self._refuse_for_now(cost, now)
            if refusal is not None:
                return refusal.http_status, refusal.answer()
            entry = self._enter(request, body, cost, now)
            self._journal.append(entry)
            self._learn()
        answer = {"success": True, "requestId": entry.request_id, "status": Status.QUEUED.value}
        return 200, {**(request.extra or {}), **answer, "creditsCharged": cost, "simulated": True}

    def get(self, request_id: str, now: float | None = None) -> tuple[int, dict[str, Any]]:
        """`GET /video/generations/{requestId}`."""
        generation = self._find(request_id)
        if generation is None:
            return _unknown_id(request_id)
        request, status = generation.request, self._status(generation, now)
        output = {"type": "video", "url": self.output_url(request_id)} if status is Status.SUCCEEDED else None
        return 200, {
            **(request.extra or {}),
            "success": True,
            "requestId": request_id,
            "status": status.value,
            "model": request.model,
            "prompt": request.prompt,
            "duration": request.duration,
            "aspectRatio": request.aspect_ratio,
            "output": output,
            "error": generation.error() if status is Status.FAILED else None,
            "simulated": True,
        }

    def cancel(self, request_id: str, now: float | None = None) -> tuple[int, dict[str, Any]]:
        """`POST /video/generations/{requestId}/cancel`; 409 for what has ended, also for what was cancelled before."""
        now = self.clock() if now is None else now
        with self._lock:
            generation = self._find(request_id)
            if generation is None:
                return _unknown_id(request_id)
            status = self._status(generation, now)
            if status.is_final:
                return 409, rules.Refusal(409, "conflict", f"{request_id} has already ended: {status}").answer()
            self._journal.append(Cancelled(request_id, now))
            self._learn()
        answer = {"success": True, "requestId": request_id, "status": Status.CANCELLED.value}
        return 200, {**answer, "simulated": True}

    def models(self) -> tuple[int, dict[str, Any]]:
        """`GET /models`."""
        return 200, {"success": True, "data": rules.list_models(), "simulated": True}

    def status(self, request_id: str, now: float | None = None) -> Status | None:
        """Where a generation stands, None for an unknown id."""
        generation = self._find(request_id)
        return None if generation is None else self._status(generation, now)

    def find(self, request_id: str) -> Accepted | None:
        """The journal's entry for an id."""
        generation = self._find(request_id)
        return None if generation is None else generation.accepted

    def output_url(self, request_id: str) -> str:
        """Where the video is now; another URL after each `expire_url`."""
        token = self._expired[request_id]
        return f"{self.base_url}/results/{request_id}.mp4" + (f"?token={token}" if token else "")

    def expire_url(self, request_id: str) -> None:
        """Make every URL given out so far for this id a dead one."""
        self._expired[request_id] += 1

    def is_url_alive(self, request_id: str, token: str) -> bool:
        """Whether a URL with this `token` ("" for none) is the newest."""
        return token == str(self._expired[request_id] or "")

    def _refuse_for_now(self, cost: int, now: float) -> rules.Refusal | None:
        balance = self.balance
        if balance is not None and cost > balance:
            return rules.Refusal(402, "insufficient_credits", f"{cost} credits required, {balance} available")
        if self.max_concurrent is not None:
            running = sum(not self._status(one, now).is_final for one in self._generations.values())
            if running >= self.max_concurrent:
                return rules.Refusal(429, "too_many_requests", f"{running} generations are already running")
        return None

    def _enter(self, request: VideoRequest, body: dict[str, Any], cost: int, now: float) -> Accepted:
        request_id = _new_id()
        while request_id in self._generations:
            request_id = _new_id()
        fate = next((fate for word, fate in FATES.items() if word in request.prompt), None)
        if fate is None and self.fail_every and (len(self._generations) + 1) % self.fail_every == 0:
            fate = "failed"
        take = self._bodies[_same(body)] + 1
        queue_seconds, render_seconds = self.pace.draw(request_id)
        return Accepted(request_id, now, body, cost, take, queue_seconds, render_seconds, fate)

    def _find(self, request_id: str) -> _Generation | None:
        with self._lock:
            self._learn()
            return self._generations.get(request_id)

    def _status(self, generation: _Generation, now: float | None) -> Status:
        return generation.status(self.clock() if now is None else now, self.film)

    def _learn(self) -> None:
        for event in self._journal.read_new():
            known = self._generations.get(event.request_id)
            if isinstance(event, Accepted):
                request = rules.read_request(event.body)
                if isinstance(request, rules.Refusal):
                    continue  # a foreign line: this simulator never accepted it
                self._generations[event.request_id] = _Generation(event, request)
                self._bodies[_same(event.body)] += 1
            elif known is not None and known.cancelled_at is None:
                self._generations[event.request_id] = _Generation(known.accepted, known.request, event.at)


def _unknown_id(request_id: str) -> tuple[int, dict[str, Any]]:
    return 404, rules.Refusal(404, "not_found", f"no generation {request_id}").answer()


def _same(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True)


def _new_id() -> str:
    return f"req_{1_000_000_000 + secrets.randbelow(9_000_000_000)}"
