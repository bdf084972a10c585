"""Job: what a user holds of one take."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol

from ..api.canonical_text import canonical_text
from ..api.deadlines import LivedTime
from ..api.fields import refuse_others
from ..api.models import Status, VideoRequest
from ..clips.clip import Clip
from ..errors import (
    ClipError,
    ConfigurationError,
    GenerationCancelled,
    GenerationFailed,
    InvalidRequest,
    OutcomeUnknown,
    SeedanceError,
    WaitTimeout,
    one_line,
)
from ..keywords import UNSET, Unset, refusing_others
from ..settings import Limits
from ..showing import Shown
from ..snapshot import Snapshot
from .background import log

SLICE_SECONDS = 0.1
"""Waits are cut into slices: a lock held longer cannot be interrupted on every system."""
LONGEST_STEP = 0.5
"""Of a slice that took longer the process did not live the rest, and the time-out of a wait does not count it."""


_WAITERS: weakref.WeakSet[asyncio.Future[None]] = weakref.WeakSet()


def is_awaited_in(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a coroutine of this loop awaits a job just now."""
    return any(waiter.get_loop() is loop and not waiter.done() for waiter in list(_WAITERS))


WaitStrategy = Callable[["Job", float | None], bool]
"""How to block until the job is done, at most so many seconds; False when they ran out. May raise WaitInterrupted."""


