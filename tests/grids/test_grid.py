"""A grid buys every cell once, waits, retries, extends and cancels. The simulator's journal is the truth about what was paid for."""

import asyncio
import itertools
import signal
import threading
import time
from collections import Counter

import pytest
from grids.kernel import GRID, PROMPTS
from grids.stage import PATIENCE, accepted, bodies, small, start_process, until

from seedance_nb.api.models import Status
from seedance_nb.errors import BudgetExceeded, ConfigurationError, InvalidRequest, SeedanceError, WaitTimeout
from seedance_nb.simulator import Fault, Pace, Simulator
from seedance_nb.tracking.job import WaitInterrupted


def statuses(grid):
    return Counter(job.status.value for job in grid.jobs)


def held(grid):
    return sum(clip is not None for clip in grid.result(PATIENCE))


# Sixteen cells ---------------------------------------------------------------------------------------


def test_two_prompts_models_durations_and_takes_are_sixteen_videos_once_and_for_all(simulator, session_of):
    grid = small(session_of(simulator), PROMPTS, **GRID, takes=2)
    plan = grid.plan
    assert (len(plan), plan.new, plan.credits, accepted(simulator)) == (16, 16, 576, 0)

    assert held(grid.submit()) == 16
    assert accepted(simulator) == 16

    again = small(session_of(simulator), PROMPTS, **GRID, takes=2)
    assert (again.plan.count("have it"), again.plan.new, float(again.estimate)) == (16, 0, 0)
    assert held(again.submit()) == 16
    assert (accepted(simulator), again.picture().credits) == (16, 0)

    more = small(session_of(simulator), [*PROMPTS, "a hen jumps"], **GRID, takes=2)
    assert (more.plan.new, held(more.submit()), accepted(simulator)) == (8, 24, 24)


def test_killed_after_nine_creates_and_run_again_each_of_the_sixteen_was_created_once(
    simulator, session_of, tmp_path, no_process_left
):
    busy = Fault("create", "status", None, after=9, http_status=429, headers={"Retry-After": "5"})
    simulator.add_fault(busy)
    process = start_process(simulator, tmp_path, 2)
    until(lambda: process.stdout.readline().split() == ["9", "7"])
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    simulator.clear_faults()
    assert accepted(simulator) == 9

    grid = small(session_of(simulator), PROMPTS, **GRID, takes=2)
    assert (grid.plan.new, grid.plan.count("unknown")) == (7, 0)
    assert held(grid.submit()) == 16
    wanted = Counter((p, m, d) for p in PROMPTS for m in GRID["model"] for d in GRID["duration"] for _ in range(2))
    assert Counter((b["prompt"], b["model"], b["duration"]) for b in bodies(simulator)) == wanted


def test_killed_with_creates_in_the_air_nothing_is_created_twice(simulator, session_of, tmp_path, no_process_left):
    simulator.add_fault(Fault("create", "hang", None, after=9, seconds=60))
    process = start_process(simulator, tmp_path, 2)
    until(lambda: process.stdout.readline().split()[:1] == ["9"] and accepted(simulator) == 16)
    process.kill()
    process.wait(PATIENCE)
    simulator.clear_faults()

    grid = small(session_of(simulator), PROMPTS, **GRID, takes=2)
    assert (grid.plan.count("unknown"), grid.plan.new) == (7, 0)
    assert held(grid.submit()) == 9
    assert (accepted(simulator), statuses(grid)) == (16, {"succeeded": 9, "unknown": 7})


def test_cells_that_are_the_same_video_share_one_job_and_cost_once(simulator, session):
    grid = small(session, "a {animal} {animal2}", animal=["cat", "dog"], animal2=["hen", "cow"])
    twice = small(session, "a {x}", [{"x": "cat"}, {"x": "cat "}, {"x": "dog"}])
    assert [line.standing for line in twice.plan] == ["new", "same as 1", "new"]
    twice.submit()
    assert twice.jobs[0] is twice.jobs[1]
    assert (held(twice), accepted(simulator), twice.picture().credits) == (3, 2, 40)
    assert (grid.plan.new, twice.picture().counts.done) == (4, 3)


