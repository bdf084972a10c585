"""The damaged copy of a clip: so bad that nobody who looks prefers it, and otherwise the same."""

import itertools

import numpy as np
import pytest

from seedance_nb.clips.damaged import FROZEN, damaged_file
from seedance_nb.clips.store import Clips
from seedance_nb.errors import ClipError
from seedance_nb.simulator import film

av = pytest.importorskip("av")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    clips = Clips(tmp_path_factory.mktemp("clips"))
    part = clips.arriving("k0").part
    about = {"prompt": "a cat", "model": "m", "take": 1, "request_id": "r", "aspect_ratio": "9:16"}
    film.render(part, **about, resolution="480p", seconds=4)
    return clips.admit("k0", part)


def pictures(path):
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        shape = (stream.codec_context.name, stream.codec_context.pix_fmt, stream.width, stream.height)
        return shape, [frame.to_ndarray(format="gray").astype(float) for frame in file.decode(stream)]


def test_it_is_as_long_and_of_the_same_shape_but_in_blocks_and_standing_still(clip):
    shape, whole = pictures(clip.path)
    broken_shape, broken = pictures(damaged_file(clip))

    def detail(picture):
        return np.abs(np.diff(picture, axis=1)).mean()

    def changes(shown):
        return sum(np.abs(one - other).mean() > 0.5 for one, other in itertools.pairwise(shown))

    assert broken_shape == ("h264", "yuv420p", *shape[2:])
    assert len(broken) == len(whole)
    assert np.mean([detail(picture) for picture in broken]) < 0.7 * np.mean([detail(picture) for picture in whole])
    assert changes(broken) <= len(whole) // FROZEN + 2 < changes(whole)


def test_it_is_made_once_beside_the_clip_and_is_the_owners_alone(clip):
    path = damaged_file(clip)
    made = path.stat()

    assert damaged_file(clip) == path
    assert (path.stat().st_mtime_ns, path.parent) == (made.st_mtime_ns, clip.path.parent)
    assert made.st_mode & 0o077 == 0
    assert not list(path.parent.glob(".*.part"))


def test_of_a_clip_that_is_gone_there_is_none(clip, tmp_path):
    clips = Clips(tmp_path)
    part = clips.arriving("k1").part
    part.write_bytes(clip.path.read_bytes())
    gone = clips.admit("k1", part)
    gone.path.unlink()

    with pytest.raises((ClipError, OSError)):
        damaged_file(gone)
