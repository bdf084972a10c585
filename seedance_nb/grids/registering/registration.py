"""A plan that was registered before the votes: its canonical text, the hash of that, and what it says. Pure.

The text is JSON with sorted keys and no blanks, as UTF-8; `hash` is its SHA-256. Date, number of votes and the hash of what is amended
stand in the text, so that none of them can be changed without changing the hash.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..._version import __version__
from ...errors import InvalidRequest, one_line
from ...showing import Shown
from ..rankings.ranking import QUESTIONS, Question
from ..rankings.raters import RULES, rule_in_words
from ..rankings.rows import listed

FORMAT, VERSION = "seedance_nb registration", 1
LONGEST = 2000
"""Characters of a text of one's own."""
ESTIMANDS: Mapping[Question, str] = {
    "levels": "how strong each {} is, clips and raters being draws",
    "raters": "how strong each {} is for these raters, clips being draws",
    "clips": "how these very clips stand with these raters, by {}",
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is registered. `by` are the axes that are compared, () the cells; the rest is as in `Grid.register`."""

    question: str
    by: tuple[str, ...]
    of: Question
    aspects: tuple[str, ...]
    raters: int | tuple[str, ...] | None
    votes: int | None
    stopping: str
    exclusion: Mapping[str, float]
    estimand: str
    notes: str

    @property
    def compared(self) -> str:
        """What is compared, in the singular."""
        return " and ".join(self.by) if self.by else "cell"


@dataclasses.dataclass(frozen=True)
class Design:
    """The grid as it was laid out: values on each axis, takes of each request (0: as many as a race buys), cells, and by its canonical hash
    each request.
    """

    axes: Mapping[str, int]
    takes: int
    cells: int
    requests: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Registration(Shown):
    """What `grid.register(…)` has put into the ledger, for good. `str()` gives its plain words."""

    text: str
    """The canonical JSON."""
    plan: Plan
    design: Design
    at: float
    """When, in epoch seconds."""
    after_votes: int
    """Votes on these clips that the ledger had by then."""
    amends: str | None
    """The hash of the registration that this one amends; None for a first one."""
    amended: Plan | None = None
    """What that one said."""

    @property
    def hash(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hash_of(self.text)

    @property
    def date(self) -> str:
        """When, as ISO 8601 in UTC, to the second."""
        return dt.datetime.fromtimestamp(self.at, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

    @property
    def is_before_votes(self) -> bool:
        """Whether nobody had seen a vote."""
        return self.after_votes == 0

    @property
    def words(self) -> tuple[str, ...]:
        """What was registered, in plain sentences."""
        return tuple(_words(self))

    def __str__(self) -> str:
        return "\n".join(self.words)


def hash_of(text: str) -> str:
    """What a registration is known by."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def checked_plan(
    *,
    question: object,
    by: Sequence[str],
    of: object,
    aspects: Sequence[str],
    raters: object,
    votes: object,
    stopping: object,
    exclusion: object,
    estimand: object,
    notes: object,
) -> Plan:
    """The plan, if it can be meant. Raises InvalidRequest, naming the cure."""
    said = _text("question", question)
    if not said:
        raise InvalidRequest(
            "question must say what is to be found out, such as 'does “cinematic” make better videos?'"
        )
    if of not in QUESTIONS:
        raise InvalidRequest(f"of must be one of {', '.join(map(repr, QUESTIONS))}, not {one_line(of, 40)!r}")
    if len(set(aspects)) < len(aspects):
        raise InvalidRequest("aspects must be different questions")
    return Plan(
        question=said,
        by=tuple(by),
        of=of,
        aspects=tuple(aspects),
        raters=_raters(raters),
        votes=None if votes is None else _whole("votes", votes),
        stopping=_text("stopping", stopping),
        exclusion=_rules(exclusion),
        estimand=_text("estimand", estimand),
        notes=_text("notes", notes),
    )


