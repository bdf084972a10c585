"""What videos cost, by whose word, and what a session has spent and may spend. In credits."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ..api.catalog import Catalog, Estimate
from ..api.extra import with_a_price
from ..api.models import VideoRequest
from ..errors import ConfigurationError, SeedanceError
from . import prices
from .budget import Budget
from .choices import Choices
from .engine import Engine
from .ledger.spending_limits import refuse

ASK_PRICES_SECONDS = 10.0
"""Under a limit, and where nobody knows a price, the service is asked for its prices and waited for so long."""
RATE_SECONDS = 2.0
"""In a burst of submits, what such requests cost is asked of the ledger at most so often."""


class Money:
    """Estimates are for showing; what a limit is held against is the worst case known."""

    def __init__(self, choices: Choices, engine: Engine) -> None:
        self._choices, self._engine = choices, engine
        self.catalog = Catalog()
        """What each model allows and costs, as far as anybody said."""
        self.budgets = {simulated: Budget(choices.settings.limits.max_credits) for simulated in (False, True)}
        """Real credits and simulated ones: neither uses up the other's limit."""
        self._has_asked_prices = False
        self._asked_limits_at, self._ledger_has_limits = -RATE_SECONDS, False
        self._rates: dict[tuple[object, ...], tuple[float, float | None]] = {}

    @property
    def budget(self) -> Budget:
        """The one in use."""
        return self.budgets[self._choices.settings.uses_simulator]

    def has_limit(self, limit_of_call: float | None, *, in_burst: bool = False) -> bool:
        """Whether anything limits what a call may spend: itself, the session, or the ledger. `in_burst`: as that said a moment ago.

        The ledger itself holds its own when it is asked to claim; here it only tells whether that needs the highest price.
        """
        if limit_of_call is not None or self._choices.settings.limits.max_credits is not None:
            return True
        if not in_burst or time.monotonic() - self._asked_limits_at >= RATE_SECONDS:
            self._asked_limits_at = time.monotonic()
            self._ledger_has_limits = False
            if self._engine.has_ledger:
                with contextlib.suppress(ConfigurationError):  # then it claims nothing either
                    self._ledger_has_limits = bool(self._engine.ask_ledger(lambda ledger: ledger.limits.all()))
        return self._ledger_has_limits

    def check_ledger_limits(self, prices: Sequence[float | None]) -> None:
        """Raises BudgetExceeded if so many new videos, at these highest prices, do not fit under a limit of the ledger."""
        settings = self._choices.settings
        if not prices or not self._engine.has_ledger:
            return
        whose = (settings.person, settings.project, settings.uses_simulator)
        total = None if None in prices else sum(price or 0.0 for price in prices)
        many = f"each of {len(prices):,} new videos" if total is None else f"all of {len(prices):,} new videos"
        for standing in self._engine.ask_ledger(lambda ledger: ledger.limits.of(*whose)):
            refuse(standing, total, "this" if len(prices) == 1 else many)

    def use_limit(self, limit: float | None, *, anew: bool = False) -> None:
        """Keep this limit from now on; `anew` also where it is the same, which makes it the limit of a forked child."""
        for budget in self.budgets.values():
            if anew or budget.limit != limit:
                budget.limit = limit

    def learn(self, items: list[Any]) -> Catalog:
        """Take in what `/models` answered."""
        self.catalog = self.catalog.merged(items)
        return self.catalog

    def estimate(self, request: VideoRequest, *, in_burst: bool = False) -> Estimate | None:
        """Credits this is expected to cost, and by whose word; None when nobody knows. `in_burst`: as the ledger said a moment ago."""
        listed = self.catalog.listed_estimate(request)
        if listed is not None:
            return listed
        kind = _kind_of(request)
        asked_at, rate = self._rates.get(kind, (-RATE_SECONDS, None))
        if not in_burst or time.monotonic() - asked_at >= RATE_SECONDS:
            rate = next(iter(self._rates_of([request])), rate)
            self._rates[kind] = (time.monotonic(), rate)
        return self._estimate(request, rate)

    def estimates(self, requests: Iterable[VideoRequest]) -> list[Estimate | None]:
        """`estimate` of each, asking the ledger once for all of them."""
        kinds = [(_kind_of(request), request) for request in requests]
        examples = dict(kinds)
        rates = self._rates_of(list(examples.values())) or [None] * len(examples)
        known = {
            kind: self._estimate(request, rate) for (kind, request), rate in zip(examples.items(), rates, strict=True)
        }
        return [known[kind] for kind, _ in kinds]

    def most_credits(self, requests: Sequence[VideoRequest], *, may_ask: bool = True) -> list[float | None]:
        """Credits that each may cost at most, by the worst case known: what a limit is held against. None where nobody knows.

        Asks the service for its prices, once, if that may help. Raises ConfigurationError when the ledger cannot be read.
        """
        examples = {prices.kind_of(request): request for request in requests}
        host = self._choices.settings.base_url
        seen = self._engine.ask_ledger(lambda ledger: ledger.experience.highest_rates(host, examples.values()))

        def known() -> dict[tuple[object, ...], float | None]:
            found = zip(examples.items(), seen, strict=True)
            return {kind: prices.most(request, self.catalog, of_it) for (kind, request), of_it in found}

        most = known()
        if None in most.values() and may_ask and not self._has_asked_prices and not self.catalog.answered:
            runner = self._engine.runner
            if not runner.is_current:
                self._has_asked_prices = True
                with contextlib.suppress(SeedanceError, TimeoutError):
                    self.learn(runner.background.run(runner.fetch_models(), ASK_PRICES_SECONDS))
                most = known()
        return [most[prices.kind_of(request)] for request in requests]

    def go_on(self, budgets: dict[bool, Budget]) -> None:
        """Count on from what was spent before, and under the limit of then unless this session was given one; before its first use."""
        own, before = self._choices.settings.limits.max_credits, budgets[False].limit
        limit = own if "max_credits" in self._choices.said or before is None else before
        self.budgets = budgets
        self._choices.use_limits(dataclasses.replace(self._choices.settings.limits, max_credits=limit))
        self.use_limit(limit)

    def _rates_of(self, requests: list[VideoRequest]) -> list[float | None]:
        """Credits a second that such requests cost last, by the ledger; none at all where it cannot be asked."""
        host = self._choices.settings.base_url
        with contextlib.suppress(ConfigurationError):
            return self._engine.ask_ledger(lambda ledger: ledger.experience.rates(host, requests))
        return []

    def _estimate(self, request: VideoRequest, rate: float | None) -> Estimate | None:
        listed = self.catalog.listed_estimate(request)
        if listed is not None:
            return listed
        if rate is not None and request.duration is not None:
            return Estimate(rate * request.duration, "what the ledger says such a request cost last")
        return self.catalog.sample_estimate(request)


def _kind_of(request: VideoRequest) -> tuple[object, ...]:
    """All that a price depends on, here and in the ledger."""
    return (
        request.model,
        request.duration,
        request.resolution,
        request.media_urls is None,
        with_a_price(request.extra),
    )
