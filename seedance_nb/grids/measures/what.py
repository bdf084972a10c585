"""What is to be measured: a name, a function or an object of the user's becomes one `Task` that can travel to another process."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import pickle
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..._version import __version__
from ...errors import InvalidRequest, one_line
from .fingerprint import source_hash
from .shipped import COMPARE_TAKES, SHIPPED

BATCH = 16
"""Clips that a measure with `batch` is given at a time, where it does not say `batch_size`."""
LONGEST_NAME = 60

Value = float | Mapping[str, float]


class ClipMeasure(Protocol):
    """A measure that is heavy to begin: a model that is loaded once in each worker, and given several clips at a time.

    It may also have `load()`, called once in each worker before the first batch; `device` ("cpu", "cuda", …), which it reads itself; `name`
    (else the name of its class), `version`, `batch_size` (16) and `workers` (1: a model for each worker takes its memory).
    What `__init__` sets must be picklable; what `load` sets never travels.
    """

    def batch(self, paths: Sequence[Path]) -> Sequence[Value]:
        """A number, or a dict of numbers, for each clip, in their order."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A measure, ready to be sent: `pickled` is itself; `source` and `version` with `name` say whether two of them are the same."""

    name: str
    version: str
    source: str
    measure: Any
    pickled: bytes
    batch_size: int = 1
    workers: int | None = None
    """How many at a time at most; None: as many as there are processors."""
    compares_takes: bool = False

    @property
    def title(self) -> str:
        """What measures, with its version, for who reports it."""
        return title_of(self.name, self.measure, self.version, self.source)

    def travelling_whole(self) -> Task | None:
        """The same, with the module that it comes from inside, for a worker that cannot import it; None where that cannot be done."""
        import cloudpickle

        found = self.measure if hasattr(self.measure, "__qualname__") else type(self.measure)
        module = sys.modules.get(getattr(found, "__module__", None) or "")
        if module is None or module.__name__ == "__main__":
            return None
        try:
            cloudpickle.register_pickle_by_value(module)
            try:
                return dataclasses.replace(self, pickled=cloudpickle.dumps(self.measure))
            finally:
                cloudpickle.unregister_pickle_by_value(module)
        except Exception:  # then the reason that the worker gave stands
            return None


def task_of(measure: Any, name: str | None = None, version: str = "", *, in_threads: bool = False) -> Task:
    """The task of what a user gave. Raises InvalidRequest, in one line with the cure, for what cannot be measured with.

    `in_threads`: it stays in this process, so that it need not be picklable.
    """
    if isinstance(measure, str):
        name = name or measure
    measure = check_measure(measure)
    name = name if name is not None else getattr(measure, "name", None) if _is_object(measure) else None
    name = name if name is not None else _name_of(measure)
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(
            f"{one_line(repr(name), 60)} is no name for a column; name= takes a text of up to {LONGEST_NAME} characters"
        )
    version = str(version or getattr(measure, "version", "") or "")
    batch_size = getattr(measure, "batch_size", BATCH) if _has_batch(measure) else 1
    workers = getattr(measure, "workers", 1) if _has_batch(measure) else None
    for what, number in (("batch_size", batch_size), ("workers", workers)):
        if number is not None and (type(number) is not int or number < 1):
            raise InvalidRequest(f"{what} of {name!r} must be a whole number from 1, not {one_line(repr(number), 40)}")
    pickled = b"" if in_threads else _pickled(measure, name)
    return Task(
        name=name,
        version=version,
        source=source_hash(measure),
        measure=measure,
        pickled=pickled,
        batch_size=batch_size,
        workers=workers,
        compares_takes=_is_comparison(measure),
    )


def check_measure(measure: Any) -> Any:
    """The measure itself, if it can be one: of a name, what is shipped by it. Raises InvalidRequest."""
    found = _shipped(measure) if isinstance(measure, str) else measure
    _check_kind(found)
    return found


def title_of(name: str, measure: Any, version: str, source: str) -> str:
    """What measures, with its version: "flicker of seedance_nb 0.1.0", "sharpness (version 2, source 1f2e3d4c5b6a)"."""
    shipped = next((known for known, function in SHIPPED.items() if function is measure), None)
    said = "" if shipped in (None, name) else f"{shipped} "
    own = [f"version {one_line(version, 40)}"] if version else []
    if shipped is None:
        return f"{one_line(name, 60)} ({', '.join([*own, f'source {source[:12]}'])})"
    of = f"{said}of seedance_nb {__version__}{''.join(f', {one}' for one in own)}"
    return f"{one_line(name, 60)} ({of})" if said else f"{name} {of}"


def _shipped(name: str) -> Callable[..., Any]:
    if name in SHIPPED:
        return SHIPPED[name]
    near = difflib.get_close_matches(name.strip().lower(), SHIPPED, n=1, cutoff=0.5)
    mean = f"; did you mean {near[0]!r}? There are" if near else "; there are"
    raise InvalidRequest(
        f"{one_line(repr(name), 60)} is no measure{mean} {', '.join(SHIPPED)}; or give a function of a path"
    )


def _check_kind(measure: Any) -> None:
    if isinstance(measure, type):
        raise InvalidRequest(f"{measure.__name__} is a class; give an object of it: grid.measure({measure.__name__}())")
    if _has_batch(measure):
        return
    if not callable(measure):
        raise InvalidRequest(
            f"{one_line(repr(measure), 60)} is no measure; give a function of a path, an object with batch(paths), or one of {', '.join(SHIPPED)}"
        )
    if inspect.iscoroutinefunction(measure):
        raise InvalidRequest(f"{_title(measure)} is a coroutine function; give a plain one: def, not async def")
    try:
        inspect.signature(measure).bind(*([Path(), []] if _is_comparison(measure) else [Path()]))
    except TypeError:
        raise InvalidRequest(
            f"{_title(measure)} is called with one argument, the path of a clip, and does not take that; give what else it needs by functools.partial"
        ) from None
    except ValueError:  # a builtin that tells nothing of itself
        pass


def _is_comparison(measure: Any) -> bool:
    try:
        return measure in COMPARE_TAKES
    except TypeError:  # it cannot be hashed
        return False


def _has_batch(measure: Any) -> bool:
    return callable(getattr(measure, "batch", None))


def _is_object(measure: Any) -> bool:
    return not hasattr(measure, "__code__")


def _name_of(measure: Any) -> Any:
    inner = measure
    while hasattr(inner, "func") and not hasattr(inner, "__name__"):  # functools.partial
        inner = inner.func
    name = getattr(inner, "__name__", None) or type(inner).__name__
    if name == "<lambda>":
        raise InvalidRequest("a lambda has no name for its column; give one: grid.measure(…, name='brightness')")
    return name


def _title(measure: Any) -> str:
    return one_line(getattr(measure, "__name__", None) or type(measure).__name__, 60)


def _pickled(measure: Any, name: str) -> bytes:
    # Functions of a notebook's cells are known to no other process by name: they travel with their code.
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(measure))
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError, OSError) as error:
        why = one_line(error, 120)
    raise InvalidRequest(
        f"{one_line(name, 60)} cannot be sent to another process ({why}); open what it holds inside of it, "
        "or stay in this one: executor=concurrent.futures.ThreadPoolExecutor()"
    )
