"""The sound of a film of several clips: of one that somebody names, or of none, and then the film says so."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

from ...clips import playing
from ...clips.clip import Clip
from ...clips.previews import SoundCopy
from ...errors import ClipError, InvalidRequest
from ...tracking.job import Job
from ..picture import GridPicture, Tile
from .frames import readable

MOST_NAMED = 12


def tile_heard(picture: GridPicture, sound: Any) -> Tile | None:
    """The tile whose sound a film carries: `sound` is the number of a cell, as in tables, a Job, a Clip, or None for none.

    Raises InvalidRequest for what names no clip with sound.
    """
    if sound is None or sound is False:
        return None
    tile = _named(picture, sound)
    if tile is None or tile.clip is None:
        what = f"cell {sound}" if isinstance(sound, Integral) else "the one that sound= names"
        raise InvalidRequest(f"{what} is no clip of this film; {_with_sound(picture)}")
    if not has_sound(tile.clip):
        raise InvalidRequest(f"{_number(tile)} has no sound; {_with_sound(picture)}")
    return tile


def caption(picture: GridPicture, heard: Tile | None) -> str:
    """What a film says of its sound: whose it is, that it was left out, or nothing where there is none anyway."""
    if heard is not None:
        return f"sound of {_number(heard)}"
    return "without sound" if any(tile.clip is not None and has_sound(tile.clip) for tile in picture.tiles) else ""


def has_sound(clip: Clip) -> bool:
    """Whether something can be heard in a clip; one that an older version has recorded is looked into."""
    if clip.sound is not None:
        return bool(clip.sound)
    try:
        with readable(clip) as reader:
            return playing.sound_stream(reader) is not None
    except ClipError:
        return False


class Track:
    """The sound of one clip on its way into a film, in step with the film's pictures."""

    def __init__(self, writer: Any, reader: Any, clip: Clip) -> None:
        pictures, stream = playing.picture_stream(reader), playing.sound_stream(reader)
        begin = float((pictures.start_time or 0) * (pictures.time_base or 0))
        self._frames = shifted(reader, stream, begin)
        self._next = next(self._frames, None)
        self._copy = None if self._next is None else SoundCopy(writer, stream)
        if self._copy is None or self._copy.is_broken:
            raise ClipError(f"the sound of {clip.path.name} cannot be decoded; name another clip with sound=")

    def play_to(self, seconds: float) -> None:
        """Write what is heard until then."""
        assert self._copy is not None
        while self._next is not None and self._next.time <= seconds:
            self._copy.take([self._next])
            self._next = next(self._frames, None)

    def end(self) -> None:
        """Write what is still held."""
        assert self._copy is not None
        self._copy.end()


def shifted(reader: Any, stream: Any, begin: float) -> Iterator[Any]:
    """The frames of sound, with their times counted from the first picture; damaged ones are left out."""
    for packet in reader.demux(stream):
        for frame in playing.decoded(packet):
            if frame.pts is None or frame.time_base is None:
                continue
            frame.pts -= round(begin / frame.time_base)
            if frame.time >= -frame.samples / frame.sample_rate / 2:
                yield frame


def _named(picture: GridPicture, sound: Any) -> Tile | None:
    for tile in picture.tiles:
        if isinstance(sound, Job):
            found = tile.snapshot is not None and tile.snapshot.key == sound.key
        elif isinstance(sound, Clip):
            found = tile.clip is not None and tile.clip.sha256 == sound.sha256
        elif isinstance(sound, bool) or not isinstance(sound, Integral):
            raise InvalidRequest("sound= wants the number of a cell (1 is the first), a job or a clip of this grid")
        else:
            found = tile.cell.index + 1 == sound
        if found:
            return tile
    return None


def _with_sound(picture: GridPicture) -> str:
    cells = [_number(tile) for tile in picture.tiles if tile.clip is not None and has_sound(tile.clip)]
    if not cells:
        return "no clip of this film has sound"
    more = f" and {len(cells) - MOST_NAMED} more" if len(cells) > MOST_NAMED else ""
    return f"there is sound in {', '.join(cells[:MOST_NAMED])}{more}"


def _number(tile: Tile) -> str:
    return f"cell {tile.cell.index + 1}"
