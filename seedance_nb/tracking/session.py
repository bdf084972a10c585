"""One key, one base URL, one ledger, one runner; and the module-level functions, which use the session of this kernel."""

from __future__ import annotations

import atexit
import collections
import contextlib
import dataclasses
import hashlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Never, ParamSpec, Self, TypeVar

from ..api.catalog import Catalog, Estimate
from ..api.fields import (
    DEFAULT_ASPECT_RATIO,
    DEFAULT_DURATION,
    DEFAULT_MODEL,
    DEFAULT_RESOLUTION,
    refuse_others,
)
from ..api.models import Status, VideoRequest, as_request_id, make_request
from ..api.plain_values import whole_number
from ..errors import ApiError, ConfigurationError, InvalidRequest, SeedanceError, one_line
from ..keywords import UNSET, Unset, refusing_others
from ..settings import (
    SIMULATOR,
    Limits,
    Secret,
    Settings,
    check_base_url,
    check_key,
    check_limit,
    limits_among,
    refuse_unknown,
    resolve,
    with_stored_key,
)
from . import prices
from .background import log
from .budget import Budget
from .job import Job, WaitStrategy
from .ledger.contract import NAMED, NEW, SAME, Account, AccountNotKnown, Spending, shown
from .ledger.ledger import Ledger
from .ledger.ledger_file import make_private_folder
from .ledger.record import Record

if TYPE_CHECKING:
    from ..simulator.server import Simulator
    from .following.runner import Runner

T = TypeVar("T")
P = ParamSpec("P")
CLAIM_SECONDS = 0.08
"""`submit` waits so long for the ledger's word, so that a refusal is raised where the call stands and a reused clip is there at
once; a ledger that is busy longer is answered through the job. Under a limit of credits it is waited for however long it takes (the
ledger gives up by itself): over the limit is then always said where the call stands."""
BURST = 16
BURST_SECONDS = 1.0
"""Of more than BURST calls of `submit` within this time the later ones do not wait, where no limit of credits could refuse them: a
thousand in a loop are then written to disk together instead of one by one."""
ASK_PRICES_SECONDS = 10.0
"""Under a limit, and where nobody knows a price, the service is asked for its prices and waited for so long."""
RATE_SECONDS = 2.0
"""In such a burst, what such requests cost is asked of the ledger at most so often."""
PATIENCE_OF_A_KERNEL = 1.2
"""At the end of a kernel, creates in the air get so long to hear their answer: Jupyter kills what takes longer than a few seconds."""
_HOST_ATTRIBUTE = "_seedance_session"
_WAIT_ATTRIBUTE = "_seedance_wait"
_BUDGETS_ATTRIBUTE = "_seedance_budgets"


