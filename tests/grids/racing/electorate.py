"""People who vote in a race, by levels that the test knows."""

import math
import random

from seedance_nb.tracking.ledger.vote import Choice, Vote

RATERS = ("Ann", "Bob", "Cy", "Di")


def clips_of(race):
    """By job key, the item of every clip there is of this round."""
    return {key: label for key, label in race.clips().items() if label in race.left}


def vote(race, levels, *, seed=1, raters=RATERS):
    """Vote until no vote is missing: always a pair that was shown least, and nobody the same twice. The same seed, the same votes."""
    rng = random.Random(seed)
    label_of = clips_of(race)
    shown, said = dict.fromkeys(label_of, 0), set()
    for earlier in race.votes():
        said.add((earlier.rater, frozenset((earlier.left, earlier.right))))
        for key in {earlier.left, earlier.right} & set(shown):
            shown[key] += 1
    pairs = [(one, other) for one in label_of for other in label_of if label_of[one] < label_of[other]]
    cast = []
    while min(shown.values()) < race.rules.showings:
        open_ones = [(r, pair) for r in raters for pair in pairs if (r, frozenset(pair)) not in said]
        if not open_ones:
            break
        rater, (one, other) = min(open_ones, key=lambda it: (sum(shown[key] for key in it[1]), rng.random()))
        said.add((rater, frozenset((one, other))))
        for key in (one, other):
            shown[key] += 1
        x = levels[label_of[one]] - levels[label_of[other]]
        choice = rng.choices([Choice.LEFT, Choice.RIGHT, Choice.TIE], [math.exp(x / 2), math.exp(-x / 2), 0.4])[0]
        cast.append(Vote(f"{rater}-{one}-{other}", rater, race.rules.aspect, one, other, choice, float(len(said))))
    race.session.ask_ledger(lambda ledger: ledger.votes.add(cast))
    return cast
