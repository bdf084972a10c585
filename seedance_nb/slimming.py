"""Notebooks without the videos inside, and with them again: what `seedance slim` does.

A notebook is changed as text: only the addresses in our own outputs become others, and every other byte stays, whoever wrote the file
and however it is laid out. A file taken out is named by its sha256, so that equal clips of many notebooks lie in one folder once, and
what is put back is surely what was taken out. A slim notebook plays in Jupyter from the files beside it; GitHub, which drops players
and what is embedded, shows the still with its caption and a link to the video.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import dataclasses
import hashlib
import json
import json.decoder
import json.scanner
import os
import re
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .errors import ClipError, ConfigurationError, one_line
from .pages.file_links import quoted
from .pages.html import KEYS
from .pages.words import size_words

_DATA = r"data:{};base64,([A-Za-z0-9+/]+={{0,2}})"
_BESIDE = r"([^\"\\<>]*?([0-9a-f]{{64}})\.{})"
# As they stand in the notebook's text: JSON has a backslash before each quotation mark.
_VIDEO, _STILL = r'(<video [^>]*?src=\\"){}(\\"[^>]*>)(.*?)', r'(<img [^>]*?src=\\"){}(\\")'
_VIDEO_INSIDE = re.compile(_VIDEO.format(_DATA.format("video/mp4")) + "(</video>)", re.DOTALL)
_STILL_INSIDE = re.compile(_STILL.format(_DATA.format("image/jpeg")))
_VIDEO_BESIDE = re.compile(_VIDEO.format(_BESIDE.format("mp4")) + r'<a href=\\"\2\\">[^<]*</a>(</video>)', re.DOTALL)
_STILL_BESIDE = re.compile(_STILL.format(_BESIDE.format("jpg")))


def run(words: Sequence[str]) -> Iterator[str]:
    """Do what the words behind `slim` say; a line of text for each notebook. Raises ConfigurationError, ClipError."""
    asked = _parser().parse_args(list(words))
    if asked.help or not words:
        yield _parser().format_help().rstrip()
        return
    if not asked.notebooks:
        raise ConfigurationError("slim: say which notebook: seedance slim NOTEBOOK.ipynb. Nothing was changed")
    for name in asked.notebooks:
        notebook = Path(name).expanduser()
        if asked.embed:
            yield embed(notebook, dry_run=asked.dry_run).words
        else:
            yield slim(notebook, asked.into, dry_run=asked.dry_run, keep_output=asked.keep_output).words


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What was done to a notebook, or would be: sizes in bytes, `words` in one line."""

    notebook: Path
    before: int
    after: int
    videos: int
    words: str


def slim(notebook: Path, into: str | Path | None = None, *, dry_run: bool = False, keep_output: bool = False) -> Change:
    """Take the videos and stills of our outputs out into `into` (a folder; None: NAME_files beside the notebook).

    `keep_output` marks their cells so that nbstripout leaves their outputs. What is written can be put back byte for byte, which is
    tried before the notebook is replaced; whatever goes wrong, it stays as it was. Raises ConfigurationError, ClipError.
    """
    page = _Page(notebook)
    folder = page.path.with_name(f"{page.path.stem}_files") if into is None else Path(into).expanduser()
    keep = _Folder(folder, page.path.parent, dry_run=dry_run)
    text, videos = page.changed(lambda html: _taken_out(html, keep))
    if keep_output:
        text = _Text(text).with_kept_outputs()
    change = _change(page, text, videos, dry_run=dry_run, what=("take out", "took out"), where=f" into {keep.shown}")
    if not dry_run and text != page.text:
        if _Text(text).changed(lambda html: _put_back(html, page.path.parent))[0] != (
            _Text(page.text).with_kept_outputs() if keep_output else page.text
        ):
            raise ClipError(f"{page.shown}: what was taken out would not go back in exactly; it was left as it was")
        page.replace(text)
    return change


def embed(notebook: Path, *, dry_run: bool = False) -> Change:
    """Put back what `slim` has taken out, byte for byte. The files stay where they are: another notebook may show them.

    Raises ClipError where one is missing or is not what was taken out, ConfigurationError for the notebook itself.
    """
    page = _Page(notebook)
    text, videos = page.changed(lambda html: _put_back(html, page.path.parent))
    change = _change(page, text, videos, dry_run=dry_run, what=("put back", "put back"), where="")
    if not dry_run and text != page.text:
        page.replace(text)
    return change


# The text of an output --------------------------------------------------------------------------------------------------


