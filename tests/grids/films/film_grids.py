"""Grids of real films without a session: each clip rendered once a test run, as the simulator renders it."""

from __future__ import annotations

import atexit
import functools
import hashlib
import shutil
import tempfile
from pathlib import Path

import av

from seedance_nb.api.models import Status
from seedance_nb.clips.clip import Clip
from seedance_nb.errors import GenerationFailed
from seedance_nb.grids.axes import lay_out
from seedance_nb.grids.picture import GridPicture, Tile
from seedance_nb.simulator import film
from seedance_nb.snapshot import Snapshot


@functools.cache
def folder():
    made = Path(tempfile.mkdtemp(prefix="films-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@functools.cache
def clip_of(prompt, *, model="seedance-2.0", take=1, ratio="16:9", seconds=0.25, fps=24, resolution="480p"):
    """A clip on disk with its true facts."""
    path = (
        folder()
        / f"{hashlib.sha256(repr((prompt, model, take, ratio, seconds, fps, resolution)).encode()).hexdigest()[:16]}.mp4"
    )
    about = {"prompt": prompt, "model": model, "take": take, "request_id": "req_1234567890"}
    film.render(path, **about, aspect_ratio=ratio, resolution=resolution, seconds=seconds, fps=fps)
    width, height = film.frame_size(ratio, resolution)
    data = path.read_bytes()
    length = round(round(seconds * fps) / fps, 3)
    return Clip(path, None, len(data), width, height, float(fps), length, hashlib.sha256(data).hexdigest())


def picture_of(axes, clip_for, *, price=20):
    """The grid of these axes; `clip_for(cell)` is a Clip, an error text (failed), a Status, or None (not submitted)."""
    return GridPicture(axes.names, tuple(tile_of(cell, clip_for(cell), price) for cell in axes.cells()), submitted=True)


def tile_of(cell, found, price):
    if found is None or cell.request is None:
        return Tile(cell)
    status = Status.SUCCEEDED if isinstance(found, Clip) else Status.FAILED if not isinstance(found, Status) else found
    return Tile(
        cell,
        Snapshot(
            key=f"j{cell.index}",
            request=cell.request,
            take=cell.take,
            status=status,
            status_text=status.value,
            credits=price if isinstance(found, Clip) else None,
            clip=found if isinstance(found, Clip) else None,
            error=GenerationFailed(found) if status is Status.FAILED else None,
        ),
    )


def usual(cell, **changes):
    """The clip that the simulator would make of this cell, a quarter of a second long."""
    request = cell.request
    facts = {"model": request.model, "take": cell.take, "ratio": request.aspect_ratio or "16:9", **changes}
    return clip_of(request.prompt, **facts)


def decoded(path):
    """Every frame of a film as an RGB array."""
    with av.open(str(path)) as reader:
        return [frame.to_ndarray(format="rgb24") for frame in reader.decode(video=0)]


__all__ = ["clip_of", "decoded", "lay_out", "picture_of", "usual"]
