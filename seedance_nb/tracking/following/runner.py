"""submit -> poll -> download -> record, for any number of jobs, in one background thread. It draws nothing.

This is the way in from other threads, and the table of jobs being followed; the steps themselves are in `submitting` and
`following`. Every change reaches the jobs as an immutable Snapshot.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
import sys
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Self

from ...api.deadlines import LivedTime
from ...api.models import Status, VideoRequest
from ...clips.store import Clips
from ...errors import ClipError, ClipForgotten, ConfigurationError, ConnectionFailed, SeedanceError, shortened
from ...settings import Limits, Secret, same_service
from ...snapshot import Snapshot
from .. import owner as owners
from ..background import Background, log
from ..budget import Budget
from ..job import LONGEST_STEP, Job, Origin, WaitStrategy
from ..ledger.contract import Store
from ..ledger.record import Record
from ..references.references import References
from ..references.shelf import Shelf
from . import submitting
from .followed import Clock, Followed, Tools
from .following import follow, learn
from .picture import facts_of, snapshot_of

if TYPE_CHECKING:
    from ...waking.pages import Receiver

SAY_AFTER_SECONDS = 1.0
"""An end that waits for answers so long says what it waits for."""
LAST_WRITES_SECONDS = 10.0
"""After that, what became of them is written down; a busy disk takes its time."""


class Runner:
    """All jobs of one key at one host. Made by Session; everything public may be called from any thread.

    `base_url` is where calls go, `service` its lasting name (the built-in simulator has another port every time).
    """

    def __init__(
        self,
        *,
        base_url: str,
        service: str,
        key: Secret,
        account: str,
        limits: Limits,
        ledger: Store,
        clips: Clips,
        budget: Budget,
        notebook: str | None = None,
        simulated: bool = False,
        clock: Clock | None = None,
        origin: Origin | None = None,
        references: References | None = None,
        person: str | None = None,
        project: str | None = None,
    ) -> None:
        self.limits = limits
        self.origin = origin
        self.ledger = ledger
        self.wait_strategy: WaitStrategy = Job.wait_in_slices
        self._followed: dict[str, Followed] = {}
        self._asked_for: dict[str, Job] = {}
        self._unanswered: set[str] = set()
        """Keys of intentions of this process that are neither accepted nor given up nor somebody else's."""
        self._patience = 0.0
        self._let_go = False
        self._tools = Tools(
            base_url=base_url,
            service=service,
            key=key,
            account=account,
            owner=owners.new_owner(),
            limits=limits,
            ledger=ledger,
            clips=clips,
            budget=budget,
            clock=clock or Clock(),
            notebook=notebook,
            simulated=simulated,
            references=references or References(Shelf(clips.folder), lambda: None),
            person=person,
            project=project,
        )
        owners.LIVE_HERE.add(self._tools.owner)
        self.background = self._tools.background = Background(self._before_end, self._at_end, ledger.together)
        if ledger.presence.beat_seconds is not None:
            self.background.post(lambda: self.background.start(self._say_that_it_lives()))

    # From any thread ---------------------------------------------------------------------------------

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
        price: float | None,
        max_credits: float | Budget | None,
        warnings: tuple[str, ...],
        most: float | None = None,
    ) -> Job:
        """Begin a job: claim it in the ledger, send its create if it is new, follow it. Returns at once.

        `estimate` is shown, `price` set aside, `most` what it may cost at most, for limits of the ledger; None where nobody knows. What is sent is the whole request; what the ledger and the screen
        get holds no signatures. A row is never sent again: what ended without a video is asked for anew, with addresses signed anew.
        """
        request = request.canonical()
        snapshot = Snapshot(
            key=new_key(),
            request=request.without_signatures(),
            take=take,
            status=Status.SUBMITTING,
            status_text=Status.SUBMITTING.value,
            estimate=estimate[0] if estimate else None,
            estimate_source=estimate[1] if estimate else None,
            created_at=self._tools.clock.time(),
            simulated=self._tools.simulated,
            warnings=warnings,
            person=self._tools.person,
            project=self._tools.project,
        )
        job = Job(self, snapshot)
        self._unanswered.add(snapshot.key)
        self.background.post(
            self._begin, job, snapshot, lambda f: self._live(f, request, fresh, price, most, max_credits)
        )
        return job

    def living(self) -> dict[str, Job]:
        """Jobs by key that are followed, or about to be: they know more than any row of the ledger read after this."""
        followed = {key: f.jobs[0] for key, f in list(self._followed.items()) if f.jobs and not f.is_given_up}
        return followed | self._asked_for

    def job_of(self, record: Record, *, wanted: bool = False, living: dict[str, Job] | None = None) -> Job:
        """The Job of a ledger row: the one being followed if there is one, else one that stands still until asked.

        `wanted` says that it is about to be followed: an old failure to download is then no news any more. `living` is what
        was followed when the row was read, for a job may end between that and now.
        """
        job = (living if living is not None else self.living()).get(record.key)
        if job is not None:
            return job
        snapshot = self._snapshot_of(record)
        foreign = not same_service(record.base_url, self._tools.service)
        if foreign and not snapshot.is_settled:
            where = f"this job belongs to {record.base_url}; sd.configure(base_url=…) to that follows it"
            snapshot = dataclasses.replace(snapshot, error=ConfigurationError(where), trouble=where)
        elif (
            wanted
            and snapshot.status is Status.SUCCEEDED
            and snapshot.clip is None
            and not isinstance(snapshot.error, ClipForgotten)
        ):
            snapshot = dataclasses.replace(snapshot, error=None)
        job = Job(self, snapshot)
        job.is_foreign = foreign
        job.deliver(snapshot)
        job.claimed()
        if foreign:
            job.abandon()
        return job

    def follow(self, job: Job) -> None:
        """Follow a job read from the ledger, if it is not followed yet; fetches the clip of a succeeded one that has none."""
        if self.is_usable:
            self._asked_for[job.key] = job
            self.background.post(self._follow_again, job)

    def mark(self, job: Job, changes: Mapping[str, Any]) -> None:
        """Record what somebody thinks of a job, and show it. Waits for the ledger; raises ConfigurationError."""
        if self.is_current:
            raise ConfigurationError("a callback cannot mark a job: do it in a cell")
        if not self.is_usable:
            raise ConfigurationError(
                "this session was closed: sd.jobs() finds the job again, and that one can be marked"
            )
        job.wait_until_claimed(None)
        self.background.run(self._mark(job, dict(changes)))

    async def _mark(self, job: Job, changes: dict[str, Any]) -> None:
        await self._tools.in_ledger(self._tools.ledger.save, job.key, changes)
        followed = self._followed.get(job.key)
        if followed is not None:
            followed.tell(**changes)
        if followed is None or job not in followed.jobs:
            job.deliver(dataclasses.replace(job.snapshot, **changes))

    def cancel(self, job: Job) -> None:
        """Ask the service to cancel a job."""
        if not self.is_usable and not job.status.is_final:
            trouble = f"not cancelled: this session was closed; %seedance cancel {job.request_id or job.key} does it"
            job.deliver(dataclasses.replace(job.snapshot, trouble=trouble))
        self.background.post(self._cancel_soon, job)

    def use_key(self, key: Secret, account: str) -> None:
        """Go on with another key; jobs that paused because the old one was refused look again at once."""
        self.background.post(self._use_key, key, account)

    def use_account(self, account: str) -> None:
        """Claim for another account from now on."""
        self.background.post(self._use_account, account)

    def use_names(self, person: str | None, project: str | None) -> None:
        """Ask for this person and project from now on."""
        self._tools.person, self._tools.project = person, project

    def use_limits(self, limits: Limits) -> None:
        """Go on with other limits."""
        self.limits = limits
        self.background.post(self._tools.use_limits, limits)

    def use_webhooks(self, webhook_url: str | None, public_url: str | None) -> None:
        """What a create carries that says nothing of a webhook, and where this process is reached."""
        self.background.post(self._tools.bells.use, webhook_url, public_url)

    async def serve_webhooks(self, listener: socket.socket, base: str) -> Served:
        """Be rung at `base` from now on, by calls that come to this listening socket; inside the loop. Raises ConfigurationError."""
        from ...waking.pages import Receiver

        tools = self._tools
        tools.bells.serve_at(base)
        if tools.receiver is not None:
            await tools.receiver.close()
        tools.receiver = Receiver([listener], tools.bells.ring)
        return Served(self, tools.receiver, base, listener.getsockname()[1])

    async def stop_serving(self, receiver: Receiver) -> None:
        """No longer; inside the loop."""
        tools = self._tools
        if tools.receiver is receiver:
            tools.receiver = None
            tools.bells.serve_at(None)
            await receiver.close()

    async def webhook_arrives(self, call: Callable[[str], str | None], seconds: float) -> tuple[str | None, str]:
        """(where this process is rung, if a call there came back within `seconds`; else None with the reason); inside the loop.

        `call(address)` makes it, in a thread, and returns what went wrong.
        """
        bells, heard = self._tools.bells, asyncio.Event()
        base, why = bells.place()
        if base is None:
            return None, why
        bell, trouble = await bells.hang("doctor", heard)
        if bell is None or bell.address is None:
            return None, trouble or why
        try:
            trouble = await self.background.in_worker(call, bell.address)
            await self._tools.clock.wait(heard, 0.0 if trouble else seconds)
        finally:
            bells.take_down(bell)
        return (
            (base, why)
            if bell.has_rung
            else (None, trouble or f"{base} answers, but what is called there does not arrive here")
        )

    def open_jobs(self) -> list[Job]:
        """Jobs followed here whose end is not known yet."""
        return [job for f in list(self._followed.values()) for job in f.jobs if not job.done()]

    def close(self, patience: float | None = None) -> bool:
        """Stop following; jobs go on at the service and are found again through the ledger. Idempotent.

        Creates that are not answered yet are waited for, at most `patience` seconds (None: as long as a create may take), which is said
        on stderr; Ctrl-C lets them go. What was never sent until then never is.
        """
        self._patience = self.limits.create_timeout if patience is None else patience
        if self.background.begin_to_end() and not self.background.is_current:
            self._wait_for_answers()
        ended = self.background.close(LAST_WRITES_SECONDS if patience is None else 2.0)
        ids = list(self._tools.unwritten.values())
        if ids and not ended:
            _say(
                f"accepted and paid for, but the ledger cannot be written: {', '.join(ids)}; it is tried for as long as this"
                f" process lives, else %seedance attach {ids[0]} records it"
            )
        return ended

    @property
    def _awaited(self) -> int:
        """How many creates are in the air or wait for their turn. One that waits to be tried again is not waited for: nothing left."""
        paused = {f.key for f in list(self._followed.values()) if f.is_counting_down}
        return len(set(self._unanswered) - paused)

    def _wait_for_answers(self) -> None:
        say_at = time.monotonic() + SAY_AFTER_SECONDS
        try:
            while self._awaited and not self.background.wait_until_ended(0.05):
                if time.monotonic() >= say_at and (count := self._awaited):
                    say_at = float("inf")
                    many = f"{count} create{'s' if count != 1 else ''}"
                    _say(f"waiting for the answer of {many}, at most {self._patience:g} s; Ctrl-C lets go")
        except KeyboardInterrupt:
            self._let_go = True
            _say(
                "let go: what may have been accepted is `unknown` in the ledger, what was not sent is free to run again"
            )

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Run `function()` in the background thread after `seconds`."""
        self.background.post(self.background.loop.call_later, seconds, function)

    def work(self, function: Callable[[], object]) -> None:
        """Run `function()` soon, in a thread for slow work. What it raises is logged; nothing happens once closed."""
        self.background.post(lambda: self.background.start(self._work(function)))

    def thumbnails(self, request: VideoRequest) -> list[str]:
        """A small picture of each reference of a request, as a data: address; "" where it is none of the person's own files, or a sound."""
        shelf = self._tools.references.shelf
        return [shelf.thumbnail(address) or "" for address in request.media_urls or ()]

    async def adopt(self, request_id: str) -> Record:
        """The ledger's row for an id from elsewhere, made from what the service says of it; inside the loop.

        Raises ApiError or ConnectionFailed when the service does not know it or does not answer.
        """
        tools = self._tools
        async with tools.calls:
            found = await tools.api().get(request_id)
        now = tools.clock.time()
        request = VideoRequest(
            prompt=found.prompt or "(the service did not repeat the prompt)",
            model=found.model or "(unknown)",
            aspect_ratio=found.aspect_ratio,
            duration=found.duration,
            resolution=found.resolution,
        )
        record = Record(
            key=new_key(),
            account=tools.account,
            base_url=tools.service,
            request=request,
            take=1,
            status=Status.PROCESSING if found.status.is_final else found.status,  # the first look tells its end
            status_text=found.status_text,
            request_id=found.request_id,
            credits=found.credits_charged,
            simulated=found.simulated or tools.simulated,
            owner=tools.owner,
            notebook=tools.notebook,
            created_at=now,  # when it was accepted nobody here knows
        )
        return await tools.in_ledger(tools.ledger.adopt, record)

    async def ask_once_more(self, record: Record) -> Record:
        """The row of a job that failed or was cancelled, after one more look: a video that was made all the same has succeeded."""
        tools = self._tools
        if record.request_id is None:
            return record
        try:
            async with tools.calls:
                found = await tools.api().get(record.request_id)
        except SeedanceError:  # the word it has stands
            return record
        if found.status is not Status.SUCCEEDED:
            return record
        word = {"status": Status.SUCCEEDED, "status_text": found.status_text, "error": None, "error_kind": None}
        await tools.in_ledger(tools.ledger.save, record.key, word)
        return await tools.in_ledger(tools.ledger.find, record.key) or record

    async def fetch_models(self) -> list[Any]:
        """The items of `/models`; inside the loop. Raises ApiError or ConnectionFailed."""
        async with self._tools.calls:
            return await self._tools.api().models()

    # Inside the loop ---------------------------------------------------------------------------------

    async def _say_that_it_lives(self) -> None:
        """To those on other machines, as long as there is anything that they could want to know of."""
        tools, presence = self._tools, self.ledger.presence
        said: asyncio.Task[None] | None = None
        while True:
            if (self._followed or self._asked_for) and (said is None or said.done()):
                said = self.background.start(tools.try_ledger(presence.beat, tools.owner))
            presence.hang_up_if_silent()
            await asyncio.sleep(presence.beat_seconds or 1.0)

    async def _work(self, function: Callable[[], object]) -> None:
        try:
            await self.background.in_worker(function)
        except Exception:
            if self.is_usable:  # else it came too late, and its thread was gone
                log.exception("work beside the jobs failed")

    def _begin(self, job: Job, snapshot: Snapshot, way: Callable[[Followed], Coroutine[Any, Any, None]]) -> None:
        followed = Followed(self._tools, snapshot, job)
        self._followed[followed.key] = followed
        self.background.start(self._guard(followed, way(followed)))

    def _follow_again(self, job: Job) -> None:
        self._begin_again(job)
        if self._asked_for.get(job.key) is job:
            del self._asked_for[job.key]

    def _begin_again(self, job: Job) -> None:
        at_once, job.wants_its_file_now = job.wants_its_file_now, False
        ended = job.done() and job.status is not Status.SUCCEEDED
        if job.clip is not None or ended or job.is_foreign:
            if not job.done():  # a file that was missed is there again
                job.deliver(job.snapshot)
            return
        followed = self._followed.get(job.key)
        if followed is not None:
            if job not in followed.jobs:
                followed.jobs.append(job)
                followed.tell()
            if at_once and followed.snapshot.status is Status.SUCCEEDED:
                followed.wake.set()  # whoever asks has no use for the pause before the next try
            return
        self._begin(job, dataclasses.replace(job.snapshot, error=None, clip=None), self._go_on)

    def _cancel_soon(self, job: Job) -> None:
        self._follow_again(job)
        followed = self._followed.get(job.key)
        if followed is not None and not followed.snapshot.status.is_final:
            followed.cancel_sent = False
            followed.tell(cancel_requested=True, note="asking the service to cancel")
            followed.wake.set()

    def _use_key(self, key: Secret, account: str) -> None:
        self._tools.use_key(key)
        self._tools.account = account
        for followed in self._followed.values():
            followed.wake.set()

    def _use_account(self, account: str) -> None:
        self._tools.account = account

    async def _guard(self, followed: Followed, flow: Coroutine[Any, Any, None]) -> None:
        """Whatever happens in a flow ends in the job's state: nobody would ever see an exception of this task."""
        try:
            await flow
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            log.exception("following %s failed", followed.key)
            what = shortened(repr(error))
            text = f"following stopped by an error of ours ({what}); %seedance attach {followed.key} goes on"
            followed.tell(error=ClipError(text), trouble=text)
        finally:
            for key in [k for k, f in self._followed.items() if f is followed]:
                del self._followed[key]
            if followed.bell is not None:
                bell, followed.bell = followed.bell, None
                self._tools.bells.take_down(bell, for_good=followed.snapshot.status.is_final)
            if not followed.snapshot.is_settled and followed.snapshot.request_id is not None and self.is_usable:
                self._tools.background.start(followed.save({"follower": None}))  # others may look from now on
            if not followed.snapshot.is_settled:  # a settled job may be on its next way already: download_again
                for job in followed.jobs:
                    job.abandon()  # frees whoever still waits

    async def _live(
        self,
        followed: Followed,
        request: VideoRequest,
        fresh: bool,
        price: float | None,
        most: float | None,
        max_credits: float | Budget | None,
    ) -> None:
        key = followed.key
        try:
            claimed = await submitting.claim(
                followed, request, fresh=fresh, price=price, most=most, max_credits=max_credits
            )
            if claimed is None:
                return
            record, is_new = claimed
            job = followed.jobs[0]
            accepted = False
            if is_new:
                job.claimed()
                await learn(followed)
                accepted = await submitting.publish(followed, request) and await submitting.send(followed, request)
        except asyncio.CancelledError:
            await _give_up_unsent(followed)
            raise
        finally:
            self._unanswered.discard(key)
        if is_new:
            if accepted:
                await follow(followed)
            return
        job.is_reuse = True
        job.reuse_notes = _notes_of_reuse(followed.snapshot.request, record.request)
        known = self._followed.get(record.key)
        if known is not None:  # the same intention is on its way here already
            followed.jobs.clear()
            known.jobs.append(job)
            known.tell()
            job.claimed()
            return
        del self._followed[followed.key]
        self._followed[record.key] = followed
        picture = self._snapshot_of(record)
        if picture.status is Status.SUCCEEDED and not isinstance(picture.error, ClipForgotten):
            picture = dataclasses.replace(
                picture, error=None
            )  # a file that could not be fetched then is tried for again
        followed.tell(**facts_of(picture))
        job.claimed()
        await self._go_on(followed)

    async def _go_on(self, followed: Followed) -> None:
        """Go on from what the ledger knows: wait for another process, follow, fetch the file, or just say how it is."""
        if followed.snapshot.status is Status.SUBMITTING and followed.snapshot.request_id is None:
            record = await submitting.await_other_process(followed)
            followed.tell(**facts_of(self._snapshot_of(record)), note=None)
        if followed.snapshot.is_settled:
            followed.tell()
        elif followed.snapshot.request_id is not None:
            await learn(followed)
            await follow(followed)

    def _snapshot_of(self, record: Record) -> Snapshot:
        return snapshot_of(record, self._tools.clips)

    async def _before_end(self) -> None:
        lived = LivedTime(LONGEST_STEP)
        while self._awaited and not self._let_go and lived() < self._patience:  # noqa: ASYNC110 - no event: the waiting thread adds
            await asyncio.sleep(0.02)

    async def _at_end(self) -> None:
        try:
            await self._tools.close()
        finally:  # until its last word is written, nobody else may judge its creates
            owners.LIVE_HERE.discard(self._tools.owner)


