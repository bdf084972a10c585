"""A measure that stands in for votes: one number a clip, the more the better; each clip is measured once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...clips.clip import Clip
from ...errors import InvalidRequest, one_line
from ..measures.fingerprint import source_hash
from ..measures.shipped import SHIPPED
from ..measures.what import ClipMeasure, check_measure, title_of

Measure = str | ClipMeasure | Callable[[Path], float] | Mapping[Any, float]
"""What `grid.measure` takes by name or as an object, a function of the path of a clip's MP4 (run here), or numbers by Clip, by the sha256 of its
file, by its path, or by the key of its job (as `grid.measure(…).values()` has them)."""

GIVEN = "given numbers"


def name_of(measure: object) -> str | None:
    """What a race with this measure is known by. Raises InvalidRequest for what is none."""
    if measure is None:
        return None
    if isinstance(measure, Mapping):
        return GIVEN
    if not (isinstance(measure, str) or callable(measure) or hasattr(measure, "batch")):
        raise InvalidRequest(
            f"measure is a name, a function of a clip's path, or numbers by clip, not {one_line(measure, 40)!r}; leave it out to race by votes"
        )
    check_measure(measure)
    return measure if isinstance(measure, str) else str(getattr(measure, "__qualname__", type(measure).__qualname__))


def title_of_measure(measure: Measure | None) -> str:
    """The same with its version, as `methods()` says it; empty for none."""
    name = name_of(measure)
    if name is None or name == GIVEN:
        return name or ""
    function = check_measure(measure)
    name = str(getattr(function, "name", None) or name.rpartition(".")[2])
    return title_of(name, function, str(getattr(function, "version", "") or ""), source_hash(function))


class Measuring:
    """The numbers of one measure. `trouble` says of the newest clip that could not be measured why."""

    def __init__(self, measure: Measure) -> None:
        self.of_grid: str | ClipMeasure | Callable[..., float] | None = None
        """What `grid.measure` is to be asked for; None: the numbers are found here."""
        self._measure: Callable[[Path], float] | Mapping[Any, float] = {}
        if isinstance(measure, Mapping):
            self._measure = measure
        elif isinstance(measure, str) or hasattr(measure, "batch") or measure in SHIPPED.values():
            self.of_grid = measure
        else:
            self._measure = measure
        self._known: dict[str, float] = {}
        self.trouble: str | None = None

    def values(self, clips: Mapping[str, Clip]) -> dict[str, float]:
        """Of each of these clips, by the key of its job, its number; those that have none are left out."""
        found = {key: self._value(key, clip) for key, clip in clips.items()}
        return {key: value for key, value in found.items() if math.isfinite(value)}

    def _value(self, key: str, clip: Clip) -> float:
        if isinstance(self._measure, Mapping):
            numbers = self._measure
            found = next(
                (numbers[name] for name in (clip, clip.sha256, key, clip.path, str(clip.path)) if name in numbers), None
            )
            return math.nan if found is None else self._number(found, clip)
        if clip.sha256 not in self._known:
            try:
                self._known[clip.sha256] = self._number(self._measure(clip.path), clip)
            except InvalidRequest:
                raise
            except Exception as error:  # one clip that cannot be measured ends no race
                self.trouble = f"{clip.path.name} could not be measured: {one_line(error or type(error).__name__, 120)}"
                self._known[clip.sha256] = math.nan
        return self._known[clip.sha256]

    def _number(self, value: object, clip: Clip) -> float:
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise InvalidRequest(
                f"the measure of {clip.path.name} is {one_line(value, 40)!r}, not one number: return the one that is to race"
            ) from None
