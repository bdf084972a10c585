"""The manifest alone, with the ledger, gives the grid back at no cost; it holds no key and no path of this machine."""

import json
import shutil
from pathlib import Path

import pytest
from grids.stage import PATIENCE, accepted, session_at, small

from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.grid import Grid
from seedance_nb.grids.opening import open_grid
from seedance_nb.simulator import Fault


def same_places(one, other):
    return [(dict(c.values), c.request, c.take) for c in one.cells] == [
        (dict(c.values), c.request, c.take) for c in other.cells
    ]


def test_a_manifest_in_a_new_folder_rebuilds_the_grid_without_a_create(simulator, session_of, tmp_path):
    home, elsewhere = tmp_path, tmp_path / "elsewhere"
    elsewhere.mkdir()
    template = ["a {animal} jumps", "the {animal} sleeps"]
    grid = small(session_of(simulator), template, animal=["cat", "dog"], duration=[4, 5], takes=2).submit()
    grid.result(PATIENCE)
    shutil.move(grid.export(elsewhere / "grid.json"), elsewhere / "moved.json")

    with session_at(simulator.base_url, home) as session:
        again = open_grid(session, elsewhere / "moved.json")
        assert same_places(grid, again)
        assert (again.axes.names, again.plan.new) == (grid.axes.names, 0)
        assert again.submit().result(PATIENCE) == grid.result()
        assert (accepted(simulator), again.picture().credits) == (16, 0)


def test_a_rebuilt_grid_can_get_more_takes(simulator, session, tmp_path):
    grid = small(session, "a {x}", x=["cat", "dog"]).submit()
    grid.result(PATIENCE)
    again = Grid.from_manifest(grid.export(tmp_path / "grid.json"), session).submit()
    again.extend(takes=3).result(PATIENCE)
    assert (len(again), again.axes.names, accepted(simulator)) == (6, ("x", "take"), 6)
    with pytest.raises(InvalidRequest, match="write its axes again"):
        again.extend(x=["hen"])


def test_the_path_of_a_manifest_as_text_works_and_takes_and_where_choose(session, tmp_path):
    path = str(small(session, "a {x}", x=["cat", "dog"]).export(tmp_path / "grid.json"))
    again = open_grid(session, path, takes=2, where=lambda c: c.x == "dog")
    assert [(c.values["x"], c.take) for c in again.cells] == [("dog", 1), ("dog", 2)]
    with pytest.raises(InvalidRequest, match="has its axes already"):
        open_grid(session, path, model=["seedance-2.0"])
    assert open_grid(session, "no_such_file.json").cells[0].request.prompt == "no_such_file.json"


def test_all_fields_and_odd_cells_come_back_as_they_were(session, tmp_path):
    rows = [
        {"prompt": "a {{cat}}", "media_urls": ["https://a/1.png"], "metadata": {"shot": [1, 2]}, "take": 3},
        {"prompt": "a dog", "duration": 99, "webhook_url": "https://b/hook", "take": 1},
        {"prompt": 5, "take": 1},
    ]
    grid = open_grid(session, rows)
    again = Grid.from_manifest(grid.export(tmp_path / "grid.json"), session)
    assert [(c.request, c.take) for c in again.cells] == [(c.request, c.take) for c in grid.cells]
    assert again.cells[0].request.prompt == "a {cat}"
    assert [bool(c.invalid) for c in again.cells] == [False, True, True]


def test_videos_bought_fresh_come_back_under_their_own_takes(simulator, session, tmp_path):
    small(session, "a cat").submit().result(PATIENCE)
    grid = small(session, "a cat").submit(fresh=True)
    clips = grid.result(PATIENCE)
    again = Grid.from_manifest(grid.export(tmp_path / "grid.json"), session)
    assert (again.cells[0].take, again.submit().result(PATIENCE), accepted(simulator)) == (2, clips, 2)