class Served:
    """A server of this process that the service rings at. Close it, or use it with `with`; it also ends with its session."""

    def __init__(self, runner: Runner, receiver: Receiver, base: str, port: int) -> None:
        self._runner, self._receiver = runner, receiver
        self.url = base
        """What the address of each job begins with; no token."""
        self.port = port

    def __repr__(self) -> str:
        return f"<webhooks at {self.url}, port {self.port}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more; jobs that wait for a ring are polled. Idempotent."""
        if self._runner.is_usable:
            self._runner.background.run(self._runner.stop_serving(self._receiver))


async def _give_up_unsent(followed: Followed) -> None:
    """The end came before a create was sent: that is certain, so it is recorded, and the intention is free again."""
    if followed.may_have_left or followed.snapshot.status is not Status.SUBMITTING:
        return
    error = ConnectionFailed("this process ended before it could send this; nothing was charged; run it again")
    await followed.end(Status.REJECTED, error, nothing_charged=True, in_ledger=followed.is_claimed)


def _say(text: str) -> None:
    with contextlib.suppress(Exception):  # at the very end there may be nobody to tell
        print(f"seedance: {text}", file=sys.stderr, flush=True)


def _notes_of_reuse(asked: VideoRequest, found: VideoRequest) -> tuple[str, ...]:
    """What a run is told that gets a video made before, where the two differ in what makes no other video."""
    if asked.metadata is None or asked.metadata == found.metadata:
        return ()
    stored = "the metadata of its first run" if found.metadata else "no metadata"
    return (f"the video the service keeps carries {stored}, not what stands here; --fresh buys one that does",)


def new_key() -> str:
    """A new key for a row of the ledger: short, safe in HTML, file names and as an argument of `attach`."""
    return "j" + uuid.uuid4().hex[:11]
