"""Clips made elsewhere, on the axes of a grid: cells that nobody sends, waits for or pays. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..api.fields import DEFAULT_MODEL, FIELDS, TAKE
from ..api.models import Status, VideoRequest, make_request
from ..clips.clip import Clip
from ..clips.imported import ImportedClip, key_of
from ..errors import ClipError, InvalidRequest, one_line, shortened
from ..pages.words import MADE_ELSEWHERE
from ..snapshot import Snapshot
from .axes import Cell, levels, no_such_axis, value_key
from .picture import GridPicture, Origin, Tile
from .values import value_of
from .wording import label

NO_LABELS = ("media_urls", "webhook_url", "metadata", "extra")
"""Fields of a request that say nothing of where a clip stands."""


@dataclasses.dataclass(frozen=True)
class Included:
    """One clip made elsewhere in its place. `clip` is None where its file is not on this machine (any more)."""

    origin: Origin
    values: Mapping[str, Any]
    """Its value on every axis."""
    prompt: str
    take: int
    clip: Clip | None

    @property
    def key(self) -> str:
        """What it goes by in votes and tables."""
        return key_of(self.origin.sha256)


def names_with(names: Sequence[str], included: Sequence[Included]) -> tuple[str, ...]:
    """The axes of a grid, and those that only clips made elsewhere have named."""
    more = dict.fromkeys(name for one in included for name in one.values if name not in (*names, TAKE))
    take = [TAKE] if TAKE not in names and any(one.take != 1 for one in included) else []
    rest = [name for name in names if name != TAKE]
    return (*rest, *more, *([TAKE] if TAKE in names else take))


def with_included(picture: GridPicture, included: Sequence[Included]) -> GridPicture:
    """The picture with these clips behind its own cells."""
    if not included:
        return picture
    names = names_with(picture.names, included)
    own = [dataclasses.replace(tile, cell=_on(tile.cell, names)) for tile in picture.tiles]
    more = [_tile(one, names, len(own) + index) for index, one in enumerate(included)]
    added = tuple(name for name in names if name not in picture.names)
    return dataclasses.replace(picture, names=names, tiles=(*own, *more), added=added)


def placed(
    clips: Iterable[object],
    cells: Sequence[Cell],
    names: Sequence[str],
    before: Sequence[Included],
    own: Mapping[str, str],
) -> tuple[Included, ...]:
    """`before`, and these clips in their places on the axes `names` of these cells. `own` are the grid's own clips: sha256 to what they are.

    The same clip with the same labels changes nothing. Raises InvalidRequest, and then nothing is included.
    """
    found = list(before)
    seen: set[str] = set()
    for clip in clips:
        if not isinstance(clip, ImportedClip):
            raise InvalidRequest(
                f"include takes what sd.import_clip(path, …) gives back, not {one_line(type(clip).__name__, 40)}; nothing was included"
            )
        sha256 = clip.clip.sha256
        if sha256 in own:
            raise InvalidRequest(f"{_named(clip)} is a clip of this grid already ({own[sha256]}); nothing was included")
        if sha256 in seen:
            raise InvalidRequest(f"{_named(clip)} is named twice: each file stands in one place; nothing was included")
        seen.add(sha256)
        made = place(clip, cells, names, found)
        known = next((index for index, one in enumerate(found) if one.origin.sha256 == sha256), None)
        if known is None:
            found.append(made)
        elif _same(found[known], made):
            found[known] = dataclasses.replace(found[known], clip=clip.clip)
        else:
            raise InvalidRequest(
                f"{_named(clip)} is on this grid already, as {_said(found[known].values)}: each file stands in one place; nothing was included"
            )
    return tuple(found)


def place(clip: ImportedClip, cells: Sequence[Cell], names: Sequence[str], before: Sequence[Included]) -> Included:
    """One clip in its place. Raises InvalidRequest for labels that do not say which."""
    labels = {name: value_of(name, value) for name, value in clip.labels.items()}
    for name in labels:
        if name in NO_LABELS and name not in names:
            raise InvalidRequest(f"{name} says nothing of where a clip stands; nothing was included")
        if name not in FIELDS and name != TAKE and name not in names:
            raise no_such_axis(name, names, more="; nothing was included")
    take = labels.pop(TAKE, None)
    if take is not None and (type(take) is not int or take < 1):
        raise InvalidRequest(
            f"take must be a whole number from 1, not {one_line(repr(take), 40)}; nothing was included"
        )
    values = _values(clip, labels, cells, names)
    prompt = _prompt(labels, values, cells)
    _request(values, prompt)  # raises here what would be wrong with it
    there = {
        one.take
        for one in before
        if value_key(dict(one.values)) == value_key(values) and one.origin.sha256 != clip.clip.sha256
    }
    there |= {cell.take for cell in cells if value_key(_own_values(cell, values)) == value_key(values)}
    free = next(number for number in range(1, len(there) + 2) if number not in there)
    return Included(Origin(clip.clip.sha256, clip.name, clip.labels), values, prompt, take or free, clip.clip)


def _values(
    clip: ImportedClip, labels: Mapping[str, Any], cells: Sequence[Cell], names: Sequence[str]
) -> dict[str, Any]:
    """Its value on every axis but the take: as it is labelled, or as those cells have it whose prompt it has."""
    twins = [cell for cell in cells if cell.request is not None and cell.request.prompt == labels.get("prompt")]
    values: dict[str, Any] = {}
    for name in [*names, *(name for name in labels if name not in names and name != "prompt")]:
        known = levels(cells, name)
        of_twins = levels(twins, name)
        if name == TAKE:
            continue
        if name in labels and not (name == "prompt" and len(of_twins) == 1):
            values[name] = labels[name]
        elif len(of_twins) == 1 and (name == "prompt" or name not in FIELDS):
            values[name] = of_twins[0]
        elif name == "model":
            values[name] = MADE_ELSEWHERE
        elif len(known) == 1 and name not in FIELDS:
            values[name] = known[0]
        else:
            some = ", ".join(one_line(label(name, value, known), 40) for value in known[:6])
            raise InvalidRequest(
                f"say where {_named(clip)} stands, sd.import_clip(…, {name}=…): of {one_line(name, 40)} there are {some}; nothing was included"
            )
    return {**values, "model": values.get("model", MADE_ELSEWHERE)}


def _prompt(labels: Mapping[str, Any], values: Mapping[str, Any], cells: Sequence[Cell]) -> str:
    """What it was made from: as it is labelled, or what the cells in its place were made from; "" where that is not one text."""
    shared = [name for name in values if name == "prompt" or name not in FIELDS]
    beside = [
        cell.request.prompt
        for cell in cells
        if cell.request is not None
        and all(value_key(cell.values.get(name)) == value_key(values[name]) for name in shared)
    ]
    told = labels.get("prompt")
    if isinstance(told, str) and told not in {cell.values.get("prompt") for cell in cells}:
        return told
    return beside[0] if len(set(beside)) == 1 else told if isinstance(told, str) else ""


def _request(values: Mapping[str, Any], prompt: str) -> VideoRequest:
    """What it would have been asked for by, as far as anybody says; it is never sent."""
    fields = {name: values[name] for name in FIELDS if name in values and name not in ("prompt", *NO_LABELS)}
    settings: dict[str, Any] = dict.fromkeys(("aspect_ratio", "duration", "resolution"))
    if not isinstance(fields.get("model", DEFAULT_MODEL), str):
        raise InvalidRequest(f"the model is a name, not {one_line(repr(fields['model']), 40)}; nothing was included")
    try:
        return make_request(prompt, **{**settings, **fields})
    except InvalidRequest as error:
        raise InvalidRequest(
            f"{shortened(error, 200).removesuffix('; nothing was sent')}; nothing was included"
        ) from None


def _tile(one: Included, names: Sequence[str], index: int) -> Tile:
    values = {name: one.take if name == TAKE else one.values.get(name) for name in names}
    request = _request(one.values, one.prompt)
    error = None
    if one.clip is None:
        error = ClipError(
            f"its file {one_line(one.origin.name, 80)} is not on this machine: import it again, {again(one)}"
        )
    snapshot = Snapshot(
        key=one.key,
        request=request,
        take=one.take,
        status=Status.SUCCEEDED,
        status_text=MADE_ELSEWHERE,
        credits=0.0,
        clip=one.clip,
        error=error,
        made_elsewhere=True,
    )
    return Tile(Cell(index, values, request, one.take), snapshot, one.origin)


def again(one: Included) -> str:
    """The call that brings its file back."""
    labels = "".join(f", {name}={value!r}" for name, value in one.origin.labels.items() if name.isidentifier())
    return f'grid.include(sd.import_clip("{one_line(one.origin.name, 80)}"{shortened(labels, 120)}))'


def _on(cell: Cell, names: Sequence[str]) -> Cell:
    """A cell of the grid's own, with its values on axes that it did not name."""
    more = {name: _of_request(cell, name) for name in names if name not in cell.values}
    return dataclasses.replace(cell, values={**cell.values, **more}) if more else cell


def _own_values(cell: Cell, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: cell.values[name] if name in cell.values else _of_request(cell, name) for name in values}


def _of_request(cell: Cell, name: str) -> Any:
    return cell.take if name == TAKE else getattr(cell.request, name, None)


def _same(one: Included, other: Included) -> bool:
    if value_key(dict(one.values)) != value_key(dict(other.values)) or one.prompt != other.prompt:
        return False
    return TAKE not in other.origin.labels or one.take == other.take


def _named(clip: ImportedClip) -> str:
    return one_line(clip.name, 80)


def _said(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{one_line(name, 40)} {one_line(value, 40)}" for name, value in values.items())
