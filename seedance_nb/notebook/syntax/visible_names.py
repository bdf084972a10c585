"""The names that a line of ours may use: those of the function that runs it first, then the notebook's; as Python sees them."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import warnings
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

_MACHINERY = ("IPython", "seedance_nb", "ipykernel", "decorator")
_WRAPPED = "<decorator-gen"  # how IPython 7 wraps a magic: a function without a module
_RUN_WHERE_THEY_STAND = ("<listcomp>", "<setcomp>", "<dictcomp>")


class Names(dict[str, Any]):
    """What each name means here. `refused` are names that stand for something else here, or for nothing yet, with the reason."""

    refused: Mapping[str, str]
    lost: str | None = None
    """Why only the names in `own` can be trusted, where nobody knows those of the functions around."""
    own: frozenset[str] = frozenset()

    def reason_against(self, name: str) -> str | None:
        """Why this name must not be filled in although the notebook may have it."""
        if name in self.refused:
            return self.refused[name]
        return self.lost if self.lost and name not in self.own else None


def names_here(user_ns: Mapping[str, Any]) -> Names:
    """The names visible to whoever called the magic. A name that is local there but has no value is never the notebook's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_machinery(frame):
        frame = frame.f_back
    return names_at(frame, user_ns)


def names_at(frame: FrameType | None, user_ns: Mapping[str, Any]) -> Names:
    """The names visible in this frame."""
    found = Names(user_ns)
    found.refused = {}
    if frame is None:
        return found
    found.update(frame.f_globals)
    own: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for scope in _scopes(frame):
        code = scope.f_code
        if scope.f_locals is not scope.f_globals:
            own = {**scope.f_locals, **own}
        function = f"{code.co_name}()"
        if code.co_flags & inspect.CO_OPTIMIZED:
            for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
                refused.setdefault(name, f"it has no value yet in {function}")
        if "<locals>" in code.co_qualname and not _is_part(scope):
            around = _names_around(code)
            if around is None:
                found.lost = f"{function} stands inside another function, whose names cannot be seen here; pass it in"
            for name, whose in (around or {}).items():
                refused.setdefault(
                    name, f"it belongs to {whose}() around {function}, which does not use it otherwise; pass it in"
                )
    found.update(own)
    found.own = frozenset(own)
    found.refused = {name: reason for name, reason in refused.items() if name not in own}
    for name in found.refused:
        found.pop(name, None)
    return found


def _scopes(frame: FrameType) -> Iterator[FrameType]:
    """The frame, and those around it whose names it sees for certain because they run it where it stands."""
    current: FrameType | None = frame
    while current is not None:
        yield current
        executed = current.f_code.co_name == "<module>" and current.f_locals is not current.f_globals  # %time, exec
        if not (executed or _is_part(current)):
            return
        inner, current = current, current.f_back
        while current is not None and _is_machinery(current):
            current = current.f_back
        # What exec was given is all it sees; but where that was all there is, a name that is unclear out there is unclear here, too.
        if (
            executed
            and current is not None
            and not (current.f_globals is inner.f_globals and set(current.f_locals) <= set(inner.f_locals))
        ):
            return


def _is_part(frame: FrameType) -> bool:
    """Whether this is a comprehension or the body of a class: code that runs inside the frame that called it."""
    code, back = frame.f_code, frame.f_back
    if back is None or code not in back.f_code.co_consts:
        return False
    is_class = not code.co_flags & inspect.CO_OPTIMIZED and code.co_name != "<module>"
    return is_class or code.co_name in _RUN_WHERE_THEY_STAND


def _names_around(code: CodeType) -> dict[str, str] | None:
    """The local names of the functions around this one, each with its function; None where their source cannot be found."""
    source = "".join(linecache.getlines(code.co_filename))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = compile(source, code.co_filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    path = _path(whole, code)
    if path is None:
        return None
    return {
        name: outer.co_name
        for outer in path
        if outer.co_flags & inspect.CO_OPTIMIZED
        for name in (*outer.co_varnames, *outer.co_cellvars)
    }


def _path(whole: CodeType, wanted: CodeType) -> list[CodeType] | None:
    """The codes around the wanted one, from the outside."""
    for inner in whole.co_consts:
        if not isinstance(inner, CodeType):
            continue
        if (inner.co_qualname, inner.co_firstlineno) == (wanted.co_qualname, wanted.co_firstlineno):
            return [whole]
        below = _path(inner, wanted)
        if below is not None:
            return [whole, *below]
    return None


def _is_machinery(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return module in _MACHINERY or frame.f_code.co_filename.startswith(_WRAPPED)
