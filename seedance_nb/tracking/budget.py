"""What a session has spent and may still spend, in credits."""

from __future__ import annotations

import os
import threading

from ..errors import BudgetExceeded


class Budget:
    """Reserved when a create is allowed, corrected when the service says what it charged. Safe from any thread.

    A forked child has only a copy: what it and its parent spend from then on, neither can know of the other. There a limit allows
    nothing until the child is given one of its own.
    """

    def __init__(self, limit: float | None = None) -> None:
        self._limit = limit
        self._pid = os.getpid()
        self._spent = 0.0
        self._lock = threading.Lock()

    @property
    def limit(self) -> float | None:
        """At most so many credits; None: as many as you like. Setting it makes it the limit of this process."""
        return self._limit

    @limit.setter
    def limit(self, limit: float | None) -> None:
        self._limit, self._pid = limit, os.getpid()

    @property
    def spent(self) -> float:
        """Credits charged or reserved so far."""
        return self._spent

    def reserve(self, cost: float | None, *, limit_of_call: float | Budget | None = None) -> None:
        """Set `cost` aside; raises BudgetExceeded when that goes over the session's limit or this call's own.

        None means that nobody knows the price: no limit can be kept with that, so where there is one it is refused too. A call
        that asks for many videos at once brings a Budget of its own, which they share.
        """
        if isinstance(limit_of_call, Budget):
            limit_of_call.reserve(cost)
            try:
                self.reserve(cost)
            except BudgetExceeded:
                limit_of_call.correct(cost, 0.0)
                raise
            return
        price = cost or 0.0
        if self._limit is not None and self._pid != os.getpid():
            raise BudgetExceeded(
                f"this process was forked, so the limit of {self._limit:g} credits cannot be kept here: its parent spends too;"
                " nothing was sent; give the child its own with sd.configure(max_credits=…)"
            )
        with self._lock:
            for limit, total in ((self._limit, self._spent + price), (limit_of_call, price)):
                if limit is not None and cost is None:
                    raise BudgetExceeded(
                        f"nobody knows what this costs, so the limit of {limit:g} credits could not be kept; nothing was sent;"
                        " give it a duration and a resolution that %seedance models has a price for, or make one without"
                        " max_credits: what it is charged is remembered"
                    )
                if limit is not None and total > limit:
                    raise BudgetExceeded(
                        f"this would cost about {price:g} credits and bring the total to {total:g}, over the limit of"
                        f" {limit:g}; nothing was sent; raise max_credits to allow it"
                    )
            self._spent += price

    def correct(self, reserved: float | None, charged: float) -> None:
        """Replace what was reserved for a job by what it was charged."""
        with self._lock:
            self._spent += charged - (reserved or 0.0)
