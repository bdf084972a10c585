"""The plan: where every cell stands, what the new ones cost by whose word, and how long it takes. Asking costs nothing."""

import time

import pytest
from grids.stage import PATIENCE, accepted, small, until

from seedance_nb.api.models import Status
from seedance_nb.grids.plans.timing import seconds_left
from seedance_nb.simulator import Fault
from seedance_nb.snapshot import Snapshot
from seedance_nb.tracking.ledger.ledger import Ledger


def standings(grid):
    return [line.standing for line in grid.plan]


def test_the_plan_tells_where_every_cell_stands(simulator, session_of):
    simulator.add_fault(Fault("create", "drop_after", match="unknown"))
    had = small(session_of(simulator), ["have it", "failed [fail]", "unknown", "running [stuck]"]).submit()
    until(lambda: sum(job.done() for job in had.jobs) == 3 and had.jobs[3].request_id)

    grid = small(session_of(simulator), ["have it", "failed [fail]", "unknown", "running [stuck]", "new", "new ", ""])
    assert standings(grid) == ["have it", "new", "unknown", "running", "new", "same as 5", "invalid"]
    lines = grid.plan.lines
    assert [line.credits for line in lines] == [0, 20, 0, 0, 20, 0, 0]
    assert "failed before: the service could not make this video" in lines[1].why
    assert "prompt is empty" in lines[6].why
    assert str(grid.plan).startswith(
        "7 cells: 1 have it, 1 running, 2 new, 1 unknown, 1 invalid, 1 the same as another; about 40"
    )
    assert accepted(simulator) == 4


def test_the_price_comes_from_the_list_else_the_ledger_else_the_sample_and_says_which(simulator, session):
    assert small(session, ["a cat", "a dog"]).estimate.source.startswith("the documented sample")
    small(session, "a cat").submit().result(PATIENCE)
    learned = small(session, ["a cat", "a dog"]).estimate
    assert (learned.credits, learned.source, learned.exact) == (
        20,
        "what the ledger says such a request cost last",
        False,
    )
    session.models()
    listed = small(session, ["a cat", "a dog"]).estimate
    assert (listed.source, listed.exact) == ("the service's price list", True)
    assert str(listed) == "20 credits for 1 new video (the service's price list)"


def test_a_plan_that_nobody_can_price_says_so(session):
    plan = small(session, "a cat", duration=[4, None]).plan
    assert (plan.credits, plan.estimate.cells) == (None, 2)
    assert "nobody knows the price of 1 of them" in str(plan)


def test_what_models_says_later_makes_cells_valid_or_invalid(session, monkeypatch):
    grid = small(session, "a cat", duration=[4, 5])
    narrow = session.catalog.merged([{"id": "seedance-2.0", "durations": [5, 10]}])
    wide = session.catalog
    session.money.catalog = narrow
    assert standings(grid) == ["invalid", "new"]
    session.money.catalog = wide
    assert standings(grid) == ["new", "new"]


def test_a_plan_without_a_ledger_or_a_key_is_all_new(session_of, simulator):
    plan = small(session_of(simulator, api_key=None), ["a cat", "a dog"]).plan
    assert (plan.new, plan.seconds, simulator.calls) == (2, None, {})


def test_a_thousand_cells_are_planned_with_a_few_questions_to_the_ledger(session, simulator, monkeypatch):
    small(session, ["animal 0", "animal 1"]).submit().result(PATIENCE)
    asked = []
    ask = type(session.engine).ask_ledger
    monkeypatch.setattr(
        type(session.engine), "ask_ledger", lambda self, method, *args: asked.append(method) or ask(self, method, *args)
    )
    grid = small(session, [f"animal {n}" for n in range(1000)])
    plan = grid.plan
    assert (plan.count("have it"), plan.new) == (2, 998)
    assert len(asked) == 3
    began = time.perf_counter()
    grid.picture()
    grid.plan  # noqa: B018
    assert time.perf_counter() - began < 10  # measured: 0.05 s; 1,000 questions would take far longer


def test_the_newest_row_of_a_request_stands_and_a_living_one_before_failed_ones(session, simulator):
    simulator.scenario.fail_every = 1
    grid = small(session, "a cat").submit()
    grid.result(PATIENCE)
    simulator.scenario.fail_every = None
    request, account = grid.cells[0].request, session.account
    identity = grid.cells[0].identity
    assert (
        session.ask_ledger(lambda ledger: ledger.browsing.newest_of(account, [identity[0]]))[identity].status
        is Status.FAILED
    )
    grid.retry().result(PATIENCE)
    assert (
        session.ask_ledger(lambda ledger: ledger.browsing.newest_of(account, [identity[0]]))[identity].status
        is Status.SUCCEEDED
    )
    assert session.ask_ledger(lambda ledger: ledger.browsing.newest_of("another account", [identity[0]])) == {}
    assert session.ask_ledger(Ledger.occupying, account, request, 1).status is Status.SUCCEEDED


def snapshot(n, session_request, accepted_at=None, finished_at=None):
    return Snapshot(
        key=f"j{n}",
        request=session_request,
        take=n,
        status=Status.FAILED if finished_at else Status.PROCESSING,
        status_text="",
        accepted_at=accepted_at,
        finished_at=finished_at,
    )


@pytest.fixture
def request_(session):
    return small(session, "a cat").cells[0].request


def test_the_last_of_many_takes_longer_than_one(request_):
    kind = {(request_.model, request_.duration, request_.resolution): [60.0, 70.0, 50.0, 60.0]}
    one = seconds_left([snapshot(1, request_, 100.0)], kind, 100.0)
    many = seconds_left([snapshot(n, request_, 100.0) for n in range(30)], kind, 100.0)
    assert 50 < one < 70 < many < 200


def test_what_is_known_of_no_such_job_is_not_guessed(request_):
    assert seconds_left([snapshot(1, request_, 100.0)], {}, 100.0) is None
    assert seconds_left([], {}, 100.0) == 0


def test_where_the_service_holds_cells_back_the_pace_so_far_tells(request_):
    kind = {(request_.model, request_.duration, request_.resolution): [10.0, 10.0, 10.0]}
    ended = [snapshot(n, request_, 0.0, 10.0 * n) for n in range(1, 11)]
    waiting = [snapshot(n, request_) for n in range(20, 60)]
    assert seconds_left([*ended, *waiting], kind, 100.0) == pytest.approx(400, rel=0.01)
