"""What the tests of stories share: a story of small shots, what the service accepted, what a picture looks like."""

from collections import Counter

import av
import numpy as np

from seedance_nb.grids.stories.opening import open_story

SHOTS = ("a paper boat on a rainy street", "the rain stops", "the boat reaches the river", "the sea at dusk")
SETTINGS = {"model": "seedance-2.0-fast", "duration": 4, "resolution": "480p", "aspect_ratio": "1:1"}
FIRST_PRICE, NEXT_PRICE = 12.0, 20.0
"""Credits of such a shot without and with a reference."""


def story_of(session, shots=SHOTS, **options):
    return open_story(session, list(shots), **{**SETTINGS, **options})


def pixels(picture):
    return np.asarray(picture).astype(int)


def distance(one, other):
    """Mean difference of two pictures, 0 to 255."""
    return float(np.abs(pixels(one) - pixels(other)).mean())


def prompts_of(simulator):
    """How often each prompt was accepted: the truth about money."""
    return Counter(entry.body["prompt"] for entry in simulator.scenario.accepted)


def references_of(simulator, prompt):
    """The names of the pictures that creates of this prompt went by."""
    return [
        [url.rpartition("/")[2] for url in entry.body.get("mediaUrls", ())]
        for entry in simulator.scenario.accepted
        if entry.body["prompt"] == prompt
    ]


def frames_of(path):
    """All pictures of a film, small, and its sound: (pictures, seconds of each, samples as one line, samples a second)."""
    with av.open(str(path)) as film:
        shown = [(frame.time, frame.to_ndarray(format="rgb24")[::4, ::4].astype(int)) for frame in film.decode(video=0)]
    with av.open(str(path)) as film:
        if not film.streams.audio:
            return shown, None, 0
        frames = list(film.decode(audio=0))
        return shown, np.concatenate([frame.to_ndarray().mean(axis=0) for frame in frames]), frames[0].sample_rate
