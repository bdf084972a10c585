"""Processes that work on clips, as a `concurrent.futures.Executor`: one that dies or hangs takes its own call with it, and no other.

Not ProcessPoolExecutor, for three reasons. Its workers run the main script once more, down to its `submit(fresh=True)`; one dead worker
ends the whole pool; and a worker that hangs cannot be ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from ...errors import ConfigurationError
from .serving import COMMAND

START_SECONDS = 120.0
"""How long a process may take to begin, on a machine that computes."""


class WorkerDiedError(Exception):
    """The process that had this call is gone; the text says how."""


class Processes(Executor):
    """At most `workers` processes, started when there is something to do; a call that takes longer than `seconds` ends its process.

    Functions and arguments are pickled. No key of the service is in their environment. `shutdown(cancel_futures=True)` ends them at once.
    """

    def __init__(self, workers: int, seconds: float) -> None:
        self._most, self._seconds = workers, seconds
        self._calls: queue.SimpleQueue[tuple[Future[Any], bytes] | None] = queue.SimpleQueue()
        self._lanes: list[threading.Thread] = []
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As an Executor; the future may end in WorkerDiedError."""
        future: Future[Any] = Future()
        call = pickle.dumps((fn, args, kwargs))
        with self._lock:
            if self._is_closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._calls.put((future, call))
            if len(self._lanes) < self._most:
                lane = threading.Thread(target=self._work, name="seedance_nb measure", daemon=True)
                self._lanes.append(lane)
                lane.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As an Executor; with `cancel_futures` what runs is ended too."""
        with self._lock:
            self._is_closed = True
            lanes = list(self._lanes)
        if cancel_futures:
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting = self._calls.get_nowait()
                    if waiting is not None:
                        waiting[0].cancel()
        for _ in lanes:
            self._calls.put(None)
        if cancel_futures:
            for process in list(self._processes):
                process.kill()
        if wait:
            for lane in lanes:
                lane.join()

    def _work(self) -> None:
        process: subprocess.Popen[bytes] | None = None
        while (waiting := self._calls.get()) is not None:
            future, call = waiting
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if process is None or process.poll() is not None:
                    process = self._start()
                future.set_result(self._ask(process, call, self._seconds))
            except BaseException as error:
                if process is not None:
                    self._end(process)
                process = None
                future.set_exception(error)
        if process is not None:
            self._end(process)

    def _start(self) -> subprocess.Popen[bytes]:
        # Its own session, so that the notebook's stop button is none of its business; no key in its environment: nothing here can buy.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEEDANCE_")}
        path = [os.getcwd() if entry == "" else entry for entry in sys.path]  # noqa: PTH109 - as sys.path has it
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
                [sys.executable, "-c", COMMAND, json.dumps(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigurationError(
                f"no process can be started to measure in ({error.strerror or error}); "
                "measure in this one: executor=concurrent.futures.ThreadPoolExecutor()"
            ) from None
        with self._lock:
            self._processes.add(process)
            if self._is_closed:
                process.kill()
        try:
            self._ask(process, b"", START_SECONDS)
        except WorkerDiedError:
            self._end(process)
            raise
        return process

    def _ask(self, process: subprocess.Popen[bytes], call: bytes, seconds: float) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(call)
            process.stdin.flush()
            return pickle.load(process.stdout)  # noqa: S301 - our own child process
        except (EOFError, OSError, pickle.UnpicklingError):
            code = process.wait()
        finally:
            timer.cancel()
        if overdue.is_set():
            raise WorkerDiedError(
                f"no answer within {seconds:g} s, so its worker was ended; timeout= sets another limit"
            )
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        raise WorkerDiedError(
            f"its worker died {how}: the measure, or a library it uses, ended the process, or memory was short"
        )

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Let it go: its input ends, and so does it. Idempotent."""
        with self._lock:
            self._processes.discard(process)
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
