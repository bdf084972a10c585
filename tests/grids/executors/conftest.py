"""A grid of many clips, each another file, and a Dask cluster of separate processes over TCP."""

import itertools
import shutil
import struct

import pytest
from grids.measures.damage import bench, scene, write
from grids.stage import small

from seedance_nb.simulator import film


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return [write(bench.flickering(scene(1), s, None, 12), folder / f"{s}.mp4") for s in (0, 1, 3, 8)]


@pytest.fixture
def quick_films(films, monkeypatch):
    """Each film another file: the same pictures with a box behind them that no player looks at."""
    turn, number = itertools.cycle(films), itertools.count()

    def copy(path, **about):
        making = path.with_suffix(".copying")
        shutil.copyfile(next(turn), making)
        with making.open("ab") as file:
            file.write(struct.pack(">I4sQ", 16, b"free", next(number)))
        making.replace(path)

    monkeypatch.setattr(film, "render", copy)


@pytest.fixture
def many(session):
    """64 clips, no two of the same content."""
    made = small(session, "a {animal}", animal=[f"cat number {n}" for n in range(32)], takes=2).submit()
    made.result(300)
    assert len({job.clip.sha256 for job in made.jobs}) == 64
    return made


@pytest.fixture
def few(session):
    """Four clips."""
    made = small(session, "a {animal}", animal=["cat", "dog"], takes=2).submit()
    made.result(60)
    return made


@pytest.fixture
def cluster():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as there:
        yield there


@pytest.fixture
def client(cluster):
    from distributed import Client

    with Client(cluster) as made:
        yield made
