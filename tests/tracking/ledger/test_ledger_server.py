"""What is of a server alone: lines that break, roles, schemas, and a password that is never shown."""

import signal
import subprocess
import sys
import threading

import pytest
from postgres_fixture import started_server
from postgres_server import PASSWORD
from tracking.doubles import record

from seedance_nb.errors import ConfigurationError
from seedance_nb.ledger_address import LedgerAddress
from seedance_nb.tracking.ledger.leases import Leases
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
    own = started_server()
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
        with pytest.raises(Exception, match="duplicate key value violates unique constraint"):
            db.execute(f"INSERT INTO jobs SELECT {copied} FROM jobs")


def test_an_address_is_shown_without_user_password_and_options():
    assert (
        str(LedgerAddress("postgresql://ann:secret@host:5432/team?password=other"))
        == "postgresql://host:5432/team?schema=seedance"
    )


def test_a_connection_that_somebody_else_has_used_writes_into_the_right_schema(server, shared):
    other = Ledger(server.new_schema())
    other.jobs()
    shared.jobs()
    shared.file.open()._connection.execute(f"SET search_path TO {other.file.schema}")
    row = record()
    claim(shared, row)
    assert (shared.jobs(), other.jobs()) == ([row], [])
    other.close()


def test_leases_tell_who_lives_by_the_clock_of_the_database(server, shared):
    now = [1000.0]
    lives, looks = "a machine|1|1.00|x-boot", Leases(shared.file, lambda: now[0])
    Leases(shared.file, lambda: 5.0).beat(lives)
    assert (looks.is_alive(lives), looks.is_at_work(lives)) == (None, False)
    looks.beat("me")
    assert (looks.is_alive(lives), looks.is_at_work(lives)) == (True, True)
    assert looks.is_alive("nobody|1|1.00|x-boot") is None
    looks.beat("me")
    assert looks.is_alive("nobody|1|1.00|x-boot") is False
    with server.connect() as db:
        db.execute(
            f"UPDATE {shared.file.schema}.seedance_leases SET seen = seen - interval '1 hour' WHERE owner <> 'me'"
        )
        started = db.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp() - pg_postmaster_start_time())").fetchone()[0]
    looks.beat("me")
    assert looks._ages[lives] == pytest.approx(float(started), abs=5)
    now[0] += 40
    assert (looks.is_alive(lives), looks.is_at_work(lives)) == (None, False)
    looks.beat("me")  # cut off for a while ourselves: so may the others have been
    assert looks.is_alive(lives) is True
    shared.presence.leave(lives)
    looks.beat("me")
    assert looks.is_alive(lives) is False


def test_a_row_and_the_lease_of_its_owner_come_together(server, shared):
    claim(shared, record(owner="a machine|1|1.00|x-boot"))
    with server.connect() as db:
        assert db.execute(f"SELECT owner FROM {shared.file.schema}.seedance_leases").fetchall() == [
            ("a machine|1|1.00|x-boot",)
        ]


def test_of_many_who_claim_one_intention_at_once_one_gets_the_place_and_nobody_an_error(server, shared):
    shared.jobs()
    together, found = threading.Barrier(8), []

    def run():
        mine = Ledger(shared.place)
        mine.jobs()
        together.wait()
        found.extend(claim(mine, record("a boat")) for _ in range(3))
        mine.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [is_new for _, is_new in found].count(True) == 1
    assert len({row.key for row, _ in found}) == 1
    assert len(found) == 24


def test_who_has_a_file_imports_nothing_of_a_server(tmp_path):
    code = (
        "import sys, seedance_nb as sd; session = sd.Session(base_url='simulator', home=sys.argv[1]); session.jobs(); session.engine.runner;"
        " session.close(); print([name for name in sys.modules if name in ('psycopg', 'psycopg_binary') or 'ledger_server' in name])"
    )
    said = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
