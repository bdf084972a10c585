"""What a plan needs to know, asked of session and ledger: prices, how long such videos took, what was made before. Sends nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ...errors import ConfigurationError
from ...snapshot import Snapshot
from ...tracking.following.polling import Outlook
from ...tracking.ledger.record import Record
from ...tracking.session import Session
from ..axes import Cell, Identity
from ..cells import Cells
from .plan import Plan, check_money, make_plan
from .timing import Kind, kind_of


class Planner:
    """Makes the plans of one grid."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.lives: dict[Kind, Sequence[float]] = {}
        """How long videos of each kind took, in seconds, newest first, as the latest plan learned it."""

    def plan(
        self,
        laid: Cells,
        cells: Sequence[Cell],
        followed: Mapping[Identity, Snapshot],
        *,
        ask_for_rows: bool = True,
    ) -> Plan:
        """Where these of its cells stand. `followed` are the jobs known here; of all others the ledger is asked, if `ask_for_rows`."""
        session = self._session
        identities = [laid.identities[cell.index] for cell in cells]
        pairs = list(zip(cells, identities, strict=True))
        valid = {i: cell.request for cell, i in pairs if i is not None and cell.request and not cell.invalid}
        estimates = dict(zip(valid, session.money.estimates(valid.values()), strict=True))
        kinds = {kind_of(request): request for request in valid.values()}
        host = session.settings.base_url
        lives = session.ask_ledger(lambda ledger: ledger.experience.lives(host, kinds.values()))
        self.lives = {**self.lives, **dict(zip(kinds, lives, strict=True))}
        return make_plan(
            laid.axes.names,
            cells,
            identities,
            followed=followed,
            rows=self._rows([i for i in valid if i not in followed]) if ask_for_rows else {},
            estimates=estimates,
            outlooks={kind: Outlook.learn(self.lives[kind]) for kind in kinds},
            is_dead=lambda row: session.engine.is_alive(row.owner) is False,
            now=time.time(),
        )

    def check_price(self, laid: Cells, wanted: Sequence[Identity], limit: float | None, *, fresh: bool) -> None:
        """Raises BudgetExceeded if sending these videos would go over `limit`, in credits, or over what is left of the session's."""
        plan = self.plan(laid, laid.first_of_each(wanted), {}, ask_for_rows=not fresh)
        session = self._session
        if not session.money.has_limit(limit):
            return
        new = [line.cell.request for line in plan if line.is_new and line.cell.request is not None]
        prices = session.money.most_credits(new)
        session.money.check_ledger_limits(prices)
        estimate = plan.estimate.at_most(prices)
        check_money(estimate, max_credits=limit, limit=session.limits.max_credits, spent=session.spent)

    def _rows(self, identities: Sequence[Identity]) -> dict[Identity, Record]:
        try:
            account = self._session.account
        except ConfigurationError:  # no key, so no account that could have anything
            return {}
        hashes = [request_hash for request_hash, _ in identities]
        return self._session.ask_ledger(lambda ledger: ledger.browsing.newest_of(account, hashes)) if identities else {}
