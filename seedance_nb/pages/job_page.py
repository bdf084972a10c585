"""One job as the HTML that stays: with its clip inside. Needs no kernel and no IPython, only the file."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from ..clips.clip import Clip
from ..clips.store import shown_file
from ..errors import ClipError, shortened
from ..snapshot import Snapshot
from . import html, words
from .escaping import Html
from .file_links import link_to, place_of


def job_html(snapshot: Snapshot, embed_limit: int) -> str:
    """What a notebook stores of the job as it stands: its receipt, and once nothing more comes its video or why there is none."""
    return final_html(snapshot, embed_limit) if snapshot.is_settled else html.receipt(snapshot)


def embedded(file: Path) -> str:
    """The MP4 as an address that holds it."""
    return html.data_uri("video/mp4", file.read_bytes())


def final_html(snapshot: Snapshot, embed_limit: float, address: Callable[[Path], str] = embedded) -> str:
    """The figure with the MP4 inside; above `embed_limit` bytes a small preview and a link to the file. `address(file)` is where a
    browser finds the MP4.
    """
    clip = snapshot.clip
    if clip is None:
        return html.ending(snapshot)
    video, poster, more = sources_of(clip, embed_limit, address)
    return html.figure(snapshot, video, poster, **more)


def still_of(clip: Clip | None) -> str | None:
    """The poster as notebooks hold pictures, in base64; None where there is none."""
    if clip is None or clip.poster is None:
        return None
    try:
        return base64.b64encode(clip.poster.read_bytes()).decode("ascii")
    except OSError:  # the video matters, its picture does not
        return None


def sources_of(
    clip: Clip, embed_limit: float, address: Callable[[Path], str] = embedded
) -> tuple[str, str | None, dict[str, str | None]]:
    """(video src, poster src, what `html.figure` says of the original) of a clip for a notebook."""
    still = still_of(clip)
    poster = None if still is None else Html(f"data:image/jpeg;base64,{still}")
    try:
        file = shown_file(clip, embed_limit)
        video = address(file)
        if file == clip.path:
            return video, poster, {}
        note = words.preview_note(clip, small=True)
    except (OSError, ClipError) as error:
        note = f"not stored in the notebook ({shortened(error)})"
        if clip.is_lost:  # what lies there now is not this video
            return "", poster, {"note": note}
        video = link_to(clip.path) or ""
        poster = None if video else poster
    return video, poster, {"link": link_to(clip.path), "place": place_of(clip.path), "note": note}
