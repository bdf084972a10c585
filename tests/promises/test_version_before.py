"""What the version before wrote is opened, resumed and played, and nothing of it is bought again.

`of_4fe33ea/` was made by the code of that commit at its own simulator: a ledger with a job in every state (two whose processes were
killed while they sent, one whose file had not been fetched), votes, a reuse and an account; the clips of two jobs, of 3 kB each; the
simulator's journal; and a notebook, run and saved. All moments lie three years back, and dead processes are of a machine of no name.
"""

import base64
import io
import json
import re
import shutil
import sqlite3
import time
from pathlib import Path

import av
import nbclient
import nbformat
import pytest
from nbconvert import HTMLExporter

from seedance_nb.api.models import Status
from seedance_nb.errors import OutcomeUnknown
from seedance_nb.tracking import owner
from seedance_nb.tracking.ledger.ledger import Ledger
from seedance_nb.tracking.session import Session

BEFORE = Path(__file__).with_name("of_4fe33ea")
SMALL = {"model": "seedance-2.0-fast", "duration": 4, "resolution": "480p", "aspect_ratio": "1:1"}
VIDEO = re.compile(r'<video[^>]* src="data:video/mp4;base64,([^"]+)"')
STATES = {
    "a paper boat": "succeeded",
    "a paper plane": "succeeded",
    "a paper lantern": "succeeded",
    "a kite that tears [fail]": "failed",
    "a cancelled kite [stuck]": "cancelled",
    "a refused kite": "rejected",
    "an unanswered kite": "unknown",
    "a kite that waits": "queued",
    "a kite in the making": "processing",
    "a kite in the air": "submitting",
    "a kite that was never sent": "submitting",
}


@pytest.fixture
def home(tmp_path):
    """The home as that version left it; processes that died are of this machine, and dead."""
    home = tmp_path / "home"
    (home / "simulator").mkdir(parents=True)
    shutil.copytree(BEFORE / "clips", home / "clips")
    shutil.copyfile(BEFORE / "journal.jsonl", home / "simulator" / "journal.jsonl")
    film = next((BEFORE / "clips").glob("*.mp4"))
    for request_id in accepted(home):  # all of them were of these 3 kB, and made
        shutil.copyfile(film, home / "simulator" / f"{request_id}.mp4")
    with sqlite3.connect(home / "ledger.sqlite3") as db:
        db.executescript((BEFORE / "ledger.sql").read_text("utf-8"))
        db.execute("UPDATE jobs SET owner = replace(owner, 'laboratory', ?)", (owner._machine(),))
    db.close()
    return home


@pytest.fixture
def session(home):
    with Session(base_url="simulator", home=home) as session:
        yield session


def accepted(home):
    events = map(json.loads, (home / "simulator" / "journal.jsonl").read_text("utf-8").splitlines())
    return [event["request_id"] for event in events if event["event"] == "accepted"]


def frames(mp4):
    with av.open(mp4 if isinstance(mp4, io.BytesIO) else str(mp4)) as film:
        return sum(1 for _ in film.decode(video=0))


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_every_job_is_there_as_it_was(session):
    found = {job.request.prompt: job for job in session.jobs()}

    assert {prompt: job.status_text for prompt, job in found.items()} == STATES
    assert sum(line.credits for line in session.spending()) == 12.0 * 7
    assert sum(line.saved for line in session.spending()) == 12.0
    assert isinstance(found["an unanswered kite"].error, OutcomeUnknown)
    assert {prompt for prompt, job in found.items() if job.clip} == {"a paper boat", "a paper lantern"}


def test_votes_and_what_was_said_of_accounts_are_there(home):
    ledger = Ledger(home / "ledger.sqlite3")
    keys = {row.request.prompt: row.key for row in ledger.jobs()}
    among = ledger.votes_among([keys["a paper boat"], keys["a paper plane"]])

    assert [(vote.rater, vote.aspect, vote.choice.value) for vote in among] == [
        ("Ann", "overall", "left"),
        ("Bob", "motion", "tie"),
    ]
    assert ledger.accounts.account_of("0123456789abcdef0123") == "name:lab"
    assert ledger.check() == "ok"
    ledger.close()


def test_what_was_under_way_is_resumed_to_its_clip_and_nothing_is_bought(home, session):
    before = accepted(home)
    jobs = {job.request.prompt: job for job in session.resume()}
    until(lambda: all(job.done() for job in jobs.values()))

    ended = {prompt: job.status for prompt, job in jobs.items()}
    assert ended == {
        "a kite that waits": Status.SUCCEEDED,
        "a kite in the making": Status.SUCCEEDED,
        "a paper plane": Status.SUCCEEDED,  # its file had not been fetched
        "a kite in the air": Status.UNKNOWN,  # perhaps accepted: told, not sent again
        "a kite that was never sent": Status.REJECTED,
    }
    assert all(frames(job.clip.path) for job in jobs.values() if job.status is Status.SUCCEEDED)
    assert accepted(home) == before


@pytest.mark.parametrize("prompt", ["a paper boat", "a paper lantern"])
def test_what_was_bought_is_reused_and_plays(home, session, prompt):
    before = accepted(home)
    job = session.submit(prompt, **SMALL)

    assert frames(job.result(60).path) == 48
    assert (job.reused, job.credits) == (True, 0.0)
    assert accepted(home) == before


def test_what_may_have_been_paid_for_is_told_and_not_sent_again(home, session):
    before = accepted(home)
    with pytest.raises(OutcomeUnknown):
        session.submit("an unanswered kite", **SMALL).result(60)
    assert accepted(home) == before


def test_a_saved_notebook_plays_as_a_page(tmp_path):
    notebook = nbformat.read(BEFORE / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    page, _ = HTMLExporter().from_notebook_node(notebook)

    [film] = VIDEO.findall(page)
    assert frames(io.BytesIO(base64.b64decode(film))) == 48


def test_a_saved_notebook_runs_again_for_nothing_and_shows_the_same_video(home, tmp_path, monkeypatch):
    for name, value in {"SEEDANCE_BASE_URL": "simulator", "SEEDANCE_HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SEEDANCE_API_KEY", raising=False)
    before = accepted(home)
    notebook = nbformat.read(BEFORE / "notebook.ipynb", as_version=4)
    saved = notebook.cells[-1].outputs[0].data["text/html"]
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()

    shown = "".join(output.get("data", {}).get("text/html", "") for output in notebook.cells[-1].outputs)
    assert VIDEO.findall(shown) == VIDEO.findall(saved)
    assert accepted(home) == before
