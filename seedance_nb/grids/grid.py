"""Grid: jobs laid out on named axes. Planned for nothing, sent once, waited for, retried, extended."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import difflib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from ..api.deadlines import LivedTime
from ..api.fields import FIELDS, TAKE
from ..api.models import Status
from ..clips.clip import Clip
from ..errors import ConfigurationError, InvalidRequest, SeedanceError, WaitTimeout, one_line, shortened
from ..settings import check_limit
from ..snapshot import Snapshot
from ..tracking import owner as owners
from ..tracking.background import log
from ..tracking.browsing import lives_of, newest_of
from ..tracking.following.polling import Outlook
from ..tracking.job import Job, WaitInterrupted
from ..tracking.ledger.ledger import FREE_AGAIN, Record
from ..tracking.ledger.vote import Vote
from ..tracking.session import Session
from .axes import Axes, Cell, Combination, FieldAxis, lay_out
from .picture import GridPicture, Tile
from .plan import GridEstimate, Identity, Plan, check_money, make_plan
from .rankings.ranking import Question, Ranking
from .timing import Kind, kind_of, seconds_left

STEP_SECONDS = 1.0
"""A wait for a grid is made of such steps, so that its time-out counts only what this process lived."""
Where = Mapping[str, Any] | Callable[[Combination], object]


@dataclasses.dataclass(frozen=True)
class GridView:
    """A grid with its axes laid on rows, columns and pages; shows itself as a wall. None: chosen by the wall."""

    grid: Grid
    rows: str | None = None
    columns: str | None = None
    pages: str | None = None


@dataclasses.dataclass(frozen=True)
class _Laid:
    """Axes, their cells, and what each cell is, all of one moment: replaced as a whole, so that nobody needs a lock to read."""

    axes: Axes
    cells: tuple[Cell, ...]
    identities: tuple[Identity | None, ...]

    @classmethod
    def out(cls, axes: Axes, cells: tuple[Cell, ...]) -> _Laid:
        return cls(axes, cells, tuple(cell.identity for cell in cells))


class Grid:
    """Videos of every combination of some axes, each an ordinary Job. Made by `seedance_nb.grid`; making one sends nothing.

    All attributes may be read from any thread at any time.
    """

    def __init__(self, session: Session, axes: Axes) -> None:
        self.session = session
        self._lock = threading.RLock()
        self._catalog = session.catalog
        self._laid = _Laid.out(axes, axes.cells(session.catalog.check))
        self._jobs: dict[Identity, Job] = {}
        self._past: list[Job] = []
        """Earlier tries of cells that were sent again: they may have cost something."""
        self._lives: dict[Kind, Sequence[float]] = {}
        self._submitted = self._fresh = False
        self._listeners: list[Callable[[], object]] = []
        self._stops: dict[Job, Callable[[], None]] = {}

    @staticmethod
    def from_manifest(path: str | os.PathLike[str], session: Session) -> Grid:
        """The grid that a manifest (`grid.export("….json")`) describes; sends nothing. Raises InvalidRequest."""
        from .export.manifest import read_manifest

        return Grid(session, read_manifest(Path(path)))

    # What is known ---------------------------------------------------------------------------------

    @property
    def axes(self) -> Axes:
        """What is varied, and how."""
        return self._axes

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every combination, in the order of the plan."""
        self._check_again()
        return self._cells

    @property
    def jobs(self) -> list[Job | None]:
        """The Job of every cell, in the order of the cells; cells that are the same video share one. None: not submitted."""
        return [None if identity is None else self._jobs.get(identity) for identity in self._identities]

    @property
    def plan(self) -> Plan:
        """Where every cell stands just now, and what the new ones cost; asks the ledger, sends nothing."""
        with self._lock:
            self._check_again()
            return self._plan_of(range(len(self._cells)), self._snapshots())

    @property
    def estimate(self) -> GridEstimate:
        """What the new cells are expected to cost, by whose word; `float(grid.estimate)` are credits."""
        return self.plan.estimate

    def picture(self) -> GridPicture:
        """All that boards, walls and exports need, as one immutable picture of this moment. Cheap."""
        # Without the lock: listeners call this in the background thread, for which `submit` waits while it holds it.
        laid, snapshots, submitted = self._laid, self._snapshots(), self._submitted
        past = [job.snapshot for job in list(self._past)]
        charged = sum(snapshot.credits or 0.0 for snapshot in [*snapshots.values(), *past])
        return GridPicture(
            names=laid.axes.names,
            tiles=tuple(
                Tile(cell, None if identity is None else snapshots.get(identity))
                for cell, identity in zip(laid.cells, laid.identities, strict=True)
            ),
            submitted=submitted,
            credits=charged,
            expected_seconds=seconds_left(snapshots.values(), self._lives, time.time()) if submitted else None,
        )

    def done(self) -> bool:
        """Whether it was submitted and nothing more will come by itself."""
        return self._submitted and not self._missing() and all(job.done() for job in list(self._jobs.values()))

    def __len__(self) -> int:
        return len(self._cells)

    def __repr__(self) -> str:
        picture = self.picture()
        sizes = [f"{name} {len(picture.levels(name))}" for name in picture.names]
        of = f" ({' × '.join(sizes)})" if sizes else ""
        cells = f"{len(self)} cell{'s' if len(self) != 1 else ''}"
        return f"<Grid of {cells}{of}: {_in_words(picture)}; as a coroutine: grid.wait()>"

    # Sending ---------------------------------------------------------------------------------------

    def submit(self, max_credits: float | None = None, fresh: bool = False) -> Grid:
        """Send what is new and follow everything; returns this grid at once. What the ledger has costs nothing.

        `max_credits` limits all that this call sends together; `fresh` buys the next free take of every cell instead of what the
        ledger has. Called again it sends only cells that have no job yet; `retry` takes up failed ones. Raises BudgetExceeded,
        InvalidRequest (every cell is invalid) or ConfigurationError: then nothing was sent. What goes wrong with one cell
        later is the error of its job, and stops no other.
        """
        limit = check_limit("max_credits", max_credits)
        with self._lock:
            self._check_again()
            wrong = [cell for cell in self._cells if cell.invalid is not None]
            if len(wrong) == len(self._cells):
                why = (
                    f"all {len(wrong)} cells are invalid, the first: {wrong[0].invalid}" if wrong else "it has no cells"
                )
                raise InvalidRequest(f"nothing was submitted: {why}")
            missing = self._missing() if not fresh else self._never_sent()
            if fresh and not missing:
                raise InvalidRequest("this grid was submitted already; grid.extend(takes=…) buys more takes of it")
            self.session.runner  # noqa: B018 - raises here, before anything changes, where there is no key
            self._check_price(missing, limit, fresh=fresh)
            self._fresh = self._fresh or fresh
            self._send(missing, limit, fresh=fresh)
        return self

    def retry(self, max_credits: float | None = None) -> Grid:
        """Try again what failed, was cancelled or was refused, and fetch again what was made but not downloaded.

        A new try is a new create and may cost; a download costs nothing; what may have been accepted (`unknown`) is never sent again.
        Returns this grid at once. Raises as `submit`.
        """
        limit = check_limit("max_credits", max_credits)
        with self._lock:
            self._begun()
            ended = {identity: job for identity, job in self._jobs.items() if job.done() and job.clip is None}
            again = [identity for identity, job in ended.items() if job.status.value in FREE_AGAIN]
            self.session.runner  # noqa: B018 - as above
            self._check_price(again, limit, fresh=self._fresh)
            for job in ended.values():
                if job.status is Status.SUCCEEDED:
                    job.download_again()
            self._send(again, limit, fresh=self._fresh)
        return self

    def extend(self, takes: int | None = None, max_credits: float | None = None, **axes: FieldAxis) -> Grid:
        """More takes (the new total) or more values on axes; what is there stays. If the grid was submitted, the new cells are too.

        Raises InvalidRequest or BudgetExceeded: then nothing has changed and nothing was sent.
        """
        limit = check_limit("max_credits", max_credits)
        with self._lock:
            before, more = self._laid, self._axes.extended(takes=takes, **axes)
            self._laid = _Laid.out(more, more.cells(self.session.catalog.check))
            try:
                missing = self._never_sent() if self._submitted else []
                self._check_price(missing, limit, fresh=self._fresh)
            except BaseException:
                self._laid = before
                raise
            if self._submitted:
                self._send(missing, limit, fresh=self._fresh)
        return self

    def cancel(self) -> None:
        """Ask the service to cancel everything unfinished. Returns at once; only a following look tells whether it worked."""
        for job in self._begun():
            if not job.done():
                job.cancel()

    # Waiting ---------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None) -> list[Clip | None]:
        """Wait until nothing more comes, at most `timeout` seconds: the clips in the order of the cells, None where there is none.

        Failed cells raise nothing (`grid.jobs` and the picture tell of them). Raises WaitTimeout, after which everything goes on.
        The stop button ends the wait only.
        """
        lived = LivedTime(2 * STEP_SECONDS)
        while waits := [job for job in self._begun() if not job.done()]:
            try:
                waits[0].result(None if timeout is None else max(0.0, min(STEP_SECONDS, timeout - lived())))
            except WaitTimeout:
                if waits[0].done() or (timeout is not None and lived() < timeout):
                    continue
                waits = [job for job in waits if not job.done()]
                for job in waits:
                    job.is_awaited = False
                raise WaitTimeout(f"the grid is not done within {timeout:g} s; {_go_on(len(waits))}") from None
            except WaitInterrupted:
                for job in waits:
                    job.is_awaited = False
                raise WaitInterrupted(f"stopped waiting; {_go_on(len(waits))}") from None
            except SeedanceError:  # it is the job's, and stays with it
                continue
        return self._clips()

    def __await__(self) -> Generator[Any, None, list[Clip | None]]:
        return self._wait().__await__()

    async def wait(self) -> list[Clip | None]:
        """`await grid` as a coroutine, for what takes nothing else: `asyncio.create_task(grid.wait())`."""
        return await self

    def __reduce__(self) -> tuple[Any, ...]:
        raise ConfigurationError(
            'a Grid is not stored or copied: grid.export("grid.json") keeps it, sd.grid("grid.json") brings it back; its jobs can be stored'
        )

    async def _wait(self) -> list[Clip | None]:
        while waits := [job for job in self._begun() if not job.done()]:
            waits[0]._have_it_followed()
            try:
                await waits[0].waiter(asyncio.get_running_loop())
            except asyncio.CancelledError as stop:
                text = f"stopped waiting: {_go_on(len(waits))}"  # dressed as in Job.__await__
                stop.args = (text,)
                vars(stop)["_render_traceback_"] = lambda text=text: [text]
                raise
        return self._clips()

    def subscribe(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call `listener()` in the background thread whenever a job changes or cells come; returns the way to stop it."""
        with self._lock:
            self._listeners.append(listener)
            self._watch()

        def stop() -> None:
            with self._lock:
                with contextlib.suppress(ValueError):
                    self._listeners.remove(listener)
                if not self._listeners:  # a job that nobody looks at is asked about less often
                    while self._stops:
                        self._stops.popitem()[1]()

        return stop

    # Looking at it ---------------------------------------------------------------------------------

    def view(self, rows: str | None = None, columns: str | None = None, pages: str | None = None) -> GridView:
        """The clips on a wall, with these axes as rows, columns and pages. Raises InvalidRequest for an axis there is not."""
        for name in (rows, columns, pages):
            if name is not None:
                check_axis(name, self._axes.names)
        return GridView(self, rows, columns, pages)

    def export(
        self,
        path: str | os.PathLike[str],
        rows: str | None = None,
        columns: str | None = None,
        pages: str | None = None,
        where: Where | None = None,
        embed: bool | None = None,
        sound: int | Job | Clip | None = None,
    ) -> Path:
        """Write the grid to a file; its ending says what: .html .csv .json .png .mp4. Returns the path.

        `where` (a dict of axis values, or a function of a Combination) chooses cells; `rows`, `columns`, `pages` lay axes; `embed`
        puts the clips into the .html itself (True) or beside it (False); `sound` is the cell (1 is the first), job or clip whose sound
        an .mp4 carries: without it, it carries none and says so. Overwrites. Raises InvalidRequest, SeedanceError.
        """
        from .export.writing import write

        self.view(rows, columns, pages)
        return write(self, Path(path), rows=rows, columns=columns, pages=pages, where=where, embed=embed, sound=sound)

    def to_pandas(self) -> Any:
        """A DataFrame with a row for every cell. Raises ConfigurationError where pandas is not installed."""
        from .export.table import frame_of, table_of

        return frame_of(table_of(self))

    def methods(self) -> str:
        """A paragraph for a paper: what was made, when, with what, and how it was judged. Nothing that is not in the data."""
        from .export.methods import paragraph

        return paragraph(self)

    # Votes -----------------------------------------------------------------------------------------

    @overload
    def vote(
        self,
        aspects: str | Sequence[str] = ...,
        rater: str | None = ...,
        by: str | Sequence[str] | None = ...,
        offline: None = None,
    ) -> None: ...

    @overload
    def vote(
        self,
        aspects: str | Sequence[str] = ...,
        rater: str | None = ...,
        by: str | Sequence[str] | None = ...,
        *,
        offline: str | os.PathLike[str],
    ) -> Path: ...

    def vote(
        self,
        aspects: str | Sequence[str] = ("overall",),
        rater: str | None = None,
        by: str | Sequence[str] | None = None,
        offline: str | os.PathLike[str] | None = None,
    ) -> Path | None:
        """Blind votes on pairs of clips: here, or with `offline="ballot.html"` as a page for a rater without Python, whose path is returned.

        `aspects` are what is asked of each pair; `rater` is whose votes these are, asked for where it is None; `by` names the axis or
        axes that are compared, None the cells, whatever their take. Raises InvalidRequest, or SeedanceError where there is no notebook.
        """
        from .screens import needed, screens

        asked = (aspects,) if isinstance(aspects, str) else tuple(aspects)
        if not asked or not all(isinstance(aspect, str) and aspect.strip() for aspect in asked):
            raise InvalidRequest("aspects must name at least one question, such as aspects=['overall', 'motion']")
        for name in _several(by):
            self._check_groupable(name)
        if offline is not None:
            return Path(needed(screens.write_ballot, "a ballot")(self.picture(), Path(offline), aspects=asked, by=by))
        needed(screens.open_ballot, "voting")(self, aspects=asked, rater=rater, by=by)
        return None

    def add_votes(self, path: str | os.PathLike[str]) -> int:
        """Take in the votes of a ballot file; returns how many were new. Raises InvalidRequest for a file of other clips."""
        from ..tracking.ledger.ledger import Ledger
        from .votes.ballot_file import read_ballot

        votes = read_ballot(Path(path))
        keys = set(self._keys())
        if votes and not any({vote.left, vote.right} & keys for vote in votes):
            raise InvalidRequest(
                f"the votes in {Path(path).name} are about other clips than those of this grid; nothing was added"
            )
        return self.session.ask_ledger(Ledger.add_votes, votes)

    def votes(self) -> list[Vote]:
        """Every vote on two clips of this grid, from the ledger."""
        from ..tracking.ledger.ledger import Ledger

        keys = self._keys()
        return self.session.ask_ledger(Ledger.votes_among, keys) if keys else []

    def ranking(
        self,
        by: str | Sequence[str] | None = None,
        aspect: str = "overall",
        raters: str | Iterable[str] | None = None,
        of: Question = "levels",
        *,
        resamples: int | None = None,
        seed: int = 0,
        block_of: Mapping[str, str] | None = None,
    ) -> Ranking:
        """Who wins, with intervals: `by` is an axis, several axes, or None for the cells themselves (their takes together).

        `of="levels"` asks what each of them is worth, clips and raters being draws; "raters" the same for these raters; "clips" how these
        very clips stand. `aspect` is the question that was voted on; `raters` leaves out the votes of all others. `resamples` is how often
        the votes are drawn anew for the intervals (None: as often as they need), from `seed`; `block_of` says by job key what clips
        have in common beside the take, where the axes do not say it. `sd.rank` is the same over tables of votes from elsewhere.
        Raises InvalidRequest for an axis there is not.
        """
        from .votes.votes import rank

        ranked = _several(by) or self._without_take()
        rest = [name for name in self._without_take() if name not in ranked]
        word = ranked[0] if len(ranked) == 1 and by is not None else "cell" if by is None else "combination"
        group_of = self.groups(by)
        if rest and block_of is None:
            from .votes.vote_table import blocks_by

            labels = {name: self.groups(name) for name in rest}
            known = {key: {name: labels[name][key] for name in rest} for key in group_of}
            block_of = blocks_by(known, group_of, ranked)
        chosen = None if raters is None else _several(raters)
        return rank(
            self.votes(),
            group_of,
            aspect=aspect,
            raters=chosen,
            of=of,
            by=word,
            resamples=resamples,
            seed=seed,
            block_of=block_of,
        )

    def groups(self, by: str | Sequence[str] | None = None) -> dict[str, str]:
        """By job key, the label of the group its clip is ranked in; clips only. Raises InvalidRequest for an axis there is not."""
        from .groups import labels_of
        from .rankings.ranking import by_name

        names = _several(by) or self._without_take()
        for name in names:
            self._check_groupable(name)
        with self._lock:
            followed = [
                (cell, self._jobs[identity].key)
                for cell, identity in zip(self._cells, self._identities, strict=True)
                if identity is not None and identity in self._jobs and self._jobs[identity].clip is not None
            ]
        labels = labels_of([cell for cell, _ in followed], names)
        found: dict[str, str] = {}
        for (_, key), label in zip(followed, labels, strict=True):
            # Cells that ask for the same share one clip: which of their labels it goes by is not a matter of who was named first.
            found[key] = min(found.get(key, label), label, key=by_name)
        return found

    def _without_take(self) -> tuple[str, ...]:
        return tuple(name for name in self._axes.names if name != TAKE)

    def _check_groupable(self, name: str) -> None:
        if name not in FIELDS:
            check_axis(name, self._axes.names)

    def _keys(self) -> list[str]:
        with self._lock:
            return [job.key for job in self._jobs.values()]

    # Inside ----------------------------------------------------------------------------------------

    @property
    def _axes(self) -> Axes:
        return self._laid.axes

    @property
    def _cells(self) -> tuple[Cell, ...]:
        return self._laid.cells

    @property
    def _identities(self) -> tuple[Identity | None, ...]:
        return self._laid.identities

    def _snapshots(self) -> dict[Identity, Snapshot]:
        return {identity: job.snapshot for identity, job in dict(self._jobs).items()}

    def _clips(self) -> list[Clip | None]:
        return [None if job is None else job.clip for job in self.jobs]

    def _begun(self) -> list[Job]:
        if not self._submitted:
            raise SeedanceError(
                "this grid was not submitted yet: grid.plan shows what it costs, grid.submit() sends it"
            )
        return list(self._jobs.values())

    def _missing(self) -> list[Identity]:
        """What valid cells want and nobody follows here, each once. A job let go by a closed session is taken up again."""
        laid = self._laid
        found = dict.fromkeys(
            identity
            for cell, identity in zip(laid.cells, laid.identities, strict=True)
            if cell.invalid is None and identity is not None
        )
        followed = {i for i, job in dict(self._jobs).items() if not job.done() or job.snapshot.is_settled}
        return [identity for identity in found if identity not in followed]

    def _never_sent(self) -> list[Identity]:
        return [identity for identity in self._missing() if identity not in self._jobs]

    def _check_again(self) -> None:
        """What the service allows may be known better since (`/models` has answered)."""
        with self._lock:
            if self.session.catalog is self._catalog:
                return
            self._catalog, cells = self.session.catalog, list(self._cells)
            for index, cell in enumerate(cells):
                if cell.to_send is not None:
                    invalid = None
                    try:
                        self._catalog.check(cell.to_send)
                    except InvalidRequest as error:
                        invalid = shortened(error, 300)
                    cells[index] = dataclasses.replace(cell, invalid=invalid)
            self._laid = _Laid.out(self._axes, tuple(cells))

    def _plan_of(
        self, indices: Iterable[int], followed: Mapping[Identity, Snapshot], *, ask_for_rows: bool = True
    ) -> Plan:
        cells = [self._cells[index] for index in indices]
        identities = [self._identities[cell.index] for cell in cells]
        by_identity = {i: c.request for c, i in zip(cells, identities, strict=True) if i is not None and c.request}
        valid = {
            i: by_identity[i] for c, i in zip(cells, identities, strict=True) if i in by_identity and not c.invalid
        }
        estimates = dict(zip(valid, self.session.estimates(valid.values()), strict=True))
        kinds = {kind_of(request): request for request in valid.values()}
        lives = self.session.ask_ledger(lives_of, self.session.settings.base_url, list(kinds.values()))
        self._lives = {**self._lives, **dict(zip(kinds, lives, strict=True))}
        return make_plan(
            self._axes.names,
            cells,
            identities,
            followed=followed,
            rows=self._rows([i for i in valid if i not in followed]) if ask_for_rows else {},
            estimates=estimates,
            outlooks={kind: Outlook.learn(self._lives[kind]) for kind in kinds},
            is_dead=lambda row: owners.is_alive(row.owner) is False,
            now=time.time(),
        )

    def _rows(self, identities: Sequence[Identity]) -> dict[Identity, Record]:
        try:
            account = self.session.account
        except ConfigurationError:  # no key, so no account that could have anything
            return {}
        return self.session.ask_ledger(newest_of, account, [name for name, _ in identities]) if identities else {}

    def _check_price(self, wanted: Sequence[Identity], limit: float | None, *, fresh: bool) -> None:
        """Raises BudgetExceeded if sending these would go over a limit."""
        place = {identity: index for index, identity in reversed(list(enumerate(self._identities)))}
        plan = self._plan_of([place[identity] for identity in wanted], {}, ask_for_rows=not fresh)
        session = self.session
        if limit is None and session.limits.max_credits is None:
            return
        most = session.most_credits(
            [line.cell.request for line in plan if line.is_new and line.cell.request is not None]
        )
        check_money(
            plan.estimate.at_most(most), max_credits=limit, limit=session.limits.max_credits, spent=session.spent
        )

    def _send(self, wanted: Sequence[Identity], limit: float | None, *, fresh: bool) -> None:
        request_of = dict(zip(self._identities, (cell.to_send for cell in self._cells), strict=True))
        asked = []
        for identity in wanted:
            request, job = request_of[identity], self._jobs.get(identity)
            assert request is not None
            asked.append((request, identity[1] if job is None else job.take))
        jobs = self.session.submit_all(asked, fresh=fresh, max_credits=limit) if asked else []
        self._submitted = True
        for identity, job in zip(wanted, jobs, strict=True):
            if identity in self._jobs:
                self._past.append(self._jobs[identity])
            self._jobs[identity] = job
        if self._listeners:
            self._watch()
            self.session.runner.call_later(0.0, self._tell)

    def _watch(self) -> None:
        current = set(self._jobs.values())
        for job in [job for job in self._stops if job not in current]:
            self._stops.pop(job)()
        for job in current - set(self._stops):
            self._stops[job] = job.subscribe(lambda _: self._tell())

    def _tell(self) -> None:
        for listener in list(self._listeners):
            try:
                listener()
            except Exception:  # who watches must not be able to stop who else watches
                log.exception("a listener of a grid failed")


def open_grid(
    session: Session,
    prompt: Any,
    rows: Any = None,
    *,
    takes: int = 1,
    mode: str = "product",
    where: Callable[[Combination], object] | None = None,
    raw: bool = False,
    **axes: Any,
) -> Grid:
    """The grid that a call of `seedance_nb.grid` describes; sends nothing. Raises InvalidRequest.

    As `axes.lay_out`; a path of a manifest (a `Path`, or a text that ends in .json and is a file) gives its grid back instead.
    `raw` prompts are taken as they are, braces and all.
    """
    if isinstance(prompt, Path) or (not raw and isinstance(prompt, str) and _is_manifest(prompt)):
        from .export.manifest import read_manifest

        if rows is not None or axes or mode != "product":
            raise InvalidRequest(
                "a grid from its manifest has its axes already: give nothing but takes= and where= with it"
            )
        known = read_manifest(Path(prompt))
        if takes != 1:
            known = known.extended(takes=takes)
        return Grid(session, dataclasses.replace(known, where=where))
    return Grid(session, lay_out(prompt, rows, takes=takes, mode=mode, where=where, raw=raw, **axes))


def check_axis(name: object, names: Sequence[str]) -> None:
    """Raises InvalidRequest, with near names, unless this is one of the axes."""
    if name not in names:
        near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        known = ", ".join(names) or "no axes: every cell has the same values"
        raise InvalidRequest(f"{one_line(name, 40)!r} is no axis of this grid{hint}; there are {known}")


def _is_manifest(text: str) -> bool:
    try:
        return text.endswith(".json") and Path(text).is_file()
    except (OSError, ValueError):  # longer than a path may be
        return False


def _several(names: str | Iterable[str] | None) -> tuple[str, ...]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def _go_on(jobs: int) -> str:
    which = "1 job goes" if jobs == 1 else f"{jobs} jobs go"
    return f"{which} on in the background: grid.result() waits again, grid.cancel() cancels"


def _in_words(picture: GridPicture) -> str:
    counts = picture.counts
    if not picture.submitted:
        return f"not submitted, {counts.invalid} invalid" if counts.invalid else "not submitted"
    parts = ((name, getattr(counts, name)) for name in ("done", "running", "failed", "unknown", "invalid", "waiting"))
    said = ", ".join(f"{count} {name}" for name, count in parts if count) or "nothing to do"
    return f"{said}, {picture.credits:,.6g} credits"
