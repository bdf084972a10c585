"""Studies whose truth is known: votes simulated from strengths, by the model that the ranking fits."""

import math
import random

from seedance_nb.tracking.ledger.vote import Choice, Vote


def answer(rng, difference, tie=0.4):
    """One answer to a pair whose left clip is `difference` log-odds stronger."""
    left, right = math.exp(difference / 2), math.exp(-difference / 2)
    return rng.choices([Choice.LEFT, Choice.RIGHT, Choice.TIE], [left, right, tie])[0]


def vote(number, left, right, choice, *, rater="Ann", aspect="overall", repeats=None):
    return Vote(f"v{number}", rater, aspect, left, right, choice, float(number), repeats)


def study(strengths, votes, *, rng, tie=0.4, raters=("Ann",), choose=answer):
    """Votes between random pairs of the clips whose strengths are given."""
    made = []
    for number in range(votes):
        left, right = rng.sample(sorted(strengths), 2)
        rater = raters[number % len(raters)]
        made.append(vote(number, left, right, choose(rng, strengths[left] - strengths[right], tie), rater=rater))
    return made


def takes(levels, count, spread, rng):
    """(strength of each clip, group of each clip): `count` clips of each group around its level."""
    groups = {f"{group}/{take}": group for group in levels for take in range(count)}
    return {key: levels[group] + rng.gauss(0, spread) for key, group in groups.items()}, groups


def each_its_own(keys):
    return {key: key for key in keys}


def seeded(seed):
    return random.Random(seed)
