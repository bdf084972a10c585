"""A ranking in plain sentences, for people who do not read log-odds. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..errors import one_line
from .ranking import Difference, Ranking, RaterReport, chance, listed

MOST_NAMED = 6
LONGEST_LABEL = 60


def in_words(ranking: Ranking, other_aspects: Sequence[str] = ()) -> tuple[str, ...]:
    """The result, one or two sentences a string, the most important first."""
    said = [*(_result(ranking) if ranking.is_enough else _too_few(ranking, other_aspects))]
    if ranking.votes:
        said += [*_neither(ranking), *_people(ranking)]
    if ranking.is_enough:
        said += [_luck(ranking), _what_the_intervals_mean(ranking)]
    return tuple(said)


def plural(name: str) -> str:
    """Several of them: "prompt" -> "prompts", "entry" -> "entries": the names of axes are the user's own."""
    shown = name.replace("_", " ")
    if shown.endswith("y") and shown[-2:-1] not in "aeiou":
        return f"{shown[:-1]}ies"
    return f"{shown}es" if shown.endswith(("s", "x", "ch", "sh")) else f"{shown}s"


def count(amount: float, name: str) -> str:
    """A number of them: "1 vote", "1,234 votes"."""
    return f"{amount:,.0f} {name.replace('_', ' ') if round(amount) == 1 else plural(name)}"


def quoted(label: str) -> str:
    """A label inside a sentence."""
    return f"“{one_line(label, LONGEST_LABEL)}”"


# Who wins ---------------------------------------------------------------------------------------------------


def _result(ranking: Ranking) -> Iterator[str]:
    first = ranking.items[0]
    difference, leaders = ranking.differences[0], ranking.leaders
    nearest = [item.label for item in ranking.items[1:] if item.strength == ranking.items[1].strength]
    against = f"{_all_of(nearest)}{', the next,' if len(ranking.items) > 2 else ''}"
    if ranking.winner is not None:
        yield f"{quoted(first.label)} wins: it is preferred to {against} in about {_hundred(difference)}."
    elif len(leaders) > 1:
        yield _level(ranking)
    elif difference.is_practical_tie:
        yield (
            f"{quoted(first.label)} and {_all_of(nearest)} tie for practical purposes: "
            f"the first is preferred in about {_hundred(difference)}."
        )
    else:
        near = [d.worse for d in ranking.differences if d.better == first.label and not d.is_told]
        yield (
            f"No winner: {quoted(first.label)} is ahead, but these votes do not tell it from {_all_of(near)}. "
            f"It is preferred to {against} in about {_hundred(difference)}."
        )
    if ranking.winner is None and len(leaders) > 1:
        if not difference.is_practical_tie:
            yield f"How many more votes would tell {'them' if len(leaders) == 2 else 'any two of them'} apart cannot be told yet."
    else:
        yield from _how_many_more(ranking, difference)
    told = sum(difference.is_told for difference in ranking.differences)
    if len(ranking.items) > 2:
        whole = len(ranking.items) * (len(ranking.items) - 1) // 2 == len(ranking.differences)
        pairs = "pairs" if whole else "pairs looked at (the first with each other, and neighbours)"
        yield f"Told apart: {told} of {len(ranking.differences)} {pairs}.{_other_ties(ranking)}"


def _level(ranking: Ranking) -> str:
    """Where several share the first place: no name may stand before the others, and nothing is said of votes that nobody cast."""
    leaders, difference = ranking.leaders, ranking.differences[0]
    names = _all_of(leaders)
    everybody = len(leaders) == len(ranking.items)
    head = "No winner, all alike so far" if everybody else f"No winner: {names} are level in front"
    ties = difference.is_practical_tie
    if not any(item.wins for item in ranking.items):
        return f"{head}: no vote prefers any of {names}."
    if everybody:
        said = f"{head}: {names} {'tie for practical purposes' if ties else 'are level'}"
    else:
        rest = [item.label for item in ranking.items if item.label not in leaders]
        told = {d.worse for d in ranking.differences if d.better == leaders[0] and d.is_told}
        behind = [label for label in rest if label not in told]
        apart = f", not told from {_all_of(behind)}" if behind else ", told from the others"
        said = f"{head}{apart}{'; they tie for practical purposes' if ties else ''}"
    return f"{said}. Of two of them, each is preferred in about {_hundred(difference)}."


