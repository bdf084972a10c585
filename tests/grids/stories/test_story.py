"""Stories: what a shot begins with, what is sent and what it costs, what stops and what goes on."""

import asyncio
import itertools

import pytest
from grids.stage import until
from grids.stories.stage import FIRST_PRICE, NEXT_PRICE, SETTINGS, SHOTS, distance, prompts_of, references_of, story_of
from PIL import Image

from seedance_nb.api.models import Status
from seedance_nb.errors import BudgetExceeded, ConfigurationError, InvalidRequest, SeedanceError, WaitTimeout
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.money import Money

WHOLE = FIRST_PRICE + 3 * NEXT_PRICE


def test_a_plan_costs_nothing_and_prices_all_shots_before_there_is_a_frame(session, simulator):
    story = story_of(session, takes=2)

    session.models()
    plan = story.plan
    assert [line.credits for line in plan.lines[:2]] == [FIRST_PRICE] * 2
    assert all(line.credits >= NEXT_PRICE for line in plan.lines[2:])
    assert float(story.estimate) == pytest.approx(sum(line.credits for line in plan.lines))
    assert story.estimate.cells == 8
    assert plan.lines[2].why == "begins with the last frame of shot 1"
    assert not story.done()
    assert simulator.calls["create"] == 0
    with pytest.raises(SeedanceError, match="not submitted yet"):
        story.result()


def test_each_shot_begins_with_the_last_frame_of_the_one_before(session, simulator, published):
    story = story_of(session, takes=2).submit()

    clips = story.result(120)
    assert story.picks == [1, 1, 1, 1]
    for before, after in itertools.pairwise(clips):
        assert distance(before.frame(-1), after.frame(0)) < 4
        assert distance(before.frame(-1), after.frame(-1)) > 8
    assert prompts_of(simulator) == dict.fromkeys(SHOTS, 2)
    assert story.done()
    assert str(story.picture()) == f"8 cells (shot 4 × take 2): 8 done, {2 * WHOLE:g} credits"
    for shot in range(1, 4):  # both takes go by the same frame
        assert len({tuple(names) for names in references_of(simulator, SHOTS[shot])}) == 1


def test_the_same_story_again_costs_nothing_also_in_another_kernel(simulator, session_of):
    with session_of(simulator) as first:
        story_of(first, takes=2).submit().result(120)
    sent = simulator.calls["create"]
    with session_of(simulator) as second:
        story = story_of(second, takes=2)
        assert [line.standing for line in story.plan.lines] == ["have it"] * 8
        assert all(story.submit(max_credits=0).result(120))
    assert simulator.calls["create"] == sent == 8


@pytest.mark.parametrize(("takes", "creates"), [(1, 2), (2, 4)])
def test_where_shot_3_changes_only_it_and_what_follows_is_bought(session, simulator, takes, creates):
    story_of(session, takes=takes).submit().result(120)
    sent = simulator.calls["create"]

    changed = story_of(session, [*SHOTS[:2], "the boat turns over", SHOTS[3]], takes=takes)
    assert changed.plan.new == creates
    clips = changed.submit().result(120)

    assert simulator.calls["create"] == sent + creates
    assert distance(clips[2].frame(-1), clips[3].frame(0)) < 4


def test_a_shot_that_fails_stops_what_hangs_on_it_and_says_so(session, simulator):
    story = story_of(session, [SHOTS[0], "[fail] the rain stops", *SHOTS[2:]]).submit()

    assert [clip is not None for clip in story.result(120)] == [True, False, False, False]
    assert simulator.calls["create"] == 2
    reason = story.picture().tiles[3].cell.invalid
    assert reason.startswith("not sent: shot 2 has no video (the service could not make this video")
    assert story.done()
    assert story.jobs[2:] == [[None], [None]]


def test_with_one_reference_for_all_a_shot_that_fails_stops_no_other(session, simulator):
    hero = Image.new("RGB", (480, 480), "navy")
    story = story_of(session, [SHOTS[0], "[fail] the rain stops", *SHOTS[2:]], reference=hero).submit()

    clips = story.result(120)
    assert [clip is not None for clip in clips] == [True, False, True, True]
    assert all(distance(clip.frame(0), hero) < 8 for clip in clips if clip)
    assert simulator.calls["create"] == 4


