"""What is set for a session, and which of it was said as an argument."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..ledger_address import LedgerAddress, hidden
from ..settings import (
    SIMULATOR,
    Limits,
    Secret,
    Settings,
    check_key,
    check_name,
    check_public_url,
    check_webhook_url,
    resolve,
    with_stored_key,
)
from ..upload_places import Uploads, check_uploads
from .ledger.contract import NAMED

Changes = Mapping[str, float | int | None]
"""Limits by their names; None is what environment, pyproject.toml or the default say."""


class Choices:
    """The settings in force, with the limits and places that were arguments: they outrank a file that is read again."""

    def __init__(
        self,
        *,
        api_key: Secret | None,
        base_url: str | None,
        home: str | os.PathLike[str] | None,
        account: str | None,
        ledger: str | os.PathLike[str] | LedgerAddress | None,
        clips: str | os.PathLike[str] | None,
        uploads: Uploads | None = None,
        webhook_url: str | None = None,
        public_url: str | None = None,
        person: str | None = None,
        project: str | None = None,
        limits: Changes,
    ) -> None:
        ledger = hidden(ledger)
        named: dict[str, Any] = dict(limits)
        self.settings: Settings = resolve(
            api_key=api_key,
            base_url=base_url,
            home=home,
            ledger=ledger,
            clips=clips,
            uploads=uploads,
            webhook_url=webhook_url,
            public_url=public_url,
            person=person,
            project=project,
            **named,
        )
        self.ledger, self.clips = ledger, clips
        """Places that were named apart from `home`."""
        self.account = account or os.environ.get("SEEDANCE_ACCOUNT")
        """A name for whose key it is, if it has one."""
        self.said = {name: value for name, value in limits.items() if value is not None}
        """Limits that were arguments."""

    @property
    def has_key(self) -> bool:
        """Whether there is a key (the keyring is asked too), or the simulator, which needs none."""
        try:
            return self.settings.uses_simulator or self.need_key() is not None
        except ConfigurationError:
            return False

    def need_key(self) -> Secret:
        """The key, also from the keyring; raises ConfigurationError where there is none."""
        self.settings = with_stored_key(self.settings)
        if self.settings.api_key is None:
            raise ConfigurationError(
                "no API key: run %seedance login, or set SEEDANCE_API_KEY before Jupyter starts; "
                "%seedance demo tries everything without one. Nothing was submitted"
            )
        return self.settings.api_key

    def use_key(self, key: Secret) -> None:
        """Go on with another key. Raises ConfigurationError for what is none."""
        self.settings = dataclasses.replace(self.settings, api_key=check_key(key), key_source="argument")

    def use_webhooks(self, *, webhook_url: str | None, public_url: str | None) -> None:
        """Go on with these; None leaves one as it is. Raises ConfigurationError: then nothing has changed."""
        known = self.settings
        webhook = known.webhook_url if webhook_url is None else check_webhook_url(webhook_url)
        public = known.public_url if public_url is None else check_public_url(public_url)
        self.settings = dataclasses.replace(known, webhook_url=webhook, public_url=public)

    def use_names(self, *, person: str | None, project: str | None) -> None:
        """Go on for this person and project; None leaves one as it is, "" is no project. Raises ConfigurationError: then nothing has changed."""
        known = self.settings
        who = known.person if not person else check_name("person", person)
        what = known.project if project is None else check_name("project", project) if project.strip() else None
        self.settings = dataclasses.replace(known, person=who, project=what)

    @property
    def fingerprint(self) -> str:
        """What the ledger knows this host and key by (never the key), or the name of the account. Raises ConfigurationError."""
        if self.settings.uses_simulator:
            return SIMULATOR if isinstance(self.settings.ledger, Path) else self._own_simulator()
        if self.account:
            return f"{NAMED}{self.account}"
        return fingerprint_of(self.settings.base_url, self.need_key())

    def _own_simulator(self) -> str:
        """Where a ledger is shared: each member's simulator has films of its own, and knows nothing of the others'."""
        place = f"{platform.node()} {self.settings.home}"
        return f"{SIMULATOR} {hashlib.sha256(place.encode('utf-8', 'replace')).hexdigest()[:12]}"

    def fingerprint_at(self, spelling: str) -> str | None:
        """The same where the host was spelled so; None where it does not depend on that."""
        if self.settings.uses_simulator or self.account:
            return None
        return fingerprint_of(spelling, self.need_key())

    def use_uploads(self, uploads: Uploads | None) -> None:
        """Have own files uploaded there from now on; None: where environment or pyproject.toml say. Raises ConfigurationError."""
        place = check_uploads(uploads) if uploads is not None else self._resolved({}).uploads
        self.settings = dataclasses.replace(self.settings, uploads=place)

    def kept_limits(self) -> dict[str, Any]:
        """What goes on to hold where nothing else is said; while a file cannot be read only what was said here."""
        if self.settings.limits_trouble is not None:
            return dict(self.said)
        return dataclasses.asdict(self.settings.limits)

    def use_limits(self, limits: Limits) -> None:
        """Go on with these limits."""
        self.settings = dataclasses.replace(self.settings, limits=limits)

    def change_limits(self, changes: Changes) -> None:
        """Go on with these limits and otherwise as before. Raises ConfigurationError: then nothing has changed."""
        chosen = self._resolved({**self.kept_limits(), **changes})
        self.said = {name: value for name, value in {**self.said, **changes}.items() if value is not None}
        self.use_limits(chosen.limits)
        self.settings = dataclasses.replace(self.settings, limits_trouble=chosen.limits_trouble)

    def read_limits_again(self) -> None:
        """Go on with the limits that until now could not be read. Raises ConfigurationError while they still cannot."""
        again = self._resolved(self.said)
        if again.limits_trouble is not None:
            raise ConfigurationError(
                f"{again.limits_trouble}; nothing was submitted: no limit is kept that cannot be read"
            )
        self.use_limits(again.limits)
        self.settings = dataclasses.replace(self.settings, limits_trouble=None)

    def keep_trouble_of(self, before: Settings) -> None:
        """A limit that could not be read is not forgotten because something else changed."""
        if before.limits_trouble is not None:
            trouble = self.settings.limits_trouble or before.limits_trouble
            self.settings = dataclasses.replace(self.settings, limits_trouble=trouble, folder=before.folder)

    def _resolved(self, limits: dict[str, Any]) -> Settings:
        known = self.settings
        return resolve(api_key=known.api_key, base_url=known.base_url, home=known.home, folder=known.folder, **limits)


def fingerprint_of(base_url: str, key: Secret) -> str:
    """What the ledger knows a host and key by; the key cannot be found from it."""
    text = f"{base_url}\0{key.reveal()}".encode()
    return hashlib.blake2b(text, digest_size=10, person=b"seedance_account").hexdigest()
