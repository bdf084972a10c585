"""Both stores of the ledger keep the same promises: what takes `ledger` runs with a file, and with a schema on a server."""

import pytest

from seedance_nb.ledger_address import LedgerAddress
from seedance_nb.tracking.ledger.ledger import Ledger

ON_BOTH = ("test_ledger", "test_ledger_votes", "test_ledger_parts", "test_spending_limits", "test_account_pace")
OF_THE_FILE = {
    "test_rows_of_the_version_before_have_nobody_and_count_on_the_day_they_began",
    "test_the_file_itself_refuses_a_second_row_that_may_have_been_paid_for",
    "test_a_damaged_file_is_not_ok",
    "test_commits_are_synced_and_keep_no_second_file",
    "test_a_write_waits_for_another_process_that_is_just_writing",
    "test_a_lock_is_waited_for_as_long_as_is_said",
    "test_a_file_of_a_newer_format_is_refused_with_the_cure",
    "test_no_question_reads_the_whole_table",
    "test_a_file_that_cannot_be_used_is_an_error_with_a_cure",
    "test_who_has_the_place_of_a_paid_video_and_has_sent_nothing_gives_it_up",
    "test_who_may_have_sent_keeps_the_place_and_the_paid_video_the_next_take",
    "test_a_ledger_of_the_first_version_keeps_its_jobs_and_takes_votes",
    "test_a_vote_of_before_knows_no_seconds_and_counts",
    "test_every_record_comes_back_as_it_went_in",
    "test_who_withdraws_is_deleted_from_the_file_and_comes_not_back",
}
"""What looks into the file."""


def pytest_generate_tests(metafunc):
    if "ledger" in metafunc.fixturenames:
        has_both = metafunc.module.__name__.endswith(ON_BOTH)
        runs_on_both = has_both and metafunc.function.__name__ not in OF_THE_FILE
        metafunc.parametrize("store", ["file", "server"] if runs_on_both else ["file"])


@pytest.fixture(scope="session")
def schema_for_all(server):
    """One schema for all tests, made empty between them: to make one takes longer than most of them."""
    place = server.new_schema()
    yield place
    with server.connect() as db:
        db.execute(f"DROP SCHEMA IF EXISTS {LedgerAddress(place).schema} CASCADE")


def empty(server, place):
    schema = LedgerAddress(place).schema
    with server.connect() as db:
        tables = db.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'seedance_ledger'", (schema,)
        )
        all_of_it = "; ".join(f"DELETE FROM {schema}.{row[0]}" for row in tables)
        db.execute(f"SET session_replication_role = replica; {all_of_it}")  # without its triggers


@pytest.fixture
def ledger(request, store, tmp_path):
    """Ask by `Ledger(ledger.place)` for another one with the same rows."""
    if store == "file":
        opened = Ledger(tmp_path / "ledger.sqlite3")
        yield opened
        opened.close()
        return
    place = request.getfixturevalue("schema_for_all")
    opened = Ledger(place)
    yield opened
    opened.close()
    empty(request.getfixturevalue("server"), place)