class JobList(list[Job]):
    """Jobs that show themselves as a table."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """Which session a stored job belongs to: its host, its places, and its account's name if it has one. No key."""

    base_url: str
    home: str
    ledger: str
    clips: str
    account: str | None

    def job(self, key: str) -> Job:
        """The job with this key, followed or read from the ledger. Raises ConfigurationError where neither knows it."""
        session = self._session()
        living = session.runner.living().get(key)
        if living is not None:
            return living
        record = session.ask_ledger(Ledger.find, key)
        if record is None:
            raise ConfigurationError(
                f"job {one_line(key, 40)} is not in the ledger {self.ledger}; set SEEDANCE_HOME, or SEEDANCE_LEDGER, to where it is"
            )
        return session.runner.job_of(record)

    def _session(self) -> Session:
        own = existing()
        for session in [*([own] if own is not None else []), *_living]:
            if session._origin == self and session.is_in_use:
                return session
        session = Session(
            base_url=self.base_url, home=self.home, account=self.account, ledger=self.ledger, clips=self.clips
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
        ledger: str | os.PathLike[str] | None = None,
        clips: str | os.PathLike[str] | None = None,
        *,
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
        max_credits: float | None = None,
    ) -> None:
        key = Secret(api_key) if isinstance(api_key, str) else api_key
        del api_key  # no frame that may raise holds it
        limits = limits_among(locals())
        self.settings: Settings = resolve(
            api_key=key, base_url=base_url, home=home, ledger=ledger, clips=clips, **limits
        )
        self._given_places = {"ledger": ledger, "clips": clips}
        self._given = {name: value for name, value in limits.items() if value is not None}
        """Limits that were arguments: they outrank a file that is read again."""
        self.catalog = Catalog()
        self._account = account or os.environ.get("SEEDANCE_ACCOUNT")
        self._budgets = {simulated: Budget(self.settings.limits.max_credits) for simulated in (False, True)}
        """Real credits and simulated ones: neither uses up the other's limit."""
        self._runner: Runner | None = None
        self._simulator: Simulator | None = None
        self._job_listeners: list[Callable[[Job], object]] = []
        self._asked: weakref.WeakSet[Job] = weakref.WeakSet()
        """Jobs that somebody here submitted or attached; those only followed from before are not among them."""
        self._lock = threading.RLock()
        self._submitted_at: collections.deque[float] = collections.deque(maxlen=BURST)
        self._has_asked_prices = False
        self._said_to_be: dict[str, str] = {}
        """What the ledger says of a fingerprint: which account it is."""
        self._rates: dict[tuple[object, ...], tuple[float, float | None]] = {}
        _living.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session {self.settings.base_url}>"

    # What a user does --------------------------------------------------------------------------------

    def submit(
        self,
        prompt: str,
        *,
        model: str = DEFAULT_MODEL,
        aspect_ratio: str | None = DEFAULT_ASPECT_RATIO,
        duration: int | None = DEFAULT_DURATION,
        resolution: str | None = DEFAULT_RESOLUTION,
        media_urls: Iterable[str] | None = None,
        webhook_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
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
            media_urls=media_urls,
            webhook_url=webhook_url,
            metadata=metadata,
            **others,
        )
        take, fresh = _check_take(take), _check_fresh(fresh)
        max_credits = check_limit("max_credits", max_credits)
        warnings = self.catalog.check(request)
        self.check_limits_are_known()
        runner = self.runner
        estimate = self.estimate(request)
        price = estimate.credits if estimate else None
        if self._has_limit(max_credits):
            [price] = self.most_credits([request], may_ask=fresh or self.preview(request, take) is None)
        job = runner.submit(
            request,
            take=take,
            fresh=fresh,
            estimate=(estimate.credits, estimate.source) if estimate else None,
            price=price,
            max_credits=max_credits,
            warnings=warnings,
        )
        self._ask_for(job)
        if self._is_claimed(job, max_credits) and (refused := _refused(job)) is not None:
            if isinstance(refused, AccountNotKnown):
                self._read_account_again()
            raise refused.with_traceback(None)
        self._announce(job)
        return job

    def _is_claimed(self, job: Job, max_credits: float | None) -> bool:
        """Whether the ledger has had its say, after waiting for it: under a limit for as long as that takes."""
        has_limit, is_burst = self._has_limit(max_credits), self._is_burst
        self._submitted_at.append(time.monotonic())
        if self.runner.is_current or (is_burst and not has_limit):
            return False
        return job.wait_until_claimed(None if has_limit else CLAIM_SECONDS)

    def _has_limit(self, max_credits: float | None) -> bool:
        return max_credits is not None or self.limits.max_credits is not None

    def check_limits_are_known(self) -> None:
        """Raises ConfigurationError, before anything is sent, while limits that somebody set cannot be read; reads them again first."""
        known = self.settings
        if known.limits_trouble is None:
            return
        again = resolve(
            api_key=known.api_key, base_url=known.base_url, home=known.home, folder=known.folder, **self._given
        )
        if again.limits_trouble is not None:
            raise ConfigurationError(
                f"{again.limits_trouble}; nothing was submitted: no limit is kept that cannot be read"
            )
        self._use_limits(again.limits)
        self.settings = dataclasses.replace(self.settings, limits_trouble=None)

    @property
    def _is_burst(self) -> bool:
        earlier = self._submitted_at
        return len(earlier) == BURST and time.monotonic() - earlier[0] < BURST_SECONDS

    def submit_all(
        self, wanted: Sequence[tuple[VideoRequest, int]], *, fresh: bool = False, max_credits: float | None = None
    ) -> list[Job]:
        """Ask for many videos, each a (request, take); returns their Jobs at once, in the same order.

        As so many calls of `submit`, but `max_credits` limits all of them together, and the ledger's word is waited for once.
        Raises InvalidRequest or ConfigurationError before anything is sent, also when under a limit all of them are refused; what is
        refused of a few (BudgetExceeded, a ledger that became unusable) is the error of its own job and stops no other.
        """
        limit = check_limit("max_credits", max_credits)
        wanted, fresh = [(request, _check_take(take)) for request, take in wanted], _check_fresh(fresh)
        warnings = [self.catalog.check(request) for request, _ in wanted]
        self.check_limits_are_known()
        self._check_account(wanted, fresh=fresh)
        runner = self.runner
        estimates = self.estimates([request for request, _ in wanted])
        aside = [estimate.credits if estimate else None for estimate in estimates]
        if self._has_limit(limit):
            aside = self.most_credits([request for request, _ in wanted])
        purse = None if limit is None else Budget(limit)
        jobs = [
            runner.submit(
                request,
                take=take,
                fresh=fresh,
                estimate=(estimate.credits, estimate.source) if estimate else None,
                price=price,
                max_credits=purse,
                warnings=warned,
            )
            for (request, take), estimate, price, warned in zip(wanted, estimates, aside, warnings, strict=True)
        ]
        for job in jobs:
            self._ask_for(job)
        end = time.monotonic() + CLAIM_SECONDS
        if not runner.is_current:
            for job in jobs:
                job.wait_until_claimed(None if self._has_limit(limit) else max(0.0, end - time.monotonic()))
        refused = [_refused(job) for job in jobs]
        if self._has_limit(limit) and refused and all(error is not None for error in refused):
            first = refused[0]
            assert first is not None
            raise first.with_traceback(None)
        for job in jobs:
            self._announce(job)
        return jobs

    def check_account_is_known(self) -> None:
        """Raises ConfigurationError if another key has unfinished jobs here and nobody has said whether it is the same account's."""
        if not self.settings.uses_simulator and self._ledger_path.exists():
            host, account = self.settings.base_url, self.account
            self.ask_ledger(lambda ledger: ledger.accounts.check_unfinished(host, account))

    def _check_account(self, wanted: Sequence[tuple[VideoRequest, int]], *, fresh: bool) -> None:
        """Before the first of many is sent: all of them or none. (Of one, the ledger says it when it is claimed.)"""
        if fresh or self.settings.uses_simulator or not self._ledger_path.exists():
            return
        places = [(request.canonical_hash(), take) for request, take in wanted]
        self._read_account_again()
        host, account = self.settings.base_url, self.account
        self.ask_ledger(lambda ledger: ledger.accounts.check_known(host, account, places))

    def most_credits(self, requests: Sequence[VideoRequest], *, may_ask: bool = True) -> list[float | None]:
        """Credits that each may cost at most, by the worst case known: what a limit is held against. None where nobody knows.

        Asks the service for its prices, once, if that may help. Raises ConfigurationError when the ledger cannot be read.
        """
        examples = {prices.kind_of(request): request for request in requests}
        host = self.settings.base_url
        seen = self.ask_ledger(lambda ledger: ledger.experience.highest_rates(host, examples.values()))

        def known() -> dict[tuple[object, ...], float | None]:
            found = zip(examples.items(), seen, strict=True)
            return {kind: prices.most(request, self.catalog, of_it) for (kind, request), of_it in found}

        most = known()
        can_ask = may_ask and not self._has_asked_prices and not self.catalog.answered and not self.runner.is_current
        if None in most.values() and can_ask:
            self._has_asked_prices = True
            with contextlib.suppress(SeedanceError, TimeoutError):
                asked = self.runner.background.run(self.runner.fetch_models(), ASK_PRICES_SECONDS)
                self.catalog = self.catalog.merged(asked)
            most = known()
        return [most[prices.kind_of(request)] for request in requests]

    def estimate(self, request: VideoRequest) -> Estimate | None:
        """Credits this is expected to cost, and by whose word; None when nobody knows."""
        listed = self.catalog.listed_estimate(request)
        if listed is not None:
            return listed
        return self._estimate(request, self._rate_of(request))

    def _rate_of(self, request: VideoRequest) -> float | None:
        kind = (request.model, request.duration, request.resolution, request.media_urls is None)
        asked_at, rate = self._rates.get(kind, (-RATE_SECONDS, None))
        if not self._is_burst or time.monotonic() - asked_at >= RATE_SECONDS:
            with contextlib.suppress(ConfigurationError):
                rate = self.ask_ledger(Ledger.rate, self.settings.base_url, request)
            self._rates[kind] = (time.monotonic(), rate)
        return rate

    def estimates(self, requests: Iterable[VideoRequest]) -> list[Estimate | None]:
        """`estimate` of each, asking the ledger once for all of them."""
        listed = list(requests)
        # All that a price depends on, here and in the ledger.
        kinds = [(r.model, r.duration, r.resolution, r.media_urls is None) for r in listed]
        examples = dict(zip(kinds, listed, strict=True))
        rates: list[float | None] = [None] * len(examples)
        with contextlib.suppress(ConfigurationError):
            host = self.settings.base_url
            rates = self.ask_ledger(lambda ledger: ledger.experience.rates(host, examples.values()))
        known = {
            kind: self._estimate(request, rate) for (kind, request), rate in zip(examples.items(), rates, strict=True)
        }
        return [known[kind] for kind in kinds]

    def _estimate(self, request: VideoRequest, rate: float | None) -> Estimate | None:
        listed = self.catalog.listed_estimate(request)
        if listed is not None:
            return listed
        if rate is not None and request.duration is not None:
            return Estimate(rate * request.duration, "what the ledger says such a request cost last")
        return self.catalog.sample_estimate(request)

    def preview(self, request: VideoRequest, take: int = 1) -> Record | None:
        """The row that running this request would reuse at no cost, or None; sends nothing."""
        try:
            return self.ask_ledger(Ledger.occupying, self.account, request, take)
        except ConfigurationError:  # no key, so no account that could have it
            return None

    def jobs(self, status: str | None = None, limit: int = 50) -> JobList:
        """The newest jobs in the ledger, newest first, at most `limit`, perhaps of one status only."""
        if status is not None and status not in set(Status):
            raise InvalidRequest(f"{one_line(status, 40)!r} is no status; choose one of {', '.join(Status)}")
        living = self.runner.living()
        records = self.ask_ledger(Ledger.jobs, status, limit)
        living |= self.runner.living()
        return JobList(self.runner.job_of(record, living=living) for record in records)

    def has_unfinished(self) -> bool:
        """Whether the ledger has anything unfinished, of any account; needs no key and starts nothing."""
        return self._ledger_path.exists() and self.ask_ledger(Ledger.has_unfinished)

    def unfinished(self) -> list[Record]:
        """Rows of this account that still need following or fetching."""
        return self.ask_ledger(Ledger.unfinished, self.account)

    def resume(self) -> JobList:
        """Follow everything of this account that is unfinished; returns those jobs. Free: nothing is submitted.

        Raises ConfigurationError where all that is unfinished is another key's, and nobody has said whether that is the same account.
        """
        # First: at its start the ledger takes over rows of another spelling of the host.
        runner = self.runner
        jobs = JobList(runner.job_of(record, wanted=True) for record in self.unfinished())
        if not jobs:  # they may be there, under another key of the same account
            self.check_account_is_known()
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
            record = self.runner.background.run(self.runner.adopt(name))
        elif record.status in (Status.FAILED, Status.CANCELLED) and record.base_url == self.settings.base_url:
            # A video that was made all the same is fetched: asking is free.
            record = self.runner.background.run(self.runner.ask_once_more(record))
        job = self.runner.job_of(record, wanted=True)
        self.runner.follow(job)
        self._announce(job)
        return self._ask_for(job)

    def models(self) -> Catalog:
        """What each model allows and costs: asks `/models` and merges its answer; the documented facts if it does not answer."""
        with contextlib.suppress(SeedanceError):
            self.catalog = self.catalog.merged(self.runner.background.run(self.runner.fetch_models()))
        return self.catalog

    def models_soon(self, then: Callable[[Catalog], object]) -> None:
        """Ask `/models` in the background and return at once; `then(catalog)` is called there once it has answered."""

        async def ask() -> None:
            with contextlib.suppress(SeedanceError):
                self.catalog = self.catalog.merged(await runner.fetch_models())
                then(self.catalog)

        runner = self.runner
        runner.background.post(lambda: runner.background.start(ask()))

    def on_job(self, listener: Callable[[Job], object]) -> Callable[[], None]:
        """Call `listener(job)` for every job submitted, attached or resumed from now on, where that is called; returns the way
        to stop it. The same job may come more than once, as another Job with the same key.
        """
        self._job_listeners.append(listener)

        def stop() -> None:
            with contextlib.suppress(ValueError):
                self._job_listeners.remove(listener)

        return stop

    def _announce(self, job: Job) -> None:
        for listener in list(self._job_listeners):
            try:
                listener(job)
            except Exception:  # who watches must not be able to break what is paid for
                log.exception("a listener for jobs failed")

    def spending(self) -> list[Spending]:
        """Credits charged and saved, by day, model and notebook."""
        return self.ask_ledger(Ledger.spending)

    @property
    def spent(self) -> float:
        """Credits charged or reserved by this session so far."""
        return self._budget.spent

    @property
    def _budget(self) -> Budget:
        return self._budgets[self.settings.uses_simulator]

    @property
    def is_in_use(self) -> bool:
        """Whether it has a runner that follows jobs in this process."""
        return self._runner is not None and self._runner.is_usable

    def awaited_jobs(self) -> list[Job]:
        """Those that were submitted or attached here, are not over, and that no cell left to themselves; oldest first."""
        asked = [job for job in list(self._asked) if job.is_awaited and not job.done()]
        return sorted(asked, key=lambda job: job.snapshot.created_at)

    def _ask_for(self, job: Job) -> Job:
        job.is_awaited = True
        self._asked.add(job)
        return job

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Run `function()` in the background thread after `seconds`; from any thread. It must not wait there."""
        self.runner.call_later(seconds, function)

    def work(self, function: Callable[[], object]) -> None:
        """Run `function()` soon beside the background thread, for what is slow; here and now where nothing runs."""
        runner = self._runner
        if runner is None or not runner.is_usable:
            function()
        else:
            runner.work(function)

    def open_jobs(self) -> list[Job]:
        """Jobs being followed here whose end is not known yet."""
        return self._runner.open_jobs() if self._runner is not None and self._runner.is_usable else []

    def change(
        self, *, api_key: str | Secret | None = None, limits: Mapping[str, float | int | None] | None = None
    ) -> None:
        """Go on with another key or other limits, by their names; running jobs stay and use the new key from their next look on.

        A limit that is None is what environment, pyproject.toml or the default say. Raises ConfigurationError: then nothing has changed.
        """
        key = Secret(api_key) if isinstance(api_key, str) else api_key
        del api_key
        key, limits = None if key is None else check_key(key), limits or {}
        if limits:
            known, merged = self.settings, {**self._kept_limits(), **limits}
            chosen = resolve(
                api_key=known.api_key, base_url=known.base_url, home=known.home, folder=known.folder, **merged
            )
            self._given = {name: value for name, value in {**self._given, **limits}.items() if value is not None}
            self._use_limits(chosen.limits, anew="max_credits" in limits)
            self.settings = dataclasses.replace(self.settings, limits_trouble=chosen.limits_trouble)
        if key is not None:
            self.settings = dataclasses.replace(self.settings, api_key=key, key_source="argument")
            if self._runner is not None and not self.settings.uses_simulator:
                self._unite_spellings(self._runner)
                self._runner.use_key(key, self.account)

    def _kept_limits(self) -> dict[str, Any]:
        """What goes on to hold where nothing else is said; while a file cannot be read only what was said here."""
        if self.settings.limits_trouble is not None:
            return dict(self._given)
        return dataclasses.asdict(self.settings.limits)

    def _use_limits(self, limits: Limits, *, anew: bool = False) -> None:
        self.settings = dataclasses.replace(self.settings, limits=limits)
        for budget in self._budgets.values():
            if anew or budget.limit != limits.max_credits:
                budget.limit = limits.max_credits
        if self._runner is not None:
            self._runner.use_limits(limits)

    def go_on_spending(self, budgets: dict[bool, Budget]) -> None:
        """Count on from what was spent before, and under the limit of then unless this session was given one; before its first use."""
        own, before = self.limits.max_credits, budgets[False].limit
        limit = own if "max_credits" in self._given or before is None else before
        self._budgets = budgets
        self._use_limits(dataclasses.replace(self.limits, max_credits=limit))

    def moved(
        self,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        home: str | os.PathLike[str] | None = None,
        account: str | None = None,
        ledger: str | os.PathLike[str] | None = None,
        clips: str | os.PathLike[str] | None = None,
        limits: Mapping[str, float | int | None] | None = None,
    ) -> Session:
        """A new session at another host, folder or account; all that is not named stays, what was spent too.

        A key never goes to another host.
        """
        known, limits = self.settings, limits or {}
        same_host = base_url is None or check_base_url(base_url) == known.base_url
        if api_key is None and same_host and known.key_source == "argument":
            api_key = known.api_key
        moved = Session(
            api_key=api_key,
            base_url=base_url or known.base_url,
            home=home or known.home,
            account=account or self._account,
            ledger=ledger or self._given_places["ledger"],
            clips=clips or self._given_places["clips"],
            **{**self._kept_limits(), **limits},
        )
        own = moved.limits
        moved.go_on_spending(self._budgets)
        if "max_credits" in limits:  # also when that takes the limit away
            moved._use_limits(own, anew=True)
        if known.limits_trouble is not None:
            trouble = moved.settings.limits_trouble or known.limits_trouble
            moved.settings = dataclasses.replace(moved.settings, limits_trouble=trouble, folder=known.folder)
        return moved

    def close(self) -> None:
        """Stop following and close everything. Jobs go on at the service; the ledger knows them. Idempotent.

        Creates that are not answered yet are waited for, at most `create_timeout` seconds; Ctrl-C lets them go.
        """
        self._close(None)

    def _close(self, patience: float | None) -> None:
        with self._lock:
            runner, self._runner = self._runner, None
            simulator, self._simulator = self._simulator, None
        if runner is not None:
            runner.close(patience)
        if simulator is not None:
            simulator.stop()
        atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        # Whoever ends a kernel waits a few seconds and then kills it: that would lose what can still be written now.
        in_kernel = getattr(_find_host(), "kernel", None) is not None
        self._close(PATIENCE_OF_A_KERNEL if in_kernel else None)

    # What it stands on -------------------------------------------------------------------------------

    @property
    def has_key(self) -> bool:
        """Whether there is a key (the keyring is asked too), or the simulator, which needs none."""
        try:
            return self.settings.uses_simulator or self._need_key() is not None
        except ConfigurationError:
            return False

    @property
    def account(self) -> str:
        """Whose generations these are: a fingerprint of host and key (never the key), or the name given as `account`."""
        if self.settings.uses_simulator:
            return SIMULATOR
        own = self._fingerprint
        if own not in self._said_to_be:
            said = own
            if self._ledger_path.exists():
                with contextlib.suppress(ConfigurationError):  # who needs the ledger hears of it there
                    said = self.ask_ledger(lambda ledger: ledger.accounts.account_of(own))
            self._said_to_be[own] = said
        return self._said_to_be[own]

    @property
    def _fingerprint(self) -> str:
        if self._account:
            return f"{NAMED}{self._account}"
        return _account_at(self.settings.base_url, self._need_key())

    def accounts(self) -> list[Account]:
        """The accounts that the ledger tells apart at this host, the one used last first."""
        host = self.settings.base_url
        return self.ask_ledger(lambda ledger: ledger.accounts.at(host))

    def say_account(self, which: str, of: str | None = None) -> str:
        """Say, for good, that the key in use is of the "same" account as that of earlier jobs here, or of a "new" one.

        `of` names one of several, by its name or the first letters of its fingerprint. Returns the account. Raises ConfigurationError.
        """
        if self.settings.uses_simulator:
            raise ConfigurationError("the simulator has one account, and no key")
        if which not in (SAME, NEW):
            raise ConfigurationError(f'say "same" or "new", not {one_line(which, 40)!r}')
        own = self._fingerprint
        current = self.account
        others = [one.name for one in self.accounts() if one.name not in (own, current)]
        chosen = [name for name in others if of is None or shown(name).startswith(of) or name.startswith(of)]
        same_as = own
        if which == SAME:
            if len(chosen) != 1:
                known = ", ".join(map(shown, others)) or "none"
                raise ConfigurationError(
                    f"say which account it is the same as: %seedance account same ID; at this host there are: {known}"
                )
            same_as = chosen[0]
        self.ask_ledger(lambda ledger: ledger.accounts.answer(own, same_as, time.time()))
        self._read_account_again()
        return self.account

    def _read_account_again(self) -> None:
        """Another notebook may have said meanwhile whose this key is."""
        self._said_to_be.clear()
        if self._runner is not None and not self.settings.uses_simulator:
            self._runner.use_account(self.account)

    @property
    def _ledger_path(self) -> Path:
        return self.settings.ledger

    @property
    def runner(self) -> Runner:
        """The background runner, started at first use, and anew in a forked child."""
        with self._lock:
            if self._runner is None or not self._runner.is_usable:
                self._runner = self._start_runner()
                self._unite_spellings(self._runner)
                # After it, since the last is called first: the simulator it may have started must hear what is waited for. Again
                # after a close: a session may be used anew.
                _at_the_end_of_the_process(self._at_exit)
            self._runner.wait_strategy = getattr(_find_host(), _WAIT_ATTRIBUTE, Job.wait_in_slices)
            return self._runner

    @property
    def limits(self) -> Limits:
        """Timeouts, sizes and pace in force."""
        return self.settings.limits

    def _start_runner(self) -> Runner:
        from ..clips.inspector import Inspector
        from ..clips.store import Clips
        from .following.runner import Runner

        simulated = self.settings.uses_simulator
        with contextlib.suppress(OSError):  # a folder that cannot be made is the ledger's to tell, where it matters
            make_private_folder(self.settings.home)
        if simulated:
            base_url, key = self._start_simulator()
        else:
            base_url, key = self.settings.base_url, self._need_key()
        clips = Clips(self.settings.clips, Inspector())
        clips.sweep()
        return Runner(
            base_url=base_url,
            key=key,
            account=self.account,
            limits=self.settings.limits,
            ledger=Ledger(self._ledger_path),
            clips=clips,
            budget=self._budget,
            service=self.settings.base_url,
            notebook=_notebook_name(),
            simulated=simulated,
            origin=self._origin,
        )

    def _unite_spellings(self, runner: Runner) -> None:
        """Have the ledger take over, before it is asked anything else, what was written for this host in another spelling."""
        account = self.account
        key = None if self.settings.uses_simulator or self._account else self._need_key()

        def account_at(spelling: str) -> str:
            return account if key is None else _account_at(spelling, key)

        ledger = runner.ledger
        runner.background.tell_ledger(ledger.unite_spellings, self.settings.base_url, account, account_at)

    @property
    def _origin(self) -> Origin:
        known = self.settings
        return Origin(known.base_url, str(known.home), str(known.ledger), str(known.clips), self._account)

    def __reduce__(self) -> tuple[Any, ...]:
        raise ConfigurationError(
            "a Session is not stored or copied: it has a key, a limit and a thread; make one there with sd.Session(…) or"
            " sd.configure(…). Jobs can be stored"
        )

    def _start_simulator(self) -> tuple[str, Secret]:
        from ..simulator import SIMULATOR_KEY
        from ..simulator.server import start

        self._simulator = start(self.settings.home / "simulator")
        return self._simulator.base_url, Secret(SIMULATOR_KEY)

    def _need_key(self) -> Secret:
        self.settings = with_stored_key(self.settings)
        if self.settings.api_key is None:
            raise ConfigurationError(
                "no API key: run %seedance login, or set SEEDANCE_API_KEY before Jupyter starts; "
                "%seedance demo tries everything without one. Nothing was submitted"
            )
        return self.settings.api_key

    def ask_ledger(self, method: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the ledger in its own thread, or directly where nothing runs yet (no thread is started for a question)."""
        runner = self._runner
        if runner is not None and runner.is_usable:
            return runner.background.ask_ledger(method, runner.ledger, *args, **kwargs)
        ledger = Ledger(self._ledger_path)
        try:
            return method(ledger, *args, **kwargs)
        finally:
            ledger.close()