# A hundred and twenty ---------------------------------------------------------------------------------


def test_a_large_grid_with_failures_and_a_busy_service_is_complete_after_retries_and_keeps_nobody_waiting(
    quick_films, careless_disk, patience, session_of, monkeypatch
):
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    with Simulator(pace=Pace(0.02, 0.05, 0.2), max_concurrent=25, fail_every=10) as simulator:
        monkeypatch.setattr(simulator.scenario, "retry_after_seconds", 0.1)
        # A slow machine never has 25 on their way at once: it is told "busy" all the same.
        simulator.add_fault(Fault("create", "status", 3, after=40, http_status=429, headers={"Retry-After": "0.1"}))
        session = session_of(simulator)
        grid = small(session, [f"animal {n}" for n in range(60)], model=["seedance-2.0", "seedance-2.0-fast"])
        ticker = threading.Thread(target=tick)
        ticker.start()
        began = time.monotonic()
        grid.submit()
        submitted = time.monotonic() - began
        tries = 0
        while held(grid) < 120 and tries < 10:
            failed = grid.picture().counts.failed
            assert failed > 0
            grid.retry()
            tries += 1
        stop.set()
        ticker.join()

        assert grid.picture().counts.done == 120
        ended = Counter(simulator.scenario.status(entry.request_id).value for entry in simulator.scenario.accepted)
        assert ended["succeeded"] == 120
        assert accepted(simulator) == 120 + ended["failed"]
        assert ended["failed"] >= 12
        assert simulator.calls["create"] > accepted(simulator)  # it was busy, and said so
    assert submitted < 12.0
    assert max(b - a for a, b in itertools.pairwise(ticks)) < 3.0


def test_a_service_that_takes_three_at_a_time_refuses_no_cell_for_good(
    quick_films, careless_disk, patience, session_of, monkeypatch
):
    # The first wave may be refused before any is accepted; after that only the videos under way keep hope alive.
    with Simulator(pace=Pace(0, 0.3, 0), max_concurrent=3) as simulator:
        monkeypatch.setattr(simulator.scenario, "retry_after_seconds", 0.02)
        grid = small(session_of(simulator, tries_after_trouble=2), [f"animal {n}" for n in range(15)]).submit()
        assert held(grid) == 15
        assert (accepted(simulator), statuses(grid)) == (15, {"succeeded": 15})


def test_a_service_that_is_busy_is_tried_by_one_cell_and_not_by_all(simulator, session):
    simulator.add_fault(Fault("create", "status", None, http_status=429, headers={"Retry-After": "300"}))
    grid = small(session, [f"animal {n}" for n in range(20)]).submit()
    until(lambda: any("busy" in (job.snapshot.trouble or "") for job in grid.jobs))
    gate = session.engine.started._tools.gate
    assert until(lambda: gate.width < gate.most)
    grid.cancel()
    grid.result(PATIENCE)


def test_no_more_calls_are_under_way_than_the_session_allows(session_of, simulator, monkeypatch):
    from seedance_nb.api.client import Client

    inside, most = 0, 0
    create = Client.create

    async def counted(client, request):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        try:
            await asyncio.sleep(0.01)
            return await create(client, request)
        finally:
            inside -= 1

    monkeypatch.setattr(Client, "create", counted)
    grid = small(session_of(simulator, concurrency=3), [f"animal {n}" for n in range(20)])
    assert held(grid.submit()) == 20
    assert most == 3


# Money ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("of_session", "of_call"), [(None, 100), (100, None)], ids=["of this call", "of the session"])
def test_over_the_limit_nothing_is_sent(simulator, session_of, of_session, of_call):
    grid = small(session_of(simulator, max_credits=of_session), PROMPTS, **GRID, takes=2)
    with pytest.raises(BudgetExceeded, match=r"16 new videos would cost about \d+ credits.*nothing was sent"):
        grid.submit(max_credits=of_call)
    assert (simulator.calls["create"], grid.jobs, grid.done()) == (0, [None] * 16, False)


