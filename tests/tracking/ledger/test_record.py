"""A field that is kept stands once: picture, row, card and table have it from there."""

import dataclasses

import pytest
from tracking.doubles import record

from seedance_nb import snapshot as snapshots
from seedance_nb.api.models import Generation, Status, VideoRequest
from seedance_nb.clips.store import Clips
from seedance_nb.grids.axes import Cell
from seedance_nb.grids.export.table import make_table
from seedance_nb.grids.picture import GridPicture, Tile
from seedance_nb.notebook.card.job_card import card_view
from seedance_nb.snapshot import EXPORTED, KEPT, Snapshot, kept_of, news_in
from seedance_nb.tracking.following.picture import snapshot_of
from seedance_nb.tracking.ledger.record import COLUMNS, Record, cells_of

SEARCHED_BY = {"request_hash", "model", "duration", "resolution", "number"}
REQUEST = VideoRequest(prompt="a boat", duration=5)


def filled():
    """A row with a value in every column."""
    values = {
        "int": 7,
        "float": 7.5,
        "str": "seven",
        "bool": True,
        "Mapping[str,": {"queue": {"place": 3}, "said": "äöü"},
    }
    own = {"request": REQUEST, "status": Status.SUCCEEDED, "clip": {"file": "x.mp4"}}
    plain = {f.name: values[f.type.split()[0]] for f in dataclasses.fields(Record) if f.name not in own}
    return Record(**own, **plain)


def test_the_file_has_a_column_for_every_field_and_for_nothing_else(ledger):
    ledger.jobs()
    found = {column["name"] for column in ledger.file.read("PRAGMA table_info(jobs)")}

    assert found == set(COLUMNS) | SEARCHED_BY


def test_every_field_comes_back_from_the_file_as_it_was_written(ledger):
    ledger.claim(filled(), False, lambda: None)

    [found] = ledger.jobs()
    assert found == dataclasses.replace(filled(), day=found.day)  # which the ledger says
    assert {name: type(getattr(found, name)) for name in COLUMNS} == {
        name: type(getattr(filled(), name)) for name in COLUMNS
    }


def test_the_picture_of_a_row_has_all_that_both_know(tmp_path):
    clips = Clips(tmp_path / "clips")

    assert kept_of(snapshot_of(filled(), clips)) == kept_of(filled())
    assert set(KEPT) <= set(cells_of(filled()))
    clips.close()


def test_what_an_answer_says_anew_is_news():
    def answer(**said):
        return Generation(request_id="req_1", status=Status.QUEUED, status_text="queued", **said)

    assert news_in(answer(simulated=True), record()) == {"simulated": True}
    assert news_in(answer(simulated=True), record(simulated=True)) == {}
    assert news_in(answer(), record(simulated=True)) == {}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OneMore(Snapshot):
    place: int | None = snapshots._kept(shown="in place {}")


@pytest.mark.parametrize(("place", "said"), [(None, ""), (0, " · in place 0"), (3, " · in place 3")])
def test_a_card_says_what_has_words(place, said):
    usual = kept_of(record(status=Status.QUEUED, credits=40.0))

    assert card_view(OneMore(**usual, place=place), 2000.0)["facts"] == f"40 credits{said}"


def test_what_is_exported_has_a_column_of_its_own(tmp_path):
    known = Snapshot(**{**kept_of(filled()), **{name: getattr(filled(), name) for name in EXPORTED}})
    table = make_table(GridPicture((), (Tile(Cell(0, {}, REQUEST, 1), known),), submitted=True), {})

    assert {"estimate"} <= set(EXPORTED)
    assert {name: table.rows[0][name] for name in EXPORTED} == {name: getattr(filled(), name) for name in EXPORTED}
