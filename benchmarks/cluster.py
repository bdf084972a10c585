"""Clips measured by two workers of a Dask cluster, against one process of this machine: the same numbers, and how much sooner.

The cluster's workers are processes of their own that are spoken to over TCP; clips go there by content. Each way measures the same clips with the
same measure, once before that is not counted (processes start, libraries load), in turns, and the quickest turn of each counts. On a machine of two
cores two workers can be at most twice as fast, and the scheduler, the workers' own threads and this process take their part of that.

    python -m benchmarks cluster
"""

from __future__ import annotations

import itertools
import os
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seedance_nb.grids.executors.dask_cluster import DaskCluster
from seedance_nb.grids.executors.processes import Processes
from seedance_nb.grids.measures.running import Subject, _Run
from seedance_nb.grids.measures.what import task_of

from . import NothingMeasured
from .measures import scene, write

CLIPS = 64
FILMS = 8
PICTURES = 24
TURNS = 3
MEASURE = "motion"
TARGET = 1.6


def made(folder: Path) -> list[Subject]:
    """So many clips, each another file: some films with a box behind them that no player looks at."""
    films = [write(scene(seed, pictures=PICTURES), folder / f"film{seed}.mp4").read_bytes() for seed in range(FILMS)]
    subjects = []
    for number, film in zip(range(CLIPS), itertools.cycle(films), strict=False):
        path = folder / f"clip{number}.mp4"
        path.write_bytes(film + struct.pack(">I4sQ", 16, b"free", number))
        subjects.append(Subject(path.name, path))
    return subjects


def measured(executor: Any, subjects: list[Subject]) -> tuple[float, dict[str, float]]:
    """Seconds, and what came out."""
    found: dict[str, float] = {}

    def told(outcomes: Any) -> None:
        for subject, outcome in outcomes:
            if outcome.reason:
                raise NothingMeasured(f"{subject.key}: {outcome.reason}")
            found[subject.key] = outcome.values[""]

    began = time.monotonic()
    _Run(task_of(MEASURE), executor, told, None).all([(subject,) for subject in subjects])
    return time.monotonic() - began, found


def run() -> Iterator[str]:
    from distributed import Client, LocalCluster

    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, protocol="tcp", host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        subjects = made(Path(folder))
        ways = {
            "one process": Processes(1, 600.0),
            "two workers": DaskCluster(client, 600.0),
            "two processes": Processes(2, 600.0),
        }
        try:
            told = {name: measured(executor, subjects[:4])[1] for name, executor in ways.items()}
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(TURNS):
                for name, executor in ways.items():
                    lasted, told[name] = measured(executor, subjects)
                    seconds[name].append(lasted)
        finally:
            for executor in ways.values():
                executor.shutdown(wait=False, cancel_futures=True)
    if told["one process"] != told["two workers"] or len(told["one process"]) != CLIPS:
        raise NothingMeasured("the numbers of the cluster are not those of this machine")
    ratios = [one / two for one, two in zip(seconds["one process"], seconds["two workers"], strict=True)]
    one, two, here = (min(seconds[name]) for name in ways)
    yield f"{CLIPS} clips of {PICTURES} pictures, {MEASURE}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: the same numbers, to the bit"
    yield f"two workers against one process: {one / two:.2f} times as fast (turn by turn {', '.join(f'{ratio:.2f}' for ratio in ratios)})"
    yield f"two processes here against one:  {one / here:.2f} times as fast: what these cores have to give"
    yield f"target                           {TARGET:.2f} on two cores with nothing beside it"
