"""What is of a server alone: lines that break, roles, schemas, and a password that is never shown."""

import signal

import psycopg
import pytest
from postgres_server import PASSWORD, Server
from tracking.doubles import record

from seedance_nb.errors import ConfigurationError
from seedance_nb.ledger_address import LedgerAddress
from seedance_nb.tracking.ledger.ledger import Ledger


def claim(ledger, row):
    return ledger.claim(row, False, lambda: None)


@pytest.fixture
def shared(server):
    opened = Ledger(server.new_schema())
    yield opened
    opened.close()


def test_two_schemas_of_one_database_know_nothing_of_each_other(server, shared):
    other = Ledger(server.new_schema())
    assert [claim(shared, record())[1], claim(other, record())[1]] == [True, True]
    other.close()


def test_a_server_that_was_restarted_has_all_and_gives_no_place_twice():
    own = Server().start()
    ledger = Ledger(own.new_schema())
    try:
        row = record()
        claim(ledger, row)
        own.stop(signal.SIGQUIT)
        with pytest.raises(ConfigurationError, match="cannot be used"):
            claim(ledger, record(prompt="another"))
        own.start()
        assert claim(ledger, record()) == (row, False)
    finally:
        ledger.close()
        own.remove()


def test_a_line_that_is_cut_while_committing_leaves_one_row(server, shared):
    row = record()

    def cut():
        with server.connect() as db:
            mine = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'idle in transaction'"
            db.execute(mine)

    with pytest.raises(ConfigurationError):
        shared.claim(row, False, cut)
    assert claim(shared, row) == (row, True)
    assert claim(shared, record()) == (row, False)


def test_a_wrong_password_is_one_line_that_shows_none(server):
    ledger = Ledger(server.address(password="wrong-" + PASSWORD))
    with pytest.raises(ConfigurationError) as caught:
        ledger.jobs()
    assert PASSWORD not in str(caught.value)
    assert "correct user and password" in str(caught.value)


def test_a_schema_of_a_newer_version_is_refused(server, shared):
    shared.jobs()
    with server.connect() as db:
        db.execute(f"UPDATE {shared.file.schema}.seedance_ledger SET version = 9999")
    shared.close()
    with pytest.raises(ConfigurationError, match=r"newer version.*upgrade seedance_nb$"):
        claim(shared, record())


def test_a_table_that_is_not_ours_is_left_alone(server, shared):
    with server.connect() as db:
        db.execute(f"CREATE SCHEMA {shared.file.schema}")
        db.execute(f"CREATE TABLE {shared.file.schema}.jobs (a INTEGER)")
    with pytest.raises(ConfigurationError, match="not ours"):
        claim(shared, record())


def test_a_role_that_may_read_cannot_claim(server, shared):
    row = record()
    claim(shared, row)
    schema = shared.file.schema
    with server.connect() as db:
        db.execute(f"CREATE ROLE reader_{schema} LOGIN PASSWORD 'reading'")
        db.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader_{schema}")
        db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader_{schema}")
    reader = Ledger(server.address(f"reader_{schema}", "reading", schema=schema))
    assert reader.find(row.key) == row
    with pytest.raises(ConfigurationError, match="may not spend"):
        claim(reader, record(prompt="another"))
    reader.close()


def test_the_table_itself_refuses_a_second_row_that_may_have_been_paid_for(server, shared):
    claim(shared, record())
    with server.connect() as db:
        db.execute(f"SET search_path TO {shared.file.schema}")
        names = [column.name for column in db.execute("SELECT * FROM jobs").description]
        copied = ", ".join({"key": "'other'"}.get(name, name) for name in names)
        with pytest.raises(psycopg.errors.UniqueViolation):
            db.execute(f"INSERT INTO jobs SELECT {copied} FROM jobs")


def test_an_address_is_shown_without_user_password_and_options():
    assert (
        str(LedgerAddress("postgresql://ann:secret@host:5432/team?password=other"))
        == "postgresql://host:5432/team?schema=seedance"
    )
