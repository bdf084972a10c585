"""What a grid sends, and the jobs that came of it. Every cell is bought once; what is over a limit is not sent at all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ...api.models import Status
from ...errors import InvalidRequest, SeedanceError
from ...settings import check_limit
from ...snapshot import Snapshot
from ...tracking.job import Job
from ...tracking.ledger.record import FREE_AGAIN
from ...tracking.session import Session
from ..axes import Axes, Identity
from ..cells import Cells
from ..plans.plan import Plan
from ..plans.planning import Planner
from .watching import Watch


class Sending:
    """The cells of one grid and the jobs of those that were sent. One lock for all that changes; reading needs none."""

    def __init__(self, session: Session, axes: Axes, watch: Watch) -> None:
        self._session, self._watch = session, watch
        self._lock = threading.RLock()
        self._catalog = session.catalog
        self._laid = Cells.of(axes, session.catalog)
        self._jobs: dict[Identity, Job] = {}
        self._past: list[Job] = []
        self._is_fresh = False
        self.is_submitted = False
        self.planner = Planner(session)

    # What is known -------------------------------------------------------------------------------------

    @property
    def laid(self) -> Cells:
        """The cells as they were last checked. Never waits: listeners ask in the background thread, for which `submit` waits."""
        return self._laid

    def checked(self) -> Cells:
        """The cells by what the service allows now: `/models` may have answered since."""
        with self._lock:
            if self._session.catalog is not self._catalog:
                self._catalog = self._session.catalog
                self._laid = self._laid.checked_again(self._catalog)
            return self._laid

    def job_of(self, identity: Identity | None) -> Job | None:
        """The job of a video; None where it was not submitted."""
        return None if identity is None else self._jobs.get(identity)

    def jobs(self) -> list[Job]:
        """Every job, each once."""
        return list(self._jobs.values())

    def begun(self) -> list[Job]:
        """The same; raises SeedanceError before the first `submit`."""
        if not self.is_submitted:
            raise SeedanceError(
                "this grid was not submitted yet: grid.plan shows what it costs, grid.submit() sends it"
            )
        return self.jobs()

    def snapshots(self) -> dict[Identity, Snapshot]:
        """What is known of every job."""
        return {identity: job.snapshot for identity, job in dict(self._jobs).items()}

    def earlier_tries(self) -> list[Snapshot]:
        """What is known of jobs whose cells were sent again: they may have cost something."""
        return [job.snapshot for job in list(self._past)]

    def is_done(self) -> bool:
        """Whether it was submitted and nothing more will come by itself."""
        return self.is_submitted and not self._missing() and all(job.done() for job in self.jobs())

    def plan(self) -> Plan:
        """Where every cell stands just now; asks the ledger."""
        with self._lock:
            laid = self.checked()
            return self.planner.plan(laid, laid.cells, self.snapshots())

    # What is sent --------------------------------------------------------------------------------------

    def submit(self, max_credits: float | None, *, fresh: bool) -> None:
        """See `Grid.submit`."""
        limit = check_limit("max_credits", max_credits)
        with self._lock:
            self.checked().check_any_valid()
            missing = self._missing() if not fresh else self._never_sent()
            if fresh and not missing:
                raise InvalidRequest("this grid was submitted already; grid.extend(takes=…) buys more takes of it")
            self._session.engine.runner  # noqa: B018 - raises here, before anything changes, where there is no key
            self.planner.check_price(self._laid, missing, limit, fresh=fresh)
            self._is_fresh = self._is_fresh or fresh
            self._send(missing, limit, fresh=fresh)

    def retry(self, max_credits: float | None) -> None:
        """See `Grid.retry`."""
        limit = check_limit("max_credits", max_credits)
        with self._lock:
            self.begun()
            ended = {identity: job for identity, job in self._jobs.items() if job.done() and job.clip is None}
            again = [identity for identity, job in ended.items() if job.status.value in FREE_AGAIN]
            self._session.engine.runner  # noqa: B018 - as above
            self.planner.check_price(self._laid, again, limit, fresh=self._is_fresh)
            for job in ended.values():
                job.is_awaited = False  # who tries again knows
                if job.status is Status.SUCCEEDED:
                    job.download_again()
            self._send(again, limit, fresh=self._is_fresh)

    def extend(self, takes: int | None, max_credits: float | None, more: dict[str, Any]) -> None:
        """See `Grid.extend`."""
        limit = check_limit("max_credits", max_credits)
        with self._lock:
            before = self._laid
            self._laid = Cells.of(
                before.axes.extended(takes=takes, **self._session.shelf.among(more)), self._session.catalog
            )
            try:
                missing = self._never_sent() if self.is_submitted else []
                self.planner.check_price(self._laid, missing, limit, fresh=self._is_fresh)
            except BaseException:
                self._laid = before
                raise
            if self.is_submitted:
                self._send(missing, limit, fresh=self._is_fresh)

    def cancel(self) -> None:
        """See `Grid.cancel`."""
        for job in self.begun():
            if not job.done():
                job.cancel()

    def _missing(self) -> list[Identity]:
        """What valid cells want and nobody follows here. A job let go by a closed session is taken up again."""
        followed = {i for i, job in dict(self._jobs).items() if not job.done() or job.snapshot.is_settled}
        return [identity for identity in self._laid.wanted() if identity not in followed]

    def _never_sent(self) -> list[Identity]:
        return [identity for identity in self._missing() if identity not in self._jobs]

    def _send(self, wanted: Sequence[Identity], limit: float | None, *, fresh: bool) -> None:
        request_of = self._laid.requests()
        asked = []
        for identity in wanted:
            request, job = request_of[identity], self._jobs.get(identity)
            assert request is not None
            asked.append((request, identity[1] if job is None else job.take))
        jobs = self._session.submit_all(asked, fresh=fresh, max_credits=limit) if asked else []
        self.is_submitted = True
        for identity, job in zip(wanted, jobs, strict=True):
            if identity in self._jobs:
                self._past.append(self._jobs[identity])
            self._jobs[identity] = job
        self._watch.follow(self.jobs())
