"""What a grid would do and cost, cell by cell, before anything is sent. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from ...api.catalog import Estimate
from ...api.models import Status, VideoRequest
from ...errors import BudgetExceeded, InvalidRequest, one_line
from ...snapshot import Snapshot
from ...tracking.following.polling import Outlook
from ...tracking.ledger.record import FREE_AGAIN, Record
from ..axes import Cell, Identity
from .timing import Kind, Pending, kind_of, seconds_until_all

HAVE_IT, RUNNING, NEW, INVALID, UNKNOWN = "have it", "running", "new", "invalid", "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class PlanLine:
    """One cell of a plan.

    `standing` is "have it", "running", "new" (what failed before is new again), "invalid", "unknown" (it may have been accepted:
    it is never sent again by itself) or "same as 3" (the video of cell 3, counted from 1: it costs once).
    """

    cell: Cell
    standing: str
    credits: float | None = None
    """What it is expected to cost: 0 for what is not new, None where nobody knows."""
    source: str | None = None
    """Whose word the credits are."""
    exact: bool = False
    seconds: float | None = None
    """How long until it is there, from what such jobs took; 0 where it is there, None where nobody knows."""
    why: str | None = None
    """More of it in one line: what is wrong, or what became of an earlier try."""

    @property
    def is_new(self) -> bool:
        """Whether a create would be sent for it."""
        return self.standing == NEW


@dataclasses.dataclass(frozen=True, slots=True)
class GridEstimate:
    """What the new cells of a grid are expected to cost together. `float(estimate)` is infinite where nobody knows."""

    credits: float | None
    cells: int
    """How many creates would be sent."""
    source: str
    """Whose word it is, in words."""
    exact: bool

    def at_most(self, prices: Sequence[float | None]) -> GridEstimate:
        """The same by the worst case known of every new cell: what a limit is held against."""
        known = [price for price in prices if price is not None]
        missing = len(prices) - len(known)
        if missing:
            return dataclasses.replace(self, credits=None, source=f"nobody knows what {missing} of them cost")
        return dataclasses.replace(self, credits=sum(known))

    def __float__(self) -> float:
        """Credits; infinity where nobody knows, so that no comparison with a limit passes by mistake."""
        return math.inf if self.credits is None else float(self.credits)

    def __str__(self) -> str:
        if not self.cells:
            return "nothing new: 0 credits"
        cells = f"{self.cells:,} new video{'s' if self.cells > 1 else ''}"
        if self.credits is None:
            return f"{cells}, nobody knows what they cost ({self.source})"
        return f"{'' if self.exact else 'about '}{self.credits:,.6g} credits for {cells} ({self.source})"


@dataclasses.dataclass(frozen=True)
class Plan:
    """Where every cell stands, in the order of the cells, and the totals of what is new."""

    names: tuple[str, ...]
    """The axes, in order."""
    lines: tuple[PlanLine, ...]
    seconds: float | None = None
    """How long until all cells are there, if the new ones were sent now; None where nobody knows."""

    def __iter__(self) -> Iterator[PlanLine]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def count(self, standing: str) -> int:
        """How many cells stand there; "same" counts all duplicates."""
        if standing == "same":
            return sum(line.standing.startswith("same as ") for line in self.lines)
        return sum(line.standing == standing for line in self.lines)

    @property
    def estimate(self) -> GridEstimate:
        """Credits of all that is new, whose word that is, and for how many creates."""
        new = [line for line in self.lines if line.is_new]
        prices = [line.credits for line in new if line.credits is not None]
        whole = len(prices) == len(new)
        sources = list(dict.fromkeys(line.source for line in new if line.source))
        words = ", ".join(sources)
        if not whole:
            said = f"nobody knows the price of {len(new) - len(prices)} of them"
            words = f"{words}; {said}" if words else said
        exact = whole and all(line.exact for line in new)
        return GridEstimate(sum(prices, 0.0) if whole else None, len(new), words or "nothing to pay for", exact)

    @property
    def new(self) -> int:
        """How many creates would be sent."""
        return self.count(NEW)

    @property
    def credits(self) -> float | None:
        """What the new cells are expected to cost together; None where somebody does not know."""
        return self.estimate.credits

    def check_all_valid(self) -> None:
        """Raises InvalidRequest, with the first of them and its reason, where a cell is invalid."""
        wrong = [line for line in self.lines if line.standing == INVALID]
        if wrong:
            which = f"cell {wrong[0].cell.index + 1} of {len(self.lines)} is invalid"
            more = f"; {len(wrong) - 1} more {'are' if len(wrong) > 2 else 'is'}" if len(wrong) > 1 else ""
            raise InvalidRequest(f"nothing was sent, as {which}: {wrong[0].why}{more}")

    def __str__(self) -> str:
        counts = {name: self.count(name) for name in (HAVE_IT, RUNNING, NEW, UNKNOWN, INVALID)}
        parts = [f"{count:,} {name}" for name, count in counts.items() if count]
        same = self.count("same")
        parts += [f"{same:,} the same as another"] if same else []
        notes = Counter(line.cell.note for line in self.lines if line.cell.note)
        said = "".join(f"; {count:,} {note}" for note, count in notes.items())
        return (
            f"{len(self.lines):,} cell{'s' if len(self.lines) != 1 else ''}: {', '.join(parts)}; {self.estimate}{said}"
        )

    __repr__ = __str__


def make_plan(
    names: tuple[str, ...],
    cells: Sequence[Cell],
    identities: Sequence[Identity | None],
    *,
    followed: Mapping[Identity, Snapshot],
    rows: Mapping[Identity, Record],
    estimates: Mapping[Identity, Estimate | None],
    outlooks: Mapping[Kind, Outlook],
    is_dead: Callable[[Record], bool],
    now: float,
) -> Plan:
    """The plan, from the jobs followed here and the rows of the ledger; what is followed here knows more than its row."""
    lines, first_of = list[PlanLine](), dict[Identity, Cell]()
    pending: dict[Kind, list[float]] = defaultdict(list)
    for cell, identity in zip(cells, identities, strict=True):
        if cell.invalid is not None or identity is None or cell.request is None:
            lines.append(PlanLine(cell, INVALID, 0.0, why=cell.invalid))
            continue
        first = first_of.setdefault(identity, cell)
        if first is not cell:
            lines.append(PlanLine(cell, f"same as {first.index + 1}", 0.0, why=_why_same(cell.request, first.request)))
            continue
        snapshot, row = followed.get(identity), rows.get(identity)
        if snapshot is not None:
            standing, why = _of_snapshot(snapshot)
        else:
            standing, why = _of_row(row, is_dead)
        unsigned = cell.to_send.unsigned_address if standing == NEW and cell.to_send is not None else None
        if unsigned is not None:
            lines.append(PlanLine(cell, INVALID, 0.0, why=f"new, and {_needs_signature(unsigned)}"))
            continue
        why = "; ".join(said for said in (why, cell.note) if said) or None
        kind = kind_of(cell.request)
        accepted_at = snapshot.accepted_at if snapshot is not None else row.accepted_at if row is not None else None
        seconds = _seconds(standing, accepted_at, outlooks.get(kind, Outlook()), now)
        if standing in (NEW, RUNNING):
            aged = standing == RUNNING and accepted_at is not None
            pending[kind].append(max(0.0, now - accepted_at) if aged and accepted_at is not None else 0.0)
        if standing == NEW:
            estimate = estimates.get(identity)
            line = PlanLine(cell, NEW, seconds=seconds, why=why)
            if estimate is not None:
                credits, source, exact = estimate.credits, estimate.source, estimate.exact  # noqa: A001 - its own word
                line = dataclasses.replace(line, credits=credits, source=source, exact=exact)
            lines.append(line)
        else:
            lines.append(PlanLine(cell, standing, 0.0, seconds=seconds, why=why))
    groups = {kind: Pending(len(ages), min(ages)) for kind, ages in pending.items()}
    return Plan(names, tuple(lines), seconds_until_all(groups, outlooks))


def fresh_plan(plan: Plan, estimates: Callable[[Sequence[VideoRequest]], Sequence[Estimate | None]]) -> Plan:
    """The plan of buying other takes of every cell, whatever the ledger has; `estimates` is the session's."""
    requests = {
        line.cell.index: line.cell.request
        for line in plan.lines
        if line.cell.request is not None and line.standing != INVALID and not line.standing.startswith("same as ")
    }
    prices = dict(zip(requests, estimates([*requests.values()]), strict=True))
    lines = []
    for line in plan.lines:
        if line.cell.index not in requests:
            lines.append(line)
            continue
        new = PlanLine(line.cell, NEW, why="the next free take of it is bought")
        price = prices[line.cell.index]
        if price is not None:
            new = dataclasses.replace(new, credits=price.credits, source=price.source, exact=price.exact)
        lines.append(new)
    return dataclasses.replace(plan, lines=tuple(lines), seconds=None)