class WaitInterrupted(KeyboardInterrupt):
    """The stop button ended a wait; the job goes on. Says so in one line instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


class Origin(Protocol):
    """Where a stored job comes back from; can be pickled, and holds no key of the service."""

    def job(self, key: str) -> Job:
        """The job with this key: the one that is followed, or one read from the ledger."""

    def shot_after(self, clip: Clip, prompt: str, options: Mapping[str, Any]) -> Job:
        """Ask for a video that begins with the last frame of this clip. Raises as `seedance_nb.submit`."""


class Follower(Protocol):
    """Whoever follows jobs, as far as a Job has to do with it. Everything may be called from any thread."""

    wait_strategy: WaitStrategy
    """How a wait blocks where this kernel's cells run."""

    @property
    def limits(self) -> Limits:
        """Timeouts, sizes and pace in force."""

    @property
    def origin(self) -> Origin | None:
        """Where its jobs come back from once they were stored; None: from nowhere."""

    @property
    def is_usable(self) -> bool:
        """False once closed, and in a forked child."""

    @property
    def is_current(self) -> bool:
        """Whether the caller runs in the background thread, which must not wait."""

    def mark(self, job: Job, changes: Mapping[str, Any]) -> None:
        """Record what somebody thinks of a job, and show it. Raises ConfigurationError where it cannot be written."""

    def follow(self, job: Job) -> None:
        """Follow a job if it is not followed yet; fetch the clip of a succeeded one that has none."""

    def cancel(self, job: Job) -> None:
        """Ask the service to cancel a job."""

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Run `function()` in the background thread after `seconds`."""

    def work(self, function: Callable[[], object]) -> None:
        """Run `function()` soon, in a thread for slow work."""

    def thumbnails(self, request: VideoRequest) -> list[str]:
        """A small picture of each reference of a request, as a data: address; "" where there is none."""


LONGEST_NOTE = 2000


class Job(Shown):
    """One take of one request, followed in the background until its clip is on disk or its end is known.

    Made by `seedance_nb.submit`; never by hand. All attributes may be read from any thread at any time.
    """

    def __init__(self, follower: Follower, snapshot: Snapshot) -> None:
        self._follower = follower
        self._snapshot = snapshot
        self._settled: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._claimed = threading.Event()
        self._listeners: list[Callable[[Snapshot], object]] = []
        self._lock = threading.Lock()
        self.is_reuse = False
        """Whether this Job stands for a row that another submit paid for; set by the runner."""
        self.is_recorded = True
        """False when it was refused before there was a row of it; set by the runner."""
        self.reuse_notes: tuple[str, ...] = ()
        """What to tell of that; set by the runner."""
        self.is_foreign = False
        """Whether its row belongs to another service than the one this session talks to; set by the runner."""
        self.wants_its_file_now = False
        """Whether `download_again` was called since the runner last looked."""
        self.times_waited_for = 0
        """How often somebody began to wait for it, in a cell or a coroutine."""
        self.is_awaited = False
        """Whether a notebook run by a program waits for it at the end of its cells and fails with it: it was asked for here, nobody said
        otherwise, and nobody was told yet what became of it.
        """

    # What is known -------------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """All that is known now, as one immutable picture."""
        return self._snapshot

    @property
    def key(self) -> str:
        """Our own id of the job, there from the first moment; `attach` takes it too."""
        return self._snapshot.key

    @property
    def request(self) -> VideoRequest:
        """What was asked for."""
        return self._snapshot.request

    @property
    def take(self) -> int:
        """Which independent video of this request, from 1."""
        return self._snapshot.take

    @property
    def request_id(self) -> str | None:
        """The service's id, once it has accepted."""
        return self._snapshot.request_id

    @property
    def status(self) -> Status:
        """Where the job stands."""
        return self._snapshot.status

    @property
    def status_text(self) -> str:
        """The service's own word for it, also one that we do not know."""
        return self._snapshot.status_text

    @property
    def starred(self) -> bool:
        """Whether somebody gave it a star."""
        return self._snapshot.starred

    @property
    def noted(self) -> str | None:
        """What somebody wrote about it."""
        return self._snapshot.noted

    @property
    def answer_extra(self) -> Mapping[str, Any]:
        """What the service answered beyond what this package reads, by its own names; the newest of each. Empty where there is nothing."""
        return dict(self._snapshot.answer_extra or {})

    @property
    def credits(self) -> float | None:
        """Credits this job was charged: 0 if it was reused or surely not accepted, None while nobody knows."""
        return self._snapshot.credits

    @property
    def error(self) -> SeedanceError | None:
        """Why there is no clip, once that is known."""
        snapshot = self._snapshot
        if snapshot.error is None and snapshot.clip is not None and snapshot.clip.is_lost:
            error = snapshot.clip.loss()
            error.job = self
            return error
        return snapshot.error

    @property
    def clip(self) -> Clip | None:
        """The verified MP4 on disk, or None while (or because) there is none: its file may be gone or changed since."""
        clip = self._snapshot.traced_clip
        return None if clip is None or clip.is_lost else clip

    @property
    def reused(self) -> bool:
        """Whether the ledger had it: nothing was sent and nothing charged."""
        return self._snapshot.reused

    # Waiting -------------------------------------------------------------------------------------

    def done(self) -> bool:
        """Whether nothing more will come by itself."""
        return self._settled.done()

    def result(self, timeout: float | None = None) -> Clip:
        """Wait for the clip, at most `timeout` seconds; the notebook's own asyncio tasks go on meanwhile.

        A file that was deleted or changed since is fetched again, without a new create.
        Raises the job's error (GenerationFailed, GenerationCancelled, OutcomeUnknown, ApiError, ClipError, …), or WaitTimeout,
        after which the job still goes on. The stop button ends the wait only.
        """
        self._fetch_what_was_lost()
        self.times_waited_for += 1
        if not self.done():
            if self._follower.is_current:
                raise RuntimeError("job.result() would wait for itself here; use job.add_done_callback instead")
            self.follow()
            if not self._follower.wait_strategy(self, timeout):
                self.is_awaited = False  # so long, and no longer
                trouble = f" ({self._snapshot.trouble})" if self._snapshot.trouble else ""
                raise WaitTimeout(f"no clip within {timeout:g} s{trouble}; {self._goes_on()}", job=self)
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Clip]:
        self._fetch_what_was_lost()
        if not self.done():
            self.follow()
            try:
                yield from self.waiter(asyncio.get_running_loop()).__await__()
            except asyncio.CancelledError as stop:
                # The very same exception, only dressed: asyncio.timeout of Python 3.11 and 3.12 knows no subclass of it.
                text = self._goes_on()
                stop.args = (text,)
                vars(stop)["_render_traceback_"] = lambda: [f"stopped waiting: {text}"]
                raise
        return self._outcome()

    async def wait(self) -> Clip:
        """`await job` as a coroutine, for what takes nothing else: `asyncio.create_task(job.wait())`, `asyncio.run(job.wait())`."""
        return await self

    def waiter(self, loop: asyncio.AbstractEventLoop, seconds: float | None = None) -> asyncio.Future[None]:
        """A future of `loop` that ends with the job, or after so many lived seconds; cancelling it never touches the job."""
        self.times_waited_for += 1
        future: asyncio.Future[None] = loop.create_future()
        _WAITERS.add(future)
        lived = LivedTime(LONGEST_STEP)

        def end() -> None:
            if not future.done():
                future.set_result(None)

        def wake(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # that loop may be closed by now
                loop.call_soon_threadsafe(end)

        def stay_awake() -> None:
            # ipykernel's handler of the stop button does not wake an idle loop: without this it would wait for the job.
            left = SLICE_SECONDS if seconds is None else min(SLICE_SECONDS, seconds - lived())
            if left <= 0:
                end()
            elif not future.done():
                loop.call_later(left, stay_awake)

        self._settled.add_done_callback(wake)
        stay_awake()
        return future

    def add_done_callback(self, function: Callable[[Job], object]) -> None:
        """Call `function(job)` once it is done, in the background thread (at once if it is done already)."""
        if (
            getattr(function, "__module__", None) == "asyncio.tasks"
        ):  # it takes a Job for a future of its loop, and would never wake
            raise TypeError("asyncio.wait takes tasks, not jobs: asyncio.wait([asyncio.create_task(job.wait())])")

        def call(_: object) -> None:
            try:
                function(self)
            except Exception:
                log.exception("a done callback of %s failed", self.key)

        self._settled.add_done_callback(call)

    def interrupted(self) -> WaitInterrupted:
        """The exception for a wait that the stop button ended. Nothing waits for it by itself any more."""
        self.is_awaited = False
        return WaitInterrupted(f"stopped waiting; {self._goes_on()}")

    # Acting --------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Have it followed, if it is not already: free, and nothing is submitted. Whoever waits for a job that nobody can follow any
        more (its session was closed, or left behind by a fork) is let go.
        """
        self._follower.follow(self)
        if not self._follower.is_usable:
            self.abandon()

    def cancel(self) -> None:
        """Ask the service to cancel. Returns at once; only a following look tells whether it worked."""
        self._follower.cancel(self)

    def download_again(self) -> None:
        """Fetch the clip of a succeeded job whose file is not there, from a fresh address; never a new create. Returns at once.

        Not there is also what was deleted, cut or replaced since. Ends the pause before the next try, if there is one.
        """
        if self.status is Status.SUCCEEDED and self.clip is None and not self.is_foreign:
            self.wants_its_file_now = True
            with self._lock:
                if self._settled.done():
                    self._settled = concurrent.futures.Future()
        self._follower.follow(self)

    @refusing_others(refuse_others)
    def then(
        self,
        prompt: str,
        *,
        model: str | Unset = UNSET,
        aspect_ratio: str | Unset | None = UNSET,
        duration: int | Unset | None = UNSET,
        resolution: str | Unset | None = UNSET,
        extra: Mapping[str, Any] | Unset | None = UNSET,
        webhook_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        take: int = 1,
        fresh: bool = False,
        max_credits: float | None = None,
    ) -> Job:
        """Ask for the next shot: a video that begins with the last frame of this one's clip, which is waited for. Returns its Job at once then.

        Settings that are not named are those of this job; all else as for `seedance_nb.submit`. The frame is uploaded to where
        `seedance_nb.configure(uploads=…)` says. The same shot after the same clip is the same video and costs nothing again. Raises as
        `submit`, and InvalidRequest where this job has no clip: then nothing was sent.
        """
        try:
            clip = self.result()
        except SeedanceError as error:
            raise InvalidRequest(
                f"there is no clip to go on from ({one_line(error, 200)}); nothing was sent and nothing charged for this one"
            ) from None
        origin = self._follower.origin
        if origin is None:
            raise ConfigurationError("a job of a session that was not made by seedance_nb cannot be gone on from")
        own = self.request
        named = {
            "model": model,
            "aspect_ratio": aspect_ratio,
            "duration": duration,
            "resolution": resolution,
            "extra": extra,
        }
        settings = {name: getattr(own, name) if isinstance(value, Unset) else value for name, value in named.items()}
        others = {
            "webhook_url": webhook_url,
            "metadata": metadata,
            "take": take,
            "fresh": fresh,
            "max_credits": max_credits,
        }
        return origin.shot_after(clip, prompt, {**settings, **others})

    def star(self, starred: bool = True) -> None:
        """Give it a star, or take it away; kept in the ledger, found by `seedance_nb.jobs(starred=True)`. Raises ConfigurationError."""
        if not isinstance(starred, bool):
            raise InvalidRequest(f"star takes True or False, not {one_line(repr(starred), 40)}")
        self._follower.mark(self, {"starred": starred})

    def note(self, text: str | None) -> None:
        """Write something about it, at most 2,000 letters; an empty text takes it away. Kept in the ledger, found by
        `seedance_nb.jobs(text=…)`. Raises InvalidRequest, ConfigurationError.
        """
        if text is not None and not isinstance(text, str):
            raise InvalidRequest(f"a note is text, not {one_line(type(text).__name__, 40)}")
        plain = canonical_text(text or "").strip()
        if len(plain) > LONGEST_NOTE:
            raise InvalidRequest(f"a note has at most {LONGEST_NOTE:,} letters, not {len(plain):,}")
        if any("\ud800" <= c <= "\udfff" for c in plain):
            raise InvalidRequest("the note holds half a character (a lone surrogate); type it again")
        self._follower.mark(self, {"noted": plain or None})

    def _fetch_what_was_lost(self) -> None:
        """A file that was there and is not: nobody else would notice."""
        clip = self._snapshot.clip
        if clip is not None and clip.is_lost:
            self.download_again()

    @property
    def limits(self) -> Limits:
        """Timeouts, sizes and pace in force where it is followed."""
        return self._follower.limits

    def thumbnails(self) -> list[str]:
        """A small picture of each of its references, as a data: address; "" where there is none."""
        return self._follower.thumbnails(self.request)

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Run `function()` in the background thread after `seconds`; from any thread. It must not wait there."""
        self._follower.call_later(seconds, function)

    def work(self, function: Callable[[], object]) -> None:
        """Run `function()` soon beside the background thread, for what is slow: files, pictures, base64; from any thread."""
        self._follower.work(function)

    def to_html(self, embed_limit: int | None = None) -> str:
        """The job as the HTML that a notebook stores of it: its clip inside, why there is none, or how to get it back while it runs.

        Needs no kernel. Above `embed_limit` bytes (None: the session's) a small preview is put in instead of the file.
        """
        # The one arrow up: text is made in the room of pages, and whoever holds a job should not need to know which.
        from ..pages.job_page import job_html

        return job_html(self.snapshot, self.limits.embed_limit if embed_limit is None else embed_limit)

    def subscribe(self, listener: Callable[[Snapshot], object]) -> Callable[[], None]:
        """Call `listener(snapshot)` at every change, in the background thread; returns the way to stop it."""
        with self._lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return stop

    @property
    def is_watched(self) -> bool:
        """Whether somebody subscribed to its changes."""
        return bool(self._listeners)

    # Delivery, by the runner ----------------------------------------------------------------------

    def deliver(self, snapshot: Snapshot) -> None:
        """Take the newest picture and tell everybody; called by the runner only."""
        if snapshot.error is not None:
            snapshot.error.job = self
        with self._lock:
            self._snapshot = snapshot
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(snapshot)
            except Exception:
                log.exception("a listener of %s failed", self.key)
        if snapshot.is_settled and not self._settled.done():
            self._claimed.set()
            self._settled.set_result(None)

    def abandon(self) -> None:
        """Free whoever still waits when following stops; called by the runner only."""
        self._claimed.set()
        if not self._settled.done():
            self._settled.set_result(None)

    def claimed(self) -> None:
        """The ledger has decided what this intention is: new or known; called by the runner only."""
        self._claimed.set()

    def wait_until_claimed(self, seconds: float | None) -> bool:
        """Block until `claimed`, at most `seconds`; None: until then, or until nobody is left who could say it."""
        if seconds is not None:
            return self._claimed.wait(seconds)
        try:
            while not self._claimed.wait(SLICE_SECONDS):
                if not self._follower.is_usable:
                    return self._claimed.is_set()
        except KeyboardInterrupt:
            raise self.interrupted() from None
        return True

    def wait_in_slices(self, seconds: float | None) -> bool:
        """Block without a notebook around: plain scripts, terminals, other threads. True once done."""
        lived = LivedTime(LONGEST_STEP)
        settled = self._settled
        try:
            while not settled.done():
                left = SLICE_SECONDS if seconds is None else min(SLICE_SECONDS, seconds - lived())
                if left <= 0:
                    return False
                concurrent.futures.wait([settled], left)
        except KeyboardInterrupt:
            raise self.interrupted() from None
        return True

    def _outcome(self) -> Clip:
        self.is_awaited = False  # here it is told
        snapshot = self._snapshot
        if (clip := self.clip) is not None:
            return clip
        if (error := self.error) is not None:
            raise error.with_traceback(None)
        name = self.request_id or self.key
        raise ClipError(
            f"following stopped while the job was {snapshot.status_text}; it goes on at the service: %seedance attach {name}",
            job=self,
        )

    def _goes_on(self) -> str:
        name = self.request_id or self.key
        return f"job {name} goes on in the background: %seedance attach {name} shows it, %seedance cancel {name} cancels it"

    def __repr__(self) -> str:
        # What asyncio says where it takes coroutines alone holds this text, so it names the cure.
        name = self.request_id or self.key
        return f"<Job {name} {self.status_text}: {one_line(self.request.prompt, 50)!r}; as a coroutine: job.wait()>"

    # Copies ----------------------------------------------------------------------------------------

    def __copy__(self) -> Job:
        return self  # a job is what happens at the service: there are no two of it

    def __deepcopy__(self, _memo: object) -> Job:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """To its key and where its ledger lies, never a key of the service; it comes back through that ledger."""
        if not self._follower.is_current:
            self.wait_until_claimed(None)  # until then nobody knows which row it stands for
        if self.status is Status.REJECTED and not self.is_recorded:
            raise ConfigurationError(
                "this job was refused before it was recorded, so it cannot be stored; submit it again"
            )
        origin = self._follower.origin
        if origin is None:
            raise ConfigurationError("a job of a session that was not made by seedance_nb cannot be stored")
        return origin.job, (self.key,)


def failure_of(jobs: Sequence[Job]) -> SeedanceError | None:
    """One error for those of these that ended without a video, None if there are none. What was cancelled from here is no failure."""
    failed = [
        (job, error)
        for job in jobs
        if job.done() and (error := job.error) is not None and not _was_cancelled_here(job.snapshot)
    ]
    if not failed:
        return None
    job, error = failed[0]
    if len(jobs) == 1:
        return error.with_traceback(None)
    text = f"{len(failed)} of {len(jobs)} videos did not come; {one_line(job.request.prompt, 60)!r}: {error}"
    return GenerationFailed(text, job=job)


def _was_cancelled_here(snapshot: Snapshot) -> bool:
    return snapshot.cancel_requested and snapshot.status is Status.CANCELLED


def error_of(kind: str | None, text: str, status: Status) -> SeedanceError:
    """The error of a job read back from the ledger."""
    from .. import errors

    found = getattr(errors, kind or "", None)
    if isinstance(found, type) and issubclass(found, SeedanceError):
        return found(text)
    fallback = {Status.CANCELLED: GenerationCancelled, Status.UNKNOWN: OutcomeUnknown, Status.SUCCEEDED: ClipError}
    return fallback.get(status, GenerationFailed)(text)
