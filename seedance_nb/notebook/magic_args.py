"""From the text of a magic to what it asks for: a plain argparse parser, interpolation of names, and completion. Pure."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from ..api.catalog import ASPECT_RATIOS, DOCUMENTED, RESOLUTIONS
from ..api.models import VideoRequest
from ..errors import one_line, shortened

COMMANDS = {
    "panel": "compose, watch and look back in a panel; the same as nothing at all",
    "jobs": "the jobs in the ledger, newest first",
    "attach": "show and follow jobs again: ID… or all",
    "cancel": "ask the service to cancel: ID… or all",
    "wait": "wait for everything that is running",
    "models": "what each model allows and costs",
    "cost": "credits by day, model and notebook, and what reuse saved",
    "login": "enter the API key, unseen, and keep it in the keyring where there is one",
    "demo": "try everything without a key, on a simulator in this kernel",
    "doctor": "is everything in place? a line each, with the cure",
    "help": "this text",
}
TAKES_IDS = ("attach", "cancel")

_TOKEN = re.compile(r"""(?<!\S)"[^"]*"(?!\S)|(?<!\S)'[^']*'(?!\S)|\S+""")
_SEPARATOR = re.compile(r"^[ \t]*---[ \t]*$", re.MULTILINE)
_ESCAPED_SEPARATOR = re.compile(r"^([ \t]*)\\(\\*---[ \t]*)$", re.MULTILINE)
_LIKE_SEPARATOR = re.compile(r"^([ \t]*)(\\*---[ \t]*)$", re.MULTILINE)


class BadLine(Exception):  # noqa: N818 - it is not an error of ours but of the line
    """The line cannot be understood; the text is one line that names the cure. Nothing was sent."""


@dataclasses.dataclass(frozen=True)
class Defaults:
    """What is used where the line says nothing: `%config SeedanceMagics.…`."""

    model: str = "seedance-2.0"
    aspect_ratio: str | None = "16:9"
    duration: int | None = 5
    resolution: str | None = "720p"


@dataclasses.dataclass(frozen=True)
class Line:
    """What a magic asks for: a sub-command with its ids, or prompts with options."""

    command: str | None = None
    ids: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    aspect_ratios: tuple[str | None, ...] = ()
    durations: tuple[int | None, ...] = ()
    resolutions: tuple[str | None, ...] = ()
    media_urls: tuple[str, ...] | None = None
    takes: int = 1
    out: str | None = None
    metadata: Mapping[str, Any] | None = None
    webhook_url: str | None = None
    fresh: bool = False
    wait: bool | None = None
    timeout: float | None = None
    max_credits: float | None = None
    dry_run: bool = False
    raw: bool = False
    quiet: bool = False
    help: bool = False

    @property
    def is_grid(self) -> bool:
        """Whether this asks for more than one video."""
        many = (self.prompts, self.models, self.aspect_ratios, self.durations, self.resolutions)
        return self.takes > 1 or any(len(values) > 1 for values in many)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        text = shortened(message)
        unknown = re.match(r"unrecognized arguments: (\S+)", text)
        if unknown:
            near = self._near(unknown.group(1).partition("=")[0])
            hint = f"did you mean {near}?" if near else "%seedance -h lists the options"
            text = f"unknown option {one_line(unknown.group(1), 40)}; {hint}"
        raise BadLine(f"{text}; put -- before a prompt that holds dashes. Nothing was sent")

    def _near(self, typed: str) -> str | None:
        """The long option that was probably meant; of one letter nobody can tell."""
        word = "--" + typed.lstrip("-")
        names = [o for action in self._actions for o in action.option_strings if o.startswith("--")]
        begun = [name for name in names if len(word) > 3 and name.startswith(word)]
        near = begun or difflib.get_close_matches(word, names, n=1, cutoff=0.6)
        return near[0] if near and len(word) > 3 else None


