"""A fork in the middle of a transaction or of an import: the child works like any other process."""

import contextlib
import os
import signal
import sys
import threading
import time

import pytest

from seedance_nb.tracking import forks
from seedance_nb.tracking.ledger.ledger_file import LedgerFile

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
HANGS = 15
"""Seconds after which a child is taken for one that hangs."""


class NothingRead:
    """A witness that has seen nothing."""

    is_empty = True

    def begin(self):
        pass

    def commit(self):
        pass

    def put_all_back(self, lost, db):
        pass


@pytest.fixture
def ledger_of(tmp_path):
    with contextlib.ExitStack() as stack:

        def make():
            file = LedgerFile(
                tmp_path / "l.sqlite3", lambda db: db.execute("CREATE TABLE IF NOT EXISTS words (word)"), NothingRead()
            )
            stack.callback(file.close)
            return file

        yield make


@contextlib.contextmanager
def thread_in_the_middle(function, name="somebody"):
    """A thread that is in the middle of `function(arrived, go_on)` and stays there until `go_on` is set."""
    arrived, go_on = threading.Event(), threading.Event()
    thread = threading.Thread(target=function, args=(arrived, go_on), name=name)
    thread.start()
    assert arrived.wait(30)
    try:
        yield go_on
    finally:
        go_on.set()
        thread.join(30)


def child_that(work):
    """How a forked child ends that does `work()`: 0 if well, 1 if something was raised, a signal's number if it hung."""
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(HANGS)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def write(file, word, arrived=None, go_on=None):
    with file.transaction() as db:
        db.execute("INSERT INTO words VALUES (?)", (word,))
        if arrived is not None:
            arrived.set()
            go_on.wait(30)


def words(file):
    return {row["word"] for row in file.read("SELECT word FROM words")}


def test_a_fork_waits_for_the_end_of_a_transaction_so_the_child_can_write(ledger_of):
    file = ledger_of()
    with thread_in_the_middle(lambda *events: write(file, "parent", *events)) as go_on:
        threading.Timer(0.3, go_on.set).start()
        assert child_that(lambda: write(ledger_of(), "child")) == 0

    assert words(ledger_of()) == {"parent", "child"}


def test_a_fork_waits_for_all_calls_of_a_group(ledger_of):
    file = ledger_of()

    def group(arrived, go_on):
        with file.together():
            write(file, "one")
            write(file, "two", arrived, go_on)

    with thread_in_the_middle(group) as go_on:
        threading.Timer(0.3, go_on.set).start()
        assert child_that(lambda: write(ledger_of(), "child")) == 0

    assert words(ledger_of()) == {"one", "two", "child"}


def test_a_fork_waits_for_a_module_that_the_background_imports(tmp_path, monkeypatch):
    (tmp_path / "module_that_takes_long.py").write_text("import sys\nsys.slow_import()\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def import_it(arrived, go_on):
        monkeypatch.setattr(sys, "slow_import", lambda: (arrived.set(), go_on.wait(30)), raising=False)
        import module_that_takes_long  # noqa: F401

    def import_it_too():
        sys.slow_import = lambda: None
        import module_that_takes_long  # noqa: F401

    with thread_in_the_middle(import_it, "seedance-runner") as go_on:
        threading.Timer(0.3, go_on.set).start()
        assert child_that(import_it_too) == 0


def test_a_transaction_that_hangs_holds_a_fork_up_only_for_a_while(ledger_of, monkeypatch):
    monkeypatch.setattr(forks, "PATIENCE_SECONDS", 0.2)
    file = ledger_of()
    with thread_in_the_middle(lambda *events: write(file, "parent", *events)) as go_on:
        assert child_that(lambda: None) == 0
        assert not go_on.is_set()


def test_who_forks_in_a_transaction_of_its_own_does_not_wait_for_itself(ledger_of):
    with ledger_of().transaction():
        begun = time.monotonic()
        assert child_that(lambda: None) == 0
        assert time.monotonic() - begun < forks.PATIENCE_SECONDS


def test_after_a_fork_both_go_on_forking(ledger_of):
    def grandchild():
        write(ledger_of(), "child")
        assert child_that(lambda: write(ledger_of(), "grandchild")) == 0

    assert child_that(grandchild) == 0
    assert child_that(lambda: write(ledger_of(), "second child")) == 0
    assert words(ledger_of()) == {"child", "grandchild", "second child"}
