"""What a session tells as a table: its jobs, the models, the costs, the accounts. Headers, rows and a caption, whoever draws them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence

from ..api.fields import listed
from ..api.models import VideoRequest
from ..errors import BudgetExceeded
from ..pages import words
from ..tracking.ledger.contract import Allowance, Spending, Standing, shown
from ..tracking.ledger.periods import IN_WORDS, renewal_in_words
from ..tracking.session import JobList, Session

Overview = tuple[Sequence[str], Sequence[Sequence[str]], str | None]
"""Headers, rows, caption."""


def jobs(found: JobList) -> Overview:
    """Newest first, as they come."""
    if not found:
        return ("Jobs",), [("none yet; %seedance a paper boat on a rainy street makes one",)], None
    rows = []
    for job in found:
        snapshot = job.snapshot
        rows.append(
            (
                time.strftime("%d %b %H:%M", time.localtime(snapshot.created_at)),
                snapshot.request_id or snapshot.key,
                words.status_words(snapshot),
                snapshot.request.prompt,
                words.settings_line(snapshot.request),
                str(snapshot.take),
                words.credits_words(snapshot),
            )
        )
    return ("Began", "Id", "Status", "Prompt", "Settings", "Take", "Credits"), rows, None


def models(session: Session) -> Overview:
    """What each model allows and costs; asks the service."""
    catalog = session.models()
    rows = []
    for facts in catalog.models.values():
        price = ", ".join(f"{k or 'any'}: {v:g}" for k, v in facts.credits_per_second.items()) or "not said"
        rows.append(
            (
                facts.name,
                ", ".join(facts.aspect_ratios) or "not said",
                listed(facts.durations or ()) or "not said",
                ", ".join(facts.resolutions) or "not said",
                price,
            )
        )
    source = "from the service" if catalog.answered else "as documented; the service was not reached"
    return ("Model", "Aspect ratios", "Seconds", "Resolutions", "Credits a second"), rows, source


def cost(session: Session) -> Overview:
    """Credits by day, model and notebook, and what reuse saved; by person and project where the ledger knows several persons or any project."""
    spending = session.spending()
    persons, projects = (dict.fromkeys(getattr(s, name) for s in spending) for name in ("person", "project"))
    by = [name for name, some in (("person", len(persons) > 1), ("project", set(projects) - {None})) if some]
    rows = [
        (
            s.day,
            s.model + (" (simulated)" if s.simulated else ""),
            s.notebook or "",
            *(getattr(s, name) or "" for name in by),
            *_sums([s]),
        )
        for s in spending
    ]
    beside = [""] * (2 + len(by))
    for which, simulated in (("", False), (", simulated", True)):
        part = [s for s in spending if s.simulated is simulated]
        for name in by:
            for one in dict.fromkeys(getattr(s, name) for s in part):
                own = [s for s in part if getattr(s, name) == one]
                title = f"All of {'the ' if name == 'project' else ''}{name} {one}" if one else f"All without a {name}"
                rows.append((f"{title}{which}", *beside, *_sums(own)))
        if part:
            rows.append((f"All{which}", *beside, *_sums(part)))
    if not rows:
        rows = [("nothing spent yet", *beside, "", "", "")]
    limit = session.limits.max_credits
    caption = f"This session: {session.spent:g} credits" + (f" of at most {limit:g}" if limit is not None else "")
    return ("Day", "Model", "Notebook", *map(str.capitalize, by), "Videos", "Credits", "Saved by reuse"), rows, caption


def limits(standings: Sequence[Standing], allowance: Allowance) -> Overview:
    """What all who share the ledger may spend, and how that stands."""
    rows = [
        (
            f"{s.limit.credits:,.6g} {IN_WORDS[s.limit.per]}",
            "all" if s.limit.person is None else s.person or "without a name",
            "all" if s.limit.project is None else s.project or "without a name",
            f"{s.spent:,.6g}" + (f" and {s.unpriced} without a price" if s.unpriced else ""),
            f"{s.left:,.6g}",
            renewal_in_words(s.limit.per, s.now).removeprefix("renews "),
        )
        for s in standings
    ]
    caption = "Days and months end at 00:00 UTC, by the ledger's clock. %seedance limit 1000 --per day sets a limit for all who share it"
    paced = [f"{allowance.calls_a_minute:g} calls a minute"] if allowance.calls_a_minute is not None else []
    paced += [f"{allowance.creates_at_once} creates at once"] if allowance.creates_at_once is not None else []
    if paced:
        caption += f". All sessions of this account together: at most {' and '.join(paced)}"
    headers = ("Credits", "Person", "Project", "Used", "Left", "Renews")
    return headers, rows or [("no limit is set", "", "", "", "", "")], caption


def accounts(session: Session) -> Overview:
    """The accounts that this ledger knows."""
    own = session.account if session.has_key else None
    rows = [
        (
            shown(each.name),
            "this one" if each.name == own else "",
            str(each.jobs),
            f"{each.credits:g}",
            time.strftime("%d %b %Y", time.localtime(each.last_at)),
        )
        for each in session.ownership.known()
    ]
    caption = "%seedance account same, or new, says once whose the key in use is"
    return ("Account", "", "Jobs", "Credits", "Last used"), rows or [("none yet", "", "", "", "")], caption


def dry_run(
    session: Session, request: VideoRequest, *, notes: Sequence[str] = (), fresh: bool = False
) -> Iterator[str]:
    """What would be sent and what it would cost, a line each; nothing is. Raises InvalidRequest before the first of them."""
    notes = [*notes, *session.catalog.check(request)]
    yield json.dumps(request.without_signatures().to_wire(), ensure_ascii=False, indent=2)
    for note in dict.fromkeys(notes):
        yield f"note: {note}"
    known = None if fresh else session.preview(request)
    estimate = session.estimate(request)
    if known is not None:
        yield f"would cost 0 credits: the ledger has it ({known.request_id or known.key}, {known.status_text})"
    elif estimate is not None:
        yield f"would cost {'' if estimate.exact else 'about '}{estimate.credits:g} credits, by {estimate.source}"
    else:
        yield "nobody says what this would cost"
    if known is None:
        try:
            session.money.check_ledger_limits(session.money.most_credits([request], may_ask=False))
        except BudgetExceeded as refused:
            yield f"would be refused: {refused}"
    yield "dry run: nothing was sent"


def _sums(part: list[Spending]) -> tuple[str, str, str]:
    """Videos, credits and what reuse saved."""
    return str(sum(s.jobs for s in part)), f"{sum(s.credits for s in part):g}", f"{sum(s.saved for s in part):g}"
