"""A limit that somebody set holds, or nothing is sent: whatever is read, moved, reloaded, forked, or slow."""

import contextlib
import multiprocessing
import os
import subprocess
import sys
import time

import pytest
from tracking.doubles import until

from seedance_nb.errors import BudgetExceeded, ConfigurationError
from seedance_nb.grids.opening import open_grid
from seedance_nb.tracking import host
from seedance_nb.tracking import session as sessions
from seedance_nb.tracking.ledger.ledger import Ledger

FAIL = {"aspect_ratio": "1:1", "resolution": "720p", "duration": 5}
HOLDER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
db.execute("ROLLBACK")
"""


def accepted(simulator):
    return len(simulator.scenario.accepted)


@contextlib.contextmanager
def held(folder, seconds=2.0):
    """Another process holds the ledger for so long."""
    Ledger(folder / "ledger.sqlite3").jobs()
    arguments = [sys.executable, "-c", HOLDER, str(folder / "ledger.sqlite3"), str(seconds)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.wait()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The working folder, and a way to write its pyproject.toml."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return lambda text: (folder / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())


# What cannot be read -----------------------------------------------------------------------------------


def test_while_a_limit_cannot_be_read_nothing_is_sent_and_looking_goes_on(make_session, simulator, project):
    with make_session() as before:
        clip = before.submit("a boat", **FAIL).result(20)
    project("[tool.seedance_nb]\nmax_credits = 30\n[tool.ruff]\nline-length 120\n")
    session = make_session()

    with pytest.raises(ConfigurationError, match=r"^pyproject.toml, line 4: .*; nothing was submitted"):
        session.submit("a plane [fail]", **FAIL)
    with pytest.raises(ConfigurationError, match=r"^pyproject.toml, line 4: .*; nothing was submitted"):
        open_grid(session, ["a plane [fail]", "a train [fail]"], **{k: [v] for k, v in FAIL.items()}).submit()
    [job] = session.jobs()
    assert (accepted(simulator), job.clip, session.attach(job.key).clip, session.resume()) == (1, clip, clip, [])


def test_once_it_can_be_read_it_is_kept(make_session, simulator, project):
    project("[tool.seedance_nb]\nmax_credits 39\n")
    session = make_session()
    with pytest.raises(ConfigurationError, match="line 2"):
        session.submit("a boat [fail]", **FAIL)
    project("[tool.seedance_nb]\nmax_credits = 39\n")
    with pytest.raises(BudgetExceeded, match="limit of 39"):
        session.submit("a boat [fail]", **FAIL)
    assert accepted(simulator) == 0


def test_no_other_setting_and_no_other_folder_makes_it_forgotten(
    make_session, simulator, project, tmp_path, monkeypatch
):
    project("[tool.seedance_nb]\nmax_credits 39\n")
    session = make_session()
    session.change(limits={"concurrency": 2})
    monkeypatch.chdir(tmp_path)
    moved = session.moved(home=tmp_path / "other")
    with moved:
        for one in (session, moved):
            with pytest.raises(ConfigurationError, match="line 2"):
                one.submit("a boat [fail]", **FAIL)
    assert accepted(simulator) == 0


def test_what_a_file_says_once_it_can_be_read_holds_in_a_session_that_moved_meanwhile(
    make_session, simulator, project, tmp_path
):
    project("[tool.seedance_nb]\nmax_clip_bytes 5000\n")
    with make_session().moved(home=tmp_path / "other") as moved:
        project("[tool.seedance_nb]\nmax_clip_bytes = 5000\n")
        moved.submit("a boat [fail]", **FAIL)
        assert moved.limits.max_clip_bytes == 5000


def test_a_limit_of_the_environment_that_cannot_be_read_sends_nothing(make_session, simulator, monkeypatch):
    monkeypatch.setenv("SEEDANCE_MAX_CREDITS", "30 credits")
    session = make_session()
    assert session.jobs() == []
    with pytest.raises(ConfigurationError, match=r"SEEDANCE_MAX_CREDITS.*nothing was submitted"):
        session.submit("a boat [fail]", **FAIL)
    session.change(limits={"max_credits": 40})
    session.submit("a boat [fail]", **FAIL)
    assert until(lambda: accepted(simulator) == 1)


# What was spent ----------------------------------------------------------------------------------------


def test_another_folder_or_account_does_not_give_the_limit_anew(make_session, simulator, tmp_path):
    session = make_session(max_credits=50)
    session.submit("a boat [fail]", **FAIL)
    with session.moved(home=tmp_path / "other") as moved, moved.moved(account="another") as further:
        for one in (moved, further):
            assert one.spent == 40
            with pytest.raises(BudgetExceeded, match="bring the total to 80, over the limit of 50"):
                one.submit("a plane [fail]", **FAIL)
    assert until(lambda: accepted(simulator) == 1)


def test_a_new_limit_that_is_named_holds_from_then_on(make_session, tmp_path):
    session = make_session(max_credits=50)
    with (
        session.moved(home=tmp_path / "other", limits={"max_credits": None}) as free,
        free.moved(account="x") as further,
    ):
        assert (free.limits.max_credits, further.limits.max_credits) == (None, None)
    with session.moved(home=tmp_path / "third", limits={"max_credits": 10}) as less:
        assert (less.limits.max_credits, less.money.budget.limit) == (10, 10)


def test_simulated_credits_use_up_no_limit_of_real_ones(make_session, tmp_path):
    session = make_session(max_credits=50)
    session.submit("a boat [fail]", **FAIL)
    with session.moved(base_url="simulator", home=tmp_path / "play") as play:
        assert (play.spent, play.limits.max_credits) == (0, 50)
        with play.moved(base_url="https://a.example") as back:
            assert (back.spent, back.limits.max_credits) == (40, 50)


class Shell:
    """What of IPython the session knows."""


def test_a_shell_that_loads_the_extension_anew_has_spent_what_it_has_spent(simulator, tmp_path, monkeypatch):
    shell = Shell()
    monkeypatch.setattr(host, "find_host", lambda: shell)
    sessions.configure(api_key="k", base_url=simulator.base_url, home=tmp_path, max_credits=50).submit(
        "a boat [fail]", **FAIL
    )
    sessions.forget()
    monkeypatch.setenv("SEEDANCE_BASE_URL", simulator.base_url)
    monkeypatch.setenv("SEEDANCE_API_KEY", "k")
    try:
        with pytest.raises(BudgetExceeded, match="bring the total to 80, over the limit of 50"):
            sessions.submit("a plane [fail]", **FAIL)
    finally:
        sessions.forget()


def test_a_limit_named_when_the_extension_is_loaded_anew_holds_instead(simulator, tmp_path, monkeypatch):
    shell = Shell()
    monkeypatch.setattr(host, "find_host", lambda: shell)
    access = {"api_key": "k", "base_url": simulator.base_url, "home": tmp_path}
    sessions.configure(**access, max_credits=50).submit("a boat [fail]", **FAIL)
    sessions.forget()
    try:
        session = sessions.configure(**access, max_credits=90)
        assert (session.spent, session.money.budget.limit) == (40, 90)
        sessions.submit("a plane [fail]", **FAIL)
        with pytest.raises(BudgetExceeded, match="limit of 90"):
            sessions.submit("a train [fail]", **FAIL)
    finally:
        sessions.forget()


def _submit_in_child(session, pipe, limit):
    if limit is not None:
        session.change(limits={"max_credits": limit})
    try:
        job = session.submit("a plane [fail]", **FAIL)
        until(lambda: job.request_id)
        pipe.send("sent")
    except BudgetExceeded as error:
        pipe.send(str(error))
    session.close()
    os._exit(0)


@pytest.mark.parametrize(("limit", "said"), [(None, "this process was forked"), (100, "sent"), (1000, "sent")])
def test_a_forked_child_has_no_limit_to_spend_until_it_is_given_one(make_session, simulator, limit, said):
    session = make_session(max_credits=1000)
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_submit_in_child, args=(session, theirs, limit))
    child.start()
    assert ours.poll(60)
    assert said in ours.recv()
    child.join(60)
    assert accepted(simulator) == (limit is not None)


# A slow ledger -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"max_credits": 39}], ids=["of the session", "of the call"])
def test_over_the_limit_is_raised_where_the_call_stands_however_slow_the_ledger_is(
    make_session, simulator, tmp_path, options
):
    session = make_session(max_credits=39) if not options else make_session()
    assert session.engine.runner
    with held(tmp_path), pytest.raises(BudgetExceeded, match="nothing was sent"):
        session.submit("a boat [fail]", **FAIL, **options)
    assert accepted(simulator) == 0


def test_over_the_limit_of_a_grid_too(make_session, simulator, tmp_path):
    session = make_session(max_credits=79)
    grid = open_grid(session, ["a boat [fail]", "a plane [fail]"], **{k: [v] for k, v in FAIL.items()})
    with held(tmp_path), pytest.raises(BudgetExceeded, match="nothing was sent"):
        grid.submit()
    assert (accepted(simulator), grid.jobs) == (0, [None, None])


def test_under_the_limit_the_ledgers_word_is_there_when_submit_returns(make_session, simulator, tmp_path):
    session = make_session(max_credits=100)
    assert session.engine.runner
    with held(tmp_path):
        job = session.submit("a boat [fail]", **FAIL)
        assert job._claimed.is_set()
        assert session.spent == 40
    assert until(lambda: accepted(simulator) == 1)


def test_without_a_limit_submit_does_not_wait_for_a_ledger_that_is_held(make_session, simulator, tmp_path, monkeypatch):
    session = make_session()
    assert session.engine.runner
    monkeypatch.setattr(session.money, "estimate", lambda *_, **__: None)  # which asks the ledger, and waits for that
    with held(tmp_path, 3.0) as holder:
        job = session.submit("a boat [fail]", **FAIL)
        assert holder.poll() is None
        assert not job._claimed.is_set()
    assert until(lambda: accepted(simulator) == 1)


def test_a_wait_for_the_ledger_ends_when_the_session_is_closed(make_session, tmp_path):
    session = make_session(max_credits=100)
    assert session.engine.runner
    with held(tmp_path, 1.0):
        job = session.engine.runner.submit(
            sessions.make_request("a boat"),
            take=1,
            fresh=False,
            estimate=(40.0, ""),
            price=40.0,
            max_credits=None,
            warnings=(),
        )
        session.close()
        began = time.monotonic()
        job.wait_until_claimed(None)
    assert time.monotonic() - began < 60
