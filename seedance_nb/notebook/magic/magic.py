"""%seedance and %%seedance: parse the line, call the session, show the job. Decides nothing about money."""

from __future__ import annotations

import contextlib
import difflib
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Int, Unicode

from ...api.catalog import Catalog
from ...api.fields import DEFAULT_ASPECT_RATIO, DEFAULT_DURATION, DEFAULT_MODEL, DEFAULT_RESOLUTION
from ...api.models import VideoRequest, make_request
from ...errors import ClipError, ConfigurationError, SeedanceError
from ...settings import check_limit
from ...terminal import overviews
from ...terminal.stills import show_still
from ...tracking import session as sessions
from ...tracking.job import Job, failure_of
from ...tracking.notifying import BROWSER
from ..card.job_display import show_job
from ..display import attach, detach
from ..syntax import arguments as magic_args
from ..syntax import typed_lines
from ..syntax.filling import BadLine
from ..syntax.visible_names import names_here
from . import commands

if TYPE_CHECKING:
    from ...snapshot import Snapshot
    from .saved_clips import SavedClips


@magics_class
class SeedanceMagics(Magics):
    """`%config SeedanceMagics.model = "seedance-2.0-fast"` and so on set what is used where a line says nothing."""

    model = Unicode(DEFAULT_MODEL, help="model where -m is not given").tag(config=True)
    aspect_ratio = Unicode(
        DEFAULT_ASPECT_RATIO, help="aspect ratio where -a is not given; empty leaves it to the service"
    ).tag(config=True)
    duration = Int(DEFAULT_DURATION, help="seconds where -d is not given; 0 leaves it to the service").tag(config=True)
    resolution = Unicode(
        DEFAULT_RESOLUTION, help="resolution where -r is not given; empty leaves it to the service"
    ).tag(config=True)

    # Any value: what is no number is refused where it would cost, for %config only logs what a trait refuses.
    max_credits = traitlets.Any(
        help="limit of a cell where --max-credits is not given; SEEDANCE_MAX_CREDITS is the session's"
    ).tag(config=True)

    shell: Any

    def _limit(self, found: magic_args.Line) -> float | None:
        if found.max_credits is not None:
            return found.max_credits
        if self.max_credits is None:
            others = [name for name in self.config.get("SeedanceMagics", {}) if name != "max_credits"]
            for typed in difflib.get_close_matches("max_credits", others, n=1, cutoff=0.8):
                raise ConfigurationError(
                    f"%config SeedanceMagics.{typed} is not read; max_credits is meant. Nothing was submitted"
                )
        limit: float | None = check_limit("max_credits", self.max_credits)
        return limit

    @no_var_expand  # IPython's own expansion gives up on a whole line without a word
    @line_cell_magic
    def seedance(self, line: str, cell: str | None = None) -> None:
        try:
            if not line.strip() and cell is None:
                commands.welcome(self.shell)
                return
            found = magic_args.parse(line, cell, self._defaults(), names_here(self.shell.user_ns))
            if found.command is not None:
                commands.run(self.shell, found)
                return
            self._generate(found)
        except BadLine as error:
            problem = str(error)
        else:
            return
        # Exactly UsageError: of a subclass IPython shows the whole traceback.
        raise UsageError(problem)

    seedance.__doc__ = magic_args.help_text()

    def _defaults(self) -> magic_args.Defaults:
        return magic_args.Defaults(
            model=self.model,
            aspect_ratio=self.aspect_ratio or None,
            duration=self.duration or None,
            resolution=self.resolution or None,
        )

    def _generate(self, found: magic_args.Line) -> None:
        if not found.prompts:
            raise BadLine("the prompt is missing: write it on the line, or below %%seedance. Nothing was sent")
        if found.is_story:
            self._tell_story(found)
            return
        if found.is_grid:
            self._generate_grid(found)
            return
        options = sessions.default().shelf.among(magic_args.request_options(found))
        if found.dry_run:
            self._dry_run(options, found)
            return
        session = sessions.default()
        request = make_request(**options)
        folder = _folder(found, [(request, 1, {})])
        _say([*found.notes, *session.checked(request)])  # before anything is charged
        asked_at = time.time()
        job = session.submit(**options, fresh=found.fresh, max_credits=self._limit(found))
        if found.out:
            self.shell.user_ns[found.out] = job
        screen = attach(self.shell)
        is_shown = not found.quiet and job.clip is not None
        notify = self._told(found, session, [job], asked_at)
        if not found.quiet:
            show_job(screen, job, notify=notify)
        saved = self._saved(found, folder, [job])
        wait = found.wait if found.wait is not None else (screen.waits or found.timeout is not None)
        if wait:
            try:
                self._wait(job, found.timeout, quiet=found.quiet, is_shown=is_shown)
            finally:
                if saved is not None:
                    saved.finish()
        else:
            screen.leave([job])

    def _generate_grid(self, found: magic_args.Line) -> None:
        from ...grids.opening import grid
        from ...grids.pages.receipts import summary
        from ...grids.plans.plan import fresh_plan
        from ..board.grid_display import show_grid, show_plan

        laid = grid(**magic_args.grid_options(found))
        screen = attach(self.shell)
        _say([*found.notes, *(note for cell in laid.cells for note in cell.warnings)])
        if found.dry_run:
            if not found.quiet:
                show_plan(screen, fresh_plan(laid.plan, laid.session.money.estimates) if found.fresh else laid.plan)
            print("dry run: nothing was sent")
            return
        cells = [(cell.request, cell.take, cell.values) for cell in laid.cells if cell.request is not None]
        folder = _folder(found, cells)
        if found.out:
            self.shell.user_ns[found.out] = laid
        if not found.quiet:
            print(summary(fresh_plan(laid.plan, laid.session.money.estimates) if found.fresh else laid.plan))
        asked_at = time.time()
        laid.submit(max_credits=self._limit(found), fresh=found.fresh)
        notify = self._told(found, laid.session, [job for job in laid.jobs if job is not None], asked_at)
        if not found.quiet:
            show_grid(screen, laid, notify=notify)
        labels = {job.key: cell.values for job, cell in zip(laid.jobs, laid.cells, strict=True) if job is not None}
        saved = self._saved(found, folder, [job for job in laid.jobs if job is not None], labels)
        if found.wait if found.wait is not None else (screen.waits or found.timeout is not None):
            try:
                with screen.telling([job for job in laid.jobs if job is not None], quiet=found.quiet):
                    laid.result(found.timeout)
            finally:
                screen.finish()
                if saved is not None:
                    saved.finish()
            if screen.is_headless:  # people see which cells are missing, and go on with the others
                failure = failure_of([job for job in laid.jobs if job is not None])
                if failure is not None:
                    raise failure
        else:
            screen.leave([job for job in laid.jobs if job is not None and not job.done()])

    def _tell_story(self, found: magic_args.Line) -> None:
        from ...grids.pages.receipts import summary
        from ...grids.stories.opening import open_story
        from ..board.grid_display import show_grid, show_plan

        limit = self._limit(found)
        story = open_story(sessions.default(), **magic_args.story_options(found), max_credits=limit)
        screen = attach(self.shell)
        _say([*found.notes, *story.notes])
        if found.dry_run:
            if not found.quiet:
                show_plan(screen, story.plan)
            print("dry run: nothing was sent")
            return
        if found.out:
            self.shell.user_ns[found.out] = story
        if not found.quiet:
            print(summary(story.plan))
        notify = self._told(found, story.session, [], time.time())
        story.submit()
        if not found.quiet:
            show_grid(screen, story, notify=notify)
        if found.wait if found.wait is not None else (screen.waits or found.timeout is not None):
            try:
                story.result(found.timeout)
            finally:
                screen.finish()
            if screen.is_headless:
                failure = failure_of([job for takes in story.jobs for job in takes if job is not None])
                if failure is not None and None in story.clips:
                    raise failure
        else:
            screen.leave([job for takes in story.jobs for job in takes if job is not None and not job.done()])

    def _told(self, found: magic_args.Line, session: sessions.Session, jobs: Sequence[Job], asked_at: float) -> bool:
        """Have told whom --notify names; whether that is the page, by the browser's notification."""
        if found.notify:
            for job in jobs:
                session.notifying.watch_for(job, found.notify, asked_at)
            return False
        if found.notify is None or session.notifying.target not in (None, BROWSER):
            return False
        screen = attach(self.shell)
        if found.quiet or not screen.in_kernel or not screen.is_watched:
            _say(["--notify tells nobody: no page shows this; sd.configure(notify=…) or --notify=COMMAND does"])
            return False
        return True

    def _saved(
        self,
        found: magic_args.Line,
        folder: Path | None,
        jobs: Sequence[Job],
        labels: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> SavedClips | None:
        """The line that says what was saved, open; None without --save-to. `labels` are the values on the axes, by the keys of the jobs."""
        if folder is None:
            return None
        from .saved_clips import SavedClips

        save = None
        if (pattern := found.save_as) is not None:
            from ...pages.file_names import save_by

            def save(snapshot: Snapshot, here: Path = Path.cwd()) -> Path:  # noqa: B008 - %cd may come before the clip does
                return save_by(snapshot, pattern, (labels or {}).get(snapshot.key, {}), here)

        saved = SavedClips(attach(self.shell), folder, jobs, quiet=found.quiet, save=save)
        saved.open()
        return saved

    def _wait(self, job: Job, timeout: float | None, *, quiet: bool, is_shown: bool) -> None:
        screen = attach(self.shell)
        try:
            with screen.telling([job], quiet=quiet):
                clip = job.result(timeout)
            if not screen.in_kernel and not quiet:
                # The card may have been drawn before the ledger had said that it has this.
                print(f"done: {clip.path}{' (0 credits, reused)' if job.reused else ''}")
                show_still(None if is_shown else clip)
        finally:
            screen.finish()

    def _dry_run(self, options: dict[str, Any], found: magic_args.Line) -> None:
        for said in overviews.dry_run(
            sessions.default(), make_request(**options), notes=found.notes, fresh=found.fresh
        ):
            print(said)


def _folder(found: magic_args.Line, jobs: Iterable[tuple[VideoRequest, int, Mapping[str, Any]]]) -> Path | None:
    """The folder of --save-to, made and tried before anything is sent, as its pattern is on what will be made."""
    if found.save_to is None and found.save_as is None:
        return None
    from ...clips.saving import make_folder
    from ...pages.file_names import check_pattern

    try:
        return (
            make_folder(found.save_to or ".")
            if found.save_as is None
            else make_folder(check_pattern(found.save_as, jobs))
        )
    except (ConfigurationError, ClipError) as error:
        problem = f"--save-to: {error}. Nothing was sent"
    raise BadLine(problem)


def _say(notes: Iterable[str]) -> None:
    for note in dict.fromkeys(notes):
        print(f"note: {note}")


# Loading -------------------------------------------------------------------------------------------------


def load(shell: Any) -> None:
    """Register the magics (once, however often it is called) and follow what is unfinished, saying so in a line."""
    if not any(isinstance(c, SeedanceMagics) for c in shell.configurables):
        shell.register_magics(SeedanceMagics)
        for command in ("%seedance", "%%seedance"):
            shell.set_hook("complete_command", _complete, str_key=command)
    typed_lines.install(shell)
    attach(shell)
    commands.resume_quietly(shell)


def unload(shell: Any) -> None:
    """Take everything back; running jobs go on at the service and are found again at the next load."""
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("seedance", None)
    shell.configurables[:] = [c for c in shell.configurables if not isinstance(c, SeedanceMagics)]
    for command in ("%seedance", "%%seedance"):
        with contextlib.suppress(AttributeError, KeyError):
            shell.strdispatchers["complete_command"].strs.pop(command, None)
    typed_lines.remove(shell)
    detach(shell)
    sessions.forget()


def _complete(_shell: Any, event: Any) -> list[str]:
    line = event.text_until_cursor.splitlines()[-1] if event.text_until_cursor else ""
    session = sessions.existing()
    ids: list[str] = []
    catalog = session.catalog if session is not None else Catalog()
    if session is not None:
        with contextlib.suppress(SeedanceError):
            ids = [job.request_id or job.key for job in session.jobs(limit=20)]
    word = line.rpartition(" ")[2]
    # IPython cuts words at ":" and the like and wants only what comes after the cut.
    cut = len(word) - len(event.symbol) if word.endswith(event.symbol) else 0
    return [value[cut:] for value in magic_args.complete(line, ids, catalog)]