def test_what_the_session_spent_before_counts_against_its_limit(simulator, session_of):
    session = session_of(simulator, max_credits=100)
    small(session, ["a cat", "a dog"]).submit().result(PATIENCE)  # 20 credits each, by then
    with pytest.raises(BudgetExceeded, match="after the 40 spent before"):
        small(session, ["a hen", "a cow", "a pig", "an owl"]).submit()
    assert accepted(simulator) == 2


def test_a_limit_that_suffices_for_what_is_new_lets_it_through(simulator, session):
    small(session, ["a cat", "a dog"]).submit().result(PATIENCE)
    grid = small(session, ["a cat", "a dog", "a hen"]).submit(max_credits=20)
    assert (held(grid), accepted(simulator)) == (3, 3)


def test_where_nobody_knows_a_price_a_limit_sends_nothing(simulator, session):
    grid = small(session, "a cat", model="a-new-one", duration=[4, None])
    assert (grid.estimate.credits, float(grid.estimate)) == (None, float("inf"))
    with pytest.raises(BudgetExceeded, match="nobody knows what 2 of them cost"):
        grid.submit(max_credits=1e6)
    assert simulator.calls["create"] == 0


def test_claims_that_race_for_the_last_credits_never_exceed_the_limit(simulator, session_of, monkeypatch):
    session = session_of(simulator, max_credits=100)
    monkeypatch.setattr(
        "seedance_nb.grids.plans.planning.check_money", lambda *_, **__: None
    )  # as if all was free when it was asked
    grid = small(session, [f"animal {n}" for n in range(10)]).submit()
    grid.result(PATIENCE)
    assert accepted(simulator) == 5  # at 20 credits, which the service lists
    assert statuses(grid) == {"succeeded": 5, "rejected": 5}
    refused = [job.error for job in grid.jobs if job.error is not None]
    assert all(isinstance(error, BudgetExceeded) for error in refused)


def test_the_limit_of_a_call_is_kept_by_all_its_creates_together(simulator, session, monkeypatch):
    monkeypatch.setattr("seedance_nb.grids.plans.planning.check_money", lambda *_, **__: None)
    grid = small(session, [f"animal {n}" for n in range(10)]).submit(max_credits=100)
    grid.result(PATIENCE)
    assert (accepted(simulator), session.spent) == (5, 100)


@pytest.mark.parametrize("limit", [-1, float("nan"), "many", True], ids=str)
def test_a_limit_that_is_no_number_is_refused(simulator, session, limit):
    with pytest.raises(ConfigurationError, match="max_credits must be a number"):
        small(session, "a cat").submit(max_credits=limit)
    assert simulator.calls["create"] == 0


# Sending ----------------------------------------------------------------------------------------------


def test_invalid_cells_are_left_out_and_the_others_are_sent(simulator, session):
    grid = small(session, "a cat", model=["seedance-2.0", "seedance-1.5-pro"], duration=[5, 6]).submit()
    assert held(grid) == 3
    assert (accepted(simulator), grid.picture().counts.invalid, grid.done()) == (3, 1, True)
    assert "5 or 10" in grid.plan.lines[3].why


def test_a_grid_of_invalid_cells_only_sends_nothing_and_says_why(simulator, session):
    with pytest.raises(InvalidRequest, match=r"all 2 cells are invalid, the first: .*4 to 15"):
        small(session, "a cat", duration=[1, 2]).submit()
    assert simulator.calls["create"] == 0


def test_without_a_key_nothing_is_sent_and_the_plan_still_tells_the_price(session_of, simulator):
    grid = small(session_of(simulator, api_key=None), ["a cat", "a dog"])
    assert grid.plan.new == 2
    with pytest.raises(ConfigurationError, match="no API key"):
        grid.submit()


def test_submitting_again_sends_only_what_has_no_job(simulator, session):
    grid = small(session, ["a cat", "a dog [fail]"]).submit()
    grid.result(PATIENCE)
    jobs = grid.jobs
    grid.submit()
    assert (grid.jobs, accepted(simulator)) == (jobs, 2)


