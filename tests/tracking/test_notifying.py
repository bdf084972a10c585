"""A word when a job is done: a function or a command is told once, and can do the job no harm."""

import sys
import threading
import time

import pytest

from seedance_nb.errors import ConfigurationError
from seedance_nb.tracking.notifying import Notifying, is_browser_told
from seedance_nb.tracking.session import Session

PATIENCE = 60


@pytest.fixture
def session(simulator, tmp_path):
    with Session(api_key="k", base_url=simulator.base_url, home=tmp_path / "home") as session:
        yield session


def appears(path):
    end = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < end, "nobody was told"
        time.sleep(0.05)
    return path.read_text()


def test_a_function_is_told_of_each_job_once_in_a_thread_of_its_own(session):
    told, done = [], threading.Event()

    def tell(job):
        told.append((job.key, job.clip is not None, threading.current_thread().name))
        done.set()

    session.change(notify=tell)
    job = session.submit("a boat", duration=4)
    job.result(PATIENCE)

    assert done.wait(PATIENCE)
    assert told == [(job.key, True, "seedance-notify")]


def test_what_the_ledger_had_is_no_news(session):
    session.submit("a boat", duration=4).result(PATIENCE)
    told, done = [], threading.Event()
    session.change(notify=lambda job: (told.append(job.request.prompt), done.set()))

    session.submit("a boat", duration=4).result(PATIENCE)
    session.submit("a kite", duration=4).result(PATIENCE)

    assert done.wait(PATIENCE)
    assert told == ["a kite"]


def test_a_command_gets_the_words_as_one_argument_and_not_the_key(session, tmp_path, monkeypatch):
    monkeypatch.setenv("SEEDANCE_API_KEY", "sk-secret")
    script = tmp_path / "tell.py"
    script.write_text(
        "import os, pathlib, sys\n"
        "part = pathlib.Path(sys.argv[1] + '.part')\n"
        "part.write_text(repr((sys.argv[2:], os.environ.get('SEEDANCE_API_KEY'))))\n"
        "part.replace(sys.argv[1])\n"
    )
    session.change(notify=[sys.executable, str(script), str(tmp_path / "told")])

    session.submit("a boat; $(touch x) 'q' --help", duration=4).result(PATIENCE)

    assert appears(tmp_path / "told") == repr((["succeeded: a boat; $(touch x) 'q' --help"], None))


@pytest.mark.parametrize("kind", ["raises", "exits", "hangs", "is not there"])
def test_a_notifier_that_fails_or_hangs_harms_no_job(session, kind):
    goes_on, was_told = threading.Event(), threading.Semaphore(0)

    def tell(job):
        was_told.release()
        if kind == "hangs":
            goes_on.wait()
        raise SystemExit(3) if kind == "exits" else RuntimeError("no")

    session.change(notify=["/no/such/program"] if kind == "is not there" else tell)
    try:
        clips = [session.submit("a boat", duration=4, take=take).result(PATIENCE) for take in range(1, 7)]
    finally:
        goes_on.set()

    assert all(clips)
    if kind != "is not there":
        assert was_told.acquire(timeout=PATIENCE)


def test_what_the_ledger_had_is_no_news_where_it_answers_late(session):
    session.submit("a boat", duration=4).result(PATIENCE)
    job, told, done = session.submit("a boat", duration=4), [], threading.Event()
    notifying = Notifying(lambda job: (told.append(job.key), done.set()))

    notifying._ended(job, time.time())
    notifying._ended(job, 0.0)

    assert done.wait(PATIENCE)
    assert told == [job.key]


@pytest.mark.parametrize("notify", ["notify-send done", [], [""], [1], 5, ["a\0b"], "tab"])
def test_what_tells_nobody_is_refused_in_one_line_and_changes_nothing(session, notify):
    with pytest.raises(ConfigurationError, match="notify must be") as refused:
        session.change(notify=notify)

    assert len(str(refused.value).splitlines()) == 1
    assert session.notifying.target is None


def test_it_is_switched_off_by_none(session):
    session.change(notify=print)
    session.change(limits={"max_credits": 500})
    assert session.notifying.target is print

    session.change(notify=None)

    assert session.notifying.target is None


def test_one_job_can_be_told_to_somebody_else(session):
    everybody, one, done = [], [], threading.Event()
    session.change(notify=everybody.append)
    since = time.time()
    job = session.submit("a boat", duration=4)
    session.notifying.watch_for(job, lambda ended: (one.append(ended.key), done.set()), since)
    job.result(PATIENCE)
    assert done.wait(PATIENCE)

    session.notifying.watch_for(job, one.append, time.time())  # it has ended before: nobody has waited
    session.notifying.finish()

    assert (everybody, one) == ([], [job.key])


def test_the_browser_is_told_by_the_page_and_by_nobody_here(session):
    session.change(notify="browser")
    session.submit("a boat", duration=4).result(PATIENCE)

    assert is_browser_told(session)
    assert not is_browser_told(None)
    assert not [thread for thread in threading.enumerate() if thread.name == "seedance-notify"]
