"""Calls that are wrong. mypy --strict and pyright must find an error on each line that ends in E, and nowhere else; nothing is run."""

from __future__ import annotations

from pathlib import Path

import seedance_nb as sd


def one_video() -> None:
    sd.submit()  # E
    sd.submit("a boat", "seedance-2.0")  # E
    sd.submit("a boat", secs=5)  # E
    sd.submit("a boat", duration="5")  # E
    sd.submit("a boat", media_urls=5)  # E
    sd.submit("a boat", metadata=["a"])  # E
    sd.submit("a boat", extra=["seed"])  # E
    sd.submit("a boat", fresh="no")  # E
    sd.submit("a boat", take=None)  # E
    print(sd.submit("a boat").clips)  # E
    sd.sumbit("a boat")  # E


def many_jobs() -> None:
    sd.jobs(state="failed")  # E
    sd.jobs(limit="all")  # E
    sd.resume(1)  # E
    sd.account(of=3)  # E
    sd.panel("here")  # E


def settings() -> None:
    sd.configure(max_credit=5)  # E
    sd.configure(max_credits="5")  # E
    sd.configure(embed_limit=1.5)  # E
    sd.configure(home=5)  # E
    sd.Session(poll_flor=1)  # E
    sd.Session(concurrency="4")  # E
    sd.Session().submit("a boat", ratio="16:9")  # E
    sd.Session().change(max_credits=5)  # E


def grids(grid: sd.Grid) -> None:
    sd.grid()  # E
    sd.grid("a boat", takes="3")  # E
    sd.grid("a boat", mode="both")  # E
    sd.grid("a boat", where="model == 1")  # E
    sd.grid("a boat", duration=["5"])  # E
    sd.grid("a boat", model=3)  # E
    sd.grid("a {animal}", animal=lambda: 1)  # E
    sd.grid("a {animal}", animal=object())  # E
    sd.grid(Path("boats.json"), mode="zip")  # E
    grid.submit(limit=5)  # E
    grid.submit(max_credits="5")  # E
    grid.export()  # E
    grid.export("boats.html", row="animal")  # E
    grid.export("boats.html", where=3)  # E


def votes(grid: sd.Grid) -> None:
    grid.vote(offline=True)  # E
    grid.vote(aspect="motion")  # E
    grid.ranking(of="models")  # E
    grid.ranking(by=3)  # E
    grid.ranking(sed=1)  # E
    grid.power(luck="none")  # E
    sd.rank([], {}, of="models")  # E
    sd.rank(3, {})  # E
