"""A day of two members who share a ledger on a server: everything a session does, does so there too."""

import pytest
from grids.racing.electorate import vote
from promises.stage import SMALL, accepted, session_at, settled, submit

from seedance_nb.grids.opening import open_grid
from seedance_nb.tracking.ledger.vote import Choice, Vote
from seedance_nb.tracking.session import Session

PROMPTS = ["a cat", "a dog", "a hen"]


@pytest.fixture
def members(server, simulator, tmp_path, monkeypatch):
    """Two members: their own folders, one ledger, and one account by its name."""
    monkeypatch.setenv("SEEDANCE_LEDGER", server.new_schema())
    monkeypatch.setenv("SEEDANCE_ACCOUNT", "lab")
    with (
        session_at(simulator.base_url, tmp_path / "ann", key="ann-key") as ann,
        session_at(simulator.base_url, tmp_path / "bob", key="bob-key") as bob,
    ):
        yield ann, bob


def test_what_one_has_bought_the_other_has_and_sees_in_all_lists(members, simulator):
    ann, bob = members
    bought = settled(submit(ann))
    had = settled(submit(bob))
    assert (had.request_id, had.reused, had.credits) == (bought.request_id, True, 0)
    assert had.clip.sha256 == bought.clip.sha256
    assert accepted(simulator) == 1
    bought.star()
    bought.note("Très belle")
    assert [job.key for job in bob.jobs(starred=True, text="TRÈS")] == [bought.key]
    [spent] = bob.spending()
    assert (spent.jobs, spent.credits, spent.saved) == (1, bought.credits, bought.credits)
    assert bob.resume() == []
    assert bob.attach(bought.request_id).request_id == bought.request_id


def test_a_grid_its_votes_and_its_export_are_of_both(members, simulator, tmp_path):
    ann, bob = members
    grids = [open_grid(member, PROMPTS, takes=2, **SMALL) for member in members]
    assert "6" in str(grids[0].plan)
    assert all(job.clip for job in grids[0].submit().jobs if job.result(60))
    grids[1].submit().result(60)
    assert accepted(simulator) == 6
    keys = [job.key for job in grids[0].jobs]
    ann.ask_ledger(lambda ledger: ledger.add_votes([Vote("v1", "Ann", "overall", keys[0], keys[2], Choice.LEFT, 1.0)]))
    bob.ask_ledger(lambda ledger: ledger.add_votes([Vote("v2", "Bob", "overall", keys[2], keys[4], Choice.TIE, 2.0)]))
    assert len(bob.ask_ledger(lambda ledger: ledger.votes_among(keys))) == 2
    grids[1].export(tmp_path / "votes.csv")
    grids[1].export(tmp_path / "table.csv")
    assert (tmp_path / "votes.csv").read_text().count("\n") == 3
    assert "a hen" in (tmp_path / "table.csv").read_text()


def test_a_race_goes_on_at_a_colleagues(members, simulator):
    first, second = (open_grid(member, PROMPTS, **SMALL).race(by="prompt", max_credits=400.0) for member in members)
    first.submit().result(60)
    vote(first, {"… cat": 0.3, "… dog": 0.0, "… hen": -5.0})
    first.step()
    before = accepted(simulator)
    second.submit().result(60)
    assert len(second.rounds) == len(first.rounds) == 1
    first.submit().result(60)
    assert all(accepted(simulator, prompt) <= 8 for prompt in PROMPTS)
    assert accepted(simulator) >= before


def test_each_members_own_simulator_has_its_own_films(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SEEDANCE_LEDGER", server.new_schema())
    for name in ("ann", "bob"):
        with Session(base_url="simulator", home=tmp_path / name) as member:
            job = settled(submit(member))
            assert (job.reused, job.clip is not None) == (False, True)
            assert settled(submit(member)).reused is True
