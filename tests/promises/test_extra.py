"""Fields that this package does not know: sent as given, part of the identity, kept of the answers. Counted at the service."""

import json

import pytest
from promises.stage import SMALL, accepted, settled, submit

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.export.csv_table import read_csv
from seedance_nb.grids.opening import open_grid
from seedance_nb.pages.job_page import job_html
from seedance_nb.pages.words import plain

KEY = "sd-key-that-nobody-may-see"


def body_of(simulator, index=-1):
    return simulator.scenario.accepted[index].body


def test_they_are_sent_as_given_and_bought_once(simulator, session):
    one = settled(submit(session, extra={"seed": 7, "style": "soft light"}))
    again = settled(submit(session, extra={"style": "soft light", "seed": 7.0}))
    other = settled(submit(session, extra={"seed": 8}))
    without = settled(submit(session))

    assert accepted(simulator) == 3
    assert [job.reused for job in (one, again, other, without)] == [False, True, False, False]
    assert body_of(simulator, 0) == {**without.request.to_wire(), "seed": 7, "style": "soft light"}
    assert "extra" not in body_of(simulator, 0)


def test_card_receipt_and_page_show_them(session):
    job = settled(submit(session, extra={"seed": 7, "style": "<b>"}))

    assert 'seed=7 · style="<b>"' in plain(job.snapshot)
    html = job_html(job.snapshot, 10**7)
    assert "seed=7" in html
    assert "<b>" not in html


def test_what_the_service_answers_beyond_what_is_read_outlives_the_process(simulator, session_of):
    first = session_of(simulator)
    job = settled(submit(first, extra={"seed": 7, "camera": {"pan": 1}}))
    assert job.answer_extra == {"seed": 7, "camera": {"pan": 1}}
    first.close()

    [found] = session_of(simulator).jobs()
    assert found.answer_extra == {"seed": 7, "camera": {"pan": 1}}
    assert found.request.extra == {"seed": 7, "camera": {"pan": 1}}


@pytest.mark.parametrize(
    "extra", [{"Duration": 9}, {"a b": 1}, {"seed": float("nan")}, {"note": b"x"}, {"note": f"my {KEY}"}]
)
def test_what_is_refused_sends_nothing(simulator, session_of, extra):
    session = session_of(simulator, key=KEY)
    refused = submit(session, extra=extra)

    assert isinstance(refused, InvalidRequest)
    assert (KEY in str(refused), "nothing was sent" in str(refused), "\n" in str(refused)) == (False, True, False)
    assert (accepted(simulator), session.jobs()) == (0, [])


def test_a_grid_that_holds_the_key_sends_nothing(simulator, session_of):
    session = session_of(simulator, key=KEY)
    grid = open_grid(session, "a boat", extra=[{"seed": 1}, {"note": KEY}], **SMALL)

    with pytest.raises(InvalidRequest, match="the API key stands in this request"):
        grid.submit()
    assert accepted(simulator) == 0


def test_they_are_an_axis_of_a_grid_and_come_back_from_manifest_and_table(simulator, session, tmp_path):
    grid = open_grid(session, "a boat", extra=[{"seed": 1}, {"seed": 2}, None], **SMALL)
    assert (grid.axes.names, grid.plan.new) == (("extra",), 3)
    grid.submit()
    grid.result(60)

    assert {entry.body.get("seed") for entry in simulator.scenario.accepted} == {1, 2, None}
    assert accepted(simulator) == 3
    manifest, table = grid.export(tmp_path / "boats.json"), grid.export(tmp_path / "boats.csv")
    cells = json.loads(manifest.read_text("utf-8"))["cells"]
    assert [cell["request"]["extra"] for cell in cells] == [{"seed": 1}, {"seed": 2}, None]
    assert [cell["answer_extra"] for cell in cells] == [{"seed": 1}, {"seed": 2}, None]
    rows = read_csv(table)
    assert [row["extra"] for row in rows] == [row["answer_extra"] for row in rows] == [{"seed": 1}, {"seed": 2}, None]
    for again in (open_grid(session, manifest), open_grid(session, [{"prompt": row["prompt"], "extra": row["extra"]} for row in rows], raw=True, **SMALL)):  # fmt: skip
        assert (again.plan.count("have it"), again.plan.new) == (3, 0)


def test_a_manifest_of_the_version_before_still_opens(session, tmp_path):
    path = open_grid(session, "a boat", **SMALL).export(tmp_path / "boats.json")
    manifest = json.loads(path.read_text("utf-8"))
    for cell in manifest["cells"]:
        del cell["request"]["extra"]
    path.write_text(json.dumps(manifest), "utf-8")

    assert open_grid(session, path).plan.new == 1