def _taken_out(html: str, keep: _Folder) -> tuple[str, int]:
    found = 0

    def still(match: re.Match[str]) -> str:
        address = keep.address_of(match[2], "jpg")
        return match[0] if address is None else f"{match[1]}{address}{match[3]}"

    def video(match: re.Match[str]) -> str:
        nonlocal found
        address = keep.address_of(match[2], "mp4")
        if address is None:
            return match[0]
        found += 1
        size = size_words(len(match[2]) * 3 // 4)
        link = f'<a href=\\"{address}\\">the video ({size})</a>'
        return f"{match[1]}{address}{match[3]}{_STILL_INSIDE.sub(still, match[4])}{link}{match[5]}"

    return _VIDEO_INSIDE.sub(video, html), found


def _put_back(html: str, home: Path) -> tuple[str, int]:
    found = 0

    def video(match: re.Match[str]) -> str:
        nonlocal found
        found += 1
        uri = _uri("video/mp4", home, match[2], match[3])
        inside = _STILL_BESIDE.sub(lambda img: f"{img[1]}{_uri('image/jpeg', home, img[2], img[3])}{img[4]}", match[5])
        return f"{match[1]}{uri}{match[4]}{inside}{match[6]}"

    return _VIDEO_BESIDE.sub(video, html), found


def _uri(mime: str, home: Path, address: str, sha256: str) -> str:
    path = home / urllib.parse.unquote(address)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ClipError(
            f"{one_line(path, 200)} cannot be read ({reason}): put it there again; the notebook was left as it was"
        ) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ClipError(
            f"{one_line(path, 200)} is not the file that was taken out (its sha256 is another); the notebook was left as it was"
        )
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


class _Folder:
    """Where files are put that are taken out."""

    def __init__(self, folder: Path, home: Path, *, dry_run: bool) -> None:
        self.shown = one_line(folder, 120)
        self._folder, self._dry_run = folder, dry_run
        try:
            way = Path(os.path.relpath(folder.resolve(), home))
        except (OSError, ValueError, RuntimeError):
            raise ConfigurationError(f"{self.shown} cannot be reached from the notebook; name another folder") from None
        if any(part.startswith(".") and part != ".." for part in way.parts):
            raise ConfigurationError(f"{self.shown} is hidden, and Jupyter shows nothing hidden; name another folder")
        self._way = way
        self._have: set[str] = set()

    def address_of(self, encoded: str, ending: str) -> str | None:
        """The relative address of these bytes, written if they are not there; None for what could not be put back exactly."""
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return None
        if len(encoded) != (len(data) + 2) // 3 * 4 or base64.b64encode(data).decode("ascii") != encoded:
            return None
        name = f"{hashlib.sha256(data).hexdigest()}.{ending}"
        if name not in self._have and not self._dry_run:
            self._write(name, data)
        self._have.add(name)
        return quoted((self._way / name).as_posix())

    def _write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        try:
            if path.exists():
                if path.read_bytes() != data:
                    raise ClipError(
                        f"{one_line(path, 200)} is there and is another file: take it away; the notebook was left as it was"
                    )
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            _write_whole(path, data)
        except OSError as error:
            raise ConfigurationError(
                f"{one_line(path, 200)} cannot be written ({error.strerror or error}); the notebook was left as it was"
            ) from None


# The text of a notebook -------------------------------------------------------------------------------------------------


class _Placed(str):
    """A string with its place in the text."""

    __slots__ = ("end", "start")
    start: int
    end: int


class _PlacedObject(dict[str, Any]):
    """The same of an object."""

    start = end = 0


class _Decoder(json.JSONDecoder):
    """The standard decoder in Python, so that strings and objects know where they stood."""

    def __init__(self) -> None:
        super().__init__()
        self.parse_string = self._string
        self.parse_object = self._object
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    @staticmethod
    def _string(text: str, begin: int, strict: bool = True) -> tuple[_Placed, int]:
        value, end = json.decoder.scanstring(text, begin, strict)  # type: ignore[attr-defined]
        placed = _Placed(value)
        placed.start, placed.end = begin, end - 1
        return placed, end

    @staticmethod
    def _object(text_and_begin: tuple[str, int], *more: Any) -> tuple[_PlacedObject, int]:
        value, end = json.decoder.JSONObject(text_and_begin, *more)  # type: ignore[attr-defined]
        placed = _PlacedObject(value)
        placed.start, placed.end = text_and_begin[1] - 1, end
        return placed, end


class _Text:
    """A notebook's text, with the places of our outputs in it."""

    def __init__(self, text: str, shown: str = "the notebook") -> None:
        self.text = text
        try:
            notebook = _Decoder().decode(text)
        except (ValueError, RecursionError):
            raise ConfigurationError(f"{shown} is not a notebook; it was left as it was") from None
        cells = notebook.get("cells") if isinstance(notebook, dict) else None
        if not isinstance(cells, list) or not isinstance(notebook.get("nbformat"), int):
            raise ConfigurationError(
                f"{shown} is not a notebook, or one of a format before 4: save it anew in Jupyter; it was left as it was"
            )
        self._cells = [cell for cell in cells if isinstance(cell, _PlacedObject)]

    def changed(self, change: Callable[[str], tuple[str, int]]) -> tuple[str, int]:
        """The text with each of our outputs put through `change`, and how many videos that met."""
        parts, at, count = [], 0, 0
        for start, end in (place for cell in self._cells for place in _ours(cell)):
            html, found = change(self.text[start:end])
            parts += [self.text[at:start], html]
            at, count = end, count + found
        return "".join([*parts, self.text[at:]]), count

    def with_kept_outputs(self) -> str:
        """The text with `keep_output` in the metadata of each cell that shows something of ours."""
        parts, at = [], 0
        for cell in self._cells:
            metadata = cell.get("metadata")
            if not _ours(cell) or not isinstance(metadata, _PlacedObject) or "keep_output" in metadata:
                continue
            begin = metadata.start + 1
            line = self.text[self.text.rfind("\n", 0, begin) + 1 : begin]
            indent = line[: len(line) - len(line.lstrip())]
            parts += [self.text[at:begin], f'\n{indent} "keep_output": true', "," if metadata else f"\n{indent}"]
            at = begin if metadata else metadata.end - 1
        return "".join([*parts, self.text[at:]])


def _ours(cell: dict[str, Any]) -> list[tuple[int, int]]:
    """Where the HTML of our outputs stands, in order."""
    places = []
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        data = output.get("data") if isinstance(output, dict) else None
        html = data.get("text/html") if isinstance(data, dict) else None
        lines = [line for line in (html if isinstance(html, list) else [html]) if isinstance(line, _Placed)]
        if any(KEYS in line for line in lines):
            places.append((lines[0].start, lines[-1].end))
    return sorted(places)


class _Page(_Text):
    """A notebook's file: read whole, replaced whole."""

    def __init__(self, notebook: Path) -> None:
        self.shown = one_line(notebook, 200)
        try:
            self.path = notebook.resolve(strict=True)  # what a link leads to is what is meant
            self._raw = self.path.read_bytes()
        except (OSError, ValueError, RuntimeError) as error:
            reason = one_line(getattr(error, "strerror", None) or error, 80)
            raise ConfigurationError(f"{self.shown} cannot be read ({reason})") from None
        try:
            text = self._raw.decode("utf-8")
        except UnicodeDecodeError:
            raise ConfigurationError(f"{self.shown} is not a notebook; it was left as it was") from None
        super().__init__(text, self.shown)

    @property
    def size(self) -> int:
        """Bytes, as it was read."""
        return len(self._raw)

    def replace(self, text: str) -> None:
        """Write this in its place, unless somebody else has written meanwhile."""
        trusted = _is_trusted(self.text)
        try:
            if self.path.read_bytes() != self._raw:
                raise ConfigurationError(
                    f"{self.shown} was changed meanwhile, so it was left as it is: save and close it, then try again"
                )
            _write_whole(self.path, text.encode("utf-8"), mode=self.path.stat().st_mode & 0o7777)
        except OSError as error:
            raise ConfigurationError(
                f"{self.shown} cannot be written ({error.strerror or error}); it was left as it was"
            ) from None
        if trusted:
            _trust(text)


def _change(page: _Page, text: str, videos: int, *, dry_run: bool, what: tuple[str, str], where: str) -> Change:
    after = len(text.encode("utf-8"))
    if text == page.text:
        words = f"{page.shown}: nothing to do; it stays as it is"
    else:
        done = f"would {what[0]}" if dry_run else what[1]
        difference = page.size - after
        saved = f" ({size_words(difference)} less)" if difference > 0 else ""
        words = (
            f"{page.shown}: {done} {videos} video{'s' * (videos != 1)}{where}; "
            f"{size_words(page.size)} → {size_words(after)}{saved}"
        )
    return Change(page.path, page.size, after, videos, words)


def _write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file, whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _is_trusted(text: str) -> bool:
    """Whether Jupyter runs the scripts of this notebook on this machine: walls play in step by one."""
    with contextlib.suppress(Exception):  # no Jupyter here, or one that keeps no signatures
        from nbformat import reads, sign

        return bool(sign.NotebookNotary().check_signature(reads(text, as_version=4)))
    return False


def _trust(text: str) -> None:
    with contextlib.suppress(Exception):
        from nbformat import reads, sign

        sign.NotebookNotary().sign(reads(text, as_version=4))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"slim: {one_line(message, 200)}; seedance slim -h says how. Nothing was changed")


def _parser() -> _Parser:
    parser = _Parser(
        prog="seedance slim",
        usage="%(prog)s NOTEBOOK.ipynb… [--into FOLDER] [--keep-output] [--embed] [--dry-run]",
        description="Take the videos out of notebooks into files beside them, or put them back.",
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("notebooks", nargs="*", metavar="NOTEBOOK.ipynb", help="saved, and best not open elsewhere")
    add("--into", metavar="FOLDER", help="one folder for many notebooks; else NAME_files beside each")
    add("--keep-output", action="store_true", help="mark their cells, so that nbstripout leaves the outputs")
    add("--embed", action="store_true", help="put back what was taken out, byte for byte")
    add("--dry-run", action="store_true", help="say what would be done and how many bytes it saves")
    add("-h", "--help", action="store_true", help="this text")
    return parser
