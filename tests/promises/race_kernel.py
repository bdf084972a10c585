"""A process that runs a race to its end, people's votes and all, and says a line before each step; killed by a test."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from grids.racing.electorate import vote
from promises.stage import PATIENCE, SMALL, session_at

from seedance_nb.grids.opening import open_grid

PROMPTS = ["a cat", "a dog", "a hen"]
LEVELS = {"… cat": 0.3, "… dog": 0.0, "… hen": -5.0}


def main(base_url, home, max_credits):
    with session_at(base_url, home, concurrency=1) as session:  # so a kill leaves at most one create in the air
        race = open_grid(session, PROMPTS, **SMALL).race(by="prompt", max_credits=float(max_credits))
        while race.end is None:
            print("submit", flush=True)
            race.submit().result(PATIENCE)
            print("vote", flush=True)
            vote(race, LEVELS, seed=len(race.rounds) + 1)
            print("step", flush=True)
            if race.step().end is None and not race.standing().to_buy:
                raise SystemExit(f"stuck: {race}")
        print(f"end {race.end}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
