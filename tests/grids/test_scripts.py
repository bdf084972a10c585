"""What a fresh script can do with a grid: everything but to vote in it. No part of the notebook is loaded for it."""

import json
import os
import subprocess
import sys

import pytest
from grids.stage import PATIENCE, accepted, small

SCRIPT = """
import sys
import seedance_nb as sd

grid = sd.Grid.from_manifest("grid.json")
grid.submit().result(60)
{work}
loaded = [name for name in sys.modules if name.partition(".")[0] in ("IPython", "ipywidgets") or "seedance_nb.notebook" in name]
assert not loaded, loaded
"""


@pytest.fixture
def script(simulator, session, tmp_path):
    """Runs code in a new process, in the folder that holds the manifest of two finished clips and their ledger."""
    grid = small(session, "a {x}", x=["cat", "dog"]).submit()
    grid.result(PATIENCE)
    grid.export(tmp_path / "grid.json")
    service = {"SEEDANCE_HOME": str(tmp_path), "SEEDANCE_BASE_URL": simulator.base_url, "SEEDANCE_API_KEY": "a-key"}

    def run(work):
        code = SCRIPT.format(work=work)
        environment = {**os.environ, **service}
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=False,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        assert accepted(simulator) == 2  # the ledger had both
        return done.stdout

    return run


@pytest.mark.host("script", "board and wall")
def test_a_script_exports_a_page_with_the_clips_inside(script, tmp_path):
    script("print(grid.export('page.html'))")
    assert (tmp_path / "page.html").read_text("utf-8").count("data:video/mp4;base64,") == 1  # both have one film


@pytest.mark.host("script", "ballot", how="offline")
def test_a_script_writes_a_ballot_takes_its_votes_in_and_ranks(script, tmp_path):
    told = script(
        """
import json, re
page = grid.vote(["overall", "motion"], offline="ballot.html").read_text("utf-8")
ballot = json.loads(re.search(r'id="ballot">(.*?)</script>', page).group(1))
vote = {"pair": 1, "aspect": "motion", "choice": "left", "at": 1.0}
kept = {name: ballot[name] for name in ("format", "version", "schedule", "signature")}
open("votes.json", "w").write(json.dumps(kept | {"rater": "Ada", "votes": [vote]}))
print(json.dumps([grid.add_votes("votes.json"), len(grid.votes()), grid.ranking(aspect="motion").votes]))
"""
    )
    assert json.loads(told) == [1, 1, 1]


def test_a_script_that_asks_for_a_ballot_below_its_cell_is_told_how_to_vote(script):
    told = script(
        """
try:
    grid.vote()
except sd.SeedanceError as error:
    print(error)
"""
    )
    assert told == "votes need a notebook; grid.vote(offline='ballot.html') writes a page for any browser\n"
