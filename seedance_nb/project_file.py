"""Limits in `[tool.seedance_nb]` of pyproject.toml, read so that a slip never loses one: what cannot be read is said, not passed over.

Every setting comes from the nearest file, at or above the folder, that sets it: a pyproject.toml of a part of the project does not hide
the limit that stands at its root.
"""

from __future__ import annotations

import codecs
import difflib
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import ConfigurationError, one_line

NAME = "pyproject.toml"
TABLE = "seedance_nb"
_PLAIN = "seedancenb"
_MONEY = "max_credits"
_NAMES_US = re.compile(r"seedance|s\w{1,4}ance[\W_]?nb|max[\W_]?credit", re.IGNORECASE)
# The longer marks first: UTF-32 begins as UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class _Trouble(Exception):  # noqa: N818 - a finding, turned into words by `read_limits`
    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


def read_limits(
    folder: Path, known: Sequence[str], check: Callable[[str, Any], Any]
) -> tuple[dict[str, Any], str | None]:
    """(what the files at and above `folder` set, why that cannot be relied on or None).

    `known` are the names that may be set, `check(name, value)` gives a value or raises ConfigurationError. Raises nothing.
    """
    limits: dict[str, Any] = {}
    first: str | None = None
    for place in (folder, *folder.parents):
        path = place / NAME
        try:
            limits = _limits_in(path, known, check) | limits
        except _Trouble as trouble:
            where = f"{_shown(path)}, line {trouble.line}" if trouble.line else _shown(path)
            first = first or f"{where}: {one_line(trouble, 300)}"
    return limits, first


def _limits_in(path: Path, known: Sequence[str], check: Callable[[str, Any], Any]) -> dict[str, Any]:
    raw = _bytes(path)
    text = "" if raw is None else _text(raw)
    if not _NAMES_US.search(text.replace("\0", "")):
        return {}  # somebody else's file, whatever is wrong with it
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise _Trouble("it cannot be read (nested too deep)") from None
    except ValueError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise _Trouble(f"it cannot be read ({one_line(error, 120)})", line) from None
    _check_places(content, text, known)
    tool = content.get("tool")
    if not isinstance(tool, dict) or TABLE not in tool:
        return {}
    table = tool[TABLE]
    if not isinstance(table, dict):
        raise _Trouble(f"[tool.{TABLE}] must be one table with limits in it", _line_of(text, TABLE))
    for name, value in table.items():
        if name not in known:
            near = _near(name, known)
            hint = f"did you mean {near}?" if near else f"allowed are {', '.join(known)}"
            said = f"{one_line(name, 60)!r} cannot be set in {NAME} under [tool.{TABLE}]; {hint}"
            raise _Trouble(said, _line_of(text, name))
        try:
            table[name] = check(name, value)
        except ConfigurationError as error:
            raise _Trouble(str(error), _line_of(text, name)) from None
    return table


def _bytes(path: Path) -> bytes | None:
    """The file as it is; None where there is none."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            raise _Trouble("it is no file that can be read")
        return path.read_bytes()
    except OSError as error:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)) and not path.is_symlink():
            return None
        # Nobody can say that it holds no limit.
        raise _Trouble(f"it cannot be read ({error.strerror or type(error).__name__})") from None


def _text(raw: bytes) -> str:
    mark, encoding = next(((m, e) for m, e in _MARKS if raw.startswith(m)), (b"", "utf-8"))
    try:
        return raw[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        if not _NAMES_US.search(raw.replace(b"\0", b"").decode("latin-1")):
            return ""
        line = raw[: len(mark) + error.start].count(b"\n") + 1
        raise _Trouble(f"it is not {encoding.upper()} throughout; save it as UTF-8", line) from None


def _check_places(content: Mapping[str, Any], text: str, known: Sequence[str]) -> None:
    """Raises _Trouble for what was meant for our table and stands elsewhere, or under another spelling of its name."""
    for path, value in _walk(content):
        name, parents = path[-1], path[:-1]
        if path[:2] == ("tool", TABLE):
            continue
        plain, where = _plain(name), ".".join(path)
        near = bool(difflib.get_close_matches(plain, [_PLAIN], 1, 0.8))
        beside_tool = not parents or (len(parents) == 1 and _plain(parents[0]) in ("tool", "tools"))
        holds_limits = isinstance(value, dict) and any(_near(str(key), known) for key in value)
        if near and ((beside_tool and not _is_dependency(value)) or holds_limits):
            raise _Trouble(f"[{one_line(where, 60)}] is not read; [tool.{TABLE}] is meant", _line_of(text, name))
        if plain == _plain(_MONEY):
            said = f"{one_line(where, 60)} is not read; {_MONEY} belongs under [tool.{TABLE}]"
            raise _Trouble(said, _line_of(text, name))


def _is_dependency(value: object) -> bool:
    """A version or a list of them: no limits, whatever its name."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _walk(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key with all its parents."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), table)]
    while waiting:
        path, value = waiting.pop()
        if path:
            yield path, value
        if isinstance(value, dict):
            waiting += [((*path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [
                ((*path, key), inner) for item in value if isinstance(item, dict) for key, inner in item.items()
            ]


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _near(name: str, known: Sequence[str]) -> str | None:
    """The setting that was meant, if it is one but for case, dashes, or a letter."""
    plain = {_plain(each): each for each in known}
    near = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.8)
    return plain[near[0]] if near else None


def _line_of(text: str, name: str) -> int | None:
    """The first line, without its comment, on which this name stands."""
    word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    return next(
        (number for number, line in enumerate(text.splitlines(), 1) if word.search(line.partition("#")[0])), None
    )


def _shown(path: Path) -> str:
    """The path, short where it lies below the working folder or the home."""
    for base, sign in ((Path.cwd, ""), (Path.home, "~/")):
        try:
            return sign + path.relative_to(base()).as_posix()
        except (OSError, RuntimeError, ValueError):
            continue
    return str(path)
