"""One job inside the background loop, and the tools every step of its way uses."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ..._version import __version__
from ...api.models import Status, VideoRequest
from ...clips.store import Clips
from ...errors import ConfigurationError, SeedanceError, shortened
from ...settings import Limits, Secret, is_loopback
from ...snapshot import Snapshot
from ..background import Background, log
from ..budget import Budget
from ..job import Job
from ..ledger.contract import LedgerAway, Store
from ..ledger.record import Record
from ..references.references import References
from .account_turns import READ_SECONDS, AccountTurns, Calls
from .bells import Bell, Bells
from .ear import Ear
from .gate import Gate
from .pace import Kind, Pace
from .polling import Outlook

if TYPE_CHECKING:
    from ...api.client import Client
    from ...waking.pages import Receiver

T = TypeVar("T")
LEDGER_RETRY_SECONDS = 2.0
LEDGER_AWAY_SECONDS = 0.5
"""Between two tries where a server of the ledger is away …"""
LEDGER_PATIENCE_SECONDS = 300.0
"""… and after so long nothing is waited for any more: nothing was sent."""


class Clock:
    """Time as the runner sees it; tests bring their own."""

    def time(self) -> float:
        """Seconds since the epoch; may jump."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment; never jumps."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set or the seconds are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


class Tools:
    """What all jobs of one runner share. Used inside the loop only."""

    def __init__(
        self,
        *,
        base_url: str,
        service: str,
        key: Secret,
        account: str,
        owner: str,
        limits: Limits,
        ledger: Store,
        clips: Clips,
        budget: Budget,
        clock: Clock,
        notebook: str | None,
        simulated: bool,
        references: References,
        person: str | None,
        project: str | None,
    ) -> None:
        self.references = references
        self.person, self.project = person, project
        self.base_url, self.service = base_url, service
        self.account, self.owner, self.notebook, self.simulated = account, owner, notebook, simulated
        self.ledger, self.clips, self.budget, self.clock = ledger, clips, budget, clock
        self.background: Background
        self.creates_in_the_air = 0
        self.unwritten: dict[Followed, str] = {}
        """Jobs whose id is paid for, with that id, and what is known of them not in the ledger yet."""
        self.gate = Gate(limits.concurrency)
        self.busy_until = 0.0
        """Monotonic time before which no create is sent, because the service said it is busy: shared by all jobs."""
        self.no_look_until = 0.0
        """The same for looks: a 429 is about the account, not about one job."""
        self.pace = Pace(clock.monotonic)
        self.receiver: Receiver | None = None
        """What listens where a script serves its webhooks itself."""
        self.bells = Bells(clock.monotonic, api_is_here=is_loopback(urlsplit(base_url).hostname or ""))
        self.ear = Ear(
            self._rows,
            lambda seconds: clock.wait(asyncio.Event(), seconds),
            self._start,
            ledger.presence.is_at_work,
        )
        self.turns = AccountTurns(
            read=lambda: self.try_ledger(self.ledger.pace.of, self.account, self.owner),
            take=lambda wanted: self.try_ledger(self.ledger.pace.take, self.account, wanted),
            heard=self._refused_elsewhere,
            monotonic=clock.monotonic,
            sleep=lambda seconds: clock.wait(asyncio.Event(), seconds),
            start=self._start,
        )
        self._has_said_version = False
        self._kinds: dict[tuple[object, ...], Kind] = {}
        self._key = key
        self._client: Client | None = None
        self._retired: list[Client] = []
        self.use_limits(limits)

    def use_limits(self, limits: Limits) -> None:
        """Go on with other limits; calls under way keep the ones they began with."""
        self.limits = limits
        self.gate.allow(limits.concurrency)
        self.calls = Calls(limits.concurrency, self.turns)
        self.downloads = asyncio.Semaphore(min(4, limits.concurrency))
        if self._client is not None:
            self._retired.append(self._client)
            self._client = None

    @property
    def whose(self) -> tuple[str | None, str | None, str | None]:
        """Notebook, person and project, as the ledger keeps them."""
        return self.notebook, self.person, self.project

    @property
    def under_way(self) -> int:
        """How many videos of ours the service has accepted and not ended yet, as far as they are followed here."""
        return sum(kind.alive for kind in self._kinds.values())

    def use_key(self, key: Secret) -> None:
        """Go on with another key."""
        self._key = key
        if self._client is not None:
            self._client.set_key(key)

    async def kind_of(self, request: VideoRequest) -> Kind:
        """What is known of such requests: from the ledger at first, from what happens here after that."""
        name = (request.model, request.duration, request.resolution)
        if name not in self._kinds:
            lives = await self.try_ledger(self.ledger.lives, self.service, request) or []
            self._kinds.setdefault(name, Kind(lives))
        return self._kinds[name]

    def say_version(self) -> None:
        """Tell the ledger, once, who works here with which version: others can see whom a change of theirs concerns."""
        if not self._has_said_version:
            self._has_said_version = True
            self._start(self._say_version())

    async def _say_version(self) -> None:
        await self.try_ledger(self.ledger.members.seen, self.person or "", __version__)

    def refused(self, seconds: float, *, is_create: bool) -> None:
        """The service has asked for a pause: all sessions of the account heed it."""
        until = self.clock.monotonic() + seconds
        if is_create:
            self.busy_until = max(self.busy_until, until)
        else:
            self.no_look_until = max(self.no_look_until, until)
        if seconds >= READ_SECONDS:  # a shorter one is over before they hear of it
            self._start(self._tell_others(seconds, is_create))

    async def _tell_others(self, seconds: float, is_create: bool) -> None:
        await self.try_ledger(self.ledger.pace.refused, self.account, self.owner, seconds, is_create)

    def _refused_elsewhere(self, no_create_for: float, no_look_for: float) -> None:
        now = self.clock.monotonic()
        self.busy_until = max(self.busy_until, now + no_create_for)
        self.no_look_until = max(self.no_look_until, now + no_look_for)

    def _start(self, reading: Coroutine[Any, Any, None]) -> None:
        self.background.start(reading)

    async def _rows(self, keys: list[str]) -> dict[str, Record]:
        return await self.try_ledger(self.ledger.browsing.with_keys, keys) or {}

    def api(self) -> Client:
        """The client, made at first use."""
        if self._client is None:
            from ...api.client import Client  # httpx costs 30 ms, which this thread has and the notebook has not

            self._client = Client(self.base_url, self._key, self.limits)
        return self._client

    async def close(self) -> None:
        """Close connections and the ledger."""
        for client in (self._client, *self._retired):
            if client is not None:
                await client.close()
        self.clips.close()
        self.bells.close()
        if self.receiver is not None:
            await self.receiver.close()
        await self._write_what_was_paid()
        await self.try_ledger(self.ledger.mend)
        await self.try_ledger(self.ledger.presence.leave, self.owner)
        await self.in_ledger(self.ledger.close)

    async def _write_what_was_paid(self) -> None:
        """Ids that could not be recorded outlive the session: they are tried for as long as the process lives."""
        while self.unwritten:
            for followed in list(self.unwritten):
                await followed.write()
            if self.unwritten:
                await asyncio.sleep(LEDGER_RETRY_SECONDS)

    async def in_ledger(self, function: Callable[..., T], *args: Any) -> T:
        """Call the ledger in its own thread; raises ConfigurationError when the file cannot be used."""
        return await self.background.in_ledger_thread(function, *args)

    async def try_ledger(self, function: Callable[..., T], *args: Any) -> T | None:
        """A call to the ledger that the job can do without: None when it fails."""
        try:
            return await self.in_ledger(function, *args)
        except ConfigurationError as error:
            log.debug("ledger: %s", error)
            return None