def check_money(
    estimate: GridEstimate,
    *,
    max_credits: float | None,
    limit: float | None,
    spent: float,
    less: str = "ask for fewer cells with where=",
) -> None:
    """Raises BudgetExceeded when this goes over `max_credits`, or over what is left of the session's `limit`; `less` is the other cure."""
    if not estimate.cells:
        return
    videos = f"{estimate.cells:,} new video{'s' if estimate.cells > 1 else ''}"
    for name, most, before in (("max_credits", max_credits, 0.0), ("the session's limit", limit, spent)):
        if most is None:
            continue
        if estimate.credits is None:
            raise BudgetExceeded(
                f"{estimate.source}, so {name} of {most:,.6g} credits could not be kept for {videos}; nothing was sent; give every"
                " cell a duration and a resolution that %seedance models has a price for, or leave the limit out for one of them"
            )
        if before + estimate.credits > most:
            already = f" after the {before:,.6g} spent before" if before else ""
            raise BudgetExceeded(
                f"{videos} would cost about {estimate.credits:,.6g} credits{already}, over {name} of {most:,.6g}; nothing was sent;"
                f" raise max_credits, or {less}"
            )


def _why_same(one: VideoRequest, other: VideoRequest | None) -> str:
    noted = other is not None and one.metadata != other.metadata
    return "the same request and take: it costs once" + (" (metadata make no other video)" if noted else "")


