"""Tells pages, every few seconds, that the kernel behind a card, a board or a panel lives, whatever it computes.

A page hears of most deaths from nobody, and a card whose kernel was restarted would count on and offer a button that does nothing. So
what hears no more beats says that it rests (see `isOrphan` in pages/kit.js). One thread for all, as long as there are any.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable
from typing import Any

SECONDS = 10.0

Run = Callable[[Callable[[], object]], object]


class Heartbeat:
    """The widgets of this process that have somebody waiting; each with what runs its messages in a context that may send."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._beating: weakref.WeakKeyDictionary[Any, Run] = weakref.WeakKeyDictionary()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self, widget: Any, run: Run = lambda beat: beat()) -> None:
        """Send beats for this widget from now on, the first after some seconds."""
        with self._changed:
            self._beating[widget] = run
            if self._thread is None or not self._thread.is_alive():  # a forked child has none
                self._thread = threading.Thread(target=self._beat, name="seedance-heartbeat", daemon=True)
                self._thread.start()

    def stop(self, widget: Any) -> None:
        """No more beats for this widget: it is over, and says so itself."""
        with self._changed:
            self._beating.pop(widget, None)
            self._changed.notify_all()

    def _beat(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._beating, self._seconds)
                beating = list(self._beating.items())
                if not beating:
                    self._thread = None
                    return
            for widget, run in beating:
                with contextlib.suppress(Exception):  # a page that went away takes no other's beat
                    run(lambda widget=widget: widget.send({"kind": "here"}))  # type: ignore[misc]


heartbeat = Heartbeat()
