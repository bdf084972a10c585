"""Several people on one ledger: what they spend together stays under the limits they share, whoever dies in between."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from promises.stage import KERNELS, PACE, PATIENCE, SMALL, accepted, begin, end_of, start_kernel, submit, until

from seedance_nb.api.models import Status
from seedance_nb.errors import BudgetExceeded, RateLimited
from seedance_nb.simulator import Fault, Simulator
from seedance_nb.tracking.ledger.contract import SpendingLimit
from seedance_nb.tracking.ledger.ledger import Ledger

PRICE = 12
"""Of a small request, at the simulator."""
PEOPLE = ("ann", "bob", "cyd")
MANY, LIMIT = 200, 1000


def set_limit(home, limit, per="day", place=None, **whose):
    ledger = Ledger(place or home / "ledger.sqlite3")
    ledger.limits.set(SpendingLimit(limit, per, **whose))
    ledger.close()


def charged(simulator):
    return sum(entry.credits for entry in simulator.scenario.accepted)


def start_person(simulator, home, person, count):
    script = Path(__file__).with_name("spender.py")
    arguments = [sys.executable, script, simulator.base_url, home, person, str(count)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    KERNELS.append(process)
    return process


@pytest.fixture(params=["file", "server"])
def shared_ledger(request, tmp_path, monkeypatch):
    """Where the ledger of three processes is: a file, or a schema that they reach over TCP."""
    place = tmp_path / "ledger.sqlite3" if request.param == "file" else request.getfixturevalue("server").new_schema()
    monkeypatch.setenv("SEEDANCE_LEDGER", str(place))
    return place


def test_three_people_who_ask_for_two_hundred_at_once_are_given_what_the_limit_allows(
    simulator, tmp_path, shared_ledger
):
    set_limit(tmp_path, LIMIT, place=shared_ledger)
    counts = (MANY // 3, MANY // 3, MANY - 2 * (MANY // 3))
    people = [start_person(simulator, tmp_path, person, n) for person, n in zip(PEOPLE, counts, strict=True)]
    for process in people:
        assert process.stdout.readline() == "ready\n"
    for process in people:
        begin(process)
    said = [line for process in people for line in end_of(process, 6 * PATIENCE)]

    assert LIMIT - PRICE < charged(simulator) <= LIMIT
    assert sum(line.endswith(".mp4") for line in said) == accepted(simulator) == LIMIT // PRICE
    refused = [line for line in said if line.startswith("BudgetExceeded: the limit of 1,000 credits a day has ")]
    assert len(refused) == MANY - LIMIT // PRICE
    assert all("nothing was sent and nothing charged; it renews 20" in line for line in refused)


def test_one_of_three_who_is_killed_while_they_spend_takes_no_more_than_may_have_been_accepted(
    simulator, session_of, tmp_path
):
    limit = 25 * PRICE
    set_limit(tmp_path, limit)
    people = [start_person(simulator, tmp_path, person, 15) for person in PEOPLE]
    for process in people:
        assert process.stdout.readline() == "ready\n"
    for process in people:
        begin(process)
    until(lambda: accepted(simulator) >= 5)
    people[0].kill()
    for process in people:
        end_of(process, 6 * PATIENCE)
    assert charged(simulator) <= limit

    session = session_of(simulator, person="dan")
    session.resume()
    for number in range(26):
        job = submit(session, f"boat {number} of dan")
        if isinstance(job, BudgetExceeded):
            break
        until(lambda job=job: job.snapshot.is_settled)
    else:
        raise AssertionError("the limit did not hold")
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    unknown = len([row for row in ledger.jobs(limit=200) if row.status is Status.UNKNOWN])
    ledger.close()
    assert limit - PRICE < charged(simulator) + PRICE * unknown
    assert charged(simulator) <= limit


@pytest.mark.parametrize("moment", ["after the claim", "before sending is marked"])
def test_what_a_killed_kernel_claimed_and_never_sent_is_given_back(simulator, session_of, tmp_path, moment):
    set_limit(tmp_path, PRICE)
    kernel = start_kernel(simulator, tmp_path, ["a boat"], moment, signal.SIGKILL)
    begin(kernel)
    end_of(kernel)
    assert accepted(simulator) == 0

    submit(session_of(simulator), "a plane").result(20)
    assert isinstance(submit(session_of(simulator), "a train"), BudgetExceeded)
    assert charged(simulator) == PRICE


@pytest.mark.parametrize(
    "moment",
    ["after sending is marked", "after the last byte", "before the id is recorded", "after the id is recorded"],
)
def test_what_a_killed_kernel_may_have_sent_goes_on_to_count(simulator, session_of, tmp_path, moment):
    set_limit(tmp_path, PRICE)
    kernel = start_kernel(simulator, tmp_path, ["a boat"], moment, signal.SIGKILL)
    begin(kernel)
    end_of(kernel)

    assert isinstance(submit(session_of(simulator), "a plane"), BudgetExceeded)
    assert charged(simulator) <= PRICE


def test_a_living_kernel_keeps_what_it_has_claimed_and_not_sent_yet(tmp_path, session_of):
    busy = Fault("create", "status", None, http_status=429)
    with Simulator(pace=PACE, faults=[busy]) as simulator:
        set_limit(tmp_path, PRICE)
        waiting = submit(session_of(simulator, longest_pause=300, pause_after_trouble=300), "a boat")
        until(lambda: simulator.calls["create"] == 1)
        assert isinstance(submit(session_of(simulator), "a plane"), BudgetExceeded)
        assert waiting.status is Status.SUBMITTING


def test_what_is_surely_refused_gives_its_credits_back_and_what_may_have_been_accepted_does_not(tmp_path, session_of):
    set_limit(tmp_path, PRICE)
    with Simulator(
        pace=PACE, faults=[Fault("create", "status", 1, http_status=429), Fault("create", "hang", 1)]
    ) as simulator:
        session = session_of(simulator, tries_after_trouble=1)
        with pytest.raises(RateLimited):
            submit(session, "a boat").result(20)
        lost = submit(session, "a plane")
        until(lambda: lost.snapshot.is_settled)
        assert lost.status is Status.UNKNOWN
        assert isinstance(submit(session, "a train"), BudgetExceeded)


def test_a_video_that_failed_after_it_was_charged_goes_on_to_count(simulator, session_of, tmp_path):
    set_limit(tmp_path, PRICE)
    session = session_of(simulator)
    failed = submit(session, "a boat [fail]")
    until(lambda: failed.snapshot.is_settled)
    assert failed.status is Status.FAILED
    assert isinstance(submit(session, "a boat [fail]"), BudgetExceeded)
    assert accepted(simulator) == 1


def test_a_grid_that_does_not_fit_sends_nothing_of_it(simulator, session_of, tmp_path):
    from seedance_nb.grids.opening import open_grid

    set_limit(tmp_path, 3 * PRICE)
    session = session_of(simulator)
    small = {name: [value] for name, value in SMALL.items()}
    with pytest.raises(BudgetExceeded, match="all of 4 new videos may cost 48"):
        open_grid(session, [f"boat {n}" for n in range(4)], **small).submit()
    assert accepted(simulator) == 0
    open_grid(session, [f"boat {n}" for n in range(3)], **small).submit().result(30)
    assert accepted(simulator) == 3
