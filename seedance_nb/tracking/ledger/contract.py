"""What a store of the ledger promises, whatever it is made of: `Ledger` keeps it with SQLite, and another one would have to keep it too.

One thread owns a store; only `is_lost` may be asked from others. Every call raises ConfigurationError, in one line with the cure, when
the store cannot be read or written, and then has changed nothing. What a call returned without an error survives a power cut.
Times are epoch seconds, prices credits. Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from ...api.models import VideoRequest
from ...errors import ConfigurationError
from ...ledger_address import LedgerAddress
from ...settings import EACH_NAME
from .races import Charge
from .record import Record
from .studies import Issued
from .vote import Vote

Seen = tuple[float | None, float | None]
"""Highest credits a second charged: of such requests, and of such or dearer ones."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Which jobs: all that match every field that is set. `text` is looked for in prompt, note and ids, `day` is local."""

    text: str = ""
    model: str | None = None
    status: str | None = None
    day: str | None = None
    notebook: str | None = None
    starred: bool | None = None
    is_noted: bool | None = None


@dataclasses.dataclass(frozen=True)
class Facets:
    """The values that occur, newest or most used first."""

    models: tuple[str, ...]
    days: tuple[str, ...]
    notebooks: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Spending:
    """Credits of one day, model, notebook, person and project; `saved` is what reuse did not cost. Simulated credits are counted apart."""

    day: str
    model: str
    notebook: str | None
    simulated: bool
    jobs: int
    credits: float
    saved: float
    person: str | None = None
    project: str | None = None


# Limits that a ledger keeps ------------------------------------------------------------------------

EACH = EACH_NAME
"""As the person or project of a limit: every one of them has it for themselves."""


@dataclasses.dataclass(frozen=True)
class SpendingLimit:
    """At most so many credits a day, a month or ever (`per`), of one person or project, of each of them, or (None) of all together."""

    credits: float
    per: str
    person: str | None = None
    project: str | None = None


@dataclasses.dataclass(frozen=True)
class Standing:
    """How a limit stands for one whom it concerns. `spent` counts what may still be charged at the most it may cost."""

    limit: SpendingLimit
    person: str | None
    project: str | None
    spent: float
    unpriced: int
    """Jobs whose price nobody knows: until it is known the limit cannot be kept, so nothing more is sent under it."""
    now: float
    """When that was, by the ledger's clock."""

    @property
    def left(self) -> float:
        """Credits."""
        return max(0.0, self.limit.credits - self.spent)


@dataclasses.dataclass(frozen=True)
class Allowance:
    """How fast the service may be asked in the name of an account; None: as fast as you like. Pauses are seconds from now."""

    calls_a_minute: float | None = None
    creates_at_once: int | None = None
    no_create_for: float = 0.0
    no_look_for: float = 0.0


@dataclasses.dataclass(frozen=True)
class Member:
    """Who works with this ledger, with which version of the package, and when they last bought or checked something (epoch seconds)."""

    person: str
    version: str
    at: float


class LedgerAway(ConfigurationError):  # noqa: N818 - a state more than an error
    """A store that has answered before cannot be reached for now: what became of the call is known when it is done again, not before."""


# Accounts ----------------------------------------------------------------------------------------
#
# They are told apart by a fingerprint of host and key, so a new key looks like another account. Nobody but the person can say whether
# it is. So the first time it matters, that is before something is bought again that another account at the same host has, the question
# is asked; the answer is kept in the ledger, and a key never is.

SAME, NEW = "same", "new"
NAMED = "name:"


class AccountNotKnown(ConfigurationError):  # noqa: N818 - it is a question more than an error
    """A key that nobody has said anything about would buy again what another account at this host has."""


@dataclasses.dataclass(frozen=True)
class Account:
    """One account at a host, as the ledger tells them apart. `name` is the fingerprint, or the name it was given; never a key."""

    name: str
    jobs: int
    credits: float
    last_at: float
    """When its last job began, in epoch seconds."""


def shown(account: str) -> str:
    """The account as a person reads it."""
    return account.removeprefix(NAMED) if account.startswith(NAMED) else account[:8]


# The parts of a store ----------------------------------------------------------------------------


