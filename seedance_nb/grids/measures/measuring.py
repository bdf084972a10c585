"""Measuring the clips of a grid: which files, what the ledger knows already, who measures the others. Sends nothing, costs no credits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ...clips.clip import Clip
from ...errors import InvalidRequest, one_line
from ...tracking.session import Session
from ..executors.chosen import check_executor
from ..executors.progress import Progress, show
from ..picture import GridPicture, Tile
from .measured import Judge, Measures, measures_of
from .running import Subject, run
from .what import task_of
from .worker import Outcome


def measure(
    picture: GridPicture,
    session: Session,
    measure: Any,
    executor: Any,
    judge: Judge,
    *,
    name: str | None,
    version: str,
    workers: int | None,
    timeout: float,
) -> Measures:
    """See `Grid.measure`."""
    check_executor(executor)
    _check_numbers(executor, workers, timeout)
    task = task_of(measure, name, version, in_threads=isinstance(executor, ThreadPoolExecutor))
    subjects, reasons = _subjects(picture, compares_takes=task.compares_takes)
    if not subjects and not reasons:
        raise InvalidRequest("there is no clip to measure yet: grid.submit(), then grid.result(), and measure again")
    different = {subject.key: subject for subject in subjects.values()}
    which = (task.name, task.version, task.source)
    known = session.ask_ledger(lambda ledger: ledger.measurements.known(*which, different))
    wanted = [subject for key, subject in different.items() if key not in known]
    found, failed = dict(known), {}
    progress = Progress(f"measuring {task.name}", len(wanted))
    if wanted:
        show(progress)

    def told(outcomes: Sequence[tuple[Subject, Outcome]]) -> None:
        new = {subject.key: dict(outcome.values) for subject, outcome in outcomes if not outcome.reason}
        failed.update({subject.key: outcome.reason for subject, outcome in outcomes if outcome.reason})
        if new:
            found.update(new)
            session.ask_ledger(lambda ledger: ledger.measurements.keep(*which, new))
        for _, outcome in outcomes:
            progress.add(failed=bool(outcome.reason))

    run(task, wanted, executor, told, workers=workers, seconds=timeout)
    return measures_of(
        task.name,
        picture,
        {job: found[subject.key] for job, subject in subjects.items() if subject.key in found},
        {**reasons, **{job: failed[subject.key] for job, subject in subjects.items() if subject.key in failed}},
        judge,
        known=sum(subject.key in known for subject in subjects.values()),
        measure=task.title,
    )


def _check_numbers(executor: Any, workers: Any, timeout: Any) -> None:
    if workers is not None and executor is not None:
        raise InvalidRequest("workers= is for the processes of our own; an executor of yours has its own number")
    if workers is not None and (type(workers) is not int or workers < 1):
        raise InvalidRequest(f"workers must be a whole number from 1, not {one_line(repr(workers), 40)}")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 1e6:
        raise InvalidRequest(
            f"timeout must be seconds a clip, above 0 and up to 1,000,000, not {one_line(repr(timeout), 40)}"
        )


def _subjects(picture: GridPicture, *, compares_takes: bool) -> tuple[dict[str, Subject], dict[str, str]]:
    """By job key: what is to be measured, and why that is not possible."""
    subjects, reasons = {}, {}
    there: dict[str, dict[str, Clip]] = {}
    for tile in picture.tiles:
        if (clip := tile.clip) is None or tile.snapshot is None or tile.snapshot.key in reasons:
            continue
        if clip.is_lost:
            reasons[tile.snapshot.key] = str(clip.loss())
        else:
            there.setdefault(_request_of(tile), {})[tile.snapshot.key] = clip
    for takes in there.values():
        for job, clip in takes.items():
            if not compares_takes:
                subjects[job] = Subject(clip.sha256, clip.path)
                continue
            others = sorted((other.sha256, other.path) for key, other in takes.items() if key != job)
            key = hashlib.sha256(":".join([clip.sha256, *(sha for sha, _ in others)]).encode()).hexdigest()
            subjects[job] = Subject(key, clip.path, tuple(path for _, path in others))
    return subjects, reasons


def _request_of(tile: Tile) -> str:
    """Equal for takes of one request."""
    return "" if tile.cell.request is None else tile.cell.request.canonical_hash()
