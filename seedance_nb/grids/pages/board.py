"""What a board draws, as small JSON: what stays the same is sent once, what changes is one character a cell. Pure."""

from __future__ import annotations

import dataclasses
from typing import Any

from ...api.models import Status
from ...errors import one_line, shortened
from ...pages.escaping import clean
from ...pages.words import DOWNLOADING, MADE_ELSEWHERE, NOT_DOWNLOADED, STATUS_WORDS, clamp, settings_line, status_words
from ..axes import value_key
from ..picture import GridPicture, Tile
from ..wording import axis_title, labels

MARKS: dict[str, tuple[str, str, str]] = {
    "w": ("·", "not sent yet", "idle"),
    "s": ("↑", STATUS_WORDS[Status.SUBMITTING], "idle"),
    "q": ("…", STATUS_WORDS[Status.QUEUED], "idle"),
    "p": ("▸", STATUS_WORDS[Status.PROCESSING], "busy"),
    "l": ("↓", DOWNLOADING, "busy"),
    "d": ("✓", STATUS_WORDS[Status.SUCCEEDED], "good"),
    "r": ("=", "had already", "good"),
    "e": ("◇", MADE_ELSEWHERE, "good"),
    "f": ("✕", STATUS_WORDS[Status.FAILED], "bad"),
    "m": ("↯", NOT_DOWNLOADED, "bad"),
    "c": ("–", STATUS_WORDS[Status.CANCELLED], "idle"),
    "u": ("?", STATUS_WORDS[Status.UNKNOWN], "warn"),
    "i": ("!", "cannot be made", "warn"),
}
"""Mark of a cell -> the symbol it bears, what that means, its colour. Colour is never the only sign."""
_OF_STATUS = {
    Status.SUBMITTING: "s",
    Status.QUEUED: "q",
    Status.PROCESSING: "p",
    Status.CANCELLED: "c",
    Status.UNKNOWN: "u",
    Status.FAILED: "f",
    Status.REJECTED: "f",
}
PROMPT_LENGTH = 400
SHORT = 16
"""A lone axis whose labels are this short goes across."""


def mark_of(tile: Tile) -> str:
    """The one character that says where a cell stands, as in `MARKS`."""
    snapshot = tile.snapshot
    if tile.cell.invalid is not None:
        return "i"
    if snapshot is None:
        return "w"
    if snapshot.status is Status.SUCCEEDED:
        if snapshot.clip is None:
            return "l" if snapshot.error is None else "m"
        if snapshot.made_elsewhere:
            return "e"
        return "r" if snapshot.reused else "d"
    return _OF_STATUS[snapshot.status]


def board_layout(picture: GridPicture) -> dict[str, Any]:
    """What does not change while a grid runs: its axes with their labels, and every cell with its place and its request.

    The first axis that varies goes down, the second across (a lone one with short labels too); the cells of one place stand side by side in the order of the rest.
    Prompts and settings that many cells share are sent once, in `prompts` and `settings`; cells hold their numbers.
    """
    levels = {name: picture.levels(name) for name in picture.names}
    varied = [name for name in picture.names if len(levels[name]) > 1]
    named = {name: dict(zip(map(value_key, levels[name]), labels(name, levels[name]), strict=True)) for name in varied}
    down, across = (*varied[:2], None, None)[:2]
    if across is None and down is not None and all(len(text) <= SHORT for text in named[down].values()):
        down, across = None, down
    place = {name: {key: number for number, key in enumerate(known)} for name, known in named.items()}
    prompts, settings = _Numbers(), _Numbers()
    cells = []
    for tile in picture.tiles:
        values, request = tile.cell.values, tile.cell.request
        own = {name: named[name][value_key(values.get(name))] for name in varied}
        cells.append(
            {
                "row": place[down][value_key(values.get(down))] if down else 0,
                "column": place[across][value_key(values.get(across))] if across else 0,
                "name": ", ".join(own[name] for name in varied) or f"take {tile.cell.take}",
                "prompt": prompts.of(clamp(clean(request.prompt), PROMPT_LENGTH) if request is not None else ""),
                "settings": settings.of(settings_line(request) if request is not None else ""),
                "take": tile.cell.take,
            }
        )
    return {
        "down": axis_title(down) if down else "",
        "across": axis_title(across) if across else "",
        "within": [axis_title(name) for name in varied if name not in (down, across)],
        "rows": list(named[down].values()) if down else [""],
        "columns": list(named[across].values()) if across else [""],
        "cells": cells,
        "prompts": prompts.texts,
        "settings": settings.texts,
        "marks": {mark: list(facts) for mark, facts in MARKS.items()},
    }