def _refused(job: Job) -> SeedanceError | None:
    """Why nothing was sent for it, if that was decided here; what the service refuses is an ApiError."""
    error = job.error
    return error if job.status is Status.REJECTED and not isinstance(error, ApiError) else None


def _account_at(base_url: str, key: Secret) -> str:
    text = f"{base_url}\0{key.reveal()}".encode()
    return hashlib.blake2b(text, digest_size=10, person=b"seedance_account").hexdigest()


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


def _at_the_end_of_the_process(function: Callable[[], None]) -> None:
    atexit.register(function)
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None:  # such a child does not call what atexit knows
        from multiprocessing.util import Finalize

        Finalize(None, function, exitpriority=10)


def _notebook_name() -> str | None:
    """The notebook's file name as Jupyter's server tells its kernels; None elsewhere."""
    path = os.environ.get("JPY_SESSION_NAME")
    return Path(path).name if path else None


# The session of this kernel ------------------------------------------------------------------------------


class _Host:
    """Holds the session where there is no IPython shell to hold it."""


_host = _Host()


def _find_host() -> Any:
    # On the shell, because %autoreload clears module globals and would orphan the thread.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return _host if shell is None else shell


def default() -> Session:
    """The session of this kernel, made from the environment at first use."""
    return existing() or _adopt(Session())


