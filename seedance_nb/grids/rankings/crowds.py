"""A crowd of raters: too many for a taste of each, so several are fitted as one. Pure, numpy.

Groups of raters that know nothing of their votes are draws as raters are, and the mean taste of a group strays by the taste of one over
the root of its size. So levels and their intervals count raters as draws still (as a bootstrap of clusters may put clusters together);
only what one rater likes is seen less well.
"""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

from .mixed_model import Evidence

LEAST_GROUPS, MOST_GROUPS = 20, 40
"""With fewer the spread of raters is hardly known; more tell little more and take longer."""


def in_groups(evidence: Evidence, groups: int) -> tuple[Evidence, float]:
    """The same votes, as if so many had given them; how many raters each of these is on average. Names have no say in who comes together."""
    raters = int(evidence.rater.max()) + 1
    votes = [hashlib.blake2b(digest_size=16) for _ in range(raters)]
    for one, other, rater, counts in zip(evidence.first, evidence.second, evidence.rater, evidence.counts, strict=True):
        votes[rater].update(f"{one},{other},{counts.tolist()};".encode())
    order = sorted(range(raters), key=lambda rater: votes[rater].digest())  # as good as drawn, and always the same
    group = np.empty(raters, dtype=np.intp)
    group[order] = np.arange(raters) % groups
    clips = len(evidence.item_of)
    rows, place = np.unique(
        (evidence.first * clips + evidence.second) * groups + group[evidence.rater], return_inverse=True
    )
    counts = np.zeros((len(rows), 3))
    np.add.at(counts, place.reshape(-1), evidence.counts)
    pair = rows // groups
    return dataclasses.replace(
        evidence, first=pair // clips, second=pair % clips, rater=rows % groups, counts=counts
    ), raters / groups
