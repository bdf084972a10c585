"""What a process uses, seen from outside, so that looking costs it nothing."""

from __future__ import annotations

import threading
import time

import psutil

CHILDREN_SECONDS = 0.1
"""Children are looked for at most this often: it means walking all processes."""


class Watch:
    """Peaks of memory and threads of a process between `start` and `stop`, and the CPU seconds used by it and its children."""

    def __init__(self, pid: int, every: float = 0.05) -> None:
        self._process, self._every = psutil.Process(pid), every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._children: list[psutil.Process] = []
        self._children_at = 0.0
        self._childrens_cpu: dict[int, float] = {}

    def start(self) -> None:
        self._memory, self._threads, self._family = self._sizes()
        self._most_memory, self._most_threads, self._most_family = self._memory, self._threads, self._family
        self._cpu = self._last_cpu = self._cpu_now()
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    @property
    def memory_mb(self) -> float:
        """Growth of its resident memory."""
        return (self._most_memory - self._memory) / 1e6

    @property
    def family_mb(self) -> float:
        """The same of it and its children together; pages they share are counted in each."""
        return (self._most_family - self._family) / 1e6

    @property
    def threads(self) -> int:
        """Growth of its number of threads, those of C libraries too."""
        return self._most_threads - self._threads

    @property
    def cpu_seconds(self) -> float:
        return self._last_cpu - self._cpu

    def _look(self) -> None:
        over = False
        while not over:
            over = self._over.wait(self._every)
            try:
                memory, threads, family = self._sizes()
                self._last_cpu = self._cpu_now()
            except psutil.NoSuchProcess:
                return
            self._most_memory = max(self._most_memory, memory)
            self._most_threads = max(self._most_threads, threads)
            self._most_family = max(self._most_family, family)

    def _sizes(self) -> tuple[int, int, int]:
        if time.monotonic() > self._children_at + CHILDREN_SECONDS:
            self._children_at = time.monotonic()
            self._children = self._process.children(recursive=True)
        memory, family = self._process.memory_info().rss, 0
        for child in self._children:
            try:
                family += child.memory_info().rss
                self._childrens_cpu[child.pid] = _seconds(child)
            except psutil.NoSuchProcess:
                continue
        return memory, self._process.num_threads(), memory + family

    def _cpu_now(self) -> float:
        return _seconds(self._process) + sum(self._childrens_cpu.values())


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