def test_the_refusal_of_one_cell_stops_no_other(simulator, session):
    simulator.add_fault(Fault("create", "status", None, match="dog", http_status=400, body={"error": "no dogs"}))
    grid = small(session, ["a cat", "a dog", "a hen"]).submit()
    assert [clip is not None for clip in grid.result(PATIENCE)] == [True, False, True]
    assert "no dogs" in str(grid.jobs[1].error)


def test_fresh_buys_the_next_takes_of_every_cell(simulator, session):
    small(session, "a cat", takes=2).submit().result(PATIENCE)
    grid = small(session, "a cat", takes=2).submit(fresh=True)
    assert held(grid) == 2
    assert ([job.take for job in grid.jobs], accepted(simulator)) == ([3, 4], 4)
    with pytest.raises(InvalidRequest, match="submitted already"):
        grid.submit(fresh=True)


def test_fresh_takes_over_the_limit_are_not_sent_whatever_the_ledger_has(simulator, session):
    small(session, ["a cat", "a dog"]).submit().result(PATIENCE)
    grid = small(session, ["a cat", "a dog"])
    with pytest.raises(BudgetExceeded, match="2 new videos would cost about 40 credits"):
        grid.submit(max_credits=30, fresh=True)
    assert (grid.jobs, accepted(simulator)) == ([None, None], 2)


def test_a_fresh_grid_extended_buys_new_takes_and_never_shows_one_video_twice(simulator, session):
    small(session, "a cat").submit().result(PATIENCE)
    grid = small(session, "a cat").submit(fresh=True)  # take 2, in the cell of take 1
    grid.extend(takes=3).result(PATIENCE)
    assert (len({job.key for job in grid.jobs}), accepted(simulator)) == (3, 4)


def test_another_session_running_the_same_grid_joins_it(simulator, session_of):
    one = small(session_of(simulator), ["a cat", "a dog"])
    other = small(session_of(simulator), ["a cat", "a dog"])
    one.submit()
    other.submit()
    assert (held(one), held(other), accepted(simulator)) == (2, 2, 2)


# Retry, extend, cancel --------------------------------------------------------------------------------


def test_retry_takes_up_only_what_failed(simulator, session):
    simulator.scenario.fail_every = 3
    grid = small(session, [f"animal {n}" for n in range(5)]).submit()
    grid.result(PATIENCE)
    before = grid.jobs
    failed = [n for n, job in enumerate(before) if job.status is Status.FAILED]
    assert len(failed) == 1
    simulator.scenario.fail_every = None

    assert held(grid.retry()) == 5
    assert [n for n, job in enumerate(grid.jobs) if job is not before[n]] == failed
    assert (accepted(simulator), grid.picture().credits) == (6, 120)


def test_retry_over_the_limit_sends_nothing_and_changes_nothing(simulator, session):
    grid = small(session, "a cat [fail]").submit()
    grid.result(PATIENCE)
    jobs = grid.jobs
    with pytest.raises(BudgetExceeded):
        grid.retry(max_credits=1)
    assert (grid.jobs, accepted(simulator)) == (jobs, 1)


def test_what_may_have_been_accepted_is_told_and_never_sent_again(simulator, session):
    simulator.add_fault(Fault("create", "drop_after", match="dog"))
    grid = small(session, ["a cat", "a dog"]).submit()
    assert held(grid) == 1
    for _ in range(2):
        grid.retry().result(PATIENCE)
        grid.submit().result(PATIENCE)
    again = small(session, ["a cat", "a dog"])
    assert [line.standing for line in again.plan] == ["have it", "unknown"]
    again.submit().result(PATIENCE)
    assert (accepted(simulator, "a dog"), again.picture().counts.unknown) == (1, 1)