def test_the_manifest_holds_everything_of_a_cell_but_no_key_and_no_path(simulator, session, tmp_path):
    simulator.add_fault(Fault("create", "status", None, match="dog", http_status=400, body={"error": f"in {tmp_path}"}))
    grid = small(session, ["a cat", "a dog"]).submit()
    clip = grid.result(PATIENCE)[0]
    text = grid.export(tmp_path / "grid.json").read_text()
    found = json.loads(text)
    cat = found["cells"][0]
    assert (found["format"], found["counts"]["done"], found["credits"], found["votes"]) == (
        "seedance_nb grid",
        1,
        20,
        None,
    )
    assert cat["request"]["prompt"] == "a cat"
    assert (cat["request_id"], cat["job"], cat["take"]) == (grid.jobs[0].request_id, grid.jobs[0].key, 1)
    assert (cat["credits"], cat["clip"]["sha256"], cat["clip"]["file"]) == (20, clip.sha256, clip.path.name)
    assert cat["accepted_at"].endswith("Z")
    assert cat["epoch"]["accepted_at"] == grid.jobs[0].snapshot.accepted_at
    assert "a-key" not in text
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text


def test_after_reuse_the_manifest_still_says_what_the_videos_cost(simulator, session_of, tmp_path):
    small(session_of(simulator), ["a cat", "a dog"]).submit().result(PATIENCE)
    grid = small(session_of(simulator), ["a cat", "a dog"]).submit()
    grid.result(PATIENCE)
    found = json.loads(grid.export(tmp_path / "grid.json").read_text())
    assert (found["credits"], found["credits_now"], found["cells"][0]["reused"]) == (40, 0, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("", "damaged", id="empty"),
        pytest.param("[]", "no manifest", id="a list"),
        pytest.param('{"format": "seedance_nb grid", "version": 2}', "newer version", id="of tomorrow"),
        pytest.param('{"format": "seedance_nb grid", "version": 1}', "damaged", id="half of it"),
        pytest.param(
            '{"format": "seedance_nb grid", "version": 1, "axes": [], "cells": []}', "no cells", id="no cells"
        ),
        pytest.param(None, "No such file", id="not there"),
    ],
)
def test_a_file_that_is_no_manifest_is_told_in_one_line(session, tmp_path, content, words):
    path = tmp_path / "grid.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidRequest, match=f"grid.json cannot be read .*{words}"):
        Grid.from_manifest(path, session)


SIGNED = "https://bucket.blob.core.windows.net/cat.png?v=2&sv=2024&se=2026-0{n}-01&sig=SECRET{n}"


def test_exports_hold_no_signature_and_a_rebuilt_grid_finds_its_videos_for_free(simulator, session_of, tmp_path):
    addresses = [[SIGNED.format(n=1)], [SIGNED.format(n=1).replace("cat", "dog")]]
    shown = "https://bucket.blob.core.windows.net/cat.png?v=2#unsigned"
    grid = small(session_of(simulator), "it moves", media_urls=addresses, metadata={"from": addresses[0][0]}).submit()
    grid.result(PATIENCE)
    exports = [grid.export(tmp_path / name).read_text("utf-8") for name in ("grid.json", "grid.csv")]
    told = [
        *exports,
        grid.to_pandas().to_csv(),
        repr(grid.plan.lines),
        repr(grid.picture()),
        repr(grid.cells),
        repr(grid.jobs),
    ]
    assert [text for text in told if "SECRET" in text] == []
    assert all(shown in text for text in exports)
    assert (
        len(grid.export(tmp_path / "one.csv", where={"media_urls": [addresses[0]]}).read_text("utf-8").splitlines())
        == 2
    )

    again = open_grid(session_of(simulator), tmp_path / "grid.json")
    assert (again.plan.count("have it"), again.plan.new) == (2, 0)
    again.submit().result(PATIENCE)
    assert (accepted(simulator), again.picture().credits) == (2, 0)


def test_a_rebuilt_grid_buys_nothing_with_an_address_that_lost_its_signature(simulator, session, tmp_path):
    grid = small(session, "it moves", media_urls=[[SIGNED.format(n=1)], ["https://a.example/open.png"]])
    again = open_grid(session, grid.export(tmp_path / "grid.json"))
    assert [line.standing for line in again.plan] == ["invalid", "new"]
    why = again.plan.lines[0].why
    assert why.endswith("has lost its signature: write its axes again, with the address freshly signed")
    again.submit().result(PATIENCE)
    assert (accepted(simulator), "has lost its signature" in str(again.jobs[0].error)) == (1, True)


def test_cells_that_failed_are_tried_again_with_the_whole_address(simulator, session):
    grid = small(session, "it [fail] moves", media_urls=[[SIGNED.format(n=1)]]).submit()
    grid.result(PATIENCE)
    grid.retry().result(PATIENCE)
    assert [entry.body["mediaUrls"] for entry in simulator.scenario.accepted] == [[SIGNED.format(n=1)]] * 2
