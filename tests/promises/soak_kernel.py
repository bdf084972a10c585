"""The kernel of the soak: submits its intentions one after the other and stays until each has its clip, or an outcome nobody knows.

    python soak_kernel.py BASE_URL HOME STAGE INTENTION…

STAGE is a folder outside of HOME: the clock is off by what the file `clock` in it says; the kernel ends when everything is done and
the file `over` is there. It prints one JSON line for each intention. Where it is told to restart, as a ledger was exchanged that it
could not read any more, it ends with RESTART.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from promises.stage import session_at, submit

from seedance_nb.api.models import Status
from seedance_nb.tracking.following import followed, following, polling, submitting

RESTART = 3
QUICK = {"pause_after_trouble": 0.05, "longest_pause": 0.4, "read_timeout": 1, "create_timeout": 3, "stall_timeout": 1}


def live(base_url, home, stage, intentions):
    polling.LONGEST_AFTER_TROUBLE, following.FIRST_PAUSE = 0.4, 0.05
    submitting.LOOK_AT_OTHER_PROCESS = submitting.FIRST_BACKOFF = 0.05
    followed.LEDGER_RETRY_SECONDS = 0.1
    followed.Clock.time = lambda _: time.time() + float((stage / "clock").read_text() or 0)
    with session_at(base_url, home, **QUICK) as session:
        session.jobs()  # a process that begins while the ledger is away knows of nothing that was in it, and never could
        print("ready", flush=True)
        jobs = {}
        for prompt in intentions:
            jobs[prompt] = submit(session, prompt)
            time.sleep(0.05)
        while (
            open_ones := [prompt for prompt in intentions if not is_done(jobs[prompt])] or not (stage / "over").exists()
        ):
            for prompt in open_ones if isinstance(open_ones, list) else ():
                jobs[prompt] = go_on_with(session, prompt, jobs[prompt])
            time.sleep(0.05)
        for prompt, job in jobs.items():
            print(json.dumps({"prompt": prompt, "status": job.status, "id": job.request_id, "error": str(job.error)}))


def must_restart(job):
    """Whether we are told so; then nothing was sent."""
    error = job if isinstance(job, Exception) else job.error
    return "restart the kernel to begin a new one" in str(error)


def is_done(job):
    return not isinstance(job, Exception) and job.done() and (job.clip is not None or job.status is Status.UNKNOWN)


def go_on_with(session, prompt, job):
    """What a person does about a job that ended: ask for the file again, or run the cell again."""
    if must_restart(job):
        raise SystemExit(RESTART)
    if isinstance(job, Exception):
        return submit(session, prompt)
    if job.done() and job.clip is None and job.status is not Status.UNKNOWN:
        if job.status is not Status.SUCCEEDED:
            return submit(session, prompt)
        job.download_again()
    return job


if __name__ == "__main__":
    live(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
