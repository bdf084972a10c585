"""How long a job is left alone, while its siblings live and when the first of them ends."""

import asyncio
import contextlib
import time
from types import SimpleNamespace

import pytest
from tracking.doubles import record

from seedance_nb.api.models import Status
from seedance_nb.settings import Limits
from seedance_nb.snapshot import Snapshot
from seedance_nb.tracking.following.bells import Bell, Bells
from seedance_nb.tracking.following.followed import Clock, Followed
from seedance_nb.tracking.following.following import _wait_for_next_look
from seedance_nb.tracking.following.pace import Kind, Pace
from seedance_nb.tracking.following.polling import EVEN_SECONDS

SIBLINGS = 900


@pytest.fixture
def followed():
    tools = SimpleNamespace(
        limits=Limits(),
        clock=Clock(),
        pace=Pace(time.monotonic, main_seconds=lambda: 0.0),
        bells=Bells(time.monotonic, api_is_here=True),
    )
    asked = record().request
    now = time.time()
    picture = Snapshot(
        "j1", asked, 1, Status.PROCESSING, "processing", request_id="req_1", created_at=now, accepted_at=now
    )
    return Followed(tools, picture, SimpleNamespace(is_watched=False, is_reuse=False, deliver=lambda _: None))


async def waits(followed, kind, meanwhile):
    """Seconds until the next look, with `meanwhile()` called after a moment; at most five."""
    with kind.living(followed.wake, None, followed.outlook.known), contextlib.ExitStack() as siblings:
        for _ in range(SIBLINGS):
            siblings.enter_context(kind.living(asyncio.Event()))
        began = time.monotonic()
        waiting = asyncio.create_task(_wait_for_next_look(followed, kind, 0, None))
        await asyncio.sleep(0.05)
        meanwhile()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiting, 5)
        return time.monotonic() - began


def test_a_scout_of_many_rests_for_long(followed, monkeypatch):
    monkeypatch.setattr("random.random", lambda: 0.5)

    assert asyncio.run(waits(followed, Kind([]), lambda: None)) > 4.9


@pytest.mark.parametrize(("known", "rests"), [(1, True), (40, False)])
def test_one_life_known_before_says_less_than_all_who_live_now_and_forty_say_more(followed, monkeypatch, known, rests):
    monkeypatch.setattr("random.random", lambda: 0.5)
    kind = Kind([3.0] * known)
    followed.outlook = kind.outlook(0.0)

    assert (asyncio.run(waits(followed, kind, lambda: None)) > 4.9) is rests


def test_the_first_end_among_its_siblings_wakes_a_scout_soon_but_not_at_once(followed, monkeypatch):
    monkeypatch.setattr("random.random", lambda: 0.5)
    kind = Kind([])

    waited = asyncio.run(waits(followed, kind, lambda: kind.ended(None, 0.0)))

    assert 0.2 < waited < EVEN_SECONDS + 0.5


@pytest.mark.parametrize("known", [31, 40])
def test_the_first_end_leaves_those_alone_who_know_more_from_earlier_lives(followed, monkeypatch, known):
    monkeypatch.setattr("random.random", lambda: 0.5)
    kind = Kind([60.0] * known)
    followed.outlook = kind.outlook(0.0)

    assert asyncio.run(waits(followed, kind, lambda: kind.ended(None, 0.0))) > 4.9


def test_a_cancel_wakes_a_scout_at_once(followed, monkeypatch):
    monkeypatch.setattr("random.random", lambda: 0.5)

    def cancel():
        followed.tell(cancel_requested=True)
        followed.wake.set()

    assert asyncio.run(waits(followed, Kind([]), cancel)) < 1


def test_a_job_that_will_be_rung_for_is_woken_by_its_ring_alone(followed):
    kind, bells = Kind([]), followed.tools.bells
    followed.bell, known = Bell(followed.wake, "j1", "http://127.0.0.1/", "known"), "known"
    bells._bells[known] = followed.bell
    bells._rely_on(followed.bell.base)

    async def both():
        slept = await waits(followed, kind, lambda: kind.ended(1.0, time.monotonic()))
        return slept, await waits(followed, kind, lambda: bells.ring(known))

    of_a_sibling, of_its_own = asyncio.run(both())

    assert of_a_sibling >= 5  # it would be looked at in a minute
    assert of_its_own < 5
