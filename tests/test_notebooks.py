"""The studies in notebooks/, from question to answer, on the simulator."""

import ast
import importlib.util
import json
import re
import shutil
from pathlib import Path

import av
import nbformat
import pytest
from browser.lab import embedded_videos
from nbclient import NotebookClient

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
PROMPTS = 3
FIRST_CLIPS = 2 * PROMPTS


def demo_script():
    spec = importlib.util.spec_from_file_location("demo", ROOT / "scripts" / "demo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def execute(name, folder, environment):
    """Run a notebook in this folder; what each of its cells has said, by the first line of the cell."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=environment)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return {
        cell.source.partition("\n")[0]: "\n".join(
            str(output.get("text") or output.get("data", {}).get("text/plain", ""))
            for output in cell.get("outputs", ())
        )
        for cell in notebook.cells
    }


@pytest.fixture
def environment(tmp_path_factory, monkeypatch):
    return environment_of(tmp_path_factory.mktemp("home"), monkeypatch)


def environment_of(folder, patch):
    script = demo_script()
    patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    made = script.private_environment(folder / "home") | script.BRISK
    for name in ("JUPYTER_PATH", "JUPYTER_RUNTIME_DIR"):
        patch.setenv(name, made[name])
    return made


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """compare_prompts run twice, each time by a new kernel: (folder, what the first run said, what the second said)."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        environment = environment_of(folder, patch)
        runs = [execute("compare_prompts", folder, environment)]
        shutil.copyfile(folder / "compare_prompts.ipynb", folder / "first.ipynb")
        return folder, runs[0], execute("compare_prompts", folder, environment)


def test_it_says_first_what_can_be_found_and_what_is_asked(study):
    _, said, _ = study

    assert "6 takes of each and 480 votes by 12 raters" in said["grid = sd.grid("]
    assert "0 of at most 600 credits spent" in said['race = grid.race(by="prompt", max_credits=MONEY)']
    registered = next(text for line, text in said.items() if line.startswith("race.register("))
    assert "Registered before the first vote" in registered
    assert "as many takes of each as the race buys" in registered
    assert "round 1: 6 of 6 clips" in said["race.run()"]
    assert "race.vote() asks for 30 more votes" in said["race.run()"]


def test_it_ends_with_an_answer_that_claims_no_more_than_it_may(study):
    """Who votes on which pair is by lot, so any of a race's three endings may come."""
    _, said, _ = study

    ended = said["while race.session.settings.uses_simulator and race.end is None:"]
    assert re.search("wins, after|tie within|Undecided for this money", ended)
    assert "95 % intervals are about the prompts themselves and raters like these" in said["ranking = race.ranking()"]
    assert "No deviation from what was registered." in said["ranking = race.ranking()"]
    assert "12 raters" in said["ranking.raters"]
    methods = said["print(race.methods(ranking))"]
    assert "Takes were bought in a race by prompt of 3" in methods
    assert "not blind, as every picture bears its prompt and model" in methods
    assert "The votes are as registered." in methods


def test_it_leaves_files_to_share(study):
    folder, _, _ = study

    sizes = {name: (folder / name).stat().st_size for name in ("study.html", "study.png", "ballot.html")}
    assert min(sizes.values()) > 50_000
    assert len(set(embedded_videos(folder / "study.html"))) == len(
        json.loads((folder / "study.json").read_text())["cells"]
    )
    assert len((folder / "votes.csv").read_text().splitlines()) > 100
    assert len(set(embedded_videos(folder / "first.ipynb"))) == FIRST_CLIPS


def test_running_it_again_buys_nothing_registers_nothing_and_counts_no_vote_twice(study):
    folder, first, again = study

    last = "while race.session.settings.uses_simulator and race.end is None:"
    ended = [text[text.index("“") :].strip() for text in (first[last], again[last])]
    assert ended[0].endswith(ended[1])
    register = next(line for line in first if line.startswith("race.register("))
    assert first[register] == again[register]
    assert first["print(race.methods(ranking))"] == again["print(race.methods(ranking))"]
    assert len(set(embedded_videos(folder / "compare_prompts.ipynb"))) >= FIRST_CLIPS  # its wall, from the ledger


def test_one_take_deceives_and_five_do_not(tmp_path, environment):
    said = execute("was_it_luck", tmp_path, environment)

    assert "This clip of “a cinematic paper boat in the rain” is preferred" in said["import random"]
    assert "Cannot tell which prompt is better" in said['sd.rank(votes, clips, by="prompt")']
    assert "No winner" in said["clips = table_of(grid)"]
    counts = re.findall(
        r"(\d) takes? +of each, of='(\w+)' *: a winner among equals in +(\d+) of 20", said["def study(number, takes):"]
    )
    found = {(int(takes), of): int(count) for takes, of, count in counts}
    assert found[1, "clips"] >= 10
    assert found[1, "levels"] == 0
    assert found[5, "levels"] <= 3
    assert len(set(embedded_videos(tmp_path / "was_it_luck.ipynb"))) == 10


def test_looking_back_finds_the_same_twice_for_the_price_of_once(environment, tmp_path):
    first, second = (execute("looking_back", tmp_path, environment) for _ in range(2))

    for said in (first, second):
        assert ast.literal_eval(said["boat.request.extra, boat.answer_extra"]) == ({"seed": 7, "name": "007"},) * 2
        assert said["boat.star()"] == "['a paper boat on a rainy street']"
        assert "its file was forgotten" in said["forgotten = sd.forget(winds.jobs[0])"]
        assert said["winds.jobs[0].download_again()"] == "True"
    [before, after] = ["\n".join(said.values()) for said in (first, second)]
    assert "2 cells: 2 new" in before
    assert "2 cells: 2 have it; nothing new: 0 credits" in after


def test_clips_made_elsewhere_stand_beside_ours_for_nothing(environment, tmp_path):
    first, second = (execute("made_elsewhere", tmp_path, environment) for _ in range(2))

    for said in (first, second):
        refused = said['for labels in ({"model": "Sora"}, {"model": "Sora", "watr": "a lake"}):'].splitlines()
        assert refused[0].startswith("say where lake.mp4 stands, sd.import_clip(…, water=…)")
        assert refused[1].startswith("'watr' is no axis of this grid; did you mean 'water'?")
        assert ast.literal_eval(
            said['grid.vote(by="model", offline="ballot.html").name, grid.to_pandas().made_elsewhere.tolist()']
        ) == (
            "ballot.html",
            [False] * 4 + [True] * 2,
        )
        assert "6 cells, 2 made elsewhere: 6 clips · 0 credits" in said['grid.export("grid.json")']
    assert len(set(embedded_videos(tmp_path / "made_elsewhere.ipynb"))) == 6


def test_own_pictures_are_sent_once_and_frames_are_exact(environment, tmp_path):
    first, second = (execute("own_pictures", tmp_path, environment) for _ in range(2))

    for said in (first, second):
        assert said["from pathlib import Path"] == "(True, 0)"
        assert "3 × 3 pixels, too few" in said["try:"]
        assert "nothing was sent and nothing charged" in said["try:"]
        size, last, count, shape = ast.literal_eval(said["clip = boat.clip"])
        assert size == last == (854, 480)
        assert (count, shape) == (16, (16, 90, 160, 3))
        assert "1 reference file (first frame)" in said["harbour"]
    went = [next(int(text) for line, text in said.items() if line.startswith("len(went)")) for said in (first, second)]
    assert went == [2, 0]


def test_a_story_goes_on_from_frame_to_frame_and_costs_nothing_again(environment, tmp_path):
    first, second = (execute("story", tmp_path, environment) for _ in range(2))

    for said in (first, second):
        assert said["import numpy as np"] == "True"
        assert said["story.pick(1, take=2).result()"] == "[2, 1, 1]"
        assert said['for name in ("story.mp4", "storyboard.png", "takes.html"):'].split() == [
            "story.mp4",
            "storyboard.png",
            "takes.html",
        ]
    [before, after] = [said["story = sd.story("] for said in (first, second)]
    assert "6 cells: 1 have it, 5 new" in before  # its first clip is the one at the beginning
    assert "6 cells: 6 have it; nothing new: 0 credits" in after
    [changed, again] = [said["other = sd.story("] for said in (first, second)]
    assert "2 new" in changed
    assert "6 cells: 6 clips" in changed  # what comes of it is shown too
    assert "nothing new: 0 credits" in again
    assert len(set(embedded_videos(tmp_path / "story.ipynb"))) >= 6
    with av.open(str(tmp_path / "story.mp4")) as film:
        assert film.streams.video[0].frames == 3 * 96 - 2
