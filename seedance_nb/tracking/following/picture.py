"""The picture of a job as the ledger has it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...clips.store import Clips
from ...errors import ClipForgotten, SeedanceError
from ...snapshot import Snapshot, kept_of
from ..job import error_of
from ..ledger.record import Record


def forgotten(clip: Mapping[str, Any]) -> ClipForgotten:
    """What is said of a clip whose file was freed on purpose."""
    when = time.strftime("%d %b %Y", time.localtime(float(clip["forgotten"])))
    return ClipForgotten(
        f"its file was forgotten on {when}; nothing is bought again by itself: job.download_again() fetches it without a new create"
        " while the service still has it, --fresh buys another take"
    )


def snapshot_of(record: Record, clips: Clips) -> Snapshot:
    """The picture of a job as the ledger has it; its clip if the file is still there."""
    clip = clips.load(record.clip)
    error: SeedanceError | None = None
    if record.clip is not None and record.clip.get("forgotten"):
        error = forgotten(record.clip)
    elif record.error and clip is None and record.status.is_final:
        error = error_of(record.error_kind, record.error, record.status)
    return Snapshot(**kept_of(record), error=error, clip=clip)


def facts_of(snapshot: Snapshot) -> dict[str, Any]:
    """What a row of the ledger adds to a picture that a new Job has already shown."""
    return {**kept_of(snapshot), "error": snapshot.error, "clip": snapshot.clip}
