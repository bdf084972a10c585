"""One key, one base URL, one ledger, one runner; and the module-level functions, which use the session of this kernel.

A session is put together from `choices` (what is set), `engine` (what runs), `ownership` (whose it is) and `money`; itself it submits,
follows and remembers.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import socket
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Never, ParamSpec, Protocol, Self, TypeVar

from ..api.catalog import Catalog, Estimate
from ..api.extra import texts_in
from ..api.fields import (
    DEFAULT_ASPECT_RATIO,
    DEFAULT_DURATION,
    DEFAULT_MODEL,
    DEFAULT_RESOLUTION,
    refuse_others,
)
from ..api.models import Status, VideoRequest, as_request_id, make_request
from ..api.plain_values import whole_number
from ..clips.clip import Clip
from ..clips.store import Clips
from ..errors import ApiError, ClipError, ConfigurationError, InvalidRequest, SeedanceError, one_line
from ..keywords import UNSET, Unset, refusing_others
from ..ledger_address import LedgerAddress, hidden, is_address, stored
from ..settings import (
    AUTO,
    OFF,
    Limits,
    Secret,
    Settings,
    check_base_url,
    check_key,
    check_limit,
    check_public_url,
    limits_among,
    refuse_unknown,
)
from ..showing import Shown
from ..upload_places import Uploads
from . import host
from .background import log
from .budget import Budget
from .choices import Changes, Choices
from .engine import WAIT_ATTRIBUTE, Engine
from .following.picture import forgotten
from .job import Job, WaitStrategy
from .ledger.contract import Account, AccountNotKnown, Spending, Wanted
from .ledger.ledger import Ledger
from .ledger.record import Record
from .money import Money
from .notifying import Notify, Notifying, check_notify
from .ownership import Ownership
from .references.shelf import Reference, Shelf

if TYPE_CHECKING:
    from .following.runner import Served

P = ParamSpec("P")
T = TypeVar("T")
CLAIM_SECONDS = 0.08
"""`submit` waits so long for the ledger's word, so that a refusal is raised where the call stands and a reused clip is there at
once; a ledger that is busy longer is answered through the job. Under a limit of credits it is waited for however long it takes (the
ledger gives up by itself): over the limit is then always said where the call stands."""
SHORTEST_KEY = 12
"""A shorter key is found in any text by chance."""
BURST = 16
BURST_SECONDS = 1.0
"""Of more than BURST calls of `submit` within this time the later ones do not wait, where no limit of credits could refuse them: a
thousand in a loop are then written to disk together instead of one by one."""
_HOST_ATTRIBUTE = "_seedance_session"
_BUDGETS_ATTRIBUTE = "_seedance_budgets"


class GoesOn(Protocol):
    """What sends more jobs by itself when earlier ones have ended: a story."""

    @property
    def is_awaited(self) -> bool:
        """Whether a notebook run by a program waits for it at the end of its cells."""

    def done(self) -> bool:
        """Whether nothing more will come by itself."""


class JobList(Shown, list[Job]):
    """Jobs that show themselves as a table."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """Which session a stored job belongs to: its host, its places, and its account's name if it has one. No key."""

    base_url: str
    home: str
    ledger: str
    """Its path, or its address without the password."""
    clips: str
    account: str | None

    def job(self, key: str) -> Job:
        """The job with this key, followed or read from the ledger. Raises ConfigurationError where neither knows it."""
        session = self._session()
        living = session.engine.runner.living().get(key)
        if living is not None:
            return living
        record = session.ask_ledger(Ledger.find, key)
        if record is None:
            raise ConfigurationError(
                f"job {one_line(key, 40)} is not in the ledger {self.ledger}; set SEEDANCE_HOME, or SEEDANCE_LEDGER, to where it is"
            )
        return session.engine.runner.job_of(record)

    def shot_after(self, clip: Clip, prompt: str, options: Mapping[str, Any]) -> Job:
        """Ask for a video that begins with the last frame of this clip. Raises as `submit`."""
        session = self._session()
        try:
            frame = session.shelf.last_frame(clip)
        except ClipError as error:
            raise InvalidRequest(f"{one_line(error, 200)}; nothing was sent and nothing charged") from None
        return session.submit(prompt, media_urls=frame, **options)

    def _session(self) -> Session:
        own = existing()
        for session in [*([own] if own is not None else []), *_living]:
            if session.origin == self and session.engine.is_in_use:
                return session
        session = Session(
            base_url=self.base_url,
            home=self.home,
            account=self.account,
            ledger=stored(self.ledger) if is_address(self.ledger) else self.ledger,
            clips=self.clips,
        )
        _for_stored_jobs.append(session)  # as long as the process lives, like the kernel's own
        return session


_living: weakref.WeakSet[Session] = weakref.WeakSet()
_for_stored_jobs: list[Session] = []


