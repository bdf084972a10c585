"""`seedance`: what the magic does, from a shell: the same options, the same ledger. Files on stdout, all other words on stderr.

Exit codes are in EXIT_CODES and in `seedance --help`; what ends with 2 to 5 sent nothing, or nothing that was accepted.
"""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import errors
from .api.fields import TAKE
from .errors import SeedanceError, one_line
from .notebook.syntax.arguments import (
    CHOICES,
    COMMANDS,
    OPTIONS,
    SLIM,
    Line,
    Parser,
    add_options,
    complete,
    grid_options,
    parse_words,
    request_options,
)
from .notebook.syntax.filling import BadLine
from .terminal.output import as_record, here, let_all_letters_out, print_json, print_path, say, show

if TYPE_CHECKING:
    from .api.models import VideoRequest
    from .ledger_address import LedgerAddress
    from .tracking.job import Job
    from .tracking.session import Session

EXIT_CODES = {
    0: "done",
    1: "no video, or not all: the service made none, or its file did not come",
    2: "the line, the settings or the request cannot be meant; nothing was sent",
    3: "refused by the service (key, credits, request); nothing was charged",
    4: "it would cost more than the limit; nothing was sent",
    5: "the service could not be reached; nothing was submitted",
    6: "outcome unknown: it may have been accepted and charged; never sent again",
    7: "the wait ended, the job goes on: seedance wait",
    8: "cancelled",
    130: "stopped by Ctrl-C; what was sent goes on",
}
_CODE_OF = (
    (errors.OutcomeUnknown, 6),
    (errors.WaitTimeout, 7),
    (errors.GenerationCancelled, 8),
    (errors.BudgetExceeded, 4),
    ((errors.ConnectionFailed, errors.RateLimited, errors.ServerError), 5),
    (errors.ApiError, 3),
    ((errors.GenerationFailed, errors.ClipError), 1),
    ((errors.ConfigurationError, errors.InvalidRequest), 2),
)
HERE = [name for name in COMMANDS if name not in ("panel", "demo")]
"""The sub-commands that need no notebook."""
ROWS = 12
CANCEL_SECONDS = 30.0
"""So long the service has to say what became of a cancel."""
_COMPLETION = {
    "bash": """_seedance() {
  local IFS=$'\\n'
  COMPREPLY=($(seedance --complete "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//:/}
complete -o default -F _seedance seedance""",
    "zsh": """_seedance() { compadd -- ${(f)"$(seedance --complete "${BUFFER[1,CURSOR]}" 2>/dev/null)"} }
compdef _seedance seedance""",
    "fish": "complete -c seedance -a '(seedance --complete (commandline -cp) 2>/dev/null)'",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `seedance` with these words (None: the process's own) and return its exit code, one of EXIT_CODES."""
    let_all_letters_out()
    try:
        code = _run([_word(word) for word in (sys.argv[1:] if arguments is None else arguments)])
        sys.stdout.flush()  # here, where somebody catches what goes wrong
        return code
    except BadLine as problem:
        say(str(problem))
        return 2
    except SeedanceError as error:
        say(str(error))
        return code_of(error)
    except KeyboardInterrupt as stop:
        say(str(stop) or "stopped")
        return 130
    except BrokenPipeError:  # `seedance jobs | head`: whoever read has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def code_of(error: SeedanceError) -> int:
    """The exit code for this kind of failure."""
    return next((code for kind, code in _CODE_OF if isinstance(error, kind)), 1)


def build_parser() -> Parser:
    """The parser; `seedance --help` is made from it and fits 80 columns."""
    commands = "\n".join(
        textwrap.fill(here(COMMANDS[name]), 79, initial_indent=f"  {name:<8} ", subsequent_indent=" " * 11)
        for name in HERE
    )
    codes = "\n".join(f"  {code:>3} {text}" for code, text in EXIT_CODES.items())
    parser = Parser(
        prog="seedance",
        usage="%(prog)s PROMPT [options]   |   %(prog)s COMMAND [--json]",
        description="Make a video from a prompt and print where its file is. The same line again\n"
        "costs nothing: it prints the file you have.",
        epilog=f"commands, as the first word:\n{commands}\n\n"
        "Several prompts, comma lists (-m A,B -d 5,10), -n and --rows make a grid: every\n"
        "combination, priced first. PROMPT - reads prompts from stdin, parted by lines\n"
        "of three hyphens; everything after -- is the prompt, whatever it looks like.\n\n"
        f"exit codes:\n{codes}\n\n"
        "The key is SEEDANCE_API_KEY, or what `seedance login` has kept; never an option.\n"
        "SEEDANCE_MAX_CREDITS is a limit on each call of seedance, not on all together.\n"
        'Completion: eval "$(seedance --completion bash)" (or zsh, fish).',
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=26, width=79),
        add_help=False,
        allow_abbrev=False,
    )
    add_options(
        parser,
        out="copy the video to this .mp4, or the videos into this folder; or a pattern: {prompt:.40}-{take}.mp4",
        metavar="FILE",
    )
    add = parser.add_argument
    add("--no-wait", dest="wait", action="store_false", default=None, help="end once it is accepted, and print its id")
    add("-q", "--quiet", action="store_true", help="nothing on stderr but errors")
    add("--raw", action="store_true", help="send braces as they are; else {{ and }} are braces")
    add("--rows", metavar="FILE", help="a grid of the rows of a .csv or .jsonl; PROMPT may hold {columns}")
    add("--json", action="store_true", help="print a line of JSON a video instead of its file's place")
    return parser


# What is asked for --------------------------------------------------------------------------------------------------


def _run(words: list[str]) -> int:
    if words[:1] == ["--complete"]:
        return _complete(" ".join(words[1:]))
    if words[:1] == ["--completion"]:
        return _completion(words[1:])
    if words == ["--version"]:
        from ._version import __version__

        print(f"seedance_nb {__version__}")
        return 0
    if not words:
        print(build_parser().format_help())
        return 0
    if words[:2] == ["ledger", "move"]:
        return _move_ledger(words[2:])
    at = words.index("--") if "--" in words else len(words)  # behind it all is prompt
    as_json = "--json" in words[:at]
    parser = build_parser()
    line, found = parse_words(parser, [word for word in words[:at] if word != "--json"] + words[at:], _stdin)
    if line.command == "help":
        print(parser.format_help())
        return 0
    if line.command is not None:
        return _command(line, as_json=as_json)
    return _generate(line, found, as_json=as_json)


def _generate(line: Line, found: argparse.Namespace, *, as_json: bool) -> int:
    from .tracking import session as sessions

    if found.rows is None and not line.prompts:
        raise BadLine("the prompt is missing: seedance 'a paper boat'. Nothing was sent")
    place: Path | Pattern | None = None if found.out is None else _place(found.out, raw=line.raw)
    if place is not None and line.wait is False:
        raise BadLine("-o wants the video, and --no-wait does not wait for it: leave one of them out. Nothing was sent")
    if line.notify is not None and line.wait is False:
        raise BadLine(
            "--notify wants the end, and --no-wait does not wait for it: leave one of them out. Nothing was sent"
        )
    session = sessions.default()
    if found.rows is not None or line.is_grid:
        return _generate_grid(session, line, found, place, as_json=as_json)
    from .api.models import make_request
    from .terminal import overviews

    options = session.shelf.among(request_options(line))
    request = make_request(**options)
    if line.dry_run:
        for said in overviews.dry_run(session, request, notes=line.notes, fresh=line.fresh):
            print(said)
        return 0
    notes = session.catalog.check(request)
    is_new = line.fresh or session.preview(request) is None
    _check_place(place, [(request, 1, {})], is_new=is_new)
    _notes([*line.notes, *notes])
    asked_at = time.time()
    job = session.submit(**options, fresh=line.fresh, max_credits=line.max_credits)
    return _finish(_told(session, [job], line, asked_at), line, place, as_json=as_json)


def _generate_grid(
    session: Session, line: Line, found: argparse.Namespace, place: Path | Pattern | None, *, as_json: bool
) -> int:
    from .grids.opening import open_grid
    from .grids.pages.receipts import plan_plain, summary
    from .grids.plans.plan import fresh_plan

    laid = open_grid(session, **(grid_options(line) if found.rows is None else _rows_options(line, found)))
    plan = fresh_plan(laid.plan, session.money.estimates) if line.fresh else laid.plan
    if line.dry_run:
        print(plan_plain(plan))
    plan.check_all_valid()
    _notes([*line.notes, *(note for cell in laid.cells for note in cell.warnings)])
    if line.dry_run:
        print("dry run: nothing was sent")
        return 0
    if isinstance(place, Path) and place.suffix:
        raise BadLine(
            f"-o {one_line(place, 80)} is one file, and this makes {len(laid)} videos: name a folder, or a pattern such as"
            " {prompt:.40}-{take}.mp4. Nothing was sent"
        )
    cells = [(cell.request, cell.take, cell.values) for cell in laid.cells if cell.request is not None]
    _check_place(place, cells, is_new=True, is_folder=True)
    if not line.quiet:
        say(summary(plan))
    asked_at = time.time()
    laid.submit(max_credits=line.max_credits, fresh=line.fresh)
    jobs = _told(session, [job for job in laid.jobs if job is not None], line, asked_at)
    if isinstance(place, Pattern):
        pairs = zip(laid.jobs, laid.cells, strict=True)
        place = dataclasses.replace(place, labels={job.key: cell.values for job, cell in pairs if job is not None})
    return _finish(jobs, line, place, as_json=as_json)


def _rows_options(line: Line, found: argparse.Namespace) -> dict[str, Any]:
    """The grid of a table. What the line and a column both say is refused: one of them would not count."""
    from .grids.table_file import read_rows

    table = read_rows(_path("--rows", found.rows))
    columns = {name for row in table for name in row}
    typed = [field for field in OPTIONS if getattr(found, field.name) is not None]
    options = {field.name: f"--{field.flags[-1].lstrip('-')}" for field in typed}
    options |= {TAKE: "--takes"} if found.takes is not None else {}
    twice = next((name for name in options if name in columns), None)
    if twice is not None:
        raise BadLine(
            f"{options[twice]} stands on the line, and the rows have a column named {twice}: leave one of them out. Nothing was sent"
        )
    several = next((name for name in CHOICES if len(line.fields.get(name, ())) > 1), None)
    if several is not None:
        raise BadLine(
            f"--rows says every cell: a list in --{several.replace('_', '-')} is a column there. Nothing was sent"
        )
    if len(line.prompts) > 1:
        raise BadLine("--rows takes one PROMPT with {columns} in it, or a column named prompt. Nothing was sent")
    whole = dataclasses.replace(line, prompts=line.prompts or ("",))
    given = {k: v for k, v in grid_options(whole).items() if k not in columns and k not in ("prompt", "raw")}
    if not line.prompts:
        if "prompt" not in columns:
            raise BadLine(
                "the rows have no column named prompt: add one, or write a PROMPT with {columns}. Nothing was sent"
            )
        return {"prompt": table, **given, "raw": True}
    if "prompt" in columns:
        raise BadLine("the rows have a column named prompt: leave the PROMPT on the line out. Nothing was sent")
    if line.raw:
        raise BadLine("with --raw the rows would fill no {columns} of the PROMPT: leave --raw out. Nothing was sent")
    return {"prompt": line.prompts[0], "rows": table, **given}


def _told(session: Session, jobs: list[Job], line: Line, asked_at: float) -> list[Job]:
    """The jobs, once whom --notify names is told of their ends. In a shell there is no page that could tell."""
    from .tracking.notifying import BROWSER

    if line.notify:
        for job in jobs:
            session.notifying.watch_for(job, line.notify, asked_at)
    elif line.notify is not None and session.notifying.target in (None, BROWSER):
        _notes(["--notify tells nobody: a shell has no page; --notify='notify-send Seedance' runs a command"])
    return jobs


# What comes of it ---------------------------------------------------------------------------------------------------


def _finish(jobs: Sequence[Job], line: Line, place: Path | Pattern | None, *, as_json: bool) -> int:
    """Wait, copy, print; the exit code. Without --wait it waits all the same: what was paid for ends as a file."""
    if line.wait is not False:
        code = _wait_for(jobs, line, place, as_json=as_json)
        if line.notify:
            from .tracking import session as sessions

            sessions.default().notifying.finish(jobs)
        return code
    if line.timeout is None:
        for job in jobs:
            job.wait_until_claimed(None)
    _until_accepted(jobs, line.timeout)
    return _of_many([_print_id(job, many=len(jobs) > 1, as_json=as_json) for job in jobs])


def _wait_for(jobs: Sequence[Job], line: Line, place: Path | Pattern | None = None, *, as_json: bool) -> int:
    from .api.deadlines import LivedTime
    from .terminal.live_line import live_line

    lived, codes = LivedTime(2.0), []
    with live_line([] if line.quiet else jobs):
        for job in jobs:
            left = None if line.timeout is None else max(0.0, line.timeout - lived())
            try:
                job.result(left)
            except errors.WaitTimeout:
                codes.append(7)
            except SeedanceError as error:
                codes.append(code_of(error))
    # A process that ends before the service has answered would leave an unknown outcome.
    _until_accepted(jobs, None if line.timeout is None else max((job.limits.create_timeout for job in jobs), default=0))
    codes += [_print(job, place, many=len(jobs) > 1, as_json=as_json, quiet=line.quiet) for job in jobs]
    return next((code for code in codes if code), 0) if len(jobs) == 1 else _of_many(codes)


def _of_many(codes: Iterable[int]) -> int:
    """One kind of trouble is told as what it is, several as 1."""
    found = {code for code in codes if code}
    return found.pop() if len(found) == 1 else int(bool(found))


def _print(job: Job, place: Path | Pattern | None, *, many: bool, as_json: bool, quiet: bool) -> int:
    """Print what became of it; 1 where its file could not be copied."""
    from .pages.file_names import save_by, save_named

    code, path = 0, None
    if job.clip is not None:
        path = job.clip.path
        if place is not None:
            try:
                if isinstance(place, Pattern):
                    path = save_by(job.snapshot, place.text, place.labels.get(job.key, {})).absolute()
                else:
                    path = save_named(job.snapshot, place) if many or _is_folder(place) else job.clip.save_to(place)
            except SeedanceError as error:
                say(str(error))
                code = 1
    if as_json:
        print_json(as_record(job, path))
    elif path is not None:
        print_path(path)
    if job.error is not None or (path is None and not job.done()):
        _say_why(job, many=many)
    elif not quiet and not as_json:
        from .pages import words

        say(words.facts_line(words.standing_words(job.snapshot), words.credits_words(job.snapshot)))
        if not many:
            from .terminal.stills import show_still

            show_still(job.clip, sys.stderr)
    return code


def _print_id(job: Job, *, many: bool, as_json: bool) -> int:
    """Print the service's id, where it gave one; else say why there is none. The exit code."""
    if as_json:
        print_json(as_record(job))
    elif job.request_id is not None:
        print(job.request_id)
    if job.error is None and job.request_id is not None:
        return 0
    _say_why(job, many=many)
    return 7 if job.error is None else code_of(job.error)


def _say_why(job: Job, *, many: bool) -> None:
    """One line on why there is no video, or no id."""
    name = f"{one_line(job.request.prompt, 40)}: " if many else ""
    if job.error is not None:
        say(f"{name}{job.error}")
    elif job.request_id is not None:
        say(f"{name}{job.request_id} still runs: seedance wait")
    else:
        say(f"{name}not accepted yet; seedance jobs says what became of {job.key}")


def _notes(notes: Iterable[str]) -> None:
    for note in dict.fromkeys(notes):
        say(f"note: {note}")


def _is_folder(place: Path) -> bool:
    return place.is_dir() or not place.suffix


def _path(option: str, text: str) -> Path:
    """What was typed, as the file system has it: its bytes are those of the line whatever the locale is."""
    if not text.strip():
        raise BadLine(
            f"{option} wants a name, and there is none; the folder that you are in is a dot. Nothing was sent"
        )
    if "\0" in text:
        raise BadLine(f"{option}: {one_line(text, 80)!r} is no name of a file. Nothing was sent")
    return Path(os.fsdecode(text.encode())).expanduser()


@dataclasses.dataclass(frozen=True)
class Pattern:
    """What -o has where it holds names in braces; `labels` are the values on the axes, by the keys of the jobs."""

    text: str
    labels: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)