def _needs_signature(address: str) -> str:
    return f"{one_line(address, 80)} has lost its signature: write its axes again, with the address freshly signed"


def _of_snapshot(snapshot: Snapshot) -> tuple[str, str | None]:
    said = str(snapshot.error) if snapshot.error is not None else None
    if not snapshot.is_settled:
        return RUNNING, snapshot.trouble or snapshot.note
    if snapshot.status is Status.UNKNOWN:
        return UNKNOWN, said
    if snapshot.status is Status.SUCCEEDED:
        return HAVE_IT, said
    return NEW, f"{snapshot.status} before: {said or 'no reason given'}"


def _of_row(row: Record | None, is_dead: Callable[[Record], bool]) -> tuple[str, str | None]:
    if row is None:
        return NEW, None
    if row.status is Status.SUBMITTING and is_dead(row):
        if row.sent_at is None:
            return NEW, "a notebook ended before it could send this"
        return (
            UNKNOWN,
            "the notebook that sent this ended before the answer came: it may have been accepted and charged",
        )
    if row.status.value in FREE_AGAIN:
        return NEW, f"{row.status} before: {row.error or 'no reason given'}"
    if row.status is Status.UNKNOWN:
        return UNKNOWN, row.error
    if row.status is Status.SUCCEEDED:
        if row.clip and row.clip.get("forgotten"):
            return HAVE_IT, "its file was forgotten"
        return HAVE_IT, None if row.clip else row.error or "its file is not downloaded yet"
    return RUNNING, None


def _seconds(standing: str, accepted_at: float | None, outlook: Outlook, now: float) -> float | None:
    if standing in (HAVE_IT, UNKNOWN):
        return 0.0
    age = max(0.0, now - accepted_at) if standing == RUNNING and accepted_at is not None else 0.0
    return outlook.remaining(age)
