"""Grids whose clips differ: the simulator hands out one film after the other, made beforehand."""

import itertools
import shutil

import pytest
from grids.measures.damage import bench, scene, write
from grids.stage import small

from seedance_nb.simulator import film


@pytest.fixture(scope="session")
def four_films(tmp_path_factory):
    """Films of two seconds: steady, flickering a little, more, much."""
    folder = tmp_path_factory.mktemp("films")
    return [write(bench.flickering(scene(1), s, None, 12), folder / f"{s}.mp4") for s in (0, 1, 3, 8)]


@pytest.fixture
def quick_films(four_films, monkeypatch):
    turn = itertools.cycle(four_films)

    def copy(path, **about):
        shutil.copyfile(next(turn), path.with_suffix(".copying"))
        path.with_suffix(".copying").replace(path)

    monkeypatch.setattr(film, "render", copy)


@pytest.fixture
def grid(session):
    """Two animals, two takes each: four clips, each another."""
    made = small(session, "a {animal}", animal=["cat", "dog"], takes=2).submit()
    made.result(60)
    return made
