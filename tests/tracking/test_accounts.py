"""A key nobody has said anything about asks before it buys again what another key of the same host has; the answer is kept, no key is."""

import pytest
from tracking.doubles import until

from seedance_nb.errors import ConfigurationError
from seedance_nb.grids.opening import open_grid
from seedance_nb.simulator import Pace, Simulator
from seedance_nb.tracking.session import Session

SMALL = {"aspect_ratio": "1:1", "resolution": "480p", "duration": 4}
AXES = {name: [value] for name, value in SMALL.items()}


def accepted(simulator):
    return len(simulator.scenario.accepted)


@pytest.fixture
def boat(make_session):
    """A video that the first key has; its clip."""
    with make_session(api_key="first") as session:
        return session.submit("a boat", **SMALL).result(60)


def asks(session, simulator, prompt="a boat"):
    """Whether it asks before it buys, and sends nothing."""
    before = accepted(simulator)
    with pytest.raises(ConfigurationError, match=r"%seedance account same \(\w+\) or %seedance account new") as caught:
        session.submit(prompt, **SMALL).result(60)
    assert "\n" not in str(caught.value)
    assert "nothing was submitted" in str(caught.value)
    return accepted(simulator) == before


def test_a_new_key_asks_once_and_the_same_account_costs_nothing(make_session, simulator, boat):
    session = make_session(api_key="second")
    assert asks(session, simulator)
    session.ownership.say("same")
    assert session.submit("a boat", **SMALL).result(60) == boat
    assert make_session(api_key="second").submit("a boat", **SMALL).result(60) == boat
    assert accepted(simulator) == 1


def test_a_third_key_is_the_same_account_as_the_second_was(make_session, simulator, boat):
    make_session(api_key="second").ownership.say("same")
    third = make_session(api_key="third")
    assert asks(third, simulator)
    third.ownership.say("same")
    assert third.submit("a boat", **SMALL).result(60) == boat
    assert third.account == make_session(api_key="first").account


def test_a_new_account_buys_its_own_and_is_not_asked_again(make_session, simulator, boat):
    session = make_session(api_key="second")
    assert asks(session, simulator)
    session.ownership.say("new")
    clip = make_session(api_key="second").submit("a boat", **SMALL).result(60)
    assert (accepted(simulator), clip == boat) == (2, False)
    assert make_session(api_key="first").submit("a boat", **SMALL).result(60) == boat


def test_the_first_key_and_what_only_it_or_nobody_has_ask_nothing(make_session, simulator, boat):
    make_session(api_key="second").submit("a plane [fail]", **SMALL)
    assert until(lambda: accepted(simulator) == 2)
    make_session(api_key="first").submit("a plane [fail] again", **SMALL)
    assert until(lambda: accepted(simulator) == 3)
    session = make_session(api_key="second")
    session.submit("a boat", **SMALL, fresh=True)  # bought on purpose
    assert until(lambda: accepted(simulator) == 4)


def test_the_first_key_is_never_asked(make_session, simulator, boat):
    make_session(api_key="second").submit("a plane", **SMALL).result(60)
    make_session(api_key="first").submit("a plane", **SMALL).result(60)
    assert accepted(simulator) == 3


def test_what_failed_before_is_no_reason_to_ask(make_session, simulator):
    with make_session(api_key="first") as session:
        assert until(session.submit("a boat [fail]", **SMALL).done)
    make_session(api_key="second").submit("a boat [fail]", **SMALL)
    assert until(lambda: accepted(simulator) == 2)


def test_a_grid_asks_before_any_of_its_cells_is_sent(make_session, simulator, boat):
    session = make_session(api_key="second")
    grid = open_grid(session, ["a train [fail]", "a boat"], **AXES)
    with pytest.raises(ConfigurationError, match="%seedance account same"):
        grid.submit()
    assert (accepted(simulator), grid.jobs) == (1, [None, None])
    session.ownership.say("same")
    assert grid.submit().result(60)[1] == boat
    assert accepted(simulator) == 2


def test_what_is_unfinished_is_asked_about_too(make_session, simulator):
    with make_session(api_key="first") as session:
        job = session.submit("a boat [stuck]", **SMALL)
        assert until(lambda: job.request_id)
    session = make_session(api_key="second")
    with pytest.raises(ConfigurationError, match="1 unfinished job of another key"):
        session.resume()
    assert asks(session, simulator, "a boat [stuck]")
    session.ownership.say("same")
    assert [found.request_id for found in session.resume()] == [job.request_id]


def test_what_the_second_key_made_before_it_was_asked_belongs_to_the_account_too(make_session, simulator, boat):
    second = make_session(api_key="second")
    plane = second.submit("a plane", **SMALL).result(60)
    second.ownership.say("same")
    assert make_session(api_key="first").submit("a plane", **SMALL).result(60) == plane
    assert accepted(simulator) == 2


def test_an_answer_of_another_notebook_is_heard(make_session, simulator, boat):
    session = make_session(api_key="second")
    assert asks(session, simulator)
    make_session(api_key="second").ownership.say("same")
    assert session.submit("a boat", **SMALL).result(60) == boat
    assert accepted(simulator) == 1


def test_a_name_given_later_asks(make_session, simulator, boat):
    assert asks(make_session(api_key="first", account="us"), simulator)
    make_session(api_key="first", account="us").ownership.say("same")
    assert make_session(api_key="other", account="us").submit("a boat", **SMALL).result(60) == boat
    assert accepted(simulator) == 1


def test_two_names_that_differ_are_two_accounts(make_session, simulator):
    for name in ("alice", "bob"):
        make_session(api_key=f"key-of-{name}", account=name).submit("a boat", **SMALL).result(60)
    assert accepted(simulator) == 2


def test_of_several_accounts_one_has_to_be_named(make_session, boat):
    make_session(api_key="second").ownership.say("new")
    with make_session(api_key="second") as second:
        second.submit("a boat", **SMALL).result(60)
        second_account = second.account
    third = make_session(api_key="third")
    with pytest.raises(ConfigurationError, match="say which"):
        third.ownership.say("same")
    with pytest.raises(ConfigurationError, match="say which"):
        third.ownership.say("same", "nobody")
    assert third.ownership.say("same", second_account[:6]) == second_account
    for wrong in ("old", ""):
        with pytest.raises(ConfigurationError, match='say "same" or "new"'):
            third.ownership.say(wrong)


def test_no_key_is_in_the_ledger(make_session, boat, tmp_path):
    make_session(api_key="sd2_test_planted").ownership.say("same")
    assert b"planted" not in (tmp_path / "ledger.sqlite3").read_bytes()


def test_the_built_in_simulator_never_asks(tmp_path):
    with (
        Session(base_url="simulator", home=tmp_path) as session,
        pytest.raises(ConfigurationError, match="one account"),
    ):
        session.ownership.say("same")


def test_another_host_is_another_account(make_session, boat, quick_films):
    with Simulator(pace=Pace(0.02, 0.02, 0)) as other:
        make_session(api_key="second", base_url=other.base_url).submit("a boat", **SMALL).result(60)
        assert accepted(other) == 1
