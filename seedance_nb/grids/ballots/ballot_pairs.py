"""Who is compared with whom on a ballot: the clips, what each of them stands for, and a fixed schedule of pairs. Pure."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence

from ...api.fields import FIELDS, TAKE
from ...clips.clip import Clip
from ...errors import InvalidRequest, one_line
from ...tracking.ledger.vote import Kind, Vote, damaged
from ..axes import value_key
from ..groups import check_groupable, labels_of
from ..picture import GridPicture

MOST_PAIRS = 40
"""A page has at most so many pairs by itself: about a quarter of an hour, after which people look less closely."""
REPEAT_SHARE = 0.1
_DISTANCE = 3
"""At least so many other pairs lie between a pair and its repetition, where there are enough."""
_MOST_CANDIDATES = 20_000


@dataclasses.dataclass(frozen=True)
class Entries:
    """The finished clips of a grid by the keys of their jobs, and what is known of each. All maps have the same keys."""

    clips: Mapping[str, Clip]
    group_of: Mapping[str, str]
    """What is ranked: the label of the thing a clip stands for."""
    block_of: Mapping[str, str]
    """What the two clips of a fair pair share: their place on all other axes but the take."""
    name_of: Mapping[str, str]
    """What a clip was, in a line: its values on the axes that vary."""
    prompt_of: Mapping[str, str]

    @property
    def keys(self) -> list[str]:
        """The keys of all clips, in the order of the grid."""
        return list(self.clips)


@dataclasses.dataclass(frozen=True, slots=True)
class ScheduledPair:
    """Two clips, by key, on their sides; `repeats` is the index of the earlier pair that this one shows with sides swapped."""

    left: str
    right: str
    repeats: int | None = None
    kind: Kind = Kind.VOTE


def entries(picture: GridPicture, by: str | Sequence[str] | None = None) -> Entries:
    """The clips that can be voted on. `by` names the axis or the axes that are ranked; None: the cells, whatever their take.

    Raises InvalidRequest for an axis that is not there, and where there are not two different things to compare.
    """
    chosen = _chosen(picture, by)
    shown = [name for name in picture.names if len(picture.levels(name)) > 1]
    tiles = {tile.snapshot.key: tile for tile in picture.tiles if tile.snapshot is not None and tile.clip is not None}
    cells = [tile.cell for tile in tiles.values()]
    # Whose finished prompts are ranked does not ask for equal values of the names in them.
    texts = "prompt" in chosen and "prompt" not in picture.names
    others = [n for n in picture.names if n not in (*chosen, TAKE) and (n in FIELDS or not texts)]
    found = Entries(
        clips={key: tile.clip for key, tile in tiles.items() if tile.clip is not None},
        group_of=dict(zip(tiles, labels_of(cells, chosen), strict=True)),
        block_of={key: value_key([tile.cell.values.get(name) for name in others]) for key, tile in tiles.items()},
        name_of=dict(zip(tiles, labels_of(cells, shown or chosen), strict=True)),
        prompt_of={key: tile.cell.request.prompt if tile.cell.request else "" for key, tile in tiles.items()},
    )
    if len(set(found.group_of.values())) < 2:
        raise InvalidRequest(_too_few(picture, found, by))
    return found


def schedule(
    entered: Entries,
    *,
    pairs: int | None = None,
    rng: random.Random,
    before: Sequence[Vote] = (),
    rater: str = "",
) -> tuple[ScheduledPair, ...]:
    """A fixed order of pairs for a rater: all things and all clips as often as each other, on each side as often as on the other.

    `pairs` counts without repetitions; by default each clip meets four others, and there are at most 40; there never are more
    than there are different ones. Every tenth is shown again later with its sides swapped. The votes there were `before` count as shown, and
    what `rater` has judged in them is not asked again. Raises InvalidRequest for a number that cannot be meant, and where nothing is left to ask.
    """
    candidates = _candidates(entered, rng)
    judged = {frozenset((vote.left, vote.right)) for vote in before if rater and vote.rater == rater}
    candidates = [pair for pair in candidates if frozenset(pair) not in judged]
    if not candidates:
        raise InvalidRequest(
            f"{one_line(rater, 40)} has judged every pair of these clips: a page for somebody else, or more takes, would tell more"
        )
    if pairs is None:
        pairs = min(MOST_PAIRS, max(10, 2 * len(entered.clips)))
    if isinstance(pairs, bool) or not isinstance(pairs, int) or not 1 <= pairs <= 1000:
        raise InvalidRequest(f"pairs must be a whole number from 1 to 1000, not {one_line(pairs, 40)!r}")
    balance: Counter[str] = Counter()
    count = min(pairs, len(candidates))
    first = [_on_sides(*pair, balance, rng) for pair in _balanced(candidates, entered, count, before)]
    repeatable = range(max(0, len(first) - _DISTANCE))
    again = min(len(repeatable), max(1, round(len(first) * REPEAT_SHARE)))
    return _with_repetitions(first, sorted(rng.sample(repeatable, again)), rng)


def with_controls(
    planned: Sequence[ScheduledPair], entered: Entries, *, training: bool, gold: float, rng: random.Random
) -> tuple[ScheduledPair, ...]:
    """The schedule with what never counts: a first pair to practise, and gold pairs that make up a share of the others, at places by lot.

    A gold pair is a clip beside its damaged copy, sides by coin; no clip comes damaged twice before all have.
    """
    if gold >= 1:
        wanted, planned = len(planned), ()
    else:
        wanted = max(1, round(len(planned) * gold / (1 - gold))) if gold else 0
    places = sorted(rng.randint(0, len(planned)) for _ in range(wanted))
    made: list[ScheduledPair] = []
    if training:
        left, right = _candidates(entered, rng)[0]
        made.append(ScheduledPair(left, right, kind=Kind.TRAINING))
    kept: list[str] = []
    place_of: dict[int, int] = {}
    for index in range(len(planned) + 1):
        for _ in range(places.count(index)):
            kept = kept or rng.sample(entered.keys, len(entered.keys))
            key = kept.pop()
            sides = (key, damaged(key)) if rng.random() < 0.5 else (damaged(key), key)
            made.append(ScheduledPair(*sides, kind=Kind.GOLD))
        if index < len(planned):
            pair = planned[index]
            place_of[index] = len(made)
            repeats = None if pair.repeats is None else place_of[pair.repeats]
            made.append(dataclasses.replace(pair, repeats=repeats))
    return tuple(made)


def asks_for_prompt(aspects: Sequence[str]) -> bool:
    """Whether a question can only be answered by someone who knows the prompt."""
    return any("prompt" in aspect.lower() for aspect in aspects)


def _chosen(picture: GridPicture, by: str | Sequence[str] | None) -> list[str]:
    if by is None:
        return [name for name in picture.names if name != TAKE]
    names = [by] if isinstance(by, str) else list(by)
    for name in names:
        check_groupable(name, picture.names)
    return names


def _too_few(picture: GridPicture, found: Entries, by: object) -> str:
    if len(found.clips) < 2:
        return (
            f"there are {len(found.clips)} finished clips, and a vote compares two: submit the grid and wait for them"
        )
    varied = [name for name in picture.names if len(picture.levels(name)) > 1]
    cure = f"; rank by one that varies: {', '.join(varied)}" if varied else ""
    return f"all finished clips are of one {one_line(by or 'cell', 60)}: there is nothing to compare{cure}"


def _candidates(entered: Entries, rng: random.Random) -> list[tuple[str, str]]:
    """Pairs of different things; if there are some that share everything else, only those."""
    keys = entered.keys
    blocks: dict[str, list[str]] = {}
    for key in keys:
        blocks.setdefault(entered.block_of[key], []).append(key)
    for places in ([*blocks.values()], [keys]):
        pairs = [
            pair
            for place in places
            for pair in itertools.islice(itertools.combinations(rng.sample(place, len(place)), 2), _MOST_CANDIDATES)
            if entered.group_of[pair[0]] != entered.group_of[pair[1]]
        ]
        if pairs:
            break
    rng.shuffle(pairs)
    return pairs[:_MOST_CANDIDATES]


def _balanced(
    candidates: Sequence[tuple[str, str]], entered: Entries, count: int, before: Sequence[Vote]
) -> list[tuple[str, str]]:
    """So many of them, what was shown least always first."""
    clips, groups, meetings = Counter[str](), Counter[str](), Counter[frozenset[str]]()
    left = list(candidates)

    def shown(pair: Sequence[str]) -> None:
        clips.update(pair)
        groups.update(entered.group_of[key] for key in pair)
        meetings[frozenset(entered.group_of[key] for key in pair)] += 1

    for vote in before:
        if vote.repeats is None and {vote.left, vote.right} <= set(entered.group_of):
            shown((vote.left, vote.right))

    def burden(pair: tuple[str, str]) -> tuple[int, ...]:
        both = [entered.group_of[key] for key in pair]
        group = sorted((groups[name] for name in both), reverse=True)
        clip = sorted((clips[key] for key in pair), reverse=True)
        return (meetings[frozenset(both)], *group, *clip)

    made = []
    for _ in range(count):
        pair = min(left, key=burden)
        left.remove(pair)
        shown(pair)
        made.append(pair)
    return made


def _on_sides(one: str, other: str, balance: Counter[str], rng: random.Random) -> ScheduledPair:
    """By coin, unless one of them was on the left more often than the other so far."""
    lean = balance[one] - balance[other] or rng.choice((-1, 1))
    left, right = (one, other) if lean < 0 else (other, one)
    balance[left] += 1
    balance[right] -= 1
    return ScheduledPair(left, right)


def _with_repetitions(
    first: Sequence[ScheduledPair], repeated: Sequence[int], rng: random.Random
) -> tuple[ScheduledPair, ...]:
    after: dict[int, list[int]] = {}
    for index in repeated:
        after.setdefault(rng.randint(index + _DISTANCE, len(first) - 1), []).append(index)
    made: list[ScheduledPair] = []
    place: dict[int, int] = {}
    for index, pair in enumerate(first):
        place[index] = len(made)
        made.append(pair)
        made.extend(ScheduledPair(first[i].right, first[i].left, place[i]) for i in after.get(index, []))
    return tuple(made)
