"""Keywords of the front door: one that was not given, and one that there is not."""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Unset(enum.Enum):
    """What a keyword is that was not given, where None says something of its own."""

    UNSET = enum.auto()

    def __repr__(self) -> str:
        return "unset"


UNSET = Unset.UNSET


def refusing_others(refuse: Callable[[Iterable[str]], object]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Have `refuse(names)` say what is wrong with keywords that a function has not: a TypeError would not name the cure.

    What the function takes, and what it returns, stays as it is written, for people and type checkers alike.
    """

    def dress(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)
        known = {name: it for name, it in signature.parameters.items() if it.kind is not inspect.Parameter.VAR_KEYWORD}

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            others = [name for name in kwargs if name not in known]
            try:
                if others:
                    refuse(others)
                return function(*args, **kwargs)
            except BaseException:
                del args, kwargs  # there may be a key among them, and `%xmode Verbose` shows what a frame holds
                raise

        # `**others: Never`, by which what the table of fields knows gets through, is nothing to type.
        vars(call)["__signature__"] = signature.replace(parameters=list(known.values()))
        return call

    return dress
