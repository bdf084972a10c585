"""A real H.264 MP4 for a simulated generation: a small landscape in which the sun crosses the sky once per film.

The picture says what it was made from (prompt, model, take, length, format), that it is simulated, and the time it is at. Colours
and hills follow from the prompt's hash: takes and models of one prompt look alike, other prompts do not. First and last frame
meet, so that a looping player shows no jump.

Everything is composed in YUV planes with Pillow: each layer is drawn and converted once, and a frame only pastes layers.
"""

from __future__ import annotations

import colorsys
import hashlib
import math
import os
import random
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from PIL import Image, ImageChops, ImageDraw, ImageOps

from . import lettering

Colour = tuple[int, int, int]
# RGB to limited-range BT.709, which is what players assume of HD
_BT709 = (0.1826, 0.6142, 0.0620, 16, -0.1006, -0.3386, 0.4392, 128, 0.4392, -0.3989, -0.0403, 128)
# hues of zenith, horizon and sun that go well together, as shares of the colour circle
_SKIES = (
    (0.62, 0.06, 0.11),  # blue over apricot
    (0.74, 0.97, 0.08),  # violet over rose
    (0.54, 0.12, 0.14),  # teal over straw
    (0.68, 0.52, 0.50),  # indigo over ice
    (0.84, 0.07, 0.12),  # plum over peach
    (0.47, 0.15, 0.14),  # sea green over sand
    (0.99, 0.09, 0.13),  # wine over amber
    (0.58, 0.80, 0.90),  # steel over lilac
)


OPENING_SECONDS = 0.5
"""A film that begins with a given picture has left it after so long."""


class AbandonedError(Exception):
    """The caller no longer wants the film."""


def frame_size(aspect_ratio: str, resolution: str) -> tuple[int, int]:
    """(width, height) in pixels, both even: `resolution` ("720p") is the short side."""
    wide, high = (int(part) for part in aspect_ratio.split(":"))
    short = int(resolution.removesuffix("p"))
    scale = Fraction(short, min(wide, high))
    return math.ceil(wide * scale / 2) * 2, math.ceil(high * scale / 2) * 2


