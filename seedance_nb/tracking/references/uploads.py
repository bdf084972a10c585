"""From a copy on the shelf to an address that the service can fetch: the place is the person's choice, and there is no other.

Any fsspec URL of a bucket or folder (https://filesystem-spec.readthedocs.io), or a function `path -> address`. Objects are named by their
content, so that one that is there already is not uploaded again, and an upload that was cut is seen by its size.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...api.addresses import is_public
from ...api.signed_addresses import seconds_left
from ...buckets import LibraryMissing, counted, cure_of, is_folder, open_bucket, put, size_of, why
from ...errors import ConfigurationError, one_line
from ...settings import is_loopback
from ...upload_places import Place, Uploads, read_place, shown_place

SHORTEST_SECONDS = 600
"""An address that a function signs for less is not sent: the service would find it gone when the job's turn comes."""
SIGNED_SECONDS = 24 * 3600
"""For so long an address that is signed can be read: a job may wait in the queue."""


def check(uploads: Uploads, *, allow_http: bool) -> None:
    """Raises ConfigurationError where it is known before anything is uploaded that the service could fetch nothing from there."""
    public = read_place(uploads).public if isinstance(uploads, str) else None
    if public is not None and not _may_be_fetched(public, allow_http=allow_http):
        raise _not_fetched(f"public={one_line(public, 80)}", "is")


def publish(uploads: Uploads, path: Path, progress: Callable[[int, int], object]) -> bool:
    """Bring a copy to its place; False where it was there already. A function is asked when its address is needed: then nothing is done.

    `progress(done, whole)` is told bytes, from another thread. Raises ConfigurationError, saying that nothing was submitted.
    """
    if not isinstance(uploads, str):
        return False
    place, size = read_place(uploads), path.stat().st_size
    try:
        system, root = _system(place)
        target = f"{root}/{path.name}"
        if size_of(system, target) == size:
            return False
        if is_folder(system):
            system.makedirs(root, exist_ok=True)
        put(system, path, target, counted(size, progress))
        there = size_of(system, target)
    except ConfigurationError:
        raise
    except Exception as error:  # of whichever library speaks to this bucket
        raise _refused(place.shown, error) from None
    if there != size:
        raise ConfigurationError(
            f"the upload to {place.shown} was cut: {there or 0:,} of {size:,} bytes are there; nothing was submitted and nothing charged; run it"
            " again"
        )
    return True


def address_of(uploads: Uploads, path: Path, *, allow_http: bool) -> str:
    """The address under which the service can fetch it, signed anew where it is signed. `allow_http`: on this machine alone.

    Raises ConfigurationError, saying that nothing was submitted.
    """
    if isinstance(uploads, str):
        place = read_place(uploads)
        if place.public is not None:
            check(uploads, allow_http=allow_http)
            return f"{place.public}/{path.name}"
        try:
            system, root = _system(place)
            address = system.sign(f"{root}/{path.name}", expiration=SIGNED_SECONDS)
        except NotImplementedError:
            raise ConfigurationError(
                f"{place.shown} cannot sign addresses: add ?public=https://… with the address under which its objects can be read; nothing was"
                " submitted and nothing charged"
            ) from None
        except ConfigurationError:
            raise
        except Exception as error:
            raise _refused(place.shown, error) from None
    else:
        try:
            address = uploads(path)
        except Exception as error:
            why = one_line(f"{type(error).__name__}: {error}", 120)
            raise ConfigurationError(
                f"uploads: {shown_place(uploads)} failed ({why}); nothing was submitted and nothing charged"
            ) from None
    if isinstance(address, str) and (left := seconds_left(address)) is not None and left < SHORTEST_SECONDS:
        how = f"runs out in {left:.0f} s" if left > 0 else "has run out"
        raise ConfigurationError(
            f"uploads: the address of {shown_place(uploads)} {how}, and the job may wait longer: sign it for a day; nothing was submitted and"
            " nothing charged"
        )
    if not isinstance(address, str) or not _may_be_fetched(address, allow_http=allow_http):
        raise _not_fetched(shown_place(uploads), "gave")
    return address


def _not_fetched(what: str, verb: str) -> ConfigurationError:
    return ConfigurationError(
        f"uploads: {what} {verb} no https:// address that others can reach, so the service could not fetch the file; nothing was submitted and"
        " nothing charged"
    )


def _may_be_fetched(address: str, *, allow_http: bool = False) -> bool:
    """Whether the service can fetch it. `allow_http`: the service is on this machine, and so may be the file."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.scheme not in ("https", "http") or any(c.isspace() for c in address):
        return False
    if is_loopback(host):
        return allow_http
    is_ip = host.replace(".", "").isdigit() or ":" in host
    return parts.scheme == "https" and (is_public(host) if is_ip else True)


def _system(place: Place) -> tuple[Any, str]:
    try:
        return open_bucket(place)
    except LibraryMissing as error:
        raise ConfigurationError(f"uploads: {error}; nothing was submitted and nothing charged") from None


def _refused(shown: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"the reference could not be uploaded to {shown} ({why(error)}); {cure_of(error)}; nothing was submitted and nothing charged"
    )
