"""From the text of a magic to what it asks for: split by a plain argparse parser, then filled with names; and completion. Pure."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import itertools
import math
import re
import shlex
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from ...api.catalog import Catalog
from ...api.extra import typed_value
from ...api.fields import (
    DEFAULT_ASPECT_RATIO,
    DEFAULT_DURATION,
    DEFAULT_MODEL,
    DEFAULT_RESOLUTION,
    DEFAULTS,
    EVERY,
    MEDIA_SUFFIXES,
    TABLE,
    Field,
    offered,
)
from ...api.foreign_settings import setting_named
from ...errors import ConfigurationError, InvalidRequest, one_line, shortened
from . import look_alikes
from .filling import (
    THE_PROMPT,
    BadLine,
    interpolate,
    notifier_of,
    object_of,
    reference_of,
    split_at_commas,
    value_of,
    values_of,
)

COMMANDS = {
    "panel": "compose, watch and look back in a panel; the same as nothing at all",
    "jobs": "the jobs in the ledger, newest first",
    "attach": "show and follow jobs again: ID… or all",
    "cancel": "ask the service to cancel: ID… or all",
    "wait": "wait for everything that is running",
    "models": "what each model allows and costs",
    "cost": "credits by day, model and notebook, person and project, and what reuse saved",
    "limit": "what all who share the ledger may spend: limit 1000 --per day; days end at 00:00 UTC",
    "account": "whose a new key is: same or new, said once; alone it lists the accounts here",
    "login": "enter the API key, unseen, and keep it in the keyring where there is one",
    "slim": "take videos out of NOTEBOOK.ipynb into files beside it; --embed puts them back",
    "demo": "try everything without a key, on a simulator in this kernel",
    "doctor": "is everything in place? a line each, with the cure; --team asks for what a team shares",
    "help": "this text",
}
TAKES_IDS = ("attach", "cancel")
_TAKES_IDS_TOO = dict.fromkeys(("stop", "abort", "kill", "delete", "remove"), "cancel") | dict.fromkeys(
    ("show", "status", "open", "get", "job", "watch", "follow", "resume", "download", "fetch"), "attach"
)
"""What people call these commands elsewhere, said to those who write ids behind it."""
_REQUEST_ID = re.compile(r"req_\w*\d\w*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_LIKE_AN_ID = re.compile(r"all|(?=\S*\d)(?=\S*[A-Za-z_])[A-Za-z0-9._~:=@+-]{2,200}", re.ASCII)
SLIM = "slim"
NOTIFY = "--notify"
LIMIT = "limit"
DOCTOR, TEAM = "doctor", "--team"
_BEGINS_A_LIMIT = re.compile(r"off$|[\d,.]+$|--(per|person|project)\b", re.IGNORECASE)
OPTIONS = tuple(sorted((field for field in TABLE if field.flags), key=lambda field: field.kind == "text"))
"""The fields of a request that have an option here; long texts come last."""

_OPTION_IN_QUOTES = r"""(?<!\S)--?[A-Za-z][A-Za-z-]*=(?:"[^"]*"|'[^']*')(?!\S)"""
_PAIR_IN_QUOTES = r"""(?:(?<=--set )|(?<=--metadata ))[A-Za-z_]\w*=(?:"[^"]*"|'[^']*')(?!\S)"""
_TOKEN = re.compile(rf"{look_alikes.QUOTED}|{_OPTION_IN_QUOTES}|{_PAIR_IN_QUOTES}|(?:\{{[^{{}}]*\}}|\S)+")
_LINE_END = re.compile(r"(?<=\n)|(?<=\r)(?!\n)|(?<=[\x0b\x0c\x85\u2028\u2029])")
_SEPARATOR = "---"
_SHOTS = ">>>"
_ESCAPED = re.compile(r"\\+(---|>>>)")
_ANGLES = re.compile(r"[>＞›»》]+")


@dataclasses.dataclass(frozen=True)
class Defaults:
    """What is used where the line says nothing: `%config SeedanceMagics.…`."""

    model: str = DEFAULT_MODEL
    aspect_ratio: str | None = DEFAULT_ASPECT_RATIO
    duration: int | None = DEFAULT_DURATION
    resolution: str | None = DEFAULT_RESOLUTION


@dataclasses.dataclass(frozen=True)
class Line:
    """What a magic asks for: a sub-command with its ids, or prompts with options."""

    command: str | None = None
    ids: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """The other fields of the request, by name: those that are given, or have a default. Of a choice the tuple of its values."""
    has_alternatives: bool = False
    """Whether the prompts hold `{a|b}`, each an axis. Then all of them are templates: other braces in them are doubled."""
    sample: int | None = None
    takes: int = 1
    out: str | None = None
    fresh: bool = False
    wait: bool | None = None
    timeout: float | None = None
    max_credits: float | None = None
    dry_run: bool = False
    raw: bool = False
    quiet: bool = False
    save_to: str | None = None
    """A folder."""
    save_as: str | None = None
    """In its place, a pattern of names such as "{prompt:.40}-{take}.mp4", in which all other names are filled in."""
    notify: Any = None
    """Whom to tell when it is done: a command as a tuple of texts, a function; () whoever is told anyway, else the browser's page; None nobody more."""
    is_story: bool = False
    """Whether the prompts are the shots of a story."""
    notes: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """What was read otherwise than it may have been meant, to be said before anything is sent."""

    @property
    def is_grid(self) -> bool:
        """Whether this asks for more than one video."""
        choices = (self.fields[field.name] for field in TABLE if field.is_choice and field.name in self.fields)
        return self.takes > 1 or self.has_alternatives or any(len(values) > 1 for values in (self.prompts, *choices))


