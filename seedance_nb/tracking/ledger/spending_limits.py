"""Limits of credits that the ledger itself keeps: whoever shares it shares them, and they are held in the transaction that claims.

What counts is what was claimed here: what it was charged; before that is known, and where it never is, the most that it may cost.
Credits come back to a limit only where a create was surely not accepted: nobody documents that any other is refunded.
"""

from __future__ import annotations

from ...errors import BudgetExceeded, one_line
from .contract import EACH, SpendingLimit, Standing
from .ledger_file import Connection, LedgerFile
from .periods import IN_WORDS, first_day, renewal_in_words
from .record import Record, record_of

SIMULATED = "simulator"
"""As the service of a job: the simulator that is built in, whose credits are none."""
_NOW = "CAST(strftime('%s', 'now') AS INTEGER)"
_ALL = ""
"""In the table: no person or project of its own, all together. A name is never empty."""
_LIMITS = "SELECT per, person, project, credits FROM spending_limits ORDER BY per, person, project"
_CLAIMED = "day >= ? AND status <> 'rejected' AND (CASE WHEN base_url = ? THEN 1 ELSE 0 END) = ?"
_SUMS = (
    "SELECT COALESCE(SUM(COALESCE(credits, reserved, estimate)), 0),"
    " COALESCE(SUM(CASE WHEN COALESCE(credits, reserved, estimate) IS NULL THEN 1 ELSE 0 END), 0)"
    f" FROM jobs WHERE {_CLAIMED}"
)
_NEVER_SENT = (
    "SELECT * FROM jobs WHERE day IS NOT NULL AND status = 'submitting' AND sent_at IS NULL AND request_id IS NULL"
)
_TINY = 1e-6
"""Sums of prices such as 0.1 are not exact."""


