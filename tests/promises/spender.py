"""A person's kernel: asks for many videos at once, for one person, and says what became of each.

python spender.py BASE_URL HOME PERSON COUNT
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from promises.stage import SMALL, session_at

from seedance_nb.api.models import make_request
from seedance_nb.errors import SeedanceError
from seedance_nb.tracking.following import polling, submitting


def spend(base_url, home, person, count):
    polling.TROUBLE_GROWTH = 0.2
    submitting.LOOK_AT_OTHER_PROCESS = 0.05
    print("ready", flush=True)
    sys.stdin.readline()
    with session_at(base_url, home, person=person) as session:
        boats = [make_request(f"boat {number} of {person}", **SMALL) for number in range(int(count))]
        try:
            jobs = session.submit_all([(boat, 1) for boat in boats])
        except SeedanceError as error:  # all of them
            print(*[f"{type(error).__name__}: {error}"] * len(boats), sep="\n", flush=True)
            return
        for job in jobs:
            try:
                print(job.result(60).path, flush=True)
            except SeedanceError as error:
                print(f"{type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    spend(*sys.argv[1:])
