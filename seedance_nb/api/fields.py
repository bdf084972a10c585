"""The fields of a request, and the other names that people know them by: from tables, other services, habit. Pure.

A name that is nearly a field, and is not one, would leave that field at its default and be paid for.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

from ..errors import InvalidRequest, one_line

FIELDS = ("prompt", "model", "aspect_ratio", "duration", "resolution", "media_urls", "webhook_url", "metadata")
"""The fields of a request, in the order in which they are shown."""
TAKE = "take"

_OTHER_NAMES = {
    "prompt": "promt text_prompt prompt_text video_prompt",
    "model": "model_name model_id model_version",
    "aspect_ratio": "ratio aspect ar aspect_ration video_ratio screen_ratio frame_ratio orientation",
    "duration": "dur seconds second secs sec length len duration_seconds duration_secs duration_sec duration_s duration_in_seconds"
    " length_seconds length_s video_length video_duration clip_length num_seconds n_seconds",
    "resolution": "res rs quality definition size video_size video_resolution output_resolution dimension",
    "media_urls": "media media_url medium image img image_url img_url picture_url photo_url reference ref reference_url ref_url"
    " reference_image ref_image reference_image_url reference_media input_image input_image_url start_image end_image first_frame"
    " last_frame start_frame end_frame init_image image_prompt video_url audio_url url",
    "webhook_url": "webhook hook hook_url callback callback_url notify_url notification_url",
    "metadata": "meta meta_data metadatum",
    TAKE: "number_of_takes num_takes n_takes take_number take_no num_videos n_videos number_of_videos num_samples n_samples repeat variation",
}


def _folded(name: str) -> str:
    """Without case, blanks, hyphens, underscores and a plural's s."""
    letters = "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())
    return letters[:-1] if len(letters) > 3 and letters.endswith("s") else letters


_MEANT = {_folded(name): field for field, names in _OTHER_NAMES.items() for name in (field, *names.split())}


def field_meant(name: object) -> str | None:
    """The field that a name stands for although it is not its name: "Duration", "aspect ratio", "secs", "images"; else None."""
    if not isinstance(name, str) or name in (*FIELDS, TAKE):
        return None
    return _MEANT.get(_folded(name))


def refuse_others(names: Iterable[str]) -> None:
    """Raises InvalidRequest for the first of these names, none of which is an option of `submit`."""
    for name in names:
        near = difflib.get_close_matches(name, (*FIELDS, TAKE, "fresh", "max_credits"), n=1, cutoff=0.6)
        meant = field_meant(name) or (near[0] if near else None)
        hint = f"did you mean {meant!r}?" if meant else f"there are {', '.join(FIELDS)}, {TAKE}, fresh, max_credits"
        raise InvalidRequest(f"submit has no option {one_line(name, 40)!r}: {hint}; nothing was sent")
