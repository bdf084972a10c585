"""The fields of a request: names, defaults, options, and what each model takes. The one table; everybody else reads it. Pure.

The vendor's page, as of this version. What `GET /models` answers is laid over it by `catalog.Catalog` and wins. A new value for a
model is one line in `MODELS`; a new field is one line in `TABLE` and its place in `models.VideoRequest`.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from ..errors import InvalidRequest, one_line

# What each model takes ------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Offer:
    """The values one model takes, in the order in which they are offered. `duration` in seconds."""

    aspect_ratio: tuple[str, ...]
    duration: tuple[int, ...]
    resolution: tuple[str, ...]


def _from_to(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


MODELS: Mapping[str, Offer] = MappingProxyType(
    {
        "seedance-2.0": Offer(("16:9", "9:16", "1:1"), _from_to(4, 15), ("480p", "720p", "1080p")),
        "seedance-2.0-fast": Offer(("16:9", "9:16", "1:1"), _from_to(4, 15), ("480p", "720p", "1080p")),
        "seedance-1.5-pro": Offer(("16:9", "9:16", "1:1"), (5, 10), ("480p", "720p", "1080p")),
    }
)
DEFAULT_MODEL = "seedance-2.0"
DEFAULT_ASPECT_RATIO = "16:9"
DEFAULT_DURATION = 5
"""Seconds."""
DEFAULT_RESOLUTION = "720p"

ASPECT_RATIOS = tuple(dict.fromkeys(value for offer in MODELS.values() for value in offer.aspect_ratio))
"""Of all models together, as are the two below: what is offered for a model that nobody describes."""
DURATIONS = tuple(sorted({value for offer in MODELS.values() for value in offer.duration}))
RESOLUTIONS = tuple(
    sorted({value for offer in MODELS.values() for value in offer.resolution}, key=lambda lines: int(lines[:-1]))
)
"""From the smallest picture, and the lowest price, to the largest."""
EVERY: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {"aspect_ratio": ASPECT_RATIOS, "duration": DURATIONS, "resolution": RESOLUTIONS}
)
"""The three by the names of their fields."""

MOST_MEDIA_URLS = 5
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")
UNTAKEN_SUFFIXES = (".heic", ".heif")
"""Of pictures as telephones take them, which are surely none for the service; of other endings it is the judge."""
SOUND_SUFFIXES = (".mp3", ".wav")
MEDIA_SUFFIXES = (*IMAGE_SUFFIXES, ".mp4", ".mov", ".m4v", *SOUND_SUFFIXES)


# The fields -----------------------------------------------------------------------------------------------

Kind = Literal["prompt", "word", "number", "text", "texts", "pairs", "fields"]
"""What a value is: the prompt; a word or a whole number, of which several make a grid; one text; several texts that belong to one
video; names with values; names with JSON values, each a field of the service that stands in no line here."""


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of a request. `name` is its name in Python and in tables; on the wire it is the same in camelCase."""

    name: str
    kind: Kind
    default: Any = None
    """What is asked for where nobody says anything; None leaves the field out, and the choice to the service."""
    flags: tuple[str, ...] = ()
    """Its options on a line of `%seedance`, short before long."""
    metavar: str = ""
    """What stands for its value in the help; of a number, its unit."""
    help: str = ""
    """What it is, for `-h`; where it is empty, the values that the models take."""
    other_names: str = ""
    """What people call it elsewhere, apart by blanks: nearly this field, and it would silently keep its default."""

    @property
    def title(self) -> str:
        """Its name in words: "aspect ratio"."""
        return self.name.replace("_", " ")

    @property
    def is_choice(self) -> bool:
        """Whether several values of it make a grid: each of them another video."""
        return self.kind in ("word", "number")


TABLE = (
    Field("prompt", "prompt", other_names="promt text_prompt prompt_text video_prompt"),
    Field(
        "model",
        "word",
        DEFAULT_MODEL,
        ("-m", "--model"),
        "MODEL",
        other_names="model_name model_id model_version",
    ),
    Field(
        "aspect_ratio",
        "word",
        DEFAULT_ASPECT_RATIO,
        ("-a", "--aspect-ratio"),
        "RATIO",
        other_names="ratio aspect ar aspect_ration video_ratio screen_ratio frame_ratio orientation",
    ),
    Field(
        "duration",
        "number",
        DEFAULT_DURATION,
        ("-d", "--duration"),
        "SECONDS",
        other_names="dur seconds second secs sec length len duration_seconds duration_secs duration_sec duration_s duration_in_seconds"
        " length_seconds length_s video_length video_duration clip_length num_seconds n_seconds",
    ),
    Field(
        "resolution",
        "word",
        DEFAULT_RESOLUTION,
        ("-r", "--resolution"),
        "LINES",
        other_names="res rs quality definition size video_size video_resolution output_resolution dimension",
    ),
    Field(
        "media_urls",
        "texts",
        None,
        ("-i", "--media-url"),
        "URL",
        f"public https image, video or sound to go by; up to {MOST_MEDIA_URLS}",
        "media media_url medium image img image_url img_url picture_url photo_url reference ref reference_url ref_url"
        " reference_image ref_image reference_image_url reference_media input_image input_image_url start_image end_image first_frame"
        " last_frame start_frame end_frame init_image image_prompt video_url audio_url url",
    ),
    Field(
        "webhook_url",
        "text",
        None,
        ("--webhook-url", "--webhook"),
        "URL",
        "rung by the service when the video is done; auto: this notebook is",
        "webhook hook hook_url callback callback_url notify_url notification_url",
    ),
    Field(
        "metadata",
        "pairs",
        None,
        ("--metadata",),
        "K=V",
        "stored with the request; may be given again",
        "meta meta_data metadatum",
    ),
    Field(
        "extra",
        "fields",
        None,
        ("--set",),
        "K=V",
        "a field of the service that is not listed here, sent as given: seed=7; may be given again",
        "extra_field extra_body extra_param extra_json extra_arg additional_field",
    ),
)
"""In the order in which they are shown."""

