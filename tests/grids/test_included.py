"""Clips made elsewhere stand on walls, ballots, rankings and in tables, cost nothing, and are no jobs."""

import csv
import json

import pytest
from grids.stage import PATIENCE, accepted, small

from seedance_nb.errors import ClipError, InvalidRequest
from seedance_nb.grids.ballots.page import write_ballot
from seedance_nb.grids.opening import open_grid
from seedance_nb.simulator import film
from seedance_nb.tracking.importing import import_into
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.ledger.vote import Choice, Vote


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """Four films that no request has made."""
    folder = tmp_path_factory.mktemp("foreign")
    paths = [folder / f"sora-{n}.mp4" for n in range(4)]
    for path in paths:
        about = {"prompt": path.stem, "model": "another", "take": 1, "request_id": "req_1"}
        film.render(path, **about, aspect_ratio="1:1", resolution="480p", seconds=0.25)
    return paths


@pytest.fixture
def grid(session):
    made = small(session, "a boat on {water}", water=["a lake", "the sea"], takes=2).submit()
    made.result(PATIENCE)
    return made


def sora(grid, film, **labels):
    return import_into(grid.session, film, {"model": "Sora", **labels})


def included(grid):
    return [tile for tile in grid.picture().tiles if tile.origin is not None]


@pytest.fixture
def mixed(grid, films):
    return grid.include(sora(grid, films[0], water="a lake"), sora(grid, films[1], water="the sea"))


def test_included_clips_stand_on_the_axes_and_are_no_jobs(mixed, simulator):
    picture = mixed.picture()

    assert picture.names == ("water", "model", "take")
    assert [(t.cell.values["water"], t.cell.values["model"], t.cell.take) for t in included(mixed)] == [
        ("a lake", "Sora", 1),
        ("the sea", "Sora", 1),
    ]
    assert {t.cell.values["model"] for t in picture.tiles if t.origin is None} == {"seedance-2.0"}
    assert [t.cell.request.prompt for t in included(mixed)] == ["a boat on a lake", "a boat on the sea"]
    assert (len(mixed), len(mixed.jobs), len(mixed.plan), len(mixed.result())) == (4, 4, 4, 4)
    assert (picture.counts.done, picture.credits) == (6, mixed.picture().credits)


def test_nothing_that_sends_or_ends_jobs_touches_them(mixed, simulator):
    before = accepted(simulator), mixed.picture().credits, mixed.session.spent

    mixed.submit().retry().cancel()
    mixed.result(PATIENCE)
    assert (accepted(simulator), mixed.picture().credits, mixed.session.spent) == before
    mixed.extend(takes=3).result(PATIENCE)

    assert accepted(simulator) == 6
    assert [tile.cell.index for tile in mixed.picture().tiles] == list(range(8))
    assert {tile.snapshot.key for tile in included(mixed)} & {job.key for job in mixed.session.jobs(limit=100)} == set()


def test_the_prompt_of_a_cell_says_where_a_clip_stands(grid, films):
    grid.include(sora(grid, films[0], prompt="a boat on the sea"))

    assert included(grid)[0].cell.values == {"water": "the sea", "model": "Sora", "take": 1}


def test_a_template_on_the_axis_of_prompts_is_met_by_its_finished_text(session, films):
    grid = small(session, ["a {x} jumps", "the {x} sleeps"], x=["cat", "dog"])
    grid.include(sora(grid, films[0], prompt="the dog sleeps"), sora(grid, films[1], prompt="a {x} jumps", x="cat"))

    one, other = included(grid)
    assert (one.cell.values["prompt"], one.cell.values["x"]) == ("the {x} sleeps", "dog")
    assert (other.cell.request.prompt, other.cell.values["prompt"]) == ("a cat jumps", "a {x} jumps")


def test_takes_are_counted_on_and_an_unnamed_model_is_made_elsewhere(grid, films):
    clips = [import_into(grid.session, film, {"water": "a lake"}) for film in films[:2]]
    seedance = import_into(grid.session, films[2], {"water": "a lake", "model": "seedance-2.0"})
    grid.include(*clips, seedance)

    assert [(t.cell.values["model"], t.cell.take) for t in included(grid)] == [
        ("made elsewhere", 1),
        ("made elsewhere", 2),
        ("seedance-2.0", 3),
    ]


