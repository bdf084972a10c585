"""What a shell learns to show: attaching to it and detaching from it, and how clips and lists of jobs look."""

from __future__ import annotations

import functools
from typing import Any

from ..clips.clip import Clip
from ..clips.imported import ImportedClip
from ..pages import html
from ..pages.job_page import sources_of
from ..settings import Limits
from ..terminal import overviews
from ..tracking import session as sessions
from ..tracking.job import Job
from ..tracking.session import JobList
from . import waiting
from .board import grid_formatters
from .card.job_display import show_job
from .screen import Screen

_ATTRIBUTE = "_seedance_screen"


def screen_of(shell: Any) -> Screen | None:
    """The screen of this shell, if something is attached to it."""
    found: Screen | None = getattr(shell, _ATTRIBUTE, None)
    return found


def attach(shell: Any) -> Screen:
    """Let jobs, clips and lists of jobs show themselves in this shell, and let waits keep its loop alive. Idempotent."""
    screen = screen_of(shell)
    if screen is not None:
        return screen
    screen = Screen(shell)
    setattr(shell, _ATTRIBUTE, screen)
    sessions.set_wait_strategy(waiting.wait)
    formatters = shell.display_formatter
    grid_formatters.register(screen, formatters)
    if screen.in_kernel:
        formatters.ipython_display_formatter.for_type(Job, functools.partial(show_job, screen))
        formatters.formatters["text/html"].for_type(Clip, _clip_html)
        formatters.formatters["text/html"].for_type(ImportedClip, lambda imported: _clip_html(imported.clip))
        formatters.formatters["text/html"].for_type(JobList, jobs_html)
    return screen


def detach(shell: Any) -> None:
    """Undo `attach`."""
    screen = screen_of(shell)
    if screen is None:
        return
    screen.detach()
    setattr(shell, _ATTRIBUTE, None)
    formatters = shell.display_formatter
    for formatter, kind in (
        (formatters.ipython_display_formatter, Job),
        (formatters.formatters["text/html"], Clip),
        (formatters.formatters["text/html"], ImportedClip),
        (formatters.formatters["text/html"], JobList),
    ):
        formatter.pop(kind, None)
    grid_formatters.unregister(formatters)


def _clip_html(clip: Clip) -> str:
    session = sessions.existing()
    video, poster, more = sources_of(clip, (session.limits if session else Limits()).embed_limit)
    return html.clip_figure(clip, video, poster, **more)


def jobs_html(jobs: JobList) -> str:
    """How `sd.jobs()` shows itself."""
    return html.table(*overviews.jobs(jobs))
