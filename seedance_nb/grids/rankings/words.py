"""A ranking in plain sentences, for people who do not read log-odds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import one_line
from .ranking import MOST_MORE, Comparison, Ranking
from .raters import interval, named
from .rows import listed

MOST_NAMED = 6
LONGEST_LABEL = 60


def in_words(ranking: Ranking, other_aspects: Sequence[str] = ()) -> tuple[str, ...]:
    """The result, one or two sentences a string, the most important first."""
    said = [*(_result(ranking) if ranking.is_enough else _too_few(ranking, other_aspects))]
    if ranking.votes:
        said += [*_neither(ranking), *_people(ranking)]
    if ranking.doubled:
        left_out = f"{count(ranking.doubled, 'vote')} {'was' if ranking.doubled == 1 else 'were'} left out"
        said.append(f"{left_out}: the same rater had judged the same pair on the same sides, which counts once.")
    if ranking.is_enough:
        said += [_luck(ranking), f"{_what_the_intervals_mean(ranking)}{_of_what_was_told(ranking)}"]
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
    first, comparison, leaders = ranking.table[0], ranking.pairs[0], ranking.leaders
    ranked = ranking.main
    nearest = [item.label for item in ranked[1:] if item.strength == ranked[1].strength]
    against = f"{_all_of(nearest)}{', the next,' if len(ranked) > 2 else ''}"
    if ranking.winner is not None and ranking.luck.clips_per_item <= 1:
        those = "that" if len(nearest) == 1 else "those"
        yield (
            f"This clip of {quoted(first.label)} is preferred to {those} of {against} in about {_hundred(comparison)}. "
            f"One clip of each says nothing of the {plural(ranking.by)}."
        )
    elif ranking.winner is not None:
        yield f"{quoted(first.label)} wins: it is preferred to {against} in about {_hundred(comparison)}."
    elif len(leaders) > 1:
        yield _level(ranking)
    elif ranking.lacks:
        yield from _cannot_tell(ranking)
    elif comparison.is_practical_tie:
        yield (
            f"{quoted(first.label)} and {_all_of(nearest)} tie for practical purposes: "
            f"the first is preferred in about {_hundred(comparison)}."
        )
    else:
        near = [pair.b for pair in ranking.pairs if pair.a == first.label and not pair.told]
        names = (
            f", but these votes do not tell it from {_all_of(near)}"
            if near
            else " of those that can be ranked together"
        )
        yield (
            f"No winner: {quoted(first.label)} is ahead{names}. "
            f"It is preferred to {against} in about {_hundred(comparison)}."
        )
    yield from _when_to_stop(ranking)
    if ranking.ring:
        one, other, third = map(quoted, ranking.ring)
        yield f"The votes go round in a ring: {one} beats {other}, {other} beats {third}, {third} beats {one}. No order fits all of them."
    if not ranking.lacks:
        if ranking.winner is None and len(leaders) > 1:
            if not comparison.is_practical_tie:
                yield f"How many more votes would tell {'them' if len(leaders) == 2 else 'any two of them'} apart cannot be told yet."
        else:
            yield from _how_many_more(ranking, comparison)
        if len(ranked) > 2:
            told = sum(pair.told for pair in ranking.pairs)
            whole = len(ranked) * (len(ranked) - 1) // 2 == len(ranking.pairs)
            pairs = "pairs" if whole else "pairs looked at"
            yield f"Told apart: {told} of {len(ranking.pairs)} {pairs}.{_other_ties(ranking)}"
    yield from _apart(ranking)


def _when_to_stop(ranking: Ranking) -> Iterator[str]:
    """Whoever looks until there is a winner finds one among equals too."""
    if ranking.is_early and ranking.registered is not None:
        found = "are so far" if ranking.votes < ranking.registered else "are now"
        yield (
            f"Provisional: {ranking.registered:,} votes were registered and {ranking.votes:,} {found}; told apart is only what holds "
            "however often one looks."
        )
    if ranking.is_settled:
        yield "This is enough to stop: it holds however often one has looked."
    elif ranking.winner is not None and ranking.registered is None:
        yield (
            "Provisional while votes come in, and no reason to stop: it holds if this many votes were settled beforehand (grid.register(votes=…)); "
            "looking until there is a winner finds one among equals too often."
        )


def _cannot_tell(ranking: Ranking) -> Iterator[str]:
    """One throw of the dice, or one person: what can be said of these clips, and what would tell more."""
    one, many = ranking.by.replace("_", " "), plural(ranking.by)
    why, cure = [], []
    if "takes" in ranking.lacks:
        why.append(f"each {one} has one clip only")
        cure.append("a second take of each, better five (grid.extend(takes=5))")
    if "raters" in ranking.lacks:
        why.append("there is one rater only")
        cure.append(
            'two raters more (of="raters" asks for this one alone)'
            if "takes" not in ranking.lacks
            else "two raters more"
        )
    if "time" in ranking.lacks:
        why.append("there are too many clips to reckon with their luck")
        cure.append("ranking a part of the grid")
    yield (
        f"Cannot tell which {one} is better: {listed(why)}, and clips and raters are draws. "
        f"What would tell: {listed(cure)}."
    )
    if ranking.of_clips is None:
        return
    winner, told = ranking.of_clips
    who = f"these very clips and {named(ranking.raters[0]) if len(ranking.raters) == 1 else 'these raters'}"
    if winner is not None:
        yield f'For {who} alone, {_this_clip(ranking, winner)} is preferred to every other (of="clips").'
    elif told:
        yield f'For {who} alone, {told} of {len(ranking.pairs)} pairs of {many} are told apart, with no winner (of="clips").'
    else:
        yield f"Not even {who} tell any two {many} apart."


def _this_clip(ranking: Ranking, label: str) -> str:
    return f"this clip of {quoted(label)}" if "takes" in ranking.lacks else f"{quoted(label)}"


def _level(ranking: Ranking) -> str:
    """Where several share the first place: no name may stand before the others, and nothing is said of votes that nobody cast."""
    leaders, comparison = ranking.leaders, ranking.pairs[0]
    names = _all_of(leaders)
    everybody = len(leaders) == len(ranking.table)
    head = "No winner, all alike so far" if everybody else f"No winner: {names} are level in front"
    ties = comparison.is_practical_tie
    if not any(item.wins for item in ranking.table):
        return f"{head}: no vote prefers any of {names}."
    if everybody:
        said = f"{head}: {names} {'tie for practical purposes' if ties else 'are level'}"
    else:
        rest = [item.label for item in ranking.main if item.label not in leaders]
        told = {pair.b for pair in ranking.pairs if pair.a == leaders[0] and pair.told}
        behind = [label for label in rest if label not in told]
        apart = f", not told from {_all_of(behind)}" if behind else ", told from the others" if rest else ""
        said = f"{head}{apart}{'; they tie for practical purposes' if ties else ''}"
    return f"{said}. Of two of them, each is preferred in about {_hundred(comparison)}."


def _hundred(comparison: Comparison) -> str:
    low, middle, high = (round(100 * share) for share in (comparison.low, comparison.probability, comparison.high))
    return f"{middle} of 100 votes that decide (95 % interval {low} to {high})"


def _how_many_more(ranking: Ranking, comparison: Comparison) -> Iterator[str]:
    if comparison.told or comparison.is_practical_tie:
        return
    if ranking.more_to_tell is not None:
        yield f"About {ranking.more_to_tell:,} more votes would probably (4 times in 5) tell the first two apart."
        return
    even = ranking.more_as_likely_as_not
    half = "" if even is None else f"; about {even:,} more would as likely as not"
    if ranking.of == "clips" and half:
        yield f"No number of votes is foretold to tell the first two apart 4 times in 5{half}."
        return
    if ranking.of == "clips":
        yield (
            f"Even {MOST_MORE:,} more votes would tell the first two apart only with a chance of about "
            f"{_percent(ranking.told_at_most)}: they look too much alike so far."
        )
        return
    helps = "More takes or raters" if ranking.of == "levels" else "More takes"
    yield f"{helps} would help most: no number of votes on these clips is foretold to tell the first two apart 4 times in 5{half}."


def _other_ties(ranking: Ranking) -> str:
    ties = [pair for pair in ranking.pairs[1 if ranking.winner is None else 0 :] if pair.is_practical_tie]
    if not ties:
        return ""
    names = [f"{quoted(tie.a)} with {quoted(tie.b)}" for tie in ties[:MOST_NAMED]]
    rest = f", and {len(ties) - MOST_NAMED} pairs more" if len(ties) > MOST_NAMED else ""
    return f" Ties for practical purposes: {', '.join(names)}{rest}."


def _too_few(ranking: Ranking, other_aspects: Sequence[str]) -> Iterator[str]:
    if len(ranking.table) < 2:
        yield f"There is one {ranking.by.replace('_', ' ')} only: nothing to compare."
        return
    if not ranking.used:
        others = f"; there are votes on {listed([quoted(a) for a in other_aspects])}" if other_aspects else ""
        between = f" between different {plural(ranking.by)}" if ranking.votes else ""
        yield f"No votes on {quoted(ranking.aspect)}{between} yet{others}."
    more = "more vote is" if ranking.missing == 1 else "more votes are"
    yield (
        f"Too few votes to rank {len(ranking.table)} {plural(ranking.by)}: {count(ranking.used, 'vote')} between them so far, "
        f"at least {ranking.missing:,} {more} needed. No order is claimed."
    )
    yield from _apart(ranking)


def _apart(ranking: Ranking) -> Iterator[str]:
    """What stands outside of the ranking, and why."""
    parts = [part for part in ranking.islands if len(part) > 1]
    if len(parts) > 1:
        named = [_all_of(part) for part in parts[:MOST_NAMED]]
        yield (
            f"Fewer than five votes join {'; with '.join(named)}: of them together nothing is said; vote on pairs across them."
        )
    if not ranking.used:
        return
    unseen = [quoted(item.label) for item in ranking.table if not item.votes]
    if unseen:
        yield f"No votes yet on {_first_of(unseen)}: nothing is known of {'it' if len(unseen) == 1 else 'them'}."
    lacking = [f"{quoted(item.label)} ({item.votes:.0f})" for item in ranking.table if 0 < item.votes < 10]
    if lacking:
        yield f"Fewer than 10 votes: {_first_of(lacking)}."


def _all_of(labels: Sequence[str]) -> str:
    named = [quoted(label) for label in labels[:MOST_NAMED]]
    return listed([*named, f"{len(labels) - MOST_NAMED} more"] if len(labels) > MOST_NAMED else named)


def _first_of(names: Sequence[str]) -> str:
    rest = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{rest}"


# Ties, raters, luck -----------------------------------------------------------------------------------------


def _neither(ranking: Ranking) -> Iterator[str]:
    ties = sum(item.ties for item in ranking.table) / 2
    if ranking.used:
        yield f"{_share(ties, ranking.used)} of {count(ranking.used, 'vote')} found the two alike or both bad."
    if ranking.both_bad:
        share = max(item.both_bad_share for item in ranking.table)
        worst = [quoted(item.label) for item in ranking.table if share - item.both_bad_share < 1e-9]
        most = f"; {listed(worst)} most often, in {_percent(share)} of {'its' if len(worst) == 1 else 'their'} votes"
        if not share or len(worst) == len(ranking.table) or len(worst) > MOST_NAMED:
            most = ""
        yield f"Both clips were called bad {_times(ranking.both_bad)}{most}."


def _people(ranking: Ranking) -> Iterator[str]:
    raters = ranking.raters
    agreement = ranking.agreement
    if len(raters) == 1:
        yield f"All {count(ranking.votes, 'vote')} are by {named(raters[0])}: others may see it otherwise."
    elif agreement.equal is None:
        yield f"{len(raters)} raters voted, on no pair in common: how far they agree is not known."
    else:
        alpha = (
            ""
            if agreement.alpha is None
            else f" (Krippendorff's alpha {agreement.alpha:.2f}{interval(agreement.low, agreement.high)}; 1 is perfect, 0 is chance)"
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
                f"{named(rater)} chose the {side} clip in {chosen} of {rater.decided} votes that decide: by chance that is rare "
                f"({_p(rater.p_value)}), so the side may have chosen. Sides were tossed, so this blurs the result and favours no one; "
                "raters=[…] ranks without."
            )
        others = [why for kind, why in rater.odd.items() if kind != "side"]
        if others:
            yield f"{named(rater)} {'; '.join(others)}: grid.raters() says more."
    repeats = sum(rater.repeats for rater in raters)
    if repeats:
        same = sum(rater.same for rater in raters)
        each = ", ".join(f"{named(rater)} {rater.same} of {rater.repeats}" for rater in raters if rater.repeats)
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
    shares = _shares(ranking)
    if luck.verdict == "told":
        return (
            f"{head}the difference between {many} is more than the luck of single clips ({_p(luck.p_value)}): "
            f"it is about {figures} the spread between clips of one {one}.{shares}"
        )
    more = "more takes or more votes would tell" if luck.clips_per_item < 6 else "more votes would tell"
    return (
        f"{head}the difference between {many} cannot be told apart from luck: it is about {figures} the spread between "
        f"clips of one {one}, and new takes might turn the order round; {more}.{shares}"
    )


def _shares(ranking: Ranking) -> str:
    names = {
        "items": plural(ranking.by),
        "takes": "takes",
        "products": f"what a {ranking.by.replace('_', ' ')} does in one place of the grid and not in another",
        "raters": "the tastes of raters",
    }
    told = [
        f"{names[name]} {_percent(middle)} ({_percent(low)} to {_percent(high)})"
        for name, (middle, low, high) in ranking.luck.shares.items()
    ]
    return f" Shares of the spread: {', '.join(told)}." if told else ""


def _what_the_intervals_mean(ranking: Ranking) -> str:
    model = f"Bradley-Terry model with ties (Davidson), {count(ranking.used, 'vote')}"
    if ranking.of == "clips":
        where = "these clips and these raters" if len(ranking.raters) > 1 else "these clips and this rater"
        return f"{model}, {ranking.resamples:,} bootstrap resamples; intervals hold for {where}."
    who = "raters like these" if ranking.of == "levels" else "these raters"
    return (
        f"{model}, takes{' and raters' if ranking.of == 'levels' else ''} as random effects; 95 % intervals are about the "
        f"{plural(ranking.by)} themselves and {who}, pairs are told apart with at most 5 % of studies wrong in any (Holm)."
    )


def _of_what_was_told(ranking: Ranking) -> str:
    """Whoever is told apart by luck seems far apart: intervals hold over all studies, less over those that tell something."""
    if not any(pair.told for pair in ranking.pairs):
        return ""
    return " They hold over all such studies: of pairs told apart where few of them would tell it, the difference tends to seem larger than it is."


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


# What was registered ----------------------------------------------------------------------------------------


def registered_words(ranking: Ranking) -> tuple[str, ...]:
    """What was said before the votes, what came otherwise, and what those say who are left out."""
    return tuple(_registered(ranking))


def _registered(ranking: Ranking) -> Iterator[str]:
    if ranking.everybody is not None:
        for name, why in ranking.raters.left_out.items():
            yield f"Left out by the registered rule: {one_line(name, 40)} ({why})."
        yield f"With everybody's votes: {ranking.everybody.words[0]}"
    elif ranking.raters.left_out:
        names = listed([one_line(name, 40) for name in ranking.raters.left_out])
        yield f"By the registered rule {names} would be left out; here the raters were chosen by hand, or nobody would be left."
    yield from ranking.plan
    yield from (f"Deviation: {deviation}" for deviation in ranking.deviations)
    if ranking.plan and not ranking.deviations:
        yield "No deviation from what was registered."