def _hundred(difference: Difference) -> str:
    low, middle, high = (round(100 * chance(odds)) for odds in (difference.low, difference.size, difference.high))
    return f"{middle} of 100 votes that decide (95 % interval {low} to {high})"


def _how_many_more(ranking: Ranking, difference: Difference) -> Iterator[str]:
    if difference.is_told or difference.is_practical_tie:
        return
    if ranking.more_to_tell is None:
        yield "They look so alike that thousands of votes more would hardly tell the first two apart."
    else:
        yield (
            f"About {_rounded(ranking.more_to_tell)} more votes would probably (4 times in 5) tell the first two apart, "
            "if they differ as much as it looks now."
        )


def _rounded(amount: int) -> str:
    """Two figures: more would pretend."""
    if amount < 10:
        return "10"
    size = 10 ** (int(math.log10(amount)) - 1)
    return f"{math.ceil(amount / size) * size:,}"


def _other_ties(ranking: Ranking) -> str:
    ties = [d for d in ranking.differences[1 if ranking.winner is None else 0 :] if d.is_practical_tie]
    if not ties:
        return ""
    names = [f"{quoted(tie.better)} with {quoted(tie.worse)}" for tie in ties[:MOST_NAMED]]
    rest = f", and {len(ties) - MOST_NAMED} pairs more" if len(ties) > MOST_NAMED else ""
    return f" Ties for practical purposes: {', '.join(names)}{rest}."


def _too_few(ranking: Ranking, other_aspects: Sequence[str]) -> Iterator[str]:
    if len(ranking.items) < 2:
        yield f"There is one {ranking.by.replace('_', ' ')} only: nothing to compare."
        return
    if not ranking.used:
        others = f"; there are votes on {listed([quoted(a) for a in other_aspects])}" if other_aspects else ""
        between = f" between different {plural(ranking.by)}" if ranking.votes else ""
        yield f"No votes on {quoted(ranking.aspect)}{between} yet{others}."
    more = "more vote is" if ranking.missing == 1 else "more votes are"
    yield (
        f"Too few votes to rank {len(ranking.items)} {plural(ranking.by)}: {count(ranking.used, 'vote')} between them so far, "
        f"at least {ranking.missing:,} {more} needed. No order is claimed."
    )
    if ranking.used and len(ranking.islands) > 1:
        islands = [listed([quoted(label) for label in island[:MOST_NAMED]]) for island in ranking.islands[:MOST_NAMED]]
        yield f"No votes connect {'; with '.join(islands)}: vote on pairs across them."
    unseen = [quoted(item.label) for item in ranking.items if not item.votes]
    if ranking.used and unseen:
        yield f"No votes yet on {_first_of(unseen)}: nothing is known of {'it' if len(unseen) == 1 else 'them'}."
    lacking = [f"{quoted(item.label)} ({item.votes:.0f})" for item in ranking.items if 0 < item.votes < 10]
    if ranking.used and lacking:
        yield f"Fewer than 10 votes: {_first_of(lacking)}."


def _all_of(labels: Sequence[str]) -> str:
    named = [quoted(label) for label in labels[:MOST_NAMED]]
    return listed([*named, f"{len(labels) - MOST_NAMED} more"] if len(labels) > MOST_NAMED else named)


def _first_of(names: Sequence[str]) -> str:
    rest = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{rest}"


# Ties, raters, luck -----------------------------------------------------------------------------------------


def _neither(ranking: Ranking) -> Iterator[str]:
    ties = sum(item.ties for item in ranking.items) / 2
    if ranking.used:
        yield f"{_share(ties, ranking.used)} of {count(ranking.used, 'vote')} found the two alike or both bad."
    if ranking.both_bad:
        share = max(item.both_bad_share for item in ranking.items)
        worst = [quoted(item.label) for item in ranking.items if share - item.both_bad_share < 1e-9]
        most = f"; {listed(worst)} most often, in {_percent(share)} of {'its' if len(worst) == 1 else 'their'} votes"
        if not share or len(worst) == len(ranking.items) or len(worst) > MOST_NAMED:
            most = ""
        yield f"Both clips were called bad {_times(ranking.both_bad)}{most}."


