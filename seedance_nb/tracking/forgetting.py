"""Freeing the file of a clip: what `seedance_nb.forget` is."""

from __future__ import annotations

from .job import Job
from .session import default


def forget(job: Job | str) -> Job:
    """Delete the file of a job's clip and keep its record: prompt, credits, votes, star and note. Returns the job.

    `job` is a Job, or its key or request id. A file that another job shows too stays. Its cell run again buys nothing and says that it was
    forgotten; `job.download_again()` fetches it for nothing while the service has it. What a saved notebook holds stays there. Raises
    InvalidRequest for what still runs or has no file, ClipError where the file cannot be deleted.
    """
    return default().forget(job)
