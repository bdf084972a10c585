"""The measures that come with the package, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .detail import blur, noise
from .light import clipping, colourfulness, contrast, exposure, flicker, pulse
from .movement import cuts, difference, freeze, motion, seam

SHIPPED: dict[str, Callable[..., Any]] = {
    "motion": motion,
    "flicker": flicker,
    "pulse": pulse,
    "blur": blur,
    "noise": noise,
    "exposure": exposure,
    "clipping": clipping,
    "contrast": contrast,
    "colourfulness": colourfulness,
    "freeze": freeze,
    "cuts": cuts,
    "seam": seam,
    "difference": difference,
}
"""By the name that `grid.measure` takes."""
COMPARE_TAKES = frozenset({difference})
"""Those that are called with the clip and with the other takes of the same request."""