def build_parser() -> argparse.ArgumentParser:
    """The parser; the help of the magic is made from it."""
    commands = "\n".join(f"  {name:<8} {text}" for name, text in COMMANDS.items())
    parser = _Parser(
        prog="%seedance",
        usage="%(prog)s PROMPT [options]   |   %%%(prog)s [options], with the prompt below   |   %(prog)s COMMAND",
        description="Make a video from a prompt. The cell returns at once; the video comes when it is made.\n"
        "Running the same line again costs nothing: it shows the video you have.",
        epilog=f"commands, as the first word:\n{commands}\n\n"
        "Several prompts, comma lists (-m A,B -d 5,10) and -n make a grid: every combination, priced first (--dry-run shows the\n"
        "plan), watched on one board, and side by side on a wall when it is made. -o NAME holds the grid.\n"
        "{name} in a prompt is taken from the notebook; {{ and }} are literal braces; --raw switches that off.\n"
        "A line --- below %%%(prog)s stands between prompts; \\--- is such a line inside of one.\n"
        'An empty value, as in -a "", leaves that setting to the service.\n'
        "Everything after -- is the prompt, whatever it looks like.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("prompt", nargs="*", metavar="PROMPT", help="what the video should show")
    add("-m", "--model", metavar="MODEL", help=", ".join(DOCUMENTED))
    add("-a", "--aspect-ratio", metavar="RATIO", help=", ".join(ASPECT_RATIOS))
    add("-d", "--duration", metavar="SECONDS", help="whole seconds: 4 to 15; 5 or 10 with seedance-1.5-pro")
    add("-r", "--resolution", metavar="LINES", help=", ".join(RESOLUTIONS))
    add(
        "-i", "--media-url", metavar="URL", action="append", help="public https image, video or sound to go by; up to 5"
    )
    add("-n", "--takes", metavar="N", help="so many independent videos of the same request")
    add("-o", "--out", metavar="NAME", help="variable that gets the job or the grid, also when it fails")
    add("--metadata", metavar="K=V", action="append", help="stored with the request; may be given again")
    add("--webhook-url", metavar="URL", help="rung by the service when the video is done")
    add("--fresh", action="store_true", help="buy the next take even if the ledger has this one")
    add("--wait", dest="wait", action="store_true", default=None, help="keep the cell busy until the video is there")
    add("--no-wait", dest="wait", action="store_false", help="do not, even where nobody is watching")
    add("--timeout", metavar="S", help="wait at most S seconds; the job goes on")
    add("--max-credits", metavar="N", help="send nothing if it would cost more, all cells of a grid together")
    add("--dry-run", action="store_true", help="say what would be sent and what it would cost; send nothing")
    add("--raw", action="store_true", help="take braces in the prompt literally")
    add("-q", "--quiet", action="store_true", help="show nothing; use it with -o")
    add("-h", "--help", action="store_true", help="show this text")
    return parser


def help_text() -> str:
    """The help, as `-h`, `%seedance help` and `%seedance?` show it."""
    return build_parser().format_help()


def parse(line: str, cell: str | None = None, defaults: Defaults | None = None) -> Line:
    """What the magic asks for; raises BadLine."""
    defaults = defaults or Defaults()
    tokens = [match.group() for match in _TOKEN.finditer(line)]
    if tokens and tokens[0] in COMMANDS and not (cell or "").strip():
        return _command(tokens[0], tokens[1:])
    literal: list[str] = []
    if "--" in tokens:
        at = tokens.index("--")
        tokens, literal = tokens[:at], tokens[at + 1 :]
    parser = build_parser()
    for token in tokens:
        if token.startswith("-") and "-" + token.partition("=")[0] in parser._option_string_actions:
            parser.error(f"unrecognized arguments: {token}")  # else -model X would be the model "odel"
    found = parser.parse_intermixed_args(_with_repeated_media_option(tokens))
    words = [*found.prompt, *literal]
    if found.help:
        return Line(command="help")
    return Line(
        prompts=_prompts(words, cell),
        models=_listed(found.model) or (defaults.model,),
        aspect_ratios=(defaults.aspect_ratio,)
        if found.aspect_ratio is None
        else _listed(found.aspect_ratio) or (None,),
        durations=(defaults.duration,) if found.duration is None else _durations(found.duration) or (None,),
        resolutions=(defaults.resolution,) if found.resolution is None else _listed(found.resolution) or (None,),
        media_urls=tuple(_whole_value(_unquoted(url)) for url in found.media_url) if found.media_url else None,
        takes=_whole("-n/--takes", found.takes, 1) or 1,
        out=_variable(found.out),
        metadata=_metadata(found.metadata),
        webhook_url=_unquoted(found.webhook_url) if found.webhook_url else None,
        fresh=found.fresh,
        wait=found.wait,
        timeout=_number("--timeout", found.timeout),
        max_credits=_number("--max-credits", found.max_credits),
        dry_run=found.dry_run,
        raw=found.raw,
        quiet=found.quiet,
    )


def _command(name: str, rest: Sequence[str]) -> Line:
    if rest in (["-h"], ["--help"]):
        return Line(command="help")
    if name in TAKES_IDS:
        if not rest:
            raise BadLine(
                f"say which: %seedance {name} ID… or %seedance {name} all; %seedance jobs lists them. Nothing was sent"
            )
        strange = next((word for word in rest if not re.fullmatch(r"[A-Za-z0-9._~:=@+-]{1,200}", word)), None)
        if strange is None and (len(rest) == 1 or all(re.search(r"\d", word) for word in rest)):
            return Line(command=name, ids=tuple(rest))
        rest = rest if strange is None else [strange]
    if name == "wait" and len(rest) == 2 and rest[0] == "--timeout":
        return Line(command=name, timeout=_number("--timeout", rest[1]))
    if name == "login" and rest:  # what follows may be the key: it is not repeated
        raise BadLine(
            "login takes nothing on its line: run %seedance login alone and type the key when asked (a key that stands in a "
            "cell is saved with it: delete it there); a prompt that begins so goes behind --. Nothing was sent"
        )
    if rest:
        example = one_line(" ".join([name, *rest]), 60)
        raise BadLine(
            f"{name} is a command and takes no {one_line(rest[0], 30)!r}; for a prompt that begins so, write "
            f"%seedance -- {example}. Nothing was sent"
        )
    return Line(command=name)


def _with_repeated_media_option(tokens: Sequence[str]) -> list[str]:
    """`-i A B` means both, but a prompt may follow: only what looks like an address goes with the option."""
    out: list[str] = []
    open_option = False
    for token in tokens:
        address = "://" in token
        if open_option and address and out[-1] not in ("-i", "--media-url"):
            out.append("-i")
        out.append(token)
        open_option = token in ("-i", "--media-url") or (open_option and address)
    return out


def _prompts(words: Sequence[str], cell: str | None) -> tuple[str, ...]:
    text = _unquoted(words[0]) if len(words) == 1 else " ".join(words)
    parts = (part.strip() for part in _SEPARATOR.split(cell or ""))
    below = [_ESCAPED_SEPARATOR.sub(r"\1\2", part) for part in parts if part]
    if text and below:
        raise BadLine(
            f"the prompt stands below, so {one_line(text, 40)!r} on the first line is too much. Nothing was sent"
        )
    return tuple(below) or ((text,) if text else ())


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in _whole_value(_unquoted(text)).split(",") if part.strip()) if text else ()