class SpendingLimits:
    """The file's table of limits, and what its jobs use of them."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def all(self) -> list[SpendingLimit]:
        """The limits that are set."""
        with self._file.transaction(write=False) as db:
            return _limits(db)

    def set(self, limit: SpendingLimit) -> None:
        """Have this limit from now on, in place of one of the same period, person and project."""
        with self._file.transaction() as db:
            db.execute(
                "INSERT INTO spending_limits (per, person, project, credits, at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (per, person, project) DO UPDATE SET credits = excluded.credits, at = excluded.at",
                (*_place(limit), limit.credits, float(_now(db))),
            )

    def remove(self, limit: SpendingLimit) -> bool:
        """Have no such limit any more, whatever its credits; False where there was none."""
        with self._file.transaction() as db:
            where = "per = ? AND person = ? AND project = ?"
            return db.execute(f"DELETE FROM spending_limits WHERE {where}", _place(limit)).rowcount > 0

    def standings(self, simulated: bool) -> list[Standing]:
        """How every limit stands; those of each person or project once for each who has spent anything under it."""
        with self._file.transaction(write=False) as db:
            found, now = [], _now(db)
            for limit in _limits(db):
                columns = [name for name in ("person", "project") if getattr(limit, name) == EACH]
                whose = [(limit.person, limit.project)]
                if columns:
                    query = f"SELECT DISTINCT {', '.join(columns)} FROM jobs WHERE {_CLAIMED}"
                    rows = db.execute(query, (first_day(limit.per, now), SIMULATED, int(simulated))).fetchall()
                    named = [dict(zip(columns, row, strict=True)) for row in rows]
                    whose = [(one.get("person", limit.person), one.get("project", limit.project)) for one in named]
                found += [
                    _standing(db, limit, *names, simulated, now) for names in whose or [(limit.person, limit.project)]
                ]
            return found

    def of(self, person: str | None, project: str | None, simulated: bool) -> list[Standing]:
        """How those limits stand that this person is under, working for this project."""
        with self._file.transaction(write=False) as db:
            now = _now(db)
            return [
                _standing(db, limit, *_whose(limit, person, project), simulated, now)
                for limit in _limits(db)
                if _concerns(limit, person, project)
            ]

    def never_sent(self) -> list[Record]:
        """Intentions that count, of which nothing has left."""
        return [record_of(row) for row in self._file.read(_NEVER_SENT)]


# Inside a transaction ----------------------------------------------------------------------------


def refuse_over(db: Connection, record: Record) -> str:
    """The day on which this row counts. Raises BudgetExceeded where it could bring a limit above what it allows."""
    now, is_limited = db.execute(f"SELECT {_NOW}, EXISTS (SELECT 1 FROM spending_limits)").fetchone()
    simulated = record.base_url == SIMULATED
    for limit in _limits(db) if is_limited else ():
        if _concerns(limit, record.person, record.project):
            names = _whose(limit, record.person, record.project)
            standing = _standing(db, limit, *names, simulated, now)
            refuse(standing, record.reserved)
    return first_day("day", now)


def refuse(standing: Standing, price: float | None, what: str = "this") -> None:
    """Raises BudgetExceeded where what may cost `price`, which nobody knows if it is None, could bring a limit above what it allows."""
    limit, renewal = in_words(standing), renewal_in_words(standing.limit.per, standing.now)
    if price is None:
        raise BudgetExceeded(
            f"nobody knows what {what} costs, so {limit} could not be kept; nothing was sent and nothing charged; give it a duration and"
            " a resolution that %seedance models has a price for; if the limit was set just now, run it again"
        )
    if standing.unpriced:
        jobs = f"{standing.unpriced} job{'s' if standing.unpriced > 1 else ''}"
        raise BudgetExceeded(
            f"what {jobs} sent before cost nobody knows, so {limit} cannot be kept; nothing was sent and nothing charged;"
            f" %seedance limit shows it, and it {renewal}"
        )
    if standing.spent + price > standing.limit.credits + _TINY:
        raise BudgetExceeded(
            f"{limit} has {standing.left:,.6g} left and {what} may cost {price:,.6g}: nothing was sent and nothing charged; it {renewal};"
            " %seedance limit shows it"
        )


def in_words(standing: Standing) -> str:
    """Which limit it is, for whom."""
    limit = standing.limit
    whose = [
        f" for {kind} {one_line(name, 40) if name is not None else 'without a name'}"
        for kind, name, said in (
            ("person", standing.person, limit.person),
            ("project", standing.project, limit.project),
        )
        if said is not None
    ]
    return f"the limit of {limit.credits:,.6g} credits {IN_WORDS[limit.per]}{''.join(whose)}"


def _now(db: Connection) -> int:
    """The ledger's clock."""
    return int(db.execute(f"SELECT {_NOW}").fetchone()[0])


def _limits(db: Connection) -> list[SpendingLimit]:
    rows = db.execute(_LIMITS).fetchall()
    return [SpendingLimit(row[3], row[0], row[1] or None, row[2] or None) for row in rows]


def _place(limit: SpendingLimit) -> tuple[str, str, str]:
    return limit.per, limit.person or _ALL, limit.project or _ALL


def _concerns(limit: SpendingLimit, person: str | None, project: str | None) -> bool:
    return limit.person in (None, EACH, person) and limit.project in (None, EACH, project)


def _whose(limit: SpendingLimit, person: str | None, project: str | None) -> tuple[str | None, str | None]:
    """The names that are counted."""
    return (
        person if limit.person is not None else None,
        project if limit.project is not None else None,
    )


def _standing(
    db: Connection,
    limit: SpendingLimit,
    person: str | None,
    project: str | None,
    simulated: bool,
    now: int,
) -> Standing:
    query, values = _SUMS, [first_day(limit.per, now), SIMULATED, int(simulated)]
    for column, said, name in (("person", limit.person, person), ("project", limit.project, project)):
        if said is not None:
            query += f" AND {column} IS ?"
            values.append(name)
    spent, unpriced = db.execute(query, tuple(values)).fetchone()
    return Standing(limit, person, project, float(spent), int(unpriced), float(now))