def render(
    path: Path,
    *,
    prompt: str,
    model: str,
    take: int,
    request_id: str,
    aspect_ratio: str,
    resolution: str,
    seconds: float,
    fps: int = 24,
    first_frame: Image.Image | None = None,
    abandoned: Callable[[], bool] = lambda: False,
) -> None:
    """Write the film to `path`: H.264 High, yuv420p, avc1, moov first, `round(seconds * fps)` frames.

    Where there is a `first_frame`, the film begins with it and turns into its own picture within half a second. The file appears all at once. `abandoned` is asked before each frame; when it says yes, `AbandonedError` is raised and nothing
    is left behind.
    """
    size = frame_size(aspect_ratio, resolution)
    frames = max(1, round(seconds * fps))
    caption = lettering.Caption(
        prompt=prompt,
        about=f"{model}  ·  take {take}",
        details=f"{request_id}  ·  {aspect_ratio}  ·  {resolution}  ·  {seconds:g} s",
    )
    scene = _Scene(size, prompt, caption)
    if first_frame is not None:
        scene.begin_with(first_frame, max(1, min(frames - 1, round(fps * OPENING_SECONDS))))
    # +faststart opens the file a second time by its name, so this cannot be a BytesIO
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".mp4.part", dir=path.parent)
    os.close(descriptor)
    try:
        _encode(name, scene, frames, fps, abandoned)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _encode(name: str, scene: _Scene, frames: int, fps: int, abandoned: Callable[[], bool]) -> None:
    width, height = scene.size
    with av.open(name, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = "simulated"
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # a key frame a second, so that seeking is quick; no B-frames, so that pictures come in the order of their times
        tuning = "bframes=0:scenecut=0:rc-lookahead=12:mbtree=1"
        stream.options = {"preset": "superfast", "crf": "23", "g": str(fps), "x264-params": tuning}
        stream.thread_count = 1  # two films are made at a time, beside a notebook that wants to stay responsive
        context = stream.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = (
            1,
            1,
            1,
            1,
        )  # BT.709, limited
        frame = av.VideoFrame(width, height, "yuv420p")
        for number in range(frames):
            if abandoned():
                raise AbandonedError
            picture = scene.draw(number, frames, fps)
            for plane, image in zip(frame.planes, picture, strict=True):
                padded = image if plane.line_size == image.width else image.crop((0, 0, plane.line_size, image.height))
                plane.update(padded.tobytes())
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


class _Palette(NamedTuple):
    zenith: Colour
    horizon: Colour
    sun: Colour
    hills: tuple[Colour, Colour, Colour]  # far to near

    @classmethod
    def of(cls, dice: random.Random) -> _Palette:
        top, bottom, glow = (_turned(hue, dice) for hue in dice.choice(_SKIES))
        zenith = _colour(top, dice.uniform(0.20, 0.30), 0.55)
        horizon = _colour(bottom, dice.uniform(0.64, 0.74), 0.62)
        night = _colour(top, 0.09, 0.55)
        hills = tuple(_mix(horizon, night, share) for share in (0.36, 0.68, 0.95))
        return cls(zenith, horizon, _colour(glow, 0.93, 0.95), (hills[0], hills[1], hills[2]))


class _Layer:
    """A picture in YUV planes with its coverage, ready to be pasted at even positions."""

    def __init__(self, picture: Image.Image, cover: Image.Image | None = None) -> None:
        self.planes = _planes(picture)
        self.size = picture.size
        half = (picture.width // 2, picture.height // 2)
        self.covers = None if cover is None else (cover, *[cover.resize(half, Image.Resampling.BOX)] * 2)

    def copy(self) -> list[Image.Image]:
        return [plane.copy() for plane in self.planes]

    def paste(self, canvas: list[Image.Image], left: int, top: int) -> None:
        for index, plane in enumerate(self.planes):
            step = 2 if index else 1
            cover = None if self.covers is None else self.covers[index]
            canvas[index].paste(plane, (left // step, top // step), cover)


class _Scene:
    """The landscape of one prompt at one size (width, height in pixels)."""

    def __init__(self, size: tuple[int, int], prompt: str, caption: lettering.Caption) -> None:
        self.size = size
        width, height = size
        dice = random.Random(hashlib.sha256(prompt.encode("utf-8", "replace")).digest())
        palette = _Palette.of(dice)
        self._sky = _sky(size, palette)
        self._sun = _sun(_even(min(size) * 0.62), palette)
        self._hills = [_hill(size, palette, number, dice) for number in range(3)]
        self._text = [(_Layer(piece.colours, piece.coverage), piece.left, piece.top) for piece in caption.lay_out(size)]
        self._clock = lettering.Clock(size)
        self._glyphs = {glyph: _Layer(*picture) for glyph, picture in self._clock.glyphs().items()}
        self._line = _even(max(4, height / 120))
        self._played = _Layer(Image.new("RGB", (width, self._line), palette.sun))
        self._opening: tuple[_Layer, int] | None = None

    def begin_with(self, picture: Image.Image, frames: int) -> None:
        """Show this picture first, and less of it with every frame, until after so many it is gone. It fills the frame."""
        self._opening = (_Layer(ImageOps.fit(picture.convert("RGB"), self.size)), frames)

    def draw(self, number: int, frames: int, fps: int) -> list[Image.Image]:
        """Frame `number` of `frames` as Y, U and V planes."""
        if self._opening is None or number >= self._opening[1]:
            return self._drawn(number, frames, fps)
        layer, length = self._opening
        if number == 0:
            return layer.copy()
        planes = zip(layer.planes, self._drawn(number, frames, fps), strict=True)
        return [Image.blend(first, own, number / length) for first, own in planes]

    def _drawn(self, number: int, frames: int, fps: int) -> list[Image.Image]:
        width, height = self.size
        canvas = self._sky.copy()
        phase = number / frames
        self._draw_sun(canvas, phase)
        sway = (1 - math.cos(2 * math.pi * phase)) / 2
        for depth, (hill, top) in enumerate(self._hills):
            reach = hill.size[0] - width
            hill.paste(canvas, -_even(reach * (sway if depth != 1 else 0.85 * sway)), top)
        for layer, left, top in self._text:
            layer.paste(canvas, left, top)
        for glyph, left, top in self._clock.place(number // fps, number % fps):
            self._glyphs[glyph].paste(canvas, left, top)
        done = _even(width * (number + 1) / frames)
        for index, plane in enumerate(canvas):
            step = 2 if index else 1
            bar = self._played.planes[index].crop((0, 0, done // step, self._line // step))
            plane.paste(bar, (0, (height - self._line) // step))
        return canvas

    def _draw_sun(self, canvas: list[Image.Image], phase: float) -> None:
        width, height = self.size
        across = self._sun.size[0]
        # from behind the hills on the left to behind the hills on the right
        angle = math.pi * (1.12 - 1.24 * phase)
        centre_x = width * (0.5 + 0.44 * math.cos(angle))
        centre_y = height * (0.76 - 0.36 * math.sin(angle))
        self._sun.paste(canvas, _even(centre_x - across / 2), _even(centre_y - across / 2))


def _sky(size: tuple[int, int], palette: _Palette) -> _Layer:
    # a handful of pixels, blown up: the resampling makes the gradient
    width, height = size
    seed = Image.new("RGB", (3, 4))
    for row, share in enumerate((0.0, 0.22, 0.72, 1.0)):
        for column, shift in enumerate((-0.06, 0.0, 0.10)):
            seed.putpixel((column, row), _mix(palette.zenith, palette.horizon, min(1, max(0, share + shift))))
    sky = seed.resize((width, _even(height * 0.8)), Image.Resampling.BICUBIC)
    whole = Image.new("RGB", size, palette.hills[2])
    whole.paste(sky, (0, 0))
    return _Layer(whole)


def _sun(across: int, palette: _Palette) -> _Layer:
    glow = ImageChops.invert(Image.radial_gradient("L")).resize((across, across), Image.Resampling.BICUBIC)
    # a wide faint halo and a crisp disc
    cover = glow.point([round(150 * (max(0, level - 75) / 180) ** 2.2) for level in range(256)])
    disc = Image.new("L", (across * 2, across * 2))
    edge = across * 0.74
    ImageDraw.Draw(disc).ellipse((edge, edge, across * 2 - edge, across * 2 - edge), fill=255)
    cover = ImageChops.lighter(cover, disc.resize((across, across), Image.Resampling.LANCZOS))
    return _Layer(Image.new("RGB", (across, across), palette.sun), cover)


def _hill(size: tuple[int, int], palette: _Palette, depth: int, dice: random.Random) -> tuple[_Layer, int]:
    """One range of hills as a strip wider than the picture, and the y of its top. `depth` 0 is the farthest."""
    width, height = size
    top = _even(height * (0.56, 0.64, 0.76)[depth])
    bottom = (_even(height * 0.80), _even(height * 0.90), height)[depth]  # the rest is behind the next range
    reach = _even(width * (0.03, 0.08, 0.16)[depth])
    strip = (width + reach, bottom - top)
    swell = height * (0.16, 0.14, 0.10)[depth]
    waves = [(dice.uniform(0.6, 1.4) * 2**octave, dice.uniform(0, math.tau), 0.5**octave) for octave in range(4)]
    fine = 2
    crest = []
    for x in range(0, strip[0] + 8, 4):
        level = sum(share * math.sin(math.tau * pace * x / width + shift) for pace, shift, share in waves) / 1.9
        crest.append((x * fine, (0.5 + 0.5 * level) * swell * fine))
    cover = Image.new("L", (strip[0] * fine, strip[1] * fine))
    ImageDraw.Draw(cover).polygon([*crest, (strip[0] * fine, strip[1] * fine), (0, strip[1] * fine)], fill=255)
    # mist gathers at the foot of the far ranges
    mist = _mix(palette.hills[depth], palette.horizon, (0.45, 0.30, 0.0)[depth])
    shade = Image.new("RGB", (1, 2))
    shade.putpixel((0, 0), palette.hills[depth])
    shade.putpixel((0, 1), mist)
    colour = shade.resize(strip, Image.Resampling.BILINEAR)
    return _Layer(colour, cover.resize(strip, Image.Resampling.BOX)), top


def _planes(picture: Image.Image) -> tuple[Image.Image, Image.Image, Image.Image]:
    luma, blue, red = picture.convert("RGB", _BT709).split()
    half = (picture.width // 2, picture.height // 2)
    return luma, blue.resize(half, Image.Resampling.BOX), red.resize(half, Image.Resampling.BOX)


def _colour(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _turned(hue: float, dice: random.Random) -> float:
    return (hue + dice.uniform(-0.025, 0.025)) % 1


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _even(value: float) -> int:
    return 2 * round(value / 2)
