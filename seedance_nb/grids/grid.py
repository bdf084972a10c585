"""Grid: jobs laid out on named axes. Planned for nothing, sent once, waited for, retried, extended.

The front of what lies below: it names, and hands on. `running` sends, waits and tells who watches; `plans` says what would be sent; what
looks, exports or judges gets a picture of the moment.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from ..clips.clip import Clip, labelled
from ..clips.imported import ImportedClip
from ..errors import ConfigurationError, InvalidRequest, one_line
from ..keywords import UNSET, Unset
from ..showing import Shown
from ..tracking import session as sessions
from ..tracking.importing import imported_before
from ..tracking.job import Job
from ..tracking.ledger.vote import Vote
from ..tracking.session import Session
from . import judging
from .axes import Axes, Cell, Where, check_axis
from .included import Included, again, names_with, placed, with_included
from .picture import GridPicture, picture_of
from .plans.plan import GridEstimate, Plan
from .plans.timing import seconds_left
from .rankings.forecast import Power
from .rankings.ranking import Question, Ranking, Scale
from .rankings.raters import Raters
from .registering.registration import Registration
from .running.sending import Sending
from .running.waiting import all_done, wait_for_all
from .running.watching import Watch
from .values import FieldAxis

if TYPE_CHECKING:
    from .ballots.taking_in import Added
    from .executors.dask_cluster import DaskClient
    from .measures.measured import Measures
    from .measures.what import ClipMeasure
    from .racing.measuring import Measure
    from .racing.race import Race


@dataclasses.dataclass(frozen=True)
class GridView(Shown):
    """A grid with its axes laid on rows, columns and pages; shows itself as a wall. None: chosen by the wall."""

    grid: Grid
    rows: str | None = None
    columns: str | None = None
    pages: str | None = None


class Grid(Shown):
    """Videos of every combination of some axes, each an ordinary Job. Made by `seedance_nb.grid`; making one sends nothing.

    All attributes may be read from any thread at any time.
    """

    def __init__(self, session: Session, axes: Axes) -> None:
        self.session = session
        self._watch = Watch(session)
        self._sending = Sending(session, axes, self._watch)
        self._measured: dict[str, Measures] = {}
        self._included: tuple[Included, ...] = ()
        self._including = threading.Lock()

    @staticmethod
    def from_manifest(path: str | os.PathLike[str], session: Session | None = None) -> Grid:
        """The grid that a manifest (`grid.export("….json")`) describes, in the session of this kernel if none is given.

        Sends nothing. Raises InvalidRequest for a file that is no manifest.
        """
        from .export.manifest import read_manifest

        made = session or sessions.default()
        axes, included = read_manifest(Path(path))
        return Grid(made, axes)._with(included)

    # What is known ---------------------------------------------------------------------------------

    @property
    def axes(self) -> Axes:
        """What is varied, and how."""
        return self._sending.laid.axes

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every combination, in the order of the plan."""
        return self._sending.checked().cells

    @property
    def jobs(self) -> list[Job | None]:
        """The Job of every cell, in the order of the cells; cells that are the same video share one. None: not submitted."""
        return [self._sending.job_of(identity) for identity in self._sending.laid.identities]

    @property
    def plan(self) -> Plan:
        """Where every cell stands just now, and what the new ones cost; asks the ledger, sends nothing."""
        return self._sending.plan()

    @property
    def estimate(self) -> GridEstimate:
        """What the new cells are expected to cost, by whose word; `float(grid.estimate)` are credits."""
        return self.plan.estimate

    def picture(self) -> GridPicture:
        """All that boards, walls and exports need, as one immutable picture of this moment. Cheap."""
        sending = self._sending
        laid, snapshots, is_submitted = sending.laid, sending.snapshots(), sending.is_submitted
        past = sending.earlier_tries()
        seconds = seconds_left(snapshots.values(), sending.planner.lives, time.time()) if is_submitted else None
        columns = tuple(column for measures in list(self._measured.values()) for column in measures.as_columns)
        own = picture_of(laid, snapshots, past, is_submitted=is_submitted, expected_seconds=seconds, columns=columns)
        return with_included(own, self._included)

    def done(self) -> bool:
        """Whether it was submitted and nothing more will come by itself."""
        return self._sending.is_done()

    def __len__(self) -> int:
        return len(self._sending.laid.cells)

    def __repr__(self) -> str:
        return f"<Grid of {self.picture()}; as a coroutine: grid.wait()>"

    # Sending ---------------------------------------------------------------------------------------

    def submit(self, max_credits: float | None = None, fresh: bool = False) -> Grid:
        """Send what is new and follow everything; returns this grid at once. What the ledger has costs nothing.

        `max_credits` limits all that this call sends together; `fresh` buys the next free take of every cell instead of what the
        ledger has. Called again it sends only cells that have no job yet; `retry` takes up failed ones. Raises BudgetExceeded,
        InvalidRequest (every cell is invalid) or ConfigurationError: then nothing was sent. What goes wrong with one cell
        later is the error of its job, and stops no other.
        """
        self._sending.submit(max_credits, fresh=fresh)
        return self

    def retry(self, max_credits: float | None = None) -> Grid:
        """Try again what failed, was cancelled or was refused, and fetch again what was made but not downloaded.

        A new try is a new create and may cost; a download costs nothing; what may have been accepted (`unknown`) is never sent again.
        Returns this grid at once. Raises as `submit`.
        """
        self._sending.retry(max_credits)
        return self

    def extend(self, takes: int | None = None, max_credits: float | None = None, **axes: FieldAxis) -> Grid:
        """More takes (the new total) or more values on axes; what is there stays. If the grid was submitted, the new cells are too.

        Raises InvalidRequest or BudgetExceeded: then nothing has changed and nothing was sent.
        """
        self._sending.extend(takes, max_credits, axes)
        return self

    def cancel(self) -> None:
        """Ask the service to cancel everything unfinished. Returns at once; only a following look tells whether it worked."""
        self._sending.cancel()

    # Waiting ---------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None) -> list[Clip | None]:
        """Wait until nothing more comes, at most `timeout` seconds: the clips in the order of the cells, None where there is none.

        Failed cells raise nothing (`grid.jobs` and the picture tell of them). Raises WaitTimeout, after which everything goes on.
        The stop button ends the wait only.
        """
        wait_for_all(self._sending, timeout)
        return self._clips()

    def __await__(self) -> Generator[Any, None, list[Clip | None]]:
        return self.wait().__await__()

    async def wait(self) -> list[Clip | None]:
        """`await grid` as a coroutine, for what takes nothing else: `asyncio.create_task(grid.wait())`."""
        await all_done(self._sending)
        return self._clips()

    def _clips(self) -> list[Clip | None]:
        return [
            None if job is None else labelled(job.clip, cell.values)
            for job, cell in zip(self.jobs, self._sending.laid.cells, strict=True)
        ]

    def subscribe(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call `listener()` in the background thread whenever a job changes or cells come; returns the way to stop it."""
        return self._watch.subscribe(listener)

    def __reduce__(self) -> tuple[Any, ...]:
        raise ConfigurationError(
            'a Grid is not stored or copied: grid.export("grid.json") keeps it, sd.grid("grid.json") brings it back; its jobs can be stored'
        )

    # Looking at it ---------------------------------------------------------------------------------

    def view(self, rows: str | None = None, columns: str | None = None, pages: str | None = None) -> GridView:
        """The clips on a wall, with these axes as rows, columns and pages. Raises InvalidRequest for an axis there is not."""
        for name in (rows, columns, pages):
            if name is not None:
                check_axis(name, self._names)
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
        executor: Executor | DaskClient | None = None,
        names: str | None = None,
        layout: Literal["videofolder", "vbench"] = "videofolder",
    ) -> Path:
        """Write the grid to a file; its ending says what: .html .csv .json .png .mp4; or its clips into a folder ("clips/"). Returns the path.

        A folder gets every clip that is there, named by the pattern `names` ("{prompt:.40}-{take}.mp4": names as for `Clip.save_to`, the
        axes, `cell` from 1, `index` of the prompt's videos from 0), and `metadata.csv` beside them: with `layout="videofolder"` as
        Hugging Face reads it (a word such as test in a name gets a capital: it would be taken for a split), with "vbench" under the names "{prompt}-{index}.mp4". Another video is never written over there (ClipError).

        `where` (a dict of axis values, or a function of a Combination) chooses cells; `rows`, `columns`, `pages` lay axes; `embed`
        puts the clips into the .html itself (True) or beside it (False); `sound` is the cell (1 is the first), job or clip whose sound
        an .mp4 carries: without it, it carries none and says so. `executor` decodes the clips of a .png or
        .mp4, as in `measure`; None: here, one after the other. A .csv whose name has the word "votes" ("votes.csv") has every answer of the
        raters, by salted ids, for `seedance_nb.rank` and for others; every other one has the cells. Overwrites. Raises InvalidRequest, SeedanceError.
        """
        from .export.choosing import chosen
        from .export.folder import is_folder, write_folder

        if names is not None or layout != "videofolder" or is_folder(path):
            if (rows, columns, pages, embed, sound, executor) != (None,) * 6:
                raise InvalidRequest("a folder of clips takes where=, names= and layout= alone; nothing was written")
            return write_folder(chosen(self.picture(), where), self.session, Path(path), names, layout)
        from .export.writing import write

        view = self.view(rows, columns, pages)
        axes = {"rows": view.rows, "columns": view.columns, "pages": view.pages}
        return write(
            self.picture(), self.session, Path(path), **axes, where=where, embed=embed, sound=sound, executor=executor
        )

    def include(self, *clips: ImportedClip) -> Grid:
        """Put clips made elsewhere (`seedance_nb.import_clip`) beside those of this grid, on its wall, ballots, rankings and in its exports.

        Their labels say where they stand: a value for each axis; `model` (else "made elsewhere") and `prompt` are always understood, and the
        prompt of cells says where on the other axes they stand. They cost nothing, are sent nowhere, and are left alone by submit,
        retry, extend and cancel; `plan`, `cells`, `jobs` and `result` do not have them. The same clip again changes nothing. Returns this grid. Raises
        InvalidRequest, and then includes none of them.
        """
        cells = self._sending.laid.cells
        with self._including:
            own = {
                tile.clip.sha256: f"cell {tile.cell.index + 1}"
                for tile in self.picture().tiles
                if tile.clip is not None and tile.origin is None
            }
            self._included = placed(clips, cells, self.axes.names, self._included, own)
        self._watch.tell()
        return self

    def _with(self, included: Sequence[Included]) -> Grid:
        """This grid with what its manifest tells was included, as far as the files are here."""
        self._included = tuple(
            dataclasses.replace(one, clip=imported_before(self.session, one.origin.sha256)) for one in included
        )
        gone = [one for one in self._included if one.clip is None]
        if gone:
            more = f" (and {len(gone) - 1} more like it)" if len(gone) > 1 else ""
            print(
                f"seedance: {one_line(gone[0].origin.name, 80)}, made elsewhere, is not on this machine{more}: import it again, {again(gone[0])}",
                file=sys.stderr,
                flush=True,
            )
        return self

    @property
    def _names(self) -> tuple[str, ...]:
        return names_with(self.axes.names, self._included)

    def to_pandas(self) -> Any:
        """A DataFrame with a row for every cell. Raises ConfigurationError where pandas is not installed."""
        from .export.table import frame_of, table_of

        return frame_of(table_of(self.picture(), self.session))

    def methods(self, *rankings: Ranking) -> str:
        """A paragraph for a paper: what was made, when, with what, how it was judged, what was registered and what came otherwise.

        `rankings` are those that the paper reports, so that it says what they ask and where that is not what was registered. Nothing that
        is not in the data.
        """
        from .export.methods import paragraph

        return paragraph(self.picture(), self.session, rankings)

    def measure(
        self,
        measure: str | Callable[..., Any] | ClipMeasure,
        executor: Executor | DaskClient | None = None,
        *,
        name: str | None = None,
        version: str = "",
        workers: int | None = None,
        timeout: float = 600.0,
    ) -> Measures:
        """What a function says of every clip that is there, in processes of their own; from then on a column of `to_pandas()`, exports and the wall.

        `measure` is the name of one that is shipped ("flicker"; see `seedance_nb.measures`), a function of a path (pathlib) that returns a number or
        a dict of numbers, or an object with `batch(paths)` (`seedance_nb.measures.ClipMeasure`). `executor` is any of `concurrent.futures`
        that runs it instead, or a `dask.distributed.Client`, to whose workers the clips are sent. What was measured is kept in the ledger by the file's sha256, `name`, the measure's source and `version`: change `version`
        where the source cannot tell, as for other weights. `workers` is how many processes at most (None: one a processor), `timeout` how many
        seconds a clip may take before its worker is ended.

        Blocks until all are done; the stop button ends it, and what was measured is kept. Sends nothing, costs no credits. A clip that cannot
        be measured is NaN, with its reason in `.failures`, and stops no other. Raises InvalidRequest for what is no measure or cannot be
        sent to another process, for an executor that takes no calls, and where there is no clip yet.
        """
        from .measures.measuring import measure as measured

        found = measured(
            self.picture(),
            self.session,
            measure,
            executor,
            lambda by, aspect, raters: (self.groups(by), self.ranking(by=by, aspect=aspect, raters=raters)),
            name=name,
            version=version,
            workers=workers,
            timeout=timeout,
        )
        self._measured = {**self._measured, found.name: found}
        self._watch.tell()
        return found

    # Votes -----------------------------------------------------------------------------------------

    @overload
    def vote(
        self,
        aspects: str | Sequence[str] = ...,
        rater: str | None = ...,
        by: str | Sequence[str] | None = ...,
        offline: None = None,
        *,
        gold: float = ...,
        training: bool = ...,
    ) -> None: ...

    @overload
    def vote(
        self,
        aspects: str | Sequence[str] = ...,
        rater: str | None = ...,
        by: str | Sequence[str] | None = ...,
        *,
        offline: str | os.PathLike[str],
        gold: float = ...,
        training: bool = ...,
    ) -> Path: ...

    def vote(
        self,
        aspects: str | Sequence[str] = ("overall",),
        rater: str | None = None,
        by: str | Sequence[str] | None = None,
        offline: str | os.PathLike[str] | None = None,
        *,
        gold: float = 0.0,
        training: bool = True,
    ) -> Path | None:
        """Blind votes on pairs of clips: here, or with `offline="ballot.html"` as a page for a rater without Python, whose path is returned.

        `aspects` are what is asked of each pair; `rater` is whose votes these are, asked for where it is None; `by` names the axis or
        axes that are compared, None the cells, whatever their take. A page is for one rater: write one for each.

        Never counted are the first pair of a rater, to practise on (`training=False`: none), and of the others a share `gold` (0 to 1), each a
        clip beside its own damaged copy, which tell in `raters()` who did not look. Raises InvalidRequest, or SeedanceError where there is
        no notebook.
        """
        from .ballots.ballot_file import check_gold

        asked = judging.check_questions(aspects, by, self._names)
        gold = check_gold(gold)
        if offline is not None:
            from .ballots.page import write_ballot

            options: dict[str, Any] = {"aspects": asked, "by": by, "rater": rater, "training": training, "gold": gold}
            return write_ballot(self.picture(), Path(offline), self.session, **options)
        from .ballots.voting import Voting, show

        show(Voting(self.session, self.picture, asked, rater, by, training=training, gold=gold))
        return None

    def add_votes(self, path: str | os.PathLike[str], *, unsigned: bool = False) -> Added:
        """Take in the answers of a ballot file; returns how many votes were new, and in `.left_out` what was left out and why.

        Only what the file's page has asked counts, once, and for one rater a page: answers outside its schedule, doubled or changed ones are
        named in one line on stderr and left out. `unsigned=True` takes in a file of a page that was written before pages were signed,
        which only trust can do. Raises InvalidRequest where nothing in a file can be believed: edited, of other clips, by a second rater.
        """
        return judging.add_votes(Path(path), self.picture(), self.session, unsigned=unsigned)

    def withdraw(self, rater: str) -> int:
        """Delete from the ledger, for good, every answer of this rater on clips of this grid; returns how many that were.

        Their ballot files are not taken in again. Raises InvalidRequest where there are no answers by this name.
        """
        return judging.withdraw(rater, self.picture(), self.session)

    def votes(self) -> list[Vote]:
        """The votes on two clips of this grid, from the ledger: each rater's first on equal sides of a pair, none to practise or of gold."""
        return judging.votes_on(self.picture(), self.session)

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
        scale: Scale = "log-odds",
    ) -> Ranking:
        """Who wins, with intervals: `by` is an axis, several axes, or None for the cells themselves (their takes together).

        `of="levels"` asks how strong each of them is, clips and raters being draws; "raters" the same for these raters; "clips" how these
        very clips stand. `aspect` is the question that was voted on; `raters` leaves out the votes of all others. `resamples` is how often
        the votes are drawn anew for the intervals (None: as often as they need), from `seed`; `block_of` says by job key what clips
        have in common beside the take, where the axes do not say it. `scale="jod"` gives strengths in just-objectionable differences (1 JOD:
        preferred 75 times in 100). What `register` was told is stated, with every deviation, and its rules of exclusion are followed if they
        were registered before the first vote: then `.everybody` is the ranking without them. `sd.rank` is the same over tables of votes
        from elsewhere, without any plan. Raises InvalidRequest for an axis there is not.
        """
        return judging.ranking_of(
            self.picture(),
            self.session,
            by,
            aspect=aspect,
            raters=raters,
            of=of,
            resamples=resamples,
            seed=seed,
            block_of=block_of,
            scale=scale,
        )

    def raters(self, by: str | Sequence[str] | None = None, aspect: str = "overall") -> Raters:
        """Raters as people: of each one votes, side, consistency, gold pairs, seconds, and how likely their votes are by everybody else's.

        `by` is what is compared, as in `ranking`. Says who is odd and why, and leaves out nobody by that: only a rule of `register` does.
        `.table` has a row a rater, `.agreement` Krippendorff's alpha with its interval. Raises InvalidRequest for an axis there is not.
        """
        return self.ranking(by, aspect, resamples=0).raters

    def register(
        self,
        question: str,
        *,
        by: str | Sequence[str] | None = None,
        of: Question = "levels",
        aspects: str | Sequence[str] = ("overall",),
        raters: int | Iterable[str] | None = None,
        votes: int | None = None,
        stopping: str = "",
        exclusion: Mapping[str, float] | None = None,
        estimand: str = "",
        notes: str = "",
    ) -> Registration:
        """Say before the votes what they shall answer: hashed, dated, kept in the ledger for good. Sends nothing.

        `by` and `of` are the estimand, as in `ranking` (`estimand` may say it in words of one's own), `aspects` what will be asked, `raters`
        how many or who, `votes` how many on each aspect, after which it stops (or `stopping` in words). `exclusion` are rules that leave a rater
        out, each with its number: "votes", "gold", "consistency" and "seconds" (below it), "side_bias" and "likelihood" (p below it). Registering
        the same again changes nothing, and anything else is a dated amendment; after votes were seen it says so, and its rules leave nobody out. `ranking` and `methods` state the
        plan and every deviation. The result has `.hash`, `.at` (epoch seconds) and `.words`. Raises InvalidRequest.
        """
        return judging.register(
            self.picture(),
            self.session,
            by,
            aspects,
            question=question,
            of=of,
            raters=raters,
            votes=votes,
            stopping=stopping,
            exclusion=exclusion,
            estimand=estimand,
            notes=notes,
        )

    @property
    def registrations(self) -> list[Registration]:
        """What was registered for this grid, oldest first: the plan, and its amendments."""
        return judging.registrations_of(self.picture(), self.session)

    def power(
        self,
        gap: float = 1.0,
        by: str | Sequence[str] | None = None,
        *,
        luck: float | Literal["pilot"] = 0.7,
        taste: float = 0.5,
        suits: float = 0.5,
        ties: float = 0.2,
        raters: int | None = None,
        votes: int | None = None,
        power: float = 0.8,
    ) -> Power:
        """Before a credit is spent: how likely this grid and so many votes tell a difference, and what would do it cheapest. Sends nothing.

        `gap` is how far the best is above the others in log-odds (1.0: it is preferred 73 times in 100), `by` what is compared as in
        `ranking`. `luck`, `taste` and `suits` are how far clips of one item, raters on one item, and items from block to block stray (standard
        deviations in log-odds); `luck="pilot"` takes luck, tastes and ties from the votes on this grid. `ties` is the share of ties between
        equals, `raters` how many vote (None: 6), `votes` how many votes there will be (None: 20 a rater), `power` the chance that is wanted.
        `str()` of the result says it in words, `.rows` and `.to_pandas()` have takes, votes, clips, credits and both chances. Raises InvalidRequest.
        """
        plan = self.plan
        requests = [line.cell.request for line in plan.lines if line.cell.request is not None]
        prices = [None if found is None else found.credits for found in self.session.money.estimates(requests)]
        return judging.power_of(
            plan,
            lambda: self.ranking(by=by),
            prices,
            by=by,
            gap=gap,
            luck=luck,
            taste=taste,
            suits=suits,
            ties=ties,
            raters=raters,
            votes=votes,
            power=power,
        )

    def race(
        self,
        by: str | Sequence[str] | None = None,
        *,
        max_credits: float,
        error: float = 0.05,
        tie: float | Unset | None = UNSET,
        showings: int = 10,
        aspect: str = "overall",
        of: Literal["levels", "raters"] = "levels",
        measure: Measure | None = None,
    ) -> Race[Grid]:
        """A race: two takes of each first, and more only of those who are not surely behind. A plan: sends nothing, asks the ledger.

        `by` is what races, as in `ranking`. `max_credits` is what the race may cost in all, over restarts too. `error` is how many races
        of equals may name a winner, all looks together (0.05: 5 of 100). Those who are surely within `tie` of each other end it as a tie
        (log-odds: 0.8, the default with votes, is 69:31; None: nothing does). Each clip is voted on `showings` times before a round is decided, by
        the question `aspect`; `of="raters"` asks about these raters alone. `measure` stands in for votes: the name of one as in `grid.measure`, a
        function of a clip's path, or numbers by clip, the more the better. The same call goes on with the same race, in any kernel.
        `race.submit()` buys a round, `race.vote()` asks, `race.step()` decides, `race.run()` does what needs no people. Raises InvalidRequest.
        """
        from .racing.measuring import name_of
        from .racing.race import Race
        from .racing.rounds import TIE, Rules

        if isinstance(tie, Unset):
            tie = TIE if measure is None else None
        ranked = judging.several(by)
        rules = Rules(ranked, error, tie, showings, aspect, of, name_of(measure))
        axes = self._sending.checked().axes
        return Race(
            self.session, axes, lambda laid: Grid(self.session, laid), rules, max_credits=max_credits, measure=measure
        )

    def groups(self, by: str | Sequence[str] | None = None) -> dict[str, str]:
        """By job key, the label of the group its clip is ranked in; clips only. Raises InvalidRequest for an axis there is not."""
        return judging.groups_of(self.picture(), by)