def test_the_same_clip_again_changes_nothing(mixed, films):
    before = mixed.picture().tiles
    mixed.include(sora(mixed, films[0], water="a lake"))

    assert mixed.picture().tiles == before


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"watr": "a lake"}, "'watr' is no axis of this grid; did you mean 'water'"),
        ({}, r"say where sora-3.mp4 stands, sd.import_clip\(…, water=…\): of water there are a lake, the sea"),
        ({"water": "a lake", "take": 0}, "take must be a whole number from 1"),
        ({"water": "a lake", "metadata": "x"}, "says nothing of where a clip stands"),
        ({"water": "a lake", "duration": "long"}, "duration must be whole seconds"),
        ({"water": "a lake", "model": 3}, "the model is a name"),
    ],
)
def test_labels_that_do_not_say_where_are_refused_and_nothing_is_included(grid, films, labels, words):
    good = sora(grid, films[0], water="a lake")

    with pytest.raises(InvalidRequest, match=words) as raised:
        grid.include(good, import_into(grid.session, films[3], labels))

    assert "nothing was included" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not included(grid)


def test_a_file_stands_in_one_place(mixed, films, tmp_path):
    twice = sora(mixed, films[2], water="a lake")
    with pytest.raises(InvalidRequest, match="named twice"):
        mixed.include(twice, twice)
    with pytest.raises(InvalidRequest, match=r"on this grid already, as water a lake, model Sora"):
        mixed.include(sora(mixed, films[0], water="the sea"))
    with pytest.raises(InvalidRequest, match=r"a clip of this grid already \(cell \d\)"):
        mixed.include(sora(mixed, mixed.jobs[0].clip.path, water="a lake"))
    with pytest.raises(InvalidRequest, match="include takes what"):
        mixed.include("sora.mp4")
    with pytest.raises(InvalidRequest, match="must be text or a number"):
        sora(mixed, films[2], water=["a lake"])
    assert len(included(mixed)) == 2


def test_tables_mark_them_and_count_no_credits(mixed, tmp_path):
    with mixed.export(tmp_path / "grid.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [(row["model"], row["made_elsewhere"], row["status"], row["credits"]) for row in rows[4:]] == [
        ("Sora", "True", "made elsewhere", "0.0"),
        ("Sora", "True", "made elsewhere", "0.0"),
    ]
    assert {row["made_elsewhere"] for row in rows[:4]} == {"False"}
    frame = mixed.to_pandas()
    assert list(frame[frame.made_elsewhere]["prompt"]) == ["a boat on a lake", "a boat on the sea"]


def test_votes_about_them_are_ranked_by_model(mixed):
    ours, theirs = mixed.jobs[0].key, included(mixed)[0].snapshot.key
    votes = [Vote(f"v{n}", f"r{n % 3}", "overall", theirs, ours, Choice.LEFT, 1.0 + n) for n in range(12)]
    mixed.session.ask_ledger(Ledger.add_votes, votes)

    assert len(mixed.votes()) == 3  # each rater's first on a pair counts
    assert {row.label for row in mixed.ranking(by="model").table} == {"Sora", "seedance-2.0"}
    assert "Sora" in mixed.methods()
    assert "2 more videos were made elsewhere" in mixed.methods()
    assert "4 videos were obtained" in mixed.methods()


def test_the_ballot_has_them_and_says_nothing_of_where_they_come_from(mixed, tmp_path):
    page = write_ballot(mixed.picture(), tmp_path / "ballot.html", mixed.session, by="model")
    text = page.read_text("utf-8")
    words = text[: text.index('<script type="text/plain"')] + text[text.rindex("</script>") - 200_000 :]

    for said in ("Sora", "sora-0", "elsewhere", included(mixed)[0].snapshot.key, included(mixed)[0].origin.sha256[:12]):
        assert said not in words
    import base64

    assert base64.b64encode(included(mixed)[0].clip.path.read_bytes()).decode() in text


