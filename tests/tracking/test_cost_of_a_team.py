"""`%seedance cost` tells people and projects apart where there are several, and is as before where there are not."""

import pytest
from tracking.doubles import record

from seedance_nb.api.models import Status
from seedance_nb.terminal import overviews
from seedance_nb.tracking.ledger.contract import Spending
from seedance_nb.tracking.ledger.ledger import Ledger

NAMES = ("Day", "Model", "Notebook", "Videos", "Credits", "Saved by reuse")


@pytest.fixture
def bought(ledger):
    """Writes what somebody bought into the ledger; returns its row."""

    def buy(prompt, price, person=None, project=None):
        row = record(
            prompt, person=person, project=project, credits=price, request_id=f"req_{prompt}", status=Status.QUEUED
        )
        return ledger.claim(row, False, lambda: None)[0]

    return buy


def table_of(session):
    headers, rows, _ = overviews.cost(session)
    return headers, [dict(zip(headers, row, strict=True)) for row in rows]


def test_one_person_alone_sees_no_more_columns(bought, session):
    bought("a boat", 40, "ann")
    headers, rows = table_of(session)
    assert (headers, len(rows), rows[-1]["Day"], rows[-1]["Credits"]) == (NAMES, 2, "All", "40")


def test_of_several_each_has_rows_and_a_sum_and_so_have_projects(bought, session):
    bought("a boat", 40, "ann", "boats")
    bought("a plane", 20, "bob", "planes")
    bought("a ship", 10, "bob", "boats")
    bought("an old one", 5)
    headers, rows = table_of(session)
    assert headers == ("Day", "Model", "Notebook", "Person", "Project", "Videos", "Credits", "Saved by reuse")
    assert {(row["Person"], row["Project"], row["Credits"]) for row in rows if not row["Day"].startswith("All")} == {
        ("ann", "boats", "40"),
        ("bob", "planes", "20"),
        ("bob", "boats", "10"),
        ("", "", "5"),
    }
    assert {row["Day"]: row["Credits"] for row in rows if row["Day"].startswith("All")} == {
        "All of person ann": "40",
        "All of person bob": "30",
        "All without a person": "5",
        "All of the project boats": "50",
        "All of the project planes": "20",
        "All without a project": "5",
        "All": "75",
    }


def test_what_reuse_saved_is_the_one_of_whoever_ran_the_cell_again(tmp_path, bought, ledger):
    row = bought("a boat", 40, "ann", "boats")
    ledger.note_reuse(row.key, row.created_at, 40.0, None, "bob", "planes")
    found = {(s.person, s.project): (s.jobs, s.credits, s.saved) for s in Ledger(ledger.path).spending()}
    assert found == {("ann", "boats"): (1, 40.0, 0), ("bob", "planes"): (0, 0, 40.0)}
    assert all(isinstance(s, Spending) for s in ledger.spending())
