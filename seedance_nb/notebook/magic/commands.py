"""What the sub-commands of %seedance do: ask the session, show its answer."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from typing import Any

from IPython.display import display

from ...errors import ConfigurationError, SeedanceError, WaitTimeout
from ...pages import html, words
from ...settings import SIMULATOR, check_key, write_keyring
from ...terminal import overviews
from ...tracking import session as sessions
from ...tracking.ledger.contract import SAME, AccountNotKnown, shown
from ...tracking.limiting import allowance_of, by_words
from ...tracking.session import JobList
from .. import waiting
from ..card.job_display import show_job
from ..display import attach
from ..syntax.arguments import Line, help_text

ROWS = 12
"""A table that is read at a glance, and that takes no longer over ten thousand jobs than over ten."""


def run(shell: Any, line: Line) -> None:
    """Run the sub-command that the line names."""
    _COMMANDS[line.command or "help"](shell, line)


def _help(_shell: Any, _line: Line) -> None:
    print(help_text())


def welcome(shell: Any) -> None:
    """What `%seedance` alone does: the panel, or in a terminal the first steps in words."""
    from ..panel.panel import open_panel

    open_panel(shell)


def _panel(shell: Any, _line: Line) -> None:
    welcome(shell)


def _jobs(shell: Any, _line: Line) -> None:
    newest = sessions.default().jobs(limit=ROWS + 1)
    _show_jobs(shell, JobList(newest[:ROWS]))
    if len(newest) > ROWS:
        print(f"the newest {ROWS}; sd.jobs(limit=100) shows more")


def _show_jobs(shell: Any, jobs: JobList) -> None:
    if attach(shell).in_kernel:
        _show_table(*overviews.jobs(jobs))
    else:
        for job in jobs:
            print(words.plain(job.snapshot), end="\n\n")


def _show_table(headers: Sequence[str], rows: Sequence[Sequence[str]], caption: str | None = None) -> None:
    texts = {"text/html": html.table(headers, rows, caption), "text/plain": words.plain_table(headers, rows, caption)}
    display(texts, raw=True)


def _chosen(line: Line) -> JobList:
    session = sessions.default()
    if line.ids == ("all",):
        return session.resume() if line.command == "attach" else JobList(session.open_jobs() or session.resume())
    return JobList(session.attach(name) for name in line.ids)


def _attach(shell: Any, line: Line) -> None:
    jobs = _chosen(line)
    screen = attach(shell)
    for job in jobs:
        show_job(screen, job)
    if not jobs:
        print("nothing is unfinished; %seedance jobs lists everything")
    if screen.waits:
        with screen.telling(jobs):
            for job in jobs:
                waiting.wait(job, None)
        screen.finish()


def _cancel(shell: Any, line: Line) -> None:
    asked = 0
    for job in _chosen(line):
        name = job.request_id or job.key
        if job.status.is_final:
            print(f"{name} has ended already ({words.status_words(job.snapshot)}); there is nothing to cancel")
            continue
        job.cancel()
        asked += 1
        says = "its card" if attach(shell).in_kernel else "%seedance jobs"
        print(f"asked to cancel {name}; {says} says whether the service did")
    if not asked and line.ids == ("all",):
        print("nothing is running")


def _wait(shell: Any, line: Line) -> None:
    screen = attach(shell)
    session = sessions.default()
    jobs = session.open_jobs()
    with screen.telling(jobs):
        for job in jobs:
            if not waiting.wait(job, line.timeout):
                raise WaitTimeout("still running; %seedance wait waits on", job=job)
    screen.finish()
    if not jobs:
        print("nothing is running")
        return
    failed = sum(1 for job in jobs if job.clip is None)
    print(f"{len(jobs) - failed} done" + (f", {failed} without a video: %seedance jobs says why" if failed else ""))


def _models(_shell: Any, _line: Line) -> None:
    _show_table(*overviews.models(sessions.default()))


def _cost(_shell: Any, _line: Line) -> None:
    _show_table(*overviews.cost(sessions.default()))


def _limit(_shell: Any, line: Line) -> None:
    session = sessions.default()
    _show_table(*overviews.limits(by_words(session, line.ids), allowance_of(session)))


def _account(_shell: Any, line: Line) -> None:
    session = sessions.default()
    if line.ids:
        name = shown(session.ownership.say(*line.ids))
        if line.ids[0] == SAME:
            followed = len(session.resume())
            more = f"; {followed} unfinished job{'s are' if followed != 1 else ' is'} followed" if followed else ""
            print(f"the same account as {name}: what it has costs nothing again{more}")
        else:
            print(f"a new account, {name}: it has its own videos and pays for them")
        return
    _show_table(*overviews.accounts(session))


def _login(shell: Any, _line: Line) -> None:
    session = sessions.default()
    if session.settings.uses_simulator:
        raise ConfigurationError(
            "the simulator needs no key; for the service run sd.configure(base_url='https://…') first"
        )
    kernel = getattr(shell, "kernel", None)
    ask: Callable[[str], str] = kernel.getpass if kernel is not None else getpass.getpass
    typed = ""
    try:
        typed = ask("Seedance API key: ")
    except (EOFError, RuntimeError) as error:
        raise ConfigurationError(
            f"nobody can type a key here ({type(error).__name__}); set SEEDANCE_API_KEY instead"
        ) from None
    key = check_key(typed)
    del typed
    session.change(api_key=key)
    if write_keyring(session.settings.base_url, key):
        print("the key is in the keyring and in use; later kernels find it there")
    else:
        print("the key is in use in this kernel; there is no keyring, so set SEEDANCE_API_KEY to keep it")


def _slim(_shell: Any, line: Line) -> None:
    from ...slimming import run

    for said in run(line.ids):
        print(said)


def _demo(_shell: Any, _line: Line) -> None:
    session = sessions.existing()
    if session is None or not session.settings.uses_simulator:
        sessions.configure(base_url=SIMULATOR)
    print(
        "simulated from here on: real cards and real MP4s, no key, no cost. Try  %seedance a paper boat on a rainy street"
    )


def _doctor(shell: Any, line: Line) -> None:
    from .doctor import examine

    for said in examine(shell, is_team=bool(line.ids)):
        print(said)


def resume_quietly(_shell: Any) -> None:
    """At load: follow what an earlier kernel left unfinished (free, and links expire), and say so in one line."""
    try:
        session = sessions.default()
        if session.settings.limits_trouble is not None:
            print(f"seedance: {session.settings.limits_trouble}. Nothing is sent until it can be read")
        jobs = session.resume() if session.has_unfinished() else []
    except AccountNotKnown as question:
        print(f"seedance: {question}")
        return
    except SeedanceError:  # no key yet, or no ledger: the first real command says so
        return
    if not jobs:
        return
    count = f"{len(jobs)} unfinished job{'s' if len(jobs) != 1 else ''}"
    print(f"seedance: following {count} from before; %seedance attach all shows {'them' if len(jobs) != 1 else 'it'}")


_COMMANDS: dict[str, Callable[[Any, Line], None]] = {
    "help": _help,
    "panel": _panel,
    "jobs": _jobs,
    "attach": _attach,
    "cancel": _cancel,
    "wait": _wait,
    "models": _models,
    "cost": _cost,
    "limit": _limit,
    "account": _account,
    "login": _login,
    "slim": _slim,
    "demo": _demo,
    "doctor": _doctor,
}
