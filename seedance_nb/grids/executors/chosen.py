"""What a user gave as `executor=`: whether it is one, and calls of it."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from ...errors import InvalidRequest, one_line
from .dask_cluster import DaskCluster, is_client


def check_executor(executor: Any) -> None:
    """Raises InvalidRequest for what cannot be given calls."""
    if executor is not None and (isinstance(executor, type) or not callable(getattr(executor, "submit", None))):
        shown = executor.__name__ if isinstance(executor, type) else repr(executor)
        raise InvalidRequest(
            f"{one_line(shown, 60)} is no executor; give one of concurrent.futures, such as ThreadPoolExecutor(), a dask.distributed.Client, or"
            " leave executor= away"
        )


def on_files(executor: Any, seconds: float) -> tuple[Executor, bool]:
    """What takes calls whose Paths are files, and whether it is ours and wants `shutdown`; at a cluster each may take so many seconds.

    Raises InvalidRequest for what is no executor.
    """
    check_executor(executor)
    return (DaskCluster(executor, seconds), True) if is_client(executor) else (executor, False)
