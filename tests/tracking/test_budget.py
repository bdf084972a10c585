import threading

import pytest

from seedance_nb.errors import BudgetExceeded
from seedance_nb.tracking.budget import Budget


def test_without_a_limit_everything_is_allowed_and_counted():
    budget = Budget()
    budget.reserve(1e9)
    assert budget.spent == 1e9


def test_what_reaches_the_limit_exactly_is_allowed():
    budget = Budget(80)
    budget.reserve(40)
    budget.reserve(40)
    assert budget.spent == 80


def test_what_goes_over_the_limit_is_refused_and_not_counted():
    budget = Budget(79)
    budget.reserve(40)
    with pytest.raises(BudgetExceeded, match="about 40 credits and bring the total to 80, over the limit of 79"):
        budget.reserve(40)
    assert budget.spent == 40


def test_a_refusal_says_that_nothing_was_sent_and_what_to_do():
    with pytest.raises(BudgetExceeded, match=r"nothing was sent; raise max_credits"):
        Budget(0).reserve(1)


def test_a_call_has_a_limit_of_its_own_that_earlier_calls_do_not_use_up():
    budget = Budget()
    budget.reserve(100)
    budget.reserve(40, limit_of_call=40)
    with pytest.raises(BudgetExceeded):
        budget.reserve(41, limit_of_call=40)
    assert budget.spent == 140


def test_the_limit_of_a_call_does_not_lift_that_of_the_session():
    with pytest.raises(BudgetExceeded):
        Budget(10).reserve(40, limit_of_call=1000)


@pytest.mark.parametrize(
    ("limit", "limit_of_call"), [(100, None), (None, 100), (0, None)], ids=["session", "call", "nothing allowed"]
)
def test_what_nobody_knows_the_price_of_is_refused_where_there_is_a_limit(limit, limit_of_call):
    budget = Budget(limit)
    with pytest.raises(BudgetExceeded, match="nobody knows what this costs"):
        budget.reserve(None, limit_of_call=limit_of_call)
    assert budget.spent == 0


def test_what_nobody_knows_the_price_of_is_allowed_where_there_is_none():
    budget = Budget()
    budget.reserve(None)
    assert budget.spent == 0


@pytest.mark.parametrize(
    ("reserved", "charged", "spent"),
    [(40, 40, 40), (40, 24, 24), (40, 64, 64), (40, 0, 0), (None, 40, 40)],
    ids=["as expected", "cheaper", "dearer", "refused", "price unknown before"],
)
def test_a_reservation_is_replaced_by_what_was_charged(reserved, charged, spent):
    budget = Budget()
    budget.reserve(reserved)
    budget.correct(reserved, charged)
    assert budget.spent == spent


def test_a_corrected_reservation_makes_room_for_another():
    budget = Budget(40)
    budget.reserve(40)
    budget.correct(40, 0)
    budget.reserve(40)
    assert budget.spent == 40


def test_a_limit_may_be_raised_later():
    budget = Budget(0)
    budget.limit = 40
    budget.reserve(40)
    assert budget.spent == 40


def test_threads_that_reserve_at_once_never_go_over_the_limit():
    budget, refused, start = Budget(1000), [], threading.Barrier(8)

    def spend():
        start.wait()
        for _ in range(250):
            try:
                budget.reserve(1)
            except BudgetExceeded:
                refused.append(1)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (budget.spent, len(refused)) == (1000, 1000)