def _place(typed: str, *, raw: bool) -> Path | Pattern:
    place = _path("-o", typed)
    return Pattern(typed) if "{" in typed and not raw else place


def _check_place(
    place: Path | Pattern | None,
    jobs: Iterable[tuple[VideoRequest, int, Mapping[str, Any]]],
    *,
    is_new: bool,
    is_folder: bool = False,
) -> None:
    """Refuse, before anything is sent, a place where the video could not be put."""
    from .clips.saving import ENDINGS, make_folder

    if place is None:
        return
    if isinstance(place, Pattern):
        from .pages.file_names import check_pattern

        try:
            make_folder(check_pattern(place.text, jobs))
        except errors.ClipError as error:
            problem = f"-o: {error}. Nothing was sent"
        else:
            return
        raise BadLine(problem)
    if is_folder or _is_folder(place):
        make_folder(place)
        return
    if place.suffix.lower() not in ENDINGS:
        raise BadLine(f"-o: a clip is an MP4: name it {one_line(place.with_suffix('.mp4').name, 80)}. Nothing was sent")
    make_folder(place.parent)
    if is_new and place.exists():
        raise BadLine(
            f"-o: {one_line(place, 120)} exists and is not written over: choose another name. Nothing was sent"
        )


def _until_accepted(jobs: Sequence[Job], seconds: float | None) -> None:
    """Until the service has answered every create, at most so many seconds (None: however long it takes)."""
    import time

    from .api.deadlines import LivedTime

    lived = LivedTime(2.0)
    while any(job.request_id is None and not job.done() for job in jobs) and (seconds is None or lived() < seconds):
        time.sleep(0.02)


