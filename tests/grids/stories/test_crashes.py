"""A story whose kernel is killed goes on in the next one: nothing is bought twice, nothing is lost, nothing is sent that hangs on a doubt."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from grids.stage import PATIENCE, PROCESSES, session_at
from grids.stories.kernel import MAY_BE_LOST, MOMENTS
from grids.stories.stage import SHOTS, distance, prompts_of, story_of
from tracking.references.bucket import S3, access

from seedance_nb.api.models import Status
from seedance_nb.simulator import Pace, Simulator

RUNS = int(os.environ.get("SEEDANCE_CRASH_RUNS", "4"))


@pytest.fixture
def bucket(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in access().items():
        monkeypatch.setenv(name, value)
    server = S3()
    server.start()
    yield server
    server.stop()


def tell(simulator, home, bucket, takes, moment="-"):
    script = Path(__file__).with_name("kernel.py")
    arguments = [sys.executable, script, simulator.base_url, home, bucket.place, str(takes), moment]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    PROCESSES.append(process)
    return process


def told_again(simulator, home, bucket, takes):
    with session_at(simulator.base_url, home, uploads=bucket.place) as session:
        story = story_of(session, takes=takes).submit()
        return story, story.result(120)


def check_whole(clips, simulator, takes):
    assert prompts_of(simulator) == dict.fromkeys(SHOTS, takes)
    for before, after in itertools.pairwise(clips):
        assert distance(before.frame(-1), after.frame(0)) < 4


@pytest.mark.usefixtures("no_process_left")
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in_the_middle_of_shot_2_each_create_is_sent_once(moment, tmp_path, simulator, bucket):
    kernel = tell(simulator, tmp_path, bucket, 1, moment)
    said, _ = kernel.communicate(timeout=PATIENCE)
    assert (kernel.returncode, len(said.splitlines())) == (-signal.SIGKILL, 1)
    time.sleep(0.2)  # what was on the wire arrives at the service even though its sender is dead
    before = prompts_of(simulator)
    assert before[SHOTS[0]] == 1
    assert before[SHOTS[1]] <= 1
    assert before[SHOTS[2]] == 0

    story, clips = told_again(simulator, tmp_path, bucket, 1)

    if moment in MAY_BE_LOST:
        assert story.jobs[1][0].status is Status.UNKNOWN
        assert [clip is not None for clip in clips] == [True, False, False, False]
        assert prompts_of(simulator) == before  # not again, and nothing that hangs on it
        assert "may have been accepted" in story.picture().tiles[2].cell.invalid
    else:
        check_whole(clips, simulator, 1)


@pytest.mark.slow
@pytest.mark.usefixtures("no_process_left")
def test_killed_at_random_instants_again_and_again_each_take_of_each_shot_is_bought_once(
    tmp_path, careless_disk, bucket
):
    dice, ends = random.Random(7), Counter()
    with Simulator(pace=Pace(0.05, 0.2, 0.25)) as simulator:
        for run in range(RUNS):
            home, before = tmp_path / str(run), prompts_of(simulator)
            for _ in range(2):
                kernel = tell(simulator, home, bucket, 2)
                kernel.stdout.readline()
                time.sleep(dice.uniform(0.0, 5.0))
                kernel.kill()
                kernel.communicate(timeout=PATIENCE)
            time.sleep(0.2)
            story, clips = told_again(simulator, home, bucket, 2)
            bought = {prompt: count - before[prompt] for prompt, count in prompts_of(simulator).items()}
            in_doubt = any(job is not None and job.status is Status.UNKNOWN for jobs in story.jobs for job in jobs)
            ends["in doubt" if in_doubt else "whole"] += 1
            assert max(bought.values()) <= 2
            assert in_doubt or (all(clips) and bought == dict.fromkeys(SHOTS, 2))
    print(f"\n{RUNS} stories, each killed twice: {dict(ends)}")
    assert ends["whole"]
