"""Whatever follows jobs needs no more of a ledger than its contract says."""

import inspect

import pytest

from seedance_nb.tracking.ledger import contract
from seedance_nb.tracking.ledger.ledger import Ledger

PARTS = {
    "browsing": contract.Browsing,
    "experience": contract.Experience,
    "accounts": contract.Accounts,
    "limits": contract.Limits,
    "pace": contract.Pace,
    "members": contract.Members,
    "votes": contract.Votes,
    "studies": contract.Studies,
    "registrations": contract.Registrations,
    "races": contract.Races,
}


def names_of(protocol):
    return [name for name in vars(protocol) if not name.startswith("_")]


@pytest.mark.parametrize("part", [None, *PARTS])
def test_the_ledger_has_all_that_the_contract_names_with_the_same_arguments(tmp_path, part):
    """mypy checks the types; this is for what is not annotated, and for names of arguments."""
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    made, protocol = (ledger, contract.Store) if part is None else (getattr(ledger, part), PARTS[part])
    for name in names_of(protocol):
        promised = vars(protocol)[name]
        found = getattr(made, name)
        if inspect.isfunction(promised):
            wanted = list(inspect.signature(promised).parameters)[1:]
            assert list(inspect.signature(found).parameters)[: len(wanted)] == wanted
    ledger.close()


def test_a_ledger_shows_its_jobs_to_whoever_holds_it_by_its_old_names_too(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    for name in ("jobs", "spending", "rate", "lives", "add_votes", "withdraw_vote", "votes_among"):
        assert callable(getattr(ledger, name))
    ledger.close()
