"""submit -> poll -> download -> record, for any number of jobs, in one background thread. It draws nothing.

Money first: an intention is committed to the ledger before its create is sent, a create is sent once, and an id is committed before
anybody is told of it. Every change reaches the jobs as an immutable Snapshot.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..api.models import Generation, Status, VideoRequest
from ..errors import (
    ApiError,
    AuthenticationError,
    BudgetExceeded,
    ClipError,
    ConfigurationError,
    ConnectionFailed,
    GenerationCancelled,
    GenerationFailed,
    OutcomeUnknown,
    RateLimited,
    SeedanceError,
    one_line,
)
from ..settings import Limits, Secret
from . import owner as owners
from .background import Background, log
from .budget import Budget
from .clips import AddressExpired, Arriving, Clips, receive
from .job import Job, WaitStrategy, error_of
from .ledger import Ledger, Record
from .polling import expected_life, look_after_trouble, next_look
from .snapshot import Clip, Snapshot

if TYPE_CHECKING:
    from ..api.client import Client

T = TypeVar("T")
TRIES_TO_REACH = 4
"""A create that surely never left is sent again so many times in all."""
TRIES_WHEN_BUSY = 6
"""A create that was refused with 429 is sent again so many times in all."""
LONGEST_BUSY_WAIT = 300.0
LOOKS_FOR_A_FILE = 12
"""`succeeded` without an address is looked at so often before the job is left without a clip."""
DOWNLOAD_TRIES = 6
PROGRESS_SECONDS = 0.25
"""Download progress is told at most this often."""
PAUSE_FOR_KEY = 60.0
CEILING_AFTER_CANCEL = 2.0
LEDGER_RETRY_SECONDS = 2.0


class Clock:
    """Time as the runner sees it; tests bring their own."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set or the seconds are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


@dataclasses.dataclass
class Followed:
    """A job inside the loop: its newest picture, the Jobs that show it, and what wakes it."""

    snapshot: Snapshot
    jobs: list[Job]
    wake: asyncio.Event
    task: asyncio.Task[None] | None = None
    unsaved: dict[str, Any] = dataclasses.field(default_factory=dict)
    cancel_sent: bool = False


