"""A process that submits a grid and tells how many of its creates are recorded as accepted; killed by a test."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from grids.stage import session_at, small

GRID = {"model": ["seedance-2.0", "seedance-2.0-fast"], "duration": [4, 5]}
PROMPTS = ["a cat jumps", "a dog jumps"]


def main(base_url, home, takes):
    with session_at(base_url, home) as session:
        grid = small(session, PROMPTS, **GRID, takes=int(takes)).submit()
        while not grid.done():
            ids = [job.request_id for job in grid.jobs]
            held = sum("busy" in (job.snapshot.trouble or "") for job in grid.jobs)
            print(sum(map(bool, ids)), held, flush=True)
            time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
