"""What the button of the panel says: what a press would send, cost, or reuse. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ...api.catalog import Estimate
from ...api.models import Status
from ...errors import one_line
from ...pages.words import STATUS_WORDS
from ...tracking.ledger.record import FREE_AGAIN


@dataclasses.dataclass(frozen=True)
class Tag:
    """The button: `label` on it, `why` in its tooltip; `price` in credits is what a press may cost at most, None if nobody knows."""

    label: str
    why: str
    enabled: bool
    price: float | None = None
    problem: str = ""
    """Why it cannot be pressed, where the user did something about it: shown below the button."""


def price_tag(
    known: Sequence[Status | None],
    estimate: Estimate | None,
    *,
    left: float | None = None,
    simulated: bool = False,
    prompt_is_empty: bool = False,
    refusal: str = "",
) -> Tag:
    """The tag for takes 1 to n of a request.

    `known` holds for each take the status of the row that would be reused, or None; `left` the credits the session may still
    spend, None without a limit; `refusal` why the request cannot be sent at all.
    """
    if refusal:
        return Tag("Generate · not possible so", refusal, enabled=False, problem=refusal)
    missing = sum(1 for status in known if status is None or status in FREE_AGAIN)
    if not missing and not prompt_is_empty:
        return _reuse_tag(known)
    unit = "simulated credits" if simulated else "credits"
    if estimate is None:
        tag = Tag("Generate · price unknown", "nobody says what this costs", enabled=True)
    else:
        price = missing * estimate.credits
        amount = f"{'' if estimate.exact else 'about '}{price:.10g}"
        tag = Tag(f"Generate · {amount} {unit}", _breakdown(missing, len(known), estimate), enabled=True, price=price)
        if left is not None and price > left:
            problem = (
                f"this would cost {amount} {unit}, and {max(left, 0):.10g} are left under max_credits; nothing is sent"
            )
            return dataclasses.replace(
                tag, label=f"Generate · over budget ({amount} {unit})", enabled=False, problem=problem
            )
    return dataclasses.replace(tag, why="write a prompt first", enabled=False) if prompt_is_empty else tag


def _reuse_tag(known: Sequence[Status | None]) -> Tag:
    if Status.UNKNOWN in known:
        why = "this may have been accepted and charged, so it is not sent again: raise Takes for another, or see %seedance jobs"
        return Tag(f"Generate · {STATUS_WORDS[Status.UNKNOWN]}", why, enabled=False, price=0, problem=why)
    if all(status is Status.SUCCEEDED for status in known):
        return Tag(
            "Generate · free, you have this", "the ledger has it: shows the video you have", enabled=True, price=0
        )
    return Tag(
        f"Generate · free, {STATUS_WORDS[Status.PROCESSING]}",
        "it is on its way already: shows its card",
        enabled=True,
        price=0,
    )


def _breakdown(missing: int, takes: int, estimate: Estimate) -> str:
    source = f"by {one_line(estimate.source, 160)}"
    if takes == 1:
        return source
    have = takes - missing
    return f"{missing} × {estimate.credits:.10g}" + (f", {have} you have" if have else "") + f"; {source}"


def short_price(estimate: Estimate | None, *, simulated: bool = False) -> str:
    """A price for a small button: "40 credits", "about 40 credits"."""
    if estimate is None:
        return "price unknown"
    unit = "simulated credits" if simulated else "credits"
    return f"{'' if estimate.exact else 'about '}{estimate.credits:.10g} {unit}"
