"""What was done otherwise than registered: one line each, nothing that is as it was said. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ...errors import one_line
from ...tracking.ledger.vote import Vote
from ..rankings.ranking import Question
from ..rankings.raters import Raters, broken_rules
from ..rankings.rows import listed
from .registration import ESTIMANDS, Plan, Registration, changes, exclusion_words, in_force


def plan_words(registrations: Sequence[Registration]) -> tuple[str, ...]:
    """The plan that counts and its amendments, a line each; () where nothing was registered."""
    counted = in_force(registrations)
    if counted is None:
        return ()
    plan, when = counted.plan, _when(counted)
    estimand = plan.estimand or ESTIMANDS[plan.of].format(plan.compared)
    size = [f"{plan.votes:,} votes on each aspect"] if plan.votes is not None else []
    if plan.raters is not None:
        size.append(f"{_count(plan.raters, 'rater') if isinstance(plan.raters, int) else _names(plan.raters)}")
    stops = f"; stopping: {plan.stopping}" if plan.stopping else ""
    said = (
        f"Registered {when} ({counted.date}, SHA-256 {counted.hash[:12]}…): “{plan.question}”; {estimand}; aspects "
        f"{listed([_quoted(aspect) for aspect in plan.aspects])}{''.join(f'; {one}' for one in size)}{stops}; left out: "
        f"{exclusion_words(plan.exclusion)}."
    )
    later = registrations[registrations.index(counted) + 1 :]
    return said, *(_amendment(one, counted.plan) for one in later)


def of_the_data(
    registrations: Sequence[Registration], votes: Sequence[Vote], requests: Collection[str], takes: int
) -> Iterator[str]:
    """What the votes and the grid are and were not to be."""
    counted = in_force(registrations)
    if counted is None:
        return
    plan, design = counted.plan, counted.design
    here, there = set(requests), set(design.requests)
    if there - here:
        missing = len(there - here)
        yield f"{_count(missing, 'registered request')} of {len(there)} {'is' if missing == 1 else 'are'} not in this grid."
    if here - there:
        yield f"{_count(len(here - there), 'request')} more than the {len(there)} that were registered."
    if design.takes and takes != design.takes:
        yield f"{_count(takes, 'take')} of each where {design.takes} {_were(design.takes)} registered."
    cast: dict[str, int] = {}
    for vote in votes:
        cast[vote.aspect] = cast.get(vote.aspect, 0) + 1
    others = sorted(set(cast) - set(plan.aspects))
    if others:
        yield (
            f"Asked too, though not registered: {listed([_quoted(aspect) for aspect in others])} "
            f"(registered: {listed([_quoted(aspect) for aspect in plan.aspects])})."
        )
    for aspect in plan.aspects:
        if plan.votes is not None and cast.get(aspect, 0) != plan.votes:
            found = cast.get(aspect, 0)
            how = "Stopped (so far) earlier" if found < plan.votes else "Stopped later"
            yield f"{how} on {_quoted(aspect)}: {_count(found, 'vote')} where {plan.votes:,} {_were(plan.votes)} registered."
    yield from _who(plan, sorted({vote.rater for vote in votes if vote.aspect in plan.aspects}))


def of_a_ranking(
    registrations: Sequence[Registration],
    *,
    by: Sequence[str],
    of: Question,
    aspect: str,
    chosen: Collection[str] | None,
    raters: Raters,
) -> Iterator[str]:
    """What a ranking asks and was not to ask. `chosen` are the raters whom its caller named, None without any."""
    counted = in_force(registrations)
    if counted is None:
        return
    plan = counted.plan
    if tuple(by) != plan.by:
        yield f"Ranked by {' and '.join(by) or 'cell'} where {plan.compared} was registered."
    if of != plan.of:
        asked = " and ".join(by) or "cell"
        yield f"Asks {ESTIMANDS[of].format(asked)}, where {ESTIMANDS[plan.of].format(plan.compared)} was registered."
    if aspect not in plan.aspects:
        yield f"About {_quoted(aspect)} where {listed([_quoted(one) for one in plan.aspects])} {_were(len(plan.aspects))} registered."
    if chosen is not None:
        by_rule = left_out(registrations, raters)
        by_hand = sorted({report.rater for report in raters} - set(chosen) - set(by_rule))
        kept = sorted(set(chosen) & set(by_rule))
        if by_hand:
            yield f"Left out by hand, by no registered rule: {_names(by_hand)}."
        if kept:
            yield f"Kept by hand, though the registered rule leaves out: {_names(kept)}."


def left_out(registrations: Sequence[Registration], raters: Raters) -> dict[str, str]:
    """By name, whom the registered rules leave out, and why. Rules that were registered after votes were seen leave nobody out."""
    counted = in_force(registrations)
    if counted is None or not counted.is_before_votes:
        return {}
    found = {report.rater: broken_rules(report, counted.plan.exclusion) for report in raters}
    return {name: why for name, why in found.items() if why}


def votes_of_plan(registrations: Sequence[Registration], aspect: str) -> int | None:
    """How many votes on this aspect were registered before the first one; None where no number was."""
    counted = in_force(registrations)
    is_said = counted is not None and counted.is_before_votes and aspect in counted.plan.aspects
    return counted.plan.votes if counted is not None and is_said else None


def rule_words(registrations: Sequence[Registration]) -> tuple[str, ...]:
    """What is said of the rules of exclusion beside whom they leave out."""
    counted = in_force(registrations)
    late = [one for one in registrations if not one.is_before_votes and one.plan.exclusion]
    rules = {} if counted is None else counted.plan.exclusion
    if counted is not None and counted.is_before_votes and rules:
        return (f"By the rule registered before the first vote, left out is {exclusion_words(rules)}.",)
    if late:
        when = _count(late[0].after_votes, "vote")
        return (f"The rule of exclusion was registered after {when}: it leaves nobody out.",)
    return ()


def _amendment(registration: Registration, counted: Plan) -> str:
    changed = changes(registration.amended or counted, registration.plan)
    return f"Amended {_when(registration)} ({registration.date}, SHA-256 {registration.hash[:12]}…): {'; '.join(changed) or 'nothing changed'}."


def _who(plan: Plan, there: Sequence[str]) -> Iterator[str]:
    if isinstance(plan.raters, int) and len(there) != plan.raters:
        yield f"{_count(len(there), 'rater')} where {plan.raters} {_were(plan.raters)} registered."
    elif isinstance(plan.raters, tuple):
        strangers, absent = sorted(set(there) - set(plan.raters)), sorted(set(plan.raters) - set(there))
        if strangers:
            yield f"Voted without being registered: {_names(strangers)}."
        if absent:
            yield f"Registered, with no vote (so far): {_names(absent)}."


def _when(registration: Registration) -> str:
    return (
        "before the first vote" if registration.is_before_votes else f"after {_count(registration.after_votes, 'vote')}"
    )


def _quoted(aspect: str) -> str:
    return f"“{one_line(aspect, 60)}”"


def _names(raters: Sequence[str]) -> str:
    return listed([one_line(name, 40) for name in raters])


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def summary(registrations: Sequence[Registration]) -> list[Mapping[str, object]]:
    """For a manifest: of each its hash, date, votes seen and whole text, oldest first."""
    return [
        {"sha256": one.hash, "at": one.date, "after_votes": one.after_votes, "amends": one.amends, "text": one.text}
        for one in registrations
    ]