class Parser(argparse.ArgumentParser):
    """Its errors are BadLine: one line that names the cure."""

    def error(self, message: str) -> NoReturn:
        text = shortened(message)
        unknown = re.match(r"unrecognized arguments: (\S+)", text)
        if unknown:
            hint = self._hint(unknown.group(1).partition("=")[0])
            text = f"unknown option {one_line(unknown.group(1), 40)}; {hint}"
        raise BadLine(f"{text}; put -- before a prompt that holds dashes. Nothing was sent")

    def _hint(self, typed: str) -> str:
        """What was probably meant by an option that there is not."""
        foreign = setting_named(typed)
        option = foreign.option if foreign is not None else None
        if foreign is not None and option is None and foreign.field is None and not self._is_own(typed):
            return foreign.advice
        option = option or self._near(typed)
        if option is None:
            return "%seedance -h lists the options"
        *shorts, long = self._option_string_actions[option].option_strings
        return f"did you mean {long}?" + "".join(f" ({short})" for short in shorts)

    def _near(self, typed: str) -> str | None:
        """The option that was probably meant; of one letter nobody can tell, but for a capital."""
        word = "--" + typed.lstrip("-").lower()
        if len(word) == 3:
            return word[1:] if word[1:] in self._option_string_actions else None
        names = [o for action in self._actions for o in action.option_strings if o.startswith("--")]
        begun = [name for name in names if name.startswith(word)]
        near = begun or difflib.get_close_matches(word, names, n=1, cutoff=0.6)
        return near[0] if near else None

    def _is_own(self, typed: str) -> bool:
        bare = re.sub(r"\W|_", "", typed).lower()
        return any(re.sub(r"\W", "", option) == bare for option in self._option_string_actions)