# Sub-commands -------------------------------------------------------------------------------------------------------


def _command(line: Line, *, as_json: bool) -> int:
    name = line.command or "help"
    if name == SLIM:  # notebooks and nothing else: no key, no ledger
        return _slim(line)
    from .tracking import session as sessions

    if name not in HERE:
        raise BadLine(f"{name} needs a notebook: %load_ext seedance_nb there. A prompt that begins so goes behind --")
    return _COMMANDS[name](sessions.default(), line, as_json)


_MOVE = "seedance ledger move sqlite:PATH postgresql://user@host/database?schema=name (or back)"


def _move_ledger(places: list[str]) -> int:
    """Copy one ledger into another. The places are not repeated before they are read: they may hold a password."""
    from .ledger_address import LedgerAddress
    from .tracking.ledger.ledger import Ledger
    from .tracking.ledger.moving import move

    if len(places) != 2 or any(place.startswith("-") for place in places):
        raise BadLine(f"it is {_MOVE}. Nothing was moved")
    read = [_ledger_place(place) for place in places]
    if read[0] == read[1]:
        raise BadLine("these are the same ledger. Nothing was moved")
    if isinstance(read[0], Path) and not read[0].is_file():
        raise BadLine(f"there is no ledger {one_line(read[0], 120)}. Nothing was moved")
    source, target = (Ledger(place) for place in read)
    try:
        moved = move(source, target, lambda said: print(said, file=sys.stderr))
    finally:
        source.close()
        target.close()
    print("\n".join(moved.in_words()))
    named = read[1].without_password() if isinstance(read[1], LedgerAddress) else read[1]
    print(
        f"set SEEDANCE_LEDGER to {named} for everybody; the other ledger is as it was, and nothing must be bought with it any more"
    )
    return 0


