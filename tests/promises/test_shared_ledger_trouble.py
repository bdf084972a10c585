"""A ledger on a server that cannot be used: one line with the cure, nothing sent, nothing lost, and its password nowhere."""

import contextlib
import logging
import pickle
import re
import sys
import traceback
from pathlib import Path

import pytest
from postgres_server import PASSWORD
from promises.stage import accepted, session_at, settled, submit

from seedance_nb.errors import ConfigurationError
from seedance_nb.ledger_address import LedgerAddress
from seedance_nb.pages import html, words
from seedance_nb.settings import resolve
from seedance_nb.tracking.checkup import check_up
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.session import Session


def wrong_password(server):
    return server.new_schema().replace(PASSWORD, "wrong-" + PASSWORD)


def no_such_database(server):
    return server.new_schema().replace("/postgres?", "/nothing?")


def no_such_host(server):
    return server.new_schema().replace("127.0.0.1", "no-such-host.invalid")


def of_a_newer_version(server):
    place = server.new_schema()
    made(place)
    with server.connect() as db:
        db.execute(f"UPDATE {LedgerAddress(place).schema}.seedance_ledger SET version = 9999")
    return place


def of_somebody_else(server):
    place = server.new_schema()
    schema = LedgerAddress(place).schema
    with server.connect() as db:
        db.execute(f"CREATE SCHEMA {schema}")
        db.execute(f"CREATE TABLE {schema}.jobs (a INTEGER)")
    return place


def with_roles(server):
    """(an address of the owner, of who spends, of who looks), made by what docs/team.md says."""
    place = server.new_schema()
    made(place)
    schema = LedgerAddress(place).schema
    page = (Path(__file__).resolve().parents[2] / "docs/team.md").read_text(encoding="utf-8")
    told = page.partition("```sql\n")[2].partition("```")[0]
    for name in ("spends", "looks", "boats"):
        told = re.sub(rf"\b{name}\b", schema if name == "boats" else f"{name}_{schema}", told)
    with server.connect() as db:
        for name in ("spends", "looks"):
            db.execute(f"CREATE ROLE {name}_{schema} LOGIN PASSWORD '{PASSWORD}'")
        db.execute(told)
    return place, *(place.replace("owner:", f"{name}_{schema}:") for name in ("spends", "looks"))


def of_a_role_that_may_read(server):
    return with_roles(server)[2]


def of_a_role_that_may_nothing(server):
    place = server.new_schema()
    made(place)
    schema = LedgerAddress(place).schema
    with server.connect() as db:
        db.execute(f"CREATE ROLE nobody_{schema} LOGIN PASSWORD '{PASSWORD}'")
    return place.replace("owner:", f"nobody_{schema}:")


def made(place):
    ledger = Ledger(place)
    ledger.jobs()
    ledger.close()


TROUBLES = {
    wrong_password: "correct user and password in SEEDANCE_LEDGER",
    no_such_database: "correct the names in SEEDANCE_LEDGER",
    no_such_host: "see that the server runs and can be reached",
    of_a_newer_version: "upgrade seedance_nb",
    of_somebody_else: "name another schema in its address",
    of_a_role_that_may_read: "ask its owner for one that may",
    of_a_role_that_may_nothing: "ask its owner for one that may",
}


