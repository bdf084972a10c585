"""Ways to misbehave, and the decision which one a call meets. Pure; tampering.py and wire.py carry them out.

`KINDS` is the list: for each kind, the calls it applies to, whether the call is processed first, and what the client sees.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..api.models import Status

Call = Literal["create", "get", "cancel", "models", "download", "webhook"]
API_CALLS: frozenset[Call] = frozenset({"create", "get", "cancel", "models"})
DOWNLOAD: frozenset[Call] = frozenset({"download"})
WEBHOOK: frozenset[Call] = frozenset({"webhook"})
GET: frozenset[Call] = frozenset({"get"})
EVERY_CALL = API_CALLS | DOWNLOAD
STARTED = frozenset({Status.PROCESSING, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})
DONE = frozenset({Status.SUCCEEDED})


class Kind(NamedTuple):
    """`calls` it applies to; `processed`: the call takes effect first (a create is accepted); what it does.

    `statuses`: it hits only while the honest status is one of these (None: always), so that "succeeded without a URL, twice"
    waits until there is something to succeed.
    """

    calls: frozenset[Call]
    processed: bool
    does: str
    statuses: frozenset[Status] | None = None


KINDS: dict[str, Kind] = {
    # the connection
    "delay": Kind(EVERY_CALL, True, "answers `seconds` late (1)"),
    "hang": Kind(EVERY_CALL, True, "processes the call and never answers"),
    "hang_before": Kind(EVERY_CALL, False, "never answers, without processing"),
    "drop_before": Kind(EVERY_CALL, False, "closes the connection without processing"),
    "drop_after": Kind(EVERY_CALL, True, "processes the call, then closes without an answer"),
    "reset_before": Kind(EVERY_CALL, False, "resets the connection (RST) without processing"),
    "reset_after": Kind(EVERY_CALL, True, "processes the call, then resets the connection (RST)"),
    "drip": Kind(EVERY_CALL, True, "sends the body `bytes` (1) bytes at a time, every `seconds` (0.3)"),
    "chunked_broken": Kind(EVERY_CALL, True, "begins a chunked body and breaks the framing"),
    # other answers
    "status": Kind(EVERY_CALL, False, "answers `http_status` (503), `body`, `headers` without processing"),
    "status_after": Kind(EVERY_CALL, True, "processes the call, then answers `http_status` (503), `body`, `headers`"),
    "html": Kind(EVERY_CALL, True, "answers an HTML page with `http_status` (200)"),
    "redirect": Kind(EVERY_CALL, True, "answers `http_status` (307) with Location from `headers` (a neighbour path)"),
    "odd_location": Kind(EVERY_CALL, True, "redirects to a Location that is no URL"),
    "gzip_bomb": Kind(EVERY_CALL, True, "gzip that inflates to `bytes` (200 MB) of blanks after the honest body"),
    "empty": Kind(API_CALLS, True, "answers 200 with no body"),
    "truncate": Kind(API_CALLS, True, "cuts the JSON in the middle, or after `bytes` bytes"),
    "garbage_encoding": Kind(API_CALLS, True, "puts bytes that are not UTF-8 into the JSON"),
    "no_id": Kind(API_CALLS, True, "leaves requestId out"),
    "wrong_id": Kind(API_CALLS, True, "names another requestId (`body`, or req_0000000000)"),
    "success_false_with_id": Kind(API_CALLS, True, "says success: false and names the id all the same"),
    "huge_int": Kind(API_CALLS, True, "puts a number of 5000 digits into creditsCharged and duration"),
    "deep_nesting": Kind(API_CALLS, True, "nests an extra field 100,000 lists deep"),
    "lone_surrogate": Kind(
        API_CALLS, True, "puts a lone surrogate into status (create, cancel) or prompt and error (get)"
    ),
    "huge_body": Kind(API_CALLS, True, "pads the JSON with blanks to `bytes` (64 MB)"),
    # statuses
    "not_found": Kind(GET, True, "answers 404 as for an unknown id"),
    "unknown_status": Kind(GET, True, "says a status nobody documented (`body`, or reticulating)"),
    "backwards": Kind(GET, True, "says queued although it has started", STARTED),
    "no_url": Kind(GET, True, "says succeeded without output.url", DONE),
    "bad_url": Kind(GET, True, "says succeeded with `body` as output.url", DONE),
    # the video
    "zero": Kind(DOWNLOAD, True, "answers 200 with zero bytes"),
    "cut": Kind(DOWNLOAD, True, "announces the whole length, sends `bytes` (half) of it, closes"),
    "stall": Kind(DOWNLOAD, True, "announces the whole length, sends `bytes` (half) of it, then nothing"),
    "wrong_length": Kind(DOWNLOAD, True, "announces `bytes` (1000 fewer) but sends everything"),
    "announce_huge": Kind(DOWNLOAD, True, "announces `bytes` (5 GB), sends the film, then nothing"),
    "expire": Kind(DOWNLOAD, False, "403, also for the same URL later; the next get gives a fresh URL"),
    "no_range": Kind(DOWNLOAD, True, "ignores Range: the whole file with 200"),
    "garbage": Kind(DOWNLOAD, True, "`bytes` (100,000) random bytes as video/mp4"),
    "not_mp4_inside": Kind(DOWNLOAD, True, "a valid ftyp box, then `bytes` (100,000) of junk"),
    # the call of a webhook
    "never": Kind(WEBHOOK, False, "does not call"),
    "late": Kind(WEBHOOK, True, "calls `seconds` (1) after the end"),
    "early": Kind(WEBHOOK, True, "calls when it is accepted, and again at the end"),
    "twice": Kind(WEBHOOK, True, "calls twice at the end"),
    "out_of_order": Kind(WEBHOOK, True, "says after the end once more that it is being made"),
    "forged": Kind(
        WEBHOOK, False, "does not call, but `bytes` (20) strangers do, each with a token of their own making"
    ),
}


@dataclass(frozen=True)
class Fault:
    """One way to misbehave: which `call` meets which `kind` (see `KINDS`), and how often.

    It skips the first `after` matching calls and then hits `times` of them (None: for ever). A call matches when `match` is None
    or part of its prompt or request id (a create has no id yet). `seconds`, `http_status`, `body` (text as it is, anything else
    as JSON), `headers` and `bytes` (a count) tune the kind; None means the default that `KINDS` names.
    """

    call: Call
    kind: str
    times: int | None = 1
    after: int = 0
    match: str | None = None
    seconds: float | None = None
    http_status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse a fault that could never hit."""
        kind = KINDS.get(self.kind)
        if kind is None:
            raise ValueError(f"no fault kind {self.kind!r}; there are {', '.join(KINDS)}")
        if self.call not in kind.calls:
            raise ValueError(f"{self.kind!r} is for {', '.join(sorted(kind.calls))}, not for {self.call!r}")

    def concerns(self, call: str, subject: str, status: str | None) -> bool:
        """Whether this call is one the fault counts. `subject` holds the prompt and the id, as far as they are known."""
        statuses = KINDS[self.kind].statuses
        return (
            call == self.call
            and (self.match is None or self.match in subject)
            and (statuses is None or status in statuses)
        )


@dataclass
class _Count:
    fault: Fault
    seen: int = 0
    hits: int = 0


class FaultBook:
    """The faults in force, in the order in which they were added; thread-safe."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._counts = [_Count(fault) for fault in faults]

    def add(self, fault: Fault) -> None:
        """Put one more fault behind the others."""
        with self._lock:
            self._counts.append(_Count(fault))

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._counts.clear()

    @property
    def faults(self) -> list[Fault]:
        """Every fault added since the last `clear`, spent or not."""
        with self._lock:
            return [count.fault for count in self._counts]

    def choose(self, call: str, subject: str = "", status: str | None = None) -> Fault | None:
        """The fault this call meets, if any, and count it. The first that is not spent wins; the others only see the call."""
        chosen = None
        with self._lock:
            for count in self._counts:
                fault = count.fault
                if not fault.concerns(call, subject, status):
                    continue
                count.seen += 1
                waiting = count.seen <= fault.after
                spent = fault.times is not None and count.hits >= fault.times
                if chosen is None and not waiting and not spent:
                    count.hits += 1
                    chosen = fault
        return chosen
