"""What a worker does, in whatever process or thread: it loads a measure once, gives it clips, and says of each what came out.

Everything that goes wrong becomes the reason of a clip, in one line: an exception would say nothing to whoever looks at the table.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import math
import numbers
import pickle
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from ...errors import SeedanceError, one_line

WHOLE = "one number, or a dict of them"
_loaded: dict[str, Any] = {}
"""By the hash of what was sent: the measure that this process has loaded. One, or every cell that is changed would keep its model here."""
_loading = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one clip: `values` by key ("" for a plain number), or why there is none."""

    values: Mapping[str, float] = dataclasses.field(default_factory=dict)
    reason: str = ""
    is_strange: bool = False
    """Whether this worker could not even make the measure of what it was sent."""


def answer(pickled: bytes, clips: Sequence[tuple[Path, Sequence[Path]]], *, compares: bool = False) -> list[Outcome]:
    """Of each clip and the other takes beside it what the measure says; `pickled` is the measure. Raises nothing."""
    try:
        measure = _measure(pickled)
    except _NotLoadedError as error:
        return [Outcome(reason=one_line(error, 200), is_strange=error.is_strange)] * len(clips)
    return measured(measure, clips, compares=compares)


class Here:
    """The same in threads of the process that has the measure: it is loaded once for all of them."""

    def __init__(self, measure: Any) -> None:
        self._measure = measure
        self._lock = threading.Lock()
        self._is_loaded = False

    def answer(self, clips: Sequence[tuple[Path, Sequence[Path]]], *, compares: bool = False) -> list[Outcome]:
        """As `answer`."""
        try:
            with self._lock:
                if not self._is_loaded:
                    _load(self._measure)
                    self._is_loaded = True
        except _NotLoadedError as error:
            return [Outcome(reason=one_line(error, 200))] * len(clips)
        return measured(self._measure, clips, compares=compares)


def measured(measure: Any, clips: Sequence[tuple[Path, Sequence[Path]]], *, compares: bool) -> list[Outcome]:
    """What a loaded measure says of these clips."""
    if not callable(getattr(measure, "batch", None)):
        return [_one(measure, path, list(others), compares=compares) for path, others in clips]
    paths = [path for path, _ in clips]
    try:
        found = measure.batch(paths)
        if isinstance(found, Mapping | str) or not hasattr(found, "__len__") or len(found) != len(paths):
            size = f"{len(found)} values" if hasattr(found, "__len__") else _kind(found)
            return [
                Outcome(reason=f"batch returned {size} for {len(paths)} clips; it returns a list with {WHOLE} for each")
            ] * len(paths)
        return [outcome_of(value) for value in found]
    except Exception as error:
        if len(paths) == 1:
            return [Outcome(reason=_said(error))]
    # One bad clip must not take the others with it.
    return [outcome for clip in clips for outcome in measured(measure, [clip], compares=compares)]


def outcome_of(value: Any) -> Outcome:
    """What a measure returned, if it can stand in a table; else why not."""
    if isinstance(value, Mapping):
        if not value:
            return Outcome(reason=f"returned an empty dict; a measure returns {WHOLE}")
        found: dict[str, float] = {}
        for name, part in value.items():
            if not isinstance(name, str) or not name.strip() or not name.isprintable():
                return Outcome(
                    reason=f"returned a dict with the key {one_line(repr(name), 40)}; its keys are texts, its values numbers"
                )
            number, why = _number(part)
            if why:
                return Outcome(reason=f"{one_line(name, 40)!r}: {why}")
            found[name] = number
        return Outcome(found)
    number, why = _number(value)
    return Outcome(reason=why) if why else Outcome({"": number})


def _number(value: Any) -> tuple[float, str]:
    if type(value).__module__.partition(".")[0] in ("numpy", "torch", "jax", "jaxlib", "tensorflow") and hasattr(
        value, "item"
    ):
        try:
            value = value.item()  # a number in the dress of an array
        except (TypeError, ValueError, RuntimeError):
            return math.nan, f"returned {_kind(value)} of several numbers; a measure returns {WHOLE}"
    if not isinstance(value, numbers.Real | Decimal):
        shown = f" ({one_line(repr(value), 40)})" if isinstance(value, str | bytes) else ""
        if inspect.iscoroutine(value):
            value.close()
        return math.nan, f"returned {_kind(value)}{shown}; a measure returns {WHOLE}"
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return math.nan, "returned a number too large for a float"
    return number, "" if math.isfinite(number) else f"returned {'NaN' if math.isnan(number) else 'an infinite number'}"


def _kind(value: Any) -> str:
    name = type(value).__name__
    return "None" if value is None else f"a{'n' if name[:1].lower() in 'aeiou' else ''} {name}"


def _one(measure: Any, path: Path, others: list[Path], *, compares: bool) -> Outcome:
    if not path.is_file():
        return Outcome(reason="the file is not there for the worker: it must see the same folder of clips")
    try:
        return outcome_of(measure(path, others) if compares else measure(path))
    except Exception as error:
        return Outcome(reason=_said(error))


def _said(error: BaseException) -> str:
    """Ours and what a measure says on purpose stand as they are; of others the kind is half of the news."""
    text = one_line(error, 200)
    if isinstance(error, SeedanceError) or (type(error) is ValueError and text):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _NotLoadedError(Exception):
    is_strange = False


def _measure(pickled: bytes) -> Any:
    key = hashlib.sha256(pickled).hexdigest()
    with _loading:
        if key not in _loaded:
            try:
                measure = pickle.loads(pickled)  # noqa: S301 - our own user's measure, from his own kernel
            except Exception as error:
                strange = _NotLoadedError(f"the worker cannot make the measure of what it was sent: {_said(error)}")
                strange.is_strange = True
                raise strange from None
            _loaded.clear()
            _load(measure)
            _loaded[key] = measure
        return _loaded[key]


def _load(measure: Any) -> None:
    load = getattr(measure, "load", None)
    if callable(load) and callable(getattr(measure, "batch", None)):
        try:
            load()
        except Exception as error:
            raise _NotLoadedError(f"its load() failed: {_said(error)}") from None