def existing() -> Session | None:
    """The session of this kernel if there is one already."""
    found: Session | None = getattr(_find_host(), _HOST_ATTRIBUTE, None)
    return found


def forget() -> None:
    """Close the session of this kernel; the next use makes a new one."""
    session, host = existing(), _find_host()
    if session is not None:
        setattr(host, _HOST_ATTRIBUTE, None)
        if host is not _host:  # a kernel that loads the extension anew has spent what it has spent
            setattr(host, _BUDGETS_ATTRIBUTE, session._budgets)
        session.close()


def set_wait_strategy(strategy: WaitStrategy) -> None:
    """How `job.result()` blocks in this kernel from now on; the notebook layer knows better than a plain loop."""
    setattr(_find_host(), _WAIT_ATTRIBUTE, strategy)
    session = existing()
    if session is not None and session._runner is not None:
        session._runner.wait_strategy = strategy


def _adopt(session: Session) -> Session:
    host = _find_host()
    spent = getattr(host, _BUDGETS_ATTRIBUTE, None)
    if spent is not None and existing() is None:
        session.go_on_spending(spent)
        setattr(host, _BUDGETS_ATTRIBUTE, None)
    setattr(host, _HOST_ATTRIBUTE, session)
    return session


@refusing_others(refuse_unknown)
def configure(
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    home: str | os.PathLike[str] | None = None,
    account: str | None = None,
    ledger: str | os.PathLike[str] | None = None,
    clips: str | os.PathLike[str] | None = None,
    *,
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
    max_credits: float | Unset | None = UNSET,
) -> Session:
    """Change the key, host, folder or limits of this kernel's session; returns the session. What is not named stays.

    `home` is the folder of all that is kept; `ledger` (a file) and `clips` (a folder) may lie elsewhere. `account` is a name for whose
    key it is, where several keys belong to one.

    Limits: connect_timeout, read_timeout, create_timeout, stall_timeout, download_timeout, poll_floor, poll_ceiling, pause_after_trouble
    and longest_pause are seconds, max_clip_bytes, max_json_bytes and embed_limit bytes; concurrency is calls at once, tries_after_trouble
    sends of a create in all, max_credits what the session may spend. One that is None is what environment, pyproject.toml or the
    default say. A new key or limit leaves running jobs alone; a new host or folder begins a new session with all else as it was, and
    the jobs of the old one are followed to their end.
    Raises ConfigurationError.
    """
    key = Secret(api_key) if isinstance(api_key, str) else api_key
    del api_key  # no frame that may raise holds it
    limits, session = limits_among(locals()), existing()
    places: dict[str, Any] = {"base_url": base_url, "home": home, "account": account, "ledger": ledger, "clips": clips}
    if session is None:
        return _adopt(Session(api_key=key, **places, **limits))
    if any(place is not None for place in places.values()):
        return _adopt(session.moved(api_key=key, **places, limits=limits))
    session.change(api_key=key, limits=limits)
    return session


