"""`%seedance limit` and `sd.limit`: what is typed becomes a limit of the ledger, and what cannot be meant changes nothing."""

import pytest
from tracking.doubles import until

from seedance_nb.api.models import make_request
from seedance_nb.errors import BudgetExceeded, ConfigurationError
from seedance_nb.settings import resolve
from seedance_nb.terminal import overviews
from seedance_nb.tracking.ledger.contract import SpendingLimit
from seedance_nb.tracking.limiting import allowance_of, by_words, set_limit, standings

FAIL = {"aspect_ratio": "1:1", "resolution": "720p", "duration": 5}


def limits_after(session, *words):
    return [standing.limit for standing in by_words(session, words)]


def test_what_is_typed_is_what_is_kept(session):
    assert limits_after(session) == []
    assert limits_after(session, "1,000", "--per", "day") == [SpendingLimit(1000, "day")]
    assert SpendingLimit(50, "ever", "ann", "boats") in limits_after(
        session, "50", "--person", "Ann ", "--project=Boats", "--per=ever"
    )
    limits_after(session, "off", "--per", "day")
    assert limits_after(session, "off", "--per", "ever", "--person", "ANN", "--project", "boats") == []


@pytest.mark.parametrize(
    "words",
    [
        ["5"],
        ["--per", "day"],
        ["5", "--per", "week"],
        ["5", "--per", "day", "of", "them"],
        ["-5", "--per", "day"],
        ["nan", "--per", "day"],
        ["5", "6", "--per", "day"],
        ["5", "--per", "day", "--person", "  "],
        ["5", "--per", "day", "--person", "*"],
        ["5", "--per", "day", "--per", "month"],
        ["off", "--per", "day"],
    ],
)
def test_what_cannot_be_meant_changes_no_limit(session, words):
    with pytest.raises(ConfigurationError):
        by_words(session, words)
    assert standings(session) == []


@pytest.mark.parametrize(
    ("words", "named"), [(["5.5", "creates"], "creates at once"), (["0", "calls"], "calls a minute")]
)
def test_a_pace_that_cannot_be_kept_is_named_as_it_was_typed(session, words, named):
    with pytest.raises(ConfigurationError, match=named):
        by_words(session, words)


def test_a_limit_holds_at_once_in_a_session_that_goes_on(session, simulator):
    session.submit("a boat [fail]", **FAIL)
    set_limit(session, 79, per="day", person=None, project=None)
    with pytest.raises(BudgetExceeded, match="has 39 left and this may cost 40"):
        session.submit("a plane [fail]", **FAIL)
    assert until(lambda: len(simulator.scenario.accepted) == 1)


def test_fields_that_nobody_has_a_price_for_are_not_sent_under_a_limit(session, simulator):
    set_limit(session, 1000, per="day", person=None, project=None)
    with pytest.raises(BudgetExceeded, match="nobody knows what this costs, so the limit of 1,000 credits a day"):
        session.submit("a boat [fail]", extra={"motion": "high"}, **FAIL)
    assert len(simulator.scenario.accepted) == 0


def test_a_person_and_a_project_are_those_of_the_session_and_can_be_changed(make_session):
    session = make_session(person="Ann", project="Boats")
    job = session.submit("a boat [fail]", **FAIL)
    session.change(person="bob", project="")
    other = session.submit("a plane [fail]", **FAIL)
    assert [(j.snapshot.person, j.snapshot.project) for j in (job, other)] == [("ann", "boats"), ("bob", None)]
    assert until(lambda: {(s.person, s.project) for s in session.spending()} == {("ann", "boats"), ("bob", None)})


def test_who_a_person_is_is_said_or_the_one_at_the_hub_or_of_the_login(tmp_path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "login")
    hub = {"JUPYTERHUB_USER": "Ann"}
    found = [resolve(environ=env, folder=tmp_path).person for env in ({}, hub, {**hub, "SEEDANCE_PERSON": " Bob"})]
    assert [*found, resolve(environ=hub, folder=tmp_path, person="cyd").person] == ["login", "ann", "bob", "cyd"]


def test_a_project_is_said_in_the_project_file_and_a_person_is_not(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.seedance_nb]\nproject = "Boats"\n')
    assert resolve(environ={}, folder=tmp_path).project == "boats"
    assert resolve(environ={"SEEDANCE_PROJECT": "planes"}, folder=tmp_path).project == "planes"
    (tmp_path / "pyproject.toml").write_text('[tool.seedance_nb]\nperson = "ann"\n')
    assert "person" in (resolve(environ={}, folder=tmp_path).limits_trouble or "")


def test_the_table_says_what_is_left_and_when_it_renews(make_session):
    session = make_session(person="ann")
    session.submit("a boat [fail]", **FAIL)
    by_words(session, ["100", "--per", "month", "--person", "each"])
    headers, [row], caption = overviews.limits(standings(session), allowance_of(session))
    assert dict(zip(headers, row, strict=True)) | {"Renews": ""} == {
        "Credits": "100 a month",
        "Person": "ann",
        "Project": "all",
        "Used": "40",
        "Left": "60",
        "Renews": "",
    }
    assert "00:00 UTC" in caption


def test_a_dry_run_says_which_limit_would_refuse_it(session, simulator):
    request = make_request("a boat", **FAIL)
    assert not [line for line in overviews.dry_run(session, request) if line.startswith("would be refused")]
    by_words(session, ["39", "--per", "day"])
    [said] = [line for line in overviews.dry_run(session, request) if line.startswith("would be refused")]
    assert said.startswith(
        "would be refused: the limit of 39 credits a day has 39 left and this may cost 40: nothing was sent"
    )
    assert simulator.calls["create"] == 0
