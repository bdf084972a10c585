"""A race: buys a round of takes, has it voted on or measured, drops who is surely behind, and goes on with the rest.

What happened is read from the ledger each time: which takes were bought (a take is bought once, by its identity), which votes there are, and
what each round has decided, which is written once and stands. So a race goes on wherever it was left, in any kernel.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ...api.models import Status
from ...clips.clip import Clip
from ...errors import BudgetExceeded, ConfigurationError, InvalidRequest, SeedanceError
from ...settings import check_limit
from ...showing import Shown
from ...tracking.job import Job
from ...tracking.ledger.record import FREE_AGAIN, Record
from ...tracking.ledger.vote import Vote
from ...tracking.session import Session
from .. import judging
from ..axes import Axes, Identity
from ..executors.progress import Progress, show
from ..export.methods import paragraph
from ..picture import GridPicture
from ..plans.plan import Plan
from ..rankings.measured import measured_levels
from ..rankings.race import Known, look, threshold
from ..rankings.ranking import Ranking
from ..registering.registration import Registration, about
from ..votes.votes import counted_once, levels_of
from .lanes import Lanes
from .leaving_out import has_rules, raters_left_out
from .measuring import Measure, Measuring, title_of_measure
from .rounds import Round, Rules, identity_of, takes_in, votes_wanted
from .standing import Standing
from .words import STANDINGS, in_words, methods_words, standings, stopping_words


class RoundGrid(Protocol):
    """What a race needs of a grid."""

    @property
    def plan(self) -> Plan: ...
    @property
    def jobs(self) -> list[Job | None]: ...
    def submit(self, max_credits: float | None = None) -> Any: ...
    def result(self, timeout: float | None = None) -> list[Clip | None]: ...
    def picture(self) -> GridPicture: ...
    def subscribe(self, listener: Callable[[], object]) -> Callable[[], None]: ...
    def add_votes(self, path: str | PathLike[str]) -> int: ...
    @property
    def vote(self) -> Callable[..., Path | None]: ...
    @property
    def measure(self) -> Callable[..., Any]: ...


G = TypeVar("G", bound=RoundGrid)


class Race(Shown, Generic[G]):
    """A race of prompts (or whatever `by` names); made by `grid.race`, which sends nothing. Shows itself: where it stands, and what is next.

    `submit` buys the takes of the round, `vote` asks about those who are left, `step` decides when all is there; `run` does all that needs no people.
    """

    def __init__(
        self,
        session: Session,
        axes: Axes,
        make_grid: Callable[[Axes], G],
        rules: Rules,
        *,
        max_credits: float,
        measure: Measure | None = None,
    ) -> None:
        limit = check_limit("max_credits", max_credits)
        if limit is None:
            raise InvalidRequest("a race buys by itself: say max_credits=, the credits it may cost in all")
        self.max_credits = limit
        self.rules = rules.check()
        self.session = session
        self._make_grid = make_grid
        self._lanes = Lanes.of(axes, rules.by, session.catalog)
        self._measuring = None if measure is None else Measuring(measure)
        self._measure_title = title_of_measure(measure)
        self._grids: dict[tuple[str, ...], G] = {}
        self._is_unmeasured = False
        """Whether the measure was asked, and what it said decides nothing."""
        self._left_out: tuple[tuple[str, ...], frozenset[str]] = ((), frozenset())
        """What votes were looked at, and whom the registered rules leave out by them."""
        self._lock = threading.RLock()

    # What is known -------------------------------------------------------------------------------------

    @property
    def rounds(self) -> tuple[Round, ...]:
        """What the rounds so far have decided, from the ledger."""
        return tuple(map(Round.read, self.session.ask_ledger(lambda ledger: ledger.races.rounds(self._identity()[0]))))

    @property
    def left(self) -> tuple[str, ...]:
        """Who is still racing."""
        rounds = self.rounds
        return rounds[-1].left if rounds else self._lanes.labels

    @property
    def end(self) -> str | None:
        """How it ended: "winner", "tie" (of those who are `left`), "alone" (nobody else has clips) or "undecided" for this money; else None."""
        return self.standing().end

    @property
    def winner(self) -> str | None:
        """Who has won, if somebody has."""
        return self.left[0] if self.end == "winner" else None

    @property
    def spent(self) -> float:
        """Credits that this race was charged, all tries; what may have been accepted counts with the highest price known."""
        return self.standing().spent

    @property
    def words(self) -> tuple[str, ...]:
        """Where it stands and what is next, in plain sentences."""
        return in_words(self.standing())

    def page(self) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[str, ...]]]:
        """(words, headers, a row for each item): what a notebook shows, of one moment."""
        standing = self.standing()
        return in_words(standing), (" and ".join(self.rules.by) or "cell", *STANDINGS), standings(standing)

    def __str__(self) -> str:
        return "\n".join(self.words)

    def __repr__(self) -> str:
        return str(self)

    @property
    def grid(self) -> G:
        """The grid of this round: the takes of all who are left. Of a race that has ended, the last one. Sends nothing."""
        grid = self._grid_of(self.standing())
        if not any(job is not None for job in grid.jobs) and not grid.plan.new:
            grid.submit(max_credits=0)  # the ledger has all of it, from another kernel
        return grid

    def clips(self) -> dict[str, str]:
        """By the key of its job, whose each clip of this race is, of those who dropped out too."""
        return {key: self._lanes.label_of[identity[0]] for key, identity in self._all_made().items()}

    def votes(self) -> list[Vote]:
        """Every vote on the aspect of this race, on two of its clips."""
        return self._votes_among(self._all_made())

    def ranking(self) -> Ranking:
        """What all votes of this race say so far, of those who dropped out too (see `grid.ranking`). Sends nothing."""
        group_of, block_of = self._groups_and_blocks(self._all_made())
        return judging.ranking_of(
            self._whole().picture(),
            self.session,
            self.rules.by or None,
            aspect=self.rules.aspect,
            of=self.rules.of,
            group_of=group_of,
            block_of=block_of,
        )

    def methods(self, *rankings: Ranking) -> str:
        """A paragraph for a paper, as `grid.methods`: all takes of this race, by which rule they were bought, and how it was decided.

        `rankings` are those that the paper reports. Sends nothing.
        """
        said = methods_words(self.standing(), self._measure_title)
        return paragraph(self._whole().picture(), self.session, rankings, said)

    def register(
        self,
        question: str,
        *,
        raters: int | Iterable[str] | None = None,
        exclusion: Mapping[str, float] | None = None,
        estimand: str = "",
        notes: str = "",
    ) -> Registration:
        """Say before the votes what this race shall answer, as `grid.register`; what is compared, asked, and when it stops are its rules.

        Sends nothing. Raises InvalidRequest, also where a measure stands in for votes: then there are no votes to say it before.
        """
        if self._measuring is not None:
            raise InvalidRequest("a registration says what votes shall answer, and this race is decided by a measure")
        return judging.register(
            self._make_grid(self._lanes.axes(self._lanes.labels, takes_in(1) or 1)).picture(),
            self.session,
            self.rules.by or None,
            self.rules.aspect,
            takes_are_open=True,
            question=question,
            of=self.rules.of,
            raters=raters,
            votes=None,
            stopping=stopping_words(self.rules, self.max_credits),
            exclusion=exclusion,
            estimand=estimand,
            notes=notes,
        )

    # Going on ------------------------------------------------------------------------------------------

    def submit(self) -> G:
        """Buy the takes of this round that are not there yet, and follow them; returns the grid of the round.

        Called again it costs nothing. Never over `max_credits` in all, nor over the session's limit: raises BudgetExceeded, also where nobody
        knows a price, and then nothing was sent. Where a race has ended, or the money is not enough for another round, nothing is sent.
        """
        with self._lock:
            standing = self.standing()
            grid = self._grid_of(standing)
            if standing.end is not None:
                return self.grid
            race, design = self._identity()
            self.session.ask_ledger(lambda ledger: ledger.races.begin(race, design, time.time()))
            spent, is_all = self._spent(may_ask=True)
            if not is_all:
                raise BudgetExceeded(
                    "a video of this race may have been accepted, and nobody knows for how much, so max_credits could not be kept;"
                    " nothing was sent; look at %seedance jobs unknown"
                )
            grid.submit(max_credits=max(0.0, self.max_credits - spent))
            return grid

    def result(self, timeout: float | None = None) -> list[Clip | None]:
        """Wait for the clips of this round, at most `timeout` seconds. Raises WaitTimeout; SeedanceError before `submit`."""
        return self.grid.result(timeout)

    def vote(
        self,
        rater: str | None = None,
        offline: str | PathLike[str] | None = None,
        *,
        gold: float = 0.0,
        training: bool = True,
    ) -> Path | None:
        """A ballot over those who are left: here, or with `offline="ballot.html"` as a page; all else as in `grid.vote`.

        Raises SeedanceError before `submit`.
        """
        by, how = self.rules.by or None, {"gold": gold, "training": training}
        if offline is None:
            return self._with_clips().vote(self.rules.aspect, rater, by, **how)
        return self._with_clips().vote(self.rules.aspect, rater, by, offline=offline, **how)

    def add_votes(self, path: str | PathLike[str]) -> int:
        """Take in the votes of a ballot file; returns how many were new. Raises InvalidRequest for a file of other clips."""
        return self._with_clips().add_votes(path)

    def step(self) -> Race[G]:
        """Decide this round, if all its clips and votes are there: who drops out, and whether that ends the race. Sends nothing.

        What is decided is written in the ledger and stands. Without all clips and votes nothing happens; the race says what is missing.
        """
        with self._lock:
            standing = self.standing()
            if standing.end is None and standing.is_complete:
                self._decide(standing)
        return self

    def run(self, timeout: float | None = None) -> Race[G]:
        """Buy, wait (at most `timeout` seconds a round) and decide for as long as neither votes nor money are missing. Raises as `submit` and `result`."""
        while self.end is None:
            before = len(self.rounds)
            self._follow(self.submit(), before + 1, timeout)
            self.step()
            if len(self.rounds) == before:
                break
        return self

    # Inside --------------------------------------------------------------------------------------------

    def _follow(self, grid: G, number: int, timeout: float | None) -> None:
        """Wait for the clips of a round, and show how far they are."""

        def ended() -> int:
            counts = grid.picture().counts
            return counts.cells - counts.running - counts.waiting

        jobs = [job for job in grid.jobs if job is not None]
        if all(job.done() for job in jobs):
            return
        progress = Progress(f"round {number}", len(jobs))
        show(progress)

        def changed() -> None:
            progress.done = ended()
            progress.failed = grid.picture().counts.failed
            progress.tell()

        unsubscribe = grid.subscribe(changed)
        try:
            grid.result(timeout)
        finally:
            unsubscribe()
            changed()

    def _whole(self) -> G:
        """The grid of all takes that this race has come to, of those who dropped out too. Sends nothing."""
        standing, rows = self.standing(), self._rows()
        reached = self._reached(standing.rounds, standing.racing, None if standing.end else standing.takes)
        most = max(reached.values())
        wanted = self._lanes.identities(reached)
        there = {i for i in wanted if not self._is_to_buy(rows.get(i)) and rows[i].status.value not in FREE_AGAIN}
        every = self._lanes.identities(dict.fromkeys(self._lanes.labels, most))
        with self._lock:
            name = ("all", *sorted(f"{request} {take}" for request, take in there))
            if name not in self._grids:
                without = [identity for identity in every if identity not in there] if there else ()
                self._grids[name] = self._make_grid(self._lanes.axes(self._lanes.labels, most, without))
                if there:
                    self._grids[name].submit(max_credits=0)  # the ledger has all of it
            return self._grids[name]

    def _reached(self, rounds: Sequence[Round], racing: Sequence[str], takes: int | None) -> dict[str, int]:
        """How many takes of each item this race has come to."""
        reached: dict[str, int] = {}
        for decided in rounds:
            reached |= dict.fromkeys(decided.racing, decided.takes)
        if takes is not None:
            reached |= dict.fromkeys(racing, takes)
        return reached

    def standing(self) -> Standing:
        """Where it stands at this moment, from the ledger. Sends nothing."""
        rounds = self.rounds
        racing = rounds[-1].left if rounds else self._lanes.labels
        takes = None if rounds and rounds[-1].end else takes_in(len(rounds) + 1)
        current = self._lanes.identities(dict.fromkeys(racing, takes)) if takes else {}
        rows = self._rows()
        to_buy = [identity for identity in current if self._is_to_buy(rows.get(identity))]
        made = {
            row.key: identity
            for identity in current
            if (row := rows.get(identity)) is not None and row.clip is not None
        }
        here = set(made.values())
        lost = [identity for identity in current if identity not in here and self._is_over(rows.get(identity))]
        votes = self._votes_that_count(self._made(rounds, racing, takes, rows)) if self._measuring is None else []
        most = self.session.money.most_credits([self._lanes.requests[h] for h, _ in to_buy], may_ask=False)
        spent, _ = self._spent()
        plan = self._grid_of_round(racing, takes).plan if takes and to_buy else None
        begun = self.session.ask_ledger(lambda ledger: ledger.races.design(self._identity()[0]))
        return Standing(
            rules=self.rules,
            labels=self._lanes.labels,
            rounds=rounds,
            takes=takes,
            racing=racing,
            max_credits=self.max_credits,
            spent=spent,
            clips=len(current),
            to_buy=len(to_buy),
            running=len(current) - len(to_buy) - len(here) - len(lost),
            lost=len(lost),
            made={label: sum(current[identity] == label for identity in here) for label in racing},
            most=None if any(price is None for price in most) else sum(price or 0.0 for price in most),
            expected=None if plan is None else str(plan.estimate),
            price=None if plan is None or plan.credits is None or not plan.new else plan.credits / plan.new,
            votes=len(votes),
            votes_missing=0 if self._measuring is not None else self._votes_wanted(rounds, made, votes),
            raters=len({vote.rater for vote in votes}),
            trouble=self._measuring.trouble if self._measuring is not None else None,
            is_unmeasured=self._is_unmeasured,
            begun_with=begun.get("measured_by", self._measure_title),
            measured_by=self._measure_title,
        )

    def _decide(self, standing: Standing) -> None:
        takes = standing.takes
        assert takes is not None
        made = self._made(standing.rounds, standing.racing, takes, self._rows())
        without = tuple(label for label in standing.racing if not standing.made[label])
        alive = [label for label in standing.racing if label not in without]
        votes: list[Vote] = []
        if len(alive) == 1:
            leader, behind, dropped = alive[0], dict[str, float](), without
            end: str | None = "alone"
        else:
            labels, known, votes = self._known(made, alive)
            self._is_unmeasured = known is None and self._measuring is not None
            if known is None:
                return
            found = look(known, labels, alive, threshold=threshold(self.rules.error, takes), margin=self.rules.tie)
            leader, behind, dropped, end = found.leader, dict(found.behind), (*without, *found.dropped), found.end
        number = len(standing.rounds) + 1
        decided = Round(
            number, takes, standing.racing, leader, behind, dropped, without, len(votes), end, at=time.time()
        )
        race, design = self._identity()
        self.session.ask_ledger(lambda ledger: ledger.races.begin(race, design, decided.at))
        self.session.ask_ledger(lambda ledger: ledger.races.decide(race, number, decided.written(), decided.at))

    def _known(self, made: Mapping[str, Identity], alive: Sequence[str]) -> tuple[list[str], Known | None, list[Vote]]:
        """(the items in order, what is known of them, the votes that say it)."""
        group_of, block_of = self._groups_and_blocks(made)
        if self._measuring is not None:
            values = self._measured(self._measuring, {key for key, label in group_of.items() if label in alive})
            return list(alive), measured_levels(values, group_of, block_of, alive), []
        votes = self._votes_that_count(made)
        labels, levels = levels_of(votes, group_of, block_of, aspect=self.rules.aspect, of=self.rules.of)
        if levels is None and labels:
            raise SeedanceError(
                "there are too many clips and raters in this race for one fit; race fewer at once, or with of='raters', about these raters alone"
            )
        return labels, levels if set(alive) <= set(labels) else None, votes

    def _measured(self, measuring: Measuring, keys: Collection[str]) -> Mapping[str, float]:
        """The numbers of these clips, by the keys of their jobs."""
        grid = self._with_clips()
        if measuring.of_grid is not None:
            found: dict[str, float] = grid.measure(measuring.of_grid).values()
            return {key: value for key, value in found.items() if key in keys}
        clips = {job.key: job.clip for job in grid.jobs if job is not None and job.key in keys}
        return measuring.values({key: clip for key, clip in clips.items() if clip is not None})

    def _all_made(self) -> dict[str, Identity]:
        standing = self.standing()
        return self._made(standing.rounds, standing.racing, standing.takes, self._rows())

    def _made(
        self, rounds: Sequence[Round], racing: Sequence[str], takes: int | None, rows: Mapping[Identity, Record]
    ) -> dict[str, Identity]:
        """By job key, every clip of this race so far, of those who dropped out too."""
        wanted = self._lanes.identities(self._reached(rounds, racing, takes))
        return {row.key: identity for identity, row in rows.items() if identity in wanted and row.clip is not None}

    def _groups_and_blocks(self, made: Mapping[str, Identity]) -> tuple[dict[str, str], dict[str, str]]:
        """By job key, the item of each clip, and what it has in common with clips of others."""
        lanes = self._lanes
        group_of = {key: lanes.label_of[identity[0]] for key, identity in made.items()}
        return group_of, {key: lanes.block_of[identity[0]] for key, identity in made.items()}

    def _rows(self) -> dict[Identity, Record]:
        account = self._account()
        if not account:
            return {}
        return self.session.ask_ledger(lambda ledger: ledger.browsing.newest_of(account, self._lanes.label_of))

    def _votes_among(self, keys: Iterable[str]) -> list[Vote]:
        listed = list(keys)
        votes = self.session.ask_ledger(lambda ledger: ledger.votes.among(listed)) if listed else []
        counted, _ = counted_once(votes)
        return [vote for vote in counted if vote.aspect == self.rules.aspect and vote.left != vote.right]

    def _votes_that_count(self, made: Mapping[str, Identity]) -> list[Vote]:
        """Those on the clips made, but for raters whom a rule leaves out that was registered before the first vote."""
        votes = self._votes_among(made)
        requests = set(self._lanes.requests)
        registered = about(self.session.ask_ledger(lambda ledger: ledger.registrations.texts()), requests)
        if not votes or not has_rules(registered):
            return votes
        controls = self.session.ask_ledger(lambda ledger: ledger.votes.controls(list(made)))
        known = (registered[-1].hash, *(vote.id for vote in (*votes, *controls)))
        if self._left_out[0] != known:
            group_of, block_of = self._groups_and_blocks(made)
            self._left_out = known, raters_left_out(registered, votes, controls, group_of, block_of, self.rules)
        return [vote for vote in votes if vote.rater not in self._left_out[1]]

    def _votes_wanted(self, rounds: Sequence[Round], made: Mapping[str, Identity], votes: Sequence[Vote]) -> int:
        before = rounds[-1].takes if rounds else 0
        label_of = {key: self._lanes.label_of[identity[0]] for key, identity in made.items()}
        new = {key for key, identity in made.items() if identity[1] > before}
        return votes_wanted(label_of, new, votes, self.rules.showings)

    def _spent(self, *, may_ask: bool = False) -> tuple[float, bool]:
        """(credits, whether that is all): not where something may have been accepted and nobody knows what it costs."""
        race, account = self._identity()[0], self._account()
        charges = self.session.ask_ledger(lambda ledger: ledger.races.charges(race, account, self._lanes.label_of))
        unsaid = [self._lanes.requests[charge.request_hash] for charge in charges if charge.credits is None]
        prices = self.session.money.most_credits(unsaid, may_ask=may_ask) if unsaid else []
        spent = sum(charge.credits or 0.0 for charge in charges) + sum(price or 0.0 for price in prices)
        return spent, None not in prices

    def _is_over(self, row: Record | None) -> bool:
        """Whether no clip comes of it by itself any more."""
        if row is None:
            return False
        if row.status is Status.SUCCEEDED:  # its file may still come
            followed = [
                job for grid in self._grids.values() for job in grid.jobs if job is not None and job.key == row.key
            ]
            return any(job.done() and job.clip is None for job in followed)
        return row.status is Status.UNKNOWN or row.status.value in FREE_AGAIN

    def _grid_of(self, standing: Standing) -> G:
        """The grid of the round that is played, or of the last one there was."""
        if standing.rounds and standing.end is not None:
            last = standing.rounds[-1]
            return self._grid_of_round(last.racing, last.takes)
        assert standing.takes is not None
        return self._grid_of_round(standing.racing, standing.takes)

    def _grid_of_round(self, racing: Sequence[str], takes: int) -> G:
        """What failed in an earlier round is not tried again: that round was decided without it."""
        name = (str(takes), *racing)
        with self._lock:
            if name not in self._grids:
                before = max((decided.takes for decided in self.rounds if decided.takes < takes), default=0)
                failed = {i for i, row in self._rows().items() if i[1] <= before and row.status.value in FREE_AGAIN}
                self._grids[name] = self._make_grid(self._lanes.axes(racing, takes, failed))
            return self._grids[name]

    def _with_clips(self) -> G:
        """The grid of this round with the clips there are. Sends nothing."""
        grid = self.grid
        if not any(job is not None for job in grid.jobs):
            raise SeedanceError(
                "clips of this round were not sent in this notebook: race.submit() first; what was bought costs nothing"
            )
        return grid

    def _account(self) -> str:
        try:
            return self.session.account
        except ConfigurationError:  # no key yet: a plan needs none
            return ""

    def _identity(self) -> tuple[str, dict[str, Any]]:
        name, design = identity_of(self.rules, self._lanes.hashes, self.session.settings.base_url, self._account())
        # Not what it is known by: a function that was mended goes on with its race, and its money, and the race says so.
        return name, design | {"measured_by": self._measure_title}

    def _is_to_buy(self, row: Record | None) -> bool:
        if row is None:
            return True
        died = row.status is Status.SUBMITTING and row.sent_at is None
        return died and self.session.engine.is_alive(row.owner) is False
