"""What a story sends, shot after shot, and the jobs that came of it. Nothing of a shot is sent before the clip it goes on from is on disk.

All that it goes by stands in the ledger: the same story in another kernel finds what was made, is made or may have been accepted, and
sends what is left. It goes on in a thread of its own, which ends when there is nothing to be sent just now.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping, Sequence

from ...api.models import Status
from ...clips.store import Clips
from ...errors import BudgetExceeded, ConfigurationError, InvalidRequest, SeedanceError, one_line
from ...settings import check_limit
from ...snapshot import Snapshot
from ...tracking.background import log
from ...tracking.budget import Budget
from ...tracking.following.polling import Outlook
from ...tracking.job import Job
from ...tracking.ledger.record import FREE_AGAIN, Record
from ...tracking.session import Session
from ..axes import Cell, Identity
from ..cells import Cells
from ..plans.plan import INVALID, NEW, RUNNING, Plan, check_money
from ..plans.planning import Planner
from ..plans.timing import kind_of, seconds_left
from ..running.watching import Watch
from .choosing import Choice, TakeState, choose
from .script import Script

SHORTER = "tell a shorter story"


class Running:
    """The jobs of one story. One lock for all that changes; reading needs none."""

    def __init__(self, session: Session, script: Script, watch: Watch) -> None:
        self._session, self.script, self._watch = session, script, watch
        self._lock = threading.RLock()
        self._begins: tuple[str | None, ...] = script.beginning
        self.laid: Cells = script.cells(self._begins)
        """The cells as they are known; of what comes later a stand-in. Never waits."""
        self._jobs: dict[Identity, Job] = {}
        self._past: list[Job] = []
        self._picks: dict[int, int] = {}
        """Shot (from 0) -> take that is gone on from: what somebody has picked, and what was decided before."""
        self._trouble: str | None = None
        self._purse: Budget | None = None
        self._is_halted = False
        self.is_submitted = False
        self.planner = Planner(session)
        self._going = threading.Lock()
        self._thread: threading.Thread | None = None
        self._again = False

    # What is known -------------------------------------------------------------------------------------

    def jobs(self) -> list[Job]:
        """The jobs of the story as it stands, each once, in the order of the cells."""
        jobs = dict(self._jobs)
        return [jobs[identity] for identity in dict.fromkeys(self.laid.identities) if identity in jobs]

    def begun(self) -> list[Job]:
        """The same; raises SeedanceError before the first `submit`."""
        if not self.is_submitted:
            raise SeedanceError(
                "this story was not submitted yet: story.plan shows what it costs, story.submit() sends it"
            )
        return self.jobs()

    def job_at(self, shot: int, take: int) -> Job | None:
        """The job of this take of this shot, both from 1; None where it was not sent."""
        identity = self.script.of_shot(self.laid, shot - 1).identities[take - 1]
        return None if identity is None else self._jobs.get(identity)

    def snapshots(self) -> dict[Identity, Snapshot]:
        """What is known of every job of the story as it stands."""
        wanted = set(self.laid.identities)
        return {identity: job.snapshot for identity, job in dict(self._jobs).items() if identity in wanted}

    def earlier(self) -> list[Snapshot]:
        """What is known of jobs that the story does not stand on any more: tried again, or after another take. They may have cost something."""
        wanted = set(self.laid.identities)
        left = [job.snapshot for identity, job in dict(self._jobs).items() if identity not in wanted]
        return [*left, *(job.snapshot for job in list(self._past))]

    def is_done(self) -> bool:
        """Whether it was submitted and nothing more will come by itself."""
        if not self.is_submitted:
            return False
        laid, jobs = self.laid, dict(self._jobs)
        return all(
            cell.invalid is not None or (identity in jobs and jobs[identity].done())
            for cell, identity in zip(laid.cells, laid.identities, strict=True)
        )

    @property
    def picks(self) -> dict[int, int]:
        """By shot, from 1, the take that was picked or gone on from. Never waits."""
        return {shot + 1: take for shot, take in list(self._picks.items())}

    def seconds_left(self) -> float | None:
        """How long until all of it is there, learned from the ledger when it was planned; None where nobody knows. Never waits."""
        laid, jobs, total = self.laid, dict(self._jobs), 0.0
        for shot in range(len(self.script.prompts)):
            part = self.script.of_shot(laid, shot)
            found = [jobs.get(identity) for identity in part.identities if identity is not None]
            request = part.cells[0].request
            if part.cells[0].invalid is not None or request is None:
                continue
            seconds = seconds_left([job.snapshot for job in found if job is not None], self.planner.lives, time.time())
            if not any(found):
                seconds = Outlook.learn(self.planner.lives.get(kind_of(request), ())).remaining(0.0)
            if seconds is None:
                return None
            total = total + seconds if self.script.is_chain else max(total, seconds)
        return total

    def chosen(self, shot: int) -> int | None:
        """The take of this shot, both from 1, that the story goes on from, or shows if it is the last; None while it is not known."""
        with self._lock:
            laid = self.script.of_shot(self.laid, shot - 1)
            if shot > len(self._begins):
                return None
            return self._choice(shot - 1, self._states(laid, dict(self._jobs), {}), self._picks).take

    # What it would cost --------------------------------------------------------------------------------

    def plan_of_pick(self, shot: int, take: int) -> Plan:
        """What `pick` of this take, both from 1, would make and cost; changes and sends nothing."""
        with self._lock:
            kept = {known: other for known, other in self._picks.items() if known < shot - 1}
            return self.plan({**kept, shot - 1: take})

    def plan(self, picks: Mapping[int, int] | None = None) -> Plan:
        """Where every take of every shot stands just now; asks the ledger and sends nothing. `picks` as `_picks`, if others."""
        with self._lock:
            begins, trouble = self._look_ahead(self._picks if picks is None else picks)
            laid = self.script.cells(begins)
            plan = self.planner.plan(laid, laid.cells, self._followed(laid))
            lines, seconds = [], [0.0] * len(self.script.prompts)
            for number, line in enumerate(plan.lines):
                shot = number // self.script.takes
                if shot >= len(begins) and trouble is not None:
                    line = dataclasses.replace(line, standing=INVALID, credits=0.0, why=trouble)  # noqa: PLW2901
                elif shot >= len(begins):
                    why = f"begins with the last frame of shot {shot}"
                    line = dataclasses.replace(line, why=why)  # noqa: PLW2901
                if line.standing in (NEW, RUNNING):
                    longest = float("inf") if line.seconds is None else line.seconds
                    seconds[shot] = max(seconds[shot], longest)
                lines.append(line)
            total = sum(seconds) if self.script.is_chain else max(seconds)
            return Plan(plan.names, tuple(lines), None if total == float("inf") else total)

    def _followed(self, laid: Cells) -> dict[Identity, Snapshot]:
        wanted = set(laid.identities)
        return {identity: job.snapshot for identity, job in self._jobs.items() if identity in wanted}

    def _look_ahead(self, picks: Mapping[int, int]) -> tuple[tuple[str | None, ...], str | None]:
        """How far what is there already leads: what shots begin with, and why it leads no further, where that is for good."""
        begins, trouble = list(self.script.beginning), None
        while self.script.is_chain and len(begins) < len(self.script.prompts):
            shot = len(begins) - 1
            laid = self.script.of_shot(self.script.cells(begins), shot)
            states = self._states(laid, self._jobs, self._looked_up(laid))
            choice = self._choice(shot, states, picks)
            if choice.take is None:
                trouble = _words(choice)
                break
            begins.append(states[choice.take - 1].last_frame)
        return tuple(begins), trouble

    def _rows(self, identities: Sequence[Identity]) -> dict[Identity, Record]:
        try:
            account = self._session.account
        except ConfigurationError:  # no key, so no account that could have anything
            return {}
        hashes = [request_hash for request_hash, _ in identities]
        return self._session.ask_ledger(lambda ledger: ledger.browsing.newest_of(account, hashes)) if hashes else {}

    def _looked_up(self, laid: Cells) -> dict[Identity, Record]:
        """What the ledger has of takes without a job, and of those whose jobs do not know it yet: the one that was gone on from may be one."""
        jobs, many = self._jobs, self.script.takes > 1
        asked = [i for i in laid.identities if i not in jobs or (many and not jobs[i].snapshot.is_settled)]
        return self._rows([identity for identity in asked if identity is not None])

    def _check_money(self, plan: Plan, limit: float | None, purse: Budget | None = None) -> None:
        """Raises BudgetExceeded if what is new goes over a limit. What later shots cost is known before there is anything they begin with."""
        session = self._session
        if not session.money.has_limit(limit) and (purse is None or purse.limit is None):
            return
        new = [line.cell.request for line in plan.lines if line.is_new and line.cell.request is not None]
        prices = session.money.most_credits(new)
        estimate = plan.estimate.at_most(prices)
        session.money.check_ledger_limits(prices)
        left = None if purse is None else purse.limit
        limits = [most for most in (limit, left, session.limits.max_credits) if most is not None]
        if estimate.cells and estimate.credits is None and limits:
            raise BudgetExceeded(
                f"{estimate.source}, so the limit of {min(limits):,.6g} credits could not be kept for {estimate.cells:,} new videos; nothing was"
                " sent; no price list has videos that begin with a frame: make one with job.then(…) without a limit, for what it is charged is"
                " remembered, or leave max_credits out"
            )
        if purse is not None:
            check_money(estimate, max_credits=None, limit=purse.limit, spent=purse.spent, less=SHORTER)
        check_money(estimate, max_credits=limit, limit=session.limits.max_credits, spent=session.spent, less=SHORTER)

    # What is sent --------------------------------------------------------------------------------------

    def submit(self, max_credits: float | None) -> None:
        """See `Story.submit`."""
        limit = check_limit("max_credits", max_credits)
        with self._lock:
            plan = self.plan()
            self._session.engine.runner  # noqa: B018 - raises here, before anything changes, where there is no key
            self._check_places(plan)
            self._check_money(plan, limit)
            self._begin(limit)

    def retry(self, max_credits: float | None) -> None:
        """See `Story.retry`."""
        limit = check_limit("max_credits", max_credits)
        with self._lock:
            self.begun()
            before, wanted = self._jobs, set(self.laid.identities)
            ended = {i: job for i, job in before.items() if i in wanted and job.done() and job.clip is None}
            # As if they were not there: the ledger says which of them are free again, and what hangs on them is sent too.
            self._jobs = {identity: job for identity, job in before.items() if identity not in ended}
            try:
                plan = self.plan()
                self._check_places(plan)
                self._check_money(plan, limit)
            except BaseException:
                self._jobs = before
                raise
            for identity, job in ended.items():
                job.is_awaited = False  # who tries again knows
                if job.status.value in FREE_AGAIN:
                    self._past.append(job)
                    continue
                self._jobs[identity] = job
                if job.status is Status.SUCCEEDED:
                    job.download_again()
                    self._listen(job)
            self._begin(limit)

    def pick(self, shot: int, take: int, max_credits: float | None) -> None:
        """See `Story.pick`."""
        limit = check_limit("max_credits", max_credits)
        with self._lock:
            job = self.job_at(shot, take) if self.is_submitted and shot <= len(self._begins) else None
            if job is not None and job.done() and job.clip is None:
                raise InvalidRequest(
                    f"take {take} of shot {shot} has no video ({one_line(job.error or job.status_text, 200)}): story.retry() tries it again;"
                    " nothing was sent"
                )
            before = dict(self._picks)
            for later in [known for known in self._picks if known >= shot - 1]:  # they were takes of other videos
                del self._picks[later]
            self._picks[shot - 1] = take
            try:
                if self.is_submitted:
                    plan = self.plan()
                    self._check_places(plan)
                    self._check_money(plan, limit, self._purse if limit is None else None)
            except BaseException:
                self._picks = before
                raise
            if self.is_submitted:
                if limit is not None:
                    self._purse = Budget(limit)
                self._trouble, self._is_halted = None, False
                self._lay(self._begins[:shot])
                self.go_on()

    def cancel(self) -> None:
        """See `Story.cancel`."""
        self.begun()
        self._is_halted = True
        for job in self.jobs():
            if not job.done():
                job.cancel()
        self.go_on()

    def _check_places(self, plan: Plan) -> None:
        """Raises ConfigurationError before the first shot is paid for if a later one could not be sent."""
        for line in plan.lines:
            if line.is_new and line.cell.to_send is not None:
                self._session.engine.references.check(line.cell.to_send)

    def _begin(self, limit: float | None) -> None:
        self._purse = None if limit is None else Budget(limit)
        self._trouble, self._is_halted = None, False
        self._lay(self._begins)
        for shot in range(len(self.script.beginning)):
            self._send(shot)
        self.is_submitted = True
        self._watch.follow(self.jobs())
        self.go_on()

    def _lay(self, begins: tuple[str | None, ...]) -> None:
        laid = self.script.cells(begins)
        if self._trouble is not None:
            pairs = zip(laid.cells, laid.identities, strict=True)
            cells = [c if i in self._jobs else dataclasses.replace(c, invalid=self._trouble) for c, i in pairs]
            laid = dataclasses.replace(laid, cells=tuple(cells))
        self._begins, self.laid = begins, laid

    def _send(self, shot: int, *, goes_on: bool = False) -> None:
        """Send what is missing of a shot: what nobody follows here. What was let go by a closed session is taken up again."""
        laid = self.script.of_shot(self.laid, shot)
        missing: dict[Identity, Cell] = {}
        for cell, identity in zip(laid.cells, laid.identities, strict=True):
            job = None if identity is None else self._jobs.get(identity)
            if identity is not None and (job is None or (job.done() and not job.snapshot.is_settled)):
                missing[identity] = cell
        wanted = [(cell.to_send, cell.take) for cell in missing.values() if cell.to_send is not None]
        if not wanted:
            return
        is_left = goes_on and not any(
            job.is_awaited for job in self.jobs()
        )  # then nobody waits for what follows either
        jobs = self._session.submit_all(wanted, max_credits=self._purse, goes_on=goes_on)
        for identity, job in zip(missing, jobs, strict=True):
            job.is_awaited = job.is_awaited and not is_left
            self._jobs[identity] = job
            self._listen(job)

    def _listen(self, job: Job) -> None:
        job.add_done_callback(lambda _: self.go_on())

    # Going on ------------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Look in a thread what can be sent now. May be called from any thread, and never waits."""
        with self._going:
            self._again = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._go, name="seedance-story", daemon=True)
                self._thread.start()

    def _go(self) -> None:
        while True:
            with self._going:
                if not self._again:
                    self._thread = None
                    return
                self._again = False
            try:
                self._advance()
            except Exception as error:
                expected = isinstance(error, SeedanceError)
                if not expected:
                    log.exception("a story cannot go on")
                with self._lock:
                    said = one_line(str(error) if expected else repr(error), 300)
                    self._give_up(f"the story stopped here: {said}")
            self._watch.tell()

    def _advance(self) -> None:
        with self._lock:
            if not self.is_submitted:
                return
            if self._is_halted:
                self._give_up("the story was cancelled before this shot was sent")
                return
            self._trouble = None
            for shot in range(len(self._begins)):
                self._send(shot, goes_on=True)
            while self.script.is_chain:
                shot = len(self._begins) - 1
                laid = self.script.of_shot(self.laid, shot)
                states = self._states(laid, self._jobs, self._looked_up(laid))
                choice = self._choice(shot, states, self._picks)
                if choice.take is None or shot + 1 == len(self.script.prompts):
                    self._trouble = _words(choice)
                    self._lay(self._begins)
                    break
                self._picks[shot] = choice.take
                frame = states[choice.take - 1].last_frame
                assert frame is not None
                self._lay((*self._begins, frame))
                self._send(shot + 1, goes_on=True)
            self._watch.follow(self.jobs())

    def _give_up(self, why: str) -> None:
        self._trouble = why
        self._lay(self._begins)

    # Choosing ------------------------------------------------------------------------------------------

    def _choice(self, shot: int, states: Sequence[TakeState], picks: Mapping[int, int]) -> Choice:
        used = None
        frames = [state.last_frame for state in states if state.last_frame is not None]
        if shot not in picks and len(states) > 1 and frames:
            account = self._session.account
            used = self._session.ask_ledger(lambda ledger: ledger.browsing.last_reference(account, frames))
        return choose(shot + 1, states, picks.get(shot), used)

    def _states(self, laid: Cells, jobs: dict[Identity, Job], rows: dict[Identity, Record]) -> list[TakeState]:
        """Where the takes of one shot stand, with the frames that the next one may begin with."""
        states = []
        for identity in laid.identities:
            assert identity is not None
            job, row = jobs.get(identity), rows.get(identity)
            if job is not None:
                state = self._of_job(job)
                is_made = row is not None and row.status is Status.SUCCEEDED
                states.append(TakeState("coming") if is_made and state.standing == "pending" else state)
            else:
                states.append(TakeState("pending") if row is None else self._of_row(row))
        return states

    def _of_job(self, job: Job) -> TakeState:
        clip, snapshot = job.clip, job.snapshot
        if clip is not None:
            return TakeState("have it", last_frame=self._session.shelf.last_frame(clip))
        if not job.done() or not snapshot.is_settled:
            return TakeState("coming" if snapshot.status is Status.SUCCEEDED else "pending")
        return TakeState("lost", one_line(job.error or snapshot.status_text, 200))

    def _of_row(self, row: Record) -> TakeState:
        if row.status is Status.SUCCEEDED:
            clip = Clips(self._session.settings.clips).load(row.clip) if row.clip else None
            if clip is not None and not clip.is_lost:
                return TakeState("have it", last_frame=self._session.shelf.last_frame(clip))
            if row.clip and row.clip.get("forgotten"):
                return TakeState("lost", "its file was forgotten: job.download_again() brings it back")
            return TakeState("coming")
        died = (
            row.status is Status.SUBMITTING
            and row.sent_at is not None
            and self._session.engine.is_alive(row.owner) is False
        )
        if row.status is Status.UNKNOWN or died:
            return TakeState("lost", row.error or "it may have been accepted and charged")
        return TakeState("pending")


def _words(choice: Choice) -> str | None:
    return None if choice.trouble is None else f"not sent: {choice.trouble}"