class Runner:
    """All jobs of one key at one host. Made by Session; everything public may be called from any thread."""

    def __init__(
        self,
        *,
        base_url: str,
        key: Secret,
        account: str,
        limits: Limits,
        ledger: Ledger,
        clips: Clips,
        budget: Budget,
        service: str,
        notebook: str | None = None,
        simulated: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.limits = limits
        self.account = account
        self.base_url = base_url
        self.service = service
        self.wait_strategy: WaitStrategy = Job.wait_in_slices
        self._ledger, self._clips, self._budget = ledger, clips, budget
        self._notebook, self._simulated = notebook, simulated
        self._clock = clock or Clock()
        self._owner = owners.new_owner()
        self._key = key
        self._client: Client | None = None
        self._calls = asyncio.Semaphore(limits.concurrency)
        self._downloads = asyncio.Semaphore(min(4, limits.concurrency))
        self._followed: dict[str, Followed] = {}
        self._creating = 0
        self._busy_until = 0.0
        owners.LIVE_HERE.add(self._owner)
        self.background = Background(self._before_end, self._at_end)

    # From any thread -----------------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        """False once closed, and in a forked child."""
        return self.background.is_usable

    @property
    def is_current(self) -> bool:
        """Whether the caller runs in the background thread."""
        return self.background.is_current

    def submit(
        self,
        request: VideoRequest,
        *,
        take: int,
        fresh: bool,
        estimate: tuple[float, str] | None,
        max_credits: float | None,
        warnings: tuple[str, ...],
    ) -> Job:
        """Begin a job: claim it in the ledger, send its create if it is new, follow it. Returns at once."""
        snapshot = Snapshot(
            key="j" + uuid.uuid4().hex[:11],
            request=request,
            take=take,
            status=Status.SUBMITTING,
            status_text=Status.SUBMITTING.value,
            estimate=estimate[0] if estimate else None,
            estimate_source=estimate[1] if estimate else None,
            created_at=self._clock.time(),
            simulated=self._simulated,
            warnings=warnings,
        )
        job = Job(self, snapshot)
        self.background.post(self._begin, job, fresh, max_credits)
        return job

    def job_of(self, record: Record) -> Job:
        """The Job of a ledger row: the one being followed if there is one, else one that stands still until asked."""
        followed = self._followed.get(record.key)
        if followed is not None and followed.jobs:
            return followed.jobs[0]
        job = Job(self, self._snapshot_of(record))
        job.deliver(job.snapshot)
        job.claimed()
        return job

    def follow(self, job: Job) -> None:
        """Follow a job read from the ledger, if it is not followed yet."""
        self.background.post(self._follow_again, job)

    def cancel(self, job: Job) -> None:
        """Ask the service to cancel a job."""
        self.background.post(self._cancel_soon, job)

    def download_again(self, job: Job) -> None:
        """Fetch the clip of a succeeded job once more."""
        self.background.post(self._follow_again, job)

    def set_key(self, key: Secret) -> None:
        """Go on with another key; jobs that paused because the old one was refused look again at once."""
        self.background.post(self._set_key, key)

    def open_jobs(self) -> list[Job]:
        """Jobs begun here whose end is not known yet."""
        return [job for f in list(self._followed.values()) for job in f.jobs if not job.done()]

    def close(self) -> bool:
        """Stop following; jobs go on at the service and are found again through the ledger. Idempotent."""
        ended = self.background.close()
        owners.LIVE_HERE.discard(self._owner)
        return ended

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Run `function()` in the background thread after `seconds`."""
        self.background.post(lambda: self.background.loop.call_later(seconds, function))

    async def adopt(self, request_id: str) -> Record:
        """The ledger's row for an id from elsewhere, made from what the service says of it; inside the loop.

        Raises ApiError or ConnectionFailed when the service does not know it or does not answer.
        """
        async with self._calls:
            found = await self._api().get(request_id)
        now = self._clock.time()
        request = VideoRequest(
            prompt=found.prompt or "(the service did not repeat the prompt)",
            model=found.model or "(unknown)",
            aspect_ratio=found.aspect_ratio,
            duration=found.duration,
            resolution=found.resolution,
        )
        status = Status.PROCESSING if found.status.is_final else found.status  # its end is told by the first look
        record = Record(
            key="j" + uuid.uuid4().hex[:11],
            account=self.account,
            base_url=self.service,
            request=request,
            take=1,
            status=status,
            status_text=found.status_text,
            request_id=found.request_id,
            credits=found.credits_charged,
            simulated=found.simulated or self._simulated,
            owner=self._owner,
            notebook=self._notebook,
            created_at=now,
            accepted_at=now,
        )
        return await self._in_ledger(self._ledger.adopt, record)

    async def fetch_models(self) -> list[Any]:
        """`GET /models`, inside the loop."""
        async with self._calls:
            return await self._api().models()

    # Inside the loop -----------------------------------------------------------------------------

    def _api(self) -> Client:
        if self._client is None:
            from ..api.client import Client  # httpx costs 30 ms, which this thread has and the notebook has not

            self._client = Client(self.base_url, self._key, self.limits)
        return self._client

    def _begin(self, job: Job, fresh: bool, max_credits: float | None) -> None:
        followed = Followed(job.snapshot, [job], asyncio.Event())
        self._followed[job.key] = followed
        followed.task = self.background.start(self._guard(followed, self._live(followed, fresh, max_credits)))

    def _follow_again(self, job: Job) -> None:
        if job.key in self._followed or (job.done() and job.snapshot.status is not Status.SUCCEEDED):
            return
        if job.clip is not None and job.clip.path.exists():
            return
        snapshot = dataclasses.replace(job.snapshot, error=None, clip=None)
        followed = Followed(snapshot, [job], asyncio.Event())
        self._followed[job.key] = followed
        followed.task = self.background.start(self._guard(followed, self._go_on(followed)))

    def _cancel_soon(self, job: Job) -> None:
        self._follow_again(job)
        followed = self._followed.get(job.key)
        if followed is not None and not followed.snapshot.status.is_final:
            self._tell(followed, cancel_requested=True, note="asking the service to cancel")
            followed.cancel_sent = False
            followed.wake.set()

    def _set_key(self, key: Secret) -> None:
        self._key = key
        if self._client is not None:
            self._client.set_key(key)
        for followed in self._followed.values():
            followed.wake.set()

    async def _guard(self, followed: Followed, flow: Any) -> None:
        """Whatever happens in a flow ends in the job's state: nobody would ever see an exception of this task."""
        key = followed.snapshot.key
        try:
            await flow
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            log.exception("following %s failed", key)
            if not followed.snapshot.is_settled:
                text = f"following stopped by an error of ours ({one_line(repr(error), 200)}); %seedance attach {key} goes on"
                self._tell(followed, error=ClipError(text), trouble=text)
                for job in followed.jobs:
                    job.abandon()
        finally:
            self._followed.pop(key, None)
            for other, value in list(self._followed.items()):
                if value is followed:
                    self._followed.pop(other, None)

    async def _live(self, followed: Followed, fresh: bool, max_credits: float | None) -> None:
        record = await self._claim(followed, fresh, max_credits)
        if record is None:
            return
        job = followed.jobs[0]
        known = self._followed.get(record.key)
        if known is not None and known is not followed:  # the same intention is being followed here already
            followed.jobs.clear()
            job.is_reuse = True
            known.jobs.append(job)
            self._tell(known)
            job.claimed()
            return
        self._followed.pop(followed.snapshot.key, None)
        self._followed[record.key] = followed
        if record.owner == self._owner and record.key == followed.snapshot.key:
            job.claimed()
            await self._learn(followed)
            if await self._create(followed):
                await self._follow(followed)
            return
        job.is_reuse = True
        self._tell(followed, **_fields(self._snapshot_of(record)))
        job.claimed()
        await self._learn(followed)
        await self._go_on(followed)

    async def _claim(self, followed: Followed, fresh: bool, max_credits: float | None) -> Record | None:
        """The ledger's row for this intention, new or known; None when the job ended here (told to the user)."""
        snapshot = followed.snapshot
        record = Record(
            key=snapshot.key,
            account=self.account,
            base_url=self.service,
            request=snapshot.request,
            take=snapshot.take,
            status=Status.SUBMITTING,
            status_text=Status.SUBMITTING.value,
            created_at=snapshot.created_at,
            simulated=self._simulated,
            estimate=snapshot.estimate,
            estimate_source=snapshot.estimate_source,
            owner=self._owner,
            notebook=self._notebook,
        )

        def within_budget() -> None:
            self._budget.reserve(snapshot.estimate, limit_of_call=max_credits)

        while True:
            try:
                row, is_new = await self._in_ledger(self._ledger.claim, record, fresh, within_budget)
            except BudgetExceeded as error:
                refused: SeedanceError = error
            except ConfigurationError as error:
                refused = ConfigurationError(f"{error}; nothing was submitted")
            else:
                if is_new:
                    self._tell(followed, take=row.take)
                    return row
                if row.status is Status.SUBMITTING and owners.is_alive(row.owner) is False:
                    row = await self._bury(row)
                    if row.status is Status.REJECTED:
                        continue  # it surely never left, so the place is free again
                await self._try_ledger(
                    self._ledger.note_reuse, row.key, self._clock.time(), row.credits, self._notebook
                )
                return row
            await self._end(followed, Status.REJECTED, refused, nothing_charged=True, in_ledger=False)
            return None

    async def _bury(self, record: Record) -> Record:
        """A create whose process died: never sent is `rejected`, perhaps sent is `unknown`."""
        if record.sent_at is None:
            status, text = (
                Status.REJECTED,
                "the process that wanted to send this ended before it did; nothing was charged",
            )
            error: SeedanceError = ConnectionFailed(text)
        else:
            status = Status.UNKNOWN
            error = OutcomeUnknown(
                "this may have been accepted and charged (the process that sent it died before the answer came); it is not"
                " sent again by itself: look at your dashboard, then attach its id, or buy another take with --fresh"
            )
        changes = {
            "status": status,
            "status_text": status.value,
            "error": str(error),
            "error_kind": type(error).__name__,
        }
        with contextlib.suppress(ConfigurationError):
            await self._in_ledger(self._ledger.save, record.key, changes)
        return dataclasses.replace(
            record, status=status, status_text=status.value, error=str(error), error_kind=type(error).__name__
        )

    async def _learn(self, followed: Followed) -> None:
        lives = await self._try_ledger(self._ledger.lives, self.service, followed.snapshot.request)
        self._tell(followed, expected_seconds=expected_life(lives or []))

    # The create ------------------------------------------------------------------------------------

    async def _create(self, followed: Followed) -> bool:
        """Send the create, once. True when there is an id to follow."""
        unreachable = busy = 0
        while True:
            await self._until_not_busy(followed)
            if followed.snapshot.cancel_requested:
                error = GenerationCancelled("cancelled before it was sent; nothing was charged")
                await self._end(followed, Status.CANCELLED, error, nothing_charged=True)
                return False
            async with self._calls:
                if self._clock.time() < self._busy_until:
                    continue
                # The last stop before money: from here on a crash means "perhaps sent".
                refused = await self._mark_sending(followed)
                if refused is not None:
                    await self._end(followed, Status.REJECTED, refused, nothing_charged=True)
                    return False
                outcome = await self._send(followed)
            if isinstance(outcome, Generation):
                return await self._accept(followed, outcome)
            if isinstance(outcome, OutcomeUnknown):
                await self._end(followed, Status.UNKNOWN, outcome)
                return False
            if isinstance(outcome, ConnectionFailed) and unreachable + 1 < TRIES_TO_REACH:
                unreachable += 1
                await self._try_ledger(self._ledger.save, followed.snapshot.key, {"sent_at": None})
                await self._count_down(followed, 2.0**unreachable * random.uniform(0.5, 1.0), str(outcome))
                continue
            if isinstance(outcome, RateLimited) and busy + 1 < TRIES_WHEN_BUSY:
                busy += 1
                await self._try_ledger(self._ledger.save, followed.snapshot.key, {"sent_at": None})
                asked = outcome.retry_after if outcome.retry_after is not None else 2.0**busy
                self._busy_until = max(self._busy_until, self._clock.time() + min(asked, LONGEST_BUSY_WAIT))
                self._tell(followed, trouble=str(outcome))
                continue
            await self._end(followed, Status.REJECTED, outcome, nothing_charged=True)
            return False

    async def _send(self, followed: Followed) -> Generation | SeedanceError:
        self._creating += 1
        try:
            return await self._api().create(followed.snapshot.request)
        except SeedanceError as error:
            return error
        except asyncio.CancelledError:
            # The runner is being closed with a create in the air. The process may live on, so the ledger must be told now.
            lost = OutcomeUnknown(
                "this may have been accepted and charged (stopped while it was being sent); it is not sent again by itself:"
                " look at your dashboard, then attach its id, or buy another take with --fresh"
            )
            await self._end(followed, Status.UNKNOWN, lost)
            raise
        finally:
            self._creating -= 1

    async def _mark_sending(self, followed: Followed) -> SeedanceError | None:
        try:
            await self._in_ledger(self._ledger.save, followed.snapshot.key, {"sent_at": self._clock.time()})
        except ConfigurationError as error:
            return ConfigurationError(f"{error}; nothing was submitted")
        return None

    async def _accept(self, followed: Followed, generation: Generation) -> bool:
        now = self._clock.time()
        charged = generation.credits_charged
        if charged is not None:
            self._budget.correct(followed.snapshot.estimate, charged)
        status = Status.PROCESSING if generation.status is Status.PROCESSING else Status.QUEUED
        changes = {
            "request_id": generation.request_id,
            "status": status,
            "status_text": generation.status_text,
            "credits": charged,
            "accepted_at": now,
            "checked_at": now,
            "simulated": generation.simulated or self._simulated,
        }
        not_saved = await self._save(followed, changes)
        told = {k: v for k, v in changes.items() if k != "checked_at"} | {"last_contact_at": now, "failed_checks": 0}
        if status is Status.PROCESSING:
            told["processing_at"] = now
        trouble = f"accepted as {generation.request_id}, but {not_saved}" if not_saved else generation.oddity
        self._tell(followed, **told, trouble=trouble, note=None)
        return True

    async def _until_not_busy(self, followed: Followed) -> None:
        while (left := self._busy_until - self._clock.time()) > 0 and not followed.snapshot.cancel_requested:
            # Not all at the same instant when the time has come.
            await self._count_down(
                followed, left + random.uniform(0.0, 0.3), "the service is busy; nothing submitted yet"
            )

    async def _count_down(self, followed: Followed, seconds: float, why: str) -> None:
        end = self._clock.time() + seconds
        while (left := end - self._clock.time()) > 0 and not followed.snapshot.cancel_requested:
            self._tell(followed, trouble=one_line(why, 200), note=f"trying again in {max(1, round(left))} s")
            await self._pause(followed, min(1.0, left))
        self._tell(followed, note=None)

    # Following -------------------------------------------------------------------------------------

    async def _go_on(self, followed: Followed) -> None:
        """Go on from what the ledger knows: follow, fetch the file, wait for another process, or just say how it is."""
        snapshot = followed.snapshot
        if snapshot.status is Status.SUBMITTING and snapshot.request_id is None:
            snapshot = await self._await_other_process(followed)
        if snapshot.is_settled:
            self._tell(followed)
        elif snapshot.request_id is not None:
            await self._follow(followed)

    async def _await_other_process(self, followed: Followed) -> Snapshot:
        """Another process has this create in the air: hands off until it has an answer or is dead."""
        self._tell(followed, note="another notebook is sending this")
        began = self._clock.time()
        while True:
            record = await self._try_ledger(self._ledger.find, followed.snapshot.key)
            if record is not None and record.status is Status.SUBMITTING:
                alive = owners.is_alive(record.owner)
                waited = self._clock.time() - began
                # Of a process on another machine we only know that a create cannot be in the air for ever.
                if alive is False or (alive is None and waited > 2 * self.limits.create_timeout):
                    record = await self._bury(record)
            if record is not None and record.status is not Status.SUBMITTING:
                self._tell(followed, **_fields(self._snapshot_of(record)), note=None)
                return followed.snapshot
            await self._pause(followed, 0.3)

    async def _follow(self, followed: Followed) -> None:
        """Look until the service says how it ended, then fetch the file."""
        if followed.snapshot.expected_seconds is None:
            await self._learn(followed)
        looks_for_file = 0
        failed = 0
        asked_for: float | None = None
        immediately = followed.snapshot.status is Status.SUCCEEDED or followed.snapshot.last_contact_at is None
        while True:
            if not immediately:
                await self._pause(followed, self._until_next_look(followed, failed, asked_for))
            immediately = False
            await self._flush(followed)
            if followed.snapshot.cancel_requested and not followed.cancel_sent:
                await self._send_cancel(followed)
            outcome = await self._look(followed)
            if isinstance(outcome, SeedanceError):
                failed += 1
                asked_for = outcome.retry_after if isinstance(outcome, RateLimited) else None
                immediately = await self._missed(followed, outcome, failed)
                continue
            failed, asked_for = 0, None
            if outcome.status is Status.SUCCEEDED:
                if outcome.output_url is None and looks_for_file < LOOKS_FOR_A_FILE:
                    looks_for_file += 1
                    failed = min(looks_for_file, 4)
                    self._tell(followed, note="made; waiting for the address of its file")
                    continue
                await self._succeed(followed, outcome)
                return
            if outcome.status in (Status.FAILED, Status.CANCELLED):
                await self._end(followed, outcome.status, self._verdict(followed, outcome), text=outcome.status_text)
                return

    def _until_next_look(self, followed: Followed, failed: int, asked_for: float | None) -> float:
        if failed:
            return look_after_trouble(failed, floor=self.limits.poll_floor, asked_for=asked_for)
        snapshot = followed.snapshot
        age = self._clock.time() - (snapshot.accepted_at or snapshot.created_at)
        ceiling = CEILING_AFTER_CANCEL if snapshot.cancel_requested else self.limits.poll_ceiling
        return next_look(
            max(0.0, age), expected=snapshot.expected_seconds, floor=self.limits.poll_floor, ceiling=ceiling
        )

    async def _look(self, followed: Followed) -> Generation | SeedanceError:
        """One look; what it says of the job is told and recorded."""
        request_id = followed.snapshot.request_id
        assert request_id is not None
        try:
            async with self._calls:
                generation = await self._api().get(request_id)
        except SeedanceError as error:
            return error
        now = self._clock.time()
        old = followed.snapshot
        told: dict[str, Any] = {
            "last_contact_at": now,
            "failed_checks": 0,
            "trouble": None,
            "status_text": generation.status_text,
        }
        if old.note and not old.cancel_requested:
            told["note"] = None
        if generation.simulated and not old.simulated:
            told["simulated"] = True
        if old.credits is None and generation.credits_charged is not None:
            told["credits"] = generation.credits_charged
        if not generation.status.is_final:
            # A status that goes backwards is a server with a short memory; the card does not.
            forward = generation.status is Status.PROCESSING and old.status is not Status.PROCESSING
            if forward:
                told |= {"status": Status.PROCESSING, "processing_at": old.processing_at or now}
                changes = {"status": Status.PROCESSING, "status_text": generation.status_text, "processing_at": now}
                await self._save(followed, changes)
            elif generation.status is Status.QUEUED and old.status is Status.PROCESSING:
                told["status_text"] = old.status_text
        self._tell(followed, **told)
        return generation

    async def _missed(self, followed: Followed, error: SeedanceError, failed: int) -> bool:
        """A look that brought nothing: told, never fatal. True when the wait for the next look is over already."""
        if not isinstance(error, AuthenticationError):
            self._tell(followed, failed_checks=failed, trouble=one_line(error, 300))
            return False
        cure = "set a good one with %seedance login or sd.configure(api_key=…)"
        text = f"the key was refused; the job is kept and goes on with a good key: {cure}"
        self._tell(followed, failed_checks=failed, trouble=text)
        followed.wake.clear()
        await self._clock.wait(followed.wake, PAUSE_FOR_KEY)
        return True

    async def _send_cancel(self, followed: Followed) -> None:
        request_id = followed.snapshot.request_id
        assert request_id is not None
        followed.cancel_sent = True
        note = "cancel asked for; waiting for the service to confirm"
        try:
            async with self._calls:
                await self._api().cancel(request_id)
        except ApiError as error:
            note = f"cancel not confirmed ({error.message}); still following"
        except SeedanceError as error:
            note = f"cancel not confirmed ({error}); still following"
        self._tell(followed, note=one_line(note, 300))

    def _verdict(self, followed: Followed, generation: Generation) -> SeedanceError:
        charged = followed.snapshot.credits
        money = "credits may have been charged" if charged is None else f"{charged:g} credits were charged"
        money += ", and whether they come back is not documented"
        if followed.snapshot.simulated:
            money = "no real credits were charged"
        if generation.status is Status.CANCELLED:
            return GenerationCancelled(f"cancelled; {money}; run it again for a new try")
        reason = generation.error or "it gave no reason"
        return GenerationFailed(
            f"the service could not make this video ({reason}); {money}; change the prompt or run it again"
        )

    # The file --------------------------------------------------------------------------------------

    async def _succeed(self, followed: Followed, generation: Generation) -> None:
        now = self._clock.time()
        finished = followed.snapshot.finished_at or now
        changes: dict[str, Any] = {
            "status": Status.SUCCEEDED,
            "status_text": generation.status_text,
            "finished_at": finished,
        }
        if followed.snapshot.processing_at is None:
            changes["processing_at"] = followed.snapshot.accepted_at
        await self._save(followed, changes)
        self._tell(followed, **changes, note="downloading", trouble=None)
        clip = await self._fetch(followed, generation)
        if isinstance(clip, Clip):
            await self._save(followed, {"clip": self._clips.facts(clip), "error": None, "error_kind": None})
            self._tell(followed, clip=clip, note=None, trouble=None, error=None, failed_checks=0)
            return
        await self._end(followed, Status.SUCCEEDED, clip, text=generation.status_text)

    async def _fetch(self, followed: Followed, generation: Generation) -> Clip | ClipError:
        """The verified clip, after as many tries and fresh addresses as it takes within reason, or why there is none."""
        key = followed.snapshot.key
        url = generation.output_url
        arriving: Arriving | None = None
        error: ClipError = ClipError("the service gave no address of the video")
        for attempt in range(1, DOWNLOAD_TRIES + 1):
            if url is not None:
                try:
                    async with self._downloads:
                        arriving = arriving or self._clips.arriving(key)
                        await receive(self._api(), url, arriving, self._progress(followed))
                        self._tell(followed, note="checking the file")
                        return await self.background.in_worker(self._clips.admit, key, arriving.part)
                except ClipError as trouble:
                    error = trouble
                    if arriving is not None and (
                        isinstance(error, AddressExpired) or arriving.received == arriving.total
                    ):
                        arriving.forget()
                except OSError as trouble:
                    error = ClipError(f"the clip could not be written ({trouble.strerror or trouble}); check the disk")
            if attempt == DOWNLOAD_TRIES:
                break
            self._tell(followed, trouble=one_line(error, 300), note=f"download try {attempt} of {DOWNLOAD_TRIES}")
            await self._pause(followed, look_after_trouble(attempt, floor=0.3))
            outcome = await self._look(followed)  # a fresh look may give a fresh address
            if isinstance(outcome, Generation) and outcome.status is Status.SUCCEEDED:
                url = outcome.output_url or url
        if arriving is not None:
            arriving.forget()
        return ClipError(
            f"the video was made but could not be downloaded ({error}); it is paid for and kept: "
            f"%seedance attach {followed.snapshot.request_id} or job.download_again() fetches it, without a new create"
        )

    def _progress(self, followed: Followed) -> Callable[[int, int | None], None]:
        last = 0.0

        def tell(received: int, total: int | None) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= PROGRESS_SECONDS:
                last = now
                of = f" of {total / 1e6:.1f}" if total else ""
                self._tell(followed, note=f"downloading {received / 1e6:.1f}{of} MB")

        return tell

    # Telling and recording ---------------------------------------------------------------------------

    def _tell(self, followed: Followed, **changes: Any) -> None:
        followed.snapshot = dataclasses.replace(followed.snapshot, **changes)
        for job in followed.jobs:
            # Who reuses another's row did not pay its price.
            mine = (
                dataclasses.replace(followed.snapshot, reused=True, credits=0.0) if job.is_reuse else followed.snapshot
            )
            job.deliver(mine)

    async def _end(
        self,
        followed: Followed,
        status: Status,
        error: SeedanceError,
        *,
        text: str | None = None,
        nothing_charged: bool = False,
        in_ledger: bool = True,
    ) -> None:
        """A job ends without a clip: recorded, then told."""
        finished = followed.snapshot.finished_at or self._clock.time()
        changes: dict[str, Any] = {"status": status, "status_text": text or status.value, "finished_at": finished}
        not_saved = None
        if nothing_charged:
            changes["credits"] = 0.0
        if in_ledger:
            if nothing_charged:
                self._budget.correct(followed.snapshot.estimate, 0.0)
            not_saved = await self._save(followed, changes | {"error": str(error), "error_kind": type(error).__name__})
        self._tell(followed, **changes, error=error, note=None, trouble=not_saved)

    async def _save(self, followed: Followed, changes: dict[str, Any]) -> str | None:
        """Record changes of a row; what cannot be written is kept and written later. Returns the trouble, if any."""
        followed.unsaved |= changes
        return await self._flush(followed)

    async def _flush(self, followed: Followed) -> str | None:
        if not followed.unsaved:
            return None
        pending, followed.unsaved = followed.unsaved, {}
        try:
            await self._in_ledger(self._ledger.save, followed.snapshot.key, pending)
        except ConfigurationError as error:
            followed.unsaved = pending | followed.unsaved
            self.background.start(self._keep_saving(followed))
            return str(error)
        return None

    async def _keep_saving(self, followed: Followed) -> None:
        await asyncio.sleep(LEDGER_RETRY_SECONDS)
        if followed.unsaved and await self._flush(followed) is None:
            self._tell(followed, trouble=None)

    async def _in_ledger(self, function: Callable[..., T], *args: Any) -> T:
        return await self.background.in_ledger_thread(function, *args)

    async def _try_ledger(self, function: Callable[..., T], *args: Any) -> T | None:
        """A call to the ledger that the job can do without: None when it fails."""
        try:
            return await self._in_ledger(function, *args)
        except ConfigurationError as error:
            log.debug("ledger: %s", error)
            return None

    async def _pause(self, followed: Followed, seconds: float) -> None:
        followed.wake.clear()
        if followed.snapshot.cancel_requested and not followed.cancel_sent and followed.snapshot.request_id:
            return
        await self._clock.wait(followed.wake, seconds)

    def _snapshot_of(self, record: Record) -> Snapshot:
        clip = self._clips.load(record.clip)
        error = None
        if record.error and clip is None and record.status.is_final:
            error = error_of(record.error_kind, record.error, record.status)
        return Snapshot(
            key=record.key,
            request=record.request,
            take=record.take,
            status=record.status,
            status_text=record.status_text,
            request_id=record.request_id,
            credits=record.credits,
            estimate=record.estimate,
            estimate_source=record.estimate_source,
            simulated=record.simulated,
            error=error,
            clip=clip,
            created_at=record.created_at,
            accepted_at=record.accepted_at,
            processing_at=record.processing_at,
            finished_at=record.finished_at,
        )

    # The end -----------------------------------------------------------------------------------------

    async def _before_end(self) -> None:
        """Creates in the air get a moment to hear their answer: it saves an `unknown`."""
        for _ in range(12):
            if not self._creating:
                return
            await asyncio.sleep(0.1)

    async def _at_end(self) -> None:
        if self._client is not None:
            await self._client.close()
        await self._in_ledger(self._ledger.close)


def _fields(snapshot: Snapshot) -> dict[str, Any]:
    """What a row of the ledger adds to a picture that a new Job has already shown."""
    skip = {"reused", "warnings", "note", "trouble", "expected_seconds", "cancel_requested"}
    return {f.name: getattr(snapshot, f.name) for f in dataclasses.fields(snapshot) if f.name not in skip}
