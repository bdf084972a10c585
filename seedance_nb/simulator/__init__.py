"""The Seedance Open API served on this machine: the same calls, real H.264 MP4s, no cost.

`Simulator` (server.py) is what tests and notebooks hold; `Scenario` (scenario.py) is the service as a state machine; `Fault`
(faults.py) is one way to misbehave. Importing this package loads none of them: tornado, Pillow and PyAV come when first needed.
"""

from __future__ import annotations

import importlib
from typing import Any

SIMULATOR_KEY = "simulator"
"""The one key that `start()` accepts. It is no secret; it only shows that a client sends the key it was given."""

_HOMES = {
    "Fault": "faults",
    "Pace": "scenario",
    "Scenario": "scenario",
    "Simulator": "server",
    "start": "server",
}

__all__ = ["SIMULATOR_KEY", "Fault", "Pace", "Scenario", "Simulator", "start"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