def _ledger_place(place: str) -> Path | LedgerAddress:
    from .ledger_address import LedgerAddress, hidden

    found = hidden(place.removeprefix("sqlite:"))
    if isinstance(found, LedgerAddress):
        return found.check()
    if "://" in found:
        raise BadLine(f"a ledger is a path or postgresql://…: {_MOVE}. Nothing was moved")
    return Path(found).expanduser().absolute()


def _slim(line: Line) -> int:
    from .slimming import run

    for said in run(line.ids):
        print(said)
    return 0


def _jobs(session: Session, _line: Line, as_json: bool) -> int:
    from .terminal import overviews
    from .tracking.session import JobList

    newest = session.jobs(limit=ROWS + 1)
    if as_json:
        for job in newest[:ROWS]:
            print_json(as_record(job))
        return 0
    show(overviews.jobs(JobList(newest[:ROWS])), as_json=False)
    if len(newest) > ROWS:
        say(f"the newest {ROWS}")
    return 0


def _wait(session: Session, line: Line, as_json: bool) -> int:
    jobs = list(session.resume())
    if not jobs:
        say("nothing is running")
        return 0
    return _wait_for(jobs, line, as_json=as_json)


def _attach(session: Session, line: Line, as_json: bool) -> int:
    if line.ids == ("all",):
        return _wait(session, line, as_json)
    return _wait_for([session.attach(name) for name in line.ids], line, as_json=as_json)


