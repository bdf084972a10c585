"""Is what a team shares in place? The check-up of one session, and then ledger, bucket, names, limits and versions. Shows no secret."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from .._version import __version__
from ..errors import ConfigurationError
from .checkup import Finding, check_up
from .ledger.spending_limits import in_words
from .limiting import allowance_of
from .session import Session

SHARED_LOGINS = ("root", "jovyan", "ubuntu", "user", "admin", "nobody", "runner")
"""Names that many people have in their containers at once."""


def check_up_team(session: Session) -> Iterator[Finding]:
    """All findings, one by one."""
    yield from check_up(session)
    yield _person(session)
    yield _project(session)
    yield _shares_ledger(session)
    if session.settings.shared_clips is None:
        cure = "set SEEDANCE_CLIPS to a bucket (s3://bucket/clips), or members do not see each other's clips"
        yield Finding(False, "clips", "lie in a folder of this machine", cure)
    try:
        session.ask_ledger(lambda ledger: ledger.members.seen(session.settings.person or "", __version__))
    except ConfigurationError as error:
        yield Finding(False, "writing", "the ledger cannot be written", str(error))
        return
    yield Finding(True, "writing", "the ledger can be written")
    yield _shared_limits(session)
    yield _members(session)


def _person(session: Session) -> Finding:
    person = session.settings.person
    cure = "set SEEDANCE_PERSON, or sd.configure(person=…): limits and costs of each person go by it"
    if person is None:
        return Finding(False, "person", "nobody says who this is", cure)
    if person in SHARED_LOGINS:
        return Finding(False, "person", f"{person}, which many may be called", cure)
    return Finding(True, "person", person)


def _project(session: Session) -> Finding:
    project = session.settings.project
    if project is None:
        return Finding(True, "project", "none said; SEEDANCE_PROJECT, or project under [tool.seedance_nb], names one")
    return Finding(True, "project", project)


def _shares_ledger(session: Session) -> Finding:
    settings = session.settings
    if isinstance(settings.ledger, Path) and settings.ledger.parent == settings.home:
        cure = "set SEEDANCE_LEDGER to the one that all members have, or the same is bought by each of them"
        return Finding(False, "shared", "the ledger lies in this person's own folder", cure)
    return Finding(True, "shared", f"the ledger is {settings.ledger}")


def _shared_limits(session: Session) -> Finding:
    settings = session.settings
    whose = (settings.person, settings.project, settings.uses_simulator)
    standings = session.ask_ledger(lambda ledger: ledger.limits.of(*whose))
    if not standings:
        cure = "%seedance limit 200 --per day --person each sets one for all who share the ledger"
        return Finding(False, "limits", "no limit of the ledger holds here", cure)
    said = [f"{in_words(standing)}, {standing.left:,.6g} left" for standing in standings]
    allowance = allowance_of(session)
    if allowance.calls_a_minute is not None:
        said.append(f"{allowance.calls_a_minute:g} calls a minute")
    if allowance.creates_at_once is not None:
        said.append(f"{allowance.creates_at_once} creates at once")
    return Finding(True, "limits", "; ".join(said))


def _members(session: Session) -> Finding:
    members = session.ask_ledger(lambda ledger: ledger.members.all())
    said = [
        f"{one.person or 'somebody without a name'} {one.version} ({time.strftime('%Y-%m-%d', time.gmtime(one.at))})"
        for one in members
    ]
    others = [one.person for one in members if one.version != __version__]
    cure = "have all members install the same, newest one: pip install -U seedance_nb" if others else ""
    return Finding(not others, "members", ", ".join(said), cure)