def build_parser() -> Parser:
    """The parser; the help of the magic is made from it."""
    commands = "\n".join(f"  {name:<8} {text}" for name, text in COMMANDS.items())
    parser = Parser(
        prog="%seedance",
        usage="%(prog)s PROMPT [options]   |   %%%(prog)s [options], with the prompt below   |   %(prog)s COMMAND",
        description="Make a video from a prompt. The cell returns at once; the video comes when it is made.\n"
        "Running the same line again costs nothing: it shows the video you have.",
        epilog=f"commands, as the first word:\n{commands}\n\n"
        "Several prompts, comma lists (-m A,B -d 5,10) and -n make a grid: every combination, priced first (--dry-run shows the\n"
        "plan), watched on one board, and side by side on a wall when it is made. -o NAME holds the grid.\n"
        "{name}, {obj.attr} and {d[key]} are filled in, in the prompt and in the value of every option alike: first the names of the\n"
        "function that runs the line, then the notebook's. The line is split first and filled after, so a value stays one value\n"
        "whatever stands in it. A list makes a grid: -m {models} -d {seconds}, or {prompts} alone as the prompt. $name is refused\n"
        "where there is such a variable ($5 is text). {{ and }} are literal braces; --raw sends braces and $ as they are. {red|blue} makes a grid of both.\n"
        "A line --- below %%%(prog)s stands between prompts; \\--- is such a line inside of one.\n"
        "With --story the prompts are shots, with a line >>> between them: each begins with the last frame of the one before;\n"
        "\\>>> is such a line inside of one. -i names the picture that the first shot begins with, -n the takes of each shot.\n"
        "A backslash at the end joins the next line. A ; at the end of the line is the notebook's and not sent.\n"
        "Below %%%(prog)s, and between quotes, a prompt is sent as it is typed, dashes, quotes and all.\n"
        'An empty value, as in -a "", leaves that setting to the service.\n'
        "Everything after -- is the prompt, whatever it looks like.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add_options(parser, out="variable that gets the job or the grid, also when it fails", metavar="NAME")
    add = parser.add_argument
    add(
        "--story", action="store_true", help="the prompts are shots: each goes on from the last frame of the one before"
    )
    add(
        "--save-to",
        metavar="DIR",
        help='copy each video to this folder too, under a name made of prompt and take; or a pattern: "{prompt:.40}-{take}.mp4"',
    )
    add("--wait", dest="wait", action="store_true", default=None, help="keep the cell busy until the video is there")
    add("--no-wait", dest="wait", action="store_false", help="do not, even where nobody is watching")
    add("-q", "--quiet", action="store_true", help="show nothing; use it with -o")
    add("--raw", action="store_true", help="fill nothing in: braces and $ are sent as they are")
    return parser


def add_options(parser: Parser, *, out: str, metavar: str) -> None:
    """What a line takes wherever it is typed; `out` says what -o means there."""
    add = parser.add_argument
    add("prompt", nargs="*", metavar="PROMPT", help="what the video should show")
    for field in OPTIONS:
        if _has_letter(field):
            _add(parser, field)
    add("-n", "--takes", metavar="N", help="so many independent videos of the same request")
    add("--sample", metavar="N", help="draw N cells of the grid, the same ones each time")
    add("-o", "--out", metavar=metavar, help=out)
    for field in OPTIONS:
        if not _has_letter(field):
            _add(parser, field)
    add("--fresh", action="store_true", help="buy the next take even if the ledger has this one")
    add("--timeout", metavar="S", help="wait at most S seconds; the job goes on")
    add("--max-credits", metavar="N", help="send nothing if it would cost more, all cells of a grid together")
    add("--dry-run", action="store_true", help="say what would be sent and what it would cost; send nothing")
    add(
        NOTIFY,
        metavar="COMMAND",
        help="tell when it is done: alone by what sd.configure(notify=…) says, else by the browser; or --notify=COMMAND",
    )
    add("-h", "--help", action="store_true", help="show this text")


def _has_letter(field: Field) -> bool:
    return len(field.flags[0]) == 2


def _add(parser: Parser, field: Field) -> None:
    action = "append" if field.kind in ("texts", "pairs", "fields") else "store"
    parser.add_argument(
        *field.flags, dest=field.name, action=action, metavar=field.metavar, help=_help_on(field).replace("%", "%%")
    )


def _help_on(field: Field) -> str:
    if field.help:
        return field.help
    return f"whole {field.metavar.lower()}: {offered(field)}" if field.kind == "number" else offered(field)


def help_text() -> str:
    """The help, as `-h`, `%seedance help` and `%seedance?` show it."""
    return build_parser().format_help()


def parse(
    line: str, cell: str | None = None, defaults: Defaults | None = None, names: Mapping[str, Any] | None = None
) -> Line:
    """What the magic asks for, with `names` filled in (None leaves all braces alone); raises BadLine."""
    defaults = defaults or Defaults()
    line, cell = _whole(line, cell)
    typed = line.rstrip("; \t") if line.endswith(";") else line
    notes = [f"the {line[-1]} at the end of the line is not sent; in quotes it would be"] if typed != line else []
    tokens = [match.group() for match in _TOKEN.finditer(typed)]
    if not (cell or "").strip():
        command = _command_of(tokens)
        if command is not None:
            return _command(command, tokens[1:], names)
    parser = build_parser()
    found, literal = _split(parser, tokens)
    if found.help:
        return Line(command="help")
    if not literal and not (cell or "").strip():
        _refuse_ids(found.prompt)
    fill = _Fill(None if found.raw else names)
    _check_separators(cell or "", is_story=found.story)
    prompts, below = _prompts([*found.prompt, *literal], cell, _SHOTS if found.story else _SEPARATOR)
    notes += _notes_on(found.prompt, below)
    made = _read(found, fill, prompts, below, defaults)
    folder, pattern = fill.place("--save-to", found.save_to)
    made = dataclasses.replace(
        made,
        out=_variable(fill.text("-o/--out", found.out)),
        raw=found.raw,
        save_to=folder,
        save_as=pattern,
        notes=(*notes, *fill.notes),
    )
    return _as_story(made) if found.story else made


def parse_words(
    parser: Parser, words: Sequence[str], stdin: Callable[[], str], defaults: Defaults | None = None
) -> tuple[Line, argparse.Namespace]:
    """The same from words that a shell has split, by a parser with `add_options` and --raw: quotes are text, and there are no names.

    A prompt that is a hyphen stands for what `stdin()` gives: prompts parted by lines of three hyphens. Returns also what the parser
    found, for its own options; of a sub-command nothing. Raises BadLine.
    """
    tokens = list(words)
    command = _command_of(tokens)
    if command is not None:
        return _command(command, tokens[1:], None), argparse.Namespace()
    typed = tokens[: tokens.index("--")] if "--" in tokens else tokens
    bare = [word for word in typed if word != "-"] + tokens[len(typed) :]
    found, literal = _split(parser, bare)
    is_stdin = len(bare) < len(tokens) and not (found.prompt or literal)
    if len(bare) < len(tokens) and not is_stdin:  # a dash in a prompt
        found, literal = _split(parser, tokens)
    if found.help:
        return Line(command="help"), found
    if not literal:
        _refuse_ids(found.prompt)
    text, parts = " ".join([*found.prompt, *literal]).strip(), tuple(_parts_below(stdin())) if is_stdin else ()
    prompts = parts or ((text,) if text else ())
    is_template = getattr(found, "rows", None) is not None
    fill = _Fill(None if found.raw or is_template else {})
    made = _read(found, fill, prompts, parts, defaults or Defaults())
    return dataclasses.replace(made, raw=found.raw, notes=(*_notes_on((), parts), *fill.notes)), found


def _split(parser: Parser, tokens: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """What the parser finds in front of `--`, and the words behind it."""
    literal: list[str] = []
    if "--" in tokens:
        at = tokens.index("--")
        tokens, literal = tokens[:at], tokens[at + 1 :]
    _check_notify(tokens, parser)
    tokens = [
        f"{NOTIFY}=" if token == NOTIFY else token for token in tokens
    ]  # its command stands behind an =, for a prompt may follow
    return parser.parse_intermixed_args(_with_repeated_media_option(_checked(parser, tokens))), literal


def _check_notify(tokens: Sequence[str], parser: Parser) -> None:
    """Raises BadLine where a command seems to stand behind --notify with a blank: it would become part of the prompt."""
    if NOTIFY not in tokens:
        return
    at = tokens.index(NOTIFY)
    takes = {name for name, action in parser._option_string_actions.items() if action.nargs is None}
    before = any(not t.startswith("-") and (i == 0 or tokens[i - 1] not in takes) for i, t in enumerate(tokens[:at]))
    if before and at + 1 < len(tokens) and not tokens[at + 1].startswith("-"):
        raise BadLine(
            f"{NOTIFY} stands inside of the prompt: its command goes behind an =, {NOTIFY}={one_line(tokens[at + 1], 40)}; alone it stands"
            " before the prompt or at the end. Nothing was sent"
        )


def _read(
    found: argparse.Namespace, fill: _Fill, prompts: tuple[str, ...], below: tuple[str, ...], defaults: Defaults
) -> Line:
    finished = fill.prompts(prompts)
    if found.media_urls and not below and any(re.match(r"https?://\S", prompt) for prompt in finished):
        raise BadLine("the prompt begins with an address: write -i before each of them. Nothing was sent")
    made = Line(
        prompts=finished,
        has_alternatives=fill.has_alternatives,
        sample=fill.whole("--sample", found.sample, 1),
        fields=_fields(found, fill, defaults),
        takes=fill.whole("-n/--takes", found.takes, 1) or 1,
        fresh=found.fresh,
        wait=found.wait,
        timeout=fill.number("--timeout", found.timeout),
        max_credits=fill.number("--max-credits", found.max_credits),
        dry_run=found.dry_run,
        quiet=found.quiet,
        notify=fill.notifier(NOTIFY, found.notify),
    )
    if made.sample is not None and not made.is_grid and getattr(found, "rows", None) is None:
        raise BadLine("--sample draws cells of a grid, and this is one video: leave it out. Nothing was sent")
    return made


def _fields(found: argparse.Namespace, fill: _Fill, defaults: Defaults) -> dict[str, Any]:
    """The fields of the request, read from what is typed, else the defaults."""
    made: dict[str, Any] = {}
    for field in OPTIONS:
        typed, name = getattr(found, field.name), "/".join(field.flags)
        if field.is_choice:
            values: tuple[Any, ...] = (getattr(defaults, field.name, field.default),)
            if typed is not None:
                read = fill.numbers(field, typed) if field.kind == "number" else fill.words(field, typed)
                values = read or (defaults.model if field.name == "model" else None,)
            if values != (None,) or field.name in DEFAULTS:
                made[field.name] = values
            continue
        value: Any
        if field.kind == "texts":
            value = fill.addresses(typed) if typed else None
        elif field.kind == "pairs":
            value = fill.pairs(name, typed)
        elif field.kind == "fields":
            value = fill.fields(name, typed)
        else:
            value = fill.text(name, typed) or None
        if value is not None:
            made[field.name] = value
    return made


def _whole(line: str, cell: str | None) -> tuple[str, str | None]:
    """The line with what a backslash joins to it: below `%%seedance` IPython leaves that to us."""
    line = line.strip()
    while cell and line.endswith("\\"):
        first, *rest = _LINE_END.split(cell, maxsplit=1)
        line, cell = f"{line[:-1]} {first}".strip(), "".join(rest)
    if line.endswith("\\"):
        raise BadLine(
            "the backslash at the end of the line joins nothing: leave it out, write the next line directly below it, or put the"
            " prompt in quotes. Nothing was sent"
        )
    return line, cell


def _command_of(tokens: Sequence[str]) -> str | None:
    """The sub-command that these words are, if they are one; a question mark behind it, and alone, asks for help."""
    if not tokens:
        return None
    word = tokens[0]
    bare = word.rstrip("?").lower()
    if len(tokens) == 1 and word.endswith("?") and bare in ("", *COMMANDS):
        return "help"
    if word in COMMANDS:
        return word
    ids = tokens[1:]
    looks = not ids or (bare in TAKES_IDS and (ids == ["all"] or all(re.search(r"\d", name) for name in ids)))
    if bare in COMMANDS and looks:  # Jobs, as a phone writes it
        return bare
    near = difflib.get_close_matches(bare, COMMANDS, n=1, cutoff=0.85)
    if near and (not ids or (near[0] in TAKES_IDS and ids == ["all"])):
        raise BadLine(
            f"did you mean the command {near[0]}? For a prompt of this one word write %seedance -- {one_line(' '.join(tokens), 60)}."
            " Nothing was sent"
        )
    return None


def _refuse_ids(words: Sequence[str]) -> None:
    """Ids of jobs, alone or behind a word that is nearly a command (canel, stop), were never meant as a prompt. Raises BadLine."""
    word, ids = (words[0], words[1:]) if words and not _REQUEST_ID.fullmatch(words[0]) else ("", words)
    near = next(iter(difflib.get_close_matches(word.lower(), TAKES_IDS, n=1, cutoff=0.75)), None)
    shape = _LIKE_AN_ID if near else _REQUEST_ID
    if not ids or not all(shape.fullmatch(name) for name in ids):
        return
    meant = near or _TAKES_IDS_TOO.get(word.lower())
    which = f"%seedance {meant} {' '.join(ids)}" if meant else f"%seedance attach {' '.join(ids)} or %seedance cancel …"
    raise BadLine(
        f"{one_line(' '.join(words), 60)!r} holds ids of jobs and is no prompt; did you mean {one_line(which, 120)}? A prompt that"
        " begins so goes behind --. Nothing was sent"
    )


def _checked(parser: Parser, tokens: Sequence[str]) -> Sequence[str]:
    """The tokens, refused where they were hardly meant as they stand."""
    options = parser._option_string_actions
    for token in tokens:
        name = token.partition("=")[0]
        joined = re.fullmatch(r"-[A-Za-z][A-Za-z_-]+", name) and (
            "-" + name in options or setting_named(name) is not None
        )
        if token.startswith("-") and token not in options and ("-" + name in options or joined):
            parser.error(f"unrecognized arguments: {token}")  # else -model X would be the model "odel"
    with_value = [name for name, action in options.items() if action.nargs is None]
    once = {name: options[name].dest for name in with_value if not isinstance(options[name], argparse._AppendAction)}
    heads = [token.partition("=")[0] for token in tokens]
    given = [once.get(head) or (once.get(head[:2]) if head[:2] != "--" else None) for head in heads]
    twice = next((dest for i, dest in enumerate(given) if dest and dest in given[:i]), None)
    if twice is not None:
        raise BadLine(
            f"--{twice.replace('_', '-')} stands twice: one of them would not count; a list is -d 5,10. Nothing was sent"
        )
    trouble = look_alikes.trouble(tokens, options, with_value)
    if trouble:
        raise BadLine(f"{one_line(trouble, 300)}. Nothing was sent")
    return tokens


def _notes_on(words: Sequence[str], below: Sequence[str]) -> list[str]:
    """What a person should know of a prompt that is sent as it stands."""
    notes = []
    for i, word in enumerate(words[1:], 1):
        if re.match(r"[#＃][^\W\d]", word) and not all(later[0] in "#＃" for later in words[i + 1 :]):
            notes.append(
                f"{one_line(' '.join(words[i:]), 40)!r} is sent as part of the prompt; a comment stands on a line of its own"
            )
            break
    dashes = next((row for text in below for row in text.splitlines() if look_alikes.is_line_of_dashes(row)), None)
    if dashes is not None:
        notes.append(
            f"the line {one_line(dashes, 20)} is part of the prompt: only --- (three hyphens) stands between prompts"
        )
    return notes


def _command(name: str, rest: Sequence[str], names: Mapping[str, Any] | None) -> Line:
    fill = _Fill(names)
    if name == SLIM and (
        not rest or any(word.startswith("-") or look_alikes.unquoted(word).endswith(".ipynb") for word in rest)
    ):  # its own options
        return Line(command=name, ids=tuple(look_alikes.unquoted(word) for word in fill.ids(name, rest)))
    if list(rest) in (["-h"], ["--help"]):
        return Line(command="help")
    if name in TAKES_IDS:
        if not rest:
            raise BadLine(
                f"say which: %seedance {name} ID… or %seedance {name} all; %seedance jobs lists them. Nothing was sent"
            )
        rest = fill.ids(name, rest)
        strange = next((word for word in rest if not re.fullmatch(r"[A-Za-z0-9._~:=@+-]{1,200}", word)), None)
        if strange is None and (len(rest) == 1 or all(re.search(r"\d", word) for word in rest)):
            return Line(command=name, ids=tuple(rest))
        rest = rest if strange is None else [strange]
    if name == "wait" and len(rest) == 2 and rest[0] == "--timeout":
        return Line(command=name, timeout=fill.number("--timeout", rest[1]))
    if name == "login" and rest:  # what follows may be the key: it is not repeated
        raise BadLine(
            "login takes nothing on its line: run %seedance login alone and type the key when asked (a key that stands in a "
            "cell is saved with it: delete it there); a prompt that begins so goes behind --. Nothing was sent"
        )
    if name == DOCTOR and list(rest) == [TEAM]:
        return Line(command=name, ids=(TEAM,))
    if name == LIMIT and rest and _BEGINS_A_LIMIT.match(rest[0]):
        return Line(command=name, ids=tuple(map(look_alikes.unquoted, rest)))
    if name == "account" and rest and rest[0] in ("same", "new") and len(rest) <= (2 if rest[0] == "same" else 1):
        return Line(command=name, ids=tuple(rest))
    if rest:
        example = one_line(" ".join([name, *rest]), 60)
        raise BadLine(
            f"{name} is a command and takes no {one_line(rest[0], 30)!r}; for a prompt that begins so, write "
            f"%seedance -- {example}. Nothing was sent"
        )
    return Line(command=name)


def _with_repeated_media_option(tokens: Sequence[str]) -> list[str]:
    """`-i A B` means both, but a prompt may follow: only what looks like an address, or like a file of such a kind, goes with the option."""
    out: list[str] = []
    open_option = False
    for token in tokens:
        is_its_value = bool(out) and out[-1] in ("-i", "--media-url")
        looks_like_one = "://" in token or token.lower().rstrip("\"'").endswith(MEDIA_SUFFIXES)
        if open_option and looks_like_one and not is_its_value:
            out.append("-i")
        out.append(token)
        open_option = token in ("-i", "--media-url") or (open_option and (looks_like_one or is_its_value))
    return out


def _check_separators(cell: str, *, is_story: bool) -> None:
    """Raises BadLine for a line that may part two prompts where it does not: they would be bought as one."""
    for line in _LINE_END.split(cell):
        bare = _bare(line)
        if not is_story and bare == _SHOTS:
            raise BadLine(
                "a line >>> stands between the shots of a story: %%seedance --story makes one; \\>>> is such a line inside of a prompt."
                " Nothing was sent"
            )
        if is_story and bare == _SEPARATOR:
            raise BadLine(
                "in a story a line >>> stands between two shots, not ---; \\--- is such a line inside of one. Nothing was sent"
            )
        if is_story and bare != _SHOTS and (_ANGLES.fullmatch(bare) or bare.startswith(_SHOTS)):
            raise BadLine(
                f"the line {one_line(bare, 40)!r} is no >>> that stands alone: shots are parted by a line of three signs >>> and nothing else."
                " Nothing was sent"
            )


def _as_story(made: Line) -> Line:
    """The same as a story. Raises BadLine for what makes none, in one line that says how."""
    if made.has_alternatives:
        raise BadLine(
            "{a|b} compares videos, and a story is one after the other: write the shots out, or leave --story out. Nothing was sent"
        )
    several = next((name for name in CHOICES if len(made.fields.get(name, ())) > 1), None)
    if several is not None:
        raise BadLine(f"a story has one {several.replace('_', ' ')} for all its shots: name one. Nothing was sent")
    if made.sample is not None or made.fresh or made.save_to is not None or made.save_as is not None:
        what = "--sample" if made.sample is not None else "--fresh" if made.fresh else "--save-to"
        cure = {
            "--sample": "it draws cells of a grid: leave it out",
            "--fresh": "-n 2 makes another take of each shot",
            "--save-to": 'name it with -o NAME, and NAME.export("story.mp4") writes it',
        }
        raise BadLine(f"{what} is not for a story: {cure[what]}. Nothing was sent")
    if made.notify:
        raise BadLine(
            "--notify=COMMAND is for videos and grids: sd.configure(notify=…) tells of each shot, --notify alone of the story. Nothing was sent"
        )
    if len(made.fields.get("media_urls") or ()) > 1:
        raise BadLine(
            "the first shot of a story begins with one picture: name one with -i; sd.story(…, reference=…) takes several for all shots."
            " Nothing was sent"
        )
    if len(made.prompts) < 2:
        found = "there is 1" if made.prompts else "there is none"
        raise BadLine(
            f"a story has at least 2 shots, and {found}: write them below %%seedance --story, with a line >>> alone between two of them; a cell"
            " does not begin with >>>. Nothing was sent"
        )
    return dataclasses.replace(made, is_story=True)


def story_options(line: Line) -> dict[str, Any]:
    """What to call `seedance_nb.story` with."""
    values = {name: value[0] if name in CHOICES else value for name, value in line.fields.items()}
    pictures = values.pop("media_urls", None) or (None,)
    return {"shots": list(line.prompts), **values, "first_frame": pictures[0], "takes": line.takes}


def _prompts(
    words: Sequence[str], cell: str | None, separator: str = _SEPARATOR
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The prompts as they are typed, and of these the ones that stand below."""
    text = look_alikes.unquoted(words[0]) if len(words) == 1 else " ".join(words)
    below = tuple(_parts_below(cell or "", separator))
    if text and below:
        raise BadLine(
            f"the prompt stands below, so {one_line(text, 40)!r} on the first line is too much. Nothing was sent"
        )
    if len(words) > 1 and look_alikes.has_open_quote(text):
        raise BadLine(f"a quote is open in {one_line(text, 40)!r}: close it, or leave it out. Nothing was sent")
    return below or ((text,) if text else ()), below


def _parts_below(cell: str, separator: str = _SEPARATOR) -> Iterable[str]:
    """What stands between lines of three hyphens, or of three signs >>>, whatever line ends and blanks the editor wrote."""
    part: list[str] = []
    for line in [*_LINE_END.split(cell), separator]:
        bare = _bare(line)
        if bare == separator:
            text = "".join(part).strip()
            part = []
            if text:
                yield text
        else:
            part.append(line.replace("\\", "", 1) if _ESCAPED.fullmatch(bare) else line)


def as_body(prompt: str) -> str:
    """The prompt as the body of a cell: what would part two prompts there is escaped."""
    rows = _LINE_END.split(prompt)
    parts = ((row, re.fullmatch(r"\\*(---|>>>)", _bare(row))) for row in rows)
    return "".join(row if found is None else row.replace(found[1], f"\\{found[1]}", 1) for row, found in parts)


def _bare(line: str) -> str:
    """The line without blanks around it, also those that nobody sees."""
    return line.strip().strip(look_alikes.UNSEEN).strip()


_SPELLING = {"aspect_ratio": look_alikes.ratio, "resolution": lambda text: look_alikes.plain(text).lower()}
"""How a typed value of these fields is read."""


_AS_AXIS = 'sd.grid(…, extra=[{"seed": 1}, {"seed": 2}])'


class _Fill:
    """The values of options and prompts, each filled for itself; without names all are taken as they are typed."""

    def __init__(self, names: Mapping[str, Any] | None) -> None:
        self._names = names
        self.has_alternatives = False
        """Whether there is a `{a|b}` in the prompts read so far: then they are templates."""
        self.notes: list[str] = []
        """What was read otherwise than it may have been meant."""

    def prompts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The finished prompts; one that is nothing but the name of a list is all of them. With `{a|b}` in one, all are templates."""
        from ...grids.alternatives import (
            escaped,
            has_alternatives,
            parts_of,
        )  # loading the extension loads nothing of grids

        made: list[str] = []
        if self._names is not None:
            try:
                self.has_alternatives = any(map(has_alternatives, texts))
            except InvalidRequest as error:
                raise BadLine(str(error).removesuffix("; nothing was sent") + ". Nothing was sent") from None
        for text in texts:
            if self.has_alternatives and has_alternatives(text):
                pieces = [
                    (piece, found, self._filled(THE_PROMPT, "" if found else piece)) for piece, found in parts_of(text)
                ]
                made.append("".join(piece if found else escaped(filled) for piece, found, filled in pieces))
                continue
            listed = values_of(text, self._names, THE_PROMPT) if self._names is not None else None
            if listed is None:
                made.append(self._written(self._filled(THE_PROMPT, text)))
                continue
            for one in listed:
                if not isinstance(one, str):
                    raise BadLine(
                        f"{text} in the prompt holds {one_line(one, 30)!r}, which is no text. Nothing was sent"
                    )
                made.append(self._written(one))
        return tuple(made)

    def _written(self, prompt: str) -> str:
        from ...grids.alternatives import escaped

        return escaped(prompt) if self.has_alternatives else prompt

    def words(self, field: Field, text: str) -> tuple[str, ...]:
        """The values of a list; what is typed is read in plain signs, what a name holds is taken as it is."""
        option = "/".join(field.flags)
        values = self._listed(option, text, _SPELLING.get(field.name, look_alikes.plain))
        for value in values:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise BadLine(f"{option} wants text, not {one_line(value, 30)!r}. Nothing was sent")
        return tuple(str(value) for value in values)

    def numbers(self, field: Field, text: str) -> tuple[int, ...]:
        """Whole numbers, of a list."""
        option = "/".join(field.flags)
        example = f"{field.flags[0]} {1 if field.default is None else field.default}"
        cure = f"{option} wants whole {field.metavar.lower()}, for example {example}"
        return tuple(_whole_number(value, cure, 0) for value in self._listed(option, text, look_alikes.plain))

    def whole(self, option: str, text: str | None, least: int) -> int | None:
        """One whole number."""
        if text is None:
            return None
        return _whole_number(self._one(option, text), f"{option} wants a whole number from {least}", least)

    def number(self, option: str, text: str | None) -> float | None:
        """One number that is not negative."""
        if text is None:
            return None
        value = self._one(option, text)
        if isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
            return float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
            return float(value)
        raise BadLine(f"{option} wants a number, not {one_line(value, 30)!r}. Nothing was sent")

    def text(self, option: str, text: str | None) -> str | None:
        """One text."""
        return None if text is None else self._filled(option, _closed(option, text))

    def place(self, option: str, text: str | None) -> tuple[str | None, str | None]:
        """Where copies go: (a folder, None), or (None, a pattern), which holds a name of what clips are made by; such names are the clip's."""
        from ...clips.trace import FACTS

        typed = _closed(option, text) if text is not None else ""
        if text is None or self._names is None or "{" not in typed:
            return _folder(self.text(option, text)), None
        try:
            parts = list(string.Formatter().parse(typed))
        except ValueError:
            return _folder(self.text(option, text)), None  # says what is wrong with it
        made, is_pattern = "", False
        for literal, name, spec, conversion in parts:
            made += literal.replace("{", "{{").replace("}", "}}")
            if name is None:
                continue
            written = f"{{{name}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}}}"
            of_clip = name in FACTS or "|" in name
            is_pattern = is_pattern or of_clip
            if of_clip and name in self._names:
                self.notes.append(f"{{{name}}} in {option} is what the clip was made by, not the notebook's {name}")
            made += written if of_clip else self._filled(option, written).replace("{", "{{").replace("}", "}}")
        return (None, made) if is_pattern else (_folder(self.text(option, text)), None)

    def notifier(self, option: str, text: str | None) -> Any:
        """A command in words, or what a name holds: a function, a list of words."""
        if text is None:
            return None
        from ...tracking.notifying import check_notify

        typed = _closed(option, text)
        held = notifier_of(typed, self._names, option) if self._names is not None else None
        try:
            found = held if held is not None else shlex.split(self._filled(option, typed))
            return check_notify(tuple(found) if isinstance(found, list) else found) if held or found else ()
        except (ValueError, ConfigurationError) as error:
            raise BadLine(f"{option}: {one_line(error, 200)}. Nothing was sent") from None

    def addresses(self, texts: Sequence[str]) -> tuple[Any, ...]:
        """Addresses, paths, and what names hold: a picture, a clip; a name that holds a list is all of these, for one video."""
        made: list[Any] = []
        for text in texts:
            typed = _whole_value(_closed("-i/--media-url", text))
            if re.search(rf"[{look_alikes.COMMAS};]\s*https?://", typed):
                raise BadLine("several addresses stand with blanks alone: -i A B. Nothing was sent")
            names, option = self._names, "-i/--media-url"
            whole = reference_of(typed, names, option) if names is not None else None
            listed = values_of(typed, names, option) if names is not None and whole is None else None
            if whole is not None:
                made.append(whole)
            elif listed is not None:
                made += [str(one) if isinstance(one, int | float) else one for one in listed]
            else:
                made.append(self._filled(option, typed))
        return tuple(made)

    def pairs(self, option: str, pairs: Sequence[str] | None) -> dict[str, str] | None:
        """Names and values, each filled for itself."""
        if not pairs:
            return None
        found = {}
        for pair in pairs:
            match = re.fullmatch(r"((?:\{[^{}]*\}|[^={}])+)=(.*)", _closed(option, pair), re.DOTALL)
            if match is None:
                raise BadLine(f"{option} wants NAME=VALUE, not {one_line(pair, 40)!r}. Nothing was sent")
            found[self._filled(option, match[1])] = self._filled(option, _closed(option, match[2]))
        return found

    def fields(self, option: str, pairs: Sequence[str] | None) -> dict[str, Any] | None:
        """Fields of the service with JSON values: what is typed as JSON is that, all else is text."""
        if not pairs:
            return None
        found: dict[str, Any] = {}
        for pair in pairs:
            name, equals, typed = _closed(option, pair).partition("=")
            name, typed = name.strip(), typed.strip()
            if not equals or not name:
                raise BadLine(f"{option} wants NAME=VALUE, as in seed=7, not {one_line(pair, 40)!r}. Nothing was sent")
            shown = one_line(name, 40)
            if not typed:
                raise BadLine(
                    f'{option} {shown} has no value: leave it out, or write {shown}="" for an empty text. Nothing was sent'
                )
            if name in found:
                raise BadLine(f"{option} {shown} is there twice; to compare values: {_AS_AXIS}. Nothing was sent")
            found[name] = self._field(option, name, typed)
        return found

    def _field(self, option: str, name: str, typed: str) -> Any:
        where, bare = f"{option} {one_line(name, 40)}", _closed(option, typed)
        if bare != typed:
            return self._filled(where, bare)
        value, note = typed_value(typed)
        if value is typed and (typed[0] == "[" or (typed[0] == "{" and self._names is None)):
            raise BadLine(
                f"{where} begins like JSON and is none: {one_line(typed, 40)!r}. Where blanks are in it, it stands in quotes as a whole:"
                f""" {option} '{name}={{"pan": {{"x": 1}}}}'. Nothing was sent"""
            )
        if value is not typed or self._names is None or "{" not in typed:
            parts = split_at_commas(typed, look_alikes.COMMAS)
            if value is typed and len(parts) > 1 and not any(isinstance(typed_value(part)[0], str) for part in parts):
                raise BadLine(
                    f'{where} is a list: write {name}="{one_line(typed, 40)}" for the text, {name}=[{one_line(typed, 40)}] for one'
                    f" list; to compare values: {_AS_AXIS}. Nothing was sent"
                )
            self.notes += [f"{where} is {note}"] if note else []
            return value
        held = object_of(typed, self._names, where)
        return dict(held) if held is not None else value_of(typed, self._names, where)

    def ids(self, command: str, words: Sequence[str]) -> list[str]:
        """Ids of jobs, one or a list."""
        made: list[str] = []
        for word in words:
            listed = values_of(word, self._names, command) if self._names is not None else None
            made += [str(one) for one in listed] if listed is not None else [self._filled(command, word)]
        return made

    def _filled(self, where: str, text: str) -> str:
        return text if self._names is None else interpolate(text, self._names, where)

    def _one(self, option: str, text: str) -> Any:
        typed = _closed(option, text)
        if self._names is None or "{" not in typed:
            return look_alikes.plain(self._filled(option, typed))
        return value_of(typed, self._names, option)

    def _listed(self, option: str, text: str | None, plain: Any) -> list[Any]:
        values: list[Any] = []
        for part in split_at_commas(_whole_value(_closed(option, text)), look_alikes.COMMAS) if text else []:
            if self._names is None or "{" not in part:
                values.append(plain(self._filled(option, part)))
                continue
            listed = values_of(part, self._names, option)
            values += [value_of(part, self._names, option)] if listed is None else listed
        if any(isinstance(value, str) and not value.strip() for value in values):
            raise BadLine(
                f"{one_line(text, 40)} in {option} is empty; give it a value, or leave it out. Nothing was sent"
            )
        return [
            value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
            for value in values
        ]


def _closed(option: str, text: str | None) -> str:
    """The value of an option without the quotes around it; raises BadLine where only one of them is there."""
    if not text:
        return ""
    bare = look_alikes.unquoted(text)
    if bare == text and text[0] in look_alikes.DOUBLE_QUOTES + look_alikes.SINGLE_QUOTES:
        raise BadLine(
            f"a quote is open in {one_line(text, 40)!r} of {option}: close it, or leave it out. Nothing was sent"
        )
    return bare


def _whole_value(text: str) -> str:
    """The value of an option, refused where a blank has cut it: in `-d 5, 10` the 10 would become part of the prompt."""
    if text and text[-1] in look_alikes.COMMAS:
        raise BadLine(
            f"{one_line(text, 40)!r} ends with a comma: write a list without blanks (-d 5,10), and several addresses with "
            "blanks alone. Nothing was sent"
        )
    return text


def _whole_number(value: Any, cure: str, least: int) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{1,6}", value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadLine(f"{cure}, not {one_line(value, 30)!r}. Nothing was sent")
    return value


def _folder(text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise BadLine("--save-to wants the name of a folder, and there is none. Nothing was sent")
    return text


def _variable(text: str | None) -> str | None:
    import keyword

    if text is not None and (not text.isidentifier() or keyword.iskeyword(text)):
        raise BadLine(f"-o/--out wants the name of a variable, not {one_line(text, 30)!r}. Nothing was sent")
    return text


def grid_options(line: Line) -> dict[str, Any]:
    """What to call `seedance_nb.grid` with: what has several values is an axis, in this order; all else holds for every cell.

    The prompts are finished, braces and all, so the grid takes them raw.
    """
    several = {"prompt": line.prompts, **{name: line.fields[name] for name in CHOICES if name in line.fields}}
    axes = {name: list(values) if len(values) > 1 else values[0] for name, values in several.items()}
    constants = {name: _as_list(value) for name, value in line.fields.items() if name not in CHOICES}
    sample = {} if line.sample is None else {"sample": line.sample}
    return {**axes, **constants, **sample, "takes": line.takes, "raw": not line.has_alternatives}


def request_options(line: Line) -> dict[str, Any]:
    """What to call `make_request` or `submit` with, where the line asks for one video."""
    values = {name: value[0] if name in CHOICES else value for name, value in line.fields.items()}
    return {"prompt": line.prompts[0], **values}


CHOICES = tuple(field.name for field in TABLE if field.is_choice)
"""The fields of which a line may name several values."""


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


# Completion ----------------------------------------------------------------------------------------------


def complete(
    line: str, job_ids: Iterable[str], catalog: Catalog | None = None, parser: Parser | None = None
) -> list[str]:
    """What may stand where `line` (up to the cursor) ends: whole words that begin with what is typed already.

    Of `catalog` the values that the models take, or those of the model that the line names.
    """
    before, _, word = line.replace("\t", " ").rpartition(" ")
    words = before.split()[1:]
    last = words[-1] if words else ""
    field = next((field for field in OPTIONS if last in field.flags), None)
    values: Iterable[str]
    if words and words[0] in TAKES_IDS:
        values = ["all", *job_ids]
    elif field is not None:
        values = _values_of(field, words, catalog or Catalog())
    elif word.startswith("-"):
        values = [option for action in (parser or build_parser())._actions for option in action.option_strings]
    elif not words and not line.startswith("%%"):
        values = COMMANDS
    else:
        values = ()
    return [value for value in values if value.startswith(word)]


def _values_of(field: Field, words: Sequence[str], catalog: Catalog) -> list[str]:
    if field.name == "model":
        return list(catalog.models)
    if field.name not in EVERY:
        return []
    named = next((word for option, word in itertools.pairwise(words) if option in ("-m", "--model")), "")
    models = [model for model in named.split(",") if model] or list(catalog.models)
    found = dict.fromkeys(value for model in models for value in catalog.offered(model, field.name))
    return [str(value) for value in (sorted(found) if field.kind == "number" else found)]
