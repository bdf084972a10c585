"""Where the films are made: two daemon threads, an endless queue, files in one folder.

Daemon threads rather than `concurrent.futures`: those make an interpreter that wants to end wait for every film in the queue.
"""

from __future__ import annotations

import queue
import threading
from pathlib import Path

from ..api.models import VideoRequest
from .journal import Accepted
from .rules import with_defaults
from .scenario import FilmState

WORKERS = 2


class Studio:
    """Renders one MP4 per accepted create to `folder/<request id>.mp4`. Only the order is held in memory, never a film."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._orders: queue.SimpleQueue[Accepted | None] = queue.SimpleQueue()
        self._ordered: dict[str, FilmState] = {}
        self._dropped: set[str] = set()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def path(self, request_id: str) -> Path:
        """Where the film of this id is, or will be."""
        return self.folder / f"{request_id}.mp4"

    def order(self, entry: Accepted) -> None:
        """Have the film made, unless it is made, being made, or never to be seen."""
        with self._lock:
            if entry.fate is not None or entry.request_id in self._ordered or self._closing.is_set():
                return
            if self.path(entry.request_id).exists():  # by an earlier run, or by another process on the same folder
                self._ordered[entry.request_id] = "ready"
                return
            self._ordered[entry.request_id] = "rendering"
            self._orders.put(entry)
            if len(self._threads) < WORKERS:
                name = f"seedance-simulator-film-{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def state(self, entry: Accepted) -> FilmState:
        """How far the film is. Asking for one nobody ordered (after a restart) orders it."""
        self.order(entry)
        if self._ordered.get(entry.request_id) == "rendering" and self.path(entry.request_id).exists():
            return "ready"
        return self._ordered.get(entry.request_id, "rendering")

    def drop(self, request_id: str) -> None:
        """The film is not wanted any more."""
        self._dropped.add(request_id)

    def close(self) -> None:
        """Stop within a frame or two; films that are not ready are not made. Idempotent."""
        self._closing.set()
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join(timeout=5)

    def _work(self) -> None:
        while not self._closing.is_set():
            entry = self._orders.get()
            if entry is None:
                return
            if entry.request_id not in self._dropped:
                self._ordered[entry.request_id] = self._render(entry)

    def _render(self, entry: Accepted) -> FilmState:
        from . import film, first_frames  # PyAV takes a while to load, and is not needed before the first film

        request = with_defaults(VideoRequest.from_wire(entry.body))
        try:
            film.render(
                self.path(entry.request_id),
                prompt=request.prompt,
                model=request.model,
                take=entry.take,
                request_id=entry.request_id,
                aspect_ratio=request.aspect_ratio or "",
                resolution=request.resolution or "",
                seconds=request.duration or 0,
                first_frame=first_frames.fetched(request),
                abandoned=lambda: self._closing.is_set() or entry.request_id in self._dropped,
            )
        except film.AbandonedError:
            return "rendering"
        except Exception:
            return "broken"
        return "ready"
