"""Importing a library without a part of it that is heavy and not used."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType


@contextlib.contextmanager
def without(module: str) -> Iterator[None]:
    """Inside, importing `module` fails as if it were not installed, unless it is imported already; afterwards all is as before."""
    if module in sys.modules:
        yield
        return
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules[module] = None  # this is how the import system spells "not there"
    try:
        yield
    finally:
        del sys.modules[module]
