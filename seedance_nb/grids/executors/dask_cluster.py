"""A Dask cluster as a `concurrent.futures.Executor` for calls on files. `distributed` is imported by who made the Client, never by us.

Every Path among the arguments of a call is a file that travels by content: it is scattered to the worker that gets the call, once for all
calls there that wait for it. Each worker is given a little more than it can do at once, so that memory holds a few clips and not the study.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import queue
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, Protocol

from ..._version import __version__
from ...errors import InvalidRequest, one_line
from .dask_worker import packed, release, unfit, version, work
from .processes import WorkerDiedError

MOST_TRIES = 3
"""A call whose worker went away so often is not given to another one: it may be what ends them."""
LOOK_SECONDS = 1.0
"""How often it is asked which workers there are."""
NO_WORKERS_SECONDS = 120.0
"""How long a cluster may have none: one that grows with its work begins with none."""
AHEAD = 1
"""Calls that wait at a worker, so that it has the next one's files when it is done with one."""


class DaskClient(Protocol):
    """A `dask.distributed.Client`, not an asynchronous one."""

    def submit(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Ask the cluster for a call."""

    def scatter(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Bring data to workers."""


def is_client(executor: Any) -> bool:
    """Whether this is a `dask.distributed.Client`; who has one has imported that."""
    distributed = sys.modules.get("distributed")
    return distributed is not None and isinstance(executor, getattr(distributed, "Client", ()))


@dataclasses.dataclass(eq=False)
class _Call:
    """A call: what it is, and how far it is."""

    future: Future[Any]
    name: str
    packed: bytes
    files: list[Path]
    tries: int = 0
    worker: str = ""
    remote: Any = None
    contents: list[Any] = dataclasses.field(default_factory=list)


class DaskCluster(Executor):
    """The workers of a Client. A call that takes longer than `seconds` is ended at its worker; its future ends in WorkerDiedError.

    Raises InvalidRequest for a Client that is closed or asynchronous.
    """

    def __init__(self, client: Any, seconds: float) -> None:
        if getattr(client, "asynchronous", False):
            raise InvalidRequest(
                "an asynchronous Client cannot be waited for here; give one that is not: Client(address)"
            )
        if client.status != "running":
            raise InvalidRequest("the Dask Client is closed; open another one, or leave executor= away")
        self._client, self._seconds = client, seconds
        self._run = uuid.uuid4().hex
        self._where = one_line(getattr(client.scheduler, "address", None) or "the Dask scheduler", 80)
        self._waiting: list[_Call] = []
        self._running: list[_Call] = []
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._fit: dict[str, int] = {}
        """Threads of each worker that can do something for us, by its address."""
        self._unfit: dict[str, str] = {}
        self._looked = -LOOK_SECONDS
        self._none_since: float | None = None
        self._sent: weakref.WeakValueDictionary[tuple[str, str], Any] = weakref.WeakValueDictionary()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As an Executor. `fn` raises nothing, and must be one that workers can import."""
        call = _Call(Future(), fn.__name__, *packed((fn, args, kwargs)))
        with self._lock:
            if self._is_closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._waiting.append(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="seedance_nb dask", daemon=True)
                self._thread.start()
        self._news.put(None)
        return call.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As an Executor; with `cancel_futures` what runs is ended at its worker too."""
        with self._lock:
            thread, self._is_closed = self._thread, True
            if cancel_futures:
                waiting, self._waiting = self._waiting, []
                for call in waiting:
                    call.future.cancel()
        self._cancels = cancel_futures
        self._news.put(None)
        if wait and thread is not None:
            thread.join()

    _cancels = False

    # The thread ------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while not self._is_over():
                self._look_at_workers()
                self._send_some()
                with contextlib.suppress(queue.Empty):
                    self._news.get(timeout=0.2)
                for call in [call for call in self._running if self._is_final(call)]:
                    self._running.remove(call)
                    self._take(call)
        except BaseException as error:
            self._end_with(error)
        finally:
            with contextlib.suppress(Exception):
                if self._client.status == "running":
                    self._client.cancel([call.remote for call in self._running])
                    self._client.run(release, self._run, workers=list(self._fit), on_error="return")
            for call in self._running:
                call.future.set_exception(WorkerDiedError("the cluster was let go"))
            self._running.clear()

    def _is_over(self) -> bool:
        with self._lock:
            return self._is_closed and (self._cancels or not (self._waiting or self._running))

    def _look_at_workers(self) -> None:
        """Which workers there are, and which of those that are new can do something."""
        now = time.monotonic()
        if self._client.status not in ("running", "connecting"):
            raise InvalidRequest(f"the Dask scheduler at {self._where} is gone; run it again with another Client")
        if now - self._looked < LOOK_SECONDS:
            return
        there: Mapping[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        self._fit = {address: threads for address, threads in self._fit.items() if address in there}
        self._unfit = {address: why for address, why in self._unfit.items() if address in there}
        new = [address for address in there if address not in self._fit and address not in self._unfit]
        if new:
            with contextlib.suppress(
                OSError, KeyError
            ):  # one of them went away while it was asked: they are asked again
                self._probe(new, {address: max(1, int(there[address].get("nthreads") or 1)) for address in new})
        self._looked = time.monotonic()
        if self._fit:
            self._none_since = None
        elif self._unfit and set(there) == set(self._unfit):
            address, why = next(iter(self._unfit.items()))
            many = f"none of the {len(self._unfit)} workers" if len(self._unfit) > 1 else "the only worker"
            raise InvalidRequest(f"{many} of {self._where} can look into clips ({address}: {why}); {CURE}")
        elif self._none_since is None:
            self._none_since = now
            # A cluster that grows with its work must see some.
            self._wake = self._client.submit(version, pure=False)
        elif now - self._none_since > NO_WORKERS_SECONDS:
            raise InvalidRequest(
                f"the Dask cluster at {self._where} has no workers; start one, or leave executor= away"
            )

    _wake: Any = None

    def _probe(self, new: list[str], threads: dict[str, int]) -> None:
        versions = self._client.run(version, workers=new, on_error="return")
        able = [address for address in new if versions.get(address) == __version__]
        why = self._ask_each(able, threads)
        for address in new:
            found = versions.get(address)
            if address in able:
                if address not in why or isinstance(why[address], BaseException):
                    continue  # it went away while it was asked
                if not why[address]:
                    self._fit[address] = threads[address]
                else:
                    self._unfit[address] = str(why[address])
            elif isinstance(found, ImportError):
                self._unfit[address] = f"it has no seedance_nb ({one_line(found, 80)})"
            elif isinstance(found, str):
                self._unfit[address] = f"it has seedance_nb {one_line(found, 20)}, and here is {__version__}"

    def _ask_each(self, able: list[str], threads: dict[str, int]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for most in {threads[address] for address in able}:
            same = [address for address in able if threads[address] == most]
            found |= self._client.run(unfit, self._run, most, self._seconds, workers=same, on_error="return")
        return found

    def _send_some(self) -> None:
        while self._waiting and (worker := self._freest()) is not None:
            with self._lock:
                if not self._waiting:
                    return
                call = self._waiting.pop(0)
            if call.future.running() or call.future.set_running_or_notify_cancel():
                self._send(call, worker)

    def _freest(self) -> str | None:
        """The worker with the most room, if one has some."""
        load = dict.fromkeys(self._fit, 0)
        for call in self._running:
            if call.worker in load:
                load[call.worker] += 1
        room = {address: self._fit[address] + AHEAD - busy for address, busy in load.items()}
        best = max(room, key=lambda address: room[address], default=None)
        return best if best is not None and room[best] > 0 else None

    def _send(self, call: _Call, worker: str) -> None:
        call.tries, call.worker, call.contents = call.tries + 1, worker, []
        try:
            contents = [path.read_bytes() for path in call.files]
        except OSError as error:
            call.future.set_exception(error)
            return
        try:
            call.contents = [self._scattered(content, worker) for content in contents]
        except (OSError, TimeoutError, KeyError):  # the worker went away meanwhile, or the scheduler did
            self._fit.pop(worker, None)  # if it is there all the same, it is asked anew
            self._lost(call)
            return
        names = [path.name for path in call.files]
        call.remote = self._client.submit(
            work,
            self._run,
            self._fit[worker],
            self._seconds,
            call.packed,
            names,
            *call.contents,
            workers=[worker],
            key=f"seedance-{call.name}-{uuid.uuid4().hex}",
            pure=False,
        )
        self._running.append(call)
        call.remote.add_done_callback(lambda _: self._news.put(None))

    def _scattered(self, content: bytes, worker: str) -> Any:
        """The file at this worker, named by its content."""
        digest = hashlib.sha256(content).hexdigest()
        found = self._sent.get((digest, worker))
        if found is None or found.status != "finished":
            key = f"seedance-clip-{digest}-{uuid.uuid4().hex}"
            found = self._client.scatter({key: content}, workers=[worker], timeout=30)[key]
            self._sent[digest, worker] = found
        return found

    def _is_final(self, call: _Call) -> bool:
        return call.remote.status != "pending" or call.worker not in self._fit

    def _take(self, call: _Call) -> None:
        remote, call.remote, call.contents = call.remote, None, []
        status = remote.status
        if status == "finished":
            try:
                worked, found = remote.result(timeout=60)
            except Exception:  # its worker died with the answer
                self._lost(call)
                return
            if worked:
                call.future.set_result(found)
            else:
                call.future.set_exception(found)
        elif status == "error" and not _is_of_dask(error := remote.exception(timeout=60)):
            call.future.set_exception(WorkerDiedError(f"its worker {call.worker} failed: {_said(error)}"))
        else:
            with contextlib.suppress(Exception):
                remote.cancel()
            self._lost(call)

    def _lost(self, call: _Call) -> None:
        """Its worker is gone: another one gets it, as often as that makes sense."""
        if self._client.status != "running":
            call.tries -= 1  # that is no fault of the call
        elif call.tries >= MOST_TRIES:
            call.future.set_exception(
                WorkerDiedError(
                    f"{call.tries} Dask workers went away with it, the last was {call.worker}; memory may be short there"
                )
            )
            return
        self._looked = -LOOK_SECONDS
        with self._lock:
            self._waiting.insert(0, call)

    def _end_with(self, error: BaseException) -> None:
        if not isinstance(error, InvalidRequest):
            error = InvalidRequest(
                f"the Dask cluster at {self._where} takes no calls ({_said(error)}); open another Client"
            )
        with self._lock:
            self._is_closed = True
            calls, self._waiting = [*self._waiting, *self._running], []
        self._running.clear()
        for call in calls:
            if not call.future.done():
                call.future.set_exception(error)


CURE = "pip install 'seedance_nb[team]' there, in the version that is here"


def _said(error: Any) -> str:
    return f"{type(error).__name__}: {one_line(error, 120)}"


def _is_of_dask(error: Any) -> bool:
    """Whether it says that the worker is gone, and not what went wrong in it."""
    return type(error).__name__ in ("KilledWorker", "FutureCancelledError", "CancelledError", "NoValidWorkerError")