def write(plan: Plan, design: Design, at: float, after_votes: int, amends: str | None) -> str:
    """The canonical text of a registration."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "package": f"seedance_nb {__version__}",
        "at": round(at, 3),
        "after_votes": after_votes,
        "amends": amends,
        "plan": dataclasses.asdict(plan),
        "design": dataclasses.asdict(design),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8")  # half a character has no bytes, and so no hash


def read(text: str) -> Registration:
    """The registration that this text is. Raises InvalidRequest for a text that is none."""
    try:
        found: Any = json.loads(text)
        if found["format"] != FORMAT or found["version"] != VERSION:
            raise InvalidRequest("a registration of a newer version of seedance_nb: upgrade seedance_nb to read it")
        plan, design = found["plan"], found["design"]
        raters = plan["raters"]
        return Registration(
            text=text,
            plan=Plan(
                **plan
                | {"by": tuple(plan["by"]), "aspects": tuple(plan["aspects"])}
                | {"raters": tuple(raters) if isinstance(raters, list) else raters}
            ),
            design=Design(**design | {"requests": tuple(design["requests"])}),
            at=float(found["at"]),
            after_votes=int(found["after_votes"]),
            amends=found["amends"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(f"no registration that can be read ({type(error).__name__})") from error


def about(texts: Iterable[str], requests: Collection[str]) -> list[Registration]:
    """Those that were registered for these requests, oldest first, each with what it amends.

    A grid that was extended, or of which a part is left out, is the same study as long as it shares half of the smaller's requests.
    """
    here = set(requests)
    found: list[Registration] = []
    for text in texts:
        registration = read(text)
        there = set(registration.design.requests)
        if here and there and 2 * len(here & there) >= min(len(here), len(there)):
            before = next((one for one in found if one.hash == registration.amends), None)
            found.append(dataclasses.replace(registration, amended=None if before is None else before.plan))
    return found


def in_force(registrations: Sequence[Registration]) -> Registration | None:
    """What counts: the last that was registered before any vote, else the first of all. None where nothing is registered."""
    before = [registration for registration in registrations if registration.is_before_votes]
    return before[-1] if before else registrations[0] if registrations else None


def exclusion_words(rules: Mapping[str, float]) -> str:
    """Who is left out, in words."""
    said = [rule_in_words(name, least) for name, least in rules.items()]
    return f"who has {' or '.join(said)}" if said else "nobody"


def changes(old: Plan, new: Plan) -> list[str]:
    """What an amendment has changed, in words."""
    said, was = dict(_facts(new)), dict(_facts(old))
    return [
        f"{name}: {was.get(name, 'not said')} → {said.get(name, 'not said')}"
        for name in dict.fromkeys([*was, *said])
        if was.get(name) != said.get(name)
    ]


def _words(registration: Registration) -> Iterator[str]:
    what = "Registered" if registration.amends is None else f"Amendment to {registration.amends[:12]}, registered"
    when = (
        "before the first vote" if registration.is_before_votes else f"after {_count(registration.after_votes, 'vote')}"
    )
    yield f"{what} {when}, {registration.date}, SHA-256 {registration.hash[:12]}…"
    if not registration.is_before_votes:
        yield "Votes had been seen: of what they may have suggested this plan is no test, and its rules leave nobody out."
    if registration.amended is not None:
        changed = changes(registration.amended, registration.plan)
        yield f"Changed: {'; '.join(changed)}." if changed else "It says the same again."
    for name, said in _facts(registration.plan):
        yield f"{name.capitalize()}: {said}"
    design = registration.design
    axes = ", ".join(f"{_count(count, 'value')} of {name}" for name, count in design.axes.items())
    takes = f"{_count(design.takes, 'take')} of each" if design.takes else "as many takes of each as the race buys"
    yield f"Grid: {_count(design.cells, 'cell')}{f' ({axes})' if axes else ''}, {takes}"


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "question", plan.question
    yield "estimand", plan.estimand or ESTIMANDS[plan.of].format(plan.compared)
    if plan.estimand:
        yield "ranking", f"by {plan.compared}, of {plan.of}"
    yield "aspects", listed([f"“{aspect}”" for aspect in plan.aspects])
    if plan.raters is not None:
        named = isinstance(plan.raters, tuple)
        yield "raters", listed(list(plan.raters)) if isinstance(plan.raters, tuple) and named else str(plan.raters)
    if plan.votes is not None:
        yield "votes", f"{plan.votes:,} on each aspect"
    if plan.stopping:
        yield "stopping", plan.stopping
    yield "left out", exclusion_words(plan.exclusion)
    if plan.notes:
        yield "notes", plan.notes


def _rules(exclusion: object) -> dict[str, float]:
    if exclusion is None:
        return {}
    known = ", ".join(RULES)
    if not isinstance(exclusion, Mapping):
        raise InvalidRequest(
            f"exclusion must be rules with their numbers, such as {{'gold': 0.8, 'seconds': 2}}; there are {known}"
        )
    rules = {}
    for name, least in exclusion.items():
        if name not in RULES:
            raise InvalidRequest(f"there is no rule of exclusion {one_line(name, 40)!r}; there are {known}")
        if isinstance(least, bool) or not isinstance(least, int | float) or not 0 < least < 1e9:
            raise InvalidRequest(f"exclusion[{name!r}] must be a number above 0, not {one_line(least, 40)!r}")
        if name in ("gold", "consistency", "side_bias", "likelihood") and least > 1:
            raise InvalidRequest(f"exclusion[{name!r}] is a share from 0 to 1, not {least:g}")
        rules[name] = float(least)
    return {name: rules[name] for name in RULES if name in rules}


def _raters(raters: object) -> int | tuple[str, ...] | None:
    if raters is None:
        return None
    if isinstance(raters, int) and not isinstance(raters, bool):
        return _whole("raters", raters)
    names = (raters,) if isinstance(raters, str) else tuple(raters) if isinstance(raters, Iterable) else ()
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise InvalidRequest(f"raters must be how many, or their names, not {one_line(raters, 40)!r}")
    return tuple(_text("raters", name) for name in dict.fromkeys(names))


def _whole(name: str, number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InvalidRequest(f"{name} must be a whole number from 1 up, not {one_line(number, 40)!r}")
    return number


def _text(name: str, text: object) -> str:
    if not isinstance(text, str):
        raise InvalidRequest(f"{name} must be words, not {one_line(text, 40)!r}")
    if len(text) > LONGEST:
        raise InvalidRequest(f"{name} must be at most {LONGEST:,} characters, not {len(text):,}")
    return " ".join(text.split())


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
