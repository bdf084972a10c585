import pytest

from seedance_nb.simulator import Fault, Simulator
from seedance_nb.tracking.checkup import check_up
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.session import Session

KEY = "sd2_planted_key_0123456789"


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as simulator:
        yield simulator


def findings(session):
    with session:
        return {finding.what: finding for finding in check_up(session)}


def test_everything_in_place_is_a_line_each_that_says_ok(simulator, tmp_path):
    found = findings(Session(api_key=KEY, base_url=simulator.base_url, home=tmp_path))
    assert [what for what, finding in found.items() if not finding.ok] == []
    assert set(found) == {
        "versions",
        "key",
        "limits",
        "ledger",
        "folder",
        "codecs",
        "fonts",
        "keyring",
        "network",
        "service",
        "webhooks",
    }
    assert all(len(str(finding).splitlines()) == 1 for finding in found.values())


def test_the_key_is_never_shown(simulator, tmp_path):
    found = findings(Session(api_key=KEY, base_url=simulator.base_url, home=tmp_path))
    assert KEY not in " ".join(map(str, found.values()))


def test_without_a_key_it_says_how_to_give_one(simulator, tmp_path):
    found = findings(Session(base_url=simulator.base_url, home=tmp_path))
    assert (found["key"].ok, "%seedance login" in found["key"].cure) == (False, True)


def test_a_refused_key_is_told_from_a_service_that_is_away(simulator, tmp_path):
    simulator.add_fault(Fault("models", "status", http_status=401))
    refused = findings(Session(api_key=KEY, base_url=simulator.base_url, home=tmp_path))["service"]
    away = findings(Session(api_key=KEY, base_url="http://127.0.0.1:9", home=tmp_path))["service"]
    assert ("refuses the key" in refused.found, "SEEDANCE_BASE_URL" in away.cure) == (True, True)


def test_a_damaged_ledger_is_found(simulator, tmp_path):
    (tmp_path / "ledger.sqlite3").write_bytes(b"this is no database at all" * 200)
    found = findings(Session(api_key=KEY, base_url=simulator.base_url, home=tmp_path))["ledger"]
    assert (found.ok, "damaged" in found.cure) == (False, True)


def test_a_sound_ledger_is_called_sound(simulator, tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    ledger.jobs()
    ledger.close()
    found = findings(Session(api_key=KEY, base_url=simulator.base_url, home=tmp_path))["ledger"]
    assert (found.ok, "sound" in found.found) == (True, True)


def test_the_check_up_sends_no_create(simulator, tmp_path):
    before = simulator.calls["create"]
    findings(Session(api_key=KEY, base_url=simulator.base_url, home=tmp_path))
    assert simulator.calls["create"] == before
