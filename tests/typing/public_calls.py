"""Calls as people write them. mypy --strict and pyright must find nothing here; nothing of it is run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import assert_type

import numpy as np

import seedance_nb as sd
from seedance_nb.api.catalog import Catalog
from seedance_nb.grids.measures.measured import Measures
from seedance_nb.grids.rankings.ranking import Ranking
from seedance_nb.tracking.ledger.contract import Account, Standing


def one_video() -> None:
    job = sd.submit("a paper boat")
    assert_type(job, sd.Job)
    sd.submit(
        "a paper boat",
        model="seedance-2.0-fast",
        aspect_ratio="9:16",
        duration=4,
        resolution=None,
        media_urls=["https://a.example/a.png"],
        webhook_url="https://a.example/hook",
        metadata={"study": 7, "tags": ["a", "b"]},
        extra={"seed": 7, "camera": {"pan": 1}},
        take=2,
        fresh=True,
        max_credits=12.5,
    )
    clip = job.result(timeout=60)
    assert_type(clip, sd.Clip)
    assert_type(clip.path, Path)
    assert_type(job.error, sd.SeedanceError | None)
    assert_type(job.status, sd.Status)
    job.add_done_callback(lambda done: print(done.key))
    job.cancel()
    assert_type(job.then("the boat reaches the sea", duration=10, resolution=None, max_credits=50), sd.Job)


async def awaited(job: sd.Job, grid: sd.Grid) -> None:
    assert_type(await job, sd.Clip)
    assert_type(await asyncio.create_task(job.wait()), sd.Clip)
    assert_type(await grid, list[sd.Clip | None])


async def told() -> None:
    story = sd.story(["a boat", "the sea"], takes=2, first_frame="boat.png", duration=None, max_credits=500)
    assert_type(story, sd.Story)
    assert_type(story.submit(max_credits=300).pick(1, take=2), sd.Story)
    assert_type(story.result(timeout=60), list[sd.Clip | None])
    assert_type(await story, list[sd.Clip | None])
    assert_type(story.jobs, list[list[sd.Job | None]])
    assert_type(story.picks, list[int | None])
    assert_type(float(story.estimate), float)
    assert_type(story.export("story.mp4"), Path)
    story.retry().cancel()


def many_jobs() -> None:
    for job in sd.jobs(status="failed", limit=10):
        assert_type(job, sd.Job)
    sd.jobs(sd.Status.SUCCEEDED)
    for job in sd.resume():
        job.download_again()
    assert_type(sd.models(), Catalog)
    sd.panel()


def settings() -> None:
    session = sd.configure(api_key="k", base_url="simulator", home=Path("runs"), ledger="jobs.sqlite3", clips="clips")
    assert_type(session, sd.Session)
    sd.configure(
        account="lab",
        connect_timeout=5,
        read_timeout=20.5,
        create_timeout=60,
        stall_timeout=30,
        download_timeout=600,
        max_clip_bytes=10**9,
        max_json_bytes=10**6,
        embed_limit=0,
        concurrency=8,
        poll_floor=1,
        poll_ceiling=30,
        tries_after_trouble=3,
        pause_after_trouble=0.5,
        longest_pause=120,
        clips_cache_bytes=10**10,
        max_credits=400,
    )
    sd.configure(max_credits=None)
    assert_type(sd.account("same", of="ab12"), list[Account])
    assert_type(sd.limit(1000, per="day", person="each"), list[Standing])
    with sd.Session(base_url="simulator", home="elsewhere", concurrency=4, max_credits=None) as own:
        assert_type(own.submit("a boat", duration=4), sd.Job)
        assert_type(own.attach("req_1"), sd.Job)
        assert_type(own.jobs(limit=3)[0], sd.Job)
        own.change(limits={"max_credits": 40, "poll_floor": None})


def grids(rows: Sequence[dict[str, str | int]]) -> None:
    grid = sd.grid(
        "a {animal} {action}",
        animal=["cat", "dog"],
        action=("jumps",),
        model=["seedance-2.0", "seedance-2.0-fast"],
        duration=[5, 10],
        takes=3,
        mode="product",
        where=lambda c: c.model != "seedance-2.0" or c["duration"] == 5,
    )
    assert_type(grid, sd.Grid)
    sd.grid("a {n} {size:.1f} boat", n=range(3), size=np.linspace(0, 1, 5), resolution="480p", aspect_ratio=None)
    sd.grid(["a boat", "a plane"], media_urls=["https://a.example/a.png"], metadata=[{"a": 1}, None], mode="zip")
    sd.grid("a boat", media_urls=[["https://a.example/a.png"], None], webhook_url=None)
    sd.grid(rows, raw=True, duration=4)
    sd.grid("a {animal}", rows)
    sd.grid([{"prompt": "a boat", "duration": 4}])
    sd.grid(Path("boats.json"), takes=2)
    sd.grid("boats.json")
    assert_type(grid.submit(max_credits=500), sd.Grid)
    grid.submit(fresh=True).retry(max_credits=40.0).extend(takes=5, animal=["bird"], duration=15)
    assert_type(grid.result(timeout=60), list[sd.Clip | None])
    assert_type(grid.jobs, list[sd.Job | None])
    assert_type(float(grid.estimate), float)
    grid.view(rows="animal", columns="model", pages="take")
    assert_type(grid.export("boats.html", rows="animal", embed=True), Path)
    grid.export(Path("boats.mp4"), sound=1, where={"animal": "cat"})
    grid.export("boats.csv", where=lambda c: c.take == 1)


def votes(grid: sd.Grid) -> None:
    grid.vote(aspects=["overall", "motion"], rater="ada", by="model")
    assert_type(grid.vote(offline="ballot.html", by=["model", "animal"]), Path)
    assert_type(grid.vote(offline="ballot.html", gold=0.1, training=False), Path)
    grid.vote(gold=0.1)
    new: int = grid.add_votes("ballot-1.json")
    assert_type(grid.add_votes("ballot-1.json", unsigned=True).left_out, Mapping[str, tuple[int, ...]])
    assert_type(grid.withdraw("rater-7f3a"), int)
    print(new)
    assert_type(grid.power(gap=1.5, by="model", luck="pilot", raters=8, votes=200).planned.pair, float)
    ranking = grid.ranking(by="model", aspect="motion", raters=["ada"], of="clips", resamples=200, seed=1)
    assert_type(ranking, Ranking)
    assert_type(ranking.winner, str | None)
    print(grid.power(gap=1.5, by="model", luck="pilot", raters=4, power=0.9))
    race = grid.race(by="prompt", max_credits=600, error=0.05, tie=None, showings=8, of="raters")
    assert_type(race.submit(), sd.Grid)
    assert_type(race.run(timeout=60).step().winner, str | None)
    race.vote(rater="ada")
    print(race.end, race.spent, race.words, race.rounds[0].dropped, race.ranking())
    grid.race(max_credits=60, measure=lambda path: path.stat().st_size).run()
    clips = {"a1": {"prompt": "a boat", "take": 1}, "b1": {"prompt": "a plane", "take": 1}}
    cast = [{"rater": "ada", "left": "a1", "right": "b1", "choice": "left"}]
    assert_type(sd.rank(cast, clips, by="prompt", of="levels"), Ranking)


def errors() -> None:
    try:
        sd.submit("a boat")
    except sd.BudgetExceeded as error:
        print(error.job)
    except sd.ApiError as error:
        assert_type(error.http_status, int | None)
    except TimeoutError:
        pass


def measured(grid: sd.Grid, pool: Executor) -> None:
    class Sharpness:
        device = "cpu"

        def load(self) -> None: ...

        def batch(self, paths: Sequence[Path]) -> Sequence[float]:
            return [1.0 for _ in paths]

    def size(path: Path) -> float:
        return path.stat().st_size

    found = grid.measure("flicker")
    assert_type(found, Measures)
    assert_type(found.values(), dict[str, float])
    assert_type(found.correlation(by=None, aspect="motion").r, float)
    grid.measure(size, pool, name="bytes", version="2")
    grid.measure(Sharpness(), workers=2, timeout=60)
    grid.measure(sd.measures.difference)
    assert_type(sd.measures.flicker(Path("a.mp4")), float)
    for seconds, picture in sd.measures.pictures("a.mp4", None, colour=True, every=0.25):
        print(seconds, picture.shape)
