"""Where a person's own files and clips may go, as it is written in settings: an fsspec URL, or for files a function. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from .errors import ConfigurationError, one_line

Uploads = str | Callable[[Path], str]
"""Where a person's own files go: an fsspec URL, or a function from the path of a file to its address."""
HOW = (
    "sd.configure(uploads=…), SEEDANCE_UPLOADS or [tool.seedance_nb] uploads name a place: s3://bucket/prefix, gs://…, az://…, or a function"
    " path -> address"
)
_OWN = ("public", "endpoint_url", "anon")


class Place(NamedTuple):
    """A place for uploads, as it is shown: without what stands behind its question mark."""

    shown: str
    url: str
    public: str | None
    options: dict[str, Any]


def check_uploads(uploads: object) -> Uploads:
    """The place, if it can be one. Raises ConfigurationError."""
    if callable(uploads):
        return uploads
    if isinstance(uploads, str) and uploads.strip():
        read_place(uploads)
        return uploads.strip()
    raise ConfigurationError(
        f"uploads must be an address such as s3://bucket/prefix, or a function path -> address, not {one_line(uploads, 60)!r}"
    )


def check_clips(clips: str) -> str:
    """The address of a bucket of clips, if it is one. Raises ConfigurationError, without what may be a password."""
    read_place(clips, "clips", ("endpoint_url", "anon"))
    return clips.strip()


def read_place(url: str, what: str = "uploads", known: tuple[str, ...] = _OWN) -> Place:
    """What `s3://bucket/prefix?endpoint_url=…&public=https://…` says. Raises ConfigurationError, without what may be a password."""
    try:
        parts = urlsplit(url.strip())
        asked = parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        asked, parts = [("", "")], urlsplit("")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*", parts.scheme) or "@" in parts.netloc or not (parts.netloc or parts.path):
        raise ConfigurationError(
            f"{what} must look like s3://bucket/prefix, without a password in it; keys stand where the library of the bucket looks for them"
        )
    if parts.scheme in ("http", "https"):
        raise ConfigurationError(
            f"{what} cannot be an http address: name the bucket (s3://…, gs://…, az://…)"
            + (", or give a function path -> address" if what == "uploads" else "")
        )
    given = dict(asked)
    if odd := sorted(set(given) - set(known)):
        raise ConfigurationError(
            f"{what}: {one_line(odd[0], 40)!r} cannot stand behind the question mark; known are {', '.join(known)}"
        )
    public = given.get("public")
    if public is not None and not _is_address(public):
        raise ConfigurationError("uploads: public= must be the https:// address under which the objects can be read")
    options: dict[str, Any] = {}
    if "endpoint_url" in given:
        options["endpoint_url"] = given["endpoint_url"]
    if given.get("anon", "").lower() in ("1", "true", "yes"):
        options["anon"] = True
    return Place(
        shown,
        urlunsplit(parts._replace(query="", fragment="")).rstrip("/"),
        public.rstrip("/") if public else None,
        options,
    )


def _is_address(text: str) -> bool:
    """Whether this may be an address to fetch from; whether http will do is known where the service is known."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        return False


def shown_place(uploads: Uploads) -> str:
    """The place in words, for the card."""
    if isinstance(uploads, str):
        return read_place(uploads).shown
    return f"{getattr(uploads, '__name__', type(uploads).__name__)}()"
