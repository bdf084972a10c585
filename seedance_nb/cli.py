"""`seedance`: what the magic does, from a shell: the same options, the same ledger. Files on stdout, all other words on stderr.

Exit codes are in EXIT_CODES and in `seedance --help`; what ends with 2 to 5 sent nothing, or nothing that was accepted.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import getpass
import json
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import errors
from .api.fields import TABLE
from .errors import SeedanceError, one_line
from .notebook.syntax.arguments import (
    CHOICES,
    COMMANDS,
    Line,
    Parser,
    add_options,
    complete,
    grid_options,
    parse_words,
    request_options,
)
from .notebook.syntax.filling import BadLine

if TYPE_CHECKING:
    from .terminal.overviews import Overview
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
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()  # here, where somebody catches what goes wrong
        return code
    except BadLine as problem:
        _say(str(problem))
        return 2
    except SeedanceError as error:
        _say(str(error))
        return code_of(error)
    except KeyboardInterrupt as stop:
        _say(str(stop) or "stopped")
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
        textwrap.fill(_here(COMMANDS[name]), 79, initial_indent=f"  {name:<8} ", subsequent_indent=" " * 11)
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
        'Completion: eval "$(seedance --completion bash)" (or zsh, fish).',
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=26, width=79),
        add_help=False,
        allow_abbrev=False,
    )
    add_options(parser, out="copy the video to this .mp4, or the videos into this folder", metavar="FILE")
    add = parser.add_argument
    add("--no-wait", dest="wait", action="store_false", default=None, help="end once it is accepted, and print its id")
    add("-q", "--quiet", action="store_true", help="nothing on stderr but errors")
    add("--raw", action="store_true", help="send braces as they are; else {{ and }} are braces")
    add("--rows", metavar="FILE", help="a grid of the rows of a .csv or .jsonl; PROMPT may hold {columns}")
    add("--json", action="store_true", help="print a line of JSON a video instead of its file's place")
    add("--completion", metavar="SHELL", help=argparse.SUPPRESS)
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
    as_json = "--json" in words
    parser = build_parser()
    bare = [word for word in words if word != "--json"]
    is_command = bool(bare) and bare[0].lower() in COMMANDS
    words = bare if is_command else words
    if "-" in words and not is_command:
        rest = [word for word in words if word != "-"]
        line, found = parse_words(parser, rest)
        if not line.prompts:  # else it is a dash in a prompt
            words = rest
            line, found = parse_words(parser, words, _stdin())
            return _generate(line, found, as_json=as_json)
    line, found = parse_words(parser, words)
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
    session = sessions.default()
    place = None if found.out is None else Path(found.out).expanduser()
    if found.rows is not None or line.is_grid:
        return _generate_grid(session, line, found.rows, place, as_json=as_json)
    from .api.models import make_request
    from .terminal import overviews

    options = request_options(line)
    request = make_request(**options)
    if line.dry_run:
        for said in overviews.dry_run(session, request, notes=line.notes, fresh=line.fresh):
            print(said)
        return 0
    is_new = line.fresh or session.preview(request) is None
    _check_place(place, is_new=is_new)
    _notes([*line.notes, *session.catalog.check(request)])
    job = session.submit(**options, fresh=line.fresh, max_credits=line.max_credits)
    return _finish([job], line, place, as_json=as_json)


def _generate_grid(session: Session, line: Line, rows: str | None, place: Path | None, *, as_json: bool) -> int:
    from .grids.opening import open_grid
    from .grids.pages.receipts import plan_plain, summary
    from .grids.plans.plan import fresh_plan

    laid = open_grid(session, **_rows_options(line, rows) if rows is not None else grid_options(line))
    _notes([*line.notes, *(note for cell in laid.cells for note in cell.warnings)])
    plan = fresh_plan(laid.plan, session.money.estimates) if line.fresh else laid.plan
    if line.dry_run:
        print(plan_plain(plan))
        print("dry run: nothing was sent")
        return 0
    if place is not None and place.suffix:
        raise BadLine(
            f"-o {one_line(place, 80)} is one file, and this makes {len(laid)} videos: name a folder. Nothing was sent"
        )
    _check_place(place, is_new=True, is_folder=True)
    if not line.quiet:
        _say(summary(plan))
    laid.submit(max_credits=line.max_credits, fresh=line.fresh)
    return _finish([job for job in laid.jobs if job is not None], line, place, as_json=as_json)


def _rows_options(line: Line, rows: str) -> dict[str, Any]:
    """The grid of a table: what a column names is no option of the line."""
    table = read_rows(Path(rows).expanduser())
    columns = {name for row in table for name in row}
    whole = dataclasses.replace(line, prompts=line.prompts or ("",))
    options = {k: v for k, v in grid_options(whole).items() if k not in columns and k not in ("prompt", "raw")}
    several = next((name for name in CHOICES if isinstance(options.get(name), list)), None)
    if several is not None:
        raise BadLine(
            f"--rows says every cell: a list in --{several.replace('_', '-')} is a column there. Nothing was sent"
        )
    if len(line.prompts) > 1:
        raise BadLine("--rows takes one PROMPT with {columns} in it, or a column named prompt. Nothing was sent")
    if line.prompts:
        if "prompt" in columns:
            raise BadLine("the rows have a column named prompt: leave the PROMPT on the line out. Nothing was sent")
        return {"prompt": line.prompts[0], "rows": table, **options}
    if "prompt" not in columns:
        raise BadLine(
            "the rows have no column named prompt: add one, or write a PROMPT with {columns}. Nothing was sent"
        )
    return {"prompt": table, **options, "raw": True}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a .csv (a header and values) or .jsonl (an object a line, or a text, which is a prompt). Raises BadLine."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _csv_rows(file) if path.suffix.lower() == ".csv" else _json_rows(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = one_line(getattr(error, "strerror", None) or error, 120)
        problem = f"--rows: {one_line(path, 120)} cannot be read ({reason}). Nothing was sent"
    else:
        if rows:
            return rows
        problem = f"--rows: there are no rows in {one_line(path, 120)}. Nothing was sent"
    raise BadLine(problem)


def _csv_rows(file: Iterable[str]) -> list[dict[str, Any]]:
    made = []
    reader = csv.DictReader(file, strict=True)
    for row in reader:
        if None in row or None in row.values():
            raise BadLine(
                f"--rows: line {reader.line_num} has more or fewer values than there are columns. Nothing was sent"
            )
        made.append({name: _cell(name, value) for name, value in row.items()})
    return made


_NUMBERS = {field.name for field in TABLE if field.kind == "number"}


def _cell(name: str, text: str) -> Any:
    """A value of a table of text: an empty one of a field is the default, seconds are numbers."""
    if name in _NUMBERS and text.strip().isascii() and text.strip().isdigit():
        return int(text)
    return None if not text.strip() and any(field.name == name for field in TABLE) and name != "prompt" else text


def _json_rows(lines: Iterable[str]) -> list[dict[str, Any]]:
    made = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, str):
            row = {"prompt": row}
        if not isinstance(row, dict):
            raise BadLine(f"--rows: line {number} is no JSON object: {one_line(line, 40)!r}. Nothing was sent")
        made.append(row)
    return made


# What comes of it ---------------------------------------------------------------------------------------------------


def _finish(jobs: Sequence[Job], line: Line, place: Path | None, *, as_json: bool) -> int:
    """Wait, copy, print; the exit code. Without --wait it waits all the same: what was paid for ends as a file."""
    if line.wait is False:
        for job in jobs:
            job.wait_until_claimed(None)
        _until_accepted(jobs)
        for job in jobs:
            print(json.dumps(as_record(job), ensure_ascii=False) if as_json else job.request_id or job.key)
        return next((code_of(job.error) for job in jobs if job.error is not None), 0)
    return _wait_for(jobs, line, place, as_json=as_json)


def _wait_for(jobs: Sequence[Job], line: Line, place: Path | None = None, *, as_json: bool) -> int:
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
    _until_accepted(jobs)
    codes += [_print(job, place, many=len(jobs) > 1, as_json=as_json, quiet=line.quiet) for job in jobs]
    return next((code for code in codes if code), 0) if len(jobs) == 1 else _of_many(codes)


def _of_many(codes: Iterable[int]) -> int:
    """One kind of trouble is told as what it is, several as 1."""
    found = {code for code in codes if code}
    return found.pop() if len(found) == 1 else int(bool(found))


def _print(job: Job, place: Path | None, *, many: bool, as_json: bool, quiet: bool) -> int:
    """Print what became of it; 1 where its file could not be copied."""
    from .pages.file_names import save_named

    code, path = 0, None
    if job.clip is not None:
        path = job.clip.path
        if place is not None:
            try:
                path = save_named(job.snapshot, place) if many or _is_folder(place) else job.clip.save_to(place)
            except SeedanceError as error:
                _say(str(error))
                code = 1
    if as_json:
        print(json.dumps(as_record(job, path), ensure_ascii=False))
    elif path is not None:
        print(path)
    if job.error is not None or (path is None and not job.done()):
        name = f"{one_line(job.request.prompt, 40)}: " if many else ""
        _say(
            name
            + (str(job.error) if job.error is not None else f"{job.request_id or job.key} still runs: seedance wait")
        )
    elif not quiet and not as_json:
        from .pages import words

        _say(words.facts_line(words.standing_words(job.snapshot), words.credits_words(job.snapshot)))
    return code


def as_record(job: Job, path: Path | None = None) -> dict[str, Any]:
    """A job as `--json` prints it. Seconds, pixels, credits; `error` is null or its kind and one line."""
    clip, error = job.clip, job.error
    return {
        **job.request.without_signatures().to_wire(),
        "take": job.take,
        "status": job.status.value,
        "request_id": job.request_id,
        "key": job.key,
        "credits": job.credits,
        "reused": job.reused,
        "path": None if clip is None else str(path or clip.path),
        "clip": None
        if clip is None
        else {name: getattr(clip, name) for name in ("seconds", "width", "height", "fps", "sha256")},
        "error": None if error is None else {"kind": type(error).__name__, "message": _here(str(error))},
    }


def _is_folder(place: Path) -> bool:
    return place.is_dir() or not place.suffix


def _check_place(place: Path | None, *, is_new: bool, is_folder: bool = False) -> None:
    """Refuse, before anything is sent, a place where the video could not be put."""
    from .clips.saving import ENDINGS, make_folder

    if place is None:
        return
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


def _until_accepted(jobs: Sequence[Job]) -> None:
    """A process that ends before the service has answered would leave an unknown outcome."""
    import time

    while any(job.request_id is None and not job.done() for job in jobs):
        time.sleep(0.02)


# Sub-commands -------------------------------------------------------------------------------------------------------


def _command(line: Line, *, as_json: bool) -> int:
    from .tracking import session as sessions

    name = line.command or "help"
    if name not in HERE:
        raise BadLine(f"{name} needs a notebook: %load_ext seedance_nb there. A prompt that begins so goes behind --")
    return _COMMANDS[name](sessions.default(), line, as_json)


def _jobs(session: Session, _line: Line, as_json: bool) -> int:
    from .terminal import overviews
    from .tracking.session import JobList

    newest = session.jobs(limit=ROWS + 1)
    if as_json:
        for job in newest[:ROWS]:
            print(json.dumps(as_record(job), ensure_ascii=False))
        return 0
    _show(overviews.jobs(JobList(newest[:ROWS])), as_json=False)
    if len(newest) > ROWS:
        _say(f"the newest {ROWS}")
    return 0


def _wait(session: Session, line: Line, as_json: bool) -> int:
    jobs = list(session.resume())
    if not jobs:
        _say("nothing is running")
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
        _say("nothing is running")
    codes = []
    for job in jobs:
        name = job.request_id or job.key
        if job.status.is_final:
            _say(f"{name} has ended already ({words.status_words(job.snapshot)}); there is nothing to cancel")
            continue
        job.cancel()
    for job in jobs:
        job.wait_in_slices(CANCEL_SECONDS)
        codes.append(0 if job.status.is_final else 7)
        if as_json:
            print(json.dumps(as_record(job), ensure_ascii=False))
        else:
            print(f"{job.request_id or job.key} {words.status_words(job.snapshot)}")
    return _of_many(codes)


def _models(session: Session, _line: Line, as_json: bool) -> int:
    from .terminal import overviews

    return _show(overviews.models(session), as_json=as_json)


def _cost(session: Session, _line: Line, as_json: bool) -> int:
    from .terminal import overviews

    return _show(overviews.cost(session), as_json=as_json)


def _account(session: Session, line: Line, as_json: bool) -> int:
    from .terminal import overviews

    if line.ids:
        session.ownership.say(*line.ids)
    return _show(overviews.accounts(session), as_json=as_json)


def _doctor(session: Session, _line: Line, as_json: bool) -> int:
    from .tracking.checkup import check_up

    troubles = 0
    for finding in check_up(session):
        troubles += not finding.ok
        print(json.dumps(dataclasses.asdict(finding), ensure_ascii=False) if as_json else _here(str(finding)))
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
    _say("the key is in the keyring; notebooks find it there too")
    return 0


_COMMANDS: dict[str, Callable[[Session, Line, bool], int]] = {
    "jobs": _jobs,
    "attach": _attach,
    "cancel": _cancel,
    "wait": _wait,
    "models": _models,
    "cost": _cost,
    "account": _account,
    "login": _login,
    "doctor": _doctor,
}


# Words --------------------------------------------------------------------------------------------------------------


def _show(overview: Overview, *, as_json: bool) -> int:
    from .pages.words import plain_table

    headers, rows, caption = overview
    if as_json:
        for row in rows:
            print(json.dumps(dict(zip(headers, row, strict=False)), ensure_ascii=False))
    else:
        print(_here(plain_table(headers, rows, caption)))
    return 0


def _notes(notes: Iterable[str]) -> None:
    for note in dict.fromkeys(notes):
        _say(f"note: {note}")


def _say(text: str) -> None:
    print(f"seedance: {_here(text)}", file=sys.stderr)


def _here(text: str) -> str:
    """What the house says of its magic, as it is written in a shell."""
    text = re.sub(
        r"the notebook has no '.*?'; define it in a cell before, or|is no name of the notebook;",
        "nothing is filled in here;",
        text,
    )
    return text.replace("%%seedance", "seedance").replace("%seedance", "seedance")


def _stdin() -> str:
    if sys.stdin.isatty():
        raise BadLine(
            "- reads the prompts from stdin, and nothing is sent there: seedance - < prompts.txt. Nothing was sent"
        )
    try:
        return sys.stdin.read()
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