def _cancel(session: Session, line: Line, as_json: bool) -> int:
    from .pages import words

    jobs = list(session.resume()) if line.ids == ("all",) else [session.attach(name) for name in line.ids]
    if not jobs:
        say("nothing is running")
    codes = []
    for job in jobs:
        name = job.request_id or job.key
        if job.status.is_final:
            say(f"{name} has ended already ({words.status_words(job.snapshot)}); there is nothing to cancel")
            continue
        job.cancel()
    for job in jobs:
        job.wait_in_slices(CANCEL_SECONDS)
        codes.append(0 if job.status.is_final else 7)
        if as_json:
            print_json(as_record(job))
        else:
            print(f"{job.request_id or job.key} {words.status_words(job.snapshot)}")
    return _of_many(codes)


def _models(session: Session, _line: Line, as_json: bool) -> int:
    from .terminal import overviews

    show(overviews.models(session), as_json=as_json)
    return 0


def _cost(session: Session, _line: Line, as_json: bool) -> int:
    from .terminal import overviews

    show(overviews.cost(session), as_json=as_json)
    return 0


def _limit(session: Session, line: Line, as_json: bool) -> int:
    from .terminal import overviews
    from .tracking.limiting import allowance_of, by_words

    show(overviews.limits(by_words(session, line.ids), allowance_of(session)), as_json=as_json)
    return 0