def _whole_value(text: str) -> str:
    """The value of an option, refused where a blank has cut it: in `-d 5, 10` the 10 would become part of the prompt."""
    if text.endswith(","):
        raise BadLine(
            f"{one_line(text, 40)!r} ends with a comma: write a list without blanks (-d 5,10), and several addresses with "
            "blanks alone. Nothing was sent"
        )
    return text


def _durations(text: str | None) -> tuple[int, ...]:
    values = []
    for part in _listed(text):
        if not re.fullmatch(r"\d{1,6}", part):
            raise BadLine(
                f"-d/--duration wants whole seconds, for example -d 5, not {one_line(part, 30)!r}. Nothing was sent"
            )
        values.append(int(part))
    return tuple(values)


def _whole(option: str, text: str | None, least: int) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,6}", text) or int(text) < least:
        raise BadLine(f"{option} wants a whole number from {least}, not {one_line(text, 30)!r}. Nothing was sent")
    return int(text)


def _number(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        raise BadLine(f"{option} wants a number, not {one_line(text, 30)!r}. Nothing was sent")
    return float(text)


def _variable(text: str | None) -> str | None:
    import keyword

    if text is not None and (not text.isidentifier() or keyword.iskeyword(text)):
        raise BadLine(f"-o/--out wants the name of a variable, not {one_line(text, 30)!r}. Nothing was sent")
    return text


def _metadata(pairs: Sequence[str] | None) -> dict[str, str] | None:
    if not pairs:
        return None
    found = {}
    for pair in pairs:
        name, equals, value = _unquoted(pair).partition("=")
        if not equals or not name:
            raise BadLine(f"--metadata wants NAME=VALUE, not {one_line(pair, 40)!r}. Nothing was sent")
        found[name] = _unquoted(value)
    return found


def grid_options(line: Line, filled: Callable[[str], str]) -> dict[str, Any]:
    """What to call `seedance_nb.grid` with: what has several values is an axis, in this order; all else holds for every cell.

    `filled` puts the notebook's names into a text. The prompts are finished by it, braces and all, so the grid takes them raw.
    """
    listed: dict[str, Sequence[Any]] = {
        "prompt": [filled(text) for text in line.prompts],
        "model": line.models,
        "aspect_ratio": line.aspect_ratios,
        "duration": line.durations,
        "resolution": line.resolutions,
    }
    several = {name: list(values) if len(values) > 1 else values[0] for name, values in listed.items()}
    constants: dict[str, Any] = {
        "media_urls": [filled(url) for url in line.media_urls] if line.media_urls else None,
        "webhook_url": filled(line.webhook_url) if line.webhook_url else None,
        "metadata": {name: filled(str(value)) for name, value in line.metadata.items()} if line.metadata else None,
    }
    given = {name: value for name, value in constants.items() if value is not None}
    return {**several, **given, "takes": line.takes, "raw": True}


# Names from the notebook ---------------------------------------------------------------------------------


def interpolate(text: str, namespace: Mapping[str, Any]) -> str:
    """`text` with {name}, {obj.attr} and {d[key]} filled in from `namespace`; raises BadLine, never leaves a name unfilled."""
    if "{" not in text and "}" not in text:
        return text
    formatter = string.Formatter()
    parts: list[str] = []
    try:
        for literal, field, spec, conversion in formatter.parse(text):
            parts.append(literal)
            if field is None:
                continue
            value = _value(formatter, field, namespace)
            if conversion:
                value = formatter.convert_field(value, conversion)
            parts.append(format(value, interpolate(spec or "", namespace)))
    except BadLine:
        raise
    except Exception as error:  # the user's own __format__ and attributes run here
        raise BadLine(f"the braces in the prompt cannot be filled in ({one_line(error, 100)}); {_LITERAL}") from None
    return "".join(parts)


_LITERAL = "write {{ and }} for literal braces, or use --raw. Nothing was sent"


def _value(formatter: string.Formatter, field: str, namespace: Mapping[str, Any]) -> Any:
    name = re.split(r"[.\[]", field, maxsplit=1)[0]
    if not name.isidentifier():
        raise BadLine(f"{{{one_line(field, 30)}}} in the prompt is no name of the notebook; {_LITERAL}")
    if name not in namespace:
        near = difflib.get_close_matches(name, [n for n in namespace if not n.startswith("_")], n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(near)}? Or" if near else "define it in a cell before, or"
        shown = one_line(field, 60)
        raise BadLine(f"{{{shown}}} in the prompt: the notebook has no {one_line(name, 60)!r}; {hint} {_LITERAL}")
    try:
        return formatter.get_field(field, (), namespace)[0]
    except KeyError as error:
        raise BadLine(
            f"{{{one_line(field, 60)}}} in the prompt: there is no {one_line(error, 60)}; {_LITERAL}"
        ) from None
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise BadLine(f"{{{one_line(field, 60)}}} in the prompt: {one_line(error, 100)}; {_LITERAL}") from None


# Back to text --------------------------------------------------------------------------------------------


def as_magic(request: VideoRequest, take: int = 1) -> str:
    """The cell that asks for exactly this request and take again (and so costs nothing while the ledger has it).

    A call of `submit` where the magic has no words for it: a take beyond the first, metadata that is more than text.
    """
    options = [
        ("-m", request.model),
        ("-a", request.aspect_ratio or ""),
        ("-d", str(request.duration or "")),
        ("-r", request.resolution or ""),
        *(("-i", url) for url in request.media_urls or ()),
        *(("--metadata", f"{name}={value}") for name, value in (request.metadata or {}).items()),
        *((("--webhook-url", request.webhook_url),) if request.webhook_url else ()),
    ]
    line = " ".join(f"{option} {_quoted(value)}" for option, value in options) + " --raw"
    body = _LIKE_SEPARATOR.sub(r"\1\\\2", request.prompt)
    survives = take == 1 and len(line.splitlines()) == 1 and not _CHANGED_ON_THE_WAY.search(request.prompt)
    if survives and not _has_controls(line + body.replace("\n", "")) and _asks_for(line, body, request):
        return f"%%seedance {line}\n{body}"
    return _as_call(request, take)


def as_python(request: VideoRequest, take: int = 1) -> str:
    """The call of `submit` that asks for exactly this request and take again (and so costs nothing while the ledger has it)."""
    return _as_call(request, take)


_CHANGED_ON_THE_WAY = re.compile(r"^\s*(>>>|\.\.\.|In \[\d+\]:)|^[ \t]+$", re.MULTILINE)
"""Lines that IPython takes for its own or Python's prompt, or for blank ones, and shortens."""


def _has_controls(text: str) -> bool:
    """Whether a page may change this when it is pasted into a cell, or cannot carry it at all."""
    return any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c != "\t" for c in text)


