"""The gate of the shipped measures: each moves the right way at every strength of its own damage, on every clip, through H.264."""

import numpy as np
import pytest
from grids.measures.damage import RATE, SIZE, bench, scene, write

from seedance_nb.clips.pictures import pictures
from seedance_nb.errors import ClipError
from seedance_nb.grids.measures import shipped
from seedance_nb.grids.measures.shipped import SHIPPED

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("measure", SHIPPED)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_measure_moves_the_right_way_at_each_of_four_strengths(measure, seed, tmp_path):
    paths = bench.damaged(scene(seed), measure, scene(seed % len(SEEDS) + 1), tmp_path, RATE)

    found = bench.values(measure, paths, paths[0])

    assert len(found) == 5
    assert bench.moves_rightly(measure, found), found


def test_every_measure_has_damage_of_its_own_and_says_what_it_is_and_what_misleads_it():
    assert list(bench.DAMAGE) == list(SHIPPED)
    assert "quality" not in SHIPPED
    for measure in SHIPPED.values():
        assert len(measure.__doc__.split()) > 30
        assert measure.__module__.startswith(shipped.__name__.rpartition(".")[0])


def test_a_measure_is_not_moved_by_what_is_none_of_its_business(tmp_path):
    film = scene(1)
    plain = write(film, tmp_path / "plain.mp4")
    noisy = write(bench.noisy(film, 8, film, RATE), tmp_path / "noisy.mp4")
    quicker = write(bench.faster(film, 2, film, RATE), tmp_path / "quicker.mp4")
    flickering = write(bench.flickering(film, 4, film, RATE), tmp_path / "flickering.mp4")
    wild = write(bench.flickering(film, 12, film, RATE), tmp_path / "wild.mp4")
    cut = write(bench.cut_up(film, 3, scene(2), RATE), tmp_path / "cut.mp4")
    flicker, motion, cuts = SHIPPED["flicker"], SHIPPED["motion"], SHIPPED["cuts"]

    own = flicker(flickering) - flicker(plain)
    assert abs(flicker(noisy) - flicker(plain)) < 0.1 * own
    assert abs(flicker(quicker) - flicker(plain)) < 0.25 * own
    assert abs(flicker(cut) - flicker(plain)) < 0.25 * own
    assert abs(motion(wild) - motion(plain)) < 0.25 * (motion(quicker) - motion(plain))
    assert abs(motion(cut) - motion(plain)) < 0.5 * (motion(quicker) - motion(plain))
    assert cuts(flickering) == cuts(quicker) == cuts(noisy) == 0


def test_something_small_that_appears_in_a_still_picture_is_no_cut(tmp_path):
    film = np.repeat(scene(1)[:1], 24, axis=0)
    film[12:, 40:56, 60:76] = 255 - film[12:, 40:56, 60:76]

    assert SHIPPED["cuts"](write(film, tmp_path / "still.mp4")) == 0


def test_motion_is_the_speed_of_the_camera_in_diagonals_a_second(tmp_path):
    # A wide still scene of which a window moves 3 pixels a picture to the right.
    rng = np.random.default_rng(7)
    wide = np.clip(128 + 40 * bench._cloud(rng, 96, 320, 1.1), 0, 255).astype(np.uint8)
    film = np.stack([np.repeat(wide[:, 3 * i : 3 * i + 160, None], 3, 2) for i in range(24)])

    found = SHIPPED["motion"](write(film, tmp_path / "pan.mp4"))

    assert found == pytest.approx(100 * 3 * RATE / np.hypot(*SIZE), rel=0.1)


def test_light_that_goes_up_and_down_in_turn_is_flicker_of_that_size_and_a_swell_is_a_pulse(tmp_path):
    grey = np.full((48, 96, 160, 3), 120.0)
    turns = np.where(np.arange(48) % 2, 1, -1)[:, None, None, None]
    swell = np.sin(2 * np.pi * 1.0 * np.arange(48) / RATE)[:, None, None, None]
    to_and_fro = write((grey + 5 * turns).astype(np.uint8), tmp_path / "turns.mp4")
    slow = write(np.round(grey + 10 * swell).astype(np.uint8), tmp_path / "slow.mp4")

    assert SHIPPED["flicker"](to_and_fro) == pytest.approx(500 / 255, abs=0.3)
    assert SHIPPED["pulse"](slow) == pytest.approx(1000 / 255, abs=0.5)


def test_pictures_are_what_a_player_shows(tmp_path):
    film = np.zeros((4, 96, 160, 3), np.uint8)
    film[:, :, :80] = 255
    path = write(film, tmp_path / "halves.mp4")

    seconds, light = zip(*pictures(path, None), strict=True)
    [(_, small), *_] = pictures(path, 32, colour=True)

    assert seconds == pytest.approx([0, 1 / 12, 2 / 12, 3 / 12])
    assert light[0].shape == (96, 160)
    assert light[0][:, :70].min() >= 250
    assert light[0][:, 90:].max() <= 5
    assert small.shape == (19, 32, 3)
    assert len(list(pictures(path, every=0.15))) == 2


def test_a_file_that_is_gone_or_no_film_is_one_line(tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"not a film" * 10)

    with pytest.raises(ClipError, match=r"gone\.mp4: its file is gone; job\.download_again"):
        SHIPPED["flicker"](tmp_path / "gone.mp4")
    with pytest.raises(ClipError, match=r"no\.mp4: it cannot be decoded"):
        SHIPPED["blur"](tmp_path / "no.mp4")


@pytest.mark.parametrize("measure", ["flicker", "pulse", "seam"])
def test_a_clip_that_is_too_short_says_so(measure, tmp_path):
    with pytest.raises(ValueError, match=r"needs .* pictures"):
        SHIPPED[measure](write(scene(1)[:1], tmp_path / "one.mp4"))
