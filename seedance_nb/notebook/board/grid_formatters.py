"""How a shell comes to show grids and rankings: formatters registered by name, so that nothing of grids is loaded before there is one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...pages.escaping import filled

if TYPE_CHECKING:
    from ...grids.ballots.voting import Voting
    from ...grids.executors.progress import Progress
    from ...grids.grid import Grid, GridView
    from ...grids.racing.race import Race
    from ...grids.rankings.ranking import Ranking
    from ...grids.stories.picking import Picking
    from ...grids.stories.story import Story
    from ..screen import Screen

GRID = ("seedance_nb.grids.grid", "Grid")
STORY = ("seedance_nb.grids.stories.story", "Story")
VIEW = ("seedance_nb.grids.grid", "GridView")
PICKING = ("seedance_nb.grids.stories.picking", "Picking")
VOTING = ("seedance_nb.grids.ballots.voting", "Voting")
PROGRESS = ("seedance_nb.grids.executors.progress", "Progress")
RACE = ("seedance_nb.grids.racing.race", "Race")
RANKING = ("seedance_nb.grids.rankings.ranking", "Ranking")
STUDIES = {
    ("seedance_nb.grids.rankings.forecast", "Power"): "power_html",
    ("seedance_nb.grids.rankings.raters", "Raters"): "raters_html",
    ("seedance_nb.grids.registering.registration", "Registration"): "registration_html",
}
"""What is words on a terminal and a page of `grids.pages.studies` in a notebook."""


def register(screen: Screen, formatters: Any) -> None:
    """Let grids, views of grids, votings, rankings, races and what belongs to a study show themselves in this shell."""
    displayed, kinds = formatters.ipython_display_formatter, formatters.formatters
    if screen.in_kernel:
        displayed.for_type_by_name(*GRID, _show_grid(screen))
        displayed.for_type_by_name(*STORY, _show_grid(screen))
        displayed.for_type_by_name(*VIEW, _show_view(screen))
        displayed.for_type_by_name(*VOTING, _show_voting(screen))
        displayed.for_type_by_name(*PICKING, _show_picking(screen))
        displayed.for_type_by_name(*PROGRESS, _show_progress(screen))
        kinds["text/html"].for_type_by_name(*RANKING, _ranking_html)
        for kind, page in STUDIES.items():
            kinds["text/html"].for_type_by_name(*kind, _study_html(page))
        kinds["text/html"].for_type_by_name(*RACE, _race_html)
    kinds["text/plain"].for_type_by_name(*GRID, _grid_plain)
    kinds["text/plain"].for_type_by_name(*STORY, _grid_plain)
    kinds["text/plain"].for_type_by_name(*RANKING, _ranking_plain)
    for kind in STUDIES:
        kinds["text/plain"].for_type_by_name(*kind, _in_words)


def unregister(formatters: Any) -> None:
    """Undo `register`."""
    for formatter in (formatters.ipython_display_formatter, *formatters.formatters.values()):
        for module, name in (GRID, STORY, VIEW, VOTING, PICKING, PROGRESS, RANKING, RACE, *STUDIES):
            formatter.pop(f"{module}.{name}", None)


def _show_grid(screen: Screen) -> Callable[[Grid | Story], None]:
    def show(grid: Grid | Story) -> None:
        from .grid_display import show_grid

        show_grid(screen, grid)

    return show


def _show_view(screen: Screen) -> Callable[[GridView], None]:
    def show(view: GridView) -> None:
        from .grid_display import show_view

        show_view(screen, view)

    return show


def _show_voting(screen: Screen) -> Callable[[Voting], None]:
    def show(voting: Voting) -> None:
        from ..ballot.ballot import open_ballot

        open_ballot(screen, voting)

    return show


def _show_picking(screen: Screen) -> Callable[[Picking], None]:
    def show(picking: Picking) -> None:
        from .story_picker import open_picker

        open_picker(screen, picking)

    return show


def _show_progress(screen: Screen) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        name = f"seedance-measure-{uuid.uuid4().hex}"

        def draw(*, update: bool = True) -> None:
            line = str(progress)
            screen.publish({"text/html": filled("<div>{}</div>", line), "text/plain": line}, name, update=update)

        draw(update=False)
        progress.listener = draw

    return show


def _grid_plain(grid: Grid | Story, printer: Any, _cycle: bool) -> None:
    from .grid_display import grid_plain

    printer.text(grid_plain(grid))


def html_of(thing: object) -> str | None:
    """The page of what is never live: a ranking, a race, what belongs to a study; None for anything else."""
    kind = (type(thing).__module__, type(thing).__name__)
    pages: dict[tuple[str, str], Callable[[Any], str]] = {RANKING: _ranking_html, RACE: _race_html}
    pages |= {study: _study_html(page) for study, page in STUDIES.items()}
    return pages[kind](thing) if kind in pages else None


def _ranking_html(ranking: Ranking) -> str:
    from ...grids.pages.ranking import ranking_html

    return ranking_html(ranking)


def _race_html(race: Race[Any]) -> str:
    from ...grids.pages.race import race_html

    return race_html(*race.page())


def _ranking_plain(ranking: Ranking, printer: Any, _cycle: bool) -> None:
    from ...grids.pages.ranking import ranking_plain

    printer.text(ranking_plain(ranking))


def _study_html(page: str) -> Callable[[Any], str]:
    def drawn(study: Any) -> str:
        from ...grids.pages import studies

        return str(getattr(studies, page)(study))

    return drawn


def _in_words(study: Any, printer: Any, _cycle: bool) -> None:
    printer.text(str(study))
