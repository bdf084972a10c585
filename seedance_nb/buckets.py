"""The one door to buckets: any place that fsspec knows (https://filesystem-spec.readthedocs.io), and what its libraries say, without keys."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .api.signed_addresses import without_signatures_in
from .errors import ConfigurationError, one_line
from .upload_places import Place

_RAN_OUT = re.compile(r"expired|expiration|token.{0,20}(invalid|not valid)|refresh", re.IGNORECASE)
_AT_ONCE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
"""There an object appears whole or not at all."""


class LibraryMissing(ConfigurationError):  # noqa: N818 - it says what is the case
    """What speaks to this place is not installed; the text names the cure."""


def open_bucket(place: Place, extra: str = "uploads") -> tuple[Any, str]:
    """The file system of a place, and the path in it without a slash at the end. Raises LibraryMissing, or whatever its library does."""
    cure = f"pip install 'seedance_nb[{extra}]'"
    try:
        import fsspec
    except ImportError:
        raise LibraryMissing(f"{place.shown} needs fsspec: {cure}") from None
    try:
        # Never one kept from before: it would remember what is in the bucket, and keys that have changed since.
        system, root = fsspec.core.url_to_fs(
            place.url, skip_instance_cache=True, use_listings_cache=False, **place.options
        )
    except ImportError as error:
        raise LibraryMissing(f"{place.shown} needs one more package ({one_line(error, 100)}): {cure}") from None
    return system, str(root).rstrip("/")


def protocols(system: Any) -> tuple[str, ...]:
    """The names under which fsspec knows it."""
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)


def is_folder(system: Any) -> bool:
    """Whether it is a folder of this machine, or one that is mounted here."""
    return "file" in protocols(system)


def writes_at_once(system: Any) -> bool:
    """Whether an object appears there whole or not at all."""
    return bool(_AT_ONCE & set(protocols(system)))


def size_of(system: Any, target: str) -> int | None:
    """Bytes of an object; None where there is none."""
    try:
        return int(system.info(target)["size"])
    except FileNotFoundError:
        return None


def put(system: Any, path: Path, target: str, callback: Any = None) -> None:
    """Bring a file there. Raises what its library does."""
    told = {} if callback is None else {"callback": callback}
    system.put_file(str(path), target, **told)


def counted(size: int, progress: Callable[[int, int], object]) -> Any:
    """A callback for `put` that says how many bytes of so many have gone."""
    from fsspec.callbacks import Callback

    class Told(Callback):  # type: ignore[misc]
        """Says how many bytes have gone."""

        def call(self, hook_name: Any = None, **kwargs: Any) -> None:
            del hook_name, kwargs
            progress(min(int(self.value or 0), size), size)

    return Told(size=size)


def why(error: BaseException) -> str:
    """What a library said, in one line and without keys and signed addresses."""
    return f"{type(error).__name__}: {one_line(without_signatures_in(without_keys(str(error))), 160)}"


def cure_of(error: BaseException) -> str:
    """What to do about it."""
    # s3fs says what happened in words of its own; the service's code stands in what it caught.
    ran_out = _RAN_OUT.search(f"{why(error)} {type(error.__cause__).__name__} {error.__cause__}") is not None
    return "its keys have run out: sign in again" if ran_out else "check the bucket's name, its keys and rights"


def without_keys(text: str) -> str:
    """Without the keys of a bucket, as services repeat them in what they refuse: those of the environment, and what looks like one."""
    for name, value in os.environ.items():
        if len(value) >= 8 and re.search(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL|SAS", name):
            text = text.replace(value, "…")
    return re.sub(r"\b(AKIA|ASIA|GOOG)[A-Z0-9]{8,}|(?=[\w+/=]*\d)(?=[\w+/=]*[A-Za-z])[\w+/=]{32,}", "…", text)
