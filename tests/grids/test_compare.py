"""Chosen clips side by side: which axes they get, and what code asks for them again."""

import dataclasses

import pytest
from notebook.grid_pictures import CLIP

from seedance_nb.api.models import Status, make_request
from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.compare import MOST, compared, grid_code
from seedance_nb.snapshot import Snapshot

BOAT = {"prompt": "a {paper} boat", "model": "seedance-2.0", "aspect_ratio": "1:1", "duration": 4, "resolution": "480p"}


def made(take=1, **changes):
    request = make_request(**BOAT | changes)
    key = f"j{request.canonical_hash()[:6]}{take}"
    return Snapshot(
        key=key, request=request, take=take, status=Status.SUCCEEDED, status_text="succeeded", clip=CLIP, credits=12.0
    )


def asked_for(code):
    """The requests and takes that running this code would ask for."""
    asked = []

    class Recorder:
        @staticmethod
        def grid(*rows, **options):
            from seedance_nb.grids.axes import lay_out

            asked.extend(cell.identity for cell in lay_out(*rows, **options).cells())
            return Recorder

        @staticmethod
        def submit(prompt=None, take=1, **options):
            if prompt is not None:
                asked.append((make_request(prompt, **options).canonical_hash(), take))

    exec(code.replace("import seedance_nb\n", ""), {"seedance_nb": Recorder})
    return asked


def test_its_axes_are_what_differs_and_nothing_else():
    picture = compared([made(), made(model="seedance-2.0-fast"), made(model="seedance-2.0-fast", duration=5)])

    assert picture.names == ("model", "duration")
    assert [dict(tile.cell.values) for tile in picture.tiles][1] == {"model": "seedance-2.0-fast", "duration": 4}
    assert picture.is_settled


def test_takes_of_one_request_differ_by_their_take():
    picture = compared([made(take=2), made(take=1)])

    assert (picture.names, picture.levels("take")) == (("take",), (1, 2))


@pytest.mark.parametrize(
    "snapshots",
    [
        [made(), made(prompt="a {{plane}}")],
        [made(), made(take=3), made(duration=5, take=2)],
        [made(aspect_ratio=None), made(aspect_ratio=None, duration=5)],
        [made(), made(aspect_ratio=None)],
        [made(take=2), made(take=2, model="seedance-2.0-fast")],
        [made(metadata={"scene": 1}), made(metadata={"scene": 2}, take=2)],
        [made(media_urls=["https://h/a.png"]), made(media_urls=["https://h/b.png", "https://h/c.png"])],
        [made(media_urls=["https://h/a.png"]), made()],
    ],
)
def test_the_copied_code_asks_for_exactly_these_videos(snapshots):
    picture = compared(snapshots)

    asked = asked_for(grid_code(picture))
    assert sorted(asked) == sorted((s.request.canonical_hash(), s.take) for s in snapshots)


@pytest.mark.parametrize(
    "snapshots",
    [[], [made()], [made(), made()], [made(), dataclasses.replace(made(take=2), clip=None)]],
    ids=["none", "one", "the same twice", "one without its file"],
)
def test_less_than_two_clips_cannot_be_compared(snapshots):
    with pytest.raises(InvalidRequest, match="choose 2 to 24 different clips"):
        compared(snapshots)


def test_too_many_clips_are_refused():
    with pytest.raises(InvalidRequest, match="not 25"):
        compared([made(take=take) for take in range(1, MOST + 2)])
