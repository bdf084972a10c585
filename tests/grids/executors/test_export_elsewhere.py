"""grid.export(".png" | ".mp4", executor=): the clips are decoded where the executor has its workers, and the file is the same."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import av
import numpy as np
import pytest
from PIL import Image

from seedance_nb.errors import InvalidRequest

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def frames(path):
    with av.open(str(path)) as reader:
        return [frame.to_ndarray(format="rgb24") for frame in reader.decode(video=0)]


def test_a_sheet_and_a_film_from_a_cluster_are_those_of_this_machine(few, client, tmp_path):
    here = [few.export(tmp_path / name) for name in ("here.png", "here.mp4")]

    there = [few.export(tmp_path / name, executor=client) for name in ("there.png", "there.mp4")]

    assert np.array_equal(pixels(here[0]), pixels(there[0]))
    ours, theirs = frames(here[1]), frames(there[1])
    assert len(ours) == len(theirs)
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_any_executor_of_concurrent_futures_does(few, tmp_path):
    here = few.export(tmp_path / "here.png")
    with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        assert np.array_equal(pixels(few.export(tmp_path / "t.png", executor=threads)), pixels(here))
        assert np.array_equal(pixels(few.export(tmp_path / "p.png", executor=processes)), pixels(here))
        assert len(frames(few.export(tmp_path / "p.mp4", executor=processes))) == 24


def test_a_clip_that_is_no_film_any_more_is_named_in_its_cell_and_the_rest_is_there(few, client, tmp_path):
    whole = pixels(few.export(tmp_path / "whole.png", executor=client))
    few.jobs[0].clip.path.write_bytes(b"no film")

    broken = pixels(few.export(tmp_path / "broken.png", executor=client))

    half = whole.shape[1] // 2
    assert not np.array_equal(whole[:, :half], broken[:, :half])


def test_what_is_no_executor_or_not_for_pictures_is_told_in_a_line(few, tmp_path):
    with pytest.raises(InvalidRequest, match=r"'?many'? is no executor; .*dask\.distributed\.Client"):
        few.export(tmp_path / "g.png", executor="many")
    with pytest.raises(
        InvalidRequest, match=r"executor= is for pictures and films \(\.png, \.mp4\); \.csv is written at once"
    ):
        few.export(tmp_path / "g.csv", executor=ThreadPoolExecutor(1))
    assert list(tmp_path.glob("g.*")) == []
