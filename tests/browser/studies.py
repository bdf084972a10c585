"""Grids of real films, made without a service: what the wall, the page and the ballot show."""

import contextlib
import hashlib
import itertools
from pathlib import Path

from seedance_nb.api.models import Status, make_request
from seedance_nb.clips.store import Clips
from seedance_nb.errors import GenerationFailed
from seedance_nb.grids import judging
from seedance_nb.grids.axes import Cell
from seedance_nb.grids.ballots import page
from seedance_nb.grids.picture import GridPicture, Tile
from seedance_nb.simulator import film
from seedance_nb.snapshot import Snapshot
from seedance_nb.tracking.session import Session

ANIMALS = ("cat", "fox", "red hen")
_MADE = {}
ACTIONS = ("jumps over a fence", "sleeps", "reads the paper")


def make_clip(folder: Path, key: str, prompt: str, take: int = 1, seconds: float = 5.0, aspect_ratio: str = "16:9"):
    """A verified clip of 480 lines; one of this key that was made before is taken again."""
    known = (folder, key)
    if known not in _MADE:
        _MADE[known] = _render(folder, key, prompt, take, seconds, aspect_ratio)
    return _MADE[known]


def _render(folder, key, prompt, take, seconds, aspect_ratio):
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{key}.part"
    film.render(
        part,
        prompt=prompt,
        model="seedance-2.0",
        take=take,
        request_id=f"req_{key}",
        aspect_ratio=aspect_ratio,
        resolution="480p",
        seconds=seconds,
    )
    return Clips(folder).admit(key, part)


def make_tile(index, values, prompt, clip=None, *, take=1, invalid=None, **changes):
    """One cell, done if it has a clip."""
    request = make_request(prompt, resolution="480p")
    status = Status.SUCCEEDED if clip is not None else changes.pop("status", Status.PROCESSING)
    times = {"created_at": 1000.0, "accepted_at": 1001.0, "processing_at": 1010.0, "finished_at": 1052.0 + index}
    snapshot = Snapshot(
        key=f"j{index}",
        request=request,
        take=take,
        status=status,
        status_text=status.value,
        request_id=f"req_{index}",
        credits=40.0,
        clip=clip,
        **{**times, **changes},
    )
    return Tile(Cell(index, values, request, take, invalid), snapshot)


def study(folder: Path, animals=ANIMALS, actions=ACTIONS, seconds=None):
    """animals × actions, every clip there; `seconds(index)` is the length of a clip, by default 5."""
    tiles = []
    for index, (animal, action) in enumerate(itertools.product(animals, actions)):
        prompt = f"A {animal} {action} in the morning light, seen from far away by a hand-held camera"
        length = seconds(index) if seconds else 5.0
        clip = make_clip(folder, hashlib.sha1(f"{prompt}{length}".encode()).hexdigest()[:12], prompt, seconds=length)
        tiles.append(make_tile(index, {"animal": animal, "action": action}, prompt, clip))
    return GridPicture(("animal", "action"), tuple(tiles), submitted=True, credits=40.0 * len(tiles))


@contextlib.contextmanager
def ledger_at(home: Path):
    """A session that sends nothing: what signs the pages of ballots and takes their answers in."""
    with Session(api_key="a-key", base_url="http://127.0.0.1:9", home=home) as session:
        yield session


def write_ballot(picture, path, **options):
    """The page of a ballot, signed by a ledger beside it."""
    with ledger_at(path.parent / "home") as session:
        return page.write_ballot(picture, path, session, **{"training": False, **options})


def votes_in(saved: Path, picture):
    """The votes in a file that such a page saved beside itself, as its ledger takes them in."""
    with ledger_at(saved.parent / "home") as session:
        judging.add_votes(saved, picture, session, unsigned=False)
        return judging.votes_on(picture, session)


def failed_tile(index, values, prompt):
    """One cell whose generation failed."""
    error = GenerationFailed("the service made no video: content policy; nothing was charged")
    return make_tile(index, values, prompt, status=Status.FAILED, error=error, finished_at=1020.0)
