"""Released steps of the schema stay as they are: a ledger that was brought up to date with them is never brought there again."""

import hashlib

import pytest

from seedance_nb.tracking.ledger.migrations import MIGRATIONS

RELEASED = (
    "aeff30d67dd154f5",
    "f3d1ee4f26c2009e",
    "911a28200ac39597",
    "7ef86a0beefcf40a",
    "53d663d5d62c1e06",
    "bb69e09545c97d6d",
)
"""Add a line for a new step once it is released; never change one."""


def print_of(steps):
    words = (step if isinstance(step, str) else step.__name__ for step in steps)
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


@pytest.mark.parametrize(("number", "known"), list(enumerate(RELEASED, 1)))
def test_a_released_step_is_never_edited(number, known):
    assert print_of(MIGRATIONS[number - 1]) == known
