"""Follows what was paid for. The room is also the public function: `seedance_nb.jobs(status=None, limit=50)`."""

from __future__ import annotations

import sys
import types
from typing import Any


class _Room(types.ModuleType):
    def __call__(self, status: str | None = None, limit: int = 50) -> Any:
        """The newest jobs in the ledger, newest first, at most `limit`, perhaps of one status only."""
        from .session import default

        return default().jobs(status=status, limit=limit)


# A package attribute and a sub-package of the same name cannot both exist: importing the room would bury the function.
sys.modules[__name__].__class__ = _Room
