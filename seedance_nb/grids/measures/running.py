"""Giving clips to workers and taking in what they say, whatever executor they are of. A clip that goes wrong stops no other."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from pathlib import Path
from typing import Any

from ...errors import InvalidRequest, SeedanceError, one_line
from ...tracking.job import WaitInterrupted
from ..executors.dask_cluster import DaskCluster, is_client
from ..executors.processes import Processes, WorkerDiedError
from .what import Task
from .worker import Here, Outcome, answer

SLICE_SECONDS = 0.1
"""How long the stop button may have to wait."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """A file to be measured, and the other takes it is compared with; `key` says which file, or which files."""

    key: str
    path: Path
    others: tuple[Path, ...] = ()


Told = Callable[[Sequence[tuple[Subject, Outcome]]], object]


def run(
    task: Task,
    subjects: Sequence[Subject],
    executor: Any,
    told: Told,
    *,
    workers: int | None,
    seconds: float,
) -> None:
    """Measure these, and call `told` in this thread with what came of each. `seconds` is how long one clip may take.

    Raises InvalidRequest for an executor that takes no calls, WaitInterrupted where the stop button ends it: what was told then is kept.
    """
    if not subjects:
        return
    size = max(1, min(task.batch_size, len(subjects)))
    batches = [tuple(subjects[i : i + size]) for i in range(0, len(subjects), size)]
    # One clip's time more, for what a measure loads.
    limit = seconds * (size + (task.batch_size > 1))
    own: Executor
    if is_client(executor):
        own = DaskCluster(executor, limit)
    elif executor is not None:
        _Run(task, executor, told, limit).all(batches)
        return
    else:
        own = Processes(min(workers or task.workers or os.cpu_count() or 1, len(batches)), limit)
    try:
        _Run(task, own, told, None).all(batches)
    finally:
        own.shutdown(wait=False, cancel_futures=True)


class _Run:
    """One measuring. `limit` is after how many seconds without any answer an executor that is not ours is given up; None: it is ours."""

    def __init__(self, task: Task, executor: Executor, told: Told, limit: float | None) -> None:
        self._task, self._executor, self._told, self._limit = task, executor, told, limit
        self._here = Here(task.measure) if isinstance(executor, ThreadPoolExecutor) else None
        self._pending: dict[Future[list[Outcome]], tuple[tuple[Subject, ...], Task]] = {}
        self._travels_whole = False
        self._done = 0

    def all(self, batches: Sequence[tuple[Subject, ...]]) -> None:
        try:
            for batch in batches:
                self._submit(batch)
            heard = time.monotonic()
            while self._pending:
                done, _ = wait(self._pending, SLICE_SECONDS, FIRST_COMPLETED)
                for future in done:
                    self._take(*self._pending.pop(future), future)
                now = time.monotonic()
                heard = now if done else heard
                if self._limit is not None and now - heard > self._limit:
                    self._give_up(f"the executor gave no answer within {self._limit:g} s; timeout= sets another limit")
        except KeyboardInterrupt:
            self._cancel()
            raise WaitInterrupted(
                f"stopped measuring {self._task.name}; {self._done} clips that were measured are kept: run it again for the others"
            ) from None
        except BaseException:
            self._cancel()
            raise

    def _submit(self, batch: tuple[Subject, ...]) -> None:
        clips = [(subject.path, list(subject.others)) for subject in batch]
        compares = self._task.compares_takes
        try:
            if self._here is not None:
                future = self._executor.submit(self._here.answer, clips, compares=compares)
            else:
                future = self._executor.submit(answer, self._task.pickled, clips, compares=compares)
        except BrokenExecutor:
            self._tell(batch, [Outcome(reason=_broken())] * len(batch))
            return
        except SeedanceError:
            raise
        except Exception as error:
            raise InvalidRequest(
                f"the executor takes no calls ({one_line(error, 100)}); give one that is open, or leave executor= away"
            ) from None
        self._pending[future] = batch, self._task

    def _take(self, batch: tuple[Subject, ...], task: Task, future: Future[list[Outcome]]) -> None:
        # Asked for, not raised: the stop button's own KeyboardInterrupt must not be taken for one of the measure.
        error = CancelledError() if future.cancelled() else future.exception()
        if error is None:
            outcomes = future.result()
            strange = any(outcome.is_strange for outcome in outcomes)
            if strange and (task is not self._task or self._travel_whole()):
                self._submit(batch)
            else:
                self._tell(batch, outcomes)
        elif isinstance(error, WorkerDiedError) and len(batch) > 1:
            for subject in batch:  # which of them it was shows when each has a worker for itself
                self._submit((subject,))
        elif isinstance(error, SeedanceError):
            raise error
        else:
            self._tell(batch, [Outcome(reason=_reason(error))] * len(batch))

    def _travel_whole(self) -> bool:
        """A worker could not import the module of the measure: whether it can be sent with it instead."""
        if not self._travels_whole:
            whole = self._task.travelling_whole()
            if whole is None:
                return False
            self._task, self._travels_whole = whole, True
            return True
        return False

    def _tell(self, batch: tuple[Subject, ...], outcomes: Sequence[Outcome]) -> None:
        self._done += sum(not outcome.reason for outcome in outcomes)
        self._told(list(zip(batch, outcomes, strict=True)))

    def _give_up(self, reason: str) -> None:
        pending, self._pending = self._pending, {}
        for future, (batch, _) in pending.items():
            future.cancel()
            self._tell(batch, [Outcome(reason=reason)] * len(batch))

    def _cancel(self) -> None:
        for future in self._pending:
            future.cancel()


def _reason(error: BaseException) -> str:
    if isinstance(error, WorkerDiedError):
        return str(error)
    if isinstance(error, BrokenExecutor):
        return _broken()
    if isinstance(error, CancelledError):
        return "the executor cancelled it"
    return f"{type(error).__name__}: {one_line(error, 160)}"


def _broken() -> str:
    return (
        "the executor is broken: one of its workers died; without executor= a worker that dies takes its own clip alone"
    )