FIELDS = tuple(field.name for field in TABLE)
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {field.name: field.default for field in TABLE if field.default is not None}
)
"""The fields that mean something where they are left out, and what. To leave one to the service it must be given as None."""
TAKE = "take"
"""No field of a request, but beside them wherever one video of several is meant."""
_NAMES_OF_TAKE = "number_of_takes num_takes n_takes take_number take_no num_videos n_videos number_of_videos num_samples n_samples repeat variation"


# In words -------------------------------------------------------------------------------------------------


def listed(values: Sequence[object], joiner: str = "or") -> str:
    """Every value: "16:9, 9:16 or 1:1"; only whole numbers without a gap are "4 to 15"."""
    numbers = [value for value in values if type(value) is int]
    if len(values) == len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    words = [str(value) for value in values]
    return f"{', '.join(words[:-1])} {joiner} {words[-1]}" if len(words) > 1 else "".join(words)


def offered(field: Field) -> str:
    """What the models take of a field, in words: "4 to 15; 5 or 10 with seedance-1.5-pro"."""
    if field.name == "model":
        return ", ".join(MODELS)
    usual: tuple[object, ...] = getattr(MODELS[DEFAULT_MODEL], field.name)
    apart: dict[tuple[object, ...], list[str]] = {}
    for name, offer in MODELS.items():
        values = getattr(offer, field.name)
        if values != usual:
            apart.setdefault(values, []).append(name)
    said = listed(usual) if field.kind == "number" else ", ".join(map(str, usual))
    return "; ".join([said, *(f"{listed(values)} with {listed(names, 'and')}" for values, names in apart.items())])


# Names ----------------------------------------------------------------------------------------------------


def folded(name: str) -> str:
    """Without case, blanks, hyphens, underscores and a plural's s."""
    letters = "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())
    return letters[:-1] if len(letters) > 3 and letters.endswith("s") else letters


_NAMES = {field.name: field.other_names for field in TABLE} | {TAKE: _NAMES_OF_TAKE}
_MEANT = {folded(name): field for field, names in _NAMES.items() for name in (field, *names.split())}


def field_meant(name: object) -> str | None:
    """The field that a name stands for although it is not its name: "Duration", "aspect ratio", "secs", "images"; else None."""
    if not isinstance(name, str) or name in (*FIELDS, TAKE):
        return None
    return _MEANT.get(folded(name))


def field_mistyped(name: object) -> str | None:
    """The field that a name is a slip of the pen away from: "durration", "modle", "promt"; else None."""
    if not isinstance(name, str) or name in (*FIELDS, TAKE):
        return None
    word, words = folded(name), len(re.findall(r"[^\W_]+", name))
    # "mode" and "take" are words of their own, "prompt2" is a label.
    if len(word) < 5 or any(c.isdigit() for c in name):
        return None
    # A word more is a label, too: "model_a".
    fields = {folded(field): field for field in FIELDS if words <= field.count("_") + 1}
    found = difflib.get_close_matches(word, fields, n=1, cutoff=0.86)
    swapped = [field for field in fields if sorted(field) == sorted(word)]
    return next((fields[field] for field in (*found, *swapped) if field[0] == word[0]), None)


def refuse_others(names: Iterable[str]) -> None:
    """Raises InvalidRequest for the first of these names that is no field of a request, and so no option of `submit`."""
    for name in (name for name in names if name not in FIELDS):
        near = difflib.get_close_matches(name, (*FIELDS, TAKE, "fresh", "max_credits"), n=1, cutoff=0.6)
        meant = field_meant(name) or (near[0] if near else None)
        hint = f"did you mean {meant!r}?" if meant else f"there are {', '.join(FIELDS)}, {TAKE}, fresh, max_credits"
        raise InvalidRequest(f"submit has no option {one_line(name, 40)!r}: {hint}; nothing was sent")