class Browsing(Protocol):
    """Questions of someone who looks around. All of them read; none needs a key, a runner or a network."""

    def page(self, wanted: Wanted, limit: int, offset: int = 0) -> list[Record]:
        """At most `limit` of the wanted jobs, newest first, after leaving out the first `offset`."""

    def facets(self) -> Facets:
        """What the jobs can be filtered by."""

    def prompts(self, text: str = "", limit: int = 50) -> tuple[str, ...]:
        """Prompts used before that hold `text`, each once, newest first."""

    def highest_take(self, account: str, request: VideoRequest) -> int:
        """The highest take of this request, whatever became of it; 0 when none is known."""

    def newest_of(self, account: str, hashes: Iterable[str]) -> dict[tuple[str, int], Record]:
        """By (canonical hash, take): the row that stands for it, else the newest that ended without a video. For many at once."""

    def last_reference(self, account: str, addresses: Iterable[str]) -> str | None:
        """Which of these references was the newest to be sent, or to be about to; None where none of them ever was."""

    def with_keys(self, keys: Iterable[str]) -> dict[str, Record]:
        """The rows with these keys, by key."""

    def others_with_file(self, key: str, name: str) -> bool:
        """Whether another job than this has the file of this name, and has not been forgotten."""

    def credits_since(self, moment: float, simulated: bool) -> float:
        """Credits charged for jobs begun at or after `moment`, simulated ones or real ones."""

    def spending(self) -> list[Spending]:
        """Credits charged and saved, by day (local time), model, notebook, person and project; newest day first."""


class Experience(Protocol):
    """What earlier jobs teach of the next ones."""

    def rates(self, base_url: str, requests: Iterable[VideoRequest]) -> list[float | None]:
        """For each, the credits a second that such requests were charged last, or None."""

    def highest_rates(self, base_url: str, requests: Iterable[VideoRequest]) -> list[Seen]:
        """For each, the most that such requests, and such or dearer ones, were charged a second."""

    def lives(self, base_url: str, requests: Iterable[VideoRequest]) -> list[list[float]]:
        """For each, the seconds from acceptance to end of the newest finished jobs like it."""


class Accounts(Protocol):
    """Whose is what the ledger has."""

    def account_of(self, fingerprint: str) -> str:
        """The account that this fingerprint was said to be; itself where nothing was said."""

    def at(self, base_url: str) -> list[Account]:
        """Every account that has jobs at this host, the one used last first."""

    def check_known(self, base_url: str, account: str, wanted: Iterable[tuple[str, int]]) -> None:
        """Raises AccountNotKnown if one of these (hash, take) would be bought again by an account nobody has said anything about."""

    def check_unfinished(self, base_url: str, account: str) -> None:
        """Raises AccountNotKnown if another account at this host has unfinished jobs that may be this one's."""

    def answer(self, account: str, same_as: str, at: float) -> None:
        """Keep what was said of `account`: that it is `same_as`, which then has all its jobs, or that it is one of its own."""


class Limits(Protocol):
    """How much whoever shares this ledger may spend. Simulated credits are counted apart, under the same limits."""

    def all(self) -> list[SpendingLimit]:
        """The limits that are set."""

    def set(self, limit: SpendingLimit) -> None:
        """Have this limit from now on, in place of one of the same period, person and project."""

    def remove(self, limit: SpendingLimit) -> bool:
        """Have no such limit any more, whatever its credits; False where there was none."""

    def standings(self, simulated: bool) -> list[Standing]:
        """How every limit stands; those of each person or project once for each who has spent anything under it."""

    def of(self, person: str | None, project: str | None, simulated: bool) -> list[Standing]:
        """How those limits stand that this person is under, working for this project."""

    def never_sent(self) -> list[Record]:
        """Intentions that count, of which nothing has left: where their process is dead, they may be given back."""


class Pace(Protocol):
    """How fast the service may be asked in the name of an account, by all sessions together."""

    def of(self, account: str, owner: str) -> Allowance:
        """What is allowed just now, without the pauses that this owner was asked for itself."""

    def allow_calls(self, account: str, calls_a_minute: float | None) -> None:
        """At most so many calls a minute from now on; None: as many as you like."""

    def allow_creates(self, account: str, creates_at_once: int | None) -> None:
        """At most so many creates in the air at once from now on; None: as many as you like."""

    def refused(self, account: str, owner: str, seconds: float, is_create: bool) -> None:
        """The service has asked this owner for a pause of so many seconds."""

    def take(self, account: str, wanted: int) -> tuple[int, float]:
        """(how many calls may go out now, at most `wanted`; else 0, and in how many seconds the next one may)."""

    def take_off(self, key: str, account: str, at: float, longest: float) -> bool:
        """Mark this job as sent at `at`, if so few others of the account are in the air that one more may be.

        A create that has been there for `longest` seconds was lost with its process.
        """


class Members(Protocol):
    """Who works with this ledger."""

    def seen(self, person: str, version: str) -> None:
        """This person has worked with this version just now."""

    def all(self) -> list[Member]:
        """Everybody who has, the newest first."""


