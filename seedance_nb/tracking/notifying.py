"""A word when a job is done: a function or a command of the user's, which can do the job no harm."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ConfigurationError, one_line
from .background import log
from .job import Job

Notify = Callable[[Job], object] | Sequence[str]
"""A function of the job, or a command as a list of arguments (no shell), which gets one more: "succeeded: a paper boat"; or "browser"."""

BROWSER = "browser"
"""The page that shows a job's card, or a grid's board, tells of its end by the browser's notification, if the person has allowed that."""

COMMAND_SECONDS = 30.0
MOST_AT_ONCE = 4
"""Of notifiers that hang no more than so many are left hanging; who is not told then is in the log."""
_WRONG = "notify must be a function of the job, a command as a list of texts such as ['notify-send', 'Seedance'], or 'browser'"
_NOT_PASSED_ON = ("SEEDANCE_API_KEY",)


def check_notify(notify: object) -> Notify | None:
    """Raises ConfigurationError for what tells nobody anything."""
    if notify is None or callable(notify) or (isinstance(notify, str) and notify == BROWSER):
        return notify
    words = notify if isinstance(notify, list | tuple) else ()
    is_command = all(isinstance(word, str) and "\0" not in word for word in words) and any(words[:1])
    if is_command and words[0].strip():
        return tuple(words)
    shell = "; there is no shell: give its words one by one" if isinstance(notify, str) else ""
    raise ConfigurationError(f"{_WRONG}, not {one_line(repr(notify), 60)}{shell}")


class Notifying:
    """Tells of each job once, when it ends. Off until it is told whom to tell."""

    def __init__(self, notify: Notify | None) -> None:
        self.target = check_notify(notify)
        self._watched: set[str] = set()
        self._ending: set[str] = set()
        self._own: dict[str, Notify] = {}
        self._slots = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._telling: list[threading.Thread] = []

    def finish(self, jobs: Sequence[Job] = (), seconds: float = COMMAND_SECONDS) -> None:
        """Wait until those of these that have ended have been told of: a process that ends would cut it off."""
        until = time.monotonic() + seconds
        ended = {job.key for job in jobs if job.done()}
        while (
            ended & (self._watched | self._ending) and time.monotonic() < until
        ):  # its callback has not been called yet
            time.sleep(0.01)
        for thread in list(self._telling):
            thread.join(max(0.0, until - time.monotonic()))

    def watch(self, job: Job) -> None:
        """Tell when this job ends; of what has ended already nobody waits to hear."""
        with self._lock:
            if job.done() or job.key in self._watched:
                return
            self._watched.add(job.key)
        since = time.time()
        job.add_done_callback(lambda ended: self._ended(ended, since))

    def watch_for(self, job: Job, target: Notify, since: float) -> None:
        """Tell this one, in place of whoever is told of all; `since` is when it was asked for, in epoch seconds: it may have ended again."""
        with self._lock:
            self._own[job.key] = target
            if job.key in self._watched:
                return
            ended = job.snapshot.finished_at
            if not job.done() or (ended is not None and ended < since):  # nobody has waited for it
                del self._own[job.key]
                return
        self._ended(job, since)

    def _ended(self, job: Job, since: float) -> None:
        """In the background thread, which must not wait."""
        with self._lock:
            self._ending.add(job.key)
            self._watched.discard(job.key)
            target = self._own.pop(job.key, self.target)
        try:
            self._tell_soon(job, target, since)
        finally:
            self._ending.discard(job.key)

    def _tell_soon(self, job: Job, target: Notify | None, since: float) -> None:
        snapshot = job.snapshot
        if target is None or target == BROWSER or not snapshot.is_settled:
            return
        if snapshot.reused and snapshot.finished_at is not None and snapshot.finished_at < since:
            return  # the ledger had it: nobody has waited
        if not self._slots.acquire(blocking=False):
            log.warning("nobody was told of %s: %d notifiers hang", job.key, MOST_AT_ONCE)
            return
        try:
            teller = threading.Thread(target=self._tell, args=(target, job), name="seedance-notify", daemon=True)
            teller.start()
            self._telling = [*(thread for thread in self._telling if thread.is_alive()), teller]
        except RuntimeError:  # no more threads, or the interpreter goes down
            self._slots.release()

    def _tell(self, target: Notify, job: Job) -> None:
        try:
            if callable(target):
                target(job)
            else:
                _run(target, words_of(job))
        except BaseException as error:  # sys.exit in it must not print a traceback either
            log.warning("the notifier failed for %s: %s", job.key, one_line(repr(error), 200))
        finally:
            self._slots.release()


def is_browser_told(session: Any) -> bool:
    """Whether `notify="browser"` is set for this session, if there is one."""
    return session is not None and session.notifying.target == BROWSER


def words_of(job: Job) -> str:
    """The job in one line: "succeeded: a paper boat on a rainy street"."""
    return f"{job.status.value}: {one_line(job.request.prompt, 120)}".replace("\0", "")


def _run(command: Sequence[str], words: str) -> None:
    import subprocess

    environment = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    nothing = subprocess.DEVNULL
    subprocess.run(  # noqa: S603 - the user's own command, and no shell
        [*command, words],
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        env=environment,
        timeout=COMMAND_SECONDS,
        check=True,
    )
