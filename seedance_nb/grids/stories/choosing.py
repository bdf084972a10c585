"""Which take of a shot the next one goes on from. Pure.

What was decided once stays: a take that comes later, or is tried again, must not have everything behind it bought anew.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

Standing = Literal["have it", "coming", "pending", "lost"]
"""`coming` was made and is being fetched; `pending` may still be made; of `lost` nothing comes by itself."""


@dataclasses.dataclass(frozen=True, slots=True)
class TakeState:
    """One take of a shot: where it stands, why it is lost, and the address of its last frame, once it is there."""

    standing: Standing
    why: str = ""
    last_frame: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """The take that is gone on from; None while it is not known yet, or, with `trouble`, because there will be none."""

    take: int | None = None
    trouble: str | None = None


def choose(shot: int, takes: Sequence[TakeState], picked: int | None, used: str | None) -> Choice:
    """`shot` counts from 1, as takes do. `picked` is what somebody, or an earlier look, has chosen; `used` the frame that this account has
    gone on from most recently. Else it is the first take that was made, once it is clear that no earlier one will be.
    """
    if picked is not None:
        state = takes[picked - 1]
        if state.standing == "lost":
            return Choice(trouble=f"take {picked} of shot {shot} was picked and has no video ({state.why})")
        return Choice(picked if state.standing == "have it" else None)
    if any(state.standing == "coming" for state in takes):  # it may be the one that was gone on from
        return Choice()
    for number, state in enumerate(takes, 1):
        if used is not None and state.last_frame == used:
            return Choice(number)
    for number, state in enumerate(takes, 1):
        if state.standing == "have it":
            return Choice(number)
        if state.standing == "pending":
            return Choice()
    whose = f"shot {shot}" if len(takes) == 1 else f"every take of shot {shot}"
    return Choice(trouble=f"{whose} has no video ({takes[0].why})")
