"""Where a race stands and what is next, in plain sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..rankings.race import takes_of_rounds
from ..rankings.rows import chance, listed
from ..rankings.words import count, plural, quoted
from .rounds import Round, Rules
from .standing import Standing

MOST_NAMED = 8


def in_words(standing: Standing) -> tuple[str, ...]:
    """What is known first, then what became of each round, then what to do."""
    end = standing.end
    head = _ended(standing, end) if end is not None else _running(standing)
    return (*head, *map(_round, standing.rounds), *([] if end is not None else _next(standing)))


def standings(standing: Standing) -> list[tuple[str, ...]]:
    """A row for each item, the first in front: what it is, its takes, where it stands, how likely it is above the leader."""
    rows = []
    leader = standing.rounds[-1].leader if standing.rounds else None
    for label in standing.labels:
        raced = [decided for decided in standing.rounds if label in decided.racing]
        last = raced[-1] if raced else None
        out = last is not None and label in last.dropped
        takes = last.takes if last is not None and (out or standing.end is not None) else standing.made.get(label, 0)
        if out and last is not None:
            where = f"out after round {last.number}" + (", no clip" if label in last.without_clips else "")
        elif label == leader:
            where = "winner" if standing.end == "winner" else "in front"
        else:
            where = "racing" if standing.end is None else "tie" if standing.end == "tie" else "not told apart"
        above = last.behind.get(label) if last is not None else None
        order = (
            -(last.number if last is not None and out else len(standing.rounds) + 1),
            label != leader,
            -(above or 0),
        )
        chance_of_it = "" if above is None or label == leader else _percent(above)
        rows.append((order, (quoted(label)[1:-1], str(takes), where, chance_of_it)))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


STANDINGS = ("takes", "stands", "above the leader")


def stopping_words(rules: Rules, max_credits: float) -> str:
    """When a race ends, for its registration."""
    tie = "" if rules.tie is None else f" or who is left ties within {_margin(rules)}"
    return (
        f"a race of two takes of each and a quarter more each round, every clip voted on {rules.showings} times a round, ends when one is left"
        f"{tie} ({100 * rules.error:g} % of races of two equals may name one, all looks together), or {max_credits:,.6g} credits are spent"
    )


def methods_words(standing: Standing, measured_by: str) -> tuple[str, ...]:
    """By which rule the takes were bought and what came of it, for a paper."""
    rules = standing.rules
    takes = [decided.takes for decided in standing.rounds] or [standing.takes or 0]
    judged = (
        f"by {measured_by} in place of votes, the more the better"
        if rules.measure is not None
        else f"by votes on “{rules.aspect}”"
    )
    ties = (
        "" if rules.tie is None else f" It was to end as a tie among those who are surely within {_within(standing)}."
    )
    said = [
        (
            f"Takes were bought in a race by {' and '.join(rules.by) or 'cell'} of {len(standing.labels)}, decided {judged}: "
            f"{_numbers(takes)} takes of each in {count(len(takes), 'round')}, for at most {standing.max_credits:,.6g} credits in all. After each "
            "round those dropped out whose chance to be above the leader was below a threshold that is calibrated so that all looks "
            f"together name one of two equals in at most {100 * rules.error:g} of 100 races.{ties}"
        )
    ]
    gone = [f"{_named(decided.dropped)} after {decided.takes} takes" for decided in standing.rounds if decided.dropped]
    if gone:
        said.append(f"Dropped out: {'; '.join(gone)}.")
    lacking = [f"{_named(decided.without_clips)}" for decided in standing.rounds if decided.without_clips]
    if lacking:
        said.append(f"No clip could be made of {listed(lacking)}.")
    if standing.begun_with != measured_by:
        said.append(f"The race was begun with another measure: {standing.begun_with or 'none'}.")
    if standing.end is None:
        said.append("The race had not ended when this was written.")
    else:
        said.append(f"It ended so: {next(iter(_ended(standing, standing.end)))}")
    said.append("As a race ends when it looks clear, it tends to show its items further apart than they are.")
    return tuple(said)


def _numbers(takes: Sequence[int]) -> str:
    return listed([str(number) for number in takes])


def _running(standing: Standing) -> Iterator[str]:
    by = " and ".join(standing.rules.by) or "cell"
    money = f"{standing.spent:,.6g} of at most {standing.max_credits:,.6g} credits spent"
    if not standing.rounds:
        takes = takes_of_rounds()
        yield f"A race of {len(standing.labels)} {plural(by)}: {takes[0]} takes of each first; {money}{_paid_for(standing)}."
        yield f"Whoever is surely behind then gets no more takes, the others a quarter more each round: {', '.join(map(str, takes))}."
        return
    leader = standing.rounds[-1].leader
    yield f"Round {standing.number}: {_named(standing.racing)} race on with {standing.takes} takes each, {quoted(leader)} in front; {money}."


def _ended(standing: Standing, end: str) -> Iterator[str]:
    last = standing.rounds[-1]
    money = f"{standing.spent:,.6g} credits, {count(last.takes, 'take')} each in the last round"
    wrong = f"at most {100 * standing.rules.error:g} of 100 races of equals name one"
    if end == "winner":
        yield f"{quoted(last.leader)} wins, after {count(last.number, 'round')} and {money} ({wrong})."
    elif end == "alone":
        yield f"Only {quoted(last.leader)} is left, as no clip of the others could be made: nothing was compared, so nobody wins."
    elif end == "tie":
        yield f"{_named(last.left)} tie within {_within(standing)}, after {count(last.number, 'round')} and {money}."
    else:
        rivals = [label for label in last.left if label != last.leader]
        closest = max(rivals, key=lambda label: last.behind[label])
        yield (
            f"Undecided for this money: {quoted(last.leader)} leads, but {_named(rivals)} may be better"
            f" ({f'{quoted(closest)} ' if len(rivals) > 1 else ''}with a chance of {_percent(last.behind[closest])}), after {money}."
        )
        if standing.takes is None:
            yield f"A race ends with {last.takes} takes each: what they do not tell apart is apart by little."
        else:
            yield (
                f"The next round, {standing.takes} takes each, may cost {standing.most:,.6g} credits, and {standing.money_left:,.6g} of"
                f" {standing.max_credits:,.6g} are left: the same race with a higher max_credits goes on."
            )


def _margin(rules: Rules) -> str:
    assert rules.tie is not None
    if rules.measure is not None:
        return f"{rules.tie:g}"
    most = round(100 * chance(rules.tie))
    return f"{most}:{100 - most}"


def _within(standing: Standing) -> str:
    margin = _margin(standing.rules)
    if standing.rules.measure is not None:
        return margin
    most = margin.partition(":")[0]
    return f"{margin} (none of them is preferred to another more than {most} times in 100)"


def _round(decided: Round) -> str:
    asked = f", {count(decided.votes, 'vote')} in all" if decided.votes else ""
    said = f"Round {decided.number} ({decided.takes} takes each{asked}): "
    gone = [label for label in decided.dropped if label not in decided.without_clips]
    parts = []
    if gone:
        likely = max(decided.behind[label] for label in gone)
        parts.append(
            f"{_named(gone)} dropped out (above {quoted(decided.leader)} with a chance of {_percent(likely)} at most)"
        )
    if decided.without_clips:
        parts.append(f"of {_named(decided.without_clips)} no clip could be made")
    return said + ("; ".join(parts) or f"nobody dropped out, {quoted(decided.leader)} led") + "."


def _next(standing: Standing) -> Iterator[str]:
    if standing.trouble is not None:
        yield f"{standing.trouble}."
    if standing.begun_with != standing.measured_by:
        yield (
            f"This race was begun with {standing.begun_with or 'votes'}, and the measure is {standing.measured_by} now: what was decided stands. A function"
            " of another name begins a race of its own."
        )
    if standing.to_buy:
        price = f": {standing.expected}" if standing.expected else ""
        most = f"; at most {standing.most:,.6g}, the highest price known" if standing.most is not None else ""
        if standing.lacks_money:
            yield f"This round costs more than the {standing.money_left:,.6g} credits that are left{price}{most}. Raise max_credits."
        else:
            yield f"Next: race.submit() sends {count(standing.to_buy, 'clip')}{price}{most}."
        return
    if standing.running:
        yield f"Next: {count(standing.running, 'clip')} of this round {'is' if standing.running == 1 else 'are'} not here yet; race.submit().result() follows them and waits."
        return
    if not any(standing.made.values()):
        yield "None of this round's clips could be made: race.grid.jobs says why, race.grid.retry(max_credits=…) tries again."
        return
    if standing.lost:
        yield f"{count(standing.lost, 'clip')} of this round could not be made; it is decided without."
    if standing.votes_missing:
        yield f"Next: race.vote() asks for {count(standing.votes_missing, 'more vote')}, then race.step() decides."
    elif standing.lacks_raters:
        yield "Next: votes of a second rater: race.vote(rater=…); or a race with of='raters' asks about this rater alone."
    elif standing.is_unmeasured:
        yield (
            "The measure gives no finite numbers for two clips or more of each, so it cannot decide this round: mend it, and make the race again"
            " with it; what was bought costs nothing."
        )
    else:
        yield "Next: race.step() decides this round."


def _paid_for(standing: Standing) -> str:
    """How far the money goes."""
    if not standing.price or not standing.takes:
        return ""
    a_take = standing.price * standing.clips / standing.takes
    rounds = [takes for takes in takes_of_rounds() if takes * a_take <= standing.max_credits]
    if not rounds or len(rounds) == len(takes_of_rounds()):
        return ""
    return f", enough for {count(len(rounds), 'round')} ({rounds[-1]} takes each) if nobody drops out"


def _named(labels: Sequence[str]) -> str:
    shown = [quoted(label) for label in labels[:MOST_NAMED]]
    return listed(shown if len(labels) <= MOST_NAMED else [*shown, f"{len(labels) - MOST_NAMED} more"])


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share >= 0.0001 else "less than 0.01 %"
