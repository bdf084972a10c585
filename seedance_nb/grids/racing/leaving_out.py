"""Whom the registered rules leave out of a race: their votes decide nothing in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...tracking.ledger.vote import Kind, Vote
from ..registering.deviations import left_out
from ..registering.registration import Registration, in_force
from ..votes.votes import rank
from .rounds import Rules


def has_rules(registered: Sequence[Registration]) -> bool:
    """Whether any was registered before the first vote."""
    counted = in_force(registered)
    return counted is not None and counted.is_before_votes and bool(counted.plan.exclusion)


def raters_left_out(
    registered: Sequence[Registration],
    votes: Sequence[Vote],
    controls: Sequence[Vote],
    group_of: Mapping[str, str],
    block_of: Mapping[str, str],
    rules: Rules,
) -> frozenset[str]:
    """The names of those who break them by these votes and their gold pairs among the `controls`."""
    found = rank(
        votes,
        group_of,
        aspect=rules.aspect,
        of=rules.of,
        block_of=block_of,
        resamples=0,
        gold=[vote for vote in controls if vote.kind is Kind.GOLD],
        with_likelihoods=True,
    )
    return frozenset(left_out(registered, found.raters))
