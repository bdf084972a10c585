"""Errors in callbacks of the panel are drawn where they happened; a widget's callback has no other place to tell of them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec

from ...errors import SeedanceError, shortened
from ...tracking.background import log

P = ParamSpec("P")


@contextlib.contextmanager
def drawn_by(show: Callable[[str], object]) -> Iterator[None]:
    """Whatever is raised inside becomes one line, shown by `show(line)`; a block that ends well shows an empty line."""
    try:
        yield
    except SeedanceError as error:
        show(str(error))
    except Exception as error:
        log.exception("a callback of the panel failed")
        show(f"this did not work ({type(error).__name__}: {shortened(error)})")
    else:
        show("")


def draws_errors(show: Callable[[str], object]) -> Callable[[Callable[P, Any]], Callable[P, None]]:
    """The same for a function that is used as a callback."""

    def wrap(function: Callable[P, Any]) -> Callable[P, None]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> None:
            with drawn_by(show):
                function(*args, **kwargs)

        return call

    return wrap