class Votes(Protocol):
    """Blind comparisons of two clips."""

    def add(self, votes: Iterable[Vote]) -> int:
        """Keep these votes, all or none; how many were new. An id that is known, or was taken back, changes nothing."""

    def withdraw(self, vote_id: str) -> bool:
        """Delete a vote for good; False where there is none with this id."""

    def withdraw_rater(self, rater: str, keys: Iterable[str]) -> int:
        """Delete for good all that this rater said of these jobs' clips; how many answers that were. Their pages are closed."""

    def among(self, keys: Iterable[str]) -> list[Vote]:
        """The votes that compare two of the jobs with these keys and may count, oldest first."""

    def controls(self, keys: Iterable[str]) -> list[Vote]:
        """The answers to training and gold pairs of the clips of these jobs, oldest first."""

    def of_ballot(self, ballot: str) -> list[Vote]:
        """All that came back from this page, oldest first."""


class Studies(Protocol):
    """What a study keeps beside its votes."""

    def signing_secret(self) -> bytes:
        """What signs the pages of this ledger."""

    def salt(self, keys: Iterable[str]) -> bytes:
        """What hides the raters of the study that these jobs belong to; the same for more clips of it."""

    def issue(self, ballot: str, issued: Issued, at: float) -> None:
        """Remember a page that is given out."""

    def issued(self, ballot: str) -> Issued | None:
        """The page with this id, if this ledger has given it out and its rater has not withdrawn."""

    def is_withdrawn(self, ballot: str) -> bool:
        """Whether the rater of this page has withdrawn."""

    def raters(self) -> set[str]:
        """All names that votes or pages have."""

    def note_left_out(self, ballot: str, key: str, answers: Mapping[str, int]) -> None:
        """Remember how many answers of a page were left out, by reason, if it is more than was noted before."""

    def left_out(self, keys: Iterable[str]) -> dict[str, int]:
        """How many answers on these jobs' clips were left out, by reason."""


class Measurements(Protocol):
    """What functions said of files."""

    def known(self, name: str, version: str, source: str, subjects: Iterable[str]) -> dict[str, dict[str, float]]:
        """By sha256 of the file, the numbers that the measure of this name, version and source hash gave it, by key."""

    def keep(self, name: str, version: str, source: str, found: Mapping[str, Mapping[str, float]]) -> None:
        """Remember these, all or none; what was known of them before is replaced."""


class Registrations(Protocol):
    """Plans of studies, said before their votes. None is ever changed or deleted."""

    def add(self, requests: Collection[str], write: Callable[[Sequence[str], int], str]) -> str:
        """Keep `write(texts, votes)` for good and return it; in one transaction with what it is told.

        That is all texts so far, oldest first, and how many votes compare two clips of these requests (canonical hashes). `write` may
        raise: then nothing is kept.
        """

    def texts(self) -> list[str]:
        """All that were ever registered, oldest first."""


class Races(Protocol):
    """Races: what their looks have decided, and what they were charged."""

    def begin(self, race: str, design: Mapping[str, Any], at: float) -> int:
        """The number of the newest job there was when this race began: all later ones are its own. The first beginning counts."""

    def decide(self, race: str, number: int, found: Mapping[str, Any], at: float) -> dict[str, Any]:
        """What round `number` (from 1) has decided: this, or what was written before."""

    def rounds(self, race: str) -> list[dict[str, Any]]:
        """What its rounds have decided, in order."""

    def charges(self, race: str, account: str, hashes: Iterable[str]) -> list[Charge]:
        """Every job of these requests since the race began, all tries: what it cost. Empty before it has begun."""


class Presence(Protocol):
    """Which runners are alive. What is asked here may be asked from any thread, and costs next to nothing."""

    @property
    def beat_seconds(self) -> float | None:
        """How often a runner that has something to do must say that it lives; None: never."""

    def beat(self, owner: str) -> None:
        """Say that this one lives."""

    def hang_up_if_silent(self) -> None:
        """Break a call of the store that has had no answer for long; from any thread."""

    def leave(self, owner: str) -> None:
        """Say that this one has ended, and has nothing in the air."""

    def is_alive(self, owner: str | None) -> bool | None:
        """Whether the owner's create may still be in the air; None where nobody can tell (yet)."""

    def is_at_work(self, owner: str | None) -> bool:
        """Whether the owner surely goes on. Where nobody can tell, it does not."""


