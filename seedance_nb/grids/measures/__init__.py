"""Functions of clips, shipped with numpy and PyAV alone. Each takes the path of a clip and returns one number; none of them is quality.

`grid.measure("flicker")` and `grid.measure(sd.measures.flicker)` are the same. What each does, its unit and range, where it comes from and
what moves it wrongly is its docstring; `python -m benchmarks measures` shows it under 13 kinds of damage. `pictures` gives a clip's pictures
as arrays, for measures of one's own; `ClipMeasure` is what a measure with a model looks like.
"""

from __future__ import annotations

from ...clips.pictures import pictures
from .detail import blur, noise
from .light import clipping, colourfulness, contrast, exposure, flicker, pulse
from .movement import cuts, difference, freeze, motion, seam
from .what import ClipMeasure

__all__ = [
    "ClipMeasure",
    "blur",
    "clipping",
    "colourfulness",
    "contrast",
    "cuts",
    "difference",
    "exposure",
    "flicker",
    "freeze",
    "motion",
    "noise",
    "pictures",
    "pulse",
    "seam",
]