def _quoted(value: str) -> str:
    if re.fullmatch(r"[^\s\"'-][^\s\"']*", value):
        return value
    return f'"{value}"' if '"' not in value else f"'{value}'"


def _asks_for(line: str, body: str, request: VideoRequest) -> bool:
    try:
        found = parse(line, body)
    except BadLine:
        return False
    return found == Line(
        prompts=(request.prompt,),
        models=(request.model,),
        aspect_ratios=(request.aspect_ratio,),
        durations=(request.duration,),
        resolutions=(request.resolution,),
        media_urls=request.media_urls,
        metadata=request.metadata,
        webhook_url=request.webhook_url,
        raw=True,
    )


def _as_call(request: VideoRequest, take: int) -> str:
    given: dict[str, Any] = {
        "model": request.model,
        "aspect_ratio": request.aspect_ratio,
        "duration": request.duration,
        "resolution": request.resolution,
        "media_urls": list(request.media_urls) if request.media_urls is not None else None,
        "metadata": request.metadata,
        "webhook_url": request.webhook_url,
        "take": take if take > 1 else None,
    }
    always = ("aspect_ratio", "duration", "resolution")  # left out they would mean the usual ones
    options = [f"    {name}={value!r},\n" for name, value in given.items() if value is not None or name in always]
    return f"import seedance_nb\n\nseedance_nb.submit(\n    {request.prompt!r},\n{''.join(options)})"


# Completion ----------------------------------------------------------------------------------------------


def complete(line: str, job_ids: Iterable[str], models: Iterable[str] = tuple(DOCUMENTED)) -> list[str]:
    """What may stand where `line` (up to the cursor) ends: whole words that begin with what is typed already."""
    before, _, word = line.replace("\t", " ").rpartition(" ")
    words = before.split()[1:]
    last = words[-1] if words else ""
    values: Iterable[str]
    durations = sorted({d for facts in DOCUMENTED.values() for d in facts.durations or ()})
    choices: dict[str, Iterable[str]] = {
        "-m": models,
        "-a": ASPECT_RATIOS,
        "-d": map(str, durations),
        "-r": RESOLUTIONS,
    }
    longs = {"--model": "-m", "--aspect-ratio": "-a", "--duration": "-d", "--resolution": "-r"}
    if words and words[0] in TAKES_IDS:
        values = ["all", *job_ids]
    elif longs.get(last, last) in choices:
        values = choices[longs.get(last, last)]
    elif word.startswith("-"):
        values = [option for action in build_parser()._actions for option in action.option_strings]
    elif not words and not line.startswith("%%"):
        values = COMMANDS
    else:
        values = ()
    return [value for value in values if value.startswith(word)]