def board_view(picture: GridPicture) -> dict[str, Any]:
    """What changes: a mark for each cell, in their order, and the facts of the progress line. `remaining` is in seconds from now:
    the page counts down from there by its own clock.
    """
    counts = picture.counts
    running = [tile.snapshot for tile in picture.tiles if tile.snapshot is not None and not tile.snapshot.is_settled]
    asked = bool(running) and all(snapshot.cancel_requested for snapshot in running)
    over = picture.is_settled
    return {
        "marks": "".join(mark_of(tile) for tile in picture.tiles),
        "status": progress_words(picture),
        "credits": credit_words(picture),
        "remaining": None if over else picture.expected_seconds,
        "settled": over,
        "waiting": counts.waiting,
        "running": len({snapshot.key for snapshot in running}),
        "cancel_requested": asked and not over,
        "failed": counts.failed - picture.lost,
    }


def problems(picture: GridPicture) -> dict[str, str]:
    """The error, or the trouble that passes, of each cell that has one, by its number in the order of the plan."""
    texts = {}
    for index, tile in enumerate(picture.tiles):
        snapshot = tile.snapshot
        if tile.cell.invalid is not None:
            texts[str(index)] = one_line(tile.cell.invalid)
        elif snapshot is not None:
            text = snapshot.error if snapshot.error is not None else snapshot.trouble
            if text is not None:
                texts[str(index)] = shortened(f"{status_words(snapshot)}: {text}", 400)
    return texts


def measured(picture: GridPicture) -> dict[str, str]:
    """What measures said of each cell's clip, by its number in the order of the plan."""
    told = {str(index): shortened(picture.measured(tile), 400) for index, tile in enumerate(picture.tiles)}
    return {number: said for number, said in told.items() if said}


def progress_words(picture: GridPicture) -> str:
    """Where the grid stands in one line: "3 done, 5 running, 1 failed of 16"."""
    counts = picture.counts
    parts = [
        (counts.done, "done"),
        (counts.running, "running"),
        (counts.waiting, "not sent yet"),
        (counts.failed, "without a video"),
        (counts.unknown, "of unknown outcome"),
        (counts.invalid, "that cannot be made"),
    ]
    if counts.done == counts.cells:
        return f"all {counts.cells} done" if counts.cells > 1 else "done"
    said = ", ".join(f"{count} {word}" for count, word in parts if count)
    return f"{said or 'nothing'} of {counts.cells}"


def credit_words(picture: GridPicture) -> str:
    """What the grid has cost, and is expected to in the end: "40 of about 480 credits"."""
    snapshots = {tile.snapshot.key: tile.snapshot for tile in picture.tiles if tile.snapshot is not None}.values()
    kind = "simulated credit" if any(snapshot.simulated for snapshot in snapshots) else "credit"
    to_come = sum(s.estimate or 0.0 for s in snapshots if not s.is_settled and not s.reused and s.credits is None)
    if to_come:
        return f"{picture.credits:.10g} of about {picture.credits + to_come:.10g} {kind}s"
    return f"{picture.credits:.10g} {kind}{'' if picture.credits == 1 else 's'}"


@dataclasses.dataclass
class _Numbers:
    """Texts that many cells share, each sent once."""

    texts: list[str] = dataclasses.field(default_factory=list)
    _numbers: dict[str, int] = dataclasses.field(default_factory=dict)

    def of(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]
