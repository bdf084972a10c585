import contextlib
import threading

import pytest
from tracking.doubles import record

from seedance_nb.api.models import Status
from seedance_nb.errors import ConfigurationError
from seedance_nb.tracking.grouping import GroupingThread, groupable
from seedance_nb.tracking.ledger import ledger as ledger_module
from seedance_nb.tracking.ledger.ledger import Ledger


class Group:
    """A `together` that counts, and fails where it is told to."""

    def __init__(self, fail=None):
        self.entered, self.fail = 0, fail

    @contextlib.contextmanager
    def __call__(self):
        self.entered += 1
        if self.fail == "entering":
            raise ConfigurationError("locked")
        yield
        if self.fail == "leaving":
            raise ConfigurationError("lost")


@pytest.fixture
def thread(request):
    """`thread(together)`: a thread that is held until `.go()`, so that calls pile up."""
    made = []

    def make(together):
        thread = GroupingThread("test", together)
        gate = threading.Event()
        thread.submit(gate.wait)
        thread.go = gate.set
        made.append(thread)
        return thread

    yield make
    for thread in made:
        thread.go()
        thread.shutdown()


def test_calls_that_wait_are_done_in_one_go_and_in_their_order(thread):
    group, done = Group(), []
    calls = thread(group)
    futures = [calls.submit(groupable(lambda i=i: done.append(i) or i)) for i in range(10)]
    calls.go()
    assert [future.result(5) for future in futures] == list(range(10))
    assert (done, group.entered) == (list(range(10)), 1)


def test_a_call_that_cannot_share_is_done_alone_and_in_its_place(thread):
    group, done = Group(), []
    calls = thread(group)
    for i in range(3):
        calls.submit(groupable(lambda i=i: done.append(i)))
    calls.submit(lambda: done.append("alone"))
    last = [calls.submit(groupable(lambda i=i: done.append(i))) for i in range(3, 6)][-1]
    calls.go()
    last.result(5)
    assert (done, group.entered) == ([0, 1, 2, "alone", 3, 4, 5], 2)


def test_one_call_that_raises_spoils_no_other(thread):
    calls = thread(Group())
    futures = [calls.submit(groupable(lambda i=i: 1 // i)) for i in (1, 0, 1)]
    calls.go()
    assert [futures[0].result(5), type(futures[1].exception(5)), futures[2].result(5)] == [1, ZeroDivisionError, 1]


def test_a_group_that_cannot_begin_fails_every_call_without_doing_any(thread):
    done = []
    calls = thread(Group("entering"))
    futures = [calls.submit(groupable(lambda i=i: done.append(i))) for i in range(3)]
    calls.go()
    assert [str(future.exception(5)) for future in futures] == ["locked"] * 3
    assert done == []


def test_a_group_that_did_not_happen_is_done_again_call_by_call(thread):
    done = []
    calls = thread(Group("leaving"))
    futures = [calls.submit(groupable(lambda i=i: done.append(i) or i)) for i in range(3)]
    calls.go()
    assert [future.result(5) for future in futures] == [0, 1, 2]
    assert done == [0, 1, 2, 0, 1, 2]


def test_a_closed_thread_does_what_waits_and_takes_no_more(thread):
    calls = thread(Group())
    future = calls.submit(groupable(lambda: "done"))
    calls.shutdown(wait=False)
    calls.go()
    assert future.result(5) == "done"
    with pytest.raises(RuntimeError):
        calls.submit(print)


def test_calls_of_the_ledger_in_a_group_are_one_transaction(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    with contextlib.suppress(RuntimeError), ledger.together():
        ledger.claim(record("a boat"), False, lambda: None)
        raise RuntimeError("the power went")
    assert ledger.jobs() == []
    ledger.close()


def test_in_a_group_a_refused_call_leaves_the_others_written(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite3")

    def refuse():
        raise ConfigurationError("no")

    with ledger.together():
        ledger.claim(record("a boat"), False, lambda: None)
        with pytest.raises(ConfigurationError):
            ledger.claim(record("a plane"), False, refuse)
        ledger.claim(record("a train"), False, lambda: None)
    assert sorted(row.request.prompt for row in ledger.jobs()) == ["a boat", "a train"]
    ledger.close()


def test_a_call_that_fails_half_done_undoes_its_group(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    insert = ledger_module.insert

    def insert_and_stumble(db, row):
        insert(db, row)
        if row.request.prompt == "a plane":
            raise RuntimeError("stumbled")

    monkeypatch.setattr(ledger_module, "insert", insert_and_stumble)
    with pytest.raises(ConfigurationError, match="transaction was lost"), ledger.together():  # noqa: PT012
        ledger.claim(record("a boat"), False, lambda: None)
        with pytest.raises(RuntimeError):
            ledger.claim(record("a plane"), False, lambda: None)
    assert ledger.jobs() == []
    ledger.close()


def test_what_sqlite_refuses_to_one_call_spoils_no_other_of_its_group(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    mine, usurper = record("a boat", status=Status.REJECTED), record("a boat")
    ledger.claim(mine, False, lambda: None)
    ledger.claim(usurper, False, lambda: None)
    others = [record(f"a train {i}") for i in range(3)]
    calls = GroupingThread("t", ledger.together)
    hold = threading.Event()
    calls.submit(hold.wait)
    futures = [calls.submit(ledger.claim, other, False, lambda: None) for other in others[:2]]
    refused = calls.submit(ledger.save, mine.key, {"status": Status.SUBMITTING, "sent_at": 1.0})  # its place is taken
    futures.append(calls.submit(ledger.claim, others[2], False, lambda: None))
    hold.set()

    assert all(future.result(5)[1] for future in futures)
    with pytest.raises(ConfigurationError):
        refused.result(5)
    assert ledger.find(mine.key).sent_at is None
    assert sorted(row.request.prompt for row in ledger.jobs() if row.key in {o.key for o in others}) == [
        "a train 0",
        "a train 1",
        "a train 2",
    ]
    calls.shutdown()
    ledger.close()


@pytest.mark.parametrize("fresh", [False, True])
def test_a_claim_that_is_done_again_is_still_the_same_new_claim(tmp_path, fresh):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    wanted = record("a boat")
    first = ledger.claim(wanted, fresh, lambda: None)
    assert ledger.claim(wanted, fresh, lambda: None) == first
    assert (first[1], len(ledger.jobs())) == (True, 1)
    ledger.close()
