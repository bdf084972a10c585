"""What the README claims, measured: `make bench`, or one of them with `python -m benchmarks loading`.

Machines are noisy, so speed is given as a ratio within one run where there is anything to compare with, and as the median of several
fresh kernels where there is not. A benchmark looks at what came of the work that it times: figures of work that was not done are refused.
"""


class NothingMeasured(RuntimeError):  # noqa: N818 - it says what is the case
    """The work that was timed was not done, or not all of it."""


def require(is_done: object, what: str) -> None:
    """Raise NothingMeasured unless `is_done`; `what` says what is missing."""
    if not is_done:
        raise NothingMeasured(what)


def require_clips(jobs: list) -> None:
    """Raise NothingMeasured unless each of the jobs has its clip on disk: asked before its folder goes."""
    missing = [job for job in jobs if job.clip is None]
    if missing or not jobs:
        first = f"; the first of the others is {missing[0].status_text}: {missing[0].error}" if missing else ""
        raise NothingMeasured(f"{len(jobs) - len(missing)} of {len(jobs)} clips{first}")
