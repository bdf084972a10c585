"""Limits that all who share a ledger have together: what `seedance_nb.limit` and `%seedance limit` are."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..api.plain_values import whole_number
from ..errors import ConfigurationError, one_line
from ..settings import EACH_NAME, check_limit, check_name
from .ledger.contract import Allowance, SpendingLimit, Standing
from .ledger.periods import IN_WORDS, PERIODS
from .session import Session, default

OFF = "off"
HOW = (
    "%seedance limit 1000 --per day [--person NAME|each] [--project NAME|each] sets one, off instead of a number takes it away;"
    " a period is day, month or ever; %seedance limit 600 calls, or 5 creates, paces this account"
)
UNITS = ("calls", "creates")
_OPTIONS = ("--per", "--person", "--project")


def limit(
    credits: float | str | None = None,  # noqa: A002 - the field's own word
    *,
    per: str | None = None,
    person: str | None = None,
    project: str | None = None,
    calls_a_minute: float | str | None = None,
    creates_at_once: int | str | None = None,
) -> list[Standing]:
    """Set a limit that the ledger itself keeps, for all who share it: at most so many credits a day, a month or ever (`per`).

    Of all together, or of one `person` or `project`; "each" gives each of them that much. `credits="off"` takes that limit away. What cannot
    be priced is not sent under a limit; what was sent and not charged yet counts with the most it may cost, and credits come back only where
    a create was surely not accepted. Days and months end at midnight UTC, by the ledger's clock. Nothing that was sent is stopped.

    `calls_a_minute` and `creates_at_once` are how fast the service is asked in the name of this account by all sessions on this ledger
    together; "off" is as fast as each likes. Returns how all limits of credits stand now, which is all that it does without an argument.
    Raises ConfigurationError.
    """
    session = default()
    for unit, most in (("calls", calls_a_minute), ("creates", creates_at_once)):
        if most is not None:
            set_pace(session, most, unit)
    if credits is None:
        if (per, person, project) != (None, None, None):
            raise ConfigurationError(f"say how many credits, or off: {HOW}")
        return standings(session)
    return set_limit(session, credits, per=per, person=person, project=project)


def standings(session: Session) -> list[Standing]:
    """How all limits stand."""
    simulated = session.settings.uses_simulator
    return session.ask_ledger(lambda ledger: ledger.limits.standings(simulated)) if session.engine.has_ledger else []


def set_limit(
    session: Session, most: float | str, *, per: str | None, person: str | None, project: str | None
) -> list[Standing]:
    """See `limit`."""
    if per not in PERIODS:
        said = "" if per is None else f", not {one_line(repr(per), 40)}"
        raise ConfigurationError(f"say for how long a limit holds{said}: {HOW}; no limit was changed")
    is_off = isinstance(most, str) and most.strip().lower() == OFF
    number = 0.0 if is_off else check_limit("max_credits", most)
    wanted = SpendingLimit(float(number), per, _name("person", person), _name("project", project))
    if not is_off:
        session.ask_ledger(lambda ledger: ledger.limits.set(wanted))
    elif not session.engine.has_ledger or not session.ask_ledger(lambda ledger: ledger.limits.remove(wanted)):
        raise ConfigurationError(
            f"there is no such limit {IN_WORDS[per]}: %seedance limit lists them; none was changed"
        )
    return standings(session)


def set_pace(session: Session, most: float | str, unit: str) -> None:
    """Have all sessions of the account in use make at most so many calls a minute, or so many creates at once. Raises ConfigurationError."""
    is_off = isinstance(most, str) and most.strip().lower() == OFF
    account = session.account
    if unit == "creates":
        creates = None if is_off else whole_number(most)
        if not is_off and (creates is None or creates < 1):
            raise ConfigurationError(
                f"creates at once must be a positive whole number, or off, not {one_line(most, 60)!r}; no limit was changed"
            )
        session.ask_ledger(lambda ledger: ledger.pace.allow_creates(account, creates))
    else:
        calls = None if is_off else check_limit("calls a minute", most)
        session.ask_ledger(lambda ledger: ledger.pace.allow_calls(account, calls))


def allowance_of(session: Session) -> Allowance:
    """How fast the account in use may ask the service."""
    if not session.engine.has_ledger or not session.has_key:
        return Allowance()
    account = session.account
    return session.ask_ledger(lambda ledger: ledger.pace.of(account, ""))


def by_words(session: Session, words: Sequence[str]) -> list[Standing]:
    """The same from what is typed behind `limit`. Raises ConfigurationError for what cannot be meant."""
    if not words:
        return standings(session)
    number: float | str | None = None
    options: dict[str, str] = {}
    unit = words[-1].lower()
    if len(words) == 2 and unit in UNITS and is_amount(words[0]):
        set_pace(session, words[0].replace(",", ""), unit)
        return standings(session)
    rest = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while rest:
        word = rest.pop(0)
        if word in _OPTIONS and rest and word not in options:
            options[word] = rest.pop(0)
        elif number is None and is_amount(word):
            number = word if word.lower() == OFF else float(word.replace(",", ""))
        else:
            raise ConfigurationError(f"limit takes no {one_line(repr(word), 40)}: {HOW}; no limit was changed")
    if number is None:
        raise ConfigurationError(f"say how many credits, or off: {HOW}; no limit was changed")
    per, person, project = (options.get(name) for name in _OPTIONS)
    return set_limit(session, number, per=per, person=person, project=project)


def is_amount(word: str) -> bool:
    """Whether this is a number of credits, or `off`."""
    try:
        return word.lower() == OFF or math.isfinite(float(word.replace(",", "")))
    except ValueError:
        return False


def _name(what: str, name: str | None) -> str | None:
    if name is None:
        return None
    return EACH_NAME if isinstance(name, str) and name.strip().lower() == EACH_NAME else check_name(what, name)
