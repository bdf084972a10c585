"""Looks into downloads in a process of its own: what comes from a stranger is decoded where it can break nothing.

A decoder that crashes on a hostile file ends that process and not the notebook's kernel; the 30 MB of the decoder, and the
milliseconds it holds the interpreter, are not the kernel's either. Where no process can be started, the work is done here.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ..errors import ClipError
from .background import log

IDLE_SECONDS = 60.0
"""The process ends by itself when nothing came for so long."""
LONGEST_SECONDS = 180.0
"""For one file; the disk may be slow, the decoder only has one frame to do."""
_COMMAND = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from seedance_nb.jobs.inspector import serve; serve()"
)


class Inspector:
    """Does the work of `clips.inspect` in another process, one file at a time; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._is_possible = True

    def __call__(self, part: Path, poster: Path) -> dict[str, Any]:
        """As `clips.inspect`. Raises ClipError, also when the decoder crashed, and OSError when the disk fails."""
        with self._lock:
            for _ in range(2):  # the process may just have gone to sleep for good: then the question goes to another
                if not self._is_possible or not self._is_running():
                    break
                answer = self._ask({"part": str(part), "poster": str(poster)})
                if answer is not None:
                    return _facts_or_error(answer)
                self._end()
        if self._is_possible:
            raise ClipError("the file is no MP4 that can be played (looking into it made the decoder crash)")
        from .clips import inspect

        return inspect(part, poster)

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
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
                [sys.executable, "-I", "-c", _COMMAND, json.dumps(sys.path)],
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

    def _ask(self, question: dict[str, str] | None) -> Any:
        """Its answer; None when it ended instead."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        overdue = threading.Timer(LONGEST_SECONDS, self._process.kill)
        overdue.daemon = True
        overdue.start()
        try:
            if question is not None:
                self._process.stdin.write(json.dumps(question) + "\n")
                self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            return None
        finally:
            overdue.cancel()

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


def _facts_or_error(answer: dict[str, Any]) -> dict[str, Any]:
    if "facts" in answer:
        facts: dict[str, Any] = answer["facts"]
        return facts
    if "errno" in answer:
        raise OSError(answer["errno"], answer["error"])
    raise ClipError(answer["error"])


def serve() -> None:
    """The other process: answers a line of JSON with a line of JSON, until there is nobody to answer."""
    from .clips import inspect, warm_up

    warm_up()
    _say({"ready": True})
    while _something_comes() and (line := sys.stdin.readline()):
        question = json.loads(line)
        try:
            _say({"facts": inspect(Path(question["part"]), Path(question["poster"]))})
        except ClipError as error:
            _say({"error": str(error)})
        except OSError as error:
            _say({"errno": error.errno, "error": error.strerror})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _something_comes() -> bool:
    try:
        return bool(select.select([sys.stdin], [], [], IDLE_SECONDS)[0])
    except (OSError, ValueError):  # Windows cannot wait for a pipe: there the process ends with its parent
        return True
