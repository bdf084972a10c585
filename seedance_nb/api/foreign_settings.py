"""Settings of other services inside a prompt: they are sent as words, and what they meant is said. Pure.

`--ratio 9:16 --dur 10` of another Seedance, `--ar 16:9 --v 6` of an image service, a prompt that is JSON with `"duration": 10`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from ..errors import one_line
from .fields import TABLE, TAKE, Field, field_meant


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a foreign setting is here: a field of the request with its option on a line, or nothing at all."""

    field: str | None
    option: str | None
    advice: str
    """What to do instead, in a few words."""


def _of(field: Field) -> Setting:
    return Setting(field.name, field.flags[0], f"{'/'.join(field.flags)} on the line, {field.name}= in Python")


_OF_FIELD = {field.name: _of(field) for field in TABLE if field.flags}
_TAKES = Setting(None, "-n", "-n/--takes on the line, take= in Python")
_OF_FIELD[TAKE] = _TAKES
_RATIO = _OF_FIELD["aspect_ratio"]
_SEED = Setting(None, None, "the service has no seed; -n N makes independent takes")
_LINE = Setting(None, None, "an option of %seedance: it stands on the first line")
_NONE = Setting(None, None, "no such setting here")

_NAMES: dict[Setting, str] = {  # beside the names that `fields` knows
    _RATIO: "rt",
    _OF_FIELD["duration"]: "d",
    _OF_FIELD["resolution"]: "r",
    _OF_FIELD["model"]: "m",
    _OF_FIELD["media_urls"]: "i iref sref cref oref",
    _TAKES: "n num count batch batchsize numoutputs samples samplecount variations",
    _SEED: "seed",
    _LINE: "fresh wait nowait timeout maxcredits dryrun raw quiet out",
    _NONE: "fps framerate framespersecond numframes frames wm watermark camerafixed fixedcamera cf no neg negative negativeprompt v"
    " version s stylize style c chaos weird w tile niji motion loop cfg cfgscale guidance guidancescale steps sampler strength audio"
    " generateaudio sound iw sw sv cw ow p personalize profile stop draft fast relax turbo hd exp camera cameracontrol cameramotion"
    " mode upscale promptextend promptoptimizer enhanceprompt promptenhancer returnlastframe servicetier safety bgm ip bs q",
}
_SETTINGS = {name: setting for setting, names in _NAMES.items() for name in names.split()}
_RATIO_TEXT = r"\d{1,2}\s?[:：x×/]\s?\d{1,2}"
_PLAUSIBLE = {
    "aspect_ratio": re.compile(_RATIO_TEXT),
    "duration": re.compile(r"\d{1,3}(\.\d+)?\s?(s|secs?|seconds?)?"),
    "resolution": re.compile(r"\d{3,4}\s?([pP]|[x×]\s?\d{3,4})|[248][kK]"),
    "model": re.compile(r"(?i:seedance|doubao)\S*"),
}
_FLAG = re.compile(
    r"(?<![^\s,;(\[{\"'“])(?P<dash>--|[‐‑–—−－]{1,2}|-)(?P<name>[A-Za-z][A-Za-z_-]*)"
    r"(?:(?:[ \t]*[=:][ \t]*|[ \t]+)(?P<value>[^\s,;\"'()]+))?"
)
_PAIR = re.compile(
    r"(?<![\w-])(?P<quote>[\"'“]?)(?P<name>[A-Za-z][A-Za-z_-]*(?: ratio)?)[\"'”]?[ \t]*[:=：][ \t]*"
    r"(?P<value>[\"'“][^\"'”\n]*[\"'”]|\[[^\]\n]*\]|[^\s,;}\])]+(?: ?(?:s|secs?|seconds?)\b)?)"
)
_BRACKET = re.compile(
    r"[\[(]\s*(?:16\s?[:：]\s?9|9\s?[:：]\s?16|1\s?[:：]\s?1|4\s?[:：]\s?3|3\s?[:：]\s?4|21\s?[:：]\s?9|9\s?[:：]\s?21)\s*[\])]"
)
_MOST_NAMED = 6


def setting_named(name: str) -> Setting | None:
    """What a setting of this name is here, however its words are joined: `--aspectRatio`, `aspect_ratio`, `ar`."""
    bare = re.sub(r"^[\W_]+", "", name)
    known = _SETTINGS.get(re.sub(r"[\s_-]", "", bare).lower())
    return known or _OF_FIELD.get(field_meant(bare) or bare)


def note_of(prompt: str, values: dict[str, object]) -> str | None:
    """One line on the settings that stand in a prompt as words, or None; `values` are those the request really has, by field."""
    found = dict(_found(prompt))
    if not found:
        return None
    told = []
    for text, setting in list(found.items())[:_MOST_NAMED]:
        has = f", which is {values[setting.field] or 'left to the service'}" if setting.field in values else ""
        told.append(f"{one_line(text, 40)} ({setting.advice}{has})")
    more = f", and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f"in the prompt as words, and no settings: {'; '.join(told)}{more}"


def _found(prompt: str) -> Iterator[tuple[str, Setting]]:
    taken: list[tuple[int, int]] = []
    for match in _FLAG.finditer(prompt):
        setting = setting_named(match["name"])
        value = match["value"] or ""
        if setting is None or not _is_meant(match["dash"], match["name"], value, setting):
            continue
        taken.append(match.span())
        shows_value = value and not value.startswith("-")
        yield (match.group().rstrip(".") if shows_value else match["dash"] + match["name"]), setting
    for match in _PAIR.finditer(prompt):
        setting = setting_named(match["name"])
        if setting is None or any(start <= match.start() < end for start, end in taken):
            continue
        if match["quote"] or _fits(setting, match["value"]):
            yield match.group(), setting
    for match in _BRACKET.finditer(prompt):
        yield match.group(), _RATIO


def _is_meant(dash: str, name: str, value: str, setting: Setting) -> bool:
    """Prose has dashes, too: two hyphens before a known name are a setting, anything less only with a value that fits."""
    if dash == "--":
        return True
    return _fits(setting, value) or (len(name) > 1 and setting is _LINE and not value and dash != "-")


def _fits(setting: Setting, value: str) -> bool:
    bare = value.strip("\"'“”.")
    if setting.field in _PLAUSIBLE:
        return _PLAUSIBLE[setting.field].fullmatch(bare) is not None
    if setting.field == "media_urls":
        return "://" in bare
    return (
        setting in (_SEED, _NONE, _TAKES) and re.fullmatch(r"-?\d+(\.\d+)?|true|false", bare, re.IGNORECASE) is not None
    )
