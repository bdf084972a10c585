import os
import subprocess
import sys

import pytest

from seedance_nb.tracking import owner
from seedance_nb.tracking.owner import LIVE_HERE, is_alive, new_owner


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def owner_in(process):
    """The name that a runner in another process would have."""
    host, _, _, tail = new_owner().split("|")
    return f"{host}|{process.pid}|{owner._started(process.pid):.2f}|{tail}"


def test_an_owner_names_host_process_and_start_and_is_like_no_other():
    one, other = new_owner(), new_owner()
    assert one.split("|")[:3] == other.split("|")[:3]
    assert one.split("|")[1] == str(os.getpid())
    assert one != other


def test_a_runner_of_this_process_lives_while_it_is_open():
    name = new_owner()
    LIVE_HERE.add(name)
    before = is_alive(name)
    LIVE_HERE.discard(name)
    assert (before, is_alive(name)) == (True, False)


def test_a_runner_of_another_process_lives_as_long_as_that(sleeper):
    name = owner_in(sleeper)
    before = is_alive(name)
    sleeper.kill()
    sleeper.wait()
    assert (before, is_alive(name)) == (True, False)


@pytest.mark.skipif(os.name == "nt", reason="no zombies there")
def test_a_process_that_died_but_was_not_collected_is_dead(sleeper):
    name = owner_in(sleeper)
    os.kill(sleeper.pid, 9)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(name) is False


def test_another_process_with_the_same_number_is_not_the_owner(sleeper):
    host, pid, started, tail = owner_in(sleeper).split("|")
    assert is_alive(f"{host}|{pid}|{float(started) - 60:.2f}|{tail}") is False


def test_a_start_that_the_clock_moved_a_little_is_the_same_start(sleeper):
    host, pid, started, tail = owner_in(sleeper).split("|")
    assert is_alive(f"{host}|{pid}|{float(started) + owner._START_TOLERANCE / 2:.2f}|{tail}") is True


def test_of_another_machine_nobody_here_can_tell():
    assert is_alive("another-" + new_owner()) is None


@pytest.mark.parametrize("name", [None, "", "nonsense", "a|b", "||||||"])
def test_a_name_that_is_none_says_nothing(name):
    assert is_alive(name) is None


@pytest.mark.parametrize("rest", ["pid|1.0|x", "2|start|x", "1|2"], ids=["no pid", "no start", "too short"])
def test_a_damaged_name_of_this_machine_says_nothing(rest):
    assert is_alive(f"{owner.platform.node()}|{rest}") is None