def test_a_story_may_begin_with_a_picture_or_where_a_clip_ends(session, simulator):
    red = Image.new("RGB", (480, 480), "darkred")
    first = story_of(session, SHOTS[:2], first_frame=red).submit().result(120)
    assert distance(first[0].frame(0), red) < 8

    after = story_of(session, SHOTS[2:], first_frame=first[1]).submit().result(120)
    assert distance(after[0].frame(0), first[1].frame(-1)) < 4
    assert simulator.calls["create"] == 4


def test_it_goes_on_from_another_take_where_one_failed_and_stays_with_it(session_of, careless_disk, patience):
    with Simulator(pace=Pace(0, 0.05, 0), fail_every=3) as simulator, session_of(simulator, concurrency=1) as session:
        story = story_of(session, takes=2).submit()
        clips = story.result(120)
        assert all(clips)
        failed = [(s, t) for s, jobs in enumerate(story.jobs) for t, job in enumerate(jobs) if job.clip is None]
        assert {shot for shot, _ in failed} == {1, 2}
        sent, picks = simulator.calls["create"], story.picks

        assert story.retry().result(120) == clips
        assert story.picks == picks
        assert simulator.calls["create"] == sent + len(failed)


def test_a_pick_makes_what_follows_anew_and_picking_back_costs_nothing(session, simulator):
    story = story_of(session, SHOTS[:3], takes=2).submit()
    before = story.result(120)

    after = story.pick(1, take=2).result(120)
    assert simulator.calls["create"] == 6 + 4
    assert after[0] == story.jobs[0][1].clip
    assert distance(after[0].frame(-1), after[1].frame(0)) < 4
    assert after[1] != before[1]

    assert story.pick(1, take=1).result(120) == before
    assert simulator.calls["create"] == 10
    assert story.picture().credits == 2 * FIRST_PRICE + 8 * NEXT_PRICE  # what was left aside was paid for too


def test_the_plan_of_a_pick_says_what_it_would_make_and_changes_nothing(session, simulator):
    story = story_of(session, SHOTS[:3], takes=2).submit()
    before = story.result(120)

    plan = story.plan_of_pick(1, take=2)

    assert (plan.new, [line.is_new for line in plan]) == (4, [False] * 2 + [True] * 4)
    assert story.plan_of_pick(1, take=1).new == story.plan_of_pick(3, take=2).new == 0
    assert (story.picks, story.result(120), simulator.calls["create"]) == ([1, 1, 1], before, 6)
    with pytest.raises(InvalidRequest, match="of this story"):
        story.plan_of_pick(1, take=3)


def test_another_kernel_goes_on_from_what_was_picked_also_where_the_next_shot_changes(simulator, session_of):
    with session_of(simulator) as first:
        story_of(first, SHOTS[:2], takes=2).submit().pick(1, take=2).result(120)
    with session_of(simulator) as second:
        story = story_of(second, [SHOTS[0], "the boat turns over"], takes=2).submit()
        clips = story.result(120)
        assert story.picks[0] == 2
        assert distance(story.jobs[0][1].clip.frame(-1), clips[1].frame(0)) < 4
    assert len(set(references_of(simulator, "the boat turns over")[0])) == 1
    assert prompts_of(simulator)["the boat turns over"] == 2


@pytest.mark.parametrize(("shot", "take"), [(0, 1), (4, 1), (1, 0), (1, 3), ("one", 1), (1, True), (1, 1.5)])
def test_a_pick_of_what_there_is_not_is_refused(session, simulator, shot, take):
    with pytest.raises(InvalidRequest, match=r"of this story: there are .*; nothing was sent"):
        story_of(session, SHOTS[:3], takes=2).pick(shot, take)


# Money ----------------------------------------------------------------------------------------------------


