"""Where a ledger that a team shares stands, as it is written in settings: `postgresql://user:password@host/database?schema=name`.

The password is in nothing that is shown, stored or raised: only who connects asks for it. Pure but for the environment, which is asked
for the password of an address that was stored without it.
"""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, unquote_plus, urlencode, urlsplit, urlunsplit

from .errors import ConfigurationError, one_line

SCHEMES = ("postgresql", "postgres")
DEFAULT_SCHEMA = "seedance"
_HOW = "it must look like postgresql://user@host/database?schema=name; set SEEDANCE_LEDGER to that, or to a path; nothing was submitted"


class LedgerAddress:
    """An address of a ledger. Making one raises nothing, so that no traceback shows it: `check` says whether it can be used."""

    __slots__ = ("__url", "__weakref__")

    def __init__(self, url: str) -> None:
        self.__url = url.strip()

    def check(self) -> LedgerAddress:
        """Itself; raises ConfigurationError without repeating what may hold a password."""
        if (trouble := _trouble_with(self)) is not None:
            raise ConfigurationError(trouble)
        return self

    def reveal(self) -> str:
        """All of it; for whoever connects, and nobody else."""
        return self.__url

    @property
    def schema(self) -> str:
        """Which of the ledgers in that database."""
        return dict(_options(_parts(self))).get("schema", DEFAULT_SCHEMA)

    def conninfo(self, usual: dict[str, str]) -> str:
        """The address as libpq reads it; `usual` are its options where none are named."""
        parts = _parts(self)
        options = usual | {name: value for name, value in _options(parts) if name != "schema"}
        return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options), ""))

    def scrubbed(self, text: str) -> str:
        """A text of others, without what in it is secret in this address."""
        parts = _parts(self)
        found = [parts.password or "", *(value for name, value in _options(parts) if "password" in name)]
        for secret in found:
            for spelled in {secret, unquote(secret), unquote_plus(secret)}:
                text = text.replace(spelled, "…") if len(spelled) > 2 else text
        return text

    def exists(self) -> bool:
        """Whether there is something to read: a server that is named is there, or says why not when it is asked."""
        return True

    def without_password(self) -> str:
        """The address with its user and schema, and nothing else of what stands in it."""
        if _trouble_with(self) is not None:
            return "postgresql://…"
        parts = _parts(self)
        user, _, host = parts.netloc.rpartition("@")
        user = user.partition(":")[0]
        return f"postgresql://{user}{'@' if user else ''}{host}{parts.path}?schema={self.schema}"

    def __str__(self) -> str:
        if _trouble_with(self) is not None:
            return "postgresql://…"
        parts = _parts(self)
        return one_line(f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}?schema={self.schema}", 120)

    def __repr__(self) -> str:
        return f"LedgerAddress({str(self)!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LedgerAddress) and other.reveal() == self.__url

    def __hash__(self) -> int:
        return hash(self.__url)

    def __reduce__(self) -> Any:
        return stored, (self.without_password(),)


def hidden(place: object) -> Any:
    """The place of a ledger as it may be handed on: an address without its password in sight; whatever else it is as it is."""
    return LedgerAddress(place) if isinstance(place, str) and is_address(place) else place


def is_address(place: str) -> bool:
    """Whether this names a server, or was meant to, and not a file: a slip must not become a file whose name is a password."""
    return re.match(r"\s*postgres[\w+]*(:|//)", place, re.IGNORECASE) is not None


def stored(shown: str) -> LedgerAddress:
    """The address that was stored without its password: the one that SEEDANCE_LEDGER names if it is that, else libpq looks for one."""
    named = LedgerAddress(os.environ.get("SEEDANCE_LEDGER", ""))
    return named if named.without_password() == shown else LedgerAddress(shown)


# Nothing below raises: what it works on may hold a password, and stays out of every traceback.


def _parts(address: LedgerAddress) -> SplitResult:
    try:
        return urlsplit(address.reveal())
    except ValueError:
        return urlsplit("")


def _options(parts: SplitResult) -> list[tuple[str, str]]:
    try:
        return parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return [("", "")]


def _trouble_with(address: LedgerAddress) -> str | None:
    parts = _parts(address)
    try:
        _ = parts.port
    except ValueError:
        return f"the ledger's address has no port that can be one (a password with : / ? # or @ in it is written %3A %2F %3F %23 %40); {_HOW}"
    options = dict(_options(parts))
    if (
        parts.scheme.lower() not in SCHEMES
        or len(parts.path) < 2
        or "/" in parts.path[1:]
        or parts.fragment
        or "" in options
    ):
        return f"the ledger's address cannot be read; {_HOW}"
    if any(not sign.isprintable() or sign == " " for sign in address.reveal()):
        return f"the ledger's address holds blanks or line breaks; {_HOW}"
    schema = options.get("schema", DEFAULT_SCHEMA)
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema) or schema.startswith("pg_"):
        return "the schema in the ledger's address must be small letters, digits and _, and not begin with pg_; nothing was submitted"
    return None
