"""The same host written otherwise is the same service: account, ledger, keyring."""

import dataclasses
import hashlib
import sys
import types

import pytest
from tracking.doubles import record

from seedance_nb.api.models import Status
from seedance_nb.settings import Secret, read_keyring, write_keyring
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.session import Session

HOST = "https://www.seedance2.ink"
SPELLINGS = [
    "https://WWW.Seedance2.ink",
    "https://www.seedance2.ink:443",
    "https://www.seedance2.ink.",
    "https://www.seedance2.ink/",
]


def account_before(base_url, key="a-key"):
    """As the version before named an account: the base URL as it was written, without its last slash."""
    text = f"{base_url.rstrip('/')}\0{key}".encode()
    return hashlib.blake2b(text, digest_size=10, person=b"seedance_account").hexdigest()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_account_is_the_same_however_its_host_is_written(tmp_path, spelling):
    sessions = [Session(api_key="a-key", base_url=url, home=tmp_path) for url in (HOST, spelling)]

    assert sessions[0].account == sessions[1].account == account_before(HOST)


@pytest.fixture
def at_loopback(simulator, tmp_path):
    """(the simulator's address, the same as an older version would have kept it, a ledger with a clip bought there)."""
    url = simulator.base_url.replace("127.0.0.1", "localhost")
    return url, url.replace("localhost", "LOCALHOST")


def written_before(path, base_url, account, **changes):
    ledger = Ledger(path)
    row = dataclasses.replace(record(), base_url=base_url, account=account, request_id="req_1", **changes)
    ledger.claim(row, False, lambda: None)
    ledger.close()
    return row


def test_what_was_bought_under_another_spelling_is_found_and_followed(at_loopback, simulator, tmp_path):
    now, before = at_loopback
    row = written_before(tmp_path / "ledger.sqlite3", before, account_before(before), status=Status.UNKNOWN)
    with Session(api_key="a-key", base_url=now, home=tmp_path) as session:
        job = session.submit("a boat")
        job.wait_until_claimed(60)

        assert (job.key, job.status, job.is_foreign) == (row.key, Status.UNKNOWN, False)
        assert session.ask_ledger(Ledger.find, row.key).base_url == now
    assert simulator.scenario.accepted == []


def test_what_is_unfinished_under_another_spelling_is_resumed(at_loopback, tmp_path):
    now, before = at_loopback
    row = written_before(tmp_path / "ledger.sqlite3", before, account_before(before), status=Status.QUEUED)
    with Session(api_key="a-key", base_url=now, home=tmp_path) as session:
        assert [job.key for job in session.resume()] == [row.key]


def test_a_named_account_needs_no_key_for_it(at_loopback, tmp_path):
    now, before = at_loopback
    row = written_before(tmp_path / "ledger.sqlite3", before, "name:lab", status=Status.QUEUED)
    with Session(api_key="a-key", base_url=now, home=tmp_path, account="lab") as session:
        assert [(job.key, job.is_foreign) for job in session.resume()] == [(row.key, False)]


def test_rows_of_other_keys_and_other_hosts_stay_what_they_are(ledger):
    rows = [
        dataclasses.replace(record(key=f"j{index}"), base_url=url, account=account)
        for index, (url, account) in enumerate(
            [(HOST, "mine"), (SPELLINGS[0], "another"), ("https://b.example", "there"), ("odd", "mine")]
        )
    ]
    for row in rows:
        ledger.claim(dataclasses.replace(row, take=int(row.key[1:]) + 1), False, lambda: None)

    assert ledger.unite_spellings(HOST, "mine", lambda _: "there") == 0
    assert [ledger.find(row.key).account for row in rows] == ["mine", "another", "there", "mine"]


def test_one_request_bought_under_two_spellings_becomes_two_takes(ledger):
    for key, url, account, at in (("j0", HOST, "mine", 1.0), ("j1", SPELLINGS[0], "there", 2.0)):
        ledger.claim(
            dataclasses.replace(record(key=key, status=Status.SUCCEEDED, created_at=at), base_url=url, account=account),
            False,
            lambda: None,
        )

    assert ledger.unite_spellings(HOST, "mine", lambda _: "there") == 1
    assert [ledger.occupying("mine", record().request, take).key for take in (1, 2)] == ["j1", "j0"]
    assert ledger.unite_spellings(HOST, "mine", lambda _: "there") == 0


def test_a_key_is_stored_and_found_under_one_name_and_where_older_versions_put_it(monkeypatch):
    stored = {}
    fake = types.SimpleNamespace(
        get_password=lambda service, name: stored.get((service, name)),
        set_password=lambda service, name, key: stored.update({(service, name): key}),
    )
    monkeypatch.setitem(sys.modules, "keyring", fake)
    write_keyring(HOST, Secret("new"))
    assert list(stored) == [("seedance_nb", "www.seedance2.ink")]
    stored[("seedance_nb", "a.example:443")] = "old"
    assert [read_keyring(url).reveal() for url in (HOST, "https://a.example")] == ["new", "old"]
    assert read_keyring("https://a.example:444") is None
