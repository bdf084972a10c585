"""A grid as one picture or one film: a labelled contact sheet (PNG) and all clips side by side in step (MP4).

Memory does not grow with the length of the clips, nor much with their number: each is decoded by itself and shrunk to the size it
is shown at, into a temporary file; only those small films are then played in step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...clips.clip import Clip
from ...errors import ClipError, ConfigurationError, InvalidRequest, one_line
from ..picture import GridPicture
from . import page as film_page
from . import sound as film_sound
from .fit import Room, fit
from .frames import shrink, stills
from .layout import Table, tables, title
from .legend import Legend
from .page import Place, Slot

if TYPE_CHECKING:
    import av
    import numpy as np
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

STRIP = Room(2400, 1700, tallest=14_000, largest=420, frames=3)
"""A contact sheet whose cells show first, middle and last frame: as long as each is at least STRIP_LEAST large."""
STRIP_LEAST = 120
SHEET = dataclasses.replace(STRIP, frames=1)
SCREEN = Room(1920, 1080, tallest=1080, largest=1920)
RECEIPTS_LEAST = 110
"""Films with smaller pictures need their room for the pictures, and leave the receipts to the contact sheet."""
LEAST = 60
"""Root of the area of a picture that still shows something: 80 x 45 pixels."""
FILM_RATE = Fraction(24)
FASTEST = 60


def contact_sheet(
    picture: GridPicture, path: Path | str, *, rows: str | None = None, columns: str | None = None
) -> Path:
    """Write a labelled PNG of the grid, at most 2400 pixels wide, and return its path.

    Every cell shows the first, middle and last frame of its clip, or where that would be too small the middle one alone, and its
    receipt; a cell without a clip says where it stands. `rows` and `columns` are axes, or None to have them chosen. Blocks.
    Raises InvalidRequest for unknown axes and too many cells, ConfigurationError where the file cannot be written.
    """
    target = checked_target(path)
    laid, legend = _labelled(picture, rows, columns)
    what = f"contact sheet {SHEET.width} pixels wide"
    _check_count(picture, SHEET, what)
    page = fit(picture, laid, STRIP, legend.text)
    if page.scale < STRIP_LEAST:
        page = fit(picture, laid, SHEET, legend.text)
    if page.scale < LEAST:
        page = fit(picture, laid, dataclasses.replace(SHEET, height=SHEET.tallest), legend.text)
    if page.scale < LEAST or not SHEET.holds(page):
        raise InvalidRequest(_too_many(picture, what))
    shown: dict[int, list[Image.Image]] = {}
    wrong: dict[int, str] = {}
    for index, slot in enumerate(page.slots):
        if slot.tile.clip is not None:
            try:
                shown[index] = stills(slot.tile.clip, slot.pictures)
            except ClipError as error:
                wrong[index] = str(error)
    sheet = page.draw(film_page.PAPER, wrong, legend.text)
    for index, images in shown.items():
        for image, place in zip(images, page.slots[index].pictures, strict=True):
            sheet.paste(image, (place.left, place.top))
    with appearing(target) as part:
        sheet.save(part, "PNG", optimize=True, pnginfo=_described(legend))
    legend.tell(target.name)
    return target


def side_by_side(
    picture: GridPicture, path: Path | str, *, rows: str | None = None, columns: str | None = None, sound: Any = None
) -> Path:
    """Write a labelled MP4 in which all clips of the grid play in step, and return its path.

    H.264, yuv420p, the index first, at most 1920 x 1080 pixels, with the clips' own frame rate if they share one, else 24. A clip
    that is over holds its last frame; a cell without a clip says where it stands. `rows` and `columns` are axes, or None to have
    them chosen. `sound` is the number of a cell (1 is the first), a Job or a Clip that is heard; without it, the film says that it
    has none, where there was some. Blocks. Raises InvalidRequest for unknown axes, too many cells and where there is no clip yet, ClipError where no
    clip can be read, ConfigurationError where the file cannot be written.
    """
    target = checked_target(path)
    laid, legend = _labelled(picture, rows, columns)
    clips = [tile.clip for tile in picture.tiles if tile.clip is not None]
    if not clips:
        raise InvalidRequest("no cell of this grid has a clip yet; grid.result() waits for them")
    heard = film_sound.tile_heard(picture, sound)
    what = f"film of {SCREEN.width} x {SCREEN.height} pixels"
    _check_count(picture, SCREEN, what)
    # no picture is blown up, but tiny ones may be: a page needs something to look at
    largest = max(LEAST, *((clip.width * clip.height) ** 0.5 for clip in clips))
    room = dataclasses.replace(SCREEN, largest=min(largest, SCREEN.largest), about=film_sound.caption(picture, heard))
    page = fit(picture, laid, room, legend.text)
    if page.scale < min(RECEIPTS_LEAST, largest):
        page = fit(picture, laid, dataclasses.replace(room, receipts=False), legend.text)
    if page.scale < LEAST or not room.holds(page):
        raise InvalidRequest(_too_many(picture, what))
    rate = _common_rate(clips)
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder, appearing(target) as part:
        small: dict[int, Path] = {}
        wrong: dict[int, str] = {}
        for index, slot in enumerate(page.slots):
            if slot.tile.clip is not None:
                try:
                    small[index] = shrink(slot.tile.clip, slot.pictures[0], rate, Path(folder) / f"{index}.mp4")
                except ClipError as error:
                    if slot.tile is heard:
                        raise
                    wrong[index] = str(error)
        if not small:
            raise ClipError(f"none of the {len(clips)} clips can be read ({next(iter(wrong.values()))})")
        image = page.draw(film_page.SCREEN, wrong, legend.text)
        playing = {index: (page.slots[index], path) for index, path in small.items()}
        _play_together(image, playing, rate, part, None if heard is None else heard.clip, legend)
    legend.tell(target.name)
    return target


def _labelled(picture: GridPicture, rows: str | None, columns: str | None) -> tuple[list[Table], Legend]:
    """The ways to lay the grid out, with labels that can be drawn, and what the numbers in them stand for."""
    legend = Legend()
    legend.text(title(picture))  # what is read first has the first numbers
    return [legend.table(table) for table in tables(picture, rows, columns)], legend


def _described(legend: Legend) -> PngInfo | None:
    from PIL.PngImagePlugin import PngInfo

    if not legend:
        return None
    info = PngInfo()
    info.add_itxt("Description", "\n".join(legend.lines()))
    return info


def _check_count(picture: GridPicture, room: Room, what: str) -> None:
    """Refuse what cannot fit before time is spent on trying."""
    if len(picture.tiles) * LEAST**2 > room.width * room.tallest:
        raise InvalidRequest(_too_many(picture, what))


def _too_many(picture: GridPicture, what: str) -> str:
    cells = f"{len(picture.tiles):,} cells, laid out like this,"
    return f"{cells} are too many for a {what}; export a part of the grid with where="


def _common_rate(clips: list[Clip]) -> Fraction:
    """The frame rate that all clips share, else 24."""
    rates = {_rate(clip.fps) for clip in clips}
    only = rates.pop()
    return only if not rates and 1 <= only <= FASTEST else FILM_RATE


def _rate(fps: float) -> Fraction:
    """The exact rate behind a rounded one: 23.976 is 24000/1001."""
    whole = round(fps * 1.001)
    for exact in (Fraction(whole), Fraction(whole * 1000, 1001)):
        if abs(exact - fps) < 0.001:
            return exact
    return Fraction(fps).limit_denominator(1000)


# All together -----------------------------------------------------------------------------------------------------------


def _play_together(
    page: Image.Image,
    films: dict[int, tuple[Slot, Path]],
    rate: Fraction,
    target: Path,
    heard: Clip | None,
    legend: Legend,
) -> None:
    """Encode the page with the small films playing on it, until the longest is over, and with the sound of one clip."""
    import av

    whole = Place(0, 0, page.width, page.height)
    still = av.VideoFrame.from_image(page).reformat(  # type: ignore[no-untyped-call]
        page.width, page.height, "yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
    )
    canvas = still.to_ndarray().copy()
    with contextlib.ExitStack() as open_files:
        playing = {
            index: (slot.pictures[0], _frames(open_files.enter_context(av.open(str(path)))))
            for index, (slot, path) in films.items()
        }
        writer = open_files.enter_context(av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}))
        if legend:
            writer.metadata["comment"] = "\n".join(legend.lines())
        out = writer.add_stream("libx264", rate=rate)
        out.width, out.height, out.pix_fmt = page.width, page.height, "yuv420p"
        # a key frame a second, so that seeking is quick
        out.options = {"preset": "veryfast", "crf": "20", "g": str(round(rate))}
        context = out.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1
        track = (
            None
            if heard is None
            else film_sound.Track(writer, open_files.enter_context(av.open(str(heard.path))), heard)
        )
        for number in itertools.count():
            for index, (place, frames) in list(playing.items()):
                frame = next(frames, None)
                if frame is None:  # what it showed last stays on the canvas
                    del playing[index]
                else:
                    _paste(canvas, whole, frame.to_ndarray(), place)
            if not playing:
                break
            shown = av.VideoFrame.from_ndarray(canvas, format="yuv420p")
            shown.pts, shown.time_base = number, 1 / rate
            shown.colorspace, shown.color_range = 1, 1
            writer.mux(out.encode(shown))
            if track is not None:
                track.play_to(number / float(rate))
        writer.mux(out.encode(None))
        if track is not None:
            track.end()


def _frames(reader: av.container.InputContainer) -> Iterator[av.VideoFrame]:
    stream = reader.streams.video[0]
    stream.codec_context.thread_count = 1  # a hundred films at once need no threads of their own
    return reader.decode(stream)


def _paste(canvas: np.ndarray[Any, Any], whole: Place, tile: np.ndarray[Any, Any], place: Place) -> None:
    """Put a tile's planes into the canvas'; both are yuv420p as PyAV lays it out, one plane after the other."""
    for half, onto, plane in zip((1, 2, 2), _planes(canvas, whole), _planes(tile, place), strict=True):
        top, left = place.top // half, place.left // half
        onto[top : top + plane.shape[0], left : left + plane.shape[1]] = plane


def _planes(pixels: np.ndarray[Any, Any], place: Place) -> Iterator[np.ndarray[Any, Any]]:
    flat, at = pixels.reshape(-1), 0
    for half in (1, 2, 2):
        width, height = place.width // half, place.height // half
        yield flat[at : at + width * height].reshape(height, width)
        at += width * height


# The file ---------------------------------------------------------------------------------------------------------------


def checked_target(path: Path | str) -> Path:
    """The path to write to. Raises ConfigurationError where its folder is missing."""
    target = Path(path)
    if not target.parent.is_dir():
        raise ConfigurationError(f"there is no folder {target.parent}; create it first")
    return target


@contextlib.contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A name beside the target to write to: it becomes the target when all is well, and vanishes when not."""
    import av

    part = target.with_name(f".{target.stem}.{os.getpid()}.{time.monotonic_ns():x}.part")
    trouble = ""
    try:
        yield part
        part.replace(target)
        return
    except (OSError, av.FFmpegError) as error:
        trouble = getattr(error, "strerror", None) or one_line(error, 120)
    finally:
        part.unlink(missing_ok=True)
    raise ConfigurationError(f"{target} could not be written ({trouble}); check the folder and the disk")
