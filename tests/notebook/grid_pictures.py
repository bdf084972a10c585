"""Pictures of grids without a service: cells of real axes, snapshots made up."""

import dataclasses
from pathlib import Path

from seedance_nb.api.models import Status
from seedance_nb.clips.clip import Clip
from seedance_nb.grids.axes import lay_out
from seedance_nb.grids.picture import GridPicture, Tile
from seedance_nb.snapshot import Snapshot

CLIP = Clip(Path("clips/j1.mp4"), None, 1000, 480, 480, 24.0, 4.0, "ab12" * 16)


def snapshot_of(cell, status=Status.PROCESSING, **facts):
    """What such a job would say of itself."""
    known = {
        "key": f"j{cell.index}",
        "request": cell.request,
        "take": cell.take,
        "status": status,
        "status_text": status.value,
        "request_id": f"req_{cell.index}",
        "created_at": 1000.0,
        "accepted_at": 1001.0,
    }
    if status is Status.SUCCEEDED and "clip" not in facts:
        facts["clip"] = CLIP
    return Snapshot(**(known | facts))


def picture_of(prompt, statuses=None, *, submitted=True, expected_seconds=None, credits=0.0, **axes):  # noqa: A002
    """A picture of this grid; `statuses` are those of its cells in order, the last one for all that follow; None: no job."""
    laid = lay_out(prompt, **axes)
    given = list(statuses or [None])
    tiles = []
    for i, cell in enumerate(laid.cells()):
        status = given[min(i, len(given) - 1)]
        if isinstance(status, dict):
            tiles.append(Tile(cell, snapshot_of(cell, **status)))
        else:
            tiles.append(Tile(cell, None if status is None else snapshot_of(cell, status)))
    return GridPicture(laid.names, tuple(tiles), submitted, credits, expected_seconds)


def changed(picture, index, **facts):
    """The same picture, a job further."""
    tiles = list(picture.tiles)
    snapshot = dataclasses.replace(tiles[index].snapshot, **facts)
    tiles[index] = dataclasses.replace(tiles[index], snapshot=snapshot)
    return dataclasses.replace(picture, tiles=tuple(tiles))
