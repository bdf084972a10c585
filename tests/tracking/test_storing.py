"""Jobs that are pickled, copied, sent to other processes, or handed to asyncio: each works, or says in one line what does."""

import asyncio
import copy
import multiprocessing
import os
import pickle
import subprocess
import sys

import pytest
from tracking.doubles import until
from tracking.in_a_pool import fail

from seedance_nb.errors import BudgetExceeded, ConfigurationError, GenerationFailed, SeedanceError
from seedance_nb.grids.opening import open_grid
from seedance_nb.tracking.session import JobList

SMALL = {"aspect_ratio": "1:1", "resolution": "480p", "duration": 4}
KEY = "sd2_test_planted"
READ = """
import pickle, sys
job = pickle.load(open(sys.argv[1], "rb"))
print(job.key, job.status, job.result(60).sha256)
"""


def again(thing):
    stored = pickle.dumps(thing)
    assert b"planted" not in stored
    return pickle.loads(stored)


@pytest.fixture
def session(make_session):
    return make_session(api_key=KEY)


@pytest.fixture
def boat(session):
    job = session.submit("a boat", **SMALL)
    job.result(60)
    return job


def test_a_job_that_runs_comes_back_as_itself(session):
    job = session.submit("a boat [stuck]", **SMALL)
    for copied in (again(job), copy.copy(job), copy.deepcopy({"it": [job]})["it"][0], again({"it": job})["it"]):
        assert copied is job


def test_a_job_that_is_stored_before_the_ledger_knows_it_waits_for_that(session, boat):
    repeated = session.engine.runner.submit(
        boat.request, take=1, fresh=False, estimate=(20.0, ""), price=20.0, max_credits=None, warnings=()
    )
    assert again(repeated).key == boat.key


def test_a_job_that_has_ended_comes_back_through_its_ledger(boat):
    back = again(boat)
    assert (back.key, back.status, back.clip, back.credits) == (boat.key, boat.status, boat.clip, boat.credits)


def test_a_job_is_read_and_followed_in_another_process(session, boat, simulator, tmp_path):
    (tmp_path / "job.pickle").write_bytes(pickle.dumps(boat))
    environment = {**os.environ, "SEEDANCE_API_KEY": KEY}
    command = [sys.executable, "-c", READ, str(tmp_path / "job.pickle")]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert said.stdout == f"{boat.key} succeeded {boat.clip.sha256}\n", said.stderr
    assert len(simulator.scenario.accepted) == 1


def test_without_a_key_there_it_says_so_in_one_line(boat, tmp_path):
    (tmp_path / "job.pickle").write_bytes(pickle.dumps(boat))
    command = [sys.executable, "-c", READ, str(tmp_path / "job.pickle")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stderr
    assert "ConfigurationError: no API key" in said.splitlines()[-1]


def test_a_job_that_its_ledger_does_not_know_says_so(session):
    with pytest.raises(ConfigurationError, match=r"is not in the ledger .*; set SEEDANCE_HOME"):
        session.engine.runner.origin.job("j00000000000")


def test_a_job_that_was_refused_before_it_was_recorded_cannot_be_stored(session):
    [job] = session.submit_all([(session.submit("a boat [stuck]", **SMALL).request, 1)])
    assert again(job).key
    refused = session.engine.runner.submit(
        job.request, take=9, fresh=False, estimate=(40.0, ""), price=40.0, max_credits=1.0, warnings=()
    )
    assert until(refused.done)
    with pytest.raises(ConfigurationError, match="submit it again"):
        pickle.dumps(refused)
    assert again(refused.error).job is None


def test_clips_lists_requests_and_ledgers_are_stored(boat, session):
    assert again(boat.clip) == boat.clip
    assert again(boat.request) == boat.request
    assert [job.key for job in again(JobList([boat]))] == [boat.key]
    assert type(again(session.jobs())) is JobList
    assert [row.key for row in again(session.engine.runner.ledger).jobs()] == [boat.key]


def test_sessions_and_grids_say_what_to_do_instead(session):
    grid = open_grid(session, ["a boat"], **{name: [value] for name, value in SMALL.items()})
    for thing, cure in ((session, "sd.configure"), (grid, 'sd.grid("grid.json")')):
        for store in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(ConfigurationError, match="is not stored or copied") as caught:
                store(thing)
            assert cure in str(caught.value)


def test_an_error_comes_back_with_its_job(session):
    job = session.submit("a boat [fail]", **SMALL)
    with pytest.raises(GenerationFailed) as caught:
        job.result(60)
    back = again(caught.value)
    assert (type(back), str(back), back.job.key) == (GenerationFailed, str(caught.value), job.key)


def test_an_error_that_has_no_job_or_one_that_cannot_be_found_comes_back_all_the_same(session):
    assert str(again(BudgetExceeded("too dear"))) == "too dear"
    lost = SeedanceError("of elsewhere", job=session.submit("a boat [stuck]", **SMALL))
    stored = pickle.dumps(lost)
    session.close()
    assert str(pickle.loads(stored)) == "of elsewhere"


def test_a_pool_of_processes_hands_back_the_error_and_its_job(session, simulator, tmp_path):
    with multiprocessing.get_context("spawn").Pool(1) as pool, pytest.raises(GenerationFailed) as caught:
        pool.apply_async(fail, (simulator.base_url, str(tmp_path), KEY)).get(120)
    assert session.jobs()[0].key == caught.value.job.key


# asyncio -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(lambda job: job, id="await"),
        pytest.param(lambda job: asyncio.gather(job, job), id="gather"),
        pytest.param(lambda job: asyncio.wait_for(job, 60), id="wait_for"),
        pytest.param(asyncio.shield, id="shield"),
        pytest.param(asyncio.ensure_future, id="ensure_future"),
        pytest.param(lambda job: next(asyncio.as_completed([job])), id="as_completed"),
        pytest.param(lambda job: asyncio.create_task(job.wait()), id="create_task"),
        pytest.param(lambda job: asyncio.wait([asyncio.create_task(job.wait())]), id="wait"),
    ],
)
def test_what_takes_an_awaitable_takes_a_job_and_the_rest_its_coroutine(session, way):
    job = session.submit("a boat", **SMALL)

    async def use():
        return await way(job)

    found = asyncio.run(use())
    assert job.clip is not None
    assert found in (job.clip, [job.clip, job.clip]) or found[1] == set()


def test_a_task_group_and_run_take_its_coroutine(boat):
    async def group():
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(boat.wait())
        return task.result()

    assert asyncio.run(group()) == asyncio.run(boat.wait()) == boat.clip


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(asyncio.create_task, id="create_task"),
        pytest.param(lambda job: asyncio.wait([job]), id="wait"),
    ],
)
def test_what_takes_no_awaitable_says_what_it_takes(boat, way):
    async def use():
        await way(boat)

    with pytest.raises(TypeError, match=r"job\.wait\(\)"):
        asyncio.run(use())
    with pytest.raises(ValueError, match=r"job\.wait\(\)"):
        asyncio.run(boat)


def test_a_grid_has_its_coroutine_too(session):
    grid = open_grid(session, ["a boat"], **{name: [value] for name, value in SMALL.items()}).submit()

    async def use(what):
        return await asyncio.create_task(what)

    assert asyncio.run(use(grid.wait())) == [grid.jobs[0].clip]
    with pytest.raises(TypeError, match=r"grid\.wait\(\)"):
        asyncio.run(use(grid))
