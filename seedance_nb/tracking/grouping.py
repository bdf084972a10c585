"""A thread that does its calls in order, and as many as are waiting in one go.

Made for the ledger: a commit that survives a power cut costs some milliseconds of disk whether it holds one write or fifty.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
MOST_TOGETHER = 100
Call = tuple["concurrent.futures.Future[Any]", Callable[[], Any], bool]


def groupable(function: F) -> F:
    """Mark a call that may share a group with others: it can be done again when the group as a whole fails."""
    function.groupable = True  # type: ignore[attr-defined]
    return function


class GroupingThread(concurrent.futures.Executor):
    """One daemon thread; `together()` is the context in which a group of waiting groupable calls is done.

    If entering `together` raises, every call of the group gets that error. If leaving it raises, the group did not happen, and its
    calls are done again one by one, so that one bad call spoils no other.
    """

    def __init__(self, name: str, together: Callable[[], contextlib.AbstractContextManager[object]]) -> None:
        self._together = together
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[T]:
        """Do `function(*args, **kwargs)` after all that was submitted before."""
        if self._closed:
            raise RuntimeError("the thread was closed")
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._calls.put((future, lambda: function(*args, **kwargs), getattr(function, "groupable", False)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; those that wait are still done."""
        del cancel_futures
        if not self._closed:
            self._closed = True
            self._calls.put(None)
        if wait and threading.current_thread() is not self._thread:
            self._thread.join()

    def _work(self) -> None:
        call = self._calls.get()
        while call is not None:
            group = [call]
            call = self._next(group)
            self._do(group)
            if call is None:
                call = self._calls.get() if not self._ended else None

    _ended = False

    def _next(self, group: list[Call]) -> Call | None:
        """Fill the group with what waits and may join it; the first that may not, if one came up."""
        while group[0][2] and len(group) < MOST_TOGETHER:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return None
            if call is None:
                self._ended = True
                return None
            if not call[2]:
                return call
            group.append(call)
        return None

    def _do(self, group: list[Call]) -> None:
        # A call whose future was cancelled while it waited is not done; one that has begun cannot be cancelled any more.
        group = [call for call in group if call[0].set_running_or_notify_cancel()]
        if len(group) < 2:
            for future, function, _ in group:
                _settle(future, _outcome(function))
            return
        entered = False
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            with self._together():
                entered = True
                outcomes = [_outcome(function) for _, function, _ in group]
        except BaseException as error:
            outcomes = [_outcome(function) if entered else (None, error) for _, function, _ in group]
        for (future, _, _), outcome in zip(group, outcomes, strict=True):
            _settle(future, outcome)


def _outcome(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return function(), None
    except BaseException as error:
        return None, error


def _settle(future: concurrent.futures.Future[Any], outcome: tuple[Any, BaseException | None]) -> None:
    value, error = outcome
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)
