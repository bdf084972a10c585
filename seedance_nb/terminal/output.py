"""What `seedance` writes: files on stdout, all other words on stderr, in letters that come out whatever the locale is."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..tracking.job import Job
    from .overviews import Overview


def let_all_letters_out() -> None:
    """Where the locale is C, letters are written as UTF-8, as everywhere else; a letter that a locale has not stops no output."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = codecs.lookup(stream.encoding).name
            stream.reconfigure(encoding="utf-8" if encoding == "ascii" else encoding, errors="backslashreplace")


def print_path(path: Path) -> None:
    """The very bytes of its name: whoever reads it wants the file."""
    sys.stdout.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.buffer.write(os.fsencode(path) + b"\n")
        sys.stdout.buffer.flush()  # before the words that follow on stderr
    else:
        print(path)


def print_json(record: object) -> None:
    """One line that every reader of JSON takes, whatever the locale."""
    is_utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    print(json.dumps(record, ensure_ascii=not is_utf8))


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
        "path": None if clip is None else os.fsencode(path or clip.path).decode("utf-8", "surrogateescape"),
        "clip": None
        if clip is None
        else {name: getattr(clip, name) for name in ("seconds", "width", "height", "fps", "sha256")},
        "error": None if error is None else {"kind": type(error).__name__, "message": here(str(error))},
    }


def show(overview: Overview, *, as_json: bool) -> None:
    """A table for people, or a line of JSON a row."""
    from ..pages.words import plain_table

    headers, rows, caption = overview
    if as_json:
        for row in rows:
            print_json(dict(zip(headers, row, strict=False)))
    else:
        print(here(plain_table(headers, rows, caption)))


def say(text: str) -> None:
    """A line on stderr."""
    print(f"seedance: {here(text)}", file=sys.stderr)


def here(text: str) -> str:
    """What the house says of its magic, as it is written in a shell."""
    text = re.sub(
        r"the notebook has no '.*?'; define it in a cell before, or|is no name of the notebook;",
        "nothing is filled in here;",
        text,
    )
    return text.replace("%%seedance", "seedance").replace("%seedance", "seedance")