def account(which: str | None = None, of: str | None = None) -> list[Account]:
    """The accounts that the ledger tells apart at this host. `account("same")` says, for good, that the key in use is of the account of
    earlier jobs, `account("new")` that it is of another one; `of` names one of several. Raises ConfigurationError.
    """
    session = default()
    if which is not None:
        session.say_account(which, of)
    return session.accounts()


@refusing_others(refuse_others)
def submit(
    prompt: str,
    *,
    model: str = DEFAULT_MODEL,
    aspect_ratio: str | None = DEFAULT_ASPECT_RATIO,
    duration: int | None = DEFAULT_DURATION,
    resolution: str | None = DEFAULT_RESOLUTION,
    media_urls: Iterable[str] | None = None,
    webhook_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    take: int = 1,
    fresh: bool = False,
    max_credits: float | None = None,
    **others: Never,
) -> Job:
    """Ask for one video; returns a Job at once.

    `duration` in seconds; a field that is None is left to the service. `media_urls` are 1 to 5 https addresses of images, films or
    sounds. `take` is the n-th independent video of the same request, from 1. What the ledger has is reused and costs nothing, also
    where only `metadata`, `webhook_url`, the signature of an address or the encoding of a text differ: they make no other video.
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
        take=take,
        fresh=fresh,
        max_credits=max_credits,
        **others,
    )


def jobs(status: str | None = None, limit: int = 50) -> JobList:
    """The newest jobs in the ledger, newest first, at most `limit`, perhaps of one status only."""
    return default().jobs(status=status, limit=limit)


def resume() -> JobList:
    """Follow everything unfinished that the ledger knows; free. Returns those jobs."""
    return default().resume()


def models() -> Catalog:
    """What each model allows and costs, as far as anybody says."""
    return default().models()
