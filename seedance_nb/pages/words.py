"""A job in words, for cards, boards, panels, pages and terminals: where it stands, what it cost, how long it took. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from ..api.extra import shown_extra
from ..api.fields import IMAGE_SUFFIXES
from ..api.models import SERVER_STATUSES, Status, VideoRequest
from ..clips.clip import Clip
from ..errors import ClipForgotten, one_line
from ..snapshot import Snapshot, durations

STATUS_WORDS = {
    Status.SUBMITTING: "being sent",
    Status.QUEUED: "waiting in the queue",
    Status.PROCESSING: "being made",
    Status.SUCCEEDED: "done",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.REJECTED: "not accepted",
    Status.UNKNOWN: "outcome unknown",
}
DOWNLOADING = "made, downloading"
NOT_DOWNLOADED = "made, but not downloaded"
FORGOTTEN = "made, and its file forgotten"
MADE_ELSEWHERE = "made elsewhere"


def standing_words(snapshot: Snapshot) -> str:
    """Where the job stands, in a few words of ours."""
    if isinstance(snapshot.error, ClipForgotten):
        return FORGOTTEN
    if snapshot.made_elsewhere:
        return MADE_ELSEWHERE
    if snapshot.status is Status.SUCCEEDED and snapshot.clip is None:
        return DOWNLOADING if snapshot.error is None else NOT_DOWNLOADED
    return STATUS_WORDS[snapshot.status]


def status_words(snapshot: Snapshot) -> str:
    """The same with what makes it unusual: a word that the service invented, in quotes; a cancel that was asked for."""
    words = standing_words(snapshot)
    own = one_line(snapshot.status_text, 60)
    is_odd = own and own.lower() not in SERVER_STATUSES and own.lower() not in set(Status)
    if is_odd and snapshot.status is not Status.SUCCEEDED:
        words += f" (the service says “{own}”)"
    if snapshot.cancel_requested and not snapshot.status.is_final:
        words += ", cancel requested"
    return words


def credits_words(snapshot: Snapshot) -> str:
    """What it cost or will cost: "40 credits", "0 credits, reused", "40 simulated credits", "about 40 credits"."""
    if snapshot.reused:
        return "0 credits, reused"
    kind = "simulated credit" if snapshot.simulated else "credit"
    if snapshot.credits is not None:
        return _count(snapshot.credits, kind)
    if snapshot.status is Status.UNKNOWN:
        return "credits unknown: it may have been charged"
    if snapshot.estimate is not None and not snapshot.status.is_final:
        return f"about {_count(snapshot.estimate, kind)}"
    return "credits not known"


def duration_words(seconds: float) -> str:
    """A length of time as people say it: "42 s", "1 min 12 s", "2 h 5 min"."""
    total = round(seconds) if math.isfinite(seconds) and seconds > 0 else 0
    if total < 60:
        return f"{total} s"
    big, unit, small, rest = (total // 60, "min", total % 60, "s") if total < 3600 else _hours(total)
    return f"{big} {unit} {small} {rest}" if small else f"{big} {unit}"


def settings_line(request: VideoRequest) -> str:
    """What was asked besides the prompt, what was left to the service left out: "seedance-2.0 · 16:9 · 5 s · 720p"."""
    return facts_line(
        one_line(request.model, 80),
        one_line(request.aspect_ratio, 20) if request.aspect_ratio else None,
        f"{request.duration} s" if request.duration is not None else None,
        one_line(request.resolution, 20) if request.resolution else None,
        _references(request.media_urls) if request.media_urls else None,
        *shown_extra(request.extra),
    )


def reference_roles(addresses: Sequence[str]) -> list[str]:
    """What each reference is to the service, by the number and kinds of all of them: "first frame", "last frame" or "reference"."""
    if 0 < len(addresses) <= 2 and all(_path_of(address).endswith(IMAGE_SUFFIXES) for address in addresses):
        return ["first frame", "last frame"][: len(addresses)]
    return ["reference"] * len(addresses)


def _references(addresses: Sequence[str]) -> str:
    roles = reference_roles(addresses)
    number = f"{len(roles)} reference {'file' if len(roles) == 1 else 'files'}"
    told = {"first frame": "first frame", "last frame": "first and last frame"}.get(roles[-1])
    return f"{number} ({told})" if told else number


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path.lower()
    except ValueError:
        return ""


def marks(snapshot: Snapshot) -> str | None:
    """What somebody thinks of it: a star, a note; None without any."""
    return (
        " ".join(
            filter(
                None, ("★" if snapshot.starred else "", f"“{one_line(snapshot.noted, 200)}”" if snapshot.noted else "")
            )
        )
        or None
    )


def took(snapshot: Snapshot, words: str) -> str | None:
    """How long it took, after these words; "noticed after 3 h" where nobody looked on when it ended; None where nothing is known."""
    known = durations(snapshot)
    if known.waited is not None:
        return f"{words} {duration_words(known.waited)}"
    return None if known.noticed is None else f"noticed after {duration_words(known.noticed)}"


def preview_note(clip: Clip, *, small: bool = False) -> str | None:
    """Why a preview is shown in place of a clip; None where the clip itself can be. `small`: it is too large to be stored whole."""
    if clip.unplayable:
        return f"a preview in H.264 is shown, because not every browser plays this clip ({clip.unplayable})"
    return "a small preview is stored here" if small else None


def size_words(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(1, round(size / 1e3))} kB"


def clamp(text: str, limit: int) -> str:
    """The text if it is short, else the start of it on one line, with an ellipsis."""
    return text if len(text) <= limit and text.count("\n") < 6 else one_line(text, limit).removesuffix("…") + "…"


def best_id(snapshot: Snapshot) -> str:
    return one_line(snapshot.request_id or snapshot.key, 220)


def plain(snapshot: Snapshot) -> str:
    """The same for a terminal and for `text/plain`: prompt, where it stands, and its file, its error or the way back."""
    where = facts_line(
        settings_line(snapshot.request),
        f"take {snapshot.take}",
        status_words(snapshot),
        credits_words(snapshot),
        "simulated" if snapshot.simulated and snapshot.reused else None,  # otherwise the credits say so
        _id_words(snapshot),
        marks(snapshot),
    )
    if snapshot.clip is not None:
        last = f"file {one_line(snapshot.clip.path.name)}"
    elif snapshot.error is not None:
        last = str(snapshot.error)
    else:
        last = "" if snapshot.is_settled else f"get it back with %seedance attach {best_id(snapshot)}"
    return "\n".join(line for line in (one_line(snapshot.request.prompt, 200), where, last) if line)


def plain_table(headers: Sequence[str], rows: Iterable[Sequence[str]], caption: str | None = None) -> str:
    """The same for a terminal and for `text/plain`: columns in line, long texts shortened."""
    lines = [tuple(headers), *(tuple(one_line(cell, 48) for cell in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(headers))]
    body = ["  ".join(cell.ljust(widths[i]) for i, cell in enumerate(line)).rstrip() for line in lines]
    return "\n".join([caption, *body] if caption else body)


def facts_line(*facts: str | None) -> str:
    return " · ".join(fact for fact in facts if fact)


def _id_words(snapshot: Snapshot) -> str:
    return f"{'request' if snapshot.request_id else 'job'} {best_id(snapshot)}"


def _count(amount: float, unit: str) -> str:
    return f"{amount:.10g} {unit}" if amount == 1 else f"{amount:.10g} {unit}s"


def _hours(total: int) -> tuple[int, str, int, str]:
    minutes = round(total / 60)
    return minutes // 60, "h", minutes % 60, "min"