@pytest.fixture
def priced(session):
    """A session that knows what a shot with a frame costs, as one was paid for."""
    session.models()
    session.submit("a boat", **SETTINGS, media_urls=Image.new("RGB", (480, 480))).result(120)
    return session


def test_over_its_limit_nothing_of_the_whole_story_is_sent(priced, simulator):
    with pytest.raises(
        BudgetExceeded, match="4 new videos would cost about 72 credits, over max_credits of 71; nothing was sent"
    ):
        story_of(priced, max_credits=71).submit()
    priced.change(limits={"max_credits": priced.spent + 71})
    with pytest.raises(BudgetExceeded, match="over the session's limit of 91; nothing was sent"):
        story_of(priced).submit()
    assert simulator.calls["create"] == 1
    assert all(story_of(priced, SHOTS[:3], max_credits=52).submit().result(120))


def test_what_a_shot_with_a_frame_costs_nobody_has_listed_and_no_limit_is_kept_by_a_guess(session, simulator):
    with pytest.raises(BudgetExceeded, match=r"nobody knows what 3 of them cost.*nothing was sent.*job\.then"):
        story_of(session, max_credits=10_000).submit()
    assert simulator.calls["create"] == 0


def test_a_limit_is_one_for_all_shots_and_stops_before_the_shot_that_would_go_over_it(priced, simulator, monkeypatch):
    real, asked = Money.most_credits, []

    def dearer(money, requests, **options):
        asked.append(len(requests))
        return [10.0 if len(asked) == 1 else price for price in real(money, requests, **options)]

    monkeypatch.setattr(Money, "most_credits", dearer)
    story = story_of(priced, max_credits=60).submit()

    assert [clip is not None for clip in story.result(120)] == [True, True, True, False]
    assert simulator.calls["create"] == 1 + 3
    assert "bring the total to 72, over the limit of 60; nothing was sent" in story.picture().tiles[3].cell.invalid


def test_a_pick_that_would_go_over_the_limit_changes_nothing(priced, simulator):
    story = story_of(priced, SHOTS[:2], takes=2).submit(max_credits=64)
    before = story.result(120)
    for options in ({}, {"max_credits": 39}):
        with pytest.raises(BudgetExceeded, match=r"2 new videos would cost about 40 credits.*nothing was sent"):
            story.pick(1, take=2, **options)
        assert story.result(120) == before
    assert simulator.calls["create"] == 1 + 4
    assert story.pick(1, take=2, max_credits=40).result(120)[1] != before[1]
    assert simulator.calls["create"] == 1 + 6


def test_without_a_place_for_its_frames_the_first_shot_is_not_paid_for(simulator, session_of):
    with session_of(simulator, uploads=None) as session:
        with pytest.raises(
            ConfigurationError, match=r"no place to upload to is set: .*nothing was submitted and nothing charged"
        ):
            story_of(session).submit()
        assert simulator.calls["create"] == 0


def test_nothing_of_a_shot_is_sent_while_the_clip_before_it_is_not_on_disk(simulator, session_of):
    simulator.add_fault(Fault("download", "status", None, http_status=500))
    with session_of(simulator) as session:
        story = story_of(session, SHOTS[:2]).submit()
        job = story.jobs[0][0]
        until(lambda: job.status is Status.SUCCEEDED)
        with pytest.raises(WaitTimeout, match="the story goes on in the background"):
            story.result(0.5)
        assert simulator.calls["create"] == 1
        simulator.clear_faults()
        job.download_again()
        assert all(story.result(120))
        assert simulator.calls["create"] == 2


# Going on and stopping ------------------------------------------------------------------------------------


def test_after_a_close_nothing_more_is_sent_and_another_session_goes_on(simulator, session_of):
    simulator.add_fault(Fault("download", "status", None, http_status=500))
    session = session_of(simulator)
    story = story_of(session, SHOTS[:2]).submit()
    until(lambda: story.jobs[0][0].status is Status.SUCCEEDED)
    session.close()
    simulator.clear_faults()
    until(story.done)
    assert simulator.calls["create"] == 1
    with session_of(simulator) as second:
        assert all(story_of(second, SHOTS[:2]).submit().result(120))
    assert simulator.calls["create"] == 2


