"""Telling a story: what `seedance_nb.story` is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...api.fields import (
    DEFAULT_ASPECT_RATIO,
    DEFAULT_DURATION,
    DEFAULT_MODEL,
    DEFAULT_RESOLUTION,
    refuse_others,
)
from ...clips.clip import Clip
from ...errors import InvalidRequest, SeedanceError, one_line
from ...keywords import refusing_others
from ...settings import check_limit
from ...tracking import session as sessions
from ...tracking.job import Job
from ...tracking.references.shelf import Reference
from ...tracking.session import Session
from ..values import check_takes
from .script import Script, read_prompts
from .story import Story


@refusing_others(refuse_others)
def story(
    shots: Sequence[str],
    *,
    takes: int = 1,
    reference: Reference | Iterable[Reference] | None = None,
    first_frame: Reference | None = None,
    model: str = DEFAULT_MODEL,
    aspect_ratio: str | None = DEFAULT_ASPECT_RATIO,
    duration: int | None = DEFAULT_DURATION,
    resolution: str | None = DEFAULT_RESOLUTION,
    webhook_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    max_credits: float | None = None,
) -> Story:
    """Lay out a story: a prompt for each shot, each from the last frame of the one before, priced before anything is sent.

    `first_frame` is what the first shot begins with: a picture, or a Clip or Job whose last frame is meant. With a `reference` every shot
    goes by that instead, and none by the one before. Of each shot there are `takes`; the next one goes on from one of them: the first
    that was made, or what `story.pick(shot, take)` says. All else is as for `seedance_nb.submit`, and holds for all shots;
    `max_credits` limits the whole story. Frames are uploaded to where `seedance_nb.configure(uploads=…)` says. Returns a Story: look at
    `.plan`, then `.submit()`. Raises InvalidRequest and ConfigurationError: nothing was sent.
    """
    settings = {
        "model": model,
        "aspect_ratio": aspect_ratio,
        "duration": duration,
        "resolution": resolution,
        "webhook_url": webhook_url,
        "metadata": metadata,
        "extra": extra,
    }
    return open_story(
        sessions.default(),
        shots,
        takes=takes,
        reference=reference,
        first_frame=first_frame,
        max_credits=max_credits,
        **settings,
    )


def open_story(
    session: Session,
    shots: Sequence[str],
    *,
    takes: int = 1,
    reference: Any = None,
    first_frame: Any = None,
    max_credits: float | None = None,
    **settings: Any,
) -> Story:
    """The same in a session of one's own."""
    prompts = read_prompts(shots)
    if reference is not None and first_frame is not None:
        raise InvalidRequest(
            "give a story either reference= (every shot goes by it) or first_frame= (the first begins with it); nothing was sent"
        )
    addresses = session.shelf.addresses(reference)
    script = Script(
        prompts=prompts,
        settings=settings,
        takes=check_takes(takes),
        reference=tuple(addresses) if isinstance(addresses, list) else addresses,
        first_frame=None if first_frame is None else _first_frame(session, first_frame),
    )
    limit = check_limit("max_credits", max_credits)
    script.check(session.catalog)
    return Story(session, script, limit)


def _first_frame(session: Session, given: Any) -> str:
    try:
        clip = given.result() if isinstance(given, Job) else given
        return session.shelf.last_frame(clip) if isinstance(clip, Clip) else session.shelf.address(given)
    except InvalidRequest:
        raise
    except SeedanceError as error:
        raise InvalidRequest(
            f"there is no frame to begin with ({one_line(error, 200)}); nothing was sent and nothing charged for this one"
        ) from None