def test_retry_fetches_what_was_made_and_not_downloaded_without_a_create(simulator, session, monkeypatch):
    from seedance_nb.tracking.following import following

    monkeypatch.setattr(following, "DOWNLOAD_TRIES", 1)
    simulator.add_fault(Fault("download", "garbage", 1, match="dog"))
    grid = small(session, ["a cat", "a dog"]).submit()
    assert (held(grid), grid.picture().counts.failed) == (1, 1)
    assert held(grid.retry()) == 2
    assert accepted(simulator) == 2


@pytest.mark.parametrize(
    "more", [{"takes": 3}, {"model": "seedance-2.0-fast"}, {"prompt": ["a cat", "a hen"]}], ids=str
)
def test_extend_buys_only_what_is_missing(simulator, session, more):
    grid = small(session, ["a cat", "a dog"], takes=2).submit()
    grid.result(PATIENCE)
    before = {job.key for job in grid.jobs}
    grid.extend(**more)
    assert held(grid) == len(grid)
    assert before < {job.key for job in grid.jobs}
    assert accepted(simulator) == len(grid) == {"takes": 6, "model": 8, "prompt": 6}[next(iter(more))]


def test_extend_before_submit_only_makes_the_plan_larger(simulator, session):
    grid = small(session, ["a cat", "a dog"]).extend(takes=3)
    assert (grid.plan.new, simulator.calls["create"], grid.done()) == (6, 0, False)


def test_extend_over_the_limit_changes_nothing(simulator, session):
    grid = small(session, ["a cat", "a dog"]).submit()
    grid.result(PATIENCE)
    with pytest.raises(BudgetExceeded):
        grid.extend(takes=2, max_credits=39)
    assert (len(grid), grid.axes.takes, accepted(simulator)) == (2, 1, 2)
    assert (len(grid.extend(takes=2, max_credits=40)), held(grid)) == (4, 4)


def test_cancel_cancels_what_is_unfinished_and_nothing_else(simulator, session):
    grid = small(session, ["a cat", "a dog [stuck]", "a hen [stuck]"]).submit()
    until(lambda: grid.jobs[0].done() and all(job.request_id for job in grid.jobs))
    grid.cancel()
    assert held(grid) == 1
    assert statuses(grid) == {"succeeded": 1, "cancelled": 2}


# Waiting ----------------------------------------------------------------------------------------------


def test_a_wait_that_ends_early_says_how_many_go_on(session):
    grid = small(session, ["a cat", "a dog [stuck]", "a hen [stuck]"]).submit()
    until(grid.jobs[0].done)
    with pytest.raises(WaitTimeout, match=r"not done within 0\.5 s; 2 jobs go on"):
        grid.result(0.5)
    assert not grid.done()
    assert session.awaited_jobs() == []  # no later cell waits for them


def test_the_stop_button_ends_the_wait_and_leaves_the_jobs(session, monkeypatch):
    grid = small(session, ["a cat [stuck]", "a dog [stuck]"]).submit()

    def stopped(job, seconds):
        raise job.interrupted()

    monkeypatch.setattr(session.engine.started, "wait_strategy", stopped)
    with pytest.raises(WaitInterrupted, match=r"2 jobs go on in the background: grid.result"):
        grid.result()
    assert session.awaited_jobs() == []
    assert not any(job.snapshot.cancel_requested for job in grid.jobs)


def test_a_grid_can_be_awaited(session):
    async def wait(grid):
        return await asyncio.wait_for(_as_task(grid), PATIENCE)

    async def _as_task(grid):
        return await grid

    clips = asyncio.run(wait(small(session, ["a cat", "a dog [fail]"]).submit()))
    assert [clip is not None for clip in clips] == [True, False]


def test_an_await_that_is_cancelled_leaves_the_jobs(session):
    async def wait(grid):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await grid

    grid = small(session, "a cat [stuck]").submit()
    asyncio.run(wait(grid))
    assert not grid.done()


@pytest.mark.parametrize("what", ["result", "cancel", "retry"])
def test_before_submit_there_is_nothing_to_wait_for_and_it_says_so(session, what):
    with pytest.raises(SeedanceError, match=r"grid\.submit\(\) sends it"):
        getattr(small(session, "a cat"), what)()