def refusal_of(session):
    """The error of a submit, raised there or told by the job."""
    job = submit(session)
    return job if isinstance(job, ConfigurationError) else settled(job).error


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_a_ledger_that_cannot_be_used_is_one_line_and_nothing_is_sent(
    trouble, server, simulator, tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SEEDANCE_LEDGER", trouble(server))
    with session_at(simulator.base_url, tmp_path) as session:
        error = refusal_of(session)
        said = [str(error), *map(str, check_up(session)), repr(session.settings), repr(session), caplog.text]
    assert TROUBLES[trouble] in str(error)
    assert "nothing was submitted" in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 400
    assert simulator.calls["create"] == 0
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert all(PASSWORD not in text for text in (*said, shown))


def test_without_its_library_the_extra_is_named(server, simulator, tmp_path, monkeypatch):
    monkeypatch.setenv("SEEDANCE_LEDGER", server.new_schema())
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with session_at(simulator.base_url, tmp_path) as session:
        error = refusal_of(session)
    assert 'pip install "seedance_nb[team]"' in str(error)
    assert simulator.calls["create"] == 0


def locals_of_ours(error):
    """What `%xmode Verbose` would show of the frames of the package."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "/seedance_nb/" in frame.f_code.co_filename:
            for name, value in frame.f_locals.items():
                with contextlib.suppress(AttributeError):  # a session that is not made yet has no repr
                    yield f"{frame.f_code.co_name} {name} = {value!r}"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:planted@host",
        "postgresql:/me:planted@host/db",
        "postgresql//me:planted@host/db",
        "postgres+psycopg://me:planted@host/db",
        "postgresql://me:plan/ted@host/db",
        "postgresql://me:planted#@host/db",
        "postgresql://me:pla nted@host/db",
        "postgresql://me:planted@host:port/db",
        "postgresql://me:planted@host/db?schema=Team",
        "postgresql://me:planted@host/db?schema=pg_planted",
        "postgresql://me:planted@host/db?schema",
        "postgresql://me:planted@[host/db",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_repeated(address, tmp_path, monkeypatch):
    def place(how):
        if how == "environment":
            with monkeypatch.context() as env:
                env.setenv("SEEDANCE_LEDGER", address)
                Session(home=tmp_path)
        else:
            Session(home=tmp_path, ledger=address)

    for how in ("environment", "argument"):
        with pytest.raises(ConfigurationError, match=r"the ledger's address.*nothing was submitted") as caught:
            place(how)
        assert "planted" not in str(caught.value)
        assert [frame for frame in locals_of_ours(caught.value) if "planted" in frame] == []
    assert list(tmp_path.iterdir()) == []


def test_the_password_is_in_nothing_that_is_shown_or_stored(server, simulator, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SEEDANCE_LEDGER", server.new_schema())
    with session_at(simulator.base_url, tmp_path) as session:
        job = settled(submit(session))
        runner = session.engine.runner
        things = [session, session.settings, session.choices, runner, runner._tools, runner.ledger, runner.ledger.file]
        things += [job, job.snapshot, session.origin, *check_up(session), session.jobs(), session.spending()]
        said = [repr(thing) for thing in things] + [str(thing) for thing in things]
        stored = pickle.dumps(job)
        said += [repr(stored), repr(pickle.dumps(session.settings.ledger)), repr(pickle.dumps(runner.ledger))]
        said += [html.ending(job.snapshot) + html.receipt(job.snapshot) + words.plain(job.snapshot), caplog.text]
        assert pickle.loads(stored).request_id == job.request_id
    said += [str(path) + path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert [text[:100] for text in said if PASSWORD in text] == []


def test_what_was_stored_without_its_password_finds_it_in_the_environment(server, monkeypatch):
    address = LedgerAddress(server.new_schema())
    again = pickle.loads(pickle.dumps(address))
    assert (again.schema, PASSWORD in again.reveal()) == (address.schema, False)
    monkeypatch.setenv("SEEDANCE_LEDGER", address.reveal())
    assert pickle.loads(pickle.dumps(address)).reveal() == address.reveal()


def test_no_secret_of_the_service_is_on_the_server(server, simulator, tmp_path, monkeypatch):
    place = server.new_schema()
    monkeypatch.setenv("SEEDANCE_LEDGER", place)
    key = "planted_" + "GOODKEY" * 5
    with session_at(simulator.base_url, tmp_path, key=key) as session:
        assert settled(submit(session)).clip is not None
    with server.connect() as db:
        schema = LedgerAddress(place).schema
        tables = [row[0] for row in db.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))]
        kept = str([db.execute(f"SELECT * FROM {schema}.{table}").fetchall() for table in tables])
    assert "a paper boat" in kept
    assert "GOODKEY" not in kept


def test_a_member_whose_package_is_older_than_the_ledger_became_sends_nothing_more(
    server, simulator, tmp_path, monkeypatch
):
    place = server.new_schema()
    monkeypatch.setenv("SEEDANCE_LEDGER", place)
    with session_at(simulator.base_url, tmp_path) as session:
        assert settled(submit(session, "before")).clip is not None
        with server.connect() as db:  # a colleague has upgraded meanwhile
            db.execute(f"UPDATE {LedgerAddress(place).schema}.seedance_ledger SET version = version + 1")
        error = refusal_of(session)
    assert "upgrade seedance_nb" in str(error)
    assert simulator.calls["create"] == accepted(simulator) == 1


def test_who_may_spend_and_who_may_look_are_two_roles(server, simulator, tmp_path):
    _, spends, looks = with_roles(server)
    with session_at(simulator.base_url, tmp_path / "spends", ledger=spends) as session:
        job = settled(submit(session))
        assert job.clip is not None
    with session_at(simulator.base_url, tmp_path / "looks", ledger=looks) as session:
        assert [found.request_id for found in session.jobs()] == [job.request_id]
        assert [spent.credits for spent in session.spending()] == [job.credits]
        assert any("may be read only" in str(finding) for finding in check_up(session))
        with pytest.raises(ConfigurationError, match="permission denied"):
            session.ask_ledger(lambda ledger: ledger.file.read("SELECT * FROM secrets"))


def test_two_teams_in_one_database_know_nothing_of_each_other(server, simulator, tmp_path):
    for number in range(2):
        with session_at(simulator.base_url, tmp_path / str(number), ledger=server.new_schema()) as session:
            assert settled(submit(session)).reused is False
    assert accepted(simulator) == 2


def test_a_ledger_named_in_the_environment_outranks_nothing_that_was_said(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SEEDANCE_LEDGER", server.new_schema())
    assert resolve(home=tmp_path, ledger=tmp_path / "own.sqlite3").ledger == tmp_path / "own.sqlite3"
    assert isinstance(resolve(home=tmp_path).ledger, LedgerAddress)