class Session:
    """Submits, follows and remembers. Costs nothing until it is used: no thread, no file, no connection.

    Arguments as for `configure`; what is None comes from the environment, pyproject.toml or the default. Close it, or use it with
    `with`, when it is not the kernel's own.
    """

    @refusing_others(refuse_unknown)
    def __init__(
        self,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        home: str | os.PathLike[str] | None = None,
        account: str | None = None,
        ledger: str | os.PathLike[str] | LedgerAddress | None = None,
        clips: str | os.PathLike[str] | None = None,
        *,
        uploads: Uploads | None = None,
        notify: Notify | None = None,
        webhook_url: str | None = None,
        public_url: str | None = None,
        person: str | None = None,
        project: str | None = None,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
        create_timeout: float | None = None,
        stall_timeout: float | None = None,
        download_timeout: float | None = None,
        max_clip_bytes: int | None = None,
        max_json_bytes: int | None = None,
        embed_limit: int | None = None,
        concurrency: int | None = None,
        poll_floor: float | None = None,
        poll_ceiling: float | None = None,
        tries_after_trouble: int | None = None,
        pause_after_trouble: float | None = None,
        longest_pause: float | None = None,
        clips_cache_bytes: int | None = None,
        max_credits: float | None = None,
    ) -> None:
        key = Secret(api_key) if isinstance(api_key, str) else api_key
        del api_key  # no frame that may raise holds it
        ledger = hidden(ledger)  # nor a password
        limits = limits_among(locals())
        self.choices = Choices(
            api_key=key,
            base_url=base_url,
            home=home,
            account=account,
            ledger=ledger,
            clips=clips,
            uploads=uploads,
            webhook_url=webhook_url,
            public_url=public_url,
            person=person,
            project=project,
            limits=limits,
        )
        self.engine = Engine(
            self.choices,
            account=lambda: self.ownership.account,
            budget=lambda: self.money.budget,
            origin=lambda: self.origin,
        )
        self.ownership = Ownership(self.choices, self.engine)
        self.notifying = Notifying(notify)
        self.money = Money(self.choices, self.engine)
        self._listeners: list[Callable[[Job], object]] = []
        self._asked: weakref.WeakSet[Job] = weakref.WeakSet()
        """Jobs that somebody here submitted or attached; those only followed from before are not among them."""
        self._untold: list[Job] = []
        """Of a notebook's cell that runs: what ends before the cell does must not be forgotten before it is told."""
        self._going_on: weakref.WeakSet[GoesOn] = weakref.WeakSet()
        self._submitted_at: collections.deque[float] = collections.deque(maxlen=BURST)
        _living.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session {self.settings.base_url}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise ConfigurationError(
            "a Session is not stored or copied: it has a key, a limit and a thread; make one there with sd.Session(…) or"
            " sd.configure(…). Jobs can be stored"
        )

    # What is known ------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """All that is set. It holds the key as a Secret."""
        return self.choices.settings

    @property
    def has_key(self) -> bool:
        """Whether there is a key (the keyring is asked too), or the simulator, which needs none."""
        return self.choices.has_key

    @property
    def limits(self) -> Limits:
        """Timeouts, sizes and pace in force."""
        return self.choices.settings.limits

    @property
    def account(self) -> str:
        """Whose generations these are: a fingerprint of host and key (never the key), or the name given as `account`."""
        return self.ownership.account

    @property
    def catalog(self) -> Catalog:
        """What each model allows and costs, as far as anybody said; `models` asks."""
        return self.money.catalog

    @property
    def spent(self) -> float:
        """Credits charged or reserved by this session so far."""
        return self.money.budget.spent

    @property
    def origin(self) -> Origin:
        """Where its jobs come back from once they were stored; holds no key."""
        known = self.settings
        clips = known.shared_clips or str(known.clips)
        ledger = known.ledger.without_password() if isinstance(known.ledger, LedgerAddress) else str(known.ledger)
        return Origin(known.base_url, str(known.home), ledger, clips, self.choices.account)

    @property
    def shelf(self) -> Shelf:
        """Where own files that requests go by are kept."""
        return self.engine.references.shelf

    def ask_ledger(self, method: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a method of the ledger answers. Raises ConfigurationError where it cannot be read."""
        return self.engine.ask_ledger(method, *args, **kwargs)

    # What a user does --------------------------------------------------------------------------------

    def submit(
        self,
        prompt: str,
        *,
        model: str = DEFAULT_MODEL,
        aspect_ratio: str | None = DEFAULT_ASPECT_RATIO,
        duration: int | None = DEFAULT_DURATION,
        resolution: str | None = DEFAULT_RESOLUTION,
        media_urls: Reference | Iterable[Reference] | None = None,
        webhook_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        take: int = 1,
        fresh: bool = False,
        max_credits: float | None = None,
        **others: Never,
    ) -> Job:
        """Ask for one video; returns a Job at once. Arguments and errors as for `seedance_nb.submit`."""
        refuse_others(others)
        request = make_request(
            prompt,
            model=model,
            aspect_ratio=aspect_ratio,
            duration=duration,
            resolution=resolution,
            media_urls=self.shelf.addresses(media_urls),
            webhook_url=webhook_url,
            metadata=metadata,
            extra=extra,
            **others,
        )
        self._check_no_key_in([request])
        take, fresh = _check_take(take), _check_fresh(fresh)
        max_credits = check_limit("max_credits", max_credits)
        warnings = self.checked(request)
        self._check_limits_are_known()
        runner, money = self.engine.runner, self.money
        estimate = money.estimate(request, in_burst=self._is_burst)
        price, most = (estimate.credits if estimate else None), None
        if money.has_limit(max_credits, in_burst=self._is_burst):
            [most] = money.most_credits([request], may_ask=fresh or self.preview(request, take) is None)
            price = most
        job = runner.submit(
            request,
            take=take,
            fresh=fresh,
            estimate=(estimate.credits, estimate.source) if estimate else None,
            price=price,
            max_credits=max_credits,
            warnings=warnings,
            most=most,
        )
        self._ask_for(job)
        if self._is_claimed(job, max_credits) and (refused := _refused(job)) is not None:
            if isinstance(refused, AccountNotKnown):
                self.ownership.read_again()
            job.is_awaited = False
            raise refused.with_traceback(None)
        self._announce(job)
        return job

    def checked(self, request: VideoRequest) -> tuple[str, ...]:
        """What the catalog notes of a request; what it refuses is said to have cost nothing."""
        try:
            return self.catalog.check(request)
        except InvalidRequest as error:
            said = str(error)
            told = said if "nothing was" in said else f"{said}; nothing was sent and nothing charged"
        raise InvalidRequest(told)

    def submit_all(
        self,
        wanted: Sequence[tuple[VideoRequest, int]],
        *,
        fresh: bool = False,
        max_credits: float | Budget | None = None,
        goes_on: bool = False,
    ) -> list[Job]:
        """Ask for many videos, each a (request, take); returns their Jobs at once, in the same order.

        As so many calls of `submit`, but `max_credits` limits all of them together, and the ledger's word is waited for once. A Budget is
        shared with other calls. `goes_on` says that nobody asks just now, something goes on by itself: after a close it does not.
        Raises InvalidRequest or ConfigurationError before anything is sent, also when under a limit all of them are refused; what is
        refused of a few (BudgetExceeded, a ledger that became unusable) is the error of its own job and stops no other.
        """
        purse = max_credits if isinstance(max_credits, Budget) else None
        limit = check_limit("max_credits", max_credits) if not isinstance(max_credits, Budget) else max_credits.limit
        wanted, fresh = [(request, _check_take(take)) for request, take in wanted], _check_fresh(fresh)
        self._check_no_key_in([request for request, _ in wanted])
        warnings = [self.checked(request) for request, _ in wanted]
        self._check_limits_are_known()
        if (
            not fresh
        ):  # before the first of many is sent: all of them or none; of one, the ledger says it when it is claimed
            self.ownership.check_known(wanted)
        runner, money = self.engine.started if goes_on else self.engine.runner, self.money
        if runner is None or not runner.is_usable:
            raise ConfigurationError("this session was closed, so nothing more was sent; run it again to go on")
        estimates = money.estimates([request for request, _ in wanted])
        aside = [estimate.credits if estimate else None for estimate in estimates]
        most: list[float | None] = [None] * len(wanted)
        has_limit = money.has_limit(limit)
        if has_limit:
            aside = most = money.most_credits([request for request, _ in wanted])
        if purse is None and limit is not None:
            purse = Budget(limit)
        jobs = [
            runner.submit(
                request,
                take=take,
                fresh=fresh,
                estimate=(estimate.credits, estimate.source) if estimate else None,
                price=price,
                max_credits=purse,
                warnings=warned,
                most=bound,
            )
            for (request, take), estimate, price, bound, warned in zip(
                wanted, estimates, aside, most, warnings, strict=True
            )
        ]
        for job in jobs:
            self._ask_for(job)
        end = time.monotonic() + CLAIM_SECONDS
        if not runner.is_current:
            for job in jobs:
                job.wait_until_claimed(None if has_limit else max(0.0, end - time.monotonic()))
        refused = [_refused(job) for job in jobs]
        if has_limit and refused and all(error is not None for error in refused):
            first = refused[0]
            assert first is not None
            for job in jobs:
                job.is_awaited = False
            raise first.with_traceback(None)
        for job in jobs:
            self._announce(job)
        return jobs

    def estimate(self, request: VideoRequest) -> Estimate | None:
        """Credits this is expected to cost, and by whose word; None when nobody knows."""
        return self.money.estimate(request)

    def preview(self, request: VideoRequest, take: int = 1) -> Record | None:
        """The row that running this request would reuse at no cost, or None; sends nothing."""
        try:
            return self.ask_ledger(Ledger.occupying, self.account, request, take)
        except ConfigurationError:  # no key, so no account that could have it
            return None

    def jobs(
        self, status: str | None = None, limit: int = 50, *, starred: bool | None = None, text: str | None = None
    ) -> JobList:
        """The newest jobs in the ledger, newest first, at most `limit`. Arguments as for `seedance_nb.jobs`."""
        if text is not None and not isinstance(text, str):
            raise InvalidRequest(f"text must be text to look for, not {one_line(type(text).__name__, 40)}")
        if starred is not None and not isinstance(starred, bool):
            raise InvalidRequest(f"starred must be True, False or None, not {one_line(repr(starred), 40)}")
        if status is not None and status not in set(Status):
            raise InvalidRequest(f"{one_line(status, 40)!r} is no status; choose one of {', '.join(Status)}")
        living = self.engine.runner.living()
        wanted = Wanted(text=text or "", status=status, starred=starred)
        records = self.ask_ledger(lambda ledger: ledger.browsing.page(wanted, limit))
        living |= self.engine.runner.living()
        return JobList(self.engine.runner.job_of(record, living=living) for record in records)

    def forget(self, job: Job | str) -> Job:
        """Free the file of a job's clip and keep its record. Arguments as for `seedance_nb.forget`."""
        key = job.key if isinstance(job, Job) else job
        if not isinstance(key, str):
            raise InvalidRequest(
                f"forget takes a job, or its id, not {one_line(type(key).__name__, 40)}; nothing was deleted"
            )
        record = self.ask_ledger(Ledger.find, key.strip())
        if record is None:
            raise InvalidRequest(f"the ledger has no job {one_line(key, 40)!r}; nothing was deleted")
        runner = self.engine.runner
        if record.clip is None or record.clip.get("forgotten"):
            if record.clip is not None:
                return job if isinstance(job, Job) else runner.job_of(record)
            why = "it still runs: cancel it first" if not record.status.is_final else "it has no file"
            raise InvalidRequest(f"{record.request_id or record.key} cannot be forgotten: {why}; nothing was deleted")
        clip = Clips(self.settings.clips).load(record.clip)
        facts = {**record.clip, "forgotten": time.time()}

        # First the record, then the file: what is half done is told as forgotten, and never as lost.
        record = self.ask_ledger(Ledger.revise, record.key, lambda _: {"clip": facts})
        name, key = str(facts["file"]), record.key
        is_shared = self.ask_ledger(lambda ledger: ledger.browsing.others_with_file(key, name))
        if clip is not None and not is_shared:
            Clips.free(clip)
            if (shared := self.engine.shared_clips) is not None:
                shared.forget(clip.path)
        error = forgotten(facts)
        held = [one for one in list(self._asked) if one.key == record.key]
        for one in {id(one): one for one in (*held, *([job] if isinstance(job, Job) else []))}.values():
            one.deliver(dataclasses.replace(one.snapshot, clip=None, error=error))
        return job if isinstance(job, Job) else runner.job_of(record)

    def has_unfinished(self) -> bool:
        """Whether the ledger has anything unfinished, of any account; needs no key and starts nothing."""
        return self.engine.has_ledger and self.ask_ledger(Ledger.has_unfinished)

    def unfinished(self) -> list[Record]:
        """Rows of this account that still need following or fetching."""
        return self.ask_ledger(Ledger.unfinished, self.account)

    def resume(self) -> JobList:
        """Follow everything of this account that is unfinished; returns those jobs. Free: nothing is submitted.

        Raises ConfigurationError where all that is unfinished is another key's, and nobody has said whether that is the same account.
        """
        # First: at its start the ledger takes over rows of another spelling of the host.
        runner = self.engine.runner
        jobs = JobList(
            runner.job_of(record, wanted=True) for record in self.ask_ledger(Ledger.unfinished, self.account)
        )
        if not jobs:  # they may be there, under another key of the same account
            self.ownership.check_unfinished()
        for job in jobs:
            runner.follow(job)
            self._announce(job)
        return jobs

    def attach(self, key_or_request_id: str) -> Job:
        """The job with this key or request id, followed; also an id that only the service knows. Nothing is submitted.

        Raises ApiError when nobody knows it.
        """
        name = key_or_request_id.strip()
        record = self.ask_ledger(Ledger.find, name)
        if record is None:
            if as_request_id(name) is None:
                raise ApiError(f"{one_line(name, 60)!r} is no job or request id; %seedance jobs lists them")
            record = self.engine.runner.background.run(self.engine.runner.adopt(name))
        elif record.status in (Status.FAILED, Status.CANCELLED) and record.base_url == self.settings.base_url:
            # A video that was made all the same is fetched: asking is free.
            record = self.engine.runner.background.run(self.engine.runner.ask_once_more(record))
        job = self.engine.runner.job_of(record, wanted=True)
        self.engine.runner.follow(job)
        self._announce(job)
        return self._ask_for(job)

    def models(self) -> Catalog:
        """What each model allows and costs: asks `/models` and merges its answer; the documented facts if it does not answer."""
        with contextlib.suppress(SeedanceError):
            runner = self.engine.runner
            self.money.learn(runner.background.run(runner.fetch_models()))
        return self.catalog

    def models_soon(self, then: Callable[[Catalog], object]) -> None:
        """Ask `/models` in the background and return at once; `then(catalog)` is called there once it has answered."""

        async def ask() -> None:
            with contextlib.suppress(SeedanceError):
                then(self.money.learn(await runner.fetch_models()))

        runner = self.engine.runner
        runner.background.post(lambda: runner.background.start(ask()))

    def spending(self) -> list[Spending]:
        """Credits charged and saved, by day, model and notebook."""
        return self.ask_ledger(Ledger.spending)

    def on_job(self, listener: Callable[[Job], object]) -> Callable[[], None]:
        """Call `listener(job)` for every job submitted, attached or resumed from now on, where that is called; returns the way
        to stop it. The same job may come more than once, as another Job with the same key.
        """
        self._listeners.append(listener)

        def stop() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return stop

    def _announce(self, job: Job) -> None:
        self.notifying.watch(job)
        for listener in list(self._listeners):
            try:
                listener(job)
            except Exception:  # who watches must not be able to break what is paid for
                log.exception("a listener for jobs failed")

    def awaited_jobs(self) -> list[Job]:
        """Those that were submitted or attached here, that no cell left to themselves, and of which nobody was told the end; oldest first."""
        asked = [job for job in list(self._asked) if job.is_awaited]
        return sorted(asked, key=lambda job: job.snapshot.created_at)

    def expect_more_of(self, thing: GoesOn) -> None:
        """It was submitted here, and will ask for more by itself."""
        self._going_on.add(thing)

    def expects_more(self) -> bool:
        """Whether something that is waited for will ask for more by itself."""
        return any(thing.is_awaited and not thing.done() for thing in list(self._going_on))

    def cell_ended(self) -> None:
        """All that is over has been told: keep it no longer."""
        self._untold.clear()

    def _ask_for(self, job: Job) -> Job:
        job.is_awaited = True
        self._asked.add(job)
        if host.is_kernel():
            self._untold.append(job)
        return job

    def open_jobs(self) -> list[Job]:
        """Jobs being followed here whose end is not known yet."""
        runner = self.engine.started
        return runner.open_jobs() if runner is not None and runner.is_usable else []

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Run `function()` in the background thread after `seconds`; from any thread. It must not wait there."""
        self.engine.runner.call_later(seconds, function)

    def work(self, function: Callable[[], object]) -> None:
        """Run `function()` soon beside the background thread, for what is slow; here and now where nothing runs."""
        self.engine.work(function)

    def serve_webhooks(self, port: int = 0, *, host: str = "127.0.0.1", public_url: str | None = None) -> Served:
        """Listen for webhooks in this process, and have every create carry an address there. As `seedance_nb.serve_webhooks`."""
        number = whole_number(port)
        if number is None or not 0 <= number < 65536:
            raise ConfigurationError(
                f"port must be a whole number below 65536, not {one_line(repr(port), 40)}; 0 takes a free one"
            )
        named = public_url or self.settings.public_url
        base = None if named is None else check_public_url(named)
        try:
            listener = socket.create_server(
                (host, number), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1024
            )
        except OSError as error:
            where = f"{one_line(host, 60)}:{number}"
            raise ConfigurationError(
                f"no webhooks are served: {where} cannot be listened on ({error.strerror}); name another port"
            ) from None
        listener.setblocking(False)
        runner = self.engine.runner
        try:
            here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only if asked for
            local = f"http://{f'[{here}]' if ':' in here else here}:{listener.getsockname()[1]}/"
            served = runner.background.run(runner.serve_webhooks(listener, base or local))
        except BaseException:
            listener.close()
            raise
        if self.settings.webhook_url is None:
            self.change(webhook_url=AUTO)
        return served

    # Changing what is set ------------------------------------------------------------------------------

    def change(
        self,
        *,
        api_key: str | Secret | None = None,
        limits: Changes | None = None,
        uploads: Uploads | Unset | None = UNSET,
        notify: Notify | Unset | None = UNSET,
        webhook_url: str | None = None,
        public_url: str | None = None,
        person: str | None = None,
        project: str | None = None,
    ) -> None:
        """Go on with another key or other limits, by their names; running jobs stay and use the new key from their next look on.

        A limit that is None is what environment, pyproject.toml or the default say. Raises ConfigurationError: then nothing has changed.
        """
        key = Secret(api_key) if isinstance(api_key, str) else api_key
        del api_key
        key = None if key is None else check_key(key)
        told = self.notifying.target if isinstance(notify, Unset) else check_notify(notify)
        if not isinstance(uploads, Unset):
            self.choices.use_uploads(uploads)
        self.notifying.target = told
        if webhook_url is not None or public_url is not None:
            self.choices.use_webhooks(webhook_url=webhook_url, public_url=public_url)
            if self.engine.started is not None:
                self.engine.started.use_webhooks(self.settings.webhook_url, self.settings.public_url)
        if person is not None or project is not None:
            self.choices.use_names(person=person, project=project)
            if self.engine.started is not None:
                self.engine.started.use_names(self.settings.person, self.settings.project)
        if limits:
            self.choices.change_limits(limits)
            self._keep_limits(anew="max_credits" in limits)
        if key is not None:
            self.choices.use_key(key)
            runner = self.engine.started
            if runner is not None and not self.settings.uses_simulator:
                self.engine.unite_spellings()
                runner.use_key(key, self.account)

    def moved(
        self,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        home: str | os.PathLike[str] | None = None,
        account: str | None = None,
        ledger: str | os.PathLike[str] | LedgerAddress | None = None,
        clips: str | os.PathLike[str] | None = None,
        uploads: Uploads | Unset | None = UNSET,
        notify: Notify | Unset | None = UNSET,
        webhook_url: str | None = None,
        public_url: str | None = None,
        person: str | None = None,
        project: str | None = None,
        limits: Mapping[str, float | int | None] | None = None,
    ) -> Session:
        """A new session at another host, folder or account; all that is not named stays, what was spent too.

        A key never goes to another host.
        """
        known, limits = self.settings, limits or {}
        ledger = hidden(ledger)
        same_host = base_url is None or check_base_url(base_url) == known.base_url
        if api_key is None and same_host and known.key_source == "argument":
            api_key = known.api_key
        moved = Session(
            api_key=api_key,
            base_url=base_url or known.base_url,
            home=home or known.home,
            account=account or self.choices.account,
            ledger=ledger or self.choices.ledger,
            clips=clips or self.choices.clips,
            uploads=known.uploads if isinstance(uploads, Unset) else uploads,
            notify=self.notifying.target if isinstance(notify, Unset) else notify,
            webhook_url=webhook_url or known.webhook_url or OFF,
            public_url=public_url or known.public_url,
            person=person or known.person,
            project=known.project if project is None else project,
            **{**self.choices.kept_limits(), **limits},
        )
        own = moved.limits
        moved.money.go_on(self.money.budgets)
        if "max_credits" in limits:  # also when that takes the limit away
            moved.choices.use_limits(own)
            moved._keep_limits(anew=True)
        moved.choices.keep_trouble_of(known)
        return moved

    def close(self) -> None:
        """Stop following and close everything. Jobs go on at the service; the ledger knows them. Idempotent.

        Creates that are not answered yet are waited for, at most `create_timeout` seconds; Ctrl-C lets them go.
        """
        self.engine.close()

    # Inside ----------------------------------------------------------------------------------------

    @property
    def _is_burst(self) -> bool:
        earlier = self._submitted_at
        return len(earlier) == BURST and time.monotonic() - earlier[0] < BURST_SECONDS

    def _is_claimed(self, job: Job, max_credits: float | None) -> bool:
        """Whether the ledger has had its say, after waiting for it: under a limit for as long as that takes."""
        has_limit, is_burst = self.money.has_limit(max_credits, in_burst=True), self._is_burst
        self._submitted_at.append(time.monotonic())
        if self.engine.runner.is_current or (is_burst and not has_limit):
            return False
        return job.wait_until_claimed(None if has_limit else CLAIM_SECONDS)

    def _check_no_key_in(self, requests: Iterable[VideoRequest]) -> None:
        """Raises InvalidRequest where a request holds the key: it would be sent, kept and shown as what it is not."""
        key = self.settings.api_key
        secret = key.reveal() if key is not None else ""
        if len(secret) >= SHORTEST_KEY and any(secret in text for r in requests for text in texts_in(r.to_wire())):
            raise InvalidRequest(
                "the API key stands in this request, which would be kept and shown: take it out; nothing was sent"
            )

    def _check_limits_are_known(self) -> None:
        """Raises ConfigurationError, before anything is sent, while limits that somebody set cannot be read; reads them again first."""
        if self.settings.limits_trouble is not None:
            self.choices.read_limits_again()
            self._keep_limits()

    def _keep_limits(self, *, anew: bool = False) -> None:
        """Hold to the limits in force from now on."""
        self.money.use_limit(self.limits.max_credits, anew=anew)
        if self.engine.started is not None:
            self.engine.started.use_limits(self.limits)


def _refused(job: Job) -> SeedanceError | None:
    """Why nothing was sent for it, if that was decided here; what the service refuses is an ApiError."""
    error = job.error
    return error if job.status is Status.REJECTED and not isinstance(error, ApiError) else None


def _check_take(take: object) -> int:
    number = whole_number(take)
    if number is None or number < 1:
        raise InvalidRequest(f"take must be a whole number from 1, not {one_line(repr(take), 40)}; nothing was sent")
    return number


def _check_fresh(fresh: object) -> bool:
    """A text is never taken for yes: `fresh="no"` would buy another video."""
    if not isinstance(fresh, bool | int | None) or fresh not in (True, False, None):
        raise InvalidRequest(f"fresh must be True or False, not {one_line(repr(fresh), 40)}; nothing was sent")
    return bool(fresh)


# The session of this kernel ------------------------------------------------------------------------------


def default() -> Session:
    """The session of this kernel, made from the environment at first use."""
    return existing() or _adopt(Session())


def existing() -> Session | None:
    """The session of this kernel if there is one already."""
    found: Session | None = getattr(host.find_host(), _HOST_ATTRIBUTE, None)
    return found


def forget() -> None:
    """Close the session of this kernel; the next use makes a new one."""
    session, holder = existing(), host.find_host()
    if session is not None:
        setattr(holder, _HOST_ATTRIBUTE, None)
        if holder is not host.plain:  # a kernel that loads the extension anew has spent what it has spent
            setattr(holder, _BUDGETS_ATTRIBUTE, session.money.budgets)
        session.close()


def set_wait_strategy(strategy: WaitStrategy) -> None:
    """How `job.result()` blocks in this kernel from now on; the notebook layer knows better than a plain loop."""
    setattr(host.find_host(), WAIT_ATTRIBUTE, strategy)
    session = existing()
    if session is not None and session.engine.started is not None:
        session.engine.started.wait_strategy = strategy


def _adopt(session: Session) -> Session:
    holder = host.find_host()
    spent = getattr(holder, _BUDGETS_ATTRIBUTE, None)
    if spent is not None and existing() is None:
        session.money.go_on(spent)
        setattr(holder, _BUDGETS_ATTRIBUTE, None)
    setattr(holder, _HOST_ATTRIBUTE, session)
    return session


@refusing_others(refuse_unknown)
def configure(
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    home: str | os.PathLike[str] | None = None,
    account: str | None = None,
    ledger: str | os.PathLike[str] | LedgerAddress | None = None,
    clips: str | os.PathLike[str] | None = None,
    *,
    uploads: Uploads | Unset | None = UNSET,
    notify: Notify | Unset | None = UNSET,
    webhook_url: str | None = None,
    public_url: str | None = None,
    person: str | None = None,
    project: str | None = None,
    connect_timeout: float | Unset | None = UNSET,
    read_timeout: float | Unset | None = UNSET,
    create_timeout: float | Unset | None = UNSET,
    stall_timeout: float | Unset | None = UNSET,
    download_timeout: float | Unset | None = UNSET,
    max_clip_bytes: int | Unset | None = UNSET,
    max_json_bytes: int | Unset | None = UNSET,
    embed_limit: int | Unset | None = UNSET,
    concurrency: int | Unset | None = UNSET,
    poll_floor: float | Unset | None = UNSET,
    poll_ceiling: float | Unset | None = UNSET,
    tries_after_trouble: int | Unset | None = UNSET,
    pause_after_trouble: float | Unset | None = UNSET,
    longest_pause: float | Unset | None = UNSET,
    clips_cache_bytes: int | Unset | None = UNSET,
    max_credits: float | Unset | None = UNSET,
) -> Session:
    """Change the key, host, folder or limits of this kernel's session; returns the session. What is not named stays.

    `home` is the folder of all that is kept; `ledger` (a file, or `postgresql://user@host/database?schema=name`, which a team shares) and
    `clips` (a folder) may lie elsewhere; `clips` may be a bucket
    too (s3://bucket/clips, any fsspec URL), which a team shares: `home` then holds what was read of it lately. `account` is a name for whose
    key it is, where several keys belong to one. `uploads` is where own files among `media_urls` go, for the service to fetch: an fsspec
    URL of a bucket (s3://bucket/prefix, gs://…, az://…; `?public=https://…` where its objects can be read, else addresses are signed;
    `?endpoint_url=https://…` for R2 and MinIO), or a function from a path to an https address. Nothing is uploaded anywhere else.

    `webhook_url` is what a create carries that names none: a full URL; `auto`, an address made for that one job, at which the service
    wakes this notebook; or `off`. `public_url` is where the Jupyter server is reached from outside (what stands before /lab), where
    JupyterHub does not tell it.

    `notify` is told once of each job that ends: a function of the job, or a command as a list of arguments, without a shell, which gets
    one more ("succeeded: a paper boat"); or "browser": the page tells of each card and board it shows, once allowed to. It runs in a thread of its own; what it does or fails to do touches no job. None: nobody is told.

    `person` is who spends and `project` what for, in the limits and sums of those who share the ledger (`sd.limit`, `%seedance cost`);
    a person is the one at the hub, or of the login, where nothing is said, and a project of "" is none.

    Limits: connect_timeout, read_timeout, create_timeout, stall_timeout, download_timeout, poll_floor, poll_ceiling, pause_after_trouble
    and longest_pause are seconds, max_clip_bytes, max_json_bytes, embed_limit and clips_cache_bytes bytes; concurrency is calls at once, tries_after_trouble
    sends of a create in all, max_credits what the session may spend. One that is None is what environment, pyproject.toml or the
    default say. A new key or limit leaves running jobs alone; a new host or folder begins a new session with all else as it was, and
    the jobs of the old one are followed to their end.
    Raises ConfigurationError.
    """
    key = Secret(api_key) if isinstance(api_key, str) else api_key
    del api_key  # no frame that may raise holds it
    ledger = hidden(ledger)  # nor a password
    limits, session = limits_among(locals()), existing()
    places: dict[str, Any] = {"base_url": base_url, "home": home, "account": account, "ledger": ledger, "clips": clips}
    said: dict[str, Any] = {"webhook_url": webhook_url, "public_url": public_url, "person": person, "project": project}
    if session is None:
        place = None if isinstance(uploads, Unset) else uploads
        whom = None if isinstance(notify, Unset) else notify
        return _adopt(Session(api_key=key, **places, uploads=place, notify=whom, **said, **limits))
    if any(place is not None for place in places.values()):
        return _adopt(session.moved(api_key=key, **places, uploads=uploads, notify=notify, **said, limits=limits))
    session.change(api_key=key, limits=limits, uploads=uploads, notify=notify, **said)
    return session


def account(which: str | None = None, of: str | None = None) -> list[Account]:
    """The accounts that the ledger tells apart at this host. `account("same")` says, for good, that the key in use is of the account of
    earlier jobs, `account("new")` that it is of another one; `of` names one of several. Raises ConfigurationError.
    """
    session = default()
    if which is not None:
        session.ownership.say(which, of)
    return session.ownership.known()


@refusing_others(refuse_others)
def submit(
    prompt: str,
    *,
    model: str = DEFAULT_MODEL,
    aspect_ratio: str | None = DEFAULT_ASPECT_RATIO,
    duration: int | None = DEFAULT_DURATION,
    resolution: str | None = DEFAULT_RESOLUTION,
    media_urls: Reference | Iterable[Reference] | None = None,
    webhook_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    take: int = 1,
    fresh: bool = False,
    max_credits: float | None = None,
    **others: Never,
) -> Job:
    """Ask for one video; returns a Job at once.

    `duration` in seconds; a field that is None is left to the service. `media_urls` are 1 to 5 https addresses of images, films or
    sounds. `extra` are fields of the service that are none of these, sent as they are given (`{"seed": 7}`). `take` is the n-th independent video of the same request, from 1. What the ledger has is reused and costs nothing, also
    where only `metadata`, `webhook_url`, the signature of an address or the encoding of a text differ: they make no other video.
    `webhook_url` is called by the service at the end; `auto` is an address of this notebook's own, and what is called there is looked at.
    `fresh` buys the next free take instead. `max_credits` limits this call alone. Raises InvalidRequest, ConfigurationError (no key,
    ledger unusable) or BudgetExceeded: then nothing was sent.
    """
    return default().submit(
        prompt,
        model=model,
        aspect_ratio=aspect_ratio,
        duration=duration,
        resolution=resolution,
        media_urls=media_urls,
        webhook_url=webhook_url,
        metadata=metadata,
        extra=extra,
        take=take,
        fresh=fresh,
        max_credits=max_credits,
        **others,
    )


def jobs(
    status: str | None = None, limit: int = 50, *, starred: bool | None = None, text: str | None = None
) -> JobList:
    """The newest jobs in the ledger, newest first, at most `limit`, perhaps of one status only, with or without a star, or with `text`
    in their prompt or note (or as their id). Raises InvalidRequest.
    """
    return default().jobs(status=status, limit=limit, starred=starred, text=text)


def resume() -> JobList:
    """Follow everything unfinished that the ledger knows; free. Returns those jobs."""
    return default().resume()


def serve_webhooks(port: int = 0, *, host: str = "127.0.0.1", public_url: str | None = None) -> Served:
    """For scripts: listen on this port for the service's webhooks, so that an end is known at once and hardly polled for.

    Every create carries an address of its own from now on, below `public_url` (or SEEDANCE_PUBLIC_URL): where this port is reached from
    outside, by a proxy or a tunnel; `host="0.0.0.0"` listens to other machines itself. Not needed with a service on this machine.
    Returns what has `url`, `port` and `close()`. Raises ConfigurationError where the port is taken or nobody outside could call.
    """
    return default().serve_webhooks(port, host=host, public_url=public_url)


def models() -> Catalog:
    """What each model allows and costs, as far as anybody says."""
    return default().models()