# Telling ----------------------------------------------------------------------------------------------


def test_who_subscribes_is_told_until_it_stops(session):
    told = []
    grid = small(session, ["a cat", "a dog"])
    stop = grid.subscribe(lambda: told.append(threading.current_thread().name))
    grid.submit().result(PATIENCE)
    assert set(told) == {"seedance-runner"}
    stop()
    assert not any(job.is_watched for job in grid.jobs)
    before = len(told)
    grid.extend(takes=2).result(PATIENCE)
    assert len(told) == before


def test_who_subscribes_hears_of_jobs_that_come_later_and_of_new_tries(session):
    grid = small(session, ["a cat", "a dog [fail]"])
    seen = set()
    grid.subscribe(lambda: seen.update(tile.snapshot.key for tile in grid.picture().tiles if tile.snapshot is not None))
    grid.submit().result(PATIENCE)
    first = {job.key for job in grid.jobs}
    until(lambda: seen == first)
    grid.retry().result(PATIENCE)
    again = {job.key for job in grid.jobs}
    assert again != first
    until(lambda: again <= seen)
    heard = []
    grid.subscribe(lambda: heard.append(grid.picture().is_settled))
    grid.retry().result(PATIENCE)
    until(lambda: heard and heard[-1])  # the job of the new try itself was listened to


def test_a_subscriber_that_fails_stops_no_other(session):
    told = []
    grid = small(session, "a cat")
    grid.subscribe(lambda: 1 / 0)
    grid.subscribe(lambda: told.append(grid.picture().counts.done))
    grid.submit().result(PATIENCE)
    assert until(lambda: told and told[-1] == 1)


def test_who_looks_from_the_background_does_not_hold_up_a_submit_that_waits_for_it(session):
    grid = small(session, "a cat [stuck]").submit()
    looks = []
    grid.subscribe(lambda: looks.append((grid.picture(), grid.jobs, grid.done(), repr(grid))))
    began = time.monotonic()
    grid.extend(prompt=[f"animal {n}" for n in range(30)])  # waits for its claims, here for up to 10 s
    assert time.monotonic() - began < 8
    until(lambda: grid.picture().counts.done == 30)
    assert looks
    grid.cancel()


def test_the_picture_counts_cells_and_credits(session):
    grid = small(session, ["a cat", "a dog [fail]", ""])
    assert (grid.picture().counts.waiting, grid.picture().submitted) == (2, False)
    grid.submit().result(PATIENCE)
    picture = grid.picture()
    assert (picture.counts.done, picture.counts.failed, picture.counts.invalid) == (1, 1, 1)
    assert (picture.credits, picture.is_settled, picture.expected_seconds) == (40, True, 0)


def test_what_is_learned_from_the_first_clips_tells_how_long_the_rest_takes(session, simulator):
    simulator.scenario.pace = Pace(0, 0.5, 0)
    small(session, [f"animal {n}" for n in range(4)]).submit().result(PATIENCE)
    grid = small(session, ["a cat [stuck]", "a dog"])
    plan = grid.plan
    assert plan.seconds > 0
    assert all(line.seconds > 0 for line in plan)
    grid.submit()
    assert grid.picture().expected_seconds is not None


def test_a_grid_speaks_of_itself_in_one_line(session):
    grid = small(session, ["a cat", "a dog"], takes=2)
    assert repr(grid) == "<Grid of 4 cells (prompt 2 × take 2): not submitted; as a coroutine: grid.wait()>"
    grid.submit().result(PATIENCE)
    assert repr(grid) == "<Grid of 4 cells (prompt 2 × take 2): 4 done, 80 credits; as a coroutine: grid.wait()>"


def test_a_view_of_an_axis_there_is_not_names_the_near_one(session):
    grid = small(session, ["a cat", "a dog"], takes=2)
    assert grid.view(rows="prompt", columns="take").columns == "take"
    with pytest.raises(
        InvalidRequest, match=r"'takes' is no axis of this grid; did you mean 'take'\?; there are prompt, take"
    ):
        grid.view(rows="takes")