def _people(ranking: Ranking) -> Iterator[str]:
    raters = ranking.raters
    agreement = ranking.agreement
    if len(raters) == 1:
        yield f"All {count(ranking.votes, 'vote')} are by {_name(raters[0])}: others may see it otherwise."
    elif agreement.equal is None:
        yield f"{len(raters)} raters voted, on no pair in common: how far they agree is not known."
    else:
        alpha = (
            ""
            if agreement.alpha is None
            else f" (Krippendorff's alpha {agreement.alpha:.2f}; 1 is perfect, 0 is chance)"
        )
        yield (
            f"{len(raters)} raters: two who saw the same pair answered alike {_percent(agreement.equal)} of the time, "
            f"over {count(agreement.pairs, 'pair')}{alpha}."
        )
    for rater in raters:
        if rater.has_side_bias:
            side = "left" if rater.left_share > 0.5 else "right"
            chosen = rater.left if side == "left" else rater.decided - rater.left
            yield (
                f"{_name(rater)} chose the {side} clip in {chosen} of {rater.decided} votes that decide: by chance that is rare "
                f"({_p(rater.p_value)}), so the side may have chosen. Sides were tossed, so this blurs the result and favours no one; "
                "raters=[…] ranks without."
            )
    repeats = sum(rater.repeats for rater in raters)
    if repeats:
        same = sum(rater.same for rater in raters)
        each = ", ".join(f"{_name(rater)} {rater.same} of {rater.repeats}" for rater in raters if rater.repeats)
        whose = f" ({each})" if len(raters) > 1 else ""
        yield f"Shown again with sides swapped, {same} of {count(repeats, 'pair')} got the same answer{whose}."
    if ranking.repeats > (ranking.used + ranking.within) / 2:
        yield (
            f"{ranking.repeats:,} of {count(ranking.votes, 'vote')} are on pairs that their rater had judged before, which makes nothing "
            "surer: other raters or more takes would."
        )


def _luck(ranking: Ranking) -> str:
    luck, one, many = ranking.luck, ranking.by.replace("_", " "), plural(ranking.by)
    head = f"{one[:1].upper()}{one[1:]} or luck: "
    if luck.verdict == "no takes":
        return (
            f"{head}not known, as each {one} has one clip in these votes; with takes=2 or more, luck can be measured."
        )
    if luck.verdict == "too few votes":
        return f"{head}not known yet; it takes about 5 votes a clip, and there are {luck.clips} clips."
    if luck.verdict == "too many clips":
        return f"{head}not computed for {luck.clips} clips; rank a part of the grid."
    figures = f"{_times_as(luck.ratio)} (95 % interval {_figure(luck.ratio_low)} to {_figure(luck.ratio_high)})"
    if luck.verdict == "told":
        return (
            f"{head}the difference between {many} is more than the luck of single clips ({_p(luck.p_value)}): "
            f"it is about {figures} the spread between clips of one {one}."
        )
    more = "more takes or more votes would tell" if luck.clips_per_item < 6 else "more votes would tell"
    return (
        f"{head}the difference between {many} cannot be told apart from luck: it is about {figures} the spread between "
        f"clips of one {one}, and new takes might turn the order round; {more}."
    )


def _what_the_intervals_mean(ranking: Ranking) -> str:
    where = "these clips and these raters" if len(ranking.raters) > 1 else "these clips and this rater"
    return (
        f"Bradley-Terry model with ties (Davidson), {count(ranking.used, 'vote')}, {ranking.resamples:,} bootstrap resamples; "
        f"intervals hold for {where}."
    )


def _times(number: int) -> str:
    return "once" if number == 1 else "twice" if number == 2 else f"{number:,} times"


def _times_as(ratio: float) -> str:
    return f"{_figure(ratio)} times"


def _figure(ratio: float) -> str:
    return "more than 20" if ratio > 20 else f"{ratio:.0f}" if ratio >= 9.95 else f"{ratio:.1f}"


def _share(part: float, whole: float) -> str:
    return _percent(part / whole)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _name(rater: RaterReport) -> str:
    return one_line(rater.rater, 40) or "a rater without a name"