class Followed:
    """A job inside the loop: its newest picture, the Jobs that show it, and what wakes it."""

    def __init__(self, tools: Tools, snapshot: Snapshot, job: Job) -> None:
        self.tools = tools
        self.snapshot = snapshot
        self.jobs = [job]
        self.wake = asyncio.Event()
        self.cancel_sent = False
        self.set_aside: float | None = None
        """Credits of the session's budget that are reserved for it."""
        self.is_counting_down = False
        """Whether it waits before its create is tried again: nothing of it is in the air."""
        self.is_claimed = False
        """Whether the row in the ledger is this one's own."""
        self.may_have_left = False
        """Whether a create of it may have reached the service: set before the first byte, taken back by what surely was no acceptance."""
        self.cancel_refusals = 0
        self.cancel_again_at: float | None = None
        """Monotonic time at which a cancel that was refused for now is sent again."""
        self.bell: Bell | None = None
        """Its webhook, if it has one that rings here."""
        self.outlook = Outlook()
        self.seen_unfinished_at: float | None = None
        """When the service last said, here, that it had not ended yet: in a look, or when it was accepted."""
        self.has_succeeded = snapshot.status is Status.SUCCEEDED
        """Whether the service has ever said so, whatever it says later."""
        self._unsaved: dict[str, Any] = {}
        self._is_saved_later = False

    @property
    def key(self) -> str:
        """The key of its row in the ledger."""
        return self.snapshot.key

    @property
    def is_watched(self) -> bool:
        """Whether somebody looks at it: a card, a panel."""
        return any(job.is_watched for job in self.jobs)

    @property
    def is_given_up(self) -> bool:
        """Whether its way ended without a clip: it may stand in a table for a moment more, but says nothing of a new try."""
        return self.snapshot.is_settled and self.snapshot.clip is None

    @property
    def cancel_waits(self) -> bool:
        """Whether a cancel was asked for that the service has not been told of yet."""
        return self.snapshot.cancel_requested and not self.cancel_sent

    def tell(self, **changes: Any) -> None:
        """Change the picture and show it to everybody."""
        self.snapshot = dataclasses.replace(self.snapshot, **changes)
        for job in self.jobs:
            job.deliver(_as_reuse(self.snapshot, job.reuse_notes) if job.is_reuse else self.snapshot)

    def settle(self, charged: float) -> None:
        """Replace what was set aside for it by what it was charged; once. An answer that names no price leaves it set aside."""
        if self.set_aside is not None:
            self.tools.budget.correct(self.set_aside, charged)
            self.set_aside = None

    async def save(self, changes: dict[str, Any]) -> str | None:
        """Record changes of the row; what cannot be written now is kept and written later. Returns the trouble, if any."""
        self.keep(changes)
        return await self.flush()

    def keep(self, changes: dict[str, Any]) -> None:
        """Have changes of the row recorded with whatever is written next."""
        self._unsaved |= changes

    async def flush(self) -> str | None:
        """Write what could not be written before, else try again in a while. Returns the trouble, if any."""
        trouble = await self.write()
        if trouble is not None and self._unsaved and not self._is_saved_later:
            self._is_saved_later = True
            self.tools.background.start(self._save_later())
        return trouble

    async def write(self) -> str | None:
        """The same once."""
        if not self._unsaved and not self.tools.ledger.is_lost:
            return None
        pending, self._unsaved = self._unsaved, {}
        try:
            # Shielded: what was paid for is written also when the runner closes while the write waits for its turn.
            again = await asyncio.shield(self.tools.in_ledger(self.tools.ledger.save, self.key, pending))
        except ConfigurationError as error:
            self._not_written(pending)
            return str(error)
        except asyncio.CancelledError:
            self._not_written(pending)  # nobody hears any more whether it was: written twice it is the same
            raise
        self.tools.unwritten.pop(self, None)
        return None if again is None else self._say_written_again(again)

    def _not_written(self, pending: dict[str, Any]) -> None:
        self._unsaved = pending | self._unsaved
        if paid_id := self._unsaved.get("request_id") or self.snapshot.request_id:
            self.tools.unwritten[self] = paid_id

    def _say_written_again(self, row: Record) -> str:
        """The file had lost the row: said for good, not only until the next look."""
        alarm = "the ledger file was deleted or exchanged while this job went on; its row was written again"
        if (
            row.take != self.snapshot.take
        ):  # the file may be the same one: its place was free while it counted as failed
            alarm = (
                "another job took this one's place in the ledger, because the file was exchanged or this one counted as ended;"
                f" it is kept as take {row.take}"
            )
        self.tell(take=row.take, warnings=(*(w for w in self.snapshot.warnings if w != alarm), alarm))
        return alarm

    async def _save_later(self) -> None:
        try:
            await asyncio.sleep(LEDGER_RETRY_SECONDS)
        finally:
            self._is_saved_later = False
        if self._unsaved:
            self.tell(trouble=await self.flush())

    async def end(
        self,
        status: Status,
        error: SeedanceError,
        *,
        text: str | None = None,
        nothing_charged: bool = False,
        in_ledger: bool = True,
        moments: dict[str, float] | None = None,
    ) -> None:
        """End without a clip: recorded, then told. `moments` are those of the end, if they are not just now."""
        moments = moments or {"finished_at": self.snapshot.finished_at or self.tools.clock.time()}
        changes: dict[str, Any] = {"status": status, "status_text": text or status.value, **moments}
        not_saved = None
        if nothing_charged:
            changes["credits"] = 0.0
        if in_ledger:
            if nothing_charged:
                self.settle(0.0)
            said = {"error": str(error), "error_kind": type(error).__name__, "follower": None}
            not_saved = await self.save(changes | said)
        self.tell(**changes, error=error, note=None, trouble=not_saved)

    async def in_ledger_again(self, waiting: str, function: Callable[..., T], *args: Any) -> T:
        """A call to the ledger that is done again until a ledger which went away is back; the card says so meanwhile, and `waiting`.

        It must be one that may be done twice: what became of the first is not known. Raises ConfigurationError: where the ledger is
        not away but cannot be used, and when it is away for too long or a cancel is asked for.
        """
        clock, told = self.tools.clock, self.snapshot.trouble
        end = clock.monotonic() + LEDGER_PATIENCE_SECONDS
        is_away = False
        while True:
            try:
                found = await self.tools.in_ledger(function, *args)
            except LedgerAway as error:
                if clock.monotonic() > end or self.snapshot.cancel_requested:
                    raise
                is_away = self.is_counting_down = True
                self.tell(trouble=shortened(str(error)), note=f"waiting for the ledger; {waiting}")
                await self.pause(LEDGER_AWAY_SECONDS)
                self.is_counting_down = False
            else:
                if is_away:
                    self.tell(trouble=told, note=None)
                return found

    async def pause(self, seconds: float) -> None:
        """Sleep, unless something wakes the job: a cancel, another key."""
        self.wake.clear()
        if self.cancel_waits and self.snapshot.request_id:
            return
        await self.tools.clock.wait(self.wake, seconds)

    async def count_down(self, seconds: float, why: str) -> None:
        """Wait visibly before a create is tried again; a cancel ends it."""
        clock = self.tools.clock
        self.is_counting_down = True
        end = clock.monotonic() + seconds
        while (left := end - clock.monotonic()) > 0 and not self.snapshot.cancel_requested:
            self.tell(trouble=shortened(why), note=f"trying again in {max(1, round(left))} s")
            await self.pause(min(1.0, left))
        self.is_counting_down = False
        self.tell(note=None)


def _as_reuse(snapshot: Snapshot, notes: tuple[str, ...]) -> Snapshot:
    """Who reuses another's row did not pay its price; only of an unknown outcome nobody can say that."""
    credits = None if snapshot.status is Status.UNKNOWN else 0.0  # noqa: A001 - the field's own word
    return dataclasses.replace(snapshot, reused=True, credits=credits, warnings=(*snapshot.warnings, *notes))