class Store(Protocol):
    """All of it: what was intended, sent and answered, and by these twelve parts what can be asked of it."""

    @property
    def presence(self) -> Presence:
        """Which runners are alive."""

    @property
    def browsing(self) -> Browsing:
        """Looking around."""

    @property
    def experience(self) -> Experience:
        """What such requests cost and how long they took."""

    @property
    def accounts(self) -> Accounts:
        """Whose is what."""

    @property
    def limits(self) -> Limits:
        """How much may be spent."""

    @property
    def pace(self) -> Pace:
        """How fast the service may be asked."""

    @property
    def members(self) -> Members:
        """Who works with it."""

    @property
    def votes(self) -> Votes:
        """Blind comparisons."""

    @property
    def studies(self) -> Studies:
        """Pages, secrets, and what was left out."""

    @property
    def measurements(self) -> Measurements:
        """What was measured of clips."""

    @property
    def registrations(self) -> Registrations:
        """Plans of studies."""

    @property
    def races(self) -> Races:
        """What races decided and cost."""

    # What a runner writes

    def claim(self, record: Record, fresh: bool, before_insert: Callable[[], None]) -> tuple[Record, bool]:
        """(the row that stands for this intention, whether it is new), decided and committed in one transaction.

        At most one row that may have been paid for stands for an account, request and take, also when several processes claim at once.
        `fresh` takes the next free take instead of the one asked for. `before_insert` may raise to refuse a new row. The row gets its `day`
        by the ledger's clock. Raises BudgetExceeded where a new row could bring a limit of the ledger above what it allows, or where nobody
        knows what it may cost (`reserved`): of claims under limits each sees all that were committed before, whoever made them.
        """

    def adopt(self, record: Record) -> Record:
        """The row for a generation known only by its request id (`attach` of an id from elsewhere).

        That is the row with this id, else an `unknown` row that asked for the same, else a new one.
        """

    def save(self, key: str, changes: Mapping[str, Any]) -> Record | None:
        """Write some columns of one row. A verdict of the service (succeeded, failed, cancelled) is never taken
        back; a later one replaces it until there is a clip.

        One that was given up and is taken up again by the last write before its create is held against the limits anew: BudgetExceeded.
        If the row was lost it is written whole, from what this process knows of it, and returned. Raises ConfigurationError where
        nothing is known of it, or where its place was taken before anything was paid.
        """

    def revise(self, key: str, decide: Callable[[Record], Mapping[str, Any]]) -> Record:
        """The row after `decide(row)` changed it, read and written in one transaction: nobody writes in between."""

    def note_reuse(
        self,
        key: str,
        at: float,
        credits_saved: float | None,
        notebook: str | None,
        person: str | None = None,
        project: str | None = None,
    ) -> None:
        """Remember that a run of a cell, by this person for this project, cost nothing because of this row."""

    # What it reads for that

    def find(self, key_or_request_id: str) -> Record | None:
        """The row with this key or request id, the newest if several."""

    def occupying(self, account: str, request: VideoRequest, take: int) -> Record | None:
        """The row that would be reused for this request and take, if there is one."""

    def unfinished(self, account: str) -> list[Record]:
        """Rows that still need following or fetching, oldest first."""

    def has_unfinished(self) -> bool:
        """Whether any account has rows that still need following or fetching."""

    def jobs(self, status: str | None = None, limit: int = 50) -> list[Record]:
        """The newest rows first, at most `limit`, perhaps of one status only."""

    def lives(self, base_url: str, request: VideoRequest, limit: int = 40) -> list[float]:
        """Seconds from acceptance to end of the newest finished jobs of the same model, duration and resolution.

        Only of those that were looked at until they ended (see `durations`): what a closed notebook slept through is no life.
        """

    # The store as such

    @property
    def path(self) -> Path | LedgerAddress:
        """Where it lies, for messages."""

    @property
    def is_lost(self) -> bool:
        """Whether what was open is gone or exchanged. May be asked from any thread, and costs next to nothing."""

    def mend(self) -> None:
        """Write again what this process knows, if the store is gone or exchanged; else nothing."""

    def together(self) -> AbstractContextManager[None]:
        """All calls inside are one transaction and one sync. If leaving it raises, none of them happened."""

    def unite_spellings(self, base_url: str, account: str, account_at: Callable[[str], str]) -> int:
        """Take over what older versions wrote for the same service under another spelling of its address; how many rows.

        `account_at(spelling)` is what this account was called there. Rows of other accounts stay as they are until their key is used.
        """

    def check(self) -> str:
        """`ok`, or what is wrong with what is stored."""

    def close(self) -> None:
        """Close it; the next call opens it again."""
