"""One daemon thread with its own asyncio loop, a thread for the ledger and two for slow work; everything enters by `post`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from ..errors import ConfigurationError
from .grouping import GroupingThread
from .wake_ups import new_loop

T = TypeVar("T")
log = logging.getLogger("seedance_nb")
log.addHandler(logging.NullHandler())


class Workers(concurrent.futures.ThreadPoolExecutor):
    """At most so many daemon threads, started when they are needed. A ThreadPoolExecutor by name alone, because asyncio wants one.

    Python shuts its own pools down before `atexit`, and a create that still has to look a name up would then be cut off. It also waits
    for them at the end, however long a file takes.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._calls: queue.SimpleQueue[tuple[concurrent.futures.Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self._started, self._at_work, self._ended = 0, 0, False
        self._lock = threading.Lock()

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[T]:
        """Do `function(*args, **kwargs)` in one of the threads."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        with self._lock:
            if self._ended:
                raise RuntimeError("the workers were sent home")
            self._at_work += 1
            self._calls.put((future, lambda: function(*args, **kwargs)))
            if self._at_work > self._started < self._most:
                self._started += 1
                threading.Thread(target=self._work, name=f"{self._name}_{self._started}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; what waits is dropped if asked, what is under way ends by itself."""
        del wait
        with self._lock:
            self._ended = True
            while cancel_futures:
                try:
                    call = self._calls.get_nowait()
                except queue.Empty:
                    break
                if call is not None:
                    call[0].cancel()
            for _ in range(self._started):
                self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:
                    future.set_exception(error)
            del call, future, function  # what it holds is free while nothing comes
            with self._lock:
                self._at_work -= 1


class Background:
    """The loop in its thread. Made at first use, remembers its process: after a fork the child has to make its own."""

    def __init__(
        self,
        before_end: Callable[[], Awaitable[None]],
        at_end: Callable[[], Awaitable[None]],
        together: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
    ) -> None:
        self.pid = os.getpid()
        self.loop = new_loop()
        self._before_end, self._at_end = before_end, at_end
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._ledger_thread = GroupingThread("seedance-ledger", together)
        self._workers = Workers(2, "seedance-worker")
        self.loop.set_default_executor(self._workers)  # name look-ups too: no more threads than these
        self.loop.set_exception_handler(lambda _, context: log.debug("background: %s", context.get("message")))
        self._ended = threading.Event()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), name="seedance-runner", daemon=True)
        self.thread.start()
        ready.wait()

    @property
    def is_usable(self) -> bool:
        """False after `close`, and in a forked child, where the thread does not exist."""
        return not self._closed and self.pid == os.getpid() and self.thread.is_alive()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs in the background thread itself."""
        return threading.current_thread() is self.thread

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run `function(*args)` in the loop soon; from any thread; does nothing once closed."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(function, *args)

    def start(self, coroutine: Any) -> asyncio.Task[Any]:
        """Start a task; only from inside the loop."""
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)
        return task

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run a coroutine in the loop and wait for it; from other threads only. Raises what it raises, or TimeoutError."""
        if self.is_current:
            coroutine.close()
            raise RuntimeError("this would wait for itself: it was called in the background thread, from a callback")
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    async def in_ledger_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Run a blocking call of the ledger; calls keep their order."""
        return await self.loop.run_in_executor(self._ledger_thread, function, *args)

    def ask_ledger(self, function: Callable[..., T], *args: Any) -> T:
        """The same from another thread, waiting for the answer."""
        return self._ledger_thread.submit(function, *args).result()

    def tell_ledger(self, function: Callable[..., object], *args: Any) -> None:
        """The same without waiting: done before whatever is asked after it. What goes wrong is only logged."""

        def told() -> None:
            try:
                function(*args)
            except ConfigurationError as error:
                log.debug("ledger: %s", error)

        self._ledger_thread.submit(told)

    async def in_worker(self, function: Callable[..., T], *args: Any) -> T:
        """Run slow work (verify, transcode, base64) beside the loop."""
        return await self.loop.run_in_executor(self._workers, function, *args)

    async def in_own_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Run what may never come back, such as a person's own function or an upload: it holds up nobody but its caller."""
        thread = Workers(1, "seedance-own")
        try:
            return await self.loop.run_in_executor(thread, function, *args)
        finally:
            thread.shutdown(wait=False)

    def begin_to_end(self) -> bool:
        """Take no more, and let the thread begin its end: `before_end`, then tasks are cancelled, then `at_end`. True the first time."""
        if self._closed or self.pid != os.getpid():
            return False
        self._closed = True
        self.post(self.loop.stop)
        return True

    def wait_until_ended(self, seconds: float) -> bool:
        """Whether the thread has done its last within so many seconds."""
        # Not `thread.join`: before Python 3.13, one that Ctrl-C interrupts takes a living thread for ended.
        return self._ended.wait(seconds)

    def close(self, timeout: float = 2.0) -> bool:
        """Stop everything and wait for the thread. True if it ended in time. Idempotent."""
        if self.pid != os.getpid():
            return True
        self.begin_to_end()
        if not self.is_current and self.wait_until_ended(timeout):  # a done callback may close the session it runs in
            self.thread.join()
        self._workers.shutdown(wait=False, cancel_futures=True)
        return not self.thread.is_alive()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(ready.set)
        try:
            self.loop.run_forever()
        finally:
            try:
                self.loop.run_until_complete(self._wind_up())
            finally:
                asyncio.set_event_loop(None)
                self.loop.close()
                self._ledger_thread.shutdown(wait=False)  # not before: what was paid for may still wait for the disk
                self._ended.set()

    async def _wind_up(self) -> None:
        await self._before_end()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._at_end()
        await self.loop.shutdown_asyncgens()
