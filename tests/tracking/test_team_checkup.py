"""`doctor --team` asks for all that a team shares, a line each with the cure, and shows no secret."""

import pytest
from postgres_server import PASSWORD
from tracking.references.bucket import S3, SECRET, access

from seedance_nb import cli
from seedance_nb._version import __version__
from seedance_nb.tracking.ledger.contract import SpendingLimit
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.team_checkup import check_up_team

KEY = "sd2_planted_key_0123456789"
FAIL = {"aspect_ratio": "1:1", "resolution": "720p", "duration": 5}
OF_A_TEAM = ("person", "project", "shared", "writing", "clips", "limits", "members")


def findings(session):
    found = [one for one in check_up_team(session) if one.what in OF_A_TEAM]
    assert all(len(str(one).splitlines()) == 1 for one in found)
    return {one.what: one for one in found}  # of limits the last: those of the ledger


@pytest.fixture
def s3(monkeypatch):
    for name, value in access().items():
        monkeypatch.setenv(name, value)
    server = S3()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def member(make_session, tmp_path):
    def make(person, **options):
        shared = {"ledger": tmp_path / "shared.sqlite3", "api_key": KEY, "home": tmp_path / person}
        return make_session(person=person, **{**shared, **options})

    return make


def set_limit(tmp_path, **whose):
    ledger = Ledger(tmp_path / "shared.sqlite3")
    ledger.limits.set(SpendingLimit(200, "day", **whose))
    ledger.close()


def test_a_team_in_order_is_all_right_and_no_secret_is_shown(member, tmp_path, s3):
    set_limit(tmp_path, person="each")
    session = member("ann", clips=s3.place, project="boats")
    found = findings(session)
    assert [str(one) for one in found.values() if not one.ok] == []
    assert found["person"].found == "ann"
    assert found["project"].found == "boats"
    assert found["limits"].found == "the limit of 200 credits a day for person ann, 200 left"
    assert found["members"].found.startswith(f"ann {__version__} (20")
    assert str(tmp_path / "shared.sqlite3") in found["shared"].found
    told = " ".join(map(str, check_up_team(session)))
    assert KEY not in told
    assert SECRET not in told


def test_what_is_not_shared_is_said_with_the_cure(make_session):
    found = findings(make_session(person="root"))
    assert {what: one.ok for what, one in found.items()} == {
        "person": False,
        "project": True,
        "shared": False,
        "writing": True,
        "clips": False,
        "limits": False,
        "members": True,
    }
    assert "SEEDANCE_LEDGER" in found["shared"].cure
    assert "SEEDANCE_CLIPS" in found["clips"].cure
    assert "SEEDANCE_PERSON" in found["person"].cure
    assert "--person each" in found["limits"].cure


def test_a_limit_of_somebody_else_is_none_here(member, tmp_path):
    set_limit(tmp_path, person="bob")
    assert not findings(member("ann"))["limits"].ok


def test_a_member_with_another_version_is_named(member):
    session = member("ann")
    session.ask_ledger(lambda ledger: ledger.members.seen("bob", "0.0.1"))
    found = findings(session)["members"]
    assert (found.ok, "bob 0.0.1" in found.found, "pip install -U" in found.cure) == (False, True, True)


def test_who_buys_is_a_member_from_then_on(member):
    member("bob").submit("a boat [fail]", **FAIL).wait_in_slices(20)
    found = findings(member("ann"))["members"]
    assert (found.ok, "bob" in found.found, "ann" in found.found) == (True, True, True)


def test_a_ledger_that_cannot_be_written_is_said_once_and_ends_it(member, tmp_path):
    set_limit(tmp_path)
    (tmp_path / "shared.sqlite3").write_bytes(b"this is no database at all" * 200)
    found = findings(member("ann"))
    assert not found["writing"].ok
    assert "members" not in found


def test_the_shell_asks_for_the_team_and_says_2_where_something_is_missing(
    monkeypatch, tmp_path, capsys, no_kernel_session
):
    monkeypatch.setenv("SEEDANCE_BASE_URL", "simulator")
    monkeypatch.setenv("SEEDANCE_HOME", str(tmp_path))
    assert cli.main(["doctor", "--team"]) == 2
    said = capsys.readouterr().out
    assert "NO  shared" in said
    assert "NO  limits" in said


def test_of_a_ledger_on_a_server_the_same_is_asked_and_its_password_not_shown(make_session, server):
    place = server.new_schema()
    session = make_session(person="ann", ledger=place)
    session.ask_ledger(lambda ledger: ledger.limits.set(SpendingLimit(200, "day", person="each")))
    found = findings(session)
    assert [what for what, one in found.items() if not one.ok] == ["clips"]
    assert found["shared"].found.startswith("the ledger is postgresql://127.0.0.1:")
    assert PASSWORD not in " ".join(map(str, check_up_team(session)))