def _account(session: Session, line: Line, as_json: bool) -> int:
    from .terminal import overviews

    if line.ids:
        session.ownership.say(*line.ids)
    show(overviews.accounts(session), as_json=as_json)
    return 0


def _doctor(session: Session, line: Line, as_json: bool) -> int:
    from .tracking.checkup import check_up
    from .tracking.team_checkup import check_up_team

    troubles = 0
    for finding in check_up_team(session) if line.ids else check_up(session):
        troubles += not finding.ok
        if as_json:
            print_json(dataclasses.asdict(finding))
        else:
            print(here(str(finding)))
    return 2 if troubles else 0


def _login(session: Session, _line: Line, _as_json: bool) -> int:
    from .settings import check_key, write_keyring

    if session.settings.uses_simulator:
        raise errors.ConfigurationError("the simulator needs no key")
    if not sys.stdin.isatty():
        raise errors.ConfigurationError("nobody can type a key here; set SEEDANCE_API_KEY instead")
    key = check_key(getpass.getpass("Seedance API key: "))
    if not write_keyring(session.settings.base_url, key):
        raise errors.ConfigurationError("there is no keyring to keep the key in; set SEEDANCE_API_KEY instead")
    say("the key is in the keyring; notebooks find it there too")
    return 0


_COMMANDS: dict[str, Callable[[Session, Line, bool], int]] = {
    "jobs": _jobs,
    "attach": _attach,
    "cancel": _cancel,
    "wait": _wait,
    "models": _models,
    "cost": _cost,
    "limit": _limit,
    "account": _account,
    "login": _login,
    "doctor": _doctor,
}


# What is typed ----------------------------------------------------------------------------------------------------


def _word(word: str) -> str:
    """A word of the line as it was typed: in UTF-8 whatever the locale says, as far as it is UTF-8."""
    try:
        return os.fsencode(word).decode("utf-8")
    except UnicodeError:
        pass
    try:
        word.encode()
    except UnicodeError:
        problem = f"{one_line(ascii(word), 60)} is no UTF-8: type it again. Nothing was sent"
    else:
        return word  # of another encoding, in which the locale has read it
    raise BadLine(problem)


def _stdin() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise BadLine(
            "- reads the prompts from stdin, and nothing is sent there: seedance - < prompts.txt. Nothing was sent"
        )
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        problem = "the prompts on stdin are no UTF-8. Nothing was sent"
    raise BadLine(problem)


def _completion(words: Sequence[str]) -> int:
    shell = words[0] if words else Path(os.environ.get("SHELL", "bash")).name
    if shell not in _COMPLETION:
        raise BadLine(f"completion is there for {', '.join(_COMPLETION)}, not for {one_line(shell, 30)!r}")
    print(_COMPLETION[shell])
    return 0


def _complete(line: str) -> int:
    """The words that may stand where the line ends, one a line; never a word of trouble, as a shell would offer that."""
    import contextlib

    from .tracking import session as sessions

    ids: list[str] = []
    with contextlib.suppress(Exception):
        ids = [job.request_id or job.key for job in sessions.default().jobs(limit=20)]
    for word in complete(line, ids, parser=build_parser()):
        if word not in COMMANDS or word in HERE:
            print(word)
    return 0
