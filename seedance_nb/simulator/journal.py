"""The simulator's memory: every accepted create and cancel, as JSON lines in one append-only file.

Several processes may share the file. Each event is one `write` on an O_APPEND descriptor, and what was written, by whomever, is
learned only by reading the file: so all processes see the same order of events.
"""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_REAL_KEY = re.compile(r"sd2_live_[A-Za-z0-9_\-]*")


@dataclass(frozen=True)
class Accepted:
    """One accepted create. Times in epoch seconds, `queue_seconds` and `render_seconds` as drawn, `credits` as charged.

    `body` is what the client sent. `take` counts equal bodies from 1. `fate` is None (it will succeed), "failed",
    "moderated" or "stuck".
    """

    request_id: str
    at: float
    body: dict[str, Any]
    credits: int
    take: int
    queue_seconds: float
    render_seconds: float
    fate: str | None = None


@dataclass(frozen=True)
class Cancelled:
    """One cancel that took effect, at epoch seconds `at`."""

    request_id: str
    at: float


Event = Accepted | Cancelled
_KINDS: dict[str, type[Accepted | Cancelled]] = {"accepted": Accepted, "cancelled": Cancelled}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class Journal:
    """Events in the order in which they happened; in memory when `path` is None, else in that file (made when missing)."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._unread: list[Event] = []  # only without a file
        self._offset = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and not path.read_bytes().endswith((b"\n",)):
                self._write(b"\n")  # a torn last line must not swallow the next event

    def append(self, event: Event) -> None:
        """Add one event; it is on its way to the disk when this returns. A real key in it is blotted out."""
        if self.path is None:
            self._unread.append(event)
            return
        line = json.dumps({"event": _NAMES[type(event)], **asdict(event)})
        self._write(_REAL_KEY.sub("sd2_live_(removed)", line).encode() + b"\n")

    def read_new(self) -> list[Event]:
        """The events added since the last call, by this process or another."""
        with self._lock:
            if self.path is None:
                events, self._unread = self._unread, []
                return events
            try:
                if self.path.stat().st_size <= self._offset:
                    return []
                with self.path.open("rb") as file:
                    file.seek(self._offset)
                    text = file.read()
            except FileNotFoundError:
                return []
            whole = text[: text.rfind(b"\n") + 1]  # another process may be in the middle of a line
            self._offset += len(whole)
            return [event for line in whole.splitlines() if (event := _parse(line)) is not None]

    def _write(self, data: bytes) -> None:
        assert self.path is not None
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)


def _parse(line: bytes) -> Event | None:
    try:
        fields = json.loads(line)
        return _KINDS[fields.pop("event")](**fields)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None  # a torn or foreign line is no reason to lose the others