def test_a_cancelled_story_sends_no_more_shots_and_can_be_gone_on_with(simulator, session_of):
    with Simulator(pace=Pace(0, 1.0, 0)) as slow, session_of(slow) as session:
        story = story_of(session, SHOTS[:2]).submit()
        until(lambda: story.jobs[0][0].request_id)
        story.cancel()
        assert story.result(120) == [None, None]
        assert slow.calls["create"] == 1
        assert all(story.retry().result(120))
        assert slow.calls["create"] == 3


def test_a_shot_that_is_made_all_the_same_after_a_cancel_is_not_gone_on_from(session_of, careless_disk, patience):
    with Simulator(pace=Pace(0, 0.5, 0)) as slow, session_of(slow) as session:
        slow.add_fault(Fault("cancel", "status", None, http_status=409))
        story = story_of(session, SHOTS[:2]).submit()
        until(lambda: story.jobs[0][0].request_id)
        story.cancel()
        assert [clip is not None for clip in story.result(120)] == [True, False]
        assert "cancelled before this shot was sent" in story.picture().tiles[1].cell.invalid
        assert slow.calls["create"] == 1
        assert all(story.submit().result(120))
        assert slow.calls["create"] == 2


def test_a_story_is_awaited_beside_other_coroutines(session, simulator):
    async def told():
        beats, story = 0, story_of(session, SHOTS[:2]).submit()
        waiting = asyncio.create_task(story.wait())
        while not waiting.done():
            beats += 1
            await asyncio.sleep(0.01)
        return beats, await story

    beats, clips = asyncio.run(told())
    assert all(clips)
    assert beats > 5


def test_who_watches_is_told_of_every_shot(session, simulator):
    seen, story = set(), story_of(session, SHOTS[:3])
    stop = story.subscribe(lambda: seen.add(str(story.picture())))
    story.submit().result(120)
    until(lambda: any("3 done" in words for words in seen))
    stop()
    assert any("1 running" in words and "waiting" in words for words in seen)


@pytest.mark.parametrize(
    ("shots", "options", "words"),
    [
        ("one long text", {}, "a story is a list of prompts"),
        ([], {}, "1 to 200 shots"),
        (["a", " "], {}, "shot 2 is no prompt"),
        (["a", 3], {}, "shot 2 is no prompt but 3"),
        (["a", "b"], {"takes": 0}, "takes"),
        (["a", "b"], {"duration": 77}, "shot 1: .* cannot make 77 s"),
        (["a", "b"], {"reference": "https://e.org/a.png", "first_frame": "https://e.org/a.png"}, "either reference="),
        (["a", "b"], {"reference": "missing.png"}, "there is no file missing.png"),
    ],
)
def test_what_is_no_story_is_refused_in_one_line(session, simulator, shots, options, words):
    with pytest.raises(InvalidRequest, match=words) as caught:
        story_of(session, shots, **options) if not isinstance(shots, str) else story_raw(session, shots)
    assert "\n" not in str(caught.value)
    assert simulator.calls["create"] == 0


def story_raw(session, shots):
    from seedance_nb.grids.stories.opening import open_story

    return open_story(session, shots)


def test_a_take_that_is_only_being_looked_up_may_be_the_one_that_was_picked(simulator, session_of, monkeypatch):
    monkeypatch.setattr("seedance_nb.tracking.session.CLAIM_SECONDS", 0.0)  # as on a machine that has much else to do
    with session_of(simulator) as session:
        story_of(session, SHOTS[:2], takes=3).submit().pick(1, take=3).result(120)
    for number in range(3):
        with session_of(simulator) as session:
            shots = [SHOTS[0], f"the boat turns over {number}"]
            assert story_of(session, shots, takes=3).plan.new == 3
            story = story_of(session, shots, takes=3).submit()
            story.result(120)
            assert story.picks[0] == 3
            assert story_of(session, shots, takes=3).plan.new == 0
