"""Whose generations these are: the account of the key in use, as far as anybody has said."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from ..api.models import VideoRequest
from ..errors import ConfigurationError, one_line
from .choices import Choices
from .engine import Engine
from .ledger.contract import NEW, SAME, Account, shown


class Ownership:
    """The account of a session. A new key looks like another account until somebody says whose it is."""

    def __init__(self, choices: Choices, engine: Engine) -> None:
        self._choices, self._engine = choices, engine
        self._said_to_be: dict[str, str] = {}
        """What the ledger says of a fingerprint: which account it is."""

    @property
    def account(self) -> str:
        """A fingerprint of host and key (never the key), or the name given as `account`. Raises ConfigurationError where there is no key."""
        own = self._choices.fingerprint
        if self._choices.settings.uses_simulator:
            return own
        if own not in self._said_to_be:
            said = own
            if self._engine.has_ledger:
                with contextlib.suppress(ConfigurationError):  # who needs the ledger hears of it there
                    said = self._engine.ask_ledger(lambda ledger: ledger.accounts.account_of(own))
            self._said_to_be[own] = said
        return self._said_to_be[own]

    def known(self) -> list[Account]:
        """The accounts that the ledger tells apart at this host, the one used last first."""
        host = self._choices.settings.base_url
        return self._engine.ask_ledger(lambda ledger: ledger.accounts.at(host))

    def say(self, which: str, of: str | None = None) -> str:
        """Say, for good, that the key in use is of the "same" account as that of earlier jobs here, or of a "new" one.

        `of` names one of several, by its name or the first letters of its fingerprint. Returns the account. Raises ConfigurationError.
        """
        if self._choices.settings.uses_simulator:
            raise ConfigurationError("the simulator has one account, and no key")
        if which not in (SAME, NEW):
            raise ConfigurationError(f'say "same" or "new", not {one_line(which, 40)!r}')
        own = self._choices.fingerprint
        current = self.account
        others = [one.name for one in self.known() if one.name not in (own, current)]
        chosen = [name for name in others if of is None or shown(name).startswith(of) or name.startswith(of)]
        same_as = own
        if which == SAME:
            if len(chosen) != 1:
                known = ", ".join(map(shown, others)) or "none"
                raise ConfigurationError(
                    f"say which account it is the same as: %seedance account same ID; at this host there are: {known}"
                )
            same_as = chosen[0]
        self._engine.ask_ledger(lambda ledger: ledger.accounts.answer(own, same_as, time.time()))
        self.read_again()
        return self.account

    def check_unfinished(self) -> None:
        """Raises ConfigurationError if another key has unfinished jobs here and nobody has said whether it is the same account's."""
        if not self._choices.settings.uses_simulator and self._engine.has_ledger:
            host, account = self._choices.settings.base_url, self.account
            self._engine.ask_ledger(lambda ledger: ledger.accounts.check_unfinished(host, account))

    def check_known(self, wanted: Sequence[tuple[VideoRequest, int]]) -> None:
        """Raises ConfigurationError if one of these (request, take) would be bought again by a key that nobody has said anything about."""
        if self._choices.settings.uses_simulator or not self._engine.has_ledger:
            return
        places = [(request.canonical_hash(), take) for request, take in wanted]
        self.read_again()
        host, account = self._choices.settings.base_url, self.account
        self._engine.ask_ledger(lambda ledger: ledger.accounts.check_known(host, account, places))

    def read_again(self) -> None:
        """Another notebook may have said meanwhile whose this key is."""
        self._said_to_be.clear()
        if self._engine.started is not None and not self._choices.settings.uses_simulator:
            self._engine.started.use_account(self.account)
