"""A ledger of 10,000 jobs against one of 10: the ratio of the times of what a notebook does all day."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import require
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.record import Record
from seedance_nb.tracking.session import Session

SIZES = (10, 10_000)
ROUNDS = 15


def run() -> Iterator[str]:
    results: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        homes = {size: fill(Path(folder) / str(size), size) for size in SIZES}
        for size in SIZES:
            for name, seconds in measure(homes[size]).items():
                results.setdefault(name, []).append(seconds * 1000)
    yield f"{'what':<28}" + "".join(f"{f'{size:,} jobs, ms':>16}" for size in SIZES) + f"{'ratio':>8}{'budget':>8}"
    for name, (small, large) in results.items():
        yield f"{name:<28}{small:>16.2f}{large:>16.2f}{large / small:>8.2f}{1.5:>8.1f}"


def fill(home: Path, size: int) -> Path:
    """A ledger with `size` finished jobs."""
    home.mkdir(parents=True)
    ledger = Ledger(home / "ledger.sqlite3")
    with Session(api_key="sd2_bench", base_url="http://127.0.0.1:9", home=home) as session:
        account = session.account
    now = time.time()
    facts = {
        "file": "x.mp4",
        "poster": None,
        "size": 1,
        "width": 2,
        "height": 2,
        "fps": 24.0,
        "seconds": 4.0,
        "sha256": "0",
    }
    with ledger.file.transaction() as db:
        from seedance_nb.tracking.ledger.rows import insert

        for i in range(size):
            began = now - 100.0 * (size - i)
            request = VideoRequest(prompt=f"prompt {i}", aspect_ratio="16:9", duration=5, resolution="720p")
            record = Record(
                key=f"j{i}",
                account=account,
                base_url="http://127.0.0.1:9",
                request=request,
                take=1,
                status=Status.SUCCEEDED,
                status_text="succeeded",
                request_id=f"req_{i}",
                credits=40.0,
                created_at=began,
                accepted_at=began,
                processing_at=began + 5,
                finished_at=began + 60,
                clip=facts,
            )
            insert(db, dataclasses.replace(record))
    ledger.close()
    return home


def measure(home: Path) -> dict[str, float]:
    """Median seconds of each."""
    request = VideoRequest(prompt="prompt 7", aspect_ratio="16:9", duration=5, resolution="720p")
    with Session(api_key="sd2_bench", base_url="http://127.0.0.1:9", home=home) as session:
        session.engine.runner  # noqa: B018 - start the thread before the clock

        def reopened() -> None:  # what %load_ext does: a fresh connection, and a look for unfinished jobs
            ledger = Ledger(home / "ledger.sqlite3")
            ledger.has_unfinished()
            ledger.close()

        from seedance_nb.notebook.display import jobs_html
        from seedance_nb.notebook.magic.commands import ROWS

        require(len(session.jobs(limit=ROWS)) >= min(ROWS, *SIZES), "its jobs are not in the ledger")
        require(session.preview(request), "nothing to reuse")
        require(session.estimate(request), "no estimate")

        return {
            "%load_ext (open, look)": _median(reopened),
            "%seedance jobs": _median(lambda: jobs_html(session.jobs(limit=ROWS))),
            "reuse look-up": _median(lambda: session.preview(request)),
            "estimate": _median(lambda: session.estimate(request)),
        }


def _median(function: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
