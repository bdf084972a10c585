"""Looks into downloads in a process of its own: what comes from a stranger is decoded where it can break nothing.

A decoder that crashes on a hostile file ends that process and not the notebook's kernel; the 30 MB of the decoder, and the
milliseconds it holds the interpreter, are not the kernel's either. Where no process can be started, the work is done here.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ..api.deadlines import LivedTime
from ..errors import ClipError
from .playing import TooLarge

log = logging.getLogger("seedance_nb")

MEMORY = 3_000_000_000
"""Bytes that the process may take, where the system can hold it to that: 4K needs a quarter of it."""
IDLE_SECONDS = 60.0
"""The process ends by itself when nothing came for so long."""
LONGEST_SECONDS = 180.0
"""For one file; the disk may be slow, and a preview is the work of some seconds."""
WATCH_SECONDS = 1.0
"""The time for a file is counted in such steps: what passes while this process is stopped is not its fault."""
_COMMAND = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from seedance_nb.clips.inspector import serve; serve()"
)


class Inspector:
    """Does the work of `clips.inspect` and `previews.transcode` in another process, one file at a time; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._is_possible = True

    def __call__(self, part: Path, poster: Path) -> dict[str, Any]:
        """As `clips.inspect`. Raises ClipError, also when the decoder crashed, and OSError when the disk fails."""
        answer = self._answer_to({"part": str(part), "poster": str(poster)})
        if answer is None:
            from .store import inspect

            return inspect(part, poster)
        facts: dict[str, Any] = answer["facts"]
        return facts

    def preview(self, source: Path, target: Path, side: int) -> None:
        """As `previews.transcode`, raising as above."""
        if self._answer_to({"source": str(source), "target": str(target), "side": side}) is None:
            from .previews import transcode

            transcode(source, target, side)

    def _answer_to(self, question: dict[str, Any]) -> dict[str, Any] | None:
        """What the other process says of it; None where there can be none."""
        with self._lock:
            for _ in range(2):  # the process may just have gone to sleep for good: then the question goes to another
                if not self._is_possible or not self._is_running():
                    break
                answer = self._ask(question)
                if answer is not None:
                    _raise_if_error(answer)
                    return dict(answer)
                self._end()
        if self._is_possible:
            raise ClipError("the file is no MP4 that can be played (looking into it made the decoder crash)")
        return None

    def prepare(self) -> None:
        """Start the process if there is none, so that a file that is on its way need not wait for it."""
        if self._lock.acquire(blocking=False):
            try:
                if self._is_possible:
                    self._is_running()
            finally:
                self._lock.release()

    def close(self) -> None:
        """End the process, if there is one. Idempotent."""
        held = self._lock.acquire(timeout=1.0)
        try:
            self._end()
        finally:
            if held:
                self._lock.release()

    def _is_running(self) -> bool:
        """Whether there is a process to ask, after starting one where none is left."""
        if self._process is not None and self._process.poll() is None:
            return True
        self._end()
        # Its own session, so that the notebook's stop button is none of its business; no key in its environment.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEEDANCE_")}
        # What libraries set aside for each core of a large machine would count against MEMORY.
        environment |= {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
        try:
            # -B: on a disk that is full it would leave halves of compiled modules, which nobody can import any more.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
                [sys.executable, "-I", "-B", "-c", _COMMAND, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
            self._is_possible = self._ask(None) == {"ready": True}
        except OSError as error:
            log.debug("no process for inspecting: %s", error)
            self._is_possible = False
        if not self._is_possible:
            self._end()
        return self._is_possible

    def _ask(self, question: dict[str, Any] | None) -> Any:
        """Its answer; None when it ended instead."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        answered = threading.Event()
        threading.Thread(target=_end_when_overdue, args=(self._process, answered), daemon=True).start()
        try:
            if question is not None:
                self._process.stdin.write(json.dumps(question) + "\n")
                self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            return None
        finally:
            answered.set()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _end_when_overdue(process: subprocess.Popen[str], answered: threading.Event) -> None:
    lived = LivedTime(2 * WATCH_SECONDS)
    while lived() < LONGEST_SECONDS:
        if answered.wait(WATCH_SECONDS):
            return
    process.kill()


def _raise_if_error(answer: dict[str, Any]) -> None:
    if "errno" in answer:
        raise OSError(answer["errno"], answer["error"])
    if "error" in answer:
        raise (TooLarge if answer["is_too_large"] else ClipError)(answer["error"])


def serve() -> None:
    """The other process: answers a line of JSON with a line of JSON, until there is nobody to answer."""
    from .previews import transcode
    from .store import inspect, warm_up

    warm_up()
    _take_no_more_memory_than(MEMORY)
    _say({"ready": True})
    while _something_comes() and (line := sys.stdin.readline()):
        question = json.loads(line)
        _end_after(LONGEST_SECONDS)
        try:
            if "part" in question:
                _say({"facts": inspect(Path(question["part"]), Path(question["poster"]))})
            else:
                transcode(Path(question["source"]), Path(question["target"]), question["side"])
                _say({})
        except ClipError as error:
            _say({"error": str(error), "is_too_large": isinstance(error, TooLarge)})
        except OSError as error:
            _say({"errno": error.errno, "error": error.strerror})


def _take_no_more_memory_than(size: int) -> None:
    """Have the system refuse this process more; where it cannot, the limits on pixels and pictures have to do."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _end_after(seconds: float) -> None:
    """Have the system end this process after so much more work: nobody else might be left to do it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        most = int(used.ru_utime + used.ru_stime + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _something_comes() -> bool:
    try:
        return bool(select.select([sys.stdin], [], [], IDLE_SECONDS)[0])
    except (OSError, ValueError):  # Windows cannot wait for a pipe: there the process ends with its parent
        return True
