"""The ledger and the clips' folder may lie apart from home: by argument or environment; an address is refused without repeating it."""

import pickle

import pytest

from seedance_nb.errors import ConfigurationError
from seedance_nb.settings import resolve
from seedance_nb.tracking.session import Session

SMALL = {"aspect_ratio": "1:1", "resolution": "480p", "duration": 4}


@pytest.fixture(params=["arguments", "environment"])
def apart(request, tmp_path, monkeypatch):
    """A ledger and a clips' folder elsewhere, named so."""
    places = {"ledger": tmp_path / "books" / "mine.sqlite3", "clips": tmp_path / "films"}
    if request.param == "arguments":
        return places, places
    for name, place in places.items():
        monkeypatch.setenv(f"SEEDANCE_{name.upper()}", str(place))
    return {}, places


def test_everything_is_where_it_was_said_to_be(make_session, apart, tmp_path, simulator):
    options, places = apart
    session = make_session(home=tmp_path / "home", **options)
    job = session.submit("a boat", **SMALL)
    clip = job.result(60)
    assert clip.path.parent == places["clips"]
    assert places["ledger"].exists()
    assert not (tmp_path / "home" / "ledger.sqlite3").exists()
    assert not (tmp_path / "home" / "clips").exists()
    assert (places["ledger"].stat().st_mode & 0o777, places["clips"].stat().st_mode & 0o777) == (0o600, 0o700)
    assert pickle.loads(pickle.dumps(job)).clip == clip
    session.close()
    assert make_session(home=tmp_path / "other", **options).submit("a boat", **SMALL).result(60) == clip
    assert len(simulator.scenario.accepted) == 1


def test_places_that_were_named_stay_when_another_setting_moves(make_session, apart, tmp_path):
    options, places = apart
    with make_session(**options).moved(home=tmp_path / "other") as moved:
        assert (moved.settings.ledger, moved.settings.clips) == (places["ledger"], places["clips"])


def test_by_default_both_are_in_home(tmp_path):
    found = resolve(environ={}, home=tmp_path)
    assert (found.ledger, found.clips) == (tmp_path / "ledger.sqlite3", tmp_path / "clips")


@pytest.mark.parametrize("name", ["home", "ledger"])
def test_an_address_is_refused_in_one_line_without_its_password(tmp_path, name):
    for options in (
        {name: "mysql://me:planted@host/db"},
        {"environ": {f"SEEDANCE_{name.upper()}": "s3://planted/x"}},
    ):
        with pytest.raises(
            ConfigurationError, match=rf"^{name} must be a plain path of a \w+, not an address; set SEEDANCE"
        ) as caught:
            resolve(**{"environ": {}, **({} if name == "home" else {"home": tmp_path}), **options})
        assert "planted" not in str(caught.value)


def test_the_wrong_kind_of_place_is_refused(tmp_path):
    (tmp_path / "a-file").touch()
    for options in ({"ledger": tmp_path}, {"clips": tmp_path / "a-file"}, {"ledger": 5}, {"clips": "a\0b"}):
        with pytest.raises(ConfigurationError, match="must be a f"):
            Session(home=tmp_path, **options)