def test_the_wall_says_that_they_were_made_elsewhere(mixed, tmp_path):
    text = mixed.export(tmp_path / "wall.html").read_text("utf-8")

    assert "6 cells, 2 made elsewhere: 6 clips" in text
    assert "made elsewhere · 0 credits · take 1" in text
    assert "Sora" in text
    assert mixed.export(tmp_path / "sheet.png").exists()
    assert mixed.view(columns="model").columns == "model"


def test_a_folder_has_them_byte_for_byte(mixed, films, tmp_path):
    folder = mixed.export(tmp_path / "out", names="{model}-{water}-{take}.mp4")

    assert (folder / "Sora-a lake-1.mp4").read_bytes() == films[0].read_bytes()


def test_a_reopened_grid_has_them_and_their_votes(mixed, tmp_path, simulator):
    manifest = mixed.export(tmp_path / "grid.json")
    text = manifest.read_text("utf-8")
    again = open_grid(mixed.session, manifest).submit()
    again.result(PATIENCE)

    assert str(tmp_path) not in text
    assert [(t.cell.values, t.snapshot.key, t.clip.sha256) for t in included(again)] == [
        (t.cell.values, t.snapshot.key, t.clip.sha256) for t in included(mixed)
    ]
    assert (len(again), accepted(simulator), again.picture().names) == (4, 4, mixed.picture().names)
    assert json.loads(again.export(tmp_path / "again.json").read_text())["cells"][4]["made_elsewhere"] == {
        "sha256": included(mixed)[0].origin.sha256,
        "name": "sora-0.mp4",
        "labels": {"model": "Sora", "water": "a lake"},
    }


def test_where_the_file_is_gone_a_line_says_import_it_again_and_that_does_it(mixed, films, tmp_path, capsys):
    manifest = mixed.export(tmp_path / "grid.json")
    included(mixed)[0].clip.path.unlink()
    again = open_grid(mixed.session, manifest)

    said = capsys.readouterr().err
    assert said.startswith(
        "seedance: sora-0.mp4, made elsewhere, is not on this machine: import it again, grid.include("
    )
    assert said.count("\n") == 1
    lost = included(again)[0]
    assert lost.clip is None
    assert "import it again" in str(lost.snapshot.error)
    assert (again.picture().lost, again.picture().counts.failed) == (1, 1)
    again.include(sora(again, films[0], water="a lake"))
    assert (again.picture().lost, len(included(again)), included(again)[0].clip.path.exists()) == (0, 2, True)


@pytest.mark.parametrize("wrong", [{"sha256": "../../x"}, {"sha256": 3}, {}])
def test_a_manifest_that_was_tampered_with_names_no_file(mixed, tmp_path, wrong):
    found = json.loads(mixed.export(tmp_path / "grid.json").read_text())
    found["cells"][4]["made_elsewhere"] = {"name": "x", "labels": {}, **wrong}
    (tmp_path / "grid.json").write_text(json.dumps(found))

    with pytest.raises(InvalidRequest, match="damaged"):
        open_grid(mixed.session, tmp_path / "grid.json")


def test_a_measure_takes_them_too(mixed):
    assert {tile.snapshot.key for tile in included(mixed)} <= set(
        mixed.measure("motion", workers=1).as_columns[0].values
    )


def test_a_lost_copy_says_how_it_comes_back(mixed):
    clip = included(mixed)[0].clip
    clip.path.unlink()

    with pytest.raises(ClipError, match=r"sd.import_clip\(…\) brings it back"):
        clip.bytes()


def test_a_registration_speaks_of_the_same_grid_before_and_after(grid, films, tmp_path):
    before = grid.register("is it the water?", by="water")
    grid.include(sora(grid, films[0], water="a lake"), sora(grid, films[1], water="the sea"))

    assert [one.hash for one in grid.registrations] == [before.hash]
    assert grid.register("is it the water?", by="water").hash == before.hash
    reopened = open_grid(grid.session, grid.export(tmp_path / "grid.json"))
    assert reopened.register("is it the water?", by="water").hash == before.hash
