"""The next shot from the last frame of a job's clip: what it begins with, what it is, what it costs."""

import numpy as np
import pytest
from tracking.references.published import Published

from seedance_nb.errors import InvalidRequest
from seedance_nb.simulator import Pace, Simulator
from seedance_nb.tracking.session import Session

SMALL = {"duration": 4, "resolution": "480p", "aspect_ratio": "1:1", "model": "seedance-2.0-fast"}


def pixels(picture):
    return np.asarray(picture).astype(int)


@pytest.fixture
def simulator():
    """With its own renderer: what a film begins with matters."""
    with Simulator(pace=Pace(0, 0.02, 0)) as running:
        yield running


@pytest.fixture
def published(tmp_path):
    with Published(tmp_path / "published") as one:
        yield one


@pytest.fixture
def session(simulator, published, tmp_path):
    places = {"api_key": "k", "base_url": simulator.base_url, "home": tmp_path, "uploads": published}
    with Session(**places, poll_floor=0.02, poll_ceiling=0.1) as one:
        yield one


def bodies(simulator):
    return [entry.body for entry in simulator.scenario.accepted]


def test_the_next_shot_begins_with_the_last_frame_and_has_the_settings_of_the_one_before(session, simulator, published):
    boat = session.submit("a paper boat", **SMALL, extra={"seed": 7})
    sea = boat.then("the boat reaches the sea")

    clip = sea.result(60)
    assert np.abs(pixels(clip.frame(0)) - pixels(boat.clip.frame(-1))).mean() < 4
    assert np.abs(pixels(clip.frame(0)) - pixels(boat.clip.frame(0))).mean() > 4
    first, second = bodies(simulator)
    assert {name: second.pop(name) for name in ("prompt", "mediaUrls")} == {
        "prompt": "the boat reaches the sea",
        "mediaUrls": [f"http://127.0.0.1:{published.server.server_port}/{published.went[-1]}"],
    }
    assert first.pop("prompt") == "a paper boat"
    assert first == second
    assert set(published.fetched) == set(published.went)


def test_a_job_that_still_runs_is_waited_for_and_settings_may_be_others(session, simulator):
    night = session.submit("a paper boat", **SMALL).then("night falls", resolution="720p", extra=None)

    assert night.request.resolution == "720p"
    assert night.result(60).height == 720
    assert len(bodies(simulator)) == 2


def test_the_same_shot_after_the_same_clip_costs_nothing_again(session, simulator):
    boat = session.submit("a paper boat", **SMALL)
    boat.then("the boat reaches the sea").result(60)
    again = boat.then("the boat reaches the sea")

    assert again.result(60)
    assert again.reused
    assert len(bodies(simulator)) == 2


def test_it_stays_the_same_shot_where_a_newer_library_decodes_other_pixels(session, simulator, monkeypatch):
    from seedance_nb.clips import frames

    boat = session.submit("a paper boat", **SMALL)
    boat.then("the boat reaches the sea").result(60)
    real = frames.frame
    monkeypatch.setattr("seedance_nb.clips.frames.frame", lambda path, at: real(path, at).point(lambda v: v ^ 1))

    assert boat.then("the boat reaches the sea").reused
    assert len(bodies(simulator)) == 2


def test_after_a_job_without_a_clip_nothing_is_sent(session, simulator):
    boat = session.submit("[fail] a paper boat", **SMALL)

    with pytest.raises(
        InvalidRequest, match=r"no clip to go on from .*nothing was sent and nothing charged for this one"
    ):
        boat.then("the boat reaches the sea")
    assert len(bodies(simulator)) == 1


def test_what_is_no_field_is_refused_with_what_was_meant(session, simulator):
    boat = session.submit("a paper boat", **SMALL)
    boat.result(60)

    with pytest.raises(InvalidRequest, match="duration"):
        boat.then("the boat reaches the sea", seconds=5)
    assert len(bodies(simulator)) == 1
