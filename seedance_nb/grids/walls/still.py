"""A wall where nothing plays: the first pictures of its clips in one, for hosts that show no HTML, and for paper."""

from __future__ import annotations

import base64
import contextlib
import io

from PIL import Image

from ..picture import GridPicture
from .sources import different_clips
from .tiles import axes_of, places_of

WIDTH, MOST, ACROSS = 960, 24, 4
"""Pixels of the whole; so many clips are shown, so many beside each other."""


def wall_still(picture: GridPicture) -> str | None:
    """The first pictures of the clips as one JPEG in base64, in the order of the cells; None where no clip has one."""
    stills = []
    for clip in list(different_clips(places_of(picture, axes_of(picture))).values())[:MOST]:
        with contextlib.suppress(OSError, ValueError):
            if clip.poster is not None:
                stills.append(Image.open(io.BytesIO(clip.poster.read_bytes())).convert("RGB"))
    if not stills:
        return None
    across = min(ACROSS, len(stills))
    side = WIDTH // across
    tall = max(round(still.height * side / still.width) for still in stills)
    down = -(-len(stills) // across)
    whole = Image.new("RGB", (side * across, min(tall, side) * down), "white")
    for i, still in enumerate(stills):
        still.thumbnail((side - 6, min(tall, side) - 6))
        left, top = i % across * side, i // across * min(tall, side)
        whole.paste(still, (left + (side - still.width) // 2, top + (min(tall, side) - still.height) // 2))
    made = io.BytesIO()
    whole.save(made, "JPEG", quality=75, optimize=True)
    return base64.b64encode(made.getvalue()).decode("ascii")
